//! P4's second half: the head office's totals against a count of the ledger that shares no code with
//! them. It knows persons by the decisions that were taken, and events by what was acknowledged;
//! where an event was tried without an answer, the count is a range.

use std::collections::{BTreeMap, BTreeSet};

use spean_protocol::catalogue::ProgrammeId;
use spean_protocol::event::{Body, Event};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::totals::Query;

use crate::checkers::Promise;
use crate::world::World;

/// Who is one person, by the decisions: the smallest id stands for all.
struct Persons(BTreeMap<LearnerId, LearnerId>);

impl Persons {
    fn of(joined: &[(LearnerId, LearnerId)]) -> Self {
        let mut persons = Self(BTreeMap::new());
        for (one, other) in joined {
            let (one, other) = (persons.find(*one), persons.find(*other));
            persons.0.insert(one.max(other), one.min(other));
        }
        persons
    }

    fn find(&self, learner: LearnerId) -> LearnerId {
        let mut found = learner;
        while let Some(smaller) = self.0.get(&found).filter(|smaller| **smaller != found) {
            found = *smaller;
        }
        found
    }
}

/// What is counted, once from what is certain and once from all that was tried.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    beneficiaries: BTreeSet<LearnerId>,
    by_site: BTreeSet<(SiteId, LearnerId)>,
    reintegration: BTreeSet<LearnerId>,
    readers: BTreeSet<LearnerId>,
}

impl Count {
    fn add(&mut self, person: LearnerId, site: SiteId, event: &Event) {
        let programme = match &event.body {
            Body::Attended { module, .. } => {
                if module.programme == ProgrammeId::REINTEGRATION {
                    self.reintegration.insert(person);
                }
                Some(module.programme)
            }
            Body::Assessed { module, .. } => Some(module.programme),
            Body::Login { programme } => Some(*programme),
            Body::ModuleDone { module } => {
                if module.programme == ProgrammeId::REINTEGRATION {
                    self.reintegration.insert(person);
                }
                Some(module.programme)
            }
            Body::LoanOut { .. } | Body::LibraryVisit {} => {
                self.readers.insert(person);
                None
            }
            _ => None,
        };
        if programme.is_some() {
            self.beneficiaries.insert(person);
            self.by_site.insert((site, person));
        }
    }
}

/// Whether a record says that two ids are one person's.
fn says_same(world: &mut World, office: usize, learner: LearnerId, other: LearnerId) -> bool {
    let view = world.ask(office, |engine| engine.view(learner));
    let links = view.ok().flatten().map_or_else(Vec::new, |view| view.links);
    links
        .iter()
        .any(|link| link.other == other && !link.same.is_empty())
}

/// Compares the totals of the head office with the ledger.
pub(crate) fn totals(world: &mut World, office: usize) {
    let Ok(totals) = world.ask(office, |engine| engine.totals(Query::ALL)) else {
        return;
    };
    // A decision that reached the site after he had left is not in his record: he counts as two
    // until somebody asks again, so the count is a range.
    let decided = world.ledger.joined.clone();
    let mut carried_out = decided.clone();
    carried_out.retain(|(learner, other)| says_same(world, office, *learner, *other));
    let (fewest, most) = (Persons::of(&decided), Persons::of(&carried_out));
    let (mut certain, mut possible) = (Count::default(), Count::default());
    for fact in &world.ledger.facts {
        possible.add(most.find(fact.learner), fact.site, &fact.event);
        if world.ledger.must_be_there(fact) {
            certain.add(fewest.find(fact.learner), fact.site, &fact.event);
        }
    }
    for (learner, event) in &world.ledger.unanswered {
        possible.add(most.find(*learner), SiteId(0), event);
    }
    let figures = totals.figures;
    let told = [
        (
            "beneficiaries",
            figures.beneficiaries,
            certain.beneficiaries.len(),
            possible.beneficiaries.len(),
        ),
        (
            "participants of reintegration",
            figures.reintegration.count,
            certain.reintegration.len(),
            possible.reintegration.len(),
        ),
        (
            "readers",
            figures.readers.persons,
            certain.readers.len(),
            possible.readers.len(),
        ),
        (
            "persons of all sites",
            figures.bridge.sum_of_sites,
            certain.by_site.len(),
            possible.by_site.len(),
        ),
    ];
    for (what, told, least, most) in told {
        if told < least as u64 || told > most as u64 {
            let what =
                format!("the head office counts {told} {what}, the ledger {least} to {most}");
            world.fail(Promise::CountedOnce, what);
        }
    }
    let bridge = &figures.bridge;
    if bridge.sum_of_sites - bridge.counted_again != bridge.national {
        world.fail(
            Promise::CountedOnce,
            format!("the bridge does not add up: {bridge:?}"),
        );
    }
}
