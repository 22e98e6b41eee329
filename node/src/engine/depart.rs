//! Learners leave: one, a hundred from a list, a whole site. The departure is an event of the stay;
//! the keys of the stay go to the destination in a grant, and on a slip that goes with the learner;
//! who is on his way is announced there. A departure that did not happen, or led elsewhere, is put
//! right as long as nobody is known to have admitted him.

use serde::{Deserialize, Serialize};
use spean_protocol::custody::Stay;
use spean_protocol::event::{Body, Date, DepartureReason, Destination, Event};
use spean_protocol::id::{LearnerId, SiteId, Stream};
use spean_protocol::letter::{Announced, Arrived, Letter};
use spean_protocol::limits::{LETTER_LEARNERS_MAX, LETTER_NAMES_MAX};
use spean_protocol::view::{LearnerView, OpenItems};

use super::arrive::Here;
use super::write::OwnStay;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// What became of one of those whom a command names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moved<T> {
    /// It is done.
    Done(T),
    /// It cannot be done, and nothing of it was.
    Refused {
        /// Who, as the command named him.
        who: String,
        /// What is wrong and what to do.
        why: String,
    },
}

impl<T> Moved<T> {
    /// What was done, if it was.
    pub fn done(&self) -> Option<&T> {
        match self {
            Self::Done(value) => Some(value),
            Self::Refused { .. } => None,
        }
    }

    /// What was done.
    ///
    /// # Errors
    /// Why it was not.
    pub fn into_result(self) -> Result<T, EngineError> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Refused { why, .. } => Err(EngineError::Refused(why)),
        }
    }
}

/// What a departure gives to the officer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// Who left.
    pub learner: LearnerId,
    /// His name.
    pub name: String,
    /// The code of the destination, or what it is in a word.
    pub to: String,
    /// The slip's text, where the destination is a site with a key.
    pub slip: Option<String>,
    /// Further slips of his, each with keys that the one before had no room for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<String>,
    /// What is open and moves with him.
    pub moves: OpenItems,
}

/// A learner who left and is not known to be anywhere: at the site that he left, and at the DGP.
/// Where an arrival is told although nobody has left, it stands beside an open stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Away {
    /// The site that he left.
    pub from: SiteId,
    /// Where to.
    pub to: Destination,
    /// The day, as somebody wrote it down.
    pub date: Option<Date>,
    /// This machine's clock when it was recorded.
    pub stamp: u64,
    /// Where he is said to have arrived, as was heard last.
    pub arrived: Option<Arrived>,
    /// The first receipt of where he was sent: what else is heard is of what came after.
    pub received: Option<Arrived>,
    /// This site says that he has not left.
    pub disputed: bool,
    /// Keys came after he had left: they are to be granted on once he is known to have come there.
    pub onward: bool,
    /// The fingerprints of those that go on earlier, if they are of his time before he was here.
    pub past: Vec<[u8; 16]>,
    /// How he had been admitted, for when the departure did not happen.
    pub here: Option<Box<Here>>,
}

impl Away {
    /// Of somebody of whom nothing is known but that he left a site.
    pub(super) const fn nowhere(from: SiteId, stamp: u64) -> Self {
        Self {
            from,
            to: Destination::Unknown,
            date: None,
            stamp,
            arrived: None,
            received: None,
            disputed: false,
            onward: false,
            past: Vec::new(),
            here: None,
        }
    }
}

/// One who leaves, before his departure is sealed: his record closes with it.
pub(super) struct Leaving {
    learner: LearnerId,
    own: OwnStay,
    name: String,
    moves: OpenItems,
    announced: Announced,
}

impl Departure {
    /// All slips, in order.
    pub fn slips(&self) -> impl Iterator<Item = &str> {
        self.slip.iter().chain(&self.further).map(String::as_str)
    }
}

impl<S: Store> Engine<S> {
    /// Records the departure of one learner.
    ///
    /// # Errors
    /// [`EngineError::Refused`] says why he cannot leave; else as [`Engine::transfer_out_all`].
    pub fn transfer_out(
        &mut self,
        learner: LearnerId,
        to: Destination,
        date: Option<Date>,
        with_restricted: bool,
    ) -> Result<Departure, EngineError> {
        let mut done = self.transfer_out_all(&[learner], to, date, with_restricted)?;
        done.pop()
            .ok_or(EngineError::UnknownLearner(learner))?
            .into_result()
    }

    /// Records departures to one destination, seals them at once, hands on the keys of the stays
    /// and announces who comes. Restricted data go along only with the learners' agreement.
    ///
    /// # Errors
    /// [`EngineError::NoBoxKey`] or what the store says; who cannot leave is refused by himself.
    pub fn transfer_out_all(
        &mut self,
        learners: &[LearnerId],
        to: Destination,
        date: Option<Date>,
        with_restricted: bool,
    ) -> Result<Vec<Moved<Departure>>, EngineError> {
        self.input(|engine| {
            if let Destination::Site(site) = to {
                let key = engine.roster.box_key(site);
                key.ok_or(EngineError::NoBoxKey(site))?;
            }
            engine.flush_now()?;
            let mut outcomes = Vec::with_capacity(learners.len());
            let mut leaving = Vec::new();
            for learner in learners {
                outcomes.push(match engine.leaves(*learner, to, date)? {
                    Ok(one) if leaving.iter().all(|l: &Leaving| l.learner != *learner) => {
                        leaving.push(one);
                        Ok(leaving.len() - 1)
                    }
                    Ok(_) => Err("he is in the list twice".to_owned()),
                    Err(why) => Err(why),
                });
            }
            // Whoever left for another place comes back first, under a stay of his own.
            engine.flush_now()?;
            for one in &leaving {
                engine.depart(one, to, date)?;
            }
            engine.flush_now()?;
            let slips = match to {
                Destination::Site(site) => engine.hand_on(&leaving, site, with_restricted)?,
                _ => vec![Vec::new(); leaving.len()],
            };
            tracing::info!(count = leaving.len(), "departures recorded");
            let name = engine.destination_word(to);
            let told = |(learner, outcome): (&LearnerId, Result<usize, String>)| match outcome {
                Ok(at) => {
                    let mut slips = slips[at].iter().cloned();
                    Moved::Done(Departure {
                        learner: *learner,
                        name: leaving[at].name.clone(),
                        to: name.clone(),
                        slip: slips.next(),
                        further: slips.collect(),
                        moves: leaving[at].moves.clone(),
                    })
                }
                Err(why) => Moved::Refused {
                    who: learner.to_string(),
                    why,
                },
            };
            Ok(learners.iter().zip(outcomes).map(told).collect())
        })
    }

    /// Whether a learner can leave, and what is to be known of him before his record closes.
    pub(super) fn leaves(
        &mut self,
        learner: LearnerId,
        to: Destination,
        date: Option<Date>,
    ) -> Result<Result<Leaving, String>, EngineError> {
        let Some(mut own) = self.own_stay(learner)? else {
            return Ok(Err(EngineError::UnknownLearner(learner).to_string()));
        };
        if !own.open {
            if let Some(why) = self.cannot_leave_again(learner, to)? {
                return Ok(Err(why));
            }
            own = self.stays_after_all(learner)?;
        }
        let view = self.view_of(learner)?;
        let profile = &view.profile;
        let names = profile.names.iter().map(|claim| claim.value.clone());
        let announced = Announced {
            learner,
            date,
            names: names.take(LETTER_NAMES_MAX).collect(),
            sex: profile.sex.first().map(|claim| claim.value),
            birth: profile.birth.first().map(|claim| claim.value),
            withheld: false,
        };
        Ok(Ok(Leaving {
            learner,
            own,
            name: super::fold::display_name(&view),
            moves: OpenItems::of(&view),
            announced,
        }))
    }

    /// Why somebody who has left cannot leave for another place; `None` where he can: the van went
    /// elsewhere, and nobody is known to have admitted him.
    fn cannot_leave_again(
        &mut self,
        learner: LearnerId,
        to: Destination,
    ) -> Result<Option<String>, EngineError> {
        let Some(away) = self.away(learner)? else {
            // A machine that was lost and filled again does not know it any more.
            let view = self.view_of(learner)?;
            let here = self.site;
            let left = |stay: &Stay| stay.site == here && !stay.departures.is_empty();
            let known = view.stays.iter().any(left);
            return Ok((!known).then(|| EngineError::NotHere(learner).to_string()));
        };
        let place = self.destination_word(away.to);
        Ok(match away.arrived {
            Some(arrived) => Some(format!(
                "learner {learner} has left, and {} has admitted him: what follows is recorded there",
                self.code(arrived.site)
            )),
            None if away.to == to => Some(format!(
                "learner {learner} has left for {place} already: 'spean transfer slip' gives his \
                 slip again"
            )),
            None => None,
        })
    }

    /// What the record of one who is here says, with what is only waiting to be sealed.
    fn view_of(&mut self, learner: LearnerId) -> Result<LearnerView, EngineError> {
        Ok(LearnerView::fold(&self.person_entries(learner)?))
    }

    pub(super) fn depart(
        &mut self,
        leaving: &Leaving,
        to: Destination,
        date: Option<Date>,
    ) -> Result<(), EngineError> {
        let reason = match to {
            Destination::Released => DepartureReason::Released,
            Destination::Site(_) | Destination::WithoutNode => DepartureReason::Transferred,
            _ => DepartureReason::Unknown,
        };
        let learner = leaving.learner;
        let body = Body::Departed {
            stay: leaving.own.stay,
            to,
            reason,
        };
        self.keep_event(
            learner,
            &Event {
                date,
                ..Event::new(body)
            },
        )?;
        let here = self.here(learner)?;
        let here = here.map(|here| {
            Box::new(Here {
                before: None,
                ..here
            })
        });
        self.store.remove(Table::Here, &learner.0)?;
        // Perhaps the news that he arrived there came before anybody recorded that he left.
        let told = self.away(learner)?.and_then(|away| away.arrived);
        let arrived = told.filter(|arrived| to == Destination::Site(arrived.site));
        let away = Away {
            to,
            date,
            arrived,
            received: arrived,
            here,
            ..Away::nowhere(self.site, self.world.wall_seconds())
        };
        self.keep_away(learner, &away)
    }

    /// Grants the keys of all who leave to the destination, announces them and issues their slips.
    fn hand_on(
        &mut self,
        leaving: &[Leaving],
        to: SiteId,
        with_restricted: bool,
    ) -> Result<Vec<Vec<String>>, EngineError> {
        let upto = self.own_upto();
        let mut granted = Vec::new();
        let mut announced = Vec::new();
        let mut slips = Vec::with_capacity(leaving.len());
        for one in leaving {
            let keys = self.keys_of_stay(one.learner, one.own, with_restricted)?;
            let linked = self.linked_keys(one.learner)?;
            let moves = keys.iter().any(|key| key.stream == Stream::Restricted);
            let withheld = !moves && self.has_restricted(one.learner)?;
            announced.push(Announced {
                withheld,
                ..one.announced.clone()
            });
            let known = self.keys_of(one.learner)?;
            self.mark_all_given(one.learner, to, &known)?;
            let mut learners = vec![(one.learner, keys)];
            learners.extend(linked);
            slips.push(self.issue_slips(to, upto, &learners)?);
            granted.extend(learners);
        }
        let mut mail = self.grant_mail(to, upto, &granted)?;
        for part in announced.chunks(LETTER_LEARNERS_MAX) {
            mail.extend(self.letter(to, &Letter::Announced(part.to_vec()))?);
        }
        self.post(mail)?;
        Ok(slips)
    }

    /// The keys that are held hand on what they open, in the stream that they are of, even where
    /// this site never writes in it.
    pub(super) fn hand_on_keys_of_past(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        let keys = self.keys_of(learner)?;
        for stream in Stream::ALL {
            if keys.iter().any(|key| key.stream == stream) {
                self.keep_pending(learner, stream, None)?;
            }
        }
        Ok(())
    }

    pub(super) fn away(&self, learner: LearnerId) -> Result<Option<Away>, EngineError> {
        let row = self.store.read(Table::Away, &learner.0)?;
        Ok(row
            .map(|bytes| spean_protocol::codec::decode(&bytes))
            .transpose()?)
    }

    pub(super) fn keep_away(&mut self, learner: LearnerId, away: &Away) -> Result<(), EngineError> {
        let row = spean_protocol::codec::encode(away);
        Ok(self.store.write(Table::Away, &learner.0, &row)?)
    }

    /// The destination as the command line calls it.
    pub(super) fn destination_word(&self, to: Destination) -> String {
        match to {
            Destination::Site(site) => self.code(site),
            Destination::Released => "released".to_owned(),
            Destination::WithoutNode => "without-node".to_owned(),
            _ => "unknown".to_owned(),
        }
    }
}
