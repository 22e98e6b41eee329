//! A letter: what one node tells another beside the logs of learners. Questions to the DGP and its
//! answers, a list of those who are on their way, and what became of a move. Sealed to one site's
//! box key and written into the control log, so that it travels with everything else, by link or
//! by stick, and nobody on the way sees for whom it is: each site tries.
//!
//! A letter moves nobody: arrivals and departures are events. It opens nothing, for keys come in a
//! grant, but that the DGP gives a prison's next node the keys of the one before. One that is lost,
//! late or repeated changes no figure.

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::erasure::ErasedParcel;
use crate::event::{Birth, Date, LinkReason, Sex};
use crate::id::{LearnerId, QuestionId, SiteId, StayId};
use crate::limits::{ERASURE_PARCELS_MAX, LETTER_LEARNERS_MAX, LETTER_NAMES_MAX};
use crate::opening::Opening;
use crate::stay::CustodyKey;
use crate::view::Name;

/// A question to the DGP about a learner who was admitted without a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question's own id.
    pub id: QuestionId,
    /// The learner, as he was admitted.
    pub learner: LearnerId,
    /// His stay at the site that asks.
    pub stay: StayId,
    /// What is asked.
    pub about: About,
    /// Why it is asked.
    pub reason: LinkReason,
}

/// What a question asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// The id is the one on his card: the keys of his earlier stays are wanted. A rule answers.
    Card,
    /// He was admitted as a new person and says that he has learnt elsewhere. A person answers; the
    /// DGP reads names, sex and birth in the new record itself.
    Person,
}

/// The DGP's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question.
    pub question: QuestionId,
    /// The learner it was about.
    pub learner: LearnerId,
    /// What it says.
    pub verdict: Verdict,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The keys come in a grant beside it.
    Granted,
    /// He is the same person as this learner, whose keys come in a grant beside it.
    Same(LearnerId),
    /// Nobody whom the DGP reads is this person.
    Nobody,
    /// They are two persons, whatever an earlier answer said.
    NotSame(LearnerId),
    /// What earlier answers said of the two is taken back: nobody has decided.
    Undecided(LearnerId),
}

/// One who is on his way to the reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Who.
    pub learner: LearnerId,
    /// The day of departure, as the old site wrote it.
    pub date: Option<Date>,
    /// His names: at most [`LETTER_NAMES_MAX`].
    pub names: Vec<Name>,
    /// His sex.
    pub sex: Option<Sex>,
    /// His birth.
    pub birth: Option<Birth>,
    /// Restricted data stay behind, because he did not agree that they move.
    pub withheld: bool,
}

/// A learner whom the sender has admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// Who.
    pub learner: LearnerId,
    /// Where: the sender, or the site of which the DGP tells.
    pub site: SiteId,
    /// The stay that began there.
    pub stay: StayId,
    /// The day, as it was written down there.
    pub date: Option<Date>,
}

/// What one node tells another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// To the DGP.
    Question(Question),
    /// From the DGP.
    Answer(Answer),
    /// To the destination of a departure.
    Announced(Vec<Announced>),
    /// To the destination of a departure that did not happen, or led elsewhere.
    NotComing(Vec<LearnerId>),
    /// To the site that he left, or that still counts him: a receipt, or news.
    Arrived(Arrived),
    /// To the same: that arrival was taken back.
    NotArrived(Arrived),
    /// To the site that admitted him, and to the DGP: he has not left.
    Disputed(Arrived),
    /// From the DGP, to a site that counts him: another counts him as well, or let him go nobody knows
    /// where, and what it wrote is not read there.
    CountedToo(Arrived),
    /// From the DGP, to the next node of a prison: the custody keys that the one before had.
    Custody(Vec<CustodyKey>),
    /// To the DGP: who opened whose record at the sender.
    Openings(Vec<Opening>),
    /// From the DGP, to a site that had them: these learners are erased.
    Erased(Vec<LearnerId>),
    /// To the DGP, from a site: what it wrote of erased learners that only its own keys find.
    ToErase(Vec<ErasedParcel>),
    /// Of a newer version: kept in the log and forwarded.
    Newer(u8),
}

impl Letter {
    /// Whether it says the same whatever else came before or after it: only then may it be read
    /// ahead of its turn.
    #[must_use]
    pub const fn in_any_order(&self) -> bool {
        matches!(
            self,
            Self::Question(_)
                | Self::Answer(Answer {
                    verdict: Verdict::Granted,
                    ..
                })
        )
    }

    /// The letter before it is sealed: a kind byte and a body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body) = match self {
            Self::Question(question) => (1, codec::encode(question)),
            Self::Answer(answer) => (2, codec::encode(answer)),
            Self::Announced(announced) => (3, codec::encode(announced)),
            Self::NotComing(learners) => (4, codec::encode(learners)),
            Self::Arrived(arrived) => (5, codec::encode(arrived)),
            Self::NotArrived(arrived) => (6, codec::encode(arrived)),
            Self::Disputed(arrived) => (7, codec::encode(arrived)),
            Self::CountedToo(arrived) => (8, codec::encode(arrived)),
            Self::Custody(keys) => (9, codec::encode(keys)),
            Self::Openings(openings) => (10, codec::encode(openings)),
            Self::Erased(learners) => (11, codec::encode(learners)),
            Self::ToErase(parcels) => (12, codec::encode(parcels)),
            Self::Newer(kind) => (*kind, Vec::new()),
        };
        [&[kind], body.as_slice()].concat()
    }

    /// Reads what [`Letter::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] for a known kind with a malformed body, or more than `limits` allows.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (kind, body) = bytes.split_first().ok_or(DecodeError::Malformed)?;
        Ok(match kind {
            1 => Self::Question(codec::decode(body)?),
            2 => Self::Answer(codec::decode(body)?),
            3 => {
                let announced: Vec<Announced> = codec::decode(body)?;
                codec::at_most(announced.len(), LETTER_LEARNERS_MAX)?;
                for one in &announced {
                    codec::at_most(one.names.len(), LETTER_NAMES_MAX)?;
                }
                Self::Announced(announced)
            }
            4 => {
                let learners: Vec<LearnerId> = codec::decode(body)?;
                codec::at_most(learners.len(), LETTER_LEARNERS_MAX)?;
                Self::NotComing(learners)
            }
            5 => Self::Arrived(codec::decode(body)?),
            6 => Self::NotArrived(codec::decode(body)?),
            7 => Self::Disputed(codec::decode(body)?),
            8 => Self::CountedToo(codec::decode(body)?),
            9 => {
                let keys: Vec<CustodyKey> = codec::decode(body)?;
                codec::at_most(keys.len(), LETTER_LEARNERS_MAX)?;
                Self::Custody(keys)
            }
            10 => {
                let openings: Vec<Opening> = codec::decode(body)?;
                codec::at_most(openings.len(), LETTER_LEARNERS_MAX)?;
                Self::Openings(openings)
            }
            11 => {
                let learners: Vec<LearnerId> = codec::decode(body)?;
                codec::at_most(learners.len(), LETTER_LEARNERS_MAX)?;
                Self::Erased(learners)
            }
            12 => {
                let parcels: Vec<ErasedParcel> = codec::decode(body)?;
                codec::at_most(parcels.len(), ERASURE_PARCELS_MAX)?;
                Self::ToErase(parcels)
            }
            other => Self::Newer(*other),
        })
    }
}

/// Binds a sealed letter to its writer and its reader.
#[must_use]
pub fn letter_info(from: SiteId, to: SiteId) -> Vec<u8> {
    let (from, to) = (from.0.to_le_bytes(), to.0.to_le_bytes());
    [b"spean letter v1".as_slice(), &from, &to].concat()
}

/// Goal: letters come back as they were, and what is no letter, or too much of one, is refused.
/// Method: one of each kind there and back, cut at every byte; lists beyond the limit.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::event::{NamePart, Purpose, Script};
    use crate::id::Label;

    fn letters() -> Vec<Letter> {
        let (learner, stay) = (LearnerId([1; 16]), StayId([2; 16]));
        let id = QuestionId([3; 16]);
        let arrived = Arrived {
            learner,
            site: SiteId(4),
            stay,
            date: Some("2026-07-01".parse().unwrap()),
        };
        let name = Name {
            script: Script::Latin,
            family: NamePart::new("Sok").unwrap(),
            given: NamePart::new("Dara").unwrap(),
        };
        let question = |about| {
            Letter::Question(Question {
                id,
                learner,
                stay,
                about,
                reason: LinkReason::Card,
            })
        };
        let answer = |verdict| {
            Letter::Answer(Answer {
                question: id,
                learner,
                verdict,
            })
        };
        vec![
            question(About::Card),
            question(About::Person),
            answer(Verdict::Granted),
            answer(Verdict::Same(LearnerId([5; 16]))),
            answer(Verdict::Nobody),
            answer(Verdict::NotSame(LearnerId([5; 16]))),
            answer(Verdict::Undecided(LearnerId([5; 16]))),
            Letter::Announced(vec![announced(learner, vec![name])]),
            Letter::NotComing(vec![learner]),
            Letter::Arrived(arrived),
            Letter::NotArrived(arrived),
            Letter::Disputed(arrived),
            Letter::Openings(vec![Opening {
                learner,
                by: Some(3),
                purpose: Purpose::Teaching,
                hour: 495_000,
            }]),
            Letter::Erased(vec![learner]),
            Letter::ToErase(vec![(Label([6; 16]), [7; 16])]),
        ]
    }

    fn announced(learner: LearnerId, names: Vec<Name>) -> Announced {
        Announced {
            learner,
            date: None,
            names,
            sex: Some(Sex::Female),
            birth: None,
            withheld: true,
        }
    }

    #[test]
    fn letters_come_back() {
        for letter in letters() {
            let bytes = letter.encode();
            assert_eq!(Letter::decode(&bytes), Ok(letter));
            for cut in 0..bytes.len() {
                assert!(Letter::decode(&bytes[..cut]).is_err());
            }
        }
        assert_eq!(Letter::decode(&[200, 1, 2]), Ok(Letter::Newer(200)));
    }

    #[test]
    fn a_list_has_an_end() {
        let learner = LearnerId([1; 16]);
        let many = Letter::NotComing(vec![learner; LETTER_LEARNERS_MAX + 1]);
        let too_many = |letter: Letter| {
            matches!(
                Letter::decode(&letter.encode()),
                Err(DecodeError::TooMany { .. })
            )
        };
        assert!(too_many(many));
        let one = announced(learner, Vec::new());
        assert!(too_many(Letter::Announced(vec![
            one;
            LETTER_LEARNERS_MAX + 1
        ])));
        let name = Name {
            script: Script::Khmer,
            family: NamePart::new("a").unwrap(),
            given: NamePart::new("b").unwrap(),
        };
        let names = vec![name; LETTER_NAMES_MAX + 1];
        assert!(too_many(Letter::Announced(vec![announced(learner, names)])));
    }
}
