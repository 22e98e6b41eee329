//! Goal: who is erased opens nowhere, on no node and from no old stick; whoever is not goes on as before;
//! and what the erased added to the figures stays, also at a head office that begins with nothing.
//! Method: prisons and the DGP in memory; a learner with a past at two of them, education and restricted;
//! sticks written before; every stored value is searched.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use std::collections::BTreeMap;

use network::officers::{appoint, officer_key};
use network::people::{MODULE, day, newcomer};
use network::{DGP, Network, export, fold, identity, import, site};
use spean::engine::erasure::{ErasureLine, subject};
use spean::store::{Store, Table};
use spean_protocol::control::Entry;
use spean_protocol::erasure::Erasure;
use spean_protocol::event::{Body, Destination, Disability, Event};
use spean_protocol::id::{Label, LearnerId};
use spean_protocol::officer::{Office, Signature};
use spean_protocol::roster::Roster;
use spean_protocol::seal::{Secret, box_key};
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};
use spean_protocol::totals::Query;

const ESCROW: Secret = Secret([77; 32]);

fn work(network: &mut Network, at: usize, learner: LearnerId, session: u16) {
    let module = MODULE;
    let event = Event::new(Body::Attended { module, session }).on(day().unwrap());
    network.nodes[at].append(learner, &[(None, event)]).unwrap();
}

/// Three prisons; two learners who went from the first to the second and were released there.
fn released() -> (Network, [LearnerId; 2]) {
    let mut network = Network::new(3);
    let with_escrow = |roster: &mut Roster| {
        roster.escrow = BTreeMap::from([(1, box_key(&ESCROW))]);
    };
    network.signed = network.change_roster(&[0, 1, 2, 3], with_escrow);
    let people = ["Dara", "Rith"].map(|name| {
        let learner = network.nodes[1].add_learner(&newcomer(name)).unwrap();
        work(&mut network, 1, learner, 1);
        let disability = Disability::Seeing;
        let event = Event::new(Body::Disability { disability });
        network.nodes[1].append(learner, &[(None, event)]).unwrap();
        network.nodes[1].flush().unwrap();
        let to = Destination::Site(site(2));
        let left = network.nodes[1]
            .transfer_out(learner, to, day(), true)
            .unwrap();
        network.nodes[2]
            .transfer_in(&left.slip.unwrap(), day())
            .unwrap();
        work(&mut network, 2, learner, 2);
        learner
    });
    network.settle();
    for learner in people {
        network.nodes[2]
            .transfer_out(learner, Destination::Released, day(), false)
            .unwrap();
    }
    network.settle();
    (network, people)
}

fn erase(network: &mut Network, learners: &[LearnerId]) -> ErasureLine {
    let dgp = &mut network.nodes[DGP];
    for number in [8, 9] {
        if dgp.office_of(number).is_err() {
            appoint(dgp, number, Office::Administrator).unwrap();
        }
    }
    let by = |number| Signature::sign(&subject(learners), number, &officer_key(number));
    assert!(dgp.erase_by(learners, &by(8)).unwrap().erasure.is_none());
    assert!(
        dgp.erase_by(learners, &by(8)).unwrap().erasure.is_none(),
        "one is not two"
    );
    dgp.erase_by(learners, &by(9)).unwrap().erasure.unwrap()
}

fn parcels(network: &Network, at: usize) -> usize {
    let store = network.nodes[at].store();
    store
        .scan(Table::Parcel, &[], &[], usize::MAX)
        .unwrap()
        .len()
}

/// Whether an id stands in any key or value that a node keeps outside of sealed bytes.
fn holds(network: &Network, at: usize, learner: LearnerId) -> Vec<&'static str> {
    let store = network.nodes[at].store();
    let has = |bytes: &[u8]| bytes.windows(16).any(|some| some == learner.0);
    let mut tables = Vec::new();
    for table in Table::ALL {
        let rows = store.scan(table, &[], &[], usize::MAX).unwrap();
        if rows.iter().any(|(key, value)| has(key) || has(value)) {
            tables.push(table.name());
        }
    }
    if store.learner(learner).unwrap().is_some() {
        tables.push("learner");
    }
    tables
}

#[test]
fn who_is_erased_opens_nowhere_and_his_figures_stay() {
    let (mut network, [dara, rith]) = released();
    let sticks: Vec<Vec<u8>> = (0..4)
        .map(|at| export(&mut network.nodes[at], &[]))
        .collect();
    let figures = |network: &Network, at: usize| {
        format!(
            "{:?}",
            network.nodes[at].totals(Query::ALL).unwrap().figures
        )
    };
    let before: Vec<String> = (0..4).map(|at| figures(&network, at)).collect();
    let held = parcels(&network, 3);
    let line = erase(&mut network, &[dara]);
    assert!(line.parcels >= 2 && line.done.is_empty(), "{line:?}");
    network.settle();
    network.settle();
    for (at, before) in before.iter().enumerate() {
        assert_eq!(holds(&network, at, dara), Vec::<&str>::new(), "at {at}");
        assert_eq!(&figures(&network, at), before, "at {at}");
        assert!(parcels(&network, at) < held);
    }
    assert!(
        network.nodes[DGP].view(rith).unwrap().is_some(),
        "the other is as he was"
    );
    let lines = network.nodes[DGP].erasures().unwrap();
    // The DGP's, and the prisons' of what only they can find.
    assert!(lines.iter().all(|line| line.waits.is_empty()), "{lines:?}");
    assert!(lines.len() >= 2);
    // Old sticks bring nothing back, wherever they come.
    let left: Vec<usize> = (0..4).map(|at| parcels(&network, at)).collect();
    for stick in &sticks {
        for at in 0..4 {
            import(&mut network.nodes[at], stick);
            fold(&mut network.nodes[at]);
        }
    }
    network.settle();
    for (at, before) in before.iter().enumerate() {
        assert_eq!(parcels(&network, at), left[at], "at {at}");
        assert_eq!(holds(&network, at, dara), Vec::<&str>::new(), "at {at}");
        assert_eq!(&figures(&network, at), before, "at {at}");
    }
    // A prison that begins with nothing takes the logs with what is gone from them.
    let file = export(&mut network.nodes[3], &[]);
    let mut fresh = network.fresh(3);
    assert!(import(&mut fresh, &file));
    assert_eq!(
        fresh
            .store()
            .scan(Table::Parcel, &[], &[], usize::MAX)
            .unwrap()
            .len(),
        left[3]
    );
    // So does a head office, and its figures are the old ones.
    let mut fresh = network.fresh(DGP);
    for stick in [&sticks[1], &file] {
        import(&mut fresh, stick);
        fold(&mut fresh);
    }
    fresh.open_escrow(&[ESCROW]).unwrap();
    fold(&mut fresh);
    assert_eq!(
        format!("{:?}", fresh.totals(Query::ALL).unwrap().figures),
        before[DGP]
    );
    assert!(
        fresh
            .view(dara)
            .unwrap()
            .is_none_or(|view| view.events == 0)
    );
}

#[test]
fn only_the_head_office_erases_and_only_who_is_gone() {
    let (mut network, [dara, _]) = released();
    appoint(&mut network.nodes[1], 1, Office::Director).unwrap();
    let by = Signature::sign(&subject(&[dara]), 1, &officer_key(1));
    let refused = network.nodes[1]
        .erase_by(&[dara], &by)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("only the head office"), "{refused}");
    let here = network.nodes[3].add_learner(&newcomer("Sokha")).unwrap();
    network.settle();
    let dgp = &mut network.nodes[DGP];
    appoint(dgp, 8, Office::Administrator).unwrap();
    let by = |learner| Signature::sign(&subject(&[learner]), 8, &officer_key(8));
    let refused = dgp.erase_by(&[here], &by(here)).unwrap_err().to_string();
    assert!(refused.contains("is still at S3"), "{refused}");
    let unknown = LearnerId([9; 16]);
    assert!(dgp.erase_by(&[unknown], &by(unknown)).is_err());
    assert!(
        dgp.erase_by(&[dara], &by(here)).is_err(),
        "a signature of something else"
    );
}

/// Goal: a prison erases in nobody's log but its own.
/// Method: a machine of the third prison signs an erasure of all that there is; nothing of another's goes,
/// and what it named is taken as before where it is whole.
#[test]
fn a_prison_erases_nothing_of_another() {
    let (mut network, [dara, _]) = released();
    network.nodes[3].add_learner(&newcomer("Sokha")).unwrap();
    network.settle();
    let before = parcels(&network, 3);
    let store = network.nodes[3].store();
    let rows = store.scan(Table::Parcel, &[], &[], usize::MAX).unwrap();
    let named = rows.iter().map(|(key, body)| {
        let label = Label(*key.first_chunk().unwrap());
        Erasure::name(label, blake3::hash(body).as_bytes())
    });
    let erasure = Erasure {
        id: [1; 16],
        parcels: named.collect(),
    };
    let skeleton = network.nodes[3].skeleton();
    let run = skeleton.bases(site(3)).next().unwrap();
    let held = skeleton.run(run).unwrap();
    let header = Header {
        log: Log::Control,
        site: site(3),
        run,
        height: held.control,
        previous: held.control_tip,
        control: held.control,
        cohort: 1,
        stamp: 1,
        lines: Vec::new(),
    };
    let entry = (Label([0; 16]), Entry::Erasure(erasure).encode());
    let segment = Segment::sign(header, vec![entry], &identity(3).signing).unwrap();
    let own = rows.len() - parcels_of(&network, DGP, 3);
    for at in [DGP, 1, 2] {
        let taken = network.nodes[at].take_all(vec![Frame::Segment(segment.encode())]);
        assert_eq!(taken.unwrap(), [true], "at {at}");
        assert_eq!(parcels(&network, at), own, "at {at}");
    }
    assert!(network.nodes[DGP].view(dara).unwrap().unwrap().events > 0);
    // A node that hears of it first takes all the same what others wrote.
    let file = export(&mut network.nodes[1], &[]);
    let mut fresh = network.fresh(2);
    fresh
        .take_all(vec![Frame::Segment(segment.encode())])
        .unwrap();
    assert!(import(&mut fresh, &file));
    let rows = fresh
        .store()
        .scan(Table::Parcel, &[], &[], usize::MAX)
        .unwrap();
    assert_eq!(rows.len(), own);
    assert!(before > own);
}

/// Parcels in the log of one site that were here before it erased them.
fn parcels_of(network: &Network, at: usize, of: usize) -> usize {
    let node = &network.nodes[at];
    let mut count = 0;
    for run in node.skeleton().bases(site(of)) {
        let number = node.skeleton().run(run).unwrap().number.to_be_bytes();
        let rows = node
            .store()
            .scan(Table::Parcel, &[], &[], usize::MAX)
            .unwrap();
        count += rows.iter().filter(|(key, _)| key[16..20] == number).count();
    }
    count
}
