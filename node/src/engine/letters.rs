//! Letters: sealed to their reader, posted in this site's control log, and what those that come say
//! here. A letter of the wrong writer is set aside; one that comes twice says nothing new.

use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::event::Destination;
use spean_protocol::frontier::SiteFrontier;
use spean_protocol::id::{Hash, LearnerId, RunId, SiteId};
use spean_protocol::letter::{About, Announced, Answer, Arrived, Letter, Verdict, letter_info};
use spean_protocol::receipt::Statement;
use spean_protocol::seal;
use spean_protocol::segment::{Log, Segment};
use spean_protocol::session::Host;
use spean_protocol::stay::GrantContent;

use super::arrive::{Awaited, Expected, Here};
use super::depart::Away;
use super::keys::key_of;
use super::questions::Work;
use super::receive::Taken;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Learners who may be announced here at a time: ten whole prisons of the largest kind. More is
/// what somebody made up.
const EXPECTED_MAX: usize = 4_000;

/// Segments read ahead of their turn that have not come in it yet.
const AHEAD_MAX: usize = 4_000;

/// Answers of the DGP that may wait to be written into one record.
const VERDICTS_MAX: usize = 16;

/// Something sealed to one site, before it is posted.
pub(super) struct Mail {
    pub to: SiteId,
    pub entry: Entry,
}

impl<S: Store> Engine<S> {
    /// Seals a letter.
    pub(super) fn letter(&mut self, to: SiteId, letter: &Letter) -> Result<Mail, EngineError> {
        let key = self.roster.box_key(to).ok_or(EngineError::NoBoxKey(to))?;
        let info = letter_info(self.site, to);
        let content = letter.encode();
        let entropy = self.entropy(&content);
        let sealed = seal::box_seal(&key, &info, &content, entropy)?;
        Ok(Mail {
            to,
            entry: Entry::Letter { sealed },
        })
    }

    /// Writes mail to this site's control log, and notes for whom each segment is urgent.
    pub(super) fn post(&mut self, mail: Vec<Mail>) -> Result<(), EngineError> {
        if mail.is_empty() {
            return Ok(());
        }
        self.posted = true;
        let mut readers: Vec<SiteId> = mail.iter().map(|one| one.to).collect();
        readers.dedup();
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

    fn note_urgent(&mut self, to: SiteId, run: RunId, height: u32) -> Result<(), EngineError> {
        let place = key_of(&[&to.0.to_be_bytes(), &run.0, &height.to_be_bytes()]);
        Ok(self.store.write(Table::Urgent, &place, &[])?)
    }

    /// Segments in which something for that site waits for its receipt.
    pub(super) fn urgent_for(&self, to: SiteId) -> Result<Vec<(RunId, u32)>, EngineError> {
        let rows = self
            .store
            .scan(Table::Urgent, &to.0.to_be_bytes(), &[], usize::MAX)?;
        let place = |key: &[u8]| {
            let run = key.get(2..18)?.try_into().ok()?;
            let height = key.get(18..22)?.try_into().ok()?;
            Some((RunId(run), u32::from_be_bytes(height)))
        };
        let wrong = || EngineError::Malformed("an urgent segment");
        rows.iter()
            .map(|(key, _)| place(key).ok_or_else(wrong))
            .collect()
    }

    /// What a site's receipt covers is no longer urgent for it.
    pub(super) fn no_longer_urgent(&mut self, of: &Statement) -> Result<(), EngineError> {
        let urgent = self.urgent_for(of.site)?;
        if urgent.is_empty() {
            return Ok(());
        }
        let stated = SiteFrontier {
            heads: of.complete.get(&self.site).cloned().unwrap_or_default(),
            beyond: Vec::new(),
        };
        let hash = |run, log, height| Host::hash(self, run, log, height);
        let covered = self.skeleton.coverage(self.site, &stated, &[], &hash).runs;
        for (run, height) in urgent {
            if covered.get(&run).is_some_and(|held| held.0 > height) {
                let place = key_of(&[&of.site.0.to_be_bytes(), &run.0, &height.to_be_bytes()]);
                self.store.remove(Table::Urgent, &place)?;
            }
        }
        Ok(())
    }

    /// Reads what a control segment that came ahead of its turn says to this node. It is not kept:
    /// it comes again in its place, and is then not read a second time.
    pub(super) fn take_ahead(&mut self, segment: &Segment) -> Result<Taken, EngineError> {
        let header = &segment.header;
        let hash = header.hash();
        let known = Host::hash(self, header.run, Log::Control, header.height) == Some(hash)
            || self.store.read(Table::Ahead, &hash.0)?.is_some();
        if known {
            return Ok(Taken::Known);
        }
        if header.log != Log::Control || !header.run.belongs_to(header.site) {
            return Ok(Taken::Refused(
                "ahead of its turn: no control segment".to_owned(),
            ));
        }
        if let Err(error) = segment.verify(self.roster.keys(header.site)) {
            return Ok(Taken::Refused(error.to_string()));
        }
        if self.store.scan(Table::Ahead, &[], &[], AHEAD_MAX)?.len() >= AHEAD_MAX {
            let reason = format!("{}: too much ahead of its turn", self.code(header.site));
            return Ok(Taken::Refused(reason));
        }
        self.store.write(Table::Ahead, &hash.0, &[])?;
        for bytes in segment.parcels.iter().flatten() {
            match Entry::decode(bytes) {
                Ok(Entry::Grant { id, sealed }) => self.open_grant(header.site, id, &sealed)?,
                Ok(Entry::Letter { sealed }) => self.open_letter(header.site, &sealed)?,
                _ => {}
            }
        }
        Ok(Taken::New)
    }

    /// Whether a control segment was read ahead of its turn; its turn has come.
    pub(super) fn was_read_ahead(&mut self, hash: &Hash) -> Result<bool, EngineError> {
        let read = self.store.read(Table::Ahead, &hash.0)?.is_some();
        if read {
            self.store.remove(Table::Ahead, &hash.0)?;
        }
        Ok(read)
    }

    /// Tries a letter: it names no reader, so every site does.
    pub(super) fn open_letter(&mut self, from: SiteId, sealed: &[u8]) -> Result<(), EngineError> {
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
            Letter::Answer(answer) if of_headquarters => self.read_answer(answer),
            Letter::Announced(list) => {
                for one in list {
                    self.read_announced(from, one)?;
                }
                Ok(())
            }
            Letter::NotComing(learners) => {
                for learner in learners {
                    let expected = self.expected(learner)?;
                    if expected.is_some_and(|expected| expected.from == from) {
                        self.store.remove(Table::Expected, &learner.0)?;
                    }
                }
                Ok(())
            }
            Letter::Arrived(arrived) if of_headquarters || arrived.site == from => {
                self.read_arrived(arrived)
            }
            Letter::NotArrived(arrived) if of_headquarters || arrived.site == from => {
                self.read_not_arrived(arrived)
            }
            Letter::Disputed(arrived) => self.read_disputed(from, arrived),
            Letter::Newer(_) => Ok(()),
            _ => self.set_aside(&format!(
                "a letter of {} that is not its to write",
                self.code(from)
            )),
        }
    }

    fn read_answer(&mut self, answer: Answer) -> Result<(), EngineError> {
        let Some(mut here) = self.here(answer.learner)? else {
            return Ok(());
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
            // He came before the news of him did.
            let from = here.from.or(Some(from));
            let withheld = here.withheld || one.withheld;
            return self.keep_here(
                learner,
                &Here {
                    from,
                    withheld,
                    ..here
                },
            );
        }
        let awaited = self
            .expected(learner)?
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

    fn keep_expected(&mut self, learner: LearnerId, row: &Expected) -> Result<(), EngineError> {
        let known = self.store.read(Table::Expected, &learner.0)?.is_some();
        let count = || self.store.scan(Table::Expected, &[], &[], EXPECTED_MAX);
        if !known && count()?.len() >= EXPECTED_MAX {
            return self.set_aside("more learners announced than any site can take");
        }
        Ok(self
            .store
            .write(Table::Expected, &learner.0, &codec::encode(row))?)
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
            if let Some(mut here) = self.here(*learner)? {
                here.awaited.extend(awaited);
                // The old site's own grant answers as well as the DGP's.
                here.question = here.question.filter(|(_, about)| *about != About::Card);
                self.keep_here(*learner, &here)?;
            } else if let Some(away) = self.away(*learner)? {
                let onward = away.onward || new;
                self.keep_away(*learner, &Away { onward, ..away })?;
            } else if !self.is_headquarters() && self.own_stay(*learner)?.is_none_or(|s| !s.open) {
                let mut row = self.expected(*learner)?.unwrap_or(Expected {
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

    /// The receipt of a learner who left, or the news that one who is here is said to be elsewhere.
    fn read_arrived(&mut self, arrived: Arrived) -> Result<(), EngineError> {
        let learner = arrived.learner;
        let Some(own) = self.own_stay(learner)? else {
            return Ok(());
        };
        let away = self.away(learner)?;
        if own.open
            && away.is_none()
            && self
                .here(learner)?
                .is_some_and(|h| h.from == Some(arrived.site))
        {
            // He has come back from there since: old news.
            return Ok(());
        }
        let away = away.unwrap_or(Away {
            from: self.site,
            to: Destination::Site(arrived.site),
            date: arrived.date,
            stamp: self.world.wall_seconds(),
            arrived: None,
            disputed: false,
            onward: false,
        });
        let arrived = Some(arrived);
        self.keep_away(learner, &Away { arrived, ..away })
    }

    fn read_not_arrived(&mut self, arrived: Arrived) -> Result<(), EngineError> {
        let learner = arrived.learner;
        let Some(away) = self.away(learner)? else {
            return Ok(());
        };
        if away.arrived.is_none_or(|known| known.stay != arrived.stay) {
            return Ok(());
        }
        if self.own_stay(learner)?.is_some_and(|own| own.open) {
            return Ok(self.store.remove(Table::Away, &learner.0)?);
        }
        let arrived = None;
        self.keep_away(learner, &Away { arrived, ..away })
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
            let mut mail = vec![engine.letter(arrived.site, &letter)?];
            if let Some(to) = engine.roster.headquarters().map(|site| site.id) {
                mail.push(engine.letter(to, &letter)?);
            }
            engine.post(mail)?;
            let disputed = true;
            engine.keep_away(learner, &Away { disputed, ..away })
        })
    }
}
