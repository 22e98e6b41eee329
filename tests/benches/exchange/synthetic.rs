//! Logs of authors that nobody here reads, made by the protocol's own parts: what a node carries
//! for others. Each day of a site is one segment with 48 parcels and 250 events.

use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::id::{Hash, Label, LearnerId, RunId, SiteId, StayId, Stream};
use spean_protocol::parcel::{self, Kind, Place};
use spean_protocol::record::{Batch, Draft};
use spean_protocol::seal::Secret;
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::Frame;
use spean_protocol::stay::CustodyKey;

use spean::service::NodeEngine;

use crate::pair::{AUTHORS, Pair, call, lab_event, signing};

const LEARNERS: usize = 48;
const EVENTS_A_DAY: usize = 250;
const DAYS_A_RUN: usize = 7;

/// Gives the pair's site logs of 28 authors with at least `events` events; returns how many.
pub async fn fill(pair: &Pair, events: usize) -> usize {
    call(&pair.site, move |engine| fill_engine(engine, events)).await
}

/// The same for an engine.
pub fn fill_engine(engine: &mut NodeEngine, events: usize) -> usize {
    let days = events.div_ceil(usize::from(AUTHORS) * EVENTS_A_DAY);
    for author in 4..4 + AUTHORS {
        let mut parents = Vec::new();
        for week in 0..days.div_ceil(DAYS_A_RUN) {
            let span = DAYS_A_RUN.min(days - week * DAYS_A_RUN);
            let (frames, head) = run(author, week, span, &parents);
            parents = vec![head];
            assert!(
                engine
                    .take_all(frames)
                    .expect("taken")
                    .iter()
                    .all(|new| *new)
            );
        }
    }
    days * usize::from(AUTHORS) * EVENTS_A_DAY
}

fn run(
    author: u16,
    week: usize,
    days: usize,
    parents: &[spean_protocol::log::Head],
) -> (Vec<Frame>, spean_protocol::log::Head) {
    let name = blake3::hash(format!("run {author} {week}").as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&name.as_bytes()[..16]);
    let site = SiteId(author);
    let run = RunId::of(site, id);
    let key = signing(author);
    let header = |log, height, previous, control| Header {
        log,
        site,
        run,
        height,
        previous,
        control,
        cohort: 1,
        stamp: 1_750_000_000,
        lines: Vec::new(),
    };
    let opening = Entry::Opening(parents.to_vec()).encode();
    let first = header(Log::Control, 0, Hash::ZERO, 0);
    let first = Segment::sign(first, vec![(Label([0; 16]), opening)], &key).expect("a segment");
    let control_tip = first.header.hash();
    let mut frames = vec![Frame::Segment(first.encode())];
    let secret = Secret(*name.as_bytes());
    let custody = CustodyKey {
        site,
        cohort: 1,
        stream: Stream::Education,
        secret,
    };
    let mut previous = Hash::ZERO;
    for day in 0..days {
        let height = u32::try_from(day).expect("small");
        let parcels = (0..LEARNERS).map(|learner| sealed(&custody, run, height, learner, day));
        let segment = header(Log::Data, height, previous, 1);
        let segment = Segment::sign(segment, parcels.collect(), &key).expect("a segment");
        previous = segment.header.hash();
        frames.push(Frame::Segment(segment.encode()));
    }
    let data = u32::try_from(days).expect("small");
    let head = spean_protocol::log::Head {
        run,
        data,
        control: 1,
        data_tip: previous,
        control_tip,
    };
    (frames, head)
}

/// One learner's day: five or six events.
fn sealed(
    custody: &CustodyKey,
    run: RunId,
    height: u32,
    learner: usize,
    day: usize,
) -> (Label, Vec<u8>) {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(learner as u64).to_le_bytes());
    let key = custody.stay_key(StayId(id));
    let label = key.label(LearnerId(id), Stream::Education, run);
    let first = day * EVENTS_A_DAY;
    let events = (first..first + EVENTS_A_DAY)
        .filter(|number| number % LEARNERS == learner)
        .map(|number| Draft {
            id: None,
            bytes: lab_event(number).encode(),
        })
        .collect();
    let batch = Batch {
        seq: day as u64 + 1,
        events,
    };
    let index = u16::try_from(learner).expect("small");
    let place = Place { run, height, index };
    let content = batch.encode();
    assert!(codec::at_most(content.len(), 4_096).is_ok());
    let sealed = parcel::seal(&key.0, place, label, Kind::Changes, &content).expect("sealed");
    (label, sealed)
}
