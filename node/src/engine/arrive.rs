//! Learners arrive: by a slip, by the id on their card, or off the list that announced them. The
//! arrival opens a stay of its own whether or not any key or any of the past is here, so everybody
//! works from the first day. Who is admitted without a key is asked about: the DGP answers.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::event::{
    ArrivalReason, Body, Date, Event, EventId, LinkReason, RetractionReason,
};
use spean_protocol::id::{LearnerId, QuestionId, RunId, SiteId, StayId};
use spean_protocol::letter::{About, Announced, Arrived, Letter, Question, Verdict};
use spean_protocol::roster::Role;
use spean_protocol::slip::{Slip, SlipError};
use spean_protocol::stay::GrantContent;
use spean_protocol::view::{LearnerView, OpenItems};

use super::depart::{Away, Moved};
use super::keys::learner_of;
use super::letters::{Mail, expected_key};
use super::state::State;
use super::write::OwnStay;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Questions about new persons that may wait for people at the DGP, of one site at a time.
const QUESTIONS_MAX: usize = 32;

/// With what somebody arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ticket {
    /// A slip's text.
    Slip(String),
    /// The id on his card, or on the list that announced him.
    Card(LearnerId),
}

/// What an arrival gives to the officer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Who arrived.
    pub learner: LearnerId,
    /// His name, where it is known here.
    pub name: String,
    /// The code of the site that he came from, where it is known.
    pub from: Option<String>,
    /// How his record stands.
    pub states: Vec<State>,
    /// What is open and came with him, as far as his record is open.
    pub moves: OpenItems,
}

/// Whether a slip only brings keys that another had no room for: its learner has none first on it.
fn is_further(content: &GrantContent) -> bool {
    let (first, others) = (content.learners.first(), content.learners.len() > 1);
    others && first.is_some_and(|(_, keys)| keys.is_empty())
}

/// How far the logs of sites must be here, by site: what a grant said.
pub(super) type Awaited = BTreeMap<SiteId, (RunId, u32)>;

/// A learner who is on his way here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Expected {
    /// The site that says so.
    pub from: SiteId,
    /// What it says; `None` while only his keys came.
    pub announced: Option<Announced>,
    /// What must be here before his record is whole.
    pub awaited: Awaited,
}

/// A learner who was admitted here from elsewhere, for as long as he stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Here {
    /// His stay.
    pub stay: StayId,
    /// The stay that others were told of: the same, unless a departure did not happen since.
    pub told: StayId,
    /// The event of his arrival, and what corrected it; none where he was added as a new person.
    pub events: Vec<EventId>,
    /// This machine's clock when it was recorded.
    pub stamp: u64,
    /// Where from, if that is known.
    pub from: Option<SiteId>,
    /// The day, as the officer wrote it down.
    pub date: Option<Date>,
    /// A question that nothing has answered yet.
    pub question: Option<(QuestionId, About)>,
    /// What must be here before his record is whole.
    pub awaited: Awaited,
    /// His record was whole once: it was noted.
    pub opened: bool,
    /// Restricted data stayed behind.
    pub withheld: bool,
    /// The old site says that he has not left.
    pub disputed: bool,
    /// Answers of the DGP that are to be written into his record.
    pub verdicts: Vec<Verdict>,
    /// Who announced him or granted keys, before or since he came.
    pub granted: BTreeSet<SiteId>,
    /// Where he was on his way to before he came back, for when the arrival was none.
    pub before: Option<Box<Away>>,
}

impl Here {
    /// Of somebody whose stay begins here, of whom nothing else is known.
    pub(super) fn of(stay: StayId, stamp: u64) -> Self {
        Self {
            stay,
            told: stay,
            events: Vec::new(),
            stamp,
            from: None,
            date: None,
            question: None,
            awaited: Awaited::new(),
            opened: false,
            withheld: false,
            disputed: false,
            verdicts: Vec::new(),
            granted: BTreeSet::new(),
            before: None,
        }
    }
}

impl<S: Store> Engine<S> {
    /// Admits a learner by his slip.
    ///
    /// # Errors
    /// [`EngineError::Refused`] says what is wrong; else as [`Engine::transfer_in_all`].
    pub fn transfer_in(&mut self, text: &str, date: Option<Date>) -> Result<Arrival, EngineError> {
        self.one_arrives(Ticket::Slip(text.to_owned()), date)
    }

    /// Admits a learner by the id on his card: his past joins when its key comes.
    ///
    /// # Errors
    /// As [`Engine::transfer_in`].
    pub fn admit(
        &mut self,
        learner: LearnerId,
        date: Option<Date>,
    ) -> Result<Arrival, EngineError> {
        self.one_arrives(Ticket::Card(learner), date)
    }

    fn one_arrives(&mut self, ticket: Ticket, date: Option<Date>) -> Result<Arrival, EngineError> {
        let mut done = self.transfer_in_all(&[ticket], date)?;
        done.pop()
            .ok_or(EngineError::Malformed("an arrival"))?
            .into_result()
    }

    /// Admits all who bring a ticket. Each works at once; what is not open yet joins later.
    ///
    /// # Errors
    /// What the store says; who cannot be admitted is refused by himself.
    pub fn transfer_in_all(
        &mut self,
        tickets: &[Ticket],
        date: Option<Date>,
    ) -> Result<Vec<Moved<Arrival>>, EngineError> {
        self.input(|engine| {
            let mut mail = Vec::new();
            let mut outcomes = Vec::with_capacity(tickets.len());
            for ticket in tickets {
                outcomes.push(match engine.read_ticket(ticket)? {
                    Ok((learner, grant)) => engine.arrive(learner, grant, date, &mut mail)?,
                    Err(why) => Err(why),
                });
            }
            engine.flush_now()?;
            engine.post(mail)?;
            let mut done = Vec::with_capacity(tickets.len());
            for (ticket, outcome) in tickets.iter().zip(outcomes) {
                done.push(match outcome {
                    Ok(learner) => {
                        engine.fold_learner(learner)?;
                        Moved::Done(engine.arrival(learner)?)
                    }
                    Err(why) => Moved::Refused {
                        who: ticket.to_string(),
                        why,
                    },
                });
            }
            // Before anything that they do here is recorded: the order of this log is what counts.
            engine.note_open_records()?;
            Ok(done)
        })
    }

    /// Tickets of all whom a site announced.
    ///
    /// # Errors
    /// What the store says.
    pub fn announced_by(&self, from: SiteId) -> Result<Vec<Ticket>, EngineError> {
        let mut tickets = Vec::new();
        for (key, row) in self.store.scan(Table::Expected, &[], &[], usize::MAX)? {
            let expected: Expected = codec::decode(&row)?;
            if expected.from == from && expected.announced.is_some() {
                tickets.push(Ticket::Card(learner_of(&key)?));
            }
        }
        Ok(tickets)
    }

    /// Whom a ticket is for, and what a slip grants; or why it is no ticket to this site.
    #[expect(
        clippy::type_complexity,
        reason = "who, and what came with him from whom"
    )]
    fn read_ticket(
        &mut self,
        ticket: &Ticket,
    ) -> Result<Result<(LearnerId, Option<(SiteId, GrantContent)>), String>, EngineError> {
        let text = match ticket {
            Ticket::Card(learner) => return Ok(Ok((*learner, None))),
            Ticket::Slip(text) => text,
        };
        let read = || -> Result<_, EngineError> {
            let slip = Slip::from_text(text)?;
            let explain = |error| match error {
                SlipError::Elsewhere(site) => EngineError::SlipElsewhere(self.code(site)),
                SlipError::Signature(site) => match self.roster.revoked_of(site).next() {
                    Some(_) => EngineError::SlipRevoked(self.code(site)),
                    None => EngineError::SlipUnsigned(self.code(site)),
                },
                other => other.into(),
            };
            slip.verify(self.roster.keys(slip.source))
                .map_err(explain)?;
            let content = slip
                .open(self.site, self.identity.boxes.values())
                .map_err(explain)?;
            let (learner, _) = content.learners.first().ok_or(SlipError::Content)?;
            Ok((*learner, Some((slip.source, content))))
        };
        Ok(read().map_err(|error| error.to_string()))
    }

    /// Keeps an arrival for the flush that follows; says why where he cannot be admitted.
    fn arrive(
        &mut self,
        learner: LearnerId,
        grant: Option<(SiteId, GrantContent)>,
        date: Option<Date>,
        mail: &mut Vec<Mail>,
    ) -> Result<Result<LearnerId, String>, EngineError> {
        let known = self.own_stay(learner)?;
        let open = known.is_some_and(|own| own.open);
        if let Some((source, content)) = &grant
            && is_further(content)
        {
            let taken = open && self.take_further(content, *source)?;
            return Ok(match (open, taken) {
                (true, true) => Ok(learner),
                (true, false) => Err(format!(
                    "this further slip of learner {learner} brings no key that is not here already"
                )),
                (false, _) => Err(format!(
                    "this is a further slip of learner {learner}, who is not here yet: his first \
                     slip comes before it"
                )),
            });
        }
        if open {
            return Ok(Err(EngineError::AlreadyHere(learner).to_string()));
        }
        if self.is_headquarters() {
            return Ok(Err(
                "the head office admits nobody: do it at the prison".into()
            ));
        }
        let expected = self.expected(learner)?;
        let all = self.all_expected(learner)?;
        self.forget_expected(learner)?;
        let before = self.away(learner)?.map(|away| Away { here: None, ..away });
        let before = before.map(Box::new);
        self.store.remove(Table::Away, &learner.0)?;
        let reason = if known.is_some() {
            ArrivalReason::Returned
        } else {
            ArrivalReason::Transferred
        };
        let from = self.came_from(learner, grant.as_ref(), expected.as_ref())?;
        let stay = self.open_stay(learner)?;
        // Of those who announced him or granted keys, it is not known yet who is to be believed.
        let mut here = Here {
            from,
            date,
            awaited: all.iter().flat_map(|row| row.awaited.clone()).collect(),
            granted: all.iter().map(|row| row.from).collect(),
            withheld: all.iter().any(|row| {
                let says = row.announced.as_ref().is_some_and(|one| one.withheld);
                says && from.is_none_or(|from| from == row.from)
            }),
            before,
            ..Here::of(stay, self.world.wall_seconds())
        };
        self.keep_here(learner, &here)?;
        if let Some((source, content)) = &grant {
            self.keep_grant(content, *source)?;
            // Whoever is told to wait for the old site's log was told so by the grant just kept.
            here = self.here(learner)?.unwrap_or(here);
        }
        self.hand_on_keys_of_past(learner)?;
        let arrived = Body::Arrived { stay, from, reason };
        here.events.push(self.keep_event(
            learner,
            &Event {
                date,
                ..Event::new(arrived)
            },
        )?);
        if grant.is_none() && from.is_none() {
            let question = self.question(learner, stay, (About::Card, LinkReason::Card), mail)?;
            here.question = question.map(|id| (id, About::Card));
        }
        self.keep_here(learner, &here)?;
        if let Some(from) = from.filter(|from| *from != self.site) {
            let arrived = self.arrived_as(learner, &here);
            mail.extend(self.letter(from, &Letter::Arrived(arrived))?);
        }
        tracing::info!(%stay, "arrival recorded");
        Ok(Ok(learner))
    }

    /// Keeps the keys of a further slip; whether any was new.
    fn take_further(
        &mut self,
        content: &GrantContent,
        source: SiteId,
    ) -> Result<bool, EngineError> {
        let held = |engine: &Self| -> Result<usize, EngineError> {
            let whose: BTreeSet<_> = content.learners.iter().map(|(id, _)| *id).collect();
            let of = |id| Ok(engine.keys_of(id)?.len());
            whose.into_iter().map(of).sum()
        };
        let before = held(self)?;
        self.keep_grant(content, source)?;
        Ok(held(self)? > before)
    }

    /// The prison that he left: as his slip tells, or a list whose writer granted keys that open
    /// something. A list alone could be anybody's. A slip of the DGP's tells by its key.
    fn came_from(
        &mut self,
        learner: LearnerId,
        grant: Option<&(SiteId, GrantContent)>,
        expected: Option<&Expected>,
    ) -> Result<Option<SiteId>, EngineError> {
        let is_prison = |site: &SiteId| {
            let site = self.roster.site(*site);
            site.is_some_and(|site| site.role == Role::Prison)
        };
        let by_key = |content: &GrantContent| {
            let (_, keys) = content.learners.iter().find(|(id, _)| *id == learner)?;
            Some(keys.first()?.site)
        };
        let slip = grant.and_then(|(source, content)| {
            Some(*source)
                .filter(is_prison)
                .or_else(|| by_key(content).filter(is_prison))
        });
        if slip.is_some() {
            return Ok(slip);
        }
        let Some(from) = expected.map(|expected| expected.from) else {
            return Ok(None);
        };
        if !is_prison(&from) || !self.opens_of(learner, from)? {
            return Ok(None);
        }
        // Of one who is not here no view is kept.
        let view = LearnerView::fold(&self.entries(learner)?);
        Ok(Some(from).filter(|from| !self.has_come(&view, *from)))
    }

    /// What is told of an arrival here.
    pub(super) fn arrived_as(&self, learner: LearnerId, here: &Here) -> Arrived {
        Arrived {
            learner,
            site: self.site,
            stay: here.told,
            date: here.date,
        }
    }

    /// Asks the DGP about somebody; `None` where no DGP is in the roster.
    fn question(
        &mut self,
        learner: LearnerId,
        stay: StayId,
        (about, reason): (About, LinkReason),
        mail: &mut Vec<Mail>,
    ) -> Result<Option<QuestionId>, EngineError> {
        let Some(to) = self.roster.headquarters().map(|site| site.id) else {
            return Ok(None);
        };
        let id = QuestionId(self.fresh_id("question", &learner.0));
        let question = Question {
            id,
            learner,
            stay,
            about,
            reason,
        };
        mail.extend(self.letter(to, &Letter::Question(question))?);
        Ok(Some(id))
    }

    /// Asks the DGP: of one who was added as a new person whether he is known to it; of one who
    /// came by his card once more for the keys of his past.
    ///
    /// # Errors
    /// [`EngineError::NotHere`]; [`EngineError::Refused`] while too many questions wait; what the store
    /// says.
    pub fn ask_who(&mut self, learner: LearnerId, reason: LinkReason) -> Result<(), EngineError> {
        self.input(|engine| {
            engine.may_ask(learner)?;
            let own = engine.own_stay(learner)?.filter(|own| own.open);
            let own = own.ok_or(EngineError::NotHere(learner))?;
            engine.flush_now()?;
            let fresh = Here::of(own.stay, engine.world.wall_seconds());
            let here = engine.here(learner)?.unwrap_or(fresh);
            let about = if here.events.is_empty() {
                About::Person
            } else {
                About::Card
            };
            let mail = engine.ask_again(learner, here, (about, reason))?;
            engine.post(mail)
        })
    }

    /// Refuses a further question about a new person while many of this site's wait for people at the
    /// DGP: so a prison cannot go through a list of names.
    fn may_ask(&self, learner: LearnerId) -> Result<(), EngineError> {
        let mut waiting = 0;
        for (key, row) in self.store.scan(Table::Here, &[], &[], usize::MAX)? {
            let here: Here = codec::decode(&row)?;
            let waits = matches!(here.question, Some((_, About::Person)));
            waiting += usize::from(waits && learner_of(&key)? != learner);
        }
        if waiting < QUESTIONS_MAX {
            return Ok(());
        }
        Err(EngineError::Refused(format!(
            "{waiting} questions of this site wait for the head office already: ask again when it has \
             answered some; he can work meanwhile"
        )))
    }

    /// Notes a question, and returns its letter.
    pub(super) fn ask_again(
        &mut self,
        learner: LearnerId,
        here: Here,
        (about, reason): (About, LinkReason),
    ) -> Result<Vec<Mail>, EngineError> {
        let mut mail = Vec::new();
        let question = self.question(learner, here.stay, (about, reason), &mut mail)?;
        let question = question.map(|id| (id, about));
        self.keep_here(learner, &Here { question, ..here })?;
        Ok(mail)
    }

    fn arrival(&mut self, learner: LearnerId) -> Result<Arrival, EngineError> {
        let here = self.here(learner)?;
        let row = self.store.learner(learner)?;
        let view = self.view(learner)?.unwrap_or_default();
        Ok(Arrival {
            learner,
            name: row.map(|row| row.name).unwrap_or_default(),
            from: here.and_then(|here| here.from).map(|site| self.code(site)),
            states: self.states(learner)?,
            moves: OpenItems::of(&view),
        })
    }

    /// Mints a stay at this site and makes it the learner's open one.
    pub(super) fn open_stay(&mut self, learner: LearnerId) -> Result<StayId, EngineError> {
        let stay = StayId(self.fresh_id("stay", &learner.0));
        self.set_own_stay(learner, OwnStay { stay, open: true })?;
        Ok(stay)
    }

    pub(super) fn here(&self, learner: LearnerId) -> Result<Option<Here>, EngineError> {
        let row = self.store.read(Table::Here, &learner.0)?;
        Ok(row.map(|bytes| codec::decode(&bytes)).transpose()?)
    }

    pub(super) fn keep_here(&mut self, learner: LearnerId, here: &Here) -> Result<(), EngineError> {
        Ok(self
            .store
            .write(Table::Here, &learner.0, &codec::encode(here))?)
    }

    /// What is known of a learner who is on his way: of several who say so, one whose keys open
    /// something is believed first.
    pub(super) fn expected(&self, learner: LearnerId) -> Result<Option<Expected>, EngineError> {
        let mut found = None;
        for row in self.all_expected(learner)? {
            if self.opens_of(learner, row.from)? {
                return Ok(Some(row));
            }
            found = found.or(Some(row).filter(|row| row.announced.is_some()));
        }
        Ok(found)
    }

    /// Everything that was said of a learner who is on his way.
    fn all_expected(&self, learner: LearnerId) -> Result<Vec<Expected>, EngineError> {
        let rows = self
            .store
            .scan(Table::Expected, &learner.0, &[], usize::MAX)?;
        rows.iter()
            .map(|(_, row)| Ok(codec::decode(row)?))
            .collect()
    }

    pub(super) fn expected_of(
        &self,
        learner: LearnerId,
        from: SiteId,
    ) -> Result<Option<Expected>, EngineError> {
        let row = self
            .store
            .read(Table::Expected, &expected_key(learner, from))?;
        Ok(row.map(|bytes| codec::decode(&bytes)).transpose()?)
    }

    /// He is here, or is known to be elsewhere.
    pub(super) fn forget_expected(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        let rows = self
            .store
            .scan(Table::Expected, &learner.0, &[], usize::MAX)?;
        for (key, _) in rows {
            self.store.remove(Table::Expected, &key)?;
        }
        Ok(())
    }

    /// Writes what the DGP answered into the records that it is about.
    pub(super) fn obey_answers(&mut self, key: &[u8], row: &[u8]) -> Result<(), EngineError> {
        let mut here: Here = codec::decode(row)?;
        if here.verdicts.is_empty() {
            return Ok(());
        }
        let learner = learner_of(key)?;
        for verdict in std::mem::take(&mut here.verdicts) {
            self.obey(learner, verdict)?;
            self.refresh(learner)?;
        }
        self.keep_here(learner, &here)
    }

    fn obey(&mut self, learner: LearnerId, verdict: Verdict) -> Result<(), EngineError> {
        let reason = LinkReason::OfficerKnows;
        let links = self.view(learner)?.map_or_else(Vec::new, |view| view.links);
        let (body, supersedes) = match verdict {
            Verdict::Granted | Verdict::Nobody => return Ok(()),
            Verdict::Same(other) => {
                let link = links.into_iter().find(|link| link.other == other);
                let stands = |link: &spean_protocol::view::Link| {
                    !link.same.is_empty() && link.not_same.is_empty()
                };
                if link.as_ref().is_some_and(stands) {
                    return Ok(());
                }
                let not_same = link.map_or_else(Vec::new, |link| link.not_same);
                self.forget_expected(other)?;
                (Body::SamePerson { other, reason }, not_same)
            }
            Verdict::NotSame(other) => {
                let link = links.into_iter().find(|link| link.other == other);
                let said = |link: &spean_protocol::view::Link| {
                    link.same.is_empty() && !link.not_same.is_empty()
                };
                if link.as_ref().is_some_and(said) {
                    return Ok(());
                }
                let same = link.map_or_else(Vec::new, |link| link.same);
                (Body::NotSame { other, reason }, same)
            }
            Verdict::Undecided(other) => return self.forget_link(learner, other),
        };
        let event = Event {
            supersedes,
            ..Event::new(body)
        };
        self.keep_event(learner, &event)?;
        Ok(())
    }

    /// Retracts all that his record says of another learner, also what something took the place of: it
    /// would be back else.
    fn forget_link(&mut self, learner: LearnerId, other: LearnerId) -> Result<(), EngineError> {
        let entries = self.entries(learner)?;
        let said = entries.into_iter().filter(|entry| match entry.event.body {
            Body::SamePerson { other: of, .. } | Body::NotSame { other: of, .. } => of == other,
            _ => false,
        });
        let mut said: Vec<EventId> = said.map(|entry| entry.id).collect();
        said.sort_unstable();
        said.dedup();
        let reason = RetractionReason::EnteredByMistake;
        for event in said {
            self.keep_event(learner, &Event::new(Body::Retracted { event, reason }))?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // A slip opens a record: its text is shown to nobody.
            Self::Slip(_) => f.write_str("a slip"),
            Self::Card(learner) => write!(f, "{learner}"),
        }
    }
}
