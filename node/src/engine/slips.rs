//! Slips: the keys of one learner on the paper that goes with him, at his departure or after it.
//!
//! One slip is all that nearly everybody has: his newest stay's keyring opens the stays before it. Who
//! was found to be the same person as others, or of whom the head office knows stays that no keyring
//! joins, may need further ones. Those admit nobody; they bring the rest of the keys.

use spean_protocol::event::Destination;
use spean_protocol::id::{LearnerId, RunId, SiteId, Stream};
use spean_protocol::slip::Slip;
use spean_protocol::stay::{GrantContent, HeldKey};
use spean_protocol::view::OpenItems;

use super::depart::{Departure, Moved};
use super::{Engine, EngineError};
use crate::store::Store;

/// Slips of one learner. What is beyond them comes with the grant; nobody types more.
const SLIPS_MAX: usize = 3;

impl<S: Store> Engine<S> {
    /// Slips' texts: for the first of `learners`, with the keys of the others. The first admits him; a
    /// further one has keys that did not fit.
    pub(super) fn issue_slips(
        &mut self,
        to: SiteId,
        upto: Option<(RunId, u32)>,
        learners: &[(LearnerId, Vec<HeldKey>)],
    ) -> Result<Vec<String>, EngineError> {
        let mut slips = Vec::new();
        for content in shared_out(self.site, upto, learners) {
            slips.push(self.issue_slip(to, &content)?);
        }
        Ok(slips)
    }

    fn issue_slip(&mut self, to: SiteId, content: &GrantContent) -> Result<String, EngineError> {
        let box_key = self.roster.box_key(to).ok_or(EngineError::NoBoxKey(to))?;
        let encoded = content.encode();
        let id = self.fresh_id("slip", &encoded);
        let entropy = self.entropy(&[id.as_slice(), &encoded].concat());
        let places = (self.site, to);
        let key = &self.identity.signing;
        let slip = Slip::issue(places, content, &box_key, key, entropy)?;
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
        let slips = self.issue_slips(site, upto, &[(learner, keys)])?;
        Ok(Ok(self.slips_only(learner, site, slips)))
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
        if keys.is_empty() {
            let error = EngineError::UnknownLearner(learner);
            return Ok(Err(error.to_string()));
        }
        let slips = self.issue_slips(to, None, &[(learner, keys)])?;
        Ok(Ok(self.slips_only(learner, to, slips)))
    }

    fn slips_only(&self, learner: LearnerId, to: SiteId, slips: Vec<String>) -> Departure {
        let mut slips = slips.into_iter();
        let row = self.store.learner(learner).ok().flatten();
        Departure {
            learner,
            name: row.map(|row| row.name).unwrap_or_default(),
            to: self.code(to),
            slip: slips.next(),
            further: slips.collect(),
            moves: OpenItems::default(),
        }
    }
}

/// What the slips of one learner hold, each as many of the keys as fit, in their order. Each begins with
/// him, and only the first with his own keys.
fn shared_out(
    source: SiteId,
    upto: Option<(RunId, u32)>,
    learners: &[(LearnerId, Vec<HeldKey>)],
) -> Vec<GrantContent> {
    let Some((first, _)) = learners.first() else {
        return Vec::new();
    };
    let begun = || GrantContent {
        upto,
        learners: vec![(*first, Vec::new())],
    };
    let keys = learners
        .iter()
        .flat_map(|(learner, keys)| keys.iter().map(move |key| (*learner, key.clone())));
    let mut slips: Vec<GrantContent> = vec![begun()];
    for (learner, key) in keys {
        let with = |content: &GrantContent, further: bool| {
            let mut content = content.clone();
            match content.learners.last_mut() {
                Some((last, keys)) if *last == learner && !(further && keys.is_empty()) => {
                    keys.push(key.clone());
                }
                _ => content.learners.push((learner, vec![key.clone()])),
            }
            Slip::holds(source, &content).then_some(content)
        };
        let further = slips.len() > 1;
        if let Some(last) = slips.last_mut()
            && let Some(more) = with(last, further)
        {
            *last = more;
        } else if slips.len() < SLIPS_MAX
            && let Some(more) = with(&begun(), true)
        {
            slips.push(more);
        } else {
            break;
        }
    }
    slips
}

/// Goal: every slip that is issued fits, none repeats a key, and nothing that fits is left out.
/// Method: learners with few keys and many, shared out; each part is issued as a slip.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ed25519_dalek::SigningKey;
    use spean_protocol::id::StayId;
    use spean_protocol::seal::{Secret, box_key};
    use spean_protocol::stay::StayKey;

    use super::*;

    const SOURCE: SiteId = SiteId(u16::MAX);

    fn keys(of: u8, count: u8) -> (LearnerId, Vec<HeldKey>) {
        let key = |number: u8| HeldKey {
            site: SOURCE,
            stream: Stream::Education,
            stay: StayId([number; 16]),
            key: StayKey(Secret([of * 16 + number; 32])),
        };
        (LearnerId([of; 16]), (0..count).map(key).collect())
    }

    fn shared(upto: bool, learners: &[(LearnerId, Vec<HeldKey>)]) -> Vec<usize> {
        let upto = upto.then_some((RunId::of(SOURCE, [1; 16]), 1 << 20));
        let parts = shared_out(SOURCE, upto, learners);
        let mut seen = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let to = box_key(&Secret([1; 32]));
            let key = SigningKey::from_bytes(&[2; 32]);
            Slip::issue((SOURCE, SiteId(4)), part, &to, &key, [3; 32]).unwrap();
            assert_eq!(part.learners[0].0, learners[0].0);
            assert_eq!(part.learners[0].1.is_empty(), at > 0);
            for (learner, keys) in &part.learners {
                seen.extend(keys.iter().map(|key| (*learner, key.clone())));
            }
        }
        let given = learners.iter().flat_map(|(learner, keys)| {
            let own = keys.iter().map(|key| (*learner, key.clone()));
            own.collect::<Vec<_>>()
        });
        assert!(
            given.take(seen.len()).eq(seen),
            "in their order, none left out"
        );
        let count = |part: &GrantContent| part.learners.iter().map(|(_, keys)| keys.len()).sum();
        parts.iter().map(count).collect()
    }

    #[test]
    fn keys_are_shared_out_to_slips() {
        assert_eq!(shared(true, &[]), [0; 0]);
        assert_eq!(shared(true, &[keys(1, 1)]), [1]);
        assert_eq!(shared(true, &[keys(1, 1), keys(2, 1)]), [2]);
        assert_eq!(shared(true, &[keys(1, 2), keys(2, 2)]), [2, 2]);
        assert_eq!(shared(true, &[keys(1, 1), keys(2, 1), keys(3, 1)]), [2, 1]);
        // The head office's, of stays that no keyring joins: four, and more than three slips hold.
        assert_eq!(shared(false, &[keys(1, 4)]), [3, 1]);
        assert_eq!(shared(false, &[keys(1, 15)]), [3, 2, 2]);
    }
}
