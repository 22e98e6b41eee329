//! Bundles: what a destination lacks, as a file, and a file taken in. The engine gives and takes
//! bytes; where they are kept is the stick driver's business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spean_protocol::bundle::{BundleError, Manifest, Reader, Writer};
use spean_protocol::frontier::{HeadMark, SiteFrontier};
use spean_protocol::id::SiteId;
use spean_protocol::log::{Head, Span};
use spean_protocol::ranges::Ranges;
use spean_protocol::receipt::Statement;
use spean_protocol::segment::Log;
use spean_protocol::session::{Frame, Host};

use super::{Engine, EngineError};
use crate::store::Store;

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
}

impl Contents {
    /// Counts a frame.
    pub fn count(&mut self, frame: &Frame) {
        match frame {
            Frame::Segment(bytes) => match spean_protocol::segment::Segment::decode(bytes) {
                Ok(segment) if segment.header.log == Log::Control => self.control_segments += 1,
                Ok(segment) => {
                    self.data_segments += 1;
                    self.parcels += segment.parcels.len() as u64;
                }
                Err(_) => {}
            },
            Frame::Receipt(_) => self.receipts += 1,
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
    /// destination is named. `append` gets the file's bytes in order.
    ///
    /// # Errors
    /// What the store says; what `append` says ends it, and what was written is a shorter bundle.
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
        let id = self.fresh_id("bundle");
        let (mut writer, start) = Writer::start(&self.carrier()?, id, &manifest);
        let mut contents = Contents {
            bytes: start.len() as u64,
            ..Contents::default()
        };
        if let Err(error) = append(&start) {
            return Ok(Err(error));
        }
        let mut add = |frame: &Frame, contents: &mut Contents| {
            contents.count(frame);
            let chunk = writer.add(frame);
            contents.bytes += chunk.len() as u64;
            if chunk.is_empty() {
                Ok(())
            } else {
                append(&chunk)
            }
        };
        let mut frames = vec![Frame::Roster(Host::roster(self)?)];
        for run in self.forks() {
            frames.extend(self.fork(run)?.map(Frame::Fork));
        }
        for frame in &frames {
            if let Err(error) = add(frame, &mut contents) {
                return Ok(Err(error));
            }
        }
        for span in self.plan(to) {
            for height in span.start..span.end {
                let Some(bytes) = self.segment(span.run, span.log, height)? else {
                    continue;
                };
                if let Err(error) = add(&Frame::Segment(bytes), &mut contents) {
                    return Ok(Err(error));
                }
            }
        }
        for (receipt, _) in self.receipts.values() {
            if let Err(error) = add(&Frame::Receipt(receipt.encode()), &mut contents) {
                return Ok(Err(error));
            }
        }
        let end = writer.finish();
        contents.bytes += end.len() as u64;
        Ok(append(&end).map(|()| contents))
    }

    /// What the destinations lack: control first. What every one of them has stays at home.
    fn plan(&self, to: &[SiteId]) -> Vec<Span> {
        let mut plan = Vec::new();
        for site in self.skeleton.sites() {
            let mut common: Option<BTreeMap<_, (u32, Ranges)>> = None;
            for destination in to {
                let stated = self.stated(*destination);
                let heads = stated.and_then(|s| s.complete.get(&site)).cloned();
                let frontier = SiteFrontier {
                    heads: heads.unwrap_or_default(),
                    beyond: Vec::new(),
                };
                let coverage = self.skeleton.coverage(site, &frontier, &[]).0;
                common = Some(match common {
                    None => coverage,
                    Some(before) => both(&before, &coverage),
                });
            }
            plan.extend(self.skeleton.missing(site, &common.unwrap_or_default()));
        }
        plan.sort_by_key(|span| span.log);
        plan
    }

    /// What a site says that it has. Where copies of its machine exist, or it was restored from a
    /// backup, a receipt that does not cover all of them speaks for one of them only: then nothing
    /// is taken for granted, and the copy that lost its tail gets it back.
    fn stated(&self, site: SiteId) -> Option<&Statement> {
        let (_, statement) = self.receipts.get(&site)?;
        let heads: Vec<HeadMark> = self.skeleton.heads(site).iter().map(Head::mark).collect();
        let own = statement.complete.get(&site).map_or(&[][..], Vec::as_slice);
        let for_all = heads.len() < 2 || self.skeleton.descends(site, own, &heads);
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

/// What both hold.
fn both(
    one: &BTreeMap<spean_protocol::id::RunId, (u32, Ranges)>,
    other: &BTreeMap<spean_protocol::id::RunId, (u32, Ranges)>,
) -> BTreeMap<spean_protocol::id::RunId, (u32, Ranges)> {
    let mut common = BTreeMap::new();
    for (run, (control, data)) in one {
        let Some((other_control, other_data)) = other.get(run) else {
            continue;
        };
        let mut ranges = data.clone();
        for (start, end) in data.minus(other_data) {
            ranges = without(&ranges, start, end);
        }
        common.insert(*run, (*control.min(other_control), ranges));
    }
    common
}

fn without(ranges: &Ranges, start: u32, end: u32) -> Ranges {
    let mut hole = Ranges::default();
    hole.insert(start, end);
    let mut out = Ranges::default();
    for (from, to) in ranges.minus(&hole) {
        out.insert(from, to);
    }
    out
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
