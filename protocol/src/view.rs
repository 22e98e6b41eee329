//! What a learner's events amount to: a pure fold, equal for equal sets of events in whatever
//! order and however often they came. Not here: totals over learners, and where the entries come
//! from. The view is a cache and can be thrown away.
//!
//! Nothing in it is chosen by a clock or a counter. Where two sites set a profile value apart, both
//! are shown until a person supersedes them; finished work stays finished; of several scores the
//! best is kept.

pub mod collision;
mod entry;
mod open;
mod person;
mod progress;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::entry::{Entry, InEffect, Origin};
pub use self::open::OpenItems;
pub use self::person::{Link, Persons};
pub use self::progress::{
    Best, Certificate, Enrolment, Exam, ModuleProgress, ProgrammeProgress, Progress,
};
use crate::codec;
use crate::custody::{self, Stay};
use crate::event::{
    Aspiration, Birth, Body, Date, Disability, EducationLevel, EventId, Handout, Languages,
    NamePart, Pathway, Referral, ReleaseRange, Remark, Script, Sex, Username, Verifier,
    Who5Answers, Who5Moment,
};
use crate::id::{Position, SiteId};

/// One of the values of a profile field, with the events that say so: whoever corrects the field
/// supersedes the events of all its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim<T> {
    /// The value.
    pub value: T,
    /// The events, in the order of their keys.
    pub events: Vec<EventId>,
}

/// All values of a profile field that nothing superseded, in the order of the values. More than
/// one means that sites apart said different things and a person has to decide.
pub type Claims<T> = Vec<Claim<T>>;

/// Something that happened on a day, where a list of all of them is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated<T> {
    /// The day; undated ones come last.
    pub date: Option<Date>,
    /// The event; it orders what happened on one day.
    pub event: EventId,
    /// The site that recorded it.
    pub site: SiteId,
    /// What.
    pub value: T,
}

/// A name in one script.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    /// The script. One name in each is usual and no contradiction.
    pub script: Script,
    /// The family name.
    pub family: NamePart,
    /// The given name.
    pub given: NamePart,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account {
    /// The user name. Not unique across sites.
    pub username: Username,
    /// What a password is checked against.
    pub verifier: Verifier,
}

/// Who the learner is and what he wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Names, by script.
    pub names: Claims<Name>,
    /// Sex.
    pub sex: Claims<Sex>,
    /// Birth.
    pub birth: Claims<Birth>,
    /// Languages.
    pub languages: Claims<Languages>,
    /// Education before.
    pub education: Claims<EducationLevel>,
    /// Accounts.
    pub accounts: Claims<Account>,
    /// Numbers of the cards printed.
    pub cards: Claims<u16>,
    /// Where in the logs the accounts and cards in effect were set: what [`collision`] goes by.
    pub picked_at: BTreeMap<EventId, BTreeSet<Position>>,
    /// Keyed hashes of prisoner numbers.
    pub prisoner_numbers: Claims<[u8; 16]>,
    /// Consent. The learner takes part only if all values say so.
    pub consent: Claims<bool>,
    /// The expected release.
    pub expected_release: Claims<ReleaseRange>,
    /// The pathway.
    pub pathway: Claims<Pathway>,
    /// Aspirations over time; the first is what IND-07 counts.
    pub aspirations: Vec<Dated<Aspiration>>,
}

/// What the restricted stream says. Empty where that stream is not readable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restricted {
    /// WHO-5 interviews.
    pub who5: Vec<Dated<(Who5Moment, Who5Answers)>>,
    /// Declared disabilities.
    pub disabilities: Claims<Disability>,
    /// Declared indigenous status.
    pub indigenous: Claims<bool>,
}

/// Registers around the lessons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registers {
    /// Items lent and not brought back. They move with the learner.
    pub loans_open: Vec<u32>,
    /// Visits to the library.
    pub library_visits: u32,
    /// Tutors' remarks.
    pub remarks: Vec<Dated<Remark>>,
    /// Referrals at exit.
    pub referrals: Vec<Dated<Referral>>,
    /// Handouts.
    pub handouts: Vec<Dated<Handout>>,
}

/// What needs a person's eye.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// Late high-stakes events: they count only when somebody records them anew.
    pub waiting: Vec<EventId>,
    /// Exam results, certificates and corrections of such that lack the signatures of two persons: they
    /// count when both are here.
    pub provisional: Vec<EventId>,
    /// Late ordinary events, which count.
    pub late: Vec<EventId>,
    /// Events in which something was written by a newer version.
    pub from_newer_version: u32,
    /// Events without a date, of those that a report would put into a month: work, classes,
    /// exams, certificates and moves.
    pub undated: u32,
    /// Events that were retracted.
    pub retracted: u32,
    /// Events that another superseded.
    pub superseded: u32,
    /// Keys that came with different contents.
    pub disputed_ids: u32,
}

/// One learner, from all events that are here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnerView {
    /// Who the learner is.
    pub profile: Profile,
    /// Where he was and is; `custody` makes a state of it.
    pub stays: Vec<Stay>,
    /// What he has done.
    pub progress: Progress,
    /// Loans, remarks and the like.
    pub registers: Registers,
    /// What the restricted stream says.
    pub restricted: Restricted,
    /// Decisions on whether this learner and others are one person.
    pub links: Vec<Link>,
    /// What needs a person's eye.
    pub notices: Notices,
    /// How many events are in effect.
    pub events: u32,
}

impl LearnerView {
    /// Folds all entries of one learner, of one stream or of both. `custody::mark_late` comes
    /// first.
    #[must_use]
    pub fn fold(entries: &[Entry]) -> Self {
        let in_effect = InEffect::of(entries);
        let mut view = Self {
            stays: custody::stays(&in_effect),
            links: person::links(&in_effect),
            events: count(in_effect.entries.len()),
            ..Self::default()
        };
        view.profile.picked_at = collision::picked_at(&in_effect, entries);
        view.registers.loans_open = open_loans(&in_effect);
        for entry in &in_effect.entries {
            view.profile.take(entry);
            view.progress.take(entry);
            view.registers.take(entry);
            view.restricted.take(entry);
            view.notices.take(entry);
        }
        let ids = |entries: &[&Entry]| entries.iter().map(|entry| entry.id.clone()).collect();
        view.notices.waiting = ids(&in_effect.waiting);
        view.notices.provisional = ids(&in_effect.provisional);
        view.notices.retracted = in_effect.retracted;
        view.notices.superseded = in_effect.superseded;
        view.notices.disputed_ids = in_effect.disputed_ids;
        view
    }

    /// The view as bytes: equal exactly if the views are, and so for equal sets of events.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

impl Profile {
    fn take(&mut self, entry: &Entry) {
        let id = &entry.id;
        match &entry.event.body {
            Body::Name {
                script,
                family,
                given,
            } => {
                let (family, given) = (family.clone(), given.clone());
                claim(
                    &mut self.names,
                    Name {
                        script: *script,
                        family,
                        given,
                    },
                    id,
                );
            }
            Body::Sex { sex } => claim(&mut self.sex, *sex, id),
            Body::Birth { birth } => claim(&mut self.birth, *birth, id),
            Body::Languages { languages } => claim(&mut self.languages, languages.clone(), id),
            Body::Education { level } => claim(&mut self.education, *level, id),
            Body::Account { username, verifier } => {
                let (username, verifier) = (username.clone(), verifier.clone());
                claim(&mut self.accounts, Account { username, verifier }, id);
            }
            Body::Card { number } => claim(&mut self.cards, *number, id),
            Body::PrisonerNumber { hash } => claim(&mut self.prisoner_numbers, *hash, id),
            Body::Consent { given } => claim(&mut self.consent, *given, id),
            Body::ExpectedRelease { range } => claim(&mut self.expected_release, *range, id),
            Body::Pathway { steps } => claim(&mut self.pathway, steps.clone(), id),
            Body::Aspiration { aspiration } => list(&mut self.aspirations, *aspiration, entry),
            _ => {}
        }
    }
}

impl Registers {
    fn take(&mut self, entry: &Entry) {
        match &entry.event.body {
            Body::LibraryVisit {} => self.library_visits += 1,
            Body::Remark { remark } => list(&mut self.remarks, *remark, entry),
            Body::Referral { referral } => list(&mut self.referrals, *referral, entry),
            Body::Handout { handout } => list(&mut self.handouts, *handout, entry),
            _ => {}
        }
    }
}

impl Restricted {
    fn take(&mut self, entry: &Entry) {
        match &entry.event.body {
            Body::Who5 { moment, answers } => list(&mut self.who5, (*moment, *answers), entry),
            Body::Disability { disability } => {
                claim(&mut self.disabilities, *disability, &entry.id);
            }
            Body::Indigenous { indigenous } => claim(&mut self.indigenous, *indigenous, &entry.id),
            _ => {}
        }
    }
}

impl Notices {
    fn take(&mut self, entry: &Entry) {
        let body = &entry.event.body;
        let moves = matches!(body, Body::Arrived { .. } | Body::Departed { .. });
        let in_reports = moves || body.scope().is_some();
        self.undated += u32::from(in_reports && entry.event.date.is_none());
        self.from_newer_version += u32::from(entry.event.is_newer());
        if entry.late {
            self.late.push(entry.id.clone());
        }
    }
}

fn claim<T: Ord>(claims: &mut Claims<T>, value: T, event: &EventId) {
    match claims.binary_search_by(|known| known.value.cmp(&value)) {
        Ok(place) => claims[place].events.push(event.clone()),
        Err(place) => claims.insert(
            place,
            Claim {
                value,
                events: vec![event.clone()],
            },
        ),
    }
}

fn list<T>(list: &mut Vec<Dated<T>>, value: T, entry: &Entry) {
    let new = Dated {
        date: entry.event.date,
        event: entry.id.clone(),
        site: entry.site(),
        value,
    };
    let key = |dated: &Dated<T>| (undated_last(dated.date), dated.event.clone());
    let place = list.partition_point(|known| key(known) < key(&new));
    list.insert(place, new);
}

/// Items that went out more often than they came back, at whatever site.
fn open_loans(in_effect: &InEffect<'_>) -> Vec<u32> {
    let mut out: BTreeMap<u32, i64> = BTreeMap::new();
    for entry in &in_effect.entries {
        match entry.event.body {
            Body::LoanOut { item } => *out.entry(item).or_default() += 1,
            Body::LoanBack { item } => *out.entry(item).or_default() -= 1,
            _ => {}
        }
    }
    out.into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(item, _)| item)
        .collect()
}

fn undated_last(date: Option<Date>) -> (bool, Option<Date>) {
    (date.is_none(), date)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
