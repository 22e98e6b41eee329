//! What goes on paper: slips of a batch, learners' cards, the request of a new node.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use spean_protocol::event::Date;
use spean_protocol::id::LearnerId;

use super::{ask, show};
use crate::api::{Kind, Refusal, Reply, Request};
use crate::engine::depart::{Departure, Moved};
use crate::home::{EnrolmentRequest, Home, read_small};
use crate::paper::{card, request, slip};
use crate::qr;

/// Bytes of a request.toml.
const REQUEST_BYTES_MAX: usize = 4_096;

/// `learner card`.
#[derive(Debug, Args)]
pub(super) struct CardArgs {
    /// Learners' ids.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    learners: Vec<LearnerId>,
    /// All learners of this site.
    #[arg(long)]
    all: bool,
    /// The file: ten cards on an A4 page, with marks to cut along.
    #[arg(long)]
    pdf: PathBuf,
}

/// How a new node is enrolled.
#[derive(Debug, Subcommand)]
pub(super) enum EnrolCommand {
    /// This node's request, as a code and as letters: for the head office, where no stick goes.
    #[command(
        after_help = "At the head office: spean ceremony propose FOLDER --enrol -    and type or scan it. \
                      What comes back is a roster: 'spean roster install FILE --seal ...'."
    )]
    Show {
        /// Also write it as an A5 page (PDF) to this file.
        #[arg(long)]
        pdf: Option<PathBuf>,
    },
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    std::fs::write(path, bytes).map_err(|error| {
        let message = format!(
            "{}: {error}: name a file that can be written",
            path.display()
        );
        Refusal::new(Kind::Store, message)
    })
}

fn refused(error: impl ToString) -> Refusal {
    Refusal::new(Kind::Refused, error)
}

/// Writes the cards of learners.
pub(super) async fn cards(home: &Home, args: &CardArgs, json: bool) -> Result<ExitCode, Refusal> {
    let learners = args.learners.clone();
    let reply = ask(home, Request::Cards { learners }).await?;
    let Reply::Cards(cards) = &reply else {
        return Err(Refusal::new(Kind::Home, "an unexpected answer"));
    };
    if cards.is_empty() {
        return Err(refused("no learner is here: 'spean learner add' first"));
    }
    write(&args.pdf, &card::cards(cards).map_err(refused)?)?;
    if !json {
        println!("{} cards in {}", cards.len(), args.pdf.display());
        return Ok(ExitCode::SUCCESS);
    }
    show::reply(json, &reply)
}

/// Writes all slips of a batch into one file.
pub(super) async fn slips(
    home: &Home,
    moved: &[Moved<Departure>],
    date: Option<Date>,
    pdf: &Path,
) -> Result<(), Refusal> {
    let Some(to) = moved
        .iter()
        .filter_map(Moved::done)
        .map(|one| one.to.clone())
        .next()
    else {
        return Ok(());
    };
    let mut printed = Vec::new();
    for one in moved.iter().filter_map(Moved::done) {
        for (number, text) in one.slips().enumerate() {
            printed.push(slip::Printed {
                learner: one.learner,
                slip: text.to_owned(),
                further: number > 0,
            });
        }
    }
    if printed.is_empty() {
        let message = format!("--pdf: there is no slip to '{to}', which is no site with a node");
        return Err(refused(message));
    }
    let (Reply::Status(status), Reply::Roster(roster)) = (
        ask(home, Request::Status).await?,
        ask(home, Request::RosterShow).await?,
    ) else {
        return Err(Refusal::new(Kind::Home, "an unexpected answer"));
    };
    let name = roster.sites.iter().find(|site| site.code == to);
    let name = name.map_or_else(String::new, |site| site.name.clone());
    let batch = slip::Batch {
        from: (status.site, status.name),
        to: (to, name),
        date,
    };
    write(pdf, &slip::slips(&batch, &printed).map_err(refused)?)
}

/// Shows the request of this node.
pub(super) fn enrol(home: &Home, command: &EnrolCommand, json: bool) -> Result<ExitCode, Refusal> {
    let EnrolCommand::Show { pdf } = command;
    let path = home.request_path();
    let wrong = |reason: String| {
        let message = format!(
            "{}: {reason}: 'spean init' writes it when a node is made",
            path.display()
        );
        Refusal::new(Kind::Home, message)
    };
    let bytes = read_small(&path, REQUEST_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
    let made: EnrolmentRequest =
        toml::from_slice(&bytes).map_err(|error| wrong(error.message().to_owned()))?;
    let text = made.to_text().map_err(|error| wrong(error.to_string()))?;
    if let Some(pdf) = pdf {
        let printed = request::Printed {
            site: (made.code.clone(), made.name.clone()),
            seal: made.seal(),
            text: text.clone(),
        };
        write(pdf, &request::request(&printed).map_err(refused)?)?;
    }
    if json {
        let value = serde_json::json!({ "request": made, "text": text, "seal": made.seal() });
        println!("{value}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("Request of {} ({}):\n", made.name, made.code);
    println!("{}", qr::terminal(&text).unwrap_or_default());
    println!("{}\n", qr::grouped(&text));
    println!("Seal of its keys: {}", made.seal());
    println!("Send the letters or the code to the head office, and read the seal by telephone.");
    Ok(ExitCode::SUCCESS)
}
