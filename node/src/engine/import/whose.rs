//! Whose a row is: by what stands for somebody, or by what an officer said before of the same words. A name alone
//! makes no row anybody's; a name and the year of birth do, where they fit one learner here and no other.

use std::collections::{BTreeMap, BTreeSet};

use spean_protocol::event::Body;
use spean_protocol::id::LearnerId;

use super::Import;
use crate::engine::candidates::Likeness;
use crate::engine::{Engine, EngineError};
use crate::register::Who;
use crate::store::{Store, Table};

/// People whom a doubt names.
const NAMED_MAX: usize = 4;

/// Whose a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Whose {
    /// His.
    He(LearnerId),
    /// An officer said that he is nobody of this centre.
    Nobody,
    /// An officer has to say.
    Doubt(Doubt),
    /// The row names nobody.
    Unsaid(String),
}

/// Why an officer has to say whose a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Doubt {
    /// In words.
    pub(super) reason: String,
    /// Who it may be.
    pub(super) may_be: Vec<LearnerId>,
}

impl Doubt {
    fn because(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            may_be: Vec::new(),
        }
    }
}

/// Who is here, as far as rows are compared with them.
#[derive(Default)]
pub(super) struct People {
    /// What is compared of everybody who is here.
    alike: BTreeMap<LearnerId, Likeness>,
    /// User names, as they are shown here.
    usernames: BTreeMap<String, LearnerId>,
    /// Who has a row in the same source: two rows of one register are two people.
    of_source: BTreeSet<LearnerId>,
}

impl People {
    /// Who signs in here with a name.
    pub(super) fn named(&self, username: &str) -> Option<LearnerId> {
        self.usernames.get(username).copied()
    }

    /// Who of them may be somebody like that, and whether the years of birth agree.
    fn like(&self, other: &Likeness) -> Vec<(LearnerId, bool)> {
        let blocks: BTreeSet<u64> = other.blocks().collect();
        let alike = self
            .alike
            .iter()
            .filter(|(_, one)| one.blocks().any(|block| blocks.contains(&block)));
        alike
            .filter(|(_, one)| one.compared(other).is_some())
            .map(|(learner, one)| (*learner, one.year().is_some() && one.year() == other.year()))
            .collect()
    }
}

impl<S: Store> Engine<S> {
    /// Everybody with whom rows of a source are compared; nobody, at the DGP.
    pub(super) fn people_here(&self, source: &str) -> Result<People, EngineError> {
        let mut people = People::default();
        if self.reads_everyone() {
            return Ok(people);
        }
        for (learner, likeness) in self.alike()?.all {
            if self.own_stay(learner)?.is_some_and(|own| own.open) {
                people.alike.insert(learner, likeness);
            }
        }
        for (learner, names) in self.usernames()? {
            for name in names {
                people.usernames.insert(name.to_string(), learner);
            }
        }
        for (key, value) in self.store.scan(Table::SourceOf, &[], &[], usize::MAX)? {
            if value == source.as_bytes()
                && let Some(id) = key.first_chunk()
            {
                people.of_source.insert(LearnerId(*id));
            }
        }
        Ok(people)
    }

    /// Whose rows would be that name these people; where that is in doubt, of all whose it may be.
    ///
    /// # Errors
    /// What the store says.
    pub fn whose_all(&self, import: &Import, all: &[Who]) -> Result<Vec<LearnerId>, EngineError> {
        let people = self.people_here(&import.source)?;
        let mut found = Vec::new();
        for who in all {
            match self.whose(import, who, &people)? {
                Whose::He(learner) => found.push(learner),
                Whose::Doubt(doubt) => found.extend(doubt.may_be),
                Whose::Nobody | Whose::Unsaid(_) => {}
            }
        }
        Ok(found)
    }

    /// What was said before of a row key. Of somebody whose stay went with an import that was taken back nothing was.
    pub(in crate::engine) fn said(&self, place: &[u8; 32]) -> Result<Option<Whose>, EngineError> {
        let Some(said) = self.store.read(Table::Source, place)? else {
            return Ok(None);
        };
        let Ok(learner) = said.try_into().map(LearnerId) else {
            return Ok(Some(Whose::Nobody));
        };
        let known = self.own_stay(learner)?.is_some();
        Ok(known.then_some(Whose::He(learner)))
    }

    /// Whose a row is.
    pub(super) fn whose(
        &self,
        import: &Import,
        who: &Who,
        people: &People,
    ) -> Result<Whose, EngineError> {
        if who.is_empty() {
            let why = "no learner: fill in his card's number, his user name or his name";
            return Ok(Whose::Unsaid(why.to_owned()));
        }
        let place = self.source_key(&import.source, &who.key());
        if let Some(said) = self.said(&place)? {
            return Ok(said);
        }
        let given = who.learner.as_str();
        if !given.is_empty() {
            if let Ok(learner) = given.parse::<LearnerId>() {
                return Ok(match self.own_stay(learner)? {
                    Some(_) => Whose::He(learner),
                    None => Whose::Doubt(Doubt::because("nobody with this card has been here")),
                });
            }
            if let Some(learner) = people.usernames.get(given) {
                return Ok(Whose::He(*learner));
            }
            return Ok(Whose::Doubt(Doubt::because(&format!(
                "no learner '{}' here, nor in '{}'",
                crate::register::value::shortened(given),
                import.source
            ))));
        }
        let row = who.newcomer().read();
        let Ok(newcomer) = row else {
            return Ok(Whose::Unsaid(row.err().unwrap_or_default()));
        };
        let likeness = Likeness::of_profile(&newcomer.profile);
        let alike = people.like(&likeness);
        match alike.as_slice() {
            [(learner, true)] => Ok(Whose::He(*learner)),
            [] => Ok(Whose::Doubt(Doubt::because("nobody here has this name"))),
            several => Ok(Whose::Doubt(self.may_be(several)?)),
        }
    }

    /// Whom a new learner of a register may be, of those who are here and are not in it.
    pub(super) fn may_be_here(
        &self,
        people: &People,
        profile: &[Body],
    ) -> Result<Option<Doubt>, EngineError> {
        if people.alike.is_empty() {
            return Ok(None);
        }
        let mut alike = people.like(&Likeness::of_profile(profile));
        alike.retain(|(learner, _)| !people.of_source.contains(learner));
        match alike.is_empty() {
            true => Ok(None),
            false => self.may_be(&alike).map(Some),
        }
    }

    /// Who somebody may be, in words.
    pub(super) fn named(&self, may_be: &[LearnerId]) -> Result<String, EngineError> {
        let mut named = Vec::new();
        for learner in may_be {
            named.push(format!("{} ({learner})", self.name_of(*learner)?));
        }
        Ok(match named.is_empty() {
            true => "may be somebody who has left".to_owned(),
            false => format!("may be {}", named.join(" or ")),
        })
    }

    /// Those of them who are here now.
    pub(super) fn still_here(&self, may_be: Vec<LearnerId>) -> Result<Vec<LearnerId>, EngineError> {
        let mut here = Vec::new();
        for learner in may_be {
            if self.own_stay(learner)?.is_some_and(|own| own.open) {
                here.push(learner);
            }
        }
        Ok(here)
    }

    fn may_be(&self, alike: &[(LearnerId, bool)]) -> Result<Doubt, EngineError> {
        let may_be = alike.iter().map(|(learner, _)| *learner);
        let may_be: Vec<LearnerId> = may_be.take(NAMED_MAX).collect();
        let reason = self.named(&may_be)?;
        Ok(Doubt { reason, may_be })
    }
}
