//! Programs of different versions: an event of a kind that the others do not know, a piece on a
//! stick that nobody here knows, a roster that some have and some have not.

use spean_protocol::event::{Body, Event};

use crate::act::Act;
use crate::dice::Dice;
use crate::faults::Fault;
use crate::plan::{DAY, HOUR, Planner};
use crate::world::World;

/// A kind of the education stream that no version knows yet.
const UNKNOWN_KIND: u16 = 213;

pub(crate) fn plan(planner: &mut Planner<'_>) {
    let software = &planner.scenario.software;
    let mut dice = planner.dice("software");
    for site in planner.prisons() {
        for day in 0..u64::from(planner.scenario.days) {
            if dice.chance(software.newer_daily) {
                let at = day * DAY + 9 * HOUR + dice.below(HOUR);
                planner.mishap(Fault::NewerEvent, at, Act::Newer { site });
            }
        }
    }
    let prisons = planner.scenario.sites_at_first;
    for at in planner.yearly(&mut dice, software.rosters) {
        let site = dice.index(prisons + 1);
        planner.mishap(Fault::RosterAhead, at, Act::Roster { site, prisons });
    }
}

impl World {
    /// A newer version at a site records something that this one does not know.
    pub(crate) fn newer(&mut self, place: usize, salt: u64) {
        let Some(which) = self.machine_at(place, salt) else {
            return;
        };
        let mut dice = Dice::new(salt, "newer");
        let here = |person: &usize| self.people.persons[*person].at == Some(place);
        let present: Vec<usize> = (0..self.people.persons.len()).filter(here).collect();
        let Some(person) = dice.pick(&present).copied() else {
            return;
        };
        let body = Body::Newer {
            kind: UNKNOWN_KIND,
            flags: 0,
        };
        let mut event = Event::new(body);
        event.date = self.date();
        event.unread = dice.bytes()[..12].to_vec();
        self.record(which, person, &event);
        self.happened.add(Fault::NewerEvent);
        self.seal(which);
    }

    /// One node is given a newer roster; the others get it by whatever comes.
    pub(crate) fn new_roster(&mut self, place: usize, prisons: usize, salt: u64) {
        let Some(which) = self.machine_at(place, salt) else {
            return;
        };
        let prisons = prisons.clamp(self.listed, self.scenario.sites.len());
        self.rosters += 1;
        let roster = self.roster(prisons, self.rosters);
        let taken = self.ask(which, |engine| {
            engine.take_all(vec![spean_protocol::session::Frame::Roster(
                roster.encode(),
            )])
        });
        if taken.is_err() {
            self.rosters -= 1;
            return;
        }
        self.happened.add(Fault::RosterAhead);
        let new = self.listed + 1..=prisons;
        self.listed = prisons;
        for place in new {
            self.install(place);
            let learners = self.scenario.people.learners;
            self.newcomers(place, learners);
        }
    }
}
