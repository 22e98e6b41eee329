//! A beneficiary's story: his plan told as dated events, from the first day to his departure.
//! Where the plan is silent the story draws; the figures do not depend on those draws.

use super::day::Day;
use super::draw::Draw;
use super::learner::Event;
use super::plan::{Beep, English, Only, Plan, Window};
use super::programmes::{REINTEGRATION, WITHDRAWALS};

const REMARKS: [&str; 3] = ["good-progress", "helps-others", "needs-help"];

/// Tells a beneficiary's story. `number` is the person's own and numbers the books that he lends.
pub(super) fn tell(plan: &Plan, number: usize, draw: &mut Draw) -> Vec<Event> {
    // Told twice with the same chance: the first time only to learn how long it is.
    let seed = draw.number();
    let length = course_from(plan, plan.window.start_first, seed)
        .day
        .since(plan.window.start_first);
    let start = start(&plan.window, length, draw);
    let mut teller = course_from(plan, start, seed);
    let whole = teller.day <= plan.window.end;
    teller.library(start, plan.window.end, number);
    teller
        .events
        .retain(|event| event.day.is_none_or(|day| day <= plan.window.end.workday()));
    if whole {
        teller.leave(plan);
    }
    teller.events
}

/// A start that leaves room for the whole story, if there is one. More people came in later years.
fn start(window: &Window, length: i32, draw: &mut Draw) -> Day {
    let last = window
        .start_last
        .min(window.end.plus(-length))
        .max(window.start_first);
    let room = last.since(window.start_first);
    window
        .start_first
        .plus(draw.between(0, room).max(draw.between(0, room)))
}

fn course_from(plan: &Plan, start: Day, seed: u64) -> Teller {
    let mut teller = Teller::new(start, seed);
    teller.course(plan);
    teller
}

/// The story so far and the day that it has reached. Days are working days; the cursor is not.
pub(super) struct Teller {
    pub draw: Draw,
    pub day: Day,
    pub events: Vec<Event>,
}

impl Teller {
    pub(super) fn new(start: Day, seed: u64) -> Self {
        Self {
            draw: Draw::new(seed),
            day: start,
            events: Vec::new(),
        }
    }

    /// Says that something happened on the day reached.
    pub(super) fn note(&mut self, event: Event) {
        self.events.push(Event {
            day: Some(self.day.workday()),
            ..event
        });
    }

    /// Lets some days go by.
    pub(super) fn pass(&mut self, days_min: i32, days_max: i32) {
        self.day = self.day.plus(self.draw.between(days_min, days_max));
    }

    fn course(&mut self, plan: &Plan) {
        self.intake(plan);
        match plan.only {
            Some(Only::Logins) => return self.logins_only(),
            Some(Only::PreTest) => return self.pre_test_only(),
            None => {}
        }
        if let Some(fate) = plan.beep {
            self.beep(fate, plan);
        }
        if plan.reintegration {
            self.reintegration(plan);
        }
        if let Some(changed) = plan.aspiration_later {
            // More than a weekend, so that the first one has the earlier date.
            self.pass(4, 9);
            self.note(Event::new("aspiration").value(changed));
        }
        if plan.digital {
            self.digital();
        }
        if self.draw.percent(7) {
            let remark = self.draw.pick(&REMARKS);
            self.note(Event::new("remark").value(remark));
        }
        if let Some(fate) = plan.english {
            self.english(fate);
        }
        if let Some(answers) = plan.who5_end {
            self.pass(1, 4);
            self.note(Event::new("who5-end").value(answers.map(|n| n.to_string()).join(" ")));
        }
    }

    /// What an officer writes down when somebody joins.
    fn intake(&mut self, plan: &Plan) {
        self.note(Event::new("consent").value("yes"));
        let (earliest, wide) = (self.draw.between(5, 24), self.draw.between(2, 9));
        let mut expected = format!(
            "{}..{}",
            self.day.month_after(earliest),
            self.day.month_after(earliest + wide)
        );
        if plan.english == Some(English::AtRisk) {
            "2026-07..2026-09".clone_into(&mut expected);
        } else if self.draw.percent(15) {
            "unknown".clone_into(&mut expected);
        }
        self.note(Event::new("expected-release").value(expected));
        if let Some(aspiration) = plan.aspiration {
            self.note(Event::new("aspiration").value(aspiration));
        }
        if let Some(answers) = plan.who5_start {
            self.note(Event::new("who5-start").value(answers.map(|n| n.to_string()).join(" ")));
        }
        if self.draw.percent(4) {
            let code = self.draw.pick(&["seeing", "hearing", "walking"]);
            self.note(Event::new("disability").value(code));
        }
        if self.draw.percent(25) {
            let indigenous = if self.draw.percent(8) { "yes" } else { "no" };
            self.note(Event::new("indigenous").value(indigenous));
        }
    }

    fn logins_only(&mut self) {
        self.enrol("digital");
        for _ in 0..self.draw.between(1, 4) {
            self.pass(1, 9);
            self.note(Event::of("login", "digital", ""));
        }
    }

    fn pre_test_only(&mut self) {
        self.enrol("reintegration");
        self.pass(2, 9);
        let module = self.draw.pick(&REINTEGRATION);
        self.pre_test(module, 3, 10);
    }

    /// Books and visits of about half the people.
    pub(super) fn library(&mut self, start: Day, end: Day, number: usize) {
        if self.draw.percent(55) {
            return;
        }
        let last = self.day.min(end);
        for nth in 0..self.draw.index(3) {
            let out = start.plus(self.draw.between(0, last.since(start)));
            let item = (1000 + number * 3 + nth).to_string();
            let back = out.plus(self.draw.between(5, 20));
            let mut told = Self::new(out, 0);
            told.note(Event::new("loan-out").value(item.clone()));
            if back <= last {
                told.day = back;
                told.note(Event::new("loan-back").value(item));
            }
            self.events.append(&mut told.events);
        }
        if self.draw.percent(30) {
            let mut told = Self::new(start.plus(self.draw.between(0, last.since(start))), 0);
            told.note(Event::new("library-visit"));
            self.events.append(&mut told.events);
        }
    }

    /// How it ended; or that he is still there at the end of the window.
    fn leave(&mut self, plan: &Plan) {
        let reason = match plan.english {
            Some(English::ReleasedBeforeExam) => {
                self.pass(3, 24);
                return self.depart("released");
            }
            Some(English::StillIn | English::AtRisk) => return,
            Some(English::TransferredNoNode) => "transferred-no-node",
            Some(English::ReleasedMidCourse) => "released",
            _ => self.draw.weighted(&[
                (64, "released"),
                (18, "transferred-no-node"),
                (12, "transferred"),
                (6, "unknown"),
            ]),
        };
        let fated = matches!(
            plan.english,
            Some(English::TransferredNoNode | English::ReleasedMidCourse)
        );
        let after = if fated { (3, 10) } else { (4, 210) };
        self.day = self.day.max(plan.window.stays_until);
        self.pass(after.0, after.1);
        let withdraws = plan.beep == Some(Beep::Underway) && self.draw.percent(25);
        if withdraws && self.day <= plan.window.leaves_before {
            let why = self.draw.pick(&WITHDRAWALS);
            self.note(Event::of("withdrew", "beep", "").value(why));
            self.pass(5, 90);
        }
        if self.day <= plan.window.leaves_before {
            self.depart(reason);
        }
    }

    /// Ends what is open, with what a released man is given.
    pub(super) fn depart(&mut self, value: &'static str) {
        if value == "released" && self.draw.percent(30) {
            self.note(Event::new("handout").value("record-copy"));
        }
        if value == "released" && self.draw.percent(15) {
            let to = self
                .draw
                .pick(&["mith-samlanh", "mlop-tapang", "provincial-labour"]);
            self.note(Event::new("referral").value(to));
        }
        self.note(Event::new("departed").value(value));
    }
}
