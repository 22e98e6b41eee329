//! `spean backup` and `spean restore`: the whole node on a stick, and a node from it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use spean_protocol::backup::{Code, Opens};

use super::typed::read_sheet;
use super::{absolute, ask, show};
use crate::api::{Kind, Refusal, Reply, Request};
use crate::backup::restore::Backup;
use crate::backup::{HALF, Sheet};
use crate::engine::EngineError;
use crate::engine::report::Status;
use crate::home::Home;
use crate::node::Node;
use crate::world::Machine;

/// `backup`.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The stick's directory.
    #[arg(required_unless_present = "sheet")]
    directory: Option<PathBuf>,
    /// Make the sheet that opens the backups made from now on, and print it: once, and again when a
    /// cohort has followed.
    #[arg(long, conflicts_with = "directory")]
    sheet: bool,
}

/// `restore`.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The backup's file.
    file: PathBuf,
    /// Read it to its end, and make nothing of it: a drill.
    #[arg(long)]
    check: bool,
}

/// Makes the sheet, or the backup, or both.
pub(super) async fn backup(
    home: &Home,
    args: &BackupArgs,
    json: bool,
) -> Result<ExitCode, Refusal> {
    if args.sheet {
        let Reply::Roster(page) = ask(home, Request::RosterShow).await? else {
            return Err(Refusal::new(Kind::Home, "an unexpected answer"));
        };
        let before = Sheet::of(home).is_ok();
        let code = Sheet::make(home, page.cohort, &mut Machine)?;
        show_sheet(json, &code, before);
    }
    let Some(directory) = &args.directory else {
        return Ok(ExitCode::SUCCESS);
    };
    let request = Request::Backup {
        directory: absolute(directory),
    };
    let whole = std::fs::metadata(home.database()).map_or(0, |about| about.len());
    let bar = bar(whole);
    let watch = watch(directory.join(HALF), bar.clone());
    let reply = tokio::select! {
        reply = ask(home, request) => reply,
        () = watch => return Err(Refusal::new(Kind::Home, "an unexpected end")),
    };
    bar.finish_and_clear();
    show::reply(json, &reply?)
}

fn show_sheet(json: bool, code: &Code, before: bool) {
    let paper = code.to_paper(Opens::Sheet);
    if json {
        println!("{}", serde_json::json!({ "sheet": *paper }));
        return;
    }
    println!("SPEAN BACKUP SHEET");
    println!(
        "Whoever has this sheet and a stick with a backup reads everything. Write it down now: it"
    );
    println!("is shown once. Lock it away, in another building than the sticks.\n");
    let groups: Vec<&str> = paper.split(' ').collect();
    groups
        .chunks(4)
        .for_each(|line| println!("    {}", line.join("  ")));
    println!(
        "\nThen 'spean backup DIRECTORY', and 'spean restore --check FILE' with the sheet in hand."
    );
    if before {
        println!("Backups made before today open with the sheet before: keep it as long as them.");
    }
}

/// The running node writes: how far it is shows on the stick.
async fn watch(half: PathBuf, bar: ProgressBar) {
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if let Ok(about) = std::fs::metadata(&half) {
            bar.set_position(about.len());
            if about.len() >= bar.length().unwrap_or(0) {
                bar.set_message("reading it back");
            }
        }
    }
}

fn bar(whole: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes} ({eta} left) {msg}");
    ProgressBar::new(whole).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Makes a home from a backup, or only reads it.
pub(super) async fn restore(
    home: &Home,
    args: &RestoreArgs,
    json: bool,
) -> Result<ExitCode, Refusal> {
    // What cannot be is said before anybody types.
    Backup::probe(&args.file)?;
    if !args.check {
        home.check_free()?;
    }
    if !json {
        eprintln!("Type the sheet, or the code from the officials, and end with an empty line:");
    }
    let typed = |why: spean_protocol::backup::BackupError| {
        Refusal::new(Kind::Refused, format!("what was typed: {why}"))
    };
    let (opens, code) = Code::from_paper(&read_sheet()?).map_err(typed)?;
    let backup = Backup::open(&args.file, |head| head.open(opens, &code))?;
    let whole = backup.manifest().files.iter().map(|(_, length)| length);
    let bar = bar(whole.sum());
    let mut progress = |bytes| bar.inc(bytes);
    let done = match args.check {
        true => backup.verify(&mut progress),
        false => backup.restore(home, &mut progress),
    };
    bar.finish_and_clear();
    let manifest = done?;
    let made = show::moment(manifest.stamp);
    let whose = format!("{} ({})", manifest.name, manifest.code);
    if args.check {
        if json {
            let value = serde_json::json!({ "checked": { "site": manifest.code, "made": made } });
            println!("{value}");
        } else {
            println!("The backup of {whose} of {made} is whole, and this code opens it.");
        }
        return Ok(ExitCode::SUCCESS);
    }
    // The first start says whether the node can be itself still.
    let (status, seal) = opened(home).await.map_err(|error| {
        let message = format!("the backup of {whose} of {made} was restored, but: {error}");
        Refusal::new(error.kind, message)
    })?;
    if json {
        let value = serde_json::json!({ "restored": {
            "site": manifest.code, "made": made, "learners": status.learners, "seal": seal,
        }});
        println!("{value}");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "Restored {whose} as it was on {made}: {} learners.",
        status.learners
    );
    println!(
        "Seal of the roots: {seal}. It must be the one that you were told when the node was new."
    );
    println!(
        "Next: 'spean run', then a link or a stick of the head office: it brings back what this"
    );
    println!("node had sealed and sent since. What nobody else had got is lost: record it again.");
    println!(
        "Never start the old machine again. If it does run somewhere, 'spean status' will say so."
    );
    Ok(ExitCode::SUCCESS)
}

/// How the node stands, and the seal of the roots that it trusts.
async fn opened(home: &Home) -> Result<(Status, String), Refusal> {
    let node = Node::open(home)?;
    let asked = node
        .service
        .call(|engine| Ok::<_, EngineError>((engine.status()?, engine.roster().seal())));
    Ok(asked.await??)
}

/// What officials read out for one backup, by the escrow on their sticks: its own code, which opens no
/// other.
pub(super) fn open_for_prison(
    file: &Path,
    sticks: &[PathBuf],
    json: bool,
) -> Result<ExitCode, Refusal> {
    let head = Backup::probe(file)?;
    let seeds = super::rebuild::open(sticks)?;
    let refused = |error: spean_protocol::backup::BackupError| {
        Refusal::new(Kind::Refused, format!("{}: {error}", file.display()))
    };
    let code = head.open_by_escrow(&seeds).map_err(refused)?;
    let backup = Backup::open(file, |_| Ok(code.clone()))?;
    let paper = code.to_paper(Opens::One);
    let (manifest, made) = (backup.manifest(), show::moment(backup.manifest().stamp));
    if json {
        let value = serde_json::json!({ "code": *paper, "site": manifest.code, "made": made });
        println!("{value}");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "CODE OF ONE BACKUP: {} ({}), {made}",
        manifest.name, manifest.code
    );
    println!(
        "It opens this file and no other. Give it to somebody whose voice you know, and only if you"
    );
    println!("know where the stick is. 'spean restore' asks for it.\n");
    let groups: Vec<&str> = paper.split(' ').collect();
    groups
        .chunks(4)
        .for_each(|line| println!("    {}", line.join("  ")));
    Ok(ExitCode::SUCCESS)
}
