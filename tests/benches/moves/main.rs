//! What moves cost: a van, a whole prison, the way from a grant to an open record, what is urgent
//! behind a backlog, and a stick's tour, beside the limits that the project set itself.
//! `cargo bench -p spean-tests --bench moves`, with `-- --json` as one object. Real engines on real
//! databases in this process; sticks are directories. Bytes are exact, seconds are this machine's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code)]

#[path = "../exchange/pair.rs"]
mod pair;
#[path = "../exchange/synthetic.rs"]
mod synthetic;
#[path = "../exchange/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use pair::{AUTHORS, add_learners, append, engine};
use spean::engine::depart::Moved;
use spean::engine::state::State;
use spean::service::NodeEngine;
use spean::stick;
use spean::stick::medium::Directory;
use spean_protocol::bundle::{LENGTH_BYTES, Reader, START_BYTES};
use spean_protocol::codec;
use spean_protocol::event::Destination;
use spean_protocol::id::{Label, LearnerId, RunId, SiteId};
use spean_protocol::parcel::{self, Kind, Place};
use spean_protocol::receipt;
use spean_protocol::seal::Secret;
use spean_protocol::segment::Segment;
use spean_protocol::session::{Frame, Session, Step};
use table::Table;

const DGP: u16 = 1;
const A: u16 = 2;
const B: u16 = 3;

fn main() {
    let mut table = Table::begin();
    van(&mut table, 100, Some(10.0));
    van(&mut table, 374, None);
    grant_to_open(&mut table);
    slip_to_open(&mut table);
    sealing(&mut table);
    urgent(&mut table);
    tour(&mut table, 14, 2_048.0);
    tour(&mut table, AUTHORS, 4_096.0);
    table.finish();
}

fn fold(engine: &mut NodeEngine) {
    while engine.fold(64).expect("folded").more {}
}

fn carry(from: &mut NodeEngine, to: &mut NodeEngine) {
    let mut file = Vec::new();
    let mut append = |bytes: &[u8]| {
        file.extend_from_slice(bytes);
        Ok(())
    };
    from.export(&[to.site()], "", &mut append)
        .expect("a bundle")
        .expect("written");
    let mut rest = file.as_slice();
    let mut read = |wanted: usize| {
        let (now, later) = rest.split_at(wanted.min(rest.len()));
        rest = later;
        Ok(now.to_vec())
    };
    let imported = to.import_bundle(&mut read, &mut |_| {}).expect("taken in");
    assert_eq!(imported.stopped, None);
}

/// So many leave by one command, and arrive by one; each with forty events.
fn van(table: &mut Table, count: usize, limit: Option<f64>) {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut a, mut b) = (engine(directory.path(), A), engine(directory.path(), B));
    let learners = add_learners(&mut a, count);
    append(&mut a, &learners, 0..count * 33);
    a.flush().expect("a flush");
    carry(&mut a, &mut b);
    let begun = Instant::now();
    let left = a.transfer_out_all(&learners, Destination::Site(b.site()), None, false);
    let out = begun.elapsed().as_secs_f64();
    assert!(
        left.expect("departures")
            .iter()
            .all(|one| one.done().is_some())
    );
    carry(&mut a, &mut b);
    let tickets = b.announced_by(a.site()).expect("announced");
    assert_eq!(tickets.len(), count);
    let begun = Instant::now();
    let arrived = b.transfer_in_all(&tickets, None).expect("arrivals");
    fold(&mut b);
    let into = begun.elapsed().as_secs_f64();
    for learner in &learners {
        let states = b.states(*learner).expect("states");
        assert!(matches!(states[..], [State::Open { .. }]), "{states:?}");
    }
    assert!(arrived.iter().all(|one| matches!(one, Moved::Done(_))));
    table.add(
        format!("{count} learners of 40 events leave, one command"),
        out,
        "s",
        limit,
    );
    table.add(
        format!("{count} learners arrive, one command, records open"),
        into,
        "s",
        limit,
    );
}

/// A site that has 400 learners of 33 events, a neighbour that holds all of it sealed, and one of them.
fn history(directory: &Path) -> (NodeEngine, NodeEngine, LearnerId) {
    let (mut a, mut b) = (engine(directory, A), engine(directory, B));
    let learners = add_learners(&mut a, 400);
    append(&mut a, &learners, 0..400 * 33);
    a.flush().expect("a flush");
    carry(&mut a, &mut b);
    (a, b, learners[7])
}

/// He works at B under a stay of his own, and A's data are there; then the grant comes.
fn grant_to_open(table: &mut Table) {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut a, mut b, learner) = history(directory.path());
    b.admit(learner, None).expect("admitted");
    a.transfer_out(learner, Destination::Site(b.site()), None, false)
        .expect("left");
    let begun = Instant::now();
    carry(&mut a, &mut b);
    fold(&mut b);
    let seconds = begun.elapsed().as_secs_f64();
    let states = b.states(learner).expect("states");
    assert!(matches!(states[..], [State::Open { .. }]), "{states:?}");
    table.add(
        "a grant's stick put in, his record open",
        seconds,
        "s",
        Some(1.0),
    );
}

/// B has every segment that A sealed before the departure, and nothing but the slip of it: no link, no
/// stick.
fn slip_to_open(table: &mut Table) {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut a, mut b, learner) = history(directory.path());
    let left = a
        .transfer_out(learner, Destination::Site(b.site()), None, false)
        .expect("left");
    let slip = left.slip.expect("a slip");
    let begun = Instant::now();
    b.transfer_in(&slip, None).expect("arrived");
    fold(&mut b);
    let seconds = begun.elapsed().as_secs_f64();
    let view = b.view(learner).expect("a view").unwrap_or_default();
    assert!(view.events > 33, "{} events", view.events);
    table.add(
        "a slip entered, links off: his record open",
        seconds,
        "s",
        Some(1.0),
    );
}

/// What sealing adds to a parcel's compressed content: kind and length, padding to the ladder, tag, and
/// its line in the header. Contents that do not compress, of 20 to 400 bytes.
fn sealing(table: &mut Table) {
    let place = Place {
        run: RunId([1; 16]),
        height: 1,
        index: 0,
    };
    let mut noise = blake3::Hasher::new().finalize_xof();
    let (mut sum, mut most, mut content_sum) = (0.0_f64, 0.0_f64, 0.0_f64);
    let mut count = 0.0_f64;
    for length in 20..=400_usize {
        let mut content = vec![0; length];
        noise.fill(&mut content);
        let sealed = parcel::seal(
            &Secret([2; 32]),
            place,
            Label([3; 16]),
            Kind::Changes,
            &content,
        );
        let line = 16 + codec::encode(&(2_u32 * 400)).len();
        let over = (sealed.expect("sealed").len() + line - length) as f64;
        (sum, content_sum, most) = (sum + over, content_sum + length as f64, most.max(over));
        count += 1.0;
    }
    table.add("sealing adds to a parcel, mean", sum / count, "B", None);
    table.add("the same, at most", most, "B", None);
    table.add(
        "the same, of the content",
        100.0 * sum / content_sum,
        "%",
        None,
    );
}

/// A carrier has a million events that B lacks, and the DGP's answer for B.
fn urgent(table: &mut Table) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut a = engine(directory.path(), A);
    let mut dgp = engine(directory.path(), DGP);
    let mut b = engine(directory.path(), B);
    let learners = add_learners(&mut a, 1);
    a.flush().expect("a flush");
    carry(&mut a, &mut dgp);
    carry(&mut a, &mut b);
    synthetic::fill_engine(&mut dgp, 1_000_000);
    b.admit(learners[0], None).expect("admitted");
    carry(&mut b, &mut dgp);
    fold(&mut dgp);
    dgp.flush().expect("a flush");
    // B dials; the office's frames are counted until the answer is there.
    let mut dialler = Session::dial(&b, b.site(), dgp.site());
    let mut answerer = Session::answer(dgp.site(), b.site());
    let (mut to_dgp, mut to_b) = (0_usize, 0_usize);
    'exchange: loop {
        while let Step::Send(frame) = step(&mut b, |b| dialler.next(b)) {
            to_dgp += frame.encode().len() + 3;
            step(&mut dgp, |dgp| answerer.receive(frame, dgp));
        }
        while let Step::Send(frame) = step(&mut dgp, |dgp| answerer.next(dgp)) {
            to_b += frame.encode().len() + 3;
            step(&mut b, |b| dialler.receive(frame, b));
            let states = b.states(learners[0]).expect("states");
            if !states.contains(&State::WaitingForKey) {
                break 'exchange;
            }
        }
    }
    let bytes = pair::float((to_dgp + to_b) as u64);
    table.add(
        "an answer behind a backlog of 1,000,000 events, both directions",
        bytes,
        "B",
        Some(4_096.0),
    );
    table.add(
        "  at 64 kbit/s, beside the round trips",
        bytes * 8.0 / 64_000.0,
        "s",
        None,
    );
}

fn step<T>(
    engine: &mut NodeEngine,
    work: impl FnOnce(
        &mut NodeEngine,
    )
        -> Result<T, spean_protocol::session::SessionError<spean::engine::EngineError>>,
) -> T {
    engine
        .exchange(|engine| Ok(work(engine).expect("a sound session")))
        .expect("a sound store")
}

/// A stick goes round so many sites, each with a day's news, and ends at the DGP.
fn tour(table: &mut Table, sites: u16, receipts_limit: f64) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("stick");
    fs::create_dir(&path).expect("a stick");
    let mut engines: BTreeMap<u16, NodeEngine> = (DGP..=sites + 1)
        .map(|site| (site, engine(directory.path(), site)))
        .collect();
    let learners: BTreeMap<u16, Vec<LearnerId>> = engines
        .iter_mut()
        .filter(|(site, _)| **site != DGP)
        .map(|(site, engine)| (*site, pair::add_learners_of(engine, 48, *site)))
        .collect();
    // First everybody hears of everybody: two tours, so that all receipts are there.
    for _ in 0..2 {
        go_round(&mut engines, &path, sites);
    }
    for (site, learners) in &learners {
        let engine = engines.get_mut(site).expect("a site");
        append(engine, learners, 0..250);
        engine.flush().expect("a flush");
    }
    go_round_to_the_office(&mut engines, &path, sites);
    let dgp = engines.get_mut(&DGP).expect("the office");
    let lines = stick::inspect(dgp, &Directory::at(&path)).expect("listed");
    let bytes: u64 = lines.iter().map(|line| line.contents.bytes).sum();
    let (mut segments, mut parcels, mut receipts) = (0, 0, 0);
    let mut held = 0;
    for frame in frames_of(&path) {
        match &frame {
            Frame::Segment(bytes) => {
                segments += bytes.len();
                let segment = Segment::decode(bytes).expect("a segment");
                parcels += segment
                    .parcels
                    .iter()
                    .flatten()
                    .map(Vec::len)
                    .sum::<usize>();
            }
            Frame::Receipts(bytes) => {
                held += receipt::unpack(bytes).expect("receipts").len();
                receipts += bytes.len();
            }
            _ => {}
        }
    }
    let (bytes, segments) = (pair::float(bytes), pair::float(segments as u64));
    let receipts = pair::float(receipts as u64);
    table.add(
        format!("a stick's tour of {sites} sites, a day each: bundle"),
        bytes,
        "B",
        None,
    );
    table.add("  segments in it", segments, "B", None);
    table.add("  parcels in those", pair::float(parcels as u64), "B", None);
    let limit = segments * 0.01 + 2_048.0;
    table.add(
        "  beside segments and receipts",
        bytes - segments - receipts,
        "B",
        Some(limit),
    );
    table.add(
        format!("  receipts of {} nodes", sites + 1),
        receipts,
        "B",
        Some(receipts_limit),
    );
    assert_eq!(held, usize::from(sites) + 1, "one of each node");
}

/// The stick goes to every site and the office; all of it is taken in everywhere.
fn go_round(engines: &mut BTreeMap<u16, NodeEngine>, path: &Path, sites: u16) {
    go_round_to_the_office(engines, path, sites);
    let dgp = engines.get_mut(&DGP).expect("the office");
    stick::import(dgp, &Directory::at(path)).expect("taken in");
    fold(dgp);
    clear(path);
    stick::export(dgp, &mut Directory::at(path), &[], "").expect("written");
    for site in 2..=sites + 1 {
        let engine = engines.get_mut(&site).expect("a site");
        stick::import(engine, &Directory::at(path)).expect("taken in");
        fold(engine);
    }
    clear(path);
}

/// Each stop takes in what is on the stick and writes it anew, with its own, for those ahead.
fn go_round_to_the_office(engines: &mut BTreeMap<u16, NodeEngine>, path: &Path, sites: u16) {
    for site in 2..=sites + 1 {
        let engine = engines.get_mut(&site).expect("a site");
        if site > 2 {
            stick::import(engine, &Directory::at(path)).expect("taken in");
            fold(engine);
        }
        let ahead: Vec<SiteId> = (site + 1..=sites + 1).chain([DGP]).map(SiteId).collect();
        stick::export(engine, &mut Directory::at(path), &ahead, "courier").expect("written");
    }
}

fn clear(path: &Path) {
    for entry in fs::read_dir(path).expect("a stick") {
        fs::remove_file(entry.expect("a file").path()).expect("removed");
    }
}

/// All pieces of the bundles in a directory.
fn frames_of(path: &Path) -> Vec<Frame> {
    let mut all = Vec::new();
    for entry in fs::read_dir(path).expect("a stick") {
        let bytes = fs::read(entry.expect("a file").path()).expect("a bundle");
        let (start, mut rest) = bytes.split_at(START_BYTES);
        let mut reader = Reader::start(&pair::CARRIER, start).expect("a bundle");
        let mut first = true;
        while !reader.ended() {
            let (length, after) = rest.split_at(LENGTH_BYTES);
            let length = reader.length(length.try_into().expect("four bytes"));
            let (length, last) = length.expect("a length");
            let (sealed, after) = after.split_at(length);
            if first {
                reader.manifest(sealed, last).expect("a manifest");
            } else {
                all.extend(reader.frames(sealed, last).expect("frames"));
            }
            (first, rest) = (false, after);
        }
    }
    all
}
