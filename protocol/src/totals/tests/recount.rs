//! The figures counted from what happened: loops over acts with conditions, as the definitions of
//! the indicators read, without rows and without `view`.

use std::collections::{BTreeMap, BTreeSet};

use super::population::{Act, EXITS, Journey, Life, Population, UNDATED, date, module};
use super::*;
use crate::event::{Aspiration, ExamOutcome};

impl Life {
    /// How the learner stands at the end of `last` in what he did not finish, seen from a site.
    fn standing(&self, programme: ProgrammeId, site: u16, last: u16) -> Standing {
        let withdrawn =
            |act: &&Act| matches!(act.body, Body::Withdrew { programme: p, .. } if p == programme);
        let (standing, since) = match (
            &self.journey,
            self.acts
                .iter()
                .filter(withdrawn)
                .map(|act| act.month)
                .min(),
        ) {
            (_, Some(month)) => (Standing::Withdrew, month),
            (
                Some(Journey {
                    second: Some((second, month)),
                    ..
                }),
                None,
            ) if *second != site => (Standing::Moved, *month),
            (
                Some(Journey {
                    first, left: None, ..
                }),
                None,
            ) if *first != site => (Standing::Moved, UNDATED),
            (
                Some(Journey {
                    left: Some((month, exit)),
                    second: None,
                    ..
                }),
                None,
            ) => (EXITS[*exit].2, *month),
            _ => (Standing::Open, 0),
        };
        if since <= last {
            standing
        } else {
            Standing::Open
        }
    }
}

/// The acts of all records of one person.
struct Person<'a> {
    lives: Vec<&'a Life>,
    query: Query,
}

const CENTRE: [u8; 4] = [1, 2, 3, 4];

fn is_work(body: &Body) -> bool {
    match body {
        Body::Attended { module, .. }
        | Body::SessionDone { module, .. }
        | Body::ModuleDone { module }
        | Body::Assessed { module, .. } => CENTRE.contains(&module.programme.0),
        Body::Login { programme } => CENTRE.contains(&programme.0),
        _ => false,
    }
}

impl Person<'_> {
    fn acts(&self) -> impl Iterator<Item = &Act> {
        self.lives.iter().flat_map(|life| &life.acts)
    }

    fn asked(&self, site: u16, month: u16) -> bool {
        asked(&self.query, site, month)
    }

    fn inside(&self) -> impl Iterator<Item = &Act> {
        self.acts().filter(|act| self.asked(act.site, act.month))
    }

    /// The first months of what `matters`, by record and site.
    fn begun(&self, matters: impl Fn(&Body) -> bool) -> Vec<(&Life, u16)> {
        let mut begun = Vec::new();
        for life in &self.lives {
            for site in 1..4_u16 {
                let here = life
                    .acts
                    .iter()
                    .filter(|act| act.site == site && matters(&act.body));
                if here
                    .map(|act| act.month)
                    .min()
                    .is_some_and(|month| self.asked(site, month))
                {
                    begun.push((*life, site));
                }
            }
        }
        begun
    }

    fn by_then(&self, matters: impl Fn(&Body) -> bool) -> bool {
        self.acts()
            .any(|act| act.month <= self.query.period.last.0 && matters(&act.body))
    }
}

fn asked(query: &Query, site: u16, month: u16) -> bool {
    let Period { first, last } = query.period;
    first.0 <= month && month <= last.0 && query.site.is_none_or(|only| only.0 == site)
}

/// The figures, from the definitions.
pub(super) fn recount(population: &Population, query: Query) -> Figures {
    let mut persons: BTreeMap<u8, Vec<&Life>> = BTreeMap::new();
    let mut provisional = 0;
    let mut lives = population.lives.clone();
    for act in lives.iter_mut().flat_map(|life| &mut life.acts) {
        if !act.signed && matches!(act.body, Body::ExamResult { .. } | Body::Certificate { .. }) {
            provisional += u64::from(asked(&query, act.site, act.month));
            // Of which no figure tells.
            act.body = Body::Consent { given: true };
        }
    }
    for (number, life) in lives.iter().enumerate() {
        persons
            .entry(population.person(number))
            .or_default()
            .push(life);
    }
    let mut figures = Figures {
        provisional,
        ..Figures::default()
    };
    for lives in persons.into_values() {
        let person = Person { lives, query };
        people(&person, &mut figures);
        modules_begun(&person, &mut figures);
        gains(&person, &mut figures);
        english(&person, &mut figures);
        beep(&person, &mut figures);
        registers(&person, &mut figures);
        continuity(&person, &mut figures.continuity);
    }
    figures.women.of = figures.beneficiaries;
    figures.reintegration.of = figures.beneficiaries;
    figures.bridge.national = figures.beneficiaries;
    figures.bridge.sum_of_sites = figures.bridge.by_site.values().sum();
    figures
}

fn people(person: &Person<'_>, figures: &mut Figures) {
    let sites: BTreeSet<u16> = person
        .inside()
        .filter(|act| is_work(&act.body))
        .map(|act| act.site)
        .collect();
    let sexes: BTreeSet<Sex> = person.lives.iter().filter_map(|life| life.sex).collect();
    if !sites.is_empty() {
        figures.beneficiaries += 1;
        figures.women.count += u64::from(sexes == [Sex::Female].into());
    }
    if sites.len() > 1 {
        figures.bridge.at_several += 1;
        figures.bridge.counted_again += sites.len() as u64 - 1;
    }
    for site in sites {
        *figures.bridge.by_site.entry(SiteId(site)).or_default() += 1;
    }
    let session = |act: &Act| match act.body {
        Body::Attended { module, .. }
        | Body::SessionDone { module, .. }
        | Body::ModuleDone { module } => module.programme.0 == 4,
        _ => false,
    };
    figures.reintegration.count += u64::from(person.inside().any(session));
    // The first aspiration of each record; of those, the first month, site and code.
    let firsts = person.lives.iter().filter_map(|life| {
        let said = life.acts.iter().filter_map(|act| match act.body {
            Body::Aspiration { aspiration } => Some((act, aspiration)),
            _ => None,
        });
        let day = |act: &Act| if act.month == UNDATED { 0 } else { act.day };
        let first = said.min_by_key(|(act, _)| (act.month, day(act)))?;
        Some((first.0.month, first.0.site, u8::from(first.1)))
    });
    if let Some((month, site, code)) = firsts.min()
        && person.asked(site, month)
    {
        figures.aspiration.of += 1;
        figures.aspiration.count += u64::from(Aspiration::from(code) == Aspiration::MicroBusiness);
    }
}

fn modules_begun(person: &Person<'_>, figures: &mut Figures) {
    let last = person.query.period.last.0;
    for programme in CENTRE {
        for number in 1..=8 {
            let module = module(programme, number);
            let on_it = |body: &Body| is_work(body) && body.scope() == Some(Scope::Module(module));
            let begun = person.begun(on_it);
            let done = person.by_then(|body| *body == Body::ModuleDone { module });
            let standing = begun.iter().map(|(life, site)| {
                // A module that this very record finished later was open until then.
                let later = life
                    .acts
                    .iter()
                    .any(|act| act.body == Body::ModuleDone { module });
                if later {
                    Standing::Open
                } else {
                    life.standing(module.programme, *site, last)
                }
            });
            if let Some(standing) = standing.min() {
                let completion = figures.completion.entry(module).or_default();
                completion.add(if done { Standing::Completed } else { standing });
            }
        }
    }
}

/// The share reached, below zero so that the best sorts first, then month and site.
type Test = (i64, u16, u16);

fn gains(person: &Person<'_>, figures: &mut Figures) {
    let mut tests: BTreeMap<(ModuleId, u16), [Vec<Test>; 2]> = BTreeMap::new();
    for act in person.acts() {
        if let Body::Assessed {
            kind,
            module,
            version,
            score,
        } = &act.body
        {
            let share = [0, 3333, 6667, 10_000][score.points() as usize];
            let side = match kind {
                AssessmentKind::Pre => 0,
                AssessmentKind::Post => 1,
                _ => continue,
            };
            tests.entry((*module, *version)).or_default()[side].push((-share, act.month, act.site));
        }
    }
    for ((module, _), [pre, post]) in tests {
        let (pre, post) = (pre.into_iter().min(), post.into_iter().min());
        let asked = |test: Test| person.asked(test.2, test.1);
        let mut gain = Gain::default();
        match (pre, post) {
            (Some(pre), Some(post)) if asked(post) => {
                (gain.pairs, gain.sum) = (1, pre.0 - post.0);
            }
            (Some(one), None) | (None, Some(one)) if asked(one) => gain.unpaired = 1,
            _ => continue,
        }
        for sum in [
            &mut figures.gain,
            figures.gain_by_module.entry(module).or_default(),
        ] {
            sum.pairs += gain.pairs;
            sum.sum += gain.sum;
            sum.unpaired += gain.unpaired;
        }
    }
}

fn trace_of(programme: u8, body: &Body) -> bool {
    let begins =
        is_work(body) || matches!(body, Body::Enrolled { .. } | Body::ExamRegistered { .. });
    begins
        && body
            .scope()
            .is_some_and(|scope| scope.programme().0 == programme)
}

fn english(person: &Person<'_>, figures: &mut Figures) {
    let begun = person.begun(|body| trace_of(2, body));
    let last = person.query.period.last.0;
    let Some(standing) = begun
        .iter()
        .map(|(life, site)| life.standing(ProgrammeId(2), *site, last))
        .min()
    else {
        return;
    };
    let about = |body: &Body| body.scope().is_some_and(|scope| scope.programme().0 == 2);
    let outcome = |body: &Body, wanted: ExamOutcome| {
        about(body) && matches!(body, Body::ExamResult { outcome, .. } if *outcome == wanted)
    };
    let certified = person.by_then(|body| about(body) && matches!(body, Body::Certificate { .. }));
    let passed = certified || person.by_then(|body| outcome(body, ExamOutcome::Passed));
    let exam = passed || person.by_then(|body| outcome(body, ExamOutcome::Failed));
    let all = person.by_then(|body| about(body) && matches!(body, Body::ModuleDone { .. }));
    let funnel = &mut figures.english;
    funnel.registered += 1;
    funnel.attended_all += u64::from(all);
    funnel.certified += u64::from(certified);
    funnel.passed += u64::from(passed);
    if exam {
        funnel.exam += 1;
    } else {
        funnel.open += u64::from(standing == Standing::Open);
        funnel.moved += u64::from(standing == Standing::Moved);
        funnel.withdrew += u64::from(standing == Standing::Withdrew);
        funnel.released += u64::from(standing == Standing::Released);
        funnel.unknown += u64::from(standing == Standing::Unknown);
        funnel.released_after_all += u64::from(all && standing == Standing::Released);
    }
}

fn beep(person: &Person<'_>, figures: &mut Figures) {
    let sites: BTreeSet<u16> = person
        .begun(|body| trace_of(1, body))
        .iter()
        .map(|one| one.1)
        .collect();
    // Of each record, where and when it finished each course first.
    let mut done: Vec<(u16, u16, u8)> = Vec::new();
    for life in &person.lives {
        for number in 1..=7 {
            let finished = life.acts.iter().filter(|act| {
                act.body
                    == Body::ModuleDone {
                        module: module(1, number),
                    }
            });
            let first = finished.map(|act| (act.month, act.site)).min();
            done.extend(first.map(|(month, site)| (month, site, number)));
        }
    }
    done.retain(|(month, _, _)| *month <= person.query.period.last.0);
    let courses: BTreeSet<u8> = done.iter().map(|(_, _, number)| *number).collect();
    let last_site = done.iter().max().map(|(_, site, _)| *site);
    let about = |body: &Body| body.scope().is_some_and(|scope| scope.programme().0 == 1);
    let exam = person.by_then(|body| {
        let sat = [ExamOutcome::Passed, ExamOutcome::Failed];
        about(body) && matches!(body, Body::ExamResult { outcome, .. } if sat.contains(outcome))
    });
    let certified = person.by_then(|body| about(body) && matches!(body, Body::Certificate { .. }));
    let add = |beep: &mut Beep, site: Option<u16>| {
        beep.enrolled += 1;
        for course in &courses {
            beep.courses[usize::from(*course) - 1] += 1;
        }
        let here = site.is_none() || site == last_site;
        beep.completed += u64::from(courses.len() == 7 && here);
        beep.completed_elsewhere += u64::from(courses.len() == 7 && !here);
        beep.others += u64::from(courses.len() < 7);
        beep.exam += u64::from(exam);
        beep.certified += u64::from(certified);
    };
    if !sites.is_empty() {
        add(&mut figures.beep, person.query.site.map(|site| site.0));
    }
    for site in sites {
        add(
            figures.beep_by_site.entry(SiteId(site)).or_default(),
            Some(site),
        );
    }
}

fn registers(person: &Person<'_>, figures: &mut Figures) {
    for programme in 5..8 {
        let class =
            |act: &Act| matches!(act.body, Body::Class { programme: p, .. } if p.0 == programme);
        if person.inside().any(class) {
            *figures.classes.entry(ProgrammeId(programme)).or_default() += 1;
        }
    }
    // Each record's certificates, where they were recorded first; then each once for the person.
    let mut certificates = BTreeSet::new();
    for life in &person.lives {
        let mut first: BTreeMap<(Scope, Issuer), (u16, u16)> = BTreeMap::new();
        for act in &life.acts {
            if let Body::Certificate { scope, issuer } = act.body {
                let known = first
                    .entry((scope, issuer))
                    .or_insert((act.month, act.site));
                *known = (*known).min((act.month, act.site));
            }
        }
        first.retain(|_, (month, site)| person.asked(*site, *month));
        certificates.extend(first.into_keys());
    }
    figures.certificates.valid += certificates.len() as u64;
    figures.certificates.persons += u64::from(!certificates.is_empty());
    for (_, issuer) in certificates {
        *figures.certificates.by_issuer.entry(issuer).or_default() += 1;
    }
    let reads = |act: &&Act| matches!(act.body, Body::LibraryVisit {} | Body::LoanOut { .. });
    let libraries: BTreeSet<u16> = person.inside().filter(reads).map(|act| act.site).collect();
    figures.readers.persons += u64::from(!libraries.is_empty());
    figures.readers.sum_of_sites += libraries.len() as u64;
    for life in person
        .lives
        .iter()
        .filter(|life| life.acts.iter().any(|act| is_work(&act.body)))
    {
        if let Some(Journey {
            first,
            left: Some((month, exit)),
            ..
        }) = life.journey
            && person.asked(first, month)
        {
            let turnover = figures.turnover.entry(Month(month)).or_default();
            match EXITS[exit].2 {
                Standing::Released => turnover.released += 1,
                Standing::Moved => turnover.moved += 1,
                _ => turnover.unknown += 1,
            }
        }
    }
}

/// Each second stay by itself: what was done there, in the order of the acts, and before.
fn continuity(person: &Person<'_>, told: &mut Continuity) {
    for life in &person.lives {
        let Some(Journey {
            first,
            second: Some((site, month)),
            arrival: (reason, open_before),
            ..
        }) = life.journey
        else {
            continue;
        };
        if reason == ArrivalReason::Intake || !person.asked(site, month) {
            continue;
        }
        let acts = || life.acts.iter().enumerate();
        let work = |(_, act): &(usize, &Act)| is_work(&act.body);
        let there: Vec<(usize, &Act)> = acts()
            .filter(work)
            .filter(|(_, act)| life.at_second(act))
            .collect();
        told.transfers += 1;
        match (there.first(), open_before) {
            (Some((first, _)), open) => {
                let in_time = open.is_some_and(|open| open <= *first);
                told.open_before_work.of += 1;
                told.open_before_work.count += u64::from(in_time);
            }
            (None, Some(_)) => told.open_without_work += 1,
            (None, None) => told.closed_without_work += 1,
        }
        // Days after the arrival, or nothing to count from or with.
        let days = |act: &Act| {
            let days = date(act.month, act.day)?.days() - date(month, 1)?.days();
            u64::try_from(days).ok()
        };
        let known = there.iter().filter_map(|(_, act)| days(act)).min();
        if let Some(days) = known {
            told.days.known += 1;
            told.days.sum += days;
            told.days.max = told.days.max.max(days);
        } else if !there.is_empty() {
            told.days.unknown += 1;
        }
        let module_of = |act: &Act| act.body.scope().and_then(Scope::module);
        let before = || acts().filter(work).map(|(_, act)| act);
        let before = || before().filter(|act| act.site == first && !life.at_second(act));
        let is_open = |module: &ModuleId| {
            let done = Body::ModuleDone { module: *module };
            before().any(|act| module_of(act) == Some(*module))
                && !before().any(|act| act.body == done)
        };
        let mut all = CENTRE
            .iter()
            .flat_map(|programme| (1..=8).map(|n| module(*programme, n)));
        if all.any(|module| is_open(&module)) {
            let on_it = there
                .iter()
                .filter(|(_, act)| module_of(act).is_some_and(|m| is_open(&m)));
            let after: Vec<Option<u64>> = on_it.map(|(_, act)| days(act)).collect();
            told.resumed.of += 1;
            if after.iter().flatten().any(|days| *days <= 30) {
                told.resumed.count += 1;
            } else if month == UNDATED || after.contains(&None) {
                told.resumed_unknown += 1;
            }
        }
    }
}
