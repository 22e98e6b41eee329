//! The request of a new node as a text: on paper, or read over a telephone, where no stick goes.
//!
//! ```text
//! mark (1) | role (1) | cohort (2) | key (32) | box key (32) | length of the code (1) | code | name | check (4)
//! ```
//! As text it is Base32 (RFC 4648) without padding, like a slip. The mark makes each begin with `R`,
//! which no slip does. Nothing in it is secret, and nobody need believe it: what is compared is the seal
//! of the keys, by telephone.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use spean_protocol::roster::Role;
use spean_protocol::seal::derive;
use spean_protocol::slip::Slip;

use crate::home::EnrolmentRequest;

/// `R` as the first letter, and version 1.
const MARK: u8 = 0x89;

/// Bytes before the code.
const FRONT: usize = 1 + 1 + 2 + 32 + 32 + 1;

/// Bytes of the check.
const CHECK: usize = 4;

/// Characters of a text, with gaps: of the longest code and name and more.
const TEXT_MAX: usize = 2_048;

/// Why a text is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolmentError {
    /// Something else of this system.
    #[error(
        "this is {0}, and no request of a new node: 'spean enrol show' on that node prints one"
    )]
    Another(&'static str),
    /// Not a text of ours, or with letters that none has.
    #[error(
        "this is no request of a new node: it begins with R and has the letters A to Z and the \
         digits 2 to 7 only"
    )]
    Foreign,
    /// It ends too early, or a letter of it is wrong.
    #[error(
        "the request is not whole, or a letter of it is wrong: compare it line by line, or scan it again"
    )]
    Mistyped,
    /// A newer program wrote it.
    #[error("the request is of version {0}: update this program")]
    NewerVersion(u8),
    /// Its parts are not what they should be.
    #[error("the request says what no node asks: {0}")]
    Content(String),
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let hash = derive("spean 2026 request on paper v1", &[bytes]);
    [hash[0], hash[1], hash[2], hash[3]]
}

impl EnrolmentRequest {
    /// The request as a text.
    ///
    /// # Errors
    /// [`EnrolmentError::Content`] where the request itself is not sound.
    pub fn to_text(&self) -> Result<String, EnrolmentError> {
        let (role, key, public) = self.parts().map_err(EnrolmentError::Content)?;
        let role = match role {
            Role::Prison => 0,
            Role::Headquarters => 1,
        };
        let length = u8::try_from(self.code.len());
        let length = length.map_err(|_| EnrolmentError::Content("its code is too long".into()))?;
        let mut bytes = vec![MARK, role];
        bytes.extend(self.cohort.to_le_bytes());
        bytes.extend(key);
        bytes.extend(public.0);
        bytes.push(length);
        bytes.extend(self.code.as_bytes());
        bytes.extend(self.name.as_bytes());
        bytes.extend(check(&bytes));
        Ok(BASE32_NOPAD.encode(&bytes))
    }

    /// Reads a text as somebody types or scans it: in either case, with gaps and dashes.
    ///
    /// # Errors
    /// [`EnrolmentError`] says what it is instead, or what is wrong.
    pub fn from_text(text: &str) -> Result<Self, EnrolmentError> {
        if text.len() > TEXT_MAX {
            return Err(EnrolmentError::Foreign);
        }
        let gap = |letter: &char| letter.is_whitespace() || *letter == '-';
        let letters: String = text.chars().filter(|letter| !gap(letter)).collect();
        let letters = letters.to_ascii_uppercase();
        if Slip::from_text(&letters).is_ok() {
            return Err(EnrolmentError::Another("a transfer slip"));
        }
        if letters.parse::<spean_protocol::id::LearnerId>().is_ok() {
            return Err(EnrolmentError::Another("the number of a learner's card"));
        }
        if !letters.starts_with('R') {
            return Err(EnrolmentError::Foreign);
        }
        let known = |letter: char| matches!(letter, 'A'..='Z' | '2'..='7');
        if !letters.chars().all(known) {
            return Err(EnrolmentError::Foreign);
        }
        let bytes = BASE32_NOPAD.decode(letters.as_bytes());
        let bytes = bytes.map_err(|_| EnrolmentError::Mistyped)?;
        let whole = bytes.len().checked_sub(CHECK).filter(|at| *at >= FRONT);
        let (bytes, found) = bytes.split_at(whole.ok_or(EnrolmentError::Mistyped)?);
        if found != check(bytes) {
            return Err(EnrolmentError::Mistyped);
        }
        if bytes[0] != MARK {
            return Err(EnrolmentError::NewerVersion(bytes[0] & 7));
        }
        Self::decode(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, EnrolmentError> {
        let wrong = |what: &str| EnrolmentError::Content(what.to_owned());
        let role = match bytes[1] {
            0 => "prison",
            1 => "headquarters",
            _ => return Err(wrong("a role that is none")),
        };
        let (front, rest) = bytes.split_at(FRONT);
        let code = rest.split_at_checked(front[FRONT - 1].into());
        let (code, name) = code.ok_or_else(|| wrong("a code that is longer than it"))?;
        let text = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec());
            text.map_err(|_| wrong("a name that is no text"))
        };
        Ok(Self {
            code: text(code)?,
            name: text(name)?,
            role: role.to_owned(),
            cohort: u16::from_le_bytes([front[2], front[3]]),
            key: HEXLOWER.encode(&front[4..36]),
            box_key: HEXLOWER.encode(&front[36..68]),
        })
    }
}

/// Goal: a request that was typed from paper is the one that was made, and whatever else somebody
/// types or scans is refused by name.
/// Method: one request in several spellings; every letter of it changed, every length of it; a slip, a
/// card's number, a newer version.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ed25519_dalek::SigningKey;
    use spean_protocol::id::{LearnerId, SiteId};
    use spean_protocol::seal::{Secret, box_key};
    use spean_protocol::stay::GrantContent;

    use super::*;

    fn request() -> EnrolmentRequest {
        EnrolmentRequest {
            code: "KAM".to_owned(),
            name: "Kampot \u{1780}\u{17C6}\u{1796}\u{178F}".to_owned(),
            role: "prison".to_owned(),
            cohort: 258,
            key: HEXLOWER.encode(SigningKey::from_bytes(&[3; 32]).verifying_key().as_bytes()),
            box_key: HEXLOWER.encode(&box_key(&Secret([4; 32])).0),
        }
    }

    #[test]
    fn a_request_is_read_back_as_somebody_types_it() {
        let text = request().to_text().unwrap();
        assert!(text.starts_with('R'));
        assert!(
            crate::qr::Qr::of(&text).unwrap().version() <= 8,
            "{}",
            text.len()
        );
        let typed = crate::qr::grouped(&text).to_lowercase().replace(' ', " - ");
        for spelling in [text, typed] {
            let read = EnrolmentRequest::from_text(&spelling).unwrap();
            assert_eq!(read, request());
            assert_eq!(read.seal(), request().seal());
        }
        let longest = EnrolmentRequest {
            code: "C".repeat(16),
            name: "n".repeat(128),
            role: "headquarters".to_owned(),
            ..request()
        };
        let text = longest.to_text().unwrap();
        assert_eq!(EnrolmentRequest::from_text(&text), Ok(longest));
        assert!(crate::qr::Qr::of(&text).unwrap().version() <= 13);
    }

    #[test]
    fn no_letter_of_it_can_be_another_and_no_part_is_taken() {
        let text = request().to_text().unwrap();
        for at in 0..text.len() {
            let other = if text.as_bytes()[at] == b'A' {
                "B"
            } else {
                "A"
            };
            let changed = [&text[..at], other, &text[at + 1..]].concat();
            let refused = EnrolmentRequest::from_text(&changed).unwrap_err();
            let named = matches!(refused, EnrolmentError::Mistyped | EnrolmentError::Foreign);
            assert!(named, "{at}: {refused}");
            let refused = EnrolmentRequest::from_text(&text[..at]).unwrap_err();
            let named = matches!(refused, EnrolmentError::Mistyped | EnrolmentError::Foreign);
            assert!(named, "{at} letters: {refused}");
        }
    }

    #[test]
    fn what_is_something_else_is_named() {
        let refused = |text: &str| EnrolmentRequest::from_text(text).unwrap_err();
        let content = GrantContent {
            upto: None,
            learners: vec![(LearnerId([1; 16]), Vec::new())],
        };
        let (places, to) = ((SiteId(3), SiteId(4)), box_key(&Secret([1; 32])));
        let key = SigningKey::from_bytes(&[2; 32]);
        let slip = Slip::issue(places, &content, &to, &key, [3; 32]).unwrap();
        assert_eq!(
            refused(&slip.to_text()),
            EnrolmentError::Another("a transfer slip")
        );
        let card = EnrolmentError::Another("the number of a learner's card");
        assert_eq!(refused(&"0a1b".repeat(8)), card);
        for foreign in ["", "hello", "R189", &"R".repeat(3_000), "code = \"KAM\""] {
            assert_eq!(refused(foreign), EnrolmentError::Foreign, "{foreign}");
        }
        let again = |change: &dyn Fn(&mut Vec<u8>)| {
            let text = request().to_text().unwrap();
            let mut bytes = BASE32_NOPAD.decode(text.as_bytes()).unwrap();
            bytes.truncate(bytes.len() - CHECK);
            change(&mut bytes);
            bytes.extend(check(&bytes));
            refused(&BASE32_NOPAD.encode(&bytes))
        };
        assert_eq!(
            again(&|bytes| bytes[0] += 1),
            EnrolmentError::NewerVersion(2)
        );
        for change in [(1, 2), (FRONT - 1, 200), (FRONT + 3, 0xFF)] {
            let refused = again(&|bytes| bytes[change.0] = change.1);
            assert!(matches!(refused, EnrolmentError::Content(_)), "{refused}");
        }
    }
}
