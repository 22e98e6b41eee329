//! Goal: two people who were given one user name at two prisons, as anybody can arrange, stay two.
//! Method: each is given it while the prisons are apart; then one is moved to the other.

use spean_protocol::event::{Body, Event, List, Text};
use spean_protocol::id::LearnerId;

use super::{admit, transfer, write};
use crate::network::{DGP, Network, Node};

fn account(name: &str) -> Body {
    Body::Account {
        username: Text::new(name).unwrap(),
        verifier: List::new(vec![7; 32]).unwrap(),
    }
}

fn shown(node: &Node, learner: LearnerId) -> Vec<String> {
    let names = node.usernames().unwrap().remove(&learner);
    let names = names.unwrap_or_default();
    // One page compares a few only, and comes to the same.
    let view = node.view(learner).unwrap().unwrap();
    assert_eq!(node.usernames_of(learner, &view).unwrap(), names);
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn one_user_name_given_twice_drops_nobody() {
    let mut network = Network::new(2);
    let [came, here] = [(1, "Dara"), (2, "Rith")].map(|(at, given)| {
        let learner = admit(&mut network, at, given);
        write(&mut network, at, learner, vec![account("sok")]);
        learner
    });
    assert!(network.nodes[2].collisions().unwrap().is_empty());
    network.settle();
    transfer(&mut network, came, 1, 2, false);
    network.settle();
    network.restart(2);
    let node = &network.nodes[2];
    assert_eq!(shown(node, here), ["sok"]);
    assert_eq!(shown(node, came), ["sok-2"]);
    assert!(node.collisions().unwrap().keys().eq([&came]));
    assert!(network.nodes[1].usernames().unwrap().is_empty());
    assert!(network.nodes[DGP].collisions().unwrap().is_empty());

    // Somebody decides.
    let node = &mut network.nodes[2];
    let of_him = node.events(came).unwrap().into_iter();
    let given = of_him.filter(|(_, event)| event.body == account("sok"));
    let given = given.map(|(id, _)| spean_protocol::event::EventId(id));
    let decision = Event::new(account("dara")).superseding(given.collect());
    node.append(came, &[(None, decision)]).unwrap();
    assert_eq!(
        (shown(node, here), shown(node, came)),
        (vec!["sok".to_owned()], vec!["dara".to_owned()])
    );
    assert!(node.collisions().unwrap().is_empty());
}
