//! The rows of one site as the two CSV texts that an import reads. No field holds a comma, a quote
//! or a line break, so nothing is quoted.

use std::fmt::Write;

use super::learner::{Event, Learner, Sex};

const LEARNERS: &str =
    "ref,family_km,given_km,family_latin,given_latin,sex,born,education,languages,arrived,card\n";
const EVENTS: &str = "ref,learner,date,kind,programme,module,session,score,max,version,value\n";

/// The texts of learners.csv and events.csv. Learners are numbered as they arrived, events as they
/// happened; what is undated comes last.
pub(super) fn write(code: &str, mut learners: Vec<&Learner>) -> (String, String) {
    learners.sort_by_key(|learner| learner.arrived);
    let (mut people, mut happenings) = (LEARNERS.to_owned(), EVENTS.to_owned());
    let mut events: Vec<(usize, &Event)> = Vec::new();
    for (row, learner) in learners.iter().enumerate() {
        learner_row(&mut people, code, row + 1, learner);
        events.extend(learner.events.iter().map(|event| (row + 1, event)));
    }
    events.sort_by_key(|(_, event)| (event.day.is_none(), event.day));
    for (row, (learner, event)) in events.into_iter().enumerate() {
        event_row(&mut happenings, code, row + 1, learner, event);
    }
    (people, happenings)
}

fn learner_row(text: &mut String, code: &str, row: usize, learner: &Learner) {
    let who = &learner.identity;
    let sex = match who.sex {
        Sex::Woman => "F",
        Sex::Man => "M",
        Sex::Missing => "",
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{code}-{row:04},{},{},{},{},{sex},{},{},{},{},{}",
        who.family.khmer,
        who.given.khmer,
        who.family.latin,
        who.given.latin,
        who.born,
        who.education,
        who.languages,
        learner.arrived,
        learner.card.as_deref().unwrap_or(""),
    );
}

fn event_row(text: &mut String, code: &str, row: usize, learner: usize, event: &Event) {
    let number = |number: Option<i32>| number.map(|number| number.to_string()).unwrap_or_default();
    let _ = writeln!(
        text,
        "{code}-E{row:05},{code}-{learner:04},{},{},{},{},{},{},{},{},{}",
        event.day.map(|day| day.to_string()).unwrap_or_default(),
        event.kind,
        event.programme,
        event.module,
        number(event.session),
        number(event.score.map(|(points, _)| points)),
        number(event.score.map(|(_, max)| max)),
        event.version,
        event.value,
    );
}
