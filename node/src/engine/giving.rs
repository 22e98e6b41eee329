//! Which keys the DGP may give to a site that asked, or where somebody is who was asked about: of his
//! past at first, later only what leads there.

use spean_protocol::custody::{Stay, led_from};
use spean_protocol::id::{LearnerId, SiteId, Stream};
use spean_protocol::stay::{CustodyKey, HeldKey};

use super::{Engine, EngineError};
use crate::store::Store;

/// What is given to a site that asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Giving {
    /// With the first answer: what is known of the past.
    Past,
    /// With the answer to another question of the same stay: what was given before, to a machine
    /// that was lost since, and nothing beyond.
    Again,
    /// After the answer: what came since.
    Since,
}

/// Keys by learner.
pub(super) type Given = Vec<(LearnerId, Vec<HeldKey>)>;

impl<S: Store> Engine<S> {
    /// What a site may be given of somebody, and under the other ids that are known to be his; and
    /// whether something is withheld. Not under the id that he was `asked` for by there: that is what
    /// the site has.
    pub(super) fn keys_to_give(
        &mut self,
        whose: LearnerId,
        (site, asked): (SiteId, LearnerId),
        giving: Giving,
        decided: bool,
    ) -> Result<(Given, bool), EngineError> {
        let (keys, withheld) = self.may_be_given((whose, site), giving, decided)?;
        let mut given = vec![(whose, keys)];
        for other in self.same_as(whose)? {
            // What he did under the other ids that are known to be his goes along.
            if other != asked {
                let (keys, _) = self.may_be_given((other, site), giving, true)?;
                given.push((other, keys));
            }
        }
        given.retain(|(_, keys)| !keys.is_empty());
        Ok((given, withheld))
    }

    pub(super) fn give(&mut self, site: SiteId, given: &Given) -> Result<(), EngineError> {
        let mail = self.grant_mail(site, None, given)?;
        for (learner, keys) in given {
            self.mark_all_given(*learner, site, keys)?;
        }
        self.post(mail)
    }

    /// The keys of one learner that a site may be given now, and whether others are withheld because
    /// he is counted elsewhere; those of stays from which departures led to that site are given always.
    fn may_be_given(
        &self,
        (whose, site): (LearnerId, SiteId),
        giving: Giving,
        closed_only: bool,
    ) -> Result<(Vec<HeldKey>, bool), EngineError> {
        let stays = self.view(whose)?.unwrap_or_default().stays;
        let (mut keys, mut withheld) = (Vec::new(), false);
        let known = self.keys_of(whose)?;
        let mut before = Vec::new();
        for key in known.iter().filter(|_| giving != Giving::Past) {
            if self.was_given(whose, site, key)? {
                before.push(key.clone());
            }
        }
        for key in known {
            let stay = stays.iter().find(|stay| stay.stay == key.stay);
            let came_from = stay.is_some_and(|stay| led_from(&stays, stay).1.contains(&site));
            // Whoever came there from the site that asks is there since; that site may have forgotten
            // to record that he left, or its news of it are still on their way.
            let since = |stay: &Stay| {
                let mut arrivals = stay.arrivals.iter();
                closed_only || arrivals.any(|arrival| arrival.from == Some(site))
            };
            let elsewhere = stay.is_some_and(|stay| stay.is_open() && since(stay));
            let given = before.contains(&key) || self.is_second(&key, &before)?;
            let may = came_from || given || (giving == Giving::Past && !elsewhere);
            if key.stream == Stream::Education && key.site != site {
                withheld |= elsewhere && !may;
                if may {
                    keys.push(key);
                }
            }
        }
        if giving == Giving::Since {
            keys = self.not_given(whose, site, keys)?;
        } else {
            self.keep_useful(whose, &mut keys);
        }
        Ok((keys, withheld))
    }

    /// Whether a key is of the same stay and cohort as one of these. A stay has a second key where a
    /// machine was lost: who may read what was written then may read it all.
    fn is_second(&self, key: &HeldKey, before: &[HeldKey]) -> Result<bool, EngineError> {
        let same =
            |one: &&HeldKey| (one.site, one.stay, one.stream) == (key.site, key.stay, key.stream);
        for one in before.iter().filter(same) {
            let cohort = self.cohort_of(one)?;
            if cohort.is_some() && cohort == self.cohort_of(key)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The cohort of the custody key that a stay key follows from, if that is here.
    fn cohort_of(&self, key: &HeldKey) -> Result<Option<u16>, EngineError> {
        let custody = self.custody_keys(key.site)?;
        let its = |one: &&CustodyKey| one.stream == key.stream && one.stay_key(key.stay) == key.key;
        Ok(custody.iter().find(its).map(|one| one.cohort))
    }
}
