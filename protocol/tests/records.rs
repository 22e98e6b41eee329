//! Goal: whatever a peer with a lawful key seals as a batch, adding it to a record neither panics
//! nor stops what others wrote, and every node gets the same record from it.
//! Method: batches that no honest node writes (one key twice, another's key, empty events, strange
//! numbers), and changed copies of a good one, added to a record that has good events already;
//! in both orders, saved and read again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod samples;

use samples::*;
use spean_protocol::event::EventId;
use spean_protocol::id::{Label, Stream};
use spean_protocol::limits::{EVENT_BYTES_MAX, PARCEL_EVENTS_MAX};
use spean_protocol::record::{Batch, Chain, Draft, Record, RecordError, Stored};

/// The label of another stay, whose events stand beside those of [`label`].
fn other_label() -> Label {
    stay_key().label(LEARNER, Stream::Education, run(2))
}

/// The events of a record of a good batch and of these under another label, whichever way the
/// changes come in; `None` where the chain refuses them.
fn beside_good(batches: &[Batch]) -> Option<Vec<Stored>> {
    let good = Chain::default().advance(label(), &batch(), 7).unwrap();
    let mut chain = Chain::default();
    let changes: Result<Vec<_>, _> = batches
        .iter()
        .map(|batch| chain.advance(other_label(), batch, 8))
        .collect();
    let changes = changes.ok()?;
    let (mut forward, mut backward) = (Record::default(), Record::default());
    forward.apply(vec![good.clone()]).unwrap();
    forward.apply(changes.clone()).unwrap();
    backward.apply(changes.into_iter().rev().collect()).unwrap();
    backward.apply(vec![good]).unwrap();
    let events = forward.events();
    assert_eq!(backward.events(), events);
    assert_eq!(backward.heads(), forward.heads());
    let read = Record::load(&forward.save()).unwrap();
    assert_eq!(
        (read.events(), read.heads()),
        (events.clone(), forward.heads())
    );
    Some(events)
}

fn draft(id: Option<&str>, bytes: &[u8]) -> Draft {
    Draft {
        id: id.map(|text| EventId(text.to_owned())),
        bytes: bytes.to_vec(),
    }
}

#[test]
fn one_key_twice_in_a_batch() {
    let twice = vec![draft(Some("twice"), b"b"), draft(Some("twice"), b"a")];
    let events = beside_good(&[Batch {
        seq: 1,
        events: twice,
    }])
    .unwrap();
    eprintln!("{events:?}");
}
