//! Power: it goes inside any operation of the store, between keeping a commit and saying so, for
//! minutes or hours, and again and again while the machine starts.

use crate::act::Act;
use crate::dice::Dice;
use crate::faults::Fault;
use crate::machine::power;
use crate::plan::{DAY, HOUR, Planner};
use crate::world::World;

/// Operations of the store within which a cut hits, at most: a few inputs' worth.
const WITHIN: u64 = 3_000;

pub(crate) fn plan(planner: &mut Planner<'_>) {
    let scenario = planner.scenario;
    for site in 0..=scenario.sites.len() {
        let mut dice = planner.dice(&format!("power {site}"));
        for day in 0..u64::from(scenario.days) {
            // The dry season is November to May; every world begins in January.
            let dry = day % 365 < 130 || day % 365 > 300;
            let daily = if dry {
                scenario.power.cut_daily
            } else {
                scenario.power.cut_daily_wet
            };
            if !dice.chance(daily) {
                continue;
            }
            let at = day * DAY + dice.below(DAY);
            let minutes = dice.between(scenario.power.hours) * 60;
            if dice.chance(scenario.power.unclean) {
                let again = if dice.chance(scenario.power.again) {
                    dice.between([1, 6])
                } else {
                    0
                };
                let kept = dice.chance(0.4);
                // Small numbers as often as large ones.
                let within = 1 + dice.below(WITHIN);
                let operations = dice.below(within);
                planner.planned.add(if again > 0 {
                    Fault::BrownOut
                } else {
                    Fault::PowerCut
                });
                if kept {
                    planner.planned.add(Fault::PowerCutAfterCommit);
                }
                planner.add(
                    at,
                    Act::Power {
                        site,
                        operations,
                        kept,
                        minutes,
                        again,
                    },
                );
            } else {
                planner.mishap(
                    Fault::PowerOff,
                    at,
                    Act::Switch {
                        site,
                        machine: 0,
                        on: false,
                    },
                );
                let back = at + u64::from(minutes) * 60;
                planner.add(
                    back.max(at + HOUR),
                    Act::Switch {
                        site,
                        machine: 0,
                        on: true,
                    },
                );
            }
        }
    }
}

impl World {
    pub(crate) fn power(&mut self, act: &Act, salt: u64) {
        match act {
            Act::Power {
                site,
                operations,
                kept,
                minutes,
                again,
            } => {
                let Some(which) = self.machine_at(*site, salt) else {
                    return;
                };
                self.machines[which].disk.arm(*operations, power(*kept));
                self.machines[which].brown_out = false;
                self.expect_outage(which, *minutes, *again);
            }
            Act::Switch { site, machine, on } => {
                let which = self.machines_of(crate::world::site_of(*site)).nth(*machine);
                let Some(which) = which else {
                    return;
                };
                match (on, self.machines[which].engine.is_some()) {
                    (false, true) => {
                        self.machines[which].stop();
                        self.happened.add(Fault::PowerOff);
                    }
                    (true, false) => self.back(which, salt),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// The power is back; in a brown-out it goes again soon.
    fn back(&mut self, which: usize, salt: u64) {
        let machine = &mut self.machines[which];
        if machine.brown_outs > 0 {
            machine.brown_outs -= 1;
            machine.brown_out = true;
            let operations = Dice::new(salt, "brown-out").below(60);
            machine.disk.arm(operations, power(false));
            self.expect_outage(which, 1, 0);
        }
        self.start(which, None);
        // The first thing that a node does.
        self.seal(which);
    }
}
