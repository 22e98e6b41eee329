//! The request of a new node on an A5 page: for the head office, where no stick goes.

use super::page::{Page, Weight, pdf};
use super::slip::{A5, CODE_SIDE, EDGE};
use super::{PaperError, in_groups, labelled, sentences, title};
use crate::qr::Qr;

/// What is printed of a request.
#[derive(Clone, Debug)]
pub struct Printed {
    /// The site's code and name.
    pub site: (String, String),
    /// The seal of the node's keys.
    pub seal: String,
    /// The request's text.
    pub text: String,
}

/// The page as a file.
///
/// # Errors
/// [`PaperError`].
pub fn request(printed: &Printed) -> Result<Vec<u8>, PaperError> {
    let mut page = Page::new(A5);
    let wide = A5.0 - 2.0 * EDGE;
    title(&mut page, (EDGE, 16.0), wide, |words| {
        words.text("paper-request")
    });
    let (code, name) = &printed.site;
    let site = format!("{code}  {name}");
    labelled(
        &mut page,
        (EDGE, 32.0),
        wide,
        |words| words.text("site"),
        &site,
    );
    labelled(
        &mut page,
        (EDGE, 46.0),
        wide,
        |words| words.text("paper-seal"),
        &printed.seal,
    );
    page.code(
        ((A5.0 - CODE_SIDE) / 2.0, 59.0),
        CODE_SIDE,
        Qr::for_paper(&printed.text)?,
    );
    page.line((EDGE, 115.0), (A5.0 - EDGE, 115.0));
    in_groups(&mut page, (EDGE, 121.0), (10, 12.2), &printed.text);
    sentences(&mut page, (EDGE, 165.0), wide, |words| {
        words.text("paper-request-use")
    });
    page.text((A5.0 - 22.0, 206.0), (6.0, Weight::Regular), "Spean");
    pdf(&[page])
}
