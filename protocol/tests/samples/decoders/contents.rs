//! What is inside: events and what is sealed.

use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use spean_protocol::catalogue::{ModuleId, ProgrammeId, Scope};
use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::erasure::AllRemains;
use spean_protocol::event::{CsvRow, Event, Month};
use spean_protocol::letter::Letter;
use spean_protocol::parcel;
use spean_protocol::record::{Batch, Chain};
use spean_protocol::seal::{self, derive, seal_once};
use spean_protocol::stay::{GrantContent, Keyring, Register};
use spean_protocol::totals::Statement;

use super::super as samples;
use samples::{LEARNER, OTHER, SITE, STAY, held_key, label, place, small_batch, stay_key};

/// What is read as it is written, without a function of its own.
pub fn again<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(codec::encode(&codec::decode::<T>(bytes).ok()?))
}

pub fn events() -> Vec<Vec<u8>> {
    samples::events().iter().map(Event::encode).collect()
}

pub fn event(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(Event::decode(bytes).ok()?.encode())
}

/// Rows of a file of events; columns are parted by commas.
pub fn rows() -> Vec<Vec<u8>> {
    let rows = [
        "attended,beep,math-1,3,,,,",
        "post-test,reintegration,micro-business,,17.5,20,2,",
        "exam-result,english,a2,,,,2025-3,passed",
        "expected-release,,,,,,,2026-01..2026-06",
        "who5-end,,,,,,,3 2 4 1 5",
        "departed,,,,,,,transferred",
    ];
    rows.map(|row| row.as_bytes().to_vec()).to_vec()
}

pub fn row(bytes: &[u8]) -> Option<Vec<u8>> {
    let fields: Vec<&str> = std::str::from_utf8(bytes).ok()?.split(',').collect();
    let row = CsvRow::from(<[&str; 8]>::try_from(fields).ok()?);
    let event = Event::new(row.body(STAY).ok()?);
    assert_eq!(Event::decode(&event.encode()).as_ref(), Ok(&event));
    Some(bytes.to_vec())
}

pub fn scopes() -> Vec<Vec<u8>> {
    let (module, programme) = (ModuleId::MICRO_BUSINESS, ProgrammeId::BEEP);
    let scopes = [Scope::Module(module), Scope::Programme(programme)];
    scopes.iter().map(codec::encode).collect()
}

pub fn scope(bytes: &[u8]) -> Option<Vec<u8>> {
    again::<Scope>(bytes)
}

pub fn batches() -> Vec<Vec<u8>> {
    vec![samples::batch().encode(), small_batch().encode()]
}

pub fn batch(bytes: &[u8]) -> Option<Vec<u8>> {
    let batch = Batch::decode(bytes).ok()?;
    let _ = Chain::default().advance(label(), &batch, 3);
    Some(batch.encode())
}

pub fn keyrings() -> Vec<Vec<u8>> {
    let one = Keyring(vec![held_key()]);
    vec![samples::keyring().encode(), one.encode()]
}

pub fn keyring(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(Keyring::decode(bytes).ok()?.encode())
}

pub fn registers() -> Vec<Vec<u8>> {
    let one = Register(vec![(LEARNER, STAY)]);
    vec![samples::register().encode(), one.encode()]
}

pub fn register(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(Register::decode(bytes).ok()?.encode())
}

pub fn grants() -> Vec<Vec<u8>> {
    let without = GrantContent {
        upto: None,
        ..samples::grant()
    };
    vec![samples::grant().encode(), without.encode()]
}

pub fn grant(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(GrantContent::decode(bytes).ok()?.encode())
}

/// What stands in a parcel, plain and compressed: whoever has a stay key can seal what he likes
/// under it.
pub fn parcels() -> Vec<Vec<u8>> {
    let content = small_batch().encode();
    let large = [content.clone(), vec![7; 900]].concat();
    let compressed = seal::compress(&large).unwrap();
    let plain = |kind: u8, body: &[u8]| [&[kind][..], &codec::encode(&body.len()), body].concat();
    vec![plain(1, &content), plain(0x81, &compressed)]
}

pub fn parcel(bytes: &[u8]) -> Option<Vec<u8>> {
    static SEALING: LazyLock<([u8; 32], Vec<u8>)> = LazyLock::new(|| {
        let place = [&place().run.0[..], &place().height.to_le_bytes(), &[0, 0]].concat();
        let key = derive("spean 2026 parcel key v1", &[&stay_key().0.0, &place]);
        (key, [&place[..], &label().0].concat())
    });
    let sealed = seal_once(&SEALING.0, &SEALING.1, bytes).unwrap();
    let (_, content) = parcel::open(&stay_key().0, place(), label(), &sealed).ok()?;
    assert!(content.len() <= spean_protocol::limits::PARCEL_CONTENT_BYTES_MAX);
    let _ = Batch::decode(&content);
    Some(bytes.to_vec())
}

pub fn entries() -> Vec<Vec<u8>> {
    let later = [samples::box_key_entry()];
    samples::entries()
        .iter()
        .chain(&later)
        .chain(&samples::officer_entries())
        .chain(&samples::erasure_entries())
        .map(Entry::encode)
        .collect()
}

pub fn entry(bytes: &[u8]) -> Option<Vec<u8>> {
    match Entry::decode(bytes).ok()? {
        // What is not understood is carried as it came, not written anew.
        Entry::Newer(_) => None,
        entry => Some(entry.encode()),
    }
}

pub fn remains() -> Vec<Vec<u8>> {
    vec![samples::remains().encode(), AllRemains::default().encode()]
}

pub fn remain(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(AllRemains::decode(bytes).ok()?.encode())
}

pub fn letters() -> Vec<Vec<u8>> {
    samples::letters().iter().map(Letter::encode).collect()
}

pub fn letter(bytes: &[u8]) -> Option<Vec<u8>> {
    match Letter::decode(bytes).ok()? {
        Letter::Newer(_) => None,
        letter => Some(letter.encode()),
    }
}

pub fn statements() -> Vec<Vec<u8>> {
    let stated = |site, pairs| Statement {
        site,
        month: Month(671),
        pairs,
        sum_delta_items: [300, -2, 4, 0, -70_000],
        sum_delta_total: -69_698,
    };
    let two = vec![stated(SITE, 12), stated(OTHER, 1)];
    [two, vec![stated(SITE, 3)]]
        .iter()
        .map(codec::encode)
        .collect()
}

pub fn statement(bytes: &[u8]) -> Option<Vec<u8>> {
    again::<Vec<Statement>>(bytes)
}
