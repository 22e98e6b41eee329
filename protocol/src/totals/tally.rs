//! Adds rows up to figures, in memory, person by person. The queries are told in `figures`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::figures::{Beep, English, Figures, Turnover};
use super::{
    Continued, Continuity, Contribution, Indicator, LearnerFacts, PastAtWork, Query, Standing,
    Statement,
};
use crate::catalogue::{ModuleId, ProgrammeId, Scope};
use crate::event::{Aspiration, Issuer, Month, Sex};
use crate::id::{LearnerId, SiteId};

impl Figures {
    /// The figures of `query`. Each learner comes with the person that he is (himself, if he has
    /// one record only), his facts and his rows; in any order. Of one site and month the last
    /// statement counts.
    pub fn of<'a>(
        learners: impl IntoIterator<Item = (LearnerId, LearnerFacts, &'a [Contribution])>,
        statements: impl IntoIterator<Item = Statement>,
        query: Query,
    ) -> Self {
        let mut persons: BTreeMap<LearnerId, (Vec<LearnerFacts>, Vec<Contribution>)> =
            BTreeMap::new();
        for (person, facts, rows) in learners {
            let known = persons.entry(person).or_default();
            known.0.push(facts);
            known.1.extend_from_slice(rows);
        }
        let mut figures = Self::default();
        for (facts, rows) in persons.values() {
            let rows = Rows { all: rows, query };
            figures.add_beneficiary(LearnerFacts::of_person(facts), &rows);
            figures.add_completion(&rows);
            figures.add_gains(&rows);
            figures.add_aspiration(&rows);
            figures.add_english(&rows);
            figures.add_beep(&rows);
            figures.add_registers(&rows);
            figures.continuity.add(&rows);
        }
        figures.bridge.national = figures.beneficiaries;
        for share in [&mut figures.women, &mut figures.reintegration] {
            share.of = figures.beneficiaries;
        }
        figures.add_statements(statements, query);
        figures
    }

    fn add_beneficiary(&mut self, facts: LearnerFacts, rows: &Rows<'_>) {
        let sites: BTreeSet<SiteId> = rows.inside(Indicator::Active).map(|row| row.site).collect();
        if !sites.is_empty() {
            self.beneficiaries += 1;
            self.women.count += u64::from(facts.sex == Some(Sex::Female));
            self.bridge.at_several += u64::from(sites.len() > 1);
            self.bridge.counted_again += sites.len() as u64 - 1;
            self.bridge.sum_of_sites += sites.len() as u64;
        }
        for site in sites {
            *self.bridge.by_site.entry(site).or_default() += 1;
        }
        self.reintegration.count += u64::from(rows.has_inside(Indicator::Reintegration));
    }

    fn add_completion(&mut self, rows: &Rows<'_>) {
        let started: BTreeSet<ModuleId> = rows
            .inside(Indicator::Started)
            .filter_map(module_of)
            .collect();
        for module in started {
            let scope = Scope::Module(module);
            let standing = rows.standing(Indicator::Started, scope);
            self.completion.entry(module).or_default().add(standing);
        }
    }

    fn add_gains(&mut self, rows: &Rows<'_>) {
        let (pre, post) = (
            rows.best(Indicator::PreTest),
            rows.best(Indicator::PostTest),
        );
        let tests: BTreeSet<&(ModuleId, u16)> = pre.keys().chain(post.keys()).collect();
        for test in tests {
            let of_module = self.gain_by_module.entry(test.0).or_default();
            for gain in [&mut self.gain, of_module] {
                match (pre.get(test), post.get(test)) {
                    (Some(pre), Some(post)) if rows.query.holds(post) => {
                        gain.pairs += 1;
                        gain.sum += i64::from(post.amount) - i64::from(pre.amount);
                    }
                    (Some(one), None) | (None, Some(one)) if rows.query.holds(one) => {
                        gain.unpaired += 1;
                    }
                    _ => {}
                }
            }
        }
        self.gain_by_module
            .retain(|_, gain| gain.pairs + gain.unpaired > 0);
    }

    fn add_aspiration(&mut self, rows: &Rows<'_>) {
        let all = rows
            .all
            .iter()
            .filter(|row| row.indicator == Indicator::Aspiration);
        let first = all.min_by_key(|row| (row.month, row.site, row.detail));
        if let Some(first) = first.filter(|row| rows.query.holds(row)) {
            let business = u8::from(Aspiration::MicroBusiness).into();
            self.aspiration.of += 1;
            self.aspiration.count += u64::from(first.detail == business);
        }
    }

    fn add_english(&mut self, rows: &Rows<'_>) {
        let english = ProgrammeId::ENGLISH;
        let scope = Scope::Programme(english);
        if !rows
            .inside(Indicator::Enrolled)
            .any(|row| row.scope == Some(scope))
        {
            return;
        }
        let reached = |indicator| rows.by_then(indicator, english).next().is_some();
        let certified = reached(Indicator::Certificate);
        let passed = certified || reached(Indicator::ExamPassed);
        let exam = passed || reached(Indicator::ExamTaken);
        let attended_all = reached(Indicator::Completed);
        let funnel: &mut English = &mut self.english;
        funnel.registered += 1;
        funnel.attended_all += u64::from(attended_all);
        funnel.exam += u64::from(exam);
        funnel.passed += u64::from(passed);
        funnel.certified += u64::from(certified);
        if exam {
            return;
        }
        match rows.standing(Indicator::Enrolled, scope) {
            Standing::Completed | Standing::Open => funnel.open += 1,
            Standing::Moved => funnel.moved += 1,
            Standing::Withdrew => funnel.withdrew += 1,
            Standing::Released => {
                funnel.released += 1;
                funnel.released_after_all += u64::from(attended_all);
            }
            Standing::Unknown => funnel.unknown += 1,
        }
    }

    fn add_beep(&mut self, rows: &Rows<'_>) {
        let scope = Some(Scope::Programme(ProgrammeId::BEEP));
        let enrolled = rows
            .inside(Indicator::Enrolled)
            .filter(|row| row.scope == scope);
        let sites: BTreeSet<SiteId> = enrolled.map(|row| row.site).collect();
        if sites.is_empty() {
            return;
        }
        rows.add_beep(&mut self.beep, rows.query.site);
        for site in sites {
            rows.add_beep(self.beep_by_site.entry(site).or_default(), Some(site));
        }
    }

    /// Classes, certificates, readers and departures.
    fn add_registers(&mut self, rows: &Rows<'_>) {
        let classes: BTreeSet<Scope> = rows
            .inside(Indicator::Class)
            .filter_map(|row| row.scope)
            .collect();
        for scope in classes {
            *self.classes.entry(scope.programme()).or_default() += 1;
        }
        let certificates: BTreeSet<(Option<Scope>, u16)> = rows
            .inside(Indicator::Certificate)
            .map(|row| (row.scope, row.detail))
            .collect();
        self.certificates.persons += u64::from(!certificates.is_empty());
        for (_, code) in certificates {
            let issuer = Issuer::from(u8::try_from(code).unwrap_or(u8::MAX));
            self.certificates.valid += 1;
            *self.certificates.by_issuer.entry(issuer).or_default() += 1;
        }
        let provisional = rows.inside(Indicator::Provisional);
        self.provisional += provisional
            .map(|row| u64::from(row.amount.unsigned_abs()))
            .sum::<u64>();
        let libraries: BTreeSet<SiteId> =
            rows.inside(Indicator::Reader).map(|row| row.site).collect();
        self.readers.persons += u64::from(!libraries.is_empty());
        self.readers.sum_of_sites += libraries.len() as u64;
        for row in rows.inside(Indicator::Left) {
            let month: &mut Turnover = self.turnover.entry(row.month).or_default();
            *match Standing::from_code(row.detail) {
                Standing::Released => &mut month.released,
                Standing::Moved => &mut month.moved,
                _ => &mut month.unknown,
            } += amount(row);
        }
    }

    fn add_statements(&mut self, statements: impl IntoIterator<Item = Statement>, query: Query) {
        let latest: BTreeMap<(SiteId, Month), Statement> = statements
            .into_iter()
            .map(|one| ((one.site, one.month), one))
            .collect();
        for one in latest
            .into_values()
            .filter(|one| query.holds_place(one.site, one.month))
        {
            let sums = self
                .who5
                .sum_delta_items
                .iter_mut()
                .zip(one.sum_delta_items);
            self.who5.pairs += u64::from(one.pairs);
            self.who5.sum_delta_total += i64::from(one.sum_delta_total);
            for (sum, delta) in sums {
                *sum += i64::from(delta);
            }
        }
    }
}

impl Continuity {
    fn add(&mut self, rows: &Rows<'_>) {
        for row in rows.inside(Indicator::Transferred) {
            self.transfers += amount(row);
            let is = |past: PastAtWork| row.detail == past as u16;
            if is(PastAtWork::OpenUnused) {
                self.open_without_work += amount(row);
            } else if is(PastAtWork::ClosedUnused) {
                self.closed_without_work += amount(row);
            } else {
                self.open_before_work.of += amount(row);
                self.open_before_work.count += u64::from(is(PastAtWork::Open)) * amount(row);
            }
        }
        for row in rows.inside(Indicator::FirstWork) {
            let (days, transfers) = (u64::from(row.detail), amount(row));
            if row.detail == u16::MAX {
                self.days.unknown += transfers;
            } else {
                self.days.known += transfers;
                self.days.sum += days * transfers;
                self.days.max = self.days.max.max(days);
            }
        }
        for row in rows.inside(Indicator::Resumed) {
            let is = |continued: Continued| u64::from(row.detail == continued as u16);
            self.resumed.of += amount(row);
            self.resumed.count += is(Continued::InTime) * amount(row);
            self.resumed_unknown += is(Continued::Unknown) * amount(row);
        }
    }
}

fn amount(row: &Contribution) -> u64 {
    u64::try_from(row.amount).unwrap_or(0)
}

/// One person's rows under a query.
struct Rows<'a> {
    all: &'a [Contribution],
    query: Query,
}

impl<'a> Rows<'a> {
    fn inside(&self, indicator: Indicator) -> impl Iterator<Item = &'a Contribution> {
        let query = self.query;
        self.all
            .iter()
            .filter(move |row| row.indicator == indicator && query.holds(row))
    }

    fn has_inside(&self, indicator: Indicator) -> bool {
        self.inside(indicator).next().is_some()
    }

    fn by_then(
        &self,
        indicator: Indicator,
        programme: ProgrammeId,
    ) -> impl Iterator<Item = &'a Contribution> {
        let last = self.query.period.last;
        self.all.iter().filter(move |row| {
            row.indicator == indicator
                && row.month <= last
                && row
                    .scope
                    .is_some_and(|scope| scope.programme() == programme)
        })
    }

    /// The person's standing at the period's end: finished, if any record says so; else the
    /// smallest of the rows inside.
    fn standing(&self, indicator: Indicator, scope: Scope) -> Standing {
        let last = i32::from(self.query.period.last.0);
        let at_the_end = |row: &Contribution| {
            let known = row.amount <= last;
            if known {
                Standing::from_code(row.detail)
            } else {
                Standing::Open
            }
        };
        let rows = || {
            self.all
                .iter()
                .filter(|row| row.indicator == indicator && row.scope == Some(scope))
        };
        if rows().any(|row| at_the_end(row) == Standing::Completed) {
            return Standing::Completed;
        }
        let inside = rows().filter(|row| self.query.holds(row));
        inside.map(at_the_end).min().unwrap_or(Standing::Unknown)
    }

    /// The best test of each module and version.
    fn best(&self, indicator: Indicator) -> BTreeMap<(ModuleId, u16), &'a Contribution> {
        let mut best: BTreeMap<(ModuleId, u16), &Contribution> = BTreeMap::new();
        let rank = |row: &Contribution| (row.amount, Reverse(row.month), Reverse(row.site));
        for row in self.all.iter().filter(|row| row.indicator == indicator) {
            let Some(module) = module_of(row) else {
                continue;
            };
            let known = best.entry((module, row.detail)).or_insert(row);
            if rank(row) > rank(known) {
                *known = row;
            }
        }
        best
    }

    /// Adds a person who is enrolled to the figures of `site`, or of all.
    fn add_beep(&self, beep: &mut Beep, site: Option<SiteId>) {
        let done: Vec<&Contribution> = self
            .by_then(Indicator::Completed, ProgrammeId::BEEP)
            .collect();
        let mut all = true;
        for (course, count) in ProgrammeId::BEEP.modules().zip(&mut beep.courses) {
            let passed = done.iter().any(|row| module_of(row) == Some(course));
            *count += u64::from(passed);
            all &= passed;
        }
        let last = done.iter().map(|row| (row.month, row.site)).max();
        let here = last.is_some_and(|(_, last)| site.is_none_or(|site| site == last));
        beep.enrolled += 1;
        *match (all, here) {
            (true, true) => &mut beep.completed,
            (true, false) => &mut beep.completed_elsewhere,
            (false, _) => &mut beep.others,
        } += 1;
        let reached = |indicator| self.by_then(indicator, ProgrammeId::BEEP).next().is_some();
        beep.exam += u64::from(reached(Indicator::ExamTaken));
        beep.certified += u64::from(reached(Indicator::Certificate));
    }
}

fn module_of(row: &Contribution) -> Option<ModuleId> {
    row.scope.and_then(Scope::module)
}
