//! Goal: a client meets the troubles of a real line and a real server, and a test sees which calls were
//! carried out in spite of them.
//! Method: one trouble after the other over real sockets.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use spean_moodle_stand_in::{Moodle, Outcome, Setup, Trouble};

use crate::ground::{COURSE, Ground, LEARNER, QUIZ};

/// Asks the site what it is.
fn ask(ground: &Ground) -> std::io::Result<(u16, String)> {
    let token = ground.moodle.token();
    ground.post(&[
        ("wstoken", &token),
        ("wsfunction", "core_webservice_get_site_info"),
        ("moodlewsrestformat", "json"),
    ])
}

#[test]
fn each_trouble_comes_as_often_as_it_was_asked_for() {
    let ground = Ground::new();
    ground.moodle.trouble(Trouble::Unavailable, 2);
    ground.moodle.trouble(Trouble::Page, 1);
    ground.moodle.trouble(Trouble::Closed, 1);
    for _ in 0..2 {
        let (status, body) = ask(&ground).unwrap();
        assert_eq!((status, body.starts_with("<!DOCTYPE")), (503, true));
    }
    let (status, body) = ask(&ground).unwrap();
    assert_eq!((status, body.starts_with("<!DOCTYPE")), (200, true));
    assert!(ask(&ground).is_err());
    let (status, body) = ask(&ground).unwrap();
    assert_eq!((status, body.starts_with('{')), (200, true));
    let outcomes: Vec<Outcome> = ground
        .moodle
        .calls()
        .into_iter()
        .map(|call| call.outcome)
        .collect();
    let not = Outcome::NotReached;
    assert_eq!(
        outcomes,
        [not.clone(), not.clone(), not.clone(), not, Outcome::Done]
    );
}

#[test]
fn a_slow_answer_is_slow() {
    let ground = Ground::new();
    ground
        .moodle
        .trouble(Trouble::Slow(Duration::from_millis(300)), 1);
    let begun = Instant::now();
    ask(&ground).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

/// The worst of them: it was written, and nobody said so.
#[test]
fn a_lost_answer_was_carried_out() {
    let ground = Ground::new();
    let module = ground.module("Lesson 1");
    let form = [
        ("wstoken", &*ground.moodle.token()),
        (
            "wsfunction",
            "core_completion_override_activity_completion_status",
        ),
        ("moodlewsrestformat", "json"),
        ("userid", &ground.learner()),
        ("cmid", &module),
        ("newstate", "1"),
    ];
    ground.moodle.trouble(Trouble::Closed, 1);
    assert!(ground.post(&form).is_err());
    assert!(ground.moodle.writes().is_empty());
    ground.moodle.trouble(Trouble::Lost, 1);
    assert!(ground.post(&form).is_err());
    assert_eq!(ground.moodle.writes().len(), 1);
    assert_eq!(ground.moodle.mark(LEARNER, COURSE, "Lesson 1").state, 1);
}

#[test]
fn calls_are_kept_without_the_token() {
    let ground = Ground::new();
    ground.push("75");
    ground.override_to(QUIZ, "7");
    ask(&ground).unwrap();
    let calls = ground.moodle.calls();
    let names: Vec<&str> = calls.iter().map(|call| &*call.function).collect();
    let expected = [
        "core_grades_update_grades",
        "core_completion_override_activity_completion_status",
        "core_webservice_get_site_info",
    ];
    assert_eq!(names, expected);
    assert_eq!(calls[0].parameter("grades[0][grade]"), Some("75"));
    assert!(!format!("{calls:?}").contains(&ground.moodle.token()));
    assert_eq!(calls[1].outcome, Outcome::Refused("err_system".to_owned()));
    assert_eq!(ground.moodle.writes(), calls[..1]);
    assert_eq!(ground.moodle.count("core_webservice_get_site_info"), 1);
    ground.moodle.forget_calls();
    assert!(ground.moodle.calls().is_empty());
}

#[test]
fn whoever_forgets_the_format_gets_xml() {
    let ground = Ground::new();
    let token = ground.moodle.token();
    let form = [
        ("wstoken", &*token),
        ("wsfunction", "core_webservice_get_site_info"),
    ];
    let (status, body) = ground.post(&form).unwrap();
    assert_eq!((status, body.starts_with("<?xml")), (200, true));
}

#[test]
fn two_run_side_by_side_and_end_when_dropped() {
    let one = Moodle::start(Setup::default());
    let two = Moodle::start(Setup::default());
    assert_ne!(one.url(), two.url());
    let host = one.url().strip_prefix("http://").unwrap().to_owned();
    TcpStream::connect(&host).unwrap();
    drop(one);
    assert!(TcpStream::connect(&host).is_err());
}
