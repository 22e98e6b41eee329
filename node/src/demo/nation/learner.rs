//! A generated learner: who he is said to be, and what is said to have happened to him at one
//! site. These are rows in the making, not the records of the protocol.

use super::day::Day;
use super::draw::Draw;
use super::names::{Name, Names};

/// The sex as a register has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sex {
    Woman,
    Man,
    Missing,
}

/// Who a person is said to be. Two sites that register him write the same, if they know him.
#[derive(Clone)]
pub(super) struct Identity {
    pub family: Name,
    pub given: Name,
    pub sex: Sex,
    /// `1990`, `1990-05`, `1990-05-17` or empty.
    pub born: String,
    pub education: &'static str,
    pub languages: &'static str,
}

/// One row of a site's learners, with his rows of the site's events.
pub(super) struct Learner {
    /// Index of the site in the nation.
    pub site: usize,
    /// Who he truly is: two rows with the same number are one person who carried his card.
    pub person: usize,
    pub card: Option<String>,
    pub identity: Identity,
    pub arrived: Day,
    pub events: Vec<Event>,
}

/// One row of a site's events, before it has its learner and its key. An empty text or `None`
/// leaves the column empty.
#[derive(Clone)]
pub(super) struct Event {
    /// `None` is an event that the register left undated.
    pub day: Option<Day>,
    pub kind: &'static str,
    pub programme: &'static str,
    pub module: &'static str,
    pub session: Option<i32>,
    /// Points, and how many there were to have.
    pub score: Option<(i32, i32)>,
    pub version: String,
    pub value: String,
}

impl Identity {
    /// A person who shares his pair of names with nobody. `youth` is for the site that holds
    /// minors, and makes men there boys.
    pub(super) fn new(sex: Sex, youth: bool, names: &mut Names, draw: &mut Draw) -> Self {
        let (family, given) = names.fresh(sex, draw);
        Self {
            family,
            given,
            sex,
            born: born(youth && sex != Sex::Woman, draw),
            education: draw.weighted(&[
                (12, "none"),
                (46, "primary"),
                (24, "lower-secondary"),
                (10, "upper-secondary"),
                (2, "higher"),
                (6, ""),
            ]),
            languages: draw.weighted(&[(86, "km"), (7, "km en"), (4, "km vi"), (3, "km fr")]),
        }
    }
}

/// A birth date in the precision that a register has it; now and then there is none.
fn born(youth: bool, draw: &mut Draw) -> String {
    let year = if youth {
        draw.between(2007, 2009)
    } else {
        draw.between(1966, 2004)
    };
    let (month, day) = (draw.between(1, 12), draw.between(1, 28));
    match draw.between(1, 100) {
        1..=3 => String::new(),
        4..=50 => format!("{year}"),
        51..=62 => format!("{year}-{month:02}"),
        _ => format!("{year}-{month:02}-{day:02}"),
    }
}

impl Learner {
    /// The last day that anything is said of him.
    pub(super) fn last_day(&self) -> Option<Day> {
        self.events.iter().filter_map(|event| event.day).max()
    }

    /// The value of his departure, if he is gone.
    pub(super) fn departed(&self) -> Option<&str> {
        let gone = self.events.iter().find(|event| event.kind == "departed")?;
        Some(&gone.value)
    }

    /// Whether he was counted by a session of reintegration on or before a day.
    pub(super) fn was_in_reintegration(&self, day: Day) -> bool {
        self.events.iter().any(|event| {
            event.kind == "attended"
                && event.programme == "reintegration"
                && event.day.is_some_and(|attended| attended <= day)
        })
    }
}

impl Event {
    pub(super) fn new(kind: &'static str) -> Self {
        Self {
            day: None,
            kind,
            programme: "",
            module: "",
            session: None,
            score: None,
            version: String::new(),
            value: String::new(),
        }
    }

    pub(super) fn of(kind: &'static str, programme: &'static str, module: &'static str) -> Self {
        Self {
            programme,
            module,
            ..Self::new(kind)
        }
    }

    pub(super) fn session(self, session: i32) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    pub(super) fn score(self, score: i32, max: i32) -> Self {
        Self {
            score: Some((score, max)),
            ..self
        }
    }

    pub(super) fn version(self, version: impl Into<String>) -> Self {
        Self {
            version: version.into(),
            ..self
        }
    }

    pub(super) fn value(self, value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            ..self
        }
    }
}
