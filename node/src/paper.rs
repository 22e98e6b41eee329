//! What goes on paper, as PDF: the slips of a batch, learners' cards, the request of a new node. Nothing
//! in a file tells when or where it was made: the same content is the same bytes.
//!
//! `page` draws and `font` shapes; what stands where is the business of the module of each paper.

pub mod card;
mod font;
mod page;
pub mod request;
pub mod slip;

use crate::locale::{self, Language};
use page::{Page, Weight};

/// Why nothing can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaperError {
    /// The fonts are part of the program.
    #[error("the fonts in this program are damaged: install it anew")]
    Fonts,
    /// No code holds so much.
    #[error(transparent)]
    Code(#[from] crate::qr::TooLong),
}

/// Words of one language.
#[derive(Clone, Copy)]
struct Words(Language);

impl Words {
    fn text(self, key: &str) -> String {
        locale::text(self.0, key, &[])
    }
}

/// Khmer, which every officer reads.
const KHMER: Words = Words(Language::Khmer);

/// The others, on one line.
fn others(of: impl Fn(Words) -> String) -> String {
    let [english, french] = [Language::English, Language::French].map(|one| of(Words(one)));
    if english == french {
        english
    } else {
        format!("{english} / {french}")
    }
}

/// A title in Khmer with the other languages below it.
fn title(page: &mut Page, (x, y): (f32, f32), width: f32, of: impl Fn(Words) -> String + Copy) {
    page.fitted((x, y), (15.0, Weight::Bold), width, &of(KHMER));
    page.fitted((x, y + 6.5), (9.0, Weight::Regular), width, &others(of));
}

/// A label over a value.
fn labelled(
    page: &mut Page,
    (x, y): (f32, f32),
    width: f32,
    of: impl Fn(Words) -> String + Copy,
    value: &str,
) {
    let label = format!("{} / {}", of(KHMER), others(of));
    page.fitted((x, y), (7.0, Weight::Regular), width, &label);
    page.fitted((x, y + 6.0), (12.0, Weight::Bold), width, value);
}

/// A text of a code in groups of four, in columns, its lines numbered.
fn in_groups(page: &mut Page, (x, y): (f32, f32), (columns, step): (usize, f32), text: &str) {
    let letters: Vec<char> = text.chars().collect();
    let groups: Vec<String> = letters
        .chunks(4)
        .map(|four| four.iter().collect())
        .collect();
    let mut at = y;
    for (number, line) in (1..).zip(groups.chunks(columns)) {
        page.text((x, at), (6.0, Weight::Regular), &format!("{number}"));
        let mut left = x + 6.0;
        for group in line {
            page.text((left, at), (8.5, Weight::Bold), group);
            left += step;
        }
        at += 3.9;
    }
}

/// The same sentences in each language, one below the other; where the next may stand.
fn sentences(
    page: &mut Page,
    (x, mut y): (f32, f32),
    width: f32,
    of: impl Fn(Words) -> String,
) -> f32 {
    for (language, size, line) in [
        (Language::Khmer, 9.0, 5.2),
        (Language::English, 7.5, 3.5),
        (Language::French, 7.5, 3.5),
    ] {
        y = page.wrapped((x, y), (size, line), width, &of(Words(language))) + 0.6;
    }
    y
}

#[cfg(test)]
mod tests;
