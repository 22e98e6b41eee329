//! The values that an event's fields hold, each bounded and checked where it is decoded, so that
//! the rest of the project needs no second look. Dates are in `date`, closed lists in `codes`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::str::FromStr;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::date::{Date, Month};
use crate::catalogue::ModuleId;
use crate::id::SiteId;

/// A value outside what its field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadField(pub &'static str);

/// A text of at most `MAX` bytes of UTF-8 without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Checks a text.
    ///
    /// # Errors
    /// [`BadField`] when it is longer than `MAX` bytes or holds a control character.
    pub fn new(text: &str) -> Result<Self, BadField> {
        if text.len() > MAX {
            return Err(BadField("the text is too long"));
        }
        if text.chars().any(char::is_control) {
            return Err(BadField("the text holds a control character"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl<const MAX: usize> Deref for Text<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// At most `MAX` values. Decoding refuses a longer list before it allocates.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// Checks a list.
    ///
    /// # Errors
    /// [`BadField`] when it has more than `MAX` values.
    pub fn new(values: Vec<T>) -> Result<Self, BadField> {
        if values.len() <= MAX {
            Ok(Self(values))
        } else {
            Err(BadField("the list is too long"))
        }
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
    type Value = List<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MAX} values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element()? {
            if values.len() == MAX {
                return Err(A::Error::custom("the list is too long"));
            }
            values.push(value);
        }
        Ok(List(values))
    }
}

/// A family or given name: 40 Khmer letters.
pub type NamePart = Text<120>;

/// A generated user name. Not unique across sites.
pub type Username = Text<32>;

/// A password verifier, as the password module made it.
pub type Verifier = List<u8, 128>;

/// The languages that a learner speaks, in ISO 639-1 order of choice.
pub type Languages = List<Language, 8>;

/// The modules of a learner's pathway, in order.
pub type Pathway = List<PathwayStep, 40>;

/// An ISO 639-1 language code: two lower-case letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "[u8; 2]", into = "[u8; 2]")]
pub struct Language([u8; 2]);

impl TryFrom<[u8; 2]> for Language {
    type Error = BadField;

    fn try_from(code: [u8; 2]) -> Result<Self, BadField> {
        let letters = code.iter().all(u8::is_ascii_lowercase);
        if letters {
            Ok(Self(code))
        } else {
            Err(BadField("a language is two letters, as km"))
        }
    }
}

impl From<Language> for [u8; 2] {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl FromStr for Language {
    type Err = BadField;

    fn from_str(text: &str) -> Result<Self, BadField> {
        let code: [u8; 2] = text
            .as_bytes()
            .try_into()
            .map_err(|_| BadField("a language is two letters, as km"))?;
        Self::try_from(code)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", char::from(self.0[0]), char::from(self.0[1]))
    }
}

/// One module of a pathway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PathwayStep {
    /// The module.
    pub module: ModuleId,
    /// When it should be done, if that was said.
    pub due: Option<Date>,
}

/// A date of birth with its precision: a year, a month of it, or a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u16, u8, u8)", into = "(u16, u8, u8)")]
pub struct Birth {
    year: u16,
    month: u8,
    day: u8,
}

impl Birth {
    /// The year, 1900 to 2199.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12, if it is known.
    #[must_use]
    pub const fn month(self) -> Option<u8> {
        if self.month == 0 {
            None
        } else {
            Some(self.month)
        }
    }

    /// The day of the month, if it is known.
    #[must_use]
    pub const fn day(self) -> Option<u8> {
        if self.day == 0 { None } else { Some(self.day) }
    }
}

impl TryFrom<(u16, u8, u8)> for Birth {
    type Error = BadField;

    /// Year, month and day, where 0 stands for an unknown month or day.
    fn try_from((year, month, day): (u16, u8, u8)) -> Result<Self, BadField> {
        let precise = month != 0 || day == 0;
        let exists = Date::from_civil(i32::from(year), month.max(1), day.max(1)).is_ok();
        if precise && exists {
            Ok(Self { year, month, day })
        } else {
            Err(BadField(
                "expected a birth such as 1990, 1990-05 or 1990-05-17",
            ))
        }
    }
}

impl From<Birth> for (u16, u8, u8) {
    fn from(birth: Birth) -> Self {
        (birth.year, birth.month, birth.day)
    }
}

impl FromStr for Birth {
    type Err = BadField;

    /// `1990`, `1990-05` or `1990-05-17`.
    fn from_str(text: &str) -> Result<Self, BadField> {
        // The missing parts are filled with a January or a first that the precision then drops.
        let filled = match text.len() {
            4 => format!("{text}-01-01"),
            7 => format!("{text}-01"),
            _ => text.to_owned(),
        };
        let no_birth = BadField("expected a birth such as 1990, 1990-05 or 1990-05-17");
        let (year, month, day) = filled.parse::<Date>().map_err(|_| no_birth)?.civil();
        let year = u16::try_from(year).map_err(|_| no_birth)?;
        let month = if text.len() > 4 { month } else { 0 };
        let day = if text.len() > 7 { day } else { 0 };
        Self::try_from((year, month, day))
    }
}

impl fmt::Display for Birth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        for part in [self.month, self.day].into_iter().filter(|part| *part != 0) {
            write!(f, "-{part:02}")?;
        }
        Ok(())
    }
}

/// The range of months in which a release is expected; both open when it is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReleaseRange {
    /// Not before this month.
    pub earliest: Option<Month>,
    /// Not after this month.
    pub latest: Option<Month>,
}

/// A result: points out of a maximum that is never 0, and never more than it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Score {
    points: u32,
    max: u32,
}

impl Score {
    /// The points reached.
    #[must_use]
    pub const fn points(self) -> u32 {
        self.points
    }

    /// The points that could be reached, at least 1.
    #[must_use]
    pub const fn max(self) -> u32 {
        self.max
    }

    /// The share reached in hundredths of a percent, 0 to 10,000, rounded half up.
    #[must_use]
    pub fn basis_points(self) -> i32 {
        let (points, max) = (u64::from(self.points), u64::from(self.max));
        let share = (20_000 * points + max) / (2 * max);
        // At most 10,000, because points never exceed the maximum.
        i32::try_from(share).unwrap_or(10_000)
    }

    /// Two texts such as `17` and `20`, or `7.5` and `10`: up to five decimals, as Moodle writes.
    ///
    /// # Errors
    /// [`BadField`] for anything that is no score.
    pub fn parse(points: &str, max: &str) -> Result<Self, BadField> {
        let (points, max) = (hundredths(points)?, hundredths(max)?);
        let whole = points % 100 == 0 && max % 100 == 0;
        let unit = if whole { 100 } else { 1 };
        Self::try_from((points / unit, max / unit))
    }
}

impl TryFrom<(u32, u32)> for Score {
    type Error = BadField;

    fn try_from((points, max): (u32, u32)) -> Result<Self, BadField> {
        if max == 0 || points > max {
            return Err(BadField("the score is not between 0 and its maximum"));
        }
        Ok(Self { points, max })
    }
}

impl From<Score> for (u32, u32) {
    fn from(score: Score) -> Self {
        (score.points, score.max)
    }
}

/// A decimal number in hundredths; what is beyond them is dropped.
fn hundredths(text: &str) -> Result<u32, BadField> {
    let no_number = BadField("expected a number such as 17 or 7.5");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() > 6 || fraction.len() > 5 {
        return Err(no_number);
    }
    let cents = format!("{fraction}0");
    let whole: u32 = whole.parse().map_err(|_| no_number)?;
    let cents: u32 = cents[..2].parse().map_err(|_| no_number)?;
    Ok(whole * 100 + cents)
}

/// One of the official exam's sessions: a year and its number within it, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sitting {
    /// The year.
    pub year: u16,
    /// The number within the year.
    pub number: u8,
}

impl FromStr for Sitting {
    type Err = BadField;

    fn from_str(text: &str) -> Result<Self, BadField> {
        let no_sitting = BadField("expected an exam sitting such as 2025-3");
        let (year, number) = text.split_once('-').ok_or(no_sitting)?;
        let year = year.parse().map_err(|_| no_sitting)?;
        let number = number.parse().map_err(|_| no_sitting)?;
        Ok(Self { year, number })
    }
}

impl fmt::Display for Sitting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.year, self.number)
    }
}

/// The five answers of the WHO-5 questionnaire, each 0 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "[u8; 5]", into = "[u8; 5]")]
pub struct Who5Answers([u8; 5]);

impl TryFrom<[u8; 5]> for Who5Answers {
    type Error = BadField;

    fn try_from(answers: [u8; 5]) -> Result<Self, BadField> {
        let inside = answers.iter().all(|answer| *answer <= 5);
        if inside {
            Ok(Self(answers))
        } else {
            Err(BadField("expected five answers of 0 to 5"))
        }
    }
}

impl From<Who5Answers> for [u8; 5] {
    fn from(answers: Who5Answers) -> Self {
        answers.0
    }
}

impl FromStr for Who5Answers {
    type Err = BadField;

    /// Five numbers separated by spaces.
    fn from_str(text: &str) -> Result<Self, BadField> {
        let wrong = BadField("expected five answers of 0 to 5, such as 3 2 4 1 5");
        let answers: Option<Vec<u8>> = text
            .split_whitespace()
            .map(|answer| answer.parse().ok())
            .collect();
        let answers: [u8; 5] = answers.and_then(|list| list.try_into().ok()).ok_or(wrong)?;
        Self::try_from(answers)
    }
}

/// Where a learner goes at a departure.
///
/// Three bytes at most: a code and a site's number, which is 0 without a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(u8, u16)", into = "(u8, u16)")]
pub enum Destination {
    /// Another site of the roster.
    Site(SiteId),
    /// A prison that has no node yet.
    WithoutNode,
    /// Out of prison.
    Released,
    /// Nobody said.
    Unknown,
    /// A code that a newer version knows.
    Other(u8, u16),
}

impl From<(u8, u16)> for Destination {
    fn from(pair: (u8, u16)) -> Self {
        match pair {
            (1, site) => Self::Site(SiteId(site)),
            (2, 0) => Self::WithoutNode,
            (3, 0) => Self::Released,
            (4, 0) => Self::Unknown,
            (code, detail) => Self::Other(code, detail),
        }
    }
}

impl From<Destination> for (u8, u16) {
    fn from(destination: Destination) -> Self {
        match destination {
            Destination::Site(site) => (1, site.0),
            Destination::WithoutNode => (2, 0),
            Destination::Released => (3, 0),
            Destination::Unknown => (4, 0),
            Destination::Other(code, detail) => (code, detail),
        }
    }
}
