//! A small nation before anything hostile comes: the DGP and two prisons, of which the first turns
//! hostile. Three learners: Dara was at the first prison and is at the second, Rith was never
//! anywhere but there, Bopha is on the way there. And what must hold of the sound machines after
//! whatever the hostile one did.

use std::collections::VecDeque;

use spean::engine::import::Import;
use spean::register::LearnerRow;
use spean::store::memory::Memory;
use spean::store::{Store, Table};
use spean_protocol::codec;
use spean_protocol::event::{Body, Destination, Event, Who5Moment};
use spean_protocol::frontier::HeadMark;
use spean_protocol::id::{Hash, LearnerId, SiteId, StayId, Stream};
use spean_protocol::log::Head;
use spean_protocol::roster::SignedRoster;
use spean_protocol::seal::Secret;
use spean_protocol::segment::Log;
use spean_protocol::session::{Frame, Host, Session, SessionError, Step};
use spean_protocol::stay::{CustodyKey, HeldKey, StayKey};
use spean_protocol::totals::Query;

use super::network::people::{attends, newcomer};
use super::network::{DGP, Network, Node, items, loan, site};

/// The prison that turns hostile, and the sound one, in [`Network::nodes`].
pub const LIAR: usize = 1;
pub const SOUND: usize = 2;

pub const DARA: LearnerId = LearnerId([0xDA; 16]);
pub const RITH: LearnerId = LearnerId([0x21; 16]);
pub const BOPHA: LearnerId = LearnerId([0xB0; 16]);

/// Exchanges after which two machines must have the same.
const ROUNDS_MAX: usize = 8;

/// Folds after which nothing may wait.
const FOLDS_MAX: usize = 200;

/// Everything that a target starts from.
pub struct Nation {
    signed: SignedRoster,
    stores: Vec<Memory>,
    /// What the hostile prison's machine says in honest exchanges, as dialler and as answerer: what
    /// the others lack is in it.
    pub said: [Vec<Frame>; 2],
    /// What the hostile prison holds of everybody's logs.
    pub held: Vec<Frame>,
    /// What one could know of each site: every place in its runs, early and late.
    pub marks: Vec<(SiteId, HeadMark)>,
    /// The heads of its log, after what it said.
    pub heads: Vec<Head>,
    /// The keys of its stays: Dara's of both streams, and Bopha's.
    pub keys: Vec<(LearnerId, HeldKey)>,
    /// Its custody key for education.
    pub custody: CustodyKey,
    /// What seals the sticks of the nation.
    pub carrier: Secret,
    /// The slip that Bopha carries.
    pub slip: String,
}

thread_local! {
    static NATION: Nation = Nation::new();
}

/// Runs a target on the nation.
pub fn with<T>(work: impl FnOnce(&Nation) -> T) -> T {
    NATION.with(work)
}

fn admit(node: &mut Node, learner: LearnerId, given: &str) {
    let mut fields = newcomer(given).fields;
    fields[9] = learner.to_string();
    let row = given.to_owned();
    node.import_learners(&Import::of("nation"), &[LearnerRow { row, fields }])
        .unwrap();
    attends(node, learner, 1);
    let answers = [3, 2, 4, 1, 5].try_into().unwrap();
    let moment = Who5Moment::Start;
    let interview = Event::new(Body::Who5 { moment, answers });
    node.append(learner, &[(None, interview)]).unwrap();
    node.flush().unwrap();
}

impl Nation {
    fn new() -> Self {
        let mut network = Network::new(2);
        admit(&mut network.nodes[LIAR], DARA, "Dara");
        admit(&mut network.nodes[SOUND], RITH, "Rith");
        admit(&mut network.nodes[LIAR], BOPHA, "Bopha");
        let to = Destination::Site(site(SOUND));
        let leaves = |network: &mut Network, learner| {
            let departure = network.nodes[LIAR].transfer_out(learner, to, None, true);
            departure.unwrap().slip.unwrap()
        };
        let slip = leaves(&mut network, DARA);
        network.nodes[SOUND].transfer_in(&slip, None).unwrap();
        let slip = leaves(&mut network, BOPHA);
        network.settle();
        let stores: Vec<Memory> = network
            .nodes
            .iter()
            .map(|node| node.store().clone())
            .collect();

        // What the hostile prison has that nobody else has yet.
        let liar = &mut network.nodes[LIAR];
        liar.append(BOPHA, &loan(3)).unwrap();
        liar.append(DARA, &loan(4)).unwrap();
        liar.flush().unwrap();
        let heads = liar.skeleton().heads(site(LIAR));
        let (keys, custody) = (held_keys(liar), custody(liar));
        let (carrier, held) = (liar.carrier().unwrap(), held_segments(liar));
        let marks = marks(liar);
        let signed = network.signed.clone();
        let said = [true, false].map(|dials| {
            let mut fresh = begun(&signed, &stores);
            talk(&mut network.nodes[LIAR], &mut fresh.nodes[SOUND], dials)
        });
        Self {
            signed,
            stores,
            said,
            held,
            marks,
            heads,
            keys,
            custody,
            carrier,
            slip,
        }
    }

    /// The machines as they were, each started anew.
    pub fn begin(&self) -> Network {
        begun(&self.signed, &self.stores)
    }
}

fn begun(signed: &SignedRoster, stores: &[Memory]) -> Network {
    let mut network = Network {
        nodes: Vec::new(),
        signed: signed.clone(),
        started: 1_000,
    };
    for (place, store) in stores.iter().enumerate() {
        let node = network.start(place, store.clone());
        network.nodes.push(node);
    }
    network
}

/// The keys of stays at the hostile prison, Dara's first.
fn held_keys(node: &Node) -> Vec<(LearnerId, HeldKey)> {
    let mut keys = Vec::new();
    for (learner, stream) in [
        (DARA, Stream::Education),
        (DARA, Stream::Restricted),
        (BOPHA, Stream::Education),
    ] {
        let own = site(LIAR);
        let prefix = [&own.0.to_be_bytes()[..], &learner.0, &[stream.byte()]].concat();
        let rows = node.store().scan(Table::StayKey, &prefix, &[], 1).unwrap();
        let (place, value) = &rows[0];
        let stay = StayId(place[19..35].try_into().unwrap());
        let key = StayKey(Secret(value.clone().try_into().unwrap()));
        let held = HeldKey {
            site: own,
            stream,
            stay,
            key,
        };
        keys.push((learner, held));
    }
    keys
}

fn custody(node: &Node) -> CustodyKey {
    let own = site(LIAR).0.to_be_bytes();
    let rows = node.store().scan(Table::Custody, &own, &[], usize::MAX);
    let mut keys = rows.unwrap().into_iter();
    keys.find_map(|(_, row)| {
        let key: CustodyKey = codec::decode(&row).unwrap();
        (key.stream == Stream::Education).then_some(key)
    })
    .unwrap()
}

/// Every segment that a machine holds, control before data.
fn held_segments(node: &Node) -> Vec<Frame> {
    let mut held = Vec::new();
    for of in node.skeleton().sites() {
        for (run, state) in node.skeleton().runs(of) {
            for log in [Log::Control, Log::Data] {
                for height in 0..state.length(log) {
                    let bytes = node.segment(run, log, height).unwrap().unwrap();
                    held.push(Frame::Segment(bytes));
                }
            }
        }
    }
    held
}

/// A mark for each length that a run's two logs can have had.
fn marks(node: &Node) -> Vec<(SiteId, HeadMark)> {
    let mut marks = Vec::new();
    let skeleton = node.skeleton();
    let tip = |run, log, length: u32| {
        let last = length.checked_sub(1);
        last.map_or(Hash::ZERO, |at| node.hash(run, log, at).unwrap())
    };
    for of in skeleton.sites() {
        for (run, state) in skeleton.runs(of) {
            for control in 1..=state.length(Log::Control) {
                for data in 0..=state.length(Log::Data) {
                    let (data_tip, control_tip) =
                        (tip(run, Log::Data, data), tip(run, Log::Control, control));
                    let head = Head {
                        run,
                        data,
                        control,
                        data_tip,
                        control_tip,
                    };
                    marks.push((of, head.mark()));
                }
            }
        }
    }
    marks
}

/// What the first machine says in an exchange with the second.
fn talk(a: &mut Node, b: &mut Node, dials: bool) -> Vec<Frame> {
    let mut sessions = if dials {
        [
            Session::dial(a, a.site(), b.site()),
            Session::answer(b.site(), a.site()),
        ]
    } else {
        [
            Session::answer(a.site(), b.site()),
            Session::dial(b, b.site(), a.site()),
        ]
    };
    let mut waiting = [VecDeque::new(), VecDeque::new()];
    let mut said = Vec::new();
    loop {
        let mut moved = false;
        for here in [0, 1] {
            let node = if here == 0 { &mut *a } else { &mut *b };
            if let Some(frame) = waiting[here].pop_front() {
                received(node, &mut sessions[here], frame).unwrap();
                moved = true;
            }
            while let Some(frame) = next(node, &mut sessions[here]) {
                moved = true;
                if here == 0 {
                    said.push(frame.clone());
                }
                waiting[1 - here].push_back(frame);
            }
        }
        if !moved {
            return said;
        }
    }
}

/// Has a machine take a frame in a session, as one input; the protocol may be broken, the machine
/// not.
pub fn received(
    node: &mut Node,
    session: &mut Session,
    frame: Frame,
) -> Result<(), SessionError<()>> {
    let mut broken = Ok(());
    let taken = node.exchange(|node| match session.receive(frame, node) {
        Err(SessionError::Host(error)) => Err(error),
        Err(SessionError::Version(version)) => {
            broken = Err(SessionError::Version(version));
            Ok(())
        }
        Err(SessionError::Protocol(what)) => {
            broken = Err(SessionError::Protocol(what));
            Ok(())
        }
        Err(error) => panic!("{error}"),
        Ok(()) => Ok(()),
    });
    taken.unwrap();
    broken
}

/// What a machine sends next in a session, if it need not wait.
pub fn next(node: &mut Node, session: &mut Session) -> Option<Frame> {
    let step = node.exchange(|node| match session.next(node) {
        Ok(step) => Ok(step),
        Err(SessionError::Host(error)) => Err(error),
        Err(error) => panic!("{error}"),
    });
    match step.unwrap() {
        Step::Send(frame) => Some(frame),
        Step::Wait | Step::Finished => None,
    }
}

/// Folds all that waits.
pub fn fold(node: &mut Node) {
    for _ in 0..FOLDS_MAX {
        if !node.fold(9).unwrap().more {
            return;
        }
    }
    panic!("there is always more to fold");
}

/// What must hold of the sound machines whatever came from elsewhere: they agree, and of Rith, who
/// was never anywhere else, there is what was recorded and nothing more.
pub fn remain_sound(network: &mut Network) {
    let before = items(&mut network.nodes[SOUND], RITH);
    network.nodes[SOUND].append(RITH, &loan(77)).unwrap();
    agree(network);
    let expected: Vec<u32> = before.into_iter().chain([77]).collect();
    for at in [DGP, SOUND] {
        let found = items(&mut network.nodes[at], RITH);
        assert_eq!(found, expected, "what was recorded of Rith, at {at}");
    }
}

/// They fold what came, show it to people, have after a restart what they had before it, and
/// exchange until they have the same.
pub fn agree(network: &mut Network) {
    for at in [DGP, SOUND] {
        fold(&mut network.nodes[at]);
        shown(&mut network.nodes[at]);
        let node = &mut network.nodes[at];
        node.flush().unwrap();
        let (digest, store) = (node.digest(), node.store().clone());
        let again = network.start(at, store);
        assert!(again.digest() == digest, "a restart changes what {at} has");
        network.nodes[at] = again;
    }
    for _ in 0..ROUNDS_MAX {
        let (outcome, other) = network.exchange(SOUND, DGP, None);
        assert!(
            outcome.complete && other.complete,
            "an honest exchange ends"
        );
        let waits = [DGP, SOUND].map(|at| {
            fold(&mut network.nodes[at]);
            network.nodes[at].status().unwrap().pending
        });
        if outcome.same && waits == [0, 0] {
            assert!(network.nodes[DGP].digest() == network.nodes[SOUND].digest());
            return;
        }
    }
    panic!("there is always something to exchange");
}

/// Everything that people see.
fn shown(node: &mut Node) {
    node.status().unwrap();
    node.freshness().unwrap();
    node.moves().unwrap();
    node.worklist().unwrap();
    node.usernames().unwrap();
    node.collisions().unwrap();
    node.totals(Query::ALL).unwrap();
    for row in node.find("", 100).unwrap() {
        node.view(row.learner).unwrap();
        node.events(row.learner).unwrap();
        node.states(row.learner).unwrap();
        node.document(row.learner).unwrap();
    }
}
