//! What whoever runs a node can sign with another program than this one, and what stands in a node's log.

use spean_protocol::control::Entry;
use spean_protocol::id::Label;
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};

use super::{Node, fold, identity, place_of};

/// Signs a control segment with these entries, as whoever runs a node can with another program.
pub fn post(node: &mut Node, entries: &[Entry]) {
    let run = node.skeleton().runs(node.site()).next_back();
    let (run, held) = run.unwrap();
    let header = Header {
        log: Log::Control,
        site: node.site(),
        run,
        height: held.control,
        previous: held.control_tip,
        control: held.control,
        cohort: 1,
        stamp: 1,
        lines: Vec::new(),
    };
    let entry = |entry: &Entry| (Label([0; 16]), entry.encode());
    let parcels = entries.iter().map(entry).collect();
    let segment = Segment::sign(header, parcels, &identity(place_of(node)).signing).unwrap();
    let taken = node.take_all(vec![Frame::Segment(segment.encode())]);
    assert_eq!(taken.unwrap(), [true]);
    fold(node);
}

/// What stands in a node's own control log.
pub fn posted(node: &Node) -> Vec<Entry> {
    let (run, held) = node.skeleton().runs(node.site()).next_back().unwrap();
    let at = |height| {
        let bytes = node.segment(run, Log::Control, height).unwrap().unwrap();
        let parcels = Segment::decode(&bytes).unwrap().parcels;
        parcels
            .into_iter()
            .flatten()
            .map(|one| Entry::decode(&one).unwrap())
            .collect::<Vec<_>>()
    };
    (0..held.control).flat_map(at).collect()
}
