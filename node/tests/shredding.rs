//! Goal: when the keys of a cohort are destroyed, who left in it opens nowhere, with all keys that are
//! left and every old stick; whoever did not stays readable with all his past, also where machines are
//! made anew; and what those who are gone added to the figures stays.
//! Method: three prisons and the DGP in memory, three cohorts, a hundred sticks that were written before;
//! machines that begin with nothing but the keys that are left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use ed25519_dalek::SigningKey;
use network::officers::{appoint, officer_key};
use network::people::{arrives, attends, leaves, newcomer, sessions, states, to};
use network::{DGP, Network, Node, export, fold, identity, import, site};
use spean::engine::due::Shredding;
use spean::engine::erasure::subject;
use spean::engine::{Engine, Identity, install_roster};
use spean::store::memory::Memory;
use spean::store::{Store, Table};
use spean::world::Machine;
use spean_protocol::event::{Body, Destination, Disability, Event, LinkReason};
use spean_protocol::id::LearnerId;
use spean_protocol::officer::{Office, Signature};
use spean_protocol::roster::{Roster, SignedRoster, wrap_carrier};
use spean_protocol::seal::{Secret, box_key};
use spean_protocol::totals::Query;

const SITES: [usize; 4] = [DGP, 1, 2, 3];

fn seed(at: usize, cohort: u16) -> Secret {
    match cohort {
        1 => identity(at).boxes[&1].clone(),
        later => Secret([u8::try_from(at).unwrap() * 16 + u8::try_from(later).unwrap(); 32]),
    }
}

fn escrow(cohort: u16) -> Secret {
    Secret([u8::try_from(cohort).unwrap() + 240; 32])
}

/// The people of the story. All began in the first cohort, at the first prison.
struct People {
    /// Released in the first cohort.
    gone: LearnerId,
    /// There, and nothing was written of him since.
    here: LearnerId,
    /// Went to the second prison without what is restricted.
    moved: LearnerId,
    /// Left for nobody knows where.
    nowhere: LearnerId,
    /// Left for the second prison, and has not come.
    under_way: LearnerId,
    /// Released in the second cohort.
    late: LearnerId,
    /// Released in the first; his certificate came in the third.
    certified: LearnerId,
    /// Released in the first; in the third he is at the third prison, under this and another id.
    again: [LearnerId; 2],
    /// Released and erased in the first.
    early: LearnerId,
}

struct Story {
    network: Network,
    people: People,
    sticks: Vec<Vec<u8>>,
}

fn change(network: &mut Network, at: &[usize], change: impl FnOnce(&mut Roster)) {
    network.signed = network.change_roster(at, change);
    network.settle();
}

/// Has all nodes publish their keys of a cohort.
fn publish(network: &mut Network, cohort: u16) {
    for at in SITES {
        network.nodes[at].add_box(cohort, seed(at, cohort));
    }
    network.settle();
}

/// Puts a cohort in force whose keys are published.
fn put_in_force(roster: &mut Roster, cohort: u16) {
    roster.cohort = cohort;
    roster.escrow.insert(cohort, box_key(&escrow(cohort)));
    for (at, site) in roster.sites.iter_mut().enumerate() {
        let key = box_key(&seed(at, cohort));
        site.boxes.insert(cohort, key);
        site.carrier = wrap_carrier(&Secret([2; 32]), &key, [3; 32]).unwrap();
    }
}

/// Puts the next cohort in force everywhere.
fn next_cohort(network: &mut Network, cohort: u16) {
    publish(network, cohort);
    change(network, &[DGP], |roster| put_in_force(roster, cohort));
}

/// Has the keys of the first cohort destroyed.
fn shred(roster: &mut Roster) {
    roster.shredded = 1;
    roster.escrow.retain(|cohort, _| *cohort > 1);
    for site in &mut roster.sites {
        site.boxes.retain(|cohort, _| *cohort > 1);
    }
}

fn disability(node: &mut Node, learner: LearnerId) {
    let disability = Disability::Seeing;
    let event = Event::new(Body::Disability { disability });
    node.append(learner, &[(None, event)]).unwrap();
}

/// Three cohorts of it, and a hundred sticks from the first.
fn story() -> Story {
    let mut network = Network::new(3);
    change(&mut network, &SITES, |roster| {
        roster.escrow.insert(1, box_key(&escrow(1)));
    });
    let names = [
        "Gone",
        "Here",
        "Moved",
        "Nowhere",
        "Way",
        "Late",
        "Certified",
        "Again",
        "Early",
    ];
    let [
        gone,
        here,
        moved,
        nowhere,
        under_way,
        late,
        certified,
        again,
        early,
    ] = names.map(|name| {
        let learner = network.nodes[1].add_learner(&newcomer(name)).unwrap();
        attends(&mut network.nodes[1], learner, 1);
        learner
    });
    for learner in [here, moved] {
        disability(&mut network.nodes[1], learner);
    }
    network.settle();
    for (learner, to) in [
        (moved, to(2)),
        (under_way, to(2)),
        (nowhere, Destination::Unknown),
        (gone, Destination::Released),
        (certified, Destination::Released),
        (again, Destination::Released),
        (early, Destination::Released),
    ] {
        leaves(&mut network, 1, learner, to);
    }
    network.settle();
    arrives(&mut network, 2, moved);
    erase(&mut network, &[early]);
    let mut sticks = Vec::new();
    for session in 2..27 {
        attends(&mut network.nodes[2], moved, session);
        network.nodes[2].flush().unwrap();
        network.exchange(2, 3, None);
        for at in SITES {
            sticks.push(export(&mut network.nodes[at], &[]));
        }
    }
    network.settle();
    assert_eq!(sticks.len(), 100);
    next_cohort(&mut network, 2);
    attends(&mut network.nodes[1], late, 2);
    leaves(&mut network, 1, late, Destination::Released);
    network.settle();
    next_cohort(&mut network, 3);
    attends(&mut network.nodes[1], certified, 2);
    // Arrested again, and registered as a new person, until two officers say who he is.
    let other = network.nodes[3].add_learner(&newcomer("Again")).unwrap();
    network.nodes[3].flush().unwrap();
    network.nodes[3].ask_who(other, LinkReason::ALL[0]).unwrap();
    network.settle();
    let question = network.nodes[DGP].worklist().unwrap().remove(0);
    network.nodes[DGP]
        .decide(question.id.parse().unwrap(), Some(again))
        .unwrap();
    network.settle();
    let people = People {
        gone,
        here,
        moved,
        nowhere,
        under_way,
        late,
        certified,
        again: [again, other],
        early,
    };
    Story {
        network,
        people,
        sticks,
    }
}

fn found(network: &Network, cohort: u16) -> Shredding {
    network.nodes[DGP].shredding(cohort, 0).unwrap()
}

fn erase(network: &mut Network, learners: &[LearnerId]) {
    let dgp = &mut network.nodes[DGP];
    for number in [8, 9] {
        if dgp.office_of(number).is_err() {
            appoint(dgp, number, Office::Administrator).unwrap();
        }
        let by = Signature::sign(&subject(learners), number, &officer_key(number));
        dgp.erase_by(learners, &by).unwrap();
    }
    network.settle();
    network.settle();
}

/// A machine that begins with nothing but keys of these cohorts.
fn anew(signed: &SignedRoster, at: usize, cohorts: &[u16]) -> Node {
    let mut store = Memory::default();
    install_roster(&mut store, signed).unwrap();
    let mut whole = identity(at);
    whole.boxes = cohorts
        .iter()
        .map(|cohort| (*cohort, seed(at, *cohort)))
        .collect();
    Engine::open(store, whole, Box::new(Machine)).unwrap()
}

fn figures(node: &Node) -> String {
    format!("{:?}", node.totals(Query::ALL).unwrap().figures)
}

/// How many custody keys of the first cohort a node has.
fn old_custody(node: &Node) -> usize {
    let rows = node
        .store()
        .scan(Table::Custody, &[], &[], usize::MAX)
        .unwrap();
    rows.iter().filter(|(key, _)| key[2..4] == [0, 1]).count()
}

#[test]
fn who_left_in_a_destroyed_cohort_opens_nowhere() {
    let Story {
        mut network,
        people,
        sticks,
    } = story();
    let before = figures(&network.nodes[DGP]);

    // What is missing is told. Who is somewhere under another id, or was written of since, is not due.
    let line = found(&network, 1);
    assert_eq!((line.latest, &line.due), (1, &vec![people.gone]));
    // Whatever prisons have written of them: the head office has nothing of its own yet.
    assert_eq!((line.kept, line.unsealed), (7, 7), "{line:?}");
    assert!(line.is_all_here() && !line.is_ready());
    assert!(
        found(&network, 2).latest < 2,
        "the cohort before the one in force is kept"
    );
    let kept_longer = network.nodes[DGP].shredding(1, 2).unwrap();
    assert_eq!(
        kept_longer.latest, 0,
        "two cohorts after the first are the second and the third"
    );

    assert_eq!(network.nodes[DGP].keep_sealed(1).unwrap(), 7);
    assert_eq!(network.nodes[DGP].keep_sealed(1).unwrap(), 0, "once");
    assert!(found(&network, 1).unheld);
    erase(&mut network, &[people.gone]);
    let line = found(&network, 1);
    assert!(line.is_ready(), "{line:?}");

    let unordered = network.signed.clone();
    change(&mut network, &[DGP], shred);
    network.settle();
    for at in SITES {
        let node = &mut network.nodes[at];
        assert_eq!(old_custody(node), 0, "at {at}");
        assert_eq!(node.destroyed().unwrap(), Some(1), "at {at}");
        node.keys_are_gone(1).unwrap();
        assert_eq!(node.destroyed().unwrap(), None);
    }
    network.settle();
    let line = found(&network, 1);
    assert!(
        line.ordered && line.waits.is_empty() && line.done.len() == 4,
        "{line:?}"
    );
    assert_eq!(figures(&network.nodes[DGP]), before);

    // All keys that are left, and a hundred old sticks, read nothing of him, also in a program that heeds no
    // order; with the keys of the first cohort they would.
    let read = |cohorts: &[u16]| {
        let mut node = anew(&unordered, DGP, cohorts);
        for stick in &sticks {
            import(&mut node, stick);
        }
        let seeds: Vec<Secret> = cohorts.iter().map(|cohort| escrow(*cohort)).collect();
        node.open_escrow(&seeds).unwrap();
        fold(&mut node);
        sessions(&mut node, people.gone)
    };
    assert_eq!(read(&[1, 2, 3]), [1], "the sticks have it");
    assert_eq!(read(&[2, 3]), [] as [u16; 0]);
    // Whoever is not gone is read by a head office that begins with nothing, and so are the figures.
    let file = export(&mut network.nodes[3], &[]);
    let mut node = anew(&network.signed, DGP, &[2, 3]);
    assert!(import(&mut node, &file));
    node.open_escrow(&[escrow(2), escrow(3)]).unwrap();
    fold(&mut node);
    let read = |node: &mut Node, learner| sessions(node, learner);
    assert_eq!(read(&mut node, people.here), [1]);
    assert_eq!(read(&mut node, people.moved), (1..27).collect::<Vec<u16>>());
    assert_eq!(read(&mut node, people.nowhere), [1]);
    assert_eq!(read(&mut node, people.under_way), [1]);
    assert_eq!(read(&mut node, people.late), [1, 2]);
    assert_eq!(read(&mut node, people.certified), [1, 2]);
    assert_eq!(read(&mut node, people.again[0]), [1]);
    for learner in [people.gone, people.early] {
        assert!(read(&mut node, learner).is_empty());
    }
    assert_eq!(figures(&node), before, "also of whom was erased long ago");
    // A prison's next disk brings its people back, with what only the prison reads; also of who left it.
    let mut node = anew(&network.signed, 1, &[2, 3]);
    assert!(import(&mut node, &file));
    fold(&mut node);
    let events = node.events(people.here).unwrap();
    let is_restricted = |body: &Body| matches!(body, Body::Disability { .. });
    assert!(
        events.iter().any(|(_, event)| is_restricted(&event.body)),
        "{events:?}"
    );
    assert!(
        restricted_keys(&node, people.moved) >= 2,
        "the old one, and where it stands"
    );

    // Life goes on: whoever was on his way or nowhere comes, and his past is there.
    for learner in [people.under_way, people.nowhere] {
        let came = network.nodes[2].admit(learner, None).unwrap();
        assert_eq!(came.learner, learner);
        network.settle();
        network.settle();
        assert_eq!(sessions(&mut network.nodes[2], learner), [1]);
        assert_eq!(states(&mut network, 2, learner).len(), 1);
    }
    assert_eq!(
        sessions(&mut network.nodes[3], people.again[1]),
        [1],
        "also his"
    );
}

/// How many keys of the restricted stream a node has of somebody.
fn restricted_keys(node: &Node, learner: LearnerId) -> usize {
    let rows = node
        .store()
        .scan(Table::StayKey, &[], &[], usize::MAX)
        .unwrap();
    let its = |key: &[u8]| key[2..18] == learner.0 && key[18] == 1;
    rows.iter().filter(|(key, _)| its(key)).count()
}

/// A prison's next machine is given the keys of each cohort under its own key of that cohort, so that they
/// end with it: who has a later seed of it and the logs does not find them.
#[test]
fn keys_are_given_back_under_their_own_cohort() {
    let mut network = Network::new(3);
    change(&mut network, &SITES, |_| {});
    let learner = network.nodes[1].add_learner(&newcomer("Dara")).unwrap();
    attends(&mut network.nodes[1], learner, 1);
    network.settle();
    for cohort in [2, 3] {
        next_cohort(&mut network, cohort);
    }
    let new = |cohorts: &[u16]| Identity {
        signing: SigningKey::from_bytes(&[0x77; 32]),
        boxes: cohorts
            .iter()
            .map(|cohort| (*cohort, Secret([u8::try_from(*cohort).unwrap() + 0x70; 32])))
            .collect(),
        secret: Secret([0x79; 32]),
    };
    let lost = network.nodes.remove(1);
    let key = box_key(&new(&[3]).boxes[&3]);
    let newer = network.change_roster(&[0, 1, 2], |roster| {
        let site = &mut roster.sites[1];
        site.keys.push(new(&[]).signing.verifying_key().to_bytes());
        site.boxes.insert(3, key);
        site.carrier = wrap_carrier(&Secret([2; 32]), &key, [3; 32]).unwrap();
    });
    network.signed = newer;
    let machine = |network: &Network, cohorts: &[u16]| {
        let mut store = Memory::default();
        install_roster(&mut store, &network.signed).unwrap();
        Engine::open(store, new(cohorts), Box::new(Machine)).unwrap()
    };
    let node = machine(&network, &[1, 2, 3]);
    assert!(node.roster().was_made_anew(site(1)));
    network.nodes.insert(1, node);
    network.settle();
    network.settle();
    let node = &mut network.nodes[1];
    assert_eq!(sessions(node, learner), [1]);
    let cohorts = |node: &Node| {
        let of_site = site(1).0.to_be_bytes();
        let rows = node
            .store()
            .scan(Table::Custody, &of_site, &[], usize::MAX)
            .unwrap();
        rows.iter()
            .map(|(key, _)| u16::from_be_bytes([key[2], key[3]]))
            .collect::<Vec<u16>>()
    };
    assert_eq!(cohorts(node), [1, 2, 3]);
    assert_eq!(
        figures(node),
        figures(&lost),
        "his own totals are there, too"
    );
    let file = export(&mut network.nodes[2], &[]);
    let mut thief = machine(&network, &[3]);
    assert!(import(&mut thief, &file));
    fold(&mut thief);
    assert_eq!(cohorts(&thief), [3]);
    assert_eq!(sessions(&mut thief, learner), [1], "he is there now");
}

/// What nobody has heard of may be where somebody is who seems due.
#[test]
fn who_is_silent_is_waited_for() {
    let mut network = Network::new(3);
    let learner = network.nodes[3].add_learner(&newcomer("Dara")).unwrap();
    attends(&mut network.nodes[3], learner, 1);
    network.settle();
    publish(&mut network, 2);
    publish(&mut network, 3);
    let silent = network.nodes.pop().unwrap();
    for cohort in [2, 3] {
        change(&mut network, &[DGP], |roster| put_in_force(roster, cohort));
    }
    let line = found(&network, 1);
    assert_eq!(line.behind, ["S3"]);
    assert!(!line.is_all_here());
    network.nodes.push(silent);
    attends(&mut network.nodes[3], learner, 2);
    network.nodes[3].flush().unwrap();
    network.settle();
    let line = found(&network, 1);
    assert!(line.is_all_here(), "{line:?}");
    // What was heard once in a later cohort is not enough: it has to be lately.
    for at in [DGP, 1, 2, 3] {
        network.nodes[at].add_box(5, seed(at, 5));
    }
    network.settle();
    let silent = network.nodes.pop().unwrap();
    change(&mut network, &[DGP], |roster| put_in_force(roster, 5));
    assert_eq!(found(&network, 1).behind, ["S3"]);
    network.nodes.push(silent);
    network.settle();
    assert!(found(&network, 1).is_all_here());
}

/// A roster alone destroys nothing: a prison that hears late of the new cohort keeps the keys of the old
/// one, until the DGP and two others hold what it wrote on.
#[test]
fn keys_stay_until_others_hold_what_was_written_on() {
    let mut network = Network::new(3);
    change(&mut network, &SITES, |roster| {
        roster.escrow.insert(1, box_key(&escrow(1)));
    });
    let learner = network.nodes[1].add_learner(&newcomer("Dara")).unwrap();
    attends(&mut network.nodes[1], learner, 1);
    network.settle();
    publish(&mut network, 3);
    let newer = network.change_roster(&SITES, |roster| {
        put_in_force(roster, 3);
        shred(roster);
    });
    network.signed = newer;
    let restarted = |network: &Network| {
        let store = network.nodes[1].store().clone();
        let mut whole = identity(1);
        whole.boxes.insert(3, seed(1, 3));
        Engine::open(store, whole, Box::new(Machine)).unwrap()
    };
    let keys = |network: &Network| old_custody(&network.nodes[1]);
    network.nodes[1].flush().unwrap();
    assert_eq!(keys(&network), 1, "nobody has what it wrote on");
    for other in [2, DGP] {
        network.exchange(1, other, None);
        network.exchange(1, other, None);
        network.nodes[1].flush().unwrap();
        assert_eq!(
            keys(&network),
            1,
            "two must have it besides the DGP: {other}"
        );
    }
    network.exchange(1, 3, None);
    network.exchange(1, 3, None);
    network.nodes[1].flush().unwrap();
    assert_eq!(keys(&network), 0);
    // Until the key file has lost it, each start says so; and what was open stays open.
    let mut node = restarted(&network);
    assert_eq!(node.destroyed().unwrap(), Some(1));
    assert_eq!(sessions(&mut node, learner), [1]);
    attends(&mut node, learner, 2);
    node.flush().unwrap();
    network.nodes[1] = node;
    network.settle();
    assert_eq!(sessions(&mut network.nodes[DGP], learner), [1, 2]);
}
