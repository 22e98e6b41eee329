//! Goal: every store does the same: what the engine may rely on is tested in one place.
//! Method: one suite of checks over the trait, run against each store by `passes`. What only
//! SQLite can meet (another program, a damaged file) is tested beside it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use spean_protocol::catalogue::{ModuleId, Scope};
use spean_protocol::event::{Month, Sex};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::totals::{Contribution, Indicator, LearnerFacts};

use super::{LearnerRow, Store, Table};

/// Runs every check, each on a fresh store.
pub fn passes<S: Store>(mut fresh: impl FnMut() -> S) {
    values_are_read_written_and_removed(&mut fresh());
    tables_do_not_mix(&mut fresh());
    a_scan_is_ordered_and_bounded(&mut fresh());
    a_scan_knows_where_a_prefix_ends(&mut fresh());
    a_transaction_is_kept_or_forgotten(&mut fresh());
    a_rollback_restores_learners(&mut fresh());
    a_learner_is_replaced_as_a_whole(&mut fresh());
    a_closed_learner_still_counts_in_totals(&mut fresh());
    a_removed_learner_leaves_nothing(&mut fresh());
    learners_are_found_by_name(&mut fresh());
    contributions_come_learner_by_learner(&mut fresh());
}

fn within<S: Store>(store: &mut S, work: impl FnOnce(&mut S)) {
    store.begin().unwrap();
    work(store);
    store.commit().unwrap();
}

fn keys<S: Store>(store: &S, prefix: &[u8], from: &[u8], limit: usize) -> Vec<Vec<u8>> {
    let rows = store.scan(Table::Parcel, prefix, from, limit).unwrap();
    rows.into_iter().map(|(key, _)| key).collect()
}

fn learner(number: u8, name: &str, here: bool) -> LearnerRow {
    LearnerRow {
        learner: LearnerId([number; 16]),
        here,
        name: name.to_owned(),
        search: format!("{name}\ncard-{number}").to_lowercase(),
        facts: LearnerFacts {
            sex: Some(Sex::Female),
            birth_year: Some(1990),
        },
        view: vec![number; 3],
    }
}

fn contribution(indicator: Indicator, scope: Option<Scope>, month: u16) -> Contribution {
    Contribution {
        indicator,
        scope,
        site: SiteId(3),
        month: Month(month),
        detail: 0,
        amount: -7,
    }
}

type Counted = Vec<(LearnerId, LearnerFacts, Vec<Contribution>)>;

fn counted<S: Store>(store: &S) -> Counted {
    let mut all = Vec::new();
    store
        .contributions(&mut |id, facts, rows| all.push((id, facts, rows)))
        .unwrap();
    for (_, _, rows) in &mut all {
        // Their order within one learner is each store's own.
        rows.sort_unstable();
    }
    all
}

fn values_are_read_written_and_removed<S: Store>(store: &mut S) {
    let large = vec![0xA5; 100_000];
    within(store, |store| {
        store.write(Table::Meta, b"", b"empty key").unwrap();
        store.write(Table::Meta, b"empty value", b"").unwrap();
        store.write(Table::Meta, &[0xFF; 40], &large).unwrap();
        store.write(Table::Meta, b"twice", b"one").unwrap();
        store.write(Table::Meta, b"twice", b"two").unwrap();
    });
    let read = |store: &S, key: &[u8]| store.read(Table::Meta, key).unwrap();
    assert_eq!(read(store, b"").as_deref(), Some(&b"empty key"[..]));
    assert_eq!(read(store, b"empty value").as_deref(), Some(&b""[..]));
    assert_eq!(read(store, &[0xFF; 40]), Some(large));
    assert_eq!(read(store, b"twice").as_deref(), Some(&b"two"[..]));
    assert_eq!(read(store, b"never"), None);
    within(store, |store| {
        store.remove(Table::Meta, b"twice").unwrap();
        store.remove(Table::Meta, b"never").unwrap();
        assert_eq!(
            read(store, b"twice"),
            None,
            "a transaction sees its own changes"
        );
    });
    assert_eq!(read(store, b"twice"), None);
    assert!(read(store, b"").is_some());
}

fn tables_do_not_mix<S: Store>(store: &mut S) {
    within(store, |store| {
        for table in Table::ALL {
            store.write(table, b"key", table.name().as_bytes()).unwrap();
        }
    });
    for table in Table::ALL {
        let rows = store.scan(table, &[], &[], usize::MAX).unwrap();
        assert_eq!(
            rows,
            [(b"key".to_vec(), table.name().as_bytes().to_vec())],
            "{table:?}"
        );
    }
    within(store, |store| store.remove(Table::Run, b"key").unwrap());
    let held = |table| store.read(table, b"key").unwrap().is_some();
    assert_eq!(
        Table::ALL.into_iter().filter(|table| held(*table)).count(),
        Table::ALL.len() - 1
    );
}

fn a_scan_is_ordered_and_bounded<S: Store>(store: &mut S) {
    let shuffled = (0..100_u16).map(|number| u8::try_from(number * 37 % 100).unwrap());
    within(store, |store| {
        for number in shuffled {
            store.write(Table::Parcel, &[7, number], &[number]).unwrap();
        }
        store.write(Table::Parcel, &[6, 0xFF], b"before").unwrap();
        store.write(Table::Parcel, &[8], b"after").unwrap();
    });
    let all: Vec<Vec<u8>> = (0..100).map(|number| vec![7, number]).collect();
    assert_eq!(keys(store, &[7], &[], usize::MAX), all);
    assert_eq!(keys(store, &[7], &[], 3), all[..3]);
    assert_eq!(
        keys(store, &[7], &[7, 40], 2),
        all[40..42],
        "from a key that is there"
    );
    assert_eq!(
        keys(store, &[7], &[7, 39, 1], 2),
        all[40..42],
        "from one that is not"
    );
    assert_eq!(
        keys(store, &[7], &[6], 1),
        all[..1],
        "from before the prefix"
    );
    assert_eq!(
        keys(store, &[7], &[8], 9),
        Vec::<Vec<u8>>::new(),
        "from after the prefix"
    );
    assert_eq!(keys(store, &[7], &[], 0), Vec::<Vec<u8>>::new());
    assert_eq!(keys(store, &[], &[], usize::MAX).len(), 102);
    let rows = store.scan(Table::Parcel, &[7, 40], &[], 9).unwrap();
    assert_eq!(rows, [(vec![7, 40], vec![40])]);
}

fn a_scan_knows_where_a_prefix_ends<S: Store>(store: &mut S) {
    let held: [&[u8]; 7] = [
        &[1],
        &[1, 0xFF],
        &[1, 0xFF, 0xFF],
        &[1, 0xFF, 0xFF, 0xFF],
        &[2],
        &[0xFF],
        &[0xFF, 0xFF],
    ];
    within(store, |store| {
        for key in held {
            store.write(Table::Parcel, key, b"").unwrap();
        }
    });
    assert_eq!(keys(store, &[1, 0xFF], &[], 9), held[1..4]);
    assert_eq!(keys(store, &[1, 0xFF, 0xFF], &[], 9), held[2..4]);
    assert_eq!(keys(store, &[0xFF], &[], 9), held[5..]);
    assert_eq!(
        keys(store, &[0xFF, 0xFF], &[0xFF, 0xFF, 1], 9),
        Vec::<Vec<u8>>::new()
    );
    assert_eq!(keys(store, &[0xFF], &[0xFF, 0xFF], 9), held[6..]);
    assert_eq!(keys(store, &[], &[1, 0xFF, 0xFF, 0xFF], 9), held[3..]);
}

fn a_transaction_is_kept_or_forgotten<S: Store>(store: &mut S) {
    within(store, |store| {
        store.write(Table::Meta, b"changed", b"before").unwrap();
        store.write(Table::Meta, b"removed", b"before").unwrap();
    });
    store.begin().unwrap();
    store.write(Table::Meta, b"changed", b"during").unwrap();
    store.write(Table::Meta, b"changed", b"later").unwrap();
    store.write(Table::Meta, b"new", b"during").unwrap();
    store.remove(Table::Meta, b"removed").unwrap();
    store.rollback();
    let read = |store: &S, key: &[u8]| store.read(Table::Meta, key).unwrap();
    assert_eq!(read(store, b"changed").as_deref(), Some(&b"before"[..]));
    assert_eq!(read(store, b"removed").as_deref(), Some(&b"before"[..]));
    assert_eq!(read(store, b"new"), None);
    // A rollback after a commit, or a second one, undoes nothing.
    within(store, |store| {
        store.write(Table::Meta, b"new", b"kept").unwrap();
    });
    store.rollback();
    store.rollback();
    assert_eq!(read(store, b"new").as_deref(), Some(&b"kept"[..]));
    within(store, |_| {});
}

fn a_rollback_restores_learners<S: Store>(store: &mut S) {
    let row = learner(1, "Sok", true);
    let rows = [contribution(Indicator::Active, None, 600)];
    within(store, |store| store.put_learner(&row, &rows).unwrap());
    let before = counted(store);
    store.begin().unwrap();
    store.put_learner(&learner(1, "Other", false), &[]).unwrap();
    store.put_learner(&learner(2, "New", true), &rows).unwrap();
    store.close_learner(row.learner).unwrap();
    store.rollback();
    assert_eq!(store.learner(row.learner).unwrap(), Some(row));
    assert_eq!(store.learner(LearnerId([2; 16])).unwrap(), None);
    assert_eq!(counted(store), before);
    assert_eq!(store.count_learners(false).unwrap(), 1);
}

fn a_learner_is_replaced_as_a_whole<S: Store>(store: &mut S) {
    let module = Some(Scope::Module(ModuleId::MICRO_BUSINESS));
    let whole = Some(Scope::Programme(ModuleId::MICRO_BUSINESS.programme));
    let first = [
        contribution(Indicator::Active, None, 600),
        contribution(Indicator::Started, module, 600),
        contribution(Indicator::Enrolled, whole, Month::UNDATED.0),
    ];
    let row = learner(1, "Sok", true);
    within(store, |store| store.put_learner(&row, &first).unwrap());
    assert_eq!(counted(store), [(row.learner, row.facts, first.to_vec())]);

    let nobody_said = LearnerFacts {
        sex: None,
        birth_year: None,
    };
    let changed = LearnerRow {
        facts: nobody_said,
        view: Vec::new(),
        ..learner(1, "Dara", false)
    };
    let second = [contribution(Indicator::Active, None, 601)];
    within(store, |store| store.put_learner(&changed, &second).unwrap());
    assert_eq!(store.learner(row.learner).unwrap(), Some(changed));
    assert_eq!(
        counted(store),
        [(row.learner, nobody_said, second.to_vec())]
    );
}

fn a_removed_learner_leaves_nothing<S: Store>(store: &mut S) {
    let (row, other) = (learner(1, "Sok", true), learner(2, "Dara", true));
    let rows = [contribution(Indicator::Active, None, 600)];
    within(store, |store| {
        store.put_learner(&row, &rows).unwrap();
        store.put_learner(&other, &rows).unwrap();
    });
    let before = counted(store);
    store.begin().unwrap();
    store.remove_learner(row.learner).unwrap();
    store.rollback();
    assert_eq!(counted(store), before);
    within(store, |store| {
        store.remove_learner(row.learner).unwrap();
        store.remove_learner(LearnerId([9; 16])).unwrap();
    });
    assert_eq!(store.learner(row.learner).unwrap(), None);
    assert_eq!(store.find("sok", false, 9).unwrap(), []);
    assert_eq!(
        counted(store),
        [(other.learner, other.facts, rows.to_vec())]
    );
}

fn a_closed_learner_still_counts_in_totals<S: Store>(store: &mut S) {
    let row = learner(1, "Sok", true);
    let rows = [contribution(Indicator::Active, None, 600)];
    within(store, |store| {
        store.put_learner(&row, &rows).unwrap();
        store.close_learner(row.learner).unwrap();
        store.close_learner(LearnerId([9; 16])).unwrap();
    });
    let closed = store.learner(row.learner).unwrap().unwrap();
    assert!(!closed.here && closed.view.is_empty() && closed.search.is_empty());
    assert_eq!(closed.facts, row.facts);
    assert_eq!(counted(store), [(row.learner, row.facts, rows.to_vec())]);
    assert_eq!(
        (
            store.count_learners(true).unwrap(),
            store.count_learners(false).unwrap()
        ),
        (0, 1)
    );
    assert_eq!(store.find("sok", false, 9).unwrap(), []);
}

fn learners_are_found_by_name<S: Store>(store: &mut S) {
    let khmer = "\u{179f}\u{17bb}\u{1781}";
    let names = [
        ("Sok", true),
        ("Dara", true),
        ("Dara", false),
        (khmer, true),
        ("S'ok 100%_", true),
    ];
    within(store, |store| {
        // Written in another order than that of names and ids.
        for (number, (name, here)) in (1..).zip(names).collect::<Vec<_>>().into_iter().rev() {
            store
                .put_learner(&learner(number, name, here), &[])
                .unwrap();
        }
    });
    let found = |needle: &str, here_only, limit| -> Vec<u8> {
        let rows = store.find(needle, here_only, limit).unwrap();
        rows.into_iter().map(|row| row.learner.0[0]).collect()
    };
    assert_eq!(found("", false, 9), [2, 3, 5, 1, 4], "by name, then by id");
    assert_eq!(found("", true, 2), [2, 5]);
    assert_eq!(found("dara", false, 9), [2, 3]);
    assert_eq!(found("dara", true, 9), [2]);
    assert_eq!(found(khmer, true, 9), [4]);
    assert_eq!(found("card-5", true, 9), [5]);
    assert_eq!(
        found("s'ok 100%_", true, 9),
        [5],
        "no character has a meaning of its own"
    );
    assert_eq!(found("%", true, 9), [5]);
    assert!(found("nobody", false, 9).is_empty());
    assert_eq!(
        (
            store.count_learners(true).unwrap(),
            store.count_learners(false).unwrap()
        ),
        (4, 5)
    );
}

fn contributions_come_learner_by_learner<S: Store>(store: &mut S) {
    let scopes = (1..=7).map(|number| {
        let programme = ModuleId::MICRO_BUSINESS.programme;
        Some(Scope::Module(ModuleId { programme, number }))
    });
    let many: Vec<_> = scopes
        .map(|s| contribution(Indicator::PostTest, s, 640))
        .collect();
    let (one, two, three) = (
        learner(1, "a", true),
        learner(2, "b", true),
        learner(3, "c", false),
    );
    within(store, |store| {
        store.put_learner(&three, &many).unwrap();
        store.put_learner(&one, &many).unwrap();
        store.put_learner(&two, &[]).unwrap();
    });
    let expected = [
        (one.learner, one.facts, many.clone()),
        (two.learner, two.facts, Vec::new()),
        (three.learner, three.facts, many),
    ];
    assert_eq!(counted(store), expected);
}
