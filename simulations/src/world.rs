//! The world: machines, people and sticks, a clock of its own, and the steps that happen in order.
//! One thread; all chance comes from the plan's seed. What the machines are asked, and what they
//! did of it, goes into the trace, the ledger and the measures.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use spean::engine::{EngineError, install_roster};
use spean::store::memory::Memory;
use spean::store::{Store, Table};
use spean_protocol::id::{Hash, RunId, SiteId};
use spean_protocol::roster::{Role, Roster, SignedRoster, Site, wrap_carrier};
use spean_protocol::seal::{Secret, box_key};
use spean_protocol::segment::{Header, Log};
use spean_protocol::session::Host;

use crate::act::{Act, Step};
use crate::checkers::{Failure, Promise};
use crate::faults::{Counts, Fault};
use crate::ledger::{Closing, Ledger, Place, Sealing};
use crate::machine::disk::{Disk, Failing};
use crate::machine::{COHORTS, Machine, Node, Trouble, identity};
use crate::measures::Measures;
use crate::people::People;
use crate::plan::DAY;
use crate::scenario::Scenario;
use crate::sticks::Stick;
use crate::trace::Trace;

/// What the world keeps beside a machine: what it acknowledged and has not sealed, and how far its
/// own site's runs were when somebody looked last.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Facts that wait for a flush.
    pub unsealed: Vec<usize>,
    /// Lengths of its site's runs.
    pub seen: BTreeMap<RunId, u32>,
    /// For each site how much of its logs was held: it only grows.
    pub progress: BTreeMap<SiteId, u64>,
    /// The version of its roster: it only grows.
    pub roster: u32,
}

/// An image of a machine, put away.
#[derive(Clone)]
pub struct Image {
    /// The site.
    pub place: usize,
    /// What was on the disk.
    pub memory: Memory,
    /// What the world knew of it.
    pub beside: Beside,
    /// The start that it was in the midst of, for a snapshot.
    pub start: Option<u64>,
}

/// The world.
pub struct World {
    /// What it was made of.
    pub scenario: Scenario,
    /// Seconds since it began.
    pub now: u64,
    /// All machines; those of one site may be several.
    pub machines: Vec<Machine>,
    /// What the world knows of each.
    pub beside: Vec<Beside>,
    /// The people.
    pub people: People,
    /// The sticks under way.
    pub sticks: Vec<Stick>,
    /// Copies of sticks that somebody made.
    pub copies: Vec<Stick>,
    /// Images put away.
    pub images: Vec<Image>,
    /// What truly happened.
    pub ledger: Ledger,
    /// What was measured.
    pub measures: Measures,
    /// Misfortunes that really hit.
    pub happened: Counts,
    /// What went wrong with the product: the run ends with the first.
    pub failures: Vec<Failure>,
    /// The hash of all that happens.
    pub trace: Trace,
    /// Sealings that not every site is known to keep, by site.
    pub(crate) open: BTreeMap<SiteId, Vec<usize>>,
    /// Prisons that the newest roster lists.
    pub(crate) listed: usize,
    /// The version of the newest roster.
    pub(crate) rosters: u32,
    pub(crate) seed: u64,
    steps: BTreeMap<(u64, u64), Step>,
    started: u64,
    sequence: u64,
    outages: BTreeMap<usize, (u32, u32)>,
    today: u64,
}

/// What seals the sticks of this nation.
pub const CARRIER: Secret = Secret([3; 32]);

/// The site of a place: 0 is the head office.
#[must_use]
pub fn site_of(place: usize) -> SiteId {
    SiteId(u16::try_from(place + 1).unwrap_or(u16::MAX))
}

/// The place of a site.
#[must_use]
pub fn place_of(site: SiteId) -> usize {
    usize::from(site.0).saturating_sub(1)
}

impl World {
    /// A world before anything happens.
    #[must_use]
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        let mut world = Self {
            scenario: scenario.clone(),
            now: 0,
            machines: Vec::new(),
            beside: Vec::new(),
            people: People::default(),
            sticks: Vec::new(),
            copies: Vec::new(),
            images: Vec::new(),
            ledger: Ledger::default(),
            measures: Measures::default(),
            happened: Counts::default(),
            failures: Vec::new(),
            trace: Trace::default(),
            open: BTreeMap::new(),
            listed: scenario.sites_at_first,
            rosters: 1,
            seed,
            steps: BTreeMap::new(),
            started: 0,
            sequence: 0,
            outages: BTreeMap::new(),
            today: 0,
        };
        for place in 0..=scenario.sites_at_first {
            world.install(place);
        }
        world
    }

    /// The roster of that version, with so many prisons. Every second one goes on to the next cohort.
    #[must_use]
    pub fn roster(&self, prisons: usize, version: u32) -> SignedRoster {
        let root = SigningKey::from_bytes(&[1; 32]);
        let escrow = box_key(&Secret([2; 32]));
        let cohort = u16::try_from(version / 2).map_or(COHORTS, |half| (half + 1).min(COHORTS));
        let site = |place: usize| {
            let identity = identity(place);
            let key = box_key(&identity.boxes[&1]);
            // One prison in five has not been heard of since before the last cohort.
            let behind = u16::from(place % 5 == 4 && cohort > 1);
            let boxes = identity.boxes.range(..=cohort - behind);
            let listed = place
                .checked_sub(1)
                .map(|at| self.scenario.sites[at].0.clone());
            let code = listed.unwrap_or_else(|| "DGP".to_owned());
            Site {
                id: site_of(place),
                name: code.clone(),
                code,
                role: if place == 0 {
                    Role::Headquarters
                } else {
                    Role::Prison
                },
                keys: vec![identity.signing.verifying_key().to_bytes()],
                boxes: boxes
                    .map(|(cohort, seed)| (*cohort, box_key(seed)))
                    .collect(),
                carrier: wrap_carrier(&CARRIER, &key, [4; 32]).unwrap_or_default(),
            }
        };
        let roster = Roster {
            version,
            cohort,
            threshold: 1,
            roots: vec![root.verifying_key().to_bytes()],
            escrow: BTreeMap::from([(1, escrow)]),
            sites: (0..=prisons).map(site).collect(),
            revoked: Vec::new(),
            shredded: 0,
        };
        let mut signed = SignedRoster::propose(&roster);
        // A roster of made-up keys is sound; were it not, no machine would take it.
        let _ = signed.sign(&root);
        signed
    }

    /// A machine of a site that has nothing but its keys and the newest roster.
    pub(crate) fn fresh(&mut self) -> Memory {
        let mut memory = Memory::default();
        let roster = self.roster(self.listed, self.rosters);
        if let Err(error) = install_roster(&mut memory, &roster) {
            self.fail(
                Promise::Unattended,
                format!("a roster cannot be installed: {error}"),
            );
        }
        memory
    }

    /// Adds a machine to a site.
    pub(crate) fn install(&mut self, place: usize) {
        let memory = self.fresh();
        self.add_machine(place, memory, Beside::default(), None);
    }

    pub(crate) fn add_machine(
        &mut self,
        place: usize,
        memory: Memory,
        beside: Beside,
        like: Option<u64>,
    ) {
        let machine = Machine::new(place, site_of(place), Disk::of(memory), self.seed);
        self.machines.push(machine);
        self.beside.push(beside);
        self.start(self.machines.len() - 1, like);
    }

    /// From now on nothing fails: power, room and right clocks everywhere.
    pub(crate) fn heal(&mut self) {
        self.steps.clear();
        for which in 0..self.machines.len() {
            let machine = &mut self.machines[which];
            machine.disk.disarm();
            machine.disk.fill(false);
            machine.brown_outs = 0;
            machine.clock = Default::default();
            if machine.engine.is_none() {
                self.start(which, None);
            }
            self.seal(which);
        }
    }

    /// Something went wrong with the product.
    pub fn fail(&mut self, promise: Promise, what: String) {
        let at = self.now;
        self.trace.say(|| format!("FAILED {promise:?}: {what}"));
        self.failures.push(Failure { promise, at, what });
    }

    /// Adds a step to what is to come.
    pub fn schedule(&mut self, at: u64, salt: u64, act: Act) {
        self.sequence += 1;
        self.steps
            .insert((at, self.sequence), Step { at, salt, act });
    }

    /// Plays steps to the end of the scenario's days, or to the first failure. `progress` hears the
    /// day.
    pub fn play(&mut self, plan: &[Step], progress: &mut dyn FnMut(u64)) {
        for step in plan {
            self.schedule(step.at, step.salt, step.act.clone());
        }
        self.populate();
        let end = u64::from(self.scenario.days) * DAY;
        while self.failures.is_empty() {
            let Some(((at, _), step)) = self.steps.pop_first() else {
                break;
            };
            if at >= end {
                break;
            }
            while at / DAY > self.today {
                self.today += 1;
                progress(self.today);
                self.day_ends();
            }
            self.now = at;
            self.trace.say(|| {
                let minute = at / 60;
                format!(
                    "day {} {:02}:{:02} {:?}",
                    minute / 1440,
                    minute / 60 % 24,
                    minute % 60,
                    step.act
                )
            });
            self.trace.note(&step.act.word(), &[at, step.salt]);
            self.happens(&step);
        }
        self.now = self.now.max(end);
    }

    fn day_ends(&mut self) {
        crate::checkers::daily(self);
        for which in 0..self.machines.len() {
            if let Some(engine) = &self.machines[which].engine {
                let digest = engine.digest();
                self.trace.bytes(&digest);
            }
        }
        if self.today.is_multiple_of(7) {
            let bytes = |which: usize| {
                let disk = self.machines.get(which).map(|machine| &machine.disk);
                let of = |table: &Table| disk.map_or(0, |disk| disk.bytes(*table));
                Table::ALL.iter().map(of).sum::<u64>()
            };
            let facts = self.ledger.facts.len() as u64;
            self.measures
                .growth
                .push((self.today, bytes(0), bytes(1), facts));
        }
    }

    fn happens(&mut self, step: &Step) {
        let salt = step.salt;
        match &step.act {
            Act::Lab { site, events } => self.lab(*site, *events, salt),
            Act::Newcomers { site, count } => self.newcomers(*site, *count),
            Act::Rows { site, count } => self.rows(*site, *count, salt),
            Act::Release { site } => self.release(*site, salt),
            Act::Decide => self.decide(),
            Act::Link {
                a,
                b,
                bytes,
                broken,
                slow,
            } => self.link((*a, *b), (*bytes, *broken, *slow), salt),
            Act::NoLink { weeks, .. } => {
                self.happened.add(if *weeks {
                    Fault::Outage
                } else {
                    Fault::WindowFailed
                });
            }
            Act::Tour {
                stops,
                room,
                mishaps,
            } => self.tour(stops, *room, mishaps, salt),
            Act::Stop { stick, stop } => self.stop(*stick, *stop, salt),
            Act::Again { copy, site } => self.again(*copy, *site),
            Act::Move {
                from,
                to,
                count,
                way,
            } => self.moves((*from, *to), *count, way, salt),
            Act::Arrive { journey } => self.arrive(*journey, salt),
            Act::FirstSession { journey } => self.first_session(*journey, salt),
            Act::Afterwards { journey } => self.afterwards(*journey, salt),
            Act::RecordLate { journey } => self.record_late(*journey),
            Act::Power { .. } | Act::Switch { .. } => self.power(&step.act, salt),
            Act::DiskError { .. }
            | Act::DiskFull { .. }
            | Act::Image { .. }
            | Act::RollBack { .. }
            | Act::Snapshot { .. }
            | Act::Resume { .. }
            | Act::Clone { .. }
            | Act::Lose { .. }
            | Act::Steal { .. } => self.disk(&step.act, salt),
            Act::Clock {
                site,
                ahead,
                drift,
                forgets,
            } => self.clock(*site, *ahead, *drift, *forgets),
            Act::Roster { site, prisons } => self.new_roster(*site, *prisons, salt),
            Act::Newer { site } => self.newer(*site, salt),
            Act::Evil { author, to, what } => self.evil(*author, *to, *what, salt),
        }
    }

    /// A machine of a place that runs; of several, one by chance.
    #[must_use]
    pub fn machine_at(&self, place: usize, salt: u64) -> Option<usize> {
        let on = |which: &usize| {
            let machine = &self.machines[*which];
            machine.place == place && machine.engine.is_some()
        };
        let all: Vec<usize> = (0..self.machines.len()).filter(on).collect();
        let at = usize::try_from(salt % (all.len().max(1) as u64)).unwrap_or(0);
        all.get(at).copied()
    }

    /// The machines of a site.
    pub fn machines_of(&self, site: SiteId) -> impl Iterator<Item = usize> + '_ {
        (0..self.machines.len()).filter(move |which| self.machines[*which].site == site)
    }

    /// Asks a machine; what hinders it is dealt with.
    pub fn ask<T>(
        &mut self,
        which: usize,
        work: impl FnOnce(&mut Node) -> Result<T, EngineError>,
    ) -> Result<T, Trouble> {
        let now = self.now;
        let machine = &mut self.machines[which];
        machine.tell_time(now);
        let answer = machine.ask(work);
        self.noticed(which);
        match answer {
            Ok(value) => Ok(value),
            Err(trouble) => {
                self.trouble(which, trouble.clone());
                Err(trouble)
            }
        }
    }

    /// Counts what hit a machine's disk.
    fn noticed(&mut self, which: usize) {
        let (hit, kept) = self.machines[which].disk.take_hit();
        match hit {
            Some(Failing::Error) => self.happened.add(Fault::DiskError),
            Some(Failing::Power { .. }) if self.machines[which].brown_out => {
                self.happened.add(Fault::BrownOut);
            }
            Some(Failing::Power { .. }) => self.happened.add(Fault::PowerCut),
            None => {}
        }
        if kept {
            self.happened.add(Fault::PowerCutAfterCommit);
        }
    }

    /// Deals with what hindered a machine.
    pub(crate) fn trouble(&mut self, which: usize, trouble: Trouble) {
        self.noticed(which);
        match trouble {
            Trouble::Off => {}
            Trouble::PowerCut => {
                self.trace.note("power cut", &[which as u64]);
                self.trace
                    .say(|| format!("    the power of machine {which} goes"));
                self.machines[which].stop();
                let (minutes, again) = self.outages.remove(&which).unwrap_or((5, 0));
                self.machines[which].brown_outs += again;
                let place = self.machines[which].place;
                let machine = self.number_at(which);
                let at = self.now + u64::from(minutes.max(1)) * 60;
                let act = Act::Switch {
                    site: place,
                    machine,
                    on: true,
                };
                self.schedule(at, self.seed ^ at, act);
            }
            Trouble::Disk => {
                if self.machines[which].disk.is_full() {
                    self.happened.add(Fault::DiskFull);
                }
                self.trace.note("disk", &[which as u64]);
            }
            Trouble::Refused(why) => {
                self.trace.note(&why, &[which as u64]);
                self.trace
                    .say(|| format!("    machine {which} refuses: {why}"));
            }
            Trouble::Broken(why) => {
                self.fail(
                    Promise::Unattended,
                    format!("machine {which} is broken: {why}"),
                );
            }
        }
    }

    /// Which of its site's machines one is.
    fn number_at(&self, which: usize) -> usize {
        let site = self.machines[which].site;
        self.machines_of(site)
            .take_while(|other| *other != which)
            .count()
    }

    /// Notes what follows when the power goes next.
    pub(crate) fn expect_outage(&mut self, which: usize, minutes: u32, again: u32) {
        self.outages.insert(which, (minutes, again));
    }

    /// Starts a machine; `like`: as the start of that number, with the same random bytes.
    pub(crate) fn start(&mut self, which: usize, like: Option<u64>) {
        self.started += 1;
        let number = like.unwrap_or(self.started);
        let now = self.now;
        match self.machines[which].start(number, now) {
            Ok(()) => {
                self.trace.note("start", &[which as u64, number]);
                if self.machines[which].clock.forgets && now > 0 {
                    self.happened.add(Fault::ClockBackwards);
                }
                crate::checkers::started(self, which);
            }
            Err(trouble) => self.trouble(which, trouble),
        }
    }

    /// Folds what waits, as the node does between two jobs.
    pub(crate) fn fold(&mut self, which: usize) {
        while let Ok(folded) = self.ask(which, |engine| engine.fold(16)) {
            if !folded.more {
                return;
            }
        }
    }

    /// Notes what a machine has sealed since somebody looked.
    pub(crate) fn sealed(&mut self, which: usize) {
        let beside = &mut self.beside[which];
        let machine = &self.machines[which];
        let Some(engine) = &machine.engine else {
            return;
        };
        for (run, held) in engine.skeleton().runs(machine.site) {
            let longest = self.ledger.written.entry(run).or_default();
            *longest = held.length(Log::Data).max(*longest);
        }
        if beside.unsealed.is_empty() {
            return;
        }
        let waits = |memory: &Memory| {
            let first = memory.scan(Table::Pending, &[], &[], 1);
            first.is_ok_and(|rows| !rows.is_empty())
        };
        if machine.disk.look(waits) {
            return;
        }
        let mut places = Vec::new();
        for (run, held) in engine.skeleton().runs(machine.site) {
            let length = held.length(Log::Data);
            let before = beside.seen.insert(run, length).unwrap_or(0);
            if let Some(height) = length.checked_sub(1).filter(|_| length > before) {
                let hash = machine.disk.quietly(|| engine.hash(run, Log::Data, height));
                let base = held.base;
                places.extend(hash.map(|hash| Place {
                    run: base,
                    height,
                    hash,
                }));
            }
        }
        let facts = std::mem::take(&mut beside.unsealed);
        let site = machine.site;
        if places.is_empty() {
            let what = format!(
                "{} events of {site} were acknowledged, and are neither sealed nor waiting",
                facts.len()
            );
            self.fail(Promise::Saved, what);
            return;
        }
        let number = self.ledger.sealings.len();
        for fact in &facts {
            self.ledger.facts[*fact].sealing = Some(number);
        }
        let sealing = Sealing {
            site,
            at: self.now,
            places,
            keepers: [site].into(),
            facts,
            known_at: None,
        };
        self.ledger.sealings.push(sealing);
        self.ledger.unknown.insert(number);
        self.open.entry(site).or_default().push(number);
        if site == site_of(0) {
            self.learnt(which);
        }
    }

    /// Whether a machine has all of a sealing.
    #[must_use]
    pub fn holds(&self, which: usize, sealing: &Sealing) -> bool {
        let machine = &self.machines[which];
        let Some(engine) = &machine.engine else {
            // Without power it cannot be asked; its disk has what it had.
            return machine.disk.look(|memory| keeps(memory, sealing));
        };
        sealing.places.iter().all(|place| {
            let skeleton = engine.skeleton();
            let mut chains = skeleton.chains(place.run, Log::Data);
            chains.any(|(chain, run)| {
                let hash = || {
                    machine
                        .disk
                        .quietly(|| engine.hash(chain, Log::Data, place.height))
                };
                run.length(Log::Data) > place.height && hash() == Some(place.hash)
            })
        })
    }

    /// Notes whose receipts at a machine say that they have what its site sealed.
    pub(crate) fn confirm(&mut self, which: usize) {
        let machine = &self.machines[which];
        let site = machine.site;
        let Some(engine) = &machine.engine else {
            return;
        };
        let open = self.open.get(&site).cloned().unwrap_or_default();
        let keepers: Vec<SiteId> = if open.is_empty() {
            Vec::new()
        } else {
            machine.disk.quietly(|| engine.held_by().collect())
        };
        if !keepers.is_empty() {
            let everybody = engine.roster().sites.len();
            for number in open {
                // A copy of the machine may have sealed what this one has not.
                if self.holds(which, &self.ledger.sealings[number]) {
                    let known = &mut self.ledger.sealings[number].keepers;
                    known.extend(&keepers);
                    if known.len() >= everybody {
                        let open = self.open.entry(site).or_default();
                        open.retain(|one| *one != number);
                    }
                }
            }
        }
        if site == site_of(0) {
            self.learnt(which);
        }
    }

    /// Notes what the head office has come to know.
    pub(crate) fn learnt(&mut self, which: usize) {
        if let Some(engine) = &self.machines[which].engine {
            let heard = |left: &Closing| {
                let held = engine.skeleton().run(left.run);
                held.is_some_and(|held| held.length(Log::Data) >= left.length)
            };
            let all = std::mem::take(&mut self.ledger.closing);
            let (heard, waiting): (Vec<_>, Vec<_>) = all.into_iter().partition(heard);
            self.ledger.closing = waiting;
            for left in &heard {
                self.ledger.closes(left);
            }
        }
        let known: Vec<usize> = self
            .ledger
            .unknown
            .iter()
            .copied()
            .filter(|number| self.holds(which, &self.ledger.sealings[*number]))
            .collect();
        for number in known {
            self.ledger.unknown.remove(&number);
            let now = self.now;
            let sealing = &mut self.ledger.sealings[number];
            if sealing.known_at.is_none() {
                sealing.known_at = Some(now);
                let place = place_of(sealing.site);
                let delays = self.measures.to_head_office.entry(place).or_default();
                delays.push(now - sealing.at);
            }
        }
    }
}

/// Whether a store has every segment in which something was sealed.
fn keeps(memory: &Memory, sealing: &Sealing) -> bool {
    let rows = memory.scan(Table::Segment, &[], &[], usize::MAX);
    let header = |(_, row): (Vec<u8>, Vec<u8>)| Header::decode(row.get(64..)?).ok();
    let held: BTreeSet<Hash> = rows
        .unwrap_or_default()
        .into_iter()
        .filter_map(header)
        .map(|header| header.hash())
        .collect();
    sealing
        .places
        .iter()
        .all(|place| held.contains(&place.hash))
}
