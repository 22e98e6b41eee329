//! Who opened whose record, and why: what a learner may see, and what the DGP looks through. A prison's
//! node notes each opening and tells the DGP in a letter; the record itself says nothing of it, so that
//! whoever holds the learner's keys cannot tell who looks at him.

use serde::{Deserialize, Serialize};

use crate::event::Purpose;
use crate::id::LearnerId;

/// Somebody opened a record. What one officer opens several times in an hour for one purpose is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Opening {
    /// Whose record.
    pub learner: LearnerId,
    /// The officer: a number in the site's own list; `None` where nobody said who he was.
    pub by: Option<u16>,
    /// Why.
    pub purpose: Purpose,
    /// The hour, since 1970, by the machine's clock: shown, deciding nothing.
    pub hour: u32,
}
