//! Bad nodes: what somebody can do who has the keys of one site, or none. He signs two segments for
//! one place, changes pieces of others, floods, sends old pieces again, writes stamps of long ago. He
//! cannot do what the keys of others are needed for.

use std::collections::VecDeque;

use spean_protocol::control::Entry;
use spean_protocol::id::{Label, RunId};
use spean_protocol::log::Head;
use spean_protocol::segment::{Log, Segment};
use spean_protocol::session::{Frame, Host};

use crate::act::{Act, Evil};
use crate::dice::Dice;
use crate::faults::Fault;
use crate::machine::identity;
use crate::plan::Planner;
use crate::world::{World, site_of};

/// Old pieces that are sent again at once.
const REPLAYED_MAX: usize = 2_000;

pub(crate) fn plan(planner: &mut Planner<'_>) {
    let adversary = &planner.scenario.adversary;
    let mut dice = planner.dice("adversary");
    let kinds = [
        (adversary.forks, Fault::Forked, Evil::Fork),
        (adversary.forges, Fault::Forged, Evil::Forge),
        (
            adversary.floods,
            Fault::Flooded,
            Evil::Flood(adversary.flood),
        ),
        (adversary.replays, Fault::Replayed, Evil::Replay),
        (adversary.back_dates, Fault::BackDated, Evil::BackDate),
    ];
    for (yearly, fault, what) in kinds {
        for at in planner.yearly(&mut dice, yearly) {
            let author = 1 + dice.index(planner.scenario.sites_at_first);
            let to = dice.index(planner.scenario.sites_at_first + 1);
            if author != to {
                planner.mishap(fault, at, Act::Evil { author, to, what });
            }
        }
    }
}

impl World {
    /// A bad node has an exchange of its own with a machine: it sends what it likes.
    pub(crate) fn evil(&mut self, author: usize, to: usize, what: Evil, salt: u64) {
        let Some(which) = self.machine_at(to, salt) else {
            return;
        };
        if author == to {
            return;
        }
        let mut dice = Dice::new(salt, "evil");
        let (fault, pieces) = match what {
            Evil::Fork => (Fault::Forked, self.second_of_a_place(which, author)),
            Evil::Forge => (Fault::Forged, self.forged(which, author, &mut dice)),
            Evil::Flood(count) => (Fault::Flooded, self.junk(author, count, &mut dice)),
            Evil::Replay => (Fault::Replayed, self.all_pieces(which)),
            Evil::BackDate => (Fault::BackDated, self.back_dated(which, author, &mut dice)),
        };
        if pieces.is_empty() {
            return;
        }
        let sent = pieces.len();
        let second = match (what, pieces.first()) {
            (Evil::Fork, Some(Frame::Segment(bytes))) => Segment::decode(bytes).ok(),
            _ => None,
        };
        let before = self.machines[which].disk.bytes_of_all();
        let Ok(taken) = self.ask(which, |engine| engine.take_all(pieces)) else {
            // The power may have failed once they were kept.
            self.ledger.perhaps_lied = true;
            return;
        };
        self.happened.add(fault);
        self.ledger
            .forked
            .extend(second.map(|second| second.header.run));
        let new = taken.iter().filter(|new| **new).count();
        let grown = self.machines[which]
            .disk
            .bytes_of_all()
            .saturating_sub(before);
        self.trace.note("evil", &[sent as u64, new as u64, grown]);
        self.trace
            .say(|| format!("    {sent} pieces sent, {new} taken, {grown} bytes kept"));
        crate::checkers::evil(self, what, author, new, grown);
        self.fold(which);
        self.seal(which);
    }

    /// The newest data segment of a site that a machine holds.
    fn newest_of(&self, which: usize, author: usize) -> Option<Segment> {
        let machine = &self.machines[which];
        let engine = machine.engine.as_ref()?;
        let runs = engine.skeleton().runs(site_of(author));
        let sound = |(run, held): (RunId, &spean_protocol::log::Run)| {
            let length = held.length(Log::Data);
            (!held.forked && held.branch.is_none() && length > 0).then(|| (run, length - 1))
        };
        let (run, height) = runs.rev().find_map(sound)?;
        let bytes = machine
            .disk
            .quietly(|| engine.segment(run, Log::Data, height))
            .ok()??;
        Segment::decode(&bytes).ok()
    }

    fn second_of_a_place(&self, which: usize, author: usize) -> Vec<Frame> {
        let Some(mut segment) = self.newest_of(which, author) else {
            return Vec::new();
        };
        segment.header.stamp += 7;
        let label = segment
            .header
            .lines
            .first()
            .map_or(Label([9; 16]), |line| line.label);
        let parcels = vec![(label, vec![0x5a; 128])];
        let second = Segment::sign(segment.header, parcels, &identity(author).signing);
        second
            .map(|second| vec![Frame::Segment(second.encode())])
            .unwrap_or_default()
    }

    /// Pieces of others with changed bytes, and pieces that the bad node signed in their name.
    fn forged(&self, which: usize, author: usize, dice: &mut Dice) -> Vec<Frame> {
        let mut forged = Vec::new();
        for place in 0..=self.listed {
            let Some(segment) = self.newest_of(which, place).filter(|_| place != author) else {
                continue;
            };
            let mut bytes = segment.encode();
            let at = dice.index(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
            forged.push(Frame::Segment(bytes));
            let mut header = segment.header.clone();
            header.height += 1;
            header.previous = segment.header.hash();
            let parcels = vec![(Label([7; 16]), vec![1; 64])];
            let named = Segment::sign(header, parcels, &identity(author).signing);
            forged.extend(named.map(|segment| Frame::Segment(segment.encode())));
        }
        let roster = self.roster(self.listed, self.rosters + 90);
        let mut bytes = roster.encode();
        let at = bytes.len() - 1 - dice.index(60);
        bytes[at] ^= 4;
        forged.push(Frame::Roster(bytes));
        forged
    }

    /// Noise, and pieces of its own log that join nothing.
    fn junk(&self, author: usize, count: u32, dice: &mut Dice) -> Vec<Frame> {
        let run = RunId::of(site_of(author), [0x77; 16]);
        let one = |number: u32| {
            let noise = dice.bytes().repeat(20);
            match number % 3 {
                0 => Frame::Segment(noise),
                1 => Frame::Receipt(noise),
                _ => {
                    let header = spean_protocol::segment::Header {
                        log: Log::Data,
                        site: site_of(author),
                        run,
                        height: number + 5,
                        previous: spean_protocol::id::Hash(dice.bytes()),
                        control: 1,
                        cohort: 1,
                        stamp: 0,
                        lines: Vec::new(),
                    };
                    let parcels = vec![(Label([3; 16]), noise)];
                    let signed = Segment::sign(header, parcels, &identity(author).signing);
                    signed.map_or(Frame::Done, |signed| Frame::Segment(signed.encode()))
                }
            }
        };
        (0..count).map(one).collect()
    }

    /// All segments that a machine holds, so far as they are not too many.
    fn all_pieces(&self, which: usize) -> Vec<Frame> {
        let machine = &self.machines[which];
        let Some(engine) = &machine.engine else {
            return Vec::new();
        };
        let skeleton = engine.skeleton();
        let mut pieces = VecDeque::new();
        for site in skeleton.sites() {
            for (run, held) in skeleton.runs(site) {
                for log in [Log::Control, Log::Data] {
                    for height in held.from(log)..held.length(log) {
                        let bytes = machine.disk.quietly(|| engine.segment(run, log, height));
                        pieces.extend(bytes.ok().flatten().map(Frame::Segment));
                        if pieces.len() > REPLAYED_MAX {
                            pieces.pop_front();
                        }
                    }
                }
            }
        }
        pieces.into()
    }

    /// A run of its own, with a segment that is stamped 1980.
    fn back_dated(&mut self, which: usize, author: usize, dice: &mut Dice) -> Vec<Frame> {
        let Some(engine) = &self.machines[which].engine else {
            return Vec::new();
        };
        let heads: Vec<Head> = engine.skeleton().heads(site_of(author));
        let mut random = [0; 16];
        random.copy_from_slice(&dice.bytes()[..16]);
        let header = |log, run| spean_protocol::segment::Header {
            log,
            site: site_of(author),
            run,
            height: 0,
            previous: spean_protocol::id::Hash::ZERO,
            control: u32::from(log == Log::Data),
            cohort: 1,
            stamp: 315_532_800,
            lines: Vec::new(),
        };
        let run = RunId::of(site_of(author), random);
        self.ledger.written.insert(run, 1);
        let key = identity(author).signing;
        let opening = vec![(Label([0; 16]), Entry::Opening(heads).encode())];
        let parcels = vec![(Label([4; 16]), vec![2; 64])];
        let pieces = [(Log::Control, opening), (Log::Data, parcels)]
            .map(|(log, parcels)| Segment::sign(header(log, run), parcels, &key));
        let frame = |segment: Segment| Frame::Segment(segment.encode());
        pieces.into_iter().flatten().map(frame).collect()
    }
}
