//! What is signed. Decoded, it is verified too: with the right key, and with bytes that are none.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use spean_protocol::codec;
use spean_protocol::escrow::{Deposit, Escrow};
use spean_protocol::given_back::Asked;
use spean_protocol::log::ForkProof;
use spean_protocol::receipt::{self, Receipt, Statement};
use spean_protocol::roster::{Roster, SignedRoster};
use spean_protocol::seal;
use spean_protocol::segment::{Header, Segment};
use spean_protocol::slip::Slip;

use super::super as samples;
use super::contents::again;
use samples::{OTHER, SEED, SITE, control_segment, head, node_key, root_key};

/// The node's key, and one that may be no point of the curve.
static KEYS: LazyLock<[[u8; 32]; 2]> =
    LazyLock::new(|| [node_key().verifying_key().to_bytes(), [7; 32]]);

pub fn segments() -> Vec<Vec<u8>> {
    vec![samples::segment().encode(), control_segment().encode()]
}

pub fn segment(bytes: &[u8]) -> Option<Vec<u8>> {
    let segment = Segment::decode(bytes).ok()?;
    let _ = segment.verify(&*KEYS);
    Some(segment.encode())
}

pub fn headers() -> Vec<Vec<u8>> {
    let segments = [samples::segment(), control_segment()];
    segments.map(|segment| segment.header.encode()).to_vec()
}

pub fn header(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = Header::decode(bytes).ok()?;
    let _ = header.hash();
    Some(header.encode())
}

pub fn forks() -> Vec<Vec<u8>> {
    let other = ForkProof::of(&samples::segment(), &control_segment());
    vec![codec::encode(&samples::fork()), codec::encode(&other)]
}

pub fn fork(bytes: &[u8]) -> Option<Vec<u8>> {
    let proof: ForkProof = codec::decode(bytes).ok()?;
    let _ = (proof.run(), proof.verify(|_| KEYS.iter().collect()));
    Some(codec::encode(&proof))
}

fn stated() -> Statement {
    Statement::of((OTHER, 300, 2), &BTreeMap::from([(SITE, vec![head(2)])]))
}

pub fn receipts() -> Vec<Vec<u8>> {
    let other = Receipt::sign(&stated(), &node_key());
    vec![samples::receipt().encode(), other.encode()]
}

pub fn receipt(bytes: &[u8]) -> Option<Vec<u8>> {
    let (receipt, statement) = Receipt::decode(bytes).ok()?;
    let _ = receipt.verify(statement.site, &*KEYS);
    Some(receipt.encode())
}

pub fn statements() -> Vec<Vec<u8>> {
    let (_, other) = Receipt::decode(&samples::receipt().encode()).unwrap();
    vec![codec::encode(&stated()), codec::encode(&other)]
}

pub fn statement(bytes: &[u8]) -> Option<Vec<u8>> {
    again::<Statement>(bytes)
}

pub fn together() -> Vec<Vec<u8>> {
    let one = receipt::pack(&[samples::receipt()]).remove(0);
    vec![samples::receipts(), one]
}

/// Compressed in another way, receipts say the same.
pub fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let all = receipt::unpack(bytes).ok()?;
    let read = all.iter().map(|one| Receipt::decode(one).ok().map(|r| r.0));
    let receipts: Vec<Receipt> = read.collect::<Option<_>>()?;
    let packed = receipt::pack(&receipts).into_iter();
    let back: Vec<_> = packed
        .flat_map(|part| receipt::unpack(&part).unwrap())
        .collect();
    assert_eq!(back, all);
    Some(bytes.to_vec())
}

pub fn rosters() -> Vec<Vec<u8>> {
    let mut three = samples::signed_roster();
    three.sign(&root_key(2)).unwrap();
    let revoked = samples::signed_roster_2();
    vec![
        samples::signed_roster().encode(),
        three.encode(),
        revoked.encode(),
    ]
}

pub fn roster(bytes: &[u8]) -> Option<Vec<u8>> {
    static HELD: LazyLock<Roster> = LazyLock::new(samples::roster);
    let signed = SignedRoster::decode(bytes).ok()?;
    if let Ok(roster) = signed.preview() {
        assert!(roster.check().is_ok());
        let _ = signed.accept(Some(&roster));
    }
    let _ = (signed.accept(None), signed.accept(Some(&HELD)));
    Some(signed.encode())
}

pub fn escrows() -> Vec<Vec<u8>> {
    let holders = samples::escrow().holders().to_vec();
    let mut other = Escrow::new(1, holders).unwrap();
    other
        .deposit(Deposit::Cohort(9), &SEED, || [4; 32])
        .unwrap();
    vec![samples::escrow().encode(), other.encode()]
}

pub fn escrow(bytes: &[u8]) -> Option<Vec<u8>> {
    let escrow = Escrow::decode(bytes).ok()?;
    let seeds = [1, 3].map(samples::holder_seed);
    for what in escrow.deposits() {
        let _ = (escrow.open(what, &seeds), escrow.verify(what, &seeds));
    }
    Some(escrow.encode())
}

pub fn restricted_asked() -> Vec<Vec<u8>> {
    let mut two = samples::asked();
    two.wraps.push(two.wraps[0].clone());
    two.wraps[1].cohort += 1;
    vec![samples::asked().encode(), two.encode()]
}

pub fn asked(bytes: &[u8]) -> Option<Vec<u8>> {
    let asked = Asked::decode(bytes).ok()?;
    let _ = asked.open(&[SEED]);
    Some(asked.encode())
}

fn both_slips() -> [Slip; 2] {
    let (places, to) = ((SITE, OTHER), seal::box_key(&SEED));
    let content = samples::slip_grant(SITE);
    let other = Slip::issue(places, &content, &to, &node_key(), [5; 32]);
    [samples::slip(), other.unwrap()]
}

pub fn slips() -> Vec<Vec<u8>> {
    both_slips()
        .map(|slip| slip.to_text().into_bytes())
        .to_vec()
}

pub fn slip(bytes: &[u8]) -> Option<Vec<u8>> {
    let slip = Slip::from_text(std::str::from_utf8(bytes).ok()?).ok()?;
    let _ = (slip.verify(&*KEYS), slip.open(SITE, [&SEED]));
    Some(slip.to_text().into_bytes())
}

/// As somebody types or reads it: other letters' case, gaps, dashes.
pub fn slips_aloud() -> Vec<Vec<u8>> {
    let aloud = |slip: Slip| {
        let text = slip.to_text().to_lowercase();
        let groups: Vec<String> = text
            .as_bytes()
            .chunks(5)
            .map(|group| String::from_utf8_lossy(group).into_owned())
            .collect();
        groups.join(" -\n").into_bytes()
    };
    both_slips().map(aloud).to_vec()
}

/// However it is typed, what it says is the same.
pub fn slip_aloud(bytes: &[u8]) -> Option<Vec<u8>> {
    let slip = Slip::from_text(std::str::from_utf8(bytes).ok()?).ok()?;
    assert_eq!(Slip::from_text(&slip.to_text()).as_ref(), Ok(&slip));
    Some(bytes.to_vec())
}
