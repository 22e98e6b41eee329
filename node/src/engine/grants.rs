//! Grants: the keys of stays, sealed to the site that a learner goes to, as entries of this site's
//! control log; what those that come are for; and which site was given which key.

use std::collections::BTreeMap;

use spean_protocol::control::Entry;
use spean_protocol::custody::{Stay, led_from};
use spean_protocol::event::Destination;
use spean_protocol::id::{LearnerId, RunId, SiteId, Stream};
use spean_protocol::letter::About;
use spean_protocol::limits::{GRANT_LEARNERS_MAX, KEYRING_MAX};
use spean_protocol::seal;
use spean_protocol::slip::grant_info;
use spean_protocol::stay::{CustodyKey, GrantContent, HeldKey};
use spean_protocol::view::LearnerView;

use super::arrive::Here;
use super::arrive::{Awaited, Expected};
use super::depart::Away;
use super::keys::{key_of, learner_of};
use super::letters::Mail;
use super::write::OwnStay;
use super::{Engine, EngineError};
use crate::mutant::{self, Mutant};
use crate::store::{Store, Table};

/// Keys that go along of each learner who was found to be the same person.
const LINKED_KEYS_MAX: usize = 32;

impl<S: Store> Engine<S> {
    /// How far this site's own log goes in the run that it writes.
    pub(super) fn own_upto(&self) -> Option<(RunId, u32)> {
        let run = self.run?;
        Some((run, self.skeleton.run(run)?.data.prefix()))
    }

    /// Of each stream the newest key under which a stay of this site has anything: its keyring has
    /// the older ones. Of two of one cohort, where a machine was lost and its first key came back, it
    /// is the one that [`Engine::own_custody`] writes under.
    pub(super) fn keys_of_stay(
        &self,
        learner: LearnerId,
        own: OwnStay,
        with_restricted: bool,
    ) -> Result<Vec<HeldKey>, EngineError> {
        let mut newest = self.custody_of_stay(learner, own)?;
        newest.retain(|stream, _| *stream == Stream::Education || with_restricted);
        let held = |custody: CustodyKey| HeldKey {
            site: self.site,
            stream: custody.stream,
            stay: own.stay,
            key: custody.stay_key(own.stay),
        };
        Ok(newest.into_values().map(held).collect())
    }

    /// Of each stream the newest of this site's custody keys under which a stay has anything.
    pub(super) fn custody_of_stay(
        &self,
        learner: LearnerId,
        own: OwnStay,
    ) -> Result<BTreeMap<Stream, CustodyKey>, EngineError> {
        let mut newest: BTreeMap<Stream, CustodyKey> = BTreeMap::new();
        for custody in self.custody_keys(self.site)? {
            let mark = key_of(&[&custody.id().0, &learner.0, &own.stay.0]);
            let used = self.store.read(Table::Registered, &mark)?.is_some();
            let later = newest
                .get(&custody.stream)
                .is_none_or(|k| k.cohort < custody.cohort);
            if used && later {
                newest.insert(custody.stream, custody);
            }
        }
        Ok(newest)
    }

    /// The newest of this site's custody keys under which a stay has anything, as its log tells: for a
    /// machine that was made anew and has its log and its keys back.
    pub(super) fn custody_before(
        &self,
        learner: LearnerId,
        own: OwnStay,
        stream: Stream,
    ) -> Result<Option<CustodyKey>, EngineError> {
        let known = self.keys_of(learner)?;
        let mut newest: Option<CustodyKey> = None;
        for custody in self.custody_keys(self.site)? {
            let key = custody.stay_key(own.stay);
            let heard = known
                .iter()
                .any(|held| held.key == key && held.stay == own.stay);
            let later = newest
                .as_ref()
                .is_none_or(|one| one.cohort < custody.cohort);
            if custody.stream == stream && heard && later && !self.is_returned(&custody)? {
                newest = Some(custody);
            }
        }
        Ok(newest)
    }

    /// A key of a stay here that this machine had lost, and that its log has brought back: it stands in
    /// the next keyring while he is here, and goes on to where he went.
    pub(super) fn own_key_came_back(
        &mut self,
        learner: LearnerId,
        held: &HeldKey,
    ) -> Result<(), EngineError> {
        match self.own_stay(learner)? {
            Some(own) if own.open => {
                self.keep_pending(learner, held.stream, None)?;
            }
            Some(own) if own.stay == held.stay => {
                if let Some(away) = self.away(learner)? {
                    let onward = true;
                    self.keep_away(learner, &Away { onward, ..away })?;
                    self.due = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether anything restricted of a learner was ever readable here.
    pub(super) fn has_restricted(&self, learner: LearnerId) -> Result<bool, EngineError> {
        let keys = self.keys_of(learner)?;
        Ok(keys.iter().any(|key| key.stream == Stream::Restricted))
    }

    /// The education keys of the learners who were found to be the same person.
    pub(super) fn linked_keys(
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

    /// Grants keys on that came after their learner had left for another site: each key once. Those
    /// of his time before he was here go as soon as that is known, as they would have gone with him;
    /// the others only once he is known to have come there and nowhere else.
    pub(super) fn grant_on(&mut self, key: &[u8], row: &[u8]) -> Result<(), EngineError> {
        let mut away: Away = spean_protocol::codec::decode(row)?;
        if self.is_headquarters() || (!away.onward && away.past.is_empty()) {
            return Ok(());
        }
        let learner = learner_of(key)?;
        let own = self.own_stay(learner)?;
        let open = own.is_some_and(|own| own.open);
        let came = away.arrived;
        let known = away.received.is_some();
        if let Destination::Site(to) = away.to
            && !open
            && (known || came.is_none())
        {
            // Restricted data move with the learner's agreement only, at his departure.
            let mut keys = self.keys_of(learner)?;
            keys.retain(|key| key.stream == Stream::Education);
            if !known {
                keys.retain(|key| away.past.contains(&key.fingerprint()));
                self.keep_of_before(learner, own, &mut keys)?;
            }
            let keys = self.not_given(learner, to, keys)?;
            if !keys.is_empty() {
                let mail = self.grant_mail(to, None, &[(learner, keys.clone())])?;
                self.post(mail)?;
                self.mark_all_given(learner, to, &keys)?;
                away.past
                    .retain(|print| !keys.iter().any(|key| key.fingerprint() == *print));
                tracing::info!(%learner, "keys granted on to where he went");
            }
        }
        if open || came.is_some() {
            away.onward = false;
            away.past.clear();
        }
        self.keep_away(learner, &away)
    }

    /// Of these keys those of stays that ended with the departure that this site's own stay answers,
    /// or with one before. Of several that nobody has answered one is of another time: then it is
    /// not known which.
    fn keep_of_before(
        &mut self,
        learner: LearnerId,
        own: Option<OwnStay>,
        keys: &mut Vec<HeldKey>,
    ) -> Result<(), EngineError> {
        if keys.is_empty() {
            return Ok(());
        }
        let here = Destination::Site(self.site);
        let stays = LearnerView::fold(&self.entries(learner)?).stays;
        let is_own =
            |stay: &&Stay| stay.site == self.site && own.is_some_and(|own| own.stay == stay.stay);
        let Some(own) = stays.iter().find(is_own) else {
            keys.clear();
            return Ok(());
        };
        let from_known = own.arrivals.iter().any(|one| one.from.is_some());
        let after = led_from(&stays, own).0;
        let waits = |stay: &&Stay| {
            let mut left = stay.departures.iter();
            left.any(|left| left.to == here && !left.answered) && !after.contains(stay)
        };
        let waiting = stays.iter().filter(waits).count();
        keys.retain(|key| {
            let its = |stay: &&Stay| (stay.stay, stay.site) == (key.stay, key.site);
            stays.iter().find(its).is_some_and(|stay| {
                let led_here = stay.departures.iter().any(|left| left.to == here);
                let only = waiting == 1 && !from_known;
                led_here && !after.contains(&stay) && (only || !waits(&stay))
            })
        });
        Ok(())
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
        let place = given_key(learner, to, &key.fingerprint());
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
            let place = given_key(learner, to, &key.fingerprint());
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

    /// Keeps granted keys. Whoever is here gets a keyring with the next flush; for whoever has left
    /// for another site they are granted on; whoever is not here yet is expected.
    pub(super) fn keep_grant(
        &mut self,
        content: &GrantContent,
        source: SiteId,
    ) -> Result<(), EngineError> {
        self.due = true;
        for (learner, keys) in &content.learners {
            let new = self.keep_keys(*learner, keys, Some(source))?;
            let awaited = content.upto.map(|upto| (source, upto));
            let open = self.own_stay(*learner)?.is_some_and(|own| own.open);
            if open {
                if let Some(mut here) = self.here(*learner)? {
                    here.awaited.extend(awaited);
                    here.granted.insert(source);
                    self.keep_here(*learner, &here)?;
                }
            } else if let Some(away) = self.away(*learner)? {
                // Only what is of his time before he was here: where he was since may send him back.
                // While nobody has said where he came from, it may be anybody.
                let past = |here: &Here| {
                    let asked = matches!(here.question, Some((_, About::Card)));
                    asked || here.from == Some(source) || here.granted.contains(&source)
                };
                let past = away.here.as_deref().is_some_and(past);
                let past = past || mutant::is_on(Mutant::OnwardAlways);
                let onward = away.onward || (new && past);
                let mut away = Away { onward, ..away };
                // What a prison grants of its own may be of the stay that he left for here.
                if new && past {
                    let of_source = keys.iter().filter(|key| key.site == source);
                    away.past.extend(of_source.map(HeldKey::fingerprint));
                    away.past.truncate(KEYRING_MAX);
                }
                self.keep_away(*learner, &away)?;
            } else if !self.is_headquarters() && self.holders_of(*learner)?.is_empty() {
                let mut row = self.expected_of(*learner, source)?.unwrap_or(Expected {
                    from: source,
                    announced: None,
                    awaited: Awaited::new(),
                });
                row.awaited.extend(awaited);
                self.keep_expected(*learner, &row)?;
            }
        }
        Ok(())
    }
}

/// Where it is kept that a site was given a key, by its fingerprint.
fn given_key(learner: LearnerId, to: SiteId, of: &[u8; 16]) -> Vec<u8> {
    key_of(&[&learner.0, &to.0.to_be_bytes(), of])
}
