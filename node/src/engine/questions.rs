//! The DGP's desk: questions of sites that admitted somebody without a key. What the id on a card
//! settles, a rule answers: the keys go to the site whose log says that he arrived there, and who
//! else counts him is told. Whether a new person is one who is known already, a person decides; it
//! can be taken back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::custody::{CustodyState, Stay, led_from};
use spean_protocol::id::{LearnerId, QuestionId, SiteId, StayId};
use spean_protocol::letter::{About, Answer, Arrived, Letter, Question, Verdict};

use super::candidates::{Alike, Candidate};
use super::decisions::Decision;
use super::giving::Giving;
use super::{Engine, EngineError};
use crate::mutant::{self, Mutant};
use crate::store::{Store, Table};

/// Questions and disputes of one site that may wait at the DGP: more than the largest prison has
/// people. Who makes up more harms nobody but himself.
const WORK_OF_SITE_MAX: usize = 5_000;

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
        /// He was found to be somebody; the prison where he is has not been told.
        owed: bool,
    },
    /// A site says that a learner has not left it.
    Dispute {
        /// Who says so.
        site: SiteId,
        /// The arrival that it disputes.
        arrived: Arrived,
    },
    /// Keys were given to a prison that asked, and he has gone on since: what comes to be known of his
    /// past goes to where he is. One for each learner, under his id.
    Follow {
        /// Where he is, or was last.
        site: SiteId,
        /// Who.
        learner: LearnerId,
        /// Under which stay.
        stay: StayId,
    },
}

impl Work {
    pub(super) const fn question(site: SiteId, question: Question) -> Self {
        Self::Question {
            site,
            question,
            verdict: None,
            owed: false,
        }
    }

    pub(super) const fn dispute(site: SiteId, arrived: Arrived) -> Self {
        Self::Dispute { site, arrived }
    }

    /// Whether another asks the same of the same stay, and nobody has answered this one.
    fn is_asked_again_by(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Question {
                    site,
                    question,
                    verdict: None,
                    ..
                },
                Self::Question {
                    site: by,
                    question: again,
                    ..
                },
            ) => {
                let place = |one: &Question| (one.learner, one.stay, one.about);
                site == by && place(question) == place(again)
            }
            _ => false,
        }
    }

    /// Whether it is about that learner.
    pub(super) fn is_about(&self, one: LearnerId) -> bool {
        match self {
            Self::Question { question, .. } => question.learner == one,
            Self::Dispute { arrived, .. } => arrived.learner == one,
            Self::Follow { learner, .. } => *learner == one,
        }
    }

    const fn site(&self) -> SiteId {
        match self {
            Self::Question { site, .. }
            | Self::Dispute { site, .. }
            | Self::Follow { site, .. } => *site,
        }
    }
}

/// Where somebody is of whom was asked.
enum Whereabouts {
    /// At the site that asked.
    There,
    /// At another site, under this stay.
    GoneTo(SiteId, StayId),
    /// Nowhere, or at several sites.
    Away,
    /// Out of prison.
    Out,
    /// No arrival there is in effect: none is here yet, or it was taken back. A site that says
    /// nothing of an arrival in its log is given nothing.
    Never,
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
    /// Why it is asked: a word of the list of reasons; empty for a dispute.
    pub reason: String,
    /// What was answered, in words; empty while nothing was.
    pub answered: String,
    /// What the first of two officers has decided, in words; empty where none has.
    pub proposed: String,
    /// Who he may be.
    pub candidates: Vec<Candidate>,
}

impl<S: Store> Engine<S> {
    pub(super) fn keep_work(&mut self, key: &[u8; 16], work: &Work) -> Result<(), EngineError> {
        if self.store.read(Table::Work, key)?.is_some() {
            return Ok(());
        }
        let mut of_site = 0;
        for (place, row) in self.store.scan(Table::Work, &[], &[], usize::MAX)? {
            let known: Work = codec::decode(&row)?;
            if known.is_asked_again_by(work) {
                self.store.remove(Table::Work, &place)?;
                self.hand_on_pair(&place, key)?;
            } else if !matches!(known, Work::Follow { .. }) {
                of_site += usize::from(known.site() == work.site());
            }
        }
        if of_site >= WORK_OF_SITE_MAX {
            let code = self.code(work.site());
            return self.set_aside(&format!("{code} asks more than a prison can"));
        }
        self.write_work(key, work)
    }

    fn write_work(&mut self, key: &[u8], work: &Work) -> Result<(), EngineError> {
        Ok(self.store.write(Table::Work, key, &codec::encode(work))?)
    }

    /// Answers what a rule answers, and gives to whoever asked the keys that came since.
    pub(super) fn answer_question(&mut self, key: &[u8], row: &[u8]) -> Result<(), EngineError> {
        let (site, question, verdict, owed) = match codec::decode(row)? {
            Work::Question {
                site,
                question,
                verdict,
                owed,
            } => (site, question, verdict, owed),
            Work::Follow {
                site,
                learner,
                stay,
            } => return self.follow(site, learner, stay),
            Work::Dispute { .. } => return Ok(()),
        };
        let Some(stands) = self.whereabouts(question.learner, (site, question.stay))? else {
            return Ok(());
        };
        let is_asked_there = verdict.is_none_or(is_of_two);
        let unwritten = match verdict {
            Some(verdict) => owed || !self.says(question.learner, verdict)?,
            None => false,
        };
        match stands {
            Whereabouts::There => {
                match verdict {
                    Some(answer) if owed => {
                        let mail = self.answer_letter(site, &question, answer)?;
                        self.post(mail.into_iter().collect())?;
                        if let Verdict::Same(other) = answer {
                            self.tell_others(other, &question, site)?;
                        }
                    }
                    Some(_) => self.tell_of_unread(question.learner, (site, question.stay))?,
                    None => {}
                }
                let found = owed && matches!(verdict, Some(Verdict::Same(_)));
                let verdict = self.answer_by_rule(site, &question, verdict, found)?;
                let work = Work::Question {
                    site,
                    question,
                    verdict,
                    owed: false,
                };
                if codec::encode(&work) == row {
                    return Ok(());
                }
                self.write_work(key, &work)
            }
            // What nobody has answered is asked of the site where he is now; who he was found to be is
            // told there too.
            Whereabouts::GoneTo(now, stay) if is_asked_there => {
                self.forget_told(question.learner, (site, question.stay))?;
                let work = Work::Question {
                    site: now,
                    question: Question { stay, ..question },
                    verdict,
                    owed: matches!(verdict, Some(Verdict::Same(_))) || unwritten,
                };
                self.due = true;
                self.write_work(key, &work)
            }
            Whereabouts::Away if is_asked_there => Ok(()),
            // Nobody is there to write it down: it waits for whoever admits him.
            Whereabouts::Out if unwritten => Ok(()),
            Whereabouts::Never if verdict.is_none() || owed => Ok(()),
            // The arrival was none: whoever was told of it is told so.
            Whereabouts::Never => {
                self.take_back(question.learner, (site, question.stay), None)?;
                Ok(self.store.remove(Table::Work, key)?)
            }
            // He has gone on: whoever has him now was given the keys, or asks for himself; what was
            // not known when they were given goes after him.
            Whereabouts::GoneTo(..) | Whereabouts::Away | Whereabouts::Out => {
                self.forget_told(question.learner, (site, question.stay))?;
                self.store.remove(Table::Work, key)?;
                // It makes up for a forgotten keyring, which would not show any more.
                let masks = mutant::is_on(Mutant::KeyringForgotten);
                if verdict == Some(Verdict::Granted) && !masks {
                    self.follow(site, question.learner, question.stay)?;
                }
                Ok(())
            }
        }
    }

    /// Whether a record says what was decided of two learners; of other answers none does.
    fn says(&self, learner: LearnerId, verdict: Verdict) -> Result<bool, EngineError> {
        let (other, same, not_same) = match verdict {
            Verdict::Granted | Verdict::Nobody => return Ok(true),
            Verdict::Same(other) => (other, true, false),
            Verdict::NotSame(other) => (other, false, true),
            Verdict::Undecided(other) => (other, false, false),
        };
        let links = self.links_of(learner)?;
        let said = links.iter().find(|link| link.other == other);
        let said = said.map_or((false, false), |link| {
            (!link.same.is_empty(), !link.not_same.is_empty())
        });
        Ok(said == (same, not_same))
    }

    /// Gives to where somebody is, whose keys were given to a prison that he has left, those that came
    /// since.
    fn follow(
        &mut self,
        site: SiteId,
        learner: LearnerId,
        stay: StayId,
    ) -> Result<(), EngineError> {
        let Some(stands) = self.whereabouts(learner, (site, stay))? else {
            return Ok(());
        };
        let (now, stay) = match stands {
            Whereabouts::Out | Whereabouts::Never => {
                return Ok(self.store.remove(Table::Work, &learner.0)?);
            }
            Whereabouts::There | Whereabouts::Away => (site, stay),
            Whereabouts::GoneTo(now, stay) => (now, stay),
        };
        if !matches!(stands, Whereabouts::Away) && self.roster.box_key(now).is_some() {
            self.tell_of_unread(learner, (now, stay))?;
            let (given, _) = self.keys_to_give(learner, (now, learner), Giving::Since, false)?;
            if !given.is_empty() {
                self.give(now, &given)?;
            }
        }
        let row = codec::encode(&Work::Follow {
            site: now,
            learner,
            stay,
        });
        if self.store.read(Table::Work, &learner.0)?.as_ref() == Some(&row) {
            return Ok(());
        }
        Ok(self.store.write(Table::Work, &learner.0, &row)?)
    }

    /// Where the one is of whom was asked; `None` while nothing of him is here.
    fn whereabouts(
        &self,
        learner: LearnerId,
        place: (SiteId, StayId),
    ) -> Result<Option<Whereabouts>, EngineError> {
        let Some(view) = self.view(learner)? else {
            return Ok(None);
        };
        let asked = |stay: &&Stay| (stay.site, stay.stay) == place;
        let stay = view.stays.iter().find(asked);
        let Some(stay) = stay.filter(|stay| !stay.arrivals.is_empty()) else {
            return Ok(Some(Whereabouts::Never));
        };
        if stay.is_open() || mutant::is_on(Mutant::AnsweredLate) {
            return Ok(Some(Whereabouts::There));
        }
        if CustodyState::of(&view, self.site) == CustodyState::Released {
            return Ok(Some(Whereabouts::Out));
        }
        Ok(Some(match went_on_to(&view.stays, stay) {
            Some(only) => Whereabouts::GoneTo(only.site, only.stay),
            None => Whereabouts::Away,
        }))
    }

    /// Gives what may be given. The first answer gives what is known of the past; `decided` says that
    /// a person has just found out who he is. Later, only keys of stays from which departures led to
    /// the site that asked, and of what was given before: else a prison that forgot to record that he
    /// left would be given what is written of him ever after.
    fn answer_by_rule(
        &mut self,
        site: SiteId,
        question: &Question,
        verdict: Option<Verdict>,
        decided: bool,
    ) -> Result<Option<Verdict>, EngineError> {
        if self.roster.box_key(site).is_none() {
            return Ok(verdict);
        }
        let whose = match (question.about, verdict) {
            (_, Some(Verdict::Same(other))) => other,
            (About::Card, _) => question.learner,
            (About::Person, _) => return Ok(verdict),
        };
        let giving = if decided {
            Giving::Past
        } else if verdict.is_some() {
            Giving::Since
        } else if self.was_answered(site, question)? {
            Giving::Again
        } else {
            Giving::Past
        };
        let (given, withheld) =
            self.keys_to_give(whose, (site, question.learner), giving, decided)?;
        // Of one who never was anywhere else there is nothing to give, and nothing to wait for.
        let stays = self.view(whose)?.unwrap_or_default().stays;
        let only_there = stays.len() > 1 && stays.iter().all(|stay| stay.site == site);
        if given.is_empty() && !(verdict.is_none() && only_there) {
            return Ok(verdict);
        }
        self.give(site, &given)?;
        for (learner, _) in &given {
            self.note_keys_given(*learner)?;
        }
        let answered = Verdict::Granted;
        // Where something is withheld the site goes on waiting, and says so, until a later grant has
        // the rest. What a person decides is answered by whoever decides it.
        if !withheld && question.about == About::Card {
            let mail = self.answer_letter(site, question, answered)?;
            self.post(mail.into_iter().collect())?;
        }
        if verdict.is_some() {
            return Ok(verdict);
        }
        self.tell_others(question.learner, question, site)?;
        tracing::info!(learner = %question.learner, "a question was answered by rule");
        Ok(Some(answered))
    }

    /// Whether another question of the same stay was answered before.
    fn was_answered(&self, site: SiteId, question: &Question) -> Result<bool, EngineError> {
        for (_, row) in self.store.scan(Table::Work, &[], &[], usize::MAX)? {
            if let Work::Question {
                site: of,
                question: other,
                verdict: Some(_),
                ..
            } = codec::decode(&row)?
            {
                let place = |one: &Question| (one.learner, one.stay, one.about);
                let same = place(&other) == place(question);
                if of == site && same && other.id != question.id {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn answer_letter(
        &mut self,
        site: SiteId,
        question: &Question,
        verdict: Verdict,
    ) -> Result<Option<super::letters::Mail>, EngineError> {
        let answer = Answer {
            question: question.id,
            learner: question.learner,
            verdict,
        };
        self.letter(site, &Letter::Answer(answer))
    }

    /// What waits for a person, and what was decided.
    ///
    /// # Errors
    /// What the store says.
    pub fn worklist(&self) -> Result<Vec<WorkLine>, EngineError> {
        let mut lines = Vec::new();
        let work = self.store.scan(Table::Work, &[], &[], usize::MAX)?;
        if work.is_empty() {
            return Ok(lines);
        }
        let alike = self.alike()?;
        for (key, row) in work {
            lines.push(match codec::decode(&row)? {
                Work::Follow { .. } => continue,
                Work::Question {
                    site,
                    question,
                    verdict,
                    ..
                } => self.question_line(site, &question, verdict, &alike)?,
                Work::Dispute { site, arrived } => WorkLine {
                    id: data_encoding::HEXLOWER.encode(&key),
                    kind: "dispute".to_owned(),
                    site: self.code(site),
                    learner: arrived.learner,
                    name: self.name_of(arrived.learner)?,
                    reason: String::new(),
                    answered: String::new(),
                    proposed: String::new(),
                    candidates: Vec::new(),
                },
            });
        }
        // What waits comes first, of each site in turn: no site's many keep another's one from being seen.
        let mut of_site: BTreeMap<String, usize> = BTreeMap::new();
        let turn = |line: WorkLine| {
            let turn = of_site.entry(line.site.clone()).or_default();
            *turn += 1;
            ((!line.answered.is_empty(), *turn), line)
        };
        let mut lines: Vec<_> = lines.into_iter().map(turn).collect();
        lines.sort_by_key(|(rank, _)| *rank);
        Ok(lines.into_iter().map(|(_, line)| line).collect())
    }

    fn question_line(
        &self,
        site: SiteId,
        question: &Question,
        verdict: Option<Verdict>,
        alike: &Alike,
    ) -> Result<WorkLine, EngineError> {
        let waits = matches!(verdict, None | Some(Verdict::Undecided(_)));
        let (kind, open) = match question.about {
            About::Card => ("card", false),
            About::Person => ("person", waits),
        };
        let answered = match verdict {
            None | Some(Verdict::Undecided(_)) => String::new(),
            Some(Verdict::Granted) => "keys granted".to_owned(),
            Some(Verdict::Nobody) => "nobody known".to_owned(),
            Some(Verdict::Same(other)) => format!("the same person as {other}"),
            Some(Verdict::NotSame(other)) => format!("not the same person as {other}"),
        };
        let mut candidates = Vec::new();
        if open {
            candidates = self.candidates(question.learner, alike)?;
            if let Some(other) = self.pair_of(question.id)? {
                self.put_first(question.learner, other, &mut candidates)?;
            }
        }
        Ok(WorkLine {
            id: question.id.to_string(),
            kind: kind.to_owned(),
            site: self.code(site),
            learner: question.learner,
            name: self.name_of(question.learner)?,
            reason: question.reason.to_string(),
            answered,
            proposed: self.proposed(question.id)?,
            candidates,
        })
    }

    pub(super) fn name_of(&self, learner: LearnerId) -> Result<String, EngineError> {
        let row = self.store.learner(learner)?;
        Ok(row.map(|row| row.name).unwrap_or_default())
    }

    /// Decides a question: who the new person is, or that nobody knows him. Two persons have said so:
    /// see [`Engine::decide_by`].
    ///
    /// # Errors
    /// [`EngineError::Refused`] where there is no such question, or no such learner here.
    pub fn decide(
        &mut self,
        id: QuestionId,
        same: Option<LearnerId>,
    ) -> Result<WorkLine, EngineError> {
        let decision = same.map_or(Decision::Nobody, Decision::Same);
        self.decided(id, decision)
    }

    /// Takes a decision back: they are two persons.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where nothing of the kind was decided.
    pub fn undo_decision(&mut self, id: QuestionId) -> Result<WorkLine, EngineError> {
        self.decided(id, Decision::Undo)
    }

    /// Refuses what cannot be decided.
    pub(super) fn may_decide(&self, id: QuestionId, decision: Decision) -> Result<(), EngineError> {
        let (_, question, before, _) = self.asked(id)?;
        self.verdict_of(&question, before, decision).map(|_| ())
    }

    /// How a question stands.
    pub(super) fn work_line(&self, id: QuestionId) -> Result<WorkLine, EngineError> {
        let (site, question, verdict, _) = self.asked(id)?;
        self.question_line(site, &question, verdict, &self.alike()?)
    }

    fn asked(
        &self,
        id: QuestionId,
    ) -> Result<(SiteId, Question, Option<Verdict>, bool), EngineError> {
        let row = self.store.read(Table::Work, &id.0)?;
        match row.map(|bytes| codec::decode(&bytes)).transpose()? {
            Some(Work::Question {
                site,
                question,
                verdict,
                owed,
            }) => Ok((site, question, verdict, owed)),
            _ => Err(EngineError::Refused(format!(
                "no question {id}: 'spean worklist list' shows those that wait"
            ))),
        }
    }

    /// What a decision makes of a question that was answered so before.
    fn verdict_of(
        &self,
        question: &Question,
        before: Option<Verdict>,
        decision: Decision,
    ) -> Result<Verdict, EngineError> {
        let verdict = match decision {
            Decision::Same(other) => Verdict::Same(other),
            Decision::NotSame(other) => Verdict::NotSame(other),
            Decision::Nobody => Verdict::Nobody,
            Decision::Undo => {
                return match before {
                    Some(Verdict::Same(other)) => Ok(Verdict::NotSame(other)),
                    Some(Verdict::NotSame(other)) => Ok(Verdict::Undecided(other)),
                    _ => Err(EngineError::Refused(
                        "nothing was decided of two learners: there is nothing to take back".into(),
                    )),
                };
            }
        };
        if let Verdict::Same(other) | Verdict::NotSame(other) = verdict
            && (self.view(other)?.is_none() || other == question.learner)
        {
            return Err(EngineError::UnknownLearner(other));
        }
        match before {
            Some(Verdict::Same(one)) if verdict != Verdict::Same(one) => Err(EngineError::Refused(
                "it was decided otherwise: take that back first, 'spean worklist undo'".into(),
            )),
            // What no record says yet must not be lost by another answer.
            Some(apart @ Verdict::NotSame(one))
                if ![Verdict::Same(one), apart].contains(&verdict)
                    && !self.says(question.learner, apart)? =>
            {
                Err(EngineError::Refused(format!(
                    "he and {one} were found to be two persons, and no record says so yet: decide once \
                     the prison where he is has written it down"
                )))
            }
            _ => Ok(verdict),
        }
    }

    /// Decides, or takes back, what two officers have said.
    pub(super) fn decided(
        &mut self,
        id: QuestionId,
        decision: Decision,
    ) -> Result<WorkLine, EngineError> {
        self.input(|engine| {
            let (site, question, before, owed) = engine.asked(id)?;
            let verdict = engine.verdict_of(&question, before, decision)?;
            let new = Some(verdict) != before;
            let owed = owed && !new || new && is_of_two(verdict);
            if new && !owed {
                let mail = engine.answer_letter(site, &question, verdict)?;
                engine.post(mail.into_iter().collect())?;
            }
            if let Verdict::NotSame(other) = verdict {
                let place = (site, question.stay);
                engine.take_back(question.learner, place, Some(other))?;
            }
            let line = engine.question_line(site, &question, Some(verdict), &engine.alike()?)?;
            let work = Work::Question {
                site,
                question,
                verdict: Some(verdict),
                owed,
            };
            engine.write_work(&id.0, &work)?;
            // Where he is now: at the prison that asked, at the next, or on the way.
            engine.answer_question(&id.0, &codec::encode(&work))?;
            Ok(line)
        })
    }
}

/// Whether an answer is of him and another learner: a record is to say so, wherever he is by then.
const fn is_of_two(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Same(_) | Verdict::NotSame(_) | Verdict::Undecided(_)
    )
}

/// The open stay to which departures lead from one that has ended, if it is one only. A stay that no
/// departure leads to may be an old one whose end nobody recorded: that site has no claim to what was
/// written since.
fn went_on_to<'a>(stays: &'a [Stay], from: &'a Stay) -> Option<&'a Stay> {
    let (reached, _) = led_from(stays, from);
    let mut open = reached.into_iter().filter(|stay| stay.is_open());
    let only = open.next();
    only.filter(|_| open.next().is_none())
}
