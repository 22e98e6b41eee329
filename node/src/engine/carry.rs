//! Bundles: what a destination lacks, as a file, and a file taken in. The engine gives and takes
//! bytes; where they are kept is the stick driver's business.

use serde::{Deserialize, Serialize};
use spean_protocol::bundle::{BundleError, Manifest, Reader, Writer};
use spean_protocol::codec;
use spean_protocol::frontier::{HeadMark, SiteFrontier};
use spean_protocol::id::SiteId;
use spean_protocol::log::{Coverage, Covered, ForkProof, HashAt, Head, Placing, Span};
use spean_protocol::receipt::{self, Receipt, Statement};
use spean_protocol::roster::SignedRoster;
use spean_protocol::segment::{Log, Segment};
use spean_protocol::session::{Frame, Host};

use super::{Engine, EngineError};
use crate::store::Store;

/// Segments of one site beyond the cut of a revoked key that go along on a stick.
const BEYOND_ON_STICK_MAX: usize = 256;

/// What a bundle carries: for the guards' register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Segments of control logs: keys and grants.
    pub control_segments: u64,
    /// Segments of data logs.
    pub data_segments: u64,
    /// Sealed parcels in them: learners' days.
    pub parcels: u64,
    /// Receipts.
    pub receipts: u64,
    /// Rosters.
    pub rosters: u64,
    /// Fork proofs.
    pub fork_proofs: u64,
    /// Pieces that this program does not know.
    pub unread: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Pieces that found no room on a full stick. What is there is the most useful part.
    pub left_out: u64,
}

impl Contents {
    /// How many pieces there are.
    fn pieces(&self) -> u64 {
        let segments = self.control_segments + self.data_segments;
        segments + self.receipts + self.rosters + self.fork_proofs
    }

    /// Adds the counts of another.
    fn add(&mut self, other: &Self) {
        self.control_segments += other.control_segments;
        self.data_segments += other.data_segments;
        self.parcels += other.parcels;
        self.receipts += other.receipts;
        self.rosters += other.rosters;
        self.fork_proofs += other.fork_proofs;
    }

    /// Counts a frame.
    pub fn count(&mut self, frame: &Frame) {
        match frame {
            Frame::Segment(bytes) => match Segment::decode(bytes) {
                Ok(segment) if segment.header.log == Log::Control => self.control_segments += 1,
                Ok(segment) => {
                    self.data_segments += 1;
                    self.parcels += segment.parcels.len() as u64;
                }
                Err(_) => {}
            },
            Frame::Receipt(_) => self.receipts += 1,
            Frame::Receipts(bytes) => {
                let packed = receipt::unpack(bytes).map_or(0, |packed| packed.len());
                self.receipts += packed as u64;
            }
            Frame::Roster(_) => self.rosters += 1,
            Frame::Fork(_) => self.fork_proofs += 1,
            _ => {}
        }
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// What the bundle carried, as far as it was whole.
    pub contents: Contents,
    /// Pieces that were new here.
    pub new: u64,
    /// Why the rest was not read, if it was not.
    pub stopped: Option<String>,
}

impl<S: Store> Engine<S> {
    /// Packs what the destinations lack, as far as their receipts tell, or everything where no
    /// destination is named: keys, grants and letters, receipts, then learners' days. `append` gets
    /// the file's bytes in order; where it says that the stick is full, having undone what it could
    /// not keep, the bundle ends there: a shorter one, and whole.
    ///
    /// # Errors
    /// What the store says; what else `append` says ends it.
    pub fn export(
        &mut self,
        to: &[SiteId],
        carrier: &str,
        append: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<std::io::Result<Contents>, EngineError> {
        self.input(|engine| {
            engine.flush_now()?;
            engine.renew_receipt()
        })?;
        let manifest = Manifest {
            source: self.site,
            destinations: to.to_vec(),
            stamp: self.world.wall_seconds(),
            carrier: carrier.to_owned(),
        };
        let id = self.fresh_id("bundle", carrier.as_bytes());
        let (writer, start) = Writer::start(&self.carrier()?, id, &manifest);
        if let Err(error) = append(&start) {
            return Ok(Err(error));
        }
        let mut packing = Packing {
            writer,
            append,
            in_chunk: Contents::default(),
            contents: Contents {
                bytes: start.len() as u64,
                ..Contents::default()
            },
            full: false,
        };
        let mut frames = Vec::new();
        if to.is_empty() || to.iter().any(|site| self.lacks_roster(*site)) {
            frames.push(Frame::Roster(Host::roster(self)?));
        }
        for run in self.forks() {
            frames.extend(self.fork(run)?.map(Frame::Fork));
        }
        let plan = self.plan(to);
        let (control, data) = plan.split_at(plan.partition_point(|span| span.log == Log::Control));
        let receipts: Vec<Receipt> = self.receipts.values().map(|held| held.0.clone()).collect();
        let receipts = receipt::pack(&receipts).into_iter().map(Frame::Receipts);
        let receipts: Vec<Frame> = receipts.collect();
        for (frames, spans) in [(&frames, control), (&receipts, data)] {
            let packed = frames.iter().try_for_each(|frame| packing.add(frame));
            let packed = match packed {
                Ok(()) => self.pack_spans(spans, &mut packing)?,
                Err(error) => Err(error),
            };
            if let Err(error) = packed {
                return Ok(Err(error));
            }
        }
        // Last, for the head office: what officials may have to look at.
        let to_headquarters = |site: &SiteId| {
            let headquarters = self.roster.headquarters();
            headquarters.is_some_and(|known| known.id == *site)
        };
        if to.is_empty() || to.iter().any(to_headquarters) {
            for site in &self.roster.sites {
                for segment in self.first_beyond(site.id, BEYOND_ON_STICK_MAX)? {
                    if let Err(error) = packing.add(&Frame::Segment(segment)) {
                        return Ok(Err(error));
                    }
                }
            }
        }
        Ok(packing.finish())
    }

    /// Whether a site has not stated the roster in force here, or a later one.
    fn lacks_roster(&self, site: SiteId) -> bool {
        let stated = self.stated(site);
        stated.is_none_or(|stated| stated.roster < self.roster.version)
    }

    fn pack_spans(
        &self,
        spans: &[Span],
        packing: &mut Packing<'_>,
    ) -> Result<std::io::Result<()>, EngineError> {
        for span in spans {
            for height in span.start..span.end {
                if packing.full {
                    packing.contents.left_out += 1;
                    continue;
                }
                let Some(bytes) = self.segment(span.run, span.log, height)? else {
                    continue;
                };
                if let Err(error) = packing.add(&Frame::Segment(bytes)) {
                    return Ok(Err(error));
                }
            }
        }
        Ok(Ok(()))
    }

    /// Whether all that a bundle carries is held here, for whoever would write it anew. `read` is as
    /// for [`Engine::import_bundle`].
    ///
    /// # Errors
    /// [`EngineError::NotListed`] when this node has no carrier key.
    pub fn holds_bundle(
        &self,
        read: &mut dyn FnMut(usize) -> std::io::Result<Vec<u8>>,
    ) -> Result<Option<Manifest>, EngineError> {
        let mut held = true;
        let (manifest, stopped) =
            each_chunk(&self.carrier()?, read, &mut |frames, (_, unread)| {
                held &= unread == 0;
                for frame in frames {
                    held &= self.holds_piece(&frame)?;
                }
                Ok(())
            })?;
        Ok(manifest.filter(|_| held && stopped.is_none()))
    }

    fn holds_receipt(&self, bytes: &[u8]) -> bool {
        Receipt::decode(bytes).is_ok_and(|(receipt, statement)| {
            let held = self.receipts().get(&statement.site).copied();
            held >= Some(receipt.rank(statement.number))
        })
    }

    fn holds_piece(&self, piece: &Frame) -> Result<bool, EngineError> {
        Ok(match piece {
            Frame::Segment(bytes) => match Segment::decode(bytes) {
                Ok(segment) => {
                    let hash: HashAt<'_> = &|run, log, height| self.hash(run, log, height);
                    let piece = (&segment.header, segment.header.hash());
                    self.skeleton.placing(piece, None, hash) == Placing::Known
                }
                Err(_) => false,
            },
            Frame::Receipt(bytes) => self.holds_receipt(bytes),
            Frame::Receipts(bytes) => receipt::unpack(bytes)
                .is_ok_and(|all| all.iter().all(|bytes| self.holds_receipt(bytes))),
            Frame::Fork(bytes) => match codec::decode::<ForkProof>(bytes).map(|one| one.run()) {
                Ok(Ok(run)) => self.forks().contains(&run.into()),
                _ => false,
            },
            // A roster only ever gives way to a later one.
            Frame::Roster(bytes) => SignedRoster::decode(bytes)
                .ok()
                .and_then(|signed| signed.preview().ok())
                .is_some_and(|roster| roster.version <= self.roster.version),
            _ => false,
        })
    }

    /// What the destinations lack: control first. What every one of them has stays at home.
    fn plan(&self, to: &[SiteId]) -> Vec<Span> {
        let mut plan = Vec::new();
        for site in self.skeleton.sites() {
            let mut common: Option<Covered> = None;
            for destination in to {
                let stated = self.stated(*destination);
                let heads = stated.and_then(|s| s.complete.get(&site)).cloned();
                let frontier = SiteFrontier {
                    heads: heads.unwrap_or_default(),
                    beyond: Vec::new(),
                };
                let hash: HashAt<'_> = &|run, log, height| self.hash(run, log, height);
                let covered = self.skeleton.coverage(site, &frontier, &[], hash);
                common = Some(match common {
                    None => covered,
                    Some(before) => Covered {
                        runs: both(&before.runs, &covered.runs),
                        full: before.full && covered.full,
                        ..covered
                    },
                });
            }
            plan.extend(self.skeleton.missing(site, &common.unwrap_or_default()));
        }
        // This site's own days first: nobody else can bring them. Where the stick is full, what was
        // longest on its way is left for the next one.
        let own = |span: &Span| {
            self.skeleton
                .run(span.run)
                .is_some_and(|r| r.site == self.site)
        };
        plan.sort_by_key(|span| (span.log, !own(span)));
        plan
    }

    /// What a site says that it has. Where copies of its machine exist, or it was restored from a
    /// backup, a receipt that does not cover all of them speaks for one of them only: then nothing
    /// is taken for granted, and the copy that lost its tail gets it back.
    fn stated(&self, site: SiteId) -> Option<&Statement> {
        let (_, statement) = self.receipts.get(&site)?;
        let heads: Vec<HeadMark> = self.skeleton.heads(site).iter().map(Head::mark).collect();
        let own = statement.complete.get(&site).map_or(&[][..], Vec::as_slice);
        let hash: HashAt<'_> = &|run, log, height| self.hash(run, log, height);
        let for_all = heads.len() < 2 || self.skeleton.descends(site, own, &heads, hash);
        for_all.then_some(statement)
    }

    /// Takes in a bundle that `read` gives, chunk by chunk: each chunk is one transaction.
    /// `progress` hears after each how many bytes were read.
    ///
    /// # Errors
    /// What the store says. What is wrong with the file is in [`Imported::stopped`].
    pub fn import_bundle(
        &mut self,
        read: &mut dyn FnMut(usize) -> std::io::Result<Vec<u8>>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Imported, EngineError> {
        let mut imported = Imported::default();
        let carrier = self.carrier()?;
        let stopped = each_chunk(&carrier, read, &mut |frames, (bytes, unread)| {
            imported.contents.bytes = bytes;
            imported.contents.unread = unread;
            for frame in &frames {
                imported.contents.count(frame);
            }
            let new = self.take_all(frames)?;
            imported.new += new.iter().filter(|new| **new).count() as u64;
            progress(bytes);
            Ok(())
        })?;
        imported.stopped = stopped.1;
        let unread = imported.contents.unread;
        self.input(|engine| {
            if unread > 0 {
                engine.set_aside(&format!("{unread} pieces of a bundle: of a newer version?"))?;
            }
            engine.renew_receipt()
        })?;
        tracing::info!(
            new = imported.new,
            bytes = imported.contents.bytes,
            "took in a bundle"
        );
        Ok(imported)
    }

    /// Lists what a bundle carries and takes nothing.
    ///
    /// # Errors
    /// [`EngineError::NotListed`] when this node has no carrier key.
    pub fn inspect_bundle(
        &self,
        read: &mut dyn FnMut(usize) -> std::io::Result<Vec<u8>>,
    ) -> Result<(Option<Manifest>, Contents, Option<String>), EngineError> {
        let mut contents = Contents::default();
        let (manifest, stopped) =
            each_chunk(&self.carrier()?, read, &mut |frames, (bytes, unread)| {
                contents.bytes = bytes;
                contents.unread = unread;
                frames.iter().for_each(|frame| contents.count(frame));
                Ok(())
            })?;
        Ok((manifest, contents, stopped))
    }
}

/// A bundle that is being written.
struct Packing<'a> {
    writer: Writer,
    append: &'a mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    /// What the chunk holds that is not written yet.
    in_chunk: Contents,
    contents: Contents,
    full: bool,
}

impl Packing<'_> {
    /// Adds a piece, unless the stick is full.
    fn add(&mut self, frame: &Frame) -> std::io::Result<()> {
        if self.full {
            self.contents.left_out += 1;
            return Ok(());
        }
        let chunk = self.writer.add(frame);
        if !chunk.is_empty() {
            match (self.append)(&chunk) {
                Ok(()) => {
                    self.contents.bytes += chunk.len() as u64;
                    self.contents.add(&std::mem::take(&mut self.in_chunk));
                }
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    self.full = true;
                    self.contents.left_out += self.in_chunk.pieces() + 1;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.in_chunk.count(frame);
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<Contents> {
        let mut end = Vec::new();
        if !self.full {
            end = self.writer.finish();
            match (self.append)(&end) {
                Ok(()) => self.contents.add(&self.in_chunk),
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    self.full = true;
                    self.contents.left_out += self.in_chunk.pieces();
                }
                Err(error) => return Err(error),
            }
        }
        if self.full {
            end = self.writer.finish_before();
            (self.append)(&end)?;
        }
        self.contents.bytes += end.len() as u64;
        Ok(self.contents)
    }
}

/// What both hold.
fn both(one: &Coverage, other: &Coverage) -> Coverage {
    let mut common = Coverage::new();
    for (run, (control, data)) in one {
        let Some((other_control, other_data)) = other.get(run) else {
            continue;
        };
        common.insert(*run, (*control.min(other_control), data.both(other_data)));
    }
    common
}

/// Takes a chunk's frames, with the bytes read and the frames not understood so far.
type EachChunk<'a> = &'a mut dyn FnMut(Vec<Frame>, (u64, u64)) -> Result<(), EngineError>;

/// Reads a bundle to its end or to what is wrong with it.
fn each_chunk(
    carrier: &spean_protocol::seal::Secret,
    read: &mut dyn FnMut(usize) -> std::io::Result<Vec<u8>>,
    each: EachChunk<'_>,
) -> Result<(Option<Manifest>, Option<String>), EngineError> {
    use spean_protocol::bundle::{LENGTH_BYTES, START_BYTES};
    use spean_protocol::limits::BUNDLE_BYTES_MAX;
    let mut manifest = None;
    let mut bytes = 0;
    let mut next = |wanted: usize| -> Result<Vec<u8>, String> {
        let found = read(wanted).map_err(|error| format!("the stick cannot be read: {error}"))?;
        bytes += found.len() as u64;
        Ok(found)
    };
    let mut chunks = || -> Result<Result<(), EngineError>, String> {
        let say = |error: BundleError| error.to_string();
        let mut total = START_BYTES as u64;
        let mut reader = Reader::start(carrier, &next(START_BYTES)?).map_err(say)?;
        while !reader.ended() {
            let length = next(LENGTH_BYTES)?;
            let length = length.try_into().map_err(|_| say(reader.early()))?;
            let (length, last) = reader.length(length).map_err(say)?;
            let sealed = next(length)?;
            if sealed.len() < length {
                return Err(say(reader.early()));
            }
            total += (LENGTH_BYTES + length) as u64;
            if manifest.is_none() {
                manifest = Some(reader.manifest(&sealed, last).map_err(say)?);
                continue;
            }
            let frames = reader.frames(&sealed, last).map_err(say)?;
            if total > BUNDLE_BYTES_MAX {
                return Err("the file is larger than any bundle: it is not read further".to_owned());
            }
            if let Err(error) = each(frames, (total, reader.unread())) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    };
    match chunks() {
        Ok(done) => done.map(|()| (manifest, None)),
        Err(reason) => Ok((manifest, Some(reason))),
    }
}
