//! Accounts at the labs' PCs. The name and what a password is checked against stand in the record, so both
//! follow the learner; a password itself is nowhere.

use serde::{Deserialize, Serialize};
use spean_protocol::catalogue::{ModuleId, Scope};
use spean_protocol::event::{Body, Event, List, Script, Username};
use spean_protocol::id::LearnerId;
use spean_protocol::view::LearnerView;

use super::{Engine, EngineError};
use crate::store::Store;

/// Digits of the number in a user name that this program makes.
const NUMBER_DIGITS: usize = 5;

/// The account of somebody who is here, as a learning platform has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountHere {
    /// Whose.
    pub learner: LearnerId,
    /// The name with which he signs in here.
    pub username: String,
    /// What his password is checked against; empty where it is no text.
    pub verifier: String,
    /// His family name, in Khmer where it is known.
    pub family: String,
    /// His given name.
    pub given: String,
}

impl std::fmt::Debug for AccountHere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccountHere({})", self.learner)
    }
}

impl<S: Store> Engine<S> {
    /// Gives somebody who is here an account, or another password: his name stays as it is unless another is
    /// given. Returns the name with which he signs in here.
    ///
    /// # Errors
    /// [`EngineError::NotHere`]; [`EngineError::Refused`] for a name that is none or another's.
    pub fn give_account(
        &mut self,
        learner: LearnerId,
        username: Option<&str>,
        verifier: &str,
    ) -> Result<String, EngineError> {
        let open = self.own_stay(learner)?.is_some_and(|own| own.open);
        if !open {
            return Err(EngineError::NotHere(learner));
        }
        let view = self.view(learner)?.unwrap_or_default();
        let his = view.profile.accounts.first();
        let picked = match (username, his) {
            (Some(name), _) => self.checked_username(learner, name)?,
            (None, Some(account)) => account.value.username.to_string(),
            (None, None) => self.next_username(learner)?,
        };
        let refused = |why: &str| EngineError::Refused(why.to_owned());
        let username =
            Username::new(&picked).map_err(|_| refused("a user name has at most 32 letters"))?;
        let verifier = List::new(verifier.as_bytes().to_vec())
            .map_err(|_| refused("what the password is checked against is too long"))?;
        let before = view
            .profile
            .accounts
            .iter()
            .flat_map(|claim| claim.events.clone());
        let event = Event::new(Body::Account { username, verifier }).superseding(before.collect());
        self.append(learner, &[(None, event)])?;
        self.hold_usernames()?;
        let view = self.view(learner)?.unwrap_or_default();
        let shown = self.usernames_of(learner, &view)?;
        Ok(shown.first().map_or(picked, ToString::to_string))
    }

    /// A user name that somebody typed: lower-case letters and digits, as Moodle wants it, and nobody else's
    /// here.
    fn checked_username(&self, learner: LearnerId, name: &str) -> Result<String, EngineError> {
        let plain =
            |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || "-_.".contains(one);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(EngineError::Refused(format!(
                "'{name}' is no user name: lower-case letters, digits, - _ and . only"
            )));
        }
        let shown = self.usernames()?.into_iter().any(|(other, names)| {
            other != learner && names.iter().any(|shown| shown.to_string() == name)
        });
        let taken = shown || self.held_by_another(learner, name)?;
        if taken {
            return Err(EngineError::Refused(format!(
                "'{name}' is somebody else's here, or was: choose another"
            )));
        }
        Ok(name.to_owned())
    }

    /// The next user name of this site: its code and a number, so that no two sites make the same.
    fn next_username(&self, learner: LearnerId) -> Result<String, EngineError> {
        let code = self.code(self.site).to_ascii_lowercase();
        let prefix = format!("{code}-");
        let names = self.usernames()?.into_values().flatten();
        let numbers = names.filter_map(|shown| {
            let picked = shown.picked.to_string();
            picked.strip_prefix(&prefix)?.parse::<u32>().ok()
        });
        let mut next = numbers.max().unwrap_or(0);
        loop {
            next = next.saturating_add(1);
            let name = format!("{prefix}{next:0NUMBER_DIGITS$}");
            // Whoever has left keeps his: his account on the platform bears it.
            if !self.held_by_another(learner, &name)? {
                return Ok(name);
            }
        }
    }

    /// Who of those here signs in with a name, and what his password is checked against.
    ///
    /// # Errors
    /// What the store says.
    pub fn account_named(
        &self,
        username: &str,
    ) -> Result<Option<(LearnerId, String)>, EngineError> {
        for (learner, names) in self.usernames()? {
            if names
                .first()
                .is_some_and(|name| name.to_string() == username)
            {
                let view = self.view(learner)?.unwrap_or_default();
                let claim = view.profile.accounts.first();
                return Ok(claim.map(|claim| (learner, text_of(&claim.value.verifier))));
            }
        }
        Ok(None)
    }

    /// The name with which somebody who is here signs in, none where he has no account yet; nothing for
    /// somebody who is not here.
    ///
    /// # Errors
    /// What the store says.
    pub fn account_of(&self, learner: LearnerId) -> Result<Option<Option<String>>, EngineError> {
        let open = self.own_stay(learner)?.is_some_and(|own| own.open);
        if !open {
            return Ok(None);
        }
        let view = self.view(learner)?.unwrap_or_default();
        let shown = self.usernames_of(learner, &view)?;
        Ok(Some(shown.first().map(ToString::to_string)))
    }

    /// The accounts of all who are here, and who of them is in which of these modules.
    ///
    /// # Errors
    /// What the store says.
    pub fn accounts_here(
        &self,
        modules: &[ModuleId],
    ) -> Result<Vec<(AccountHere, Vec<ModuleId>)>, EngineError> {
        let mut all = Vec::new();
        for (learner, names) in self.usernames()? {
            let Some(view) = self.view(learner)? else {
                continue;
            };
            let (Some(shown), Some(claim)) = (names.first(), view.profile.accounts.first()) else {
                continue;
            };
            let (family, given) = name_of(&view);
            let account = AccountHere {
                learner,
                username: shown.to_string(),
                verifier: text_of(&claim.value.verifier),
                family,
                given,
            };
            let in_it = modules
                .iter()
                .copied()
                .filter(|module| is_in(&view, *module));
            all.push((account, in_it.collect()));
        }
        all.sort_by(|(one, _), (other, _)| one.username.cmp(&other.username));
        Ok(all)
    }
}

fn text_of(verifier: &[u8]) -> String {
    String::from_utf8(verifier.to_vec()).unwrap_or_default()
}

fn name_of(view: &LearnerView) -> (String, String) {
    let names = &view.profile.names;
    let khmer = names
        .iter()
        .find(|claim| claim.value.script == Script::Khmer);
    let name = khmer.or(names.first());
    name.map_or_else(Default::default, |claim| {
        (
            claim.value.family.to_string(),
            claim.value.given.to_string(),
        )
    })
}

/// Whether somebody is enrolled in a module, or in all of its programme, and has not withdrawn.
fn is_in(view: &LearnerView, module: ModuleId) -> bool {
    let programme = view.progress.programme(module.programme);
    programme.is_some_and(|programme| {
        let enrolled = programme.enrolments.iter().any(|one| match one.scope {
            Scope::Programme(_) => true,
            Scope::Module(of) => of == module,
        });
        enrolled && programme.withdrawals.is_empty()
    })
}
