//! Goal: whatever people picked apart, everybody is shown, each under a name of his own; who had it
//! first keeps it, and the same is said from whatever order of learners.
//! Method: each rule by hand; then random learners with few names, of one log and of its copies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::event::{ArrivalReason, DepartureReason, Destination, Event, List, Text};
use crate::id::{RunId, StayId};
use crate::view::Origin;

const HERE: SiteId = SiteId(1);
const THERE: SiteId = SiteId(2);

/// Runs are apart; in each the lower height is earlier.
struct Heights;

impl Causality for Heights {
    fn is_ancestor(&self, earlier: Position, later: Position) -> bool {
        (earlier.site, earlier.run) == (later.site, later.run) && earlier.height < later.height
    }
}

fn at(site: SiteId, run: u8, height: u32) -> Position {
    let run = RunId([run; 16]);
    Position { site, run, height }
}

fn entry(name: &str, position: Position, body: Body) -> Entry {
    let stay = StayId([u8::try_from(position.site.0).unwrap(); 16]);
    let id = EventId(name.to_owned());
    Entry::new(id, Event::new(body), Origin { position, stay })
}

fn account(username: &str, password: u8) -> Body {
    let username = Text::new(username).unwrap();
    let verifier = List::new(vec![password]).unwrap();
    Body::Account { username, verifier }
}

fn arrived(site: SiteId) -> Body {
    let (from, reason) = (None, ArrivalReason::Transferred);
    let stay = StayId([u8::try_from(site.0).unwrap(); 16]);
    Body::Arrived { stay, from, reason }
}

/// Who arrived here at that height, with accounts set at those places.
fn learner(arrival: u32, accounts: &[(Position, &str)]) -> LearnerView {
    let set = (0..)
        .zip(accounts)
        .map(|(number, (place, name))| entry(&format!("a{number}"), *place, account(name, number)));
    let arrival = entry("arrival", at(HERE, 0, arrival), arrived(HERE));
    LearnerView::fold(&set.chain([arrival]).collect::<Vec<_>>())
}

fn id(number: usize) -> LearnerId {
    LearnerId([u8::try_from(number).unwrap(); 16])
}

/// The names of each, as they are shown.
fn shown(learners: &[LearnerView]) -> Vec<Vec<String>> {
    let all = learners
        .iter()
        .enumerate()
        .map(|(number, view)| (id(number), view));
    let shown = usernames(all, HERE, &Heights);
    let text = |number| shown.get(&id(number)).into_iter().flatten();
    (0..learners.len())
        .map(|number| text(number).map(ToString::to_string).collect())
        .collect()
}

#[test]
fn who_had_it_here_first_keeps_it() {
    let came = learner(5, &[(at(THERE, 9, 1), "sok")]);
    let set_here = learner(1, &[(at(HERE, 0, 2), "sok")]);
    let later = learner(6, &[(at(THERE, 9, 0), "sok")]);
    assert_eq!(shown(std::slice::from_ref(&came)), [["sok"]]);
    assert_eq!(
        shown(&[came.clone(), set_here.clone()]),
        [["sok-2"], ["sok"]]
    );
    assert_eq!(
        shown(&[set_here.clone(), came.clone()]),
        [["sok"], ["sok-2"]]
    );
    let all = [later, came, set_here];
    assert_eq!(shown(&all), [["sok-3"], ["sok-2"], ["sok"]]);
    // Set long ago, but he left, and came back when another had it.
    let back = learner(9, &[(at(HERE, 0, 0), "sok")]);
    assert_eq!(shown(&[back, all[1].clone()]), [["sok-2"], ["sok"]]);
}

#[test]
fn a_new_password_changes_nothing() {
    let mut entries = vec![
        entry("arrival", at(HERE, 0, 1), arrived(HERE)),
        entry("first", at(HERE, 0, 2), account("sok", 1)),
        entry("second", at(HERE, 0, 8), account("sok", 2)),
    ];
    entries[2].event.supersedes = vec![EventId("first".to_owned())];
    let came = learner(5, &[(at(THERE, 9, 1), "sok")]);
    let with = |entries: &[Entry]| shown(&[came.clone(), LearnerView::fold(entries)]);
    assert_eq!(with(&entries), [["sok-2"], ["sok"]]);
    // Another name that is taken the place of says nothing of this one.
    entries[1].event.body = account("dara", 1);
    assert_eq!(with(&entries), [["sok"], ["sok-2"]]);
}

#[test]
fn who_was_not_moved_after_all_did_not_come_anew() {
    let (stay, from) = (StayId([7; 16]), None);
    let to = Destination::Site(THERE);
    let left = Body::Departed {
        stay: StayId([1; 16]),
        to,
        reason: DepartureReason::Transferred,
    };
    let reason = ArrivalReason::NotMoved;
    let back = LearnerView::fold(&[
        entry("arrival", at(HERE, 0, 1), arrived(HERE)),
        entry("a", at(HERE, 0, 2), account("sok", 1)),
        entry("left", at(HERE, 0, 3), left),
        entry(
            "undone",
            at(HERE, 0, 9),
            Body::Arrived { stay, from, reason },
        ),
    ]);
    let came = learner(5, &[(at(THERE, 9, 1), "sok")]);
    assert_eq!(shown(&[came, back]), [["sok-2"], ["sok"]]);
}

#[test]
fn names_set_apart_are_both_shown_until_a_person_decides() {
    let apart = [(at(HERE, 0, 2), "sok"), (at(THERE, 9, 1), "sok.b")];
    let mut learners = vec![
        learner(1, &apart),
        learner(3, &[(at(THERE, 9, 2), "sok.b")]),
    ];
    assert_eq!(shown(&learners), [vec!["sok", "sok.b"], vec!["sok.b-2"]]);

    let decided = |name: &str| {
        let mut decision = entry("decision", at(HERE, 0, 4), account(name, 7));
        decision.event.supersedes = vec![EventId("a0".to_owned()), EventId("a1".to_owned())];
        let set = apart.iter().zip(["a0", "a1"]);
        let set = set.map(|((place, name), id)| entry(id, *place, account(name, 0)));
        let arrival = entry("arrival", at(HERE, 0, 1), arrived(HERE));
        LearnerView::fold(&set.chain([arrival, decision]).collect::<Vec<_>>())
    };
    learners[0] = decided("sok");
    assert_eq!(shown(&learners), [["sok"], ["sok.b"]]);
    learners[0] = decided("sok.b");
    assert_eq!(shown(&learners), [["sok.b"], ["sok.b-2"]]);
}

#[test]
fn a_suffix_is_nobodys_name() {
    let place = at(HERE, 0, 1);
    let names = ["sok", "sok", "sok-2", "sok-2", "sok-2-2"];
    let learners = names.map(|name| learner(0, &[(place, name)]));
    let told = [["sok"], ["sok-3"], ["sok-2"], ["sok-2-3"], ["sok-2-2"]];
    assert_eq!(shown(&learners), told);
}

#[test]
fn cards_of_one_number_are_all_shown() {
    let card = |name: &str, position, number| entry(name, position, Body::Card { number });
    let view = LearnerView::fold(&[
        card("a", at(THERE, 0, 0), 2),
        card("b", at(HERE, 0, 5), 2),
        card("c", at(THERE, 0, 1), 1),
    ]);
    let text =
        |site| -> Vec<String> { cards(&view, site).iter().map(ToString::to_string).collect() };
    assert_eq!(text(HERE), ["1", "2", "2-2"]);
    assert_eq!(cards(&view, HERE)[1..], cards(&view, THERE)[1..]);
    assert_eq!(cards(&LearnerView::default(), HERE), []);
}

prop_compose! {
    /// Somebody whose arrival may not be here, with accounts set here, by copies, or elsewhere.
    fn any_learner()(
        arrival in prop::option::of((0..3_u8, 0..6_u32)),
        accounts in prop::collection::vec(
            (1..3_u16, 0..3_u8, 0..6_u32, prop::sample::select(vec!["a", "a-2", "a-3", "b"])), 0..4,
        ),
        supersedes in any::<bool>(),
    ) -> LearnerView {
        let mut entries: Vec<Entry> = Vec::new();
        for (number, (site, run, height, name)) in (0..).zip(accounts) {
            let place = at(SiteId(site), run, height);
            let mut new = entry(&format!("a{number}"), place, account(name, number));
            if supersedes && number > 0 {
                new.event.supersedes = vec![EventId(format!("a{}", number - 1))];
            }
            entries.push(new);
        }
        let arrival = arrival.map(|(run, height)| entry("x", at(HERE, run, height), arrived(HERE)));
        entries.extend(arrival);
        LearnerView::fold(&entries)
    }
}

proptest! {
    #[test]
    fn everybody_is_shown_once_and_by_a_name_of_his_own(
        learners in prop::collection::vec(any_learner(), 0..9),
        swaps in prop::collection::vec((any::<Index>(), any::<Index>()), 0..20),
    ) {
        let mut all: Vec<_> = learners.iter().enumerate().map(|(n, view)| (id(n), view)).collect();
        let told = usernames(all.iter().copied(), HERE, &Heights);
        for (one, two) in swaps.iter().filter(|_| !learners.is_empty()) {
            all.swap(one.index(learners.len()), two.index(learners.len()));
        }
        prop_assert_eq!(&usernames(all.iter().copied(), HERE, &Heights), &told);

        let names: Vec<String> = told.values().flatten().map(ToString::to_string).collect();
        prop_assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let mut firsts = BTreeSet::new();
        for (learner, view) in all {
            let picked: BTreeSet<&Username> =
                view.profile.accounts.iter().map(|claim| &claim.value.username).collect();
            let of_him = told.get(&learner).map_or(&[][..], Vec::as_slice);
            prop_assert!(of_him.iter().map(|one| &one.picked).eq(picked));
            firsts.extend(of_him.iter().filter(|one| one.nth == 1).map(|one| &one.picked));
        }
        // Of each name somebody has it as it is.
        prop_assert!(told.values().flatten().all(|one| firsts.contains(&one.picked)));
    }

    /// Where one log tells of all arrivals, the order of arrivals is the order of suffixes.
    #[test]
    fn the_log_says_who_was_first(heights in prop::collection::vec(0..40_u32, 1..12)) {
        let learners: Vec<LearnerView> =
            heights.iter().map(|height| learner(*height, &[(at(THERE, 0, 0), "a")])).collect();
        let all = learners.iter().enumerate().map(|(n, view)| (id(n), view));
        let told = usernames(all, HERE, &Heights);
        let mut order: Vec<(u32, LearnerId)> = (0..).map(id).zip(&heights).map(|(id, h)| (*h, id)).collect();
        order.sort_unstable();
        for ((_, learner), nth) in order.iter().zip(1..) {
            prop_assert_eq!(told[learner][0].nth, nth);
        }
    }
}

#[test]
fn a_whole_site_of_one_name_is_told_soon() {
    struct Counted(std::cell::Cell<usize>);
    impl Causality for Counted {
        fn is_ancestor(&self, earlier: Position, later: Position) -> bool {
            self.0.set(self.0.get() + 1);
            Heights.is_ancestor(earlier, later)
        }
    }
    // The order of ids is the reverse of the log's.
    let learners: Vec<LearnerView> = (0..400_u32)
        .map(|number| learner(400 - number, &[(at(THERE, 0, 0), "a")]))
        .collect();
    let named = |number: usize| {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&u16::try_from(number).unwrap().to_be_bytes());
        LearnerId(id)
    };
    let all = learners
        .iter()
        .enumerate()
        .map(|(number, view)| (named(number), view));
    let logs = Counted(std::cell::Cell::new(0));
    let told = usernames(all, HERE, &logs);
    let asked = logs.0.get();
    assert!(asked <= 2 * 400 * 400 + 4 * 400, "{asked}");
    assert_eq!(told[&named(0)][0].nth, 400);
    assert_eq!(told[&named(399)][0].nth, 1);
}
