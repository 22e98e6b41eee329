//! What officers sign: signatures of control logs become how many persons have signed an event, and what
//! still waits for an officer is listed for him.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::control::Entry as ControlEntry;
use spean_protocol::event::{Body, Event, EventId};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::limits::{OFFICER_KEYS_MAX, SIGNATURES_MAX};
use spean_protocol::officer::{Office, PERSONS_MIN, Signature, Subject, SubjectTag};
use spean_protocol::view::Entry;

use super::keys::{key_of, learner_of};
use super::officers::{Known, SealedKey};
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// An event that an officer may sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToSign {
    /// Whose.
    pub learner: LearnerId,
    /// His name.
    pub name: String,
    /// The site that recorded it.
    pub site: String,
    /// The event's key.
    pub event: String,
    /// What it says: kind, date and fields.
    pub says: String,
    /// Who has signed it so far: site and number.
    pub signed_by: Vec<String>,
    /// What is signed.
    pub subject: Subject,
}

/// Where it is kept that an event needs two persons: the row says whether both have signed.
fn stake(learner: LearnerId, tag: SubjectTag) -> Vec<u8> {
    key_of(&[&learner.0, &tag])
}

impl<S: Store> Engine<S> {
    /// Keeps a signature of a control log. What it is of may come later, and so may the officer's key.
    pub(super) fn read_signature(
        &mut self,
        site: SiteId,
        signature: &Signature,
    ) -> Result<(), EngineError> {
        let of_site = key_of(&[&signature.subject, &site.0.to_be_bytes()]);
        let name = blake3::hash(&signature.signature);
        let number = signature.number.to_be_bytes();
        let at = key_of(&[&of_site, &number, &name.as_bytes()[..8]]);
        if self.store.read(Table::Signed, &at)?.is_some() {
            return Ok(());
        }
        self.store
            .write(Table::Signed, &at, &codec::encode(signature))?;
        self.signed.insert(signature.subject);
        Ok(())
    }

    /// Marks whoever has an event that was signed in this input, to be folded once more.
    pub(super) fn mark_signed(&mut self) -> Result<(), EngineError> {
        let signed = std::mem::take(&mut self.signed);
        let signers = std::mem::take(&mut self.signers);
        if signed.is_empty() && signers.is_empty() {
            return Ok(());
        }
        for (key, _) in self.store.scan(Table::Stake, &[], &[], usize::MAX)? {
            let tag = key.get(16..).and_then(|tag| SubjectTag::try_from(tag).ok());
            let Some(tag) = tag else {
                continue;
            };
            if signed.contains(&tag) || self.is_signed_by(&tag, &signers)? {
                self.fold_again(learner_of(&key)?)?;
            }
        }
        Ok(())
    }

    /// Whether any of these officers has signed that.
    fn is_signed_by(
        &self,
        tag: &SubjectTag,
        signers: &BTreeSet<(SiteId, u16)>,
    ) -> Result<bool, EngineError> {
        if signers.is_empty() {
            return Ok(false);
        }
        let rows = self.store.scan(Table::Signed, tag, &[], usize::MAX)?;
        let mut by = rows.iter().filter_map(|(key, _)| signer_of(key));
        Ok(by.any(|one| signers.contains(&one)))
    }

    /// Says of each entry that needs it how many persons have signed it, and notes those that do.
    pub(super) fn count_signers(
        &mut self,
        learner: LearnerId,
        entries: &mut [Entry],
    ) -> Result<(), EngineError> {
        let needs = |entry: &Entry| entry.event.body.needs_two_persons();
        let at_stake: BTreeSet<EventId> = entries
            .iter()
            .filter(|e| needs(e))
            .map(|entry| entry.id.clone())
            .collect();
        if at_stake.is_empty() {
            return Ok(());
        }
        for entry in entries {
            if needs(entry) || entry.overrules().any(|id| at_stake.contains(id)) {
                let subject = Subject::of_event(learner, &entry.id, &entry.event.encode());
                let persons = self.signers(&subject)?.1;
                entry.persons = u8::try_from(persons).unwrap_or(u8::MAX);
            }
        }
        Ok(())
    }

    /// Notes which of a learner's events two persons sign, so that he is found when one has.
    pub(super) fn note_stakes(
        &mut self,
        learner: LearnerId,
        entries: &[Entry],
    ) -> Result<(), EngineError> {
        let mut stakes = BTreeMap::new();
        let at_stake: BTreeSet<&EventId> = entries
            .iter()
            .filter(|entry| entry.event.body.needs_two_persons())
            .map(|entry| &entry.id)
            .collect();
        for entry in entries {
            if at_stake.contains(&entry.id) || entry.overrules().any(|id| at_stake.contains(id)) {
                let subject = Subject::of_event(learner, &entry.id, &entry.event.encode());
                stakes.insert(stake(learner, subject.tag()), entry.persons >= PERSONS_MIN);
            }
        }
        let held = self.store.scan(Table::Stake, &learner.0, &[], usize::MAX)?;
        for (key, value) in held {
            match stakes.get(&key) {
                Some(both) if codec::decode::<bool>(&value) == Ok(*both) => {
                    stakes.remove(&key);
                }
                Some(_) => {}
                None => self.store.remove(Table::Stake, &key)?,
            }
        }
        for (key, both) in stakes {
            self.store
                .write(Table::Stake, &key, &codec::encode(&both))?;
        }
        Ok(())
    }

    /// Who signed a subject, and how many persons that is: none, one, or at least two.
    fn signers(&self, subject: &Subject) -> Result<(BTreeSet<(SiteId, u16)>, usize), EngineError> {
        let headquarters = self.roster.headquarters().map(|site| site.id);
        let (mut signers, mut persons) = (BTreeSet::new(), BTreeSet::new());
        let mut of_site: BTreeMap<SiteId, usize> = BTreeMap::new();
        for (key, value) in self
            .store
            .scan(Table::Signed, &subject.tag(), &[], usize::MAX)?
        {
            let Some((site, number)) = signer_of(&key) else {
                continue;
            };
            let looked_at = of_site.entry(site).or_default();
            *looked_at += 1;
            if *looked_at > SIGNATURES_MAX {
                continue;
            }
            let signature: Signature = codec::decode(&value)?;
            let of_number = key_of(&[&site.0.to_be_bytes(), &number.to_be_bytes()]);
            for (key, known) in
                self.store
                    .scan(Table::Officer, &of_number, &[], OFFICER_KEYS_MAX)?
            {
                let known: Known = codec::decode(&known)?;
                let public = key.get(4..).and_then(|key| key.try_into().ok());
                let signs = known.office.is_some_and(Office::signs);
                if signs && public.is_some_and(|public| signature.is_of(subject, &public)) {
                    signers.insert((site, number));
                    let confirmed = known.confirmed || headquarters == Some(site);
                    persons.insert((public, (site, confirmed.then_some(number))));
                }
            }
        }
        // A key and its signature stand in the log, so any site can list both as an officer of its own.
        // Therefore two persons are two keys of two persons; and of one site only such as the DGP knows, or
        // whoever runs its node would be the second one.
        let two = |(key, person): &(_, (SiteId, Option<u16>))| {
            persons.iter().any(|(other, another)| {
                let one_site = person.0 == another.0;
                let known = person.1.is_some() && another.1.is_some();
                other != key && another != person && (!one_site || known)
            })
        };
        let persons = match persons.iter().any(two) {
            true => 2,
            false => usize::from(!persons.is_empty()),
        };
        Ok((signers, persons))
    }

    /// The key of an officer of this site, and what he may sign: results and certificates of everybody
    /// whom this node reads, and corrections of such, that lack a person's signature and not his.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where there is no such officer, or his office does not sign.
    pub fn to_sign(&mut self, number: u16) -> Result<(SealedKey, Vec<ToSign>), EngineError> {
        let sealed = self.signing_officer(number)?;
        let mut learners = BTreeSet::new();
        for (key, both) in self.store.scan(Table::Stake, &[], &[], usize::MAX)? {
            if codec::decode::<bool>(&both) != Ok(true) {
                learners.insert(learner_of(&key)?);
            }
        }
        let mut open = Vec::new();
        for learner in learners {
            open.append(&mut self.open_of(learner, number)?);
        }
        Ok((sealed, open))
    }

    fn open_of(&mut self, learner: LearnerId, number: u16) -> Result<Vec<ToSign>, EngineError> {
        let entries = self.entries(learner)?;
        let provisional = spean_protocol::view::InEffect::of(&entries).provisional;
        let mut open = Vec::new();
        for entry in provisional {
            let subject = Subject::of_event(learner, &entry.id, &entry.event.encode());
            let (signers, _) = self.signers(&subject)?;
            if signers.contains(&(self.site, number)) {
                continue;
            }
            let by = |(site, number): &(SiteId, u16)| format!("{} {number}", self.code(*site));
            open.push(ToSign {
                learner,
                name: self.name_of(learner)?,
                site: self.code(entry.site()),
                event: entry.id.to_string(),
                says: says(&entry.event),
                signed_by: signers.iter().map(by).collect(),
                subject,
            });
        }
        Ok(open)
    }

    /// Puts an officer's signatures into the log; returns how many were new. Each must be of something
    /// that he may sign.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where one is not.
    pub fn sign_events(
        &mut self,
        number: u16,
        signatures: &[Signature],
    ) -> Result<u64, EngineError> {
        self.input(|engine| {
            let (sealed, open) = engine.to_sign(number)?;
            let subjects: BTreeMap<SubjectTag, Subject> =
                open.iter().map(|one| (one.subject.tag(), one.subject)).collect();
            let mut entries = Vec::with_capacity(signatures.len());
            for signature in signatures {
                let subject = subjects.get(&signature.subject);
                let good = subject.is_some_and(|subject| signature.is_of(subject, &sealed.key));
                if !good || signature.number != number {
                    return Err(EngineError::Refused(
                        "a signature is of nothing that waits for this officer: list it again, 'spean sign'"
                            .into(),
                    ));
                }
                entries.push(ControlEntry::Signature(signature.clone()));
            }
            if !entries.is_empty() {
                engine.write_control(&entries)?;
            }
            Ok(entries.len() as u64)
        })
    }
}

/// What an event says that needs two persons, in words.
fn says(event: &Event) -> String {
    let mut words = vec![event.body.kind_name().to_owned()];
    if let Some(scope) = event.body.scope() {
        let module = scope.module().map(|module| format!(" {module}"));
        words.push(format!(
            "{}{}",
            scope.programme(),
            module.unwrap_or_default()
        ));
    }
    match &event.body {
        Body::ExamResult {
            sitting,
            outcome,
            score,
            ..
        } => {
            words.extend(sitting.map(|sitting| format!("sitting {sitting}")));
            words.push(outcome.to_string());
            words.extend(score.map(|score| format!("{} of {}", score.points(), score.max())));
        }
        Body::Certificate { issuer, .. } => words.push(format!("by {issuer}")),
        Body::Retracted { event, reason } => words.push(format!("{event}: {reason}")),
        _ => {}
    }
    words.extend(event.date.map(|date| date.to_string()));
    if !event.supersedes.is_empty() {
        words.push("in place of another".to_owned());
    }
    words.join(", ")
}

/// Whose signature a row is.
fn signer_of(key: &[u8]) -> Option<(SiteId, u16)> {
    let number = |from: usize| -> Option<u16> {
        Some(u16::from_be_bytes(
            key.get(from..from + 2)?.try_into().ok()?,
        ))
    };
    Some((SiteId(number(16)?), number(18)?))
}
