//! What the watched site does: a fixed list of steps, of which each can be done again where it
//! failed. Small transactions and large ones, so that SQLite checkpoints between them; pieces come
//! over a link and on a stick; one learner leaves and one arrives.

use std::collections::{BTreeMap, BTreeSet};

use spean::engine::import::Import;
use spean::engine::{Engine, EngineError, install_roster};
use spean::register::LearnerRow;
use spean::store::memory::Memory;
use spean::store::{Store, Table};
use spean_protocol::event::{Body, Destination, Event};
use spean_protocol::id::LearnerId;

use super::Problem;
use super::network::{HEADQUARTERS, HERE, NEIGHBOUR, exchange, fold, roster, site, start};

/// What the site does at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A learner is added.
    Add(&'static str),
    /// So many loans are recorded of the n-th learner that was added, as one transaction.
    Loans(usize, u32),
    /// What waits is sealed.
    Flush,
    /// What came is read.
    Fold,
    /// The neighbour records loans, and there is an exchange with him.
    MeetNeighbour(u32),
    /// There is an exchange with the head office.
    MeetHeadquarters,
    /// A bundle of the head office is taken in.
    Stick,
    /// A register of so many learners is imported, as one transaction.
    Register(&'static str, usize),
    /// The neighbour's learner arrives, by his slip.
    Arrive,
    /// The n-th learner that was added leaves for the neighbour.
    Leave(usize),
}

/// The steps, in order.
pub(super) fn steps() -> Vec<Step> {
    let mut steps = vec![
        Step::Add("Dara"),
        Step::Loans(0, 1),
        Step::Add("Sophea"),
        Step::Loans(1, 3),
        Step::Flush,
        Step::Add("Vibol"),
        Step::Loans(2, 2),
        Step::MeetNeighbour(4),
        Step::Fold,
    ];
    for number in 0..120 {
        steps.push(Step::Loans(number % 3, 1));
        if number % 5 == 4 {
            steps.push(Step::Flush);
        }
    }
    steps.extend([
        Step::Stick,
        Step::Fold,
        Step::Register("first", 200),
        Step::Flush,
        Step::Arrive,
        Step::Loans(3, 2),
        Step::Flush,
        Step::MeetHeadquarters,
        Step::Fold,
        Step::Loans(2, 300),
        Step::Flush,
        Step::Register("second", 200),
        Step::Flush,
        Step::Leave(0),
        Step::MeetNeighbour(6),
        Step::Fold,
    ]);
    for number in 0..120 {
        steps.push(Step::Loans(1 + number % 3, 1));
        if number % 3 == 2 {
            steps.push(Step::Flush);
        }
    }
    steps.extend([
        Step::Register("third", 200),
        Step::Flush,
        Step::MeetHeadquarters,
        Step::MeetNeighbour(2),
        Step::Fold,
    ]);
    steps
}

/// The other two sites as they stand when the watched one starts, and what they have for it.
pub(super) struct Others {
    headquarters: Memory,
    neighbour: Memory,
    bundle: Vec<u8>,
    slip: String,
    traveller: LearnerId,
    resident: LearnerId,
}

pub(super) fn loans(
    first: u32,
    count: u32,
) -> Vec<(Option<spean_protocol::event::EventId>, Event)> {
    let loan = |item| (None, Event::new(Body::LoanOut { item }));
    (first..first + count).map(loan).collect()
}

fn person(row: &str, given: &str) -> LearnerRow {
    let mut fields = <[String; 10]>::default();
    fields[2] = "Sok".to_owned();
    fields[3] = given.to_owned();
    LearnerRow {
        row: row.to_owned(),
        fields,
    }
}

impl Others {
    pub(super) fn new() -> Result<Self, Problem> {
        let signed = roster()?;
        let fresh = |number: u8| -> Result<Engine<Memory>, Problem> {
            let mut store = Memory::default();
            install_roster(&mut store, &signed)?;
            Ok(start(number, store, number.into())?)
        };
        let mut headquarters = fresh(HEADQUARTERS)?;
        let mut neighbour = fresh(NEIGHBOUR)?;
        let resident = neighbour.add_learner(&person("", "Kosal"))?;
        neighbour.append(resident, &loans(8_000_000, 200))?;
        neighbour.flush()?;
        let traveller = neighbour.add_learner(&person("", "Bopha"))?;
        for number in 0..8 {
            neighbour.append(traveller, &loans(9_000_000 + number, 1))?;
            neighbour.flush()?;
        }
        let to = Destination::Site(site(HERE));
        let left = neighbour.transfer_out(traveller, to, None, false)?;
        exchange(&mut headquarters, &mut neighbour)?;
        fold(&mut headquarters)?;
        let mut bundle = Vec::new();
        let mut append = |bytes: &[u8]| {
            bundle.extend_from_slice(bytes);
            Ok(())
        };
        headquarters.export(&[], "van", &mut append)??;
        Ok(Self {
            headquarters: headquarters.store().clone(),
            neighbour: neighbour.store().clone(),
            bundle,
            slip: left.slip.ok_or("the slip is missing")?,
            traveller,
            resident,
        })
    }
}

/// What can be told of a site without knowing what it ought to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The items on loan of each learner whose record is open here, as often as they are there.
    pub items: BTreeMap<LearnerId, Vec<u32>>,
    /// The places of all segments.
    pub segments: BTreeSet<Vec<u8>>,
}

impl Facts {
    /// What that site holds, of those learners.
    pub(super) fn of<S: Store>(
        node: &mut Engine<S>,
        learners: &[LearnerId],
    ) -> Result<Self, EngineError> {
        let mut facts = Self::default();
        for learner in learners {
            let events = match node.events(*learner) {
                Err(EngineError::UnknownLearner(_)) => continue,
                events => events?,
            };
            let item = |(_, event): (String, Event)| match event.body {
                Body::LoanOut { item } => Some(item),
                _ => None,
            };
            let mut items: Vec<u32> = events.into_iter().filter_map(item).collect();
            items.sort_unstable();
            facts.items.insert(*learner, items);
        }
        for table in [Table::Control, Table::Segment] {
            let rows = node.store().scan(table, &[], &[], usize::MAX)?;
            let place = |(key, _): (Vec<u8>, _)| [table.name().as_bytes(), &key].concat();
            facts.segments.extend(rows.into_iter().map(place));
        }
        Ok(facts)
    }
}

/// The watched site in the midst of its work, and the others.
pub(super) struct Stage<S> {
    pub here: Engine<S>,
    headquarters: Engine<Memory>,
    neighbour: Engine<Memory>,
    bundle: Vec<u8>,
    slip: String,
    traveller: LearnerId,
    resident: LearnerId,
    /// Who was added or arrived, in order.
    pub learners: Vec<LearnerId>,
    /// What was acknowledged of those who are here: the items on loan.
    pub given: BTreeMap<LearnerId, BTreeSet<u32>>,
    next: u32,
}

impl<S: Store> Stage<S> {
    /// The engine of the site has been started on its roster.
    pub(super) fn new(here: Engine<S>, others: &Others) -> Result<Self, Problem> {
        let again =
            |number: u8, store: &Memory| start(number, store.clone(), 10 + u64::from(number));
        Ok(Self {
            here,
            headquarters: again(HEADQUARTERS, &others.headquarters)?,
            neighbour: again(NEIGHBOUR, &others.neighbour)?,
            bundle: others.bundle.clone(),
            slip: others.slip.clone(),
            traveller: others.traveller,
            resident: others.resident,
            learners: Vec::new(),
            given: BTreeMap::new(),
            next: 1,
        })
    }

    /// Does a step. What it acknowledges is noted once it is done.
    pub(super) fn run(&mut self, step: Step) -> Result<(), Problem> {
        match step {
            Step::Add(given) => {
                let learner = self.here.add_learner(&person("", given))?;
                self.learners.push(learner);
                self.given.insert(learner, BTreeSet::new());
            }
            Step::Loans(place, count) => {
                let learner = self.learners[place];
                self.here.append(learner, &loans(self.next, count))?;
                let items = self.next..self.next + count;
                self.given.entry(learner).or_default().extend(items);
                self.next += count;
            }
            Step::Flush => {
                self.here.flush()?;
            }
            Step::Fold => fold(&mut self.here)?,
            Step::MeetNeighbour(count) => {
                let first = 8_000_000 + 1000 * self.next;
                self.neighbour.append(self.resident, &loans(first, count))?;
                exchange(&mut self.here, &mut self.neighbour)?;
                fold(&mut self.neighbour)?;
            }
            Step::MeetHeadquarters => {
                exchange(&mut self.here, &mut self.headquarters)?;
                fold(&mut self.headquarters)?;
            }
            Step::Stick => self.stick()?,
            Step::Register(source, count) => {
                let row = |number| person(&format!("r{number}"), &format!("Learner {number}"));
                let rows: Vec<LearnerRow> = (0..count).map(row).collect();
                self.here.import_learners(&Import::of(source), &rows)?;
            }
            Step::Arrive => {
                self.here.transfer_in(&self.slip, None)?;
                self.learners.push(self.traveller);
                let items = 9_000_000..9_000_008;
                self.given.insert(self.traveller, items.collect());
            }
            Step::Leave(place) => {
                let learner = self.learners[place];
                let to = Destination::Site(site(NEIGHBOUR));
                self.here.transfer_out(learner, to, None, false)?;
                self.given.remove(&learner);
            }
        }
        Ok(())
    }

    fn stick(&mut self) -> Result<(), Problem> {
        let mut rest = &self.bundle[..];
        let mut read = |wanted: usize| {
            let (now, later) = rest.split_at(wanted.min(rest.len()));
            rest = later;
            Ok(now.to_vec())
        };
        let imported = self.here.import_bundle(&mut read, &mut |_| {})?;
        match imported.stopped {
            Some(why) => Err(why.into()),
            None => Ok(()),
        }
    }
}
