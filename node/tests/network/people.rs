//! People of a network of engines: somebody who learns, leaves, arrives, and what is known of him.

use spean::engine::arrive::Arrival;
use spean::engine::depart::Departure;
use spean::engine::state::State;
use spean::register::LearnerRow;
use spean_protocol::catalogue::{ModuleId, ProgrammeId};
use spean_protocol::event::{Body, Date, Destination, Event};
use spean_protocol::id::LearnerId;

use super::{Network, Node, site};

pub const MODULE: ModuleId = ModuleId {
    programme: ProgrammeId::REINTEGRATION,
    number: 1,
};

pub fn day() -> Option<Date> {
    Some("2026-07-01".parse().unwrap())
}

pub fn newcomer(given: &str) -> LearnerRow {
    let fields = [
        "",
        "",
        "Sok",
        given,
        "F",
        "1990",
        "",
        "km",
        "2024-01-05",
        "",
    ];
    LearnerRow {
        row: String::new(),
        fields: fields.map(str::to_owned),
    }
}

/// Somebody who has attended the first session of a module there.
pub fn learner(network: &mut Network, at: usize, given: &str) -> LearnerId {
    let node = &mut network.nodes[at];
    let learner = node.add_learner(&newcomer(given)).unwrap();
    attends(node, learner, 1);
    node.flush().unwrap();
    learner
}

pub fn attends(node: &mut Node, learner: LearnerId, session: u16) {
    let module = MODULE;
    let event = Event::new(Body::Attended { module, session }).on(day().unwrap());
    assert_eq!(node.append(learner, &[(None, event)]).unwrap(), 1);
}

/// The sessions that a machine knows of, or nothing where it reads nothing of him.
pub fn sessions(node: &mut Node, learner: LearnerId) -> Vec<u16> {
    while node.fold(9).unwrap().more {}
    let view = node.view(learner).unwrap().unwrap_or_default();
    let module = view.progress.module(MODULE).cloned();
    module.map_or_else(Vec::new, |module| module.attended.into_iter().collect())
}

pub fn leaves(network: &mut Network, at: usize, learner: LearnerId, to: Destination) -> Departure {
    network.nodes[at]
        .transfer_out(learner, to, day(), false)
        .unwrap()
}

pub fn to(place: usize) -> Destination {
    Destination::Site(site(place))
}

pub fn arrives(network: &mut Network, at: usize, learner: LearnerId) -> Arrival {
    network.nodes[at].admit(learner, day()).unwrap()
}

pub fn states(network: &mut Network, at: usize, learner: LearnerId) -> Vec<State> {
    let node = &mut network.nodes[at];
    while node.fold(9).unwrap().more {}
    node.states(learner).unwrap()
}
