//! The first noun of the chain: what can happen to a learner. An [`Event`] is a fact that somebody
//! recorded; it never changes and is never removed. A mistake is taken back by another event.
//! What the events of one learner amount to is `view`'s business; how they are stored, `record`'s.
//!
//! Bytes: `kind` (varint) `flags` (1 byte) `[date]` `[by]` `[supersedes]` then the kind's fields in
//! order, all in postcard's encoding. A kind is never given another meaning and its fields never
//! change; a newer version may add kinds, and fields after the last. So an old node reads of a
//! newer event what it knows, says "from a newer version", and forwards the bytes as they came.
//!
//! Nothing that a learner types is in an event: every text and byte list is set by an officer at a
//! screen or by the program, and the rest are numbers and codes of closed lists. Neither are
//! offence, sentence, legal or medical data: there is no kind for them.

mod body;
mod codes;
mod csv;
mod date;
mod field;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::body::Body;
pub use self::codes::{
    ArrivalReason, Aspiration, AssessmentKind, DepartureReason, Disability, EducationLevel,
    ExamOutcome, Handout, Issuer, LinkReason, Office, Provider, Purpose, Referral, Remark,
    RetractionReason, Script, Sex, UnknownCode, Who5Moment, WithdrawalReason,
};
pub use self::csv::{CsvProblem, CsvRow, YES_OR_NO};
pub use self::date::{BadDate, Date, Month};
pub use self::field::{
    BadField, Birth, Destination, Language, Languages, List, NamePart, Pathway, PathwayStep,
    ReleaseRange, Score, Sitting, Text, Username, Verifier, Who5Answers,
};
use crate::codec;
use crate::limits::EVENT_BYTES_MAX;

/// Events that one event may supersede: a value set at every site of a large country at once.
const SUPERSEDES_MAX: usize = 32;

const HAS_DATE: u8 = 1;
const HAS_BY: u8 = 2;
const HAS_SUPERSEDES: u8 = 4;
const KNOWN_FLAGS: u8 = HAS_DATE | HAS_BY | HAS_SUPERSEDES;

/// Why bytes are no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// More than `limits::EVENT_BYTES_MAX`: refuse the parcel that brought it.
    #[error("an event of {0} bytes, more than allowed")]
    TooLong(usize),
    /// The first fields, which all versions share, are cut short or out of range.
    #[error("the event's kind, date or references are malformed")]
    Header,
    /// A known kind with fields that are cut short or out of range.
    #[error("the fields of an event of kind {0} are malformed")]
    Fields(u16),
}

/// An event's key in the learner's document: at most 48 visible ASCII characters, unique by
/// construction. `record` mints it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct EventId(pub String);

impl EventId {
    /// The longest key, in bytes.
    pub const BYTES_MAX: usize = 48;
}

impl TryFrom<String> for EventId {
    type Error = BadField;

    fn try_from(text: String) -> Result<Self, BadField> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=Self::BYTES_MAX).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err(BadField("not the key of an event"))
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing that happened to one learner. The learner is whose document it stands in, the site
/// is whose log brought it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The day on which it happened, not on which it was recorded; `None` when nobody knows.
    pub date: Option<Date>,
    /// The officer who recorded it: a number in the site's own list; `None` for the program.
    pub by: Option<u16>,
    /// The events of this learner that this one takes the place of. At most 32: of more, the rest
    /// stay visible beside it.
    pub supersedes: Vec<EventId>,
    /// What happened.
    pub body: Body,
    /// The bytes after the fields that this version knows. Empty unless a newer one wrote them.
    pub unread: Vec<u8>,
}

impl Event {
    /// An undated event of the program itself, which supersedes nothing.
    #[must_use]
    pub fn new(body: Body) -> Self {
        Self {
            date: None,
            by: None,
            supersedes: Vec::new(),
            body,
            unread: Vec::new(),
        }
    }

    /// The same event on that day.
    #[must_use]
    pub fn on(mut self, date: Date) -> Self {
        self.date = Some(date);
        self
    }

    /// The same event, recorded by that officer.
    #[must_use]
    pub fn by(mut self, officer: u16) -> Self {
        self.by = Some(officer);
        self
    }

    /// The same event in place of those.
    #[must_use]
    pub fn superseding(mut self, events: Vec<EventId>) -> Self {
        self.supersedes = events;
        self
    }

    /// Whether a newer version wrote something here that this one cannot read.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        !self.unread.is_empty() || matches!(self.body, Body::Newer { .. })
    }

    /// The event's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut flags = if let Body::Newer { flags, .. } = self.body {
            flags
        } else {
            0
        };
        flags |= if self.date.is_some() { HAS_DATE } else { 0 };
        flags |= if self.by.is_some() { HAS_BY } else { 0 };
        flags |= if self.supersedes.is_empty() {
            0
        } else {
            HAS_SUPERSEDES
        };
        let mut out = codec::encode(&(self.body.kind(), flags));
        out.extend(self.date.iter().flat_map(codec::encode));
        out.extend(self.by.iter().flat_map(codec::encode));
        if !self.supersedes.is_empty() {
            let count = self.supersedes.len().min(SUPERSEDES_MAX);
            out.extend(codec::encode(&&self.supersedes[..count]));
        }
        self.body.write_fields(&mut out);
        out.extend_from_slice(&self.unread);
        out
    }

    /// Reads an event. What a newer version added is kept in `unread`, and [`Event::encode`] gives
    /// it back.
    ///
    /// # Errors
    /// [`EventError`], for bytes that no version writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, EventError> {
        if bytes.len() > EVENT_BYTES_MAX {
            return Err(EventError::TooLong(bytes.len()));
        }
        let header = |_| EventError::Header;
        let ((kind, flags), mut rest) = codec::take::<(u16, u8)>(bytes).map_err(header)?;
        let mut event = Self::new(Body::Newer {
            kind,
            flags: flags & !KNOWN_FLAGS,
        });
        if flags & HAS_DATE != 0 {
            let (date, after) = codec::take(rest).map_err(header)?;
            (event.date, rest) = (Some(date), after);
        }
        if flags & HAS_BY != 0 {
            let (by, after) = codec::take(rest).map_err(header)?;
            (event.by, rest) = (Some(by), after);
        }
        if flags & HAS_SUPERSEDES != 0 {
            let (list, after) =
                codec::take::<List<EventId, SUPERSEDES_MAX>>(rest).map_err(header)?;
            (event.supersedes, rest) = (list.to_vec(), after);
        }
        // An unknown flag may mean another field here, so the rest would be misread.
        if flags & !KNOWN_FLAGS == 0
            && let Some((body, after)) = Body::read_fields(kind, rest)?
        {
            (event.body, rest) = (body, after);
        }
        event.unread = rest.to_vec();
        Ok(event)
    }
}

#[cfg(test)]
pub(crate) mod tests;
