//! Goal: what an organisation's tablets collected with KoboToolbox is read, once, from files and from the server;
//! what is wrong is said with what to do. Method: a node as a real process; exports as Kobo writes them; a server of
//! a few lines on the loopback for Kobo's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use ground::Ground;
use serde_json::{Value, json};

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";

/// A submission of the pack's test, by somebody with that card or name.
fn tested(uuid: &str, who: (&str, &str), score: &str) -> Value {
    json!({
        "_id": 1, "_uuid": uuid, "meta/rootUuid": format!("uuid:{uuid}"), "_submission_time": "2026-11-03T02:00:00",
        "spean_form": "test", "date": "2026-11-02", (who.0): who.1, "test": "post-test", "programme": "beep",
        "module": "khmer", "version": "1", "max": "20", "score": score, "_attachments": [],
    })
}

/// A lesson, with those who were there.
fn lesson(uuid: &str, present: &[(&str, &str)]) -> Value {
    let one = |(question, answer): &(&str, &str)| json!({ format!("present/{question}"): answer });
    json!({
        "_uuid": uuid, "spean_form": "attendance", "date": "2026-11-01", "programme": "beep", "module": "khmer",
        "session": "\u{17e2}", "present": present.iter().map(one).collect::<Vec<_>>(),
    })
}

fn export(ground: &Ground, name: &str, submissions: &[Value]) -> String {
    let path = ground.path(name);
    fs::write(&path, json!(submissions).to_string()).unwrap();
    path
}

/// Kobo's server: the data of every form, two submissions in a page, for whoever has the token.
fn server(data: Vec<Value>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(&stream.unwrap(), &data);
        }
    });
    url
}

fn answer(stream: &TcpStream, data: &[Value]) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let asked: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let known = format!("authorization: token {TOKEN}");
    let (status, body) = if asked.iter().any(|line| line.to_lowercase() == known) {
        let start = asked[0].split("start=").nth(1).unwrap();
        let start: usize = start.split('&').next().unwrap().parse().unwrap();
        let page: Vec<&Value> = data.iter().skip(start).take(2).collect();
        let next = (start + 2 < data.len()).then_some("http://192.0.2.1/");
        (
            "200 OK",
            json!({"count": data.len(), "next": next, "previous": null, "results": page}),
        )
    } else {
        ("401 Unauthorized", json!({"detail": "Invalid token."}))
    };
    let (mut stream, body) = (stream, body.to_string());
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn configure(ground: &Ground, url: &str, token: &str) {
    let config =
        format!("[kobo]\nurl = \"{url}\"\n\n[[kobo.form]]\nuid = \"aTest\"\nkind = \"test\"\n");
    fs::write(ground.path("A/config.toml"), config).unwrap();
    let path = ground.path("A/kobo-token");
    fs::write(&path, token).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn the_forms_and_the_mapping_need_no_node() {
    let ground = Ground::empty();
    let made = ground.run("none", &["kobo", "forms", &ground.path("forms")]);
    made.done();
    made.said("--wording FILE");
    let sizes = ["intake", "attendance", "test", "who5", "exit"].map(|kind| {
        let path = ground.path(&format!("forms/spean-{kind}.xlsx"));
        fs::metadata(path).unwrap().len()
    });
    assert!(sizes.iter().all(|size| *size > 1_000), "{sizes:?}");
    let mapping = ground.run("none", &["kobo", "mapping"]);
    mapping.done();
    mapping.said("kind = \"attendance\"");
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let ground = Ground::of(&["A"]);
    let bad = export(
        &ground,
        "bad.json",
        &[json!({"date": "x"}), json!({"spean_form": "test"})],
    );
    let read = ground.run("A", &["kobo", "import", &bad, "--dry-run"]);
    read.ended(6);
    read.said("number 1: it has no _uuid");
    let page = ground.path("page.json");
    fs::write(&page, "<html>").unwrap();
    ground
        .run("A", &["kobo", "import", &page, "--dry-run"])
        .refused(1, "this is no JSON");
    let other = ground.path("page.html");
    fs::write(&other, "<html>").unwrap();
    ground
        .run("A", &["kobo", "import", &other, "--dry-run"])
        .refused(1, "must end in .json, .csv or .xlsx");
    let lessons = ground.path("lessons.csv");
    fs::write(&lessons, "spean_form,date,_uuid\nattendance,2026-11-01,a\n").unwrap();
    let read = ground.run("A", &["kobo", "import", &lessons, "--dry-run"]);
    read.ended(6);
    read.said("there is no group 'present'");

    ground
        .run("A", &["kobo", "pull", "--dry-run"])
        .refused(1, "config.toml names no Kobo");
    let url = server(Vec::new());
    configure(&ground, &url, "wrong");
    ground
        .run("A", &["kobo", "pull", "--dry-run"])
        .refused(1, "does not know the token");
    configure(&ground, "http://kf.kobotoolbox.org", TOKEN);
    ground
        .run("A", &["kobo", "pull", "--dry-run"])
        .refused(1, "must begin with https");
    configure(&ground, &url, TOKEN);
    ground.shell(&format!("chmod 644 {}", ground.path("A/kobo-token")));
    ground
        .run("A", &["kobo", "pull", "--dry-run"])
        .refused(3, "kobo-token");
}

#[test]
fn a_dry_run_says_what_would_be() {
    let ground = Ground::of(&["A"]);
    let card = "0a".repeat(16);
    let lessons = export(
        &ground,
        "lessons.json",
        &[lesson("l-1", &[("card", &card), ("name", "Chan Thy")])],
    );
    let read = ground.run(
        "A",
        &["kobo", "import", &lessons, &lessons, "--dry-run", "--json"],
    );
    read.done();
    let kobo = &read.json()["kobo"];
    assert_eq!(
        [&kobo["submissions"], &kobo["repeated"], &kobo["events"]],
        [1, 1, 2],
        "{kobo}"
    );
    let data = ["t-1", "t-2", "t-3"].map(|uuid| tested(uuid, ("card", &card), "17"));
    configure(&ground, &server(data.to_vec()), TOKEN);
    let read = ground.run("A", &["kobo", "pull", "--dry-run", "--json"]);
    read.done();
    assert_eq!(read.json()["kobo"]["events"], 3, "of two pages");
}
