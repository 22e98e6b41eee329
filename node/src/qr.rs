//! A slip's text as a QR code, for a terminal and for a page, and in groups for reading aloud. Any
//! text of capital letters and digits will do: what a slip is, `spean_protocol::slip` knows.
//!
//! The code is of level M: it still reads with 15 % of its words lost. On paper, where a fold or a stamp
//! may touch it, it is of a higher level as long as it does not become finer than the largest slip's.

use fast_qr::{ECL, QRBuilder, QRCode};

/// Light modules around a code, as the standard (ISO/IEC 18004) asks for.
const QUIET: usize = 4;

/// The largest version that stands on paper: 69 modules a side.
const PAPER_VERSION_MAX: usize = 13;

/// Characters of a group, and groups of a line.
const GROUP: usize = 4;
const LINE: usize = 8;

/// The text is longer than any code holds, which no slip is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this text is too long for a QR code")]
pub struct TooLong;

/// A QR code.
pub struct Qr(QRCode);

impl Qr {
    /// The smallest code that holds the text.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn of(text: &str) -> Result<Self, TooLong> {
        QRBuilder::new(text)
            .ecl(ECL::M)
            .build()
            .map(Self)
            .map_err(|_| TooLong)
    }

    /// A code for paper: of the levels whose code has no more than 69 modules a side, the one that still
    /// reads with most of it lost.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn for_paper(text: &str) -> Result<Self, TooLong> {
        let stronger = [ECL::H, ECL::Q].into_iter().find_map(|level| {
            let code = QRBuilder::new(text).ecl(level).build().map(Self).ok()?;
            (code.version() <= PAPER_VERSION_MAX).then_some(code)
        });
        stronger.map_or_else(|| Self::of(text), Ok)
    }

    /// The version, 1 to 40: four modules a side more with each.
    #[must_use]
    pub fn version(&self) -> usize {
        (self.0.size - 17) / 4
    }

    /// Modules of a side, without the quiet zone.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.0.size
    }

    /// The dark modules, without the quiet zone: column, row and length of each run in a row.
    pub fn runs(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        let dark = |x: usize, y: usize| x < self.side() && self.0[y][x].value();
        (0..self.side()).flat_map(move |y| {
            let begins =
                (0..self.side()).filter(move |x| dark(*x, y) && (*x == 0 || !dark(x - 1, y)));
            begins.map(move |x| (x, y, (x..).take_while(|x| dark(*x, y)).count()))
        })
    }

    /// The code in half-blocks, two rows of modules a line. Light modules are the filled ones, for
    /// the dark background of a console.
    #[must_use]
    pub fn terminal(&self) -> String {
        let side = self.0.size + 2 * QUIET;
        let mut out = String::new();
        for y in (0..side).step_by(2) {
            for x in 0..side {
                out.push(match (self.dark(x, y), self.dark(x, y + 1)) {
                    (true, true) => ' ',
                    (true, false) => '\u{2584}',
                    (false, true) => '\u{2580}',
                    (false, false) => '\u{2588}',
                });
            }
            out.push('\n');
        }
        out
    }

    /// The code as an SVG image without a size of its own; it loads nothing and has no style.
    #[must_use]
    pub fn svg(&self) -> String {
        let side = self.0.size + 2 * QUIET;
        let mut path = String::new();
        for y in 0..side {
            for x in (0..side).filter(|x| self.dark(*x, y)) {
                path.push_str(&format!("M{x} {y}h1v1h-1z"));
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
             shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/>\
             <path d=\"{path}\"/></svg>"
        )
    }

    /// Whether the module at that place, counted from the quiet zone's corner, is dark.
    fn dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.0.size);
        inside(x)
            .zip(inside(y))
            .is_some_and(|(x, y)| self.0[y][x].value())
    }
}

/// The text's code in half-blocks, for a terminal.
///
/// # Errors
/// [`TooLong`].
pub fn terminal(text: &str) -> Result<String, TooLong> {
    Ok(Qr::of(text)?.terminal())
}

/// The text's code as an SVG image.
///
/// # Errors
/// [`TooLong`].
pub fn svg(text: &str) -> Result<String, TooLong> {
    Ok(Qr::of(text)?.svg())
}

/// The text in groups of four, eight to a line, for printing and for reading aloud.
#[must_use]
pub fn grouped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / GROUP + 1);
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && at % (GROUP * LINE) == 0 {
            out.push('\n');
        } else if at > 0 && at % GROUP == 0 {
            out.push(' ');
        }
        out.push(letter);
    }
    out
}

/// Goal: a slip fits a code that a cheap printer and an old phone manage, and its text survives
/// being printed in groups.
/// Method: issue slips with one key and two, as a departure does, and the largest text of any; look at the versions; check
/// both pictures module by module against the code.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use ed25519_dalek::SigningKey;
    use spean_protocol::id::{LearnerId, RunId, SiteId, StayId, Stream};
    use spean_protocol::limits::SLIP_BYTES_MAX;
    use spean_protocol::seal::{Secret, box_key};
    use spean_protocol::slip::Slip;
    use spean_protocol::stay::{GrantContent, HeldKey, StayKey};

    use super::*;

    /// A slip with the largest numbers that a site and a log may have.
    fn slip(keys: usize) -> String {
        let key = |stream: Stream| HeldKey {
            site: SiteId(u16::MAX),
            stream,
            stay: StayId([8; 16]),
            key: StayKey(Secret([stream.byte(); 32])),
        };
        let keys = Stream::ALL.into_iter().take(keys).map(key).collect();
        let places = (SiteId(u16::MAX), SiteId(4));
        let content = GrantContent {
            upto: Some((RunId::of(places.0, [7; 16]), 1 << 20)),
            learners: vec![(LearnerId([9; 16]), keys)],
        };
        let to = box_key(&Secret([1; 32]));
        let from = SigningKey::from_bytes(&[2; 32]);
        Slip::issue(places, &content, &to, &from, [6; 32])
            .unwrap()
            .to_text()
    }

    #[test]
    fn a_slip_fits_a_small_code() {
        let versions = [1, 2].map(|keys| Qr::of(&slip(keys)).unwrap().version());
        assert_eq!(versions, [11, 12]);
        // The largest that is issued: 69 modules a side.
        let largest = "A".repeat(SLIP_BYTES_MAX * 8 / 5);
        assert_eq!(Qr::of(&largest).unwrap().version(), 13);
    }

    #[test]
    fn the_text_is_held_as_letters_and_digits() {
        // 483 characters are what 13-M holds in that mode; as bytes it would be 331.
        assert_eq!(Qr::of(&"A".repeat(483)).unwrap().version(), 13);
        assert_eq!(Qr::of(&"A".repeat(484)).unwrap().version(), 14);
        assert!(Qr::of(&"A".repeat(4_000)).is_err());
    }

    #[test]
    fn both_pictures_show_every_module() {
        let qr = Qr::of(&slip(1)).unwrap();
        let side = qr.0.size + 2 * QUIET;
        let lines: Vec<Vec<char>> = qr
            .terminal()
            .lines()
            .map(|line| line.chars().collect())
            .collect();
        assert_eq!(lines.len(), side.div_ceil(2));
        assert!(lines.iter().all(|line| line.len() == side));
        let svg = qr.svg();
        for y in 0..side {
            for (x, shown) in lines[y / 2].iter().enumerate() {
                let dark = (QUIET..side - QUIET).contains(&x)
                    && (QUIET..side - QUIET).contains(&y)
                    && qr.0[y - QUIET][x - QUIET].value();
                let filled = if y % 2 == 0 {
                    "\u{2588}\u{2580}"
                } else {
                    "\u{2588}\u{2584}"
                };
                assert_eq!(filled.contains(*shown), !dark, "{x} {y}");
                assert_eq!(svg.contains(&format!("M{x} {y}h1v1h-1z")), dark, "{x} {y}");
            }
        }
    }

    #[test]
    fn groups_are_read_back() {
        assert_eq!(grouped(""), "");
        assert_eq!(grouped("ABCD"), "ABCD");
        assert_eq!(grouped(&"ABCDE".repeat(8)).lines().count(), 2);
        let text = slip(2);
        let printed = grouped(&text);
        assert!(printed.lines().all(|line| line.len() <= 39));
        assert!(printed.split_whitespace().all(|group| group.len() <= 4));
        assert_eq!(Slip::from_text(&printed).unwrap().to_text(), text);
    }
}
