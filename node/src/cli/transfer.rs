//! `spean transfer`: learners leave and arrive, one or a whole list.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use spean_protocol::id::LearnerId;
use spean_protocol::view::OpenItems;

use crate::api::{Kind, Refusal, Reply, Request};
use crate::cli::{Who, ask, paper, show};
use crate::engine::arrive::{Arrival, Ticket};
use crate::engine::depart::{Departure, Moved};
use crate::engine::state::MoveLine;
use crate::home::{EnrolmentRequest, Home};
use crate::locale::{self, Language};
use crate::paper::slip::short_code;

/// Bytes of a list: 4,000 slips.
const LIST_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Learners leave and arrive.
#[derive(Debug, Subcommand)]
pub(super) enum TransferCommand {
    /// Learners leave: the keys of their records go to the destination, a slip goes with each.
    ///
    /// Where the van went elsewhere, record it again with the true destination: as long as nobody
    /// has admitted a learner, what was recorded last counts.
    #[command(
        after_help = "A list is a text file with one learner's id at the start of each line; \
                            what follows a comma, and lines that start with #, are left out."
    )]
    Out(OutArgs),
    /// Learners arrive: by their slips, by the ids on their cards, or all whom a site announced.
    In(InArgs),
    /// Make slips again, or later: the site that they left, or the head office for anyone.
    Slip(SlipArgs),
    /// Undo the last move of a learner here, within a day, as long as no other site built on it.
    Undo {
        /// The learner's id.
        learner: LearnerId,
    },
    /// Say that a learner who is said to have arrived elsewhere has not left. It blocks nothing:
    /// the other site and the head office are told.
    Dispute {
        /// The learner's id.
        learner: LearnerId,
    },
    /// Ask the head office: of a learner who was added as a new person whether he is known to it; of
    /// one who came by his card once more for the keys of his past.
    Ask {
        /// The learner's id.
        learner: LearnerId,
        /// Why: learner-says, officer-knows, name, prisoner-number, card.
        #[arg(long, default_value = "learner-says")]
        reason: String,
    },
    /// Everybody who moves: announced, waiting for a key or for segments, overdue, disputed.
    List,
}

/// Whom a command is about.
#[derive(Debug, Args)]
pub(super) struct Whom {
    /// Learners' ids.
    learners: Vec<LearnerId>,
    /// A file with an id on each line.
    #[arg(long)]
    list: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct OutArgs {
    #[command(flatten)]
    whom: Whom,
    /// A site's code, or released, without-node, unknown.
    #[arg(long)]
    to: String,
    /// The day, such as 2026-03-31.
    #[arg(long, default_value = "")]
    date: String,
    /// The learners agreed that their restricted data (WHO-5, disability) move along.
    #[arg(long)]
    with_restricted: bool,
    /// Write all slips into this file (PDF), an A5 page for each learner: for a printer.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Without a printer: write the slip's code as a picture (SVG) to this file; for one learner.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Without a printer: write a picture and a text file of each slip into this directory, to show on a
    /// screen, to send, or to copy by hand.
    #[arg(long)]
    slips: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct InArgs {
    /// A slip's text; '-' reads it from standard input.
    #[arg(long)]
    slip: Vec<String>,
    /// The id on a card, where there is no slip: his past joins when its key comes.
    #[arg(long, value_parser = typed_id)]
    card: Vec<LearnerId>,
    /// A file with a slip or an id on each line.
    #[arg(long)]
    list: Option<PathBuf>,
    /// All whom this site announced.
    #[arg(long, conflicts_with_all = ["slip", "card", "list"])]
    announced: Option<String>,
    /// The day, such as 2026-03-31.
    #[arg(long, default_value = "")]
    date: String,
}

#[derive(Debug, Args)]
pub(super) struct SlipArgs {
    #[command(flatten)]
    whom: Whom,
    /// The code of the site that the slips are for: needed at the head office only.
    #[arg(long)]
    to: Option<String>,
    /// Write all slips into this file (PDF), an A5 page for each learner: for a printer.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Without a printer: write a picture and a text file of each slip into this directory, to show on a
    /// screen, to send, or to copy by hand.
    #[arg(long)]
    slips: Option<PathBuf>,
}

/// A line of a list that cannot be used.
#[derive(Debug)]
struct BadLine {
    who: String,
    why: String,
}

impl BadLine {
    fn refused<T>(self) -> Moved<T> {
        let Self { who, why } = self;
        Moved::Refused { who, why }
    }
}

/// Runs a transfer command.
pub(super) async fn transfer(
    home: &Home,
    command: &TransferCommand,
    who: &Who,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let (request, bad) = request(command)?;
    let mut reply = ask(home, who.asks(request)).await?;
    let slips = match command {
        TransferCommand::Out(args) => (args.svg.as_deref(), args.slips.as_deref()),
        TransferCommand::Slip(args) => (None, args.slips.as_deref()),
        _ => (None, None),
    };
    let pdf = match command {
        TransferCommand::Out(args) => args.pdf.as_deref().map(|pdf| (pdf, args.date.parse().ok())),
        TransferCommand::Slip(args) => args.pdf.as_deref().map(|pdf| (pdf, None)),
        _ => None,
    };
    let mut written = Ok(());
    match &mut reply {
        Reply::Departures(moved) => {
            moved.extend(bad.into_iter().map(BadLine::refused));
            written = write_slips(moved, slips);
            if let Some((pdf, date)) = pdf {
                let printed = paper::slips(home, moved, date, pdf).await;
                written = written.and(printed.map_err(recorded));
            }
        }
        Reply::Arrivals(moved) => moved.extend(bad.into_iter().map(BadLine::refused)),
        _ => {}
    }
    // Whatever became of the files: who left has left, and who was refused is to be named.
    let shown = show::reply(json, &reply)?;
    written.map(|()| shown)
}

fn request(command: &TransferCommand) -> Result<(Request, Vec<BadLine>), Refusal> {
    let request = match command {
        TransferCommand::Out(args) => {
            let (learners, bad) = whom(&args.whom)?;
            if args.svg.is_some() && learners.len() > 1 {
                let message = "--svg is for one learner: --slips DIRECTORY takes those of several";
                return Err(Refusal::new(Kind::Refused, message));
            }
            let request = Request::TransferOut {
                learners,
                to: args.to.clone(),
                date: args.date.clone(),
                with_restricted: args.with_restricted,
            };
            return Ok((request, bad));
        }
        TransferCommand::Slip(args) => {
            let (learners, bad) = whom(&args.whom)?;
            let to = args.to.clone();
            return Ok((Request::TransferSlip { learners, to }, bad));
        }
        TransferCommand::In(args) => return arrivals(args),
        TransferCommand::Undo { learner } => Request::TransferUndo(*learner),
        TransferCommand::Dispute { learner } => Request::TransferDispute(*learner),
        TransferCommand::Ask { learner, reason } => Request::AskWho {
            learner: *learner,
            reason: reason.clone(),
        },
        TransferCommand::List => Request::TransferList,
    };
    Ok((request, Vec::new()))
}

fn whom(whom: &Whom) -> Result<(Vec<LearnerId>, Vec<BadLine>), Refusal> {
    let mut learners = whom.learners.clone();
    let mut bad = Vec::new();
    if let Some(path) = &whom.list {
        for (number, text) in lines(path)? {
            match text.parse() {
                Ok(learner) => learners.push(learner),
                Err(_) => bad.push(bad_line(path, number, "no learner's id: 32 digits and a-f")),
            }
        }
    }
    if learners.is_empty() {
        return Err(nobody(&bad, "give learners' ids, or --list FILE"));
    }
    Ok((learners, bad))
}

fn arrivals(args: &InArgs) -> Result<(Request, Vec<BadLine>), Refusal> {
    let date = args.date.clone();
    if let Some(from) = &args.announced {
        let from = from.clone();
        return Ok((Request::TransferInAnnounced { from, date }, Vec::new()));
    }
    let mut tickets = Vec::new();
    let mut bad = Vec::new();
    for slip in &args.slip {
        let text = if slip == "-" {
            read_slip()?
        } else {
            slip.clone()
        };
        if let Some(what) = no_slip(&text) {
            return Err(Refusal::new(Kind::Refused, format!("--slip: {what}")));
        }
        tickets.push(Ticket::Slip(text));
    }
    tickets.extend(args.card.iter().copied().map(Ticket::Card));
    if let Some(path) = &args.list {
        for (number, text) in lines(path)? {
            tickets.push(match text.parse() {
                Ok(learner) => Ticket::Card(learner),
                Err(_) if text.len() > 100 => Ticket::Slip(text),
                Err(_) => {
                    bad.push(bad_line(path, number, "neither a learner's id nor a slip"));
                    continue;
                }
            });
        }
    }
    if tickets.is_empty() {
        return Err(nobody(
            &bad,
            "give --slip, --card, --list FILE, or --announced CODE",
        ));
    }
    Ok((Request::TransferIn { tickets, date }, bad))
}

/// An id as it stands on a card, in groups or without.
fn typed_id(text: &str) -> Result<LearnerId, String> {
    let gap = |letter: &char| letter.is_whitespace() || *letter == '-';
    let digits: String = text.chars().filter(|letter| !gap(letter)).collect();
    digits
        .parse()
        .map_err(|_| "expected 32 digits and letters a to f, as on the card".to_owned())
}

/// What another paper of ours is that somebody took for a slip.
fn no_slip(text: &str) -> Option<&'static str> {
    if typed_id(text).is_ok() {
        Some("this is the number of a card, and no slip: give it with --card")
    } else if EnrolmentRequest::from_text(text).is_ok() {
        Some("this is the request of a new node, and no slip: 'spean ceremony propose --enrol'")
    } else {
        None
    }
}

fn nobody(bad: &[BadLine], hint: &str) -> Refusal {
    let message = bad.first().map_or_else(
        || hint.to_owned(),
        |line| format!("nobody in the list can be used. {}: {}", line.who, line.why),
    );
    Refusal::new(Kind::Refused, message)
}

fn bad_line(path: &Path, number: usize, why: &str) -> BadLine {
    BadLine {
        who: format!("{} line {number}", path.display()),
        why: why.to_owned(),
    }
}

/// The first field of every line of a list that holds something, with its number.
fn lines(path: &Path) -> Result<Vec<(usize, String)>, Refusal> {
    let said = |error: std::io::Error| {
        Refusal::new(
            Kind::Refused,
            format!(
                "{}: {error}: name a text file that can be read",
                path.display()
            ),
        )
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(said)?;
    file.take(LIST_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(said)?;
    if bytes.len() as u64 > LIST_BYTES_MAX {
        let shown = path.display();
        let message = format!("{shown}: larger than 4 MiB: divide it into several lists");
        return Err(Refusal::new(Kind::Refused, message));
    }
    let text = String::from_utf8(bytes).map_err(std::io::Error::other);
    let text = text.map_err(said)?;
    let first = |line: &str| {
        line.split([',', ';', '\t'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let numbered = (1..).zip(text.trim_start_matches('\u{feff}').lines().map(first));
    Ok(numbered
        .filter(|(number, text)| {
            let heading = *number == 1 && matches!(text.as_str(), "ref" | "learner" | "id");
            !text.is_empty() && !text.starts_with('#') && !heading
        })
        .collect())
}

fn read_slip() -> Result<String, Refusal> {
    if std::io::stdin().is_terminal() {
        eprintln!("Type or scan the slip, then Ctrl-D:");
    }
    let mut text = String::new();
    std::io::stdin()
        .take(16 * 1024)
        .read_to_string(&mut text)
        .map_err(|error| Refusal::new(Kind::Refused, format!("standard input: {error}")))?;
    Ok(text)
}

/// What became of the paper changes nothing of the departures.
fn recorded(refusal: Refusal) -> Refusal {
    let Refusal { kind, message } = refusal;
    let hint = "the departures are recorded; 'spean transfer slip' gives the slips";
    Refusal::new(kind, format!("{message}; {hint}"))
}

fn write_slips(
    moved: &[Moved<Departure>],
    (svg, directory): (Option<&Path>, Option<&Path>),
) -> Result<(), Refusal> {
    let said = |path: &Path, error: std::io::Error| {
        Refusal::new(
            Kind::Store,
            format!(
                "{}: {error}: the departures are recorded; 'spean transfer slip' gives the slips",
                path.display()
            ),
        )
    };
    if let Some(directory) = directory {
        std::fs::create_dir_all(directory).map_err(|error| said(directory, error))?;
    }
    for departure in moved.iter().filter_map(Moved::done) {
        let write =
            |path: &Path, text: &str| std::fs::write(path, text).map_err(|error| said(path, error));
        for (number, slip) in (1..).zip(departure.slips()) {
            let picture = crate::qr::svg(slip);
            let picture = picture.map_err(|error| Refusal::new(Kind::Refused, error))?;
            // A further one stands beside the first.
            let beside = |path: &Path| match number {
                1 => path.to_owned(),
                _ => path.with_extension(format!("{number}.svg")),
            };
            if let Some(path) = svg {
                write(&beside(path), &picture)?;
            }
            if let Some(directory) = directory {
                let path = directory.join(format!("{}.svg", departure.learner));
                write(&beside(&path), &picture)?;
                write(&beside(&path).with_extension("txt"), slip)?;
            }
        }
    }
    Ok(())
}

/// Prints who left; the slip where it is one.
pub(super) fn show_departures(moved: &[Moved<Departure>]) {
    for one in moved {
        match one {
            Moved::Done(departure) => show_departure(departure, moved.len() == 1),
            Moved::Refused { who, why } => println!("NOT DONE {who}: {why}"),
        }
    }
    if moved.len() > 1 {
        let done = moved.iter().filter_map(Moved::done).count();
        println!("{done} of {} done.", moved.len());
    }
}

fn show_departure(departure: &Departure, alone: bool) {
    let Departure {
        learner, name, to, ..
    } = departure;
    let to = locale::destination(Language::English, to);
    println!("{learner}  {name}: {to}");
    show_items(&departure.moves);
    if !alone {
        // What an officer matches paper and person by.
        if departure.slip.is_some() {
            println!("    short code on the slip: {}", short_code(*learner));
        }
        return;
    }
    for (number, slip) in (1..).zip(departure.slips()) {
        match number {
            1 => println!("The slip goes with him; it opens his record at the destination only:\n"),
            _ => println!("\nA further slip of his; it is entered after the first:\n"),
        }
        // Whatever the code says, the text below is the same slip.
        println!("{}", crate::qr::terminal(slip).unwrap_or_default());
        println!("{}", crate::qr::grouped(slip));
    }
}

/// Prints who arrived and how each record stands.
pub(super) fn show_arrivals(moved: &[Moved<Arrival>]) {
    for one in moved {
        match one {
            Moved::Done(arrival) => {
                let from = arrival.from.as_deref().unwrap_or("elsewhere");
                let name = match arrival.name.as_str() {
                    "" => "(name not here yet)",
                    name => name,
                };
                println!("{}  {name}: from {from}", arrival.learner);
                arrival
                    .states
                    .iter()
                    .for_each(|state| println!("    {}", show::words(state)));
                show_items(&arrival.moves);
            }
            Moved::Refused { who, why } => println!("NOT DONE {who}: {why}"),
        }
    }
    if moved.len() > 1 {
        let done = moved.iter().filter_map(Moved::done).count();
        println!("{done} of {} done.", moved.len());
    }
}

fn show_items(items: &OpenItems) {
    for (scope, cohort) in &items.seats {
        let cohort = cohort.map_or_else(String::new, |cohort| format!(", cohort {cohort}"));
        println!("    moves: a seat in {scope}{cohort}");
    }
    for (scope, sitting) in &items.exams {
        let sitting = sitting.map_or_else(String::new, |sitting| format!(" {sitting}"));
        println!("    moves: exam registration {scope}{sitting}");
    }
    for item in &items.loans {
        println!("    moves: library item {item} is to be brought back");
    }
    for (module, due) in &items.due {
        let due = due.map_or_else(String::new, |due| format!(", due {due}"));
        println!("    moves: pathway {module}{due}");
    }
}

/// Prints everybody who moves.
pub(super) fn show_moves(lines: &[MoveLine]) {
    for line in lines {
        println!("{}  {}", line.learner, line.name);
        line.states
            .iter()
            .for_each(|state| println!("    {}", show::words(state)));
    }
    println!("{} who move", lines.len());
}

/// Goal: no list is read in part, and no picture written over another, without a word.
/// Method: a list that is one byte too long, and a command for two learners.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_list_that_is_too_long_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let line = format!("{}\n", "0".repeat(1023));
        std::fs::write(&path, line.repeat(4096)).unwrap();
        assert_eq!(lines(&path).unwrap().len(), 4096);
        std::fs::write(&path, line.repeat(4096) + "0").unwrap();
        let refused = lines(&path).unwrap_err();
        assert!(refused.message.contains("larger than 4 MiB"), "{refused:?}");
    }

    #[test]
    fn an_id_is_typed_as_it_is_printed() {
        let id = LearnerId([0xAB; 16]);
        for typed in [
            id.to_string(),
            crate::qr::grouped(&id.to_string().to_uppercase()),
        ] {
            assert_eq!(typed_id(&typed), Ok(id));
            assert!(no_slip(&typed).is_some_and(|what| what.contains("--card")));
        }
        assert!(typed_id("abab abab").is_err());
        assert_eq!(no_slip("AIBQ AAQA"), None);
    }

    #[test]
    fn one_picture_is_for_one_learner() {
        let args = |learners: &[u8]| OutArgs {
            whom: Whom {
                learners: learners.iter().map(|one| LearnerId([*one; 16])).collect(),
                list: None,
            },
            to: "released".to_owned(),
            date: String::new(),
            with_restricted: false,
            pdf: None,
            svg: Some(PathBuf::from("slip.svg")),
            slips: None,
        };
        assert!(request(&TransferCommand::Out(args(&[1]))).is_ok());
        let refused = request(&TransferCommand::Out(args(&[1, 2]))).unwrap_err();
        assert!(refused.message.contains("--slips"), "{refused:?}");
    }
}
