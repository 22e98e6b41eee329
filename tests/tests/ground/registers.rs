//! Registers to import: made-up learners and a lab's work, the same as the benchmark `exchange`
//! records.

use std::fmt::Write;
use std::ops::Range;

use spean::api::{Reply, Request};
use spean::home::Home;
use spean_protocol::catalogue::ModuleId;
use spean_protocol::event::Date;

use super::Ground;

impl Ground {
    /// Imports so many learners, with seven events each.
    pub fn import_learners(&self, home: &str, count: usize) {
        let mut rows = "ref,family_km,given_km,family_latin,given_latin,sex,born,education,\
                        languages,arrived,card\n"
            .to_owned();
        for number in 0..count {
            writeln!(
                rows,
                "L{number},\u{179f}\u{17bb}\u{1781},\u{178a}\u{17b6}\u{179a}\u{17c9}\u{17b6} \
                 {number},Sok,Dara {number},M,1990,primary,km,2026-01-05,"
            )
            .unwrap();
        }
        self.import(home, "learners", &rows);
    }

    /// Imports the events of these numbers, of the first `spread` learners in turn, and seals them.
    pub fn import_events(&self, home: &str, spread: usize, numbers: Range<usize>) {
        let mut rows =
            "ref,learner,date,kind,programme,module,session,score,max,version,value\n".to_owned();
        for number in numbers {
            let module = ModuleId {
                number: u8::try_from(1 + number / 40 % 8).unwrap(),
                ..ModuleId::MICRO_BUSINESS
            };
            let kind = ["attended", "session-done"][number % 2];
            let day = 20_500 + i32::try_from(number / 250 % 300).unwrap();
            let day = Date::from_days(day).unwrap();
            let (learner, session) = (number % spread, 1 + number / 80 % 12);
            writeln!(
                rows,
                "E{number},L{learner},{day},{kind},reintegration,{module},{session},,,,"
            )
            .unwrap();
        }
        self.import(home, "events", &rows);
        self.run(home, &["flush"]).done();
    }

    fn import(&self, home: &str, what: &str, rows: &str) {
        let file = self.path(&format!("{home}-{what}.csv"));
        std::fs::write(&file, rows).unwrap();
        self.run(home, &["import", what, &file]).done();
    }

    /// The learners whose record a running node reads, and the events in effect in all of them.
    pub fn counted(&self, home: &str) -> (usize, u64) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let home = Home::at(self.path(home).as_ref());
        let ask = async |request| spean::run::ask(&home, &request).await.unwrap().unwrap();
        runtime.block_on(async {
            let all = Request::LearnerFind {
                needle: String::new(),
                limit: 100_000,
            };
            let Reply::Learners(learners) = ask(all).await else {
                panic!("an unexpected answer");
            };
            let mut events = 0;
            for line in &learners {
                let Reply::Learner(page) = ask(Request::LearnerShow(line.learner)).await else {
                    panic!("an unexpected answer");
                };
                events += u64::from(page.view.events);
            }
            (learners.len(), events)
        })
    }
}
