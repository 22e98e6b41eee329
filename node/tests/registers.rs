//! Goal: what a register says comes into the right record once; what nobody can place waits and is not lost; a look
//! at a file changes nothing, and an import can be taken back and made again.
//! Method: one prison's engine in memory, fed rows as files give them, and the head office's, which must agree.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use network::people::{arrives, leaves, to};
use network::{DGP, Network, Node};
use spean::engine::import::adopted::AccountRow;
use spean::engine::import::waiting::Said;
use spean::engine::import::{Fate, Fates, Import};
use spean::register::{ItemRow, LearnerRow, Row, Who};
use spean_protocol::catalogue::ModuleId;
use spean_protocol::id::LearnerId;

const KHMER: [&str; 2] = [
    "\u{179f}\u{17bb}\u{1781}",
    "\u{178a}\u{17b6}\u{179a}\u{17c9}\u{17b6}",
];

fn learner(key: &str, family: &str, given: &str, born: &str) -> LearnerRow {
    let khmer = family.starts_with('\u{179f}');
    let names = match khmer {
        true => [family, given, "", ""],
        false => ["", "", family, given],
    };
    let [a, b, c, d] = names;
    let fields = [a, b, c, d, "M", born, "", "", "2026-01-05", ""];
    LearnerRow {
        row: key.to_owned(),
        fields: fields.map(str::to_owned),
    }
}

fn attended(key: &str, who: Who, session: &str) -> Row {
    let fields = [
        "attended",
        "reintegration",
        "micro-business",
        session,
        "",
        "",
        "",
        "",
    ];
    Row {
        key: key.to_owned(),
        who,
        date: "2026-02-03".parse().ok(),
        fields: fields.map(str::to_owned),
    }
}

fn named(name: &str, born: &str) -> Who {
    Who {
        name: name.to_owned(),
        born: born.to_owned(),
        ..Who::default()
    }
}

fn of(source: &str) -> Import {
    Import {
        search: true,
        ..Import::of(source)
    }
}

fn sessions(node: &mut Node, learner: LearnerId) -> Vec<u16> {
    network::fold(node);
    let view = node.view(learner).unwrap().unwrap_or_default();
    let module = view.progress.module(ModuleId::MICRO_BUSINESS).cloned();
    module.map_or_else(Vec::new, |module| module.attended.iter().copied().collect())
}

fn here(node: &Node) -> usize {
    let found = node.find("", 100).unwrap();
    found.iter().filter(|row| row.here).count()
}

fn fates(fates: &Fates) -> String {
    let word = |fate: &Fate| match fate {
        Fate::New => 'n',
        Fate::Known => 'k',
        Fate::Differs => 'd',
        Fate::Waiting(_) => 'w',
        Fate::Stranger => 's',
        Fate::Refused(_) => 'r',
    };
    fates.fates.iter().map(word).collect()
}

#[test]
fn a_look_changes_nothing_and_tells_what_will_be() {
    let mut network = Network::new(2);
    let node = &mut network.nodes[1];
    let look = Import {
        keep: false,
        ..of("register")
    };
    let rows = [
        learner("A1", "Sok", "Dara", "1990"),
        learner("A1", "Sok", "Dara", "1990"),
        learner("A2", "", "", "1990"),
    ];
    let looked = node.import_learners(&look, &rows).unwrap();
    assert_eq!((fates(&looked).as_str(), looked.number), ("nkr", None));
    assert_eq!(here(node), 0);
    let events = [
        attended("E1", Who::of("A1"), "1"),
        attended("E2", Who::of("A1"), "none"),
    ];
    let looked = node.import_events(&look, &events).unwrap();
    assert_eq!(fates(&looked), "wr");
    assert!(node.waiting_rows().unwrap().is_empty() && node.imports().unwrap().is_empty());

    let kept = node.import_learners(&of("register"), &rows).unwrap();
    assert_eq!((fates(&kept).as_str(), kept.number), ("nkr", Some(1)));
    let part = Import {
        number: kept.number,
        ..of("register")
    };
    let kept = node.import_events(&part, &events).unwrap();
    assert_eq!((fates(&kept).as_str(), kept.number), ("nr", Some(1)));
    assert_eq!(
        fates(&node.import_events(&of("register"), &events).unwrap()),
        "kr"
    );
    let other = [attended("E1", Who::of("A1"), "2")];
    assert_eq!(
        fates(&node.import_events(&of("register"), &other).unwrap()),
        "d"
    );
    let lines = node.imports().unwrap();
    assert_eq!(lines.len(), 1, "what brings nothing has no number");
    let line = &lines[0];
    assert_eq!(
        (line.number, line.new, line.known, line.refused),
        (1, 2, 1, 2)
    );
}

#[test]
fn an_import_is_taken_back_and_made_again() {
    let mut network = Network::new(2);
    let node = &mut network.nodes[1];
    let rows = [
        learner("A1", "Sok", "Dara", "1990"),
        learner("A2", "Chan", "Thy", "1985"),
    ];
    let first = node.import_learners(&of("register"), &rows).unwrap();
    let [dara, thy] = [first.learners[0].unwrap(), first.learners[1].unwrap()];
    let events = [
        attended("E1", Who::of("A1"), "1"),
        attended("E2", Who::of("A2"), "1"),
        attended("E3", Who::of("A2"), "2"),
    ];
    let second = node.import_events(&of("register"), &events).unwrap();
    node.flush().unwrap();
    assert_eq!(sessions(node, thy), [1, 2]);

    // Who has more in his record than the import brought stays.
    let undone = node.undo_import(1).unwrap();
    assert_eq!(
        (undone.learners, undone.events, undone.kept.len()),
        (0, 0, 2)
    );
    assert_eq!(here(node), 2);

    let undone = node.undo_import(second.number.unwrap()).unwrap();
    assert_eq!(undone.events, 3);
    assert!(sessions(node, thy).is_empty() && here(node) == 2);
    assert!(node.undo_import(2).is_err() && node.undo_import(9).is_err());
    network.settle();
    assert!(sessions(&mut network.nodes[DGP], thy).is_empty());

    // Now nothing more is recorded of them, and the first import goes too; then all of it again.
    let node = &mut network.nodes[1];
    let undone = node.undo_import(1).unwrap();
    assert_eq!((undone.learners, undone.kept.len(), here(node)), (2, 0, 0));
    let again = node.import_learners(&of("register"), &rows).unwrap();
    assert_eq!((fates(&again).as_str(), here(node)), ("nn", 2));
    assert_eq!(again.learners, first.learners, "the same people");

    // The same file again, with one row corrected.
    let node = &mut network.nodes[1];
    let events = [
        attended("E1", Who::of("A1"), "1"),
        attended("E2", Who::of("A2"), "7"),
    ];
    assert_eq!(
        fates(&node.import_events(&of("register"), &events).unwrap()),
        "nn"
    );
    assert_eq!(
        fates(&node.import_events(&of("register"), &events).unwrap()),
        "kk"
    );
    network.settle();
    for at in [1, DGP] {
        assert_eq!(sessions(&mut network.nodes[at], thy), [7]);
        assert_eq!(sessions(&mut network.nodes[at], dara), [1]);
    }
}

#[test]
fn learners_of_a_wrong_file_go_and_come_again() {
    let mut network = Network::new(2);
    let node = &mut network.nodes[1];
    let before = [learner("B1", "Keo", "Mony", "1970")];
    node.import_learners(&of("register"), &before).unwrap();
    let rows = [learner("A1", "Sok", "Dara", "1990")];
    for round in 0..3 {
        let node = &mut network.nodes[1];
        let import = node.import_learners(&of("register"), &rows).unwrap();
        assert_eq!(fates(&import), "n", "round {round}");
        assert_eq!(here(node), 2);
        network.settle();
        let node = &mut network.nodes[1];
        let dara = import.learners[0].unwrap();
        network::fold(node);
        assert_eq!(node.view(dara).unwrap().unwrap().stays.len(), 1);
        let undone = node.undo_import(import.number.unwrap()).unwrap();
        assert_eq!((undone.learners, undone.kept.len()), (1, 0));
        assert_eq!(here(node), 1);
        network.settle();
        let far = &mut network.nodes[DGP];
        network::fold(far);
        let view = far.view(dara).unwrap().unwrap_or_default();
        assert!(view.stays.is_empty() && view.profile.names.is_empty());
        assert_eq!(
            fates(
                &network.nodes[1]
                    .import_learners(&of("register"), &before)
                    .unwrap()
            ),
            "k"
        );
    }
}

#[test]
fn who_is_not_known_waits_for_an_officer() {
    let mut network = Network::new(2);
    let node = &mut network.nodes[1];
    let rows = [
        learner("A1", KHMER[0], KHMER[1], "1990"),
        learner("A2", "Chan", "Thy", "1985"),
        learner("A3", "Chan", "Thy", "1992"),
    ];
    let first = node.import_learners(&of("register"), &rows).unwrap();
    let id = |at: usize| first.learners[at].unwrap();
    let khmer = KHMER.join(" ");
    let events = [
        attended("E1", named(&khmer, "1990"), "1"),
        attended("E2", named(&khmer, ""), "2"),
        attended("E3", named("Thy Chan", "1985-03-01"), "3"),
        attended("E4", named("Chan Thy", ""), "4"),
        attended("E5", named("Pich Sophal", "1999"), "5"),
        attended("E6", named("Pich Sophal", "1999"), "6"),
        attended("E7", Who::default(), "7"),
        attended("E8", Who::of("A2"), "8"),
    ];
    let taken = node.import_events(&of("classes"), &events).unwrap();
    assert_eq!(fates(&taken), "nwnwwwrw", "{:?}", taken.fates);
    assert_eq!(
        (taken.learners[0], taken.learners[2]),
        (Some(id(0)), Some(id(1)))
    );
    let waiting = node.waiting_rows().unwrap();
    let code = |who: &str| {
        let line = waiting.iter().find(|line| line.who.starts_with(who));
        line.unwrap_or_else(|| panic!("{who}: {waiting:?}"))
            .code
            .clone()
    };
    let doubt = waiting.iter().find(|line| line.who == "Chan Thy").unwrap();
    assert!(doubt.reason.contains(&id(1).to_string()) && doubt.reason.contains(&id(2).to_string()));

    let matched = node
        .match_waiting(&code("Chan"), Said::Learner(id(2)), None)
        .unwrap();
    assert_eq!(fates(&matched), "n");
    assert_eq!(sessions(node, id(2)), [4]);
    // It is remembered, for the next file of that source.
    let next = [attended("E9", named("Chan Thy", ""), "9")];
    assert_eq!(
        fates(&node.import_events(&of("classes"), &next).unwrap()),
        "n"
    );
    assert_eq!(sessions(node, id(2)), [4, 9]);

    let new = node.match_waiting(&code("Pich"), Said::New, None).unwrap();
    assert_eq!(fates(&new), "nnn", "he is admitted, and two events are his");
    let pich = new.learners[0].unwrap();
    assert_eq!((sessions(node, pich), here(node)), (vec![5, 6], 4));
    let undone = node.undo_import(new.number.unwrap()).unwrap();
    assert_eq!((undone.learners, here(node)), (1, 3), "{undone:?}");

    node.match_waiting(&code(&khmer), Said::Nobody, None)
        .unwrap();
    assert_eq!(
        fates(&node.import_events(&of("classes"), &events[1..2]).unwrap()),
        "s"
    );
    assert!(node.match_waiting(&code(&khmer), Said::New, None).is_err());
    assert_eq!(
        node.waiting_rows().unwrap().len(),
        1,
        "A2 of another source"
    );
    // A file that is taken back takes along what waits of it.
    assert_eq!(node.undo_import(taken.number.unwrap()).unwrap().waiting, 1);
}

#[test]
fn a_second_register_tells_more_of_the_same_people() {
    let mut network = Network::new(2);
    let node = &mut network.nodes[1];
    let first = node
        .import_learners(&of("register"), &[learner("A1", "Sok", "Dara", "1990")])
        .unwrap();
    let dara = first.learners[0].unwrap();
    let mut again = learner("M7", "Sok", "Dara", "");
    again.fields[0] = KHMER[0].to_owned();
    again.fields[1] = KHMER[1].to_owned();
    let rows = [again, learner("M8", "Sok", "Dara", "1960")];
    let second = node.import_learners(&of("lab"), &rows).unwrap();
    assert_eq!(fates(&second), "wn", "another year is another person");
    assert_eq!(here(node), 2);
    let code = node.waiting_rows().unwrap()[0].code.clone();
    let matched = node
        .match_waiting(&code, Said::Learner(dara), None)
        .unwrap();
    assert_eq!(matched.learners, [Some(dara)]);
    network::fold(node);
    let names = node.view(dara).unwrap().unwrap().profile.names;
    assert_eq!(
        names.len(),
        2,
        "the Khmer name is new, the Latin one was known"
    );
    let events = [attended("E1", Who::of("M7"), "1")];
    let taken = node.import_events(&of("lab"), &events).unwrap();
    assert_eq!(taken.learners, [Some(dara)]);
    assert_eq!(
        fates(&node.import_learners(&of("lab"), &rows).unwrap()),
        "kk"
    );
}

#[test]
fn the_catalogue_is_the_sites_own_and_goes_back() {
    let mut network = Network::new(2);
    let node = &mut network.nodes[1];
    let item = |number: &str, title: &str, copies: &str| ItemRow {
        item: number.to_owned(),
        fields: [title, "", "km", copies].map(str::to_owned),
    };
    let rows = [
        item("7", "Tum Teav", "3"),
        item("x", "Nothing", ""),
        item("8", "", ""),
    ];
    assert_eq!(
        fates(&node.import_items(&of("library"), &rows).unwrap()),
        "nrr"
    );
    let rows = [item("7", "Tum Teav", "4"), item("9", "Sophat", "")];
    let second = node.import_items(&of("library"), &rows).unwrap();
    assert_eq!(fates(&second), "nn");
    assert_eq!(
        fates(&node.import_items(&of("library"), &rows).unwrap()),
        "kk"
    );
    assert_eq!(node.items("tum", 9).unwrap()[0].1.copies, 4);
    assert_eq!(node.undo_import(second.number.unwrap()).unwrap().items, 2);
    assert_eq!(
        (
            node.items("", 9).unwrap().len(),
            node.item(7).unwrap().unwrap().copies
        ),
        (1, 3)
    );
}

fn account(username: &str, family: &str, given: &str, verifier: &str) -> AccountRow {
    AccountRow {
        username: username.to_owned(),
        family: family.to_owned(),
        given: given.to_owned(),
        verifier: verifier.to_owned(),
    }
}

#[test]
fn accounts_of_the_platform_that_was_there_become_learners() {
    let mut network = Network::new(2);
    let node = &mut network.nodes[1];
    let rows = [
        learner("A1", KHMER[0], KHMER[1], "1990"),
        learner("A2", "Chan", "Thy", "1985"),
        learner("A3", "Keo", "Mony", "1970"),
    ];
    let first = node.import_learners(&of("register"), &rows).unwrap();
    let id = |at: usize| first.learners[at].unwrap();
    let part = Import {
        number: first.number,
        ..of("register")
    };
    // The list of learners says whose one account is; the platform has his name in the other script.
    let pairs = [
        ("A1".to_owned(), "dara".to_owned()),
        ("A9".to_owned(), "x".to_owned()),
    ];
    assert_eq!(node.name_accounts(&part, &pairs).unwrap(), 1);
    let accounts = [
        account("dara", "Sok", "Dara", "$6$rounds=10000$a$b"),
        account("thy", "Thy", "Chan", "$2y$10$c"),
        account("pich", "Pich", "Sophal", ""),
        account("", "No", "Name", ""),
    ];
    let look = Import {
        keep: false,
        ..of("moodle")
    };
    let looked = node.adopt_accounts(&look, &accounts).unwrap();
    assert_eq!(fates(&looked), "nwnr", "{:?}", looked.fates);
    let taken = node.adopt_accounts(&of("moodle"), &accounts).unwrap();
    assert_eq!(fates(&taken), "nwnr");
    assert_eq!((taken.learners[0], here(node)), (Some(id(0)), 4));
    let waiting = node.waiting_rows().unwrap();
    assert_eq!(waiting[0].may_be, [id(1)]);
    let matched = node
        .match_waiting(&waiting[0].code, Said::Learner(id(1)), None)
        .unwrap();
    assert_eq!(matched.learners, [Some(id(1))]);

    let names = ["dara", "thy", "pich", "keo"].map(str::to_owned);
    let adopted = node.adopted(&names).unwrap();
    let said: Vec<(&str, bool)> = adopted
        .iter()
        .map(|one| (&*one.username, one.checked))
        .collect();
    assert_eq!(said, [("dara", true), ("thy", true), ("pich", false)]);
    let here_now = node.accounts_here(&[]).unwrap();
    let verifier = |name: &str| {
        let found = here_now.iter().find(|(one, _)| one.username == name);
        found.unwrap().0.verifier.clone()
    };
    assert_eq!(verifier("dara"), "$6$rounds=10000$a$b");
    assert_eq!(verifier("thy"), "$2y$10$c");

    // Again it is nothing new, also once somebody has another password.
    node.give_account(id(0), None, "$2y$10$new").unwrap();
    assert_eq!(
        fates(&node.adopt_accounts(&of("moodle"), &accounts).unwrap()),
        "kkkr"
    );
    let undone = node.undo_import(taken.number.unwrap()).unwrap();
    assert_eq!((undone.learners, here(node)), (1, 3), "{undone:?}");
    let still = node.adopted(&names).unwrap();
    assert_eq!(
        still.len(),
        2,
        "who has been named, and who was matched by hand"
    );
}

#[test]
fn what_was_said_by_mistake_is_taken_back() {
    let mut network = Network::new(2);
    let node = &mut network.nodes[1];
    let rows = [
        learner("A1", "Chan", "Thy", "1985"),
        learner("A2", "Chan", "Thy", "1992"),
    ];
    let first = node.import_learners(&of("register"), &rows).unwrap();
    let id = |at: usize| first.learners[at].unwrap();
    let row = [attended("E1", named("Chan Thy", ""), "4")];
    for said in [Said::Learner(id(0)), Said::Nobody, Said::Learner(id(1))] {
        assert_eq!(
            fates(&node.import_events(&of("classes"), &row).unwrap()),
            "w"
        );
        let code = node.waiting_rows().unwrap()[0].code.clone();
        let matched = node.match_waiting(&code, said, None).unwrap();
        let expected = if said == Said::Nobody { "s" } else { "n" };
        let again = fates(&node.import_events(&of("classes"), &row).unwrap());
        assert_eq!(
            (fates(&matched).as_str(), again.as_str()),
            (expected, if expected == "s" { "s" } else { "k" })
        );
        node.undo_import(matched.number.unwrap()).unwrap();
        assert!(sessions(node, id(0)).is_empty() && sessions(node, id(1)).is_empty());
    }
}

#[test]
fn a_row_that_was_another_learners_is_told() {
    let mut network = Network::new(2);
    let node = &mut network.nodes[1];
    let rows = [
        learner("A1", "Sok", "Dara", "1990"),
        learner("A2", "Chan", "Thy", "1985"),
        learner("A1", "Keo", "Mony", "1970"),
    ];
    let first = node.import_learners(&of("register"), &rows).unwrap();
    assert_eq!(fates(&first), "nnr", "two people have one key");
    let thy = first.learners[1].unwrap();
    let wrong = node
        .import_events(&of("register"), &[attended("E1", Who::of("A1"), "1")])
        .unwrap();
    let right = [attended("E1", Who::of("A2"), "1")];
    assert_eq!(
        fates(&node.import_events(&of("register"), &right).unwrap()),
        "d"
    );
    assert!(sessions(node, thy).is_empty());
    node.undo_import(wrong.number.unwrap()).unwrap();
    assert_eq!(
        fates(&node.import_events(&of("register"), &right).unwrap()),
        "n"
    );
    assert_eq!(sessions(node, thy), [1]);
}

/// Somebody of the same user name comes where another has left: on the platform the name is still the other's.
#[test]
fn nobody_gets_the_name_of_one_who_has_left() {
    let mut network = Network::new(3);
    let mut adopted = Vec::new();
    for at in [1, 2] {
        let node = &mut network.nodes[at];
        let row = [account(
            "dara",
            "Sok",
            ["Dara", "Darith"][at - 1],
            "$2y$10$c",
        )];
        adopted.push(node.adopt_accounts(&of("moodle"), &row).unwrap().learners[0].unwrap());
        node.flush().unwrap();
        node.hold_usernames().unwrap();
    }
    let [one, other] = [adopted[0], adopted[1]];
    network.settle();
    // The one leaves prison 1, and the other comes there.
    leaves(&mut network, 1, one, to(2));
    leaves(&mut network, 2, other, to(1));
    network.settle();
    arrives(&mut network, 1, other);
    network.settle();
    let node = &mut network.nodes[1];
    network::fold(node);
    node.hold_usernames().unwrap();
    let names: Vec<String> = node
        .accounts_here(&[])
        .unwrap()
        .into_iter()
        .map(|(one, _)| one.username)
        .collect();
    assert_eq!(names, ["dara-2"]);
}
