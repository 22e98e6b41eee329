//! Disks: full, slow, failing; set back to an old image, resumed from a snapshot inside a run,
//! copied, lost, stolen. None of it is corruption to the node: it is what happens to machines.

use spean::store::memory::Memory;
use spean_protocol::segment::Log;
use spean_protocol::session::Host;

use crate::act::Act;
use crate::checkers;
use crate::dice::Dice;
use crate::faults::Fault;
use crate::machine::disk::Failing;
use crate::plan::{DAY, HOUR, Planner};
use crate::world::{Beside, Image, World, site_of};

/// Machines of one site at most.
const COPIES_MAX: usize = 3;

pub(crate) fn plan(planner: &mut Planner<'_>) {
    let disks = &planner.scenario.disks;
    for site in 0..=planner.scenario.sites.len() {
        let mut dice = planner.dice(&format!("disks {site}"));
        for at in planner.yearly(&mut dice, disks.full) {
            let hours = dice.between([3, 60]);
            planner.mishap(Fault::DiskFull, at, Act::DiskFull { site, hours });
        }
        for at in planner.yearly(&mut dice, disks.error) {
            let operations = dice.below(2_000);
            planner.mishap(Fault::DiskError, at, Act::DiskError { site, operations });
        }
        for at in planner.yearly(&mut dice, disks.rolled_back) {
            let since = dice.below(21 * DAY);
            planner.add(at, Act::Image { site });
            planner.mishap(Fault::DiskRolledBack, at + since, Act::RollBack { site });
        }
        for at in planner.yearly(&mut dice, disks.resumed) {
            let since = HOUR + dice.below(10 * DAY);
            let beside = dice.chance(0.4);
            planner.add(at, Act::Snapshot { site });
            planner.mishap(Fault::Resumed, at + since, Act::Resume { site, beside });
        }
        for at in planner.yearly(&mut dice, disks.cloned) {
            planner.mishap(Fault::Cloned, at, Act::Clone { site });
        }
        for at in planner.yearly(&mut dice, disks.lost) {
            planner.mishap(Fault::DiskLost, at, Act::Lose { site });
        }
        slow(planner, &mut dice, site);
    }
}

/// A slow disk is a window in which little gets done.
fn slow(planner: &mut Planner<'_>, dice: &mut Dice, site: usize) {
    for at in planner.yearly(dice, planner.scenario.disks.slow) {
        let next = planner
            .steps()
            .iter_mut()
            .filter(|step| step.at >= at)
            .find_map(|step| match &mut step.act {
                Act::Link {
                    a,
                    b,
                    bytes,
                    broken: None,
                    slow,
                } if *a == site || *b == site => Some((bytes, slow)),
                _ => None,
            });
        if let Some((bytes, slow)) = next {
            *bytes = (*bytes).min(3_000);
            *slow = true;
            planner.planned.add(Fault::DiskSlow);
        }
    }
}

impl World {
    pub(crate) fn disk(&mut self, act: &Act, salt: u64) {
        match act {
            Act::DiskError { site, operations } => {
                if let Some(which) = self.machine_at(*site, salt) {
                    self.machines[which].disk.arm(*operations, Failing::Error);
                }
            }
            Act::DiskFull { site, hours } => self.full(*site, *hours, salt),
            Act::Image { site } => self.image(*site, salt),
            Act::RollBack { site } => self.roll_back(*site),
            Act::Snapshot { site } => self.snapshot(*site, salt),
            Act::Resume { site, beside } => self.resume(*site, *beside),
            Act::Clone { site } => self.copy(*site, salt),
            Act::Lose { site } => self.lose(*site, salt),
            Act::Steal { site } => {
                if let Some(which) = self.machine_at(*site, salt) {
                    checkers::stolen(self, which);
                    self.ledger.bad.insert(site_of(*site));
                    self.lose(*site, salt);
                }
            }
            _ => {}
        }
    }

    fn full(&mut self, place: usize, hours: u32, salt: u64) {
        let all: Vec<usize> = self.machines_of(site_of(place)).collect();
        for which in all {
            self.machines[which].disk.fill(hours > 0);
        }
        if hours > 0 {
            let at = self.now + u64::from(hours) * HOUR;
            self.schedule(
                at,
                salt,
                Act::DiskFull {
                    site: place,
                    hours: 0,
                },
            );
        }
    }

    fn image_of(&self, which: usize, start: Option<u64>) -> Image {
        Image {
            place: self.machines[which].place,
            memory: self.machines[which].disk.image(),
            beside: self.beside[which].clone(),
            start,
        }
    }

    fn image(&mut self, place: usize, salt: u64) {
        if let Some(which) = self.machine_at(place, salt) {
            let image = self.image_of(which, None);
            self.images.push(image);
        }
    }

    /// Takes the newest image of a place that is a snapshot, or is none.
    fn newest_image(&mut self, place: usize, snapshot: bool) -> Option<Image> {
        let fits = |image: &Image| image.place == place && image.start.is_some() == snapshot;
        let at = self.images.iter().rposition(fits)?;
        Some(self.images.remove(at))
    }

    fn roll_back(&mut self, place: usize) {
        let Some(image) = self.newest_image(place, false) else {
            return;
        };
        let Some(which) = self.machines_of(site_of(place)).next() else {
            return;
        };
        self.happened.add(Fault::DiskRolledBack);
        self.replace(which, image.memory, image.beside, None);
    }

    fn snapshot(&mut self, place: usize, salt: u64) {
        let Some(which) = self.machine_at(place, salt) else {
            return;
        };
        self.machines[which].stop();
        self.start(which, None);
        let start = self.machines[which].start;
        let image = self.image_of(which, Some(start));
        self.images.push(image);
    }

    fn resume(&mut self, place: usize, beside: bool) {
        let Some(image) = self.newest_image(place, true) else {
            return;
        };
        let all: Vec<usize> = self.machines_of(site_of(place)).collect();
        self.happened.add(Fault::Resumed);
        if beside && all.len() < COPIES_MAX {
            // What waited there to be sealed waits in both: they will seal the same events.
            self.add_machine(place, image.memory, image.beside, image.start);
        } else if let Some(which) = all.first() {
            self.replace(*which, image.memory, image.beside, image.start);
        }
    }

    fn copy(&mut self, place: usize, salt: u64) {
        let Some(which) = self.machine_at(place, salt) else {
            return;
        };
        if self.machines_of(site_of(place)).count() < COPIES_MAX {
            let image = self.image_of(which, None);
            self.happened.add(Fault::Cloned);
            self.add_machine(place, image.memory, image.beside, None);
        }
    }

    fn lose(&mut self, place: usize, salt: u64) {
        let Some(which) = self.machine_at(place, salt) else {
            return;
        };
        self.happened.add(Fault::DiskLost);
        let memory = self.fresh();
        self.replace(which, memory, Beside::default(), None);
    }

    /// Another disk takes the place of a machine's: what only that one had is lost.
    fn replace(&mut self, which: usize, memory: Memory, beside: Beside, start: Option<u64>) {
        let before = std::mem::replace(&mut self.beside[which], beside);
        self.machines[which].replace(memory);
        self.machines[which].brown_outs = 0;
        self.start(which, start);
        checkers::replaced(self, which, &before);
        let lengths: Vec<_> = match &self.machines[which].engine {
            Some(engine) => {
                let runs = engine.skeleton().runs(self.machines[which].site);
                runs.map(|(run, held)| (run, held.length(Log::Data)))
                    .collect()
            }
            None => Vec::new(),
        };
        self.beside[which].seen = lengths.into_iter().collect();
    }
}
