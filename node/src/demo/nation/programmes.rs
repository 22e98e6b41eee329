//! The parts of a story that are learning: one function for each programme, and what they share.
//! Tests of reintegration are scored here so that a micro-business gains most; the exact mean is
//! settled afterwards.

use super::day::Day;
use super::learner::Event;
use super::plan::{Beep, English, Plan};
use super::quota::CC4;
use super::story::Teller;

/// The sessions of each module of a programme. Our own estimate: the sources do not say.
const REINTEGRATION_SESSIONS: i32 = 4;
const DIGITAL_SESSIONS: i32 = 5;
const ENGLISH_SESSIONS: i32 = 8;
const BEEP_SESSIONS: i32 = 4;

/// The modules of reintegration that the sources name.
pub(super) const REINTEGRATION: [&str; 6] = [
    "self-awareness",
    "emotional-regulation",
    "personal-finance",
    "job-search",
    "micro-business",
    "safe-reintegration",
];
const BEEP: [&str; 7] = [
    "khmer",
    "math-1",
    "math-2",
    "chemistry",
    "gender",
    "physics",
    "fundamental-skills",
];

/// Why somebody withdrew: a closed list, without anything medical.
pub(super) const WITHDRAWALS: [&str; 3] = ["own-choice", "work", "not-stated"];

/// Every test has 20 points, so that a point is 5 of 100.
pub(super) const TEST_POINTS: i32 = 20;

/// The module on trial. It has no title yet, and its tests have one version.
pub(super) const TRIAL: &str = "slot-7";

/// The day on which version 2 of every other test came into use. A pair that spans it is no pair.
const SECOND_VERSION: Day = Day::new(2025, 1, 1);

impl Teller {
    pub(super) fn reintegration(&mut self, plan: &Plan) {
        self.enrol("reintegration");
        for module in self.choose_modules(plan) {
            self.pass(1, 5);
            if !self.module(module) {
                if self.draw.percent(15) {
                    let why = self.draw.pick(&WITHDRAWALS);
                    self.note(Event::of("withdrew", "reintegration", "").value(why));
                }
                break;
            }
        }
        if plan.trial {
            self.pass(1, 5);
            let points = self.pre_test(TRIAL, 3, 6);
            self.sessions("reintegration", TRIAL, 1, REINTEGRATION_SESSIONS);
            let gain = self.draw.between(11, 13);
            self.test("post-test", TRIAL, points + gain);
            self.note(Event::of("module-done", "reintegration", TRIAL));
        }
    }

    /// One to three modules; a micro-business first for most of those who want one.
    fn choose_modules(&mut self, plan: &Plan) -> Vec<&'static str> {
        let mut modules = REINTEGRATION;
        self.draw.shuffle(&mut modules);
        let micro = modules
            .iter()
            .position(|&module| module == "micro-business");
        if plan.aspiration == Some("micro-business") && self.draw.percent(60) {
            modules.swap(0, micro.unwrap_or(0));
        }
        let wanted = self.draw.weighted(&[(56, 1), (33, 2), (11, 3)]);
        modules.into_iter().take(wanted).collect()
    }

    /// One module of reintegration with its tests. Returns whether it was completed.
    fn module(&mut self, module: &'static str) -> bool {
        let mut before = None;
        if self.draw.percent(94) {
            before = Some(self.pre_test(module, 3, 10));
        }
        let completed = self.draw.percent(76);
        let attended = if completed {
            REINTEGRATION_SESSIONS
        } else {
            self.draw.between(1, 3)
        };
        self.sessions("reintegration", module, 1, attended);
        if !completed {
            return false;
        }
        self.pass(0, 2);
        if self.draw.percent(92) {
            let before = before.unwrap_or(7);
            let gain = match module {
                "micro-business" => self.draw.between(6, 10),
                _ => self.draw.between(-1, 6) + self.draw.between(0, 6),
            };
            self.test("post-test", module, before + gain);
        }
        self.note(Event::of("module-done", "reintegration", module));
        true
    }

    /// Sits a pre-test and returns its points.
    pub(super) fn pre_test(&mut self, module: &'static str, low: i32, high: i32) -> i32 {
        let points = self.draw.between(low, high);
        self.test("pre-test", module, points);
        points
    }

    pub(super) fn test(&mut self, kind: &'static str, module: &'static str, points: i32) {
        let first_version = self.day.workday() < SECOND_VERSION || module == TRIAL;
        let version = if first_version { "1" } else { "2" };
        let points = points.clamp(0, TEST_POINTS);
        let test = Event::of(kind, "reintegration", module).score(points, TEST_POINTS);
        self.note(test.version(version));
    }

    pub(super) fn digital(&mut self) {
        self.pass(1, 5);
        self.enrol("digital");
        let attended = self.draw.between(2, DIGITAL_SESSIONS);
        for session in 1..=attended {
            self.sessions("digital", "digital-basics", session, session);
            if self.draw.percent(40) {
                self.note(Event::of("login", "digital", ""));
            }
        }
        if attended == DIGITAL_SESSIONS {
            self.quiz("digital", "digital-basics");
            self.note(Event::of("module-done", "digital", "digital-basics"));
        }
    }

    /// Courses one after the other; the exam if all seven are done.
    pub(super) fn beep(&mut self, fate: Beep, plan: &Plan) {
        self.enrol("beep");
        let courses_done = match fate {
            Beep::Completed => BEEP.len(),
            Beep::Underway => self.draw.index(5),
        };
        for course in BEEP.into_iter().take(courses_done) {
            self.sessions("beep", course, 1, BEEP_SESSIONS);
            self.quiz("beep", course);
            self.note(Event::of("module-done", "beep", course));
        }
        if let Some(&next) = BEEP.get(courses_done) {
            let attended = self.draw.between(1, BEEP_SESSIONS - 1);
            self.sessions("beep", next, 1, attended);
            self.note(Event::of("login", "beep", ""));
            return;
        }
        // The five of CC4 all sat their exam; elsewhere some were still waiting for one.
        if plan.site == CC4 || self.draw.percent(60) {
            self.exam("beep", "", 70, "moeys");
        }
    }

    pub(super) fn english(&mut self, fate: English) {
        self.pass(1, 5);
        self.enrol("english");
        match fate {
            English::Withdrew
            | English::StillIn
            | English::TransferredNoNode
            | English::ReleasedMidCourse => {
                let attended = self.draw.between(3, ENGLISH_SESSIONS - 2);
                self.sessions("english", "a1", 1, attended);
                if fate == English::Withdrew {
                    self.pass(2, 20);
                    self.note(Event::of("withdrew", "english", "").value("own-choice"));
                }
                return;
            }
            _ => self.english_levels(),
        }
        match fate {
            English::Certified => self.exam("english", "a2", 65, "pannasastra"),
            English::Passed => self.exam("english", "a2", 62, ""),
            English::Failed => self.exam("english", "a2", 30, ""),
            English::AtRisk => {
                let registered = Event::of("exam-registered", "english", "a2");
                self.note(registered.value("2026-4"));
            }
            _ => {}
        }
    }

    pub(super) fn english_levels(&mut self) {
        for level in ["a1", "a2"] {
            self.sessions("english", level, 1, ENGLISH_SESSIONS);
            self.quiz("english", level);
            self.note(Event::of("module-done", "english", level));
        }
    }

    /// Registers for an exam, sits it with `points` of 100 or up to 20 more, and has the
    /// certificate if there were 60 and somebody to issue it.
    fn exam(
        &mut self,
        programme: &'static str,
        module: &'static str,
        points: i32,
        issuer: &'static str,
    ) {
        self.pass(2, 8);
        let exam_day = self.day.plus(self.draw.between(20, 40));
        let sitting = exam_day.workday().sitting();
        self.note(Event::of("exam-registered", programme, module).value(sitting.clone()));
        self.day = exam_day;
        let points = points + self.draw.between(0, 20);
        let result = if points >= 60 { "passed" } else { "failed" };
        let exam = Event::of("exam-result", programme, module).score(points, 100);
        self.note(exam.version(sitting).value(result));
        if points >= 60 && !issuer.is_empty() {
            self.pass(14, 30);
            self.note(Event::of("certificate", programme, module).value(issuer));
        }
    }

    fn quiz(&mut self, programme: &'static str, module: &'static str) {
        let points = self.draw.between(5, 10);
        self.note(
            Event::of("quiz", programme, module)
                .score(points, 10)
                .version("1"),
        );
    }

    pub(super) fn enrol(&mut self, programme: &'static str) {
        let cohort = self.day.workday().cohort();
        self.note(Event::of("enrolled", programme, "").value(cohort.to_string()));
    }

    /// Attends the sessions from `first` to `last`, and finishes those that are on a screen.
    pub(super) fn sessions(
        &mut self,
        programme: &'static str,
        module: &'static str,
        first: i32,
        last: i32,
    ) {
        let on_screen = programme == "reintegration";
        for session in first..=last {
            self.pass(1, 5);
            self.note(Event::of("attended", programme, module).session(session));
            if on_screen {
                self.note(Event::of("session-done", programme, module).session(session));
            }
        }
    }
}
