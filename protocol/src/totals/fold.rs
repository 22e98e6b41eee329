//! From one learner's events to his rows. A pure function of the set of entries.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Contribution, Indicator, Standing, continuity};
use crate::catalogue::{ModuleId, ProgrammeId, Scope};
use crate::custody::{self, Departure, Stay};
use crate::event::{
    AssessmentKind, Body, Date, DepartureReason, Destination, EventId, ExamOutcome, Month,
};
use crate::id::SiteId;
use crate::view::{Entry, InEffect};

/// The rows of one learner, sorted. `custody::mark_late` comes first. Typically ten to twenty-five
/// rows for a learner of half a year.
#[must_use]
pub fn contributions(entries: &[Entry]) -> Vec<Contribution> {
    let in_effect = InEffect::of(entries);
    let stays = custody::stays(&in_effect);
    let mut fold = Fold::default();
    for entry in &in_effect.entries {
        fold.count(entry);
        fold.note_firsts(entry);
    }
    for entry in &in_effect.provisional {
        fold.provisional(entry);
    }
    fold.standings(&stays);
    fold.departures(&stays);
    for (indicator, site, month, detail) in continuity::rows(&in_effect, &stays) {
        let amount = fold.rows.entry((indicator, None, site, month, detail));
        *amount.or_default() += 1;
    }
    fold.finish()
}

/// Everything of a row but its amount.
type Key = (Indicator, Option<Scope>, SiteId, Month, u16);

/// A place in time and space: the earlier month first, then the smaller site.
type When = (Month, SiteId);

/// What orders events of one learner where the first counts.
type Order = (bool, Option<Date>, EventId);

#[derive(Default)]
struct Fold {
    rows: BTreeMap<Key, i32>,
    /// First work on a module, or first trace of a programme, at each site.
    begun: BTreeMap<(Indicator, Scope, SiteId), Month>,
    /// What counts once, where it was first.
    once: BTreeMap<(Indicator, Option<Scope>, u16), When>,
    /// The best tests: share, then where and when.
    tests: BTreeMap<(Indicator, ModuleId, u16), (i32, Reverse<When>)>,
    /// The first aspiration: undated ones last, then by day and key; where and when, and its code.
    aspiration: Option<(Order, When, u16)>,
    withdrew: BTreeMap<ProgrammeId, Month>,
}

impl Fold {
    /// What is counted by month.
    fn count(&mut self, entry: &Entry) {
        let body = &entry.event.body;
        let (month, site) = when(entry);
        let mut add = |indicator, scope| {
            let amount = self
                .rows
                .entry((indicator, scope, site, month, 0))
                .or_default();
            *amount = amount.saturating_add(1);
        };
        match body {
            Body::Class { programme, .. } => {
                add(Indicator::Class, Some(Scope::Programme(*programme)));
            }
            Body::LibraryVisit {} | Body::LoanOut { .. } => add(Indicator::Reader, None),
            _ => {}
        }
        let Some(programme) = body.work_in() else {
            return;
        };
        add(Indicator::Active, None);
        let test = matches!(body, Body::Assessed { .. } | Body::Login { .. });
        if programme == ProgrammeId::REINTEGRATION && !test {
            add(Indicator::Reintegration, None);
        }
    }

    fn provisional(&mut self, entry: &Entry) {
        let body = &entry.event.body;
        if body.needs_two_persons() {
            let (month, site) = when(entry);
            let key = (Indicator::Provisional, body.scope(), site, month, 0);
            *self.rows.entry(key).or_default() += 1;
        }
    }

    /// What counts once, at its first or best.
    fn note_firsts(&mut self, entry: &Entry) {
        let at = when(entry);
        match &entry.event.body {
            Body::ModuleDone { module } => {
                self.first(Indicator::Completed, Some(Scope::Module(*module)), 0, at);
            }
            Body::ExamResult { scope, outcome, .. } => {
                let programme = Some(Scope::Programme(scope.programme()));
                if matches!(outcome, ExamOutcome::Passed | ExamOutcome::Failed) {
                    self.first(Indicator::ExamTaken, programme, 0, at);
                }
                if *outcome == ExamOutcome::Passed {
                    self.first(Indicator::ExamPassed, programme, 0, at);
                }
            }
            Body::Certificate { scope, issuer } => {
                self.first(
                    Indicator::Certificate,
                    Some(*scope),
                    u8::from(*issuer).into(),
                    at,
                );
            }
            Body::Assessed {
                kind,
                module,
                version,
                score,
            } => {
                let indicator = match kind {
                    AssessmentKind::Pre => Indicator::PreTest,
                    AssessmentKind::Post => Indicator::PostTest,
                    _ => return self.begin(entry),
                };
                let new = (score.basis_points(), Reverse(at));
                let best = self
                    .tests
                    .entry((indicator, *module, *version))
                    .or_insert(new);
                *best = new.max(*best);
            }
            Body::Aspiration { aspiration } => {
                let date = entry.event.date;
                let order = (date.is_none(), date, entry.id.clone());
                let new = (order, at, u8::from(*aspiration).into());
                if self.aspiration.as_ref().is_none_or(|first| new < *first) {
                    self.aspiration = Some(new);
                }
            }
            Body::Withdrew { programme, .. } => {
                let first = self.withdrew.entry(*programme).or_insert(at.0);
                *first = at.0.min(*first);
            }
            _ => {}
        }
        self.begin(entry);
    }

    fn first(&mut self, indicator: Indicator, scope: Option<Scope>, detail: u16, at: When) {
        let first = self.once.entry((indicator, scope, detail)).or_insert(at);
        *first = at.min(*first);
    }

    /// Notes the first work on a module and the first trace of a programme at the site.
    fn begin(&mut self, entry: &Entry) {
        let body = &entry.event.body;
        let work = body.work_in();
        let trace =
            work.is_some() || matches!(body, Body::Enrolled { .. } | Body::ExamRegistered { .. });
        let Some(scope) = body.scope().filter(|_| trace) else {
            return;
        };
        let (month, site) = when(entry);
        let mut note = |indicator, scope| {
            let first = self.begun.entry((indicator, scope, site)).or_insert(month);
            *first = month.min(*first);
        };
        if scope.programme().is_of_the_centre() {
            note(Indicator::Enrolled, Scope::Programme(scope.programme()));
        }
        if work.is_some() && scope.module().is_some() {
            note(Indicator::Started, scope);
        }
    }

    /// Rows of what was begun, each with how the learner stands in it.
    fn standings(&mut self, stays: &[Stay]) {
        for ((indicator, scope, site), month) in &self.begun {
            let done = self.once.get(&(Indicator::Completed, Some(*scope), 0));
            let (standing, since) = if let Some((month, _)) = done {
                (Standing::Completed, *month)
            } else if let Some(month) = self.withdrew.get(&scope.programme()) {
                (Standing::Withdrew, *month)
            } else {
                presence(stays, *site)
            };
            let key = (*indicator, Some(*scope), *site, *month, standing.code());
            self.rows.insert(key, since.0.into());
        }
    }

    /// Departures of somebody with work, one for each stay.
    fn departures(&mut self, stays: &[Stay]) {
        if !self.rows.keys().any(|key| key.0 == Indicator::Active) {
            return;
        }
        let mut left: BTreeMap<SiteId, Vec<(bool, Month, Standing)>> = BTreeMap::new();
        for stay in stays {
            let departures = stay.departures.iter();
            let first = departures
                .map(|left| (left.answered, Month::of(left.date), standing_after(left)))
                .min();
            left.entry(stay.site).or_default().extend(first);
        }
        for (site, mut departures) in left {
            // As many as somebody took back did not happen: of those that something followed.
            departures.sort_unstable();
            let not_moved = stays
                .iter()
                .filter(|stay| stay.site == site && stay.was_not_moved())
                .count();
            departures.truncate(departures.len().saturating_sub(not_moved));
            for (_, month, standing) in departures {
                let key = (Indicator::Left, None, site, month, standing.code());
                *self.rows.entry(key).or_default() += 1;
            }
        }
    }

    fn finish(mut self) -> Vec<Contribution> {
        for ((indicator, scope, detail), (month, site)) in self.once {
            self.rows.insert((indicator, scope, site, month, detail), 1);
        }
        for ((indicator, module, version), (share, Reverse((month, site)))) in self.tests {
            let scope = Some(Scope::Module(module));
            self.rows
                .insert((indicator, scope, site, month, version), share);
        }
        if let Some((_, (month, site), code)) = self.aspiration {
            self.rows
                .insert((Indicator::Aspiration, None, site, month, code), 1);
        }
        let row = |((indicator, scope, site, month, detail), amount)| Contribution {
            indicator,
            scope,
            site,
            month,
            detail,
            amount,
        };
        self.rows.into_iter().map(row).collect()
    }
}

fn when(entry: &Entry) -> When {
    (Month::of(entry.event.date), entry.site())
}

/// How somebody who neither finished nor withdrew stands, seen from `site`, and since when. With
/// no stay on record nothing says that he left.
fn presence(stays: &[Stay], site: SiteId) -> (Standing, Month) {
    let open = custody::open_sites(stays);
    if open.contains(&site) || stays.is_empty() {
        return (Standing::Open, Month::MIN);
    }
    if !open.is_empty() {
        let arrivals = stays
            .iter()
            .filter(|stay| stay.is_open())
            .flat_map(|stay| &stay.arrivals);
        let first = arrivals.map(|arrival| Month::of(arrival.date)).min();
        return (Standing::Moved, first.unwrap_or(Month::UNDATED));
    }
    let newest = || custody::newest_departures(stays);
    let since = newest()
        .map(|left| Month::of(left.date))
        .min()
        .unwrap_or(Month::MIN);
    let standing = super::the_only(newest().map(standing_after));
    (standing.unwrap_or(Standing::Unknown), since)
}

fn standing_after(departure: &Departure) -> Standing {
    match (departure.to, departure.reason) {
        (Destination::Released, _) => Standing::Released,
        (Destination::Site(_) | Destination::WithoutNode, _)
        | (_, DepartureReason::Transferred) => Standing::Moved,
        _ => Standing::Unknown,
    }
}
