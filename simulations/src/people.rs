//! People: who learns where, and what officers do right and wrong. Registered anew instead of
//! admitted; admitted again where a machine forgot them. How they are moved: [`crate::journeys`].
//!
//! The one here knows who is who; the nodes know ids. An officer who is refused takes the next way
//! that is open to him, as docs/transfers.md tells.

use std::collections::{BTreeMap, BTreeSet};

use spean::engine::import::{Fate, Import};
use spean::engine::state::State;
use spean::register::{LearnerRow, Row, Who};
use spean_protocol::catalogue::{ModuleId, ProgrammeId};
use spean_protocol::codec;
use spean_protocol::event::{AssessmentKind, Body, Date, Destination, Event, LinkReason, Score};
use spean_protocol::id::{LearnerId, StayId};

use crate::act::Act;
use crate::dice::Dice;
use crate::faults::Fault;
use crate::journeys::{Journey, move_somebody};
use crate::ledger::Fact;
use crate::machine::{BEGIN, Trouble};
use crate::plan::{DAY, HOUR, Planner};
use crate::world::{World, site_of};
use spean::store::{Store, Table};

/// Somebody.
#[derive(Clone, Debug)]
pub struct Person {
    /// The ids under which he was registered; the last is the one in use.
    pub ids: Vec<LearnerId>,
    /// The place where he is, while he is at a site with a node.
    pub at: Option<usize>,
    /// The places where he was before.
    pub was: Vec<usize>,
    /// The session that comes next.
    pub next: u16,
    /// He has left prison.
    pub released: bool,
    /// The site and row of the register that he was imported from.
    pub row: Option<(usize, String)>,
}

/// Everybody.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// By number.
    pub persons: Vec<Person>,
    /// Moves, by number.
    pub journeys: Vec<Journey>,
    /// Whose an id is.
    pub by_id: BTreeMap<LearnerId, usize>,
    loans: u32,
}

pub(crate) fn plan(planner: &mut Planner<'_>) {
    let people = &planner.scenario.people;
    let mut dice = planner.dice("people");
    let months = f64::from(planner.scenario.days) / 30.4;
    let learners = f64::from(people.learners);
    let prisons = planner.scenario.sites.len();
    for site in planner.prisons() {
        for day in 0..u64::from(planner.scenario.days) {
            if day % 7 < 5 {
                let events = dice.times(learners * people.events_daily * 7.0 / 5.0);
                let at = day * DAY + 7 * HOUR + dice.below(8 * HOUR);
                planner.add(at, Act::Lab { site, events });
            }
            if day % 28 == 20 {
                let count = 1 + dice.between([0, 3]);
                planner.add(day * DAY + 16 * HOUR, Act::Rows { site, count });
            }
        }
        for _ in 0..dice.times(learners * people.newcomers_monthly * months) {
            let at = dice.below(planner.end());
            planner.add(at, Act::Newcomers { site, count: 1 });
        }
        for _ in 0..dice.times(learners * people.releases_monthly * months) {
            let at = dice.below(planner.end());
            planner.add(at, Act::Release { site });
        }
        for _ in 0..dice.times(learners * people.transfers_monthly * months) {
            let at = dice.below(planner.end());
            move_somebody(planner, &mut dice, at, site, 1);
        }
    }
    for at in planner.yearly(&mut dice, people.batches_yearly) {
        let from = 1 + dice.index(prisons);
        let count = dice.between(people.batch);
        planner.planned.add(Fault::Batch);
        move_somebody(planner, &mut dice, at, from, count.max(2));
    }
    for at in planner.yearly(&mut dice, people.whole_sites_yearly) {
        let from = 1 + dice.index(prisons);
        planner.planned.add(Fault::WholeSite);
        move_somebody(planner, &mut dice, at, from, u32::MAX);
    }
    let every = u64::from(people.decide_days.max(1)) * DAY;
    for at in (1..planner.end() / every).map(|number| number * every + 10 * HOUR) {
        planner.add(at, Act::Decide);
    }
}

fn id_of(seed: u64, person: usize) -> LearnerId {
    let text = format!("spean simulation learner {seed} {person}");
    let mut id = [0; 16];
    id.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    LearnerId(id)
}

/// The columns of a register for a made-up person.
fn columns(person: usize, card: Option<LearnerId>) -> LearnerRow {
    let sex = if person.is_multiple_of(7) { "F" } else { "M" };
    let fields = [
        String::new(),
        String::new(),
        "Made".to_owned(),
        format!("Up {person}"),
        sex.to_owned(),
        (1970 + person % 35).to_string(),
        String::new(),
        "km".to_owned(),
        String::new(),
        card.map(|id| id.to_string()).unwrap_or_default(),
    ];
    LearnerRow {
        row: format!("L{person}"),
        fields,
    }
}

/// The state of a learner's stay as the engine keeps it: its id, and whether it is open.
type OwnStay = (StayId, bool);

impl World {
    /// The day by the calendar, as an officer writes it.
    #[must_use]
    pub fn date(&self) -> Option<Date> {
        let days = (BEGIN + self.now) / DAY;
        Date::from_days(i32::try_from(days).unwrap_or(0)).ok()
    }

    /// Fills every site with its first learners.
    pub(crate) fn populate(&mut self) {
        for place in 1..=self.listed {
            self.newcomers(place, self.scenario.people.learners);
        }
    }

    /// Registers people who are new to the system.
    pub(crate) fn newcomers(&mut self, place: usize, count: u32) {
        let Some(which) = self.machine_at(place, 0) else {
            return;
        };
        let first = self.people.persons.len();
        let rows: Vec<LearnerRow> = (first..first + count as usize)
            .map(|person| columns(person, Some(id_of(self.seed, person))))
            .collect();
        for row in rows {
            let person = self.people.persons.len();
            let id = id_of(self.seed, person);
            let kept = self.ask(which, |engine| {
                engine.import_learners(&Import::of("register"), std::slice::from_ref(&row))
            });
            let kept = kept.is_ok_and(|fates| fates.fates == [Fate::New]);
            self.people.persons.push(Person {
                ids: vec![id],
                at: kept.then_some(place),
                was: Vec::new(),
                next: 1,
                released: !kept,
                row: kept.then_some((place, row.row)),
            });
            self.people.by_id.insert(id, person);
            self.stays_of(which, person);
        }
        self.seal(which);
    }

    /// Seals what waits, as the quarter of an hour does.
    pub(crate) fn seal(&mut self, which: usize) {
        let _ = self.ask(which, spean::engine::Engine::flush);
        self.fold(which);
        self.sealed(which);
    }

    /// Notes the stays of a person at a machine's site, and that the site may know his keys so far.
    pub(crate) fn stays_of(&mut self, which: usize, person: usize) {
        let machine = &self.machines[which];
        let site = machine.site;
        let ids = self.people.persons[person].ids.clone();
        for id in ids {
            let row = machine.disk.look(|memory| memory.read(Table::Stay, &id.0));
            let stay = row
                .ok()
                .flatten()
                .and_then(|row| codec::decode::<OwnStay>(&row).ok());
            if let Some((stay, _)) = stay {
                self.ledger.stay(site, id, stay);
            }
        }
    }

    /// Persons at a place.
    pub(crate) fn present(&self, place: usize) -> Vec<usize> {
        let here = |person: &usize| self.people.persons[*person].at == Some(place);
        (0..self.people.persons.len()).filter(here).collect()
    }

    /// Whether a machine knows that somebody's stay is open there.
    pub(crate) fn is_admitted(&self, which: usize, learner: LearnerId) -> bool {
        let row = self.machines[which]
            .disk
            .look(|memory| memory.read(Table::Stay, &learner.0));
        let row = row.ok().flatten();
        row.is_some_and(|row| codec::decode::<OwnStay>(&row).is_ok_and(|own| own.1))
    }

    /// Each machine, and each person who is at its place.
    fn in_front_of(&self) -> Vec<(usize, usize, LearnerId)> {
        let mut all = Vec::new();
        for (person, one) in self.people.persons.iter().enumerate() {
            if let (Some(place), Some(learner)) = (one.at, one.ids.last()) {
                let machines = self.machines_of(site_of(place));
                all.extend(machines.map(|which| (which, person, *learner)));
            }
        }
        all
    }

    /// Officers admit by their cards those who are there and whom a machine that was lost, or set
    /// back, does not know. Tells whether anybody was.
    pub(crate) fn readmit(&mut self) -> bool {
        let mut any = false;
        for (which, person, learner) in self.in_front_of() {
            any |= self.admit_again(which, person, learner);
        }
        any
    }

    /// Officers ask the head office about those whose screens wait for segments: once each. Tells
    /// whether they asked about anybody.
    pub(crate) fn ask_for_waiting(&mut self, asked: &mut BTreeSet<(usize, usize)>) -> bool {
        let mut any = false;
        for (which, person, learner) in self.in_front_of() {
            let states = self.ask(which, |engine| engine.states(learner));
            let waits = |state: &State| matches!(state, State::WaitingForSegments { .. });
            if states.unwrap_or_default().iter().any(waits) && asked.insert((which, person)) {
                any |= self
                    .ask(which, |engine| {
                        engine.ask_who(learner, LinkReason::LearnerSays)
                    })
                    .is_ok();
            }
        }
        any
    }

    fn admit_again(&mut self, which: usize, person: usize, learner: LearnerId) -> bool {
        if self.machines[which].engine.is_none() || self.is_admitted(which, learner) {
            return false;
        }
        let date = self.date();
        let admitted = self.ask(which, |engine| engine.admit(learner, date));
        if admitted.as_ref().err().is_none_or(Trouble::leaves_open) {
            let site = self.machines[which].site;
            self.stays_of(which, person);
            self.ledger.may_read(site, person);
            self.ledger.asked(site, person);
            self.seal(which);
        }
        admitted.is_ok()
    }

    /// Records an event of somebody, and notes it if it was acknowledged.
    pub(crate) fn record(&mut self, which: usize, person: usize, event: &Event) {
        let Some(learner) = self.people.persons[person].ids.last().copied() else {
            return;
        };
        self.admit_again(which, person, learner);
        let one = [(None, event.clone())];
        match self.ask(which, |engine| engine.append(learner, &one)) {
            Ok(1) => self.acknowledged(which, person, learner, event.clone(), None),
            Err(trouble) if trouble.leaves_open() => {
                self.ledger.unanswered.push((learner, event.clone()));
            }
            _ => {}
        }
    }

    fn acknowledged(
        &mut self,
        which: usize,
        person: usize,
        learner: LearnerId,
        event: Event,
        row: Option<u32>,
    ) {
        let fact = Fact {
            person,
            learner,
            site: self.machines[which].site,
            at: self.now,
            event,
            row,
            sealing: None,
            lost: false,
        };
        let number = self.ledger.note(fact);
        self.beside[which].unsealed.push(number);
    }

    /// A day in the lab.
    pub(crate) fn lab(&mut self, place: usize, events: u32, salt: u64) {
        let Some(which) = self.machine_at(place, salt) else {
            return;
        };
        let mut dice = Dice::new(salt, "lab");
        let present = self.present(place);
        for number in 0..events {
            let Some(person) = dice.pick(&present).copied() else {
                return;
            };
            let event = self.event_of(person, &mut dice);
            self.record(which, person, &event);
            if number % 16 == 15 {
                self.seal(which);
            }
        }
        self.seal(which);
    }

    /// What somebody does next.
    pub(crate) fn event_of(&mut self, person: usize, dice: &mut Dice) -> Event {
        let one = &mut self.people.persons[person];
        let programme = [
            ProgrammeId::REINTEGRATION,
            ProgrammeId::ENGLISH,
            ProgrammeId::BEEP,
        ];
        let programme = programme[dice.index(3)];
        let number = 1 + u8::try_from(dice.below(2)).unwrap_or(0);
        let module = ModuleId { programme, number };
        let body = match dice.below(20) {
            0..=11 => {
                one.next += 1;
                Body::Attended {
                    module,
                    session: one.next,
                }
            }
            12 | 13 => {
                self.people.loans += 1;
                Body::LoanOut {
                    item: self.people.loans,
                }
            }
            14 => Body::Login { programme },
            15 => Body::LibraryVisit {},
            16 => Body::ModuleDone { module },
            _ => {
                let kind = if dice.chance(0.5) {
                    AssessmentKind::Pre
                } else {
                    AssessmentKind::Post
                };
                let points = dice.below(21).to_string();
                match Score::parse(&points, "20") {
                    Ok(score) => Body::Assessed {
                        kind,
                        module,
                        version: 1,
                        score,
                    },
                    Err(_) => Body::LibraryVisit {},
                }
            }
        };
        let event = Event::new(body);
        match self.date() {
            Some(date) => event.on(date),
            None => event,
        }
    }

    /// Rows of the site's register are imported, with some that were imported before.
    pub(crate) fn rows(&mut self, place: usize, count: u32, salt: u64) {
        let Some(which) = self.machine_at(place, salt) else {
            return;
        };
        let mut dice = Dice::new(salt, "rows");
        let of_here = |person: &usize| {
            let row = self.people.persons[*person].row.as_ref();
            row.is_some_and(|(at, _)| *at == place)
        };
        let pupils: Vec<usize> = (0..self.people.persons.len()).filter(of_here).collect();
        let mut rows = Vec::new();
        for _ in 0..count {
            let number = u32::try_from(dice.below(40)).unwrap_or(0);
            let at = usize::try_from(number).unwrap_or(0) % pupils.len().max(1);
            let Some(person) = pupils.get(at).copied() else {
                return;
            };
            let known = self.ledger.rows.get(&(site_of(place), number));
            let person = known.map_or(person, |fact| self.ledger.facts[*fact].person);
            let learner = self.people.persons[person].row.clone().map(|(_, row)| row);
            let fields = [
                "attended",
                "beep",
                "khmer",
                &(number + 1).to_string(),
                "",
                "",
                "",
                "",
            ];
            let row = Row {
                key: format!("E{number}"),
                who: Who::of(&learner.unwrap_or_default()),
                date: Date::from_civil(2025, 12, 1).ok(),
                fields: fields.map(str::to_owned),
            };
            rows.push((number, person, row));
        }
        rows.sort_by_key(|(number, ..)| *number);
        rows.dedup_by_key(|(number, ..)| *number);
        let asked: Vec<Row> = rows.iter().map(|(.., row)| row.clone()).collect();
        let answer = self.ask(which, |engine| {
            engine.import_events(&Import::of("register"), &asked)
        });
        let khmer = ModuleId {
            programme: ProgrammeId::BEEP,
            number: 1,
        };
        for (at, (number, person, row)) in rows.iter().enumerate() {
            let session = u16::try_from(number + 1).unwrap_or(1);
            let event = Event {
                date: row.date,
                ..Event::new(Body::Attended {
                    module: khmer,
                    session,
                })
            };
            let Some(learner) = self.people.persons[*person].ids.first().copied() else {
                continue;
            };
            match &answer {
                Ok(fates) if fates.fates.get(at) == Some(&Fate::New) => {
                    self.acknowledged(which, *person, learner, event, Some(*number));
                }
                Err(trouble) if trouble.leaves_open() => {
                    self.ledger.unanswered.push((learner, event));
                }
                _ => {}
            }
        }
        self.sealed(which);
        self.seal(which);
    }

    /// Somebody is released.
    pub(crate) fn release(&mut self, place: usize, salt: u64) {
        let present = self.present(place);
        let mut dice = Dice::new(salt, "release");
        let Some(person) = dice.pick(&present).copied() else {
            return;
        };
        let Some(which) = self.machine_at(place, salt) else {
            return;
        };
        self.leaves(which, person, Destination::Released);
        self.people.persons[person].released = true;
        self.people.persons[person].at = None;
    }

    /// As a new person, although he is known: nobody searched, or nothing fitted.
    pub(crate) fn registers_anew(&mut self, which: usize, person: usize, salt: u64) -> bool {
        let row = columns(person, None);
        let Ok(id) = self.ask(which, |engine| engine.add_learner(&row)) else {
            return false;
        };
        self.happened.add(Fault::RegisteredAnew);
        self.people.persons[person].ids.push(id);
        self.people.by_id.insert(id, person);
        self.ledger.asked(self.machines[which].site, person);
        // Most officers ask the head office; the others leave a duplicate.
        if !salt.is_multiple_of(4) {
            let _ = self.ask(which, |engine| engine.ask_who(id, LinkReason::LearnerSays));
        }
        true
    }

    /// The head office works through its list, and decides rightly.
    pub(crate) fn decide(&mut self) {
        let Some(which) = self.machine_at(0, 0) else {
            return;
        };
        let lines = self
            .ask(which, |engine| engine.worklist())
            .unwrap_or_default();
        for line in lines {
            let (true, Ok(question)) = (
                line.answered.is_empty() && line.kind == "person",
                line.id.parse(),
            ) else {
                continue;
            };
            let Some(person) = self.people.by_id.get(&line.learner).copied() else {
                continue;
            };
            let mut others = self.people.persons[person].ids.clone();
            others.retain(|id| *id != line.learner);
            let mut same = None;
            for id in others {
                if self
                    .ask(which, |engine| engine.view(id))
                    .ok()
                    .flatten()
                    .is_some()
                {
                    same = Some(id);
                    break;
                }
            }
            // Whom the office does not know yet it leaves for the next time, while he must be known.
            if same.is_none() && self.people.persons[person].ids.len() > 1 {
                continue;
            }
            let decided = self.ask(which, |engine| engine.decide(question, same));
            let done = decided.as_ref().err().is_none_or(Trouble::leaves_open);
            if let Some(same) = same.filter(|_| done) {
                self.ledger.joined.push((line.learner, same));
            }
        }
        self.seal(which);
    }
}
