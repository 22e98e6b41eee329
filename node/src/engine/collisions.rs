//! User names that two learners here picked while sites were apart. Everybody stays; the later one
//! is shown with a suffix until a person decides: read from the views. What is kept is whose account on this site's
//! learning platform bears which name, so that nobody gets that of somebody who has left.

use std::collections::{BTreeMap, BTreeSet};

use spean_protocol::codec;
use spean_protocol::event::Username;
use spean_protocol::id::LearnerId;
use spean_protocol::view::LearnerView;
use spean_protocol::view::collision::{self, Shown};

use super::events::Order;
use super::import::whose::Whose;
use super::{Engine, EngineError};
use crate::store::Store;

/// Learners here that are compared: ten times a large site. Of more, the rest are shown plainly.
const LEARNERS_MAX: usize = 4_000;

/// Under what it is kept whose account on this site's platform bears which name: a source of no register.
const NAMES: &str = "user names here";

/// How each learner here is shown, by all his user names.
pub type Usernames = BTreeMap<LearnerId, Vec<Shown<Username>>>;

impl<S: Store> Engine<S> {
    /// The user names of all learners here. None at the DGP: nobody has an account there, and
    /// names of different sites do not meet.
    ///
    /// # Errors
    /// What the store says.
    pub fn usernames(&self) -> Result<Usernames, EngineError> {
        self.usernames_in(|_| true)
    }

    /// How one learner is shown, by all his user names; nothing where he is not here.
    ///
    /// # Errors
    /// What the store says.
    pub fn usernames_of(
        &self,
        learner: LearnerId,
        view: &LearnerView,
    ) -> Result<Vec<Shown<Username>>, EngineError> {
        let accounts = view.profile.accounts.iter();
        let names: Vec<String> = accounts.map(|one| one.value.username.to_string()).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        // Only views in which one of the names stands can hold the same one, or one like it with a
        // suffix. A view holds text as it is, so the others need not be decoded.
        let has = |view: &[u8], name: &str| {
            view.windows(name.len().max(1))
                .any(|w| w == name.as_bytes())
        };
        let mut all = self.usernames_in(|view| names.iter().any(|name| has(view, name)))?;
        Ok(all.remove(&learner).unwrap_or_default())
    }

    /// The same for the learners whose encoded views are to be compared.
    fn usernames_in(&self, compared: impl Fn(&[u8]) -> bool) -> Result<Usernames, EngineError> {
        if self.reads_everyone() {
            return Ok(Usernames::new());
        }
        let mut views: Vec<(LearnerId, LearnerView)> = Vec::new();
        for row in self.store.find("", true, LEARNERS_MAX)? {
            if !row.view.is_empty() && compared(&row.view) {
                views.push((row.learner, codec::decode(&row.view)?));
            }
        }
        let views = views.iter().map(|(learner, view)| (*learner, view));
        let order = Order(&self.skeleton);
        let mut all = collision::usernames(views, self.site, &order);
        self.step_aside(&mut all)?;
        Ok(all)
    }

    /// Whoever has a name here that another had before him on the learning platform, whose account there still
    /// bears it, is shown with a suffix: he would sign in as the other.
    fn step_aside(&self, all: &mut Usernames) -> Result<(), EngineError> {
        let mut taken: BTreeSet<String> = all.values().flatten().map(ToString::to_string).collect();
        for (learner, names) in all {
            for name in names {
                while self.held_by_another(*learner, &name.to_string())? {
                    name.nth += 1;
                    while !taken.insert(name.to_string()) {
                        name.nth += 1;
                    }
                }
            }
        }
        Ok(())
    }

    fn name_place(&self, name: &str) -> [u8; 32] {
        self.source_key(NAMES, name)
    }

    /// Whether a name is that of somebody else's account on the platform here, who may have left.
    pub(super) fn held_by_another(
        &self,
        learner: LearnerId,
        name: &str,
    ) -> Result<bool, EngineError> {
        let holder = self.said(&self.name_place(name))?;
        Ok(matches!(holder, Some(Whose::He(other)) if other != learner))
    }

    /// Notes whose account on the platform bears which name, for all who are here.
    ///
    /// # Errors
    /// What the store says.
    pub fn hold_usernames(&mut self) -> Result<(), EngineError> {
        let mut new = Vec::new();
        for (learner, names) in self.usernames()? {
            for name in names {
                let place = self.name_place(&name.to_string());
                if self.said(&place)?.is_none() {
                    new.push((place, learner));
                }
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        self.input(|engine| {
            new.iter()
                .try_for_each(|(place, learner)| engine.note_source(NAMES, place, *learner))
        })
    }

    /// The learners here who are shown with a suffix, until somebody gives one of the two another
    /// user name.
    ///
    /// # Errors
    /// What the store says.
    pub fn collisions(&self) -> Result<Usernames, EngineError> {
        let mut all = self.usernames()?;
        for names in all.values_mut() {
            names.retain(|name| name.nth > 1);
        }
        all.retain(|_, names| !names.is_empty());
        Ok(all)
    }
}
