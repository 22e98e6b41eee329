//! What goes ahead of its turn: control segments that somebody waits for. The site that posted them
//! notes for whom they are urgent; the one that they reach reads them before what comes before them
//! in the log is there.

use spean_protocol::frontier::SiteFrontier;
use spean_protocol::id::{RunId, SiteId};
use spean_protocol::receipt::Statement;
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::Host;

use super::keys::key_of;
use super::receive::Taken;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Segments of one site read ahead of their turn that have not come in it yet.
const AHEAD_OF_SITE_MAX: usize = 256;

/// When a control segment is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Ahead of its turn: only what says the same in any order.
    Ahead,
    /// In its turn.
    InTurn,
    /// In its turn, after it was read ahead.
    Again,
}

impl Reading {
    /// Whether something is read now that says the same in any order, or does not.
    pub(super) fn reads(self, in_any_order: bool) -> bool {
        match self {
            Self::Ahead => in_any_order,
            Self::InTurn => true,
            Self::Again => !in_any_order,
        }
    }
}

impl<S: Store> Engine<S> {
    pub(super) fn note_urgent(
        &mut self,
        to: SiteId,
        run: RunId,
        height: u32,
    ) -> Result<(), EngineError> {
        let place = key_of(&[&to.0.to_be_bytes(), &run.0, &height.to_be_bytes()]);
        Ok(self.store.write(Table::Urgent, &place, &[])?)
    }

    /// Segments in which something for that site waits for its receipt.
    pub(super) fn urgent_for(&self, to: SiteId) -> Result<Vec<(RunId, u32)>, EngineError> {
        let rows = self
            .store
            .scan(Table::Urgent, &to.0.to_be_bytes(), &[], usize::MAX)?;
        let place = |key: &[u8]| {
            let run = key.get(2..18)?.try_into().ok()?;
            let height = key.get(18..22)?.try_into().ok()?;
            Some((RunId(run), u32::from_be_bytes(height)))
        };
        let wrong = || EngineError::Malformed("an urgent segment");
        rows.iter()
            .map(|(key, _)| place(key).ok_or_else(wrong))
            .collect()
    }

    /// What a site's receipt covers is no longer urgent for it.
    pub(super) fn no_longer_urgent(&mut self, of: &Statement) -> Result<(), EngineError> {
        let urgent = self.urgent_for(of.site)?;
        if urgent.is_empty() {
            return Ok(());
        }
        let stated = SiteFrontier {
            heads: of.complete.get(&self.site).cloned().unwrap_or_default(),
            beyond: Vec::new(),
        };
        let hash = |run, log, height| Host::hash(self, run, log, height);
        let covered = self.skeleton.coverage(self.site, &stated, &[], &hash).runs;
        for (run, height) in urgent {
            if covered.get(&run).is_some_and(|held| held.0 > height) {
                let place = key_of(&[&of.site.0.to_be_bytes(), &run.0, &height.to_be_bytes()]);
                self.store.remove(Table::Urgent, &place)?;
            }
        }
        Ok(())
    }

    /// Reads what a control segment that came ahead of its turn says to this node. It is not kept:
    /// it comes again in its place, and is then not read a second time.
    pub(super) fn take_ahead(&mut self, segment: &Segment) -> Result<Taken, EngineError> {
        let header = &segment.header;
        let hash = header.hash();
        let place = key_of(&[&header.site.0.to_be_bytes(), &hash.0]);
        let held = self.skeleton.chains(header.run, Log::Control);
        let held: Vec<RunId> = held.map(|(id, _)| id).collect();
        let is_it = |id: &RunId| Host::hash(self, *id, Log::Control, header.height) == Some(hash);
        if held.iter().any(is_it) || self.store.read(Table::Ahead, &place)?.is_some() {
            return Ok(Taken::Known);
        }
        if header.log != Log::Control || !header.run.belongs_to(header.site) {
            return Ok(Taken::Refused(
                "ahead of its turn: no control segment".to_owned(),
            ));
        }
        if let Err(error) = segment.verify(self.roster.keys(header.site)) {
            return Ok(Taken::Refused(error.to_string()));
        }
        let of_site = header.site.0.to_be_bytes();
        let count = self
            .store
            .scan(Table::Ahead, &of_site, &[], AHEAD_OF_SITE_MAX)?;
        if count.len() >= AHEAD_OF_SITE_MAX {
            let reason = format!("{}: too much ahead of its turn", self.code(header.site));
            return Ok(Taken::Refused(reason));
        }
        self.store.write(Table::Ahead, &place, &[])?;
        self.read_mail(segment, Reading::Ahead)?;
        Ok(Taken::New)
    }

    /// How a control segment is read whose turn has come.
    pub(super) fn its_turn(&mut self, header: &Header) -> Result<Reading, EngineError> {
        let place = key_of(&[&header.site.0.to_be_bytes(), &header.hash().0]);
        if self.store.read(Table::Ahead, &place)?.is_none() {
            return Ok(Reading::InTurn);
        }
        self.store.remove(Table::Ahead, &place)?;
        Ok(Reading::Again)
    }
}
