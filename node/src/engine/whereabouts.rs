//! What the DGP says of where somebody is: to the prisons that count him, each of the other; to the
//! one that he left, that he arrived. Nobody is told more than where.

use std::collections::BTreeSet;

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

/// What was told of the stays in a learner's record.
type Told = BTreeSet<(SiteId, Option<StayId>, Arrived)>;

/// What is told about one learner at most: far more than he can be at in earnest.
const TOLD_MAX: usize = 64;

impl<S: Store> Engine<S> {
    /// At the DGP: who has left and is nowhere, and whom several prisons count.
    pub(super) fn note_whereabouts(
        &mut self,
        learner: LearnerId,
        view: &LearnerView,
    ) -> Result<(), EngineError> {
        let known = self.away(learner)?;
        let state = CustodyState::of(view, self.site);
        if matches!(state, CustodyState::SeveralSites(_)) {
            let told = self.told(learner)?;
            self.keep_told(learner, &told)?;
            self.due = true;
        }
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
        let arrival = view.stays.iter().find(|one| one.stay == stay);
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
        for other in others {
            self.tell(question.learner, (other, None), arrived)?;
        }
        Ok(())
    }

    /// Tells two prisons that both count a learner of each other, where neither says that he came
    /// from the other: whose keys to grant, nobody can tell. Whoever was told of an arrival that was
    /// taken back is told so.
    pub(super) fn tell_each_other(&mut self, key: &[u8], row: &[u8]) -> Result<(), EngineError> {
        let learner = learner_of(key)?;
        let stays = self.view(learner)?.unwrap_or_default().stays;
        for (.., arrived) in codec::decode::<Told>(row)? {
            let mut known = stays.iter().filter(|one| one.stay == arrived.stay);
            if known.all(|one| one.arrivals.is_empty()) {
                self.take_back(learner, arrived.stay)?;
            }
        }
        let open = || stays.iter().filter(|stay| stay.is_open());
        for one in open() {
            for other in open().filter(|other| other.site != one.site) {
                if !explains(one, other, &stays) {
                    let here = (one.site, Some(one.stay));
                    self.tell(learner, here, arrival_of(learner, other))?;
                }
            }
        }
        if open_sites(&stays).len() < 2 && self.told(learner)?.is_empty() {
            self.store.remove(Table::Told, &learner.0)?;
        }
        Ok(())
    }

    /// Tells a site that was answered of a stay elsewhere which came to be known since, which led to
    /// nobody knows where, and whose keys it was not given: what is written there is no part of what
    /// it reads.
    pub(super) fn tell_of_unread(
        &mut self,
        site: SiteId,
        question: &Question,
    ) -> Result<(), EngineError> {
        let learner = question.learner;
        let stays = self.view(learner)?.unwrap_or_default().stays;
        let keys = self.keys_of(learner)?;
        let here = (site, Some(question.stay));
        let elsewhere = |stay: &&Stay| {
            let lost = stay.departures.iter().any(|left| !left.answered);
            stay.site != site && !stay.arrivals.is_empty() && lost
        };
        for stay in stays.iter().filter(elsewhere) {
            let its = |key: &&HeldKey| (key.site, key.stay) == (stay.site, stay.stay);
            let given = |key: &HeldKey| self.was_given(learner, site, key);
            let given: Vec<bool> = keys
                .iter()
                .filter(its)
                .map(given)
                .collect::<Result<_, _>>()?;
            if !given.contains(&true) {
                self.tell(learner, here, arrival_of(learner, stay))?;
            }
        }
        Ok(())
    }

    /// Who was told of which stay.
    fn told(&self, learner: LearnerId) -> Result<Told, EngineError> {
        let row = self.store.read(Table::Told, &learner.0)?;
        let told = row.map(|bytes| codec::decode(&bytes)).transpose()?;
        Ok(told.unwrap_or_default())
    }

    fn keep_told(&mut self, learner: LearnerId, told: &Told) -> Result<(), EngineError> {
        let row = codec::encode(told);
        Ok(self.store.write(Table::Told, &learner.0, &row)?)
    }

    /// Tells a site of an arrival elsewhere, once; of a stay of its own, that he is counted there too.
    /// `whose` record tells of it.
    fn tell(
        &mut self,
        whose: LearnerId,
        (to, own): (SiteId, Option<StayId>),
        arrived: Arrived,
    ) -> Result<(), EngineError> {
        let mut told = self.told(whose)?;
        if to == self.site || told.len() >= TOLD_MAX || !told.insert((to, own, arrived)) {
            return Ok(());
        }
        self.keep_told(whose, &told)?;
        let letter = match own {
            Some(_) => Letter::CountedToo(arrived),
            None => Letter::Arrived(arrived),
        };
        let letter = self.letter(to, &letter)?;
        self.post(letter.into_iter().collect())
    }

    /// Tells whoever was told of an arrival that there was none.
    pub(super) fn take_back(&mut self, whose: LearnerId, stay: StayId) -> Result<(), EngineError> {
        let told = self.told(whose)?.into_iter();
        let (none, rest): (Told, Told) = told.partition(|(.., arrived)| arrived.stay == stay);
        let mut mail = Vec::new();
        for (to, _, arrived) in &none {
            mail.extend(self.letter(*to, &Letter::NotArrived(*arrived))?);
        }
        if !none.is_empty() {
            self.keep_told(whose, &rest)?;
        }
        self.post(mail)
    }
}

/// Whether one of two open stays says that he came from where the other is: then its own site told
/// that site; and the departure from there is on its way, unless it was of a third stay.
fn explains(one: &Stay, other: &Stay, stays: &[Stay]) -> bool {
    let came = |to: &Stay, from: SiteId| {
        let there = Destination::Site(to.site);
        let says = to.arrivals.iter().any(|one| one.from == Some(from));
        let mut left = stays.iter().filter(|stay| stay.site == from);
        let led = left.any(|stay| stay.departures.iter().any(|left| left.to == there));
        says && !led
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
