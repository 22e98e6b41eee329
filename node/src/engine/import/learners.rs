//! Rows of learners: each becomes somebody who is here, unless he may be one who is already.

use std::collections::BTreeMap;

use spean_protocol::codec;
use spean_protocol::event::{ArrivalReason, Body, Event};
use spean_protocol::id::{LearnerId, StayId, Stream};
use spean_protocol::record::Draft;
use spean_protocol::seal::derive;
use spean_protocol::view::LearnerView;

use super::imported::Brought;
use super::waiting::Waited;
use super::whose::Whose;
use super::{Fate, Fates, Gathered, Import, written};
use crate::engine::{Engine, EngineError};
use crate::register::LearnerRow;
use crate::store::Store;

impl<S: Store> Engine<S> {
    /// Takes learners of a source, as one transaction. Each gets a stay here.
    ///
    /// # Errors
    /// What the store says; rows that cannot be used are no error.
    pub fn import_learners(
        &mut self,
        import: &Import,
        rows: &[LearnerRow],
    ) -> Result<Fates, EngineError> {
        self.import_each(import, rows, Self::gather_learner)
    }

    /// Adds one learner who is in no register yet: his row key is a new random one.
    ///
    /// # Errors
    /// [`EngineError::Row`] when the row cannot be used.
    pub fn add_learner(&mut self, row: &LearnerRow) -> Result<LearnerId, EngineError> {
        self.input(|engine| {
            // Two copies of a machine that draw the same bytes still admit two people.
            let content = codec::encode(&row.fields);
            let key = LearnerId(engine.fresh_id("row", &content)).to_string();
            let row = LearnerRow {
                row: key,
                ..row.clone()
            };
            let mut gathered = Gathered::default();
            let import = Import::of("added");
            let (fate, learner) = engine.gather_learner(&import, &row, &mut gathered)?;
            if let Fate::Refused(reason) = fate {
                return Err(EngineError::Row(reason));
            }
            engine.write_gathered(&import.source, &mut gathered)?;
            learner.ok_or(EngineError::Malformed("a new learner"))
        })
    }

    pub(super) fn gather_learner(
        &mut self,
        import: &Import,
        row: &LearnerRow,
        gathered: &mut Gathered,
    ) -> Result<(Fate, Option<LearnerId>), EngineError> {
        let source = import.source.as_str();
        let place = self.source_key(source, &row.row);
        match self.said(&place)? {
            Some(Whose::He(learner)) => return Ok((Fate::Known, Some(learner))),
            Some(_) => return Ok((Fate::Stranger, None)),
            None => {}
        }
        if let Some(before) = gathered.seen.insert(place, row.clone()) {
            let fate = match before == *row {
                true => Fate::Known,
                false => {
                    Fate::Refused("another row has the same key and says something else".to_owned())
                }
            };
            return Ok((fate, None));
        }
        let newcomer = match row.read() {
            Ok(newcomer) => newcomer,
            Err(reason) => return Ok((Fate::Refused(reason), None)),
        };
        if newcomer.card.is_none()
            && let Some(doubt) = self.may_be_here(&gathered.people, &newcomer.profile)?
        {
            return Ok(gathered.wait(Waited::Learner(row.clone()), doubt));
        }
        let mut id = [0; 16];
        id.copy_from_slice(&place[16..]);
        let learner = newcomer.card.unwrap_or(LearnerId(id));
        if self.was_erased(learner)? {
            let why = "he was erased: whoever comes again is added anew, with 'spean learner add'";
            return Ok((Fate::Refused(why.to_owned()), None));
        }
        gathered.settled.push(Waited::Learner(row.clone()));
        gathered.brought.push(Brought::Source { place, learner });
        let mut events: Vec<Event> = newcomer.profile.into_iter().map(Event::new).collect();
        let secret = self.identity.secret.0;
        let own = self.own_events(learner)?;
        let (again, _) = own.key_of(&secret, source, &format!("{}#0", row.row));
        let before = self.own_stay(learner)?;
        let open = before.is_some_and(|own| own.open);
        if !open {
            // The stay, too, follows from the row: an import after a restore opens the same one.
            let times = again.to_be_bytes();
            let mut parts = vec![&secret[..], &place];
            parts.extend((again > 0).then_some(&times[..]));
            let stay = derive("spean 2026 imported stay v1", &parts);
            let mut stay_id = [0; 16];
            stay_id.copy_from_slice(&stay[..16]);
            let stay = StayId(stay_id);
            gathered.brought.push(Brought::Stay {
                learner,
                stay,
                before: before.map(|own| own.stay),
            });
            let reason = ArrivalReason::Intake;
            let body = Body::Arrived {
                stay,
                from: None,
                reason,
            };
            events.push(Event {
                date: newcomer.arrived,
                ..Event::new(body)
            });
        }
        let mut drafts: BTreeMap<Stream, Vec<Draft>> = BTreeMap::new();
        for (number, event) in events.iter().enumerate() {
            let (_, id) = own.key_of(&secret, source, &format!("{}#{number}", row.row));
            gathered.brought.push(Brought::Event {
                learner,
                event: id.clone(),
            });
            let draft = Draft {
                id: Some(id),
                bytes: event.encode(),
            };
            drafts.entry(event.body.stream()).or_default().push(draft);
        }
        gathered.writes.extend(written(learner, drafts));
        Ok((Fate::New, Some(learner)))
    }
}

/// What of a row's profile a record does not say yet.
pub(super) fn unsaid(view: &LearnerView, profile: Vec<Body>) -> Vec<Body> {
    let known = &view.profile;
    let is_new = |body: &Body| match body {
        Body::Name { script, .. } => known.names.iter().all(|name| name.value.script != *script),
        Body::Sex { .. } => known.sex.is_empty(),
        Body::Birth { .. } => known.birth.is_empty(),
        Body::Education { .. } => known.education.is_empty(),
        Body::Languages { .. } => known.languages.is_empty(),
        _ => false,
    };
    profile.into_iter().filter(is_new).collect()
}
