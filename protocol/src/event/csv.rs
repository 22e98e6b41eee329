//! One row of an import file's `events.csv` as an event's body, or in plain words why it is none.
//! Not here: reading files, dates, and which learner a row is about.

use std::str::FromStr;

use super::codes::{
    ArrivalReason, AssessmentKind, DepartureReason, ExamOutcome, Who5Moment, WithdrawalReason,
};
use super::date::Month;
use super::field::{Destination, ReleaseRange, Score};
use super::{Body, Languages, Who5Answers};
use crate::catalogue::{ModuleId, ProgrammeId, Scope};
use crate::id::StayId;

/// The two answers of a row that agrees or does not.
pub const YES_OR_NO: [&str; 2] = ["yes", "no"];

/// Why a row is no event. The text names the column and goes beside the row's number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsvProblem {
    /// The kind is not one that can be imported.
    #[error("column kind: there is no kind of event called \"{0}\"")]
    Kind(String),
    /// A column that this kind needs is empty.
    #[error("column {0}: it is empty, but this kind of event needs it")]
    Empty(&'static str),
    /// A column holds something else than what is expected there.
    #[error("column {column}: \"{found}\" is not {expected}")]
    Value {
        /// The column.
        column: &'static str,
        /// The first 40 characters of what it holds.
        found: String,
        /// What it may hold.
        expected: &'static str,
    },
}

/// The columns of a row that tell what happened, as they stand in the file; unused ones are empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct CsvRow<'a> {
    /// The kind's name, such as `attended`.
    pub kind: &'a str,
    /// The programme's name, such as `beep`.
    pub programme: &'a str,
    /// The module's name, such as `math-1`.
    pub module: &'a str,
    /// The session's number.
    pub session: &'a str,
    /// The points reached.
    pub score: &'a str,
    /// The points that could be reached.
    pub max: &'a str,
    /// The test's version, or the exam's sitting.
    pub version: &'a str,
    /// Whatever else the kind needs.
    pub value: &'a str,
}

impl<'a> From<[&'a str; 8]> for CsvRow<'a> {
    /// The columns in the order in which they are named above.
    fn from(columns: [&'a str; 8]) -> Self {
        let [kind, programme, module, session, score, max, version, value] = columns;
        Self {
            kind,
            programme,
            module,
            session,
            score,
            max,
            version,
            value,
        }
    }
}

impl CsvRow<'_> {
    /// The body of the event. `stay` is the learner's stay that a row `arrived` or `departed`
    /// begins or ends.
    ///
    /// # Errors
    /// [`CsvProblem`], to be shown to the person who imports.
    pub fn body(&self, stay: StayId) -> Result<Body, CsvProblem> {
        if let Ok(kind) = self.kind.parse::<AssessmentKind>() {
            return self.assessed(kind);
        }
        if let Ok(moment) = self.kind.parse::<Who5Moment>() {
            let answers: Who5Answers = self.value("five answers of 0 to 5, such as 3 2 4 1 5")?;
            return Ok(Body::Who5 { moment, answers });
        }
        Ok(match self.kind {
            "enrolled" => Body::Enrolled {
                scope: self.scope()?,
                cohort: self.cohort()?,
            },
            "withdrew" => Body::Withdrew {
                programme: self.programme()?,
                reason: self.withdrawal()?,
            },
            "login" => Body::Login {
                programme: self.programme()?,
            },
            "attended" => Body::Attended {
                module: self.module()?,
                session: self.session()?,
            },
            "session-done" => Body::SessionDone {
                module: self.module()?,
                session: self.session()?,
            },
            "module-done" => Body::ModuleDone {
                module: self.module()?,
            },
            "exam-registered" => {
                let sitting = self.value("an exam sitting such as 2025-3")?;
                Body::ExamRegistered {
                    scope: self.scope()?,
                    sitting,
                }
            }
            "exam-result" => self.exam_result()?,
            "certificate" => Body::Certificate {
                scope: self.scope()?,
                issuer: self.value("a known issuer")?,
            },
            "aspiration" => Body::Aspiration {
                aspiration: self.value("a known aspiration")?,
            },
            "expected-release" => Body::ExpectedRelease {
                range: self.release_range()?,
            },
            "education" => Body::Education {
                level: self.value("a known level of education")?,
            },
            "languages" => Body::Languages {
                languages: self.languages()?,
            },
            "disability" => Body::Disability {
                disability: self.value("in the list")?,
            },
            "indigenous" => Body::Indigenous {
                indigenous: self.yes_or_no()?,
            },
            "consent" => Body::Consent {
                given: self.yes_or_no()?,
            },
            "loan-out" => Body::LoanOut {
                item: self.value("an item's number")?,
            },
            "loan-back" => Body::LoanBack {
                item: self.value("an item's number")?,
            },
            "library-visit" => Body::LibraryVisit {},
            "class" => Body::Class {
                programme: self.programme()?,
                provider: self.value("a known provider")?,
            },
            "remark" => Body::Remark {
                remark: self.value("a known remark")?,
            },
            "referral" => Body::Referral {
                referral: self.value("a known referral")?,
            },
            "handout" => Body::Handout {
                handout: self.value("a known handout")?,
            },
            "arrived" => {
                let reason = self.value_or(ArrivalReason::Intake, "a known reason")?;
                Body::Arrived {
                    stay,
                    from: None,
                    reason,
                }
            }
            "departed" => self.departed(stay)?,
            other => return Err(CsvProblem::Kind(shortened(other))),
        })
    }

    fn assessed(&self, kind: AssessmentKind) -> Result<Body, CsvProblem> {
        Ok(Body::Assessed {
            kind,
            module: self.module()?,
            version: parse("version", self.version, "the number of a test version")?,
            score: self.score()?,
        })
    }

    fn exam_result(&self) -> Result<Body, CsvProblem> {
        let marked = !(self.score.is_empty() && self.max.is_empty());
        let sitting = match self.version {
            "" => None,
            text => Some(parse("version", text, "an exam sitting such as 2025-3")?),
        };
        Ok(Body::ExamResult {
            scope: self.scope()?,
            sitting,
            outcome: self.value::<ExamOutcome>("passed, failed or absent")?,
            score: if marked { Some(self.score()?) } else { None },
        })
    }

    fn departed(&self, stay: StayId) -> Result<Body, CsvProblem> {
        let (to, reason) = match self.value {
            "released" => (Destination::Released, DepartureReason::Released),
            "transferred" => (Destination::Unknown, DepartureReason::Transferred),
            "transferred-no-node" => (Destination::WithoutNode, DepartureReason::Transferred),
            "unknown" => (Destination::Unknown, DepartureReason::Unknown),
            other => {
                let expected = "released, transferred, transferred-no-node or unknown";
                return Err(problem("value", other, expected));
            }
        };
        Ok(Body::Departed { stay, to, reason })
    }

    fn release_range(&self) -> Result<ReleaseRange, CsvProblem> {
        if self.value == "unknown" {
            return Ok(ReleaseRange {
                earliest: None,
                latest: None,
            });
        }
        let wrong = || {
            problem(
                "value",
                self.value,
                "unknown, or months as 2026-01..2026-06",
            )
        };
        let (earliest, latest) = self.value.split_once("..").ok_or_else(wrong)?;
        let earliest: Month = earliest.parse().map_err(|_| wrong())?;
        let latest: Month = latest.parse().map_err(|_| wrong())?;
        if earliest > latest {
            return Err(wrong());
        }
        Ok(ReleaseRange {
            earliest: Some(earliest),
            latest: Some(latest),
        })
    }

    fn programme(&self) -> Result<ProgrammeId, CsvProblem> {
        let text = filled("programme", self.programme)?;
        ProgrammeId::from_name(text).ok_or_else(|| problem("programme", text, "a known programme"))
    }

    fn module(&self) -> Result<ModuleId, CsvProblem> {
        let programme = self.programme()?;
        let text = filled("module", self.module)?;
        programme
            .module(text)
            .ok_or_else(|| problem("module", text, "a module of its programme"))
    }

    fn scope(&self) -> Result<Scope, CsvProblem> {
        if self.module.is_empty() {
            return Ok(Scope::Programme(self.programme()?));
        }
        Ok(Scope::Module(self.module()?))
    }

    fn session(&self) -> Result<u16, CsvProblem> {
        parse("session", self.session, "a session's number")
    }

    fn cohort(&self) -> Result<Option<u16>, CsvProblem> {
        if self.value.is_empty() {
            return Ok(None);
        }
        self.value("a cohort's number").map(Some)
    }

    fn withdrawal(&self) -> Result<WithdrawalReason, CsvProblem> {
        self.value_or(WithdrawalReason::NotStated, "a known reason")
    }

    fn score(&self) -> Result<Score, CsvProblem> {
        filled("score", self.score)?;
        filled("max", self.max)?;
        Score::parse(self.score, self.max).map_err(|_| {
            let both = format!("{} of {}", self.score, self.max);
            problem("score", &both, "a number between 0 and its maximum")
        })
    }

    fn languages(&self) -> Result<Languages, CsvProblem> {
        let wrong = || problem("value", self.value, "language codes such as km fr en");
        let codes = filled("value", self.value)?.split_whitespace();
        let codes = codes.map(str::parse).collect::<Result<_, _>>();
        Languages::new(codes.map_err(|_| wrong())?).map_err(|_| wrong())
    }

    fn yes_or_no(&self) -> Result<bool, CsvProblem> {
        let text = filled("value", self.value)?;
        let [yes, no] = YES_OR_NO;
        if text == yes || text == no {
            return Ok(text == yes);
        }
        Err(problem("value", text, "yes or no"))
    }

    fn value<T: FromStr>(&self, expected: &'static str) -> Result<T, CsvProblem> {
        parse("value", self.value, expected)
    }

    fn value_or<T: FromStr>(&self, empty: T, expected: &'static str) -> Result<T, CsvProblem> {
        if self.value.is_empty() {
            Ok(empty)
        } else {
            self.value(expected)
        }
    }
}

fn parse<T: FromStr>(
    column: &'static str,
    text: &str,
    expected: &'static str,
) -> Result<T, CsvProblem> {
    filled(column, text)?
        .parse()
        .map_err(|_| problem(column, text, expected))
}

fn filled<'a>(column: &'static str, text: &'a str) -> Result<&'a str, CsvProblem> {
    if text.is_empty() {
        Err(CsvProblem::Empty(column))
    } else {
        Ok(text)
    }
}

fn problem(column: &'static str, found: &str, expected: &'static str) -> CsvProblem {
    CsvProblem::Value {
        column,
        found: shortened(found),
        expected,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
