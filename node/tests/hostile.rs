//! Goal: attacks that once worked do not work again. Somebody who signs with a real site's key, a
//! relay, a stick or a damaged disk makes nobody lose what was acknowledged, read what is not his,
//! or stop working (P9).
//! Method: sound engines in memory, and beside them the pieces that no sound engine would write.
//! One test for each attack, in the module of what is attacked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

mod departed;
mod disk;
mod keys;
mod logs;
mod names;
mod order;
mod rows;

use network::people::newcomer;
use network::{Network, Node, site};
use spean::register::LearnerRow;
use spean_protocol::event::{Body, Destination, Event, Who5Moment};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::segment::Log;
use spean_protocol::session::{Frame, Host};

/// A row of a register, whose card is empty for somebody new.
fn row(key: &str, given: &str, card: &str) -> LearnerRow {
    let mut row = LearnerRow {
        row: key.to_owned(),
        ..newcomer(given)
    };
    row.fields[9] = card.to_owned();
    row
}

fn admit(network: &mut Network, at: usize, given: &str) -> LearnerId {
    let learner = network.nodes[at].add_learner(&row("", given, "")).unwrap();
    network.nodes[at].flush().unwrap();
    learner
}

/// Seals these events at that machine.
fn write(network: &mut Network, at: usize, learner: LearnerId, bodies: Vec<Body>) {
    let date = "2025-03-05".parse().unwrap();
    let event = |body| (None, Event::new(body).on(date));
    let events: Vec<_> = bodies.into_iter().map(event).collect();
    network.nodes[at].append(learner, &events).unwrap();
    network.nodes[at].flush().unwrap();
}

/// He leaves with a slip, which the other prison's officer types.
fn transfer(network: &mut Network, learner: LearnerId, from: usize, to: usize, agreed: bool) {
    let to_site = Destination::Site(site(to));
    let left = network.nodes[from]
        .transfer_out(learner, to_site, None, agreed)
        .unwrap();
    network.nodes[to]
        .transfer_in(&left.slip.unwrap(), None)
        .unwrap();
}

fn fold(node: &mut Node) {
    while node.fold(9).unwrap().more {}
}

fn interview(moment: Who5Moment, answers: [u8; 5]) -> Body {
    Body::Who5 {
        moment,
        answers: answers.try_into().unwrap(),
    }
}

/// Every segment that a machine holds of a site, control before data.
fn segments(node: &Node, of: SiteId) -> Vec<(Log, u32, Frame)> {
    let mut found = Vec::new();
    for log in [Log::Control, Log::Data] {
        for (run, held) in node.skeleton().runs(of) {
            let end = if log == Log::Control {
                held.control
            } else {
                held.data.prefix()
            };
            for height in 0..end {
                let bytes = node.segment(run, log, height).unwrap().unwrap();
                found.push((log, height, Frame::Segment(bytes)));
            }
        }
    }
    found
}
