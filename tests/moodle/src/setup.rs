//! What a site is before anybody does anything: its release, the rights of the token's user, and the
//! courses as a backup would bring them.

use std::collections::BTreeSet;

use crate::capabilities::{READ_CAPABILITIES, WRITE_CAPABILITIES};
use crate::functions::{READS, WRITES};

/// How a stand-in starts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// As `core_webservice_get_site_info` gives it. From 4.5 on exceptions have other class names.
    pub release: String,
    /// The site's full name.
    pub site_name: String,
    /// What every id is moved by, so that two sites have different ids for the same things.
    pub id_offset: u64,
    /// The functions of the token's service.
    pub functions: BTreeSet<String>,
    /// What the token's user may do, everywhere on the site.
    pub capabilities: BTreeSet<String>,
    /// Whether his role may give the role of a student to others.
    pub assigns_student: bool,
    /// The courses.
    pub courses: Vec<Course>,
    /// The site's setting `recovergradesdefault`.
    pub recover_grades: bool,
    /// Whether exceptions have a `debuginfo`. A site that shows no debugging has none, and then says
    /// of no parameter what is wrong with it.
    pub debugging: bool,
    /// The first second.
    pub clock: u64,
}

impl Default for Setup {
    fn default() -> Self {
        let own = |names: &[&str]| -> BTreeSet<String> {
            names.iter().map(|&name| name.to_owned()).collect()
        };
        Self {
            release: "4.5.5+ (Build: 20250613)".to_owned(),
            site_name: "Prison A (PA)".to_owned(),
            id_offset: 0,
            functions: own(&[READS, WRITES].concat()),
            capabilities: own(&[READ_CAPABILITIES, WRITE_CAPABILITIES].concat()),
            assigns_student: true,
            courses: Vec::new(),
            recover_grades: false,
            debugging: true,
            clock: 1_795_323_000,
        }
    }
}

impl Setup {
    /// A site with these courses and everything else as usual.
    #[must_use]
    pub fn of(courses: &[Course]) -> Self {
        Self {
            courses: courses.to_vec(),
            ..Self::default()
        }
    }

    /// Takes a capability away from the token's user.
    ///
    /// # Panics
    /// When he does not have it: the test would not test what it says.
    #[must_use]
    pub fn without(mut self, capability: &str) -> Self {
        assert!(self.capabilities.remove(capability), "{capability}");
        self
    }

    /// Gives the token's user one more capability.
    #[must_use]
    pub fn with(mut self, capability: &str) -> Self {
        self.capabilities.insert(capability.to_owned());
        self
    }

    /// Takes a function out of the service.
    ///
    /// # Panics
    /// When it is not in it.
    #[must_use]
    pub fn not_offering(mut self, function: &str) -> Self {
        assert!(self.functions.remove(function), "{function}");
        self
    }

    /// Whether the release is this one or a later one.
    pub(crate) fn at_least(&self, major: u32, minor: u32) -> bool {
        self.branch() >= (major, minor)
    }

    /// The first two numbers of the release.
    pub(crate) fn branch(&self) -> (u32, u32) {
        let mut numbers = self
            .release
            .split(|character: char| !character.is_ascii_digit());
        let mut next = || {
            numbers
                .next()
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(0)
        };
        (next(), next())
    }
}

/// A course as a backup has it.
#[derive(Clone, Debug)]
pub struct Course {
    /// The short name, which stays the same everywhere.
    pub shortname: String,
    /// The full name.
    pub fullname: String,
    /// The id number, which a restore on another site drops.
    pub idnumber: Option<String>,
    /// Whether the course tracks completion.
    pub completion: bool,
    /// Its sections after the general one, which is always there and empty.
    pub sections: Vec<Section>,
    /// The badge that whoever completes the course gets.
    pub badge: Option<Badge>,
}

impl Course {
    /// A course with one section, with tracked completion and an active badge.
    #[must_use]
    pub fn new(shortname: &str, activities: &[Activity]) -> Self {
        Self {
            shortname: shortname.to_owned(),
            fullname: format!("{shortname} in full"),
            idnumber: Some(format!("beep:{}", shortname.to_lowercase())),
            completion: true,
            sections: vec![Section {
                name: "New section".to_owned(),
                activities: activities.to_vec(),
            }],
            badge: Some(Badge {
                name: format!("Certificate {shortname}"),
                active: true,
            }),
        }
    }

    /// The same course after a restore on another site: no id number, an inactive badge.
    #[must_use]
    pub fn restored(&self) -> Self {
        let mut course = self.clone();
        course.idnumber = None;
        if let Some(badge) = &mut course.badge {
            badge.active = false;
        }
        course
    }
}

/// A badge for the completion of its course.
#[derive(Clone, Debug)]
pub struct Badge {
    /// Its name.
    pub name: String,
    /// Whether Moodle issues it.
    pub active: bool,
}

/// A section of a course.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// What is in it, in order.
    pub activities: Vec<Activity>,
}

/// An activity of a course.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Which module it is of.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its id number, which survives a restore.
    pub idnumber: Option<String>,
    /// When it is complete.
    pub rule: Rule,
    /// Whether the course's completion asks for it. What is not tracked is never asked for.
    pub criterion: bool,
    /// Whether a teacher hides it.
    pub hidden: bool,
}

impl Activity {
    /// A page that is complete once viewed.
    #[must_use]
    pub fn page(name: &str) -> Self {
        Self {
            kind: Kind::Page,
            name: name.to_owned(),
            idnumber: None,
            rule: Rule::View,
            criterion: true,
            hidden: false,
        }
    }

    /// A page that a learner ticks as done.
    #[must_use]
    pub fn manual(name: &str) -> Self {
        Self {
            rule: Rule::Manual,
            ..Self::page(name)
        }
    }

    /// A quiz of four questions and 100 points, passed with 50, whose best attempt counts.
    #[must_use]
    pub fn quiz(name: &str) -> Self {
        Self {
            kind: Kind::Quiz(Quiz::default()),
            rule: Rule::Pass,
            ..Self::page(name)
        }
    }

    /// The same with an id number.
    #[must_use]
    pub fn numbered(mut self, idnumber: &str) -> Self {
        self.idnumber = Some(idnumber.to_owned());
        self
    }

    /// The same, hidden by a teacher.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(crate) const fn module(&self) -> &'static str {
        match self.kind {
            Kind::Page => "page",
            Kind::Quiz(_) => "quiz",
        }
    }

    pub(crate) const fn quiz_settings(&self) -> Option<&Quiz> {
        match &self.kind {
            Kind::Page => None,
            Kind::Quiz(quiz) => Some(quiz),
        }
    }

    pub(crate) fn is(&self, name_or_number: &str) -> bool {
        self.idnumber.as_deref() == Some(name_or_number) || self.name == name_or_number
    }
}

/// The module of an activity.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Something to read.
    Page,
    /// Something with attempts and a grade.
    Quiz(Quiz),
}

/// How a quiz is graded.
#[derive(Clone, Copy, Debug)]
pub struct Quiz {
    /// The best grade.
    pub maximum: f64,
    /// The grade to pass, 0 for none.
    pub pass: f64,
    /// How many questions of one mark each.
    pub questions: u32,
    /// Which attempts count.
    pub method: Method,
}

impl Default for Quiz {
    fn default() -> Self {
        Self {
            maximum: 100.0,
            pass: 50.0,
            questions: 4,
            method: Method::Highest,
        }
    }
}

/// Which attempts at a quiz count, with Moodle's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The best one.
    Highest = 1,
    /// All, on average.
    Average = 2,
    /// The first one.
    First = 3,
    /// The last one.
    Last = 4,
}

/// When an activity is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Never: it is not tracked.
    None,
    /// When the learner ticks it.
    Manual,
    /// When he views it.
    View,
    /// When he gets a grade.
    Grade,
    /// When he gets a passing grade.
    Pass,
}

impl Rule {
    /// Moodle's number for how it tracks.
    pub(crate) const fn tracking(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Manual => 1,
            Self::View | Self::Grade | Self::Pass => 2,
        }
    }
}
