//! Who may be one person under two ids: the same name in either script, in whatever writing and order,
//! with nothing that rules it out. It only proposes, and says what speaks for and against; people decide.
//!
//! What is compared is kept beside each learner's row, so that no list loads a record: at the DGP of
//! everybody, at a prison of those who are there. It leaves with him.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::custody::Stay;
use spean_protocol::event::{Birth, Body, Date, Script, Sex};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::letter::Verdict;
use spean_protocol::view::{Claim, Claims, LearnerView, Link, Persons};

use super::folding;
use super::keys::learner_of;
use super::questions::Work;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Candidates that are shown for one question.
const CANDIDATES_MAX: usize = 8;

/// Names, births, numbers and stays that are compared of one learner. More is what somebody made up.
const CLAIMS_MAX: usize = 8;
const STAYS_MAX: usize = 32;

/// Days for which two stays may seem to be at once, since people write days down.
const OVERLAP_DAYS: i32 = 14;

/// Somebody whom a new person may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The learner.
    pub learner: LearnerId,
    /// His name.
    pub name: String,
    /// What the two have in common, in words.
    pub because: Vec<String>,
    /// What speaks against it, in words.
    pub against: Vec<String>,
}

/// What is compared of one learner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Likeness {
    names: Vec<FoldedName>,
    sex: Option<Sex>,
    births: Vec<Birth>,
    numbers: Vec<[u8; 16]>,
    pub(super) stays: Vec<Span>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FoldedName {
    script: Script,
    family: String,
    given: String,
    /// Of both, whichever comes first: learners who share it are compared.
    block: u64,
}

/// When somebody was at a site, as far as anybody wrote it down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) site: SiteId,
    pub(super) open: bool,
    from: Option<Date>,
    to: Option<Date>,
}

/// What speaks for two ids being one person, and what against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    khmer: Names,
    latin: Names,
    number: bool,
    births: Births,
    overlap: Overlap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Unknown,
    Same,
    OneLetter,
    Differ,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Births {
    Unknown,
    SameDay,
    SameYear,
    OneYearApart,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlap {
    None,
    /// Both are counted as present.
    Open(SiteId, SiteId),
    /// The days of two stays are at once.
    Days(SiteId, SiteId),
}

/// Everybody who is compared, and what was decided.
pub(super) struct Alike {
    pub(super) all: BTreeMap<LearnerId, Likeness>,
    pub(super) persons: Persons,
    /// Pairs of persons that were found to be two.
    apart: BTreeSet<(LearnerId, LearnerId)>,
    /// Pairs of learners on which the DGP has decided, and no record says so yet.
    decided: BTreeSet<(LearnerId, LearnerId)>,
}

impl Likeness {
    pub(super) fn of(view: &LearnerView) -> Self {
        let profile = &view.profile;
        let name = |claim: &Claim<spean_protocol::view::Name>| {
            let name = &claim.value;
            FoldedName::of(name.script, &name.family, &name.given)
        };
        let sex = match profile.sex.as_slice() {
            [one] => Some(one.value),
            _ => None,
        };
        Self {
            names: profile.names.iter().map(name).take(CLAIMS_MAX).collect(),
            sex,
            births: values(&profile.birth),
            numbers: values(&profile.prisoner_numbers),
            stays: view
                .stays
                .iter()
                .filter_map(Span::of)
                .take(STAYS_MAX)
                .collect(),
        }
    }

    /// The same of somebody of whom there is a row only.
    pub(super) fn of_profile(profile: &[Body]) -> Self {
        let mut likeness = Self::default();
        for body in profile {
            match body {
                Body::Name {
                    script,
                    family,
                    given,
                } => likeness.names.push(FoldedName::of(*script, family, given)),
                Body::Sex { sex } => likeness.sex = Some(*sex),
                Body::Birth { birth } => likeness.births.push(*birth),
                _ => {}
            }
        }
        likeness
    }

    /// Where he is, as sites count him.
    pub(super) fn open_at(&self) -> impl Iterator<Item = SiteId> {
        self.stays
            .iter()
            .filter(|stay| stay.open)
            .map(|stay| stay.site)
    }

    pub(super) fn blocks(&self) -> impl Iterator<Item = u64> {
        self.names.iter().map(|name| name.block)
    }

    /// The one year in which he was born, if there is one.
    pub(super) fn year(&self) -> Option<u16> {
        match self.births.as_slice() {
            [one] => Some(one.year()),
            _ => None,
        }
    }

    /// Compares two; `None` where they share no name, or something rules it out.
    pub(super) fn compared(&self, other: &Self) -> Option<Compared> {
        let (khmer, latin) = (
            self.names(other, Script::Khmer),
            self.names(other, Script::Latin),
        );
        if khmer != Names::Same && latin != Names::Same {
            return None;
        }
        let compared = self.beside(other);
        let sexes_differ = matches!((self.sex, other.sex), (Some(a), Some(b)) if a != b);
        let years_apart = compared.births == Births::Unknown
            && !self.births.is_empty()
            && !other.births.is_empty();
        (!sexes_differ && !years_apart).then_some(compared)
    }

    /// Compares two whom an officer put side by side.
    pub(super) fn beside(&self, other: &Self) -> Compared {
        Compared {
            khmer: self.names(other, Script::Khmer),
            latin: self.names(other, Script::Latin),
            number: self
                .numbers
                .iter()
                .any(|number| other.numbers.contains(number)),
            births: self.births(other),
            overlap: self.overlap(other),
        }
    }

    fn names(&self, other: &Self, script: Script) -> Names {
        let mut found = Names::Unknown;
        let of_script = |one: &&FoldedName| one.script == script;
        for one in self.names.iter().filter(of_script) {
            for other in other.names.iter().filter(of_script) {
                match one.against(other) {
                    Names::Same => return Names::Same,
                    Names::OneLetter => found = Names::OneLetter,
                    _ if found == Names::Unknown => found = Names::Differ,
                    _ => {}
                }
            }
        }
        found
    }

    fn births(&self, other: &Self) -> Births {
        let mut best = Births::Unknown;
        for one in &self.births {
            for other in &other.births {
                let full = |birth: &Birth| birth.month().zip(birth.day()).is_some();
                match one.year().abs_diff(other.year()) {
                    0 if one == other && full(one) => return Births::SameDay,
                    0 => best = Births::SameYear,
                    1 if best == Births::Unknown => best = Births::OneYearApart,
                    _ => {}
                }
            }
        }
        best
    }

    fn overlap(&self, other: &Self) -> Overlap {
        let mut found = Overlap::None;
        for one in &self.stays {
            for other in &other.stays {
                if one.open && other.open {
                    return Overlap::Open(one.site, other.site);
                }
                if one.is_at_once_with(other) {
                    found = Overlap::Days(one.site, other.site);
                }
            }
        }
        found
    }
}

impl FoldedName {
    fn of(script: Script, family: &str, given: &str) -> Self {
        let (family, given) = (folding::part(script, family), folding::part(script, given));
        let turned = folding::turned(&folding::whole(&family, &given));
        let hash = blake3::hash(&codec::encode(&(script, turned)));
        let block = hash.as_bytes().first_chunk().copied();
        Self {
            script,
            family,
            given,
            block: u64::from_be_bytes(block.unwrap_or_default()),
        }
    }

    fn against(&self, other: &Self) -> Names {
        let same = |(one, next): (&str, &str), (other, last): (&str, &str)| {
            one.bytes()
                .chain(next.bytes())
                .eq(other.bytes().chain(last.bytes()))
        };
        let (family, given) = (self.family.as_str(), self.given.as_str());
        let straight = (other.family.as_str(), other.given.as_str());
        let turned = (straight.1, straight.0);
        if family.is_empty() && given.is_empty() {
            return Names::Unknown;
        }
        if same((family, given), straight)
            || same((family, given), turned)
            || same((given, family), straight)
        {
            return Names::Same;
        }
        let one = folding::whole(family, given);
        let ways = [straight, turned].map(|(one, next)| folding::whole(one, next));
        if ways.iter().any(|way| folding::one_letter_apart(&one, way)) {
            Names::OneLetter
        } else {
            Names::Differ
        }
    }
}

impl Span {
    fn of(stay: &Stay) -> Option<Self> {
        if stay.arrivals.is_empty() {
            return None;
        }
        Some(Self {
            site: stay.site,
            open: stay.is_open(),
            from: stay.arrivals.iter().filter_map(|one| one.date).min(),
            to: stay.departures.iter().filter_map(|one| one.date).max(),
        })
    }

    /// Whether the days of both are known well enough to say that he would have been at two places.
    fn is_at_once_with(&self, other: &Self) -> bool {
        let end = |span: &Self| match (span.open, span.to) {
            (true, _) => Some(i32::MAX),
            (false, to) => to.map(Date::days),
        };
        let days = |one: &Self, other: &Self| {
            let begin = one.from?.days().max(other.from?.days());
            Some(end(one)?.min(end(other)?).saturating_sub(begin))
        };
        days(self, other).is_some_and(|days| days > OVERLAP_DAYS)
    }
}

impl Compared {
    /// The more, the more alike.
    pub(super) fn rank(self) -> i32 {
        let names = |names: Names, same: i32| match names {
            Names::Same => same,
            Names::OneLetter => 1,
            Names::Unknown => 0,
            Names::Differ => -3,
        };
        let births = match self.births {
            Births::SameDay => 5,
            Births::SameYear => 3,
            Births::OneYearApart => 1,
            Births::Unknown => 0,
        };
        let overlap = if self.overlap == Overlap::None { 0 } else { -4 };
        // Latin letters fold together more names than Khmer ones do.
        let names = names(self.khmer, 5) + names(self.latin, 4);
        names + births + overlap + if self.number { 8 } else { 0 }
    }

    pub(super) fn because(self) -> Vec<String> {
        let mut words = Vec::new();
        for (names, word) in [(self.khmer, "Khmer name"), (self.latin, "Latin name")] {
            match names {
                Names::Same => words.push(format!("same {word}")),
                Names::OneLetter => words.push(format!("{word} but for one letter")),
                _ => {}
            }
        }
        match self.births {
            Births::SameDay => words.push("same day of birth".to_owned()),
            Births::SameYear => words.push("same birth year".to_owned()),
            Births::OneYearApart => words.push("birth years one apart".to_owned()),
            Births::Unknown => {}
        }
        if self.number {
            words.push("same prisoner number".to_owned());
        }
        words
    }

    pub(super) fn against(self, code: impl Fn(SiteId) -> String) -> Vec<String> {
        let mut words = Vec::new();
        for (names, word) in [(self.khmer, "Khmer name"), (self.latin, "Latin name")] {
            if names == Names::Differ {
                words.push(format!("another {word}"));
            }
        }
        match self.overlap {
            Overlap::None => {}
            Overlap::Open(one, other) if one == other => {
                words.push(format!("{} counts both as present", code(one)));
            }
            Overlap::Open(one, other) => {
                words.push(format!(
                    "{} and {} count them as present at once",
                    code(one),
                    code(other)
                ));
            }
            Overlap::Days(one, other) => {
                words.push(format!(
                    "were at {} and {} on the same days",
                    code(one),
                    code(other)
                ));
            }
        }
        words
    }
}

impl Alike {
    /// Everybody who is compared here, and what was decided of whom.
    pub(super) fn read(store: &impl Store) -> Result<Self, EngineError> {
        let mut all = BTreeMap::new();
        for (key, row) in store.scan(Table::Alike, &[], &[], usize::MAX)? {
            all.insert(learner_of(&key)?, codec::decode(&row)?);
        }
        let mut links: BTreeMap<LearnerId, Vec<Link>> = BTreeMap::new();
        for (key, row) in store.scan(Table::Link, &[], &[], usize::MAX)? {
            links.insert(learner_of(&key)?, codec::decode(&row)?);
        }
        let persons = Persons::of(links.iter().map(|(id, links)| (*id, links.as_slice())));
        let mut alike = Self {
            all,
            persons,
            apart: BTreeSet::new(),
            decided: BTreeSet::new(),
        };
        for (learner, links) in &links {
            for link in links.iter().filter(|link| !link.not_same.is_empty()) {
                let pair = alike.pair(*learner, link.other);
                alike.apart.insert(pair);
            }
        }
        for (_, row) in store.scan(Table::Work, &[], &[], usize::MAX)? {
            if let Work::Question {
                question,
                verdict: Some(verdict),
                ..
            } = codec::decode(&row)?
                && let Verdict::Same(other) | Verdict::NotSame(other) = verdict
            {
                let one = question.learner;
                alike.decided.insert((one.min(other), one.max(other)));
            }
        }
        Ok(alike)
    }

    /// The pair under which persons are told apart.
    pub(super) fn pair(&self, one: LearnerId, other: LearnerId) -> (LearnerId, LearnerId) {
        let (one, other) = (self.persons.person(one), self.persons.person(other));
        (one.min(other), one.max(other))
    }

    /// Whether people have decided what two learners are: one person, or two.
    pub(super) fn is_decided(&self, one: LearnerId, other: LearnerId) -> bool {
        let learners = (one.min(other), one.max(other));
        let (first, second) = self.pair(one, other);
        let said = self.decided.contains(&learners) || self.apart.contains(&(first, second));
        first == second || said && !self.is_disputed(one, other)
    }

    /// Whether the records contradict each other.
    pub(super) fn is_disputed(&self, one: LearnerId, other: LearnerId) -> bool {
        self.persons
            .disputed
            .contains(&(one.min(other), one.max(other)))
    }
}

impl<S: Store> Engine<S> {
    /// Keeps what is compared of somebody who is to be found here; of others nothing is kept.
    pub(super) fn note_likeness(
        &mut self,
        learner: LearnerId,
        view: Option<&LearnerView>,
    ) -> Result<(), EngineError> {
        let known = self.store.read(Table::Alike, &learner.0)?;
        let row = view.map(|view| codec::encode(&Likeness::of(view)));
        if row == known {
            return Ok(());
        }
        match row {
            Some(row) => self.store.write(Table::Alike, &learner.0, &row)?,
            None => self.store.remove(Table::Alike, &learner.0)?,
        }
        Ok(())
    }

    pub(super) fn likeness(&self, learner: LearnerId) -> Result<Likeness, EngineError> {
        let row = self.store.read(Table::Alike, &learner.0)?;
        let likeness = row.map(|row| codec::decode(&row)).transpose()?;
        Ok(likeness.unwrap_or_default())
    }

    pub(super) fn alike(&self) -> Result<Alike, EngineError> {
        Alike::read(&self.store)
    }

    /// Who a new person may be: the most alike first.
    pub(super) fn candidates(
        &self,
        learner: LearnerId,
        alike: &Alike,
    ) -> Result<Vec<Candidate>, EngineError> {
        let Some(new) = alike.all.get(&learner) else {
            return Ok(Vec::new());
        };
        let blocks: BTreeSet<u64> = new.blocks().collect();
        let mut found: Vec<(i32, LearnerId, Compared)> = Vec::new();
        for (other, likeness) in &alike.all {
            if *other != learner && likeness.blocks().any(|block| blocks.contains(&block)) {
                let compared = new.compared(likeness);
                found.extend(compared.map(|compared| (-compared.rank(), *other, compared)));
            }
        }
        found.sort_by_key(|(rank, other, _)| (*rank, *other));
        let shown = found.into_iter().take(CANDIDATES_MAX);
        shown
            .map(|(_, other, compared)| {
                let mut candidate = self.candidate(other, compared)?;
                if alike.is_decided(learner, other) {
                    candidate.against.push("was decided before".to_owned());
                }
                Ok(candidate)
            })
            .collect()
    }

    pub(super) fn candidate(
        &self,
        learner: LearnerId,
        compared: Compared,
    ) -> Result<Candidate, EngineError> {
        Ok(Candidate {
            learner,
            name: self.name_of(learner)?,
            because: compared.because(),
            against: compared.against(|site| self.code(site)),
        })
    }
}

fn values<T: Copy>(claims: &Claims<T>) -> Vec<T> {
    claims
        .iter()
        .map(|claim| claim.value)
        .take(CLAIMS_MAX)
        .collect()
}
