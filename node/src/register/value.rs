//! What people and spreadsheets write for numbers, days and words, as the columns want it.

use spean_protocol::event::Date;

/// Letters of a value that an error shows.
const SHOWN: usize = 40;

/// A value as an error shows it.
#[must_use]
pub fn shortened(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// Khmer digits as the ones that computers read.
fn digits(text: &str) -> String {
    let latin = |one: char| match one {
        '\u{17e0}'..='\u{17e9}' => char::from_digit(u32::from(one) - 0x17e0, 10).unwrap_or(one),
        other => other,
    };
    text.chars().map(latin).collect()
}

/// A value without what nobody sees: blanks around it, marks without width, ends of lines and the like within; with
/// Latin digits.
#[must_use]
pub fn cleaned(text: &str) -> String {
    let seen = text.chars().filter_map(|one| match one {
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => None,
        one if one.is_control() || one == '\u{a0}' => Some(' '),
        one => Some(one),
    });
    digits(seen.collect::<String>().trim())
}

/// A day: 2026-01-31, or as it is written in Cambodia and France 31/01/2026, 31.01.2026 or 31-01-2026. A year
/// of two digits is no year. `None` for an empty text.
///
/// # Errors
/// Says what a day looks like.
pub fn date(text: &str) -> Result<Option<Date>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    // A spreadsheet's day may come with its hour.
    let day = text.split(['T', ' ']).next().unwrap_or(text);
    if let Ok(date) = day.parse() {
        return Ok(Some(date));
    }
    let parts: Vec<&str> = day.split(['/', '.', '-']).collect();
    let read = match parts.as_slice() {
        [day, month, year] if year.len() == 4 && day.len() <= 2 && month.len() <= 2 => {
            let civil = (year.parse(), month.parse(), day.parse());
            match civil {
                (Ok(year), Ok(month), Ok(day)) => Date::from_civil(year, month, day).ok(),
                _ => None,
            }
        }
        _ => None,
    };
    match read {
        Some(date) => Ok(Some(date)),
        None => Err(format!(
            "'{}' is not a day such as 2025-03-31 or 31/03/2025",
            shortened(text)
        )),
    }
}

/// Whether a spreadsheet made a number of a long row of digits, and lost the last ones.
#[must_use]
pub fn is_rounded(text: &str) -> bool {
    let mantissa = text.split_once("E+");
    mantissa
        .is_some_and(|(digits, power)| digits.parse::<f64>().is_ok() && power.parse::<u8>().is_ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Goal: what people write is understood in one way, or not at all.
    /// Method: days as they are written in three countries, and some that are none.
    #[test]
    fn days_and_digits() {
        let day = |text: &str| date(text).map(|day| day.map(|day| day.to_string()));
        for text in [
            "2026-02-28",
            "28/02/2026",
            "28.2.2026",
            "28-02-2026",
            "2026-02-28 00:00:00",
            "2026-02-28T10:30:00+07:00",
        ] {
            assert_eq!(day(text).unwrap().unwrap(), "2026-02-28", "{text}");
        }
        assert_eq!(day(" ").unwrap(), None);
        for text in ["28/02/26", "02/28/2026", "2026-02-30", "yesterday", "1/2"] {
            assert!(day(text).is_err(), "{text}");
        }
        assert_eq!(cleaned(" a\u{a0}\u{200b}b\n"), "a b");
        assert_eq!(digits("\u{17e1}\u{17e2}/\u{17e0}\u{17e9}"), "12/09");
        assert!(is_rounded("1.23456789012E+31") && !is_rounded("3E12") && !is_rounded("1990"));
    }
}
