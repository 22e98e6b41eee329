//! Goal: whoever opens a page learns how the node stands and finds its learners, in his language;
//! nobody finds anything else, and no text of a record or an address becomes part of a page.
//! Method: real nodes of a small nation with a database each, their pages fetched over TCP as a
//! browser does; bundles carried between them by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ed25519_dalek::SigningKey;
use spean_protocol::event::Destination;
use spean_protocol::id::SiteId;
use spean_protocol::roster::{Role, Roster, SignedRoster, Site, wrap_carrier};
use spean_protocol::seal::{Secret, box_key};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::engine::import::{Fate, Import};
use crate::engine::report::{SiteStatus, Status};
use crate::engine::{Engine, Identity, install_roster};
use crate::register::{LearnerRow, Row, Who};
use crate::service::NodeEngine;
use crate::store::sqlite::Sqlite;
use crate::world::Machine;

const DGP: u8 = 1;
const CC1: u8 = 2;
const CC4: u8 = 3;

fn signing(site: u8) -> SigningKey {
    SigningKey::from_bytes(&[site; 32])
}

fn seed(site: u8) -> Secret {
    Secret([100 + site; 32])
}

fn roster() -> SignedRoster {
    let site = |(number, code, name, role): (u8, &str, &str, Role)| Site {
        id: SiteId(number.into()),
        code: code.to_owned(),
        name: name.to_owned(),
        role,
        keys: vec![signing(number).verifying_key().to_bytes()],
        boxes: BTreeMap::from([(1, box_key(&seed(number)))]),
        carrier: wrap_carrier(&Secret([9; 32]), &box_key(&seed(number)), [8; 32]).unwrap(),
    };
    let roster = Roster {
        version: 1,
        cohort: 1,
        threshold: 1,
        roots: vec![signing(200).verifying_key().to_bytes()],
        escrow: BTreeMap::new(),
        sites: vec![
            site((DGP, "DGP", "Head office", Role::Headquarters)),
            site((CC1, "CC1", "Phnom Penh", Role::Prison)),
            site((CC4, "CC4", "Pursat", Role::Prison)),
        ],
        revoked: Vec::new(),
        shredded: 0,
    };
    let mut signed = SignedRoster::propose(&roster);
    assert!(signed.sign(&signing(200)).unwrap());
    signed
}

/// A node with its pages.
struct Node {
    service: Service,
    address: SocketAddr,
    _folder: TempDir,
}

impl Node {
    async fn start(site: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open(&folder.path().join("spean.db")).unwrap();
        install_roster(&mut store, &roster()).unwrap();
        let identity = Identity {
            signing: signing(site),
            boxes: BTreeMap::from([(1, seed(site))]),
            secret: Secret([site; 32]),
        };
        let engine = Engine::open(store, identity, Box::new(Machine)).unwrap();
        let (service, _) = Service::start(engine).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(service.clone(), listener, std::future::pending()));
        Self {
            service,
            address,
            _folder: folder,
        }
    }

    /// Does something at the node, and then what follows from it.
    async fn at<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut NodeEngine) -> T + Send + 'static,
    ) -> T {
        let done = self.service.call(work).await.unwrap();
        self.service.fold_all().await.unwrap();
        done
    }

    /// Enters a learner with two events and returns his id.
    async fn learner(&self, khmer: &str, latin: [&str; 2]) -> LearnerId {
        let names = ["\u{179f}\u{17bb}\u{1781}", khmer, latin[0], latin[1]];
        let rest = ["F", "1990-05", "primary", "km fr", "2025-01-20", ""];
        let fields: Vec<String> = names.iter().chain(&rest).map(ToString::to_string).collect();
        let row = LearnerRow {
            row: "1".to_owned(),
            fields: fields.try_into().unwrap(),
        };
        let event = |row: &str, kind: &str, more: [&str; 5]| Row {
            key: row.to_owned(),
            who: Who::of("1"),
            date: "2025-03-09".parse().ok(),
            fields: [
                kind,
                "reintegration",
                more[0],
                more[1],
                more[2],
                more[3],
                "1",
                more[4],
            ]
            .map(str::to_owned),
        };
        let events = [
            event("a", "attended", ["micro-business", "2", "", "", ""]),
            event("b", "post-test", ["micro-business", "", "17", "20", ""]),
            event("c", "disability", ["", "", "", "", "hearing"]),
            event("d", "who5-start", ["", "", "", "", "4 4 4 4 4"]),
        ];
        self.at(move |engine| {
            let register = Import::of("register");
            assert_eq!(
                engine.import_learners(&register, &[row]).unwrap().fates,
                [Fate::New]
            );
            let fates = engine.import_events(&register, &events).unwrap().fates;
            assert!(fates.iter().all(|fate| *fate == Fate::New), "{fates:?}");
            engine.flush().unwrap();
            engine.find("", 2).unwrap()[0].learner
        })
        .await
    }

    /// Carries everything that this node holds to another.
    async fn carry_to(&self, other: &Self) {
        let mut bundle = Vec::new();
        let bytes = self.at(move |engine| {
            let mut append = |bytes: &[u8]| {
                bundle.extend_from_slice(bytes);
                Ok(())
            };
            engine.export(&[], "courier", &mut append).unwrap().unwrap();
            bundle
        });
        let bytes = bytes.await;
        let stopped = other.at(move |engine| {
            let mut rest = bytes.as_slice();
            let mut read = |wanted: usize| {
                let (now, later) = rest.split_at(wanted.min(rest.len()));
                rest = later;
                Ok(now.to_vec())
            };
            engine
                .import_bundle(&mut read, &mut |_| {})
                .unwrap()
                .stopped
        });
        assert_eq!(stopped.await, None);
    }

    async fn fetch(&self, method: &str, target: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{method} {target} HTTP/1.1\r\nHost: node\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head[9..12].parse().unwrap();
        Answer {
            status,
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    async fn get(&self, target: &str) -> Answer {
        self.fetch("GET", target).await
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn has(&self, words: &str) -> bool {
        self.body.contains(words)
    }
}

#[tokio::test]
async fn the_first_page_says_how_the_node_stands() {
    let node = Node::start(CC4).await;
    node.learner("a", ["SOK", "Dara"]).await;
    let page = node.get("/?lang=en").await;
    assert_eq!(page.status, 200);
    for words in [
        "<h1>Pursat</h1>",
        "CC4",
        "All is in order",
        "no data yet",
        "Nowhere else yet",
    ] {
        assert!(page.has(words), "{words}\n{}", page.body);
    }
    assert!(
        page.has("<dt>learners here</dt><dd>1</dd>"),
        "{}",
        page.body
    );
    let headers = [
        "content-security-policy: default-src 'none';",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "content-type: text/html; charset=utf-8",
    ];
    for header in headers {
        assert!(page.head.contains(header), "{header}\n{}", page.head);
    }
    // Nothing is loaded but the node's own stylesheet.
    assert!(!page.has("<script") && !page.has("http:") && !page.has("https:"));
    assert_eq!(page.body.matches("stylesheet").count(), 1);
    let style = node.get("/style.css").await;
    assert!(style.status == 200 && style.head.contains("content-type: text/css"));
    assert!(!style.has("url(") && !style.has("@import") && !style.has("uppercase"));
}

#[test]
fn what_needs_a_person_is_said_in_words() {
    let quiet = Status {
        site: "CC4".to_owned(),
        name: "Pursat".to_owned(),
        headquarters: false,
        roster: 1,
        learners: 5,
        pending: 7,
        to_fold: 3,
        set_aside: 0,
        set_aside_reasons: Vec::new(),
        copies: 0,
        forks: 0,
        held_by: vec!["CC1".to_owned(), "DGP".to_owned(), "KAN".to_owned()],
        exchanges: vec![("DGP".to_owned(), "2026-03-01 08:15 UTC".to_owned())],
        sites: vec![SiteStatus {
            code: "CC1".to_owned(),
            segments: 2,
            copies: 1,
            holes: true,
            revoked_keys: 0,
            beyond_cut: Vec::new(),
            data_through: Some("2026-02-28".to_owned()),
        }],
    };
    let shown = |status: &Status, language: &str| {
        let asked = Asked::in_language(language);
        home::shown(
            &Frame::new(&asked, "/".to_owned()),
            status.clone(),
            Some("DGP"),
        )
        .unwrap()
    };
    let page = shown(&quiet, "en");
    for words in [
        "2 other prisons and the DGP hold",
        "28 February 2026",
        "still on their way",
        "(a copy of its machine exists)",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    assert!(page.contains("DGP: 2026-03-01 08:15 UTC") && !page.contains("attention"));
    assert!(shown(&quiet, "fr").contains("28 f\u{e9}vrier 2026"));

    let reason = "a parcel <of> CC1".to_owned();
    let loud = Status {
        copies: 1,
        forks: 2,
        set_aside: 4,
        set_aside_reasons: vec![reason],
        held_by: vec!["DGP".to_owned()],
        ..quiet
    };
    let page = shown(&loud, "en");
    let copies = "A copy of this machine exists";
    for words in [copies, "(2 times)", "4 pieces", "needs your attention"] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    assert!(page.contains("The DGP holds everything") && page.contains("&#60;of&#62;"));
    assert!(!page.contains("in order"));
}

#[tokio::test]
async fn a_copy_of_the_machine_is_noticed() {
    let (dgp, cc4, copy) = (
        Node::start(DGP).await,
        Node::start(CC4).await,
        Node::start(CC4).await,
    );
    cc4.learner("a", ["SOK", "Dara"]).await;
    copy.learner("b", ["CHAN", "Vuthy"]).await;
    assert!(!cc4.get("/?lang=en").await.has("A copy of this machine"));
    copy.carry_to(&dgp).await;
    dgp.carry_to(&cc4).await;
    let page = cc4.get("/?lang=en").await;
    assert!(page.has("A copy of this machine exists") && page.has("needs your attention"));
}

#[tokio::test]
async fn a_learner_is_found_and_shown_without_restricted_data() {
    let node = Node::start(CC1).await;
    let id = node
        .learner("\u{178a}\u{17b6}\u{179a}\u{17c9}\u{17b6}", ["SOK", "Dara"])
        .await;
    let list = node.get("/find?lang=en&q=dara").await;
    assert!(list.has(&format!("/learner/{id}?lang=en")) && list.has("woman, born in 1990"));
    assert!(list.has("\u{178a}\u{17b6}\u{179a}\u{17c9}\u{17b6}"));
    assert!(
        node.get("/find?lang=en&q=nobody")
            .await
            .has("No learner was found")
    );
    let page = node.get(&format!("/learner/{id}?lang=en")).await;
    assert_eq!(page.status, 200);
    let words = [
        "SOK Dara",
        "Is here, at CC1",
        "May 1990",
        "primary school",
        "20 January 2025",
        "Starting a micro-business",
        "after the module: 17 of 20 (version 1)",
        "under way",
    ];
    for words in words {
        assert!(page.has(words), "{words}\n{}", page.body);
    }
    for kind in ["hearing", "WHO-5", "who5", "isability"] {
        assert!(!page.has(kind), "{kind}");
    }
    let french = node.get(&format!("/learner/{id}?lang=fr")).await;
    assert!(french.has("Cr\u{e9}er une micro-entreprise"));
}

#[tokio::test]
async fn texts_of_records_and_addresses_stay_texts() {
    let node = Node::start(CC1).await;
    let id = node
        .learner("<b>", ["<script>alert(1)</script>", "\"' onload='x"])
        .await;
    let pages = [
        format!("/find?lang=en&q={}", "%22%3E%3Cscript%3E"),
        "/find?lang=en".to_owned(),
        format!("/learner/{id}?lang=en"),
        format!("/receipt/{id}?lang=en"),
        "/%3Cscript%3E?lang=%3Cscript%3E".to_owned(),
        "/learner/%3Cscript%3E".to_owned(),
    ];
    for target in pages {
        let page = node.get(&target).await;
        assert!(!page.has("<script") && !page.has("<b>"), "{target}");
        assert!(!page.has("\"' onload"), "{target}");
    }
    let page = node.get(&format!("/learner/{id}?lang=en")).await;
    assert!(page.has("&#60;script&#62;alert(1)"), "{}", page.body);
    let search = node.get("/find?q=%22%3Ex&lang=en").await;
    assert!(search.has("value=\"&#34;&#62;x\""), "{}", search.body);
    // The links to the other languages keep the search.
    assert!(search.has("/find?lang=fr&#38;q=%22%3Ex"), "{}", search.body);
}

#[tokio::test]
async fn what_cannot_be_shown_is_said() {
    let node = Node::start(CC1).await;
    let nobody = "0".repeat(32);
    for id in [&nobody, "x", "%FF"] {
        let page = node.get(&format!("/learner/{id}?lang=en")).await;
        assert!(
            page.status == 404 && page.has("This learner is not here"),
            "{id}"
        );
        assert_eq!(node.get(&format!("/receipt/{id}")).await.status, 404);
    }
    let page = node.get("/nothing?lang=fr").await;
    assert!(page.status == 404 && page.has("Cette page n"));
    assert!(page.head.contains("content-security-policy"));
    // A language that is not offered, and a question that cannot be read.
    for target in ["/?lang=xx", "/?lang=en&lang=fr", "/?lang=%FF", "/?"] {
        let page = node.get(target).await;
        assert!(
            page.status == 200 && page.has("<html lang=\"km\">"),
            "{target}"
        );
    }
    for method in ["POST", "DELETE"] {
        let answer = node.fetch(method, "/?lang=en").await;
        assert!(
            answer.status == 405 && answer.has("The pages only show"),
            "{method}"
        );
    }
    let long = node
        .get(&format!("/find?lang=en&q={}", "k".repeat(5_000)))
        .await;
    assert!(long.has(&"k".repeat(80)) && !long.has(&"k".repeat(81)));
    node.service
        .call(|engine| engine.find("", 1))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_prison_shows_a_learner_from_his_arrival_to_his_departure() {
    let (dgp, cc1, cc4) = (
        Node::start(DGP).await,
        Node::start(CC1).await,
        Node::start(CC4).await,
    );
    let id = cc1.learner("a", ["SOK", "Dara"]).await;
    let (summary, receipt) = (
        format!("/learner/{id}?lang=en"),
        format!("/receipt/{id}?lang=en"),
    );
    let at_first = cc1.get(&receipt).await;
    assert!(at_first.has("<dt>At</dt><dd>CC1</dd>") && at_first.has("20 January 2025"));

    let day = || "2025-06-02".parse().ok();
    let to = Destination::Site(SiteId(CC4.into()));
    let slip = cc1
        .at(move |engine| engine.transfer_out(id, to, day(), false).unwrap().slip)
        .await;
    assert_eq!(cc1.get(&summary).await.status, 404);
    assert!(!cc1.get("/find?lang=en&q=dara").await.has("/learner/"));

    // His record and his key are at the other prison, but he is not.
    cc1.carry_to(&cc4).await;
    cc1.carry_to(&dgp).await;
    for target in [&summary, &receipt] {
        assert_eq!(cc4.get(target).await.status, 404);
    }
    assert!(!cc4.get("/find?lang=en&q=dara").await.has("Dara"));
    assert!(dgp.get("/find?lang=en&q=dara").await.has("/learner/"));
    assert!(dgp.get(&summary).await.has("Has left: to CC4"));
    let left = dgp.get(&receipt).await;
    for words in ["Left", "2 June 2025", "<dd>CC1</dd>", "<dd>to CC4</dd>"] {
        assert!(left.has(words), "{words}\n{}", left.body);
    }

    let day = || "2025-06-03".parse().ok();
    cc4.at(move |engine| engine.transfer_in(&slip.unwrap(), day()).unwrap())
        .await;
    let arrived = cc4.get(&receipt).await;
    for words in [
        "SOK Dara",
        "Arrived",
        "3 June 2025",
        "<dd>CC4</dd>",
        "<dd>CC1</dd>",
    ] {
        assert!(arrived.has(words), "{words}\n{}", arrived.body);
    }
    let page = cc4.get(&summary).await;
    assert!(page.has("3 June 2025, from CC1") && page.has("2 June 2025, to CC4"));
    assert!(page.has("Starting a micro-business"));
}

#[tokio::test]
async fn nobody_holds_the_pages_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let pages = Router::new().route("/", get(async || "page"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let guarded = guard::Guarded::new(listener, Duration::from_millis(200));
    let serving = axum::serve(guarded, pages).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let serving = tokio::spawn(async { serving.await });
    // More connections than there are places, each with half a request.
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HT").await.unwrap();
        slow.push(stream);
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut page = String::new();
    let patient = Duration::from_secs(20);
    let read = stream.read_to_string(&mut page);
    tokio::time::timeout(patient, read).await.unwrap().unwrap();
    assert!(page.ends_with("page"), "{page}");
    drop(stop);
    tokio::time::timeout(patient, serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}
