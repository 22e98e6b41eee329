//! The closed lists: what an officer chooses from, in place of words that somebody would type.
//! Texts for people live in the locale files; here are the codes of the format and the names of
//! the import files.
//!
//! A code is one byte. One that this version does not know becomes `Other`, is kept as it is, and
//! prints as `other-9`. A list only grows: a code never changes its meaning and is never reused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is no code of the list that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not in the list")]
pub struct UnknownCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $list:ident { $($variant:ident = $code:literal $name:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "u8", into = "u8")]
        pub enum $list {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// A code that a newer version knows.
            Other(u8),
        }

        impl $list {
            /// The codes that this version knows.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in import files, if this version knows the code.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => Some($name),)*
                    Self::Other(_) => None,
                }
            }
        }

        impl From<u8> for $list {
            fn from(code: u8) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    other => Self::Other(other),
                }
            }
        }

        impl From<$list> for u8 {
            fn from(list: $list) -> Self {
                match list {
                    $($list::$variant => $code,)*
                    $list::Other(other) => other,
                }
            }
        }

        impl fmt::Display for $list {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "other-{}", u8::from(*self)),
                }
            }
        }

        impl FromStr for $list {
            type Err = UnknownCode;

            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    other => other
                        .strip_prefix("other-")
                        .and_then(|number| number.parse::<u8>().ok())
                        .map(Self::from)
                        .ok_or(UnknownCode),
                }
            }
        }

        #[cfg(test)]
        impl tests::List for $list {
            const KNOWN: &[Self] = Self::ALL;
        }
    )*

        /// Every list's name, for the test that no list was forgotten.
        #[cfg(test)]
        fn check_all() {
            $(tests::check::<$list>(stringify!($list));)*
        }
    };
}

codes! {
    /// The script that a name is written in.
    Script { Khmer = 1 "khmer", Latin = 2 "latin", }

    /// Sex, as the indicators count it.
    Sex { Female = 1 "F", Male = 2 "M", }

    /// The highest level of education reached before.
    EducationLevel {
        None = 1 "none",
        Primary = 2 "primary",
        LowerSecondary = 3 "lower-secondary",
        UpperSecondary = 4 "upper-secondary",
        Higher = 5 "higher",
    }

    /// What a learner wants to do after release, as asked at intake.
    Aspiration {
        MicroBusiness = 1 "micro-business",
        Farming = 2 "farming",
        Employment = 3 "employment",
        Craft = 4 "craft",
        Construction = 5 "construction",
        Services = 6 "services",
        FurtherStudy = 7 "further-study",
        Undecided = 8 "undecided",
    }

    /// Why a learner came to a site. `not-moved`: the departure before it did not happen.
    ArrivalReason {
        Intake = 1 "intake",
        Transferred = 2 "transferred",
        Returned = 3 "returned",
        NotMoved = 4 "not-moved",
    }

    /// Why a learner left a site.
    DepartureReason {
        Released = 1 "released",
        Transferred = 2 "transferred",
        Unknown = 3 "unknown",
    }

    /// Why a learner left a programme.
    WithdrawalReason {
        OwnChoice = 1 "own-choice",
        Work = 2 "work",
        Timetable = 3 "timetable",
        ChangedProgramme = 4 "changed-programme",
        NotStated = 5 "not-stated",
    }

    /// When a test is taken: before a module, after it, or on the way.
    AssessmentKind { Pre = 1 "pre-test", Post = 2 "post-test", Quiz = 3 "quiz", }

    /// How an official exam ended.
    ExamOutcome { Passed = 1 "passed", Failed = 2 "failed", Absent = 3 "absent", }

    /// Who issued a certificate.
    Issuer {
        EducationMinistry = 1 "moeys",
        PannasastraUniversity = 2 "pannasastra",
        Provider = 3 "provider",
        EducationCentre = 4 "education-centre",
    }

    /// Who holds a class from outside.
    Provider {
        ProvincialEducation = 1 "provincial-education",
        ProvincialLabour = 2 "provincial-labour",
        MithSamlanh = 3 "mith-samlanh",
        MlopTapang = 4 "mlop-tapang",
    }

    /// A tutor's remark.
    Remark {
        GoodProgress = 1 "good-progress",
        NeedsHelp = 2 "needs-help",
        HelpsOthers = 3 "helps-others",
        OftenAbsent = 4 "often-absent",
        ReadyForExam = 5 "ready-for-exam",
        NeedsReadingHelp = 6 "needs-reading-help",
    }

    /// Where a learner is referred to at exit.
    Referral {
        ProvincialEducation = 1 "provincial-education",
        ProvincialLabour = 2 "provincial-labour",
        MithSamlanh = 3 "mith-samlanh",
        MlopTapang = 4 "mlop-tapang",
        VocationalCentre = 5 "vocational-centre",
        Employer = 6 "employer",
    }

    /// What was handed to a learner.
    Handout {
        CertificateCopy = 1 "certificate-copy",
        RecordCopy = 2 "record-copy",
        JobSearchGuide = 3 "job-search-guide",
        BusinessGuide = 4 "business-guide",
        ContactList = 5 "contact-list",
    }

    /// What a learner declared of himself: the six domains of the Washington Group short set.
    Disability {
        None = 1 "none",
        Seeing = 2 "seeing",
        Hearing = 3 "hearing",
        Walking = 4 "walking",
        Remembering = 5 "remembering",
        SelfCare = 6 "self-care",
        Communicating = 7 "communicating",
    }

    /// Which of the two WHO-5 interviews.
    Who5Moment { Start = 1 "who5-start", End = 2 "who5-end", }

    /// Why an event was taken back.
    RetractionReason {
        EnteredByMistake = 1 "entered-by-mistake",
        WrongLearner = 2 "wrong-learner",
        WrongValue = 3 "wrong-value",
        Duplicate = 4 "duplicate",
        Revoked = 5 "revoked",
        ImportUndone = 6 "import-undone",
    }

    /// Why two learners are taken for one person, or for two.
    LinkReason {
        Card = 1 "card",
        Name = 2 "name",
        LearnerSays = 3 "learner-says",
        OfficerKnows = 4 "officer-knows",
        PrisonerNumber = 5 "prisoner-number",
        SeenApart = 6 "seen-apart",
    }

    /// What somebody does in the education centre. `withdrawn`: his key signs no more. `director`: heads the
    /// centre or the prison. `officer`: teaches, keeps the registers, moves learners. `peer-tutor`: a prisoner
    /// who marks a group's attendance, and sees no record. `instructor`: from outside, for a time.
    /// `analyst`, `administrator`: of the DGP. `monitor`: of an organisation outside; totals only.
    Office {
        Director = 1 "director",
        Officer = 2 "officer",
        PeerTutor = 3 "peer-tutor",
        Instructor = 4 "instructor",
        Analyst = 5 "analyst",
        Administrator = 6 "administrator",
        Monitor = 7 "monitor",
        Withdrawn = 8 "withdrawn",
    }

    /// Why somebody opened a record.
    Purpose {
        NotSaid = 1 "not-said",
        Teaching = 2 "teaching",
        Transfer = 3 "transfer",
        LearnerAsked = 4 "learner-asked",
        Correction = 5 "correction",
        Signing = 6 "signing",
        Audit = 7 "audit",
        KeysGiven = 8 "keys-given",
    }
}

/// Goal: a code never changes its meaning by accident, and an unknown one survives.
/// Method: for every list, all 256 bytes there and back, and every name there and back.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    pub(super) trait List: 'static + Sized {
        const KNOWN: &[Self];
    }

    pub(super) fn check<T>(list: &str)
    where
        T: List + Copy + fmt::Debug + PartialEq + fmt::Display + FromStr + From<u8> + Into<u8>,
    {
        for code in 0..=u8::MAX {
            let value = T::from(code);
            assert_eq!(value.into(), code, "{list}");
            assert_eq!(
                value.to_string().parse::<T>().ok(),
                Some(value),
                "{list} {code}"
            );
        }
        for (place, known) in T::KNOWN.iter().enumerate() {
            // Without gaps, so that the next free code is plain to see; 0 stays free.
            assert_eq!(usize::from((*known).into()), place + 1, "{list}");
            assert!(!known.to_string().starts_with("other-"), "{list}");
        }
        assert!(
            "".parse::<T>().is_err() && "other-256".parse::<T>().is_err(),
            "{list}"
        );
    }

    #[test]
    fn every_list_keeps_all_bytes() {
        check_all();
    }
}
