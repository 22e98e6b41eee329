//! Journeys: somebody is moved. No notice, no slip, a slip to the wrong prison, batches, whole sites,
//! moved on before the data came, back again, to a site without a node, released soon after.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use spean::engine::arrive::Ticket;
use spean::engine::state::State;
use spean_protocol::event::{Destination, Event};
use spean_protocol::id::LearnerId;
use spean_protocol::segment::Log;
use spean_protocol::session::Host;

use crate::act::{Act, Way};
use crate::dice::Dice;
use crate::faults::Fault;
use crate::machine::Trouble;
use crate::measures::Transfer;
use crate::plan::{DAY, HOUR, Planner};
use crate::world::{World, site_of};

/// Somebody on his way.
#[derive(Clone, Debug)]
pub struct Journey {
    /// Who.
    pub person: usize,
    /// From where.
    pub from: usize,
    /// Where to, truly.
    pub to: usize,
    /// How.
    pub way: Way,
    /// The slip that he has.
    pub slip: Option<String>,
    /// When he left.
    pub left: u64,
    /// Somebody tried to admit him, and saw no answer.
    pub tried: bool,
    /// He has come.
    pub arrived: bool,
    /// He was registered anew there.
    pub anew: bool,
    /// A stick in the van brought what the old site has.
    pub van_stick: bool,
}

/// Plans one move, with all that goes wrong with it.
pub(crate) fn move_somebody(
    planner: &mut Planner<'_>,
    dice: &mut Dice,
    at: u64,
    from: usize,
    count: u32,
) {
    let scenario = planner.scenario;
    let people = &scenario.people;
    let prisons = scenario.sites.len();
    let to = 1 + dice.index(prisons);
    let to = (!dice.chance(people.without_node)).then_some(to);
    if to == Some(from) {
        return;
    }
    let mut way = Way {
        hours: dice.between(people.journey_hours),
        first_session_days: dice.between(people.first_session_days),
        slip: dice.chance(people.slip),
        van_stick: dice.chance(scenario.sticks.in_van),
        ..Way::default()
    };
    let Some(place) = to else {
        let act = Act::Move {
            from,
            to,
            count,
            way,
        };
        planner.mishap(Fault::WithoutNode, at, act);
        return;
    };
    if dice.chance(people.no_notice) {
        way.recorded_after_days = dice.between(people.recorded_after_days).max(1);
        way.slip = false;
        way.van_stick = false;
        planner.planned.add(Fault::NoNotice);
    } else if dice.chance(people.wrong_prison) {
        way.written = Some(1 + dice.index(prisons)).filter(|other| ![from, place].contains(other));
        if way.written.is_some() {
            planner.planned.add(Fault::WrongPrison);
        }
    }
    if !way.slip {
        planner.planned.add(Fault::NoSlip);
    }
    if dice.chance(people.anew) {
        way.anew = true;
        planner.planned.add(Fault::RegisteredAnew);
    }
    if dice.chance(people.moved_on) {
        way.onward = Some((1 + dice.index(prisons), 1 + dice.between([6, 90])));
        planner.planned.add(Fault::MovedOn);
    } else if dice.chance(people.back) {
        way.onward = Some((from, dice.between([24, 24 * 40])));
        planner.planned.add(Fault::Returned);
    } else if dice.chance(people.released_soon) {
        way.released_after_hours = Some(dice.between([2, 60]));
        planner.planned.add(Fault::ReleasedSoon);
    }
    planner.add(
        at,
        Act::Move {
            from,
            to,
            count,
            way,
        },
    );
}

impl World {
    /// Records a departure; the slip, where one was made. `None`: it could not be recorded.
    pub(crate) fn leaves(
        &mut self,
        which: usize,
        person: usize,
        to: Destination,
    ) -> Option<Option<String>> {
        let learner = self.people.persons[person].ids.last().copied()?;
        let date = self.date();
        let left = self.ask(which, |engine| {
            engine.transfer_out(learner, to, date, false)
        });
        self.stays_of(which, person);
        if left.as_ref().err().is_none_or(Trouble::leaves_open) {
            self.ledger.left(self.machines[which].site, learner);
            if let Destination::Site(site) = to {
                self.ledger.may_read(site, person);
            }
        }
        if left.is_ok() {
            self.closing(which, person);
        }
        self.sealed(which);
        self.fold(which);
        Some(left.ok()?.slip)
    }

    /// Notes where a machine's log tells of a departure.
    fn closing(&mut self, which: usize, person: usize) {
        let machine = &self.machines[which];
        let Some(engine) = &machine.engine else {
            return;
        };
        let runs = engine.skeleton().runs(machine.site);
        if let Some((run, held)) = runs.last() {
            let (site, length) = (machine.site, held.length(Log::Data));
            self.ledger.closing(site, person, run, length);
        }
    }

    /// Learners are moved.
    pub(crate) fn moves(
        &mut self,
        (from, to): (usize, Option<usize>),
        count: u32,
        way: &Way,
        salt: u64,
    ) {
        let mut present = self.present(from);
        let mut dice = Dice::new(salt, "moves");
        let whole = present.len();
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(whole);
        if count > 1 {
            let fault = if count == whole {
                Fault::WholeSite
            } else {
                Fault::Batch
            };
            self.happened.add(fault);
        }
        for _ in 0..count {
            let at = dice.index(present.len());
            let person = present.swap_remove(at);
            self.move_one((from, to), person, way, dice.number());
        }
    }

    fn move_one(
        &mut self,
        (from, to): (usize, Option<usize>),
        person: usize,
        way: &Way,
        salt: u64,
    ) {
        let which = self.machine_at(from, salt);
        let Some(to) = to.filter(|to| *to <= self.listed) else {
            if let Some(which) = which {
                self.leaves(which, person, Destination::WithoutNode);
            }
            self.people.persons[person].at = None;
            self.happened.add(Fault::WithoutNode);
            return;
        };
        if to == from {
            return;
        }
        let journey = self.people.journeys.len();
        let mut slip = None;
        let mut recorded = false;
        let noticed = way.recorded_after_days == 0 && which.is_some();
        let written = way
            .written
            .filter(|other| *other != from && *other <= self.listed);
        let mut van_stick = false;
        if let Some(which) = which.filter(|_| noticed) {
            let site = site_of(written.unwrap_or(to));
            let left = self.leaves(which, person, Destination::Site(site));
            recorded = left.is_some();
            slip = left.flatten();
            van_stick = way.van_stick && self.van_stick(which, to, way.hours, salt);
        } else {
            self.happened.add(Fault::NoNotice);
        }
        if !recorded {
            let days = u64::from(way.recorded_after_days.max(1));
            self.schedule(self.now + days * DAY, salt, Act::RecordLate { journey });
        }
        if written.is_some() && noticed {
            self.happened.add(Fault::WrongPrison);
        }
        if !way.slip {
            self.happened.add(Fault::NoSlip);
            slip = None;
        }
        let one = &mut self.people.persons[person];
        one.at = None;
        one.was.push(from);
        self.people.journeys.push(Journey {
            person,
            from,
            to,
            way: way.clone(),
            slip,
            left: self.now,
            tried: false,
            arrived: false,
            anew: false,
            van_stick,
        });
        let arrives = self.now + u64::from(way.hours.max(1)) * HOUR;
        self.schedule(arrives, salt, Act::Arrive { journey });
    }

    /// Somebody arrives: by slip, off the list, by his card, or as a new person.
    pub(crate) fn arrive(&mut self, number: usize, salt: u64) {
        let Some(journey) = self.people.journeys.get(number).cloned() else {
            return;
        };
        let Some(which) = self.machine_at(journey.to, salt) else {
            // No power: tomorrow.
            self.schedule(self.now + DAY / 2, salt, Act::Arrive { journey: number });
            return;
        };
        let person = journey.person;
        let Some(learner) = self.people.persons[person].ids.last().copied() else {
            return;
        };
        let date = self.date();
        let mut tickets = Vec::new();
        if !journey.way.anew {
            tickets.extend(journey.slip.clone().map(Ticket::Slip));
            tickets.push(Ticket::Card(learner));
        }
        // The power failed before the officer was told: he looks whether it is done.
        let mut admitted = journey.tried && self.is_admitted(which, learner);
        if admitted {
            tickets.clear();
            self.ledger.asked(site_of(journey.to), person);
        }
        for ticket in tickets {
            let by_card = matches!(ticket, Ticket::Card(_));
            let come = self.ask(which, |engine| engine.transfer_in_all(&[ticket], date));
            match come {
                Ok(outcomes) => admitted = outcomes.iter().any(|one| one.done().is_some()),
                Err(Trouble::PowerCut | Trouble::Off | Trouble::Disk) => {
                    self.people.journeys[number].tried = true;
                    self.ledger.may_read(site_of(journey.to), person);
                    self.schedule(self.now + HOUR, salt, Act::Arrive { journey: number });
                    return;
                }
                Err(_) => {}
            }
            if admitted {
                if by_card {
                    self.ledger.asked(site_of(journey.to), person);
                }
                break;
            }
        }
        if !admitted && !self.registers_anew(which, person, salt) {
            self.schedule(self.now + HOUR, salt, Act::Arrive { journey: number });
            return;
        }
        self.people.journeys[number].anew = !admitted;
        self.people.journeys[number].arrived = true;
        self.people.persons[person].at = Some(journey.to);
        if self.people.persons[person]
            .was
            .iter()
            .rev()
            .skip(1)
            .any(|at| *at == journey.to)
        {
            self.happened.add(Fault::Returned);
        }
        self.stays_of(which, person);
        self.ledger.may_read(site_of(journey.to), person);
        self.ledger.asked_on_the_way(site_of(journey.to), person);
        self.seal(which);
        self.after_arrival(number, &journey.way, salt);
    }

    fn after_arrival(&mut self, journey: usize, way: &Way, salt: u64) {
        let first = self.now + u64::from(way.first_session_days) * DAY + 2 * HOUR;
        self.schedule(first, salt, Act::FirstSession { journey });
        let hours = way
            .onward
            .map(|(_, hours)| hours)
            .or(way.released_after_hours);
        if let Some(hours) = hours {
            let at = self.now + u64::from(hours) * HOUR;
            self.schedule(at, salt, Act::Afterwards { journey });
        }
    }

    /// His first session: what of his past can be read there?
    pub(crate) fn first_session(&mut self, number: usize, salt: u64) {
        let Some(journey) = self.people.journeys.get(number).cloned() else {
            return;
        };
        let person = journey.person;
        if self.people.persons[person].at != Some(journey.to) {
            return;
        }
        let Some(which) = self.machine_at(journey.to, salt) else {
            self.schedule(
                self.now + 6 * HOUR,
                salt,
                Act::FirstSession { journey: number },
            );
            return;
        };
        self.fold(which);
        let open = self.all_is_open(which, person, journey.left);
        let learner = self.people.persons[person].ids.last().copied();
        let said = learner.and_then(|id| self.ask(which, |engine| engine.states(id)).ok());
        let said_open = said.is_some_and(|states| {
            states
                .iter()
                .any(|state| matches!(state, State::Open { .. }))
        });
        self.measures.transfers.push(Transfer {
            from: journey.from,
            to: journey.to,
            left: journey.left,
            first_session: self.now,
            slip: journey.slip.is_some(),
            van_stick: journey.van_stick,
            open,
            said_open,
            anew: journey.anew,
        });
        let mut dice = Dice::new(salt, "first session");
        let event = self.event_of(person, &mut dice);
        self.record(which, person, &event);
        self.seal(which);
    }

    /// Whether a machine shows every event of somebody that was acknowledged before he left.
    fn all_is_open(&mut self, which: usize, person: usize, before: u64) -> bool {
        let facts = self
            .ledger
            .facts
            .iter()
            .filter(|fact| fact.person == person);
        let wanted: Vec<(LearnerId, Event)> = facts
            .filter(|fact| fact.at <= before && self.ledger.must_be_there(fact))
            .map(|fact| (fact.learner, fact.event.clone()))
            .collect();
        let mut shown: BTreeMap<LearnerId, Vec<Event>> = BTreeMap::new();
        for (learner, event) in wanted {
            let known = match shown.entry(learner) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    let events = self.ask(which, |engine| engine.events(learner));
                    let events = events.unwrap_or_default().into_iter();
                    unknown.insert(events.map(|(_, event)| event).collect())
                }
            };
            let here = known.contains(&event);
            if !here {
                return false;
            }
        }
        true
    }

    /// Moved on, back, or released, soon after he came.
    pub(crate) fn afterwards(&mut self, number: usize, salt: u64) {
        let Some(journey) = self.people.journeys.get(number).cloned() else {
            return;
        };
        let person = journey.person;
        if self.people.persons[person].at != Some(journey.to) {
            return;
        }
        if let Some((onward, hours)) = journey.way.onward {
            if hours < 96 {
                self.happened.add(Fault::MovedOn);
            }
            let way = Way {
                onward: None,
                anew: false,
                written: None,
                ..journey.way
            };
            self.move_one((journey.to, Some(onward)), person, &way, salt);
        } else if let Some(which) = self.machine_at(journey.to, salt) {
            self.leaves(which, person, Destination::Released);
            self.people.persons[person].at = None;
            self.people.persons[person].released = true;
            self.happened.add(Fault::ReleasedSoon);
        }
    }

    /// Somebody is gone, and it is recorded at last.
    pub(crate) fn record_late(&mut self, number: usize) {
        let Some(journey) = self.people.journeys.get(number).cloned() else {
            return;
        };
        let again = |world: &mut Self| {
            let at = world.now + DAY;
            world.schedule(at, number as u64, Act::RecordLate { journey: number });
        };
        let Some(which) = self.machine_at(journey.from, 0) else {
            return again(self);
        };
        // He is back already, or was registered under another id since.
        let one = &self.people.persons[journey.person];
        if one.at == Some(journey.from) || journey.anew {
            return;
        }
        let to = Destination::Site(site_of(journey.to));
        let left = self.leaves(which, journey.person, to);
        let machine = &self.machines[which];
        if left.is_none() && (machine.engine.is_none() || machine.disk.is_full()) {
            return again(self);
        }
        self.seal(which);
    }
}
