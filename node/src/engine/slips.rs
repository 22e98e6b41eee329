//! Slips: the keys of one learner on the paper that goes with him, at his departure or after it.

use spean_protocol::event::Destination;
use spean_protocol::id::{LearnerId, RunId, SiteId, Stream};
use spean_protocol::limits::{SLIP_KEYS_MAX, SLIP_LEARNERS_MAX};
use spean_protocol::slip::Slip;
use spean_protocol::stay::{GrantContent, HeldKey};
use spean_protocol::view::OpenItems;

use super::depart::{Departure, Moved};
use super::{Engine, EngineError};
use crate::store::Store;

impl<S: Store> Engine<S> {
    /// A slip's text: for the first of `learners`, and as many keys of the others as fit.
    pub(super) fn issue_slip(
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
}
