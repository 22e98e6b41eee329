//! Days of the Gregorian calendar, as counts from 1970-01-01. Not the node's clock: a generated
//! nation has no "today".

use std::fmt;

/// A day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(i32);

impl Day {
    /// The day of a date after the year 0. The month is 1 to 12 and the day is one that it has.
    pub(super) const fn new(year: i32, month: i32, day: i32) -> Self {
        // "days_from_civil" of Howard Hinnant, "chrono-compatible low-level date algorithms".
        let year = if month <= 2 { year - 1 } else { year };
        let era = year / 400;
        let year_of_era = year - era * 400;
        let month_from_march = (month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self(era * 146_097 + day_of_era - 719_468)
    }

    /// The year, month and day of the month.
    pub(super) const fn date(self) -> (i32, i32, i32) {
        // "civil_from_days" of the same paper.
        let shifted = self.0 + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted - era * 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month, day)
    }

    /// The day `days` later, or earlier if they are negative.
    pub(super) const fn plus(self, days: i32) -> Self {
        Self(self.0 + days)
    }

    /// How many days lie from `earlier` to this day.
    pub(super) const fn since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    /// This day, or the Monday after it if it is a Saturday or a Sunday: labs are shut then.
    pub(super) const fn workday(self) -> Self {
        // 1970-01-01 was a Thursday.
        match (self.0 + 3) % 7 {
            5 => self.plus(2),
            6 => self.plus(1),
            _ => self,
        }
    }

    /// The quarter, counted from the first one of 2023, which is 1: what numbers a cohort.
    pub(super) const fn cohort(self) -> i32 {
        let (year, month, _) = self.date();
        (year - 2023) * 4 + (month - 1) / 3 + 1
    }

    /// The exam sitting that the day falls in, as `2025-3`: there are four a year.
    pub(super) fn sitting(self) -> String {
        let (year, month, _) = self.date();
        format!("{year}-{}", (month - 1) / 3 + 1)
    }

    /// The month, `months` later, as `2025-07`.
    pub(super) fn month_after(self, months: i32) -> String {
        let (year, month, _) = self.date();
        let count = year * 12 + month - 1 + months;
        format!("{}-{:02}", count / 12, count % 12 + 1)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}
