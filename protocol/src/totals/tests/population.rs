//! A population told plainly: what each learner did and where he was, and the same as rows.

use super::*;
use crate::custody::{Causality, mark_late};
use crate::event::{LinkReason, Sitting, WithdrawalReason};
use crate::view::Persons;

const FIRST_MONTH: u16 = 660;
pub(super) const UNDATED: u16 = u16::MAX;

/// Something that one learner did.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub(super) site: u16,
    /// The month and the day of it; the month is `UNDATED` without a date.
    pub(super) month: u16,
    pub(super) day: u8,
    pub(super) body: Body,
    /// It belongs to the second stay, if there is one and this is its site.
    pub(super) moved: bool,
    /// A second person signed it, where that matters.
    pub(super) signed: bool,
}

/// Where a learner was: at `first`, then left if `left` says when and how, then perhaps arrived
/// at `second` in that month. `arrival` says why, and before which act his record was open there.
#[derive(Clone, Debug)]
pub(super) struct Journey {
    pub(super) first: u16,
    pub(super) left: Option<(u16, usize)>,
    pub(super) second: Option<(u16, u16)>,
    pub(super) arrival: (ArrivalReason, Option<usize>),
}

#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) sex: Option<Sex>,
    pub(super) journey: Option<Journey>,
    pub(super) acts: Vec<Act>,
}

/// Learners; the first two are one person if `one_person` says so.
#[derive(Clone, Debug)]
pub(super) struct Population {
    pub(super) lives: Vec<Life>,
    pub(super) one_person: bool,
}

/// The ways to leave, and what is left after each.
pub(super) const EXITS: [(Destination, DepartureReason, Standing); 5] = [
    (
        Destination::Released,
        DepartureReason::Released,
        Standing::Released,
    ),
    (
        Destination::Site(SiteId(3)),
        DepartureReason::Transferred,
        Standing::Moved,
    ),
    (
        Destination::WithoutNode,
        DepartureReason::Transferred,
        Standing::Moved,
    ),
    (
        Destination::Unknown,
        DepartureReason::Transferred,
        Standing::Moved,
    ),
    (
        Destination::Unknown,
        DepartureReason::Unknown,
        Standing::Unknown,
    ),
];

pub(super) fn module(programme: u8, number: u8) -> ModuleId {
    ModuleId {
        programme: ProgrammeId(programme),
        number,
    }
}

fn modules() -> impl Strategy<Value = ModuleId> {
    let all = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (4, 5), (9, 4)];
    prop::sample::select(all.to_vec()).prop_map(|(programme, number)| module(programme, number))
}

fn bodies() -> impl Strategy<Value = Body> {
    let programme = || (1..10_u8).prop_map(ProgrammeId);
    let scope = || {
        prop_oneof![
            programme().prop_map(Scope::Programme),
            modules().prop_map(Scope::Module),
        ]
    };
    prop_oneof![
        modules().prop_map(|module| Body::Attended { module, session: 1 }),
        modules().prop_map(|module| Body::SessionDone { module, session: 1 }),
        modules().prop_map(|module| Body::ModuleDone { module }),
        (1..4_u8, 4..6_u8, 1..3_u16, 0..4_u32).prop_map(|(kind, number, version, points)| {
            let module = module(4, number);
            let score = Score::try_from((points, 3)).unwrap();
            Body::Assessed {
                kind: kind.into(),
                module,
                version,
                score,
            }
        }),
        programme().prop_map(|programme| Body::Login { programme }),
        scope().prop_map(|scope| Body::Enrolled {
            scope,
            cohort: None
        }),
        programme().prop_map(|programme| {
            Body::Withdrew {
                programme,
                reason: WithdrawalReason::Work,
            }
        }),
        scope().prop_map(|scope| {
            Body::ExamRegistered {
                scope,
                sitting: Sitting {
                    year: 2025,
                    number: 1,
                },
            }
        }),
        (scope(), 1..5_u8).prop_map(|(scope, outcome)| {
            Body::ExamResult {
                scope,
                sitting: None,
                outcome: outcome.into(),
                score: None,
            }
        }),
        (scope(), 1..4_u8).prop_map(|(scope, issuer)| {
            Body::Certificate {
                scope,
                issuer: issuer.into(),
            }
        }),
        (5..8_u8).prop_map(|number| {
            Body::Class {
                programme: ProgrammeId(number),
                provider: Provider::MithSamlanh,
            }
        }),
        (1..4_u8).prop_map(|code| Body::Aspiration {
            aspiration: code.into()
        }),
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
            prop::option::weighted(0.7, (months(), 0..EXITS.len())),
            prop::option::weighted(0.7, (1..4_u16, months())),
            (1..4_u8, prop::option::of(0..24_usize)),
        )),
        acts in prop::collection::vec(
            (1..4_u16, months(), 1..28_u8, bodies(), any::<bool>(), any::<bool>()), 0..24,
        ),
        all_of_beep in prop::option::weighted(0.2, (1..4_u16, months(), 1..4_u16, months())),
    ) -> Life {
        let journey = journey.map(|(first, left, second, (reason, open))| {
            let (second, arrival) = (second.filter(|_| left.is_some()), (reason.into(), open));
            Journey { first, left, second, arrival }
        });
        let acts = acts.into_iter().map(|(site, month, day, body, moved, signed)| {
            Act { site, month, day, body, moved, signed }
        });
        let mut acts: Vec<Act> = acts.collect();
        if let Some((site, month, last_site, last_month)) = all_of_beep {
            for number in 1..=7 {
                let is_last = number == 7;
                let (site, month) = if is_last { (last_site, last_month) } else { (site, month) };
                let body = Body::ModuleDone { module: module(1, number) };
                acts.push(Act { site, month, day: 1, body, moved: true, signed: false });
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

pub(super) fn date(month: u16, day: u8) -> Option<Date> {
    let year = i32::from(1970 + month / 12);
    let number = u8::try_from(month % 12 + 1).unwrap();
    (month != UNDATED).then(|| Date::from_civil(year, number, day).unwrap())
}

impl Population {
    /// The learners as rows, and the persons that they are, by way of entries.
    pub(super) fn learners(&self) -> Vec<Learner> {
        let id = |number| LearnerId([u8::try_from(number).unwrap(); 16]);
        let mut records: Vec<Vec<Entry>> = self.lives.iter().map(Life::entries).collect();
        if let (true, Some(second)) = (self.one_person, records.get_mut(1)) {
            let (other, reason) = (id(0), LinkReason::Card);
            second.push(entry(9003, 1, None, Body::SamePerson { other, reason }));
        }
        let views: Vec<LearnerView> = records
            .iter()
            .map(|entries| LearnerView::fold(entries))
            .collect();
        let links = views
            .iter()
            .enumerate()
            .map(|(number, view)| (id(number), &view.links[..]));
        let persons = Persons::of(links);
        let learner = |(number, entries): (usize, &Vec<Entry>)| {
            let facts = LearnerFacts::of(&views[number]);
            (persons.person(id(number)), facts, contributions(entries))
        };
        records.iter().enumerate().map(learner).collect()
    }

    /// The number of the person that a learner is.
    pub(super) fn person(&self, learner: usize) -> u8 {
        let number = u8::try_from(learner).unwrap();
        if self.one_person && number == 1 {
            0
        } else {
            number
        }
    }
}

/// Knows the order of each site's log, and nothing between sites.
struct OneLogEach;

impl Causality for OneLogEach {
    fn is_ancestor(&self, earlier: Position, later: Position) -> bool {
        (earlier.site, earlier.run) == (later.site, later.run) && earlier.height < later.height
    }
}

impl Life {
    /// Whether an act belongs to the second stay.
    pub(super) fn at_second(&self, act: &Act) -> bool {
        let second = self.journey.as_ref().and_then(|journey| journey.second);
        act.moved && second.is_some_and(|(site, _)| site == act.site)
    }

    fn entries(&self) -> Vec<Entry> {
        let sex = self.sex.map(|sex| entry(9004, 1, None, Body::Sex { sex }));
        let mut entries: Vec<Entry> = sex.into_iter().collect();
        let (one, two) = (StayId([1; 16]), StayId([2; 16]));
        if let Some(journey) = &self.journey {
            let (reason, from) = (ArrivalReason::Intake, None);
            let stay = one;
            let arrived = Body::Arrived { stay, from, reason };
            entries.push(entry(9000, journey.first, None, arrived));
            if let Some((month, exit)) = journey.left {
                let (to, reason, _) = EXITS[exit];
                let left = Body::Departed { stay, to, reason };
                let left = entry(9001, journey.first, date(month, 1), left);
                entries.push(Entry {
                    answered: journey.second.is_some(),
                    ..left
                });
            }
            if let Some((site, month)) = journey.second {
                let (stay, reason) = (two, journey.arrival.0);
                let arrived = Body::Arrived { stay, from, reason };
                entries.push(entry(9002, site, date(month, 1), arrived));
                let note = entry(9005, site, None, Body::RecordOpen { stay });
                let place = journey.arrival.1.map(|act| placed(note, 2 * act));
                entries.extend(place);
            }
        }
        for (number, act) in self.acts.iter().enumerate() {
            let date = date(act.month, act.day);
            let persons = if act.signed { 2 } else { 1 };
            let mut new = entry(number, act.site, date, act.body.clone()).signed_by(persons);
            new.origin.stay = if self.at_second(act) { two } else { one };
            entries.push(placed(new, 2 * number + 1));
        }
        let mut marked = entries.clone();
        mark_late(&mut marked, &OneLogEach);
        for (entry, marked) in entries.iter_mut().zip(marked) {
            entry.past_open = marked.past_open;
        }
        entries
    }
}

/// The same entry at that place of its site's log: a segment holds ten.
fn placed(entry: Entry, place: usize) -> Entry {
    let mut entry = entry.at(u64::try_from(place).unwrap());
    entry.origin.position.height = u32::try_from(place / 10).unwrap();
    entry
}
