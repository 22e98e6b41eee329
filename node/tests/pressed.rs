//! Goal: what once went wrong around moves does not go wrong again: letters out of order or made
//! up, keys that a prison must not get, sites that left, machines that were lost, one bad site
//! among good ones, officers who undo and change their minds (P2, P4, P7, P8).
//! Method: as in moves.rs; what a bad site writes is signed with its own key and nobody else's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod network;

use network::people::{arrives, attends, day, learner, leaves, newcomer, sessions, states, to};
use network::{DGP, Network, export, identity, site};
use spean::engine::state::State;
use spean::store::{Store, Table};
use spean_protocol::control::Entry;
use spean_protocol::event::{Body, Destination, Event};
use spean_protocol::id::{Hash, Label, LearnerId, QuestionId, RunId, SiteId, StayId, Stream};
use spean_protocol::letter::{About, Announced, Arrived, Letter, Question, letter_info};
use spean_protocol::seal::{self, Secret};
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};
use spean_protocol::slip::grant_info;
use spean_protocol::stay::{GrantContent, HeldKey, StayKey};

/// Keys of a site's stays that a machine holds of a learner.
fn held(network: &Network, at: usize, learner: LearnerId, of: SiteId) -> usize {
    let prefix = [
        &of.0.to_be_bytes()[..],
        &learner.0,
        &[Stream::Education.byte()],
    ]
    .concat();
    let store = network.nodes[at].store();
    store
        .scan(Table::StayKey, &prefix, &[], usize::MAX)
        .unwrap()
        .len()
}

/// A control segment that a rostered site signs: the first of a run of its own.
fn forged(from: usize, run: u8, number: u32, entries: &[Entry]) -> Frame {
    Frame::Segment(signed_by(from, (run, number), 0, entries).encode())
}

/// The same, handed over ahead of its turn.
fn forged_ahead(from: usize, run: u8, number: u32, entries: &[Entry]) -> Frame {
    Frame::Ahead(signed_by(from, (run, 0), number, entries).encode())
}

fn signed_by(from: usize, (run, number): (u8, u32), height: u32, entries: &[Entry]) -> Segment {
    let mut id = [run; 16];
    id[2..6].copy_from_slice(&number.to_be_bytes());
    let header = Header {
        log: Log::Control,
        site: site(from),
        run: RunId::of(site(from), id),
        height,
        previous: Hash::ZERO,
        control: 0,
        cohort: 1,
        stamp: 0,
        lines: Vec::new(),
    };
    let opening = Entry::Opening(Vec::new()).encode();
    let first = std::iter::once(opening).filter(|_| height == 0);
    let parcels = first.chain(entries.iter().map(Entry::encode));
    let parcels = parcels.map(|parcel| (Label([0; 16]), parcel));
    let signing = identity(from).signing;
    Segment::sign(header, parcels.collect(), &signing).unwrap()
}

fn letter(network: &Network, from: usize, to: usize, letter: &Letter) -> Entry {
    let key = network.nodes[from].roster().box_key(site(to)).unwrap();
    let info = letter_info(site(from), site(to));
    let sealed = seal::box_seal(&key, &info, &letter.encode(), [5; 32]).unwrap();
    Entry::Letter { sealed }
}

fn grant(
    network: &Network,
    from: usize,
    to: usize,
    learner: LearnerId,
    keys: Vec<HeldKey>,
) -> Entry {
    let key = network.nodes[from].roster().box_key(site(to)).unwrap();
    let id = [from as u8; 16];
    let info = grant_info(site(from), site(to), &id);
    let content = GrantContent {
        upto: None,
        learners: vec![(learner, keys)],
    };
    let sealed = seal::box_seal(&key, &info, &content.encode(), [6; 32]).unwrap();
    Entry::Grant { id, sealed }
}

fn junk(of: usize, number: u8) -> HeldKey {
    HeldKey {
        site: site(of),
        stream: Stream::Education,
        stay: StayId([number; 16]),
        key: StayKey(Secret(*blake3::hash(&[of as u8, number]).as_bytes())),
    }
}

/// P7: a prison that once asked, and never records that he left, is given the key of every later
/// stay elsewhere, while it is open.
#[test]
fn a_former_prison_that_records_no_departure_reads_what_follows() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    // By card, without its list: as somebody who lies would.
    arrives(&mut network, 2, dara);
    network.settle();
    // He goes on to 3; 2 records nothing.
    arrives(&mut network, 3, dara);
    network.settle();
    attends(&mut network.nodes[3], dara, 33);
    network.settle();
    assert_eq!(
        held(&network, 2, dara, site(3)),
        0,
        "2 has the key of his open stay at 3"
    );
    assert!(!sessions(&mut network.nodes[2], dara).contains(&33));
}

/// The same with a question that is asked (nothing announced).
#[test]
fn the_same_without_any_announcement() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    arrives(&mut network, 3, dara);
    network.settle();
    attends(&mut network.nodes[3], dara, 33);
    network.settle();
    assert!(!sessions(&mut network.nodes[2], dara).contains(&33));
    assert_eq!(
        held(&network, 2, dara, site(3)),
        0,
        "2 has the key of his open stay at 3"
    );
}

/// P7: two letters of any prison, and the key of an open stay is granted to it.
#[test]
fn a_letter_and_a_junk_grant_fetch_the_key_of_an_open_stay() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    let arrived = Arrived {
        learner: dara,
        site: site(3),
        stay: StayId([9; 16]),
        date: None,
    };
    let lie = letter(&network, 3, 1, &Letter::Arrived(arrived));
    let bait = grant(&network, 3, 1, dara, vec![junk(2, 1)]);
    network.nodes[1]
        .take_all(vec![forged(3, 7, 1, &[lie, bait])])
        .unwrap();
    network.settle();
    assert_eq!(
        held(&network, 3, dara, site(1)),
        0,
        "3 was given the key of his open stay at 1"
    );
}

/// Order: letters that cross ahead of their turn overtake those before them. An arrival that was
/// undone counts, and the old site can send him nowhere else.
#[test]
fn not_arrived_overtakes_arrived() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    learner(&mut network, 2, "Before");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    for turn in 0..6 {
        let other = learner(&mut network, 2, &format!("L{turn}"));
        network.nodes[2].ask_who(other).unwrap();
    }
    network.nodes[2].undo(dara).unwrap();
    network.exchange(1, 2, None);
    network.settle();
    let out = network.nodes[1].transfer_out(dara, to(3), day(), false);
    assert!(out.is_ok(), "{out:?}");
}

/// The same with a decision that was taken back.
#[test]
fn a_decision_that_was_taken_back_comes_back() {
    for cut in 2..9 {
        taken_back(cut);
    }
}

fn taken_back(cut: usize) {
    let mut network = Network::new(3);
    let old = learner(&mut network, 1, "Dara");
    let rith = learner(&mut network, 1, "Rith");
    network.settle();
    arrives(&mut network, 3, rith);
    network.settle();
    leaves(&mut network, 1, old, to(2));
    let new = learner(&mut network, 2, "Dara");
    network.nodes[2].ask_who(new).unwrap();
    network.settle();
    let lines = network.nodes[DGP].worklist().unwrap();
    let line = lines.iter().find(|line| line.kind == "person").unwrap();
    let question: QuestionId = line.id.parse().unwrap();
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    for turn in 0..6 {
        let other = learner(&mut network, 1, &format!("L{turn}"));
        network.exchange(1, DGP, None);
        arrives(&mut network, 3, other);
        network.exchange(3, DGP, None);
        sessions(&mut network.nodes[DGP], other);
        network.nodes[DGP].flush().unwrap();
    }
    network.nodes[DGP].undo_decision(question).unwrap();
    // The link is cut after the first frames; the node reads meanwhile, as service.rs does.
    network.exchange(2, DGP, Some(cut));
    sessions(&mut network.nodes[2], new);
    network.nodes[2].flush().unwrap();
    network.settle();
    network.settle();
    let view = network.nodes[DGP].view(new).unwrap().unwrap();
    let same = view
        .links
        .iter()
        .any(|link| !link.same.is_empty() && link.not_same.is_empty());
    assert!(!same, "cut {cut}, the same person again: {:?}", view.links);
}

/// The same with a list.
#[test]
fn not_coming_overtakes_announced() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    leaves(&mut network, 1, dara, to(2));
    for turn in 0..6 {
        let other = learner(&mut network, 1, &format!("L{turn}"));
        leaves(&mut network, 1, other, to(3));
    }
    leaves(&mut network, 1, dara, to(3));
    network.exchange(1, 2, None);
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(found.is_empty(), "still expected: {found:?}");
}

/// A question asked a second time is answered too.
#[test]
fn admitted_again_by_card_after_an_undo() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    network.nodes[2].undo(dara).unwrap();
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// The old site records the departure after the news of the arrival: it is answered.
#[test]
fn departure_after_the_fact_keeps_its_receipt() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Arrived { .. }]), "{found:?}");
}

/// A receipt of the stay before comes after he is back.
#[test]
fn back_by_card_before_the_receipt() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    leaves(&mut network, 2, dara, to(1));
    arrives(&mut network, 1, dara);
    network.settle();
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// An arrival that was none, at the site that he left: he is on his way as before.
#[test]
fn a_return_undone() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    arrives(&mut network, 1, dara);
    network.nodes[1].undo(dara).unwrap();
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Away { .. }]), "{found:?}");
    network.nodes[1]
        .transfer_out(dara, to(3), day(), false)
        .unwrap();
}

/// A joined person is nowhere on the way.
#[test]
fn a_joined_person_is_not_on_the_way() {
    let mut network = Network::new(2);
    let old = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, old, to(2));
    let new = learner(&mut network, 2, "Dara");
    network.nodes[2].ask_who(new).unwrap();
    network.settle();
    let line = network.nodes[DGP].worklist().unwrap().remove(0);
    network.nodes[DGP]
        .decide(line.id.parse().unwrap(), Some(old))
        .unwrap();
    network.settle();
    for at in [DGP, 1] {
        let found = states(&mut network, at, old);
        let away = found
            .iter()
            .any(|s| matches!(s, State::Away { .. } | State::Overdue { .. }));
        assert!(!away, "at {at}: {found:?}");
    }
}

/// P8: 24 keys that a third prison makes up, and the head office's true answer is refused.
#[test]
fn made_up_keys_shut_out_the_answer() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    let keys = (1..=24).map(|number| junk(1, number)).collect();
    let lie = grant(&network, 3, 2, dara, keys);
    network.nodes[2]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
}

/// One key that a third prison makes up, and the record is never shown as open.
#[test]
fn one_made_up_key_and_the_record_is_never_open() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    let lie = grant(&network, 3, 2, dara, vec![junk(1, 1)]);
    network.nodes[2]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// A bundle with a later roster than is known here is not superfluous.
#[test]
fn a_bundle_with_a_later_roster() {
    let mut network = Network::new(2);
    learner(&mut network, 1, "Dara");
    network.settle();
    let old = network.signed.clone();
    let mut roster = old.preview().unwrap();
    roster.version += 1;
    let mut newer = spean_protocol::roster::SignedRoster::propose(&roster);
    newer
        .sign(&ed25519_dalek::SigningKey::from_bytes(&[1; 32]))
        .unwrap();
    network.nodes[DGP].take_roster(&newer).unwrap();
    let file = export(&mut network.nodes[DGP], &[site(1), site(2)]);
    // The receipts in it are known as well.
    let mut rest = &file[..];
    let mut read = |wanted: usize| {
        let (now, later) = rest.split_at(wanted.min(rest.len()));
        rest = later;
        Ok(now.to_vec())
    };
    let held = network.nodes[1].holds_bundle(&mut read).unwrap();
    assert!(
        held.is_none(),
        "the only copy of the roster would be deleted"
    );
}

/// A third prison announces whom another has announced.
#[test]
fn a_third_prison_takes_over_an_announcement() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    let one = Announced {
        learner: dara,
        date: None,
        names: Vec::new(),
        sex: None,
        birth: None,
        withheld: false,
    };
    let lie = letter(&network, 3, 2, &Letter::Announced(vec![one]));
    network.nodes[2]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    assert_eq!(
        network.nodes[2].announced_by(site(1)).unwrap().len(),
        1,
        "no longer on 1's list"
    );
}

/// P8: one bad site fills the list of those who are expected.
#[test]
fn a_flood_of_announcements() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let mut number = 0_u32;
    for height in 1..=63 {
        let list = (0..64)
            .map(|_| {
                number += 1;
                let id = *blake3::hash(&number.to_le_bytes()).as_bytes();
                Announced {
                    learner: LearnerId(id[..16].try_into().unwrap()),
                    date: None,
                    names: Vec::new(),
                    sex: None,
                    birth: None,
                    withheld: false,
                }
            })
            .collect();
        let lie = letter(&network, 3, 2, &Letter::Announced(list));
        network.nodes[2]
            .take_all(vec![forged(3, 7, height, &[lie])])
            .unwrap();
    }
    leaves(&mut network, 1, dara, to(2));
    network.exchange(1, 2, None);
    assert_eq!(
        network.nodes[2].announced_by(site(1)).unwrap().len(),
        1,
        "1's own is lost"
    );
}

/// P8: one bad site fills the head office's list.
#[test]
fn a_flood_of_questions() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    let question = Question {
        id: QuestionId([1; 16]),
        learner: LearnerId([8; 16]),
        stay: StayId([8; 16]),
        about: About::Card,
    };
    let lie = letter(&network, 3, DGP, &Letter::Question(question));
    network.nodes[DGP]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    // 19,999 more of the kind, written straight into the store to save time.
    let mut store = network.nodes[DGP].store().clone();
    let row = store.scan(Table::Work, &[], &[], 1).unwrap().remove(0).1;
    store.begin().unwrap();
    for number in 0..19_999_u32 {
        let id = *blake3::hash(&number.to_le_bytes()).as_bytes();
        store.write(Table::Work, &id[..16], &row).unwrap();
    }
    store.commit().unwrap();
    network.nodes[DGP] = network.start(DGP, store);
    network.nodes[DGP].flush().unwrap();
    arrives(&mut network, 2, dara);
    network.exchange(2, DGP, None);
    sessions(&mut network.nodes[DGP], dara);
    network.exchange(2, DGP, None);
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
}

/// A prison is closed and leaves the roster while one of its questions is in the list: the head
/// office goes on.
#[test]
fn a_site_that_left_the_roster() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    arrives(&mut network, 3, dara);
    network.settle();
    let mut roster = network.signed.preview().unwrap();
    roster.version += 1;
    roster.sites.retain(|one| one.id != site(3));
    let mut newer = spean_protocol::roster::SignedRoster::propose(&roster);
    newer
        .sign(&ed25519_dalek::SigningKey::from_bytes(&[1; 32]))
        .unwrap();
    for at in [DGP, 1, 2] {
        network.nodes[at].take_roster(&newer).unwrap();
    }
    arrives(&mut network, 2, dara);
    network.exchange(2, DGP, None);
    while let Ok(folded) = network.nodes[DGP].fold(9) {
        if !folded.more {
            break;
        }
    }
    let flushed = network.nodes[DGP].flush();
    assert!(flushed.is_ok(), "{flushed:?}");
}

struct Fixed(u64);

impl spean::world::World for Fixed {
    fn wall_seconds(&self) -> u64 {
        1_790_100_000
    }
    fn random(&mut self) -> [u8; 32] {
        self.0 += 1;
        *blake3::hash(&(self.0 + 5_000_000).to_le_bytes()).as_bytes()
    }
}

/// A prison whose machine was lost gets a new one with a new box key; who was there, on a card that
/// was answered before, asks again.
#[test]
fn a_reinstalled_destination_with_a_new_box_key() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    let mut new = identity(2);
    new.boxes = std::collections::BTreeMap::from([(1, Secret([222; 32]))]);
    let key = seal::box_key(&new.boxes[&1]);
    let mut roster = network.signed.preview().unwrap();
    roster.version += 1;
    for one in &mut roster.sites {
        if one.id == site(2) {
            one.boxes = std::collections::BTreeMap::from([(1, key)]);
            one.carrier =
                spean_protocol::roster::wrap_carrier(&Secret([2; 32]), &key, [3; 32]).unwrap();
        }
    }
    let mut newer = spean_protocol::roster::SignedRoster::propose(&roster);
    newer
        .sign(&ed25519_dalek::SigningKey::from_bytes(&[1; 32]))
        .unwrap();
    for at in [DGP, 1] {
        network.nodes[at].take_roster(&newer).unwrap();
    }
    let mut store = spean::store::memory::Memory::default();
    spean::engine::install_roster(&mut store, &newer).unwrap();
    network.nodes[2] = spean::engine::Engine::open(store, new, Box::new(Fixed(0))).unwrap();
    arrives(&mut network, 2, dara);
    network.settle();
    network.settle();
    assert_eq!(
        sessions(&mut network.nodes[2], dara),
        [1],
        "{:?}",
        network.nodes[2].states(dara).unwrap()
    );
}

/// P8: one bad site ends the reading ahead for all, for ever.
#[test]
fn a_flood_ahead() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    for height in 1..=300 {
        network.nodes[2]
            .take_all(vec![forged_ahead(3, 7, height, &[])])
            .unwrap();
    }
    let one = Announced {
        learner: dara,
        date: None,
        names: Vec::new(),
        sex: None,
        birth: None,
        withheld: false,
    };
    let entry = letter(&network, 1, 2, &Letter::Announced(vec![one]));
    let taken = network.nodes[2]
        .take_all(vec![forged_ahead(1, 7, 1, &[entry])])
        .unwrap();
    assert_eq!(taken, [true]);
}

/// A relay hands letters over in what order it likes.
#[test]
fn any_peer_can_turn_letters_round() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    leaves(&mut network, 1, dara, to(2));
    leaves(&mut network, 1, dara, to(3));
    use spean_protocol::session::Host;
    let (run, held) = network.nodes[1].skeleton().runs(site(1)).last().unwrap();
    let last = held.control;
    // 3 has it all, and gives 2 the last ones first.
    for height in (0..last).rev() {
        let bytes = network.nodes[1]
            .segment(run, Log::Control, height)
            .unwrap()
            .unwrap();
        network.nodes[2]
            .take_all(vec![Frame::Ahead(bytes)])
            .unwrap();
    }
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(found.is_empty(), "still expected: {found:?}");
}

fn person(network: &mut Network) -> (LearnerId, LearnerId, QuestionId) {
    let old = learner(network, 1, "Dara");
    attends(&mut network.nodes[1], old, 7);
    leaves(network, 1, old, to(2));
    let new = learner(network, 2, "Dara");
    network.nodes[2].ask_who(new).unwrap();
    network.settle();
    let line = network.nodes[DGP].worklist().unwrap().remove(0);
    (old, new, line.id.parse().unwrap())
}

/// Decided, taken back and decided again while the prison was away.
#[test]
fn decided_again() {
    let mut network = Network::new(2);
    let (old, new, question) = person(&mut network);
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], new), [1, 7]);
    network.nodes[DGP].undo_decision(question).unwrap();
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    assert_eq!(
        sessions(&mut network.nodes[2], new),
        [1, 7],
        "the head office says: the same"
    );
}

/// A new person moves on before the head office has decided.
#[test]
fn a_new_person_moves_on_before_the_decision() {
    let mut network = Network::new(3);
    let (old, new, question) = person(&mut network);
    let slip = leaves(&mut network, 2, new, to(3)).slip.unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    let _ = network.nodes[DGP].decide(question, Some(old));
    network.settle();
    assert_eq!(sessions(&mut network.nodes[3], new), [1, 7]);
}

/// Admitted by card; left by mistake and undone before the answer came.
#[test]
fn a_departure_undone_while_a_question_waits() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    attends(&mut network.nodes[1], dara, 7);
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    arrives(&mut network, 2, dara);
    leaves(&mut network, 2, dara, to(1));
    network.nodes[2].undo(dara).unwrap();
    network.settle();
    network.settle();
    let found = states(&mut network, 2, dara);
    assert_eq!(sessions(&mut network.nodes[2], dara), [1, 7], "{found:?}");
}

/// Admitted by card, and sent on with a slip before the answer came.
#[test]
fn onward_before_the_answer_came() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    attends(&mut network.nodes[1], dara, 7);
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    arrives(&mut network, 2, dara);
    let slip = leaves(&mut network, 2, dara, to(3)).slip.unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    network.settle();
    let found = states(&mut network, 3, dara);
    assert_eq!(sessions(&mut network.nodes[3], dara), [1, 7], "{found:?}");
}

/// The destination has left the roster.
#[test]
fn a_destination_that_left_the_roster() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(3));
    let mut roster = network.signed.preview().unwrap();
    roster.version += 1;
    roster.sites.retain(|one| one.id != site(3));
    let mut newer = spean_protocol::roster::SignedRoster::propose(&roster);
    newer
        .sign(&ed25519_dalek::SigningKey::from_bytes(&[1; 32]))
        .unwrap();
    network.nodes[1].take_roster(&newer).unwrap();
    let undone = network.nodes[1].undo(dara);
    let out = network.nodes[1].transfer_out_all(&[dara], to(2), day(), false);
    assert!(undone.is_ok() || out.is_ok(), "{undone:?} {out:?}");
}

/// A third prison's grant says for what to wait.
#[test]
fn a_grant_that_waits_for_ever() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    let key = network.nodes[3].roster().box_key(site(2)).unwrap();
    let content = GrantContent {
        upto: Some((RunId::of(site(3), [1; 16]), u32::MAX)),
        learners: vec![(dara, Vec::new())],
    };
    let info = grant_info(site(3), site(2), &[9; 16]);
    let sealed = seal::box_seal(&key, &info, &content.encode(), [6; 32]).unwrap();
    let entry = Entry::Grant {
        id: [9; 16],
        sealed,
    };
    network.nodes[2]
        .take_all(vec![forged(3, 7, 1, &[entry])])
        .unwrap();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// A third prison says that he arrived there: the old one can send him nowhere else.
#[test]
fn a_third_prison_says_that_he_arrived() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    let arrived = Arrived {
        learner: dara,
        site: site(3),
        stay: StayId([9; 16]),
        date: None,
    };
    let lie = letter(&network, 3, 1, &Letter::Arrived(arrived));
    network.nodes[1]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    let undone = network.nodes[1].undo(dara);
    assert!(undone.is_ok(), "{undone:?}");
}

/// A third prison announces somebody who is here.
#[test]
fn somebody_here_is_announced() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let one = Announced {
        learner: dara,
        date: None,
        names: Vec::new(),
        sex: None,
        birth: None,
        withheld: false,
    };
    let lie = letter(&network, 3, 1, &Letter::Announced(vec![one]));
    network.nodes[1]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// Whoever was joined to somebody here is not expected here.
#[test]
fn a_joined_record_is_not_announced() {
    let mut network = Network::new(3);
    let (old, new, question) = person(&mut network);
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    let slip = leaves(&mut network, 2, new, to(3)).slip.unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    let found = network.nodes[3].moves().unwrap();
    assert!(found.is_empty(), "{found:?}");
}

/// A third prison's bait of 256 keys for each of many who were joined: the batch is refused whole.
#[test]
fn a_batch_too_large() {
    let mut network = Network::new(12);
    let mut joined = Vec::new();
    for number in 0..4 {
        let old = learner(&mut network, 1, &format!("L{number}"));
        leaves(&mut network, 1, old, to(2));
        let new = learner(&mut network, 2, &format!("L{number}"));
        network.nodes[2].ask_who(new).unwrap();
        joined.push((old, new));
    }
    network.settle();
    for line in network.nodes[DGP].worklist().unwrap() {
        let (old, _) = joined.iter().find(|(_, new)| *new == line.learner).unwrap();
        network.nodes[DGP]
            .decide(line.id.parse().unwrap(), Some(*old))
            .unwrap();
    }
    network.settle();
    for (at, (old, _)) in joined.iter().enumerate() {
        let keys: Vec<HeldKey> = (1..=12)
            .flat_map(|of| (1..=24).map(move |n| junk(of, n)))
            .collect();
        for part in keys.chunks(200) {
            let lie = grant(&network, 3, 2, *old, part.to_vec());
            let height = 1 + at as u32 * 10 + part[0].site.0 as u32 % 10;
            network.nodes[2]
                .take_all(vec![forged(3, 7, height, &[lie])])
                .unwrap();
        }
    }
    let alone = learner(&mut network, 2, "Alone");
    let mut all: Vec<LearnerId> = joined.iter().map(|(_, new)| *new).collect();
    all.push(alone);
    let out = network.nodes[2].transfer_out_all(&all, to(4), day(), false);
    assert!(out.is_ok(), "{:?}", out.unwrap_err());
}

/// Keys beyond what one grant holds count as given although they were cut off.
#[test]
fn keys_cut_off_count_as_given() {
    let mut network = Network::new(13);
    let dara = learner(&mut network, 13, "Dara");
    leaves(&mut network, 13, dara, Destination::WithoutNode);
    network.settle();
    let keys: Vec<HeldKey> = (1..=12)
        .flat_map(|of| (1..=24).map(move |n| junk(of, n)))
        .collect();
    for (at, part) in keys.chunks(200).enumerate() {
        let lie = grant(&network, 3, DGP, dara, part.to_vec());
        network.nodes[DGP]
            .take_all(vec![forged(3, 7, 1 + at as u32, &[lie])])
            .unwrap();
    }
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(
        sessions(&mut network.nodes[2], dara),
        [1],
        "{:?}",
        network.nodes[2].states(dara).unwrap()
    );
}

/// Undone after work was recorded: the work is not lost to him where he really went.
#[test]
fn work_before_an_undone_arrival() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    attends(&mut network.nodes[2], dara, 22);
    network.settle();
    network.nodes[2].undo(dara).unwrap();
    network.settle();
    let slip = leaves(&mut network, 1, dara, to(3)).slip.unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[3], dara), [1, 22]);
}

/// A departure to a site, then undone: the destination, which admitted by the slip meanwhile, and
/// asks by card later.
#[test]
fn release_then_card() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::Released);
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    leaves(&mut network, 2, dara, Destination::Released);
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
}

/// A slip of somebody who was at the destination before.
#[test]
fn restricted_keys_stay() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let restricted = |network: &Network, at: usize, of: usize| {
        let prefix = [
            &site(of).0.to_be_bytes()[..],
            &dara.0,
            &[Stream::Restricted.byte()],
        ]
        .concat();
        network.nodes[at]
            .store()
            .scan(Table::StayKey, &prefix, &[], usize::MAX)
            .unwrap()
            .len()
    };
    let moment = spean_protocol::event::Who5Moment::Start;
    let event = Event::new(Body::Who5 {
        moment,
        answers: [1_u8; 5].try_into().unwrap(),
    });
    network.nodes[1].append(dara, &[(None, event)]).unwrap();
    network.nodes[1].flush().unwrap();
    // He agrees for 2, the van goes to 3, where he does not.
    network.nodes[1]
        .transfer_out(dara, to(2), day(), true)
        .unwrap();
    let slip = network.nodes[1]
        .transfer_out(dara, to(3), day(), false)
        .unwrap()
        .slip
        .unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    let slip = leaves(&mut network, 3, dara, to(2)).slip.unwrap();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    network.settle();
    assert_eq!(restricted(&network, 3, 1), 0);
    assert_eq!(restricted(&network, DGP, 1), 0);
}

/// Released, and back at the same prison a year later, by his card.
#[test]
fn back_at_the_only_prison() {
    let mut network = Network::new(1);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::Released);
    network.settle();
    arrives(&mut network, 1, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[1], dara), [1]);
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// A machine that was lost is filled again from its peers: whoever came and left years ago is not
/// announced again.
#[test]
fn a_rebuilt_prison_expects_nobody() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    network.settle();
    leaves(&mut network, 2, dara, to(3));
    network.settle();
    arrives(&mut network, 3, dara);
    network.settle();
    assert!(network.nodes[2].announced_by(site(1)).unwrap().is_empty());
    network.nodes[2] = network.fresh(2);
    network.settle();
    let again = network.nodes[2].announced_by(site(1)).unwrap();
    assert!(
        again.is_empty(),
        "'transfer in --announced S1' would admit {} again",
        again.len()
    );
}

/// The same machine, and somebody who is there.
#[test]
fn a_rebuilt_prison_knows_who_is_there() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    network.settle();
    network.nodes[2] = network.fresh(2);
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// The old prison that was lost and filled again.
#[test]
fn a_rebuilt_prison_and_who_left_it() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    network.nodes[1] = network.fresh(1);
    network.settle();
    network.nodes[1]
        .transfer_out(dara, to(3), day(), false)
        .unwrap();
}

/// After a question was answered by rule, a grant of the old site may still bring more; the
/// question of a site that is gone on is dropped. What a bad site asks of somebody whom it never
/// admitted stays for ever.
#[test]
fn questions_without_an_arrival_stay() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    let question = Question {
        id: QuestionId([1; 16]),
        learner: dara,
        stay: StayId([8; 16]),
        about: About::Card,
    };
    let lie = letter(&network, 2, DGP, &Letter::Question(question));
    network.nodes[DGP]
        .take_all(vec![forged(2, 7, 1, &[lie])])
        .unwrap();
    network.settle();
    assert_eq!(held(&network, 2, dara, site(1)), 0);
}

/// He was joined, the decision was taken back; he leaves: the other's keys do not go along.
#[test]
fn keys_of_who_was_parted() {
    let mut network = Network::new(3);
    let (old, new, question) = person(&mut network);
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    network.nodes[DGP].undo_decision(question).unwrap();
    network.settle();
    let slip = leaves(&mut network, 2, new, to(3)).slip.unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    assert_eq!(held(&network, 3, old, site(1)), 0);
}

/// A joined person's other record is at a third prison, where he is today: its key goes along.
#[test]
fn the_other_record_is_open_elsewhere() {
    let mut network = Network::new(3);
    // Two persons: one stays at 1, the other is new at 2. The head office errs.
    let old = learner(&mut network, 1, "Dara");
    let new = learner(&mut network, 2, "Dara");
    network.nodes[2].ask_who(new).unwrap();
    network.settle();
    let line = network.nodes[DGP].worklist().unwrap().remove(0);
    let question: QuestionId = line.id.parse().unwrap();
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    network.nodes[DGP].undo_decision(question).unwrap();
    network.settle();
    attends(&mut network.nodes[1], old, 44);
    network.settle();
    assert_eq!(
        held(&network, 2, old, site(1)),
        0,
        "granted for one error, and readable for as long as he stays"
    );
}

/// A made-up announcement becomes part of the record: the office no longer knows where he went.
#[test]
fn a_made_up_announcement_in_the_record() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    let one = Announced {
        learner: dara,
        date: None,
        names: Vec::new(),
        sex: None,
        birth: None,
        withheld: false,
    };
    let lie = letter(&network, 3, 2, &Letter::Announced(vec![one]));
    network.nodes[2]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    let arrival = arrives(&mut network, 2, dara);
    network.settle();
    println!(
        "from {:?}; at 1 {:?}",
        arrival.from,
        states(&mut network, 1, dara)
    );
    leaves(&mut network, 2, dara, to(3));
    network.settle();
    let view = network.nodes[DGP].view(dara).unwrap().unwrap();
    let place = spean_protocol::custody::CustodyState::of(&view, site(DGP));
    assert_eq!(
        place,
        spean_protocol::custody::CustodyState::Departed { to: to(3) }
    );
}

/// A letter of a branch of a forked run, handed over again by anybody, is read again.
#[test]
fn a_letter_of_a_branch_is_read_again() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    // Two copies of machine 1 go on in one run: same number, same bytes.
    let number = network.started + 1;
    let store = network.nodes[1].store().clone();
    let mut one = network.start_like(1, store.clone(), number);
    let mut two = network.start_like(1, store, number);
    one.flush().unwrap();
    attends(&mut one, dara, 5);
    one.flush().unwrap();
    attends(&mut two, dara, 5);
    two.flush().unwrap();
    let rith = one.add_learner(&newcomer("Rith")).unwrap();
    one.flush().unwrap();
    one.transfer_out(rith, to(2), day(), false).unwrap();
    two.transfer_out(dara, to(2), day(), false).unwrap();
    network.nodes[1] = one;
    network.nodes.push(two);
    network.settle();
    println!("forks at 2: {}", {
        use spean_protocol::session::Host;
        network.nodes[2].forks().len()
    });
    // 1's copy takes it back.
    network.nodes[4].undo(dara).unwrap();
    network.settle();
    assert!(network.nodes[2].states(dara).unwrap().is_empty());
    use spean_protocol::session::Host;
    let mut frames = Vec::new();
    for (run, held) in network.nodes[2].skeleton().runs(site(1)) {
        for height in 0..held.control {
            frames.push(Frame::Ahead(
                network.nodes[2]
                    .segment(run, Log::Control, height)
                    .unwrap()
                    .unwrap(),
            ));
        }
    }
    let taken = network.nodes[2].take_all(frames).unwrap();
    assert!(taken.iter().all(|new| !new), "read a second time");
}
/// Three ids of one person, joined two and two.
#[test]
fn a_chain_of_links() {
    let mut network = Network::new(3);
    let (old, new, question) = person(&mut network);
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    leaves(&mut network, 2, new, Destination::WithoutNode);
    network.settle();
    let third = learner(&mut network, 3, "Dara");
    network.nodes[3].ask_who(third).unwrap();
    network.settle();
    let lines = network.nodes[DGP].worklist().unwrap();
    let line = lines.iter().find(|line| line.learner == third).unwrap();
    network.nodes[DGP]
        .decide(line.id.parse().unwrap(), Some(new))
        .unwrap();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[3], third), [1, 7]);
}

/// Two prisons admit one card; the head office answers the first before it hears of the second.
#[test]
fn two_arrivals_one_answered_before_the_other() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    arrives(&mut network, 2, dara);
    arrives(&mut network, 3, dara);
    network.exchange(1, DGP, None);
    network.exchange(2, DGP, None);
    sessions(&mut network.nodes[DGP], dara);
    network.nodes[DGP].flush().unwrap();
    network.settle();
    for (at, other) in [(2, "S3"), (3, "S2")] {
        let said = State::SaidElsewhere { site: other.into() };
        let found = states(&mut network, at, dara);
        assert!(found.contains(&said), "at {at}: {found:?}");
    }
}

/// Off the list, before the old site's data are here; the head office is not to be reached.
#[test]
fn admitted_off_the_list_before_the_data() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    // Only the control log crosses: the list and the keys.
    let control: Vec<Frame> = {
        let node = &network.nodes[1];
        let (run, held) = node.skeleton().runs(site(1)).next().unwrap();
        let segment = |height| node.segment(run, Log::Control, height).unwrap().unwrap();
        (0..held.control)
            .map(|height| Frame::Segment(segment(height)))
            .collect()
    };
    network.nodes[2].take_all(control).unwrap();
    arrives(&mut network, 2, dara);
    assert_eq!(states(&mut network, 2, dara), [State::WaitingForKey]);
    network.exchange(1, 2, None);
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    network.nodes[2].flush().unwrap();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
    network.exchange(1, 2, None);
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Arrived { .. }]), "{found:?}");
}

/// A prison that forgot to record that he left asks once more.
#[test]
fn a_second_question_brings_nothing_new() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    arrives(&mut network, 3, dara);
    attends(&mut network.nodes[3], dara, 9);
    network.settle();
    network.nodes[2].ask_who(dara).unwrap();
    network.settle();
    assert_eq!(held(&network, 2, dara, site(3)), 0);
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
}

/// Admitted by card, sent on by mistake, taken back, and then taken back once more.
#[test]
fn undone_and_undone_again() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    leaves(&mut network, 2, dara, to(3));
    network.nodes[2].undo(dara).unwrap();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    // He never came.
    network.nodes[2].undo(dara).unwrap();
    network.settle();
    assert!(network.nodes[2].view(dara).unwrap().is_none());
    leaves(&mut network, 1, dara, to(3));
    arrives(&mut network, 3, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[3], dara), [1]);
    let view = network.nodes[DGP].view(dara).unwrap().unwrap();
    assert_eq!(view.stays.iter().filter(|stay| stay.is_open()).count(), 1);
}
