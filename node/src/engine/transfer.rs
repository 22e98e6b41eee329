//! A learner leaves or arrives. The departure hands on the keys of his stay: as a grant through
//! the control log and, for the same keys, as a slip that goes with him. The arrival opens a stay
//! of its own, whether or not any key or any of the past is here yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spean_protocol::control::Entry;
use spean_protocol::event::{ArrivalReason, Body, Date, DepartureReason, Destination, Event};
use spean_protocol::id::{LearnerId, RunId, SiteId, StayId, Stream};
use spean_protocol::record::Draft;
use spean_protocol::seal;
use spean_protocol::slip::{Slip, SlipError, grant_info};
use spean_protocol::stay::{CustodyKey, GrantContent, HeldKey};

use super::keys::key_of;
use super::write::OwnStay;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// What a departure gives to the officer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// Who left.
    pub learner: LearnerId,
    /// The slip's text, where the destination is a site with a key.
    pub slip: Option<String>,
}

/// How much of an arrived learner's past is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Past {
    /// His record is open.
    Open {
        /// How many events of it are in effect.
        events: u32,
    },
    /// The key is here; segments of the old site are still on their way.
    WaitingForSegments {
        /// The old site's code.
        site: String,
        /// How many at least.
        segments: u32,
    },
    /// No key is here yet: he was admitted by his card.
    WaitingForKey,
}

/// What an arrival gives to the officer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Who arrived.
    pub learner: LearnerId,
    /// His name, where the record is open.
    pub name: String,
    /// How much of his past is here.
    pub past: Past,
}

impl<S: Store> Engine<S> {
    /// Records a departure, seals it at once, and hands on the keys of the stay. Restricted data
    /// goes along only with the learner's agreement.
    ///
    /// # Errors
    /// [`EngineError::NotHere`], [`EngineError::NoBoxKey`] or what the store says.
    pub fn transfer_out(
        &mut self,
        learner: LearnerId,
        to: Destination,
        date: Option<Date>,
        with_restricted: bool,
    ) -> Result<Departure, EngineError> {
        self.input(|engine| {
            let own = engine.own_stay(learner)?.filter(|own| own.open);
            let own = own.ok_or(EngineError::NotHere(learner))?;
            let reason = match to {
                Destination::Released => DepartureReason::Released,
                Destination::Site(_) | Destination::WithoutNode => DepartureReason::Transferred,
                _ => DepartureReason::Unknown,
            };
            let body = Body::Departed {
                stay: own.stay,
                to,
                reason,
            };
            let event = Event {
                date,
                ..Event::new(body)
            };
            engine.flush_now()?;
            let draft = Draft {
                id: None,
                bytes: event.encode(),
            };
            engine.keep_pending(learner, Stream::Education, Some(draft))?;
            engine.flush_now()?;
            let slip = match to {
                Destination::Site(site) => {
                    Some(engine.grant(learner, own.stay, site, with_restricted)?)
                }
                _ => None,
            };
            tracing::info!(stay = %own.stay, "departure recorded");
            Ok(Departure { learner, slip })
        })
    }

    /// Writes a grant of one stay's keys to the control log and returns it as a slip's text.
    fn grant(
        &mut self,
        learner: LearnerId,
        stay: StayId,
        to: SiteId,
        with_restricted: bool,
    ) -> Result<String, EngineError> {
        let box_key = self.roster.box_key(to).ok_or(EngineError::NoBoxKey(to))?;
        // Of each stream the newest key under which this stay has anything: its keyring has the
        // older ones.
        let mut newest: BTreeMap<Stream, CustodyKey> = BTreeMap::new();
        for custody in self.custody_keys(self.site)? {
            let moves = custody.stream == Stream::Education || with_restricted;
            let mark = key_of(&[&custody.id().0, &learner.0, &stay.0]);
            let used = self.store.read(Table::Registered, &mark)?.is_some();
            let later = newest
                .get(&custody.stream)
                .is_none_or(|k| k.cohort <= custody.cohort);
            if moves && used && later {
                newest.insert(custody.stream, custody);
            }
        }
        let held = |custody: CustodyKey| {
            let (site, stream) = (self.site, custody.stream);
            HeldKey {
                site,
                stream,
                stay,
                key: custody.stay_key(stay),
            }
        };
        let keys: Vec<HeldKey> = newest.into_values().map(held).collect();
        let upto = self
            .run
            .and_then(|run| Some((run, self.skeleton.run(run)?.data.prefix())));
        let content = GrantContent {
            upto,
            learners: vec![(learner, keys)],
        };
        let id = self.fresh_id("grant");
        let info = grant_info(self.site, to, &id);
        let entropy = self.entropy(&info);
        let sealed = seal::box_seal(&box_key, &info, &content.encode(), entropy)?;
        self.write_control(&[Entry::Grant { id, sealed }])?;
        let entropy = self.entropy(&id);
        let places = (self.site, to);
        let key = &self.identity.signing;
        let slip = Slip::issue(id, places, &content, &box_key, key, entropy)?;
        Ok(slip.to_text())
    }

    /// Admits a learner by his slip.
    ///
    /// # Errors
    /// [`EngineError::Slip`] says what is wrong with the slip; [`EngineError::AlreadyHere`].
    pub fn transfer_in(&mut self, text: &str, date: Option<Date>) -> Result<Arrival, EngineError> {
        self.input(|engine| {
            let slip = Slip::from_text(text)?;
            let explain = |error| match error {
                SlipError::Elsewhere(site) => EngineError::SlipElsewhere(engine.code(site)),
                SlipError::Signature(site) => EngineError::SlipUnsigned(engine.code(site)),
                other => other.into(),
            };
            slip.verify(engine.roster.keys(slip.source))
                .map_err(explain)?;
            let content = slip
                .open(engine.site, engine.identity.boxes.values())
                .map_err(explain)?;
            let (learner, _) = content.learners.first().ok_or(SlipError::Content)?;
            engine.keep_grant(&content, slip.source)?;
            engine.arrive(*learner, Some(slip.source), content.upto, date)
        })
    }

    /// Admits a learner by the id on his card: his past joins when its key comes.
    ///
    /// # Errors
    /// [`EngineError::AlreadyHere`].
    pub fn admit(
        &mut self,
        learner: LearnerId,
        date: Option<Date>,
    ) -> Result<Arrival, EngineError> {
        self.input(|engine| engine.arrive(learner, None, None, date))
    }

    fn arrive(
        &mut self,
        learner: LearnerId,
        from: Option<SiteId>,
        upto: Option<(RunId, u32)>,
        date: Option<Date>,
    ) -> Result<Arrival, EngineError> {
        if self.own_stay(learner)?.is_some_and(|own| own.open) {
            return Err(EngineError::AlreadyHere(learner));
        }
        let returned = self.own_stay(learner)?.is_some();
        let reason = if returned {
            ArrivalReason::Returned
        } else {
            ArrivalReason::Transferred
        };
        let stay = self.open_stay(learner)?;
        // The keys that came hand on what they open, in the stream that they are of, even if this
        // site never writes in it.
        for stream in Stream::ALL {
            if self
                .keys_of(learner)?
                .iter()
                .any(|key| key.stream == stream)
            {
                self.keep_pending(learner, stream, None)?;
            }
        }
        let body = Body::Arrived { stay, from, reason };
        let event = Event {
            date,
            ..Event::new(body)
        };
        let draft = Draft {
            id: None,
            bytes: event.encode(),
        };
        self.keep_pending(learner, Stream::Education, Some(draft))?;
        self.flush_now()?;
        self.fold_learner(learner)?;
        tracing::info!(%stay, "arrival recorded");
        let past = self.past(learner, upto)?;
        let row = self.store.learner(learner)?;
        Ok(Arrival {
            learner,
            name: row.map(|row| row.name).unwrap_or_default(),
            past,
        })
    }

    /// Mints a stay at this site and makes it the learner's open one.
    pub(super) fn open_stay(&mut self, learner: LearnerId) -> Result<StayId, EngineError> {
        let stay = StayId(self.fresh_id("stay"));
        self.set_own_stay(learner, OwnStay { stay, open: true })?;
        Ok(stay)
    }

    /// How much of a learner's past is here.
    fn past(&self, learner: LearnerId, upto: Option<(RunId, u32)>) -> Result<Past, EngineError> {
        let others = self.keys_of(learner)?;
        let own = self.own_stay(learner)?.map(|own| own.stay);
        let Some(key) = others.iter().find(|key| Some(key.stay) != own) else {
            return Ok(Past::WaitingForKey);
        };
        if let Some((run, upto)) = upto {
            let held = self.skeleton.run(run).map_or(0, |run| run.data.prefix());
            let (site, segments) = (self.code(key.site), upto.saturating_sub(held));
            if segments > 0 {
                return Ok(Past::WaitingForSegments { site, segments });
            }
        }
        let events = self.view(learner)?.map_or(0, |view| view.events);
        Ok(Past::Open { events })
    }

    /// Whether anything of a learner's stays waits to be folded: for screens.
    ///
    /// # Errors
    /// What the store says.
    pub fn waiting(&self, learner: LearnerId) -> Result<bool, EngineError> {
        Ok(!self
            .store
            .scan(Table::Dirty, &learner.0, &[], 1)?
            .is_empty())
    }
}
