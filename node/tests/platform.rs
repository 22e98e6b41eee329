//! Goal: what somebody does on the platform beside a node is in his record once, whatever is read again; what is
//! there of another prison is not learning; and his account follows him.
//! Method: engines in memory, told by hand what a platform tells.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use network::people::{arrives, learner, leaves, to};
use network::{DGP, Network, Node};
use spean::engine::learning::Taken;
use spean::lms::{Learnt, PlatformUser};
use spean_protocol::catalogue::ProgrammeId;
use spean_protocol::id::LearnerId;

fn learnt(user: &PlatformUser, key: &str, fields: [&str; 8]) -> Learnt {
    Learnt {
        user: user.clone(),
        key: key.to_owned(),
        date: Some("2026-07-02".parse().unwrap()),
        fields: fields.map(str::to_owned),
        by_hand: false,
    }
}

/// What somebody did in the first weeks of a course.
fn weeks(user: &PlatformUser) -> Vec<Learnt> {
    let of = |key: &str, fields| learnt(user, key, fields);
    vec![
        of(
            "BEEP-KHM/enrolled",
            ["enrolled", "beep", "khmer", "", "", "", "", ""],
        ),
        of(
            "BEEP-KHM/session 1",
            ["session-done", "beep", "khmer", "1", "", "", "", ""],
        ),
        of(
            "BEEP-KHM/quiz 1/1/99",
            ["quiz", "beep", "khmer", "", "75", "100", "1", ""],
        ),
    ]
}

fn take(node: &mut Node, all: &[Learnt]) -> Taken {
    let taken = node.take_learnt("moodle", all, true).unwrap();
    node.flush().unwrap();
    taken
}

fn best(node: &mut Node, learner: LearnerId) -> (usize, Vec<u32>) {
    network::fold(node);
    let view = node.view(learner).unwrap().unwrap();
    let khmer = ProgrammeId::BEEP.module("khmer").unwrap();
    let module = view.progress.module(khmer).cloned();
    module.map_or((0, Vec::new()), |module| {
        let points = module.results.iter().map(|best| best.score.points());
        (module.sessions_done.len(), points.collect())
    })
}

fn by_id(learner: LearnerId) -> PlatformUser {
    PlatformUser {
        id: learner.to_string(),
        username: "whoever".to_owned(),
    }
}

#[test]
fn what_is_read_again_changes_nothing() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let user = by_id(dara);
    let dry = network.nodes[1]
        .take_learnt("moodle", &weeks(&user), false)
        .unwrap();
    assert_eq!((dry.new, dry.known), (3, 0));
    assert_eq!(best(&mut network.nodes[1], dara).0, 0, "only asked");
    let taken = take(&mut network.nodes[1], &weeks(&user));
    assert_eq!((taken.new, taken.known), (3, 0));
    let again = take(&mut network.nodes[1], &weeks(&user));
    assert_eq!((again.new, again.known), (0, 3));
    assert_eq!(best(&mut network.nodes[1], dara), (1, vec![75]));

    // Whom nobody here knows, and what no catalogue has, is told and stops nothing.
    let stranger = PlatformUser {
        id: String::new(),
        username: "guest".to_owned(),
    };
    let mut all = weeks(&stranger);
    all.push(learnt(
        &user,
        "X/session 1",
        ["session-done", "beep", "no-such", "1", "", "", "", ""],
    ));
    all.push(learnt(
        &user,
        "BEEP-KHM/session 2",
        ["session-done", "beep", "khmer", "2", "", "", "", ""],
    ));
    let taken = take(&mut network.nodes[1], &all);
    assert_eq!((taken.new, taken.strangers), (1, vec!["guest".to_owned()]));
    assert_eq!(taken.refused.len(), 1, "{:?}", taken.refused);
    network.settle();
    assert_eq!(best(&mut network.nodes[DGP], dara), (2, vec![75]));
}

/// A mark that somebody typed says nothing where it is the best already, and something where it is not, higher or
/// lower; the best counts.
#[test]
fn a_mark_by_hand_is_said_where_it_differs() {
    let mut network = Network::new(1);
    let dara = learner(&mut network, 1, "Dara");
    let user = by_id(dara);
    take(&mut network.nodes[1], &weeks(&user));
    let mark = |points: &str| Learnt {
        by_hand: true,
        ..learnt(
            &user,
            &format!("BEEP-KHM/quiz 1/mark/{points}"),
            ["quiz", "beep", "khmer", "", points, "100", "1", ""],
        )
    };
    for (points, new, best_is) in [("75", 0, 75), ("40", 1, 75), ("90", 1, 90), ("90", 0, 90)] {
        assert_eq!(take(&mut network.nodes[1], &[mark(points)]).new, new);
        assert_eq!(best(&mut network.nodes[1], dara).1, [best_is]);
    }
}

/// What the next prison's platform shows of his past is no new learning there.
#[test]
fn what_the_record_says_is_not_said_again() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let user = by_id(dara);
    take(&mut network.nodes[1], &weeks(&user));
    network.settle();
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let shown = learnt(
        &user,
        "BEEP-KHM/session 1",
        ["session-done", "beep", "khmer", "1", "", "", "", ""],
    );
    let taken = take(&mut network.nodes[2], &[shown]);
    assert_eq!((taken.new, taken.known), (0, 1));
    let next = learnt(
        &user,
        "BEEP-KHM/session 2",
        ["session-done", "beep", "khmer", "2", "", "", "", ""],
    );
    assert_eq!(take(&mut network.nodes[2], &[next]).new, 1);
    network.settle();
    assert_eq!(best(&mut network.nodes[DGP], dara), (2, vec![75]));
}

/// The name and what the password is checked against go with him; a name that two have got apart is shown apart.
#[test]
fn an_account_follows_its_learner() {
    let mut network = Network::new(2);
    let [dara, rith] = ["Dara", "Rith"].map(|name| learner(&mut network, 1, name));
    let there = learner(&mut network, 2, "Sokha");
    let prison = &mut network.nodes[1];
    assert_eq!(
        prison.give_account(dara, None, "$2y$10$one").unwrap(),
        "s1-00001"
    );
    assert_eq!(
        prison.give_account(rith, None, "$2y$10$two").unwrap(),
        "s1-00002"
    );
    let taken = prison
        .give_account(rith, Some("s1-00001"), "x")
        .unwrap_err();
    assert!(taken.to_string().contains("somebody else's"), "{taken}");
    for bad in ["", "Dara", "a b"] {
        assert!(prison.give_account(rith, Some(bad), "x").is_err(), "{bad}");
    }
    assert_eq!(
        prison
            .give_account(dara, Some("dara"), "$2y$10$one")
            .unwrap(),
        "dara"
    );
    assert_eq!(
        prison.give_account(dara, None, "$2y$10$new").unwrap(),
        "dara",
        "only the password"
    );
    network.nodes[2]
        .give_account(there, Some("dara"), "$2y$10$her")
        .unwrap();
    take(&mut network.nodes[1], &weeks(&by_id(dara)));
    network.settle();
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let khmer = ProgrammeId::BEEP.module("khmer").unwrap();
    let left: Vec<String> = accounts(&network.nodes[1]);
    assert_eq!(left, ["s1-00002"]);
    let here = network.nodes[2].accounts_here(&[khmer]).unwrap();
    let of = |learner| here.iter().find(|(one, _)| one.learner == learner).unwrap();
    assert_eq!(
        (of(dara).0.username.as_str(), of(there).0.username.as_str()),
        ("dara-2", "dara")
    );
    assert_eq!(
        (of(dara).0.verifier.as_str(), of(dara).1.as_slice()),
        ("$2y$10$new", &[khmer][..])
    );
    // A name alone says nothing: anybody may have it there.
    let next = |id: String| {
        let user = PlatformUser {
            id,
            username: "dara-2".to_owned(),
        };
        learnt(
            &user,
            "BEEP-KHM/session 2",
            ["session-done", "beep", "khmer", "2", "", "", "", ""],
        )
    };
    let taken = take(&mut network.nodes[2], &[next(String::new())]);
    assert_eq!((taken.new, taken.strangers.len()), (0, 1));
    assert_eq!(
        take(&mut network.nodes[2], &[next(dara.to_string())]).new,
        1
    );
    assert_eq!(best(&mut network.nodes[2], dara).0, 2);
    // Who left is no longer let in; who is here and has no account is known all the same.
    let left = network.nodes[1].left_here().unwrap();
    assert!(left.contains(&dara) && !left.contains(&rith));
    assert_eq!(network.nodes[1].account_of(dara).unwrap(), None);
    let known = network.nodes[2].account_named("dara-2").unwrap();
    assert_eq!(known, Some((dara, "$2y$10$new".to_owned())));
    assert_eq!(network.nodes[2].account_named("nobody").unwrap(), None);
    assert!(
        network.nodes[1].give_account(dara, None, "x").is_err(),
        "he has left"
    );
}

fn accounts(node: &Node) -> Vec<String> {
    let all = node.accounts_here(&[]).unwrap().into_iter();
    all.map(|(one, _)| one.username).collect()
}
