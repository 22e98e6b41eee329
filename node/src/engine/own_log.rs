//! This site's own log: the run that this start of the program writes, what is signed into it, and
//! the custody keys under which its parcels are sealed.

use spean_protocol::codec;
use spean_protocol::control::{Entry, Recipient, Wrap};
use spean_protocol::id::{Label, RunId, Stream};
use spean_protocol::log::Head;
use spean_protocol::seal::{BoxKey, Secret};
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::stay::CustodyKey;

use super::{Engine, EngineError};
use crate::store::Store;

/// Bytes of entries after which a control segment is closed: small, for it goes ahead of others.
const CONTROL_FILL_BYTES: usize = 16 * 1024;

/// A run is ended after a week, so that labels change: for privacy, not for order.
const RUN_SECONDS: u64 = 7 * 24 * 3600;

impl<S: Store> Engine<S> {
    pub(super) fn sign_data(
        &mut self,
        run: RunId,
        parcels: Vec<(Label, Vec<u8>)>,
    ) -> Result<(), EngineError> {
        let segment = self.sign(run, Log::Data, parcels)?;
        self.keep_data_segment(run, &segment, true)
    }

    /// Writes entries to the control log of this site.
    pub(super) fn write_control(&mut self, entries: &[Entry]) -> Result<(), EngineError> {
        let run = self.own_run()?;
        self.sign_control(run, entries)
    }

    fn sign_control(&mut self, run: RunId, entries: &[Entry]) -> Result<(), EngineError> {
        let mut parcels = Vec::new();
        let mut bytes = 0;
        for entry in entries {
            let parcel = entry.encode();
            let full = bytes + parcel.len() > CONTROL_FILL_BYTES || parcels.len() >= 64;
            if full && !parcels.is_empty() {
                let segment = self.sign(run, Log::Control, std::mem::take(&mut parcels))?;
                self.keep_control_segment(run, &segment)?;
                bytes = 0;
            }
            bytes += parcel.len();
            parcels.push((Label([0; 16]), parcel));
        }
        let segment = self.sign(run, Log::Control, parcels)?;
        self.keep_control_segment(run, &segment)
    }

    fn sign(
        &mut self,
        run: RunId,
        log: Log,
        parcels: Vec<(Label, Vec<u8>)>,
    ) -> Result<Segment, EngineError> {
        let state = self
            .skeleton
            .run(run)
            .ok_or(EngineError::Malformed("this site's run"))?;
        let (height, previous) = match log {
            Log::Control => (state.control, state.control_tip),
            Log::Data => (state.data.prefix(), state.data_tip),
        };
        let header = Header {
            log,
            site: self.site,
            run,
            height,
            previous,
            control: state.control,
            cohort: self.roster.cohort_of(self.site),
            stamp: self.world.wall_seconds(),
            lines: Vec::new(),
        };
        Segment::sign(header, parcels, &self.identity.signing)
            .map_err(|_| EngineError::TooLarge("a segment"))
    }

    /// The run that this start of the program writes, opened now if there is none.
    pub(super) fn own_run(&mut self) -> Result<RunId, EngineError> {
        self.may_write()?;
        let wall = self.world.wall_seconds();
        let usable = self.run.filter(|run| {
            self.skeleton.run(*run).is_some_and(|run| !run.forked)
                && self
                    .run_since
                    .is_some_and(|since| wall.abs_diff(since) < RUN_SECONDS)
        });
        if let Some(run) = usable {
            return Ok(run);
        }
        let parents = self.own_parents()?;
        let run = self.new_run_id(&parents);
        self.open_run(run, parents.clone());
        self.touched.insert(run);
        (self.run, self.run_since) = (Some(run), Some(wall));
        tracing::info!(%run, continues = parents.len(), "opened a run");
        self.sign_control(run, &[Entry::Opening(parents)])?;
        Ok(run)
    }

    /// An id that no run has. A machine that is resumed from a snapshot draws the same bytes again,
    /// and may have heard by now of the run that it opened then.
    fn new_run_id(&mut self, parents: &[Head]) -> RunId {
        let mut content = codec::encode(&("run", parents));
        loop {
            let mut random = [0; 16];
            random.copy_from_slice(&self.entropy(&content)[..16]);
            let run = RunId::of(self.site, random);
            if self.skeleton.run(run).is_none() {
                return run;
            }
            content.push(0);
        }
    }

    /// This site's custody key of the cohort in which it writes, minted and wrapped now if there is none.
    pub(super) fn own_custody(&mut self, stream: Stream) -> Result<CustodyKey, EngineError> {
        let cohort = self.roster.cohort_of(self.site);
        for key in self.custody_keys(self.site)? {
            let current = key.cohort == cohort && key.stream == stream;
            if current && !self.is_returned(&key)? {
                return Ok(key);
            }
        }
        let secret = Secret(self.entropy(b"custody key"));
        let key = CustodyKey {
            site: self.site,
            cohort,
            stream,
            secret,
        };
        self.keep_custody_key(&key)?;
        let mut entries = Vec::new();
        for (recipient, to) in self.wrap_recipients(stream)? {
            let entropy = self.entropy(&[to.0, key.secret.0].concat());
            entries.push(Entry::Wrap(Wrap::seal(&key, recipient, &to, entropy)?));
        }
        self.write_control(&entries)?;
        Ok(key)
    }

    /// Who can open this site's custody keys: itself, the escrow, and for education the DGP.
    fn wrap_recipients(&self, stream: Stream) -> Result<Vec<(Recipient, BoxKey)>, EngineError> {
        let own = self
            .roster
            .box_key(self.site)
            .ok_or(EngineError::NoBoxKey(self.site))?;
        let cohort = self.roster.cohort_of(self.site);
        let mut to = vec![(Recipient::Itself, own)];
        if stream == Stream::Education {
            let key = self.roster.headquarters_key(cohort);
            to.extend(key.map(|key| (Recipient::Headquarters, key)));
        }
        let escrow = self.roster.escrow_key(cohort);
        to.extend(escrow.map(|key| (Recipient::Escrow, key)));
        Ok(to)
    }
}
