//! Letters: sealed to their reader, posted in this site's control log, and what those that come say
//! here. A letter of the wrong writer is set aside; one that comes twice says nothing new.

use std::collections::BTreeSet;

use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::event::Destination;
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::letter::{About, Announced, Answer, Arrived, Letter, Verdict, letter_info};
use spean_protocol::seal::{self, BoxKey};
use spean_protocol::segment::Segment;
use spean_protocol::view::LearnerView;

use super::ahead::Reading;
use super::arrive::{Awaited, Expected, Here};
use super::depart::Away;
use super::keys::key_of;
use super::questions::Work;
use super::state::has_ended;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Learners whom one site may have announced here at a time: more than the largest prison has. Who
/// makes up more harms nobody but himself.
const EXPECTED_OF_SITE_MAX: usize = 1_000;

/// Answers of the DGP that may wait to be written into one record.
const VERDICTS_MAX: usize = 16;

/// Something sealed to one site, before it is posted.
pub(super) struct Mail {
    pub to: SiteId,
    pub entry: Entry,
}

impl<S: Store> Engine<S> {
    /// Seals a letter; none to a site that has left the roster or has no key.
    pub(super) fn letter(
        &mut self,
        to: SiteId,
        letter: &Letter,
    ) -> Result<Option<Mail>, EngineError> {
        match self.roster.box_key(to) {
            Some(key) => Ok(Some(self.letter_under(&key, to, letter)?)),
            None => Ok(None),
        }
    }

    /// Seals a letter to a key of a site's.
    pub(super) fn letter_under(
        &mut self,
        key: &BoxKey,
        to: SiteId,
        letter: &Letter,
    ) -> Result<Mail, EngineError> {
        let info = letter_info(self.site, to);
        let content = letter.encode();
        let entropy = self.entropy(&content);
        let sealed = seal::box_seal(key, &info, &content, entropy)?;
        Ok(Mail {
            to,
            entry: Entry::Letter { sealed },
        })
    }

    /// Writes mail to this site's control log, which is urgent for whoever any of it is for.
    pub(super) fn post(&mut self, mail: Vec<Mail>) -> Result<(), EngineError> {
        if mail.is_empty() {
            return Ok(());
        }
        self.posted = true;
        let readers: BTreeSet<SiteId> = mail.iter().map(|one| one.to).collect();
        let run = self.own_run()?;
        let before = self.skeleton.run(run).map_or(0, |run| run.control);
        let entries: Vec<Entry> = mail.into_iter().map(|one| one.entry).collect();
        self.write_control(&entries)?;
        let after = self.skeleton.run(run).map_or(0, |run| run.control);
        for height in before..after {
            for to in &readers {
                self.note_urgent(*to, run, height)?;
            }
        }
        Ok(())
    }

    /// Reads the grants and letters of a control segment.
    pub(super) fn read_mail(
        &mut self,
        segment: &Segment,
        reading: Reading,
    ) -> Result<(), EngineError> {
        let site = segment.header.site;
        for bytes in segment.parcels.iter().flatten() {
            match Entry::decode(bytes) {
                Ok(Entry::Grant { id, sealed }) if reading.reads(true) => {
                    self.open_grant(site, id, &sealed)?;
                }
                Ok(Entry::Letter { sealed }) => self.open_letter(site, &sealed, reading)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Tries a letter: it names no reader, so every site does.
    fn open_letter(
        &mut self,
        from: SiteId,
        sealed: &[u8],
        reading: Reading,
    ) -> Result<(), EngineError> {
        if from == self.site {
            return Ok(());
        }
        let info = letter_info(from, self.site);
        let seeds = self.identity.boxes.values();
        let Some(bytes) = seeds
            .into_iter()
            .find_map(|seed| seal::box_open(seed, &info, sealed).ok())
        else {
            return Ok(());
        };
        self.due = true;
        match Letter::decode(&bytes) {
            Ok(letter) if !reading.reads(letter.in_any_order()) => Ok(()),
            Ok(letter) => self.read_letter(from, letter),
            Err(error) => self.set_aside(&format!("a letter of {}: {error}", self.code(from))),
        }
    }

    fn read_letter(&mut self, from: SiteId, letter: Letter) -> Result<(), EngineError> {
        let headquarters = self.roster.headquarters().map(|site| site.id);
        let of_headquarters = headquarters == Some(from);
        match letter {
            Letter::Question(question) if self.is_headquarters() => {
                let key = question.id.0;
                self.keep_work(&key, &Work::question(from, question))
            }
            Letter::Openings(openings) if self.is_headquarters() => openings
                .iter()
                .try_for_each(|opening| self.keep_opening(from, opening)),
            Letter::ToErase(parcels) if self.is_headquarters() => {
                self.keep_to_erase(from, &parcels)
            }
            Letter::Erased(learners) if of_headquarters => self.read_erased_learners(&learners),
            Letter::Answer(answer) if of_headquarters => self.read_answer(answer),
            Letter::Announced(list) => {
                for one in list {
                    self.read_announced(from, one)?;
                }
                Ok(())
            }
            Letter::NotComing(learners) => {
                for learner in learners {
                    self.store
                        .remove(Table::Expected, &expected_key(learner, from))?;
                }
                Ok(())
            }
            Letter::Arrived(arrived) if of_headquarters || arrived.site == from => {
                self.read_arrived(arrived, of_headquarters)
            }
            Letter::NotArrived(arrived) if of_headquarters || arrived.site == from => {
                self.read_not_arrived(arrived)
            }
            Letter::CountedToo(arrived) if of_headquarters => {
                // It says nothing of where somebody went who has left.
                match self.own_stay(arrived.learner)? {
                    Some(own) if own.open => self.read_arrived(arrived, true),
                    _ => Ok(()),
                }
            }
            Letter::Disputed(arrived) => self.read_disputed(from, arrived),
            Letter::Custody(keys) if of_headquarters => self.read_returned(&keys),
            Letter::Newer(_) => Ok(()),
            _ => self.set_aside(&format!(
                "a letter of {} that is not its to write",
                self.code(from)
            )),
        }
    }

    fn read_answer(&mut self, answer: Answer) -> Result<(), EngineError> {
        let mut here = match (self.here(answer.learner)?, self.own_stay(answer.learner)?) {
            (Some(here), _) => here,
            // Nobody here asked: the DGP has found out by itself.
            (None, Some(own)) if own.open => Here::of(own.stay, self.world.wall_seconds()),
            _ => return Ok(()),
        };
        let asked = |question: &(_, About)| question.0 == answer.question;
        if here.question.as_ref().is_some_and(asked) {
            here.question = None;
        }
        if answer.verdict != Verdict::Granted && here.verdicts.len() < VERDICTS_MAX {
            here.verdicts.push(answer.verdict);
        }
        self.keep_here(answer.learner, &here)
    }

    fn read_announced(&mut self, from: SiteId, one: Announced) -> Result<(), EngineError> {
        let learner = one.learner;
        if let Some(here) = self.here(learner)? {
            // He came before the news of him did. It is believed of the site that he came from.
            let withheld = here.withheld || (one.withheld && here.from == Some(from));
            return self.keep_here(learner, &Here { withheld, ..here });
        }
        if self.own_stay(learner)?.is_some_and(|own| own.open) {
            return Ok(());
        }
        let awaited = self
            .expected_of(learner, from)?
            .map_or_else(Awaited::new, |expected| expected.awaited);
        self.keep_expected(
            learner,
            &Expected {
                from,
                announced: Some(one),
                awaited,
            },
        )
    }

    pub(super) fn keep_expected(
        &mut self,
        learner: LearnerId,
        row: &Expected,
    ) -> Result<(), EngineError> {
        // A machine that is made anew reads what was said of him before he was erased.
        if self.was_erased(learner)? && self.own_stay(learner)?.is_none() {
            return Ok(());
        }
        let place = expected_key(learner, row.from);
        if self.store.read(Table::Expected, &place)?.is_none() {
            let rows = self.store.scan(Table::Expected, &[], &[], usize::MAX)?;
            let from = row.from.0.to_be_bytes();
            let of_site = rows.iter().filter(|(key, _)| key.ends_with(&from));
            if of_site.count() >= EXPECTED_OF_SITE_MAX {
                let code = self.code(row.from);
                return self.set_aside(&format!("{code} announces more than a prison has"));
            }
        }
        Ok(self
            .store
            .write(Table::Expected, &place, &codec::encode(row))?)
    }

    /// The receipt of a learner who left, or the news that one who is here is said to be elsewhere.
    /// Of one who has left, only where he was sent, or the DGP, is believed.
    fn read_arrived(&mut self, arrived: Arrived, of_dgp: bool) -> Result<(), EngineError> {
        let learner = arrived.learner;
        let Some(own) = self.own_stay(learner)? else {
            return Ok(());
        };
        let known = self.away(learner)?;
        let sent = known
            .as_ref()
            .is_some_and(|away| away.to == Destination::Site(arrived.site));
        if !own.open && !sent && !of_dgp {
            return Ok(());
        }
        let view = match own.open {
            true => self.view(learner)?.unwrap_or_default(),
            false => LearnerView::default(),
        };
        if let Some(mut here) = self.here(learner)?.filter(|_| own.open) {
            let sent = Destination::Site(arrived.site);
            if let Some(before) = here.before.as_mut().filter(|before| before.to == sent) {
                before.arrived = Some(arrived);
                before.received = before.received.or(Some(arrived));
                self.keep_here(learner, &here)?;
            }
            let read = view.stays.iter().any(|stay| stay.stay == arrived.stay);
            if here.from == Some(arrived.site) && (read || !of_dgp) {
                // He has come back from there since: old news.
                return Ok(());
            }
        }
        if own.open && has_ended(&view, &arrived) {
            return Ok(());
        }
        let mut away = known.unwrap_or(Away {
            to: Destination::Site(arrived.site),
            date: arrived.date,
            ..Away::nowhere(self.site, self.world.wall_seconds())
        });
        away.received = away.received.or(Some(arrived).filter(|_| sent));
        away.arrived = Some(arrived);
        self.keep_away(learner, &away)
    }

    fn read_not_arrived(&mut self, arrived: Arrived) -> Result<(), EngineError> {
        let learner = arrived.learner;
        let Some(mut away) = self.away(learner)? else {
            return Ok(());
        };
        let none = |known: &Arrived| (known.site, known.stay) == (arrived.site, arrived.stay);
        let last = away.arrived.is_some_and(|known| none(&known));
        if last && self.own_stay(learner)?.is_some_and(|own| own.open) {
            return Ok(self.store.remove(Table::Away, &learner.0)?);
        }
        let to = away.to;
        let stands = |known: &Arrived| !none(known);
        let received = away.received.filter(stands);
        away.arrived = away.arrived.filter(stands).or(received);
        let sent = |known: &Arrived| to == Destination::Site(known.site);
        away.received = received.or(away.arrived.filter(sent));
        self.keep_away(learner, &away)
    }

    fn read_disputed(&mut self, from: SiteId, arrived: Arrived) -> Result<(), EngineError> {
        if self.is_headquarters() {
            let key = arrived.stay.0;
            return self.keep_work(&key, &Work::dispute(from, arrived));
        }
        if let Some(here) = self
            .here(arrived.learner)?
            .filter(|h| h.stay == arrived.stay)
        {
            let disputed = true;
            self.keep_here(arrived.learner, &Here { disputed, ..here })?;
        }
        Ok(())
    }

    /// Says that a learner who is said to have arrived elsewhere has not left. Blocks nothing: the
    /// other site and the DGP are told.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where nobody says so.
    pub fn dispute(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        self.input(|engine| {
            let away = engine.away(learner)?;
            let told = away.and_then(|away| Some((away.arrived?, away)));
            let (arrived, away) = told.ok_or_else(|| {
                EngineError::Refused(format!(
                    "nobody says that learner {learner} has arrived elsewhere"
                ))
            })?;
            let letter = Letter::Disputed(arrived);
            let mut mail = Vec::new();
            mail.extend(engine.letter(arrived.site, &letter)?);
            if let Some(to) = engine.roster.headquarters().map(|site| site.id) {
                mail.extend(engine.letter(to, &letter)?);
            }
            engine.post(mail)?;
            let disputed = true;
            engine.keep_away(learner, &Away { disputed, ..away })
        })
    }
}

/// Where it is kept that a site announced a learner.
pub(super) fn expected_key(learner: LearnerId, from: SiteId) -> Vec<u8> {
    key_of(&[&learner.0, &from.0.to_be_bytes()])
}
