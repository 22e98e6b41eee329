//! What the DGP says of where somebody is: to the prisons that count him, each of the other; to the
//! one that he left, that he arrived. Nobody is told more than where, under which stay, and the day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::custody::{CustodyState, Stay, newest_departures, open_sites};
use spean_protocol::event::Destination;
use spean_protocol::id::{LearnerId, SiteId, StayId};
use spean_protocol::letter::{Arrived, Letter, Question};
use spean_protocol::stay::HeldKey;
use spean_protocol::view::LearnerView;

use super::depart::Away;
use super::keys::learner_of;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// What the DGP told about the stays in a learner's record.
#[derive(Default, Serialize, Deserialize)]
struct Told {
    /// Several sites count him now.
    several: bool,
    /// Of each site the stay that it was told of last.
    stays: BTreeMap<Telling, StayId>,
}

/// One letter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Telling {
    to: SiteId,
    /// Of this stay of that site's, that another counts him too; of none, that he arrived there.
    own: Option<StayId>,
    /// Under which id.
    learner: LearnerId,
    of: SiteId,
}

impl<S: Store> Engine<S> {
    /// At the DGP: who has left and is nowhere, and whom several prisons count.
    pub(super) fn note_whereabouts(
        &mut self,
        learner: LearnerId,
        view: &LearnerView,
    ) -> Result<(), EngineError> {
        let known = self.away(learner)?;
        let state = CustodyState::of(view, self.site);
        let several = matches!(state, CustodyState::SeveralSites(_));
        let mut told = self.told(learner)?;
        if told.several != several {
            told.several = several;
            self.keep_told(learner, &told)?;
        }
        self.due |= several;
        let CustodyState::Departed { to } = state else {
            if known.is_some() {
                self.store.remove(Table::Away, &learner.0)?;
            }
            return Ok(());
        };
        let Some(left) = newest_departures(&view.stays).next() else {
            return Ok(());
        };
        let stamp = known.map_or_else(|| self.world.wall_seconds(), |known| known.stamp);
        let away = Away {
            to,
            date: left.date,
            ..Away::nowhere(left.site, stamp)
        };
        self.keep_away(learner, &away)
    }

    /// Tells every other prison that counts the learner where he is said to be; and the one that
    /// he left, that he arrived.
    pub(super) fn tell_others(
        &mut self,
        learner: LearnerId,
        question: &Question,
        site: SiteId,
    ) -> Result<(), EngineError> {
        let stay = question.stay;
        let Some(view) = self.view(learner)? else {
            return Ok(());
        };
        let mut stays = view.stays.iter();
        let arrival = stays.find(|one| (one.site, one.stay) == (site, stay));
        let date = arrival.and_then(|stay| stay.arrivals.first()?.date);
        let arrived = Arrived {
            learner,
            site,
            stay,
            date,
        };
        let mut others = open_sites(&view.stays);
        others.extend(left_last(&view, stay));
        others.remove(&site);
        let mut told = self.told(question.learner)?;
        for to in others {
            self.tell(&mut told, (to, None), arrived)?;
        }
        self.keep_told(question.learner, &told)
    }

    /// Tells two prisons that both count a learner of each other, where neither says that he came
    /// from the other: whose keys to grant, nobody can tell. Whoever was told of a stay that there is
    /// none of any more is told so.
    pub(super) fn tell_each_other(&mut self, key: &[u8], row: &[u8]) -> Result<(), EngineError> {
        let learner = learner_of(key)?;
        let mut told: Told = codec::decode(row)?;
        if !told.several && told.stays.keys().all(|telling| telling.own.is_none()) {
            return Ok(());
        }
        let stays = self.view(learner)?.unwrap_or_default().stays;
        let find = |site: SiteId, id: StayId| {
            let mut known = stays.iter().filter(|stay| stay.site == site);
            known.find(|stay| stay.stay == id && !stay.arrivals.is_empty())
        };
        let is_open = |site: SiteId, id: StayId| find(site, id).is_some_and(Stay::is_open);
        for (telling, stay) in told.stays.clone() {
            let Some(own) = telling.own else { continue };
            if find(telling.of, stay).is_none() {
                self.untell(&telling, stay)?;
                told.stays.remove(&telling);
            } else if !is_open(telling.to, own) {
                told.stays.remove(&telling);
            }
        }
        // One of each site: what else it writes of him is the same news.
        let open = stays.iter().filter(|stay| stay.is_open());
        let open: BTreeMap<SiteId, &Stay> = open.map(|stay| (stay.site, stay)).collect();
        for one in open.values() {
            for other in open.values().filter(|other| other.site != one.site) {
                let here = (one.site, Some(one.stay));
                let known = told.of(learner, here, other.site);
                let news = known.is_none_or(|stay| !is_open(other.site, stay));
                if news && !explains(one, other, &stays) {
                    self.tell(&mut told, here, arrival_of(learner, other))?;
                }
            }
        }
        self.keep_told(learner, &told)
    }

    /// Tells a site that was answered of a stay elsewhere which came to be known since, which led to
    /// nobody knows where, and whose keys it was not given: what is written there is no part of what
    /// it reads.
    pub(super) fn tell_of_unread(
        &mut self,
        learner: LearnerId,
        (site, stay): (SiteId, StayId),
    ) -> Result<(), EngineError> {
        let stays = self.view(learner)?.unwrap_or_default().stays;
        let lost = |stay: &&Stay| {
            let lost = stay.departures.iter().any(|left| !left.answered);
            stay.site != site && !stay.arrivals.is_empty() && lost
        };
        let mut lost = stays.iter().filter(lost).peekable();
        if lost.peek().is_none() {
            return Ok(());
        }
        let keys = self.keys_of(learner)?;
        let here = (site, Some(stay));
        let mut told = self.told(learner)?;
        for stay in lost {
            let its = |key: &&HeldKey| (key.site, key.stay) == (stay.site, stay.stay);
            let mut given = false;
            for key in keys.iter().filter(its) {
                given |= self.was_given(learner, site, key)?;
            }
            if !given && told.of(learner, here, stay.site).is_none() {
                self.tell(&mut told, here, arrival_of(learner, stay))?;
            }
        }
        self.keep_told(learner, &told)
    }

    fn told(&self, learner: LearnerId) -> Result<Told, EngineError> {
        let row = self.store.read(Table::Told, &learner.0)?;
        let told = row.map(|bytes| codec::decode(&bytes)).transpose()?;
        Ok(told.unwrap_or_default())
    }

    fn keep_told(&mut self, learner: LearnerId, told: &Told) -> Result<(), EngineError> {
        if !told.several && told.stays.is_empty() {
            return Ok(self.store.remove(Table::Told, &learner.0)?);
        }
        let row = codec::encode(told);
        if self.store.read(Table::Told, &learner.0)?.as_ref() == Some(&row) {
            return Ok(());
        }
        Ok(self.store.write(Table::Told, &learner.0, &row)?)
    }

    /// Tells a site of an arrival elsewhere, once; of a stay of its own, that he is counted there too.
    fn tell(
        &mut self,
        told: &mut Told,
        (to, own): (SiteId, Option<StayId>),
        arrived: Arrived,
    ) -> Result<(), EngineError> {
        let telling = Telling {
            to,
            own,
            learner: arrived.learner,
            of: arrived.site,
        };
        if to == self.site || told.stays.get(&telling) == Some(&arrived.stay) {
            return Ok(());
        }
        let letter = match own {
            Some(_) => Letter::CountedToo(arrived),
            None => Letter::Arrived(arrived),
        };
        if let Some(mail) = self.letter(to, &letter)? {
            told.stays.insert(telling, arrived.stay);
            self.post(vec![mail])?;
        }
        Ok(())
    }

    fn untell(&mut self, telling: &Telling, stay: StayId) -> Result<(), EngineError> {
        let none = Letter::NotArrived(telling.as_arrived(stay));
        let mail = self.letter(telling.to, &none)?;
        self.post(mail.into_iter().collect())
    }

    /// Tells whoever was told of an arrival, perhaps only under one id, that there was none, and once
    /// more what else stands.
    pub(super) fn take_back(
        &mut self,
        whose: LearnerId,
        place: (SiteId, StayId),
        under: Option<LearnerId>,
    ) -> Result<(), EngineError> {
        let mut told = self.told(whose)?;
        let is_it = |telling: &Telling, stay: StayId| {
            (telling.of, stay) == place && under.is_none_or(|id| id == telling.learner)
        };
        let (none, rest) = told
            .stays
            .into_iter()
            .partition(|(telling, stay)| is_it(telling, *stay));
        told.stays = rest;
        for (telling, stay) in none {
            self.untell(&telling, stay)?;
            let again = told.stays.iter().filter(|(other, _)| {
                (other.to, other.own, other.learner) == (telling.to, None, telling.learner)
            });
            let mut mail = Vec::new();
            for (other, stay) in again {
                let arrived = Letter::Arrived(other.as_arrived(*stay));
                mail.extend(self.letter(other.to, &arrived)?);
            }
            self.post(mail)?;
        }
        self.keep_told(whose, &told)
    }

    /// He has gone on from there: nothing of that arrival will be taken back.
    pub(super) fn forget_told(
        &mut self,
        whose: LearnerId,
        place: (SiteId, StayId),
    ) -> Result<(), EngineError> {
        let mut told = self.told(whose)?;
        told.stays
            .retain(|telling, stay| (telling.of, *stay) != place);
        self.keep_told(whose, &told)
    }
}

impl Told {
    /// The stay at a site that another, or a stay of its own, was told of.
    fn of(
        &self,
        learner: LearnerId,
        (to, own): (SiteId, Option<StayId>),
        of: SiteId,
    ) -> Option<StayId> {
        let telling = Telling {
            to,
            own,
            learner,
            of,
        };
        self.stays.get(&telling).copied()
    }
}

impl Telling {
    const fn as_arrived(&self, stay: StayId) -> Arrived {
        Arrived {
            learner: self.learner,
            site: self.of,
            stay,
            date: None,
        }
    }
}

/// Whether one of two open stays says that he came from where the other is: then its own site told
/// that site; and the departure from there is on its way, unless an earlier one led there.
fn explains(one: &Stay, other: &Stay, stays: &[Stay]) -> bool {
    let came = |to: &Stay, from: SiteId| {
        let says = to.arrivals.iter().any(|arrival| arrival.from == Some(from));
        let there = Destination::Site(to.site);
        let led = |stay: &Stay| stay.departures.iter().any(|left| left.to == there);
        says && !stays.iter().any(|stay| stay.site == from && led(stay))
    };
    came(one, other.site) || came(other, one.site)
}

fn arrival_of(learner: LearnerId, stay: &Stay) -> Arrived {
    Arrived {
        learner,
        site: stay.site,
        stay: stay.stay,
        date: stay.arrivals.first().and_then(|arrival| arrival.date),
    }
}

/// The site of the newest departure that is of another stay: the one that the arrival of `stay`
/// answered, as far as anybody wrote down the days.
fn left_last(view: &LearnerView, stay: StayId) -> Option<SiteId> {
    let others = view.stays.iter().filter(|one| one.stay != stay);
    let departures = others.flat_map(|one| &one.departures);
    let newest = departures.max_by_key(|left| (left.date, left.site))?;
    Some(newest.site)
}
