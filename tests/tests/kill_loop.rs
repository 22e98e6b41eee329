//! Goal: a real node that is killed while it takes in a stick, records events or exchanges over a
//! link starts again at once, has everything that it had acknowledged, each thing once, and in the
//! end both sides hold the same.
//! Method: `spean` processes and SIGKILL after a seeded delay from the moment at which the work is
//! seen to be under way: the command has not answered yet, and the database of one side has changed
//! since it was given. The machine decides where in the work a kill lands; how many landed inside
//! is counted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ground;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use ground::{Ground, Running, Said};
use serde_json::Value;
use spean::api::{Reply, Request};
use spean::home::Home;
use spean_protocol::id::LearnerId;
use tokio::runtime::Runtime;

/// Rounds of the ordinary run.
const ROUNDS: u64 = 12;

/// Those who record events at the same time.
const OFFICERS: usize = 3;

/// What the victim is doing when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Stick,
    Record,
    Link,
}

/// How many kills there were of one kind of work.
#[derive(Clone, Copy, Debug, Default)]
struct Kills {
    all: u64,
    /// The work was seen to be under way and was not acknowledged.
    inside: u64,
    /// Part of it was there afterwards and part was not.
    amid: u64,
}

/// The head office and prison A run and have a link; prison B only fills sticks.
struct Story {
    ground: Ground,
    runtime: Runtime,
    running: BTreeMap<&'static str, Running>,
    seed: u64,
    draws: u64,
    /// Sticks that B has filled.
    sticks: u64,
    /// Every item on loan that was acknowledged or found, of each learner of A.
    loans: BTreeMap<LearnerId, BTreeSet<u32>>,
    /// Connections that the head office may still hold for an A that was killed.
    left_behind: u32,
    kills: BTreeMap<Work, Kills>,
}

impl Story {
    fn new(seed: u64) -> Self {
        let ground = Ground::of(&["A", "B"]);
        let port = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap();
        drop(port);
        let link = format!("driver = \"quinn\"\naddress = \"{address}\"\n");
        fs::write(
            ground.path("dgp/config.toml"),
            format!("[[listen]]\n{link}"),
        )
        .unwrap();
        // It dials when it starts, and else when it is told to.
        let peer = format!("[[peer]]\nsite = \"DGP\"\n{link}every_seconds = 1000000\n");
        fs::write(ground.path("A/config.toml"), peer).unwrap();
        let mut story = Self {
            ground,
            runtime: Runtime::new().unwrap(),
            running: BTreeMap::new(),
            seed,
            draws: 0,
            sticks: 0,
            loans: BTreeMap::new(),
            left_behind: 0,
            kills: BTreeMap::new(),
        };
        story.start("dgp");
        story.start("A");
        story
    }

    fn start(&mut self, home: &'static str) {
        let node = self.ground.start(home);
        self.running.insert(home, node);
        if home == "dgp" {
            self.left_behind = 0;
        }
    }

    /// Waits until what both began by themselves has ended, the exchange when A starts above all:
    /// what changes from then on comes of the next command.
    fn calms_down(&self) {
        let (mut last, mut calm) = (self.marks(), 0);
        while calm < 15 {
            thread::sleep(Duration::from_millis(20));
            let now = self.marks();
            calm = if now == last { calm + 1 } else { 0 };
            last = now;
        }
    }

    fn kill(&mut self, home: &str) {
        drop(self.running.remove(home).unwrap());
    }

    /// A number from 0 on below `end`.
    fn draw(&mut self, end: u64) -> u64 {
        self.draws += 1;
        let bytes = [self.seed.to_le_bytes(), self.draws.to_le_bytes()].concat();
        let hash = blake3::hash(&bytes);
        let number: [u8; 8] = hash.as_bytes()[..8].try_into().unwrap();
        u64::from_le_bytes(number) % end
    }

    fn ask(&self, home: &str, request: &Request) -> Reply {
        let home = Home::at(Path::new(&self.ground.path(home)));
        let answer = self.runtime.block_on(spean::run::ask(&home, request));
        answer.unwrap().expect("it runs")
    }

    fn status(&self, home: &str) -> Value {
        let said = self.ground.run(home, &["status", "--json"]);
        said.done();
        said.json()["status"].clone()
    }

    /// Data segments of a site that a home holds.
    fn segments(&self, home: &str, of: &str) -> u64 {
        let status = self.status(home);
        let sites = status["sites"].as_array().unwrap().iter();
        let mut found = sites.filter(|site| site["code"] == of);
        found
            .next()
            .map_or(0, |site| site["segments"].as_u64().unwrap())
    }

    /// When the WAL of a home changed last, and its size: each transaction changes one of them.
    fn mark(&self, home: &str) -> Option<(SystemTime, u64)> {
        let wal = fs::metadata(self.ground.path(&format!("{home}/spean.db-wal"))).ok()?;
        Some((wal.modified().ok()?, wal.len()))
    }

    /// The marks of both: the side that sends has little to write, so the other shows the work.
    fn marks(&self) -> [Option<(SystemTime, u64)>; 2] {
        ["A", "dgp"].map(|home| self.mark(home))
    }

    /// Gives a command, waits until a database changes, and kills the victim after a moment.
    /// What the command said, and whether the kill fell into its work.
    fn strike(
        &mut self,
        victim: &'static str,
        home: &'static str,
        command: &[&str],
    ) -> (Said, bool) {
        let moment = Duration::from_micros(self.draw(15_000));
        self.calms_down();
        let before = self.marks();
        let node = self.running.remove(victim).unwrap();
        // The side that is left would wait a minute for the one that is gone.
        let other = (victim != home).then(|| self.running.remove(home).unwrap());
        let story = &*self;
        thread::scope(|scope| {
            let told = scope.spawn(|| story.ground.run(home, command));
            while !told.is_finished() && story.marks() == before {
                thread::sleep(Duration::from_micros(200));
            }
            let under_way = !told.is_finished();
            thread::sleep(moment);
            let inside = under_way && !told.is_finished();
            drop(node);
            drop(other);
            (told.join().unwrap(), inside)
        })
    }

    /// It runs again, says how it stands, has set nothing aside, and has what was acknowledged.
    fn is_whole(&mut self, home: &'static str) {
        self.start(home);
        let status = self.status(home);
        for nothing in ["set_aside", "forks", "copies"] {
            assert_eq!(status[nothing], 0, "{home} after a kill: {status}");
        }
        if home == "A" {
            for (learner, given) in &self.loans {
                assert_eq!(self.loans_at("A", *learner), *given, "{learner}");
            }
        }
    }

    /// The items that a learner has on loan, each of them there once.
    fn loans_at(&self, home: &str, learner: LearnerId) -> BTreeSet<u32> {
        let Reply::Learner(page) = self.ask(home, &Request::LearnerShow(learner)) else {
            panic!("no page");
        };
        let view = page.view;
        let items: BTreeSet<u32> = view.registers.loans_open.into_iter().collect();
        // His name and his arrival, and nothing twice.
        assert_eq!(view.events as usize, 2 + items.len(), "{learner} at {home}");
        items
    }

    fn counted(&mut self, work: Work, inside: bool, amid: bool) {
        let kills = self.kills.entry(work).or_default();
        kills.all += 1;
        kills.inside += u64::from(inside);
        kills.amid += u64::from(amid);
    }

    /// B admits some more, and fills a new stick with all that it has.
    fn fill_stick(&mut self) {
        self.sticks += 1;
        let stick = self.ground.path("stick");
        let _ = fs::remove_dir_all(&stick);
        fs::create_dir(&stick).unwrap();
        let file = self.ground.path("learners.csv");
        for part in 0..8 {
            let mut rows =
                "ref,family_km,given_km,family_latin,given_latin,sex,born,education,languages,\
                 arrived,card\n"
                    .to_owned();
            for row in 0..40 {
                let key = format!("{}-{part}-{row}", self.sticks);
                rows += &format!("{key},,,Sok,Learner {key},F,1990,,km,2024-01-05,\n");
            }
            fs::write(&file, rows).unwrap();
            self.ground.run("B", &["import", "learners", &file]).done();
            self.ground.run("B", &["flush"]).done();
        }
        self.ground.run("B", &["stick", "export", &stick]).done();
    }

    /// A is killed while it takes in a stick.
    fn stick(&mut self) {
        let mut all = self.segments("B", "B");
        let before = self.segments("A", "B");
        if before == all {
            self.fill_stick();
            all = self.segments("B", "B");
        }
        let stick = self.ground.path("stick");
        let (said, inside) = self.strike("A", "A", &["stick", "import", &stick]);
        self.is_whole("A");
        let after = self.segments("A", "B");
        if said.is_done() {
            assert_eq!(after, all, "an import that was acknowledged");
        }
        assert!(after >= before);
        self.counted(Work::Stick, inside, before < after && after < all);
    }

    /// A is killed while officers record events.
    fn record(&mut self) {
        let name = format!("Dara {}", self.draws);
        let learners: Vec<LearnerId> = (0..OFFICERS)
            .map(|_| self.ground.learner("A", &name).parse().unwrap())
            .collect();
        let moment = Duration::from_micros(20_000 + self.draw(200_000));
        self.calms_down();
        let node = self.running.remove("A").unwrap();
        let home = Home::at(Path::new(&self.ground.path("A")));
        let stopped = AtomicBool::new(false);
        let acknowledged = Mutex::new(BTreeMap::<LearnerId, BTreeSet<u32>>::new());
        let (runtime, home) = (&self.runtime, &home);
        let under_way = thread::scope(|scope| {
            let officer = |learner: LearnerId| {
                for item in 1.. {
                    let request = Request::Record {
                        learner,
                        date: String::new(),
                        fields: loan(item),
                    };
                    if stopped.load(Ordering::Relaxed) {
                        // Nothing of his was under way when the node was killed.
                        return 0;
                    }
                    match runtime.block_on(spean::run::ask(home, &request)) {
                        Ok(Some(Reply::Events(1))) => {
                            let mut all = acknowledged.lock().unwrap();
                            all.entry(learner).or_default().insert(item);
                        }
                        Ok(Some(other)) => panic!("{other:?}"),
                        Ok(None) | Err(_) => return item,
                    }
                }
                0
            };
            let officers: Vec<_> = learners
                .iter()
                .map(|learner| (*learner, scope.spawn(move || officer(*learner))))
                .collect();
            thread::sleep(moment);
            drop(node);
            stopped.store(true, Ordering::Relaxed);
            let last = |(learner, officer): (LearnerId, thread::ScopedJoinHandle<'_, u32>)| {
                (learner, officer.join().unwrap())
            };
            officers.into_iter().map(last).collect::<BTreeMap<_, _>>()
        });
        self.start("A");
        let mut amid = false;
        for (learner, given) in acknowledged.into_inner().unwrap() {
            let found = self.loans_at("A", learner);
            let mut may = given.clone();
            may.insert(under_way[&learner]);
            assert!(
                found.is_superset(&given),
                "{learner} lacks what was acknowledged"
            );
            assert!(found.is_subset(&may), "{learner} has what nobody recorded");
            amid |= found.len() == given.len();
            self.loans.insert(learner, found);
        }
        self.kill("A");
        self.is_whole("A");
        let inside = under_way.values().any(|item| *item > 0);
        self.counted(Work::Record, inside, amid);
    }

    /// A is killed while it exchanges with the head office, or this first and A right after it.
    fn link(&mut self) {
        if self.segments("dgp", "B") == self.segments("A", "B") {
            self.fill_stick();
            let stick = self.ground.path("stick");
            self.ground.run("A", &["stick", "import", &stick]).done();
        }
        // It has four places for a peer, and one that was killed leaves its own taken for a minute.
        if self.left_behind == 3 {
            self.kill("dgp");
            self.is_whole("dgp");
        }
        self.left_behind += 1;
        let all = self.segments("A", "B");
        let before = self.segments("dgp", "B");
        let victim = ["A", "dgp"][usize::from(self.draw(2) == 0)];
        let (said, inside) = self.strike(victim, "A", &["sync", "DGP"]);
        self.is_whole(victim);
        if victim != "A" {
            self.is_whole("A");
        }
        let after = self.segments("dgp", "B");
        if said.is_done() {
            assert_eq!(
                after, all,
                "an exchange that was acknowledged: {}",
                said.text
            );
        }
        assert!(after >= before);
        self.counted(Work::Link, inside, before < after && after < all);
    }

    /// Whatever was cut off is done to its end; then both hold the same and read the same.
    fn ends(&mut self) {
        if self.sticks > 0 {
            let stick = self.ground.path("stick");
            self.ground.run("A", &["stick", "import", &stick]).done();
        }
        self.calms_down();
        let mut same = false;
        for _ in 0..6 {
            let said = self.ground.run("A", &["sync", "DGP", "--json"]);
            said.done();
            same = said.json()["synced"]["same"] == true;
            if same {
                break;
            }
        }
        assert!(same, "they still have something for each other");
        for _ in 0..600 {
            if self.status("dgp")["to_fold"] == 0 {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let sites = |home| {
            let status = self.status(home)["sites"].clone();
            let held = |site: &Value| (site["code"].clone(), site["segments"].clone());
            let held: Vec<_> = status.as_array().unwrap().iter().map(held).collect();
            held
        };
        assert_eq!(sites("A"), sites("dgp"));
        for (learner, given) in &self.loans {
            assert_eq!(self.loans_at("dgp", *learner), *given, "{learner} at dgp");
        }
    }

    fn play(&mut self, rounds: u64) {
        for round in 0..rounds {
            self.calms_down();
            match round % 3 {
                0 => self.stick(),
                1 => self.record(),
                _ => self.link(),
            }
        }
        self.ends();
        for (work, kills) in &self.kills {
            println!("{work:?}: {kills:?}");
        }
    }
}

/// The columns of a loan of that item.
fn loan(item: u32) -> [String; 8] {
    let mut fields = <[String; 8]>::default();
    fields[0] = "loan-out".to_owned();
    fields[7] = item.to_string();
    fields
}

#[test]
fn a_killed_node_has_all_that_it_acknowledged() {
    let mut story = Story::new(1);
    story.play(ROUNDS);
    // Kills that miss the work would prove nothing.
    for (work, kills) in &story.kills {
        assert!(2 * kills.inside >= kills.all, "{work:?}: {kills:?}");
    }
}

/// As many rounds as `SPEAN_KILL_ROUNDS` says, else 120, with the seed `SPEAN_KILL_SEED`, else 1.
#[test]
#[ignore = "a long campaign"]
fn kill_campaign() {
    let number = |name, or| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let mut story = Story::new(number("SPEAN_KILL_SEED", 1));
    story.play(number("SPEAN_KILL_ROUNDS", 120));
}
