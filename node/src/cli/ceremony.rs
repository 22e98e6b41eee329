//! `spean ceremony`: the officials who keep the root keys make, sign and check rosters.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use spean_protocol::escrow::Escrow;
use spean_protocol::roster::{Role, Roster, SignedRoster};
use zeroize::Zeroizing;

use crate::api::{Kind, Refusal, Reply, Request};
use crate::ceremony::{Folder, Signatures, Unlocked};
use crate::cli::{ask, show};
use crate::home::{EnrolmentRequest, Home};
use crate::key_stick::{KeyStick, RootKeys};
use crate::node::roster_page;
use crate::passphrase::CHARACTERS_MIN;
use crate::world::Machine;

/// Bytes of an enrolment request, and of a sheet that somebody types.
const TEXT_BYTES_MAX: u64 = 4_096;

/// Where rosters are made.
#[derive(Debug, Subcommand)]
pub(super) enum CeremonyCommand {
    /// Once, with all sticks in one room: make a root key on each, the escrow, and roster 1.
    #[command(
        after_help = "Example: spean ceremony begin folder --stick /media/a --stick /media/b \
                            --stick /media/c dgp.toml cc1.toml"
    )]
    Begin(BeginArgs),
    /// At the head office's node: propose a roster with further sites, from their requests.
    #[command(
        after_help = "The proposal lies in the folder until enough roots have signed it: \
                            'spean ceremony sign'. Then 'spean roster install proposal.spean'."
    )]
    Propose {
        /// The folder that goes to the officials.
        folder: PathBuf,
        /// The sites are in the roster already: their nodes were made anew, with new keys.
        #[arg(long)]
        again: bool,
        /// The files request.toml of the nodes.
        #[arg(required = true)]
        requests: Vec<PathBuf>,
    },
    /// What the proposal of a folder changes, and who has signed it.
    Show {
        /// The folder.
        folder: PathBuf,
    },
    /// Sign the proposal of a folder with the root key of one stick.
    Sign {
        /// The folder.
        folder: PathBuf,
        #[command(flatten)]
        stick: StickArgs,
    },
    /// Print a root's key as letters for a sheet of paper: the backup of its stick.
    Paper {
        #[command(flatten)]
        stick: StickArgs,
    },
    /// Make a root's stick anew from its sheet; the letters are read from standard input.
    Restore {
        /// A new stick's folder.
        #[arg(long)]
        stick: PathBuf,
        /// Another root's stick, from which the escrow is copied.
        #[arg(long)]
        escrow: Option<PathBuf>,
        /// Set no passphrase.
        #[arg(long)]
        no_passphrase: bool,
    },
    /// A drill: open everything in the escrow with these sticks, and show nothing of it.
    Check {
        /// The sticks' folders, as many as must open the escrow together.
        #[arg(long = "stick", required = true)]
        sticks: Vec<PathBuf>,
    },
}

/// `begin`.
#[derive(Debug, Args)]
pub(super) struct BeginArgs {
    /// The folder that will hold the roster; nothing in it is secret.
    folder: PathBuf,
    /// The folder of an empty stick, for each root one.
    #[arg(long = "stick", required = true)]
    sticks: Vec<PathBuf>,
    /// How many of the roots must sign, and open the escrow together.
    #[arg(long, default_value_t = 2)]
    threshold: u8,
    /// Set no passphrases: whoever has a stick has its key.
    #[arg(long)]
    no_passphrase: bool,
    /// The files request.toml of the first nodes, the head office's among them.
    #[arg(required = true)]
    requests: Vec<PathBuf>,
}

/// A root's stick.
#[derive(Debug, Args)]
pub(super) struct StickArgs {
    /// The stick's folder.
    #[arg(long)]
    stick: PathBuf,
}

/// Does what the command names.
pub(super) async fn ceremony(
    home: &Home,
    command: &CeremonyCommand,
    json: bool,
) -> Result<ExitCode, Refusal> {
    match command {
        CeremonyCommand::Begin(args) => begin(args, json),
        CeremonyCommand::Propose {
            folder,
            again,
            requests,
        } => propose(home, folder, *again, requests, json).await,
        CeremonyCommand::Show { folder } => show_proposal(&Folder::at(folder), json),
        CeremonyCommand::Sign { folder, stick } => sign(&Folder::at(folder), &stick.stick, json),
        CeremonyCommand::Paper { stick } => paper(&stick.stick, json),
        CeremonyCommand::Restore {
            stick,
            escrow,
            no_passphrase,
        } => restore(stick, escrow.as_deref(), *no_passphrase, json),
        CeremonyCommand::Check { sticks } => check(sticks, json),
    }
}

fn begin(args: &BeginArgs, json: bool) -> Result<ExitCode, Refusal> {
    let requests = read_requests(&args.requests)?;
    if !requests.iter().any(|one| one.role == "headquarters") {
        let message = "none of the requests is the head office's: 'spean init --headquarters' on its \
                       node makes one";
        return Err(Refusal::new(Kind::Refused, message));
    }
    let mut words = Vec::new();
    for (number, stick) in (1..).zip(&args.sticks) {
        let prompt = format!("Passphrase of root {number} ({})", stick.display());
        words.push(new_passphrase(&prompt, args.no_passphrase)?);
    }
    let sticks: Vec<Unlocked<'_>> = args.sticks.iter().zip(&words).map(unlocked).collect();
    let folder = Folder::at(&args.folder);
    let roster = folder.begin(args.threshold, &sticks, &requests, &mut Machine)?;
    show::reply(json, &Reply::Roster(roster_page(&roster)))?;
    if !json {
        let file = folder.roster_path();
        println!("\nWrite the seal down: it goes to every site, not with the roster.");
        println!("Next: 'spean ceremony paper' for each stick, then each into its building;");
        println!(
            "'spean roster install {}' on every node of it.",
            file.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn propose(
    home: &Home,
    folder: &Path,
    again: bool,
    requests: &[PathBuf],
    json: bool,
) -> Result<ExitCode, Refusal> {
    let requests = read_requests(requests)?;
    let reply = ask(home, Request::RosterPropose { requests, again }).await?;
    let Reply::Proposal { held, proposal } = reply else {
        return Err(Refusal::new(Kind::Home, "an unexpected answer"));
    };
    let read = |bytes: &[u8]| {
        let signed = SignedRoster::decode(bytes);
        signed.map_err(|error| Refusal::new(Kind::Home, error.to_string()))
    };
    let folder = Folder::at(folder);
    folder.keep_proposal(&read(&held)?, &read(&proposal)?)?;
    show_proposal(&folder, json)
}

fn show_proposal(folder: &Folder, json: bool) -> Result<ExitCode, Refusal> {
    let (held, proposal) = (folder.held()?, folder.proposal()?);
    let next = preview(&proposal)?;
    let signatures = Signatures::of(&held, &next, &proposal);
    let changes = changes(&held, &next);
    if json {
        let value = serde_json::json!({ "proposal": {
            "version": next.version, "follows": held.version, "seal": next.seal(),
            "changes": changes, "signed": signatures.found, "needed": signatures.needed,
        }});
        println!("{value}");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "Roster {} is to follow roster {}:",
        next.version, held.version
    );
    changes.iter().for_each(|change| println!("  {change}"));
    println!("Seal of the roots: {}", next.seal());
    show_signatures(folder, signatures);
    Ok(ExitCode::SUCCESS)
}

fn show_signatures(folder: &Folder, signatures: Signatures) {
    let Signatures { found, needed } = signatures;
    println!("Signed by {found} of the roots, {needed} are needed.");
    if signatures.suffice() {
        let file = folder.proposal_path();
        println!(
            "Next: 'spean roster install {}' at any node: it spreads by itself.",
            file.display()
        );
    }
}

fn sign(folder: &Folder, stick: &Path, json: bool) -> Result<ExitCode, Refusal> {
    if !json {
        show_proposal(folder, false)?;
    }
    confirm("Sign it?", json)?;
    let words = passphrase(stick)?;
    let signatures = folder.sign(&unlocked((stick, &words)))?;
    if json {
        return show_proposal(folder, true);
    }
    show_signatures(folder, signatures);
    Ok(ExitCode::SUCCESS)
}

fn paper(stick: &Path, json: bool) -> Result<ExitCode, Refusal> {
    let words = passphrase(stick)?;
    let one = unlocked((stick, &words));
    let number = one.stick.number()?;
    let sheet = one.stick.unlock(one.passphrase)?.to_paper(number);
    if json {
        println!("{}", serde_json::json!({ "root": number, "paper": *sheet }));
        return Ok(ExitCode::SUCCESS);
    }
    println!("SPEAN ROOT KEY {number}");
    println!(
        "Whoever reads this sheet has the key. Lock it away, in another building than the stick."
    );
    println!("'spean ceremony restore' makes a stick of it.\n");
    let groups: Vec<&str> = sheet.split(' ').collect();
    groups
        .chunks(5)
        .for_each(|line| println!("    {}", line.join("  ")));
    Ok(ExitCode::SUCCESS)
}

fn restore(
    stick: &Path,
    escrow: Option<&Path>,
    no_passphrase: bool,
    json: bool,
) -> Result<ExitCode, Refusal> {
    if !json {
        eprintln!("Type the sheet, and end with an empty line:");
    }
    let (number, keys) = RootKeys::from_paper(&read_sheet()?)?;
    let escrow = match escrow {
        None => None,
        Some(other) => Some(escrow_of(&KeyStick::at(other), other)?),
    };
    let root = keys.holder().root;
    if let Some(escrow) = &escrow
        && escrow.holders().iter().all(|holder| holder.root != root)
    {
        let message = "the sheet's key is no holder of that escrow: is it the right sheet?";
        return Err(Refusal::new(Kind::Refused, message));
    }
    let words = new_passphrase(&format!("Passphrase of root {number}"), no_passphrase)?;
    let one = unlocked((stick, &words));
    one.stick
        .create(number, &keys, one.passphrase, &mut Machine)?;
    if let Some(escrow) = &escrow {
        one.stick.keep_escrow(escrow)?;
    }
    if json {
        println!(
            "{}",
            serde_json::json!({ "restored": number, "escrow": escrow.is_some() })
        );
    } else {
        println!("Root {number} is on {} again.", stick.display());
        if escrow.is_none() {
            println!("It has no escrow yet: --escrow copies it from another root's stick.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check(sticks: &[PathBuf], json: bool) -> Result<ExitCode, Refusal> {
    let mut seeds = Vec::new();
    let mut escrow: Option<Escrow> = None;
    for path in sticks {
        let words = passphrase(path)?;
        let one = unlocked((path, &words));
        seeds.push(one.stick.unlock(one.passphrase)?.box_seed());
        // Where one lacks what another has, the one with more is checked.
        let found = one.stick.escrow()?;
        let more = |found: &Escrow| {
            let known = escrow.as_ref().map_or(0, |known| known.deposits().count());
            found.deposits().count() > known
        };
        escrow = found.filter(more).or(escrow);
    }
    let escrow = escrow
        .ok_or_else(|| Refusal::new(Kind::Refused, "none of these sticks has the escrow on it"))?;
    let mut opened = Vec::new();
    for what in escrow.deposits() {
        escrow
            .open(what, &seeds)
            .map_err(|error| Refusal::new(Kind::Refused, error.to_string()))?;
        opened.push(what.to_string());
    }
    if json {
        println!("{}", serde_json::json!({ "opened": opened }));
    } else {
        println!(
            "These sticks open all that is in the escrow: {}.",
            opened.join(", ")
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What a roster changes, a line each.
fn changes(held: &Roster, next: &Roster) -> Vec<String> {
    let mut lines = Vec::new();
    let role = |role: Role| match role {
        Role::Prison => "prison",
        Role::Headquarters => "head office",
    };
    for site in &next.sites {
        let (code, name) = (&site.code, &site.name);
        match held.site(site.id) {
            None => lines.push(format!("+ {code}: {name} ({})", role(site.role))),
            Some(known) if known == site => {}
            Some(known) if known.keys != site.keys => lines.push(format!(
                "! {code}: new keys, {} in all: its node was made anew",
                site.keys.len()
            )),
            Some(_) => lines.push(format!("! {code}: another name, code, role or box key")),
        }
    }
    for site in &held.sites {
        if next.site(site.id).is_none() {
            lines.push(format!("- {}: {}", site.code, site.name));
        }
    }
    if (&held.roots, held.threshold) != (&next.roots, next.threshold) {
        lines.push(format!(
            "! THE ROOT KEYS: {} of {}, seal {}",
            next.threshold,
            next.roots.len(),
            next.seal()
        ));
    }
    if held.escrow != next.escrow {
        lines.push("! THE ESCROW'S KEYS".to_owned());
    }
    if held.cohort != next.cohort {
        lines.push(format!("! cohort {} after {}", next.cohort, held.cohort));
    }
    if lines.is_empty() {
        lines.push("nothing".to_owned());
    }
    lines
}

fn preview(signed: &SignedRoster) -> Result<Roster, Refusal> {
    signed
        .preview()
        .map_err(|error| Refusal::new(Kind::Refused, error.to_string()))
}

fn escrow_of(stick: &KeyStick, path: &Path) -> Result<Escrow, Refusal> {
    let none = || {
        let message = format!("{}: no escrow on this stick", path.display());
        Refusal::new(Kind::Refused, message)
    };
    stick.escrow()?.ok_or_else(none)
}

fn read_requests(paths: &[PathBuf]) -> Result<Vec<EnrolmentRequest>, Refusal> {
    let read = |path: &PathBuf| {
        let wrong =
            |reason: String| Refusal::new(Kind::Refused, format!("{}: {reason}", path.display()));
        let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
        if size.len() > TEXT_BYTES_MAX {
            return Err(wrong("too large for a request".into()));
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        toml::from_str(&text).map_err(|error| wrong(error.to_string()))
    };
    paths.iter().map(read).collect()
}

fn unlocked<'a>((stick, words): (impl AsRef<Path>, &'a Option<Zeroizing<String>>)) -> Unlocked<'a> {
    Unlocked {
        stick: KeyStick::at(stick.as_ref()),
        passphrase: words.as_ref().map(|words| words.as_str()),
    }
}

/// The passphrase of a stick, where it has one.
fn passphrase(stick: &Path) -> Result<Option<Zeroizing<String>>, Refusal> {
    if !KeyStick::at(stick).is_locked()? {
        return Ok(None);
    }
    let prompt = format!("Passphrase of the root key on {}", stick.display());
    read_secret(&prompt).map(Some)
}

fn new_passphrase(prompt: &str, none: bool) -> Result<Option<Zeroizing<String>>, Refusal> {
    if none {
        return Ok(None);
    }
    let words = read_secret(prompt)?;
    if words.chars().count() < CHARACTERS_MIN {
        let message =
            format!("a passphrase has at least {CHARACTERS_MIN} characters: four words will do");
        return Err(Refusal::new(Kind::Refused, message));
    }
    if std::io::stdin().is_terminal() && *read_secret("Once more")? != *words {
        return Err(Refusal::new(Kind::Refused, "the two are not the same"));
    }
    Ok(Some(words))
}

/// Reads a line that nobody is to see: from the terminal without showing it, else from standard
/// input as it is.
fn read_secret(prompt: &str) -> Result<Zeroizing<String>, Refusal> {
    let failed = |error: std::io::Error| Refusal::new(Kind::Refused, error.to_string());
    if std::io::stdin().is_terminal() {
        eprint!("{prompt}: ");
        std::io::stderr().flush().map_err(failed)?;
        let line = console::Term::stderr().read_secure_line().map_err(failed)?;
        return Ok(Zeroizing::new(line));
    }
    read_line()?.ok_or_else(|| {
        Refusal::new(
            Kind::Refused,
            format!("{prompt}: expected a line on standard input"),
        )
    })
}

/// A line of standard input, without its end; `None` where there is none.
fn read_line() -> Result<Option<Zeroizing<String>>, Refusal> {
    let mut line = Zeroizing::new(Vec::with_capacity(256));
    let mut input = std::io::Read::take(std::io::stdin().lock(), TEXT_BYTES_MAX);
    // Byte by byte: what follows the line is for whoever reads next.
    let mut byte = [0];
    loop {
        let read = std::io::Read::read(&mut input, &mut byte);
        match read.map_err(|error| Refusal::new(Kind::Refused, error.to_string()))? {
            0 if line.is_empty() => return Ok(None),
            0 => break,
            _ if byte[0] == b'\n' => break,
            _ => line.push(byte[0]),
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| {
        Refusal::new(
            Kind::Refused,
            "what was typed is no text: write it as UTF-8",
        )
    })?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

/// A sheet as somebody types it: up to an empty line.
fn read_sheet() -> Result<Zeroizing<String>, Refusal> {
    let mut sheet = Zeroizing::new(String::with_capacity(512));
    while let Some(line) = read_line()? {
        if line.trim().is_empty() {
            break;
        }
        sheet.push_str(&line);
    }
    Ok(sheet)
}

/// Asks a person who sits there; a program that runs the command has decided already.
fn confirm(question: &str, json: bool) -> Result<(), Refusal> {
    if json || !std::io::stdin().is_terminal() {
        return Ok(());
    }
    eprint!("{question} Type yes: ");
    let mut answer = String::new();
    let mut input = std::io::stdin().lock();
    let read = std::io::Read::take(&mut input, 64).read_line(&mut answer);
    if read.is_ok() && answer.trim().eq_ignore_ascii_case("yes") {
        return Ok(());
    }
    Err(Refusal::new(Kind::Refused, "not signed"))
}
