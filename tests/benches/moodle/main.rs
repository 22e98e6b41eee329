//! What Moodle is asked: requests and seconds of readings and writings of 300 learners in four courses, beside the
//! limits that the project set itself. `cargo bench -p spean-tests --bench moodle`, with `-- --json` as one object.
//! A real engine and connector in this process, and the stand-in for Moodle on loopback. Requests are exact; of the
//! seconds nearly all is the pause of 20 ms that the connector makes before each, for a lab's server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code)]

#[path = "../exchange/pair.rs"]
mod pair;
#[path = "../exchange/table.rs"]
mod table;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use pair::{add_learners, engine};
use spean::home::Home;
use spean::lms::{Reading, Writing};
use spean::moodle::connector::{self, Steps};
use spean::service::Service;
use spean_moodle_stand_in::{Activity, Course, Moodle, Person, Section, Setup};
use table::Table;
use tokio::runtime::Runtime;

const LEARNERS: usize = 300;

const COURSES: [(&str, &str); 4] = [
    ("BEEP-KHM", "khmer"),
    ("BEEP-MA1", "math-1"),
    ("BEEP-CHE", "chemistry"),
    ("BEEP-PHY", "physics"),
];

/// What a reading or a writing asks beside what it asks of each course: what Moodle is, and which courses it has.
const BESIDE: usize = 2;

fn main() {
    let mut table = Table::begin();
    let directory = tempfile::tempdir().expect("a directory");
    let mut site = engine(directory.path(), 2);
    let people: Vec<(String, String)> = add_learners(&mut site, LEARNERS)
        .into_iter()
        .map(|learner| {
            let name = site
                .give_account(learner, None, "$2y$10$x")
                .expect("a name");
            (name, learner.to_string())
        })
        .collect();
    let (service, _thread) = Service::start(site).expect("a thread");
    let bench = Bench {
        runtime: Runtime::new().expect("a runtime"),
        home: Home::at(directory.path()),
        service,
    };
    let here = moodle(0, &people);
    for (number, (name, _)) in people.iter().enumerate() {
        for (course, _) in COURSES {
            here.view(name, course, "Lesson 1");
            here.attempt(name, course, "Quiz", [25.0, 50.0, 75.0, 100.0][number % 4]);
        }
        here.wait(30);
    }
    bench.beside(directory.path(), &here);
    let pairs = (LEARNERS * COURSES.len()) as f64;
    let courses = COURSES.len() as f64;

    let now = 1_000_000;
    let (asked, seconds, reading) = bench.read(&here, now);
    assert_eq!(
        (reading.people, reading.taken.known),
        (300, 0),
        "{reading:?}"
    );
    let title = "everything is read, requests of each learner and course";
    table.add(title, asked as f64 / pairs, "", None);
    table.add("the same, all of it", seconds, "s", None);
    let (asked, _, reading) = bench.read(&here, now + 60);
    let title = "read again a minute later: people of the last ten minutes";
    table.add(title, reading.people as f64, "", None);
    table.add("requests of that", asked as f64, "", None);
    bench.read(&here, now + 700);
    let (asked, seconds, reading) = bench.read(&here, now + 1_600);
    assert_eq!((reading.people, reading.taken.new), (0, 0));
    let title = "nothing is new, requests of each course, beside two";
    table.add(title, (asked - BESIDE) as f64 / courses, "", Some(1.0));
    table.add("the same, all of it", seconds, "s", None);

    let (asked, seconds, writing) = bench.write(&here);
    assert!(writing.written.is_empty());
    let title = "nothing is to be shown, requests of each learner and course";
    table.add(title, asked as f64 / pairs, "", Some(2.0));
    table.add("the same, all of it", seconds, "s", None);

    let next = moodle(10_000, &people);
    bench.beside(directory.path(), &next);
    let (asked, seconds, writing) = bench.write(&next);
    let failed = writing.written.iter().filter(|one| !one.failed.is_empty());
    assert_eq!(
        (writing.written.len(), failed.count()),
        (2 * LEARNERS * COURSES.len(), 0)
    );
    let title = "a page and a grade each are shown elsewhere, requests of each";
    table.add(title, asked as f64 / pairs, "", None);
    table.add("the same, all of it", seconds, "s", None);
    table.finish();
}

/// A Moodle with everybody in all courses.
fn moodle(id_offset: u64, people: &[(String, String)]) -> Moodle {
    let courses = COURSES.map(|(shortname, _)| {
        let mut course = Course::new(shortname, &[]);
        let section = |activity: Activity| Section {
            name: "New section".to_owned(),
            activities: vec![activity],
        };
        course.sections = vec![
            section(Activity::page("Lesson 1")),
            section(Activity::page("Lesson 2")),
            section(Activity::quiz("Quiz")),
        ];
        course
    });
    let moodle = Moodle::start(Setup {
        id_offset,
        ..Setup::of(&courses)
    });
    for (name, id) in people {
        moodle.add_user(Person::new(name).numbered(id));
        for (course, _) in COURSES {
            moodle.enrol(name, course);
        }
    }
    moodle
}

struct Bench {
    runtime: Runtime,
    home: Home,
    service: Service,
}

impl Bench {
    /// Puts the node beside a Moodle.
    fn beside(&self, directory: &Path, moodle: &Moodle) {
        let courses = COURSES.map(|(shortname, module)| {
            format!(
                "[[moodle.course]]\nshortname = \"{shortname}\"\nprogramme = \"beep\"\nmodule = \"{module}\"\n"
            )
        });
        let config = format!("[moodle]\nurl = \"{}\"\n{}", moodle.url(), courses.concat());
        fs::write(self.home.config_path(), config).expect("a configuration");
        let token = directory.join("moodle-token");
        fs::write(&token, moodle.token()).expect("a token");
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("a mode");
    }

    fn read(&self, moodle: &Moodle, now: u64) -> (usize, f64, Reading) {
        moodle.forget_calls();
        let (begun, steps) = (Instant::now(), Steps::default());
        let read = connector::read(&self.home, &self.service, &steps, (false, false), now);
        let reading = self.runtime.block_on(read).expect("a reading");
        (moodle.calls().len(), begun.elapsed().as_secs_f64(), reading)
    }

    fn write(&self, moodle: &Moodle) -> (usize, f64, Writing) {
        moodle.forget_calls();
        let (begun, steps) = (Instant::now(), Steps::default());
        let write = connector::write(&self.home, &self.service, &steps, false);
        let writing = self.runtime.block_on(write).expect("a writing");
        (moodle.calls().len(), begun.elapsed().as_secs_f64(), writing)
    }
}
