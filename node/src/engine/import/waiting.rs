//! Rows that nobody can say the person of yet. They are kept aside, by what they call him, until an officer says who
//! it is, that he is new, or that he is nobody of this centre; what was said is remembered for the next file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::event::Event;
use spean_protocol::id::{LearnerId, Stream};
use spean_protocol::record::Draft;

use super::adopted::AccountRow;
use super::imported::Brought;
use super::learners::unsaid;
use super::whose::Doubt;
use super::{Fate, Fates, Gathered, Import, written};
use crate::engine::{Engine, EngineError};
use crate::register::{LearnerRow, Row};
use crate::store::{Store, Table};

/// Rows that may wait: a site's work of two months. More are refused, and nothing of them is lost but the effort:
/// the file is imported again once some are settled.
const WAITING_MAX: usize = 20_000;

/// Hexadecimal digits by which an officer names those who wait.
const CODE_DIGITS: usize = 8;

/// A row that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Waited {
    /// Something that somebody did.
    Row(Row),
    /// A learner who may be somebody who is here.
    Learner(LearnerRow),
    /// An account whose owner may be somebody who is here.
    Account(AccountRow),
}

/// What is kept of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    source: String,
    number: u64,
    reason: String,
    /// Who it may be.
    may_be: Vec<LearnerId>,
    row: Waited,
}

/// Who waits, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingLine {
    /// By what an officer names him.
    pub code: String,
    /// The source that tells of him.
    pub source: String,
    /// What it says of him.
    pub who: String,
    /// Why he waits.
    pub reason: String,
    /// Who it may be, of those who are here.
    pub may_be: Vec<LearnerId>,
    /// His rows.
    pub rows: u64,
}

/// Who it is, as an officer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// This learner.
    Learner(LearnerId),
    /// Somebody new, who is admitted here by it.
    New,
    /// Nobody who learns here.
    Nobody,
}

impl Waited {
    /// What stands for the person in his source.
    fn who(&self) -> String {
        match self {
            Self::Row(row) => row.who.key(),
            Self::Learner(row) => row.row.clone(),
            Self::Account(row) => row.username.clone(),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Row(row) => row.who.shown(),
            Self::Learner(row) => {
                let parts = row.fields.iter().take(6).filter(|field| !field.is_empty());
                let parts: Vec<&str> = parts.map(String::as_str).collect();
                parts.join(" ")
            }
            Self::Account(row) => format!("{} {}, {}", row.family, row.given, row.username),
        }
    }

    /// What tells it from the other rows of the person.
    fn key(&self) -> &str {
        match self {
            Self::Row(row) => &row.key,
            Self::Learner(_) | Self::Account(_) => "",
        }
    }
}

fn half(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    half
}

fn place_of(source: &str, row: &Waited) -> Vec<u8> {
    let who = half(&[source.as_bytes(), row.who().as_bytes()]);
    [who, half(&[row.key().as_bytes()])].concat()
}

fn code_of(key: &[u8]) -> String {
    let mut code = data_encoding::HEXLOWER.encode(key.get(..16).unwrap_or_default());
    code.truncate(CODE_DIGITS);
    code
}

impl<S: Store> Engine<S> {
    /// Who waits for an officer.
    ///
    /// # Errors
    /// What the store says.
    pub fn waiting_rows(&self) -> Result<Vec<WaitingLine>, EngineError> {
        let mut lines: BTreeMap<Vec<u8>, WaitingLine> = BTreeMap::new();
        for (key, row) in self.store.scan(Table::Waiting, &[], &[], usize::MAX)? {
            let kept: Kept = codec::decode(&row)?;
            let who = key.get(..16).unwrap_or_default().to_vec();
            let line = lines.entry(who).or_insert_with(|| WaitingLine {
                code: code_of(&key),
                who: kept.row.shown(),
                source: kept.source,
                reason: kept.reason,
                may_be: kept.may_be,
                rows: 0,
            });
            line.rows += 1;
        }
        let mut lines: Vec<WaitingLine> = lines.into_values().collect();
        for line in lines.iter_mut().filter(|line| !line.may_be.is_empty()) {
            line.may_be = self.still_here(std::mem::take(&mut line.may_be))?;
            line.reason = self.named(&line.may_be)?;
        }
        lines.sort_by(|one, other| (&one.source, &one.who).cmp(&(&other.source, &other.who)));
        Ok(lines)
    }

    /// Keeps rows aside, and lets those go that are settled.
    pub(super) fn keep_waiting(
        &mut self,
        import: &Import,
        number: u64,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        for row in &gathered.settled {
            let place = place_of(&import.source, row);
            if self.store.read(Table::Waiting, &place)?.is_some() {
                self.store.remove(Table::Waiting, &place)?;
            }
        }
        if gathered.waits.is_empty() {
            return Ok(());
        }
        let mut held = self.store.scan(Table::Waiting, &[], &[], usize::MAX)?.len();
        for (at, row, Doubt { reason, may_be }) in std::mem::take(&mut gathered.waits) {
            let place = place_of(&import.source, &row);
            let mut number = number;
            match self.store.read(Table::Waiting, &place)? {
                // It goes with the import that it came with first.
                Some(before) => number = codec::decode::<Kept>(&before)?.number,
                None if held >= WAITING_MAX => {
                    gathered.fates.fates[at] = Fate::Refused(format!(
                        "{reason}, and {WAITING_MAX} rows wait already: say who they are with \
                         'spean import match', then import again"
                    ));
                    continue;
                }
                None => held += 1,
            }
            // No name of a learner is kept here: he may leave, or be erased.
            let reason = if may_be.is_empty() {
                reason
            } else {
                String::new()
            };
            let kept = Kept {
                source: import.source.clone(),
                number,
                reason,
                may_be,
                row,
            };
            self.store
                .write(Table::Waiting, &place, &codec::encode(&kept))?;
        }
        Ok(())
    }

    /// Says who somebody who waits is; his rows are taken as an import, of its own or of that number, and what was
    /// said goes with it.
    ///
    /// # Errors
    /// [`EngineError::Refused`] for a code that nobody has, or several, and for a learner who was never here.
    pub fn match_waiting(
        &mut self,
        code: &str,
        said: Said,
        number: Option<u64>,
    ) -> Result<Fates, EngineError> {
        self.input(|engine| {
            let rows = engine.waiting_under(code)?;
            let Some(first) = rows.first() else {
                return Err(EngineError::Refused(format!(
                    "'{code}' is the code of nobody who waits, or of several: 'spean import waiting' lists them"
                )));
            };
            let source = first.source.clone();
            let import = Import {
                what: format!("who waited: {code}"),
                number,
                ..Import::of(&source)
            };
            let place = engine.source_key(&source, &first.row.who());
            // Who it is was said: nobody is searched for.
            let mut gathered = Gathered::default();
            match said {
                Said::Nobody => {
                    engine.store.write(Table::Source, &place, &[])?;
                    gathered.brought.push(Brought::Nobody { place });
                    for kept in rows {
                        gathered.settled.push(kept.row);
                        gathered.fate(Fate::Stranger, None);
                    }
                    return engine.keep_gathered(&import, gathered);
                }
                Said::Learner(learner) => {
                    if engine.own_stay(learner)?.is_none() {
                        return Err(EngineError::UnknownLearner(learner));
                    }
                    engine.note_source(&source, &place, learner)?;
                    gathered.brought.push(Brought::Source { place, learner });
                }
                Said::New => {}
            }
            let mut events = Vec::new();
            for kept in rows {
                let (fate, learner) = match (kept.row, said) {
                    (Waited::Row(row), Said::New) if gathered.fates.fates.is_empty() => {
                        let newcomer = row.who.newcomer();
                        events.push(row);
                        engine.gather_learner(&import, &newcomer, &mut gathered)?
                    }
                    (Waited::Row(row), _) => {
                        events.push(row);
                        continue;
                    }
                    (Waited::Account(row), _) => {
                        engine.gather_account(&import, &row, &mut gathered)?
                    }
                    (Waited::Learner(row), Said::Learner(learner)) => {
                        engine.gather_more(&import, &row, learner, &mut gathered)?
                    }
                    (Waited::Learner(row), _) => {
                        engine.gather_learner(&import, &row, &mut gathered)?
                    }
                };
                if let Fate::Refused(reason) = fate {
                    return Err(EngineError::Row(reason));
                }
                gathered.fate(fate, learner);
            }
            let mut fates = engine.keep_gathered(&import, gathered)?;
            if !events.is_empty() {
                let import = Import {
                    number: fates.number,
                    ..import
                };
                let gathered = engine.gather_events(&import, &events)?;
                let of_events = engine.keep_gathered(&import, gathered)?;
                fates.fates.extend(of_events.fates);
                fates.learners.extend(of_events.learners);
            }
            Ok(fates)
        })
    }

    /// The rows of the one person whose code begins so; none where nobody's does, or several do.
    fn waiting_under(&self, code: &str) -> Result<Vec<Kept>, EngineError> {
        let mut found: BTreeMap<Vec<u8>, Vec<Kept>> = BTreeMap::new();
        for (key, row) in self.store.scan(Table::Waiting, &[], &[], usize::MAX)? {
            let who = key.get(..16).unwrap_or_default().to_vec();
            if data_encoding::HEXLOWER.encode(&who).starts_with(code) {
                found.entry(who).or_default().push(codec::decode(&row)?);
            }
        }
        let mut found = found.into_values();
        Ok(match (found.next(), found.next()) {
            (Some(mut rows), None) => {
                // Who he is comes before what he did.
                rows.sort_by_key(|kept| matches!(kept.row, Waited::Row(_)));
                rows
            }
            _ => Vec::new(),
        })
    }

    /// Lets all rows go that may be somebody's who is erased.
    pub(in crate::engine) fn forget_waiting_for(
        &mut self,
        learners: &BTreeSet<LearnerId>,
    ) -> Result<(), EngineError> {
        for (key, row) in self.store.scan(Table::Waiting, &[], &[], usize::MAX)? {
            let kept: Kept = codec::decode(&row)?;
            let card = match &kept.row {
                Waited::Row(row) => row.who.learner.parse().ok(),
                _ => None,
            };
            let mut his = kept.may_be.iter().copied().chain(card);
            if his.any(|one| learners.contains(&one)) {
                self.store.remove(Table::Waiting, &key)?;
            }
        }
        Ok(())
    }

    /// Adds to a learner's record what a row of a register says of him and the record does not.
    fn gather_more(
        &mut self,
        import: &Import,
        row: &LearnerRow,
        learner: LearnerId,
        gathered: &mut Gathered,
    ) -> Result<(Fate, Option<LearnerId>), EngineError> {
        let newcomer = row.read().map_err(EngineError::Row)?;
        let view = self.view(learner)?.unwrap_or_default();
        let own = self.own_events(learner)?;
        let mut drafts: BTreeMap<Stream, Vec<Draft>> = BTreeMap::new();
        for body in unsaid(&view, newcomer.profile) {
            let key = format!("{}#{}", row.row, body.kind_name());
            let (_, event) = own.key_of(&self.identity.secret.0, &import.source, &key);
            drafts.entry(body.stream()).or_default().push(Draft {
                id: Some(event.clone()),
                bytes: Event::new(body).encode(),
            });
            gathered.brought.push(Brought::Event { learner, event });
        }
        gathered.writes.extend(written(learner, drafts));
        gathered.settled.push(Waited::Learner(row.clone()));
        Ok((Fate::New, Some(learner)))
    }

    /// Lets all rows go that an import kept aside; how many there were.
    pub(super) fn forget_waiting_of(&mut self, number: u64) -> Result<u64, EngineError> {
        let mut gone = 0;
        for (key, row) in self.store.scan(Table::Waiting, &[], &[], usize::MAX)? {
            let kept: Kept = codec::decode(&row)?;
            if kept.number == number {
                self.store.remove(Table::Waiting, &key)?;
                gone += 1;
            }
        }
        Ok(gone)
    }
}
