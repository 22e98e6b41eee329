//! Goal: who is erased opens nowhere, on no node and from no old stick; whoever is not goes on as before;
//! and what the erased added to the figures stays, also at a head office that begins with nothing.
//! Method: prisons and the DGP in memory; a learner with a past at two of them, education and restricted;
//! sticks written before; every stored value is searched.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use std::collections::BTreeMap;

use network::by_hand::post;
use network::officers::{appoint, officer_key};
use network::people::{MODULE, day, newcomer};
use network::{DGP, Network, export, fold, identity, import, site};
use spean::engine::arrive::Ticket;
use spean::engine::erasure::{ErasureLine, subject};
use spean::store::{Store, Table};
use spean_protocol::control::Entry;
use spean_protocol::erasure::{ErasedParcel, Erasure};
use spean_protocol::event::{Body, Destination, Disability, Event, LinkReason};
use spean_protocol::id::{Label, LearnerId};
use spean_protocol::letter::{Letter, letter_info};
use spean_protocol::officer::{Office, Signature};
use spean_protocol::roster::Roster;
use spean_protocol::seal::{Secret, box_key, box_seal};
use spean_protocol::session::Host;
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

/// Goal: no prison erases anything, in anybody's log.
/// Method: a machine of the third prison signs an erasure of all that there is; nothing goes, and who hears of
/// it first takes what it names all the same.
#[test]
fn a_prison_erases_nothing_of_another() {
    let (mut network, [dara, _]) = released();
    network.nodes[3].add_learner(&newcomer("Sokha")).unwrap();
    network.settle();
    let erasure = Erasure {
        id: [1; 16],
        persons: true,
        parcels: (0..4).flat_map(|of| names_of(&network, 3, of)).collect(),
    };
    let all = erasure.parcels.len();
    assert_eq!(all, parcels(&network, 3));
    post(&mut network.nodes[3], &[Entry::Erasure(erasure)]);
    let file = export(&mut network.nodes[3], &[]);
    network.settle();
    for at in 0..4 {
        assert_eq!(parcels(&network, at), all, "at {at}");
    }
    assert!(network.nodes[DGP].view(dara).unwrap().unwrap().events > 0);
    // In a bundle control logs come first.
    let mut fresh = network.fresh(2);
    assert!(import(&mut fresh, &file));
    let held = fresh.store().scan(Table::Parcel, &[], &[], usize::MAX);
    assert_eq!(held.unwrap().len(), all);
}

/// Goal: who comes back is a learner like any other, to the prison and to the DGP; what was erased stays so.
/// Method: he is admitted by his old card at a prison where he never was, and learns.
#[test]
fn who_comes_back_begins_anew() {
    let (mut network, [dara, _]) = released();
    erase(&mut network, &[dara]);
    network.settle();
    network.settle();
    network.nodes[3].admit(dara, day()).unwrap();
    work(&mut network, 3, dara, 7);
    network.settle();
    for at in [3, DGP] {
        let view = network.nodes[at].view(dara).unwrap().unwrap();
        let attended = &view.progress.module(MODULE).unwrap().attended;
        assert!(attended.iter().eq(&[7]), "at {at}: {attended:?}");
        assert_eq!(view.stays.len(), 1, "at {at}");
    }
}

/// The names of the parcels of a site's log, as a node has them.
fn names_of(network: &Network, at: usize, of: usize) -> Vec<ErasedParcel> {
    let node = &network.nodes[at];
    let numbers: Vec<[u8; 4]> = node
        .skeleton()
        .runs(site(of))
        .map(|(_, run)| run.number.to_be_bytes())
        .collect();
    let rows = node
        .store()
        .scan(Table::Parcel, &[], &[], usize::MAX)
        .unwrap();
    let own = rows
        .iter()
        .filter(|(key, _)| numbers.iter().any(|number| key[16..20] == *number));
    let name = |(key, body): &(Vec<u8>, Vec<u8>)| {
        let label = Label(*key.first_chunk().unwrap());
        Erasure::name(label, blake3::hash(body).as_bytes())
    };
    own.map(name).collect()
}

/// Goal: nobody who runs one prison's node makes a person forgotten elsewhere.
/// Method: the first prison erases all that it wrote; what the second one wrote of the same learners is
/// there as before, and so are they.
#[test]
fn a_prison_alone_erases_no_person() {
    let (mut network, people) = released();
    // One of whom nobody else wrote anything: nothing is left of him, anywhere alike.
    network.nodes[1].add_learner(&newcomer("Vanna")).unwrap();
    network.settle();
    let parcels = names_of(&network, DGP, 1);
    let erasure = Entry::Erasure(Erasure {
        id: [1; 16],
        persons: true,
        parcels,
    });
    post(&mut network.nodes[1], &[erasure]);
    network.settle();
    for learner in people {
        let view = network.nodes[DGP].view(learner).unwrap();
        assert!(view.is_some_and(|view| view.events > 0), "{learner}");
    }
    let figures = network.nodes[DGP].totals(Query::ALL).unwrap().figures;
    let mut fresh = network.fresh(DGP);
    let file = export(&mut network.nodes[DGP], &[]);
    for _ in 0..2 {
        import(&mut fresh, &file);
        fold(&mut fresh);
    }
    assert_eq!(fresh.totals(Query::ALL).unwrap().figures, figures);
    // They can still be erased by whom it is to say.
    erase(&mut network, &people);
}

/// Goal: a prison can ask to have erased only what it wrote itself and the DGP does not read.
/// Method: the first prison asks, in a letter, for all that the second wrote, for what it wrote itself of
/// people whom the DGP reads, and for what nobody has.
#[test]
fn a_prison_asks_in_vain_for_what_is_read() {
    let (mut network, people) = released();
    let mut asked = names_of(&network, 3, 2);
    asked.extend(names_of(&network, 3, 1));
    asked.push(Erasure::name(Label([1; 16]), &[2; 32]));
    let own = network.nodes[1].site();
    let read: Vec<_> = people
        .iter()
        .map(|learner| network.nodes[DGP].view(*learner).unwrap())
        .collect();
    let info = letter_info(own, site(DGP));
    let key = box_key(&identity(DGP).boxes[&1]);
    let content = Letter::ToErase(asked).encode();
    let sealed = box_seal(&key, &info, &content, [5; 32]).unwrap();
    post(&mut network.nodes[1], &[Entry::Letter { sealed }]);
    let others = names_of(&network, 3, 2).len();
    network.settle();
    network.settle();
    assert_eq!(names_of(&network, 3, 2).len(), others);
    for (learner, before) in people.iter().zip(read) {
        assert_eq!(network.nodes[DGP].view(*learner).unwrap(), before);
    }
}

/// Goal: what stands in a branch of a forked run goes, too.
/// Method: two copies of a prison's machine go on with the same run, and write of the same learner.
#[test]
fn what_is_in_a_branch_is_erased() {
    let (mut network, [dara, _]) = released();
    // Both copies go on with the run that the machine writes, as one that is resumed twice.
    let mut copy = network.start_like(2, network.nodes[2].store().clone(), 90);
    let mut twin = network.start_like(2, network.nodes[2].store().clone(), 90);
    for (node, session) in [(&mut copy, 3), (&mut twin, 4)] {
        let module = MODULE;
        let event = Event::new(Body::Attended { module, session }).on(day().unwrap());
        node.append(dara, &[(None, event)]).unwrap();
        node.flush().unwrap();
        let file = export(node, &[]);
        import(&mut network.nodes[DGP], &file);
        import(&mut network.nodes[3], &file);
    }
    network.nodes[2] = copy;
    network.settle();
    let twins = network.nodes[3]
        .skeleton()
        .runs(site(2))
        .filter(|(_, run)| run.forked);
    assert!(twins.count() >= 2);
    erase(&mut network, &[dara]);
    network.settle();
    for at in [DGP, 1, 3] {
        let store = network.nodes[at].store();
        let named = store.scan(Table::Erased, &[], &[], usize::MAX).unwrap();
        let rows = store.scan(Table::Parcel, &[], &[], usize::MAX).unwrap();
        for (key, body) in rows {
            let label = Label(*key.first_chunk().unwrap());
            let (label, half) = Erasure::name(label, blake3::hash(&body).as_bytes());
            let name = [label.0, half].concat();
            assert!(
                !named.iter().any(|(key, _)| key.starts_with(&name)),
                "at {at}"
            );
        }
    }
}

/// Goal: who is on his way is in a prison's hands, and is not erased.
#[test]
fn who_is_on_his_way_is_not_erased() {
    let mut network = Network::new(2);
    let learner = network.nodes[1].add_learner(&newcomer("Dara")).unwrap();
    network.nodes[1].flush().unwrap();
    appoint(&mut network.nodes[DGP], 8, Office::Administrator).unwrap();
    for to in [Destination::Site(site(2)), Destination::WithoutNode] {
        network.nodes[1]
            .transfer_out(learner, to, day(), false)
            .unwrap();
        network.settle();
        let by = Signature::sign(&subject(&[learner]), 8, &officer_key(8));
        let refused = network.nodes[DGP].erase_by(&[learner], &by).unwrap_err();
        assert!(refused.to_string().contains("on his way"), "{refused}");
    }
}

/// Goal: a prison's next machine, which reads all letters and grants of the past anew, learns nothing of who
/// was erased.
/// Method: the prison where he went last begins with nothing, after the erasure.
#[test]
fn a_machine_that_is_made_anew_learns_nothing_of_him() {
    let (mut network, [dara, rith]) = released();
    erase(&mut network, &[dara]);
    network.settle();
    let file = export(&mut network.nodes[3], &[]);
    let mut fresh = network.fresh(2);
    assert!(import(&mut fresh, &file));
    fold(&mut fresh);
    network.nodes[2] = fresh;
    let tables = holds(&network, 2, dara);
    assert_eq!(tables, Vec::<&str>::new());
    assert_ne!(holds(&network, 2, rith), tables, "the other is as he was");
}

/// Goal: a prison adds nobody to what one officer has signed already.
/// Method: between the two signatures he comes back, and the prison writes that another learner is the same
/// person.
#[test]
fn both_officers_mean_the_same_ids() {
    let (mut network, [dara, rith]) = released();
    for number in [8, 9] {
        appoint(&mut network.nodes[DGP], number, Office::Administrator).unwrap();
    }
    let by = |number| Signature::sign(&subject(&[dara]), number, &officer_key(number));
    let first = network.nodes[DGP].erase_by(&[dara], &by(8)).unwrap();
    assert_eq!((first.learners, first.erasure), (vec![dara], None));
    let (other, reason) = (rith, LinkReason::OfficerKnows);
    let event = Event::new(Body::SamePerson { other, reason });
    // What it writes after he has left is late, and waits.
    let prison = &mut network.nodes[2];
    prison
        .transfer_in_all(&[Ticket::Card(dara)], day())
        .unwrap();
    prison.append(dara, &[(None, event)]).unwrap();
    prison
        .transfer_out(dara, Destination::Released, day(), false)
        .unwrap();
    network.settle();
    let mut second = network.nodes[DGP].erase_by(&[dara], &by(9)).unwrap();
    let mut both = vec![dara, rith];
    both.sort_unstable();
    second.learners.sort_unstable();
    assert_eq!((second.learners, second.erasure), (both, None));
    let done = network.nodes[DGP].erase_by(&[dara], &by(8)).unwrap();
    assert!(done.erasure.is_some());
}
