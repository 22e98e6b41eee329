//! Goal: the limits of what two nodes say to each other hold where it comes in, to the last item,
//! and frames and bundles hold the largest piece that there may be.
//! Method: for each limit a message that just fits and one with a single item more; then the
//! largest pieces through frames and a bundle.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod samples;

use std::collections::{BTreeMap, BTreeSet};

use samples::*;
use spean_protocol::bundle::{BundleError, LENGTH_BYTES, Manifest, Reader, START_BYTES, Writer};
use spean_protocol::codec::{self, DecodeError};
use spean_protocol::control::Entry;
use spean_protocol::frontier::{Beyond, Frontier, HeadMark, RunTag, SiteFrontier};
use spean_protocol::id::{Label, SiteId};
use spean_protocol::limits::*;
use spean_protocol::log::{ForkProof, Head};
use spean_protocol::receipt::{Receipt, Statement};
use spean_protocol::seal::TAG_BYTES;
use spean_protocol::segment::{Log, Segment};
use spean_protocol::session::{Frame, Summary};

fn mark(control: u32) -> HeadMark {
    HeadMark {
        run: RunTag([1; 8]),
        data: RUN_SEGMENTS_MAX,
        control,
        tips: [9; 4],
    }
}

#[test]
fn receipts() {
    let sign = |complete| {
        let statement = Statement {
            roster: 1,
            site: SITE,
            number: 1,
            complete,
        };
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
        let ranges = (0..1_000)
            .map(|place| (place * 3 + 1, place * 3 + 2))
            .take(ranges)
            .collect();
        let beyond = vec![
            Beyond {
                run: RunTag([2; 8]),
                control: 1,
                ranges
            };
            beyond
        ];
        let site = SiteFrontier {
            heads: vec![mark(2); heads],
            beyond,
        };
        Summary {
            frontier: Frontier(BTreeMap::from([(SITE, site)])),
            ..empty()
        }
    };
    at_most("heads", HEADS_MAX, |count| read(of_site(count, 0, 0)));
    at_most("runs beyond", BEYOND_RUNS_MAX, |count| {
        read(of_site(0, count, 1))
    });
    at_most("ranges beyond", BEYOND_RANGES_MAX, |count| {
        read(of_site(0, 1, count))
    });
    at_most("sites", SITES_MAX, |count| {
        let frontier = sites(count)
            .map(|site| (site, SiteFrontier::default()))
            .collect();
        read(Summary {
            frontier: Frontier(frontier),
            ..empty()
        })
    });
    at_most("lineage", LINEAGE_MAX, |count| {
        read(Summary {
            lineage: BTreeMap::from([(SITE, vec![mark(2); count])]),
            ..empty()
        })
    });
    at_most("lineages", SITES_MAX, |count| {
        read(Summary {
            lineage: sites(count).map(|site| (site, Vec::new())).collect(),
            ..empty()
        })
    });
    at_most("receipts", SITES_MAX, |count| {
        let receipts = sites(count).map(|site| (site, receipt().rank(1))).collect();
        read(Summary {
            receipts,
            ..empty()
        })
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
        assert!(
            frame.encode().len() <= FRAME_BYTES_MAX,
            "{}",
            frame.encode().len()
        );
    }
    let opening = Entry::Opening(vec![head(1); PARENTS_MAX]);
    let parcels = vec![(Label([0; 16]), opening.encode())];
    assert!(Segment::sign(header(Log::Control, 0), parcels, &node_key()).is_ok());
    let heads: BTreeMap<SiteId, Vec<Head>> =
        sites(SITES_MAX).map(|site| (site, vec![head(1)])).collect();
    let receipt = Receipt::sign(
        &Statement::of((SITE, u64::MAX, u32::MAX), &heads),
        &node_key(),
    );
    assert!(
        receipt.encode().len() <= RECEIPT_BYTES_MAX,
        "a head of each site"
    );

    // And through a bundle, one after the other.
    let (mut writer, mut file) = Writer::start(&CARRIER, [1; 16], &manifest(0, ""));
    frames
        .iter()
        .for_each(|frame| file.extend(writer.add(frame)));
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
    Manifest {
        source: SITE,
        destinations,
        stamp: 1,
        carrier: carrier.to_owned(),
    }
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
    at_most("destinations", SITES_MAX, |count| {
        read(&manifest(count, "van 2"))
    });
    at_most("who carries it", 64, |count| {
        read(&manifest(1, &"v".repeat(count)))
    });
    let (_, file) = Writer::start(&CARRIER, [1; 16], &manifest(1, ""));
    let reader = Reader::start(&CARRIER, &file[..START_BYTES]).unwrap();
    let length = |length: usize| reader.length(u32::try_from(length).unwrap().to_le_bytes());
    let longest = FRAME_BYTES_MAX + 8 + TAG_BYTES;
    assert_eq!(length(longest), Ok((longest, false)));
    for impossible in [0, TAG_BYTES - 1, longest + 1] {
        assert_eq!(length(impossible), Err(BundleError::Damaged(0)));
    }
}
