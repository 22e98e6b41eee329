//! Goal: a prison keeps nothing readable of whoever has left.
//! Method: a search through everything that its store holds, for names and for answers.

use spean::store::{Store, Table};
use spean_protocol::event::{Body, Destination, Sex, Who5Moment};
use spean_protocol::id::LearnerId;
use spean_protocol::totals::Query;

use super::{admit, interview, transfer, write};
use crate::network::{DGP, Network, Node};

const START: [u8; 5] = [5, 3, 0, 1, 4];
const END: [u8; 5] = [0, 4, 3, 3, 2];
const GIVEN: &str = "Sovannarith";

/// Where a store holds any of these in plain bytes: names of tables, and `learner` for his row.
fn found(node: &Node, learner: LearnerId, sought: &[&[u8]]) -> Vec<&'static str> {
    let holds = |bytes: &[u8]| {
        sought.iter().any(|one| {
            bytes
                .windows(one.len())
                .any(|part| part.eq_ignore_ascii_case(one))
        })
    };
    let mut places = Vec::new();
    for table in Table::ALL {
        let rows = node.store().scan(table, &[], &[], usize::MAX).unwrap();
        if rows.iter().any(|(key, value)| holds(key) || holds(value)) {
            places.push(table.name());
        }
    }
    let row = node.store().learner(learner).unwrap().unwrap();
    if [row.name.as_bytes(), row.search.as_bytes(), &row.view]
        .into_iter()
        .any(holds)
    {
        places.push("learner");
    }
    places
}

#[test]
fn no_name_and_no_answer_stays_behind() {
    let sought: [&[u8]; 3] = [GIVEN.as_bytes(), &START, &END];
    let mut network = Network::new(2);
    let learner = admit(&mut network, 1, GIVEN);
    let interviews = vec![
        interview(Who5Moment::Start, START),
        interview(Who5Moment::End, END),
    ];
    write(&mut network, 1, learner, interviews);
    network.settle();
    for one in sought {
        assert!(
            !found(&network.nodes[1], learner, &[one]).is_empty(),
            "the search finds it"
        );
    }
    let pairs = |network: &Network| network.nodes[DGP].totals(Query::ALL).unwrap().figures.who5;
    let before = pairs(&network);
    assert_eq!(
        (before.pairs, before.sum_delta_items),
        (1, [-5, 1, 3, 2, -2])
    );

    transfer(&mut network, learner, 1, 2, true);
    network.settle();
    let gone = |network: &Network| {
        assert_eq!(found(&network.nodes[1], learner, &sought), [""; 0]);
        let rows = network.nodes[1]
            .store()
            .scan(Table::Record, &learner.0, &[], 9)
            .unwrap();
        assert!(
            rows.is_empty(),
            "a record may be compressed, so it must not be there"
        );
    };
    gone(&network);
    assert!(!found(&network.nodes[2], learner, &sought[..1]).is_empty());
    // Nor after something late was written of him, after a restart, and when he is out.
    write(
        &mut network,
        1,
        learner,
        vec![Body::Sex { sex: Sex::Female }],
    );
    network.restart(1);
    let to = Destination::Released;
    network.nodes[2]
        .transfer_out(learner, to, None, false)
        .unwrap();
    network.settle();
    gone(&network);
    assert_eq!(found(&network.nodes[2], learner, &sought), [""; 0]);
    assert_eq!(pairs(&network), before, "what he added to the sums stays");
}
