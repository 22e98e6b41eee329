//! What clients asked for, so that a test sees that nothing was written twice; and the trouble that
//! they meet.

use std::time::Duration;

/// A call as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function.
    pub function: String,
    /// Its parameters, without token, function and format.
    pub form: Vec<(String, String)>,
    /// What became of it.
    pub outcome: Outcome,
}

impl Call {
    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.form.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out, even if the answer was late or lost.
    Done,
    /// It was refused with this error code.
    Refused(String),
    /// Trouble came first.
    NotReached,
}

/// Trouble that a request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// HTTP 503; nothing is done.
    Unavailable,
    /// HTTP 200 with a page instead of JSON; nothing is done.
    Page,
    /// The connection is closed without an answer; nothing is done.
    Closed,
    /// The call is carried out, then the connection is closed without an answer.
    Lost,
    /// The call is carried out, then the answer waits this long.
    Slow(Duration),
}

impl Trouble {
    /// Whether the call is carried out in spite of it.
    pub(crate) const fn lets_through(self) -> bool {
        matches!(self, Self::Lost | Self::Slow(_))
    }
}
