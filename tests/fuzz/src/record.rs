//! Events of one learner, whoever wrote them and wherever: everything that is computed of them is
//! the same for the same set of events, in whatever order and however often they came.

use spean_protocol::codec;
use spean_protocol::custody::{self, Causality, CustodyState};
use spean_protocol::event::{Event, EventId};
use spean_protocol::id::{LearnerId, Position, RunId, SiteId, StayId, Stream};
use spean_protocol::record::{Batch, Chain, Draft, Record};
use spean_protocol::stay::StayKey;
use spean_protocol::totals::{Figures, LearnerFacts, Query, contributions, statements, who5_pair};
use spean_protocol::view::{Entry, LearnerView, OpenItems, Origin, Persons, collision};

use super::input::{Input, piece};
use super::nation::DARA;
use super::samples;
use super::seeds::events;

/// Events of one input.
const EVENTS_MAX: usize = 64;

/// Three logs: each site knows of its own what stands lower, and of others what is long past.
struct Logs;

impl Causality for Logs {
    fn is_ancestor(&self, earlier: Position, later: Position) -> bool {
        if (earlier.site, earlier.run) == (later.site, later.run) {
            return earlier.height < later.height;
        }
        earlier.height + 3 <= later.height
    }
}

/// Events with their places. A key that is empty follows from the event's number.
fn entries(input: &mut Input<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    while !input.is_empty() && entries.len() < EVENTS_MAX {
        let number = entries.len();
        let position = Position {
            site: SiteId(input.byte() as u16 % 3 + 1),
            run: RunId([input.byte() % 2; 16]),
            height: u32::from(input.byte() % 16),
        };
        let stay = StayId([input.byte() % 4; 16]);
        let (key, bytes) = (input.piece(), input.piece());
        let id = match key {
            [] => format!("label.{number}"),
            key => String::from_utf8_lossy(key).into_owned(),
        };
        if let (Ok(id), Ok(event)) = (EventId::try_from(id), Event::decode(bytes)) {
            let origin = Origin { position, stay };
            let persons = input.byte() % 4;
            entries.push(
                Entry::new(id, event, origin)
                    .at(number as u64)
                    .signed_by(persons),
            );
        }
    }
    entries
}

pub fn record(bytes: &[u8]) {
    let mut entries = entries(&mut Input(bytes));
    kept(&entries);
    let mut other: Vec<Entry> = entries.iter().rev().chain(&entries).cloned().collect();
    custody::mark_late(&mut entries, &Logs);
    custody::mark_late(&mut other, &Logs);
    let view = LearnerView::fold(&entries);
    let again = LearnerView::fold(&other);
    assert_eq!(view.canonical_bytes(), again.canonical_bytes());
    let rows = contributions(&entries);
    assert_eq!(rows, contributions(&other));

    let read: LearnerView = codec::decode(&view.canonical_bytes()).unwrap();
    assert_eq!(read, view, "a kept view reads the same");
    let facts = LearnerFacts::of(&view);
    let _ = (
        OpenItems::of(&view),
        LearnerFacts::of_person(&[facts, facts]),
    );
    for site in (1..4).map(SiteId) {
        let _ = (CustodyState::of(&view, site), collision::cards(&view, site));
        let learners = [(DARA, &view), (LearnerId([3; 16]), &view)];
        let names = collision::usernames(learners, site, &Logs);
        let all: Vec<String> = names.values().flatten().map(ToString::to_string).collect();
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "one name for two: {all:?}");
    }
    let persons = Persons::of([(DARA, &view.links[..])]);
    assert_eq!(persons.person(persons.person(DARA)), persons.person(DARA));
    let stated = statements(SiteId(1), who5_pair(&view));
    // Twice the same person is one person.
    let once = Figures::of([(DARA, facts, &rows[..])], stated.clone(), Query::ALL);
    let apart = [
        (DARA, facts, &rows[..]),
        (LearnerId([3; 16]), facts, &rows[..]),
    ];
    let twice = Figures::of(apart, stated, Query::ALL);
    assert_eq!(twice.beneficiaries, 2 * once.beneficiaries);
}

/// The same events as a document: saved and loaded, it has the same.
fn kept(entries: &[Entry]) {
    let draft = |entry: &Entry| Draft {
        id: Some(entry.id.clone()),
        bytes: entry.event.encode(),
    };
    let (mut record, mut changes) = (Record::default(), Vec::new());
    for site in (1..4).map(SiteId) {
        let key = StayKey(spean_protocol::seal::Secret([1; 32]));
        let run = RunId::of(site, [1; 16]);
        let label = key.label(DARA, Stream::Education, run);
        let mut chain = Chain::default();
        let of_site: Vec<_> = entries
            .iter()
            .filter(|entry| entry.site() == site)
            .collect();
        for (seq, part) in (1_u64..).zip(of_site.chunks(3)) {
            let events = part.iter().map(|entry| draft(entry)).collect();
            let batch = Batch { seq, events };
            let read = Batch::decode(&batch.encode());
            assert_eq!(read.as_ref(), Ok(&batch), "a batch reads as it was written");
            changes.push(chain.advance(label, &batch, 0).unwrap());
        }
    }
    changes.reverse();
    record.apply(changes).unwrap();
    let again = Record::load(&record.save()).unwrap();
    assert_eq!(again.events(), record.events());
    assert_eq!(record.events().len(), entries.len());
}

pub fn records() -> Vec<Vec<u8>> {
    let event = |(number, event): (usize, Event)| {
        let place = [number, number / 2, number, number / 3];
        let place = place.map(|part| u8::try_from(part % 250).unwrap());
        [&place[..], &piece(b""), &piece(&event.encode())].concat()
    };
    let frozen = events()
        .into_iter()
        .filter_map(|bytes| Event::decode(&bytes).ok());
    let frozen: Vec<Vec<u8>> = frozen.enumerate().map(event).collect();
    let samples: Vec<Vec<u8>> = samples::events()
        .into_iter()
        .enumerate()
        .map(event)
        .collect();
    let mut seeds: Vec<Vec<u8>> = frozen.chunks(5).map(<[_]>::concat).collect();
    seeds.extend([samples.concat(), frozen.concat()]);
    seeds
}
