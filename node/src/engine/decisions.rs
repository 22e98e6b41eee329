//! Who is who is decided by two persons at the DGP: the first officer proposes, and what he proposed
//! happens when a second one says the same. Each signs, so neither can decide in the other's name. A
//! decision is taken back in the same way; nothing is rewritten by it.

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::id::{LearnerId, QuestionId};
use spean_protocol::officer::{Signature, Subject};

use super::keys::key_of;
use super::questions::WorkLine;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// What an officer of the DGP decides of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// He is the same person as this learner.
    Same(LearnerId),
    /// He is nobody whom the DGP reads.
    Nobody,
    /// What was decided is taken back: who was one person is two, and of who were two persons nothing is
    /// decided any more.
    Undo,
    /// He and this learner are two persons.
    NotSame(LearnerId),
}

impl Decision {
    /// What an officer signs.
    #[must_use]
    pub fn subject(&self, question: QuestionId) -> Subject {
        Subject::of_decision(question, &codec::encode(self))
    }

    /// The decision in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Same(other) => format!("the same person as {other}"),
            Self::Nobody => "nobody known".to_owned(),
            Self::Undo => "the decision is taken back".to_owned(),
            Self::NotSame(other) => format!("not the same person as {other}"),
        }
    }
}

fn place(question: QuestionId) -> Vec<u8> {
    key_of(&[b"proposed of", &question.0])
}

impl<S: Store> Engine<S> {
    /// Takes an officer's decision of a question. It happens with the second one's.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where he may not sign, or there is no such question or learner.
    pub fn decide_by(
        &mut self,
        question: QuestionId,
        decision: Decision,
        by: &Signature,
    ) -> Result<WorkLine, EngineError> {
        self.check_signature(&decision.subject(question), by)?;
        let row = self.store.read(Table::Meta, &place(question))?;
        let proposed: Option<(Decision, u16)> = row.map(|row| codec::decode(&row)).transpose()?;
        let second = proposed.is_some_and(|(one, number)| one == decision && number != by.number);
        if !second {
            // Refused now, if it would be then.
            self.may_decide(question, decision)?;
            let row = codec::encode(&(decision, by.number));
            self.input(|engine| Ok(engine.store.write(Table::Meta, &place(question), &row)?))?;
            return self.work_line(question);
        }
        // First what was proposed goes: left behind by a power cut, it would make one officer two later.
        self.input(|engine| Ok(engine.store.remove(Table::Meta, &place(question))?))?;
        self.decided(question, decision)
    }

    fn check_signature(&self, subject: &Subject, by: &Signature) -> Result<(), EngineError> {
        let key = self.signing_officer(by.number)?.key;
        if by.is_of(subject, &key) {
            return Ok(());
        }
        Err(EngineError::Refused(
            "the signature is of something else: decide again".into(),
        ))
    }

    /// Whether an officer is the second one to sign that, of which the whole is meant; the first is noted.
    pub(super) fn signs_second(
        &mut self,
        subject: &Subject,
        whole: &Subject,
        by: &Signature,
    ) -> Result<bool, EngineError> {
        self.check_signature(subject, by)?;
        let at = key_of(&[b"signed by one", &whole.tag()]);
        let row = self.store.read(Table::Meta, &at)?;
        let first: Option<u16> = row.map(|row| codec::decode(&row)).transpose()?;
        let second = first.is_some_and(|number| number != by.number);
        self.input(|engine| match second {
            true => Ok(engine.store.remove(Table::Meta, &at)?),
            false => Ok(engine
                .store
                .write(Table::Meta, &at, &codec::encode(&by.number))?),
        })?;
        Ok(second)
    }

    /// What the first of two officers has proposed, in words.
    pub(super) fn proposed(&self, question: QuestionId) -> Result<String, EngineError> {
        let row = self.store.read(Table::Meta, &place(question))?;
        let proposed: Option<(Decision, u16)> = row.map(|row| codec::decode(&row)).transpose()?;
        Ok(proposed.map_or_else(String::new, |(decision, number)| {
            format!("officer {number} says: {}", decision.words())
        }))
    }
}
