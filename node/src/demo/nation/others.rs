//! Those whom the published figures leave out, so that a count that is too generous is seen: people
//! with classes, books or a registration alone, and whatever happened in 2026.

use super::day::Day;
use super::draw::Draw;
use super::learner::{Event, Learner};
use super::plan::Window;
use super::quota::UNIVERSE_END;
use super::story::Teller;

/// A person who is known to a pilot site and does not count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    /// Literacy, vocational and orientation classes of a provider.
    Classes,
    /// Visits and loans.
    Library,
    /// Enrolled, and never came. One in four came in 2026, which is too late to count.
    Registered,
}

const PROVIDERS: [&str; 4] = [
    "provincial-education",
    "provincial-labour",
    "mith-samlanh",
    "mlop-tapang",
];

/// Tells the story of somebody who does not count.
pub(super) fn tell(other: Other, number: usize, draw: &mut Draw) -> Vec<Event> {
    let window = Window::PILOT;
    let room = window.start_last.since(window.start_first) - 100;
    let start = window.start_first.plus(draw.between(0, room));
    let mut teller = Teller::new(start, draw.number());
    match other {
        Other::Classes => classes(&mut teller),
        Other::Library => {
            teller.note(Event::new("library-visit"));
            for _ in 0..teller.draw.between(1, 5) {
                teller.pass(3, 20);
                teller.note(Event::new("library-visit"));
            }
            teller.library(start, teller.day, number);
        }
        Other::Registered => {
            teller.note(Event::new("consent").value("yes"));
            let programme = teller.draw.pick(&["digital", "reintegration"]);
            teller.enrol(programme);
            if number.is_multiple_of(4) {
                teller.day = Day::new(2026, 1, 12);
                teller.sessions("digital", "digital-basics", 1, 2);
                return teller.events;
            }
            if teller.draw.percent(40) {
                teller.pass(5, 40);
                teller.note(Event::of("withdrew", programme, "").value("own-choice"));
            }
        }
    }
    teller.pass(10, 200);
    if teller.day <= window.leaves_before && teller.draw.percent(70) {
        let how = teller
            .draw
            .pick(&["released", "released", "transferred-no-node", "unknown"]);
        teller.depart(how);
    }
    teller.events
}

fn classes(teller: &mut Teller) {
    let programme =
        teller
            .draw
            .weighted(&[(70, "literacy"), (20, "vocational"), (10, "orientation")]);
    let provider = teller.draw.pick(&PROVIDERS);
    for _ in 0..teller.draw.between(3, 9) {
        teller.note(Event::of("class", programme, "").value(provider));
        teller.pass(3, 9);
    }
}

/// What came after the published universe, for somebody whose story ends in it and who was still
/// there: some more sessions, and for some a module whose pre-test was in December and whose
/// post-test was in January, which is no pair of 2025.
pub(super) fn go_on_in_2026(learner: &mut Learner, draw: &mut Draw) {
    const MODULE: &str = "job-search";
    let mut teller = Teller::new(Day::new(2025, 12, 22), draw.number());
    let new_to_module = learner.events.iter().all(|event| event.module != MODULE);
    let counted = learner.was_in_reintegration(UNIVERSE_END);
    if new_to_module && counted && teller.draw.percent(40) {
        let points = teller.pre_test(MODULE, 3, 10);
        teller.day = Day::new(2026, 1, 5);
        teller.sessions("reintegration", MODULE, 1, 4);
        teller.test("post-test", MODULE, points + 5);
        teller.note(Event::of("module-done", "reintegration", MODULE));
    } else {
        teller.day = Day::new(2026, 1, 5);
        teller.pass(0, 40);
        let attended = teller.draw.between(1, 4);
        teller.sessions("digital", "digital-basics", 1, attended);
        teller.note(Event::of("login", "digital", ""));
    }
    teller.pass(5, 90);
    if teller.draw.percent(50) {
        teller.depart("released");
    }
    learner.events.append(&mut teller.events);
}

/// Events that a register left undated: they are kept and counted as such, and belong to no
/// period. Half are sessions of people who have dated ones too, half are visits to the library:
/// no figure hangs on them.
pub(super) fn lose_dates(learners: &mut [Learner], draw: &mut Draw) {
    const UNDATED: usize = 10;
    let mut order: Vec<usize> = (0..learners.len()).collect();
    order.retain(|&index| learners[index].was_in_reintegration(UNIVERSE_END));
    draw.shuffle(&mut order);
    for (nth, &index) in order.iter().take(UNDATED).enumerate() {
        let events = &mut learners[index].events;
        let undated = if nth % 2 == 0 {
            events
                .iter()
                .find(|event| event.kind == "attended")
                .cloned()
        } else {
            Some(Event::new("library-visit"))
        };
        events.extend(undated.map(|event| Event { day: None, ..event }));
    }
}
