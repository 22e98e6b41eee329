//! Files of a site's registers become events. Every row has a key of its own in its source, so a
//! file imported twice changes nothing the second time, also after a restore. A row that cannot be
//! used is refused with its reason, and the rows around it are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::event::{
    ArrivalReason, Body, Date, Event, Language, Languages, NamePart, Script,
};
use spean_protocol::id::{LearnerId, StayId, Stream};
use spean_protocol::record::{Draft, imported_id};
use spean_protocol::seal::derive;

use super::write::{OwnStay, Write};
use super::{Engine, EngineError};
use crate::mutant::{self, Mutant};
use crate::store::{Store, Table};

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is new and is kept.
    New,
    /// It was imported before.
    Known,
    /// It cannot be used; why.
    Refused(String),
}

/// A row of a file of learners, as text: `ref`, `family_km`, `given_km`, `family_latin`,
/// `given_latin`, `sex`, `born`, `education`, `languages`, `arrived`, `card`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnerRow {
    /// The row's key in its source: the first column.
    pub row: String,
    /// The other columns.
    pub fields: [String; 10],
}

/// What a row of a file of learners says.
struct Newcomer {
    card: Option<LearnerId>,
    arrived: Option<Date>,
    profile: Vec<Body>,
}

impl LearnerRow {
    fn read(&self) -> Result<Newcomer, String> {
        let [
            family_km,
            given_km,
            family_latin,
            given_latin,
            sex,
            born,
            education,
            languages,
            arrived,
            card,
        ] = self.fields.each_ref().map(|field| field.trim());
        let mut profile = Vec::new();
        for (script, family, given) in [
            (Script::Khmer, family_km, given_km),
            (Script::Latin, family_latin, given_latin),
        ] {
            if !(family.is_empty() && given.is_empty()) {
                let part = |text| NamePart::new(text).map_err(|error| format!("name: {error}"));
                profile.push(Body::Name {
                    script,
                    family: part(family)?,
                    given: part(given)?,
                });
            }
        }
        if profile.is_empty() {
            return Err("no name: fill in a Khmer or a Latin name".to_owned());
        }
        if !sex.is_empty() {
            profile.push(Body::Sex {
                sex: read("sex", sex, "F or M")?,
            });
        }
        if !born.is_empty() {
            profile.push(Body::Birth {
                birth: read("born", born, "1990, 1990-05 or 1990-05-17")?,
            });
        }
        if !education.is_empty() {
            let hint = "none, primary, lower-secondary, upper-secondary or higher";
            profile.push(Body::Education {
                level: read("education", education, hint)?,
            });
        }
        if !languages.is_empty() {
            let list = languages
                .split_whitespace()
                .map(|code| read("languages", code, "km fr en"));
            let list = list.collect::<Result<Vec<Language>, String>>()?;
            let languages = Languages::new(list).map_err(|error| format!("languages: {error}"))?;
            profile.push(Body::Languages { languages });
        }
        let optional_date = |text: &str| match text {
            "" => Ok(None),
            text => read("arrived", text, "a day such as 2025-03-31").map(Some),
        };
        let card = match card {
            "" => None,
            text => Some(read("card", text, "the 32 digits on the card")?),
        };
        Ok(Newcomer {
            card,
            arrived: optional_date(arrived)?,
            profile,
        })
    }
}

fn read<T: std::str::FromStr>(column: &str, text: &str, hint: &str) -> Result<T, String> {
    let shown: String = text.chars().take(40).collect();
    text.parse()
        .map_err(|_| format!("{column}: '{shown}' is not {hint}"))
}

/// A row of a file of events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// The row's key in its source.
    pub row: String,
    /// The learner's row key in the file of learners.
    pub learner: String,
    /// When it happened; `None` when nobody knows.
    pub date: Option<Date>,
    /// Columns `kind`, `programme`, `module`, `session`, `score`, `max`, `version`, `value`.
    pub fields: [String; 8],
}

impl<S: Store> Engine<S> {
    /// Takes learners of a source, as one transaction. Each gets a stay here.
    ///
    /// # Errors
    /// What the store says; rows that cannot be used are no error.
    pub fn import_learners(
        &mut self,
        source: &str,
        rows: &[LearnerRow],
    ) -> Result<Vec<Fate>, EngineError> {
        self.input(|engine| {
            let mut writes = Vec::new();
            let mut fates = Vec::with_capacity(rows.len());
            for row in rows {
                fates.push(engine.import_learner(source, row, &mut writes)?);
            }
            engine.write(writes)?;
            Ok(fates)
        })
    }

    /// Adds one learner who is in no register yet: his row key is a new random one.
    ///
    /// # Errors
    /// [`EngineError::Row`] when the row cannot be used.
    pub fn add_learner(&mut self, row: &LearnerRow) -> Result<LearnerId, EngineError> {
        self.input(|engine| {
            // Two copies of a machine that draw the same bytes still admit two people.
            let content = codec::encode(&row.fields);
            let key = LearnerId(engine.fresh_id("row", &content)).to_string();
            let row = LearnerRow {
                row: key,
                ..row.clone()
            };
            let mut writes = Vec::new();
            if let Fate::Refused(reason) = engine.import_learner("added", &row, &mut writes)? {
                return Err(EngineError::Row(reason));
            }
            let learner = writes.first().map(|write| write.learner);
            engine.write(writes)?;
            learner.ok_or(EngineError::Malformed("a new learner"))
        })
    }

    fn import_learner(
        &mut self,
        source: &str,
        row: &LearnerRow,
        writes: &mut Vec<Write>,
    ) -> Result<Fate, EngineError> {
        let place = self.source_key(source, &row.row);
        if self.store.read(Table::Source, &place)?.is_some() {
            return Ok(Fate::Known);
        }
        let newcomer = match row.read() {
            Ok(newcomer) => newcomer,
            Err(reason) => return Ok(Fate::Refused(reason)),
        };
        let mut id = [0; 16];
        id.copy_from_slice(&place[16..]);
        let learner = newcomer.card.unwrap_or(LearnerId(id));
        self.store.write(Table::Source, &place, &learner.0)?;
        let mut events: Vec<Event> = newcomer.profile.into_iter().map(Event::new).collect();
        let open = self.own_stay(learner)?.is_some_and(|own| own.open);
        if !open {
            // The stay, too, follows from the row: an import after a restore opens the same one.
            let secret = &self.identity.secret.0;
            let stay = derive("spean 2026 imported stay v1", &[secret, &place]);
            let mut stay_id = [0; 16];
            stay_id.copy_from_slice(&stay[..16]);
            let stay = StayId(stay_id);
            self.set_own_stay(learner, OwnStay { stay, open: true })?;
            let reason = ArrivalReason::Intake;
            let body = Body::Arrived {
                stay,
                from: None,
                reason,
            };
            events.push(Event {
                date: newcomer.arrived,
                ..Event::new(body)
            });
        }
        let mut drafts: BTreeMap<Stream, Vec<Draft>> = BTreeMap::new();
        for (number, event) in events.iter().enumerate() {
            let key = format!("{}#{number}", row.row);
            let id = imported_id(&self.identity.secret.0, source, &key);
            let draft = Draft {
                id: Some(id),
                bytes: event.encode(),
            };
            drafts.entry(event.body.stream()).or_default().push(draft);
        }
        let of = |(stream, drafts)| Write {
            learner,
            stream,
            drafts,
            keyring: false,
        };
        writes.extend(drafts.into_iter().map(of));
        Ok(Fate::New)
    }

    /// Takes events of a source, as one transaction.
    ///
    /// # Errors
    /// What the store says; rows that cannot be used are no error.
    pub fn import_events(
        &mut self,
        source: &str,
        rows: &[EventRow],
    ) -> Result<Vec<Fate>, EngineError> {
        self.input(|engine| {
            let mut fates = vec![Fate::Known; rows.len()];
            let mut by_learner: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (at, row) in rows.iter().enumerate() {
                by_learner.entry(row.learner.as_str()).or_default().push(at);
            }
            let mut writes = Vec::new();
            for (learner, places) in by_learner {
                engine.import_events_of(source, learner, rows, &places, &mut fates, &mut writes)?;
            }
            engine.write(writes)?;
            Ok(fates)
        })
    }

    fn import_events_of(
        &mut self,
        source: &str,
        learner: &str,
        rows: &[EventRow],
        places: &[usize],
        fates: &mut [Fate],
        writes: &mut Vec<Write>,
    ) -> Result<(), EngineError> {
        let found = self
            .store
            .read(Table::Source, &self.source_key(source, learner))?;
        let Some(id) = found.and_then(|bytes| bytes.try_into().ok()).map(LearnerId) else {
            let reason = format!("no learner '{learner}' was imported from '{source}'");
            for place in places {
                fates[*place] = Fate::Refused(reason.clone());
            }
            return Ok(());
        };
        let of_him: Vec<&EventRow> = places.iter().map(|place| &rows[*place]).collect();
        let of_him = self.import_rows(source, id, &of_him, writes)?;
        for (place, fate) in places.iter().zip(of_him) {
            fates[*place] = fate;
        }
        Ok(())
    }

    /// Takes events of one learner, as far as a file, or a platform, tells of them.
    pub(super) fn import_rows(
        &mut self,
        source: &str,
        learner: LearnerId,
        rows: &[&EventRow],
        writes: &mut Vec<Write>,
    ) -> Result<Vec<Fate>, EngineError> {
        let mut known = self.known_ids(learner)?;
        let mut fates = Vec::with_capacity(rows.len());
        let mut drafts: BTreeMap<Stream, Vec<Draft>> = BTreeMap::new();
        for row in rows {
            let key = imported_id(&self.identity.secret.0, source, &row.row);
            if known.contains(&key) {
                fates.push(Fate::Known);
                continue;
            }
            fates.push(match self.body(learner, &row.fields) {
                Ok(body) => {
                    let stream = body.stream();
                    let event = Event {
                        date: row.date,
                        ..Event::new(body)
                    };
                    let draft = Draft {
                        id: (!mutant::is_on(Mutant::RowWithoutKey)).then(|| key.clone()),
                        bytes: event.encode(),
                    };
                    drafts.entry(stream).or_default().push(draft);
                    known.insert(key);
                    Fate::New
                }
                Err(EngineError::Column(problem)) => Fate::Refused(problem.to_string()),
                Err(error) => return Err(error),
            });
        }
        let of = |(stream, drafts)| Write {
            learner,
            stream,
            drafts,
            keyring: false,
        };
        writes.extend(drafts.into_iter().map(of));
        Ok(fates)
    }

    fn source_key(&self, source: &str, row: &str) -> [u8; 32] {
        let secret = &self.identity.secret.0;
        derive(
            "spean 2026 imported learner v1",
            &[secret, source.as_bytes(), row.as_bytes()],
        )
    }
}
