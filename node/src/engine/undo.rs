//! A move that did not happen: an arrival that was entered by mistake, a departure after which the
//! learner stays, an arrival at a machine that had lost the stay that was open. Nothing is deleted:
//! the events are retracted, or a stay of its own follows.

use spean_protocol::codec;
use spean_protocol::custody::{Arrival, Causality, Stay};
use spean_protocol::event::{
    ArrivalReason, Body, Destination, Event, EventId, LinkReason, RetractionReason,
};
use spean_protocol::id::{LearnerId, Position, StayId};
use spean_protocol::letter::{About, Arrived, Letter};
use spean_protocol::view::{Entry, LearnerView};

use super::arrive::Here;
use super::depart::Away;
use super::events::Order;
use super::keys::learner_of;
use super::write::OwnStay;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Seconds after which an arrival or departure is not simply undone any more. By this machine's
/// clock: it only says when an officer has to ask somebody.
const UNDO_SECONDS: u64 = 24 * 3600;

impl<S: Store> Engine<S> {
    /// Undoes the last move of a learner here, within a day: an arrival that was none, or a
    /// departure that did not happen and that nobody has answered.
    ///
    /// # Errors
    /// [`EngineError::Refused`] says why it cannot be undone.
    pub fn undo(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        self.input(|engine| {
            engine.flush_now()?;
            let own = engine.own_stay(learner)?;
            let own = own.ok_or(EngineError::UnknownLearner(learner))?;
            if own.open {
                engine.undo_arrival(learner, own)?;
            } else {
                engine.undo_departure(learner)?;
            }
            engine.flush_now()?;
            Ok(())
        })
    }

    fn undo_arrival(&mut self, learner: LearnerId, own: OwnStay) -> Result<(), EngineError> {
        let here = self.here(learner)?.filter(|here| here.stay == own.stay);
        let here = here.filter(|here| !here.events.is_empty());
        let here = here.ok_or_else(|| {
            EngineError::Refused(format!(
                "learner {learner} was not admitted from elsewhere: to end his stay, record where \
                 he went with 'spean transfer out'"
            ))
        })?;
        self.within_a_day(here.stamp)?;
        let reason = RetractionReason::EnteredByMistake;
        for event in here.events.iter().cloned() {
            self.keep_event(learner, &Event::new(Body::Retracted { event, reason }))?;
        }
        if let Some(from) = here.from.filter(|from| *from != self.site) {
            let arrived = self.arrived_as(learner, &here);
            let mut mail = Vec::new();
            mail.extend(self.letter(from, &Letter::NotArrived(arrived))?);
            self.flush_now()?;
            // What was written of him here is not lost to him where he really goes.
            let keys = self.keys_of_stay(learner, own, false)?;
            mail.extend(self.grant_mail(from, self.own_upto(), &[(learner, keys)])?);
            self.post(mail)?;
        }
        self.flush_now()?;
        self.store.remove(Table::Here, &learner.0)?;
        if let Some(before) = here.before {
            // A receipt may have come meanwhile.
            let now = self.away(learner)?;
            let arrived = now.as_ref().and_then(|now| now.arrived);
            let mut past = before.past.clone();
            past.extend(now.iter().flat_map(|now| now.past.iter().copied()));
            let sent = |arrived: &Arrived| before.to == Destination::Site(arrived.site);
            let away = Away {
                arrived: arrived.filter(sent).or(before.arrived),
                received: arrived.filter(sent).or(before.received),
                onward: before.onward || now.is_some_and(|now| now.onward),
                past,
                ..*before
            };
            self.keep_away(learner, &away)?;
        }
        self.set_own_stay(learner, OwnStay { open: false, ..own })?;
        self.refresh(learner)
    }

    fn undo_departure(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        let away = self.away(learner)?.ok_or(EngineError::NotHere(learner))?;
        if let Some(arrived) = away.arrived {
            return Err(EngineError::Refused(format!(
                "{} has admitted learner {learner}: if he is here, dispute it with 'spean transfer \
                 dispute', or admit him again by his card",
                self.code(arrived.site)
            )));
        }
        self.within_a_day(away.stamp)?;
        self.stays_after_all(learner)?;
        Ok(())
    }

    /// Who was admitted by his card at a machine that had lost its disk never moved, where the stay
    /// that was open comes back with its log: that one goes on, and the arrival is retracted. Two
    /// machines, one a copy of the other, may each have admitted him: both keep the stay of the earlier
    /// day, as it was written down, and of one day that of the lower id.
    pub(super) fn was_here_all_along(&mut self, key: &[u8], row: &[u8]) -> Result<(), EngineError> {
        let here: Here = codec::decode(row)?;
        let learner = learner_of(key)?;
        let Some(before) = self.open_before(learner, &here)? else {
            return Ok(());
        };
        let mut arrivals = before.arrivals.iter();
        let began_here = arrivals.any(|one| one.reason == ArrivalReason::Intake);
        let began = before.arrivals.iter().filter_map(|one| one.date).min();
        if !began_here && (here.date, here.stay) < (began, before.stay) {
            let reason = RetractionReason::EnteredByMistake;
            for Arrival { event, .. } in before.arrivals {
                self.keep_event(learner, &Event::new(Body::Retracted { event, reason }))?;
            }
        } else {
            self.goes_on(learner, before.stay, here.events)?;
            self.store.remove(Table::Here, &learner.0)?;
        }
        self.hand_on_keys_of_past(learner)
    }

    /// The same where he has left since: with the arrival the departure is retracted, and the stay
    /// that comes back ends with one for the same place.
    pub(super) fn left_before_it_came_back(
        &mut self,
        key: &[u8],
        row: &[u8],
    ) -> Result<(), EngineError> {
        let away: Away = codec::decode(row)?;
        let learner = learner_of(key)?;
        let Some(here) = &away.here else {
            return Ok(());
        };
        let Some(Stay { stay, .. }) = self.open_before(learner, here)? else {
            return Ok(());
        };
        let entries = self.entries(learner)?;
        let of_site = entries.iter().filter(|entry| entry.site() == self.site);
        let of_stay = |entry: &&Entry| match entry.event.body {
            Body::Departed { stay, .. } => stay == here.stay,
            _ => false,
        };
        let began = of_site.clone().filter(|entry| match entry.event.body {
            Body::Arrived { stay: one, .. } => one == stay,
            _ => false,
        });
        let began: Vec<Position> = began.map(|entry| entry.origin.position).collect();
        let order = Order(&self.skeleton);
        let mut wrong = here.events.clone();
        for left in of_site.filter(of_stay) {
            let position = left.origin.position;
            if began
                .iter()
                .any(|began| order.is_ancestor(position, *began))
            {
                // He has come back since: another machine of this site recorded it.
                return Ok(());
            }
            wrong.push(left.id.clone());
        }
        self.goes_on(learner, stay, wrong)?;
        self.seal_pending()?;
        self.ends_too(learner, away)
    }

    /// A stay of this site that is open although he was admitted anew: this machine did not know it.
    fn open_before(
        &mut self,
        learner: LearnerId,
        here: &Here,
    ) -> Result<Option<Stay>, EngineError> {
        let open = self.own_stay(learner)?.is_some_and(|own| own.open);
        if here.events.is_empty() || !open {
            return Ok(None);
        }
        let site = self.site;
        let before = |view: LearnerView| {
            view.stays.into_iter().find(|stay| {
                let mut arrivals = stay.arrivals.iter();
                let as_then = arrivals.any(|one| here.from.is_none() || one.from == here.from);
                // A departure that did not happen was recorded by this machine itself.
                let known = stay.site != site || stay.stay == here.stay || stay.was_not_moved();
                stay.is_open() && as_then && !known
            })
        };
        // The view that is kept is of the person: another id of his may have been left open.
        if before(self.view(learner)?.unwrap_or_default()).is_none() {
            return Ok(None);
        }
        Ok(before(LearnerView::fold(&self.entries(learner)?)))
    }

    /// The stay that was open goes on; what was recorded meanwhile is sealed in the other.
    fn goes_on(
        &mut self,
        learner: LearnerId,
        stay: StayId,
        wrong: Vec<EventId>,
    ) -> Result<(), EngineError> {
        // In a run that stands above the log that came back: what is written from now on is later.
        self.run = None;
        self.set_own_stay(learner, OwnStay { stay, open: true })?;
        let reason = RetractionReason::EnteredByMistake;
        for event in wrong {
            self.keep_event(learner, &Event::new(Body::Retracted { event, reason }))?;
        }
        tracing::info!(%learner, %stay, "a stay that was lost goes on: he was here all along");
        Ok(())
    }

    /// Ends his stay with the departure that is known; its keys go on once he is known to have come.
    fn ends_too(&mut self, learner: LearnerId, away: Away) -> Result<(), EngineError> {
        let leaving = match self.leaves(learner, away.to, away.date)? {
            Ok(leaving) => leaving,
            Err(why) => return Err(EngineError::Refused(why)),
        };
        self.depart(&leaving, away.to, away.date)?;
        self.seal_pending()?;
        if let Some(left) = self.away(learner)? {
            let onward = true;
            self.keep_away(learner, &Away { onward, ..left })?;
        }
        self.due = true;
        Ok(())
    }

    fn within_a_day(&self, stamp: u64) -> Result<(), EngineError> {
        if self.world.wall_seconds().abs_diff(stamp) < UNDO_SECONDS {
            return Ok(());
        }
        Err(EngineError::Refused(
            "it was recorded more than a day ago: record what is true now, with 'spean transfer \
             out' or 'spean transfer in'"
                .to_owned(),
        ))
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
                    Some(about) => {
                        let reason = match about {
                            About::Card => LinkReason::Card,
                            About::Person => LinkReason::OfficerKnows,
                        };
                        mail.extend(self.ask_again(learner, here, (about, reason))?);
                    }
                    None => self.keep_here(learner, &here)?,
                }
            }
        }
        self.post(mail)?;
        Ok(OwnStay { stay, open: true })
    }
}
