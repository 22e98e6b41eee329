//! Goal: what was written once is read for ever, and written the same way for ever.
//! Method: the files in `tests/vectors/`, hexadecimal and frozen. Each is decoded, encoded again
//! and compared, and compared with the same piece made anew from fixed keys. A file that is missing
//! fails; `SPEAN_WRITE_VECTORS=1 cargo test -p spean-protocol --test vectors` writes the missing
//! ones and never replaces any. A format changes only with a new version beside the old one. The
//! vocabulary of events has its own files, see `vocabulary.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod samples;

use data_encoding::HEXLOWER;
use samples::*;
use spean_protocol::backup::{Code, Opens};
use spean_protocol::bundle::{LENGTH_BYTES, Reader, START_BYTES, Writer};
use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::erasure::AllRemains;
use spean_protocol::escrow::{Deposit, Escrow};
use spean_protocol::event::Event;
use spean_protocol::frontier::HeadMark;
use spean_protocol::given_back::{Asked, open_given};
use spean_protocol::letter::Letter;
use spean_protocol::log::ForkProof;
use spean_protocol::parcel::{self, Kind};
use spean_protocol::receipt::Receipt;
use spean_protocol::record::{Batch, Chain, Record, branch_actor};
use spean_protocol::roster::SignedRoster;
use spean_protocol::seal;
use spean_protocol::segment::{Header, Segment};
use spean_protocol::session::Frame;
use spean_protocol::slip::Slip;
use spean_protocol::stay::{GrantContent, Keyring, Register};

/// A format whose bytes are the same whenever the same is written.
fn unchanged(name: &str, made: &[u8], again: impl Fn(&[u8]) -> Vec<u8>) {
    let held = frozen(name, || made.to_vec());
    assert_eq!(again(&held), held, "{name}: read and written again");
    assert_eq!(made, held, "{name}: written by this program");
}

#[test]
fn what_is_signed_is_read_and_written_unchanged() {
    unchanged("segment", &segment().encode(), |bytes| {
        let segment = Segment::decode(bytes).unwrap();
        segment
            .verify([&node_key().verifying_key().to_bytes()])
            .unwrap();
        segment.encode()
    });
    unchanged("control-segment", &control_segment().encode(), |bytes| {
        let segment = Segment::decode(bytes).unwrap();
        let entries: Vec<_> = segment
            .parcels
            .iter()
            .flatten()
            .map(|body| Entry::decode(body).unwrap())
            .collect();
        assert_eq!(entries, samples::entries());
        segment.encode()
    });
    unchanged("header", &segment().header.encode(), |bytes| {
        let header = Header::decode(bytes).unwrap();
        assert_eq!(header, segment().header);
        header.encode()
    });
    unchanged("segment-hash", &segment().header.hash().0, <[u8]>::to_vec);
    unchanged("receipt", &receipt().encode(), |bytes| {
        let (receipt, statement) = Receipt::decode(bytes).unwrap();
        receipt
            .verify(SITE, [&node_key().verifying_key().to_bytes()])
            .unwrap();
        assert_eq!(receipt.rank(statement.number), samples::receipt().rank(12));
        receipt.encode()
    });
    unchanged("roster", &signed_roster().encode(), |bytes| {
        let signed = SignedRoster::decode(bytes).unwrap();
        assert_eq!(signed.accept(None).unwrap(), roster());
        signed.encode()
    });
    unchanged("roster-2", &signed_roster_2().encode(), |bytes| {
        let signed = SignedRoster::decode(bytes).unwrap();
        assert_eq!(signed.accept(None).unwrap(), roster_2());
        signed.encode()
    });
    unchanged("roster-3", &signed_roster_3().encode(), |bytes| {
        let signed = SignedRoster::decode(bytes).unwrap();
        assert_eq!(signed.accept(None).unwrap(), roster_3());
        signed.encode()
    });
    unchanged("escrow", &escrow().encode(), |bytes| {
        let escrow = Escrow::decode(bytes).unwrap();
        let seeds = [1, 2].map(holder_seed);
        assert_eq!(escrow.open(Deposit::Carrier, &seeds).unwrap(), CARRIER);
        escrow.encode()
    });
    unchanged("fork-proof", &codec::encode(&fork()), |bytes| {
        let proof: ForkProof = codec::decode(bytes).unwrap();
        let key = node_key().verifying_key().to_bytes();
        assert_eq!(proof.verify(|_| vec![&key]).unwrap(), run(1));
        codec::encode(&proof)
    });
}

#[test]
fn what_is_sealed_opens_and_is_written_unchanged() {
    unchanged("parcel", &sealed_parcel(), |bytes| {
        let (kind, content) = parcel::open(&stay_key().0, place(), label(), bytes).unwrap();
        assert_eq!(
            (kind, Batch::decode(&content).unwrap()),
            (Kind::Changes, small_batch())
        );
        parcel::seal(&stay_key().0, place(), label(), kind, &content).unwrap()
    });
    unchanged(
        "slip",
        &HEXLOWER.decode(slip_hex().as_bytes()).unwrap(),
        |bytes| {
            let slip = Slip::from_text(&data_encoding::BASE32_NOPAD.encode(bytes)).unwrap();
            assert_eq!(slip.open(SITE, [&SEED]).unwrap(), slip_grant(OTHER));
            data_encoding::BASE32_NOPAD
                .decode(slip.to_text().as_bytes())
                .unwrap()
        },
    );
    unchanged("bundle", &bundle(), |bytes| {
        let (start, mut rest) = bytes.split_at(START_BYTES);
        let mut reader = Reader::start(&CARRIER, start).unwrap();
        let mut chunks = Vec::new();
        while !reader.ended() {
            let (length, after) = rest.split_at(LENGTH_BYTES);
            let (length, last) = reader.length(length.try_into().unwrap()).unwrap();
            let (sealed, after) = after.split_at(length);
            chunks.push((sealed, last));
            rest = after;
            if chunks.len() == 1 {
                let manifest = reader.manifest(sealed, last).unwrap();
                let id = start[8..].try_into().unwrap();
                let (_, again) = Writer::start(&CARRIER, id, &manifest);
                assert_eq!(again, bytes[..bytes.len() - rest.len()]);
            } else {
                assert_eq!(reader.frames(sealed, last).unwrap(), frames()[3..7]);
            }
        }
        assert_eq!((chunks.len(), rest.len()), (2, 0));
        bundle()
    });
    unchanged("restricted-asked", &asked().encode(), |bytes| {
        let asked = Asked::decode(bytes).unwrap();
        assert_eq!(asked.open(&[SEED]), [restricted_custody()]);
        asked.encode()
    });
    unchanged("restricted-given", &given(), |bytes| {
        let keys = open_given(bytes, SITE, &[SEED]).unwrap().unwrap();
        assert_eq!(keys, [restricted_custody()]);
        given()
    });
    unchanged("backup", &backup(), |bytes| {
        assert_eq!(
            decoders::backups::read_backup(bytes).unwrap(),
            b"keys and all"
        );
        backup()
    });
    let papers = [
        backup_sheet().to_paper(Opens::Sheet),
        backup_code().to_paper(Opens::One),
    ];
    let papers = [papers[0].as_bytes(), b"\n", papers[1].as_bytes()].concat();
    unchanged("backup-on-paper", &papers, |bytes| {
        let text = std::str::from_utf8(bytes).unwrap();
        let read = |line: &str| {
            let (opens, code) = Code::from_paper(line).unwrap();
            code.to_paper(opens).as_bytes().to_vec()
        };
        let (first, second) = text.split_once('\n').unwrap();
        [read(first), b"\n".to_vec(), read(second)].concat()
    });
    let dictionary = blake3::hash(include_bytes!("../src/dictionary.bin"));
    unchanged("dictionary-hash", dictionary.as_bytes(), <[u8]>::to_vec);
    // How well zstd compresses may change; what it once made must open for ever.
    let compressed = frozen("compressed-with-dictionary", || {
        seal::compress(&profile()).unwrap()
    });
    assert_eq!(seal::decompress(&compressed).unwrap(), profile());
    assert!(compressed.len() * 3 < profile().len());
}

fn slip_hex() -> String {
    HEXLOWER.encode(
        &data_encoding::BASE32_NOPAD
            .decode(slip().to_text().as_bytes())
            .unwrap(),
    )
}

/// What compresses only with the dictionary: the start of what every learner's first parcel has.
fn profile() -> Vec<u8> {
    let dictionary = include_bytes!("../src/dictionary.bin");
    [&dictionary[dictionary.len() - 400..][..90], &[1, 2, 3]].concat()
}

#[test]
fn what_is_inside_is_read_and_written_unchanged() {
    unchanged("batch", &batch().encode(), |bytes| {
        let batch = Batch::decode(bytes).unwrap();
        assert_eq!(batch, samples::batch());
        batch.encode()
    });
    unchanged("keyring", &keyring().encode(), |bytes| {
        Keyring::decode(bytes).unwrap().encode()
    });
    unchanged("register", &register().encode(), |bytes| {
        Register::decode(bytes).unwrap().encode()
    });
    unchanged("grant", &grant().encode(), |bytes| {
        GrantContent::decode(bytes).unwrap().encode()
    });
    unchanged("control-box-key", &box_key_entry().encode(), |bytes| {
        assert_eq!(Entry::decode(bytes), Ok(box_key_entry()));
        Entry::decode(bytes).unwrap().encode()
    });
    for (number, entry) in officer_entries().into_iter().enumerate() {
        unchanged(
            &format!("control-officer-{number}"),
            &entry.encode(),
            |bytes| {
                assert_eq!(Entry::decode(bytes).as_ref(), Ok(&entry));
                Entry::decode(bytes).unwrap().encode()
            },
        );
    }
    for (number, entry) in erasure_entries().into_iter().enumerate() {
        unchanged(
            &format!("control-erasure-{number}"),
            &entry.encode(),
            |bytes| {
                assert_eq!(Entry::decode(bytes).as_ref(), Ok(&entry));
                Entry::decode(bytes).unwrap().encode()
            },
        );
    }
    unchanged("remains", &remains().encode(), |bytes| {
        AllRemains::decode(bytes).unwrap().encode()
    });
    for (number, letter) in letters().into_iter().enumerate() {
        unchanged(&format!("letter-{number}"), &letter.encode(), |bytes| {
            Letter::decode(bytes).unwrap().encode()
        });
    }
    for (number, event) in events().into_iter().enumerate() {
        unchanged(&format!("event-{number}"), &event.encode(), |bytes| {
            assert_eq!(Event::decode(bytes).as_ref(), Ok(&event));
            Event::decode(bytes).unwrap().encode()
        });
    }
    for (number, frame) in frames().into_iter().enumerate() {
        unchanged(&format!("frame-{number}"), &frame.encode(), |bytes| {
            assert_eq!(Frame::decode(bytes).as_ref(), Ok(&frame));
            Frame::decode(bytes).unwrap().encode()
        });
    }
}

/// The header of an Automerge change does not travel: everybody rebuilds the same one or nobody
/// could add the next.
#[test]
fn a_batch_rebuilds_the_same_change() {
    let mut chain = Chain::default();
    let first = chain.advance(label(), &batch(), 7).unwrap();
    let second = chain
        .advance(
            label(),
            &Batch {
                seq: 2,
                ..small_batch()
            },
            8,
        )
        .unwrap();
    let mut hashes = first.hash().0.to_vec();
    hashes.extend(second.hash().0);
    unchanged("change-hashes", &hashes, <[u8]>::to_vec);

    let mut record = Record::default();
    record.apply(vec![second, first]).unwrap();
    let keys: Vec<_> = record
        .events()
        .into_iter()
        .map(|stored| stored.id.0)
        .collect();
    unchanged("event-keys", keys.join("\n").as_bytes(), <[u8]>::to_vec);
    assert_eq!(record.heads().concat(), hashes[32..]);
    let saved = frozen("document", || record.save());
    assert_eq!(Record::load(&saved).unwrap().heads(), record.heads());
}

/// The keys follow from fixed inputs; a changed context string or order of parts would lose all
/// that was ever sealed.
#[test]
fn derivations_are_unchanged() {
    let custody = custody();
    let (register_key, register_label) = custody.register(run(1));
    let all = [
        custody.id().0.as_slice(),
        &stay_key().0.0,
        &label().0,
        &register_key.0,
        &register_label.0,
        &seal::box_key(&SEED).0,
        &signed_roster().hash().0,
        &HeadMark::tips(&head(1).data_tip, &head(1).control_tip),
        &branch_actor(label(), run(2)).0,
    ]
    .concat();
    unchanged("derivations", &all, <[u8]>::to_vec);
}
