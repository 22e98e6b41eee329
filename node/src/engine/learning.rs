//! What people did on a learning platform beside the node becomes events of theirs. It is read again and again,
//! and parts of it this site itself put there, as what they did elsewhere: what says nothing new is left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::catalogue::{ModuleId, Scope};
use spean_protocol::codec;
use spean_protocol::event::Body;
use spean_protocol::id::LearnerId;
use spean_protocol::view::LearnerView;

use super::import::Fate;
use super::keys::{key_of, learner_of};
use super::write::OwnStay;
use super::{Engine, EngineError};
use crate::lms::{Learnt, PlatformUser, Shown, ShownModule, ShownResult};
use crate::register::{Row, Who};
use crate::store::{Store, Table};

/// Where it is kept what a platform's reader remembers.
const PLATFORM: &[u8] = b"platform ";

/// What became of what a platform told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Events that are new.
    pub new: u64,
    /// What was known.
    pub known: u64,
    /// User names of people whom nobody here knows.
    pub strangers: Vec<String>,
    /// What cannot be used, and why, each once.
    pub refused: Vec<String>,
}

impl Taken {
    /// Adds what became of more.
    pub fn add(&mut self, more: Self) {
        self.new += more.new;
        self.known += more.known;
        for (all, some) in [
            (&mut self.strangers, more.strangers),
            (&mut self.refused, more.refused),
        ] {
            for one in some {
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
    }
}

impl<S: Store> Engine<S> {
    /// Takes what a platform tells, of whoever stayed here; or only says what would become of it.
    ///
    /// # Errors
    /// What the store says; what cannot be used is no error.
    pub fn take_learnt(
        &mut self,
        source: &str,
        all: &[Learnt],
        keep: bool,
    ) -> Result<Taken, EngineError> {
        let mut taken = Taken::default();
        let mut rows: BTreeMap<LearnerId, Vec<(Row, bool)>> = BTreeMap::new();
        let mut found: BTreeMap<&PlatformUser, Option<LearnerId>> = BTreeMap::new();
        for one in all {
            let learner = match found.get(&one.user) {
                Some(known) => *known,
                None => {
                    let learner = self.learner_of(&one.user)?;
                    found.insert(&one.user, learner);
                    learner
                }
            };
            match learner {
                Some(learner) => {
                    let row = Row {
                        key: format!("{learner} {}", one.key),
                        who: Who::default(),
                        date: one.date,
                        fields: one.fields.clone(),
                    };
                    rows.entry(learner).or_default().push((row, one.by_hand));
                }
                None if taken.strangers.contains(&one.user.username) => {}
                None => taken.strangers.push(one.user.username.clone()),
            }
        }
        self.input(|engine| {
            let mut writes = Vec::new();
            for (learner, rows) in &rows {
                let view = engine.view(*learner)?.unwrap_or_default();
                let mut fresh = Vec::new();
                for (row, by_hand) in rows {
                    match engine.body(*learner, &row.fields) {
                        Ok(body) if says(&view, &body, *by_hand) => taken.known += 1,
                        _ => fresh.push(row),
                    }
                }
                let fates = engine.import_rows(source, *learner, &fresh, &mut writes)?;
                for fate in fates {
                    match fate {
                        Fate::New => taken.new += 1,
                        Fate::Refused(why) if taken.refused.contains(&why) => {}
                        Fate::Refused(why) => taken.refused.push(why),
                        _ => taken.known += 1,
                    }
                }
            }
            if keep { engine.write(writes) } else { Ok(()) }
        })?;
        Ok(taken)
    }

    /// What a platform is to show of whoever is here and has an account.
    ///
    /// # Errors
    /// What the store says.
    pub fn shown_here(&self, modules: &[ModuleId]) -> Result<Vec<Shown>, EngineError> {
        let mut all = Vec::new();
        for (account, _) in self.accounts_here(modules)? {
            let view = self.view(account.learner)?.unwrap_or_default();
            let of = |module: &ModuleId| {
                let known = view.progress.module(*module)?;
                let results = known.results.iter().filter_map(|best| {
                    let kind = best.kind.name()?.to_owned();
                    let result = ShownResult {
                        points: best.score.points(),
                        most: best.score.max(),
                        here: best.site == self.site,
                    };
                    Some(((kind, best.version), result))
                });
                let shown = ShownModule {
                    sessions: known.sessions_done.clone(),
                    results: results.collect(),
                };
                Some((*module, shown))
            };
            all.push(Shown {
                user: PlatformUser {
                    id: account.learner.to_string(),
                    username: account.username,
                },
                modules: modules.iter().filter_map(of).collect(),
            });
        }
        Ok(all)
    }

    /// Who a platform's user is, of those who stayed here: by the id that this project gave him there. A name
    /// alone says nothing: anybody may have it there.
    fn learner_of(&self, user: &PlatformUser) -> Result<Option<LearnerId>, EngineError> {
        let Ok(learner) = user.id.parse::<LearnerId>() else {
            return Ok(None);
        };
        Ok(self.own_stay(learner)?.map(|_| learner))
    }

    /// Who stayed here and has left.
    ///
    /// # Errors
    /// What the store says.
    pub fn left_here(&self) -> Result<BTreeSet<LearnerId>, EngineError> {
        let mut left = BTreeSet::new();
        for (key, row) in self.store.scan(Table::Stay, &[], &[], usize::MAX)? {
            let own: OwnStay = codec::decode(&row)?;
            if !own.open {
                left.insert(learner_of(&key)?);
            }
        }
        Ok(left)
    }

    /// What a platform's reader remembers from one time to the next.
    ///
    /// # Errors
    /// What the store says.
    pub fn platform_state(&self, source: &str) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self
            .store
            .read(Table::Meta, &key_of(&[PLATFORM, source.as_bytes()]))?)
    }

    /// Keeps it.
    ///
    /// # Errors
    /// What the store says.
    pub fn keep_platform_state(&mut self, source: &str, state: &[u8]) -> Result<(), EngineError> {
        let key = key_of(&[PLATFORM, source.as_bytes()]);
        self.input(|engine| Ok(engine.store.write(Table::Meta, &key, state)?))
    }

    /// Forgets it.
    ///
    /// # Errors
    /// What the store says.
    pub fn forget_platform_state(&mut self, source: &str) -> Result<(), EngineError> {
        let key = key_of(&[PLATFORM, source.as_bytes()]);
        self.input(|engine| Ok(engine.store.remove(Table::Meta, &key)?))
    }
}

/// Whether a record says already what an event would. Of tests each attempt is something new, and what somebody
/// gave by hand is where it is not the best already.
fn says(view: &LearnerView, body: &Body, by_hand: bool) -> bool {
    let module = |module| view.progress.module(module);
    match body {
        Body::SessionDone {
            module: of,
            session,
        } => module(*of).is_some_and(|known| known.sessions_done.contains(session)),
        Body::Assessed {
            module: of,
            kind,
            version,
            score,
        } if by_hand => module(*of).is_some_and(|known| {
            let mut results = known.results.iter();
            results.any(|best| (best.kind, best.version, best.score) == (*kind, *version, *score))
        }),
        Body::ModuleDone { module: of } => module(*of).is_some_and(|known| known.done),
        // A seat moves with him: the next platform has him in the course because the record does.
        Body::Enrolled { scope, .. } => {
            let programme = match scope {
                Scope::Programme(programme) => *programme,
                Scope::Module(module) => module.programme,
            };
            let known = view.progress.programme(programme);
            known.is_some_and(|known| {
                let same = |of: Scope| of == *scope || of == Scope::Programme(programme);
                known.enrolments.iter().any(|one| same(one.scope))
            })
        }
        _ => false,
    }
}
