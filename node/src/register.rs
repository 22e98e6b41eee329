//! Rows of a register of any kind, as whoever reads one passes them on.

use serde::{Deserialize, Serialize};
use spean_protocol::event::Date;

/// Whom a row is about, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// Digits of a card, an id, a user name, or the row key in a file of learners.
    pub learner: String,
    /// Family name first, in either script.
    pub name: String,
    /// The sex.
    pub sex: String,
    /// When he was born.
    pub born: String,
}

/// What a row of any register says of one learner: one event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Unique within the source; the same again is the same event.
    pub key: String,
    /// Whom it is about.
    pub who: Who,
    /// When it happened; `None` when nobody knows.
    pub date: Option<Date>,
    /// Columns `kind`, `programme`, `module`, `session`, `score`, `max`, `version`, `value`.
    pub fields: [String; 8],
}
