//! `spean ceremony`: the officials who keep the root keys make, sign and check rosters.

mod changes;

use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use spean_protocol::escrow::Deposit;
use spean_protocol::roster::{Roster, SignedRoster};
use spean_protocol::seal::{Secret, box_key};
use zeroize::Zeroizing;

use crate::api::{Kind, Refusal, Reply, Request, RosterChanges};
use crate::ceremony::{Folder, Proposed, Signatures, Unlocked};
use crate::cli::erase::retention;
use crate::cli::typed::{TEXT_BYTES_MAX, confirm, new_passphrase, read_secret, read_sheet};
use crate::cli::{ask, show};
use crate::home::{EnrolmentRequest, Home, read_small};
use crate::key_stick::{KeyStick, RootKeys};
use crate::node::roster_page;
use crate::world::Machine;
use changes::changes;

/// Where rosters are made.
#[derive(Debug, Subcommand)]
pub(super) enum CeremonyCommand {
    /// Once, with all sticks in one room: make a root key on each, the escrow, and roster 1.
    #[command(
        after_help = "Example: spean ceremony begin folder --stick /media/a --stick /media/b \
                            --stick /media/c dgp.toml cc1.toml"
    )]
    Begin(BeginArgs),
    /// At the head office's node: propose a roster with further sites, or without a stolen node.
    #[command(
        after_help = "The proposal lies in the folder until enough roots have signed it: \
                            'spean ceremony sign'. Then 'spean roster install proposal.spean'.\n\n\
                            Examples:\n  \
                            spean ceremony propose folder kam.toml            a new prison\n  \
                            spean ceremony propose folder --again kam.toml    a new computer\n  \
                            spean ceremony propose folder --enrol -           a request on paper\n  \
                            spean ceremony propose folder --revoke KAM        a stolen computer\n  \
                            spean ceremony propose folder --revoke KAM --again kam.toml   both\n  \
                            spean ceremony propose folder --shred 3           keys of old cohorts"
    )]
    Propose {
        /// The folder that goes to the officials.
        folder: PathBuf,
        /// The sites are in the roster already: their nodes were made anew, with new keys.
        #[arg(long)]
        again: bool,
        /// The code of a site whose computer was stolen, or lies: its keys are trusted no more. What
        /// this node has of it by now goes on to count.
        #[arg(long, value_name = "CODE")]
        revoke: Vec<String>,
        /// A run that is set aside since a revoked key signed it, and was honest: it is let in, with all
        /// that is below it. 'spean status' lists the runs; the beginning of its id is enough.
        #[arg(long, value_name = "RUN")]
        release: Vec<String>,
        /// Go on to the next cohort, usually once a year: what is written from then on is sealed under
        /// new keys, and the old ones can be destroyed when their time is over.
        #[arg(long)]
        next_cohort: bool,
        /// Have the keys of that cohort, and of all before it, destroyed everywhere: what only they open is
        /// gone for good. 'spean shred' comes first, and says when it is ready.
        #[arg(long, value_name = "COHORT")]
        shred: Option<u16>,
        /// The files request.toml of the nodes.
        #[arg(required_unless_present_any = ["revoke", "release", "next_cohort", "shred", "enrol"])]
        requests: Vec<PathBuf>,
        /// A request from paper, where no file came: its letters, or '-' to type or scan them.
        #[arg(long, value_name = "LETTERS")]
        enrol: Vec<String>,
    },
    /// What the proposal of a folder changes, and who has signed it.
    Show {
        /// The folder.
        folder: PathBuf,
    },
    /// Take the keys of destroyed cohorts out of one stick's escrow, once the roster that says so is in
    /// force. Every stick, and its paper copies in safes, wants it.
    #[command(after_help = "Example: spean ceremony forget folder --stick /media/a")]
    Forget {
        /// The folder.
        folder: PathBuf,
        #[command(flatten)]
        stick: StickArgs,
    },
    /// Give a prison whose computer was lost the keys of its restricted records, which only the escrow has.
    #[command(
        after_help = "At a machine without a network. The folder holds the roster in which the new computer \
                            is.\n\nExample: spean ceremony give-back folder kam.ask --stick /media/a --stick \
                            /media/b"
    )]
    GiveBack {
        /// The folder.
        folder: PathBuf,
        /// The file that 'spean restricted ask' wrote there.
        file: PathBuf,
        /// The folder of a root's stick; name as many as must open the escrow.
        #[arg(long = "stick", required = true)]
        sticks: Vec<PathBuf>,
    },
    /// Sign the proposal of a folder with the root key of one stick.
    Sign {
        /// The folder.
        folder: PathBuf,
        #[command(flatten)]
        stick: StickArgs,
    },
    /// Replace a root's key: the other officials together, in one room, with a new stick.
    #[command(
        after_help = "For a root whose stick was stolen, whose stick and sheet are gone, or whose official \
                      left. Afterwards 'spean roster install proposal.spean' at the head office, and the \
                      new seal goes to every site.\n\n\
                      Example: spean ceremony replace folder --stick /media/a --stick /media/b \
                      --new /media/d"
    )]
    Replace {
        /// The folder.
        folder: PathBuf,
        /// The stick of each root that stays.
        #[arg(long = "stick", required = true)]
        sticks: Vec<PathBuf>,
        /// A new stick's folder.
        #[arg(long)]
        new: PathBuf,
        /// Set no passphrase on the new stick.
        #[arg(long)]
        no_passphrase: bool,
    },
    /// Print a root's key as letters for a sheet of paper: the backup of its stick.
    Paper {
        #[command(flatten)]
        stick: StickArgs,
        /// Print nothing: read the sheet back from standard input, and compare it with the stick.
        #[arg(long)]
        check: bool,
    },
    /// Make a root's stick anew from its sheet; the letters are read from standard input.
    Restore {
        /// A new stick's folder.
        #[arg(long)]
        stick: PathBuf,
        /// Another root's stick: its escrow and roster are copied.
        #[arg(long)]
        from: Option<PathBuf>,
        /// Set no passphrase.
        #[arg(long)]
        no_passphrase: bool,
    },
    /// Where a prison has lost the sheet of its backup: open that one backup with the escrow of these
    /// sticks, and print the code that 'spean restore' asks for.
    #[command(
        after_help = "Example: spean ceremony open-backup spean-CC4-7.backup --stick /media/a \
                      --stick /media/b"
    )]
    OpenBackup {
        /// The backup's file.
        file: PathBuf,
        /// The sticks' folders, as many as must open the escrow together.
        #[arg(long = "stick", required = true)]
        sticks: Vec<PathBuf>,
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
    #[arg(required_unless_present = "enrol")]
    requests: Vec<PathBuf>,
    /// A request from paper, where no file came: its letters, or '-' to type or scan them.
    #[arg(long, value_name = "LETTERS")]
    enrol: Vec<String>,
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
            revoke,
            release,
            next_cohort,
            shred,
            requests,
            enrol,
        } => {
            let mut requests = read_requests(requests)?;
            requests.extend(requests_on_paper(enrol)?);
            let changes = RosterChanges {
                requests,
                again: *again,
                revoke: revoke.clone(),
                release: release.clone(),
                next_cohort: *next_cohort,
                shred: *shred,
                retention: retention(home)?,
            };
            propose(home, folder, changes, json).await
        }
        CeremonyCommand::Show { folder } => {
            let folder = Folder::at(folder);
            show_proposal(&folder, &folder.proposed()?, json)
        }
        CeremonyCommand::GiveBack {
            folder,
            file,
            sticks,
        } => super::restricted::give_back(folder, file, sticks, json),
        CeremonyCommand::Forget { folder, stick } => {
            forget(&Folder::at(folder), &stick.stick, json)
        }
        CeremonyCommand::Sign { folder, stick } => sign(&Folder::at(folder), &stick.stick, json),
        CeremonyCommand::Replace {
            folder,
            sticks,
            new,
            no_passphrase,
        } => replace(&Folder::at(folder), sticks, (new, *no_passphrase), json),
        CeremonyCommand::Paper { stick, check: true } => check_paper(&stick.stick, json),
        CeremonyCommand::Paper { stick, .. } => paper(&stick.stick, json),
        CeremonyCommand::Restore {
            stick,
            from,
            no_passphrase,
        } => restore(stick, from.as_deref(), *no_passphrase, json),
        CeremonyCommand::OpenBackup { file, sticks } => {
            super::backup::open_for_prison(file, sticks, json)
        }
        CeremonyCommand::Check { sticks } => check(sticks, json),
    }
}

fn begin(args: &BeginArgs, json: bool) -> Result<ExitCode, Refusal> {
    let mut requests = read_requests(&args.requests)?;
    requests.extend(requests_on_paper(&args.enrol)?);
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
    changes: RosterChanges,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let request = Request::RosterPropose {
        changes,
        after: Folder::at(folder).last_proposed(),
    };
    let reply = ask(home, request).await?;
    let Reply::Proposal {
        held,
        proposal,
        evidence,
    } = reply
    else {
        return Err(Refusal::new(Kind::Home, "an unexpected answer"));
    };
    let read = |bytes: &[u8]| {
        let signed = SignedRoster::decode(bytes);
        signed.map_err(|error| Refusal::new(Kind::Home, error.to_string()))
    };
    let folder = Folder::at(folder);
    folder.keep_proposal(&read(&held)?, &read(&proposal)?, &evidence)?;
    show_proposal(&folder, &folder.proposed()?, json)
}

fn show_proposal(folder: &Folder, shown: &Proposed, json: bool) -> Result<ExitCode, Refusal> {
    let (before, next) = (&shown.before, &shown.next);
    let signatures = shown.signatures();
    let changes = changes(before, next, &shown.signed_boxes);
    if json {
        let value = serde_json::json!({ "proposal": {
            "version": next.version, "follows": before.version, "seal": next.seal(),
            "changes": changes, "signed": signatures.found, "needed": signatures.needed,
        }});
        println!("{value}");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "Roster {} is to follow roster {}:",
        next.version, before.version
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
    // What is shown is what is signed: it is read once.
    let mut shown = folder.proposed()?;
    if !json {
        show_proposal(folder, &shown, false)?;
        if KeyStick::at(stick).roster()?.is_none() {
            println!("This stick has seen no roster yet: compare the seal with the one on paper.");
        }
    }
    confirm("Sign it?", json)?;
    let words = passphrase(stick)?;
    let signatures = folder.sign(&mut shown, &unlocked((stick, &words)))?;
    if json {
        return show_proposal(folder, &shown, true);
    }
    show_signatures(folder, signatures);
    Ok(ExitCode::SUCCESS)
}

fn replace(
    folder: &Folder,
    sticks: &[PathBuf],
    (new, no_passphrase): (&Path, bool),
    json: bool,
) -> Result<ExitCode, Refusal> {
    if !json {
        let held = folder.held()?;
        println!("Seal of the roots in force: {}", held.seal());
        for stick in sticks {
            let stick = KeyStick::at(stick);
            println!("  root {} stays", stick.number()?);
            if stick.roster()?.is_none() {
                println!("  It has seen no roster yet: compare the seal with the one on paper.");
            }
        }
        println!("The root whose stick is not named is replaced.");
    }
    confirm("Replace it?", json)?;
    let words: Vec<_> = sticks
        .iter()
        .map(|stick| passphrase(stick))
        .collect::<Result<_, _>>()?;
    let prompt = format!("Passphrase of the new root ({})", new.display());
    let of_new = new_passphrase(&prompt, no_passphrase)?;
    let sticks: Vec<Unlocked<'_>> = sticks.iter().zip(&words).map(unlocked).collect();
    folder.replace_root(&sticks, &unlocked((new, &of_new)), &mut Machine)?;
    show_proposal(folder, &folder.proposed()?, json)?;
    if !json {
        println!("\nWrite the new seal down: it goes to every site, not with the roster.");
        println!("Next: 'spean ceremony paper' for the new stick. The old stick and its sheet are");
        println!(
            "worthless once the roster is installed everywhere: destroy them if you have them."
        );
    }
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

/// Whether a sheet is the one of a stick, as somebody reads it off.
fn check_paper(stick: &Path, json: bool) -> Result<ExitCode, Refusal> {
    let (number, keys) = type_sheet(json)?;
    let stick = KeyStick::at(stick);
    stick.check_free(Some(&keys.holder().root)).map_err(|_| {
        Refusal::new(
            Kind::Refused,
            "the sheet is of another key than the stick's",
        )
    })?;
    if stick.number()? != number {
        let message = "the sheet has another number than the stick";
        return Err(Refusal::new(Kind::Refused, message));
    }
    if json {
        println!("{}", serde_json::json!({ "root": number, "same": true }));
    } else {
        println!("The sheet is the one of root {number}, letter by letter.");
    }
    Ok(ExitCode::SUCCESS)
}

fn type_sheet(json: bool) -> Result<(u8, RootKeys), Refusal> {
    if !json {
        eprintln!("Type the sheet, and end with an empty line:");
    }
    RootKeys::from_paper(&read_sheet()?)
}

fn restore(
    stick: &Path,
    from: Option<&Path>,
    no_passphrase: bool,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let (number, keys) = type_sheet(json)?;
    let root = keys.holder().root;
    let one = KeyStick::at(stick);
    one.check_free(Some(&root))?;
    let from = from.map(KeyStick::at);
    let escrow = from.as_ref().map(KeyStick::escrow).transpose()?.flatten();
    let roster = from.as_ref().map(KeyStick::roster).transpose()?.flatten();
    if from.is_some() && escrow.is_none() {
        let message = "--from: no escrow on that stick: take the other one";
        return Err(Refusal::new(Kind::Refused, message));
    }
    if let Some(escrow) = &escrow
        && escrow.holders().iter().all(|holder| holder.root != root)
    {
        let message = "the sheet's key is no holder of that escrow: is it the right sheet?";
        return Err(Refusal::new(Kind::Refused, message));
    }
    let words = new_passphrase(&format!("Passphrase of root {number}"), no_passphrase)?;
    if let Some(escrow) = &escrow {
        one.keep_escrow(escrow)?;
    }
    if let Some(roster) = &roster {
        one.keep_roster(roster)?;
    }
    let words = words.as_ref().map(|words| words.as_str());
    one.create(number, &keys, words, &mut Machine)?;
    if json {
        println!(
            "{}",
            serde_json::json!({ "restored": number, "escrow": escrow.is_some() })
        );
    } else {
        println!("Root {number} is on {} again.", stick.display());
        if escrow.is_none() {
            println!("It has no escrow yet: once more with --from and another root's stick.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn forget(folder: &Folder, stick: &Path, json: bool) -> Result<ExitCode, Refusal> {
    let forgotten = folder.forget(&KeyStick::at(stick))?;
    let words: Vec<String> = forgotten.iter().map(ToString::to_string).collect();
    if json {
        println!("{}", serde_json::json!({ "forgotten": words }));
        return Ok(ExitCode::SUCCESS);
    }
    match words.as_slice() {
        [] => println!("Nothing of it was on {} any more.", stick.display()),
        some => println!("Gone from {}: {}.", stick.display(), some.join(", ")),
    }
    println!("A copy of this stick that somebody made has them still: destroy it.");
    Ok(ExitCode::SUCCESS)
}

fn check(sticks: &[PathBuf], json: bool) -> Result<ExitCode, Refusal> {
    let refused = |message: String| Refusal::new(Kind::Refused, message);
    let seeds = box_seeds(sticks)?;
    let mut escrows = Vec::new();
    let mut newest: Option<SignedRoster> = None;
    for path in sticks {
        let stick = KeyStick::at(path);
        let lacks = |what| refused(format!("{}: no {what} on this stick", path.display()));
        escrows.push((path, stick.escrow()?.ok_or_else(|| lacks("escrow"))?));
        let roster = stick.roster()?.ok_or_else(|| lacks("roster"))?;
        newest = Some(match newest {
            None => roster,
            Some(held) => later(held, roster)?,
        });
    }
    let roster = newest.ok_or_else(|| refused("no stick was named".to_owned()))?;
    let roster = preview(&roster)?;
    // A stick may have forgotten already what is destroyed, and another not yet.
    let mut remembered = Vec::new();
    for (path, escrow) in &mut escrows {
        let old = |what: &Deposit| matches!(what, Deposit::Cohort(of) if *of <= roster.shredded);
        let old: Vec<Deposit> = escrow.deposits().filter(old).collect();
        if !old.is_empty() {
            remembered.push(path.display().to_string());
        }
        old.into_iter().for_each(|what| escrow.remove(what));
    }
    let Some((_, escrow)) = escrows.first() else {
        return Err(refused("no stick was named".to_owned()));
    };
    if escrows.iter().any(|(_, other)| other != escrow) {
        let message = "the sticks hold different escrows: one of them was changed";
        return Err(refused(message.to_owned()));
    }
    let mut opened = Vec::new();
    for what in escrow.deposits() {
        let secret = escrow.verify(what, &seeds);
        let secret = secret.map_err(|error| refused(format!("{what}: {error}")))?;
        // The key that the roster tells every site to wrap its own keys to.
        let wrong = match what {
            Deposit::Carrier => false,
            Deposit::Cohort(cohort) => roster.escrow.get(&cohort) != Some(&box_key(&secret)),
        };
        if wrong {
            let message = format!("the {what} in the escrow is not the roster's: it was changed");
            return Err(refused(message));
        }
        opened.push(what.to_string());
    }
    if let Some(cohort) = roster.escrow.keys().find(|cohort| {
        let wanted = Deposit::Cohort(**cohort);
        escrow.deposits().all(|what| what != wanted)
    }) {
        return Err(refused(format!(
            "the escrow lacks the key of cohort {cohort}"
        )));
    }
    if json {
        println!(
            "{}",
            serde_json::json!({ "opened": opened, "to_forget": remembered })
        );
    } else {
        let needed = escrow.threshold();
        println!("Any {needed} of these sticks open all that is in the escrow:");
        println!("{}.", opened.join(", "));
        for stick in remembered {
            println!("{stick} has keys yet that are to be destroyed: 'spean ceremony forget'.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The seeds with which the officials of these sticks open the escrow.
pub(super) fn box_seeds(sticks: &[PathBuf]) -> Result<Vec<Secret>, Refusal> {
    let seed = |path: &PathBuf| {
        let words = passphrase(path)?;
        let one = unlocked((path, &words));
        Ok(one.stick.unlock(one.passphrase)?.box_seed())
    };
    sticks.iter().map(seed).collect()
}

/// The later of the rosters that two sticks saw last: it must follow the other.
fn later(one: SignedRoster, other: SignedRoster) -> Result<SignedRoster, Refusal> {
    if one.hash() == other.hash() {
        return Ok(one);
    }
    let versions = (preview(&one)?.version, preview(&other)?.version);
    let (earlier, later) = if versions.0 <= versions.1 {
        (one, other)
    } else {
        (other, one)
    };
    match later.accept(Some(&preview(&earlier)?)) {
        Ok(_) => Ok(later),
        Err(error) => {
            let message = format!("the sticks know rosters that do not follow each other: {error}");
            Err(Refusal::new(Kind::Refused, message))
        }
    }
}

fn preview(signed: &SignedRoster) -> Result<Roster, Refusal> {
    signed
        .preview()
        .map_err(|error| Refusal::new(Kind::Refused, error.to_string()))
}

fn read_requests(paths: &[PathBuf]) -> Result<Vec<EnrolmentRequest>, Refusal> {
    let read = |path: &PathBuf| {
        let wrong =
            |reason: String| Refusal::new(Kind::Refused, format!("{}: {reason}", path.display()));
        let bytes = read_small(path, TEXT_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
        let bytes = Zeroizing::new(bytes);
        // Only what is wrong, not the line: somebody may have named a file of keys.
        toml::from_slice(&bytes).map_err(|error: toml::de::Error| {
            wrong(format!("no request.toml: {}", error.message()))
        })
    };
    paths.iter().map(read).collect()
}

/// Requests that somebody typed or scanned.
fn requests_on_paper(texts: &[String]) -> Result<Vec<EnrolmentRequest>, Refusal> {
    let read = |text: &String| {
        let typed = match text.as_str() {
            "-" => type_request()?,
            _ => text.clone(),
        };
        let read = EnrolmentRequest::from_text(&typed);
        read.map_err(|error| Refusal::new(Kind::Refused, format!("--enrol: {error}")))
    };
    texts.iter().map(read).collect()
}

/// Several requests are several lines on standard input, each ended by an empty one.
fn type_request() -> Result<String, Refusal> {
    if std::io::stdin().is_terminal() {
        eprintln!("Type or scan the request, and end with an empty line:");
    }
    let mut text = String::new();
    for line in std::io::stdin().lock().take(TEXT_BYTES_MAX as u64).lines() {
        let line =
            line.map_err(|error| Refusal::new(Kind::Refused, format!("standard input: {error}")))?;
        if line.trim().is_empty() && !text.is_empty() {
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
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
