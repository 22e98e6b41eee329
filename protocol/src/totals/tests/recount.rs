//! A population told plainly, and its figures counted from what happened: loops over events with
//! conditions, as the definitions of the indicators read, without rows and without `view`.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::event::{Aspiration, ExamOutcome, Sitting, WithdrawalReason};

const FIRST_MONTH: u16 = 660;
const UNDATED: u16 = u16::MAX;

/// Something that one learner did.
#[derive(Clone, Debug)]
pub(super) struct Act {
    site: u16,
    /// The month and the day of it; the month is `UNDATED` without a date.
    month: u16,
    day: u8,
    body: Body,
}

/// Where a learner was: at `first`, then left if `left` says when and how, then perhaps arrived
/// at `second` in that month.
#[derive(Clone, Debug)]
pub(super) struct Journey {
    first: u16,
    left: Option<(u16, usize)>,
    second: Option<(u16, u16)>,
}

#[derive(Clone, Debug)]
pub(super) struct Life {
    sex: Option<Sex>,
    journey: Option<Journey>,
    acts: Vec<Act>,
}

/// Learners; the first two are one person if `one_person` says so.
#[derive(Clone, Debug)]
pub(super) struct Population {
    lives: Vec<Life>,
    pub(super) one_person: bool,
}

/// The ways to leave, and what is left after each.
const EXITS: [(Destination, DepartureReason, Standing); 5] = [
    (Destination::Released, DepartureReason::Released, Standing::Released),
    (Destination::Site(SiteId(3)), DepartureReason::Transferred, Standing::Moved),
    (Destination::WithoutNode, DepartureReason::Transferred, Standing::Moved),
    (Destination::Unknown, DepartureReason::Transferred, Standing::Moved),
    (Destination::Unknown, DepartureReason::Unknown, Standing::Unknown),
];

fn module(programme: u8, number: u8) -> ModuleId {
    ModuleId { programme: ProgrammeId(programme), number }
}

fn modules() -> impl Strategy<Value = ModuleId> {
    let all = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (4, 5), (9, 4)];
    prop::sample::select(all.to_vec()).prop_map(|(programme, number)| module(programme, number))
}

fn bodies() -> impl Strategy<Value = Body> {
    let programme = || (1..10_u8).prop_map(ProgrammeId);
    let scope =
        || prop_oneof![programme().prop_map(Scope::Programme), modules().prop_map(Scope::Module),];
    prop_oneof![
        modules().prop_map(|module| Body::Attended { module, session: 1 }),
        modules().prop_map(|module| Body::SessionDone { module, session: 1 }),
        modules().prop_map(|module| Body::ModuleDone { module }),
        (1..4_u8, 4..6_u8, 1..3_u16, 0..4_u32).prop_map(|(kind, number, version, points)| {
            let module = module(4, number);
            let score = Score::try_from((points, 3)).unwrap();
            Body::Assessed { kind: kind.into(), module, version, score }
        }),
        programme().prop_map(|programme| Body::Login { programme }),
        scope().prop_map(|scope| Body::Enrolled { scope, cohort: None }),
        programme()
            .prop_map(|programme| { Body::Withdrew { programme, reason: WithdrawalReason::Work } }),
        scope().prop_map(|scope| {
            Body::ExamRegistered { scope, sitting: Sitting { year: 2025, number: 1 } }
        }),
        (scope(), 1..5_u8).prop_map(|(scope, outcome)| {
            Body::ExamResult { scope, sitting: None, outcome: outcome.into(), score: None }
        }),
        (scope(), 1..4_u8)
            .prop_map(|(scope, issuer)| { Body::Certificate { scope, issuer: issuer.into() } }),
        (5..8_u8).prop_map(|number| {
            Body::Class { programme: ProgrammeId(number), provider: Provider::MithSamlanh }
        }),
        (1..4_u8).prop_map(|code| Body::Aspiration { aspiration: code.into() }),
        Just(Body::LibraryVisit {}),
        Just(Body::LoanOut { item: 1 }),
        Just(Body::LoanBack { item: 1 }),
    ]
}

fn months() -> impl Strategy<Value = u16> {
    prop_oneof![9 => FIRST_MONTH..FIRST_MONTH + 6, 1 => Just(UNDATED)]
}

prop_compose! {
    fn lives()(
        sex in prop::option::of(prop::sample::select(vec![Sex::Female, Sex::Male])),
        journey in prop::option::of((
            1..4_u16,
            prop::option::of((months(), 0..EXITS.len())),
            prop::option::of((1..4_u16, months())),
        )),
        acts in prop::collection::vec((1..4_u16, months(), 1..28_u8, bodies()), 0..24),
        all_of_beep in prop::option::weighted(0.2, (1..4_u16, months(), 1..4_u16, months())),
    ) -> Life {
        let journey = journey.map(|(first, left, second)| {
            Journey { first, left, second: second.filter(|_| left.is_some()) }
        });
        let acts = acts.into_iter().map(|(site, month, day, body)| Act { site, month, day, body });
        let mut acts: Vec<Act> = acts.collect();
        if let Some((site, month, last_site, last_month)) = all_of_beep {
            for number in 1..=7 {
                let (site, month) = if number == 7 { (last_site, last_month) } else { (site, month) };
                let body = Body::ModuleDone { module: module(1, number) };
                acts.push(Act { site, month, day: 1, body });
            }
        }
        Life { sex, journey, acts }
    }
}

prop_compose! {
    pub(super) fn populations()(
        lives in prop::collection::vec(lives(), 0..6), one_person in any::<bool>(),
    ) -> Population {
        Population { lives, one_person }
    }
}

pub(super) fn queries() -> impl Strategy<Value = Query> {
    let some_months = (0..6_u16, 0..6_u16).prop_map(|(first, length)| Period {
        first: Month(FIRST_MONTH + first),
        last: Month(FIRST_MONTH + first + length),
    });
    let periods = prop_oneof![Just(Period::ALL), some_months];
    (periods, prop::option::of((1..4_u16).prop_map(SiteId)))
        .prop_map(|(period, site)| Query { period, site })
}

fn date(month: u16, day: u8) -> Option<Date> {
    let year = i32::from(1970 + month / 12);
    let number = u8::try_from(month % 12 + 1).unwrap();
    (month != UNDATED).then(|| Date::from_civil(year, number, day).unwrap())
}

impl Population {
    /// The learners as rows, by way of entries.
    pub(super) fn learners(&self) -> Vec<Learner> {
        let learner = |(number, life): (usize, &Life)| {
            let facts = LearnerFacts { sex: life.sex, birth_year: None };
            (LearnerId([self.person(number); 16]), facts, contributions(&life.entries()))
        };
        self.lives.iter().enumerate().map(learner).collect()
    }

    fn person(&self, learner: usize) -> u8 {
        let number = u8::try_from(learner).unwrap();
        if self.one_person && number == 1 { 0 } else { number }
    }
}

impl Life {
    fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let (one, two) = (StayId([1; 16]), StayId([2; 16]));
        let reason = ArrivalReason::Intake;
        if let Some(journey) = &self.journey {
            let arrived = Body::Arrived { stay: one, from: None, reason };
            entries.push(entry(9000, journey.first, None, arrived));
            if let Some((month, exit)) = journey.left {
                let (to, reason, _) = EXITS[exit];
                let left = Body::Departed { stay: one, to, reason };
                let left = entry(9001, journey.first, date(month, 1), left);
                entries.push(Entry { answered: journey.second.is_some(), ..left });
            }
            if let Some((site, month)) = journey.second {
                let arrived = Body::Arrived { stay: two, from: None, reason };
                entries.push(entry(9002, site, date(month, 1), arrived));
            }
        }
        for (number, act) in self.acts.iter().enumerate() {
            entries.push(entry(number, act.site, date(act.month, act.day), act.body.clone()));
        }
        entries
    }

    /// How the learner stands at the end of `last` in what he did not finish, seen from a site.
    fn standing(&self, programme: ProgrammeId, site: u16, last: u16) -> Standing {
        let withdrawn =
            |act: &&Act| matches!(act.body, Body::Withdrew { programme: p, .. } if p == programme);
        let (standing, since) =
            match (&self.journey, self.acts.iter().filter(withdrawn).map(|act| act.month).min()) {
                (_, Some(month)) => (Standing::Withdrew, month),
                (Some(Journey { second: Some((second, month)), .. }), None) if *second != site => {
                    (Standing::Moved, *month)
                }
                (Some(Journey { first, left: None, .. }), None) if *first != site => {
                    (Standing::Moved, UNDATED)
                }
                (Some(Journey { left: Some((month, exit)), second: None, .. }), None) => {
                    (EXITS[*exit].2, *month)
                }
                _ => (Standing::Open, 0),
            };
        if since <= last { standing } else { Standing::Open }
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
        let Period { first, last } = self.query.period;
        first.0 <= month && month <= last.0 && self.query.site.is_none_or(|only| only.0 == site)
    }

    fn inside(&self) -> impl Iterator<Item = &Act> {
        self.acts().filter(|act| self.asked(act.site, act.month))
    }

    /// The first months of what `matters`, by record and site.
    fn begun(&self, matters: impl Fn(&Body) -> bool) -> Vec<(&Life, u16)> {
        let mut begun = Vec::new();
        for life in &self.lives {
            for site in 1..4_u16 {
                let here = life.acts.iter().filter(|act| act.site == site && matters(&act.body));
                if here.map(|act| act.month).min().is_some_and(|month| self.asked(site, month)) {
                    begun.push((*life, site));
                }
            }
        }
        begun
    }

    fn by_then(&self, matters: impl Fn(&Body) -> bool) -> bool {
        self.acts().any(|act| act.month <= self.query.period.last.0 && matters(&act.body))
    }
}

/// The figures, from the definitions.
pub(super) fn recount(population: &Population, query: Query) -> Figures {
    let mut persons: BTreeMap<u8, Vec<&Life>> = BTreeMap::new();
    for (number, life) in population.lives.iter().enumerate() {
        persons.entry(population.person(number)).or_default().push(life);
    }
    let mut figures = Figures::default();
    for lives in persons.into_values() {
        let person = Person { lives, query };
        people(&person, &mut figures);
        modules_begun(&person, &mut figures);
        gains(&person, &mut figures);
        english(&person, &mut figures);
        beep(&person, &mut figures);
        registers(&person, &mut figures);
    }
    figures.women.of = figures.beneficiaries;
    figures.reintegration.of = figures.beneficiaries;
    figures.bridge.national = figures.beneficiaries;
    figures.bridge.sum_of_sites = figures.bridge.by_site.values().sum();
    figures
}

fn people(person: &Person<'_>, figures: &mut Figures) {
    let sites: BTreeSet<u16> =
        person.inside().filter(|act| is_work(&act.body)).map(|act| act.site).collect();
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
                let later = life.acts.iter().any(|act| act.body == Body::ModuleDone { module });
                if later { Standing::Open } else { life.standing(module.programme, *site, last) }
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
        if let Body::Assessed { kind, module, version, score } = &act.body {
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
        for sum in [&mut figures.gain, figures.gain_by_module.entry(module).or_default()] {
            sum.pairs += gain.pairs;
            sum.sum += gain.sum;
            sum.unpaired += gain.unpaired;
        }
    }
}

fn trace_of(programme: u8, body: &Body) -> bool {
    let begins =
        is_work(body) || matches!(body, Body::Enrolled { .. } | Body::ExamRegistered { .. });
    begins && body.scope().is_some_and(|scope| scope.programme().0 == programme)
}

fn english(person: &Person<'_>, figures: &mut Figures) {
    let begun = person.begun(|body| trace_of(2, body));
    let last = person.query.period.last.0;
    let Some(standing) =
        begun.iter().map(|(life, site)| life.standing(ProgrammeId(2), *site, last)).min()
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
    let sites: BTreeSet<u16> =
        person.begun(|body| trace_of(1, body)).iter().map(|one| one.1).collect();
    // Of each record, where and when it finished each course first.
    let mut done: Vec<(u16, u16, u8)> = Vec::new();
    for life in &person.lives {
        for number in 1..=7 {
            let finished = life
                .acts
                .iter()
                .filter(|act| act.body == Body::ModuleDone { module: module(1, number) });
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
        add(figures.beep_by_site.entry(SiteId(site)).or_default(), Some(site));
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
                let known = first.entry((scope, issuer)).or_insert((act.month, act.site));
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
    for life in person.lives.iter().filter(|life| life.acts.iter().any(|act| is_work(&act.body))) {
        if let Some(Journey { first, left: Some((month, exit)), .. }) = life.journey
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
