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
use rust_xlsxwriter::Workbook;
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
    read.said("bad.json:1: it has no _uuid");
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

fn counted(ground: &Ground, arguments: &[&str]) -> Value {
    let said = ground.run("A", &[arguments, &["--json"]].concat());
    said.done();
    said.json()["imported"]["rows"].clone()
}

fn numbers(rows: &Value) -> [u64; 3] {
    ["new", "known", "waiting"].map(|name| rows[name].as_u64().unwrap())
}

/// What a learner's record says of his first module.
fn module(ground: &Ground, learner: &str) -> Value {
    let shown = ground.run("A", &["learner", "show", learner, "--json"]);
    shown.done();
    shown.json()["learner"]["view"]["progress"]["modules"][0].clone()
}

#[test]
fn a_lesson_reaches_those_who_are_known_and_waits_for_the_others() {
    let ground = Ground::of(&["A"]);
    let dara = ground.learner("A", "Dara");
    let card = dara.to_ascii_uppercase();
    let mut lessons = vec![lesson("l-1", &[("card", &card), ("name", "Chan Thy")])];
    let file = export(&ground, "lessons.json", &lessons);
    let import = ["kobo", "import", file.as_str()];
    let dry = [&import[..], &[&file, "--dry-run"]].concat();
    let looked = counted(&ground, &dry);
    assert_eq!(numbers(&looked), [1, 0, 1], "{looked}");
    assert!(
        looked["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("1 submissions were read, and 1 more")
    );
    assert_eq!(module(&ground, &dara), Value::Null, "nothing was kept");

    assert_eq!(numbers(&counted(&ground, &import)), [1, 0, 1]);
    assert_eq!(
        module(&ground, &dara)["attended"],
        json!([2]),
        "digits of Khmer"
    );
    let rows = counted(&ground, &import);
    assert_eq!(numbers(&rows)[0], 0, "nothing is written twice: {rows}");

    // An officer says who she is; the next lesson needs no asking, and its corrected list brings only who is new.
    let waiting = ground.run("A", &["import", "waiting", "--json"]);
    let lines = waiting.json()["import-waiting"].as_array().unwrap().clone();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let thy = ground.learner("A", "Thy");
    let code = lines[0]["code"].as_str().unwrap();
    ground.run("A", &["import", "match", code, &thy]).done();
    assert_eq!(module(&ground, &thy)["attended"], json!([2]));
    lessons.push(lesson("l-2", &[("name", "Chan Thy"), ("card", &card)]));
    lessons[1]["session"] = json!("3");
    export(&ground, "lessons.json", &lessons);
    assert_eq!(numbers(&counted(&ground, &import)), [2, 2, 0]);
    for learner in [&dara, &thy] {
        assert_eq!(module(&ground, learner)["attended"], json!([2, 3]));
    }
}

/// The lesson as a workbook: those who were there on a sheet of their own, under labels.
#[test]
fn a_workbook_has_the_list_on_its_second_sheet() {
    let ground = Ground::of(&["A"]);
    let dara = ground.learner("A", "Dara");
    let mut book = Workbook::new();
    let mut sheet = |name: &str, lines: &[&[&str]]| {
        let sheet = book.add_worksheet();
        sheet.set_name(name).unwrap();
        for (row, line) in (0..).zip(lines) {
            for (column, text) in (0..).zip(*line) {
                sheet.write(row, column, *text).unwrap();
            }
        }
    };
    sheet(
        "Attendance",
        &[
            &[
                "spean_form",
                "Date",
                "Programme",
                "Module",
                "Number of the session",
                "_index",
                "_uuid",
            ],
            &[
                "attendance",
                "2026-11-01",
                "English",
                "Level A1",
                "4",
                "1",
                "l-1",
            ],
        ],
    );
    sheet(
        "present",
        &[
            &[
                "Card of the learner",
                "Name of the learner",
                "Sex",
                "_parent_index",
                "_submission__uuid",
            ],
            &[&dara, "", "", "1", "l-1"],
            &["", "Chan Thy", "woman", "1", ""],
            &[&dara, "", "", "7", "l-7"],
        ],
    );
    let path = ground.path("lessons.xlsx");
    book.save(&path).unwrap();
    let read = ground.run("A", &["kobo", "import", &path, "--json"]);
    read.ended(6);
    let rows = &read.json()["imported"]["rows"];
    assert_eq!(numbers(rows), [1, 0, 1], "{rows}");
    assert_eq!(rows["refused"], 1, "a line of no submission: {rows}");
    assert_eq!(module(&ground, &dara)["attended"], json!([4]));
    let file = export(
        &ground,
        "lessons.json",
        &[lesson("l-1", &[("card", &dara)])],
    );
    let again = ground.run("A", &["kobo", "import", &file, "--json"]);
    again.ended(6);
    assert_eq!(
        again.json()["imported"]["rows"]["differs"],
        1,
        "the same row by its key"
    );
}

#[test]
fn the_server_and_its_exports_say_the_same() {
    let ground = Ground::of(&["A"]);
    let dara = ground.learner("A", "Dara");
    let data = [("t-1", "12"), ("t-2", "17"), ("t-3", "21")];
    let data = data.map(|(uuid, score)| tested(uuid, ("card", &dara), score));
    configure(&ground, &server(data.to_vec()), TOKEN);
    let pull = ["kobo", "pull", "--json"];
    let dry = ground.run("A", &["kobo", "pull", "--dry-run", "--json"]);
    dry.ended(6);
    assert_eq!(module(&ground, &dara), Value::Null, "nothing was kept");
    let pulled = ground.run("A", &pull);
    pulled.ended(6);
    let rows = &pulled.json()["imported"]["rows"];
    assert_eq!(
        [&rows["new"], &rows["refused"]],
        [2, 1],
        "of two pages, one with too many points: {rows}"
    );
    let best = &module(&ground, &dara)["results"][0]["score"];
    assert_eq!(best, &json!([17, 20]));

    // The same as a table with labels, from a stick, beside a running node: all of it is known.
    let table = format!(
        "spean_form,Date,Card of the learner,Which test,Programme,Module,Version of the test,Points that can be reached,\
         Points reached,_uuid\ntest,2026-11-02,{dara},after the module,Basic Education Equivalency (BEEP),Khmer,1,20,17,t-2\n"
    );
    let file = ground.path("tests.csv");
    fs::write(&file, table).unwrap();
    let running = ground.start("A");
    assert_eq!(
        numbers(&counted(&ground, &["kobo", "import", &file])),
        [0, 1, 0]
    );
    drop(running);

    // Points that were mended in Kobo afterwards are told, and the record stays as it was.
    let mended = export(
        &ground,
        "mended.json",
        &[tested("t-2", ("card", &dara), "18")],
    );
    let differs = ground.run("A", &["kobo", "import", &mended]);
    differs.ended(6);
    differs.said("said something else");
    let imports = ground.run("A", &["import", "list"]);
    imports.said("kobo: server");
    ground
        .run("A", &["import", "undo", "1"])
        .said("Taken back: 2 events");
    assert_eq!(
        numbers(&counted(&ground, &["kobo", "import", &mended])),
        [1, 0, 0]
    );
    assert_eq!(
        module(&ground, &dara)["results"][0]["score"],
        json!([18, 20])
    );
}

#[test]
fn well_being_stays_in_the_restricted_part() {
    let ground = Ground::of(&["A"]);
    let dara = ground.learner("A", "Dara");
    let mut answers = json!({"_uuid": "w-1", "spean_form": "who5", "date": "2026-11-02", "card": dara,
        "interview": "who5-start"});
    for (item, answer) in [(1, "3"), (2, "2"), (3, "4"), (4, "1"), (5, "5")] {
        answers[format!("item_{item}")] = json!(answer);
    }
    let file = export(&ground, "who5.json", &[answers]);
    assert_eq!(
        numbers(&counted(&ground, &["kobo", "import", &file])),
        [1, 0, 0]
    );
    let who5 = |home: &str| {
        let shown = ground.run(home, &["learner", "show", &dara, "--json"]);
        shown.done();
        let all = shown.json()["learner"]["view"]["restricted"]["who5"].clone();
        all.as_array().unwrap().len()
    };
    assert_eq!(who5("A"), 1);
    ground.run("A", &["flush"]).done();
    ground.carry("A", "dgp").done();
    assert_eq!(who5("dgp"), 0, "the head office has the education part");
}
