//! Goal: whether the past was open where somebody worked is told by the order of the site's log.
//! Method: each case by hand; then random logs of one machine's copies against the definition,
//! work by work, in any order and with repetitions.

use super::*;
use crate::catalogue::ModuleId;

fn work() -> Body {
    let (module, session) = (ModuleId::MICRO_BUSINESS, 1);
    Body::Attended { module, session }
}

fn past_open(entries: &mut [Entry], order: &dyn Causality) -> Vec<bool> {
    mark_late(entries, order);
    entries.iter().map(|entry| entry.past_open).collect()
}

/// The same entry with a key of its own, as that operation.
fn nth(op: u64, entry: Entry) -> Entry {
    let id = EventId(format!("{}-{op}", entry.origin.position.height));
    Entry { id, ..entry }.at(op)
}

#[test]
fn a_note_counts_for_what_stands_behind_it() {
    let mut logs = Logs::default();
    let note = || Body::RecordOpen { stay: AT_B };
    let (one, two, three) = (logs.write(B), logs.write(B), logs.write(B));
    let mut entries = vec![
        nth(0, entry(one, AT_B, work())),
        nth(1, entry(two, AT_B, work())),
        nth(2, entry(two, AT_B, note())),
        nth(3, entry(two, AT_B, work())),
        nth(4, entry(three, AT_B, work())),
        nth(5, entry(three, AT_B, Body::LibraryVisit {})),
        nth(6, entry(three, AT_A, work())),
    ];
    let told = [false, false, false, true, true, false, false];
    assert_eq!(past_open(&mut entries, &logs), told);
    assert_eq!(past_open(&mut entries[3..], &logs), [false; 4]);

    // What was taken back was not noted, and a note under another stay's key says nothing.
    entries.push(nth(7, entry(three, AT_B, retracted(&entries[2].id))));
    entries.push(nth(0, entry(one, AT_A, note())));
    assert_eq!(past_open(&mut entries, &logs), [false; 9]);
}

#[test]
fn only_a_stay_that_began_can_have_an_open_past() {
    let mut logs = Logs::default();
    let note = entry(logs.write(B), AT_B, Body::RecordOpen { stay: AT_B });
    assert_eq!(LearnerView::fold(std::slice::from_ref(&note)).stays, []);
    let arrival = entry(logs.write(B), AT_B, arrived(AT_B, Some(A)));
    for (entries, open) in [(vec![arrival.clone()], false), (vec![note, arrival], true)] {
        assert_eq!(LearnerView::fold(&entries).stays[0].past_open, open);
    }
}

/// As it is defined: some note of the stay stands before the work.
fn open_as_told(entries: &[Entry], order: &dyn Causality) -> Vec<bool> {
    let is_open = |work: &Entry| {
        let (stay, place) = (work.origin.stay, work.origin.position);
        let before = |note: &&Entry| {
            let at = note.origin.position;
            order.is_ancestor(at, place) || (at == place && note.op < work.op)
        };
        let notes = entries.iter().filter(|note| {
            note.event.body == Body::RecordOpen { stay } && note.origin.stay == stay
        });
        work.event.body.work_in().is_some()
            && notes
                .filter(|note| note.site() == work.site())
                .any(|note| before(&note))
    };
    entries.iter().map(is_open).collect()
}

proptest! {
    /// Each step: the run that writes, one that it hears of first, the stay, and what it writes,
    /// in which order.
    #[test]
    fn an_open_past_is_what_it_is_told_to_be(
        steps in prop::collection::vec(
            (1..5_u16, 1..5_u16, 1..3_u8, prop::collection::vec(0..4_u8, 1..4)), 0..24,
        ),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..40),
    ) {
        let mut logs = Logs::default();
        let mut entries = Vec::new();
        let mut op = 0;
        for (run, heard, stay, what) in steps {
            logs.tell(SiteId(heard), SiteId(run));
            let (position, stay) = (as_run(logs.write(SiteId(run))), StayId([stay; 16]));
            for what in what {
                let body = match what {
                    0 => Body::RecordOpen { stay },
                    1 => Body::LibraryVisit {},
                    _ => work(),
                };
                op += 1;
                entries.push(Entry { id: EventId(format!("e{op}")), ..entry(position, stay, body) }.at(op));
            }
        }
        entries.extend(entries.clone());
        for (one, two) in swaps.iter().filter(|_| op > 0) {
            let (one, two) = (one.index(entries.len()), two.index(entries.len()));
            entries.swap(one, two);
        }
        let order = AsRuns(logs);
        let told = open_as_told(&entries, &order);
        prop_assert_eq!(past_open(&mut entries, &order), told);
    }
}
