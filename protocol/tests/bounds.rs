//! Goal: the limits of what is written, signed and sealed hold where it comes in, to the last item,
//! and the largest of what is written fits into what carries it. Those of an exchange: `frames.rs`.
//! Method: for each limit a piece that just fits and one with a single item more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod samples;

use samples::*;
use spean_protocol::codec::{self, DecodeError};
use spean_protocol::control::Entry;
use spean_protocol::event::{Body, Event, EventError};
use spean_protocol::id::{LearnerId, SiteId, StayId};
use spean_protocol::limits::*;
use spean_protocol::parcel::{self, Kind};
use spean_protocol::roster::{RosterError, SignedRoster, Site};
use spean_protocol::seal::SealError;
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::slip::{Slip, SlipError};
use spean_protocol::stay::{GrantContent, Keyring, Register};

#[test]
fn segments() {
    at_most("parcels of a segment", SEGMENT_PARCELS_MAX, |count| {
        Segment::decode(&absent(count, 1).encode())
    });
    at_most("parcels of a header", SEGMENT_PARCELS_MAX, |count| {
        Header::decode(&absent(count, 1).header.encode())
    });
    at_most("a parcel", PARCEL_BYTES_MAX, |bytes| {
        Segment::decode(&absent(1, bytes).encode())
    });
    at_most("a parcel that is signed", PARCEL_BYTES_MAX, |bytes| {
        let parcels = vec![(label(), vec![0; bytes])];
        Segment::sign(header(Log::Data, 0), parcels, &node_key())
    });
    let with_body = |bytes| {
        let rest = Segment::sign(
            header(Log::Data, 0),
            vec![(label(), vec![0; 40_000])],
            &node_key(),
        )
        .unwrap()
        .encode()
        .len();
        let parcels = vec![
            (label(), vec![0; 40_000]),
            (label(), vec![0; bytes - rest - 19]),
        ];
        Segment::sign(header(Log::Data, 0), parcels, &node_key())
    };
    at_most("a segment", SEGMENT_BYTES_MAX, with_body);
    assert_eq!(
        with_body(SEGMENT_BYTES_MAX).unwrap().encode().len(),
        SEGMENT_BYTES_MAX
    );
    at_most("a segment that comes", SEGMENT_BYTES_MAX, |bytes| {
        if bytes > SEGMENT_BYTES_MAX {
            return Segment::decode(&vec![1; bytes]);
        }
        Segment::decode(&with_body(bytes).unwrap().encode())
    });
    let at = |height, control| {
        Header::decode(
            &Header {
                control,
                ..header(Log::Data, height)
            }
            .encode(),
        )
    };
    assert!(at(RUN_SEGMENTS_MAX - 1, RUN_SEGMENTS_MAX).is_ok());
    assert_eq!(at(RUN_SEGMENTS_MAX, 0), Err(DecodeError::Malformed));
    assert_eq!(at(0, RUN_SEGMENTS_MAX + 1), Err(DecodeError::Malformed));
}

#[test]
fn contents_of_parcels() {
    at_most("keys of a keyring", KEYRING_MAX, |count| {
        Keyring::decode(&Keyring(vec![held_key(); count]).encode())
    });
    let entry = |number| (LearnerId(noise(number)), StayId(noise(number + 1_000_000)));
    let register = |count| Register((0..count).map(entry).collect());
    at_most("entries of a register", REGISTER_MAX, |count| {
        Register::decode(&register(count).encode())
    });
    let of = |keys| (LEARNER, vec![held_key(); keys]);
    at_most("learners of a grant", GRANT_LEARNERS_MAX, |count| {
        let content = GrantContent {
            upto: None,
            learners: vec![of(1); count],
        };
        GrantContent::decode(&content.encode())
    });
    at_most("keys of a learner in a grant", KEYRING_MAX, |count| {
        GrantContent::decode(
            &GrantContent {
                upto: None,
                learners: vec![of(count)],
            }
            .encode(),
        )
    });
    at_most("parents of a run", PARENTS_MAX, |count| {
        Entry::decode(&Entry::Opening(vec![head(1); count]).encode())
    });
    // The largest of each that is written fits into a parcel; of a register that is half.
    let seal = |kind, content: &[u8]| parcel::seal(&SEED, place(), label(), kind, content);
    assert!(seal(Kind::Register, &register(REGISTER_MAX / 2).encode()).is_ok());
    assert!(
        seal(
            Kind::Keyring,
            &Keyring(vec![held_key(); KEYRING_MAX]).encode()
        )
        .is_ok()
    );
    assert!(seal(Kind::Changes, &vec![0; PARCEL_CONTENT_BYTES_MAX]).is_ok());
    let too_long = vec![0; PARCEL_CONTENT_BYTES_MAX + 1];
    assert_eq!(seal(Kind::Changes, &too_long), Err(SealError::TooLarge));
    let incompressible: Vec<u8> = (0..PARCEL_BYTES_MAX / 16).flat_map(noise).collect();
    assert_eq!(
        seal(Kind::Changes, &incompressible),
        Err(SealError::TooLarge)
    );
    let newer = |count| [codec::encode(&(9_999_u16, 0_u8)), vec![0; count - 3]].concat();
    let event = Event::decode(&newer(EVENT_BYTES_MAX)).unwrap();
    assert_eq!(
        event.body,
        Body::Newer {
            kind: 9_999,
            flags: 0
        }
    );
    let beyond = EVENT_BYTES_MAX + 1;
    assert_eq!(
        Event::decode(&newer(beyond)),
        Err(EventError::TooLong(beyond))
    );
}

#[test]
fn rosters_and_slips() {
    let long = SignedRoster::decode(&vec![0; ROSTER_BYTES_MAX + 1]).err();
    let (found, limit) = (ROSTER_BYTES_MAX + 1, ROSTER_BYTES_MAX);
    assert_eq!(long, Some(DecodeError::TooMany { found, limit }));
    let with_sites = |count: u16| {
        let mut roster = roster();
        let site = roster.sites[0].clone();
        roster.sites = (0..count)
            .map(|number| {
                let (id, code) = (SiteId(number), format!("C{number}"));
                let keys = vec![*blake3::hash(&number.to_le_bytes()).as_bytes()];
                Site {
                    id,
                    code,
                    keys,
                    ..site.clone()
                }
            })
            .collect();
        let mut signed = SignedRoster::propose(&roster);
        assert!(signed.sign(&root_key(1)).unwrap() && signed.sign(&root_key(2)).unwrap());
        signed
    };
    let signed = with_sites(200);
    assert_eq!(SignedRoster::decode(&signed.encode()).as_ref(), Ok(&signed));
    let keys = |count: usize| {
        let mut roster = roster();
        roster.roots = (0..count)
            .map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes())
            .collect();
        roster.check().map_err(|error| match error {
            RosterError::Decode(error) => error,
            other => panic!("{other}"),
        })
    };
    at_most("roots", KEYS_MAX, keys);

    let endless = "A".repeat(4 * SLIP_BYTES_MAX + 1);
    assert_eq!(Slip::from_text(&endless), Err(SlipError::Unreadable));
}
