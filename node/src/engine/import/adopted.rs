//! Accounts that a platform had before this node was there. Each becomes a learner's: of one whose list names the
//! account, of one whom an officer names, or, where nobody here has the name, of a new one. What the password is
//! checked against comes along, so that everybody keeps his own.

use serde::{Deserialize, Serialize};
use spean_protocol::event::{Body, Event, List, Script, Username};
use spean_protocol::id::{LearnerId, Stream};
use spean_protocol::record::Draft;
use spean_protocol::view::LearnerView;

use super::imported::Brought;
use super::waiting::Waited;
use super::whose::{Doubt, Whose};
use super::{Fate, Fates, Gathered, Import, written};
use crate::engine::{Engine, EngineError};
use crate::lms::MOODLE;
use crate::register::{LearnerRow, script_of};
use crate::store::Store;

/// An account on a platform.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// The name with which somebody signs in.
    pub username: String,
    /// His family name there.
    pub family: String,
    /// His given name there.
    pub given: String,
    /// What his password is checked against; empty where nobody could read it.
    pub verifier: String,
}

impl std::fmt::Debug for AccountRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountRow")
    }
}

impl AccountRow {
    /// The row of a new learner that is made of it.
    fn newcomer(&self) -> LearnerRow {
        let mut fields: [String; 10] = Default::default();
        let name = [self.family.as_str(), self.given.as_str()].concat();
        let at = match script_of(&name) {
            Script::Khmer => 0,
            _ => 2,
        };
        fields[at].clone_from(&self.family);
        fields[at + 1].clone_from(&self.given);
        LearnerRow {
            row: self.username.clone(),
            fields,
        }
    }

    fn account(&self) -> Result<Body, String> {
        if self.username.is_empty() {
            return Err("it has no user name".to_owned());
        }
        let username = Username::new(&self.username)
            .map_err(|_| "the user name is longer than 32 letters".to_owned())?;
        let verifier = List::new(self.verifier.as_bytes().to_vec())
            .map_err(|_| "what the password is checked against is too long".to_owned())?;
        Ok(Body::Account { username, verifier })
    }
}

/// An account that is a learner's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted {
    /// The name with which he signs in.
    pub username: String,
    /// Whose it is.
    pub learner: LearnerId,
    /// Whether his password can be checked without the platform.
    pub checked: bool,
}

impl<S: Store> Engine<S> {
    /// Takes over accounts, as one transaction.
    ///
    /// # Errors
    /// What the store says; accounts that cannot be taken over are no error.
    pub fn adopt_accounts(
        &mut self,
        import: &Import,
        rows: &[AccountRow],
    ) -> Result<Fates, EngineError> {
        self.import_each(import, rows, Self::gather_account)
    }

    pub(super) fn gather_account(
        &mut self,
        import: &Import,
        row: &AccountRow,
        gathered: &mut Gathered,
    ) -> Result<(Fate, Option<LearnerId>), EngineError> {
        let account = match row.account() {
            Ok(account) => account,
            Err(reason) => return Ok((Fate::Refused(reason), None)),
        };
        let place = self.source_key(&import.source, &row.username);
        let learner = match self.said(&place)? {
            Some(Whose::He(learner)) => learner,
            Some(_) => return Ok((Fate::Stranger, None)),
            None => {
                // He may be the same; else Moodle's account would be opened by the other's password.
                if let Some(other) = gathered.people.named(&row.username) {
                    let may_be = vec![other];
                    let reason = self.named(&may_be)?;
                    let waited = Waited::Account(row.clone());
                    return Ok(gathered.wait(waited, Doubt { reason, may_be }));
                }
                let newcomer = row.newcomer();
                let waits = gathered.waits.len();
                let (fate, learner) = self.gather_learner(import, &newcomer, gathered)?;
                // He waits with his account.
                if let Some((_, waited, _)) = gathered.waits.get_mut(waits) {
                    *waited = Waited::Account(row.clone());
                }
                match (fate, learner) {
                    (Fate::New, Some(learner)) => learner,
                    other => return Ok(other),
                }
            }
        };
        gathered.settled.push(Waited::Account(row.clone()));
        let view = self.view(learner)?.unwrap_or_default();
        if has(&view, &account) {
            return Ok((Fate::Known, Some(learner)));
        }
        let own = self.own_events(learner)?;
        let key = format!("{}#account", row.username);
        let (_, event) = own.key_of(&self.identity.secret.0, &import.source, &key);
        if own.all.contains_key(&event) {
            // He has another password since: the one that he has now is right.
            return Ok((Fate::Known, Some(learner)));
        }
        let draft = Draft {
            id: Some(event.clone()),
            bytes: Event::new(account).encode(),
        };
        let drafts = [(Stream::Education, vec![draft])].into();
        gathered.writes.extend(written(learner, drafts));
        gathered.brought.push(Brought::Event { learner, event });
        Ok((Fate::New, Some(learner)))
    }

    /// Notes whose accounts on the platform are, as a list of learners says: by the keys of its rows. It goes with
    /// that import. Returns how many of the rows are known.
    ///
    /// # Errors
    /// What the store says.
    pub fn name_accounts(
        &mut self,
        import: &Import,
        pairs: &[(String, String)],
    ) -> Result<u64, EngineError> {
        self.input(|engine| {
            let mut gathered = Gathered::default();
            let mut known = 0;
            for (row, username) in pairs {
                let listed = engine.said(&engine.source_key(&import.source, row))?;
                let Some(Whose::He(learner)) = listed else {
                    continue;
                };
                known += 1;
                let place = engine.source_key(MOODLE, username);
                if engine.said(&place)?.is_none() {
                    engine.note_source(MOODLE, &place, learner)?;
                    gathered.brought.push(Brought::Source { place, learner });
                }
            }
            if !gathered.brought.is_empty() {
                let number = engine.number_of(import)?;
                engine.note_import(import, number, &gathered)?;
            }
            Ok(known)
        })
    }

    /// Which of these accounts are learners' who are here.
    ///
    /// # Errors
    /// What the store says.
    pub fn adopted(&self, usernames: &[String]) -> Result<Vec<Adopted>, EngineError> {
        let mut all = Vec::new();
        let shown = self.usernames()?;
        for username in usernames {
            let Some(Whose::He(learner)) = self.said(&self.source_key(MOODLE, username))? else {
                continue;
            };
            // Under another name the file has him, and nobody under this one.
            let named = shown.get(&learner).and_then(|names| names.first());
            if named.is_none_or(|name| name.to_string() != *username) {
                continue;
            }
            let view = self.view(learner)?.unwrap_or_default();
            let account = view.profile.accounts.first();
            if let Some(account) = account.filter(|one| one.value.username.to_string() == *username)
            {
                all.push(Adopted {
                    username: username.clone(),
                    learner,
                    checked: !account.value.verifier.is_empty(),
                });
            }
        }
        Ok(all)
    }
}

/// Whether a record has the account already, with a password.
fn has(view: &LearnerView, account: &Body) -> bool {
    let Body::Account { username, verifier } = account else {
        return false;
    };
    view.profile.accounts.iter().any(|known| {
        known.value.username == *username
            && (known.value.verifier == *verifier || verifier.is_empty())
    })
}
