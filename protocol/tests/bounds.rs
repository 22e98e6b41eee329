//! Goal: every maximum of `limits` holds where bytes come in, to the last item, and what a writer
//! may make of the largest pieces fits into what carries them.
//! Method: for each limit a piece that just fits and one with a single item more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod samples;

use std::collections::{BTreeMap, BTreeSet};

use samples::*;
use spean_protocol::bundle::{BundleError, LENGTH_BYTES, Manifest, Reader, START_BYTES, Writer};
use spean_protocol::codec::{self, DecodeError};
use spean_protocol::control::Entry;
use spean_protocol::event::{Body, Event, EventError};
use spean_protocol::frontier::{Beyond, Frontier, HeadMark, RunTag, SiteFrontier};
use spean_protocol::id::{Hash, Label, LearnerId, SiteId, StayId};
use spean_protocol::limits::*;
use spean_protocol::log::{ForkProof, Head};
use spean_protocol::parcel::{self, Kind};
use spean_protocol::receipt::{Receipt, Statement};
use spean_protocol::roster::SignedRoster;
use spean_protocol::seal::{SealError, TAG_BYTES, box_key};
use spean_protocol::segment::{Header, Line, Log, Segment};
use spean_protocol::session::{Frame, Summary};
use spean_protocol::slip::{Slip, SlipError};
use spean_protocol::stay::{GrantContent, Keyring, Register};

/// `read` takes `limit` items and refuses one more, by name.
fn at_most<T>(name: &str, limit: usize, read: impl Fn(usize) -> Result<T, DecodeError>) {
    assert!(read(limit).is_ok(), "{name}: {limit} must fit");
    let found = read(limit + 1).err();
    assert_eq!(found, Some(DecodeError::TooMany { found: limit + 1, limit }), "{name}");
}

fn sites(count: usize) -> impl Iterator<Item = SiteId> {
    (0..u16::try_from(count).unwrap()).map(SiteId)
}

fn mark(control: u32) -> HeadMark {
    HeadMark { run: RunTag([1; 8]), data: RUN_SEGMENTS_MAX, control }
}

/// Sixteen bytes that do not compress.
fn noise(number: usize) -> [u8; 16] {
    let hash = blake3::hash(&number.to_le_bytes());
    hash.as_bytes()[..16].try_into().unwrap()
}

fn line(number: usize, length: usize) -> Line {
    let length = u32::try_from(length).unwrap();
    Line { label: Label(noise(number)), length, hash: Hash([7; 32]) }
}

/// A segment whose parcels are all absent, so that only the lines count.
fn absent(count: usize, length: usize) -> Segment {
    let lines = (0..count).map(|number| line(number, length)).collect();
    let header = Header { lines, ..header(Log::Data, 7) };
    Segment { header, signature: [0; 64], parcels: vec![None; count] }
}

#[test]
fn segments() {
    at_most("parcels of a segment", SEGMENT_PARCELS_MAX, |count| {
        Segment::decode(&absent(count, 1).encode())
    });
    at_most("parcels of a header", SEGMENT_PARCELS_MAX, |count| {
        Header::decode(&absent(count, 1).header.encode())
    });
    at_most("a parcel", PARCEL_BYTES_MAX, |bytes| Segment::decode(&absent(1, bytes).encode()));
    at_most("a parcel that is signed", PARCEL_BYTES_MAX, |bytes| {
        let parcels = vec![(label(), vec![0; bytes])];
        Segment::sign(header(Log::Data, 0), parcels, &node_key())
    });
    let with_body = |bytes| {
        let rest = Segment::sign(header(Log::Data, 0), vec![(label(), vec![0; 40_000])], &node_key())
            .unwrap()
            .encode()
            .len();
        let parcels = vec![(label(), vec![0; 40_000]), (label(), vec![0; bytes - rest - 19])];
        Segment::sign(header(Log::Data, 0), parcels, &node_key())
    };
    at_most("a segment", SEGMENT_BYTES_MAX, with_body);
    assert_eq!(with_body(SEGMENT_BYTES_MAX).unwrap().encode().len(), SEGMENT_BYTES_MAX);
    at_most("a segment that comes", SEGMENT_BYTES_MAX, |bytes| {
        if bytes > SEGMENT_BYTES_MAX {
            return Segment::decode(&vec![1; bytes]);
        }
        Segment::decode(&with_body(bytes).unwrap().encode())
    });
    let at = |height, control| {
        Header::decode(&Header { control, ..header(Log::Data, height) }.encode())
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
        let content = GrantContent { upto: None, learners: vec![of(1); count] };
        GrantContent::decode(&content.encode())
    });
    at_most("keys of a learner in a grant", KEYRING_MAX, |count| {
        GrantContent::decode(&GrantContent { upto: None, learners: vec![of(count)] }.encode())
    });
    at_most("parents of a run", PARENTS_MAX, |count| {
        Entry::decode(&Entry::Opening(vec![head(1); count]).encode())
    });
    // The largest of each fits into a parcel.
    let seal = |kind, content: &[u8]| parcel::seal(&SEED, place(), label(), kind, content);
    assert!(seal(Kind::Register, &register(REGISTER_MAX).encode()).is_ok());
    assert!(seal(Kind::Keyring, &Keyring(vec![held_key(); KEYRING_MAX]).encode()).is_ok());
    assert!(seal(Kind::Changes, &vec![0; PARCEL_CONTENT_BYTES_MAX]).is_ok());
    let too_long = vec![0; PARCEL_CONTENT_BYTES_MAX + 1];
    assert_eq!(seal(Kind::Changes, &too_long), Err(SealError::TooLarge));
    let incompressible: Vec<u8> = (0..PARCEL_BYTES_MAX / 16).flat_map(noise).collect();
    assert_eq!(seal(Kind::Changes, &incompressible), Err(SealError::TooLarge));
    let newer = |count| [codec::encode(&(9_999_u16, 0_u8)), vec![0; count - 3]].concat();
    let event = Event::decode(&newer(EVENT_BYTES_MAX)).unwrap();
    assert_eq!(event.body, Body::Newer { kind: 9_999, flags: 0 });
    let beyond = EVENT_BYTES_MAX + 1;
    assert_eq!(Event::decode(&newer(beyond)), Err(EventError::TooLong(beyond)));
}

#[test]
fn receipts() {
    let sign = |complete| {
        let statement = Statement { site: SITE, number: 1, complete, tips: [0; 16] };
        Receipt::decode(&Receipt::sign(&statement, &node_key()).encode())
    };
    at_most("sites of a receipt", SITES_MAX, |count| {
        sign(sites(count).map(|site| (site, vec![mark(2)])).collect())
    });
    at_most("heads of a site", HEADS_MAX, |count| {
        sign(BTreeMap::from([(SITE, vec![mark(2); count])]))
    });
    let beyond = sign(BTreeMap::from([(SITE, vec![mark(RUN_SEGMENTS_MAX + 1)])]));
    assert_eq!(beyond.err(), Some(DecodeError::Malformed));
    let long = Receipt::decode(&vec![0; RECEIPT_BYTES_MAX + 1]).err();
    let (found, limit) = (RECEIPT_BYTES_MAX + 1, RECEIPT_BYTES_MAX);
    assert_eq!(long, Some(DecodeError::TooMany { found, limit }));
}

#[test]
fn summaries() {
    let read = |summary: Summary| Frame::decode(&Frame::Summary(summary).encode());
    let empty = Summary::default;
    let of_site = |heads: usize, beyond: usize, ranges: usize| {
        let ranges = (0..10).map(|place| (place * 3 + 1, place * 3 + 2)).take(ranges).collect();
        let beyond = vec![Beyond { run: RunTag([2; 8]), control: 1, ranges }; beyond];
        let site = SiteFrontier { heads: vec![mark(2); heads], beyond };
        Summary { frontier: Frontier(BTreeMap::from([(SITE, site)])), ..empty() }
    };
    at_most("heads", HEADS_MAX, |count| read(of_site(count, 0, 0)));
    at_most("runs beyond", BEYOND_RUNS_MAX, |count| read(of_site(0, count, 1)));
    at_most("ranges beyond", BEYOND_RANGES_MAX, |count| read(of_site(0, 1, count)));
    at_most("sites", SITES_MAX, |count| {
        let frontier = sites(count).map(|site| (site, SiteFrontier::default())).collect();
        read(Summary { frontier: Frontier(frontier), ..empty() })
    });
    at_most("lineage", LINEAGE_MAX, |count| {
        read(Summary { lineage: BTreeMap::from([(SITE, vec![mark(2); count])]), ..empty() })
    });
    at_most("lineages", SITES_MAX, |count| {
        read(Summary { lineage: sites(count).map(|site| (site, Vec::new())).collect(), ..empty() })
    });
    at_most("receipts", SITES_MAX, |count| {
        let receipts = sites(count).map(|site| (site, receipt().rank(1))).collect();
        read(Summary { receipts, ..empty() })
    });
    at_most("forks", SITES_MAX * HEADS_MAX, |count| {
        let tag = |number: usize| RunTag(noise(number)[..8].try_into().unwrap());
        let forks: BTreeSet<_> = (0..count).map(tag).collect();
        read(Summary { forks, ..empty() })
    });
    for range in [(3, 3), (4, 3), (1, RUN_SEGMENTS_MAX + 1)] {
        let mut summary = of_site(0, 1, 0);
        summary.frontier.0.get_mut(&SITE).unwrap().beyond[0].ranges = vec![range];
        assert_eq!(read(summary), Err(DecodeError::Malformed), "{range:?}");
    }
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
                spean_protocol::roster::Site { id, code, keys, ..site.clone() }
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
        roster.roots = (0..count).map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes()).collect();
        roster.check().map_err(|error| match error {
            spean_protocol::roster::RosterError::Decode(error) => error,
            other => panic!("{other}"),
        })
    };
    at_most("roots", KEYS_MAX, keys);

    let issue = |keys| {
        let content = GrantContent { learners: vec![(LEARNER, vec![held_key(); keys])], ..grant() };
        Slip::issue(GRANT, (OTHER, SITE), &content, &box_key(&SEED), &node_key(), [6; 32])
    };
    let text = issue(SLIP_KEYS_MAX).unwrap().to_text();
    assert!(Slip::from_text(&text).is_ok(), "the largest slip is read");
    assert_eq!(issue(SLIP_KEYS_MAX + 1), Err(SlipError::TooMany));
    let endless = "A".repeat(4 * SLIP_BYTES_MAX + 1);
    assert_eq!(Slip::from_text(&endless), Err(SlipError::Unreadable));
}

/// What is exchanged goes through frames, and each must hold the largest of its kind.
#[test]
fn the_largest_pieces_fit_into_a_frame() {
    let lines = |count| absent(count, PARCEL_BYTES_MAX);
    let proof = ForkProof::of(&lines(SEGMENT_PARCELS_MAX), &lines(SEGMENT_PARCELS_MAX));
    let frames = [
        Frame::Segment(vec![0; SEGMENT_BYTES_MAX]),
        Frame::Roster(vec![0; ROSTER_BYTES_MAX]),
        Frame::Receipt(vec![0; RECEIPT_BYTES_MAX]),
        Frame::Fork(codec::encode(&proof)),
    ];
    for frame in &frames {
        assert!(frame.encode().len() <= FRAME_BYTES_MAX, "{}", frame.encode().len());
    }
    let opening = Entry::Opening(vec![head(1); PARENTS_MAX]);
    let parcels = vec![(Label([0; 16]), opening.encode())];
    assert!(Segment::sign(header(Log::Control, 0), parcels, &node_key()).is_ok());
    let heads: BTreeMap<SiteId, Vec<Head>> =
        sites(SITES_MAX).map(|site| (site, vec![head(1)])).collect();
    let receipt = Receipt::sign(&Statement::of(SITE, u64::MAX, &heads), &node_key());
    assert!(receipt.encode().len() <= RECEIPT_BYTES_MAX, "a head of each site");

    // And through a bundle, one after the other.
    let (mut writer, mut file) = Writer::start(&CARRIER, [1; 16], &manifest(0, ""));
    frames.iter().for_each(|frame| file.extend(writer.add(frame)));
    file.extend(writer.finish());
    let (start, mut rest) = file.split_at(START_BYTES);
    let mut reader = Reader::start(&CARRIER, start).unwrap();
    let mut read = Vec::new();
    for number in 0.. {
        let (length, after) = rest.split_at(LENGTH_BYTES);
        let (length, last) = reader.length(length.try_into().unwrap()).unwrap();
        let (sealed, after) = after.split_at(length);
        match number {
            0 => drop(reader.manifest(sealed, last).unwrap()),
            _ => read.extend(reader.frames(sealed, last).unwrap()),
        }
        rest = after;
        if reader.ended() {
            break;
        }
    }
    assert_eq!((read.as_slice(), rest.len()), (frames.as_slice(), 0));
}

fn manifest(destinations: usize, carrier: &str) -> Manifest {
    let destinations = sites(destinations).collect();
    Manifest { source: SITE, destinations, stamp: 1, carrier: carrier.to_owned() }
}

#[test]
fn bundles() {
    let read = |manifest: &Manifest| {
        let (_, file) = Writer::start(&CARRIER, [1; 16], manifest);
        let mut reader = Reader::start(&CARRIER, &file[..START_BYTES]).unwrap();
        match reader.manifest(&file[START_BYTES + LENGTH_BYTES..], false) {
            Ok(manifest) => Ok(manifest),
            Err(BundleError::Decode(0, error)) => Err(error),
            Err(other) => panic!("{other}"),
        }
    };
    at_most("destinations", SITES_MAX, |count| read(&manifest(count, "van 2")));
    at_most("who carries it", 64, |count| read(&manifest(1, &"v".repeat(count))));
    let (_, file) = Writer::start(&CARRIER, [1; 16], &manifest(1, ""));
    let reader = Reader::start(&CARRIER, &file[..START_BYTES]).unwrap();
    let length = |length: usize| reader.length(u32::try_from(length).unwrap().to_le_bytes());
    let longest = FRAME_BYTES_MAX + 8 + TAG_BYTES;
    assert_eq!(length(longest), Ok((longest, false)));
    for impossible in [0, TAG_BYTES - 1, longest + 1] {
        assert_eq!(length(impossible), Err(BundleError::Damaged(0)));
    }
}
