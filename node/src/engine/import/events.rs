//! Rows of what people did become events of theirs.

use std::collections::BTreeMap;

use spean_protocol::event::{Body, Event};
use spean_protocol::id::{LearnerId, StayId, Stream};
use spean_protocol::record::{Draft, imported_id};

use super::imported::Brought;
use super::waiting::Waited;
use super::whose::Whose;
use super::{Fate, Fates, Gathered, Import, written};
use crate::engine::write::Write;
use crate::engine::{Engine, EngineError};
use crate::mutant::{self, Mutant};
use crate::register::{Row, Who};
use crate::store::{Store, Table};

impl<S: Store> Engine<S> {
    /// Takes what people did, of a source, as one transaction.
    ///
    /// # Errors
    /// What the store says; rows that cannot be used are no error.
    pub fn import_events(&mut self, import: &Import, rows: &[Row]) -> Result<Fates, EngineError> {
        self.input(|engine| {
            let gathered = engine.gather_events(import, rows)?;
            engine.keep_gathered(import, gathered)
        })
    }

    pub(super) fn gather_events(
        &mut self,
        import: &Import,
        rows: &[Row],
    ) -> Result<Gathered, EngineError> {
        let mut gathered = Gathered::default();
        let mut fates = vec![(Fate::Known, None); rows.len()];
        let mut by_learner: BTreeMap<LearnerId, Vec<usize>> = BTreeMap::new();
        let people = self.people_here(&import.source)?;
        let mut known: BTreeMap<&Who, Whose> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            // Also of somebody who waits: what is of no use is said now, and not when he is found.
            if let Err(problem) = row.columns().body(StayId([0; 16])) {
                fates[at].0 = Fate::Refused(problem.to_string());
                continue;
            }
            let whose = match known.get(&row.who) {
                Some(whose) => whose.clone(),
                None => {
                    let whose = self.whose(import, &row.who, &people)?;
                    known.insert(&row.who, whose.clone());
                    whose
                }
            };
            match whose {
                Whose::He(learner) => by_learner.entry(learner).or_default().push(at),
                Whose::Nobody => fates[at].0 = Fate::Stranger,
                Whose::Doubt(doubt) if import.pass_strangers => {
                    fates[at].0 = match doubt.may_be.is_empty() {
                        true => Fate::Stranger,
                        false => Fate::Refused(format!(
                            "{}: write the number of his card, or the year of birth",
                            doubt.reason
                        )),
                    };
                }
                Whose::Doubt(doubt) => {
                    let waited = Waited::Row(row.clone());
                    fates[at].0 = Fate::Waiting(doubt.reason.clone());
                    gathered.waits.push((at, waited, doubt));
                }
                Whose::Unsaid(reason) => fates[at].0 = Fate::Refused(reason),
            }
        }
        for (learner, places) in by_learner {
            let mut of_another = Vec::new();
            for place in &places {
                of_another.push(self.is_anothers(&import.source, &rows[*place].key, learner)?);
            }
            let (theirs, his): (Vec<_>, Vec<_>) = places
                .into_iter()
                .zip(of_another)
                .partition(|(_, of_another)| *of_another);
            for (place, _) in theirs {
                fates[place] = (Fate::Differs, Some(learner));
            }
            let places: Vec<usize> = his.into_iter().map(|(place, _)| place).collect();
            let of_him: Vec<&Row> = places.iter().map(|place| &rows[*place]).collect();
            let before = gathered.writes.len();
            let of_him =
                self.import_rows(&import.source, learner, &of_him, &mut gathered.writes)?;
            for write in &gathered.writes[before..] {
                let ids = write.drafts.iter().filter_map(|draft| draft.id.clone());
                let brought = ids.map(|event| Brought::Event { learner, event });
                gathered.brought.extend(brought);
            }
            for (place, fate) in places.into_iter().zip(of_him) {
                if matches!(fate, Fate::New | Fate::Known) {
                    gathered.settled.push(Waited::Row(rows[place].clone()));
                }
                if fate == Fate::New {
                    gathered.rows.push((rows[place].key.clone(), learner));
                }
                fates[place] = (fate, Some(learner));
            }
        }
        for (fate, learner) in fates {
            gathered.fate(fate, learner);
        }
        Ok(gathered)
    }

    /// Takes events of one learner, as far as a file, or a platform, tells of them.
    pub(in crate::engine) fn import_rows(
        &mut self,
        source: &str,
        learner: LearnerId,
        rows: &[&Row],
        writes: &mut Vec<Write>,
    ) -> Result<Vec<Fate>, EngineError> {
        let own = self.own_events(learner)?;
        let secret = self.identity.secret.0;
        let mut seen = BTreeMap::new();
        let mut fates = Vec::with_capacity(rows.len());
        let mut drafts: BTreeMap<Stream, Vec<Draft>> = BTreeMap::new();
        for row in rows {
            let (_, key) = own.key_of(&secret, source, &row.key);
            let body = match self.body(learner, &row.fields) {
                Ok(body) => body,
                Err(EngineError::Column(problem)) => {
                    fates.push(Fate::Refused(problem.to_string()));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let stream = body.stream();
            let moves = matches!(body, Body::Arrived { .. } | Body::Departed { .. });
            let event = Event {
                date: row.date,
                ..Event::new(body)
            };
            let bytes = event.encode();
            if let Some(before) = seen.get(&key).or(own.all.get(&key)) {
                // A move is of the stay that was open then.
                let same = moves || *before == bytes;
                fates.push(if same { Fate::Known } else { Fate::Differs });
                continue;
            }
            drafts.entry(stream).or_default().push(Draft {
                id: (!mutant::is_on(Mutant::RowWithoutKey)).then(|| key.clone()),
                bytes: bytes.clone(),
            });
            seen.insert(key, bytes);
            fates.push(Fate::New);
        }
        writes.extend(written(learner, drafts));
        Ok(fates)
    }

    /// Whether a row is in somebody else's record: it was corrected in its register, and nobody took the first
    /// import back.
    fn is_anothers(
        &mut self,
        source: &str,
        row: &str,
        learner: LearnerId,
    ) -> Result<bool, EngineError> {
        let secret = self.identity.secret.0;
        let key = imported_id(&secret, source, row);
        let before = self.store.read(Table::RowOf, key.0.as_bytes())?;
        let before = before.and_then(|id| id.try_into().ok()).map(LearnerId);
        let Some(other) = before.filter(|other| *other != learner) else {
            return Ok(false);
        };
        let own = self.own_events(other)?;
        let (_, event) = own.key_of(&secret, source, row);
        Ok(own.all.contains_key(&event))
    }
}
