//! What comes from other nodes, by link or by stick: checked, stored as it is, and marked for
//! folding. A bad piece is set aside with its reason; the good around it is kept. The order of
//! checks: size, form, the roster's keys, the place in the chain, what it joins.

use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::id::{Hash, Label, Position, RunId};
use spean_protocol::limits::BEYOND_RANGES_MAX;
use spean_protocol::log::{ForkProof, Placing};
use spean_protocol::parcel::Place;
use spean_protocol::roster::SignedRoster;
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};

use super::keys::{Opener, key_of};
use super::{Engine, EngineError, codec_error};
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
            header.log == Log::Data && !joins && run.data.all().len() >= BEYOND_RANGES_MAX
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

    pub(super) fn hash_at(&self, header: &Header) -> Result<Option<Hash>, EngineError> {
        let held = self.header_at(header.run, header.log, header.height)?;
        Ok(held.map(|segment| segment.header.hash()))
    }

    pub(super) fn place_of(&self, run: RunId, height: u32) -> Option<Vec<u8>> {
        let number = self.skeleton.run(run)?.number;
        Some(key_of(&[&number.to_be_bytes(), &height.to_be_bytes()]))
    }

    /// A held segment without its parcels.
    pub(super) fn header_at(
        &self,
        run: RunId,
        log: Log,
        height: u32,
    ) -> Result<Option<Segment>, EngineError> {
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
                Ok(Entry::Letter { sealed }) => self.open_letter(site, &sealed)?,
                Ok(Entry::Opening(_) | Entry::Newer(_)) => {}
                Err(error) => self.set_aside(&format!("control entry of {site}: {error}"))?,
            }
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
