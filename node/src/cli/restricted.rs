//! `spean restricted` and `spean ceremony give-back`: a prison's keys of the restricted stream come back to
//! its next computer, out of the escrow, by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use spean_protocol::given_back::{Asked, seal_given};
use spean_protocol::limits::ASKED_BYTES_MAX;
use spean_protocol::roster::seal_of_keys;

use super::typed::confirm;
use super::{ask, rebuild, show};
use crate::api::{Kind, Refusal, Reply, Request};
use crate::ceremony::Folder;
use crate::home::{Home, read_small, write_whole};
use crate::key_stick::KeyStick;
use crate::world::{Machine, World};

/// Restricted records (WHO-5, disability) of a prison whose computer was lost.
#[derive(Debug, Subcommand)]
pub(super) enum RestrictedCommand {
    /// Write the file with which this prison asks officials for the keys of its restricted records.
    #[command(
        after_help = "The new computer must have its prison's log already, by a link or a stick.\n\n\
                            Example: spean restricted ask /media/stick/kam.ask"
    )]
    Ask {
        /// The file.
        file: PathBuf,
        /// Of very many keys, which part.
        #[arg(long, default_value_t = 1)]
        part: usize,
    },
    /// Take the keys that officials gave back.
    #[command(after_help = "Example: spean restricted take /media/stick/kam.ask.given")]
    Take {
        /// The file that 'spean ceremony give-back' wrote.
        file: PathBuf,
    },
}

fn read_file(file: &Path) -> Result<Vec<u8>, Refusal> {
    read_small(file, ASKED_BYTES_MAX)
        .map_err(|error| Refusal::new(Kind::Refused, format!("{}: {error}", file.display())))
}

pub(super) async fn restricted(
    home: &Home,
    command: &RestrictedCommand,
    json: bool,
) -> Result<ExitCode, Refusal> {
    match command {
        RestrictedCommand::Ask { file, part } => {
            let request = Request::RestrictedAsk { part: *part };
            let Reply::Asked { bytes, seal } = ask(home, request).await? else {
                return Err(Refusal::new(Kind::Home, "an unexpected answer"));
            };
            fs::write(file, bytes).map_err(|error| {
                Refusal::new(Kind::Store, format!("{}: {error}", file.display()))
            })?;
            if json {
                println!("{}", serde_json::json!({ "asked": file, "seal": seal }));
            } else {
                println!(
                    "{} goes to two officials: it holds nothing that only they may see.",
                    file.display()
                );
                println!("Read out to them, so that they know whose it is: {seal}");
            }
            Ok(ExitCode::SUCCESS)
        }
        RestrictedCommand::Take { file } => {
            let bytes = read_file(file)?;
            show::reply(json, &ask(home, Request::RestrictedTake { bytes }).await?)
        }
    }
}

/// Opens with officials' sticks what a prison asks for, and seals it to that prison's computer.
pub(super) fn give_back(
    folder: &Path,
    file: &Path,
    sticks: &[PathBuf],
    json: bool,
) -> Result<ExitCode, Refusal> {
    let refused = |message: String| Refusal::new(Kind::Refused, message);
    let asked = Asked::decode(&read_file(file)?).map_err(|error| {
        refused(format!(
            "{}: {error}: 'spean restricted ask' writes such a file",
            file.display()
        ))
    })?;
    let mut newest = None;
    for path in sticks {
        newest = Some(Folder::at(folder).newest(&KeyStick::at(path))?.1);
    }
    let roster = newest.ok_or_else(|| refused("no stick was named".to_owned()))?;
    let unknown = || {
        refused(format!(
            "no site {} has a computer by this folder's roster",
            asked.site
        ))
    };
    let site = roster.site(asked.site).ok_or_else(unknown)?;
    let to = roster.box_key(asked.site).ok_or_else(unknown)?;
    let key = site.keys.last().ok_or_else(unknown)?;
    if !json {
        println!(
            "{} ({}) asks for the keys of its restricted records.",
            site.name, site.code
        );
        println!(
            "The seal of its computer's keys: {}",
            seal_of_keys(key, &to)
        );
    }
    confirm("Has somebody there whom you know read out that seal?", json)?;
    let keys = asked.open(&rebuild::open(sticks)?);
    if keys.is_empty() {
        return Err(refused(format!(
            "{}: none of it opens with the escrow of these sticks",
            file.display()
        )));
    }
    let given = seal_given(&keys, asked.site, &to, Machine.random())
        .map_err(|error| refused(error.to_string()))?;
    let mut path = file.as_os_str().to_owned();
    path.push(".given");
    let path = PathBuf::from(path);
    write_whole(&path, &given, 0o600)
        .map_err(|error| Refusal::new(Kind::Store, format!("{}: {error}", path.display())))?;
    let closed = asked.wraps.len() - keys.len();
    if json {
        let value = serde_json::json!({ "given": keys.len(), "closed": closed, "file": path });
        println!("{value}");
    } else {
        println!(
            "{} keys given, {closed} closed. Only that computer opens {}.",
            keys.len(),
            path.display()
        );
        println!("There: 'spean restricted take'.");
    }
    Ok(ExitCode::SUCCESS)
}
