//! Files of a site's registers become events. Every row has a key of its own in its source, so a
//! file imported twice changes nothing the second time, also after a restore. A row that cannot be
//! used is refused with its reason, one that nobody knows the person of waits for an officer, and the rows
//! around it are kept. An import that is only looked at does all of the same work and writes nothing.

pub mod adopted;
pub mod imported;
pub mod library;
pub mod waiting;
pub mod whose;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::event::{ArrivalReason, Body, CsvRow, Event, EventId, RetractionReason};
use spean_protocol::id::{LearnerId, SiteId, StayId, Stream};
use spean_protocol::record::{Draft, imported_id};
use spean_protocol::seal::derive;
use spean_protocol::view::LearnerView;

use self::imported::Brought;
use self::waiting::Waited;
use self::whose::{Doubt, People, Whose};
use super::events::name_of_unplaced;
use super::keys::key_of;
use super::write::{OwnStay, Write};
use super::{Engine, EngineError};
use crate::mutant::{self, Mutant};
use crate::register::{LearnerRow, Row};
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
    writes: Vec<Write>,
    brought: Vec<Brought>,
    /// Rows that wait, with their places among the fates, and why.
    waits: Vec<(usize, Waited, Doubt)>,
    /// Rows that are settled, so that they wait no longer.
    settled: Vec<Waited>,
    opened: Vec<(LearnerId, OwnStay)>,
    sources: Vec<([u8; 32], LearnerId)>,
    /// Keys of rows that are new, and whose they are.
    rows: Vec<(String, LearnerId)>,
    fates: Fates,
}

impl Gathered {
    fn fate(&mut self, fate: Fate, learner: Option<LearnerId>) {
        self.fates.fates.push(fate);
        self.fates.learners.push(learner);
    }
}

/// The events that this site recorded of a learner, sealed or waiting to be.
pub(super) struct OwnEvents {
    site: SiteId,
    /// Their bytes, by their keys.
    pub all: BTreeMap<EventId, Vec<u8>>,
    /// The names of those that this site took back.
    taken_back: BTreeMap<EventId, RetractionReason>,
}

impl OwnEvents {
    pub(super) const fn of(site: SiteId) -> Self {
        Self {
            site,
            all: BTreeMap::new(),
            taken_back: BTreeMap::new(),
        }
    }

    /// The name of an event that was imported, and why it was taken back, if it was.
    fn imported(&self, key: &EventId) -> (EventId, Option<RetractionReason>) {
        let name = name_of_unplaced(key, self.site);
        let reason = self.taken_back.get(&name).copied();
        (name, reason)
    }

    /// Adds one.
    pub(super) fn add(&mut self, id: EventId, bytes: Vec<u8>) {
        if let Ok(Event {
            body: Body::Retracted { event, reason },
            ..
        }) = Event::decode(&bytes)
        {
            self.taken_back.insert(event, reason);
        }
        self.all.insert(id, bytes);
    }

    /// The key that a row's event has: another each time after the import that brought it was undone.
    fn key_of(&self, secret: &[u8; 32], source: &str, row: &str) -> (u32, EventId) {
        let undone = |id: &EventId| self.imported(id).1 == Some(RetractionReason::ImportUndone);
        let mut again = 0;
        loop {
            let id = match again {
                0 => imported_id(secret, source, row),
                _ => imported_id(secret, source, &format!("{row}\u{1f}{again}")),
            };
            if !undone(&id) {
                return (again, id);
            }
            again += 1;
        }
    }
}

impl<S: Store> Engine<S> {
    /// Takes learners of a source, as one transaction. Each gets a stay here.
    ///
    /// # Errors
    /// What the store says; rows that cannot be used are no error.
    pub fn import_learners(
        &mut self,
        import: &Import,
        rows: &[LearnerRow],
    ) -> Result<Fates, EngineError> {
        self.input(|engine| {
            let mut gathered = Gathered::default();
            let mut seen = BTreeMap::new();
            let people = engine.people_here(import)?;
            for row in rows {
                let (fate, learner) =
                    engine.gather_learner(import, row, &people, &mut seen, &mut gathered)?;
                gathered.fate(fate, learner);
            }
            engine.keep_gathered(import, gathered)
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
            let mut gathered = Gathered::default();
            let (import, people) = (Import::of("added"), People::default());
            let (fate, learner) = engine.gather_learner(
                &import,
                &row,
                &people,
                &mut BTreeMap::new(),
                &mut gathered,
            )?;
            if let Fate::Refused(reason) = fate {
                return Err(EngineError::Row(reason));
            }
            engine.write_gathered(&mut gathered)?;
            learner.ok_or(EngineError::Malformed("a new learner"))
        })
    }

    fn gather_learner(
        &mut self,
        import: &Import,
        row: &LearnerRow,
        people: &People,
        seen: &mut BTreeMap<[u8; 32], LearnerRow>,
        gathered: &mut Gathered,
    ) -> Result<(Fate, Option<LearnerId>), EngineError> {
        let source = import.source.as_str();
        let place = self.source_key(source, &row.row);
        if let Some(known) = self.store.read(Table::Source, &place)? {
            return Ok((Fate::Known, known.try_into().ok().map(LearnerId)));
        }
        if let Some(before) = seen.insert(place, row.clone()) {
            let fate = match before == *row {
                true => Fate::Known,
                false => {
                    Fate::Refused("another row has the same key and says something else".to_owned())
                }
            };
            return Ok((fate, None));
        }
        let newcomer = match row.read() {
            Ok(newcomer) => newcomer,
            Err(reason) => return Ok((Fate::Refused(reason), None)),
        };
        if newcomer.card.is_none()
            && let Some(doubt) = self.may_be_here(people, &newcomer.profile)?
        {
            let at = gathered.fates.fates.len();
            let waited = Waited::Learner(row.clone());
            let reason = doubt.reason.clone();
            gathered.waits.push((at, waited, doubt));
            return Ok((Fate::Waiting(reason), None));
        }
        let mut id = [0; 16];
        id.copy_from_slice(&place[16..]);
        let learner = newcomer.card.unwrap_or(LearnerId(id));
        gathered.sources.push((place, learner));
        gathered.settled.push(Waited::Learner(row.clone()));
        gathered.brought.push(Brought::Source { place, learner });
        let mut events: Vec<Event> = newcomer.profile.into_iter().map(Event::new).collect();
        let secret = self.identity.secret.0;
        let own = self.own_events(learner)?;
        let (again, _) = own.key_of(&secret, source, &format!("{}#0", row.row));
        let open = self.own_stay(learner)?.is_some_and(|own| own.open);
        if !open {
            // The stay, too, follows from the row: an import after a restore opens the same one.
            let again = match again {
                0 => Vec::new(),
                again => again.to_be_bytes().to_vec(),
            };
            let stay = derive("spean 2026 imported stay v1", &[&secret, &place, &again]);
            let mut stay_id = [0; 16];
            stay_id.copy_from_slice(&stay[..16]);
            let stay = StayId(stay_id);
            gathered
                .opened
                .push((learner, OwnStay { stay, open: true }));
            gathered.brought.push(Brought::Stay { learner, stay });
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
            let (_, id) = own.key_of(&secret, source, &format!("{}#{number}", row.row));
            gathered.brought.push(Brought::Event {
                learner,
                event: id.clone(),
            });
            let draft = Draft {
                id: Some(id),
                bytes: event.encode(),
            };
            drafts.entry(event.body.stream()).or_default().push(draft);
        }
        gathered.writes.extend(written(learner, drafts));
        Ok((Fate::New, Some(learner)))
    }

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

    fn gather_events(&mut self, import: &Import, rows: &[Row]) -> Result<Gathered, EngineError> {
        let mut gathered = Gathered::default();
        let mut fates = vec![(Fate::Known, None); rows.len()];
        let mut by_learner: BTreeMap<LearnerId, Vec<usize>> = BTreeMap::new();
        let people = self.people_here(&Import {
            search: true,
            ..import.clone()
        })?;
        let mut known: BTreeMap<&crate::register::Who, Whose> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            // Also of somebody who waits: what is of no use is said now, and not when he is found.
            if let Err(problem) = row_of(&row.fields).body(StayId([0; 16])) {
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
                Whose::Doubt(_) if import.pass_strangers => fates[at].0 = Fate::Stranger,
                Whose::Doubt(doubt) => {
                    let waited = Waited::Row(row.clone());
                    fates[at].0 = Fate::Waiting(doubt.reason.clone());
                    gathered.waits.push((at, waited, doubt));
                }
                Whose::Unsaid(reason) => fates[at].0 = Fate::Refused(reason),
            }
        }
        for (learner, mut places) in by_learner {
            let mut mine = Vec::with_capacity(places.len());
            for place in places {
                match self.is_anothers(&import.source, &rows[place].key, learner)? {
                    true => fates[place] = (Fate::Differs, Some(learner)),
                    false => mine.push(place),
                }
            }
            places = mine;
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
    pub(super) fn import_rows(
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

    /// Writes what was gathered, if it is to be kept, and notes what came with which import.
    fn keep_gathered(
        &mut self,
        import: &Import,
        mut gathered: Gathered,
    ) -> Result<Fates, EngineError> {
        if !import.keep {
            return Ok(gathered.fates);
        }
        let number = match import.number {
            Some(number) => number,
            None => self.next_import()?,
        };
        self.keep_waiting(import, number, &mut gathered)?;
        self.note_import(import, number, &gathered)?;
        for (place, learner) in &gathered.sources {
            self.note_source(&import.source, place, *learner)?;
        }
        for (row, learner) in &gathered.rows {
            let key = imported_id(&self.identity.secret.0, &import.source, row);
            self.store
                .write(Table::RowOf, key.0.as_bytes(), &learner.0)?;
        }
        self.write_gathered(&mut gathered)?;
        gathered.fates.number = Some(number);
        Ok(gathered.fates)
    }

    fn write_gathered(&mut self, gathered: &mut Gathered) -> Result<(), EngineError> {
        for (learner, own) in &gathered.opened {
            self.set_own_stay(*learner, *own)?;
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

/// The columns of a row by their names.
pub(super) fn row_of(fields: &[String; 8]) -> CsvRow<'_> {
    let [kind, programme, module, session, score, max, version, value] =
        fields.each_ref().map(String::as_str);
    CsvRow {
        kind,
        programme,
        module,
        session,
        score,
        max,
        version,
        value,
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

/// What of a row's profile a record does not say yet.
pub(super) fn unsaid(view: &LearnerView, profile: Vec<Body>) -> Vec<Body> {
    let known = &view.profile;
    let is_new = |body: &Body| match body {
        Body::Name { script, .. } => known.names.iter().all(|name| name.value.script != *script),
        Body::Sex { .. } => known.sex.is_empty(),
        Body::Birth { .. } => known.birth.is_empty(),
        Body::Education { .. } => known.education.is_empty(),
        Body::Languages { .. } => known.languages.is_empty(),
        _ => false,
    };
    profile.into_iter().filter(is_new).collect()
}
