//! Goal: whatever somebody with a lawful key seals as a batch, a record takes it without failing,
//! keeps what others wrote, and says the same on every node.
//! Method: batches that no honest node writes (a key twice, a key of another's event, empty events,
//! strange texts, numbers out of turn), made at random and by changing the bytes of a good one. They
//! are added beside a good batch of another label, in both orders, saved and read again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod samples;

use proptest::prelude::*;
use samples::*;
use spean_protocol::event::{Event, EventId};
use spean_protocol::id::{Label, Stream};
use spean_protocol::limits::PARCEL_EVENTS_MAX;
use spean_protocol::record::{Batch, Chain, Draft, Record, RecordError, Stored};

/// The label of another run, whose events stand beside those of [`label`].
fn other_label() -> Label {
    stay_key().label(LEARNER, Stream::Education, run(2))
}

/// The events of a record that holds a good batch and then takes these, as far as their chain
/// goes. Checked: any order of the changes and a saved copy say the same.
fn beside_good(batches: &[Batch]) -> Vec<Stored> {
    let good = Chain::default().advance(label(), &batch(), 7).unwrap();
    let mut chain = Chain::default();
    let mut changes = Vec::new();
    for batch in batches {
        let expected = chain.next_seq();
        match chain.advance(other_label(), batch, 8) {
            Ok(change) => changes.push(change),
            Err(error) => {
                let found = batch.seq;
                assert_eq!(error, RecordError::OutOfOrder { expected, found });
                assert!(found != expected && chain.next_seq() == expected);
            }
        }
    }
    let (mut forward, mut backward) = (Record::default(), Record::default());
    forward.apply(vec![good.clone()]).unwrap();
    changes
        .iter()
        .for_each(|change| forward.apply(vec![change.clone()]).unwrap());
    backward.apply(changes.into_iter().rev().collect()).unwrap();
    backward.apply(vec![good]).unwrap();
    let events = forward.events();
    assert_eq!(
        (backward.events(), backward.heads()),
        (events.clone(), forward.heads())
    );
    let read = Record::load(&forward.save()).unwrap();
    assert_eq!(
        (read.events(), read.heads()),
        (events.clone(), forward.heads())
    );
    events
}

fn good_events() -> Vec<Stored> {
    beside_good(&[])
}

fn draft(id: Option<String>, bytes: Vec<u8>) -> Draft {
    Draft {
        id: id.map(EventId),
        bytes,
    }
}

/// Keys that meet each other, and one of each event of the good batch.
fn keys() -> impl Strategy<Value = Option<String>> {
    let taken: Vec<_> = good_events()
        .into_iter()
        .map(|stored| Some(stored.id.0))
        .collect();
    prop_oneof![
        2 => Just(None),
        2 => "[ab]".prop_map(Some),
        1 => "[!-~]{1,48}".prop_map(Some),
        1 => prop::sample::select(taken),
    ]
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..5),
        prop::collection::vec(any::<u8>(), 60..70),
    ];
    let drafts = prop::collection::vec((keys(), bytes), 1..6);
    // Nearly always the next number, sometimes another.
    let out_of_turn = prop_oneof![9 => Just(None), 1 => any::<u64>().prop_map(Some)];
    prop::collection::vec((drafts, out_of_turn), 1..5).prop_map(|batches| {
        let batch = |(place, (drafts, number)): (u64, (Vec<_>, Option<u64>))| {
            let events = drafts
                .into_iter()
                .map(|(id, bytes)| draft(id, bytes))
                .collect();
            Batch {
                seq: number.unwrap_or(place),
                events,
            }
        };
        (1..).zip(batches).map(batch).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn batches_that_nobody_honest_writes(batches in batches()) {
        let events = beside_good(&batches);
        // What others wrote stays, and is told apart by its label whatever key is made up.
        let theirs: Vec<_> = events.into_iter().filter(|e| e.actor == label()).collect();
        prop_assert_eq!(theirs, good_events());
    }

    #[test]
    fn changed_bytes_of_a_batch(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = batch().encode();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(batch) = Batch::decode(&bytes) {
            for stored in beside_good(&[batch]) {
                // No event, or an event: what it says is the view's business, not to fail on.
                let _ = Event::decode(&stored.bytes);
            }
        }
    }
}

#[test]
fn only_a_place_names_a_label() {
    let named = |id: &str| {
        let (id, bytes) = (EventId(id.to_owned()), Vec::new());
        Stored {
            id,
            bytes,
            actor: other_label(),
            op: 1,
        }
        .named_label()
    };
    let events = good_events();
    let labels: Vec<_> = events.iter().map(Stored::named_label).collect();
    assert_eq!(
        labels,
        [Some(label()), None, None],
        "by its place, imported, of its own"
    );
    let place = &events[0].id.0;
    let (text, number) = place.split_once('.').unwrap();
    assert_eq!(named(place), Some(label()), "whoever wrote it");
    for other in [text, number, "", ".1", &text[1..], &format!("{text}A.1")] {
        assert_eq!(named(other), None, "{other}");
    }
}

#[test]
fn one_key_twice_keeps_every_value() {
    let twice = |seq, first: &[u8], second: &[u8]| {
        let key = || Some("twice".to_owned());
        Batch {
            seq,
            events: vec![draft(key(), first.to_vec()), draft(key(), second.to_vec())],
        }
    };
    let events = beside_good(&[twice(1, b"d", b"c"), twice(2, b"a", b"b")]);
    let values: Vec<_> = events
        .iter()
        .filter(|e| e.id.0 == "twice")
        .map(|e| &e.bytes)
        .collect();
    assert_eq!(
        values,
        [b"a", b"b", b"c", b"d"],
        "in byte order, not in the order of writing"
    );
}

/// The largest batch and the smallest, so that a number of operations is never misjudged.
#[test]
fn a_batch_of_the_largest_size() {
    let events = vec![draft(None, vec![7]); PARCEL_EVENTS_MAX];
    let largest = Batch { seq: 1, events };
    let last = Batch {
        seq: 2,
        events: vec![draft(None, Vec::new())],
    };
    assert_eq!(Batch::decode(&largest.encode()), Ok(largest.clone()));
    let events = beside_good(&[largest, last]);
    assert_eq!(events.len(), good_events().len() + PARCEL_EVENTS_MAX + 1);
    let ops: Vec<u64> = events
        .iter()
        .filter(|e| e.actor == other_label())
        .map(|e| e.op)
        .collect();
    let last = u64::try_from(PARCEL_EVENTS_MAX).unwrap() + 1;
    assert_eq!(
        (ops.iter().min(), ops.iter().max()),
        (Some(&1), Some(&last))
    );
}
