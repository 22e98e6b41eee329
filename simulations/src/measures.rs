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

    /// The same transfer where nobody carries for others and every record goes through the head
    /// office: each place that wrote some of it must have reached the head office since it wrote
    /// there last, and `to` must have heard from the head office after that. `written` is by place
    /// the second of the last event. Whether that is done by the second `by`.
    ///
    /// It favours that way: no key is needed, nobody has to ask, and what `to` wrote itself is
    /// there.
    #[must_use]
    pub fn open_through_head_office(
        &self,
        written: &BTreeMap<usize, u64>,
        to: usize,
        by: u64,
    ) -> bool {
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
        written.iter().all(|(from, last)| {
            let at_office = || earliest(*from, 0, *last);
            let there = || earliest(0, to, at_office()?);
            *from == to || there().is_some_and(|came| came <= by)
        })
    }
}
