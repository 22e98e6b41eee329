//! What was recorded of somebody before a transfer, from the ledger of what truly happened: a
//! transfer of somebody with nothing behind him says nothing about continuity, and what a site
//! wrote last before he left is what must have gone through the head office.

use std::collections::{BTreeMap, BTreeSet};

use crate::measures::Transfer;
use crate::world::{World, place_of};

/// By place, the second of the last event that was recorded there.
pub type Past = BTreeMap<usize, u64>;

/// The past of each measured transfer, in their order. Within a batch whose members went the same
/// way at the same time the transfers do not tell who is who: those that did not open are given to
/// people with a past first, so that nothing that failed is left out as empty.
#[must_use]
pub fn pasts(world: &World) -> Vec<Past> {
    let mut journeys: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for one in world.people.journeys.iter().filter(|one| one.arrived) {
        let key = (one.from, one.to, one.left, one.slip.is_some(), one.anew);
        journeys.entry(key).or_default().push(one.person);
    }
    // A first session is an event of its own.
    let facts = &world.ledger.facts;
    let sessions: BTreeSet<(usize, usize, u64)> = facts
        .iter()
        .map(|fact| (fact.person, place_of(fact.site), fact.at))
        .collect();
    let transfers = &world.measures.transfers;
    let mut order: Vec<usize> = (0..transfers.len()).collect();
    order.sort_by_key(|at| transfers[*at].open);
    let mut found = vec![Past::new(); transfers.len()];
    for at in order {
        let one = &transfers[at];
        let key = (one.from, one.to, one.left, one.slip, one.anew);
        let Some(persons) = journeys.get_mut(&key).filter(|all| !all.is_empty()) else {
            continue;
        };
        let past_of = |person: &usize| past(world, *person, one);
        let best = (0..persons.len()).max_by_key(|place| {
            let person = persons[*place];
            let had_session = sessions.contains(&(person, one.to, one.first_session));
            (had_session, !one.open && !past_of(&person).is_empty())
        });
        found[at] = past_of(&persons.swap_remove(best.unwrap_or(0)));
    }
    found
}

/// From where, to where, when, with a slip, registered anew.
type Key = (usize, usize, u64, bool, bool);

fn past(world: &World, person: usize, transfer: &Transfer) -> Past {
    let ledger = &world.ledger;
    let facts = ledger.facts.iter().filter(|fact| fact.person == person);
    let mut past = Past::new();
    for fact in facts.filter(|fact| fact.at <= transfer.left && ledger.must_be_there(fact)) {
        let last = past.entry(place_of(fact.site)).or_default();
        *last = fact.at.max(*last);
    }
    past
}
