//! Files of a site's registers become events. Every row has a key of its own in its source, so a
//! file imported twice changes nothing the second time, also after a restore. A row that cannot be
//! used is refused with its reason, one that nobody knows the person of waits for an officer, and the rows
//! around it are kept. An import that is only looked at does all of the same work and writes nothing.

pub mod adopted;
pub mod events;
pub mod imported;
pub mod learners;
pub mod library;
pub mod waiting;
pub mod whose;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spean_protocol::id::{LearnerId, Stream};
use spean_protocol::record::{Draft, imported_id};
use spean_protocol::seal::derive;

use self::imported::Brought;
use self::waiting::Waited;
use self::whose::{Doubt, People};
use super::keys::key_of;
use super::write::{OwnStay, Write};
use super::{Engine, EngineError};
use crate::register::LearnerRow;
use crate::store::{Store, Table};

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is new and is kept.
    New,
    /// It was imported before.
    Known,
    /// It was imported before and said something else; the record stays as it is.
    Differs,
    /// Nobody can say whose it is yet: it is kept aside until an officer does.
    Waiting(String),
    /// It is about nobody who learns here, and is not kept.
    Stranger,
    /// It cannot be used; why.
    Refused(String),
}

/// An import, or a further part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The register: row keys are unique within it.
    pub source: String,
    /// What an officer reads in the list of imports, such as a file's name.
    pub what: String,
    /// Its number, once it has one.
    pub number: Option<u64>,
    /// Whether anything is written.
    pub keep: bool,
    /// Whether a new learner may be somebody who is here already and came by another way: then his row waits.
    pub search: bool,
    /// Whether rows of people whom nobody knows are passed over, and not kept aside.
    pub pass_strangers: bool,
}

impl Import {
    /// Of a register whose rows are kept.
    #[must_use]
    pub fn of(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            what: source.to_owned(),
            number: None,
            keep: true,
            search: false,
            pass_strangers: false,
        }
    }
}

/// What became of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fates {
    /// The import's number; none where nothing was written.
    pub number: Option<u64>,
    /// Of each row, in order.
    pub fates: Vec<Fate>,
    /// Whose each row is, where that is known.
    pub learners: Vec<Option<LearnerId>>,
}

/// What rows bring, before any of it is written.
#[derive(Default)]
struct Gathered {
    /// With whom they are compared.
    people: People,
    /// Rows of learners that came before, by their places.
    seen: BTreeMap<[u8; 32], LearnerRow>,
    writes: Vec<Write>,
    brought: Vec<Brought>,
    /// Rows that wait, with their places among the fates, and why.
    waits: Vec<(usize, Waited, Doubt)>,
    /// Rows that are settled, so that they wait no longer.
    settled: Vec<Waited>,
    /// Keys of rows that are new, and whose they are.
    rows: Vec<(String, LearnerId)>,
    fates: Fates,
}

impl Gathered {
    fn beside(people: People) -> Self {
        Self {
            people,
            ..Self::default()
        }
    }

    /// The next row waits.
    fn wait(&mut self, row: Waited, doubt: Doubt) -> (Fate, Option<LearnerId>) {
        let fate = Fate::Waiting(doubt.reason.clone());
        self.waits.push((self.fates.fates.len(), row, doubt));
        (fate, None)
    }

    fn fate(&mut self, fate: Fate, learner: Option<LearnerId>) {
        self.fates.fates.push(fate);
        self.fates.learners.push(learner);
    }
}

/// How a row becomes what it brings, or why it does not.
type Gather<S, R> = fn(
    &mut Engine<S>,
    &Import,
    &R,
    &mut Gathered,
) -> Result<(Fate, Option<LearnerId>), EngineError>;

impl<S: Store> Engine<S> {
    /// Takes rows one after the other, as one transaction.
    fn import_each<R>(
        &mut self,
        import: &Import,
        rows: &[R],
        gather: Gather<S, R>,
    ) -> Result<Fates, EngineError> {
        self.input(|engine| {
            let people = match import.search {
                true => engine.people_here(&import.source)?,
                false => People::default(),
            };
            let mut gathered = Gathered::beside(people);
            for row in rows {
                let (fate, learner) = gather(engine, import, row, &mut gathered)?;
                gathered.fate(fate, learner);
            }
            engine.keep_gathered(import, gathered)
        })
    }

    /// Writes what was gathered, if it is to be kept, and notes what came with which import.
    fn keep_gathered(
        &mut self,
        import: &Import,
        mut gathered: Gathered,
    ) -> Result<Fates, EngineError> {
        if !import.keep {
            return Ok(gathered.fates);
        }
        let nothing =
            gathered.writes.is_empty() && gathered.brought.is_empty() && gathered.waits.is_empty();
        // What brings nothing cannot be taken back.
        if nothing && import.number.is_none() {
            self.keep_waiting(import, 0, &mut gathered)?;
            return Ok(gathered.fates);
        }
        let number = self.number_of(import)?;
        self.keep_waiting(import, number, &mut gathered)?;
        self.note_import(import, number, &gathered)?;
        self.write_gathered(&import.source, &mut gathered)?;
        gathered.fates.number = Some(number);
        Ok(gathered.fates)
    }

    fn write_gathered(&mut self, source: &str, gathered: &mut Gathered) -> Result<(), EngineError> {
        for brought in &gathered.brought {
            match brought {
                Brought::Source { place, learner } => self.note_source(source, place, *learner)?,
                Brought::Stay { learner, stay, .. } => {
                    let (stay, open) = (*stay, true);
                    self.set_own_stay(*learner, OwnStay { stay, open })?;
                }
                _ => {}
            }
        }
        for (row, learner) in &gathered.rows {
            let key = imported_id(&self.identity.secret.0, source, row);
            self.store
                .write(Table::RowOf, key.0.as_bytes(), &learner.0)?;
        }
        self.write(std::mem::take(&mut gathered.writes))
    }

    /// Notes for whom a row key stands, and that he has a row of that source.
    pub(super) fn note_source(
        &mut self,
        source: &str,
        place: &[u8; 32],
        learner: LearnerId,
    ) -> Result<(), EngineError> {
        self.store.write(Table::Source, place, &learner.0)?;
        let of = key_of(&[&learner.0, place]);
        Ok(self.store.write(Table::SourceOf, &of, source.as_bytes())?)
    }

    /// The place at which a source's row key stands for somebody.
    pub(super) fn source_key(&self, source: &str, row: &str) -> [u8; 32] {
        let secret = &self.identity.secret.0;
        derive(
            "spean 2026 imported learner v1",
            &[secret, source.as_bytes(), row.as_bytes()],
        )
    }
}

fn written(
    learner: LearnerId,
    drafts: BTreeMap<Stream, Vec<Draft>>,
) -> impl Iterator<Item = Write> {
    drafts.into_iter().map(move |(stream, drafts)| Write {
        learner,
        stream,
        drafts,
        keyring: false,
    })
}
