//! One checker for each promise of docs/reliability.md, in its order. They hold the nodes against the
//! ledger of what truly happened; the engine has no part in what they believe. Each says what it
//! looks at and what it cannot see.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean::engine::install_roster;
use spean::engine::state::State;
use spean::store::memory::Memory;
use spean::store::{Store, Table};
use spean_protocol::codec;
use spean_protocol::event::{Body, Event};
use spean_protocol::frontier::{HeadMark, RunTag};
use spean_protocol::id::{LearnerId, RunId, SiteId, StayId};
use spean_protocol::receipt::Receipt;
use spean_protocol::record::Draft;
use spean_protocol::segment::Log;
use spean_protocol::session::Host;
use spean_protocol::totals::Query;
use spean_protocol::view::LearnerView;

use crate::act::Evil;
use crate::links::Line;
use crate::machine::Machine;
use crate::machine::disk::Disk;
use crate::world::{Beside, World, place_of, site_of};

/// The promises, P1 to P10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// P1: saved means saved.
    Saved,
    /// P2: once another node's receipt is shown, losing any one building loses nothing.
    Receipted,
    /// P3: same segments and keys, same fold, in whatever order.
    SameFold,
    /// P4: no double counting.
    CountedOnce,
    /// P5: never backwards.
    NeverBackwards,
    /// P6: always converges after the last fault.
    Converges,
    /// P7: nobody opens what was written after custody moved; everyone inside can, or sees why not.
    Custody,
    /// P8: bounded.
    Bounded,
    /// P9: one bad node cannot lie undetected.
    LiesShow,
    /// P10: no human act but carrying sticks and pressing one button.
    Unattended,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which.
    pub promise: Promise,
    /// When: seconds of the world.
    pub at: u64,
    /// How.
    pub what: String,
}

/// Rounds of exchanges within which all must be the same once nothing fails any more.
const ROUNDS_MAX: usize = 12;

/// Bytes that a flood may leave behind: the refusals that are kept for people to read.
const FLOOD_BYTES_MAX: u64 = 400_000;

/// Bytes of a store for each event of the nation, with everything that goes with it, and for each
/// site and day.
const BYTES_PER_EVENT_MAX: u64 = 4_096;
const BYTES_PER_SITE_DAY_MAX: u64 = 4_096;

/// P1: what a machine acknowledged and had not sealed waits in its store when it starts again.
/// What it had sealed is looked for where the sealing's keepers are.
pub(crate) fn started(world: &mut World, which: usize) {
    never_backwards(world, which);
    let (machine, beside) = (&world.machines[which], &world.beside[which]);
    let waiting = machine
        .disk
        .look(|memory| memory.scan(Table::Pending, &[], &[], usize::MAX));
    let waiting = waiting.unwrap_or_default();
    if !waiting.is_empty() {
        let mut drafts: BTreeMap<(Vec<u8>, Vec<u8>), u32> = BTreeMap::new();
        for (key, value) in &waiting {
            if let Ok(Some(draft)) = codec::decode::<Option<Draft>>(value) {
                *drafts.entry((key[..16].to_vec(), draft.bytes)).or_default() += 1;
            }
        }
        let mut missing = None;
        for fact in &beside.unsealed {
            let fact = &world.ledger.facts[*fact];
            let left = drafts.get_mut(&(fact.learner.0.to_vec(), fact.event.encode()));
            match left {
                Some(left) if *left > 0 => *left -= 1,
                _ => missing = Some(fact.clone()),
            }
        }
        // What is no longer waiting may have been sealed with what came after it.
        let grown = machine.engine.as_ref().is_some_and(|engine| {
            let mut runs = engine.skeleton().runs(machine.site);
            runs.any(|(run, held)| Some(&held.length(Log::Data)) > beside.seen.get(&run))
        });
        if let Some(fact) = missing.filter(|_| !grown) {
            let what = format!(
                "machine {which} had acknowledged {:?} of {} and does not have it after its start",
                fact.event.body, fact.learner
            );
            world.fail(Promise::Saved, what);
        }
    }
    world.sealed(which);
}

/// P2: after a machine was set back or lost, whatever another site's receipt was shown for is there.
/// What only the lost machine had is no longer asked for.
pub(crate) fn replaced(world: &mut World, which: usize, before: &Beside) {
    let site = world.machines[which].site;
    forget_unseen_forks(world);
    let kept: BTreeSet<usize> = world
        .machines_of(site)
        .flat_map(|other| world.beside[other].unsealed.iter().copied())
        .collect();
    for fact in before.unsealed.iter().filter(|fact| !kept.contains(fact)) {
        if world.ledger.facts[*fact].sealing.is_none() {
            world.ledger.facts[*fact].lost = true;
        }
    }
    let numbers: Vec<usize> = (0..world.ledger.sealings.len())
        .filter(|number| world.ledger.sealings[*number].keepers.contains(&site))
        .collect();
    for number in numbers {
        let sealing = world.ledger.sealings[number].clone();
        let here = world
            .machines_of(site)
            .any(|other| world.holds(other, &sealing));
        if here {
            continue;
        }
        world.ledger.sealings[number].keepers.remove(&site);
        let others = sealing.keepers.iter().filter(|keeper| **keeper != site);
        let somewhere = others.clone().any(|keeper| {
            world
                .machines_of(*keeper)
                .any(|other| world.holds(other, &sealing))
        });
        if others.count() > 0 && !somewhere {
            receipts_lied(world, number, site);
            return;
        }
        // What was only at that site comes back to be asked for once somebody has it again.
        let open = world.open.entry(sealing.site).or_default();
        if !open.contains(&number) && sealing.site != site {
            open.push(number);
        }
    }
}

/// A fork that only the machine knew which was lost has not been seen: nobody can prove it.
fn forget_unseen_forks(world: &mut World) {
    let mut proven = BTreeSet::new();
    for machine in &world.machines {
        let rows = machine
            .disk
            .look(|memory| memory.scan(Table::Fork, &[], &[], usize::MAX));
        proven.extend(rows.unwrap_or_default().into_iter().map(|(tag, _)| tag));
    }
    let seen = |run: &RunId| proven.contains(RunTag::from(*run).0.as_slice());
    world.ledger.forked.retain(seen);
}

fn receipts_lied(world: &mut World, number: usize, lost: SiteId) {
    let sealing = &world.ledger.sealings[number];
    let what = format!(
        "receipts said that {:?} keep {} events of {}, and once {lost} had lost its disk nobody did",
        sealing.keepers,
        sealing.facts.len(),
        sealing.site
    );
    world.fail(Promise::Receipted, what);
}

/// P5: what is held of each site, and the roster's version, only grow while the disk is the same.
fn never_backwards(world: &mut World, which: usize) {
    let Some(engine) = &world.machines[which].engine else {
        return;
    };
    let mut backwards = None;
    let beside = &mut world.beside[which];
    let skeleton = engine.skeleton();
    for site in skeleton.sites() {
        let lengths = skeleton
            .runs(site)
            .map(|(_, run)| run.data.count() + u64::from(run.control));
        let now: u64 = lengths.sum();
        let before = beside.progress.insert(site, now).unwrap_or(0);
        if now < before {
            backwards = Some(format!(
                "machine {which} held {before} segments of {site}, and now {now}"
            ));
        }
    }
    let roster = engine.roster().version;
    if roster < beside.roster {
        backwards = Some(format!(
            "machine {which} had roster {}, and now {roster}",
            beside.roster
        ));
    }
    beside.roster = roster;
    if let Some(what) = backwards {
        world.fail(Promise::NeverBackwards, what);
    }
}

/// What is looked at every day: P5 and P8 of every machine.
pub(crate) fn daily(world: &mut World) {
    for which in 0..world.machines.len() {
        never_backwards(world, which);
        if (world.now / 86_400 + which as u64).is_multiple_of(29) {
            bounded(world, which);
            custody_of(world, which);
        }
    }
    receipts_are_true(world);
}

/// P8: a store is no larger than what the nation recorded allows, and what was refused takes little.
fn bounded(world: &mut World, which: usize) {
    let bytes = world.machines[which].disk.bytes_of_all();
    let events = (world.ledger.facts.len() + world.ledger.unanswered.len()) as u64
        + 16 * world.people.persons.len() as u64
        + 8 * world.people.journeys.len() as u64;
    let sites = world.machines.len() as u64;
    let days = world.now / 86_400 + 1;
    let allowed =
        events * BYTES_PER_EVENT_MAX + sites * days * BYTES_PER_SITE_DAY_MAX + 2 * FLOOD_BYTES_MAX;
    if bytes > allowed {
        let what = format!("the store of machine {which} has {bytes} bytes, {allowed} are allowed");
        world.fail(Promise::Bounded, what);
    }
}

/// P8 and P9: what a bad node sent is not kept, or, where it signed it itself, shows.
pub(crate) fn evil(world: &mut World, what: Evil, author: usize, new: usize, grown: u64) {
    let site = site_of(author);
    match what {
        Evil::Forge | Evil::Replay if new > 0 => {
            let what =
                format!("{new} pieces were taken as new that {site} had forged or sent again");
            world.fail(Promise::LiesShow, what);
        }
        Evil::Flood(_) if grown > FLOOD_BYTES_MAX => {
            let what = format!("a flood of {site} left {grown} bytes behind");
            world.fail(Promise::Bounded, what);
        }
        _ => {}
    }
}

/// P7, first half: a prison holds keys of another's stay only of those who were sent to it or came
/// to it since that stay began. One that asked the head office for keys is answered as if he were
/// there until the office hears that he left: of two sites that say so, nobody can tell who is right.
fn custody_of(world: &mut World, which: usize) {
    let machine = &world.machines[which];
    if machine.place == 0 {
        return;
    }
    let rows = machine
        .disk
        .look(|memory| memory.scan(Table::StayKey, &[], &[], usize::MAX));
    let mut wrong = None;
    for (key, _) in rows.unwrap_or_default() {
        let part = |from: usize| {
            key.get(from..from + 16)
                .and_then(|part| part.try_into().ok())
        };
        let site = key.get(..2).and_then(|part| part.try_into().ok());
        let (Some(site), Some(learner), Some(stay)) = (site, part(2), part(19)) else {
            continue;
        };
        let (site, learner, stay) = (
            SiteId(u16::from_be_bytes(site)),
            LearnerId(learner),
            StayId(stay),
        );
        if site == machine.site {
            continue;
        }
        let person = world.people.by_id.get(&learner);
        let may = person.and_then(|person| world.ledger.may_read.get(&(machine.site, *person)));
        let began = world.ledger.stays.get(&(site, learner, stay));
        let asked = person.is_some_and(|person| {
            let place = (machine.site, *person);
            let closed = world.ledger.closed.get(&place);
            let asked = world.ledger.asked.get(&place);
            // Not what was heard of an earlier stay there.
            let since = closed.filter(|closed| asked < Some(&closed.recorded));
            let stays = world.ledger.stays.keys();
            let there = stays.filter(|(at, whose, _)| (*at, *whose) == (machine.site, learner));
            // A machine that was lost or copied may count him in a second stay, until its log is back.
            let twice = since.is_some_and(|closed| there.count() > closed.departures);
            asked.is_some() && (twice || since.is_none_or(|closed| Some(&closed.heard) > began))
        });
        let here =
            person.is_some_and(|person| world.people.persons[*person].at == Some(machine.place));
        if let Some(began) = began
            && may.is_none_or(|until| until < began)
            && !here
            && !asked
        {
            let known = person.map(|person| &world.people.persons[*person]);
            let (ids, was) = known.map(|known| (&known.ids, &known.was)).unzip();
            let what = format!(
                "{} has the key of stay {stay:?} of {learner} at {site}, which began after custody had \
                 moved: ids {ids:?}, he was at {was:?}, began {began:?}, may be read up to {may:?}",
                machine.site
            );
            wrong = Some((what, learner, person.copied()));
        }
    }
    if let Some((what, learner, person)) = wrong {
        let came = person.map(|person| journeys_of(world, person));
        let office: Vec<usize> = world.machine_at(0, 0).into_iter().collect();
        let stays = stays_at(world, &office, learner);
        let came = came.unwrap_or_default();
        world.fail(
            Promise::Custody,
            format!("{what}; he came by {came}; {stays}"),
        );
    }
}

/// P7 for a machine that is taken away: its keys are those of custody, no more.
pub(crate) fn stolen(world: &mut World, which: usize) {
    custody_of(world, which);
}

/// Everything that is looked at once nothing fails any more and all have met.
pub fn finally(world: &mut World) {
    converges(world);
    type Check = fn(&mut World);
    let checks: [Check; 6] = [
        kept,
        counted_once,
        same_fold,
        custody,
        lies_show,
        bounded_everywhere,
    ];
    for check in checks {
        if world.failures.is_empty() {
            check(world);
        }
    }
}

/// P6: with power, room and links everywhere, all nodes are the same after a few rounds, with nothing
/// left to seal, to fold, or to say.
fn converges(world: &mut World) {
    world.heal();
    world.readmit();
    let mut asked = BTreeSet::new();
    let mut unsaid = None;
    for round in 0..ROUNDS_MAX {
        let offices: Vec<usize> = world.machines_of(site_of(0)).collect();
        for office in offices {
            for other in 0..world.machines.len() {
                world.exchange(office, other, &mut Line::WHOLE.clone());
            }
        }
        world.now += 3_600;
        if !world.failures.is_empty() {
            return;
        }
        unsaid = None;
        if round > 0 && all_the_same(world) {
            // Who was admitted at a machine that was set back since is known there as gone, now that
            // it has heard of his departure before that. Who waits for what a lost machine alone had
            // is asked about.
            if arrivals_were_lost(world) && (world.readmit() | world.ask_for_waiting(&mut asked)) {
                continue;
            }
            // A receipt comes with the exchange after the one that it is for.
            unsaid = unsaid_receipts(world);
            if unsaid.is_none() {
                return;
            }
        }
    }
    if let Some(what) = unsaid.filter(|_| all_the_same(world)) {
        world.fail(Promise::Converges, what);
        return;
    }
    let differ = differences(world);
    let mut refused = BTreeSet::new();
    for which in 0..world.machines.len() {
        let status = world.ask(which, |engine| engine.status());
        let reasons = status.map(|status| status.set_aside_reasons);
        refused.extend(
            reasons
                .unwrap_or_default()
                .into_iter()
                .map(|why| (which, why)),
        );
    }
    let what = format!(
        "after {ROUNDS_MAX} rounds nodes still differ from the head office: {differ:?}; set aside: \
         {refused:?}"
    );
    world.fail(Promise::Converges, what);
}

/// Whether a machine may have lost what it alone knew.
fn arrivals_were_lost(world: &World) -> bool {
    use crate::faults::Fault;
    let lost = [
        Fault::DiskLost,
        Fault::DiskRolledBack,
        Fault::Resumed,
        Fault::Cloned,
    ];
    lost.iter().any(|fault| world.happened.of(*fault) > 0)
}

/// In what each machine differs from the first of the head office.
fn differences(world: &World) -> Vec<String> {
    let mut differ = Vec::new();
    let office = world
        .machines
        .first()
        .and_then(|machine| machine.engine.as_ref());
    for (which, machine) in world.machines.iter().enumerate() {
        let (Some(one), Some(other)) = (office, &machine.engine) else {
            continue;
        };
        for site in one.skeleton().sites() {
            let (mine, its) = (one.skeleton().heads(site), other.skeleton().heads(site));
            if mine != its {
                differ.push(format!("{which}: heads of {site}: {mine:?} and {its:?}"));
            }
        }
        if one.receipts() != other.receipts() {
            differ.push(format!(
                "{which}: receipts {:?} and {:?}",
                one.receipts(),
                other.receipts()
            ));
        }
        if one.forks() != other.forks() {
            differ.push(format!("{which}: proofs of forks"));
        }
        if one.roster_version() != other.roster_version() {
            differ.push(format!("{which}: rosters"));
        }
        let waits = [Table::Pending, Table::Dirty].map(|table| machine.disk.bytes(table));
        if waits != [0, 0] {
            differ.push(format!(
                "{which}: bytes that wait to be sealed and folded: {waits:?}"
            ));
        }
    }
    differ
}

/// Where all are the same, each is told so, by receipts of all others for all that it wrote: of whom
/// that is not so.
fn unsaid_receipts(world: &World) -> Option<String> {
    let machines = world.machines.iter().enumerate();
    let unsaid = machines.filter_map(|(which, machine)| {
        let engine = machine.engine.as_ref()?;
        let told = machine.disk.quietly(|| engine.held_by().count());
        let others = engine.roster().sites.len() - 1;
        (told < others).then(|| {
            format!(
                "all have what machine {which} wrote, and receipts of {told} of {others} sites say so"
            )
        })
    });
    unsaid.last()
}

fn digests(world: &World) -> impl Iterator<Item = [u8; 16]> + '_ {
    world.machines.iter().filter_map(|machine| {
        let engine = machine.engine.as_ref()?;
        Some(machine.disk.quietly(|| engine.digest()))
    })
}

fn all_the_same(world: &World) -> bool {
    let digests: BTreeSet<[u8; 16]> = digests(world).collect();
    let waits = |machine: &Machine| {
        [Table::Pending, Table::Dirty]
            .iter()
            .any(|table| machine.disk.bytes(*table) > 0)
    };
    digests.len() == 1 && !world.machines.iter().any(waits)
}

/// P2, every day: no receipt says more than its machine has. By the time that all have met, one that
/// said too much would be true. Where a machine was lost, set back or copied, its site's receipt may
/// be another one's; a fork gives runs other names.
fn receipts_are_true(world: &mut World) {
    use crate::faults::Fault;
    let other = [
        Fault::DiskLost,
        Fault::DiskRolledBack,
        Fault::Resumed,
        Fault::Cloned,
        Fault::Forked,
    ];
    if other.iter().any(|fault| world.happened.of(*fault) > 0) {
        return;
    }
    let mut wrong = None;
    for (which, machine) in world.machines.iter().enumerate() {
        let place = machine.site.0.to_be_bytes();
        let row = machine
            .disk
            .look(|memory| memory.read(Table::Receipt, &place));
        let receipt = row.ok().flatten().map(|bytes| Receipt::decode(&bytes));
        let (Some(Ok((_, stated))), Some(engine)) = (receipt, &machine.engine) else {
            continue;
        };
        for (site, heads) in &stated.complete {
            let lengths: BTreeMap<RunTag, u32> = engine
                .skeleton()
                .runs(*site)
                .map(|(run, held)| (run.into(), held.length(Log::Data)))
                .collect();
            let too_much = |head: &&HeadMark| lengths.get(&head.run) < Some(&head.data);
            if let Some(head) = heads.iter().find(too_much) {
                let held = lengths.get(&head.run).copied().unwrap_or(0);
                let said = head.data;
                wrong = Some(format!(
                    "the receipt of machine {which} says that it has {said} segments of a run of {site}, it has {held}"
                ));
            }
        }
    }
    if let Some(what) = wrong {
        world.fail(Promise::Receipted, what);
    }
}

/// P1 and P2 at the end: every keeper keeps, and the head office shows every event that any keeper
/// had.
fn kept(world: &mut World) {
    kept_from(world, 0);
}

fn kept_from(world: &mut World, first: usize) {
    for number in first..world.ledger.sealings.len() {
        let sealing = &world.ledger.sealings[number];
        for keeper in sealing.keepers.clone() {
            let there = world
                .machines_of(keeper)
                .any(|which| world.holds(which, sealing));
            if !there {
                let all = 0..world.machines.len();
                let hold: Vec<usize> = all.filter(|which| world.holds(*which, sealing)).collect();
                let what = format!(
                    "{keeper} is said to keep {} events of {}, and does not: sealed on day {} in {:?}, \
                     {:?} are said to keep them, machines {hold:?} do",
                    sealing.facts.len(),
                    sealing.site,
                    sealing.at / 86_400,
                    sealing.places,
                    sealing.keepers,
                );
                let promise = if keeper == sealing.site {
                    Promise::Saved
                } else {
                    Promise::Receipted
                };
                world.fail(promise, what);
                return;
            }
        }
    }
}

/// The events of the lab that a machine shows of a learner, with how often.
fn shown(world: &mut World, which: usize, learner: LearnerId) -> BTreeMap<Vec<u8>, u32> {
    let events = world.ask(which, |engine| engine.events(learner));
    let mut shown = BTreeMap::new();
    for (_, event) in events.unwrap_or_default() {
        if of_the_lab(&event) {
            *shown.entry(event.encode()).or_default() += 1;
        }
    }
    shown
}

/// The kinds of events that the ledger has, as against those that the engine writes by itself.
fn of_the_lab(event: &Event) -> bool {
    matches!(
        event.body,
        Body::Attended { .. }
            | Body::LoanOut { .. }
            | Body::Login { .. }
            | Body::LibraryVisit {}
            | Body::ModuleDone { .. }
            | Body::Assessed { .. }
            | Body::Newer { .. }
    )
}

/// P1 and P4: of every learner the head office shows each event as often as it was acknowledged, and
/// no more often than it was tried; its totals are those of an independent recount.
fn counted_once(world: &mut World) {
    let Some(office) = world.machine_at(0, 0) else {
        return;
    };
    for (learner, tries) in world.ledger.tries() {
        let shown = shown(world, office, learner);
        for (event, tries) in &tries {
            let there = shown.get(event).copied().unwrap_or(0);
            let body = Event::decode(event).map(|event| event.body);
            if there < tries.kept {
                let kept = tries.kept;
                let what = format!(
                    "{body:?} of {learner} was acknowledged {kept} times, the head office shows {there}"
                );
                world.fail(Promise::Saved, what);
                return;
            }
            if there > tries.tried {
                let tried = tries.tried;
                let events = world.ask(office, |engine| engine.events(learner));
                let events = events.unwrap_or_default().into_iter();
                let same = events.filter(|(_, other)| other.encode() == *event);
                let keys: Vec<String> = same.map(|(key, _)| key).collect();
                let what = format!(
                    "{body:?} of {learner} was recorded {tried} times, the head office shows {there}: \
                     {keys:?}"
                );
                world.fail(Promise::CountedOnce, what);
                return;
            }
        }
        let known = |event: &&Vec<u8>| !tries.contains_key(*event);
        if let Some(made_up) = shown.keys().find(known) {
            let body = Event::decode(made_up).map(|event| event.body);
            world.fail(
                Promise::LiesShow,
                format!("nobody recorded {body:?} of {learner}"),
            );
            return;
        }
    }
    crate::recount::totals(world, office);
}

/// P3: a head office that gets everything at once reads the same, byte for byte.
fn same_fold(world: &mut World) {
    let Some(office) = world.machine_at(0, 0) else {
        return;
    };
    let mut file = Vec::new();
    let packed = world.ask(office, |engine| {
        let mut append = |bytes: &[u8]| {
            file.extend_from_slice(bytes);
            Ok(())
        };
        engine.export(&[], "", &mut append)
    });
    if packed.is_err() {
        return;
    }
    let roster = world.roster(world.listed, world.rosters);
    let mut memory = Memory::default();
    let installed = install_roster(&mut memory, &roster);
    let mut reader = Machine::new(0, site_of(0), Disk::of(memory), 7);
    if installed.is_err() || reader.start(1, world.now).is_err() {
        world.fail(
            Promise::Unattended,
            "a new head office does not start".to_owned(),
        );
        return;
    }
    let mut rest = file.as_slice();
    let mut read = |wanted: usize| {
        let (now, later) = rest.split_at(wanted.min(rest.len()));
        rest = later;
        Ok(now.to_vec())
    };
    let imported = reader.ask(|engine| engine.import_bundle(&mut read, &mut |_| {}));
    while reader
        .ask(|engine| engine.fold(64))
        .is_ok_and(|folded| folded.more)
    {}
    let whole = imported.is_ok_and(|imported| imported.stopped.is_none());
    let (Some(one), Some(other)) = (&world.machines[office].engine, &reader.engine) else {
        return;
    };
    let figures =
        |engine: &crate::machine::Node| engine.totals(Query::ALL).ok().map(|totals| totals.figures);
    let mut differ = (!whole).then(|| "the bundle of everything cannot be read".to_owned());
    if figures(one) != figures(other) {
        differ = Some("the totals of a head office that gets everything at once differ".to_owned());
    }
    let (mine, its) = (one.find("", usize::MAX), other.find("", usize::MAX));
    if let (Ok(mine), Ok(its)) = (mine, its) {
        for row in &mine {
            let same = its.iter().find(|other| other.learner == row.learner);
            if same.is_none_or(|same| same.view != row.view || same.facts != row.facts) {
                let lines = same.map(|other| unlike(&row.view, &other.view));
                differ = Some(format!(
                    "the view of {} differs where everything came at once: {}",
                    row.learner,
                    lines.unwrap_or_default()
                ));
            }
        }
    }
    if let Some(what) = differ {
        world.fail(Promise::SameFold, what);
    }
}

/// The lines in which two views differ, as far as they can be read.
fn unlike(one: &[u8], other: &[u8]) -> String {
    let lines = |bytes: &[u8]| {
        let view = codec::decode::<LearnerView>(bytes);
        let text = view.map(|view| format!("{view:#?}"));
        text.unwrap_or_else(|error| error.to_string())
    };
    let (one, other) = (lines(one), lines(other));
    let pairs = one.lines().zip(other.lines());
    let differ = pairs.filter(|(one, other)| one != other).take(6);
    let differ = differ.map(|(one, other)| format!("{} / {}", one.trim(), other.trim()));
    differ.collect::<Vec<String>>().join("; ")
}

/// P7: keys only where custody was; and who is somewhere can be read there, or a reason is shown.
fn custody(world: &mut World) {
    for which in 0..world.machines.len() {
        custody_of(world, which);
    }
    let Some(office) = world.machine_at(0, 0) else {
        return;
    };
    for person in 0..world.people.persons.len() {
        let one = world.people.persons[person].clone();
        let (Some(place), Some(learner)) = (one.at, one.ids.last().copied()) else {
            continue;
        };
        let Some(which) = world.machines_of(site_of(place)).next() else {
            continue;
        };
        let states = world
            .ask(which, |engine| engine.states(learner))
            .unwrap_or_default();
        let open = states
            .iter()
            .any(|state| matches!(state, State::Open { .. }));
        let reason = states.iter().find(|state| {
            matches!(
                state,
                State::Provisional
                    | State::Disputed { .. }
                    | State::SaidElsewhere { .. }
                    | State::Withheld { .. }
            )
        });
        let (here, there) = (shown(world, which, learner), shown(world, office, learner));
        // While another prison counts him, nobody can tell who is right: the keys of that stay wait
        // until it records that he left.
        let stays = world.ask(office, |engine| engine.view(learner));
        let stays = stays.ok().flatten().unwrap_or_default().stays;
        let counted = stays.iter().filter(|stay| stay.is_open());
        let elsewhere = counted
            .map(|stay| stay.site)
            .any(|site| site != site_of(place));
        let waits = states.contains(&State::WaitingForKey) && elsewhere;
        if open && reason.is_none() && here != there {
            let what = format!(
                "the record of {learner} is said to be open at {}, and has {} events of the {} that the \
                 head office reads: he came by {}; {}",
                site_of(place),
                here.values().sum::<u32>(),
                there.values().sum::<u32>(),
                journeys_of(world, person),
                stays_at(world, &[which, office], learner)
            );
            world.fail(Promise::Custody, what);
            return;
        }
        // Where there is nothing more to read anywhere, waiting is the truth.
        if !open && reason.is_none() && !waits && here != there {
            let what = format!(
                "{learner} is at {}, whose node shows {states:?} when all have met",
                site_of(place)
            );
            world.fail(Promise::Custody, what);
            return;
        }
    }
}

/// The stays of a learner as machines show them, for people.
fn stays_at(world: &mut World, machines: &[usize], learner: LearnerId) -> String {
    let mut told = String::new();
    for which in machines {
        let view = world.ask(*which, |engine| engine.view(learner));
        told.push_str(&format!("machine {which} shows"));
        for stay in view.ok().flatten().unwrap_or_default().stays {
            let came = stay.arrivals.iter().map(|one| (one.reason, one.from));
            let came: Vec<_> = came.collect();
            let left = stay.departures.iter().map(|one| (one.to, one.answered));
            let left: Vec<_> = left.collect();
            let (site, stay) = (stay.site, stay.stay);
            told.push_str(&format!(" [{site} {stay:?}: came {came:?}, left {left:?}]"));
        }
        let rows = world.machines[*which]
            .disk
            .look(|memory| memory.scan(Table::StayKey, &[], &[], usize::MAX));
        let keys = rows.unwrap_or_default().into_iter().filter_map(|(key, _)| {
            let part = |from: usize| key.get(from..from + 16)?.try_into().ok();
            (part(2) == Some(learner.0)).then(|| part(19).map(StayId))?
        });
        let keys: Vec<StayId> = keys.collect();
        told.push_str(&format!(" with keys of {keys:?}; "));
    }
    told
}

/// A person's moves, for people.
fn journeys_of(world: &World, person: usize) -> String {
    let journeys = world.people.journeys.iter();
    let his = journeys.filter(|journey| journey.person == person);
    let told = his.map(|journey| {
        format!(
            "{} to {} on day {}{}{}",
            site_of(journey.from),
            site_of(journey.to),
            journey.left / 86_400,
            if journey.slip.is_some() { ", slip" } else { "" },
            if journey.anew {
                ", registered anew"
            } else {
                ""
            }
        )
    });
    told.collect::<Vec<String>>().join("; ")
}

/// P9: of every run that somebody forked all nodes hold a proof, and no run is longer anywhere than
/// its own site ever wrote it.
fn lies_show(world: &mut World) {
    let mut wrong = None;
    for (which, machine) in world.machines.iter().enumerate() {
        let Some(engine) = &machine.engine else {
            continue;
        };
        let proofs = engine.forks();
        for run in &world.ledger.forked {
            let held = engine.skeleton().run(*run).is_some();
            if held && !proofs.contains(&RunTag::from(*run)) {
                wrong = Some(format!(
                    "machine {which} holds {run} and no proof of its fork"
                ));
            }
        }
        for (run, length) in &world.ledger.written {
            let held = engine.skeleton().run(*run);
            let longer = held.is_some_and(|run| run.length(Log::Data) > *length);
            if longer && !proofs.contains(&RunTag::from(*run)) {
                wrong = Some(format!(
                    "machine {which} holds more of {run} than was ever written"
                ));
            }
        }
    }
    if let Some(what) = wrong {
        world.fail(Promise::LiesShow, what);
    }
    nothing_honest_is_refused(world);
}

/// P9 and P10: where nobody lies and no stick rots, nothing is set aside anywhere.
fn nothing_honest_is_refused(world: &mut World) {
    use crate::faults::Fault;
    let liars = [
        Fault::Forked,
        Fault::Forged,
        Fault::Flooded,
        Fault::BackDated,
        Fault::Resumed,
        Fault::StickRotten,
        // A receipt of before the loss lets others leave out what is missing since.
        Fault::DiskLost,
        Fault::DiskRolledBack,
        Fault::Cloned,
    ];
    let lied = liars.iter().any(|fault| world.happened.of(*fault) > 0);
    if lied || world.ledger.perhaps_lied {
        return;
    }
    // A bundle leaves out what those have for whom it is.
    let elsewhere = [Fault::StickAstray, Fault::StickReplayed];
    let astray = elsewhere.iter().any(|fault| world.happened.of(*fault) > 0);
    for which in 0..world.machines.len() {
        let status = world.ask(which, |engine| engine.status());
        let newer = |reason: &String| {
            reason.contains("of a newer version")
                || astray && reason.contains("before it is missing")
        };
        if let Ok(status) = status
            && !status.set_aside_reasons.iter().all(newer)
        {
            let what = format!(
                "machine {which} of {} set aside what honest nodes sent: {:?}",
                place_of(world.machines[which].site),
                status.set_aside_reasons
            );
            world.fail(Promise::LiesShow, what);
            return;
        }
    }
}

fn bounded_everywhere(world: &mut World) {
    for which in 0..world.machines.len() {
        bounded(world, which);
    }
}
