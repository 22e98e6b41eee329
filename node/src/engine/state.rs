//! How a learner's record stands here, in states that have one word each: in the JSON of the command
//! line, and from the locale files in its text and on the pages.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::custody::{Stay, led_from, newest_departures, open_sites};
use spean_protocol::event::{ArrivalReason, Body, Date, Destination, Event};
use spean_protocol::id::{LearnerId, SiteId, Stream};
use spean_protocol::letter::{About, Arrived, Letter};
use spean_protocol::stay::HeldKey;
use spean_protocol::view::LearnerView;

use super::arrive::{Expected, Here};
use super::depart::Away;
use super::keys::learner_of;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Days after which somebody who left and is nowhere is overdue: by the day of departure and how
/// fresh the destination's data are here, never by this machine's clock.
const OVERDUE_DAYS: i32 = 7;

/// How a learner's record stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum State {
    /// All of it is open.
    Open {
        /// How many events of it are in effect.
        events: u32,
    },
    /// No key is here yet: it was asked for.
    WaitingForKey,
    /// The key is here; segments of a site are still on their way.
    WaitingForSegments {
        /// The site's code.
        site: String,
        /// How many at least.
        segments: u32,
    },
    /// Restricted data did not come along.
    Withheld {
        /// Why: `no-agreement`.
        because: String,
    },
    /// Admitted as a new person; the DGP is asked whether he is known.
    Provisional,
    /// On his way here.
    Announced {
        /// The code of the site that he left.
        from: String,
        /// The day of his departure.
        date: Option<Date>,
    },
    /// He left, and nobody has admitted him.
    Away {
        /// Where to: a site's code, or what `--to` of a departure calls it.
        to: String,
        /// The day of his departure.
        date: Option<Date>,
    },
    /// The same, although the destination has told of days since.
    Overdue {
        /// Where to: a site's code, or what `--to` of a departure calls it.
        to: String,
        /// The day of his departure.
        date: Option<Date>,
    },
    /// He left and was admitted.
    Arrived {
        /// Where.
        site: String,
        /// The day of his arrival.
        date: Option<Date>,
    },
    /// He is here, and another site says that he arrived there.
    SaidElsewhere {
        /// The other site's code.
        site: String,
    },
    /// Two sites say that he is theirs, and one of them disputes the other's word.
    Disputed {
        /// The other site's code.
        site: String,
    },
}

/// A learner who moves, in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveLine {
    /// The learner.
    pub learner: LearnerId,
    /// His name, as far as it is known here.
    pub name: String,
    /// How it stands.
    pub states: Vec<State>,
}

impl<S: Store> Engine<S> {
    /// How a learner's record stands here; empty for one of whom nothing moves.
    ///
    /// # Errors
    /// What the store says.
    pub fn states(&self, learner: LearnerId) -> Result<Vec<State>, EngineError> {
        let joined = match self.away(learner)? {
            Some(_) => self.joined_and_here()?,
            None => BTreeSet::new(),
        };
        self.states_of(learner, &joined, &mut BTreeMap::new())
    }

    /// The same, for many: who is on no way because his person is somewhere under another id, and
    /// the days up to which sites' data are here, as far as they were looked up.
    fn states_of(
        &self,
        learner: LearnerId,
        joined: &BTreeSet<LearnerId>,
        through: &mut BTreeMap<SiteId, i32>,
    ) -> Result<Vec<State>, EngineError> {
        let mut states = Vec::new();
        let open = self.own_stay(learner)?.is_some_and(|own| own.open);
        if let Some(here) = self.here(learner)?.filter(|_| open) {
            states.push(self.record_state(learner, &here)?);
            if here.withheld {
                let because = "no-agreement".to_owned();
                states.push(State::Withheld { because });
            }
            if here.disputed {
                let site = here.from.map(|site| self.code(site)).unwrap_or_default();
                states.push(State::Disputed { site });
            }
        } else if open {
            let events = self.view(learner)?.map_or(0, |view| view.events);
            states.push(State::Open { events });
        } else if let Some(expected) = self.expected(learner)?
            && let Some(one) = expected.announced
        {
            let (from, date) = (self.code(expected.from), one.date);
            states.push(State::Announced { from, date });
        }
        if let Some(away) = self.away(learner)?.filter(|_| !joined.contains(&learner)) {
            states.push(self.away_state(&away, open, through)?);
        }
        Ok(states)
    }

    fn away_state(
        &self,
        away: &Away,
        open: bool,
        through: &mut BTreeMap<SiteId, i32>,
    ) -> Result<State, EngineError> {
        let to = self.destination_word(away.to);
        let date = away.date;
        Ok(match away.arrived {
            Some(arrived) => {
                let site = self.code(arrived.site);
                match (away.disputed, open) {
                    (true, _) => State::Disputed { site },
                    (false, true) => State::SaidElsewhere { site },
                    (false, false) => State::Arrived {
                        site,
                        date: arrived.date,
                    },
                }
            }
            None if self.is_overdue(away, through)? => State::Overdue { to, date },
            None => State::Away { to, date },
        })
    }

    /// Whether the destination's data here are a week beyond the departure and know nothing of it.
    fn is_overdue(
        &self,
        away: &Away,
        through: &mut BTreeMap<SiteId, i32>,
    ) -> Result<bool, EngineError> {
        let (Destination::Site(to), Some(left)) = (away.to, away.date) else {
            return Ok(false);
        };
        let days = match through.get(&to) {
            Some(days) => *days,
            None => {
                let stamp = self.newest_stamp(to)?.unwrap_or(0);
                let days = i32::try_from(stamp / 86_400).unwrap_or(i32::MAX);
                through.insert(to, days);
                days
            }
        };
        Ok(days >= left.days().saturating_add(OVERDUE_DAYS))
    }

    fn record_state(&self, learner: LearnerId, here: &Here) -> Result<State, EngineError> {
        match here.question {
            Some((_, About::Person)) => return Ok(State::Provisional),
            Some((_, About::Card)) => return Ok(State::WaitingForKey),
            None => {}
        }
        if let Some((site, segments)) = self.missing_segments(learner, here)? {
            let site = self.code(site);
            return Ok(State::WaitingForSegments { site, segments });
        }
        let events = self.view(learner)?.map_or(0, |view| view.events);
        Ok(State::Open { events })
    }

    /// The first site of which something is still to come, and how many segments at least.
    fn missing_segments(
        &self,
        learner: LearnerId,
        here: &Here,
    ) -> Result<Option<(SiteId, u32)>, EngineError> {
        // Anybody can grant keys that open nothing, and say what to wait for: what counts is where
        // he is known to have been.
        let view = self.view(learner)?.unwrap_or_default();
        let arrivals = view.stays.iter().flat_map(|stay| &stay.arrivals);
        let mut places: BTreeSet<SiteId> = arrivals
            .flat_map(|arrival| arrival.from.into_iter().chain([arrival.site]))
            .collect();
        places.extend(here.from);
        for (site, (run, upto)) in &here.awaited {
            let held = self.skeleton.run(*run).map_or(0, |run| run.data.prefix());
            if held < *upto && places.contains(site) {
                return Ok(Some((*site, upto - held)));
            }
        }
        let mut whose = vec![learner];
        whose.extend(self.same_as(learner)?);
        for one in whose {
            let mut by_site: BTreeMap<SiteId, bool> = BTreeMap::new();
            for key in self.keys_of(one)? {
                let past = key.stream == Stream::Education && key.stay != here.stay;
                if past && places.contains(&key.site) {
                    let opens = self.opens_anything(one, &key)?;
                    *by_site.entry(key.site).or_default() |= opens;
                }
            }
            let missing = by_site.into_iter().find(|(_, opens)| !opens);
            if let Some((site, _)) = missing {
                return Ok(Some((site, 1)));
            }
        }
        Ok(None)
    }

    /// Whether a site's key of a learner opens something that is here.
    pub(super) fn opens_of(&self, learner: LearnerId, site: SiteId) -> Result<bool, EngineError> {
        for key in self.keys_of(learner)? {
            let its_own = key.site == site && key.stream == Stream::Education;
            if its_own && self.opens_anything(learner, &key)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a key of a learner's opens any parcel here.
    pub(super) fn opens_anything(
        &self,
        learner: LearnerId,
        key: &HeldKey,
    ) -> Result<bool, EngineError> {
        for run in self.skeleton.bases(key.site) {
            let label = key.key.label(learner, key.stream, run);
            if !self.store.scan(Table::Parcel, &label.0, &[], 1)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether anything of a learner's stays waits to be folded: for screens.
    ///
    /// # Errors
    /// What the store says.
    pub fn waiting(&self, learner: LearnerId) -> Result<bool, EngineError> {
        Ok(!self
            .store
            .scan(Table::Dirty, &learner.0, &[], 1)?
            .is_empty())
    }

    /// Notes in the record of each who was admitted here that his past is open, once it is: what
    /// continuity after transfer is measured by.
    pub(super) fn note_open_records(&mut self) -> Result<(), EngineError> {
        self.for_each(Table::Here, Self::note_open_record)
    }

    fn note_open_record(&mut self, key: &[u8], row: &[u8]) -> Result<(), EngineError> {
        let mut here: Here = codec::decode(row)?;
        let learner = learner_of(key)?;
        if matches!(here.question, Some((_, About::Card))) {
            // The old site's grant answers, once it opens something; not one of a departure that led
            // here before.
            let view = self.view(learner)?.unwrap_or_default();
            for source in here.granted.clone() {
                if self.opens_of(learner, source)? && !self.has_come(&view, source) {
                    here.question = None;
                }
            }
            if here.question.is_none() {
                self.keep_here(learner, &here)?;
            }
        }
        // Not always the stay that he was admitted to: perhaps he was not moved after all.
        let own = self.own_stay(learner)?.filter(|own| own.open);
        let Some(own) = own.filter(|_| !here.opened) else {
            return Ok(());
        };
        let open = matches!(self.record_state(learner, &here)?, State::Open { .. });
        if open && !self.waiting(learner)? {
            let stay = own.stay;
            self.keep_event(learner, &Event::new(Body::RecordOpen { stay }))?;
            let opened = true;
            let here = Here { opened, ..here };
            let here = self.say_where_from(learner, here)?;
            self.keep_here(learner, &here)?;
        }
        Ok(())
    }

    /// Of one who is here: the stay elsewhere that was told of has ended, and is read here.
    pub(super) fn forget_said_elsewhere(
        &mut self,
        learner: LearnerId,
        view: &LearnerView,
    ) -> Result<(), EngineError> {
        let said = self.away(learner)?.and_then(|away| away.arrived);
        if said.is_some_and(|said| has_ended(view, &said)) {
            self.store.remove(Table::Away, &learner.0)?;
        }
        Ok(())
    }

    /// Of one who came by his card the record tells where from: the arrival is corrected, so that
    /// the departure there is known to be answered.
    fn say_where_from(&mut self, learner: LearnerId, here: Here) -> Result<Here, EngineError> {
        let view = self.view(learner)?.unwrap_or_default();
        // The one departure that nobody has answered, if no other place counts him; else the only
        // other place where he ever was.
        let left = newest_departures(&view.stays).map(|left| left.site);
        let mut places: BTreeSet<SiteId> = left.collect();
        if places.is_empty() {
            places = view.stays.iter().map(|stay| stay.site).collect();
        }
        places.extend(open_sites(&view.stays));
        places.remove(&self.site);
        let from = places.first().copied().filter(|_| places.len() == 1);
        let (None, Some(from), Some(last)) = (here.from, from, here.events.last()) else {
            return Ok(here);
        };
        let arrivals = view.stays.iter().flat_map(|stay| &stay.arrivals);
        let Some(arrival) = arrivals.into_iter().find(|arrival| arrival.event == *last) else {
            return Ok(here);
        };
        if arrival.reason == ArrivalReason::NotMoved {
            return Ok(here);
        }
        let body = Body::Arrived {
            stay: here.stay,
            from: Some(from),
            reason: arrival.reason,
        };
        let corrects = Event {
            date: arrival.date,
            supersedes: vec![last.clone()],
            ..Event::new(body)
        };
        let mut here = here;
        here.events.push(self.keep_event(learner, &corrects)?);
        here.from = Some(from);
        let arrived = self.arrived_as(learner, &here);
        let letter = self.letter(from, &Letter::Arrived(arrived))?;
        self.post(letter.into_iter().collect())?;
        let old_news = |away: &Away| {
            let read = |said: &Arrived| view.stays.iter().any(|stay| stay.stay == said.stay);
            away.arrived
                .is_some_and(|said| said.site == from && read(&said))
        };
        if self.away(learner)?.as_ref().is_some_and(old_news) {
            self.store.remove(Table::Away, &learner.0)?;
        }
        Ok(here)
    }

    /// Learners whose person is at some site under another id: those are on no way.
    fn joined_and_here(&self) -> Result<BTreeSet<LearnerId>, EngineError> {
        let mut joined = BTreeSet::new();
        for (key, _) in self.store.scan(Table::Link, &[], &[], usize::MAX)? {
            let holder = learner_of(&key)?;
            let own = self.own_stay(holder)?.is_some_and(|own| own.open);
            let view = self.view(holder)?;
            let somewhere = view.is_some_and(|view| !open_sites(&view.stays).is_empty());
            if own || somewhere {
                joined.extend(self.same_as(holder)?);
            }
        }
        Ok(joined)
    }

    /// Who was announced and has come is no longer expected: a machine that was lost and filled
    /// again reads old announcements as news.
    pub(super) fn forget_who_came(
        &mut self,
        learner: LearnerId,
        view: &LearnerView,
    ) -> Result<(), EngineError> {
        let rows = self
            .store
            .scan(Table::Expected, &learner.0, &[], usize::MAX)?;
        for (key, row) in rows {
            let from = codec::decode::<Expected>(&row)?.from;
            if self.has_come(view, from) {
                self.store.remove(Table::Expected, &key)?;
            }
        }
        Ok(())
    }

    /// Whether every departure from a site for here is answered by an arrival, as far as they are
    /// known: by one that names it, or by a stay here that has ended and of whose arrival nobody
    /// knows where from. He may have gone back there and be sent here again: so no departure is
    /// answered by a stay that led to it.
    pub(super) fn has_come(&self, view: &LearnerView, from: SiteId) -> bool {
        let here = Destination::Site(self.site);
        let of = |site: SiteId| view.stays.iter().filter(move |stay| stay.site == site);
        let unexplained = |stay: &&Stay| {
            let mut arrivals = stay.arrivals.iter();
            let unknown = arrivals.all(|one| {
                let began_here = [ArrivalReason::Intake, ArrivalReason::NotMoved];
                one.from.is_none() && !began_here.contains(&one.reason)
            });
            !stay.is_open() && !stay.arrivals.is_empty() && unknown
        };
        let mut own: Vec<&Stay> = of(self.site).filter(unexplained).collect();
        let mut sent = false;
        for stay in of(from) {
            for left in stay.departures.iter().filter(|left| left.to == here) {
                sent = true;
                if left.answered {
                    continue;
                }
                let after = |one: &&Stay| !led_from(&view.stays, one).0.contains(&stay);
                let Some(at) = own.iter().position(after) else {
                    return false;
                };
                own.swap_remove(at);
            }
        }
        sent
    }

    /// Everybody who moves: announced, not open yet, disputed, or left and not received.
    ///
    /// # Errors
    /// What the store says.
    pub fn moves(&self) -> Result<Vec<MoveLine>, EngineError> {
        let mut learners = BTreeSet::new();
        for table in [Table::Expected, Table::Here, Table::Away] {
            for (key, _) in self.store.scan(table, &[], &[], usize::MAX)? {
                learners.insert(learner_of(&key)?);
            }
        }
        let joined = self.joined_and_here()?;
        let mut through = BTreeMap::new();
        let mut lines = Vec::new();
        for learner in learners.difference(&joined).copied() {
            let mut states = self.states_of(learner, &joined, &mut through)?;
            states.retain(|state| !matches!(state, State::Open { .. }));
            if !states.is_empty() {
                let name = match self.expected(learner)?.and_then(|row| row.announced) {
                    Some(one) => one.names.first().map_or_else(String::new, |name| {
                        format!("{} {}", &*name.family, &*name.given)
                    }),
                    None => self.name_of(learner)?,
                };
                lines.push(MoveLine {
                    learner,
                    name,
                    states,
                });
            }
        }
        Ok(lines)
    }
}

/// Whether the stay of an arrival that was told of is known to have ended.
pub(super) fn has_ended(view: &LearnerView, said: &Arrived) -> bool {
    let mut stays = view.stays.iter();
    let its = |stay: &&Stay| (stay.site, stay.stay) == (said.site, said.stay);
    stays
        .find(its)
        .is_some_and(|stay| !stay.departures.is_empty())
}
