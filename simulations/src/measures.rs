//! What a world measures while it runs: bytes, contacts, how soon records opened. Not here: whether
//! anything is wrong, which `checkers` says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Something carried from one place to another: by a link at once, by a stick some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// From where.
    pub from: usize,
    /// To where.
    pub to: usize,
    /// When it left: seconds.
    pub left: u64,
    /// When it came.
    pub came: u64,
}

/// One transfer, as far as continuity goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// From where.
    pub from: usize,
    /// To where.
    pub to: usize,
    /// Second of the departure.
    pub left: u64,
    /// Second of the first session there.
    pub first_session: u64,
    /// He had a slip.
    pub slip: bool,
    /// A stick came with the van.
    pub van_stick: bool,
    /// Everything that he did before could be read there before that session.
    pub open: bool,
    /// The node itself said so.
    pub said_open: bool,
    /// He was registered anew.
    pub anew: bool,
}

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    /// Bytes over links, by place; both directions.
    pub link_bytes: BTreeMap<usize, u64>,
    /// Bytes written to sticks, by place.
    pub stick_bytes: BTreeMap<usize, u64>,
    /// Contacts in which everything was carried.
    pub contacts: Vec<Contact>,
    /// Transfers with a first session after them.
    pub transfers: Vec<Transfer>,
    /// For each place of origin, seconds from a sealing to the head office's having it.
    pub to_head_office: BTreeMap<usize, Vec<u64>>,
    /// By day: bytes in store at the head office and at the first prison, and acknowledged events.
    pub growth: Vec<(u64, u64, u64, u64)>,
    /// Exchanges that were begun.
    pub exchanges: u64,
    /// Sticks put in.
    pub stops: u64,
}

impl Measures {
    /// Bytes went over links of these places.
    pub fn bytes(&mut self, places: &[(usize, &[u64; 2])]) {
        self.exchanges += 1;
        for (place, bytes) in places {
            *self.link_bytes.entry(*place).or_default() += bytes[0] + bytes[1];
        }
    }

    /// Everything of one place was carried to another.
    pub fn contact(&mut self, from: usize, to: usize, left: u64, came: u64) {
        self.contacts.push(Contact {
            from,
            to,
            left,
            came,
        });
    }

    /// The same transfer where nobody carries for others: the head office must have the sending
    /// site's data, and the receiving site must hear of it from the head office. Whether that is
    /// done before the first session.
    #[must_use]
    pub fn open_through_head_office(&self, transfer: &Transfer) -> bool {
        let earliest = |from: usize, to: usize, after: u64| {
            let fits = |contact: &&Contact| {
                contact.from == from && contact.to == to && contact.left >= after
            };
            self.contacts
                .iter()
                .filter(fits)
                .map(|contact| contact.came)
                .min()
        };
        let at_office = earliest(transfer.from, 0, transfer.left);
        let there = at_office.and_then(|at| earliest(0, transfer.to, at));
        there.is_some_and(|came| came <= transfer.first_session)
    }
}
