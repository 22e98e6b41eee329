//! `spean moodle`: the Moodle beside this node, looked at and read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use indicatif::ProgressBar;
use zeroize::Zeroizing;

use super::import::progress_bar;
use super::{ask, show};
use crate::api::{Kind, Refusal, Reply, Request};
use crate::engine::import::Fate;
use crate::home::Home;
use crate::lms::{Adopting, Finding, Passwords, Reading, Remembered, Writing};
use crate::node::Node;
use crate::sheet::{self, SheetRow};

/// How often it is asked how far it is.
const STEP: Duration = Duration::from_millis(250);

/// The Moodle beside this node.
#[derive(Debug, Subcommand)]
pub(super) enum MoodleCommand {
    /// Look at the set-up: release, functions, rights, courses. Says what is missing and how it is given.
    #[command(
        after_help = "config.toml names the Moodle and its courses, moodle-token has the token of its service: \
                            docs/moodle.md.\n\nExample: spean moodle check"
    )]
    Check,
    /// Take over the accounts of a Moodle that was in use before: everybody keeps his name and his password.
    #[command(
        after_help = "First 'spean import learners', with a column 'username' where the list has one. An account whose \
                            owner may be somebody here waits: 'spean import waiting' and 'match', then adopt again. \
                            Of passwords, where the database is not read, --passwords has a table with the columns \
                            username and password: docs/moodle.md.\n\nExamples:\n  spean moodle adopt --dry-run\n  \
                            spean moodle adopt --passwords p.csv\n  spean moodle adopt --undo 7"
    )]
    Adopt {
        /// A table of what passwords are checked against.
        #[arg(long)]
        passwords: Option<PathBuf>,
        /// Also let them in by the file of accounts (External database), once a first account has shown that Moodle
        /// reads it.
        #[arg(long)]
        by_file: bool,
        /// Say what would become of each account, and keep and write nothing.
        #[arg(long)]
        dry_run: bool,
        /// Take an adoption back, by the number of its import.
        #[arg(long, conflicts_with_all = ["passwords", "dry_run", "by_file"])]
        undo: Option<u64>,
    },
    /// Read what people did there since it was read last.
    #[command(
        after_help = "Examples:\n  spean moodle pull\n  spean moodle pull --whole     also what no access shows\n  \
                            spean moodle pull --dry-run   says what would be taken, and takes nothing"
    )]
    Pull {
        /// Read everything, as is done once a day anyway.
        #[arg(long)]
        whole: bool,
        /// Say what would be taken, and take nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Show there what people did at other prisons: grades, then what is complete. The same again writes nothing.
    #[command(
        after_help = "Examples:\n  spean moodle push --dry-run   says what would be written, and writes nothing\n  \
                            spean moodle push"
    )]
    Push {
        /// Say what would be written, and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// When it was read last, and what went wrong.
    Status,
}

pub(super) async fn moodle(
    home: &Home,
    command: &MoodleCommand,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let request = match command {
        MoodleCommand::Adopt {
            undo: Some(number), ..
        } => Request::MoodleAdoptUndo(*number),
        MoodleCommand::Adopt {
            passwords,
            by_file,
            dry_run,
            ..
        } => Request::MoodleAdopt {
            passwords: passwords
                .as_deref()
                .map_or(Ok(Passwords::default()), read_passwords)?,
            by_file: *by_file,
            dry: *dry_run,
        },
        MoodleCommand::Check => Request::MoodleCheck,
        MoodleCommand::Pull { whole, dry_run } => Request::MoodlePull {
            whole: *whole,
            dry: *dry_run,
        },
        MoodleCommand::Push { dry_run } => Request::MoodlePush { dry: *dry_run },
        MoodleCommand::Status => Request::MoodleStatus,
    };
    let bar = match command {
        MoodleCommand::Pull { .. } => Some("people read"),
        MoodleCommand::Push { .. } => Some("people shown"),
        _ => None,
    };
    let reply = match bar {
        Some(what) => ask_with_bar(home, request, &progress_bar(what, json)).await?,
        None => ask(home, request).await?,
    };
    let serious = matches!(&reply, Reply::Findings(all) if all.iter().any(|one| one.serious));
    let shown = show::reply(json, &reply)?;
    Ok(if serious { ExitCode::FAILURE } else { shown })
}

/// The columns `username` and `password` of a table.
fn read_passwords(path: &Path) -> Result<Passwords, Refusal> {
    let said = |why: String| Refusal::new(Kind::Refused, format!("{}: {why}", path.display()));
    let sheet = sheet::read(path).map_err(said)?;
    let place = |name: &str| {
        let found = sheet
            .headers
            .iter()
            .position(|header| header.eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            said(format!(
                "no column '{name}': docs/moodle.md has the query that makes the table"
            ))
        })
    };
    let (username, password) = (place("username")?, place("password")?);
    let row = |row: &SheetRow| {
        let held = Zeroizing::new(row.cells[password].clone());
        (row.cells[username].clone(), held)
    };
    if let Some((line, why)) = sheet.refused.first() {
        return Err(said(format!("line {line}: {why}")));
    }
    Ok(Passwords(sheet.rows.iter().map(row).collect()))
}

/// Asks, and shows meanwhile how far it is.
async fn ask_with_bar(home: &Home, request: Request, bar: &ProgressBar) -> Result<Reply, Refusal> {
    // Whoever answers is asked for both: the running node, or the stopped one in this very process.
    let node = match crate::run::ask(home, &Request::MoodleSteps).await {
        Ok(Some(_)) => None,
        _ => Some(Node::open(home)?),
    };
    let steps = || async {
        match &node {
            Some(node) => node.answer(Request::MoodleSteps).await.ok(),
            None => crate::run::ask(home, &Request::MoodleSteps).await.ok()?,
        }
    };
    let asked = async {
        match &node {
            Some(node) => node.answer(request).await,
            None => ask(home, request).await,
        }
    };
    tokio::pin!(asked);
    let reply = loop {
        tokio::select! {
            reply = &mut asked => break reply,
            () = tokio::time::sleep(STEP) => {
                if let Some(Reply::Steps { done, of }) = steps().await
                    && of > 0
                {
                    bar.set_length(of);
                    bar.set_position(done);
                }
            }
        }
    };
    bar.finish_and_clear();
    reply
}

/// Prints what is to be mended.
pub(super) fn show_findings(findings: &[Finding]) {
    if findings.is_empty() {
        println!("Moodle is set up as it should be.");
    }
    for finding in findings {
        let mark = if finding.serious { "!" } else { "-" };
        println!("{mark} {}", finding.message);
    }
}

/// Prints what became of accounts.
pub(super) fn show_adopting(adopting: &Adopting) {
    if let Some(undone) = &adopting.undone {
        println!(
            "Taken back: {} accounts and learners' events, {} learners. Whoever signed in by the file since then wants \
             another password in Moodle: it kept none.",
            undone.events, undone.learners
        );
        for (learner, why) in &undone.kept {
            println!("  {learner} stays: {why}");
        }
    } else {
        let count = |wanted: fn(&Fate) -> bool| {
            adopting
                .accounts
                .iter()
                .filter(|(_, fate)| wanted(fate))
                .count()
        };
        let would = if adopting.dry {
            " (nothing was written)"
        } else {
            ""
        };
        println!(
            "{} accounts taken over, {} known already, {} wait, {} refused{would}",
            count(|fate| *fate == Fate::New),
            count(|fate| matches!(fate, Fate::Known | Fate::Differs | Fate::Stranger)),
            count(|fate| matches!(fate, Fate::Waiting(_))),
            count(|fate| matches!(fate, Fate::Refused(_))),
        );
        for (username, fate) in &adopting.accounts {
            match fate {
                Fate::Waiting(why) => println!("  {username} waits: {why}"),
                Fate::Refused(why) => println!("  {username}: {why}"),
                _ => {}
            }
        }
        if adopting.without_password > 0 {
            println!(
                "Of {} nobody could read what the password is checked against: they go on signing in here, and want \
                 another password when they are moved ('spean account give').",
                adopting.without_password
            );
        }
        if let Some(number) = adopting.number {
            println!("'spean moodle adopt --undo {number}' takes it back");
        }
    }
    for one in &adopting.written {
        match one.failed.as_str() {
            "" => println!("  {}: {}", one.user.username, one.what),
            why => println!("FAILED {}: {}: {why}", one.user.username, one.what),
        }
    }
}

/// Prints a reading.
pub(super) fn show_reading(reading: &Reading) {
    let Reading { taken, people, .. } = reading;
    let what = match (reading.whole, reading.dry) {
        (true, true) => "Everything would be read",
        (true, false) => "Everything was read",
        (false, true) => "What changed would be read",
        (false, false) => "What changed was read",
    };
    println!("{what}: {people} people.");
    let verb = if reading.dry { "would be" } else { "are" };
    println!(
        "{} events {verb} new, {} were known.",
        taken.new, taken.known
    );
    if reading.badges > 0 {
        println!(
            "{} badges are in Moodle. They are left there: a certificate has two persons' signatures.",
            reading.badges
        );
    }
    if !taken.strangers.is_empty() {
        println!(
            "{} user names are of nobody here: {}. Where one is a learner's, write the number of his card into the \
             ID number of his account.",
            taken.strangers.len(),
            taken.strangers.join(", ")
        );
    }
    for why in &taken.refused {
        println!("refused: {why}");
    }
    show_doubts(&reading.doubts);
}

/// Prints which accounts were left alone.
fn show_doubts(doubts: &BTreeSet<String>) {
    for why in doubts {
        println!("left alone: {why}");
    }
}

/// Prints what was written.
pub(super) fn show_writing(writing: &Writing) {
    let (done, failed): (Vec<_>, Vec<_>) = writing
        .written
        .iter()
        .partition(|one| one.failed.is_empty());
    let verb = if writing.dry { "would be" } else { "were" };
    println!(
        "{} things {verb} written, of {} people here with an account.",
        done.len(),
        writing.people
    );
    for one in done {
        println!("  {}: {}", one.user.username, one.what);
    }
    for one in &failed {
        println!("FAILED {}: {}: {}", one.user.username, one.what, one.failed);
    }
    if !failed.is_empty() {
        println!("What failed is tried again at the next writing; the rest is done.");
    }
    show_doubts(&writing.doubts);
}

/// Prints how it stands.
pub(super) fn show_remembered(state: &Remembered) {
    match state.last {
        0 => println!("Moodle was not read yet."),
        last => println!("Read last: {}", show::moment(last)),
    }
    if state.whole > 0 {
        println!("Everything was read last: {}", show::moment(state.whole));
    }
    if !state.failed.is_empty() {
        println!("The last reading failed: {}", state.failed);
    }
}
