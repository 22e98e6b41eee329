//! A receipt of what happened to a learner last, to print and to sign: where he arrived, or where
//! he left to. It is not the transfer slip: it carries no key and opens nothing.

use askama::Template;
use spean_protocol::custody::{Arrival, Departure, newest_departures};
use spean_protocol::id::LearnerId;

use super::frame::{Failure, Frame};
use super::learner::{Known, names};
use crate::engine::state::State;
use crate::locale;
use crate::qr::grouped;
use crate::service::Service;

#[derive(Template)]
#[template(path = "receipt.html")]
struct Receipt<'a> {
    frame: &'a Frame,
    card: String,
    summary: String,
    names: Vec<String>,
    moves: Vec<Move>,
    record: String,
    issued_by: String,
}

/// A move: its title, then labels with their values.
struct Move {
    title: String,
    lines: Vec<(String, String)>,
}

/// The page at `/receipt/{id}`.
pub async fn page(service: &Service, frame: &Frame, id: LearnerId) -> Result<String, Failure> {
    let known = Known::ask(service, id).await?;
    let receipt = Receipt {
        frame,
        card: grouped(&id.to_string()),
        summary: frame.link(&format!("/learner/{id}")),
        names: names(&known.view),
        moves: moves(frame, &known),
        record: record(frame, &known),
        issued_by: known.sites.code(known.site),
    };
    Ok(receipt.render()?)
}

/// The open stays' arrivals, or without an open stay the departures that nothing followed. More
/// than one where sites contradict each other: then each is shown.
fn moves(frame: &Frame, known: &Known) -> Vec<Move> {
    let open = known.view.stays.iter().filter(|stay| stay.is_open());
    let arrivals: Vec<_> = open
        .flat_map(|stay| &stay.arrivals)
        .map(|one| arrived(frame, known, one))
        .collect();
    if !arrivals.is_empty() {
        return arrivals;
    }
    newest_departures(&known.view.stays)
        .map(|one| departed(frame, known, one))
        .collect()
}

fn arrived(frame: &Frame, known: &Known, arrival: &Arrival) -> Move {
    let mut lines = vec![
        (frame.text("receipt-date"), frame.date(arrival.date)),
        (frame.text("receipt-at"), known.sites.code(arrival.site)),
    ];
    if let Some(from) = arrival.from {
        lines.push((frame.text("receipt-from"), known.sites.code(from)));
    }
    Move {
        title: frame.text("receipt-arrived"),
        lines,
    }
}

fn departed(frame: &Frame, known: &Known, departure: &Departure) -> Move {
    let lines = vec![
        (frame.text("receipt-date"), frame.date(departure.date)),
        (frame.text("receipt-left"), known.sites.code(departure.site)),
        (
            frame.text("receipt-to"),
            frame.destination(departure.to, &known.sites),
        ),
    ];
    Move {
        title: frame.text("receipt-departed"),
        lines,
    }
}

/// How much of the record is here.
fn record(frame: &Frame, known: &Known) -> String {
    let waits = known.states.iter().find(|state| {
        let waits = matches!(
            state,
            State::WaitingForKey | State::WaitingForSegments { .. } | State::Provisional
        );
        waits && !known.waiting
    });
    if let Some(state) = waits {
        locale::record_state(frame.language, state)
    } else if known.waiting {
        frame.text("receipt-record-opening")
    } else if known.view.profile.names.is_empty() {
        frame.text("receipt-record-awaited")
    } else {
        frame.text("receipt-record-here")
    }
}
