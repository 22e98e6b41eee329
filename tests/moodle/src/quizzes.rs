//! Attempts at quizzes, and the grades that quizzes make of them before the gradebook has them.

use std::collections::BTreeMap;

use crate::completion::Cause;
use crate::courses::ModuleRow;
use crate::grades::rounded;
use crate::ids::Table;
use crate::setup::{Method, Quiz, Rule};
use crate::state::State;

/// An attempt.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) id: u64,
    pub(crate) user: u64,
    pub(crate) module: u64,
    pub(crate) number: u64,
    pub(crate) started: u64,
    /// None while it is under way.
    pub(crate) finished: Option<u64>,
    pub(crate) modified: u64,
    pub(crate) marks: Option<f64>,
    /// Written into the database by hand: without questions.
    pub(crate) shell: bool,
}

/// The quiz's own grade of a learner.
#[derive(Clone, Debug)]
pub(crate) struct QuizGrade {
    pub(crate) id: u64,
    pub(crate) grade: f64,
    pub(crate) modified: u64,
}

/// All attempts, and all grades by learner and module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quizzes {
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) grades: BTreeMap<(u64, u64), QuizGrade>,
}

impl Quizzes {
    pub(crate) fn of(&self, user: u64, module: u64) -> impl Iterator<Item = &Attempt> {
        let of = move |row: &&Attempt| row.user == user && row.module == module;
        self.attempts.iter().filter(of)
    }

    fn open(&mut self, user: u64, module: u64) -> Option<&mut Attempt> {
        let is = |row: &&mut Attempt| row.user == user && row.module == module;
        let mut rows = self.attempts.iter_mut().filter(is);
        rows.find(|row| row.finished.is_none())
    }
}

impl Quiz {
    /// The grade for some marks.
    pub(crate) fn grade(&self, marks: f64) -> f64 {
        rounded(marks * self.maximum / f64::from(self.questions.max(1)))
    }

    /// The marks for a grade.
    fn marks(&self, grade: f64) -> f64 {
        rounded(grade * f64::from(self.questions.max(1)) / self.maximum)
    }

    fn counting(&self, grades: &[f64]) -> Option<f64> {
        let last = grades.len().checked_sub(1)?;
        Some(match self.method {
            Method::Highest => grades.iter().copied().fold(0.0, f64::max),
            Method::Average => {
                let number = grades.iter().map(|_| 1.0).sum::<f64>();
                rounded(grades.iter().sum::<f64>() / number)
            }
            Method::First => grades[0],
            Method::Last => grades[last],
        })
    }
}

impl State {
    /// Begins an attempt, unless one is under way.
    pub(crate) fn start_attempt(&mut self, user: u64, module: &ModuleRow) {
        self.touch(user, module.course);
        if self.quizzes.open(user, module.id).is_some() {
            return;
        }
        let attempt = self.new_attempt(user, module, self.now);
        self.quizzes.attempts.push(attempt);
    }

    fn new_attempt(&mut self, user: u64, module: &ModuleRow, started: u64) -> Attempt {
        let so_far = self.quizzes.of(user, module.id);
        Attempt {
            id: self.ids.next(Table::Attempt),
            user,
            module: module.id,
            number: so_far.map(|row| row.number).max().unwrap_or(0) + 1,
            started,
            finished: None,
            modified: started,
            marks: None,
            shell: false,
        }
    }

    /// Finishes the attempt that is under way, or one that is begun and finished in this second.
    pub(crate) fn finish_attempt(&mut self, user: u64, module: &ModuleRow, quiz: Quiz, score: f64) {
        self.start_attempt(user, module);
        let now = self.now;
        if let Some(attempt) = self.quizzes.open(user, module.id) {
            attempt.finished = Some(now);
            attempt.modified = now;
            attempt.marks = Some(quiz.marks(score));
        }
        self.count_attempts(user, module, quiz);
    }

    /// Gives a finished attempt other marks, as a teacher does who looks at it again.
    pub(crate) fn mark_again(
        &mut self,
        user: u64,
        module: &ModuleRow,
        quiz: Quiz,
        (number, score): (u64, f64),
    ) {
        let now = self.now;
        let is =
            |row: &&mut Attempt| (row.user, row.module, row.number) == (user, module.id, number);
        let attempt = self.quizzes.attempts.iter_mut().find(is).unwrap();
        attempt.marks = Some(quiz.marks(score));
        attempt.modified = now;
        self.count_attempts(user, module, quiz);
    }

    /// Writes an attempt of another place and time into the database, as an import by SQL does. The
    /// gradebook hears of it with the next attempt, or by a pushed grade.
    pub(crate) fn import_attempt(
        &mut self,
        user: u64,
        module: &ModuleRow,
        quiz: Quiz,
        score: f64,
        (started, finished): (u64, u64),
    ) {
        let attempt = Attempt {
            finished: Some(finished),
            modified: finished,
            marks: Some(quiz.marks(score)),
            shell: true,
            ..self.new_attempt(user, module, started)
        };
        self.quizzes.attempts.push(attempt);
        self.save_quiz_grade(user, module, quiz, finished);
    }

    /// The quiz's own grade by its method, and from it the gradebook's. This is what lowers a grade
    /// that was pushed.
    fn count_attempts(&mut self, user: u64, module: &ModuleRow, quiz: Quiz) {
        self.save_quiz_grade(user, module, quiz, self.now);
        self.send_quiz_grade(user, module);
    }

    fn save_quiz_grade(&mut self, user: u64, module: &ModuleRow, quiz: Quiz, modified: u64) {
        let attempts = self.quizzes.of(user, module.id);
        let marks = attempts.filter(|row| row.finished.is_some());
        let marks = marks.filter_map(|row| row.marks);
        let grades: Vec<f64> = marks.map(|marks| quiz.grade(marks)).collect();
        let key = (user, module.id);
        let Some(grade) = quiz.counting(&grades) else {
            self.quizzes.grades.remove(&key);
            return;
        };
        let known = self.quizzes.grades.get(&key).map(|row| row.id);
        let id = known.unwrap_or_else(|| self.ids.next(Table::QuizGrade));
        let row = QuizGrade {
            id,
            grade,
            modified,
        };
        self.quizzes.grades.insert(key, row);
    }

    /// The gradebook gets what the quiz has, or nothing.
    fn send_quiz_grade(&mut self, user: u64, module: &ModuleRow) {
        let own = self.quizzes.grades.get(&(user, module.id));
        let own = own.map(|row| (row.grade, row.modified));
        let finished = self.quizzes.of(user, module.id);
        let submitted = finished.filter_map(|row| row.finished).max();
        let grade = own.map(|(grade, _)| grade);
        let dated = own.map_or(self.now, |(_, modified)| modified);
        self.set_raw_grade(user, module, grade, submitted, dated);
        self.recompute(user, module, Cause::Rule);
    }

    /// Somebody opens a quiz's page without attempting it. Where grades are recovered by default the
    /// page asks the quiz for its grade anew, and a grade with no attempt behind it is gone.
    pub(crate) fn open_quiz(&mut self, user: u64, module: &ModuleRow) {
        self.touch(user, module.course);
        if module.about.rule == Rule::View {
            self.view(user, module);
        }
        if self.setup.recover_grades && self.grades.has(user, module.id) {
            self.send_quiz_grade(user, module);
        }
    }
}
