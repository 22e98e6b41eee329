//! The slips of a batch, each an A5 page, and a list for whoever brings the learners. No name stands on
//! either: a short code, the beginning of the id on a learner's card, tells whose a slip is.

use spean_protocol::event::Date;
use spean_protocol::id::LearnerId;

use super::page::{Page, Weight, pdf};
use super::{KHMER, PaperError, in_groups, labelled, others, sentences, title};
use crate::locale;
use crate::qr::Qr;

/// A5, upright.
pub(super) const A5: (f32, f32) = (148.0, 210.0);

/// The side of a code without its quiet zone.
pub const CODE_SIDE: f32 = 50.0;

/// Free at the edges, where printers do not print.
pub(super) const EDGE: f32 = 10.0;

/// Lines of the list on one page.
const LIST_LINES: usize = 30;

/// What is the same on all slips of a batch.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Code and name of the site that they leave.
    pub from: (String, String),
    /// Code and name of the destination.
    pub to: (String, String),
    /// The day of departure; else a line to write it on.
    pub date: Option<Date>,
}

/// One page.
#[derive(Clone, Debug)]
pub struct Printed {
    /// Whose slip it is.
    pub learner: LearnerId,
    /// The slip's text.
    pub slip: String,
    /// It comes after another one of his.
    pub further: bool,
}

/// What tells people whose a slip is: the first eight digits of the id.
#[must_use]
pub fn short_code(learner: LearnerId) -> String {
    let id = learner.to_string();
    let (first, second) = (id.get(..4), id.get(4..8));
    format!(
        "{} {}",
        first.unwrap_or_default(),
        second.unwrap_or_default()
    )
}

/// The slips, and a list of them where there are several.
///
/// # Errors
/// [`PaperError`].
pub fn slips(batch: &Batch, printed: &[Printed]) -> Result<Vec<u8>, PaperError> {
    let mut pages = Vec::new();
    for (number, one) in (1..).zip(printed) {
        pages.push(slip(batch, one, (number, printed.len()))?);
    }
    if printed.len() > 1 {
        pages.extend(list(batch, printed));
    }
    pdf(&pages)
}

fn slip(batch: &Batch, one: &Printed, count: (usize, usize)) -> Result<Page, PaperError> {
    let mut page = Page::new(A5);
    let wide = A5.0 - 2.0 * EDGE;
    title(&mut page, (EDGE, 16.0), 80.0, |words| {
        words.text("paper-slip")
    });
    let number = format!("{} / {}", count.0, count.1);
    labelled(
        &mut page,
        (104.0, 12.0),
        34.0,
        |words| words.text("paper-number"),
        &number,
    );
    places(&mut page, batch);
    labelled(
        &mut page,
        (76.0, 46.0),
        62.0,
        |words| words.text("paper-short-code"),
        &short_code(one.learner),
    );
    let above = 57.5;
    for left in [EDGE + 7.0, A5.0 - EDGE - 7.0 - CODE_SIDE] {
        page.code((left, above), CODE_SIDE, Qr::for_paper(&one.slip)?);
    }
    let below = above + CODE_SIDE + 7.0;
    let typed = format!(
        "{} / {}",
        KHMER.text("paper-typed"),
        others(|words| words.text("paper-typed"))
    );
    page.fitted((EDGE, below), (7.5, Weight::Regular), wide, &typed);
    in_groups(&mut page, (EDGE, below + 5.0), (10, 12.2), &one.slip);
    let said = if one.further { "further" } else { "first" };
    sentences(&mut page, (EDGE, 171.5), wide, |words| match said {
        "further" => words.text("paper-slip-further"),
        _ => words.text("paper-slip-use"),
    });
    Ok(page)
}

/// From where, to where, when.
fn places(page: &mut Page, batch: &Batch) {
    let site = |(code, name): &(String, String)| match code == name || name.is_empty() {
        true => code.clone(),
        false => format!("{code}  {name}"),
    };
    labelled(
        page,
        (EDGE, 32.0),
        62.0,
        |words| words.text("paper-from"),
        &site(&batch.from),
    );
    labelled(
        page,
        (76.0, 32.0),
        62.0,
        |words| words.text("paper-to"),
        &site(&batch.to),
    );
    let day = batch.date.map_or_else(
        || ". . . . . . . . . . . . . . . . .".to_owned(),
        |date| locale::date(locale::Language::Khmer, Some(date)),
    );
    labelled(
        page,
        (EDGE, 46.0),
        62.0,
        |words| words.text("paper-day"),
        &day,
    );
}

fn list(batch: &Batch, printed: &[Printed]) -> Vec<Page> {
    let numbered: Vec<(usize, &Printed)> = (1..).zip(printed).collect();
    let page = |part: &[(usize, &Printed)]| {
        let mut page = Page::new(A5);
        title(&mut page, (EDGE, 16.0), 120.0, |words| {
            words.text("paper-list")
        });
        places(&mut page, batch);
        for (line, (number, one)) in part.iter().enumerate() {
            let y = 64.0 + 4.4 * f32::from(u16::try_from(line).unwrap_or(0));
            page.text((EDGE, y), (9.0, Weight::Regular), &format!("{number}"));
            page.text(
                (EDGE + 12.0, y),
                (9.0, Weight::Bold),
                &short_code(one.learner),
            );
            page.line((EDGE + 40.0, y + 0.6), (A5.0 - EDGE, y + 0.6));
        }
        let below = format!(
            "{} / {}",
            KHMER.text("paper-list-use"),
            others(|words| words.text("paper-list-use"))
        );
        page.wrapped((EDGE, 198.0), (7.0, 4.0), A5.0 - 2.0 * EDGE, &below);
        page
    };
    numbered.chunks(LIST_LINES).map(page).collect()
}
