//! From ciphertext to records and totals: the bounded step that opens what was received. Grouped
//! per learner, since loading a document costs more than applying a hundred changes to it. A record
//! that is not kept is rebuilt from the parcels: it is a cache of what the keys open.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::custody::Stay;
use spean_protocol::id::{Label, LearnerId, RunId, SiteId, Stream};
use spean_protocol::log::Piece;
use spean_protocol::parcel::{self, Kind};
use spean_protocol::record::{Batch, Chain, Change, Record, RecordError};
use spean_protocol::stay::{HeldKey, Keyring};
use spean_protocol::totals::{LearnerFacts, contributions};
use spean_protocol::view::{Entry, LearnerView, Link};

use super::events::Chains;
use super::keys::{Dirty, learner_of, learner_stream};
use super::write::{OwnStay, read_learner_stream};
use super::{Engine, EngineError, codec_error};
use crate::mutant::{self, Mutant};
use crate::store::{LearnerRow, Store, Table};

/// Other ids that one person may have. A longer chain of links is what somebody made up.
const SAME_MAX: usize = 16;

/// What a fold did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// Records that were brought up to date.
    pub records: u64,
    /// Whether more wait.
    pub more: bool,
}

impl<S: Store> Engine<S> {
    /// Folds what waits, of at most `learners` learners.
    ///
    /// # Errors
    /// [`EngineError`]; what a peer sealed wrongly is set aside and is no error.
    pub fn fold(&mut self, learners: usize) -> Result<Folded, EngineError> {
        let folded = self.fold_what_waits(learners)?;
        if self.due && !folded.more {
            // What letters, grants and opened records ask of this node is done at once.
            self.input(Self::duties)?;
        }
        Ok(folded)
    }

    fn fold_what_waits(&mut self, learners: usize) -> Result<Folded, EngineError> {
        match self.input(|engine| engine.fold_now(learners)) {
            // One record that cannot be folded must not stop the others: fold up to it one by one.
            Err(error) if !matches!(error, EngineError::Store(_)) => {
                match self.input(|engine| engine.fold_now(1)) {
                    Err(error) if !matches!(error, EngineError::Store(_)) => {
                        self.input(|engine| engine.give_up_first(&error))
                    }
                    other => other,
                }
            }
            other => other,
        }
    }

    fn fold_now(&mut self, learners: usize) -> Result<Folded, EngineError> {
        let mut folded = Folded::default();
        while folded.records < learners as u64 {
            let Some(learner) = self.first_dirty()? else {
                return Ok(folded);
            };
            self.fold_learner(learner)?;
            self.due = true;
            folded.records += 1;
        }
        folded.more = self.first_dirty()?.is_some();
        Ok(folded)
    }

    fn first_dirty(&self) -> Result<Option<LearnerId>, EngineError> {
        let first = self.store.scan(Table::Dirty, &[], &[], 1)?.pop();
        first
            .map(|(key, _)| Ok(read_learner_stream(&key)?.0))
            .transpose()
    }

    /// Sets the first record that waits aside: what it is made of does not fold.
    fn give_up_first(&mut self, error: &EngineError) -> Result<Folded, EngineError> {
        let Some(learner) = self.first_dirty()? else {
            return Ok(Folded::default());
        };
        let mut kept = false;
        for stream in Stream::ALL {
            let key = learner_stream(learner, stream);
            kept |= self.store.read(Table::Record, &key)?.is_some();
            self.store.remove(Table::Record, &key)?;
        }
        if kept {
            // A record is a cache: perhaps it was damaged. It is rebuilt from the parcels first.
            return Ok(Folded {
                records: 0,
                more: true,
            });
        }
        for (key, _) in self.store.scan(Table::Dirty, &learner.0, &[], usize::MAX)? {
            self.store.remove(Table::Dirty, &key)?;
        }
        self.set_aside(&format!("a record that does not fold: {error}"))?;
        Ok(Folded {
            records: 0,
            more: self.first_dirty()?.is_some(),
        })
    }

    /// Brings one learner's records up to date. Keyrings that turn up bring further labels.
    pub(super) fn fold_learner(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        loop {
            let rows = self.store.scan(Table::Dirty, &learner.0, &[], usize::MAX)?;
            if rows.is_empty() {
                break;
            }
            let mut labels: BTreeMap<Stream, Vec<(Label, Dirty)>> = BTreeMap::new();
            for (key, value) in rows {
                let dirty: Dirty = codec::decode(&value).map_err(codec_error)?;
                let (run, held, _) = &dirty;
                let label = held.key.label(learner, held.stream, *run);
                labels.entry(held.stream).or_default().push((label, dirty));
                self.store.remove(Table::Dirty, &key)?;
            }
            for (stream, labels) in labels {
                let (mut record, mut chains) = self.load_record(learner, stream)?;
                self.fold_labels(learner, &labels, &mut record, &mut chains)?;
                self.save_record(learner, stream, &record, &chains)?;
            }
        }
        // Who holds him before and after: what his record says of another may end a link.
        let mut holders = self.holders_of(learner)?;
        self.refresh(learner)?;
        holders.extend(self.holders_of(learner)?);
        holders.sort_unstable();
        holders.dedup();
        holders
            .into_iter()
            .try_for_each(|holder| self.refresh(holder))
    }

    /// Learners who are here and whose record says that they are the same person as this one.
    pub(super) fn holders_of(&self, learner: LearnerId) -> Result<Vec<LearnerId>, EngineError> {
        let mut holders = Vec::new();
        if self.reads_everyone() {
            return Ok(holders);
        }
        for (key, _) in self.store.scan(Table::Link, &[], &[], usize::MAX)? {
            let holder = learner_of(&key)?;
            let here = self.own_stay(holder)?.is_some_and(|own| own.open);
            if here && holder != learner && self.same_as(holder)?.contains(&learner) {
                holders.push(holder);
            }
        }
        Ok(holders)
    }

    /// The learners who are the same person, as his record says, and theirs of others in turn: not
    /// himself.
    pub(super) fn same_as(&self, learner: LearnerId) -> Result<Vec<LearnerId>, EngineError> {
        let mut found = vec![learner];
        let mut next = 0;
        while let Some(one) = found.get(next).copied() {
            next += 1;
            for link in self.links_of(one)? {
                let known = found.contains(&link.other) || found.len() > SAME_MAX;
                // As for the totals: what one of the two records denies joins nobody.
                if !known && joins(&link) && !self.denies(link.other, one)? {
                    found.push(link.other);
                }
            }
        }
        found.remove(0);
        Ok(found)
    }

    fn denies(&self, learner: LearnerId, other: LearnerId) -> Result<bool, EngineError> {
        let mut links = self.links_of(learner)?.into_iter();
        Ok(links.any(|link| link.other == other && !link.not_same.is_empty()))
    }

    pub(super) fn links_of(&self, learner: LearnerId) -> Result<Vec<Link>, EngineError> {
        let row = self.store.read(Table::Link, &learner.0)?;
        let links = row.map(|bytes| codec::decode(&bytes)).transpose()?;
        Ok(links.unwrap_or_default())
    }

    /// Every event of the person that a learner is, as far as it is readable here.
    pub(super) fn person_entries(&mut self, learner: LearnerId) -> Result<Vec<Entry>, EngineError> {
        let mut entries = self.entries(learner)?;
        for other in self.same_as(learner)? {
            entries.extend(self.entries(other)?);
        }
        Ok(entries)
    }

    /// The document of a learner and its chains; rebuilt from parcels where none is kept.
    pub(super) fn load_record(
        &mut self,
        learner: LearnerId,
        stream: Stream,
    ) -> Result<(Record, Chains), EngineError> {
        let key = learner_stream(learner, stream);
        if let Some(bytes) = self.store.read(Table::Record, &key)? {
            if let Some(kept) = read_record(&bytes) {
                return Ok(kept);
            }
            tracing::warn!(%learner, "a damaged record is rebuilt from the parcels");
        }
        let (mut record, mut chains) = (Record::default(), Chains::default());
        let mut labels = Vec::new();
        for held in self
            .keys_of(learner)?
            .into_iter()
            .filter(|key| key.stream == stream)
        {
            for run in self.skeleton.bases(held.site) {
                let label = held.key.label(learner, stream, run);
                if !self.store.scan(Table::Parcel, &label.0, &[], 1)?.is_empty() {
                    labels.push((label, (run, held.clone(), 0)));
                }
            }
        }
        self.fold_labels(learner, &labels, &mut record, &mut chains)?;
        Ok((record, chains))
    }

    fn fold_labels(
        &mut self,
        learner: LearnerId,
        labels: &[(Label, Dirty)],
        record: &mut Record,
        chains: &mut Chains,
    ) -> Result<(), EngineError> {
        let mut changes = Vec::new();
        for (label, dirty) in labels {
            // Above a fork each piece goes on from what the label had in the piece below it.
            let mut ends: BTreeMap<RunId, Label> = BTreeMap::new();
            for piece in self.skeleton.pieces(dirty.0) {
                let below = piece.below.and_then(|below| ends.get(&below).copied());
                let (actor, mut known) = chains.take(*label, &piece, below, dirty);
                let found = self.fold_piece(learner, *label, (&piece, dirty), &mut known.chain)?;
                changes.extend(found);
                let last = known.chain.height().map_or(below, |_| Some(actor));
                ends.extend(last.map(|last| (piece.name, last)));
                chains.put(actor, known);
            }
        }
        Ok(record.apply(changes)?)
    }

    /// Opens the parcels of a label in one piece of its run.
    fn fold_piece(
        &mut self,
        learner: LearnerId,
        label: Label,
        (piece, (_, held, lowest)): (&Piece, &Dirty),
        chain: &mut Chain,
    ) -> Result<Vec<Change>, EngineError> {
        let mut changes = Vec::new();
        // A parcel may come later than one above it, and a keyring belongs to no chain.
        let from = chain.height().unwrap_or(0).min(*lowest).max(piece.start);
        for (place, body) in self.parcels((piece.chain, label), from..piece.end)? {
            let (kind, content) = match parcel::open(&held.key.0, place, label, &body) {
                Ok(opened) => opened,
                Err(error) => {
                    let reason = format!("a parcel of {} at {place:?}: {error}", held.site);
                    self.set_aside(&reason)?;
                    continue;
                }
            };
            match kind {
                Kind::Changes => {}
                Kind::Keyring => {
                    self.read_keyring(learner, &content, held)?;
                    continue;
                }
                Kind::Register | Kind::Newer(_) => continue,
            }
            let next = Batch::decode(&content)
                .map_err(RecordError::from)
                .and_then(|batch| {
                    if batch.seq < chain.next_seq() {
                        return Ok(None);
                    }
                    chain.advance(label, &batch, place.height).map(Some)
                });
            match next {
                Ok(change) => {
                    tracing::debug!(%label, height = place.height, "change opened");
                    changes.extend(change);
                }
                // An earlier parcel of the label is on its way; it marks the label again.
                Err(RecordError::OutOfOrder { .. }) => break,
                Err(error) => {
                    let reason = format!("changes of {} at {place:?}: {error}", held.site);
                    self.set_aside(&reason)?;
                    break;
                }
            }
        }
        Ok(changes)
    }

    fn read_keyring(
        &mut self,
        learner: LearnerId,
        content: &[u8],
        held: &HeldKey,
    ) -> Result<(), EngineError> {
        match Keyring::decode(content) {
            // A keyring speaks for its own stream only: keys never cross streams.
            Ok(keyring) => {
                let keys: Vec<_> = keyring
                    .0
                    .into_iter()
                    .filter(|key| key.stream == held.stream)
                    .collect();
                self.keep_keys(learner, &keys, Some(held.site)).map(|_| ())
            }
            Err(error) => self.set_aside(&format!("a keyring of {}: {error}", held.site)),
        }
    }

    pub(super) fn save_record(
        &mut self,
        learner: LearnerId,
        stream: Stream,
        record: &Record,
        chains: &Chains,
    ) -> Result<(), EngineError> {
        let value = codec::encode(&(record.save(), chains));
        Ok(self
            .store
            .write(Table::Record, &learner_stream(learner, stream), &value)?)
    }

    /// Adds a batch that this site has just sealed to the learner's record.
    pub(super) fn add_own_batch(
        &mut self,
        (learner, stream): (LearnerId, Stream),
        held: &HeldKey,
        (run, label): (RunId, Label),
        batch: &Batch,
        height: u32,
    ) -> Result<(), EngineError> {
        let (mut record, mut chains) = self.load_record(learner, stream)?;
        // A record that was just rebuilt has found the batch among the parcels already.
        if batch.seq >= chains.chain(label).next_seq() {
            let change = chains
                .of(label, run, held)
                .chain
                .advance(label, batch, height)?;
            record.apply(vec![change])?;
        }
        self.save_record(learner, stream, &record, &chains)
    }

    /// Nothing is known of a learner: where something was, a revoked key had made it up, or who wrote it has
    /// erased it.
    fn forget_unheard(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        let erased = !self.store.scan(Table::Erased, &[], &[], 1)?.is_empty();
        let taken = erased || !self.roster.revoked.is_empty();
        if !taken || self.store.learner(learner)?.is_none() {
            return Ok(());
        }
        self.store.remove_learner(learner)?;
        self.store.remove(Table::Link, &learner.0)?;
        self.store.remove(Table::Stay, &learner.0)?;
        self.note_likeness(learner, None)?;
        for stream in Stream::ALL {
            let key = learner_stream(learner, stream);
            self.store.remove(Table::Record, &key)?;
        }
        Ok(())
    }

    /// Computes a learner's view, facts and contributions anew. A prison keeps the record and view
    /// only of those who are there; what the others contributed to its totals stays.
    pub(super) fn refresh(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        self.refreshed = true;
        let entries = self.entries(learner)?;
        self.note_stakes(learner, &entries)?;
        if entries.is_empty() {
            return self.forget_unheard(learner);
        }
        let view = LearnerView::fold(&entries);
        // Who was admitted here stays so, even where the view does not tell of it.
        let mut here = self.own_stay(learner)?.is_some_and(|own| {
            let told = |stay: &Stay| (stay.stay, stay.site) == (own.stay, self.site);
            own.open && !view.stays.iter().any(told)
        });
        let site = self.site;
        let began_here = |stay: &&Stay| stay.site == site && !stay.arrivals.is_empty();
        for stay in view.stays.iter().filter(began_here) {
            here |= stay.is_open();
            // Of two that are open the one that goes on is the one that was known.
            let known = self.own_stay(learner)?;
            let is_it = known.is_none_or(|own| own.stay == stay.stay);
            let goes_on = known.is_some_and(|own| stands_open(&view, own, site));
            if is_it || (stay.is_open() && !goes_on) {
                let own = OwnStay {
                    stay: stay.stay,
                    open: stay.is_open(),
                };
                if known != Some(own) {
                    self.set_own_stay(learner, own)?;
                }
            }
        }
        self.keep_who5(learner, &view)?;
        if here {
            self.forget_expected(learner)?;
            self.forget_said_elsewhere(learner, &view)?;
        } else {
            self.forget_who_came(learner, &view)?;
        }
        if self.reads_everyone() {
            self.note_whereabouts(learner, &view)?;
        }
        // A prison shows a person; the nation's figures join records by their links.
        let view = match here && !self.same_as(learner)?.is_empty() {
            true => LearnerView::fold(&self.person_entries(learner)?),
            false => view,
        };
        let mut row = LearnerRow {
            learner,
            here,
            name: display_name(&view),
            search: search_text(&view, learner),
            facts: LearnerFacts::of(&view),
            view: view.canonical_bytes(),
        };
        if mutant::is_on(Mutant::ViewKept) {
            let known = self.store.learner(learner)?;
            let same = known.filter(|known| known.facts == row.facts && !known.view.is_empty());
            row.view = same.map_or(row.view, |known| known.view);
        }
        let rows = contributions(&entries);
        self.store.put_learner(&row, &rows)?;
        let (events, rows) = (entries.len(), rows.len());
        tracing::debug!(%learner, events, rows, "record folded, totals brought up to date");
        let found_here = here || self.reads_everyone();
        self.note_likeness(learner, Some(&view).filter(|_| found_here))?;
        if !found_here {
            self.store.close_learner(learner)?;
            for stream in Stream::ALL {
                self.store
                    .remove(Table::Record, &learner_stream(learner, stream))?;
            }
        }
        Ok(())
    }
}

/// Whether the view shows this stay of a site as open.
fn stands_open(view: &LearnerView, own: OwnStay, site: SiteId) -> bool {
    let mut stays = view.stays.iter();
    stays.any(|stay| (stay.stay, stay.site) == (own.stay, site) && stay.is_open())
}

/// Whether a record says "one person" and nothing to the contrary.
const fn joins(link: &Link) -> bool {
    !link.same.is_empty() && link.not_same.is_empty()
}

/// What [`Engine::save_record`] kept; `None` where the disk damaged it.
fn read_record(bytes: &[u8]) -> Option<(Record, Chains)> {
    let (document, chains): (Vec<u8>, Chains) = codec::decode(bytes).ok()?;
    Some((Record::load(&document).ok()?, chains))
}

/// The name to list a learner by: Khmer before Latin, the first of several claims.
pub(super) fn display_name(view: &LearnerView) -> String {
    let name = view
        .profile
        .names
        .iter()
        .map(|claim| &claim.value)
        .min_by_key(|n| n.script);
    name.map_or_else(String::new, |name| {
        format!("{} {}", &*name.family, &*name.given)
    })
}

fn search_text(view: &LearnerView, learner: LearnerId) -> String {
    let mut text = learner.to_string();
    for claim in &view.profile.names {
        let name = &claim.value;
        text.push_str(&format!(
            "\n{} {} {}",
            &*name.family, &*name.given, &*name.family
        ));
    }
    text.to_lowercase()
}
