//! What this site writes: events into records, sealed into parcels, into segments of its own log
//! ([`super::own_log`]). An event is acknowledged once it is in the store; a flush seals what has
//! gathered. The first write of a start of the program opens a run.

use std::collections::{BTreeMap, BTreeSet};

use spean_protocol::codec;
use spean_protocol::event::{Body, CsvRow, Event, EventId};
use spean_protocol::id::{Hash, Label, LearnerId, RunId, StayId, Stream};
use spean_protocol::limits::{KEYRING_MAX, PARCEL_BYTES_MAX, PARCEL_EVENTS_MAX, REGISTER_MAX};
use spean_protocol::parcel::{self, Kind, Place};
use spean_protocol::record::{Batch, Draft};
use spean_protocol::seal::{Secret, TAG_BYTES, padded_length};
use spean_protocol::stay::{CustodyKey, HeldKey, Keyring, Register};

use super::entries::KEYS_OF_SITE_MAX;
use super::keys::{key_of, learner_stream};
use super::{Engine, EngineError};
use crate::mutant::{self, Mutant};
use crate::store::{Store, Table};

/// Bytes of parcels after which a segment is closed: below what one segment may have in all.
const SEGMENT_FILL_BYTES: usize = 48 * 1024;
/// Parcels after which a segment is closed.
const SEGMENT_FILL_PARCELS: usize = 512;

/// Events of one learner in one stream that are written together.
pub(super) struct Write {
    pub learner: LearnerId,
    pub stream: Stream,
    pub drafts: Vec<Draft>,
    /// Keys came since: the stay's keyring is written again.
    pub keyring: bool,
}

/// A parcel before it has a place.
struct Unsealed {
    key: Secret,
    label: Label,
    kind: Kind,
    content: Vec<u8>,
    /// For changes: whose record the batch belongs to.
    record: Option<(LearnerId, Stream, HeldKey, Batch)>,
}

/// The stay of a learner at this site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct OwnStay {
    pub stay: StayId,
    pub open: bool,
}

impl<S: Store> Engine<S> {
    /// Adds events to a learner's record. They count at once here and are sealed by the next
    /// [`Engine::flush`]. Events whose key is there already are left out.
    ///
    /// # Errors
    /// [`EngineError::UnknownLearner`] when he never stayed here.
    pub fn append(
        &mut self,
        learner: LearnerId,
        events: &[(Option<EventId>, Event)],
    ) -> Result<u64, EngineError> {
        self.input(|engine| {
            if engine.own_stay(learner)?.is_none() {
                return Err(EngineError::UnknownLearner(learner));
            }
            let own = engine.own_events(learner)?;
            let mut added = 0;
            for (id, event) in events {
                if id.as_ref().is_some_and(|id| own.all.contains_key(id)) {
                    continue;
                }
                let draft = Draft {
                    id: id.clone(),
                    bytes: event.encode(),
                };
                engine.keep_pending(learner, event.body.stream(), Some(draft))?;
                tracing::debug!(%learner, kind = event.body.kind_name(), "event kept");
                added += 1;
            }
            engine.refresh(learner)?;
            Ok(added)
        })
    }

    /// The event that the columns of a file of events describe, for a learner who stayed here.
    ///
    /// # Errors
    /// [`EngineError::UnknownLearner`]; [`EngineError::Column`] says what is wrong.
    pub fn body(&self, learner: LearnerId, fields: &[String; 8]) -> Result<Body, EngineError> {
        let own = self
            .own_stay(learner)?
            .ok_or(EngineError::UnknownLearner(learner))?;
        let row = CsvRow::from(fields.each_ref().map(String::as_str));
        row.body(own.stay).map_err(EngineError::Column)
    }

    /// Seals everything that has gathered; returns how many events.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn flush(&mut self) -> Result<u64, EngineError> {
        self.input(|engine| {
            let sealed = engine.flush_now()?;
            engine.renew_stale_receipt()?;
            Ok(sealed)
        })
    }

    pub(super) fn flush_now(&mut self) -> Result<u64, EngineError> {
        self.duties()?;
        self.publish_boxes()?;
        self.tell_openings()?;
        self.erase_for_prisons()?;
        self.tell_erased()?;
        let renewing = self.renew()?;
        let mut count = self.seal_pending()?;
        if renewing {
            self.note_renewed()?;
        }
        self.destroy_keys()?;
        // Once nothing waits to be sealed under the stays of now.
        self.for_each(Table::Here, Self::was_here_all_along)?;
        self.for_each(Table::Away, Self::left_before_it_came_back)?;
        count += self.seal_pending()?;
        self.state_restricted()?;
        Ok(count)
    }

    pub(super) fn seal_pending(&mut self) -> Result<u64, EngineError> {
        self.settle_references()?;
        let rows = self.store.scan(Table::Pending, &[], &[], usize::MAX)?;
        let mut writes = Vec::with_capacity(rows.len());
        let mut count = 0;
        for (key, value) in rows {
            let (learner, stream) = read_learner_stream(&key)?;
            let draft = codec::decode::<Option<Draft>>(&value)?;
            count += u64::from(draft.is_some());
            writes.push(Write {
                learner,
                stream,
                keyring: draft.is_none(),
                drafts: draft.into_iter().collect(),
            });
            self.store.remove(Table::Pending, &key)?;
        }
        if mutant::is_on(Mutant::FlushForgetsLast) {
            writes.pop();
        }
        self.write(writes)?;
        Ok(count)
    }

    /// Keeps an event of this site's for the next flush; returns its key.
    pub(super) fn keep_event(
        &mut self,
        learner: LearnerId,
        event: &Event,
    ) -> Result<EventId, EngineError> {
        let draft = Draft {
            id: None,
            bytes: event.encode(),
        };
        let id = self.keep_pending(learner, event.body.stream(), Some(draft))?;
        id.ok_or(EngineError::Malformed("an event's key"))
    }

    /// Keeps an event, or with `None` the need to write a keyring, for the next flush. The event
    /// gets its key now: sealed by this machine and by a copy of it that was set back, it is still
    /// one event, and its key is returned.
    pub(super) fn keep_pending(
        &mut self,
        learner: LearnerId,
        stream: Stream,
        mut draft: Option<Draft>,
    ) -> Result<Option<EventId>, EngineError> {
        if draft.is_some() {
            self.may_write()?;
        }
        if let Some(draft) = draft.as_mut().filter(|draft| draft.id.is_none()) {
            let run = self.own_run()?;
            let label = self
                .own_key(learner, stream)?
                .1
                .key
                .label(learner, stream, run);
            let ahead = self.pending(learner, stream)?.len() as u64;
            let (_, chains) = self.load_record(learner, stream)?;
            draft.id = Some(chains.chain(label).key_ahead(label, ahead));
        }
        let prefix = learner_stream(learner, stream);
        let held = self.store.scan(Table::Pending, &prefix, &[], usize::MAX)?;
        let last = held
            .last()
            .and_then(|(key, _)| key.get(17..)?.try_into().ok());
        let mut number = last.map_or(0, |bytes| u32::from_be_bytes(bytes) + 1);
        if mutant::is_on(Mutant::PendingOverwritten) {
            number = 0;
        }
        let place = key_of(&[&prefix, &number.to_be_bytes()]);
        self.store
            .write(Table::Pending, &place, &codec::encode(&draft))?;
        Ok(draft.and_then(|draft| draft.id))
    }

    /// The events of a learner that wait for a flush, in order.
    pub(super) fn pending(
        &self,
        learner: LearnerId,
        stream: Stream,
    ) -> Result<Vec<Draft>, EngineError> {
        let prefix = learner_stream(learner, stream);
        let rows = self.store.scan(Table::Pending, &prefix, &[], usize::MAX)?;
        let drafts = rows
            .iter()
            .map(|(_, value)| codec::decode::<Option<Draft>>(value));
        Ok(drafts
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// The learner's newest stay at this site.
    pub(super) fn own_stay(&self, learner: LearnerId) -> Result<Option<OwnStay>, EngineError> {
        let value = self.store.read(Table::Stay, &learner.0)?;
        Ok(value.map(|bytes| codec::decode(&bytes)).transpose()?)
    }

    pub(super) fn set_own_stay(
        &mut self,
        learner: LearnerId,
        stay: OwnStay,
    ) -> Result<(), EngineError> {
        Ok(self
            .store
            .write(Table::Stay, &learner.0, &codec::encode(&stay))?)
    }

    /// Seals events into this site's log and adds them to the records.
    pub(super) fn write(&mut self, writes: Vec<Write>) -> Result<(), EngineError> {
        if writes.is_empty() {
            return Ok(());
        }
        let writes = merged(writes);
        let run = self.own_run()?;
        let mut parcels = Vec::new();
        let mut registers: BTreeMap<Hash, (CustodyKey, Register)> = BTreeMap::new();
        let learners: BTreeSet<_> = writes.iter().map(|write| write.learner).collect();
        let mut labelled = Vec::with_capacity(writes.len());
        for write in writes {
            let (custody, held) = self.own_key(write.learner, write.stream)?;
            let label = held.key.label(write.learner, write.stream, run);
            labelled.push((label, custody, held, write));
        }
        // In the order of labels, which no other site shares: in that of learners, a neighbour could tell
        // who of a batch that left one prison is who at the other.
        labelled.sort_unstable_by_key(|(label, ..)| *label);
        for (label, custody, held, write) in labelled {
            let mark = key_of(&[&custody.id().0, &write.learner.0, &held.stay.0]);
            let first = self.store.read(Table::Registered, &mark)?.is_none();
            if first {
                self.store.write(Table::Registered, &mark, &[])?;
                let register = &mut registers
                    .entry(custody.id())
                    .or_insert_with(|| (custody.clone(), Register::default()))
                    .1;
                register.0.push((write.learner, held.stay));
                self.keep_stay_key(write.learner, &held)?;
                if self.own_stay(write.learner)?.is_some_and(|own| !own.open) {
                    // Where he is now, this key of a stay that has ended is not known.
                    self.own_key_came_back(write.learner, &held)?;
                }
            }
            let forgotten = mutant::is_on(Mutant::KeyringForgotten) && !write.drafts.is_empty();
            if first || (write.keyring && !forgotten) {
                parcels.extend(self.keyring_parcel(write.learner, &held, label)?);
            }
            self.change_parcels(write, &held, label, &mut parcels)?;
        }
        let mut all = Vec::new();
        for (custody, register) in registers.into_values() {
            all.extend(register_parcels(&custody, register, run));
        }
        all.append(&mut parcels);
        self.write_parcels(run, all)?;
        learners
            .into_iter()
            .try_for_each(|learner| self.refresh(learner))
    }

    /// The key under which this site writes of a learner now, with what it follows from.
    fn own_key(
        &mut self,
        learner: LearnerId,
        stream: Stream,
    ) -> Result<(CustodyKey, HeldKey), EngineError> {
        let own = self
            .own_stay(learner)?
            .ok_or(EngineError::UnknownLearner(learner))?;
        // What is late of a stay that ended belongs to those who were given its key when it did.
        let ended = match own.open {
            true => None,
            false => match self.custody_of_stay(learner, own)?.remove(&stream) {
                Some(custody) => Some(custody),
                None => self.custody_before(learner, own, stream)?,
            },
        };
        let custody = match ended {
            Some(custody) => custody,
            None => self.own_custody(stream)?,
        };
        let key = custody.stay_key(own.stay);
        Ok((
            custody,
            HeldKey {
                site: self.site,
                stream,
                stay: own.stay,
                key,
            },
        ))
    }

    /// The keys of the learner's other stays and cohorts, to stand in this one.
    fn keyring_parcel(
        &self,
        learner: LearnerId,
        held: &HeldKey,
        label: Label,
    ) -> Result<Option<Unsealed>, EngineError> {
        let mut keys = self.keys_of(learner)?;
        keys.retain(|key| key.stream == held.stream && key.key != held.key);
        if keys.is_empty() {
            return Ok(None);
        }
        // Where there are many, those that open something here go first: the others are junk, and
        // a reader takes so many of each site.
        let opens = |key: &HeldKey| self.opens_anything(learner, key).unwrap_or(false);
        if keys.len() > KEYS_OF_SITE_MAX {
            keys.sort_by_cached_key(|key| !opens(key));
            keys.truncate(KEYRING_MAX);
        }
        Ok(Some(keyring_parcel(held, label, keys)))
    }

    /// Writes keys of people who are not here into a stay of each that is opened for that alone: whoever
    /// holds this site's custody key finds them.
    pub(super) fn write_keyrings(
        &mut self,
        stream: Stream,
        people: &BTreeMap<LearnerId, Vec<HeldKey>>,
    ) -> Result<(), EngineError> {
        if people.is_empty() {
            return Ok(());
        }
        let custody = self.own_custody(stream)?;
        let run = self.own_run()?;
        let mut register = Register::default();
        // In the order of labels, as everything that is written of several.
        let mut parcels = BTreeMap::new();
        for (learner, keys) in people {
            let stay = StayId(self.fresh_id("stay", &learner.0));
            let held = HeldKey {
                site: self.site,
                stream,
                stay,
                key: custody.stay_key(stay),
            };
            let label = held.key.label(*learner, stream, run);
            register.0.push((*learner, stay));
            self.keep_stay_key(*learner, &held)?;
            let keyrings: Vec<Unsealed> = keys
                .chunks(KEYRING_MAX)
                .map(|some| keyring_parcel(&held, label, some.to_vec()))
                .collect();
            parcels.insert(label, keyrings);
        }
        let mut all = register_parcels(&custody, register, run);
        all.extend(parcels.into_values().flatten());
        self.write_parcels(run, all)
    }

    fn change_parcels(
        &mut self,
        mut write: Write,
        held: &HeldKey,
        label: Label,
        parcels: &mut Vec<Unsealed>,
    ) -> Result<(), EngineError> {
        let chain = self
            .load_record(write.learner, write.stream)?
            .1
            .chain(label);
        // A key that follows from label and place need not travel.
        for (ahead, draft) in (0..).zip(&mut write.drafts) {
            draft.id = draft
                .id
                .take()
                .filter(|id| *id != chain.key_ahead(label, ahead));
        }
        let mut seq = chain.next_seq();
        let mut rest = write.drafts.as_slice();
        while !rest.is_empty() {
            // Split so that even events that do not compress fit into one parcel.
            let mut bytes = 0;
            let fits = rest.iter().take(PARCEL_EVENTS_MAX).take_while(|draft| {
                bytes += draft.bytes.len() + EventId::BYTES_MAX + 4;
                bytes < PARCEL_BYTES_MAX / 2
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            rest = later;
            let batch = Batch {
                seq,
                events: now.to_vec(),
            };
            seq += 1;
            parcels.push(Unsealed {
                key: held.key.0.clone(),
                label,
                kind: Kind::Changes,
                content: batch.encode(),
                record: Some((write.learner, write.stream, held.clone(), batch)),
            });
        }
        Ok(())
    }

    /// Gives the parcels their places, seals and signs them, and adds changes to their records.
    fn write_parcels(&mut self, run: RunId, parcels: Vec<Unsealed>) -> Result<(), EngineError> {
        let mut sealed = Vec::new();
        let mut batches = Vec::new();
        let mut bytes = 0;
        for parcel in parcels {
            // The most that it can take: compression and the ladder are known only once sealed.
            let room = padded_length(parcel.content.len() + 8) + TAG_BYTES + 24;
            let full = bytes + room > SEGMENT_FILL_BYTES || sealed.len() >= SEGMENT_FILL_PARCELS;
            if full && !sealed.is_empty() {
                self.sign_data(run, std::mem::take(&mut sealed))?;
                bytes = 0;
            }
            let height = self.skeleton.run(run).map_or(0, |run| run.data.prefix());
            let index =
                u16::try_from(sealed.len()).map_err(|_| EngineError::TooLarge("a segment"))?;
            let place = Place { run, height, index };
            let Unsealed {
                key,
                label,
                kind,
                content,
                record,
            } = parcel;
            let body = parcel::seal(&key, place, label, kind, &content)?;
            bytes += body.len() + 24;
            tracing::debug!(%label, %run, height, index, bytes = body.len(), ?kind, "parcel sealed");
            sealed.push((label, body));
            batches.extend(record.map(|record| (record, label, height)));
        }
        if !sealed.is_empty() {
            self.sign_data(run, sealed)?;
        }
        for ((learner, stream, held, batch), label, height) in batches {
            self.add_own_batch((learner, stream), &held, (run, label), &batch, height)?;
        }
        Ok(())
    }
}

fn keyring_parcel(held: &HeldKey, label: Label, keys: Vec<HeldKey>) -> Unsealed {
    Unsealed {
        key: held.key.0.clone(),
        label,
        kind: Kind::Keyring,
        content: Keyring(keys).encode(),
        record: None,
    }
}

fn register_parcels(custody: &CustodyKey, register: Register, run: RunId) -> Vec<Unsealed> {
    let (key, label) = custody.register(run);
    let part = |some: &[(LearnerId, StayId)]| Unsealed {
        key: key.clone(),
        label,
        kind: Kind::Register,
        content: Register(some.to_vec()).encode(),
        record: None,
    };
    register.0.chunks(REGISTER_MAX / 2).map(part).collect()
}

/// One write for each learner and stream: two would be two changes of one number. An event that
/// comes twice comes once.
fn merged(writes: Vec<Write>) -> Vec<Write> {
    let mut by_record: BTreeMap<(LearnerId, Stream), (Vec<Draft>, bool)> = BTreeMap::new();
    for write in writes {
        let (drafts, keyring) = by_record.entry((write.learner, write.stream)).or_default();
        *keyring |= write.keyring;
        for draft in write.drafts {
            let known = |other: &Draft| draft.id.is_some() && other.id == draft.id;
            if !drafts.iter().any(known) {
                drafts.push(draft);
            }
        }
    }
    let write = |((learner, stream), (drafts, keyring))| Write {
        learner,
        stream,
        drafts,
        keyring,
    };
    by_record.into_iter().map(write).collect()
}
/// Reads the learner and stream that a key starts with.
pub(super) fn read_learner_stream(key: &[u8]) -> Result<(LearnerId, Stream), EngineError> {
    let wrong = || EngineError::Malformed("a learner's key");
    let id = key
        .get(..16)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(wrong)?;
    let stream = match key.get(16) {
        Some(0) => Stream::Education,
        Some(1) => Stream::Restricted,
        _ => return Err(wrong()),
    };
    Ok((LearnerId(id), stream))
}
