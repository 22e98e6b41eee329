//! Goal: every page of a form is read once, the token goes nowhere else, and each thing that stands in the way is
//! one sentence of its own. Method: a server of a few lines on the loopback that answers as it is told.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::json;

use super::*;

/// Answers each request, a connection for each, with the next of its answers; keeps what was asked.
struct Kobo {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

fn answer(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn page(uuids: &[&str], all: usize, next: Option<&str>) -> String {
    let results: Vec<Value> = uuids
        .iter()
        .map(|uuid| json!({"_uuid": uuid, "date": "2026-01-05"}))
        .collect();
    let body = json!({"count": all, "next": next, "previous": null, "results": results});
    answer("200 OK", "application/json", &body.to_string())
}

fn request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut all = String::new();
    while !all.ends_with("\r\n\r\n") {
        if reader.read_line(&mut all).unwrap_or_default() == 0 {
            break;
        }
    }
    all
}

impl Kobo {
    fn that_answers(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        let thread = std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                kept.lock().unwrap().push(request(&stream));
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self {
            url,
            asked,
            thread: Some(thread),
        }
    }

    fn client(&self) -> Client {
        let token = Zeroizing::new("secret-of-kobo".to_owned());
        Client::patient(&self.url, token, Duration::from_millis(400)).unwrap()
    }

    fn asked(mut self) -> Vec<String> {
        self.thread.take().unwrap().join().unwrap();
        self.asked.lock().unwrap().clone()
    }
}

fn read(client: &Client) -> Result<Vec<(u64, String)>, KoboError> {
    let mut all = Vec::new();
    let take = |export: Export| {
        all.extend(
            export
                .submissions
                .into_iter()
                .map(|one| (one.place, one.uuid)),
        );
    };
    client.submissions("aBc123", |_| {}, take).map(|()| all)
}

#[test]
fn pages_are_read_to_the_last_from_the_configured_place() {
    let elsewhere = Some("http://192.0.2.1/steal?start=2");
    let kobo = Kobo::that_answers(vec![page(&["a", "b"], 3, elsewhere), page(&["c"], 3, None)]);
    let read = read(&kobo.client()).unwrap();
    let expected = [(1, "a"), (2, "b"), (3, "c")].map(|(place, uuid)| (place, uuid.to_owned()));
    assert_eq!(read, expected);
    let asked = kobo.asked();
    assert!(
        asked[0].starts_with("GET /api/v2/assets/aBc123/data/?format=json&limit=500&start=0&sort="),
        "{}",
        asked[0]
    );
    assert!(asked[1].contains("&start=2&"), "{}", asked[1]);
    assert!(asked.iter().all(|one| {
        one.to_lowercase()
            .contains("authorization: token secret-of-kobo")
    }));
}

#[test]
fn an_empty_page_ends_it() {
    let kobo = Kobo::that_answers(vec![page(&[], 9, Some("more"))]);
    assert_eq!(read(&kobo.client()).unwrap(), []);
    kobo.asked();
}

#[test]
fn each_failure_is_a_sentence_of_its_own() {
    let host = || "127.0.0.1".to_owned();
    let json = "application/json";
    let form = KoboError::Form {
        host: host(),
        uid: "aBc123".to_owned(),
    };
    for (told, expected) in [
        (
            answer("401 Unauthorized", json, "{\"detail\":\"Invalid token.\"}"),
            KoboError::Token(host()),
        ),
        (
            answer("403 Forbidden", json, "{}"),
            KoboError::Token(host()),
        ),
        (
            answer("404 Not Found", json, "{\"detail\":\"Not found.\"}"),
            form,
        ),
        (
            answer("404 Not Found", "text/html", "<html>"),
            KoboError::Page(host()),
        ),
        (
            answer("200 OK", "text/html", "<!DOCTYPE html><html>"),
            KoboError::Page(host()),
        ),
        (
            answer("302 Found\r\nLocation: http://192.0.2.1/", "text/html", ""),
            KoboError::Elsewhere(host()),
        ),
        (
            answer("407 Proxy Authentication Required", "text/html", "x"),
            KoboError::Proxy(host()),
        ),
        (
            answer("200 OK", json, "{\"count\": 1}"),
            KoboError::Strange(host()),
        ),
        (answer("200 OK", json, "[]"), KoboError::Strange(host())),
        (
            answer("400 Bad Request", json, "{}"),
            KoboError::Strange(host()),
        ),
    ] {
        let kobo = Kobo::that_answers(vec![told]);
        let error = read(&kobo.client()).unwrap_err();
        assert_eq!(error, expected);
        let said = error.to_string();
        assert!(!said.contains("secret") && !said.contains('\n'), "{said}");
        kobo.asked();
    }
}

#[test]
fn what_may_pass_is_asked_again_three_times() {
    let busy = answer("503 Service Unavailable", "text/html", "x");
    let kobo = Kobo::that_answers(vec![busy.clone(), busy, page(&["a"], 1, None)]);
    assert_eq!(read(&kobo.client()).unwrap().len(), 1);
    assert_eq!(kobo.asked().len(), 3);
    let kobo = Kobo::that_answers(vec![String::new(), String::new(), String::new()]);
    assert_eq!(
        read(&kobo.client()).unwrap_err(),
        KoboError::Silent("127.0.0.1".to_owned())
    );
    assert_eq!(kobo.asked().len(), 3);
}

#[test]
fn a_server_that_never_answers_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::patient(
        &url,
        Zeroizing::new("t".to_owned()),
        Duration::from_millis(200),
    )
    .unwrap();
    assert_eq!(
        read(&client).unwrap_err(),
        KoboError::Slow("127.0.0.1".to_owned())
    );
}

#[test]
fn what_speaks_no_tls_is_not_trusted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read(&mut [0; 1024]);
    });
    let client =
        Client::patient(&url, Zeroizing::new("t".to_owned()), Duration::from_secs(5)).unwrap();
    assert_eq!(
        read(&client).unwrap_err(),
        KoboError::Certificate("127.0.0.1".to_owned())
    );
    thread.join().unwrap();
}

#[test]
fn addresses_and_forms_are_checked_before_the_token_goes_out() {
    let of = |url: &str| {
        Client::new(url, Zeroizing::new("t".to_owned()))
            .map(|_| ())
            .unwrap_err()
    };
    assert!(matches!(of("kf.kobotoolbox.org"), KoboError::Address(_)));
    assert!(matches!(
        of("ftp://kf.kobotoolbox.org"),
        KoboError::Address(_)
    ));
    assert!(matches!(
        of("https://me:pass@kf.kobotoolbox.org"),
        KoboError::Address(_)
    ));
    assert!(matches!(of(""), KoboError::Address(_)));
    assert!(matches!(
        of("http://kf.kobotoolbox.org"),
        KoboError::Open(_)
    ));
    let client = Client::new(
        "https://kf.kobotoolbox.org/",
        Zeroizing::new("t".to_owned()),
    )
    .unwrap();
    for uid in ["", "../x", "a b", "a?format=csv"] {
        let error = client.submissions(uid, |_| {}, |_| {}).unwrap_err();
        assert!(matches!(error, KoboError::Uid(_)));
    }
}
