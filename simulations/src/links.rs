//! Links: windows in which two nodes reach each other, thin lines, connections that break at any
//! byte, outages of weeks. The exchange is the session of `spean-protocol`, driven as the node drives
//! it: what comes together is one input of the engine.

use std::collections::VecDeque;

use spean::engine::EngineError;
use spean_protocol::codec;
use spean_protocol::session::{Frame, Session, SessionError, Step};

use crate::act::Act;
use crate::faults::Fault;
use crate::machine::{Machine, Node, Trouble};
use crate::plan::{DAY, HOUR, Planner};
use crate::world::World;

/// Bytes that are taken or gathered as one input, as the node does.
const BATCH_BYTES: usize = 64 * 1024;

/// Bytes of a window that are so few that the line counts as thin.
const THIN_BYTES: u64 = 40_000;

pub(crate) fn plan(planner: &mut Planner<'_>) {
    for site in planner.prisons() {
        let mut dice = planner.dice(&format!("links {site}"));
        let class = &planner.scenario.classes[&planner.scenario.sites[site - 1].1];
        let outages: Vec<(u64, u64)> = planner
            .yearly(&mut dice, class.outages_yearly)
            .into_iter()
            .map(|from| {
                (
                    from,
                    from + u64::from(dice.between(class.outage_days)) * DAY,
                )
            })
            .collect();
        let windows = [(0, class.windows_weekly), (1, class.neighbour_weekly)];
        for (neighbour, weekly) in windows {
            for day in 0..u64::from(planner.scenario.days) {
                // Working days only.
                if day % 7 >= 5 || !dice.chance(weekly / 5.0) {
                    continue;
                }
                let at = day * DAY + 8 * HOUR + dice.below(9 * HOUR);
                let peer = match neighbour {
                    0 => 0,
                    _ => 1 + dice.index(planner.scenario.sites.len()),
                };
                let seconds = u64::from(dice.between(class.minutes)) * 60;
                let bytes = seconds * u64::from(dice.between(class.kilobits)) * 125;
                let mut bytes = bytes.min(u64::from(class.megabytes_max) * 1_000_000);
                if dice.chance(0.05) {
                    bytes = 500 + dice.below(THIN_BYTES);
                }
                let broken = dice.chance(class.cut).then(|| dice.below(30_000));
                let failed = dice.chance(class.fail);
                let weeks = outages.iter().any(|(from, to)| (*from..*to).contains(&at));
                if weeks || failed || peer == site {
                    let fault = if weeks {
                        Fault::Outage
                    } else {
                        Fault::WindowFailed
                    };
                    planner.mishap(fault, at, Act::NoLink { site, weeks });
                    continue;
                }
                if broken.is_some() {
                    planner.planned.add(Fault::CutExchange);
                }
                if bytes < THIN_BYTES {
                    planner.planned.add(Fault::ThinLine);
                }
                planner.add(
                    at,
                    Act::Link {
                        a: site,
                        b: peer,
                        bytes,
                        broken,
                        slow: false,
                    },
                );
            }
        }
    }
}

/// What a line lets through.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Bytes left in each direction.
    pub left: [u64; 2],
    /// Bytes of both until it breaks.
    pub until_broken: u64,
}

impl Line {
    /// A line that lets everything through.
    pub const WHOLE: Self = Self {
        left: [u64::MAX; 2],
        until_broken: u64::MAX,
    };

    /// Sends bytes in a direction; `false` when not all of them come through.
    fn carries(&mut self, direction: usize, bytes: u64) -> bool {
        let through = bytes <= self.left[direction] && bytes <= self.until_broken;
        self.left[direction] = self.left[direction].saturating_sub(bytes);
        self.until_broken = self.until_broken.saturating_sub(bytes);
        through
    }
}

/// How an exchange went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Talk {
    /// Both sides were done.
    pub complete: bool,
    /// There was nothing to exchange.
    pub same: bool,
    /// Bytes in each direction.
    pub bytes: [u64; 2],
    /// The line ended it.
    pub cut: bool,
}

/// Why an exchange ended, beside the line.
pub struct Broke {
    /// Which side.
    pub side: usize,
    /// What of it.
    pub trouble: Trouble,
}

/// One side of an exchange.
struct Side<'a> {
    machine: &'a mut Machine,
    session: Session,
    come: VecDeque<Vec<u8>>,
}

/// Has one exchange between two machines.
///
/// # Errors
/// [`Broke`] when one of the machines could not go on.
pub fn talk(a: &mut Machine, b: &mut Machine, line: &mut Line) -> Result<Talk, Broke> {
    let sites = [a.site, b.site];
    let of = |side| move |trouble| Broke { side, trouble };
    a.ask(Node::flush).map_err(of(0))?;
    b.ask(Node::flush).map_err(of(1))?;
    let session = a
        .ask(|engine| Ok(Session::dial(engine, sites[0], sites[1])))
        .map_err(of(0))?;
    let mut sides = [
        Side {
            machine: a,
            session,
            come: VecDeque::new(),
        },
        Side {
            machine: b,
            session: Session::answer(sites[1], sites[0]),
            come: VecDeque::new(),
        },
    ];
    let mut talk = Talk::default();
    loop {
        let mut moved = false;
        for at in 0..2 {
            let side = &mut sides[at];
            let come: Vec<Vec<u8>> = side.come.drain(..).collect();
            moved |= !come.is_empty();
            side.takes(&come).map_err(of(at))?;
            let frames = side.gathers().map_err(of(at))?;
            moved |= !frames.is_empty();
            for frame in frames {
                let bytes = (frame.len() + codec::encode(&frame.len()).len()) as u64;
                talk.bytes[at] += bytes;
                if !talk.cut && line.carries(at, bytes) {
                    sides[1 - at].come.push_back(frame);
                } else {
                    talk.cut = true;
                }
            }
        }
        let outcomes = sides.each_ref().map(|side| side.session.outcome());
        let complete = outcomes.iter().all(|outcome| outcome.complete);
        // Where the line ends, what had come through is still taken in.
        if !moved || (talk.cut && sides.iter().all(|side| side.come.is_empty())) {
            talk.complete = complete && !talk.cut;
            talk.same = outcomes[0].same;
            return Ok(talk);
        }
    }
}

impl Side<'_> {
    fn takes(&mut self, come: &[Vec<u8>]) -> Result<(), Trouble> {
        let mut rest = come;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|frame| {
                let first = bytes == 0;
                bytes += frame.len();
                first || bytes <= BATCH_BYTES
            });
            let (now, later) = rest.split_at(fits.count());
            rest = later;
            self.work(|session, engine| {
                now.iter().try_for_each(|bytes| match Frame::decode(bytes) {
                    Ok(frame) => session.receive(frame, engine),
                    Err(_) => Ok(()),
                })
            })?;
        }
        Ok(())
    }

    fn gathers(&mut self) -> Result<Vec<Vec<u8>>, Trouble> {
        self.work(|session, engine| {
            let mut frames = Vec::new();
            let mut bytes = 0;
            while bytes < BATCH_BYTES {
                let Step::Send(frame) = session.next(engine)? else {
                    break;
                };
                let frame = frame.encode();
                bytes += frame.len();
                frames.push(frame);
            }
            Ok(frames)
        })
    }

    fn work<T>(
        &mut self,
        steps: impl FnOnce(&mut Session, &mut Node) -> Result<T, SessionError<EngineError>>,
    ) -> Result<T, Trouble> {
        let session = &mut self.session;
        let mut broke = None;
        let done = self.machine.ask(|engine| {
            engine.exchange(|engine| match steps(session, engine) {
                Ok(value) => Ok(Some(value)),
                Err(SessionError::Host(error)) => Err(error),
                Err(error) => {
                    broke = Some(error.to_string());
                    Ok(None)
                }
            })
        })?;
        match (done, broke) {
            (Some(value), _) => Ok(value),
            (None, reason) => Err(Trouble::Broken(format!(
                "two honest nodes do not understand each other: {}",
                reason.unwrap_or_default()
            ))),
        }
    }
}

impl World {
    /// A window: an exchange at its beginning, and another at its end for what the first caused.
    pub(crate) fn link(
        &mut self,
        (a, b): (usize, usize),
        (bytes, broken, slow): (u64, Option<u64>, bool),
        salt: u64,
    ) {
        let (Some(one), Some(other)) = (self.machine_at(a, salt), self.machine_at(b, salt >> 8))
        else {
            return;
        };
        let mut line = Line {
            left: [bytes; 2],
            until_broken: broken.unwrap_or(u64::MAX),
        };
        for _ in 0..2 {
            let Some(talk) = self.exchange(one, other, &mut line) else {
                return;
            };
            if talk.cut {
                let broke = line.until_broken == 0 && broken.is_some();
                self.happened.add(match (broke, slow) {
                    (true, _) => Fault::CutExchange,
                    (false, true) => Fault::DiskSlow,
                    (false, false) => Fault::ThinLine,
                });
                return;
            }
            if talk.same {
                return;
            }
        }
    }

    /// One exchange between two machines, with all that follows from it.
    pub(crate) fn exchange(&mut self, one: usize, other: usize, line: &mut Line) -> Option<Talk> {
        if one == other || self.machines[one].site == self.machines[other].site {
            return None;
        }
        let now = self.now;
        let [a, b] = self.machines.get_disjoint_mut([one, other]).ok()?;
        a.tell_time(now);
        b.tell_time(now);
        let sites = [a.site, b.site];
        let talked = talk(a, b, line);
        let talk = match talked {
            Ok(talk) => talk,
            Err(Broke { side, trouble }) => {
                let which = [one, other][side];
                self.trouble(which, trouble);
                self.sealed(one);
                self.sealed(other);
                return None;
            }
        };
        self.trace.note(
            "exchange",
            &[one as u64, other as u64, talk.bytes[0], talk.bytes[1]],
        );
        self.measures.bytes(&[
            (self.machines[one].place, &talk.bytes),
            (self.machines[other].place, &talk.bytes),
        ]);
        for (which, peer) in [(one, sites[1]), (other, sites[0])] {
            if talk.complete {
                let _ = self.ask(which, |engine| engine.note_exchange(peer));
            }
            self.fold(which);
            self.sealed(which);
        }
        if talk.complete {
            let places = [self.machines[one].place, self.machines[other].place];
            self.measures.contact(places[0], places[1], now, now);
            self.measures.contact(places[1], places[0], now, now);
            self.confirm(one);
            self.confirm(other);
        }
        Some(talk)
    }
}
