//! Who may be one person under two ids, as a list: at the DGP among everybody, at a prison among its own
//! learners. Nobody is joined by it. From the list a pair goes to the DGP's worklist, where two officers
//! decide, as of a question that a prison asked; their answer goes to where he is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::event::LinkReason;
use spean_protocol::id::{LearnerId, QuestionId, SiteId, StayId};
use spean_protocol::letter::{About, Question, Verdict};

use super::candidates::{Alike, Candidate, Compared};
use super::keys::key_of;
use super::questions::{Work, WorkLine};
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Pairs that are compared for one list. A nation of one name would have more.
const COMPARED_MAX: usize = 1_000_000;

/// Two ids that may be one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateLine {
    /// The learner who is in a prison, if only one of them is.
    pub learner: LearnerId,
    /// His name.
    pub name: String,
    /// Codes of the sites that count him as present.
    pub at: Vec<String>,
    /// The other one.
    pub other: LearnerId,
    /// His name.
    pub other_name: String,
    /// Codes of the sites that count him as present.
    pub other_at: Vec<String>,
    /// What the two have in common, in words.
    pub because: Vec<String>,
    /// What speaks against it, in words.
    pub against: Vec<String>,
    /// A question of one of them that waits on the worklist; empty where none does.
    pub question: String,
}

/// Pairs that may be one person each, the most alike first. What people have decided is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicates {
    /// The pairs.
    pub pairs: Vec<DuplicateLine>,
    /// How many more there are.
    pub more: usize,
    /// So many were compared that the search ended: there may be further ones.
    pub ended: bool,
    /// Whether this is the head office, where it is decided.
    pub decided_here: bool,
}

/// Where it is kept whom officers put beside the one of whom a question asks.
fn place(question: &[u8]) -> Vec<u8> {
    key_of(&[b"pair of", question])
}

impl<S: Store> Engine<S> {
    /// Who may be one person under two ids, among those who are to be found here.
    ///
    /// # Errors
    /// What the store says.
    pub fn duplicates(&self, limit: usize) -> Result<Duplicates, EngineError> {
        let alike = self.alike()?;
        let waiting = self.waiting_questions()?;
        let (found, ended) = alike.pairs();
        let mut lines = Vec::new();
        for (compared, one, other) in found.iter().take(limit) {
            lines.push(self.duplicate(&alike, &waiting, (*one, *other), *compared)?);
        }
        Ok(Duplicates {
            more: found.len() - lines.len(),
            pairs: lines,
            ended,
            decided_here: self.is_headquarters(),
        })
    }

    fn duplicate(
        &self,
        alike: &Alike,
        waiting: &BTreeMap<LearnerId, QuestionId>,
        (mut learner, mut other): (LearnerId, LearnerId),
        compared: Compared,
    ) -> Result<DuplicateLine, EngineError> {
        let at = |learner: LearnerId| -> Vec<String> {
            let sites = alike.all.get(&learner).map(|one| one.open_at().collect());
            let sites: BTreeSet<SiteId> = sites.unwrap_or_default();
            sites.into_iter().map(|site| self.code(site)).collect()
        };
        if at(learner).is_empty() {
            std::mem::swap(&mut learner, &mut other);
        }
        let mut against = compared.against(|site| self.code(site));
        if alike.is_disputed(learner, other) {
            against.push("the records contradict each other: one person, and two".to_owned());
        }
        let question = waiting.get(&learner).or_else(|| waiting.get(&other));
        Ok(DuplicateLine {
            learner,
            name: self.name_of(learner)?,
            at: at(learner),
            other,
            other_name: self.name_of(other)?,
            other_at: at(other),
            because: compared.because(),
            against,
            question: question.map(ToString::to_string).unwrap_or_default(),
        })
    }

    fn waiting_questions(&self) -> Result<BTreeMap<LearnerId, QuestionId>, EngineError> {
        let mut waiting = BTreeMap::new();
        for (_, row) in self.store.scan(Table::Work, &[], &[], usize::MAX)? {
            if let Work::Question {
                question,
                verdict: None | Some(Verdict::Undecided(_)),
                ..
            } = codec::decode(&row)?
                && question.about == About::Person
            {
                waiting.insert(question.learner, question.id);
            }
        }
        Ok(waiting)
    }

    /// At the DGP: puts two learners on the worklist, as if the prison where one of them is had asked.
    /// A question of his that waits already is that question.
    ///
    /// # Errors
    /// [`EngineError::Refused`] elsewhere, or where neither is in a prison;
    /// [`EngineError::UnknownLearner`].
    pub fn put_pair(
        &mut self,
        learner: LearnerId,
        other: LearnerId,
        reason: LinkReason,
    ) -> Result<WorkLine, EngineError> {
        let refused = |why: &str| Err(EngineError::Refused(why.to_owned()));
        if !self.is_headquarters() {
            return refused(
                "only the head office has a worklist: 'spean transfer ask LEARNER --reason name' asks it",
            );
        }
        if learner == other {
            return refused("that is one id twice: name two learners");
        }
        for one in [learner, other] {
            if self.view(one)?.is_none() {
                return Err(EngineError::UnknownLearner(one));
            }
        }
        if let Some(id) = self.question_of(learner, other)? {
            return self.work_line(id);
        }
        let (mut one, mut two) = (learner, other);
        // What a record says already, only the prison that has that record can take back.
        if self.links_of(two)?.iter().any(|link| link.other == one) {
            std::mem::swap(&mut one, &mut two);
        }
        let places = (self.open_place_of(one)?, self.open_place_of(two)?);
        let (learner, other, (site, stay)) = match places {
            (Some(place), _) => (one, two, place),
            (None, Some(place)) => (two, one, place),
            (None, None) => {
                return refused(
                    "neither of them is in a prison now, so nobody could write it down: put them on the \
                     list when one of them is admitted again",
                );
            }
        };
        let id = self.input(|engine| {
            let known = engine.open_question(learner, stay)?;
            let id = match known {
                Some(id) => id,
                None => QuestionId(engine.fresh_id("question", &learner.0)),
            };
            let about = About::Person;
            let question = Question {
                id,
                learner,
                stay,
                about,
                reason,
            };
            engine.keep_work(&id.0, &Work::question(site, question))?;
            let row = codec::encode(&other);
            engine.store.write(Table::Meta, &place(&id.0), &row)?;
            engine.due = true;
            Ok(id)
        })?;
        self.work_line(id)
    }

    /// Where somebody is: of several sites that count him, where he came last.
    fn open_place_of(&self, learner: LearnerId) -> Result<Option<(SiteId, StayId)>, EngineError> {
        let stays = self.view(learner)?.unwrap_or_default().stays;
        let open = stays.iter().filter(|stay| stay.is_open());
        let last = open.max_by_key(|stay| {
            let came = stay.arrivals.iter().filter_map(|one| one.date).max();
            (came, stay.site, stay.stay)
        });
        Ok(last.map(|stay| (stay.site, stay.stay)))
    }

    /// The question that is of these two: it waits, or was answered and can be taken back.
    fn question_of(
        &self,
        one: LearnerId,
        other: LearnerId,
    ) -> Result<Option<QuestionId>, EngineError> {
        for (_, row) in self.store.scan(Table::Work, &[], &[], usize::MAX)? {
            let Work::Question {
                question, verdict, ..
            } = codec::decode(&row)?
            else {
                continue;
            };
            let with = match verdict {
                Some(Verdict::Same(with) | Verdict::NotSame(with)) => Some(with),
                Some(Verdict::Undecided(_)) | None => self.pair_of(question.id)?,
                Some(_) => None,
            };
            let pair = (question.learner, with);
            if pair == (one, Some(other)) || pair == (other, Some(one)) {
                return Ok(Some(question.id));
            }
        }
        Ok(None)
    }

    fn open_question(
        &self,
        learner: LearnerId,
        stay: StayId,
    ) -> Result<Option<QuestionId>, EngineError> {
        for (_, row) in self.store.scan(Table::Work, &[], &[], usize::MAX)? {
            if let Work::Question {
                question,
                verdict: None,
                ..
            } = codec::decode(&row)?
                && (question.learner, question.stay, question.about)
                    == (learner, stay, About::Person)
            {
                return Ok(Some(question.id));
            }
        }
        Ok(None)
    }

    /// Whom officers put beside the one of whom a question asks.
    pub(super) fn pair_of(&self, question: QuestionId) -> Result<Option<LearnerId>, EngineError> {
        let row = self.store.read(Table::Meta, &place(&question.0))?;
        Ok(row.map(|row| codec::decode(&row)).transpose()?)
    }

    /// A prison has asked again what officers had put on the list.
    pub(super) fn hand_on_pair(&mut self, from: &[u8], to: &[u8]) -> Result<(), EngineError> {
        if let Some(row) = self.store.read(Table::Meta, &place(from))? {
            self.store.write(Table::Meta, &place(to), &row)?;
            self.store.remove(Table::Meta, &place(from))?;
        }
        Ok(())
    }

    /// Shows whom officers put beside somebody before all others.
    pub(super) fn put_first(
        &self,
        learner: LearnerId,
        other: LearnerId,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), EngineError> {
        candidates.retain(|one| one.learner != other);
        let compared = self.likeness(learner)?.beside(&self.likeness(other)?);
        let mut first = self.candidate(other, compared)?;
        first
            .because
            .push("an officer put them side by side".to_owned());
        candidates.insert(0, first);
        Ok(())
    }
}

impl Alike {
    /// Every pair of two persons' ids that may be one person and of which nobody has decided, the most
    /// alike first, one for each two persons; and whether the search ended before its end.
    ///
    /// Only who shares a folded name is compared, and of those only whose birth years are near.
    fn pairs(&self) -> (Vec<(Compared, LearnerId, LearnerId)>, bool) {
        let learners: Vec<_> = self.all.iter().collect();
        let mut blocks: Vec<(u64, u16, usize)> = Vec::with_capacity(2 * learners.len());
        for (number, (_, likeness)) in learners.iter().enumerate() {
            // Who may have been born in any year comes first, before everybody else of his name.
            let year = likeness.year().unwrap_or(0);
            let of = likeness.blocks().map(|block| (block, year, number));
            blocks.extend(of);
        }
        blocks.sort_unstable();
        blocks.dedup();
        let mut near: Vec<(usize, usize)> = Vec::new();
        let mut steps = 0;
        'blocks: for (at, (block, year, one)) in blocks.iter().enumerate() {
            let others = blocks.iter().skip(at + 1);
            for (other_block, other_year, other) in others {
                if other_block != block || *year != 0 && other_year - year > 1 {
                    break;
                }
                steps += 1;
                if steps > COMPARED_MAX {
                    break 'blocks;
                }
                near.push((*one.min(other), *one.max(other)));
            }
        }
        near.sort_unstable();
        near.dedup();
        let mut found = Vec::new();
        for (one, other) in near {
            let (Some((one, first)), Some((other, second))) =
                (learners.get(one), learners.get(other))
            else {
                continue;
            };
            let compared = first.compared(second);
            let open = compared.filter(|_| !self.is_decided(**one, **other));
            found.extend(open.map(|compared| (-compared.rank(), compared, **one, **other)));
        }
        found.sort_by_key(|(rank, _, one, other)| (*rank, *one, *other));
        let mut known = BTreeSet::new();
        let mut is_first = |pair| known.insert(pair);
        // Where nobody has two ids there is one pair of each two persons.
        let joined = self.persons.joined().next().is_some();
        found.retain(|(_, _, one, other)| !joined || is_first(self.pair(*one, *other)));
        let found = found.into_iter();
        let found = found.map(|(_, compared, one, other)| (compared, one, other));
        (found.collect(), steps > COMPARED_MAX)
    }
}

#[cfg(test)]
mod tests;
