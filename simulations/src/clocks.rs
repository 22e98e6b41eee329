//! Clocks: lost to 1970, ten years ahead, back at every start, drifting. Nothing may follow from
//! them but what is shown.

use crate::act::Act;
use crate::faults::Fault;
use crate::machine::{BEGIN, Clock};
use crate::plan::{DAY, Planner};
use crate::world::{World, site_of};

const TEN_YEARS: i64 = 10 * 365 * 86_400;

pub(crate) fn plan(planner: &mut Planner<'_>) {
    let clocks = &planner.scenario.clocks;
    for site in 0..=planner.scenario.sites.len() {
        let mut dice = planner.dice(&format!("clocks {site}"));
        let right = Act::Clock {
            site,
            ahead: 0,
            drift: 0,
            forgets: false,
        };
        for at in planner.yearly(&mut dice, clocks.lost) {
            let ahead = dice.chance(0.5);
            let (fault, ahead) = if ahead {
                (Fault::ClockAhead, TEN_YEARS)
            } else {
                (Fault::ClockReset, -i64::try_from(BEGIN + at).unwrap_or(0))
            };
            planner.mishap(
                fault,
                at,
                Act::Clock {
                    site,
                    ahead,
                    drift: 0,
                    forgets: false,
                },
            );
            // Somebody sets it right, some weeks later.
            planner.add(at + DAY * (5 + dice.below(40)), right.clone());
        }
        let at = dice.below(20 * DAY);
        if dice.chance(clocks.forgets) {
            let act = Act::Clock {
                site,
                ahead: 0,
                drift: 0,
                forgets: true,
            };
            planner.mishap(Fault::ClockBackwards, at, act);
        } else if dice.chance(clocks.drifts) {
            let drift = i64::from(dice.between([200, 4_000])) - 2_100;
            let act = Act::Clock {
                site,
                ahead: 0,
                drift,
                forgets: false,
            };
            planner.mishap(Fault::ClockDrift, at, act);
        }
    }
}

impl World {
    pub(crate) fn clock(&mut self, place: usize, ahead: i64, drift: i64, forgets: bool) {
        let all: Vec<usize> = self.machines_of(site_of(place)).collect();
        let set_at = self.now;
        for which in all {
            self.machines[which].clock = Clock {
                ahead,
                drift,
                forgets,
                set_at,
            };
        }
        if ahead != 0 {
            self.happened.add(if ahead < 0 {
                Fault::ClockReset
            } else {
                Fault::ClockAhead
            });
        }
        if drift != 0 {
            self.happened.add(Fault::ClockDrift);
        }
    }
}
