//! `spean import`: files of a site's registers, what each of their rows would become or became, taking an import
//! back, and saying who somebody is whom nobody knew.

pub(crate) mod files;
mod template;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use self::files::Counts;
use super::Who;
use crate::api::{Kind as Trouble, Refusal, Reply, Request};
use crate::engine::import::imported::ImportLine;
use crate::engine::import::waiting::{Said, WaitingLine};
use crate::engine::import::{Fates, Import};
use crate::home::Home;
use crate::locale::Language;
use crate::node::Node;
use crate::register::kind::Kind;

/// Rows in one batch, which is one transaction.
pub(super) const BATCH_ROWS: usize = 1_000;

/// Rows that are listed at a terminal; `--json` has all of them.
const SHOWN: usize = 40;

/// What to do with files of registers.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// The centre's learners.
    Learners(FileArgs),
    /// Anything that can be recorded, by its kind; also what another learning platform tells.
    Events(FileArgs),
    /// Who came to which session of the centre's programmes.
    Attendance(FileArgs),
    /// Who came to classes of outside providers.
    Classes(FileArgs),
    /// Results of tests before, within and after a module.
    Tests(FileArgs),
    /// Results of official exams. Each counts once two persons have signed it.
    Exams(FileArgs),
    /// Loans of the library.
    Loans(FileArgs),
    /// Visits of the library.
    Visits(FileArgs),
    /// The library's catalogue.
    Catalogue(FileArgs),
    /// The prison's list of prisoners: when release is expected, and who of the learners is not on it. Of
    /// others nothing is kept.
    Population(FileArgs),
    /// Show the columns of a register, or write an empty file of it.
    Template {
        /// Which register.
        kind: Kind,
        /// The file to write: .csv or .xlsx.
        file: Option<PathBuf>,
        /// The language of the columns' titles: km, en or fr.
        #[arg(long, default_value = "km", value_parser = language)]
        language: Language,
    },
    /// The imports that can be taken back.
    List,
    /// Take an import back: what it brought no longer counts, and the file can be imported again.
    Undo {
        /// Its number, as `spean import list` shows it.
        number: u64,
    },
    /// Whose rows wait, since nobody here is known by what they call him.
    Waiting,
    /// Say who somebody is whose rows wait. It is remembered for the next file.
    Match(MatchArgs),
}

/// A file of a register.
#[derive(Debug, Args)]
#[command(
    after_help = "CSV (UTF-8 or Excel's Unicode text; commas, semicolons or tabs) or XLSX. The first line names \
    the columns, in English, Khmer or French; 'spean import template' shows them. A file imported twice changes \
    nothing the second time."
)]
pub struct FileArgs {
    /// The file.
    file: PathBuf,
    /// The register that it comes from: keys of rows are unique within it, and a learner's key in a file of
    /// learners stands for him in all other files of the same source.
    #[arg(long, default_value = "register", value_parser = source)]
    source: String,
    /// Say what would become of every row, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Who somebody is.
#[derive(Debug, Args)]
pub struct MatchArgs {
    /// The code, as `spean import waiting` shows it.
    #[arg(required_unless_present = "single")]
    code: Option<String>,
    /// The learner: the digits on his card.
    #[arg(required_unless_present_any = ["new", "nobody", "single"], conflicts_with_all = ["new", "nobody"])]
    learner: Option<String>,
    /// He is a new learner, and is admitted here.
    #[arg(long, conflicts_with = "nobody")]
    new: bool,
    /// He is nobody who learns here: his rows are not kept, now and later.
    #[arg(long)]
    nobody: bool,
    /// Everybody who may be one learner here and no other is he. Read the list first.
    #[arg(long, conflicts_with_all = ["code", "learner", "new", "nobody"])]
    single: bool,
}

fn language(code: &str) -> Result<Language, String> {
    Language::from_code(code).ok_or_else(|| "km, en or fr".to_owned())
}

/// The name of a register: those that the program itself uses are none.
fn source(name: &str) -> Result<String, String> {
    match ["moodle", "kobo", "added"].contains(&name) || name.is_empty() {
        true => Err("moodle, kobo and added are the program's own: choose another name".to_owned()),
        false => Ok(name.to_owned()),
    }
}

/// Runs a command.
///
/// # Errors
/// [`Refusal`] when a file cannot be read at all or the node fails; rows that were not kept end with
/// exit status 6.
pub(super) async fn import(
    home: &Home,
    command: &ImportCommand,
    who: &Who,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let mut ask = asker(home, who);
    let (kind, args) = match command {
        ImportCommand::Learners(args) => (Kind::Learners, args),
        ImportCommand::Events(args) => (Kind::Events, args),
        ImportCommand::Attendance(args) => (Kind::Attendance, args),
        ImportCommand::Classes(args) => (Kind::Classes, args),
        ImportCommand::Tests(args) => (Kind::Tests, args),
        ImportCommand::Exams(args) => (Kind::Exams, args),
        ImportCommand::Loans(args) => (Kind::Loans, args),
        ImportCommand::Visits(args) => (Kind::Visits, args),
        ImportCommand::Catalogue(args) => (Kind::Catalogue, args),
        ImportCommand::Population(args) => (Kind::Population, args),
        ImportCommand::Template {
            kind,
            file,
            language,
        } => return template::write(*kind, file.as_deref(), *language, json),
        ImportCommand::List => return told(&ask(Request::Imports).await?, json),
        ImportCommand::Undo { number } => {
            return told(&ask(Request::ImportUndo(*number)).await?, json);
        }
        ImportCommand::Waiting => return told(&ask(Request::ImportWaiting).await?, json),
        ImportCommand::Match(args) => {
            let mut all = Fates::default();
            for (code, said) in matches(args, &mut ask).await? {
                let number = all.number;
                let request = Request::ImportMatch { code, said, number };
                let Reply::Fates(fates) = ask(request).await? else {
                    return Err(Refusal::new(Trouble::Home, "an unexpected answer"));
                };
                all.number = fates.number;
                all.fates.extend(fates.fates);
                all.learners.extend(fates.learners);
            }
            return told(&Reply::Fates(Box::new(all)), json);
        }
    };
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let mut import = Import {
        what: format!("{}: {name}", kind.name()),
        keep: !args.dry_run,
        search: true,
        pass_strangers: kind == Kind::Population,
        ..Import::of(&args.source)
    };
    let bar = progress_bar("rows", json);
    let mut counts = Counts::default();
    let file = files::File {
        kind,
        path: &args.file,
    };
    let mut done = file
        .send(&mut import, BATCH_ROWS, &mut ask, &bar, &mut counts)
        .await;
    if done.is_ok() && kind == Kind::Population {
        done = file.absent(&import, &mut ask, &mut counts).await;
    }
    bar.finish_and_clear();
    done.map(|()| print(kind.name(), &import, &counts, json))
}

/// Asks a node: the running one, or the stopped one, which is opened for all requests at once.
pub(super) fn asker<'a>(
    home: &'a Home,
    who: &'a Who,
) -> impl AsyncFnMut(Request) -> Result<Reply, Refusal> + use<'a> {
    let mut stopped: Option<Node> = None;
    async move |request: Request| {
        let request = who.asks(request);
        if let Some(node) = &stopped {
            return node.answer(request).await;
        }
        if let Some(reply) = crate::run::ask(home, &request).await? {
            return Ok(reply);
        }
        stopped.insert(Node::open(home)?).answer(request).await
    }
}

/// Who is said to be who.
async fn matches(
    args: &MatchArgs,
    ask: &mut impl AsyncFnMut(Request) -> Result<Reply, Refusal>,
) -> Result<Vec<(String, Said)>, Refusal> {
    let Some(code) = args.code.clone() else {
        let Reply::ImportWaiting(lines) = ask(Request::ImportWaiting).await? else {
            return Err(Refusal::new(Trouble::Home, "an unexpected answer"));
        };
        let single = lines.into_iter().filter_map(|line| match line.may_be[..] {
            [learner] => Some((line.code, Said::Learner(learner))),
            _ => None,
        });
        return Ok(single.collect());
    };
    Ok(vec![(code, said(args)?)])
}

fn said(args: &MatchArgs) -> Result<Said, Refusal> {
    let said = match (&args.learner, args.new) {
        (Some(learner), _) => learner.parse().map(Said::Learner).map_err(|_| {
            let message = format!("'{learner}' is not the number on a card: 32 digits");
            Refusal::new(Trouble::Refused, message)
        })?,
        (None, true) => Said::New,
        (None, false) => Said::Nobody,
    };
    Ok(said)
}

/// A bar on standard error, where people see it and pipes do not.
pub(crate) fn progress_bar(what: &'static str, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg:12} {bar:40} {pos}/{len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what);
    bar
}

/// Prints what became of the rows of a register of that name; the exit status.
pub(super) fn print(register: &str, import: &Import, counts: &Counts, json: bool) -> ExitCode {
    if json {
        let number = import.number;
        let said = serde_json::json!({
            "imported": { "kind": register, "number": number, "kept": import.keep, "rows": counts }
        });
        println!("{said}");
    } else {
        let Counts {
            new,
            known,
            differs,
            waiting,
            strangers,
            refused,
            lines,
            absent,
            notes,
        } = counts;
        let would = if import.keep {
            ""
        } else {
            " (nothing was written)"
        };
        println!("{register}: {new} new, {known} known already, {refused} refused{would}");
        for note in notes {
            println!("  {note}");
        }
        for line in lines.iter().take(SHOWN) {
            println!("  {line}");
        }
        if let Some(more @ 1..) = lines.len().checked_sub(SHOWN) {
            println!("  and {more} more: --json lists all");
        }
        if *differs > 0 {
            println!(
                "{differs} said something else when they were imported first, and stay as they were: record the \
                 correction, or take the first import back ('spean import list')"
            );
        }
        if *waiting > 0 {
            println!("{waiting} wait for somebody who says whose they are: 'spean import waiting'");
        }
        if *strangers > 0 {
            println!("{strangers} are about nobody who learns here, and are not kept");
        }
        for learner in absent {
            println!(
                "  here, and not on the list: {learner}: if he left, 'spean transfer out' says where to"
            );
        }
        if let (Some(number), 1..) = (import.number, *new + *waiting) {
            println!("'spean import undo {number}' takes it back");
        }
    }
    let partly = counts.refused + counts.differs > 0;
    ExitCode::from(if partly { Trouble::Partly.exit() } else { 0 })
}

fn told(reply: &Reply, json: bool) -> Result<ExitCode, Refusal> {
    if json {
        println!("{}", serde_json::to_string(reply).unwrap_or_default());
        return Ok(ExitCode::SUCCESS);
    }
    match reply {
        Reply::Imports(lines) => {
            lines.iter().for_each(show_import);
            println!("{} imports", lines.len());
        }
        Reply::ImportWaiting(lines) => {
            lines.iter().for_each(show_waiting);
            match lines.len() {
                0 => println!("Nobody waits."),
                _ => println!(
                    "Say who each is: 'spean import match CODE LEARNER', or --new, or --nobody"
                ),
            }
        }
        Reply::ImportUndone(undone) => {
            println!(
                "Taken back: {} events, {} learners, {} items, {} rows that waited",
                undone.events, undone.learners, undone.items, undone.waiting
            );
            for (learner, why) in &undone.kept {
                println!("  {learner} stays: {why}");
            }
        }
        Reply::Fates(fates) => {
            let mut counts = Counts::default();
            for (fate, learner) in fates.fates.iter().zip(&fates.learners) {
                counts.add("", 0, Kind::Events, fate, *learner, true);
            }
            println!("{} new, {} known already", counts.new, counts.known);
            for line in &counts.lines {
                println!("  {line}");
            }
        }
        _ => return Err(Refusal::new(Trouble::Home, "an unexpected answer")),
    }
    Ok(ExitCode::SUCCESS)
}

fn show_import(line: &ImportLine) {
    let undone = if line.undone { ", taken back" } else { "" };
    println!(
        "{}  {}  {} new, {} known, {} waiting, {} refused{undone}",
        line.number, line.what, line.new, line.known, line.waiting, line.refused
    );
}

fn show_waiting(line: &WaitingLine) {
    println!(
        "{}  {}  ({} rows of '{}'): {}",
        line.code, line.who, line.rows, line.source, line.reason
    );
}
