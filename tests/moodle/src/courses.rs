//! Courses, sections and activities with the ids that they have on this site.

use crate::ids::{Ids, Table};
use crate::setup::{Activity, Course};

/// A course of this site.
#[derive(Clone, Debug)]
pub(crate) struct CourseRow {
    pub(crate) id: u64,
    pub(crate) context: u64,
    pub(crate) grade_item: u64,
    pub(crate) about: Course,
    pub(crate) sections: Vec<SectionRow>,
    pub(crate) badge: u64,
    pub(crate) modified: u64,
}

/// A section of one.
#[derive(Clone, Debug)]
pub(crate) struct SectionRow {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) modules: Vec<ModuleRow>,
}

/// An activity of one: a course module.
#[derive(Clone, Debug)]
pub(crate) struct ModuleRow {
    pub(crate) id: u64,
    pub(crate) course: u64,
    pub(crate) instance: u64,
    pub(crate) context: u64,
    pub(crate) section: u64,
    pub(crate) section_number: u64,
    pub(crate) grade_item: Option<u64>,
    pub(crate) about: Activity,
    pub(crate) added: u64,
}

impl CourseRow {
    fn new(about: &Course, ids: &mut Ids, now: u64) -> Self {
        let id = ids.next(Table::Course);
        let general = SectionRow {
            id: ids.next(Table::Section),
            number: 0,
            name: "General".to_owned(),
            modules: Vec::new(),
        };
        let mut sections = vec![general];
        for (number, section) in (1..).zip(&about.sections) {
            let place = (ids.next(Table::Section), number);
            let rows = section.activities.iter();
            let rows = rows.map(|activity| ModuleRow::new(activity, id, place, ids, now));
            sections.push(SectionRow {
                id: place.0,
                number,
                name: section.name.clone(),
                modules: rows.collect(),
            });
        }
        Self {
            id,
            context: ids.next(Table::Context),
            grade_item: ids.next(Table::GradeItem),
            about: about.clone(),
            sections,
            badge: ids.next(Table::Badge),
            modified: now,
        }
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &ModuleRow> {
        self.sections.iter().flat_map(|section| &section.modules)
    }

    /// What the course's completion asks for. All of it is needed.
    pub(crate) fn criteria(&self) -> impl Iterator<Item = &ModuleRow> {
        self.modules()
            .filter(|module| module.about.criterion && module.about.rule.tracking() > 0)
    }
}

impl ModuleRow {
    fn new(about: &Activity, course: u64, place: (u64, u64), ids: &mut Ids, now: u64) -> Self {
        let graded = about.quiz_settings().is_some();
        let instance = if graded { Table::Quiz } else { Table::Page };
        Self {
            id: ids.next(Table::Module),
            course,
            instance: ids.next(instance),
            context: ids.next(Table::Context),
            section: place.0,
            section_number: place.1,
            grade_item: graded.then(|| ids.next(Table::GradeItem)),
            about: about.clone(),
            added: now,
        }
    }
}

/// The courses of this site, without the front page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Courses(Vec<CourseRow>);

impl Courses {
    pub(crate) fn new(courses: &[Course], ids: &mut Ids, now: u64) -> Self {
        let rows = courses.iter();
        Self(rows.map(|about| CourseRow::new(about, ids, now)).collect())
    }

    pub(crate) fn all(&self) -> &[CourseRow] {
        &self.0
    }

    pub(crate) fn get(&self, id: u64) -> Option<&CourseRow> {
        self.0.iter().find(|course| course.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut CourseRow> {
        self.0.iter_mut().find(|course| course.id == id)
    }

    pub(crate) fn named(&self, shortname: &str) -> Option<&CourseRow> {
        self.0
            .iter()
            .find(|course| course.about.shortname == shortname)
    }

    pub(crate) fn module(&self, id: u64) -> Option<&ModuleRow> {
        let mut modules = self.0.iter().flat_map(CourseRow::modules);
        modules.find(|module| module.id == id)
    }

    /// A quiz by its own id, which is not its module's.
    pub(crate) fn quiz(&self, instance: u64) -> Option<&ModuleRow> {
        let mut modules = self.0.iter().flat_map(CourseRow::modules);
        modules.find(|module| module.instance == instance && module.grade_item.is_some())
    }
}
