//! Learners' cards, ten on an A4 page, with marks to cut along. A card stays with its learner and has his
//! name; its code holds his id, as `transfer in --card` takes it.

use serde::{Deserialize, Serialize};
use spean_protocol::id::LearnerId;

use super::page::{Page, Weight, pdf};
use super::{KHMER, PaperError, others};
use crate::qr::{Qr, grouped};

const A4: (f32, f32) = (210.0, 297.0);

/// ISO/IEC 7810 ID-1.
const CARD: (f32, f32) = (85.6, 54.0);

const COLUMNS: usize = 2;
const ROWS: usize = 5;

/// The length of a mark, and how far it stays from the card.
const MARK: (f32, f32) = (4.0, 1.0);

/// A learner as his card names him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The id.
    pub learner: LearnerId,
    /// His names, Khmer before Latin.
    pub names: Vec<String>,
    /// Code and name of the site that gives it to him.
    pub site: (String, String),
}

/// The cards as A4 pages.
///
/// # Errors
/// [`PaperError`].
pub fn cards(cards: &[Card]) -> Result<Vec<u8>, PaperError> {
    let mut pages = Vec::new();
    for part in cards.chunks(COLUMNS * ROWS) {
        let mut page = Page::new(A4);
        let (left, above) = ((A4.0 - 2.0 * CARD.0) / 2.0, (A4.1 - 5.0 * CARD.1) / 2.0);
        let across = |column: usize| left + CARD.0 * small(column);
        let down = |row: usize| above + CARD.1 * small(row);
        for (at, one) in part.iter().enumerate() {
            draw(&mut page, (across(at % COLUMNS), down(at / COLUMNS)), one)?;
        }
        for column in 0..=COLUMNS {
            let x = across(column);
            for (from, to) in [
                (above - MARK.1 - MARK.0, above - MARK.1),
                (down(ROWS) + MARK.1, down(ROWS) + MARK.1 + MARK.0),
            ] {
                page.line((x, from), (x, to));
            }
        }
        for row in 0..=ROWS {
            let y = down(row);
            for (from, to) in [
                (left - MARK.1 - MARK.0, left - MARK.1),
                (across(COLUMNS) + MARK.1, across(COLUMNS) + MARK.1 + MARK.0),
            ] {
                page.line((from, y), (to, y));
            }
        }
        pages.push(page);
    }
    pdf(&pages)
}

fn small(count: usize) -> f32 {
    f32::from(u8::try_from(count).unwrap_or(u8::MAX))
}

fn draw(page: &mut Page, (x, y): (f32, f32), card: &Card) -> Result<(), PaperError> {
    let id = card.learner.to_string();
    // Capital letters and digits make a smaller code; an id is read in either.
    let code = Qr::for_paper(&id.to_ascii_uppercase())?;
    page.code((x + 57.5, y + 16.0), 22.0, code);
    let wide = CARD.0 - 10.0;
    page.fitted(
        (x + 5.0, y + 8.5),
        (11.0, Weight::Bold),
        wide,
        &KHMER.text("paper-card"),
    );
    let below = others(|words| words.text("paper-card"));
    page.fitted((x + 5.0, y + 12.5), (6.5, Weight::Regular), wide, &below);
    let beside = 48.0;
    for (line, name) in card.names.iter().take(2).enumerate() {
        let at = (x + 5.0, y + 22.0 + 8.0 * small(line));
        page.fitted(at, (13.0, Weight::Bold), beside, name);
    }
    let (site, name) = &card.site;
    let site = if site == name {
        site.clone()
    } else {
        format!("{site}  {name}")
    };
    page.fitted((x + 5.0, y + 37.5), (8.0, Weight::Regular), beside, &site);
    let said = format!(
        "{} / {}",
        KHMER.text("fact-card"),
        others(|words| words.text("fact-card"))
    );
    page.fitted((x + 5.0, y + 43.5), (6.0, Weight::Regular), wide, &said);
    page.fitted(
        (x + 5.0, y + 49.0),
        (11.0, Weight::Bold),
        wide,
        &grouped(&id),
    );
    Ok(())
}
