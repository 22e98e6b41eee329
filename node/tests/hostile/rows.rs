//! Goal: two rows of a register that are one learner lose nothing.
//! Method: two rows with one card, and a file of events that names him by both.

use spean::engine::import::{Fate, Import};
use spean::register::{Row, Who};

use super::{admit, row};
use crate::network::{DGP, Network, items};

fn lent(key: &str, learner: &str, item: &str) -> Row {
    let fields = ["loan-out", "", "", "", "", "", "", item].map(str::to_owned);
    let date = "2025-03-05".parse().ok();
    Row {
        key: key.to_owned(),
        who: Who::of(learner),
        date,
        fields,
    }
}

#[test]
fn two_rows_of_one_learner_are_both_kept() {
    let mut network = Network::new(1);
    let learner = admit(&mut network, 1, "Dara");
    let before = network.nodes[1].events(learner).unwrap().len();
    let card = learner.to_string();
    let rows = [
        row("a", "Dara", &card),
        row("b", "Dora", &card),
        row("c", "Rith", ""),
    ];
    let lent = [
        lent("1", "a", "7"),
        lent("2", "b", "8"),
        lent("3", "a", "9"),
    ];
    for fate in [Fate::New, Fate::Known] {
        let (prison, register) = (&mut network.nodes[1], Import::of("register"));
        let fates = prison.import_learners(&register, &rows).unwrap();
        assert_eq!(fates.fates, [(); 3].map(|()| fate.clone()));
        let fates = prison.import_events(&register, &lent).unwrap();
        assert_eq!(fates.fates, [(); 3].map(|()| fate.clone()));
        network.settle();
        for at in [1, DGP] {
            let node = &mut network.nodes[at];
            let names = node.view(learner).unwrap().unwrap().profile.names;
            let given: Vec<&str> = names.iter().map(|name| &*name.value.given).collect();
            assert_eq!(given, ["Dara", "Dora"]);
            // Each row says a name, a sex, a birth and a language; he had arrived before.
            assert_eq!(node.events(learner).unwrap().len(), before + 2 * 4 + 3);
            assert_eq!(items(node, learner), [7, 8, 9]);
        }
    }
}
