//! What comes from other nodes, by link or by stick: checked, stored as it is, and marked for
//! folding. A bad piece is set aside with its reason; the good around it is kept. The order of
//! checks: size, form, the roster's keys, the place in the chain, what it joins.

use std::collections::{BTreeMap, BTreeSet};

use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::id::{Hash, Label, Position, RunId, SiteId};
use spean_protocol::limits::{BEYOND_RANGES_MAX, BRANCHES_MAX};
use spean_protocol::log::{Head, Placing, Run};
use spean_protocol::parcel::Place;
use spean_protocol::roster::SignedRoster;
use spean_protocol::seal::Secret;
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};

use super::keys::{Opener, key_of};
use super::revocation::Admission;
use super::{Engine, EngineError, codec_error};
use crate::mutant::{self, Mutant};
use crate::store::{Store, Table};

/// What became of a piece.
pub(super) enum Taken {
    New,
    Known,
    Refused(String),
}

impl<S: Store> Engine<S> {
    /// Takes pieces that came from elsewhere, as one transaction; `true` for each new one.
    ///
    /// # Errors
    /// [`EngineError::Store`] only: what is refused is set aside.
    pub fn take_all(&mut self, pieces: Vec<Frame>) -> Result<Vec<bool>, EngineError> {
        self.input(|engine| pieces.into_iter().map(|piece| engine.take(piece)).collect())
    }

    /// Runs part of an exchange as one transaction.
    ///
    /// # Errors
    /// What the store says, and what `work` says.
    pub fn exchange<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        self.input(work)
    }

    pub(super) fn take_piece(&mut self, piece: &Frame) -> Result<Taken, EngineError> {
        match piece {
            Frame::Segment(bytes) => match Segment::decode(bytes) {
                Ok(segment) => self.take_segment(&segment),
                Err(error) => Ok(Taken::Refused(format!("segment: {error}"))),
            },
            Frame::Ahead(bytes) => match Segment::decode(bytes) {
                Ok(segment) => self.take_ahead(&segment),
                Err(error) => Ok(Taken::Refused(format!("segment: {error}"))),
            },
            Frame::Receipt(bytes) => self.take_receipt(bytes),
            Frame::Receipts(bytes) => self.take_receipts(bytes),
            Frame::Fork(bytes) => self.take_fork(bytes),
            Frame::Roster(bytes) => match SignedRoster::decode(bytes) {
                Ok(signed) if signed.hash() == self.signed_roster.hash() => Ok(Taken::Known),
                // An old one comes with every old stick.
                Ok(signed) if self.is_older(&signed) => Ok(Taken::Known),
                Ok(signed) => match self.put_roster(&signed) {
                    Ok(()) => Ok(Taken::New),
                    Err(EngineError::Roster(error)) => Ok(Taken::Refused(error.to_string())),
                    Err(error) => Err(error),
                },
                Err(error) => Ok(Taken::Refused(format!("roster: {error}"))),
            },
            _ => Ok(Taken::Refused("a frame that carries nothing".to_owned())),
        }
    }

    fn is_older(&self, signed: &SignedRoster) -> bool {
        let roster = signed.preview();
        roster.is_ok_and(|roster| roster.version < self.roster.version)
    }

    fn take_segment(&mut self, segment: &Segment) -> Result<Taken, EngineError> {
        let header = &segment.header;
        if !header.run.belongs_to(header.site) {
            return Ok(Taken::Refused(format!(
                "{}: the run is another site's",
                header.site
            )));
        }
        let parents = match header.log {
            Log::Control => match opening_of(segment) {
                Ok(parents) => parents,
                Err(reason) => return Ok(Taken::Refused(reason)),
            },
            Log::Data => None,
        };
        let placing = self.placing_of(header, parents.as_deref());
        if placing == Placing::Known {
            return Ok(Taken::Known);
        }
        match self.admit_segment(segment)? {
            Admission::In => {}
            Admission::Refused(_) if mutant::is_on(Mutant::SignatureUnchecked) => {}
            Admission::Refused(reason) => return Ok(Taken::Refused(reason)),
            Admission::Beyond => {
                self.keep_beyond(segment)?;
                let code = self.code(header.site);
                let reason = format!("{code}: beyond the cut of a revoked key");
                return Ok(Taken::Refused(reason));
            }
        }
        if self.roster.revoked_of(header.site).next().is_some() {
            // Something may have made way for it.
            return self.take_admitted(segment);
        }
        self.take_place(segment, placing, parents)
    }

    /// Takes a segment whose signature is good, whatever stands where now.
    pub(super) fn take_admitted(&mut self, segment: &Segment) -> Result<Taken, EngineError> {
        let header = &segment.header;
        let parents = match header.log {
            Log::Control => opening_of(segment).unwrap_or_default(),
            Log::Data => None,
        };
        match self.placing_of(header, parents.as_deref()) {
            Placing::Known => Ok(Taken::Known),
            placing => self.take_place(segment, placing, parents),
        }
    }

    /// Puts a segment whose signature is good in its place.
    fn take_place(
        &mut self,
        segment: &Segment,
        placing: Placing,
        parents: Option<Vec<Head>>,
    ) -> Result<Taken, EngineError> {
        let header = &segment.header;
        let second = matches!(placing, Placing::Branch(_) | Placing::Clash(..));
        if second && mutant::is_on(Mutant::ForkUnproven) {
            return Ok(Taken::Known);
        }
        // A copy of this machine goes on with the run: then this machine leaves it.
        if self.run.is_some_and(|run| placing == Placing::Next(run)) {
            self.run = None;
        }
        match self.place(segment, placing, parents)? {
            Ok(chain) if header.log == Log::Control => self.keep_control_segment(chain, segment)?,
            Ok(chain) => self.keep_data_segment(chain, segment, false)?,
            Err(reason) => {
                let Header {
                    site, run, height, ..
                } = header;
                return Ok(Taken::Refused(format!("{site} {run} {height}: {reason}")));
            }
        }
        Ok(Taken::New)
    }

    fn placing_of(&self, header: &Header, parents: Option<&[Head]>) -> Placing {
        let hash = |run, log, height| Host::hash(self, run, log, height);
        let own = header.hash();
        self.skeleton.placing((header, own), parents, &hash)
    }

    /// Makes room for a segment that is signed: the chain that it belongs to, or why it is refused.
    fn place(
        &mut self,
        segment: &Segment,
        placing: Placing,
        parents: Option<Vec<Head>>,
    ) -> Result<Result<RunId, &'static str>, EngineError> {
        let Header {
            log, run, height, ..
        } = segment.header;
        if let Placing::Clash(chain, height) = placing {
            let proven = self.prove_fork(chain, height, segment)?;
            let first = "a fork, the branch's lower part must come first";
            return Ok(Err(proven.err().unwrap_or(first)));
        }
        if placing == Placing::TooEarly {
            return Ok(Err("something before it is missing"));
        }
        // A relay could leave out what it likes: the signature covers hashes, not presence.
        if !self.lacks_only_erased(segment)? {
            return Ok(Err("a parcel is absent"));
        }
        match placing {
            Placing::Opening => self.open_run(run, parents.unwrap_or_default()),
            Placing::Branch(off) => {
                if let Err(reason) = self.prove_fork(off, height, segment)? {
                    return Ok(Err(reason));
                }
                if mutant::is_on(Mutant::BranchRefused) {
                    return Ok(Err("a fork"));
                }
                if self.skeleton.chains(run, Log::Data).count()
                    + self.skeleton.chains(run, Log::Control).count()
                    > BRANCHES_MAX + 1
                {
                    return Ok(Err("a fork, and more branches of it than are kept"));
                }
                let opened = self.open_branch(off, segment, parents.unwrap_or_default())?;
                return Ok(opened.ok_or("a fork, whose name is taken"));
            }
            _ => {}
        }
        let Placing::Next(chain) = placing else {
            return Ok(Ok(run));
        };
        if log == Log::Data {
            if self.is_one_gap_too_many(chain, height) {
                return Ok(Err("too many gaps below it"));
            }
            let above = self.header_at(chain, log, height + 1)?;
            if above.is_some_and(|above| above.header.previous != segment.header.hash())
                && let Err(reason) = self.prove_fork(chain, height + 1, segment)?
            {
                return Ok(Err(reason));
            }
        }
        Ok(Ok(chain))
    }

    fn is_one_gap_too_many(&self, chain: RunId, height: u32) -> bool {
        self.skeleton.run(chain).is_some_and(|run| {
            let below = height
                .checked_sub(1)
                .is_none_or(|below| run.data.contains(below));
            let joins = below || run.data.contains(height + 1);
            !joins && run.data.all().len() >= BEYOND_RANGES_MAX
        })
    }

    /// Adds a run to the skeleton: its opening comes next.
    pub(super) fn open_run(&mut self, run: RunId, parents: Vec<Head>) {
        let links = {
            let hash = |run, log, height| Host::hash(self, run, log, height);
            self.skeleton.links(&parents, &hash)
        };
        self.skeleton.open_run(run, run.site(), (parents, links));
        if self.forks.contains_key(&run.into()) {
            self.skeleton.mark_forked(run);
        }
    }

    /// Where a chain's segment is in the store: what is below a branch, with the other chain's.
    pub(super) fn place_of(&self, run: RunId, log: Log, height: u32) -> Option<Vec<u8>> {
        let owner = self.skeleton.owner(run, log, height);
        let number = self.skeleton.run(owner)?.number;
        Some(key_of(&[&number.to_be_bytes(), &height.to_be_bytes()]))
    }

    /// A held segment without its parcels.
    pub(super) fn header_at(
        &self,
        run: RunId,
        log: Log,
        height: u32,
    ) -> Result<Option<Segment>, EngineError> {
        let Some(place) = self.place_of(run, log, height) else {
            return Ok(None);
        };
        let table = if log == Log::Control {
            Table::Control
        } else {
            Table::Segment
        };
        let Some(bytes) = self.store.read(table, &place)? else {
            return Ok(None);
        };
        if log == Log::Control {
            return Ok(Some(Segment::decode(&bytes).map_err(codec_error)?));
        }
        let (signature, header) = codec::take_bytes(&bytes, 64).map_err(codec_error)?;
        let header = Header::decode(header).map_err(codec_error)?;
        let signature = signature
            .try_into()
            .map_err(|_| EngineError::Malformed("a signature"))?;
        let parcels = vec![None; header.lines.len()];
        Ok(Some(Segment {
            header,
            signature,
            parcels,
        }))
    }

    /// Stores a control segment that fits, and does what its entries say.
    pub(super) fn keep_control_segment(
        &mut self,
        chain: RunId,
        segment: &Segment,
    ) -> Result<(), EngineError> {
        let Header { site, height, .. } = segment.header;
        let place = self
            .place_of(chain, Log::Control, height)
            .ok_or(EngineError::Malformed("a run"))?;
        self.store
            .write(Table::Control, &place, &segment.encode())?;
        self.note(chain, &segment.header, Hash::ZERO)?;
        let reading = self.its_turn(&segment.header)?;
        for bytes in segment.parcels.iter().flatten() {
            match Entry::decode(bytes) {
                Ok(Entry::Wrap(wrap)) => self.open_wrap(site, &wrap)?,
                Ok(Entry::Statement { sealed }) => {
                    let run = chain;
                    self.open_statement(Position { site, run, height }, &sealed)?;
                }
                Ok(Entry::BoxKey { cohort, key }) => {
                    self.read_box_key(chain, segment, (cohort, key))?;
                }
                Ok(Entry::Officer(officer)) => self.read_officer(site, &officer)?,
                Ok(Entry::Signature(signature)) => self.read_signature(site, &signature)?,
                Ok(Entry::Erasure(erasure)) => self.read_erasure(site, &erasure)?,
                Ok(Entry::Erased(id)) => self.read_erased(site, id)?,
                Ok(Entry::Remains { id, escrow, sealed }) => {
                    let seeds: Vec<Secret> = self.identity.boxes.values().cloned().collect();
                    self.read_remains(site, (id, escrow), &sealed, &seeds)?;
                }
                Ok(_) => {}
                Err(error) => self.set_aside(&format!("control entry of {site}: {error}"))?,
            }
        }
        self.read_mail(segment, reading)
    }

    /// The entries of a site's control log that are here, with their places.
    pub(super) fn control_entries(
        &self,
        site: SiteId,
    ) -> Result<Vec<(Position, Entry)>, EngineError> {
        let mut entries = Vec::new();
        for (run, held) in self.skeleton.runs(site) {
            for height in held.from(Log::Control)..held.control {
                let segment = self.header_at(run, Log::Control, height)?;
                let parcels = segment.into_iter().flat_map(|segment| segment.parcels);
                let read = parcels
                    .flatten()
                    .filter_map(|bytes| Entry::decode(&bytes).ok());
                entries.extend(read.map(|entry| (Position { site, run, height }, entry)));
            }
        }
        Ok(entries)
    }

    /// Stores a data segment that fits, and marks what can be read of it, unless this node wrote it
    /// itself and adds to the records what it knows.
    pub(super) fn keep_data_segment(
        &mut self,
        chain: RunId,
        segment: &Segment,
        own: bool,
    ) -> Result<(), EngineError> {
        let Header { run, height, .. } = segment.header;
        let place = self
            .place_of(chain, Log::Data, height)
            .ok_or(EngineError::Malformed("a run"))?;
        let number = place[..4].to_vec();
        let value = [segment.signature.as_slice(), &segment.header.encode()].concat();
        self.store.write(Table::Segment, &place, &value)?;
        let joined = self.skeleton.run(chain).map(|run| {
            let mut joined = run.data.clone();
            joined.insert(height, height + 1);
            joined.prefix()
        });
        let tip = match joined.and_then(|count| count.checked_sub(1)) {
            Some(at) if at > height => self.header_at(chain, Log::Data, at)?,
            _ => None,
        };
        let tip = tip.map_or(Hash::ZERO, |segment| segment.header.hash());
        self.note(chain, &segment.header, tip)?;
        for (index, line, body) in self.kept(segment)? {
            let index = index.to_be_bytes();
            let place = key_of(&[&line.label.0, &number, &height.to_be_bytes(), &index]);
            self.store.write(Table::Parcel, &place, body)?;
            if !own {
                self.mark_label(run, line.label, height)?;
            }
        }
        let parcels = segment.parcels.len();
        tracing::debug!(site = %segment.header.site, %run, height, parcels, "segment stored");
        Ok(())
    }

    /// Marks that a label has a parcel to fold or to read at this height, if a key of it is here.
    pub(super) fn mark_label(
        &mut self,
        run: RunId,
        label: Label,
        height: u32,
    ) -> Result<(), EngineError> {
        match self.openers(run)?.get(&label).cloned() {
            Some(Opener::Stay(learner, held)) => {
                tracing::debug!(%label, %learner, "parcel to fold");
                self.mark_dirty(learner, &held, (run, label), height)
            }
            Some(Opener::Register(custody, secret)) => {
                self.read_register(&custody, &secret, run, label, height)
            }
            None => Ok(()),
        }
    }

    /// Notes a stored segment in the skeleton.
    fn note(&mut self, chain: RunId, header: &Header, tip: Hash) -> Result<(), EngineError> {
        let completed = self.skeleton.add(chain, header, header.hash(), tip);
        if header.log == Log::Control || !mutant::is_on(Mutant::RunShort) {
            self.touched.insert(chain);
        }
        match header.log {
            // The order of events is that of the data logs.
            Log::Control => self.touched.extend(completed),
            Log::Data => self.order_changed(completed),
        }
        Ok(())
    }

    /// What stands below these runs is known anew: at the end of the input, whoever has anything in
    /// them or above is marked to be folded once more.
    pub(super) fn order_changed(&mut self, runs: Vec<RunId>) {
        self.touched.extend(runs.iter().copied());
        self.reordered.extend(runs);
    }

    /// Marks whoever has anything in runs of which it is known anew what stands below them, or above
    /// these: what of it is late, and which departure an arrival answers, hangs on the order.
    pub(super) fn mark_reordered(&mut self) -> Result<(), EngineError> {
        let mut open: Vec<RunId> = std::mem::take(&mut self.reordered).into_iter().collect();
        let mut upon: BTreeMap<RunId, Vec<RunId>> = BTreeMap::new();
        let sites: BTreeSet<_> = open.iter().map(|run| run.site()).collect();
        for (_, run) in sites.iter().flat_map(|site| self.skeleton.runs(*site)) {
            for head in &run.parents {
                upon.entry(head.run).or_default().push(run.base);
            }
        }
        let mut above = BTreeSet::new();
        while let Some(run) = open.pop() {
            let base = self.skeleton.run(run).map_or(run, |run| run.base);
            if above.insert(base) {
                open.extend(upon.get(&base).into_iter().flatten());
            }
        }
        for run in above {
            // Of a run that was only opened there is nothing to fold.
            let empty = |(_, chain): (RunId, &Run)| chain.data.all().is_empty();
            if self.skeleton.chains(run, Log::Data).all(empty) {
                continue;
            }
            for (label, opener) in self.openers(run)?.clone() {
                let Opener::Stay(learner, held) = opener else {
                    continue;
                };
                if !self.store.scan(Table::Parcel, &label.0, &[], 1)?.is_empty() {
                    self.mark_dirty(learner, &held, (run, label), u32::MAX)?;
                }
            }
        }
        Ok(())
    }

    /// The parcels of a label in one chain, at these heights, with their places.
    pub(super) fn parcels(
        &self,
        (chain, label): (RunId, Label),
        heights: std::ops::Range<u32>,
    ) -> Result<Vec<(Place, Vec<u8>)>, EngineError> {
        let Some(held) = self.skeleton.run(chain) else {
            return Ok(Vec::new());
        };
        let run = held.base;
        let prefix = key_of(&[&label.0, &held.number.to_be_bytes()]);
        let from = key_of(&[&prefix, &heights.start.to_be_bytes()]);
        let rows = self.store.scan(Table::Parcel, &prefix, &from, usize::MAX)?;
        let place = |key: &[u8]| {
            let height = u32::from_be_bytes(key.get(20..24)?.try_into().ok()?);
            let index = u16::from_be_bytes(key.get(24..26)?.try_into().ok()?);
            Some(Place { run, height, index })
        };
        let wrong = || EngineError::Malformed("a parcel's place");
        let rows = rows
            .into_iter()
            .map(|(key, body)| Ok((place(&key).ok_or_else(wrong)?, body)));
        let inside = |row: &Result<(Place, _), _>| {
            row.as_ref()
                .map_or(true, |(place, _)| place.height < heights.end)
        };
        rows.take_while(inside).collect()
    }
}

/// The heads that an opening names, where the segment is the first of a run; otherwise nothing.
pub(super) fn opening_of(segment: &Segment) -> Result<Option<Vec<Head>>, String> {
    if segment.header.height > 0 {
        return Ok(None);
    }
    match segment.parcels.first() {
        Some(Some(bytes)) => match Entry::decode(bytes) {
            Ok(Entry::Opening(parents)) => Ok(Some(parents)),
            _ => Err("the first control segment of a run does not open it".to_owned()),
        },
        _ => Err("a control segment without its entries".to_owned()),
    }
}
