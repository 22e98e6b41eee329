//! Dates and months as small numbers. Payload only: no date decides an order or a right.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not a date or a month of the calendar between 1900 and 2199.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a date such as 2025-03-21, or a month such as 2025-03")]
pub struct BadDate;

/// A day of the civil calendar: its number since 1970-01-01, between 1900 and 2199.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct Date(i32);

impl Date {
    /// 1900-01-01.
    pub const MIN: Self = Self(-25_567);
    /// 2199-12-31.
    pub const MAX: Self = Self(84_005);

    /// The day with that number since 1970-01-01.
    ///
    /// # Errors
    /// [`BadDate`] outside [`Date::MIN`] to [`Date::MAX`].
    pub fn from_days(days: i32) -> Result<Self, BadDate> {
        let inside = (Self::MIN.0..=Self::MAX.0).contains(&days);
        if inside { Ok(Self(days)) } else { Err(BadDate) }
    }

    /// The number of days since 1970-01-01.
    #[must_use]
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The day of that year, month (1 to 12) and day of the month (1 to 31).
    ///
    /// # Errors
    /// [`BadDate`] for a day that the calendar does not have, or outside 1900 to 2199.
    pub fn from_civil(year: i32, month: u8, day: u8) -> Result<Self, BadDate> {
        if !(1900..=2199).contains(&year) {
            return Err(BadDate);
        }
        // Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil. The year
        // begins in March, so that a leap day is its last.
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let era = shifted_year.div_euclid(400);
        let year_of_era = shifted_year.rem_euclid(400);
        let month_from_march = (i32::from(month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i32::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let date = Self(era * 146_097 + day_of_era - 719_468);
        if date.civil() == (year, month, day) {
            Ok(date)
        } else {
            Err(BadDate)
        }
    }

    /// Year, month (1 to 12) and day of the month (1 to 31).
    #[must_use]
    pub fn civil(self) -> (i32, u8, u8) {
        // The same source, civil_from_days.
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
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
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        // Both are below 32 by construction.
        (
            year,
            u8::try_from(month).unwrap_or(0),
            u8::try_from(day).unwrap_or(0),
        )
    }

    /// The month that the day lies in; `None` before 1970.
    #[must_use]
    pub fn month(self) -> Option<Month> {
        let (year, month, _) = self.civil();
        Month::from_civil(year, month).ok()
    }
}

impl TryFrom<i32> for Date {
    type Error = BadDate;

    fn try_from(days: i32) -> Result<Self, BadDate> {
        Self::from_days(days)
    }
}

impl From<Date> for i32 {
    fn from(date: Date) -> Self {
        date.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = BadDate;

    fn from_str(text: &str) -> Result<Self, BadDate> {
        let mut parts = text.split('-');
        let year = digits(parts.next(), 4)?;
        let month = digits(parts.next(), 2)?;
        let day = digits(parts.next(), 2)?;
        if parts.next().is_some() {
            return Err(BadDate);
        }
        let small = |number| u8::try_from(number).map_err(|_| BadDate);
        Self::from_civil(i32::from(year), small(month)?, small(day)?)
    }
}

/// A calendar month: months since January 1970, up to December 2199, or [`Month::UNDATED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Month(pub u16);

impl Month {
    /// January 1970.
    pub const MIN: Self = Self(0);
    /// December 2199.
    pub const MAX: Self = Self(230 * 12 - 1);
    /// Stands where a thing has no date. It sorts after every month.
    pub const UNDATED: Self = Self(0xFFFF);

    /// The month of that year and number (1 to 12).
    ///
    /// # Errors
    /// [`BadDate`] outside 1970 to 2199.
    pub fn from_civil(year: i32, month: u8) -> Result<Self, BadDate> {
        if !(1970..=2199).contains(&year) || !(1..=12).contains(&month) {
            return Err(BadDate);
        }
        let months = (year - 1970) * 12 + i32::from(month) - 1;
        u16::try_from(months).map(Self).map_err(|_| BadDate)
    }

    /// The month of a date; [`Month::UNDATED`] without one, and before 1970.
    #[must_use]
    pub fn of(date: Option<Date>) -> Self {
        date.and_then(Date::month).unwrap_or(Self::UNDATED)
    }

    /// Year and number of the month (1 to 12); `None` for [`Month::UNDATED`].
    #[must_use]
    pub fn civil(self) -> Option<(u16, u16)> {
        (self <= Self::MAX).then_some((1970 + self.0 / 12, self.0 % 12 + 1))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil() {
            Some((year, month)) => write!(f, "{year:04}-{month:02}"),
            None => f.write_str("undated"),
        }
    }
}

impl FromStr for Month {
    type Err = BadDate;

    fn from_str(text: &str) -> Result<Self, BadDate> {
        let (year, month) = text.split_once('-').ok_or(BadDate)?;
        let month = u8::try_from(digits(Some(month), 2)?).map_err(|_| BadDate)?;
        Self::from_civil(i32::from(digits(Some(year), 4)?), month)
    }
}

fn digits(text: Option<&str>, count: usize) -> Result<u16, BadDate> {
    let text = text.ok_or(BadDate)?;
    if text.len() != count || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadDate);
    }
    text.parse().map_err(|_| BadDate)
}

/// Goal: every day has one number and one name, and nothing else is a day.
/// Method: walk all days from first to last beside a naive calendar; then try what is no date.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn all_days_agree_with_a_naive_calendar() {
        let mut date = Date::MIN.0;
        for year in 1900..=2199 {
            let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            let february = if leap { 29 } else { 28 };
            let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, days) in (1_u8..).zip(lengths) {
                for day in 1..=days {
                    assert_eq!(Date(date).civil(), (year, month, day));
                    assert_eq!(Date::from_civil(year, month, day), Ok(Date(date)));
                    date += 1;
                }
                assert_eq!(Date::from_civil(year, month, days + 1), Err(BadDate));
            }
        }
        assert_eq!(Date(date - 1), Date::MAX);
        assert_eq!("1970-01-01".parse::<Date>().unwrap().days(), 0);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2025-02-29",
            "2025-13-01",
            "2025-1-1",
            "1899-12-31",
            "2200-01-01",
        ] {
            assert_eq!(text.parse::<Date>(), Err(BadDate), "{text}");
        }
        for text in ["2025-00", "1969-12", "2025", "2025-01-01", "+025-01"] {
            assert_eq!(text.parse::<Month>(), Err(BadDate), "{text}");
        }
        assert_eq!(Date::from_days(i32::MAX), Err(BadDate));
    }

    #[test]
    fn months_follow_days() {
        let date: Date = "2025-12-31".parse().unwrap();
        assert_eq!(date.month().unwrap().to_string(), "2025-12");
        assert_eq!("2025-12".parse(), Ok(Month::of(Some(date))));
        assert_eq!(Month::of(None), Month::UNDATED);
        assert_eq!(Month::of(Some(Date::MIN)), Month::UNDATED);
        assert_eq!(Month::of(Some(Date::MAX)), Month::MAX);
    }
}
