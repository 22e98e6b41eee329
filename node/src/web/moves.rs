//! Who moves: announced here, arrived and not open yet, on the way, overdue, disputed.

use askama::Template;

use super::frame::{Failure, Frame, ask};
use crate::locale;
use crate::qr::grouped;
use crate::service::Service;

#[derive(Template)]
#[template(path = "moves.html")]
struct Moves<'a> {
    frame: &'a Frame,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    card: String,
    states: Vec<String>,
}

/// The page at `/moves`.
pub async fn page(service: &Service, frame: &Frame) -> Result<String, Failure> {
    let lines = ask(service, |engine| engine.moves()).await?;
    let rows = lines.into_iter().map(|line| Row {
        name: if line.name.is_empty() {
            frame.text("name-unknown")
        } else {
            line.name
        },
        card: grouped(&line.learner.to_string()),
        states: line
            .states
            .iter()
            .map(|state| locale::record_state(frame.language, state))
            .collect(),
    });
    Ok(Moves {
        frame,
        rows: rows.collect(),
    }
    .render()?)
}
