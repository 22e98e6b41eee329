//! What comes from other nodes, by link or by stick: checked, stored as it is, and marked for
//! folding. A bad piece is set aside with its reason; the good around it is kept. The order of
//! checks: size, form, the roster's keys, the place in the chain, what it joins.

use std::collections::{BTreeMap, BTreeSet};

use spean_protocol::codec;
use spean_protocol::control::{Entry, Recipient, Wrap};
use spean_protocol::frontier::RunTag;
use spean_protocol::id::{Hash, Label, LearnerId, Position, RunId, SiteId, Stream};
use spean_protocol::limits::HEADS_MAX;
use spean_protocol::log::{ForkProof, Placing, Skeleton};
use spean_protocol::parcel::{self, Kind, Place};
use spean_protocol::receipt::{Rank, Receipt, Statement};
use spean_protocol::roster::SignedRoster;
use spean_protocol::seal::{self, Secret, derive};
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};
use spean_protocol::slip::grant_info;
use spean_protocol::stay::{CustodyKey, GrantContent, HeldKey, Register};

use super::keys::{Opener, key_of};
use super::write::wrap_info;
use super::{Engine, EngineError, codec_error};
use crate::store::{Store, Table};

/// Refusals that are kept for people to read; older ones make room.
const ASIDE_MAX: usize = 1_000;

/// Number, wall clock, reason and key of something that was refused.
pub(super) type SetAside = (u64, u64, String, Vec<u8>);

/// Gaps in one run, as sticks out of order leave them, after which only what closes one is taken.
const GAPS_MAX: usize = 256;

/// Keys of one learner, site and stream that are taken from grants and keyrings: a stay each year,
/// and returns. More is what somebody made up.
const KEYS_OF_SITE_MAX: usize = 24;

/// What became of a piece.
enum Taken {
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

    fn take_piece(&mut self, piece: &Frame) -> Result<Taken, EngineError> {
        match piece {
            Frame::Segment(bytes) => match Segment::decode(bytes) {
                Ok(segment) => self.take_segment(&segment),
                Err(error) => Ok(Taken::Refused(format!("segment: {error}"))),
            },
            Frame::Receipt(bytes) => self.take_receipt(bytes),
            Frame::Fork(bytes) => self.take_fork(bytes),
            Frame::Roster(bytes) => match SignedRoster::decode(bytes) {
                Ok(signed) if signed.hash() == self.signed_roster.hash() => Ok(Taken::Known),
                Ok(signed) => match self.take_roster(&signed) {
                    Ok(()) => Ok(Taken::New),
                    Err(EngineError::Store(error)) => Err(error.into()),
                    Err(error) => Ok(Taken::Refused(error.to_string())),
                },
                Err(error) => Ok(Taken::Refused(format!("roster: {error}"))),
            },
            _ => Ok(Taken::Refused("a frame that carries nothing".to_owned())),
        }
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
        let placing = self.skeleton.placing(header, parents.as_deref());
        if placing == Placing::Taken && self.hash_at(header)? == Some(header.hash()) {
            return Ok(Taken::Known);
        }
        if let Err(error) = segment.verify(self.roster.keys(header.site)) {
            return Ok(Taken::Refused(error.to_string()));
        }
        let Header {
            site, run, height, ..
        } = *header;
        match placing {
            Placing::TooEarly => {
                let reason = format!("{site} {run} {height}: something before it is missing");
                return Ok(Taken::Refused(reason));
            }
            Placing::New | Placing::Taken => {}
        }
        let one_more_gap = self.skeleton.run(run).is_some_and(|run| {
            let below = height
                .checked_sub(1)
                .is_none_or(|below| run.data.contains(below));
            let joins = below || run.data.contains(height + 1);
            header.log == Log::Data && !joins && run.data.all().len() > GAPS_MAX
        });
        if placing == Placing::New && one_more_gap {
            return Ok(Taken::Refused(format!(
                "{site} {run} {height}: too many gaps below it"
            )));
        }
        // A relay could leave out what it likes: the signature covers hashes, not presence.
        if segment.parcels.iter().any(Option::is_none) {
            let reason = format!("{site} {run} {height}: a parcel is absent");
            return Ok(Taken::Refused(reason));
        }
        if let Some(other) = self.clash(segment, placing)? {
            if !self.forks.contains_key(&run.into()) {
                let proof = ForkProof::of(&other, segment);
                self.keep_fork(run, &codec::encode(&proof))?;
            }
            let reason = format!("{site} {run} {height}: another segment stands there, a fork");
            return Ok(Taken::Refused(reason));
        }
        if header.log == Log::Control {
            if let Some(parents) = parents {
                let number = self.skeleton.next_number();
                self.skeleton.open_run(run, site, parents, number);
            }
            self.keep_control_segment(segment)?;
        } else {
            self.keep_data_segment(segment)?;
        }
        Ok(Taken::New)
    }

    /// A held segment that this one contradicts: at its place, below it or above it.
    fn clash(&self, segment: &Segment, placing: Placing) -> Result<Option<Segment>, EngineError> {
        let header = &segment.header;
        let (run, log, height) = (header.run, header.log, header.height);
        if placing == Placing::Taken {
            return self.header_at(run, log, height);
        }
        if let Some(below) = height.checked_sub(1) {
            let below = self.header_at(run, log, below)?;
            if let Some(below) = below.filter(|s| s.header.hash() != header.previous) {
                return Ok(Some(below));
            }
        }
        let above = self.header_at(run, log, height + 1)?;
        Ok(above.filter(|above| above.header.previous != header.hash()))
    }

    fn hash_at(&self, header: &Header) -> Result<Option<Hash>, EngineError> {
        let held = self.header_at(header.run, header.log, header.height)?;
        Ok(held.map(|segment| segment.header.hash()))
    }

    fn place_of(&self, run: RunId, height: u32) -> Option<Vec<u8>> {
        let number = self.skeleton.run(run)?.number;
        Some(key_of(&[&number.to_be_bytes(), &height.to_be_bytes()]))
    }

    /// A held segment without its parcels.
    fn header_at(&self, run: RunId, log: Log, height: u32) -> Result<Option<Segment>, EngineError> {
        let Some(place) = self.place_of(run, height) else {
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
    pub(super) fn keep_control_segment(&mut self, segment: &Segment) -> Result<(), EngineError> {
        let Header {
            site, run, height, ..
        } = segment.header;
        let place = self
            .place_of(run, height)
            .ok_or(EngineError::Malformed("a run"))?;
        self.store
            .write(Table::Control, &place, &segment.encode())?;
        self.skeleton
            .add(&segment.header, segment.header.hash(), |_| Hash::ZERO);
        self.touched.insert(run);
        for bytes in segment.parcels.iter().flatten() {
            match Entry::decode(bytes) {
                Ok(Entry::Wrap(wrap)) => self.open_wrap(site, &wrap)?,
                Ok(Entry::Grant { id, sealed }) => self.open_grant(site, id, &sealed)?,
                Ok(Entry::Statement { sealed }) => {
                    let position = Position { site, run, height };
                    self.open_statement(position, &sealed)?;
                }
                Ok(Entry::Opening(_) | Entry::Newer(_)) => {}
                Err(error) => self.set_aside(&format!("control entry of {site}: {error}"))?,
            }
        }
        Ok(())
    }

    fn open_wrap(&mut self, site: SiteId, wrap: &Wrap) -> Result<(), EngineError> {
        let mine = match wrap.recipient {
            Recipient::Itself => site == self.site,
            Recipient::Headquarters => self.is_headquarters(),
            Recipient::Escrow => false,
        };
        let known = self
            .custody_keys(site)?
            .iter()
            .any(|key| key.id() == wrap.custody);
        if !mine || known {
            return Ok(());
        }
        let Wrap { cohort, stream, .. } = *wrap;
        let secret = |bytes: Vec<u8>| Some(Secret(bytes.try_into().ok()?));
        let seeds: Vec<Secret> = self.identity.boxes.values().cloned().collect();
        let unnamed = |secret| CustodyKey {
            site,
            cohort,
            stream,
            secret,
        };
        let info = [
            b"spean custody wrap v1".as_slice(),
            &site.0.to_le_bytes(),
            &cohort.to_le_bytes(),
            &[stream.byte()],
            &wrap.custody.0,
        ]
        .concat();
        let opened = seeds
            .iter()
            .find_map(|seed| seal::box_open(seed, &info, &wrap.sealed).ok())
            .and_then(secret)
            .map(unnamed);
        match opened {
            Some(key) if key.id() == wrap.custody && wrap_info(&key) == info => {
                if self.keep_custody_key(&key)? {
                    self.read_registers(&key)?;
                }
                Ok(())
            }
            _ => self.set_aside(&format!("a custody key of {site} that does not open")),
        }
    }

    /// Tries a grant: it names no recipient, so every site does.
    fn open_grant(
        &mut self,
        source: SiteId,
        id: [u8; 16],
        sealed: &[u8],
    ) -> Result<(), EngineError> {
        if source == self.site {
            return Ok(());
        }
        let info = grant_info(source, self.site, &id);
        let seeds = self.identity.boxes.values();
        let Some(bytes) = seeds
            .into_iter()
            .find_map(|s| seal::box_open(s, &info, sealed).ok())
        else {
            return Ok(());
        };
        match GrantContent::decode(&bytes) {
            Ok(content) => self.keep_grant(&content),
            Err(error) => self.set_aside(&format!("a grant of {source}: {error}")),
        }
    }

    /// Keeps granted keys; whoever is here already gets a keyring with the next flush.
    pub(super) fn keep_grant(&mut self, content: &GrantContent) -> Result<(), EngineError> {
        for (learner, keys) in &content.learners {
            self.keep_keys(*learner, keys)?;
        }
        Ok(())
    }

    /// Keeps keys of earlier stays, from a grant or a keyring.
    pub(super) fn keep_keys(
        &mut self,
        learner: LearnerId,
        keys: &[HeldKey],
    ) -> Result<(), EngineError> {
        let mut streams = BTreeSet::new();
        let mut counts: BTreeMap<(SiteId, Stream), usize> = BTreeMap::new();
        for known in self.keys_of(learner)? {
            *counts.entry((known.site, known.stream)).or_default() += 1;
        }
        for key in keys {
            if self.roster.site(key.site).is_none() {
                continue;
            }
            let count = counts.entry((key.site, key.stream)).or_default();
            if *count >= KEYS_OF_SITE_MAX {
                let code = self.code(key.site);
                self.set_aside(&format!(
                    "more keys of {code} than a learner can have there"
                ))?;
            } else if self.keep_stay_key(learner, key)? {
                *count += 1;
                streams.insert(key.stream);
            }
        }
        let here = self.own_stay(learner)?.is_some_and(|stay| stay.open);
        for stream in streams.into_iter().filter(|_| here) {
            self.keep_pending(learner, stream, None)?;
        }
        Ok(())
    }

    /// Stores a data segment that fits, and marks what can be read of it.
    pub(super) fn keep_data_segment(&mut self, segment: &Segment) -> Result<(), EngineError> {
        let Header { run, height, .. } = segment.header;
        let place = self
            .place_of(run, height)
            .ok_or(EngineError::Malformed("a run"))?;
        let number = place[..4].to_vec();
        let value = [segment.signature.as_slice(), &segment.header.encode()].concat();
        self.store.write(Table::Segment, &place, &value)?;
        let own = segment.header.site == self.site && self.run == Some(run);
        let parcels = segment
            .header
            .lines
            .iter()
            .zip(segment.parcels.iter().flatten());
        for (index, (line, body)) in (0_u16..).zip(parcels) {
            let index = index.to_be_bytes();
            let place = key_of(&[&line.label.0, &number, &height.to_be_bytes(), &index]);
            self.store.write(Table::Parcel, &place, body)?;
            if own {
                continue;
            }
            match self.openers(run)?.get(&line.label).cloned() {
                Some(Opener::Stay(learner, held)) => {
                    tracing::debug!(label = %line.label, %learner, "parcel to fold");
                    self.mark_dirty(learner, &held, (run, line.label), height)?;
                }
                Some(Opener::Register(custody, secret)) => {
                    self.read_register(&custody, &secret, run, line.label, height)?;
                }
                None => {}
            }
        }
        let below = self
            .skeleton
            .run(run)
            .map(|run| run.data.clone())
            .unwrap_or_default();
        let mut joined = below;
        joined.insert(height, height + 1);
        let tip = match joined.prefix().checked_sub(1) {
            Some(at) if at > height => self.header_at(run, Log::Data, at)?,
            _ => None,
        };
        let tip = tip.map_or(Hash::ZERO, |segment| segment.header.hash());
        self.skeleton
            .add(&segment.header, segment.header.hash(), |_| tip);
        self.touched.insert(run);
        let parcels = segment.parcels.len();
        tracing::debug!(site = %segment.header.site, %run, height, parcels, "segment stored");
        Ok(())
    }

    /// Opens the register parcels of a label from `height` on and derives the keys they list.
    pub(super) fn read_register(
        &mut self,
        custody: &CustodyKey,
        secret: &Secret,
        run: RunId,
        label: Label,
        height: u32,
    ) -> Result<(), EngineError> {
        for (place, body) in self.parcels(run, label, height)? {
            let content = match parcel::open(secret, place, label, &body) {
                Ok((Kind::Register, content)) => Register::decode(&content),
                Ok(_) => continue,
                Err(error) => {
                    self.set_aside(&format!("a register of {}: {error}", custody.site))?;
                    continue;
                }
            };
            let Ok(register) = content else {
                self.set_aside(&format!("a register of {}: malformed", custody.site))?;
                continue;
            };
            for (learner, stay) in register.0 {
                let key = custody.stay_key(stay);
                let held = HeldKey {
                    site: custody.site,
                    stream: custody.stream,
                    stay,
                    key,
                };
                self.keep_stay_key(learner, &held)?;
            }
        }
        Ok(())
    }

    /// The parcels of a label in one run, from `height` on, with their places.
    pub(super) fn parcels(
        &self,
        run: RunId,
        label: Label,
        height: u32,
    ) -> Result<Vec<(Place, Vec<u8>)>, EngineError> {
        let Some(number) = self.skeleton.run(run).map(|run| run.number) else {
            return Ok(Vec::new());
        };
        let prefix = key_of(&[&label.0, &number.to_be_bytes()]);
        let from = key_of(&[&prefix, &height.to_be_bytes()]);
        let rows = self.store.scan(Table::Parcel, &prefix, &from, usize::MAX)?;
        let place = |key: &[u8]| {
            let height = u32::from_be_bytes(key.get(20..24)?.try_into().ok()?);
            let index = u16::from_be_bytes(key.get(24..26)?.try_into().ok()?);
            Some(Place { run, height, index })
        };
        let wrong = || EngineError::Malformed("a parcel's place");
        rows.into_iter()
            .map(|(key, body)| Ok((place(&key).ok_or_else(wrong)?, body)))
            .collect()
    }

    fn take_receipt(&mut self, bytes: &[u8]) -> Result<Taken, EngineError> {
        let (receipt, statement) = match Receipt::decode(bytes) {
            Ok(decoded) => decoded,
            Err(error) => return Ok(Taken::Refused(format!("receipt: {error}"))),
        };
        let site = statement.site;
        let held = self
            .receipts
            .get(&site)
            .map(|(held, statement)| held.rank(statement.number));
        // Also of this node's own: then it is a later one than a backup remembers.
        if held >= Some(receipt.rank(statement.number)) {
            return Ok(Taken::Known);
        }
        if let Err(error) = receipt.verify(site, self.roster.keys(site)) {
            return Ok(Taken::Refused(error.to_string()));
        }
        self.keep_receipt(receipt, statement)?;
        Ok(Taken::New)
    }

    fn keep_receipt(&mut self, receipt: Receipt, statement: Statement) -> Result<(), EngineError> {
        let site = statement.site;
        self.store
            .write(Table::Receipt, &site.0.to_be_bytes(), &receipt.encode())?;
        self.receipts.insert(site, (receipt, statement));
        Ok(())
    }

    /// Signs what this node completely has, if the receipt at hand says something else.
    pub(super) fn renew_receipt(&mut self) -> Result<(), EngineError> {
        let heads: BTreeMap<_, _> = self
            .skeleton
            .sites()
            .map(|site| (site, self.skeleton.heads(site)))
            .collect();
        let number = self
            .receipts
            .get(&self.site)
            .map_or(0, |(_, held)| held.number);
        let held = self.receipts.get(&self.site).map(|(_, held)| held);
        if held == Some(&Statement::of(self.site, number, &heads)) {
            return Ok(());
        }
        let statement = Statement::of(self.site, number.saturating_add(1), &heads);
        let receipt = Receipt::sign(&statement, &self.identity.signing);
        self.keep_receipt(receipt, statement)
    }

    fn take_fork(&mut self, bytes: &[u8]) -> Result<Taken, EngineError> {
        let Ok(proof) = codec::decode::<ForkProof>(bytes) else {
            return Ok(Taken::Refused("fork proof: malformed".to_owned()));
        };
        let keys = |site: SiteId| self.roster.keys(site).iter().collect();
        match proof.verify(keys) {
            Ok(run) if self.forks.contains_key(&run.into()) => Ok(Taken::Known),
            Ok(run) => {
                self.keep_fork(run, bytes)?;
                Ok(Taken::New)
            }
            Err(error) => Ok(Taken::Refused(format!("fork proof: {error}"))),
        }
    }

    fn keep_fork(&mut self, run: RunId, proof: &[u8]) -> Result<(), EngineError> {
        let tag = RunTag::from(run);
        let site = self.skeleton.run(run).map(|run| run.site);
        let of_site = |known: &&RunId| site.is_some_and(|site| known.belongs_to(site));
        if self.forks.values().filter(of_site).count() >= HEADS_MAX {
            // So many proofs against one site are enough for people.
            return Ok(());
        }
        self.store.write(Table::Fork, &tag.0, proof)?;
        self.forks.insert(tag, run);
        self.skeleton.mark_forked(run);
        self.touched.insert(run);
        tracing::warn!(%run, "a run is forked: a copy of a machine resumed, or its node lies");
        Ok(())
    }

    /// Keeps the reason for which a piece was refused, for people to read: each reason once, the
    /// oldest making room.
    pub(super) fn set_aside(&mut self, reason: &str) -> Result<(), EngineError> {
        let name = derive("spean 2026 reason set aside v1", &[reason.as_bytes()]);
        if self.store.read(Table::Aside, &name[..8])?.is_some() {
            return Ok(());
        }
        tracing::warn!(reason, "set aside");
        let count = self.counter(b"aside")?;
        let mut rows = self.set_aside_rows()?;
        if rows.len() >= ASIDE_MAX {
            rows.sort_unstable();
            if let Some((_, _, _, oldest)) = rows.first() {
                self.store.remove(Table::Aside, oldest)?;
            }
        }
        self.store
            .write(Table::Meta, b"aside", &(count + 1).to_be_bytes())?;
        let row = codec::encode(&(count, self.world.wall_seconds(), reason));
        Ok(self.store.write(Table::Aside, &name[..8], &row)?)
    }

    /// What was set aside: number, wall clock, reason, key.
    pub(super) fn set_aside_rows(&self) -> Result<Vec<SetAside>, EngineError> {
        let rows = self.store.scan(Table::Aside, &[], &[], usize::MAX)?;
        let read = |(key, value): (Vec<u8>, Vec<u8>)| {
            let (number, stamp, reason) = codec::decode(&value)?;
            Ok((number, stamp, reason, key))
        };
        rows.into_iter().map(read).collect()
    }

    pub(super) fn counter(&self, name: &[u8]) -> Result<u64, EngineError> {
        let value = self.store.read(Table::Meta, name)?;
        Ok(value
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, u64::from_be_bytes))
    }
}

/// The heads that an opening names, where the segment is the first of a run; otherwise nothing.
fn opening_of(segment: &Segment) -> Result<Option<Vec<spean_protocol::log::Head>>, String> {
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

impl<S: Store> Host for Engine<S> {
    type Error = EngineError;

    fn digest(&self) -> [u8; 16] {
        let mut parts = vec![self.signed_roster.hash().0.to_vec()];
        for site in self.skeleton.sites() {
            let heads = self.skeleton.heads(site);
            parts.push(codec::encode(&(
                site,
                heads,
                self.skeleton.frontier(site).beyond,
            )));
        }
        parts.extend(self.forks.keys().map(|tag| tag.0.to_vec()));
        parts.push(codec::encode(&self.receipts()));
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let mut digest = [0; 16];
        digest.copy_from_slice(&derive("spean 2026 state digest v1", &parts)[..16]);
        digest
    }

    fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    fn roster_version(&self) -> u32 {
        self.roster.version
    }

    fn receipts(&self) -> BTreeMap<SiteId, Rank> {
        let rank = |(receipt, statement): &(Receipt, Statement)| receipt.rank(statement.number);
        self.receipts
            .iter()
            .map(|(site, held)| (*site, rank(held)))
            .collect()
    }

    fn forks(&self) -> BTreeSet<RunTag> {
        self.forks.keys().copied().collect()
    }

    fn roster(&self) -> Result<Vec<u8>, EngineError> {
        Ok(self.signed_roster.encode())
    }

    fn fork(&self, run: RunTag) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.store.read(Table::Fork, &run.0)?)
    }

    fn receipt(&mut self, site: SiteId) -> Result<Option<Vec<u8>>, EngineError> {
        if site == self.site {
            self.renew_receipt()?;
        }
        Ok(self
            .receipts
            .get(&site)
            .map(|(receipt, _)| receipt.encode()))
    }

    fn segment(&self, run: RunId, log: Log, height: u32) -> Result<Option<Vec<u8>>, EngineError> {
        let Some(place) = self.place_of(run, height) else {
            return Ok(None);
        };
        if log == Log::Control {
            return Ok(self.store.read(Table::Control, &place)?);
        }
        let Some(mut segment) = self.header_at(run, log, height)? else {
            return Ok(None);
        };
        for (index, line) in (0_u16..).zip(&segment.header.lines) {
            let key = key_of(&[&line.label.0, &place, &index.to_be_bytes()]);
            let body = self.store.read(Table::Parcel, &key)?;
            segment.parcels[usize::from(index)] = body;
        }
        Ok(Some(segment.encode()))
    }

    fn take(&mut self, piece: Frame) -> Result<bool, EngineError> {
        match self.take_piece(&piece)? {
            Taken::New => Ok(true),
            Taken::Known => Ok(false),
            Taken::Refused(reason) => {
                self.set_aside(&reason)?;
                Ok(false)
            }
        }
    }
}
