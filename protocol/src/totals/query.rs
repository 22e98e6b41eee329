//! Which rows a report counts: a range of months, and one site or all.

use serde::{Deserialize, Serialize};

use super::Contribution;
use crate::event::Month;
use crate::id::SiteId;

/// Months from first to last, both included. The first month and [`Month::UNDATED`] make a period
/// of all time; only such a period counts what has no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first month.
    pub first: Month,
    /// The last month.
    pub last: Month,
}

impl Period {
    /// All time, and what has no date.
    pub const ALL: Self = Self {
        first: Month::MIN,
        last: Month::UNDATED,
    };

    /// Whether a row of that month counts.
    #[must_use]
    pub fn contains(self, month: Month) -> bool {
        self.first <= month && month <= self.last
    }
}

/// Which rows a report counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// The months.
    pub period: Period,
    /// One site, or `None` for all.
    pub site: Option<SiteId>,
}

impl Query {
    /// Everything.
    pub const ALL: Self = Self {
        period: Period::ALL,
        site: None,
    };

    /// Whether the row counts: "in the query" in the words of [`super::Figures`].
    #[must_use]
    pub fn holds(&self, row: &Contribution) -> bool {
        self.holds_place(row.site, row.month)
    }

    /// The same for anything with a site and a month.
    #[must_use]
    pub fn holds_place(&self, site: SiteId, month: Month) -> bool {
        self.period.contains(month) && self.site.is_none_or(|only| only == site)
    }
}
