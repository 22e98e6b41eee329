//! The DGP's desk: questions of sites that admitted somebody without a key. What the id on a card
//! settles, a rule answers: the keys go to the site whose log says that he arrived there, and who
//! else counts him is told. Whether a new person is one who is known already, a person decides; it
//! can be taken back.

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::custody::open_sites;
use spean_protocol::event::{NamePart, Script};
use spean_protocol::id::{LearnerId, QuestionId, SiteId, StayId, Stream};
use spean_protocol::letter::{About, Answer, Arrived, Letter, Question, Verdict};
use spean_protocol::view::{LearnerView, Name, Profile};

use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Questions and disputes that may wait at the DGP. More is what somebody made up.
const WORK_MAX: usize = 20_000;

/// Candidates that are shown for one question.
const CANDIDATES_MAX: usize = 8;

/// What waits at the DGP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Work {
    /// A question, with what was answered last.
    Question {
        /// Who asks.
        site: SiteId,
        /// What.
        question: Question,
        /// What was answered.
        verdict: Option<Verdict>,
    },
    /// A site says that a learner has not left it.
    Dispute {
        /// Who says so.
        site: SiteId,
        /// The arrival that it disputes.
        arrived: Arrived,
    },
}

impl Work {
    pub(super) const fn question(site: SiteId, question: Question) -> Self {
        Self::Question {
            site,
            question,
            verdict: None,
        }
    }

    pub(super) const fn dispute(site: SiteId, arrived: Arrived) -> Self {
        Self::Dispute { site, arrived }
    }
}

/// One line of the DGP's worklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkLine {
    /// The question's id; for a dispute the id of the stay.
    pub id: String,
    /// What it is: `card`, `person` or `dispute`.
    pub kind: String,
    /// The code of the site that asks or disputes.
    pub site: String,
    /// The learner, as he was admitted.
    pub learner: LearnerId,
    /// His name, as far as his record is here.
    pub name: String,
    /// What was answered, in words; empty while nothing was.
    pub answered: String,
    /// Who he may be.
    pub candidates: Vec<Candidate>,
}

/// Somebody whom a new person may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The learner.
    pub learner: LearnerId,
    /// His name.
    pub name: String,
    /// What the two have in common, in words.
    pub because: Vec<String>,
}

impl<S: Store> Engine<S> {
    pub(super) fn keep_work(&mut self, key: &[u8; 16], work: &Work) -> Result<(), EngineError> {
        if self.store.read(Table::Work, key)?.is_some() {
            return Ok(());
        }
        let count = || self.store.scan(Table::Work, &[], &[], WORK_MAX);
        if count()?.len() >= WORK_MAX {
            return self.set_aside("more questions than a head office can have");
        }
        self.write_work(key, work)
    }

    fn write_work(&mut self, key: &[u8], work: &Work) -> Result<(), EngineError> {
        Ok(self.store.write(Table::Work, key, &codec::encode(work))?)
    }

    /// Answers what a rule answers, and gives to whoever asked the keys that came since.
    pub(super) fn answer_questions(&mut self) -> Result<(), EngineError> {
        if !self.is_headquarters() {
            return Ok(());
        }
        for (key, row) in self.store.scan(Table::Work, &[], &[], usize::MAX)? {
            let Work::Question {
                site,
                question,
                verdict,
            } = codec::decode(&row)?
            else {
                continue;
            };
            match self.is_there(&question, site)? {
                None => {}
                // He has gone on: whoever has him now asks for himself.
                Some(false) => self.store.remove(Table::Work, &key)?,
                Some(true) => {
                    let verdict = self.answer_by_rule(site, &question, verdict)?;
                    self.write_work(
                        &key,
                        &Work::Question {
                            site,
                            question,
                            verdict,
                        },
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Whether the stay that a question names is open; `None` while its arrival is not here: a site
    /// that says nothing of an arrival in its log is given nothing.
    fn is_there(&self, question: &Question, site: SiteId) -> Result<Option<bool>, EngineError> {
        let Some(view) = self.view(question.learner)? else {
            return Ok(None);
        };
        let stay = view
            .stays
            .iter()
            .find(|stay| stay.stay == question.stay && stay.site == site);
        Ok(stay
            .filter(|stay| !stay.arrivals.is_empty())
            .map(spean_protocol::custody::Stay::is_open))
    }

    fn answer_by_rule(
        &mut self,
        site: SiteId,
        question: &Question,
        verdict: Option<Verdict>,
    ) -> Result<Option<Verdict>, EngineError> {
        let whose = match (question.about, verdict) {
            (_, Some(Verdict::Same(other))) => other,
            (About::Card, _) => question.learner,
            (About::Person, _) => return Ok(verdict),
        };
        let mut keys = self.keys_of(whose)?;
        keys.retain(|key| key.stream == Stream::Education);
        let keys = self.not_given(whose, site, keys)?;
        if keys.is_empty() {
            return Ok(verdict);
        }
        let mut mail = self.grant_mail(site, None, &[(whose, keys)])?;
        if verdict.is_some() {
            self.post(mail)?;
            return Ok(verdict);
        }
        let answered = Verdict::Granted;
        mail.push(self.answer_letter(site, question, answered)?);
        self.post(mail)?;
        self.tell_others(question, site)?;
        tracing::info!(learner = %question.learner, "a question was answered by rule");
        Ok(Some(answered))
    }

    fn answer_letter(
        &mut self,
        site: SiteId,
        question: &Question,
        verdict: Verdict,
    ) -> Result<super::letters::Mail, EngineError> {
        let answer = Answer {
            question: question.id,
            learner: question.learner,
            verdict,
        };
        self.letter(site, &Letter::Answer(answer))
    }

    /// Tells every other prison that counts the learner where he is said to be; and the one that
    /// he left, that he arrived.
    fn tell_others(&mut self, question: &Question, site: SiteId) -> Result<(), EngineError> {
        let Some(view) = self.view(question.learner)? else {
            return Ok(());
        };
        let of_stay = |stay: &&spean_protocol::custody::Stay| stay.stay == question.stay;
        let arrival = view.stays.iter().find(of_stay);
        let date = arrival.and_then(|stay| stay.arrivals.first()?.date);
        let arrived = Arrived {
            learner: question.learner,
            site,
            stay: question.stay,
            date,
        };
        let mut others = open_sites(&view.stays);
        others.extend(left_last(&view, question.stay));
        others.remove(&site);
        let mut mail = Vec::new();
        for other in others {
            if self.roster.box_key(other).is_some() && other != self.site {
                mail.push(self.letter(other, &Letter::Arrived(arrived))?);
            }
        }
        self.post(mail)
    }

    /// What waits for a person, and what was decided.
    ///
    /// # Errors
    /// What the store says.
    pub fn worklist(&self) -> Result<Vec<WorkLine>, EngineError> {
        let mut lines = Vec::new();
        for (key, row) in self.store.scan(Table::Work, &[], &[], usize::MAX)? {
            lines.push(match codec::decode(&row)? {
                Work::Question {
                    site,
                    question,
                    verdict,
                } => self.question_line(site, &question, verdict)?,
                Work::Dispute { site, arrived } => WorkLine {
                    id: data_encoding::HEXLOWER.encode(&key),
                    kind: "dispute".to_owned(),
                    site: self.code(site),
                    learner: arrived.learner,
                    name: self.name_of(arrived.learner)?,
                    answered: String::new(),
                    candidates: Vec::new(),
                },
            });
        }
        // What waits comes first.
        lines.sort_by_key(|line| !line.answered.is_empty());
        Ok(lines)
    }

    fn question_line(
        &self,
        site: SiteId,
        question: &Question,
        verdict: Option<Verdict>,
    ) -> Result<WorkLine, EngineError> {
        let (kind, open) = match question.about {
            About::Card => ("card", false),
            About::Person => ("person", verdict.is_none()),
        };
        let answered = match verdict {
            None => String::new(),
            Some(Verdict::Granted) => "keys granted".to_owned(),
            Some(Verdict::Nobody) => "nobody known".to_owned(),
            Some(Verdict::Same(other)) => format!("the same person as {other}"),
            Some(Verdict::NotSame(other)) => format!("not the same person as {other}"),
        };
        let candidates = if open {
            self.candidates(question)?
        } else {
            Vec::new()
        };
        Ok(WorkLine {
            id: question.id.to_string(),
            kind: kind.to_owned(),
            site: self.code(site),
            learner: question.learner,
            name: self.name_of(question.learner)?,
            answered,
            candidates,
        })
    }

    pub(super) fn name_of(&self, learner: LearnerId) -> Result<String, EngineError> {
        let row = self.store.learner(learner)?;
        Ok(row.map(|row| row.name).unwrap_or_default())
    }

    /// Who a new person may be: the same name in either script and either order, with nothing that
    /// speaks against it; the most in common first.
    fn candidates(&self, question: &Question) -> Result<Vec<Candidate>, EngineError> {
        let Some(view) = self.view(question.learner)? else {
            return Ok(Vec::new());
        };
        let mut found: Vec<Candidate> = Vec::new();
        for name in view.profile.names.iter().map(|claim| &claim.value) {
            for part in [&name.family, &name.given] {
                for row in self.store.find(&part.to_lowercase(), false, 200)? {
                    let known = found.iter().any(|one| one.learner == row.learner);
                    if known || row.learner == question.learner {
                        continue;
                    }
                    let Some(other) = self.view(row.learner)? else {
                        continue;
                    };
                    let because = in_common(&view, &other);
                    if !because.is_empty() {
                        found.push(Candidate {
                            learner: row.learner,
                            name: row.name,
                            because,
                        });
                    }
                }
            }
        }
        found.sort_by_key(|one| (std::cmp::Reverse(one.because.len()), one.learner));
        found.truncate(CANDIDATES_MAX);
        Ok(found)
    }

    /// Decides a question: who the new person is, or that nobody knows him.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where there is no such question, or no such learner here.
    pub fn decide(
        &mut self,
        id: QuestionId,
        same: Option<LearnerId>,
    ) -> Result<WorkLine, EngineError> {
        let verdict = same.map_or(Verdict::Nobody, Verdict::Same);
        self.decided(id, |engine, question, before| {
            if let Some(other) = same
                && (engine.view(other)?.is_none() || other == question.learner)
            {
                return Err(EngineError::UnknownLearner(other));
            }
            match before {
                Some(Verdict::Same(one)) if Some(one) != same => Err(EngineError::Refused(
                    "it was decided otherwise: take that back first, 'spean worklist undo'".into(),
                )),
                _ => Ok(verdict),
            }
        })
    }

    /// Takes a decision back: they are two persons.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where nothing of the kind was decided.
    pub fn undo_decision(&mut self, id: QuestionId) -> Result<WorkLine, EngineError> {
        self.decided(id, |_, _, before| match before {
            Some(Verdict::Same(other)) => Ok(Verdict::NotSame(other)),
            _ => Err(EngineError::Refused(
                "nobody was found to be the same person: there is nothing to take back".into(),
            )),
        })
    }

    fn decided(
        &mut self,
        id: QuestionId,
        decide: impl FnOnce(&Self, &Question, Option<Verdict>) -> Result<Verdict, EngineError>,
    ) -> Result<WorkLine, EngineError> {
        self.input(|engine| {
            let row = engine.store.read(Table::Work, &id.0)?;
            let work = row.map(|bytes| codec::decode(&bytes)).transpose()?;
            let Some(Work::Question {
                site,
                question,
                verdict: before,
            }) = work
            else {
                return Err(EngineError::Refused(format!(
                    "no question {id}: 'spean worklist list' shows those that wait"
                )));
            };
            let verdict = decide(engine, &question, before)?;
            if Some(verdict) != before {
                let mail = vec![engine.answer_letter(site, &question, verdict)?];
                engine.post(mail)?;
            }
            let line = engine.question_line(site, &question, Some(verdict))?;
            let verdict = Some(verdict);
            engine.write_work(
                &id.0,
                &Work::Question {
                    site,
                    question,
                    verdict,
                },
            )?;
            engine.answer_questions()?;
            Ok(line)
        })
    }
}

/// The sites of the newest departures, where the arrival of `stay` answered them.
fn left_last(view: &LearnerView, stay: StayId) -> Vec<SiteId> {
    let mut left: Vec<(Option<spean_protocol::event::Date>, SiteId)> = view
        .stays
        .iter()
        .filter(|one| one.stay != stay)
        .flat_map(|one| one.departures.iter().map(|left| (left.date, left.site)))
        .collect();
    left.sort_unstable();
    left.last().map(|(_, site)| *site).into_iter().collect()
}

/// A name without what people write in different ways: case, blanks, and zero-width marks.
fn folded(part: &NamePart) -> String {
    let letters = part
        .chars()
        .filter(|c| c.is_alphanumeric() || !c.is_ascii());
    let visible = letters.filter(|c| !c.is_whitespace() && !('\u{200b}'..='\u{200f}').contains(c));
    visible.flat_map(char::to_lowercase).collect()
}

fn same_name(one: &Profile, other: &Profile, script: Script) -> bool {
    let names = |profile: &Profile| -> Vec<(String, String)> {
        let of_script = profile.names.iter().map(|claim| &claim.value);
        let both = |name: &Name| (folded(&name.family), folded(&name.given));
        of_script
            .filter(|name| name.script == script)
            .map(both)
            .collect()
    };
    let others = names(other);
    names(one)
        .into_iter()
        .any(|(a, b)| others.contains(&(a.clone(), b.clone())) || others.contains(&(b, a)))
}

/// What two records have in common, in words; nothing where they contradict each other.
fn in_common(one: &LearnerView, other: &LearnerView) -> Vec<String> {
    let mut because = Vec::new();
    for (script, word) in [(Script::Khmer, "Khmer name"), (Script::Latin, "Latin name")] {
        if same_name(&one.profile, &other.profile, script) {
            because.push(format!("same {word}"));
        }
    }
    let sexes = |view: &LearnerView| view.profile.sex.first().map(|claim| claim.value);
    let years = |view: &LearnerView| view.profile.birth.first().map(|claim| claim.value.year());
    match (sexes(one), sexes(other)) {
        (Some(a), Some(b)) if a != b => return Vec::new(),
        _ => {}
    }
    match (years(one), years(other)) {
        (Some(a), Some(b)) if a.abs_diff(b) > 1 => return Vec::new(),
        (Some(a), Some(b)) if a == b => because.push("same birth year".to_owned()),
        (Some(_), Some(_)) => because.push("birth years one apart".to_owned()),
        _ => {}
    }
    let numbers = |view: &LearnerView| -> Vec<[u8; 16]> {
        let numbers = view.profile.prisoner_numbers.iter();
        numbers.map(|claim| claim.value).collect()
    };
    let theirs = numbers(other);
    if numbers(one).iter().any(|number| theirs.contains(number)) {
        because.push("same prisoner number".to_owned());
    }
    because
}
