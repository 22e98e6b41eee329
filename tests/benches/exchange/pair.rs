//! A head office, a site and a neighbour in this process, each a real engine on a real database,
//! joined by real quinn connections on loopback.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use spean::engine::import::Import;
use spean::engine::{Engine, Identity, install_roster};
use spean::exchange::{ExchangeError, answer, greet};
use spean::link::{Connection, Driver, Link, LinkError, PeerKey, Settings};
use spean::register::LearnerRow;
use spean::service::{NodeEngine, Service};
use spean::store::sqlite::Sqlite;
use spean::world::Machine;
use spean_protocol::catalogue::ModuleId;
use spean_protocol::event::{Body, Date, Event};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::roster::{Role, Roster, SignedRoster, Site, wrap_carrier};
use spean_protocol::seal::{Secret, box_key};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// The head office is site 1, the site that records is site 2, its neighbour site 3; sites 4 to
/// 31 are authors whose logs are made up.
pub const AUTHORS: u16 = 28;

/// What seals the sticks of this nation.
pub const CARRIER: Secret = Secret([7; 32]);

pub struct Pair {
    pub site: Service,
    pub office: Service,
    pub neighbour: Service,
    connection: Option<(Connection, SiteId)>,
    /// Links stay open as long as the pair; the directory too.
    links: Vec<Arc<Link>>,
    _directory: TempDir,
}

pub fn signing(site: u16) -> SigningKey {
    SigningKey::from_bytes(&bytes("signing", site))
}

fn bytes(what: &str, site: u16) -> [u8; 32] {
    *blake3::hash(format!("bench {what} {site}").as_bytes()).as_bytes()
}

fn seed(site: u16) -> Secret {
    Secret(bytes("box", site))
}

fn roster() -> SignedRoster {
    let root = SigningKey::from_bytes(&bytes("root", 0));
    let site = |id: u16| Site {
        id: SiteId(id),
        code: format!("S{id}"),
        name: format!("Site {id}"),
        role: if id == 1 {
            Role::Headquarters
        } else {
            Role::Prison
        },
        keys: vec![signing(id).verifying_key().to_bytes()],
        boxes: BTreeMap::from([(1, box_key(&seed(id)))]),
        carrier: wrap_carrier(&CARRIER, &box_key(&seed(id)), bytes("wrap", id)).expect("a wrap"),
    };
    let roster = Roster {
        version: 1,
        cohort: 1,
        threshold: 1,
        roots: vec![root.verifying_key().to_bytes()],
        escrow: BTreeMap::from([(1, box_key(&seed(0)))]),
        sites: (1..=3 + AUTHORS).map(site).collect(),
        revoked: Vec::new(),
        shredded: 0,
    };
    let mut signed = SignedRoster::propose(&roster);
    assert!(signed.sign(&root).expect("a sound roster"));
    signed
}

pub fn engine(directory: &Path, site: u16) -> NodeEngine {
    let mut store = Sqlite::open(&directory.join(format!("{site}.db"))).expect("a database");
    install_roster(&mut store, &roster()).expect("a roster");
    let identity = Identity {
        signing: signing(site),
        boxes: BTreeMap::from([(1, seed(site))]),
        secret: Secret(bytes("secret", site)),
    };
    Engine::open(store, identity, Box::new(Machine)).expect("an engine")
}

pub async fn call<T: Send + 'static>(
    service: &Service,
    work: impl FnOnce(&mut NodeEngine) -> T + Send + 'static,
) -> T {
    service.call(work).await.expect("the engine runs")
}

impl Pair {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let start = |site| {
            Service::start(engine(directory.path(), site))
                .expect("a thread")
                .0
        };
        Self {
            office: start(1),
            site: start(2),
            neighbour: start(3),
            connection: None,
            links: Vec::new(),
            _directory: directory,
        }
    }

    async fn dial(&mut self, dialler: u16, answerer: u16) -> (Connection, Arc<Link>) {
        let settings = |site: u16| {
            let seed = Zeroizing::new(*signing(site).as_bytes());
            Settings::new(Driver::Quinn, seed, Arc::new(|_| true))
        };
        let mut listening = settings(answerer);
        listening.listen = Some(([127, 0, 0, 1], 0).into());
        let listener = Arc::new(Link::open(&listening).await.expect("a listener"));
        let address = listener.address().expect("an address");
        let mut dialling = settings(dialler);
        dialling.dial_from = [127, 0, 0, 1].into();
        let link = Arc::new(Link::open(&dialling).await.expect("a link"));
        let service = if answerer == 1 {
            &self.office
        } else {
            &self.neighbour
        };
        let (service, serving) = (service.clone(), listener.clone());
        tokio::spawn(async move {
            while let Ok(connection) = serving.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    loop {
                        match answer(&service, &connection, SiteId(dialler)).await {
                            Ok(_) => {}
                            Err(ExchangeError::Link(LinkError::Closed)) => return,
                            Err(error) => panic!("the answering side failed: {error}"),
                        }
                    }
                });
            }
        });
        let key = PeerKey(signing(answerer).verifying_key().to_bytes());
        let connection = link.dial(key, address).await.expect("a connection");
        self.links.extend([listener, link.clone()]);
        (connection, link)
    }

    /// Joins the site with the head office.
    pub async fn connect(&mut self) {
        self.connection = Some((self.dial(2, 1).await.0, SiteId(1)));
    }

    /// Joins the site with its neighbour, who can read nothing of it.
    pub async fn connect_neighbour(&mut self) {
        self.connection = Some((self.dial(2, 3).await.0, SiteId(3)));
    }

    /// One exchange over the open connection; its IP bytes of both directions.
    pub async fn exchange(&mut self) -> f64 {
        let (connection, peer) = self.connection.take().expect("connected");
        let before = connection.traffic();
        let service = self.site.clone();
        let (connection, outcome) = tokio::spawn(async move {
            let outcome = greet(&service, &connection, peer).await;
            (connection, outcome)
        })
        .await
        .expect("a task");
        assert!(outcome.expect("an exchange").complete);
        // Acknowledgements that are still under way belong to this exchange.
        tokio::time::sleep(Duration::from_millis(150)).await;
        let after = connection.traffic();
        self.connection = Some((connection, peer));
        float(after.sent - before.sent + after.received - before.received)
    }

    /// The median cost of a contact with nothing new.
    pub async fn nothing_new(&mut self) -> f64 {
        self.exchange().await;
        let mut costs = Vec::new();
        for _ in 0..21 {
            costs.push(self.exchange().await);
        }
        costs.sort_by(f64::total_cmp);
        costs[costs.len() / 2]
    }

    /// A whole contact with nothing new: the dial, the exchange, the close.
    pub async fn cold(&mut self) -> f64 {
        self.connect().await;
        self.exchange().await;
        let (connection, _) = self.dial(2, 1).await;
        let service = self.site.clone();
        let (connection, outcome) = tokio::spawn(async move {
            let outcome = greet(&service, &connection, SiteId(1)).await;
            (connection, outcome)
        })
        .await
        .expect("a task");
        assert!(outcome.expect("an exchange").same);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let traffic = connection.traffic();
        float(traffic.sent + traffic.received)
    }

    /// How many events are in effect at the site and at the head office.
    pub async fn events(&self) -> (u64, u64) {
        self.office.fold_all().await.expect("a fold");
        let count = |engine: &mut NodeEngine| {
            let rows = engine.find("", 100_000).expect("rows");
            let views = rows
                .iter()
                .map(|row| engine.view(row.learner).expect("a view"));
            views
                .flatten()
                .map(|view| u64::from(view.events))
                .sum::<u64>()
        };
        (
            call(&self.site, count).await,
            call(&self.office, count).await,
        )
    }

    /// The size of a bundle from the site for the head office.
    pub async fn bundle(&self) -> f64 {
        let contents = call(&self.site, |engine| {
            engine
                .export(&[SiteId(1)], "bench", &mut |_| Ok(()))
                .expect("an export")
        });
        float(contents.await.expect("written").bytes)
    }
}

/// Adds so many learners with names, sex, birth, language and arrival: seven events each.
pub async fn learners_of(service: &Service, count: usize) -> Vec<LearnerId> {
    call(service, move |engine| add_learners(engine, count)).await
}

pub fn add_learners(engine: &mut NodeEngine, count: usize) -> Vec<LearnerId> {
    add_learners_of(engine, count, 0)
}

/// Learners of whom no other site has any.
pub fn add_learners_of(engine: &mut NodeEngine, count: usize, site: u16) -> Vec<LearnerId> {
    let id = |number: usize| {
        let hash = blake3::hash(format!("learner {site} {number}").as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_bytes()[..16]);
        LearnerId(id)
    };
    let row = |number: usize| LearnerRow {
        row: format!("bench-{number}"),
        fields: [
            "\u{179f}\u{17bb}\u{1781}".to_owned(),
            format!("\u{178a}\u{17b6}\u{179a}\u{17c9}\u{17b6} {number}"),
            "Sok".to_owned(),
            format!("Dara {number}"),
            "M".to_owned(),
            "1990".to_owned(),
            "primary".to_owned(),
            "km".to_owned(),
            "2026-01-05".to_owned(),
            id(number).to_string(),
        ],
    };
    let rows: Vec<LearnerRow> = (0..count).map(row).collect();
    for part in rows.chunks(500) {
        engine
            .import_learners(&Import::of("bench"), part)
            .expect("learners");
    }
    (0..count).map(id).collect()
}

/// Appends events number `range` of a lab's work to the learners in turn.
pub async fn record(service: &Service, learners: &[LearnerId], range: Range<usize>) {
    let learners = learners.to_vec();
    call(service, move |engine| append(engine, &learners, range)).await;
}

pub fn append(engine: &mut NodeEngine, learners: &[LearnerId], range: Range<usize>) {
    let mut by_learner: BTreeMap<LearnerId, Vec<_>> = BTreeMap::new();
    for number in range {
        let event = (None, lab_event(number));
        by_learner
            .entry(learners[number % learners.len()])
            .or_default()
            .push(event);
    }
    for (learner, events) in by_learner {
        engine.append(learner, &events).expect("events");
    }
}

/// One event of a lab's work: attendance and finished sessions of one programme.
pub fn lab_event(number: usize) -> Event {
    let small = |value: usize| u16::try_from(value).expect("small");
    let eighth = u8::try_from(number / 40 % 8).expect("small");
    let module = ModuleId {
        number: 1 + eighth,
        ..ModuleId::MICRO_BUSINESS
    };
    let session = small(1 + number / 80 % 12);
    let body = if number.is_multiple_of(2) {
        Body::Attended { module, session }
    } else {
        Body::SessionDone { module, session }
    };
    let day = 20_500 + i32::from(small(number / 250 % 300));
    Event::new(body).on(Date::from_days(day).expect("a day"))
}

/// Bytes on disk for each learner of a site's closed database.
pub fn database_bytes(learners: usize, events: usize) -> f64 {
    let directory = tempfile::tempdir().expect("a directory");
    let mut engine = engine(directory.path(), 2);
    let ids = add_learners(&mut engine, learners);
    // Eight events are there already: two names, sex, birth, education, language and arrival.
    let more = learners * (events - 7);
    append(&mut engine, &ids, 0..more);
    engine.flush().expect("a flush");
    drop(engine);
    let size = std::fs::metadata(directory.path().join("2.db"))
        .expect("the database")
        .len();
    float(size) / learners as f64
}

/// Resident bytes of the program itself when it has nothing to do.
pub fn idle_resident_bytes() -> f64 {
    let directory = tempfile::tempdir().expect("a directory");
    let program = env!("CARGO_BIN_EXE_spean-under-test");
    let run = |arguments: &[&str]| {
        let status = Command::new(program)
            .current_dir(directory.path())
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("the program").success(), "{arguments:?}");
    };
    let site = ["--code", "S", "--name", "Site", "--headquarters"];
    run(&[&["--home", "h", "init"][..], &site].concat());
    std::fs::create_dir(directory.path().join("root")).expect("a directory");
    let keys = ["--no-passphrase", "--threshold", "1", "--stick", "root"];
    run(&[&["ceremony", "begin", "c", "h/request.toml"][..], &keys].concat());
    run(&["--home", "h", "roster", "install", "c/roster.spean"]);
    let config = "[[listen]]\ndriver = \"quinn\"\naddress = \"127.0.0.1:0\"\n\
                  [[listen]]\ndriver = \"iroh\"\naddress = \"127.0.0.1:0\"\n";
    std::fs::write(directory.path().join("h/config.toml"), config).expect("a configuration");
    let mut child = Command::new(program)
        .current_dir(directory.path())
        .args(["--home", "h", "run"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    std::thread::sleep(Duration::from_secs(4));
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    child.kill().expect("stopped");
    child.wait().expect("ended");
    let status = status.expect("its status");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("VmRSS");
    let kib: f64 = line
        .trim()
        .trim_end_matches(" kB")
        .trim()
        .parse()
        .expect("a number");
    kib * 1024.0
}

pub fn float(count: u64) -> f64 {
    count as f64
}
