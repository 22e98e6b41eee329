//! People whom two pilot sites know. Two carried their card: both sites' rows name one learner, so
//! he counts once for the nation and once for each site. Five were registered anew under the same
//! name: nothing says that they are one person, and they count twice until somebody decides.

use std::collections::BTreeSet;

use super::day::Day;
use super::draw::Draw;
use super::learner::{Event, Identity, Learner, Sex};
use super::names::Names;
use super::quota::{CC1, CC2, CC4, KANDAL};
use super::story::Teller;

/// How many pairs of rows of different sites look like one person.
pub(super) const LOOK_ALIKES: usize = 5;

/// The two who moved from Kandal with their card, as two rows each; their numbers are `person` and
/// the one after it.
pub(super) fn with_card(person: usize, names: &mut Names, draw: &mut Draw) -> Vec<Learner> {
    let mut rows = Vec::new();
    for (nth, (to, stays)) in [(CC1, english(draw)), (CC4, business(draw))]
        .into_iter()
        .enumerate()
    {
        let identity = Identity::new(Sex::Man, false, names, draw);
        let card = format!("{:016x}{:016x}", draw.number(), draw.number());
        for (site, events) in [KANDAL, to].into_iter().zip(stays) {
            let first_day = events.iter().filter_map(|event| event.day).min();
            rows.push(Learner {
                site,
                person: person + nth,
                card: Some(card.clone()),
                identity: identity.clone(),
                arrived: first_day.unwrap_or(Day::new(2025, 1, 6)).plus(-2),
                events,
            });
        }
    }
    rows
}

/// He began English at Kandal, attended the rest at CC1 and waits for his exam: a transferred
/// learner stays in the funnel.
fn english(draw: &mut Draw) -> [Vec<Event>; 2] {
    let start = Day::new(2024, 10, 7).plus(draw.between(0, 40));
    let mut teller = Teller::new(start, draw.number());
    teller.note(Event::new("consent").value("yes"));
    teller.note(Event::new("expected-release").value("2026-09..2027-03"));
    teller.note(Event::new("aspiration").value("micro-business"));
    teller.enrol("reintegration");
    teller.sessions("reintegration", "self-awareness", 1, 4);
    teller.note(Event::of("module-done", "reintegration", "self-awareness"));
    teller.pass(5, 20);
    teller.enrol("english");
    teller.sessions("english", "a1", 1, 5);
    teller.pass(3, 9);
    teller.depart("transferred");
    let before = std::mem::take(&mut teller.events);
    teller.pass(6, 20);
    teller.enrol("english");
    teller.sessions("english", "a1", 6, 8);
    teller.note(Event::of("module-done", "english", "a1"));
    teller.sessions("english", "a2", 1, 8);
    teller.note(Event::of("module-done", "english", "a2"));
    teller.enrol("reintegration");
    teller.sessions("reintegration", "job-search", 1, 3);
    teller.day = Day::new(2025, 12, 8);
    teller.note(Event::of("exam-registered", "english", "a2").value("2026-1"));
    [before, teller.events]
}

/// He sat a pre-test at Kandal and the post-test of the same module at CC4: one pair, two sites.
/// At CC4 he declares another aspiration; the first one counts.
fn business(draw: &mut Draw) -> [Vec<Event>; 2] {
    const MODULE: &str = "micro-business";
    let start = Day::new(2025, 1, 20).plus(draw.between(0, 60));
    let mut teller = Teller::new(start, draw.number());
    teller.note(Event::new("consent").value("yes"));
    teller.note(Event::new("expected-release").value("unknown"));
    teller.note(Event::new("aspiration").value("farming"));
    teller.enrol("reintegration");
    let points = teller.pre_test(MODULE, 4, 9);
    teller.sessions("reintegration", MODULE, 1, 2);
    teller.pass(3, 9);
    teller.depart("transferred");
    let before = std::mem::take(&mut teller.events);
    teller.pass(6, 20);
    teller.note(Event::new("aspiration").value(MODULE));
    teller.enrol("reintegration");
    teller.sessions("reintegration", MODULE, 3, 4);
    teller.test("post-test", MODULE, points + 8);
    teller.note(Event::of("module-done", "reintegration", MODULE));
    [before, teller.events]
}

/// Lets five men who left for another site look like men who came to a different site next: same
/// names, same birth date, stays that do not overlap, and no card.
pub(super) fn registered_anew(learners: &mut [Learner]) {
    let mut taken = BTreeSet::new();
    let usable = |learner: &Learner| {
        learner.site != CC2 && learner.identity.sex == Sex::Man && !learner.identity.born.is_empty()
    };
    for first in 0..learners.len() {
        let (site, gone) = (learners[first].site, learners[first].last_day());
        let left = learners[first].departed() == Some("transferred");
        if !left || taken.contains(&first) || !usable(&learners[first]) {
            continue;
        }
        let came_next = (0..learners.len())
            .filter(|&other| learners[other].site != site && !taken.contains(&other))
            .filter(|&other| usable(&learners[other]) && Some(learners[other].arrived) > gone)
            .min_by_key(|&other| learners[other].arrived);
        if let Some(second) = came_next {
            learners[second].identity = learners[first].identity.clone();
            taken.extend([first, second]);
        }
        if taken.len() == 2 * LOOK_ALIKES {
            return;
        }
    }
}
