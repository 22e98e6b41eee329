//! One small piece of every format, made from fixed keys: the frozen vectors are these bytes, and
//! the decoders' tests start from them. And the frozen files themselves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]
// Tests may read files; the core may not.
#![allow(clippy::disallowed_methods)]

pub mod changes;
pub mod decoders;

use std::collections::BTreeMap;
use std::path::PathBuf;

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use spean_protocol::backup::{self, Chunks, Code};
use spean_protocol::bundle::{Manifest, Writer};
use spean_protocol::catalogue::{ModuleId, ProgrammeId};
use spean_protocol::codec::{self, DecodeError};
use spean_protocol::control::{Entry, Recipient, Wrap};
use spean_protocol::erasure::{AllRemains, Erasure};
use spean_protocol::escrow::{Deposit, Escrow, Holder};
use spean_protocol::event::{
    Body, Date, Event, EventId, LinkReason, Month, NamePart, Purpose, Script, Sex,
};
use spean_protocol::frontier::{Beyond, Frontier, HeadMark, RunTag, SiteFrontier};
use spean_protocol::given_back::{Asked, seal_given};
use spean_protocol::id::{Hash, Label, LearnerId, QuestionId, RunId, SiteId, StayId, Stream};
use spean_protocol::letter::{About, Announced, Answer, Arrived, Letter, Question, Verdict};
use spean_protocol::log::{ForkProof, Head};
use spean_protocol::officer::{Office, Officer, Signature, Subject};
use spean_protocol::opening::Opening;
use spean_protocol::parcel::{self, Kind, Place};
use spean_protocol::receipt::{Receipt, Statement, pack};
use spean_protocol::record::{Batch, Draft, imported_id};
use spean_protocol::roster::{Revocation, Role, Roster, SignedRoster, Site, wrap_carrier};
use spean_protocol::seal::{BoxKey, Secret, box_key, box_seal};
use spean_protocol::segment::{Header, Line, Log, Segment};
use spean_protocol::session::{Frame, Summary, VERSION};
use spean_protocol::slip::Slip;
use spean_protocol::stay::{CustodyKey, GrantContent, HeldKey, Keyring, Register, StayKey};
use spean_protocol::totals::{Contribution, Indicator, LearnerFacts};
use spean_protocol::view::Name;

pub const SITE: SiteId = SiteId(4);
pub const OTHER: SiteId = SiteId(9);
pub const LEARNER: LearnerId = LearnerId([0x1E; 16]);
pub const STAY: StayId = StayId([0x57; 16]);
pub const CARRIER: Secret = Secret([0xCA; 32]);
pub const SEED: Secret = Secret([0xB0; 32]);
pub const GRANT: [u8; 16] = [0x6A; 16];

pub fn run(number: u8) -> RunId {
    RunId::of(SITE, [number; 16])
}

pub fn node_key() -> SigningKey {
    SigningKey::from_bytes(&[0x4E; 32])
}

pub fn root_key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

pub fn custody() -> CustodyKey {
    let secret = Secret([0xC5; 32]);
    CustodyKey {
        site: SITE,
        cohort: 3,
        stream: Stream::Education,
        secret,
    }
}

/// The same of the restricted stream, with what a prison asks for and is given.
pub fn restricted_custody() -> CustodyKey {
    CustodyKey {
        stream: Stream::Restricted,
        ..custody()
    }
}

pub fn asked() -> Asked {
    let key = restricted_custody();
    let wrap = Wrap::seal(&key, Recipient::Escrow, &box_key(&SEED), [4; 32]).unwrap();
    Asked {
        site: SITE,
        wraps: vec![wrap],
    }
}

pub fn given() -> Vec<u8> {
    seal_given(&[restricted_custody()], SITE, &box_key(&SEED), [5; 32]).unwrap()
}

pub fn stay_key() -> StayKey {
    custody().stay_key(STAY)
}

pub fn label() -> Label {
    stay_key().label(LEARNER, Stream::Education, run(1))
}

pub fn place() -> Place {
    Place {
        run: run(1),
        height: 7,
        index: 0,
    }
}

pub fn events() -> Vec<Event> {
    let module = ModuleId {
        programme: ProgrammeId::BEEP,
        number: 2,
    };
    let day = Date::from_civil(2025, 3, 31).unwrap();
    let on = |body| Event::new(body).on(day).by(3);
    vec![
        on(Body::Attended {
            module,
            session: 12,
        }),
        on(Body::SessionDone {
            module,
            session: 12,
        }),
        on(Body::LoanOut { item: 70_000 }).superseding(vec![EventId("some.1".to_owned())]),
    ]
}

pub fn batch() -> Batch {
    let ids = [
        None,
        Some(imported_id(&[5; 32], "register", "E1")),
        Some(EventId("x.1".to_owned())),
    ];
    let drafts = events().into_iter().zip(ids);
    let events = drafts
        .map(|(event, id)| Draft {
            id,
            bytes: event.encode(),
        })
        .collect();
    Batch { seq: 1, events }
}

pub fn small_batch() -> Batch {
    let events = events().into_iter().take(2);
    let events = events
        .map(|event| Draft {
            id: None,
            bytes: event.encode(),
        })
        .collect();
    Batch { seq: 1, events }
}

/// Too small for compression to help, so that it does not depend on how well that works.
pub fn sealed_parcel() -> Vec<u8> {
    let content = small_batch().encode();
    parcel::seal(&stay_key().0, place(), label(), Kind::Changes, &content).unwrap()
}

pub fn header(log: Log, height: u32) -> Header {
    Header {
        log,
        site: SITE,
        run: run(1),
        height,
        previous: Hash([0x99; 32]),
        control: 2,
        cohort: 3,
        stamp: 1_790_000_000,
        lines: Vec::new(),
    }
}

/// A data segment with two parcels, of which the second is absent.
pub fn segment() -> Segment {
    let parcels = vec![
        (label(), sealed_parcel()),
        (Label([0x22; 16]), vec![0x33; 48]),
    ];
    let mut segment = Segment::sign(header(Log::Data, 7), parcels, &node_key()).unwrap();
    segment.parcels[1] = None;
    segment
}

pub fn head(number: u8) -> Head {
    let (data_tip, control_tip) = (Hash([number; 32]), Hash([number + 1; 32]));
    Head {
        run: run(number),
        data: 300,
        control: 2,
        data_tip,
        control_tip,
    }
}

pub fn entries() -> Vec<Entry> {
    let key = custody();
    let sealed = box_seal(&box_key(&SEED), b"vector", &key.secret.0, [7; 32]).unwrap();
    let (recipient, custody, cohort) = (Recipient::Headquarters, key.id(), key.cohort);
    let stream = key.stream;
    vec![
        Entry::Opening(vec![head(1), head(3)]),
        Entry::Wrap(Wrap {
            custody,
            cohort,
            stream,
            recipient,
            sealed: sealed.clone(),
        }),
        Entry::Grant {
            id: GRANT,
            sealed: sealed.clone(),
        },
        Entry::Statement {
            sealed: sealed.clone(),
        },
        Entry::Letter { sealed },
    ]
}

/// A key to come; the frozen segment of entries is older than it.
pub fn box_key_entry() -> Entry {
    Entry::BoxKey {
        cohort: 4,
        key: box_key(&SEED),
    }
}

/// An officer and what he signs; the frozen segment of entries is older than they are.
pub fn officer_entries() -> Vec<Entry> {
    let key = SigningKey::from_bytes(&[9; 32]);
    let id = EventId("event".to_owned());
    let subject = Subject::of_event(LEARNER, &id, b"what he signs");
    vec![
        Entry::Officer(Officer {
            site: SiteId(3),
            number: 2,
            office: Office::Director,
            key: key.verifying_key().to_bytes(),
        }),
        Entry::Signature(Signature::sign(&subject, 2, &key)),
    ]
}

/// An erasure, what remains of whom it is of, and that a site has done it.
pub fn erasure_entries() -> Vec<Entry> {
    let id = [0xE7; 16];
    let parcels = vec![Erasure::name(Label([1; 16]), &[2; 32])];
    let sealed = vec![3; 40];
    vec![
        Entry::Erasure(Erasure {
            id,
            persons: true,
            parcels,
        }),
        Entry::Remains {
            id,
            escrow: true,
            sealed,
        },
        Entry::Erased(id),
    ]
}

/// What one person added to the figures.
pub fn remains() -> AllRemains {
    let facts = LearnerFacts {
        sex: Some(Sex::Female),
        birth_year: Some(1990),
    };
    let row = Contribution {
        indicator: Indicator::Active,
        scope: None,
        site: SITE,
        month: Month(675),
        detail: 0,
        amount: 3,
    };
    AllRemains(vec![vec![(facts, vec![row])]])
}

/// A letter of every kind, in the order in which they were invented.
pub fn letters() -> Vec<Letter> {
    let (learner, stay, question) = (LEARNER, STAY, QuestionId([8; 16]));
    let asked = |about| {
        Letter::Question(Question {
            id: question,
            learner,
            stay,
            about,
            reason: LinkReason::Card,
        })
    };
    let answered = |verdict| {
        Letter::Answer(Answer {
            question,
            learner,
            verdict,
        })
    };
    let name = Name {
        script: Script::Latin,
        family: NamePart::new("Sok").unwrap(),
        given: NamePart::new("Dara").unwrap(),
    };
    let announced = Announced {
        learner,
        date: Some("2026-07-01".parse().unwrap()),
        names: vec![name],
        sex: Some(Sex::Female),
        birth: Some("1990-05".parse().unwrap()),
        withheld: true,
    };
    let arrived = Arrived {
        learner,
        site: OTHER,
        stay,
        date: None,
    };
    vec![
        asked(About::Card),
        asked(About::Person),
        answered(Verdict::Granted),
        answered(Verdict::Same(LearnerId([9; 16]))),
        answered(Verdict::Nobody),
        answered(Verdict::NotSame(LearnerId([9; 16]))),
        Letter::Announced(vec![announced]),
        Letter::NotComing(vec![learner]),
        Letter::Arrived(arrived),
        Letter::NotArrived(arrived),
        Letter::Disputed(arrived),
        Letter::CountedToo(arrived),
        Letter::Custody(vec![custody()]),
        Letter::Openings(vec![Opening {
            learner,
            by: Some(3),
            purpose: Purpose::Teaching,
            hour: 495_000,
        }]),
        Letter::Erased(vec![learner]),
        answered(Verdict::Undecided(LearnerId([9; 16]))),
        Letter::ToErase(vec![(Label([6; 16]), [7; 16])]),
    ]
}

pub fn control_segment() -> Segment {
    let parcels = entries()
        .iter()
        .map(|entry| (Label([0; 16]), entry.encode()))
        .collect();
    Segment::sign(header(Log::Control, 0), parcels, &node_key()).unwrap()
}

pub fn fork() -> ForkProof {
    let other = Segment::sign(header(Log::Data, 7), Vec::new(), &node_key()).unwrap();
    ForkProof::of(&segment(), &other)
}

pub fn receipt() -> Receipt {
    let heads = BTreeMap::from([(SITE, vec![head(1)]), (OTHER, vec![head(3), head(5)])]);
    Receipt::sign(&Statement::of((SITE, 12, 3), &heads), &node_key())
}

/// Two receipts together.
pub fn receipts() -> Vec<u8> {
    let other = BTreeMap::from([(SITE, vec![head(2)]), (OTHER, vec![head(1)])]);
    let other = Receipt::sign(&Statement::of((OTHER, 300, 2), &other), &node_key());
    pack(&[receipt(), other]).remove(0)
}

pub fn roster() -> Roster {
    let of = |id, code: &str, role, key: SigningKey, seed: &Secret| Site {
        id,
        code: code.to_owned(),
        name: format!("Site {code}"),
        role,
        keys: vec![key.verifying_key().to_bytes()],
        boxes: BTreeMap::from([(3, box_key(seed))]),
        carrier: wrap_carrier(&CARRIER, &box_key(seed), [8; 32]).unwrap(),
    };
    let other = SigningKey::from_bytes(&[0x4F; 32]);
    Roster {
        version: 5,
        cohort: 3,
        threshold: 2,
        roots: [1, 2, 3]
            .map(|number| root_key(number).verifying_key().to_bytes())
            .to_vec(),
        escrow: BTreeMap::from([(3, BoxKey([0xE5; 32]))]),
        sites: vec![
            of(SITE, "CC4", Role::Prison, node_key(), &SEED),
            of(OTHER, "DGP", Role::Headquarters, other, &Secret([0xB1; 32])),
        ],
        revoked: Vec::new(),
        shredded: 0,
    }
}

/// The same with a revoked key, which takes another version of the format.
pub fn roster_2() -> Roster {
    Roster {
        revoked: vec![revocation()],
        ..roster()
    }
}

pub fn signed_roster_2() -> SignedRoster {
    signed_by_two(&roster_2())
}

/// The same two cohorts later, with keys that are to be destroyed, which takes a third version.
pub fn roster_3() -> Roster {
    let mut roster = Roster {
        cohort: 5,
        shredded: 3,
        escrow: BTreeMap::from([(5, BoxKey([0xE6; 32]))]),
        ..roster_2()
    };
    for (site, byte) in roster.sites.iter_mut().zip([0xE7, 0xE8]) {
        site.boxes = BTreeMap::from([(4, BoxKey([byte; 32]))]);
    }
    roster
}

pub fn signed_roster_3() -> SignedRoster {
    signed_by_two(&roster_3())
}

fn signed_by_two(roster: &Roster) -> SignedRoster {
    let mut signed = SignedRoster::propose(roster);
    assert!(signed.sign(&root_key(1)).unwrap() && signed.sign(&root_key(2)).unwrap());
    signed
}

/// A key that is revoked, with a cut of two heads: as many as a site that was set back has.
pub fn revocation() -> Revocation {
    Revocation {
        site: SITE,
        key: [0x4E; 32],
        cut: vec![head(1), head(3)],
    }
}

pub fn signed_roster() -> SignedRoster {
    let mut signed = SignedRoster::propose(&roster());
    assert!(signed.sign(&root_key(1)).unwrap() && signed.sign(&root_key(3)).unwrap());
    signed
}

/// The box key seed of a root's holder.
pub const fn holder_seed(number: u8) -> Secret {
    Secret([0xD0 + number; 32])
}

pub fn escrow() -> Escrow {
    let holder = |number| Holder::of(&root_key(number), box_key(&holder_seed(number)));
    let mut escrow = Escrow::new(2, [1, 2, 3].map(holder).to_vec()).unwrap();
    let mut number = 0;
    let mut entropy = || {
        number += 1;
        [number; 32]
    };
    let cohort = Secret([0xE5; 32]);
    escrow
        .deposit(Deposit::Carrier, &CARRIER, &mut entropy)
        .unwrap();
    escrow
        .deposit(Deposit::Cohort(3), &cohort, &mut entropy)
        .unwrap();
    escrow
}

pub fn held_key() -> HeldKey {
    HeldKey {
        site: SITE,
        stream: Stream::Education,
        stay: STAY,
        key: stay_key(),
    }
}

pub fn keyring() -> Keyring {
    Keyring(vec![
        held_key(),
        HeldKey {
            site: OTHER,
            ..held_key()
        },
    ])
}

pub fn register() -> Register {
    Register(vec![(LEARNER, STAY), (LearnerId([2; 16]), StayId([3; 16]))])
}

pub fn grant() -> GrantContent {
    GrantContent {
        upto: Some((run(1), 8)),
        learners: vec![(LEARNER, vec![held_key()])],
    }
}

/// What a slip grants: the run to wait for is of its issuer.
pub fn slip_grant(issuer: SiteId) -> GrantContent {
    GrantContent {
        upto: Some((RunId::of(issuer, [1; 16]), 8)),
        ..grant()
    }
}

/// A slip from the other site to this one.
pub fn slip() -> Slip {
    let (places, to) = ((OTHER, SITE), box_key(&SEED));
    Slip::issue(places, &slip_grant(OTHER), &to, &node_key(), [6; 32]).unwrap()
}

pub fn summary() -> Summary {
    let mark = HeadMark {
        run: RunTag([1; 8]),
        data: 300,
        control: 2,
        tips: [0x71; 4],
    };
    let beyond = Beyond {
        run: RunTag([2; 8]),
        control: 1,
        ranges: vec![(3, 9), (12, 13)],
    };
    let site = SiteFrontier {
        heads: vec![mark],
        beyond: vec![beyond],
    };
    Summary {
        roster: 5,
        frontier: Frontier(BTreeMap::from([(SITE, site)])),
        lineage: BTreeMap::from([(SITE, vec![mark])]),
        receipts: BTreeMap::from([(SITE, receipt().rank(12))]),
        forks: [RunTag([3; 8])].into(),
    }
}

pub fn frames() -> Vec<Frame> {
    vec![
        Frame::Hello {
            version: VERSION,
            digest: [0xD1; 16],
        },
        Frame::Same,
        Frame::Summary(summary()),
        Frame::Roster(signed_roster().encode()),
        Frame::Fork(codec::encode(&fork())),
        Frame::Segment(segment().encode()),
        Frame::Receipt(receipt().encode()),
        Frame::Done,
        Frame::End,
        Frame::Ahead(control_segment().encode()),
        Frame::Receipts(receipts()),
    ]
}

/// The manifest's chunk, one of frames, and the last.
pub fn bundle() -> Vec<u8> {
    let manifest = Manifest {
        source: SITE,
        destinations: vec![OTHER],
        stamp: 1_790_000_000,
        carrier: "van 2".to_owned(),
    };
    let (mut writer, mut file) = Writer::start(&CARRIER, [0xB5; 16], &manifest);
    for frame in &frames()[3..7] {
        file.extend(writer.add(frame));
    }
    file.extend(writer.finish());
    file
}

pub fn backup_sheet() -> Code {
    Code::of(&Secret([0x5E; 32]))
}

pub fn backup_code() -> Code {
    Code::of(&Secret([0xC0; 32]))
}

pub fn backup_head() -> backup::Head {
    let (sheet, escrow) = (backup_sheet().sheet(), box_key(&SEED));
    let mut number = 0;
    let entropy = || {
        number += 1;
        [number; 32]
    };
    backup::Head::seal([0xBA; 16], &backup_code(), &sheet, Some(&escrow), entropy).unwrap()
}

pub fn backup_list() -> backup::Manifest {
    backup::Manifest {
        site: SITE,
        code: "CC4".to_owned(),
        name: "Pursat".to_owned(),
        stamp: 1_790_000_000,
        store: 5,
        files: vec![("keys.toml".to_owned(), 5), ("spean.db".to_owned(), 7)],
    }
}

pub fn backup() -> Vec<u8> {
    let head = backup_head();
    let mut chunks = Chunks::of(&head, &backup_code());
    let mut file = head.encode();
    file.extend(chunks.seal_manifest(&backup_list()).unwrap());
    file.extend(chunks.seal(b"keys and", false).unwrap());
    file.extend(chunks.seal(b" all", true).unwrap());
    file
}

/// Reads a file of `tests/vectors`; `made` is written where there is none yet and that was asked
/// for.
pub fn frozen_text(file: &str, made: impl FnOnce() -> String) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let path = folder.join(file);
    if !path.exists() && std::env::var_os("SPEAN_WRITE_VECTORS").is_some() {
        std::fs::write(&path, made()).unwrap();
    }
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The same for bytes, in hexadecimal.
pub fn frozen(name: &str, made: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let text = frozen_text(&format!("{name}.hex"), || {
        let digits = HEXLOWER.encode(&made());
        let lines = digits.as_bytes().chunks(96);
        lines
            .map(|line| String::from_utf8_lossy(line) + "\n")
            .collect()
    });
    HEXLOWER.decode(text.replace('\n', "").as_bytes()).unwrap()
}

/// `read` takes `limit` items and refuses one more, by name.
pub fn at_most<T>(name: &str, limit: usize, read: impl Fn(usize) -> Result<T, DecodeError>) {
    assert!(read(limit).is_ok(), "{name}: {limit} must fit");
    let found = read(limit + 1).err();
    assert_eq!(
        found,
        Some(DecodeError::TooMany {
            found: limit + 1,
            limit
        }),
        "{name}"
    );
}

pub fn sites(count: usize) -> impl Iterator<Item = SiteId> {
    (0..u16::try_from(count).unwrap()).map(SiteId)
}

/// Sixteen bytes that do not compress.
pub fn noise(number: usize) -> [u8; 16] {
    let hash = blake3::hash(&number.to_le_bytes());
    hash.as_bytes()[..16].try_into().unwrap()
}

fn line(number: usize, length: usize) -> Line {
    let length = u32::try_from(length).unwrap();
    Line {
        label: Label(noise(number)),
        length,
        hash: Hash([7; 32]),
    }
}

/// A segment whose parcels are all absent, so that only the lines count.
pub fn absent(count: usize, length: usize) -> Segment {
    let lines = (0..count).map(|number| line(number, length)).collect();
    let header = Header {
        lines,
        ..header(Log::Data, 7)
    };
    Segment {
        header,
        signature: [0; 64],
        parcels: vec![None; count],
    }
}
