//! A batch: the content of a parcel of changes, which is one Automerge change without what can be
//! rebuilt. Laid out by hand, because nearly every parcel is one learner's day: a few events of
//! one date, which differ in two or three bytes. So each event is written as what differs from the
//! event before it, and a day needs twenty bytes.
//!
//! ```text
//! seq (varint) | count * 2, plus 1 where some event has a key of its own (varint)
//! for each event, beside the event before it, which goes on with zeros:
//!     head (varint)    bit 0: another length; bit 1: its last byte differs;
//!                      bit n + 2: its byte n differs, for the first 62 bytes but the last
//!     [length (varint)] | the bytes that differ, in the order of their bits
//!     | the bytes between the first 62 and the last, as they are
//! [for each event its key: 0 = none | 1, 16 bytes of an imported one | 1 + length, other text]
//! ```
//! What the events mean is not known here; any bytes are written and come back.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::event::EventId;
use crate::limits::{EVENT_BYTES_MAX, PARCEL_EVENTS_MAX};

/// One event as it is stored: its key where it has one of its own, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The key of an imported event; `None` where the key follows from label and place.
    pub id: Option<EventId>,
    /// The encoded event.
    pub bytes: Vec<u8>,
}

/// The content of a parcel of changes: one Automerge change without what can be rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The change's sequence number within its label, from 1.
    pub seq: u64,
    /// The events, in the order in which they were recorded.
    pub events: Vec<Draft>,
}

/// Leading bytes of an event of which each has a bit in the head. What is longer is written out, so
/// an event that takes one byte has 63 at most.
const COMPARED: usize = 62;

const NO_KEY: u8 = 0;
const IMPORTED_KEY: u8 = 1;

impl Batch {
    /// The batch as a parcel's content.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let keyed = self.events.iter().any(|draft| draft.id.is_some());
        let mut out = codec::encode(&self.seq);
        out.extend(codec::encode(&(self.events.len() * 2 + usize::from(keyed))));
        let mut before: &[u8] = &[];
        for draft in &self.events {
            write_event(before, &draft.bytes, &mut out);
            before = &draft.bytes;
        }
        for draft in self.events.iter().filter(|_| keyed) {
            write_key(draft.id.as_ref(), &mut out);
        }
        out
    }

    /// Reads a parcel's content.
    ///
    /// # Errors
    /// [`DecodeError`] for malformed bytes, no events or more than `limits` allows.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let ((seq, head), mut rest): ((u64, usize), _) = codec::take(bytes)?;
        let (count, keyed) = (head / 2, head % 2 == 1);
        codec::at_most(count, PARCEL_EVENTS_MAX)?;
        if count == 0 {
            return Err(DecodeError::Malformed);
        }
        let mut events: Vec<Draft> = Vec::with_capacity(count);
        for _ in 0..count {
            let before = events.last().map_or(&[][..], |draft| &draft.bytes);
            let (bytes, after) = take_event(before, rest)?;
            events.push(Draft { id: None, bytes });
            rest = after;
        }
        for draft in events.iter_mut().filter(|_| keyed) {
            (draft.id, rest) = take_key(rest)?;
        }
        if rest.is_empty() {
            Ok(Self { seq, events })
        } else {
            Err(DecodeError::LeftOver(rest.len()))
        }
    }
}

/// The bytes that have a bit in the head, in the order of their bits, and where the others are.
fn places(length: usize) -> (impl Iterator<Item = usize>, std::ops::Range<usize>) {
    let last = length.saturating_sub(1);
    let compared = last.min(COMPARED);
    ((last..length).chain(0..compared), compared..last)
}

fn write_event(before: &[u8], event: &[u8], out: &mut Vec<u8>) {
    let other_length = before.len() != event.len();
    let mut head = u64::from(other_length);
    let mut changed = Vec::new();
    let (compared, others) = places(event.len());
    for (bit, place) in (1..).zip(compared) {
        if before.get(place).copied().unwrap_or(0) != event[place] {
            head |= 1 << bit;
            changed.push(event[place]);
        }
    }
    out.extend(codec::encode(&head));
    if other_length {
        out.extend(codec::encode(&event.len()));
    }
    out.extend(changed);
    out.extend_from_slice(&event[others]);
}

fn take_event<'a>(before: &[u8], bytes: &'a [u8]) -> Result<(Vec<u8>, &'a [u8]), DecodeError> {
    let (head, mut rest): (u64, _) = codec::take(bytes)?;
    let mut length = before.len();
    if head & 1 == 1 {
        (length, rest) = codec::take(rest)?;
        codec::at_most(length, EVENT_BYTES_MAX)?;
    }
    let mut event = before.to_vec();
    event.resize(length, 0);
    let (compared, others) = places(length);
    let mut bits = head >> 1;
    for place in compared {
        if bits & 1 == 1 {
            let (first, after) = rest.split_first().ok_or(DecodeError::Malformed)?;
            (event[place], rest) = (*first, after);
        }
        bits >>= 1;
    }
    if bits != 0 {
        return Err(DecodeError::Malformed);
    }
    let (as_they_are, rest) = codec::take_bytes(rest, others.len())?;
    event[others].copy_from_slice(as_they_are);
    Ok((event, rest))
}

fn write_key(id: Option<&EventId>, out: &mut Vec<u8>) {
    let Some(EventId(text)) = id else {
        out.push(NO_KEY);
        return;
    };
    match imported_bytes(text) {
        Some(bytes) => {
            out.push(IMPORTED_KEY);
            out.extend(bytes);
        }
        None => {
            // A key has 48 bytes at most.
            out.push(IMPORTED_KEY.saturating_add(u8::try_from(text.len()).unwrap_or(u8::MAX)));
            out.extend_from_slice(text.as_bytes());
        }
    }
}

fn take_key(bytes: &[u8]) -> Result<(Option<EventId>, &[u8]), DecodeError> {
    let (tag, rest) = bytes.split_first().ok_or(DecodeError::Malformed)?;
    match *tag {
        NO_KEY => Ok((None, rest)),
        IMPORTED_KEY => {
            let (bytes, rest) = codec::take_bytes(rest, 16)?;
            Ok((Some(EventId(imported_text(bytes))), rest))
        }
        tag => {
            let (text, rest) = codec::take_bytes(rest, usize::from(tag - IMPORTED_KEY))?;
            let text = String::from_utf8(text.to_vec()).map_err(|_| DecodeError::Malformed)?;
            let id = EventId::try_from(text).map_err(|_| DecodeError::Malformed)?;
            Ok((Some(id), rest))
        }
    }
}

/// The key that an imported event has: sixteen bytes as text.
pub(super) fn imported_text(bytes: &[u8]) -> String {
    format!("i{}", BASE64URL_NOPAD.encode(bytes))
}

/// The sixteen bytes of an imported event's key; `None` for any other key.
fn imported_bytes(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64URL_NOPAD
        .decode(text.strip_prefix('i')?.as_bytes())
        .ok()?;
    (bytes.len() == 16).then_some(bytes)
}

/// Goal: any events come back as they were, a usual day stays small, and no bytes of a peer's are
/// misread or become much more than they are.
/// Method: random events there and back; the sizes of usual days, sealed; bytes made by hand.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::{ModuleId, ProgrammeId};
    use crate::event::{AssessmentKind, Body, Date, Event, Score};
    use crate::id::{Label, RunId};
    use crate::parcel::{self, Kind, Place};
    use crate::record::imported_id;
    use crate::seal::Secret;

    const MODULE: ModuleId = ModuleId {
        programme: ProgrammeId::BEEP,
        number: 3,
    };

    fn on_a_day(body: Body) -> Draft {
        let event = Event::new(body).on(Date::from_days(20_777).unwrap()).by(2);
        Draft {
            id: None,
            bytes: event.encode(),
        }
    }

    fn sessions(count: u16) -> Vec<Draft> {
        let both = |session| {
            let attended = Body::Attended {
                module: MODULE,
                session,
            };
            [
                attended,
                Body::SessionDone {
                    module: MODULE,
                    session,
                },
            ]
            .map(on_a_day)
        };
        (5..5 + count / 2).flat_map(both).collect()
    }

    fn sealed(events: Vec<Draft>) -> usize {
        let content = Batch { seq: 9, events }.encode();
        let place = Place {
            run: RunId([1; 16]),
            height: 2,
            index: 3,
        };
        let kind = Kind::Changes;
        parcel::seal(&Secret([4; 32]), place, Label([5; 16]), kind, &content)
            .unwrap()
            .len()
    }

    #[test]
    fn a_usual_day_is_small() {
        let score = Score::try_from((17, 20)).unwrap();
        let kind = AssessmentKind::Quiz;
        let mut day = vec![on_a_day(Body::Login {
            programme: MODULE.programme,
        })];
        day.extend(sessions(2));
        day.push(on_a_day(Body::Assessed {
            kind,
            module: MODULE,
            version: 1,
            score,
        }));
        let sizes = [
            &sessions(2)[..1],
            &sessions(2),
            &sessions(4),
            &day,
            &sessions(20),
        ]
        .map(|events| sealed(events.to_vec()));
        assert_eq!(sizes, [32, 40, 40, 48, 80]);
        let mut imported = sessions(4);
        for (number, draft) in imported.iter_mut().enumerate() {
            draft.id = Some(imported_id(&[7; 32], "register", &number.to_string()));
        }
        assert_eq!(sealed(imported), 112);
    }

    #[test]
    fn few_bytes_never_become_many() {
        // The first event in full, each further one in a single byte: as long as that gets.
        let mut bytes = codec::encode(&(1_u64, PARCEL_EVENTS_MAX * 2));
        write_event(&[], &[7; COMPARED + 1], &mut bytes);
        bytes.resize(bytes.len() + PARCEL_EVENTS_MAX - 1, 0);
        let batch = Batch::decode(&bytes).unwrap();
        let total: usize = batch.events.iter().map(|draft| draft.bytes.len()).sum();
        assert!(total <= bytes.len() + (COMPARED + 1) * PARCEL_EVENTS_MAX);
        let too_long = codec::encode(&(1_u64, 2_u64, 1_u64, EVENT_BYTES_MAX + 1));
        assert!(matches!(
            Batch::decode(&too_long),
            Err(DecodeError::TooMany { .. })
        ));
        let too_many = codec::encode(&(1_u64, 2 * (PARCEL_EVENTS_MAX + 1)));
        assert!(matches!(
            Batch::decode(&too_many),
            Err(DecodeError::TooMany { .. })
        ));
        assert_eq!(
            Batch::decode(&codec::encode(&(1_u64, 0_u64))),
            Err(DecodeError::Malformed)
        );
        // A bit for a byte that the event does not have.
        let no_such_byte = codec::encode(&(1_u64, 2_u64, 0b101_u64, 1_u64));
        assert_eq!(Batch::decode(&no_such_byte), Err(DecodeError::Malformed));
    }

    fn keys() -> impl Strategy<Value = Option<EventId>> {
        prop_oneof![
            4 => Just(None),
            2 => any::<[u8; 16]>().prop_map(|bytes| Some(EventId(imported_text(&bytes)))),
            1 => "[!-~]{1,48}".prop_map(|text| Some(EventId(text))),
            // Looks like the key of an imported event, and is none.
            1 => "i[A-Za-z0-9_-]{22}".prop_map(|text| Some(EventId(text))),
        ]
    }

    proptest! {
        #[test]
        fn any_events_come_back(
            seq: u64,
            events in prop::collection::vec(
                (keys(), prop_oneof![
                    prop::collection::vec(0_u8..3, 0..12),
                    prop::collection::vec(any::<u8>(), 0..200),
                ]),
                1..30,
            ),
        ) {
            let events = events.into_iter().map(|(id, bytes)| Draft { id, bytes }).collect();
            let batch = Batch { seq, events };
            let bytes = batch.encode();
            prop_assert_eq!(Batch::decode(&bytes), Ok(batch));
            for cut in 0..bytes.len() {
                prop_assert!(Batch::decode(&bytes[..cut]).is_err());
            }
        }
    }
}
