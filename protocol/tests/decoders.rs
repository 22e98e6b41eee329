//! Goal: no bytes of a peer, a stick or a person make a decoder panic, hang, or build much more
//! than they are; and what a decoder takes, it means: written again, it reads the same.
//! Method: thousands of changed copies of two or more good pieces of each format (cut, flipped,
//! inserted, spliced with another, lengths blown up), from a fixed seed, and plain noise. What is
//! sealed is also changed inside, as its author could. A table names every decoder, with the file
//! that it stands in, and what it was given is counted against it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "samples/changes.rs"]
mod changes;
mod samples;

use changes::{Given, withstands};
use samples::*;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;
use spean_protocol::bundle::{LENGTH_BYTES, MAGIC, Reader, START_BYTES};
use spean_protocol::catalogue::{ModuleId, ProgrammeId, Scope};
use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::event::{CsvRow, Event, Month};
use spean_protocol::frontier::Frontier;
use spean_protocol::id::SiteId;
use spean_protocol::letter::Letter;
use spean_protocol::log::ForkProof;
use spean_protocol::parcel;
use spean_protocol::receipt::{self, Receipt};
use spean_protocol::record::{Batch, Chain};
use spean_protocol::roster::SignedRoster;
use spean_protocol::seal::{self, derive, seal_once};
use spean_protocol::segment::{Header, Segment};
use spean_protocol::session::{Frame, Summary};
use spean_protocol::slip::Slip;
use spean_protocol::stay::{GrantContent, Keyring, Register};
use spean_protocol::totals::Statement;

/// Every decoder of what comes from outside, and the file of `src` that it is in.
const DECODERS: [(&str, &str); 26] = [
    ("event", "event.rs"),
    ("row of a file", "event/csv.rs"),
    ("programme, module", "catalogue.rs"),
    ("batch", "record/batch.rs"),
    ("keyring", "stay.rs"),
    ("register", "stay.rs"),
    ("grant", "stay.rs"),
    ("parcel", "parcel.rs"),
    ("segment", "segment.rs"),
    ("header", "segment.rs"),
    ("entry", "control.rs"),
    ("letter", "letter.rs"),
    ("statement", "totals/statement.rs"),
    ("fork proof", "log.rs"),
    ("frontier", "frontier.rs"),
    ("summary", "session.rs"),
    ("frame", "session.rs"),
    ("receipt", "receipt.rs"),
    ("statement of a receipt", "receipt.rs"),
    ("receipts together", "receipt.rs"),
    ("roster", "roster.rs"),
    ("slip", "slip.rs"),
    ("slip, read aloud", "slip.rs"),
    ("bundle", "bundle.rs"),
    ("manifest", "bundle.rs"),
    ("chunk", "bundle.rs"),
];

/// Changed inputs that each of them must have been given.
const GIVEN_MIN: u64 = 1_000;

/// What is read as it is written, without a function of its own.
fn again<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(codec::encode(&codec::decode::<T>(bytes).ok()?))
}

#[test]
fn every_decoder_withstands_what_comes() {
    let groups = [
        events(),
        contents(),
        signed_pieces(),
        slips(),
        exchange(),
        bundles(),
    ];
    let mut given: BTreeMap<&str, Given> = BTreeMap::new();
    for one in groups.into_iter().flatten() {
        assert!(given.insert(one.name, one).is_none(), "a name twice");
    }
    for (name, _) in DECODERS {
        let Given { changed, taken, .. } = given.remove(name).unwrap_or_else(|| panic!("{name}"));
        println!("{name:24} {changed:6} changed inputs, {taken:6} of them taken");
        assert!(changed >= GIVEN_MIN, "{name}: {changed} changed inputs");
        // Else nothing was written again. Of a bundle nothing but the whole file is one.
        assert!(taken > 0 || name == "bundle", "{name}: all refused");
    }
    assert!(given.is_empty(), "not in the table: {:?}", given.keys());
}

/// A file of the core that reads bytes is in the table.
#[test]
#[allow(clippy::disallowed_methods)]
fn the_table_names_every_decoder() {
    let listed: BTreeSet<&str> = DECODERS.iter().map(|(_, file)| *file).collect();
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![source.clone()];
    let mut reading = BTreeSet::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            if path.extension().is_none_or(|end| end != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            if text.contains("fn decode(bytes: &[u8])") {
                let name = path.strip_prefix(&source).unwrap();
                reading.insert(name.to_string_lossy().into_owned());
            }
        }
    }
    assert!(reading.len() >= 8, "{reading:?}");
    for file in &reading {
        assert!(listed.contains(file.as_str()), "{file} reads bytes");
    }
    for file in listed {
        assert!(source.join(file).is_file(), "{file} is no more");
    }
}

/// A row of a file of events as an event, if it is one; columns are parted by commas.
fn event_of_row(bytes: &[u8]) -> Option<Event> {
    let fields: Vec<&str> = std::str::from_utf8(bytes).ok()?.split(',').collect();
    let [kind, programme, module, session, score, max, version, value] = fields[..] else {
        return None;
    };
    let row = CsvRow {
        kind,
        programme,
        module,
        session,
        score,
        max,
        version,
        value,
    };
    row.body(STAY).ok().map(Event::new)
}

fn events() -> Vec<Given> {
    let events: Vec<_> = samples::events().iter().map(Event::encode).collect();
    let event = withstands("event", &events, &|bytes| {
        Some(Event::decode(bytes).ok()?.encode())
    });
    assert!(event.taken > 100);
    let rows = [
        "attended,beep,math-1,3,,,,",
        "post-test,reintegration,micro-business,,17.5,20,2,",
        "exam-result,english,a2,,,,2025-3,passed",
        "expected-release,,,,,,,2026-01..2026-06",
        "who5-end,,,,,,,3 2 4 1 5",
        "departed,,,,,,,transferred",
    ];
    let rows = rows.map(|row| row.as_bytes().to_vec());
    let row = withstands("row of a file", &rows, &|bytes| {
        let event = event_of_row(bytes)?;
        assert_eq!(Event::decode(&event.encode()).as_ref(), Ok(&event));
        Some(bytes.to_vec())
    });
    let (module, programme) = (ModuleId::MICRO_BUSINESS, ProgrammeId::BEEP);
    let scopes = [Scope::Module(module), Scope::Programme(programme)];
    let scopes = scopes.map(|scope| codec::encode(&scope));
    vec![
        event,
        row,
        withstands("programme, module", &scopes, &again::<Scope>),
    ]
}

fn signed_pieces() -> Vec<Given> {
    let segments = [segment(), control_segment()];
    let headers = segments.each_ref().map(|segment| segment.header.encode());
    let segments = segments.map(|segment| segment.encode());
    let segment = withstands("segment", &segments, &|bytes| {
        Some(Segment::decode(bytes).ok()?.encode())
    });
    let header = withstands("header", &headers, &|bytes| {
        Some(Header::decode(bytes).ok()?.encode())
    });
    let stated = receipt::Statement::of((OTHER, 300, 2), &BTreeMap::from([(SITE, vec![head(2)])]));
    let other = Receipt::sign(&stated, &node_key());
    let receipts = [receipt().encode(), other.encode()];
    let receipt = withstands("receipt", &receipts, &|bytes| {
        let (receipt, statement) = Receipt::decode(bytes).ok()?;
        let _ = receipt.verify(
            statement.site,
            [&node_key().verifying_key().to_bytes(), &[7; 32]],
        );
        Some(receipt.encode())
    });
    let statements = [
        codec::encode(&stated),
        codec::encode(&Receipt::decode(&receipts[0]).unwrap().1),
    ];
    let statement = again::<receipt::Statement>;
    let statement = withstands("statement of a receipt", &statements, &statement);
    let together = [
        samples::receipts(),
        receipt::pack(&[samples::receipt()]).remove(0),
    ];
    let together = withstands("receipts together", &together, &|bytes| {
        let all = receipt::unpack(bytes).ok()?;
        // Compressed in another way it says the same.
        let read = all.iter().map(|one| Receipt::decode(one).ok().map(|r| r.0));
        let receipts: Vec<Receipt> = read.collect::<Option<_>>()?;
        let again = receipt::pack(&receipts);
        let back: Vec<_> = again
            .iter()
            .flat_map(|part| receipt::unpack(part).unwrap())
            .collect();
        assert_eq!(back, all);
        Some(bytes.to_vec())
    });
    let mut three = signed_roster();
    three.sign(&root_key(2)).unwrap();
    let rosters = [signed_roster().encode(), three.encode()];
    let roster = withstands("roster", &rosters, &|bytes| {
        let signed = SignedRoster::decode(bytes).ok()?;
        if let Ok(roster) = signed.preview() {
            assert!(roster.check().is_ok());
            let _ = signed.accept(Some(&roster));
        }
        let _ = (signed.accept(None), signed.accept(Some(&roster())));
        Some(signed.encode())
    });
    let forks = [
        fork(),
        ForkProof::of(&samples::segment(), &control_segment()),
    ];
    let forks = forks.map(|fork| codec::encode(&fork));
    let fork = withstands("fork proof", &forks, &|bytes| {
        let proof: ForkProof = codec::decode(bytes).ok()?;
        let key = node_key().verifying_key().to_bytes();
        let _ = (proof.run(), proof.verify(|_| vec![&key]));
        Some(codec::encode(&proof))
    });
    vec![segment, header, receipt, statement, together, roster, fork]
}

/// A changed signed piece never passes for the original.
#[test]
fn no_change_of_a_signed_piece_is_accepted() {
    let key = node_key().verifying_key().to_bytes();
    let good = segment();
    let bytes = good.encode();
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 0x10;
        let accepted = Segment::decode(&bad).is_ok_and(|segment| segment.verify([&key]).is_ok());
        assert!(!accepted, "byte {at}");
    }
}

fn slips() -> Vec<Given> {
    let other = Slip::issue(
        [7; 16],
        (SITE, OTHER),
        &grant(),
        &seal::box_key(&SEED),
        &node_key(),
        [5; 32],
    );
    let slips = [slip(), other.unwrap()].map(|slip| slip.to_text());
    let texts = slips.clone().map(String::into_bytes);
    let slip = withstands("slip", &texts, &|bytes| {
        let slip = Slip::from_text(std::str::from_utf8(bytes).ok()?).ok()?;
        let _ = (slip.verify([&[1; 32]]), slip.open(SITE, [&SEED]));
        Some(slip.to_text().into_bytes())
    });
    // As somebody types or reads it: other letters' case, gaps, dashes. What it says is the same.
    let aloud = slips.map(|slip| {
        let groups: Vec<String> = slip
            .to_lowercase()
            .as_bytes()
            .chunks(5)
            .map(|group| String::from_utf8_lossy(group).into_owned())
            .collect();
        groups.join(" -\n").into_bytes()
    });
    let aloud = withstands("slip, read aloud", &aloud, &|bytes| {
        let slip = Slip::from_text(std::str::from_utf8(bytes).ok()?).ok()?;
        assert_eq!(Slip::from_text(&slip.to_text()).as_ref(), Ok(&slip));
        Some(bytes.to_vec())
    });
    vec![slip, aloud]
}

#[test]
fn half_a_slip_is_none() {
    let spaced: String = slip()
        .to_text()
        .to_lowercase()
        .chars()
        .flat_map(|letter| [letter, '-', '\n'])
        .collect();
    assert_eq!(Slip::from_text(&spaced[..spaced.len() / 2]).ok(), None);
    assert!(Slip::from_text(&spaced.replace("-\n", "- ")).is_ok());
}

fn contents() -> Vec<Given> {
    let keyrings = [keyring().encode(), Keyring(vec![held_key()]).encode()];
    let keyring = withstands("keyring", &keyrings, &|b| {
        Some(Keyring::decode(b).ok()?.encode())
    });
    let registers = [
        register().encode(),
        Register(vec![(LEARNER, STAY)]).encode(),
    ];
    let register = withstands("register", &registers, &|b| {
        Some(Register::decode(b).ok()?.encode())
    });
    let without = GrantContent {
        upto: None,
        ..grant()
    };
    let grant = withstands("grant", &[grant().encode(), without.encode()], &|b| {
        Some(GrantContent::decode(b).ok()?.encode())
    });
    let entries: Vec<_> = entries().iter().map(Entry::encode).collect();
    let entry = withstands(
        "entry",
        &entries,
        &|bytes| match Entry::decode(bytes).ok()? {
            // What is not understood is carried as it came, not written anew.
            Entry::Newer(_) => None,
            entry => Some(entry.encode()),
        },
    );
    let letters: Vec<_> = letters().iter().map(Letter::encode).collect();
    let letter = withstands(
        "letter",
        &letters,
        &|bytes| match Letter::decode(bytes).ok()? {
            Letter::Newer(_) => None,
            letter => Some(letter.encode()),
        },
    );
    let batches = [batch().encode(), small_batch().encode()];
    let batch = withstands("batch", &batches, &|bytes| {
        let batch = Batch::decode(bytes).ok()?;
        let _ = Chain::default().advance(label(), &batch, 3);
        Some(batch.encode())
    });
    assert!(batch.taken > 100);
    let stated = |site, pairs| Statement {
        site,
        month: Month(671),
        pairs,
        sum_delta_items: [300, -2, 4, 0, -70_000],
        sum_delta_total: -69_698,
    };
    let statements = [
        vec![stated(SITE, 12), stated(OTHER, 1)],
        vec![stated(SITE, 3)],
    ];
    let statements = statements.map(|one| codec::encode(&one));
    let statement = withstands("statement", &statements, &again::<Vec<Statement>>);
    vec![
        keyring,
        register,
        grant,
        entry,
        letter,
        batch,
        statement,
        insides_of_parcels(),
    ]
}

fn exchange() -> Vec<Given> {
    let frames: Vec<_> = frames().iter().map(Frame::encode).collect();
    let frame = withstands("frame", &frames, &|bytes| {
        Some(Frame::decode(bytes).ok()?.encode())
    });
    let none = Summary::default();
    let summaries = [codec::encode(&summary()), codec::encode(&none)];
    let summary_given = withstands("summary", &summaries, &again::<Summary>);
    let mut frontier = summary().frontier;
    let frontiers = [frontier.clone(), {
        frontier.0.insert(SiteId(300), frontier.0[&SITE].clone());
        frontier
    }];
    let frontiers = frontiers.map(|frontier| codec::encode(&frontier));
    let frontier = withstands("frontier", &frontiers, &again::<Frontier>);
    vec![frame, summary_given, frontier]
}

/// Reads a bundle as a node does; `None` unless it is whole.
fn read_bundle(file: &[u8]) -> Option<Vec<Frame>> {
    let (start, mut rest) = file.split_at_checked(START_BYTES)?;
    let mut reader = Reader::start(&CARRIER, start).ok()?;
    let (mut first, mut frames) = (true, Vec::new());
    while !reader.ended() {
        let (length, after) = rest.split_at_checked(LENGTH_BYTES)?;
        let (length, last) = reader.length(length.try_into().ok()?).ok()?;
        let (sealed, after) = after.split_at_checked(length)?;
        if std::mem::take(&mut first) {
            reader.manifest(sealed, last).ok()?;
        } else {
            frames.extend(reader.frames(sealed, last).ok()?);
        }
        rest = after;
    }
    rest.is_empty().then_some(frames)
}

fn bundles() -> Vec<Given> {
    let whole = read_bundle(&bundle()).unwrap();
    // Any change at all is noticed: nothing but the whole file is the whole file.
    let file = withstands("bundle", &[bundle()], &|bytes| {
        let frames = read_bundle(bytes)?;
        assert_eq!(frames, whole);
        Some(bytes.to_vec())
    });
    // Whoever has the carrier key can seal what he likes.
    let id = [0xB5_u8; 16];
    let bundle_key = derive("spean 2026 bundle v1", &[&CARRIER.0, &id]);
    let sealed = |number: u64, last: bool, content: &[u8]| {
        let parts: [&[u8]; 3] = [&bundle_key, &number.to_le_bytes(), &[u8::from(last)]];
        seal_once(&derive("spean 2026 bundle chunk v1", &parts), &[], content).unwrap()
    };
    let start = [MAGIC.as_slice(), &id].concat();
    let manifest = codec::encode(&(SITE, vec![OTHER], 1_790_000_000_u64, "van 2"));
    let anyone = codec::encode(&(OTHER, Vec::<SiteId>::new(), 0_u64, ""));
    let manifests = [manifest.clone(), anyone];
    let manifests = withstands("manifest", &manifests, &|bytes| {
        let mut reader = Reader::start(&CARRIER, &start).unwrap();
        Some(codec::encode(
            &reader.manifest(&sealed(0, false, bytes), false).ok()?,
        ))
    });
    let write = |frames: &[Frame]| -> Vec<u8> {
        frames
            .iter()
            .flat_map(|frame| codec::encode(&frame.encode()))
            .collect()
    };
    let chunks = [write(&frames()[3..7]), write(&frames()[5..7])];
    let chunk = withstands("chunk", &chunks, &|bytes| {
        let mut reader = Reader::start(&CARRIER, &start).unwrap();
        reader
            .manifest(&sealed(0, false, &manifest), false)
            .unwrap();
        Some(write(&reader.frames(&sealed(1, true, bytes), true).ok()?))
    });
    vec![file, manifests, chunk]
}

/// Whoever has a stay key can seal what he likes under it.
fn insides_of_parcels() -> Given {
    let place_bytes = [&place().run.0[..], &place().height.to_le_bytes(), &[0, 0]].concat();
    let key = derive("spean 2026 parcel key v1", &[&stay_key().0.0, &place_bytes]);
    let aad = [&place_bytes[..], &label().0].concat();
    let content = small_batch().encode();
    let large = [content.clone(), vec![7; 900]].concat();
    let compressed = seal::compress(&large).unwrap();
    let plain = |kind: u8, body: &[u8]| [&[kind][..], &codec::encode(&body.len()), body].concat();
    let samples = [plain(1, &content), plain(0x81, &compressed)];
    let given = withstands("parcel", &samples, &|bytes| {
        let sealed = seal_once(&key, &aad, bytes).unwrap();
        let (_, content) = parcel::open(&stay_key().0, place(), label(), &sealed).ok()?;
        assert!(content.len() <= spean_protocol::limits::PARCEL_CONTENT_BYTES_MAX);
        let _ = Batch::decode(&content);
        Some(bytes.to_vec())
    });
    assert!(given.taken > 100);
    given
}

#[test]
fn no_change_of_a_sealed_parcel_opens() {
    let sealed = sealed_parcel();
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 1;
        assert!(parcel::open(&stay_key().0, place(), label(), &bad).is_err());
    }
}
