//! Goal: one person under two ids is found however his name was written, nobody is joined silently, and
//! what two officers of the head office decide holds, reaches the prison where he is, and can be taken
//! back; a prison finds its own learners only.
//! Method: a head office and prisons in memory; people who are registered twice with other writings, and
//! people who only share a name; decisions, their undoing, departures meanwhile; what is on a prison's
//! disk of those who have left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use network::officers::{appoint, officer_key};
use network::people::{attends, leaves, sessions, to};
use network::{DGP, Network, fold};
use spean::engine::decisions::Decision;
use spean::engine::duplicates::{DuplicateLine, Duplicates};
use spean::register::LearnerRow;
use spean::store::{Store, Table};
use spean_protocol::event::{Destination, LinkReason};
use spean_protocol::id::{LearnerId, QuestionId};
use spean_protocol::officer::{Office, Signature};
use spean_protocol::totals::Query;

/// "Chan Dara" with subscript TA, and as it is typed with subscript DA and a zero-width space.
const KHMER: [(&str, &str); 2] = [
    (
        "\u{1785}\u{17d0}\u{1793}\u{17d2}\u{178f}",
        "\u{178a}\u{17b6}\u{179a}\u{17c9}\u{17b6}",
    ),
    (
        "\u{1785}\u{1793}\u{17d2}\u{178a}\u{200b}",
        "\u{178a}\u{17b6}\u{179a}\u{17b6}",
    ),
];

/// A row of a file of learners.
fn row(
    khmer: (&str, &str),
    latin: (&str, &str),
    sex: &str,
    born: &str,
    arrived: &str,
) -> LearnerRow {
    let fields = [
        khmer.0, khmer.1, latin.0, latin.1, sex, born, "", "km", arrived, "",
    ];
    LearnerRow {
        row: String::new(),
        fields: fields.map(str::to_owned),
    }
}

fn latin(family: &str, given: &str, sex: &str, born: &str) -> LearnerRow {
    row(("", ""), (family, given), sex, born, "2024-01-05")
}

/// Registers somebody who has attended the first session of a module.
fn registers(network: &mut Network, at: usize, row: &LearnerRow) -> LearnerId {
    let node = &mut network.nodes[at];
    let learner = node.add_learner(row).unwrap();
    attends(node, learner, 1);
    node.flush().unwrap();
    learner
}

fn listed(network: &Network, at: usize) -> Duplicates {
    network.nodes[at].duplicates(50).unwrap()
}

fn pairs(list: &Duplicates) -> Vec<(LearnerId, LearnerId)> {
    let pair = |line: &DuplicateLine| (line.learner.min(line.other), line.learner.max(line.other));
    list.pairs.iter().map(pair).collect()
}

fn persons(network: &Network) -> u64 {
    let totals = network.nodes[DGP].totals(Query::ALL).unwrap();
    totals.figures.beneficiaries
}

/// Two officers of the head office decide a pair; returns the question.
fn decide(network: &mut Network, question: QuestionId, decision: Decision) {
    let dgp = &mut network.nodes[DGP];
    for number in [8, 9] {
        let by = Signature::sign(&decision.subject(question), number, &officer_key(number));
        dgp.decide_by(question, decision, &by).unwrap();
    }
}

fn put(network: &mut Network, one: LearnerId, other: LearnerId) -> QuestionId {
    let line = network.nodes[DGP]
        .put_pair(one, other, LinkReason::Name)
        .unwrap();
    line.id.parse().unwrap()
}

fn with_officers(prisons: usize) -> Network {
    let mut network = Network::new(prisons);
    for number in [8, 9] {
        appoint(&mut network.nodes[DGP], number, Office::Administrator).unwrap();
    }
    network
}

/// One man at 1, whose stay was never ended, and registered anew at 2, where his name is written otherwise.
fn twins(network: &mut Network) -> (LearnerId, LearnerId) {
    let one = row(KHMER[0], ("Chan", "Dara"), "M", "1990", "2024-01-05");
    let other = row(KHMER[1], ("DARAH", "Chann"), "M", "1991", "2025-03-01");
    let (old, new) = (registers(network, 1, &one), registers(network, 2, &other));
    network.settle();
    (old, new)
}

#[test]
fn other_writings_of_one_name_are_listed_and_nobody_is_joined() {
    let mut network = with_officers(3);
    let (old, new) = twins(&mut network);
    // Same names in one script only; a brother; his sister; somebody of another age.
    let alone = registers(&mut network, 3, &latin("Sokh", "Vuthy", "M", ""));
    let turned = registers(&mut network, 1, &latin("Wuthi", "Sok", "M", "1985"));
    registers(&mut network, 1, &latin("Sok", "Dara", "M", "1990"));
    registers(&mut network, 2, &latin("Sok", "Thida", "F", "1992"));
    registers(&mut network, 3, &latin("Sok", "Tida", "M", "1992"));
    registers(&mut network, 3, &latin("Sok", "Tida", "F", "1994"));
    network.settle();
    let list = listed(&network, DGP);
    assert_eq!(
        pairs(&list),
        [
            (old.min(new), old.max(new)),
            (alone.min(turned), alone.max(turned))
        ],
        "{list:#?}"
    );
    let first = &list.pairs[0];
    assert_eq!(
        first.because,
        [
            "same Khmer name",
            "same Latin name",
            "birth years one apart"
        ]
    );
    assert!(
        first.against[0].contains("count them as present at once"),
        "{first:?}"
    );
    assert_eq!(list.pairs[1].because, ["same Latin name"]);
    assert_eq!(persons(&network), 8, "no list joins anybody");
    assert!(network.nodes[DGP].worklist().unwrap().is_empty());
    // A list that is cut says how many more there are.
    let short = network.nodes[DGP].duplicates(1).unwrap();
    assert_eq!((short.pairs.len(), short.more), (1, 1));
}

#[test]
fn stays_at_once_speak_against() {
    let mut network = with_officers(3);
    let pair = |network: &mut Network, family: &str, ends: bool| {
        let one = registers(network, 1, &latin(family, "Dara", "M", "1990"));
        if ends {
            leaves(network, 1, one, Destination::WithoutNode);
        }
        let other = row(("", ""), (family, "Dara"), "M", "1990", "2026-08-01");
        let other = registers(network, 2, &other);
        (one.min(other), one.max(other))
    };
    let at_once = pair(&mut network, "Keo", false);
    let one_after_the_other = pair(&mut network, "Mao", true);
    // Released, but long after he is said to have come to the other prison.
    let late = registers(&mut network, 1, &latin("Nov", "Dara", "M", "1990"));
    leaves(&mut network, 1, late, Destination::Released);
    let early = row(("", ""), ("Nov", "Dara"), "M", "1990", "2026-01-01");
    let early = registers(&mut network, 3, &early);
    network.settle();
    let list = listed(&network, DGP);
    let found = pairs(&list);
    assert_eq!(found[0], one_after_the_other, "{list:#?}");
    assert!(list.pairs[0].against.is_empty());
    let rest: Vec<_> = list.pairs[1..]
        .iter()
        .map(|line| line.against.join(", "))
        .collect();
    assert!(
        found[1..].contains(&at_once) && found[1..].contains(&(late.min(early), late.max(early)))
    );
    assert!(
        rest.iter().any(
            |words| words.contains("S1 and S2 count them as present at once")
                || words.contains("S2 and S1 count them as present at once")
        ),
        "{rest:?}"
    );
    assert!(
        rest.iter().any(|words| words.contains("on the same days")),
        "{rest:?}"
    );
}

#[test]
fn two_officers_join_a_pair_of_the_list_and_part_it_again() {
    let mut network = with_officers(3);
    let (old, new) = twins(&mut network);
    attends(&mut network.nodes[1], old, 7);
    network.settle();
    assert_eq!(persons(&network), 2);
    let question = put(&mut network, new, old);
    // It waits, and the list says where; put again, it is the same question.
    assert_eq!(
        listed(&network, DGP).pairs[0].question,
        question.to_string()
    );
    assert_eq!(put(&mut network, old, new), question);
    let lines = network.nodes[DGP].worklist().unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0].site.as_str(), lines[0].candidates[0].learner),
        ("S2", old)
    );
    let same = Decision::Same(old);
    let by = Signature::sign(&same.subject(question), 8, &officer_key(8));
    network.nodes[DGP].decide_by(question, same, &by).unwrap();
    network.settle();
    assert_eq!(
        (persons(&network), pairs(&listed(&network, DGP)).len()),
        (2, 1),
        "one officer alone"
    );
    decide(&mut network, question, same);
    assert!(
        listed(&network, DGP).pairs.is_empty(),
        "decided, though no record says so yet"
    );
    network.settle();
    assert_eq!(persons(&network), 1);
    // The other record is open where he was: it is read where he is once its stay has ended there.
    assert_eq!(sessions(&mut network.nodes[2], new), [1]);
    leaves(&mut network, 1, old, to(2));
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], new), [1, 7]);
    // Taken back, they are two persons for good.
    decide(&mut network, question, Decision::Undo);
    network.settle();
    assert_eq!(
        (persons(&network), pairs(&listed(&network, DGP)).len()),
        (2, 0)
    );
    // That is taken back, too: nobody has decided, and neither decision comes back by it.
    decide(&mut network, question, Decision::Undo);
    network.settle();
    assert_eq!(
        (persons(&network), pairs(&listed(&network, DGP)).len()),
        (2, 1)
    );
    decide(&mut network, question, same);
    network.settle();
    assert_eq!(
        (persons(&network), pairs(&listed(&network, DGP)).len()),
        (1, 0)
    );
}

#[test]
fn two_persons_stay_off_the_list_until_it_is_taken_back() {
    let mut network = with_officers(3);
    let (old, new) = twins(&mut network);
    let question = put(&mut network, old, new);
    let asked = network.nodes[DGP].worklist().unwrap()[0].learner;
    let other = if asked == old { new } else { old };
    decide(&mut network, question, Decision::NotSame(other));
    network.settle();
    assert!(listed(&network, DGP).pairs.is_empty());
    assert_eq!(persons(&network), 2);
    // Both records move on, and he who asked is released: it stays decided.
    for (at, learner) in [(1, old), (2, new)] {
        let slip = leaves(&mut network, at, learner, to(3)).slip.unwrap();
        network.nodes[3].transfer_in(&slip, None).unwrap();
    }
    network.settle();
    assert!(listed(&network, DGP).pairs.is_empty());
    let here = listed(&network, 3);
    assert!(
        here.pairs.is_empty(),
        "the prison reads it in the record: {here:#?}"
    );
    leaves(&mut network, 3, asked, Destination::Released);
    network.settle();
    assert!(listed(&network, DGP).pairs.is_empty());
    // Whoever is put on the list again can be decided otherwise.
    let again = put(&mut network, old, new);
    let line = network.nodes[DGP].worklist().unwrap().remove(0);
    assert_eq!(line.id, again.to_string());
    let back = if line.learner == old { new } else { old };
    decide(&mut network, again, Decision::Same(back));
    network.settle();
    let list = listed(&network, DGP);
    assert_eq!(list.pairs.len(), 1, "the records contradict each other");
    assert!(
        list.pairs[0]
            .against
            .iter()
            .any(|words| words.contains("contradict"))
    );
    assert_eq!(persons(&network), 2);
}

#[test]
fn an_answer_follows_whoever_has_left() {
    let mut network = with_officers(3);
    let (old, new) = twins(&mut network);
    let question = put(&mut network, new, old);
    // He leaves before the answer comes.
    let slip = leaves(&mut network, 2, new, to(3)).slip.unwrap();
    decide(&mut network, question, Decision::NotSame(old));
    network.exchange(DGP, 2, None);
    network.nodes[3].transfer_in(&slip, None).unwrap();
    network.settle();
    network.settle();
    let says = |network: &mut Network| {
        fold(&mut network.nodes[3]);
        let links = network.nodes[3].view(new).unwrap().unwrap().links;
        links
            .iter()
            .map(|link| (link.other, link.not_same.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(says(&mut network), [(old, 1)]);
    decide(&mut network, question, Decision::Undo);
    network.settle();
    assert_eq!(says(&mut network), []);
    assert_eq!(pairs(&listed(&network, DGP)).len(), 1);
}

#[test]
fn a_pair_that_nobody_could_write_down_is_refused() {
    let mut network = with_officers(2);
    let (old, new) = twins(&mut network);
    let refused = |network: &mut Network, at: usize, one, other| {
        let pair = network.nodes[at].put_pair(one, other, LinkReason::Name);
        pair.unwrap_err().to_string()
    };
    assert!(refused(&mut network, 1, old, new).contains("transfer ask"));
    assert!(refused(&mut network, DGP, old, old).contains("one id twice"));
    let unknown = LearnerId([9; 16]);
    assert!(refused(&mut network, DGP, old, unknown).contains("learner"));
    leaves(&mut network, 1, old, Destination::Released);
    leaves(&mut network, 2, new, Destination::Released);
    network.settle();
    assert!(refused(&mut network, DGP, old, new).contains("neither of them is in a prison"));
    assert_eq!(
        pairs(&listed(&network, DGP)).len(),
        1,
        "it is shown all the same"
    );
}

/// No national index of names: a prison compares its own learners, and nothing that is compared is left
/// of those who have gone.
#[test]
fn a_prison_finds_its_own_learners_only() {
    let mut network = with_officers(2);
    let (old, new) = twins(&mut network);
    let kept = |network: &Network, at: usize| -> Vec<Vec<u8>> {
        let rows = network.nodes[at]
            .store()
            .scan(Table::Alike, &[], &[], 99)
            .unwrap();
        rows.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(kept(&network, DGP).len(), 2);
    assert_eq!(kept(&network, 1), [old.0.to_vec()]);
    assert_eq!(kept(&network, 2), [new.0.to_vec()]);
    for at in [1, 2] {
        assert!(listed(&network, at).pairs.is_empty(), "at {at}");
    }
    // Registered twice at one prison, he is found there.
    let third = row(KHMER[1], ("", ""), "M", "1990", "2025-03-01");
    let third = registers(&mut network, 1, &third);
    let list = listed(&network, 1);
    assert_eq!(pairs(&list), [(old.min(third), old.max(third))]);
    assert_eq!(list.pairs[0].against, ["S1 counts both as present"]);
    assert!(!list.decided_here);
    // Gone, he leaves nothing that could be compared.
    leaves(&mut network, 1, old, to(2));
    network.settle();
    assert_eq!(kept(&network, 1), [third.0.to_vec()]);
    assert!(listed(&network, 1).pairs.is_empty());
    assert_eq!(kept(&network, DGP).len(), 3);
}
