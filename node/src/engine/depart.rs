//! Learners leave: one, a hundred from a list, a whole site. The departure is an event of the stay;
//! the keys of the stay go to the destination in a grant, and on a slip that goes with the learner;
//! who is on his way is announced there. A departure that did not happen, or led elsewhere, is put
//! right as long as nobody is known to have admitted him.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spean_protocol::control::Entry;
use spean_protocol::custody::Stay;
use spean_protocol::event::{
    ArrivalReason, Body, Date, DepartureReason, Destination, Event, EventId,
};
use spean_protocol::id::{LearnerId, RunId, SiteId, Stream};
use spean_protocol::letter::{Announced, Arrived, Letter};
use spean_protocol::limits::{
    GRANT_LEARNERS_MAX, KEYRING_MAX, LETTER_LEARNERS_MAX, LETTER_NAMES_MAX, SLIP_KEYS_MAX,
    SLIP_LEARNERS_MAX,
};
use spean_protocol::record::Draft;
use spean_protocol::seal;
use spean_protocol::slip::{Slip, grant_info};
use spean_protocol::stay::{CustodyKey, GrantContent, HeldKey};
use spean_protocol::view::{LearnerView, OpenItems};

use super::arrive::Here;
use super::keys::{key_of, learner_of};
use super::letters::Mail;
use super::write::OwnStay;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Seconds after which an arrival or departure is not simply undone any more. By this machine's
/// clock: it only says when an officer has to ask somebody.
pub(super) const UNDO_SECONDS: u64 = 24 * 3600;

/// Keys that go along of each learner who was found to be the same person.
const LINKED_KEYS_MAX: usize = 32;

/// What became of one of those whom a command names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moved<T> {
    /// It is done.
    Done(T),
    /// It cannot be done, and nothing of it was.
    Refused {
        /// Who, as the command named him.
        who: String,
        /// What is wrong and what to do.
        why: String,
    },
}

impl<T> Moved<T> {
    /// What was done, if it was.
    pub fn done(&self) -> Option<&T> {
        match self {
            Self::Done(value) => Some(value),
            Self::Refused { .. } => None,
        }
    }

    /// What was done.
    ///
    /// # Errors
    /// Why it was not.
    pub fn into_result(self) -> Result<T, EngineError> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Refused { why, .. } => Err(EngineError::Refused(why)),
        }
    }
}

/// What a departure gives to the officer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// Who left.
    pub learner: LearnerId,
    /// His name.
    pub name: String,
    /// The code of the destination, or what it is in a word.
    pub to: String,
    /// The slip's text, where the destination is a site with a key.
    pub slip: Option<String>,
    /// What is open and moves with him.
    pub moves: OpenItems,
}

/// A learner who left and is not known to be anywhere: at the site that he left, and at the DGP.
/// Where an arrival is told although nobody has left, it stands beside an open stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Away {
    /// The site that he left.
    pub from: SiteId,
    /// Where to.
    pub to: Destination,
    /// The day, as somebody wrote it down.
    pub date: Option<Date>,
    /// This machine's clock when it was recorded.
    pub stamp: u64,
    /// Where he is said to have arrived.
    pub arrived: Option<Arrived>,
    /// This site says that he has not left.
    pub disputed: bool,
    /// Keys came after he had left: they are to be granted on.
    pub onward: bool,
    /// How he had been admitted, for when the departure did not happen.
    pub here: Option<Box<Here>>,
}

impl Away {
    /// Of somebody of whom nothing is known but that he left a site.
    pub(super) const fn nowhere(from: SiteId, stamp: u64) -> Self {
        Self {
            from,
            to: Destination::Unknown,
            date: None,
            stamp,
            arrived: None,
            disputed: false,
            onward: false,
            here: None,
        }
    }
}

/// One who leaves, before his departure is sealed: his record closes with it.
struct Leaving {
    learner: LearnerId,
    own: OwnStay,
    name: String,
    moves: OpenItems,
    announced: Announced,
}

impl<S: Store> Engine<S> {
    /// Records the departure of one learner.
    ///
    /// # Errors
    /// [`EngineError::Refused`] says why he cannot leave; else as [`Engine::transfer_out_all`].
    pub fn transfer_out(
        &mut self,
        learner: LearnerId,
        to: Destination,
        date: Option<Date>,
        with_restricted: bool,
    ) -> Result<Departure, EngineError> {
        let mut done = self.transfer_out_all(&[learner], to, date, with_restricted)?;
        done.pop()
            .ok_or(EngineError::UnknownLearner(learner))?
            .into_result()
    }

    /// Records departures to one destination, seals them at once, hands on the keys of the stays
    /// and announces who comes. Restricted data go along only with the learners' agreement.
    ///
    /// # Errors
    /// [`EngineError::NoBoxKey`] or what the store says; who cannot leave is refused by himself.
    pub fn transfer_out_all(
        &mut self,
        learners: &[LearnerId],
        to: Destination,
        date: Option<Date>,
        with_restricted: bool,
    ) -> Result<Vec<Moved<Departure>>, EngineError> {
        self.input(|engine| {
            if let Destination::Site(site) = to {
                let key = engine.roster.box_key(site);
                key.ok_or(EngineError::NoBoxKey(site))?;
            }
            engine.flush_now()?;
            let mut outcomes = Vec::with_capacity(learners.len());
            let mut leaving = Vec::new();
            for learner in learners {
                outcomes.push(match engine.leaves(*learner, to, date)? {
                    Ok(one) if leaving.iter().all(|l: &Leaving| l.learner != *learner) => {
                        leaving.push(one);
                        Ok(leaving.len() - 1)
                    }
                    Ok(_) => Err("he is in the list twice".to_owned()),
                    Err(why) => Err(why),
                });
            }
            // Whoever left for another place comes back first, under a stay of his own.
            engine.flush_now()?;
            for one in &leaving {
                engine.depart(one, to, date)?;
            }
            engine.flush_now()?;
            let slips = match to {
                Destination::Site(site) => engine.hand_on(&leaving, site, with_restricted)?,
                _ => vec![None; leaving.len()],
            };
            tracing::info!(count = leaving.len(), "departures recorded");
            let name = engine.destination_word(to);
            let told = |(learner, outcome): (&LearnerId, Result<usize, String>)| match outcome {
                Ok(at) => Moved::Done(Departure {
                    learner: *learner,
                    name: leaving[at].name.clone(),
                    to: name.clone(),
                    slip: slips[at].clone(),
                    moves: leaving[at].moves.clone(),
                }),
                Err(why) => Moved::Refused {
                    who: learner.to_string(),
                    why,
                },
            };
            Ok(learners.iter().zip(outcomes).map(told).collect())
        })
    }

    /// Whether a learner can leave, and what is to be known of him before his record closes.
    fn leaves(
        &mut self,
        learner: LearnerId,
        to: Destination,
        date: Option<Date>,
    ) -> Result<Result<Leaving, String>, EngineError> {
        let Some(mut own) = self.own_stay(learner)? else {
            return Ok(Err(EngineError::UnknownLearner(learner).to_string()));
        };
        if !own.open {
            if let Some(why) = self.cannot_leave_again(learner, to)? {
                return Ok(Err(why));
            }
            own = self.stays_after_all(learner)?;
        }
        let view = self.view_of(learner)?;
        let profile = &view.profile;
        let names = profile.names.iter().map(|claim| claim.value.clone());
        let announced = Announced {
            learner,
            date,
            names: names.take(LETTER_NAMES_MAX).collect(),
            sex: profile.sex.first().map(|claim| claim.value),
            birth: profile.birth.first().map(|claim| claim.value),
            withheld: false,
        };
        Ok(Ok(Leaving {
            learner,
            own,
            name: super::fold::display_name(&view),
            moves: OpenItems::of(&view),
            announced,
        }))
    }

    /// Why somebody who has left cannot leave for another place; `None` where he can: the van went
    /// elsewhere, and nobody is known to have admitted him.
    fn cannot_leave_again(
        &mut self,
        learner: LearnerId,
        to: Destination,
    ) -> Result<Option<String>, EngineError> {
        let Some(away) = self.away(learner)? else {
            // A machine that was lost and filled again does not know it any more.
            let view = self.view_of(learner)?;
            let here = self.site;
            let left = |stay: &Stay| stay.site == here && !stay.departures.is_empty();
            let known = view.stays.iter().any(left);
            return Ok((!known).then(|| EngineError::NotHere(learner).to_string()));
        };
        let place = self.destination_word(away.to);
        Ok(match away.arrived {
            Some(arrived) => Some(format!(
                "learner {learner} has left, and {} has admitted him: what follows is recorded there",
                self.code(arrived.site)
            )),
            None if away.to == to => Some(format!(
                "learner {learner} has left for {place} already: 'spean transfer slip' gives his \
                 slip again"
            )),
            None => None,
        })
    }

    /// What the record of one who is here says, with what is only waiting to be sealed.
    fn view_of(&mut self, learner: LearnerId) -> Result<LearnerView, EngineError> {
        Ok(LearnerView::fold(&self.person_entries(learner)?))
    }

    fn depart(
        &mut self,
        leaving: &Leaving,
        to: Destination,
        date: Option<Date>,
    ) -> Result<(), EngineError> {
        let reason = match to {
            Destination::Released => DepartureReason::Released,
            Destination::Site(_) | Destination::WithoutNode => DepartureReason::Transferred,
            _ => DepartureReason::Unknown,
        };
        let learner = leaving.learner;
        let body = Body::Departed {
            stay: leaving.own.stay,
            to,
            reason,
        };
        self.keep_event(
            learner,
            &Event {
                date,
                ..Event::new(body)
            },
        )?;
        let here = self.here(learner)?;
        let here = here.map(|here| {
            Box::new(Here {
                before: None,
                ..here
            })
        });
        self.store.remove(Table::Here, &learner.0)?;
        // Perhaps the news that he arrived there came before anybody recorded that he left.
        let told = self.away(learner)?.and_then(|away| away.arrived);
        let arrived = told.filter(|arrived| to == Destination::Site(arrived.site));
        let away = Away {
            to,
            date,
            arrived,
            here,
            ..Away::nowhere(self.site, self.world.wall_seconds())
        };
        self.keep_away(learner, &away)
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

    /// Grants the keys of all who leave to the destination, announces them and issues their slips.
    fn hand_on(
        &mut self,
        leaving: &[Leaving],
        to: SiteId,
        with_restricted: bool,
    ) -> Result<Vec<Option<String>>, EngineError> {
        let upto = self.own_upto();
        let mut granted = Vec::new();
        let mut announced = Vec::new();
        let mut slips = Vec::with_capacity(leaving.len());
        for one in leaving {
            let keys = self.keys_of_stay(one.learner, one.own, with_restricted)?;
            let linked = self.linked_keys(one.learner)?;
            let moves = keys.iter().any(|key| key.stream == Stream::Restricted);
            let withheld = !moves && self.has_restricted(one.learner)?;
            announced.push(Announced {
                withheld,
                ..one.announced.clone()
            });
            let known = self.keys_of(one.learner)?;
            self.mark_all_given(one.learner, to, &known)?;
            let mut learners = vec![(one.learner, keys)];
            learners.extend(linked);
            slips.push(Some(self.issue_slip(to, upto, &learners)?));
            granted.extend(learners);
        }
        let mut mail = self.grant_mail(to, upto, &granted)?;
        for part in announced.chunks(LETTER_LEARNERS_MAX) {
            mail.extend(self.letter(to, &Letter::Announced(part.to_vec()))?);
        }
        self.post(mail)?;
        Ok(slips)
    }

    /// How far this site's own log goes in the run that it writes.
    pub(super) fn own_upto(&self) -> Option<(RunId, u32)> {
        let run = self.run?;
        Some((run, self.skeleton.run(run)?.data.prefix()))
    }

    /// Of each stream the newest key under which a stay of this site has anything: its keyring has
    /// the older ones.
    pub(super) fn keys_of_stay(
        &self,
        learner: LearnerId,
        own: OwnStay,
        with_restricted: bool,
    ) -> Result<Vec<HeldKey>, EngineError> {
        let mut newest: BTreeMap<Stream, CustodyKey> = BTreeMap::new();
        for custody in self.custody_keys(self.site)? {
            let moves = custody.stream == Stream::Education || with_restricted;
            let mark = key_of(&[&custody.id().0, &learner.0, &own.stay.0]);
            let used = self.store.read(Table::Registered, &mark)?.is_some();
            let later = newest
                .get(&custody.stream)
                .is_none_or(|k| k.cohort <= custody.cohort);
            if moves && used && later {
                newest.insert(custody.stream, custody);
            }
        }
        let held = |custody: CustodyKey| HeldKey {
            site: self.site,
            stream: custody.stream,
            stay: own.stay,
            key: custody.stay_key(own.stay),
        };
        Ok(newest.into_values().map(held).collect())
    }

    /// Whether anything restricted of a learner was ever readable here.
    fn has_restricted(&self, learner: LearnerId) -> Result<bool, EngineError> {
        let keys = self.keys_of(learner)?;
        Ok(keys.iter().any(|key| key.stream == Stream::Restricted))
    }

    /// The education keys of the learners who were found to be the same person.
    fn linked_keys(
        &mut self,
        learner: LearnerId,
    ) -> Result<Vec<(LearnerId, Vec<HeldKey>)>, EngineError> {
        let mut linked = Vec::new();
        for other in self.same_as(learner)? {
            let mut keys = self.keys_of(other)?;
            keys.retain(|key| key.stream == Stream::Education);
            keys.truncate(LINKED_KEYS_MAX);
            if !keys.is_empty() {
                linked.push((other, keys));
            }
        }
        Ok(linked)
    }

    /// Grants as entries of the control log, so many learners and keys in each; none to a site that
    /// has left the roster or has no key.
    pub(super) fn grant_mail(
        &mut self,
        to: SiteId,
        upto: Option<(RunId, u32)>,
        learners: &[(LearnerId, Vec<HeldKey>)],
    ) -> Result<Vec<Mail>, EngineError> {
        let Some(box_key) = self.roster.box_key(to) else {
            return Ok(Vec::new());
        };
        let mut mail = Vec::new();
        let mut rest = learners;
        while !rest.is_empty() {
            let mut keys = 0;
            let fits = rest.iter().take(GRANT_LEARNERS_MAX).take_while(|(_, of)| {
                keys += of.len();
                keys <= KEYRING_MAX
            });
            let (part, later) = rest.split_at(fits.count().max(1));
            rest = later;
            let content = GrantContent {
                upto,
                learners: part.to_vec(),
            };
            let encoded = content.encode();
            let id = self.fresh_id("grant", &encoded);
            let info = grant_info(self.site, to, &id);
            let entropy = self.entropy(&[info.as_slice(), &encoded].concat());
            let sealed = seal::box_seal(&box_key, &info, &encoded, entropy)?;
            mail.push(Mail {
                to,
                entry: Entry::Grant { id, sealed },
            });
        }
        Ok(mail)
    }

    /// A slip's text: for the first of `learners`, and as many keys of the others as fit.
    fn issue_slip(
        &mut self,
        to: SiteId,
        upto: Option<(RunId, u32)>,
        learners: &[(LearnerId, Vec<HeldKey>)],
    ) -> Result<String, EngineError> {
        let box_key = self.roster.box_key(to).ok_or(EngineError::NoBoxKey(to))?;
        let mut room = SLIP_KEYS_MAX;
        let mut fitting = Vec::new();
        for (learner, keys) in learners.iter().take(SLIP_LEARNERS_MAX) {
            if keys.len() <= room {
                room -= keys.len();
                fitting.push((*learner, keys.clone()));
            }
        }
        let content = GrantContent {
            upto,
            learners: fitting,
        };
        let encoded = content.encode();
        let id = self.fresh_id("slip", &encoded);
        let entropy = self.entropy(&[id.as_slice(), &encoded].concat());
        let places = (self.site, to);
        let slip = Slip::issue(
            id,
            places,
            &content,
            &box_key,
            &self.identity.signing,
            entropy,
        )?;
        Ok(slip.to_text())
    }

    /// Slips after the fact, for those who left for another site, or at the DGP for anyone whom it
    /// reads. `to` is needed at the DGP only: a site knows where it sent him.
    ///
    /// # Errors
    /// What the store says; whom no slip can be made for is refused by himself.
    pub fn slips(
        &mut self,
        learners: &[LearnerId],
        to: Option<SiteId>,
    ) -> Result<Vec<Moved<Departure>>, EngineError> {
        self.input(|engine| {
            let mut outcomes = Vec::with_capacity(learners.len());
            for learner in learners {
                let slip = if engine.is_headquarters() {
                    engine.slip_of_headquarters(*learner, to)?
                } else {
                    engine.slip_again(*learner, to)?
                };
                outcomes.push(slip.map_or_else(
                    |why| Moved::Refused {
                        who: learner.to_string(),
                        why,
                    },
                    Moved::Done,
                ));
            }
            Ok(outcomes)
        })
    }

    fn slip_again(
        &mut self,
        learner: LearnerId,
        to: Option<SiteId>,
    ) -> Result<Result<Departure, String>, EngineError> {
        let own = self.own_stay(learner)?;
        let away = self.away(learner)?.map(|away| away.to);
        let (Some(own), Some(Destination::Site(site))) = (own.filter(|own| !own.open), away) else {
            return Ok(Err(format!(
                "learner {learner} has not left from here for another site: record the departure \
                 first, 'spean transfer out'"
            )));
        };
        if to.is_some_and(|to| to != site) {
            return Ok(Err(format!(
                "learner {learner} left for {}: to send him elsewhere, record that with 'spean \
                 transfer out'",
                self.code(site)
            )));
        }
        let keys = self.keys_of_stay(learner, own, false)?;
        let upto = self.own_upto();
        let slip = self.issue_slip(site, upto, &[(learner, keys)])?;
        Ok(Ok(self.slip_only(learner, site, slip)))
    }

    fn slip_of_headquarters(
        &mut self,
        learner: LearnerId,
        to: Option<SiteId>,
    ) -> Result<Result<Departure, String>, EngineError> {
        let Some(to) = to else {
            return Ok(Err("name the site that the slip is for: --to CODE".into()));
        };
        let mut keys = self.keys_of(learner)?;
        keys.retain(|key| key.stream == Stream::Education && key.site != to);
        // The keyring of a later stay has the earlier ones: those go first that no other has.
        let stays = self.view(learner)?.map_or_else(Vec::new, |view| view.stays);
        let left = |key: &HeldKey| {
            let of_stay = stays.iter().find(|stay| stay.stay == key.stay);
            of_stay.is_some_and(|stay| stay.departures.iter().any(|left| left.answered))
        };
        keys.sort_by_key(left);
        keys.truncate(SLIP_KEYS_MAX);
        if keys.is_empty() {
            let error = EngineError::UnknownLearner(learner);
            return Ok(Err(error.to_string()));
        }
        let slip = self.issue_slip(to, None, &[(learner, keys)])?;
        Ok(Ok(self.slip_only(learner, to, slip)))
    }

    fn slip_only(&self, learner: LearnerId, to: SiteId, slip: String) -> Departure {
        let row = self.store.learner(learner).ok().flatten();
        Departure {
            learner,
            name: row.map(|row| row.name).unwrap_or_default(),
            to: self.code(to),
            slip: Some(slip),
            moves: OpenItems::default(),
        }
    }

    /// Opens a stay after a departure that did not happen. It has a key of its own: whoever was
    /// given the old one reads nothing of what follows.
    pub(super) fn stays_after_all(&mut self, learner: LearnerId) -> Result<OwnStay, EngineError> {
        let away = self.away(learner)?;
        let stay = self.open_stay(learner)?;
        self.store.remove(Table::Away, &learner.0)?;
        self.hand_on_keys_of_past(learner)?;
        let body = Body::Arrived {
            stay,
            from: None,
            reason: ArrivalReason::NotMoved,
        };
        let date = away.as_ref().and_then(|away| away.date);
        let stays = self.keep_event(
            learner,
            &Event {
                date,
                ..Event::new(body)
            },
        )?;
        let mut mail = Vec::new();
        if let Some(Away { to, here, .. }) = away {
            if let Destination::Site(to) = to {
                mail.extend(self.letter(to, &Letter::NotComing(vec![learner]))?);
            }
            if let Some(here) = here {
                // What was asked of his last stay is asked of this one.
                let asked = here.question.map(|(_, about)| about);
                let mut here = Here { stay, ..*here };
                here.events.push(stays);
                match asked {
                    Some(about) => mail.extend(self.ask_again(learner, here, about)?),
                    None => self.keep_here(learner, &here)?,
                }
            }
        }
        self.post(mail)?;
        Ok(OwnStay { stay, open: true })
    }

    /// The keys that are held hand on what they open, in the stream that they are of, even where
    /// this site never writes in it.
    pub(super) fn hand_on_keys_of_past(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        let keys = self.keys_of(learner)?;
        for stream in Stream::ALL {
            if keys.iter().any(|key| key.stream == stream) {
                self.keep_pending(learner, stream, None)?;
            }
        }
        Ok(())
    }

    pub(super) fn away(&self, learner: LearnerId) -> Result<Option<Away>, EngineError> {
        let row = self.store.read(Table::Away, &learner.0)?;
        Ok(row
            .map(|bytes| spean_protocol::codec::decode(&bytes))
            .transpose()?)
    }

    pub(super) fn keep_away(&mut self, learner: LearnerId, away: &Away) -> Result<(), EngineError> {
        let row = spean_protocol::codec::encode(away);
        Ok(self.store.write(Table::Away, &learner.0, &row)?)
    }

    /// The destination as the command line calls it.
    pub(super) fn destination_word(&self, to: Destination) -> String {
        match to {
            Destination::Site(site) => self.code(site),
            Destination::Released => "released".to_owned(),
            Destination::WithoutNode => "without-node".to_owned(),
            _ => "unknown".to_owned(),
        }
    }

    /// Grants keys on that came after their learner had left for another site: each key once.
    pub(super) fn grant_on(&mut self, key: &[u8], row: &[u8]) -> Result<(), EngineError> {
        let mut away: Away = spean_protocol::codec::decode(row)?;
        if self.is_headquarters() || !away.onward {
            return Ok(());
        }
        let learner = learner_of(key)?;
        let open = self.own_stay(learner)?.is_some_and(|own| own.open);
        if let Destination::Site(to) = away.to
            && !open
        {
            // Restricted data move with the learner's agreement only, at his departure.
            let mut keys = self.keys_of(learner)?;
            keys.retain(|key| key.stream == Stream::Education);
            let keys = self.not_given(learner, to, keys)?;
            if !keys.is_empty() {
                let mail = self.grant_mail(to, None, &[(learner, keys.clone())])?;
                self.post(mail)?;
                self.mark_all_given(learner, to, &keys)?;
                tracing::info!(%learner, "keys granted on to where he went");
            }
        }
        away.onward = false;
        self.keep_away(learner, &away)
    }

    /// Of these keys those that the site was not given yet.
    pub(super) fn not_given(
        &self,
        learner: LearnerId,
        to: SiteId,
        keys: Vec<HeldKey>,
    ) -> Result<Vec<HeldKey>, EngineError> {
        let mut new = Vec::new();
        let mut keys = keys;
        keys.retain(|key| key.site != to);
        self.keep_useful(learner, &mut keys);
        for key in keys {
            if !self.was_given(learner, to, &key)? {
                new.push(key);
            }
        }
        Ok(new)
    }

    /// Whether a site was given a key.
    pub(super) fn was_given(
        &self,
        learner: LearnerId,
        to: SiteId,
        key: &HeldKey,
    ) -> Result<bool, EngineError> {
        let place = key_of(&[&learner.0, &to.0.to_be_bytes(), &key.fingerprint()]);
        Ok(self.store.read(Table::Given, &place)?.is_some())
    }

    /// Notes that a site was given keys.
    pub(super) fn mark_all_given(
        &mut self,
        learner: LearnerId,
        to: SiteId,
        keys: &[HeldKey],
    ) -> Result<(), EngineError> {
        for key in keys {
            let place = key_of(&[&learner.0, &to.0.to_be_bytes(), &key.fingerprint()]);
            self.store.write(Table::Given, &place, &[])?;
        }
        Ok(())
    }

    /// As many keys as a grant holds: those that open something first, for the others are what
    /// somebody made up.
    pub(super) fn keep_useful(&self, learner: LearnerId, keys: &mut Vec<HeldKey>) {
        if keys.len() > KEYRING_MAX {
            keys.sort_by_cached_key(|key| !self.opens_anything(learner, key).unwrap_or(false));
            keys.truncate(KEYRING_MAX);
        }
    }
}
