//! Sticks: the node's own stick driver over a medium in memory. Carried on tours, forgotten, lost,
//! full, pulled at any write, copied and put in again months later, with bits changed, at the wrong
//! prison, overtaken by another.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read, Result as Io};

use spean::api::{BundleLine, Kind, Refusal};
use spean::engine::EngineError;
use spean::stick;
use spean::stick::medium::Medium;
use spean::store::StoreError;
use spean_protocol::bundle::{Manifest, Writer};
use spean_protocol::id::SiteId;

use crate::act::{Act, Mishap};
use crate::dice::Dice;
use crate::faults::Fault;
use crate::plan::{DAY, HOUR, Planner};
use crate::world::{World, site_of};

/// A stick on its way.
#[derive(Clone, Debug, Default)]
pub struct Stick {
    files: BTreeMap<String, Vec<u8>>,
    half: Vec<u8>,
    room: u64,
    pulled_after: Option<u64>,
    /// Why the medium refused something last.
    refused: Option<ErrorKind>,
    stops: Vec<(usize, u32)>,
    mishaps: Vec<(usize, Mishap)>,
    /// Who wrote a file, and when.
    written: BTreeMap<String, (usize, u64)>,
    /// It is a copy, put in again.
    is_copy: bool,
}

impl Stick {
    fn refuse(&mut self, kind: ErrorKind) -> Error {
        self.refused = Some(kind);
        kind.into()
    }
}

impl Medium for Stick {
    fn shown(&self, name: &str) -> String {
        format!("stick/{name}")
    }

    fn names(&self) -> Io<Vec<String>> {
        let bundle = |name: &&String| name.ends_with(stick::ENDING);
        Ok(self.files.keys().filter(bundle).cloned().collect())
    }

    fn exists(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    fn open(&self, name: &str) -> Io<Box<dyn Read + '_>> {
        let file = self.files.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(file.as_slice()))
    }

    fn begin(&mut self, _: &str) -> Io<()> {
        self.half.clear();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Io<()> {
        let length = bytes.len() as u64;
        if let Some(left) = &mut self.pulled_after {
            if *left < length {
                *left = 0;
                return Err(self.refuse(ErrorKind::NotFound));
            }
            *left -= length;
        }
        let used = self.files.values().map(Vec::len).sum::<usize>() + self.half.len();
        if used as u64 + length > self.room {
            return Err(self.refuse(ErrorKind::StorageFull));
        }
        self.half.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, _: &str, name: &str) -> Io<()> {
        let whole = std::mem::take(&mut self.half);
        self.files.insert(name.to_owned(), whole);
        Ok(())
    }

    fn remove(&mut self, name: &str) {
        if self.files.remove(name).is_none() {
            self.half.clear();
        }
    }
}

pub(crate) fn plan(planner: &mut Planner<'_>) {
    let scenario = planner.scenario;
    let sticks = &scenario.sticks;
    for site in planner.prisons() {
        let class = &scenario.classes[&scenario.sites[site - 1].1];
        if class.stick_days[1] == 0 {
            continue;
        }
        let mut dice = planner.dice(&format!("sticks {site}"));
        let mut at = DAY * dice.below(u64::from(class.stick_days[1]));
        while at < planner.end() {
            let mut stops = vec![(0, 0), (site, dice.between([6, 48]))];
            if dice.chance(0.4) {
                let by_the_way = 1 + dice.index(scenario.sites.len());
                stops.push((by_the_way, dice.between([4, 30])));
            }
            stops.push((0, dice.between([6, 72])));
            let mut mishaps = Vec::new();
            for stop in 0..stops.len() {
                let kinds = [
                    (sticks.lost, Fault::StickLost, Mishap::Lost),
                    (sticks.forgotten, Fault::StickForgotten, Mishap::Forgotten),
                    (
                        sticks.pulled,
                        Fault::StickPulled,
                        Mishap::Pulled(u32::try_from(dice.below(40_000)).unwrap_or(0)),
                    ),
                    (sticks.rotten, Fault::StickRotten, Mishap::Rotten),
                    (
                        sticks.astray,
                        Fault::StickAstray,
                        Mishap::Astray(1 + dice.index(scenario.sites.len())),
                    ),
                    (
                        sticks.late,
                        Fault::SticksCrossed,
                        Mishap::Late(dice.between([10, 45])),
                    ),
                    (sticks.copied, Fault::StickReplayed, Mishap::Copied),
                    (
                        scenario.software.unknown_piece,
                        Fault::UnknownPiece,
                        Mishap::Unknown,
                    ),
                ];
                for (share, fault, mishap) in kinds {
                    if dice.chance(share) {
                        planner.planned.add(fault);
                        mishaps.push((stop, mishap));
                    }
                }
            }
            let small = dice.chance(sticks.small);
            if small {
                planner.planned.add(Fault::StickFull);
            }
            let room = if small {
                3_000 + dice.below(60_000)
            } else {
                sticks.room
            };
            let hours: u64 = stops.iter().map(|(_, hours)| u64::from(*hours)).sum();
            planner.add(
                at + 9 * HOUR,
                Act::Tour {
                    stops,
                    room,
                    mishaps,
                },
            );
            at += hours * HOUR + DAY * u64::from(dice.between(class.stick_days));
        }
    }
    let copies = planner.planned.of(Fault::StickReplayed);
    let mut dice = planner.dice("copies");
    for copy in 0..copies {
        let at = planner.end() / 3 + dice.below(planner.end() * 2 / 3);
        let site = dice.index(scenario.sites.len() + 1);
        let copy = usize::try_from(copy).unwrap_or(0);
        planner.add(at, Act::Again { copy, site });
    }
}

impl World {
    /// A stick sets out.
    pub(crate) fn tour(
        &mut self,
        stops: &[(usize, u32)],
        room: u64,
        mishaps: &[(usize, Mishap)],
        salt: u64,
    ) {
        let stick = self.sticks.len();
        self.sticks.push(Stick {
            room,
            stops: stops.to_vec(),
            mishaps: mishaps.to_vec(),
            ..Stick::default()
        });
        self.stop(stick, 0, salt);
    }

    /// A stick goes along in the van; whether anything was written to it.
    pub(crate) fn van_stick(&mut self, which: usize, to: usize, hours: u32, salt: u64) -> bool {
        let number = self.sticks.len();
        let from = self.machines[which].place;
        self.sticks.push(Stick {
            room: self.scenario.sticks.room,
            stops: vec![(from, 0), (to, hours)],
            ..Stick::default()
        });
        let written = self.writes(which, number, &[site_of(to)]);
        // The van's stick is put in before anybody is admitted.
        let at = (self.now + u64::from(hours.max(1)) * HOUR).saturating_sub(60);
        self.schedule(
            at,
            salt,
            Act::Stop {
                stick: number,
                stop: 1,
            },
        );
        written
    }

    /// A stick is put in: what is on it is taken in, what those ahead lack is written.
    pub(crate) fn stop(&mut self, number: usize, stop: usize, salt: u64) {
        let Some((place, _)) = self
            .sticks
            .get(number)
            .and_then(|stick| stick.stops.get(stop))
            .copied()
        else {
            return;
        };
        let here: Vec<Mishap> = {
            let stick = &mut self.sticks[number];
            let of_stop = |(at, mishap): &(usize, Mishap)| (*at == stop).then_some(*mishap);
            let here = stick.mishaps.iter().filter_map(of_stop).collect();
            stick.mishaps.retain(|(at, _)| *at != stop);
            here
        };
        for mishap in here {
            if !self.goes_wrong(number, stop, mishap, salt) {
                return;
            }
        }
        let Some(which) = self.machine_at(place, salt) else {
            self.schedule(
                self.now + DAY / 2,
                salt,
                Act::Stop {
                    stick: number,
                    stop,
                },
            );
            return;
        };
        self.measures.stops += 1;
        self.takes_in(which, number);
        let ahead = self.sticks[number].stops[stop + 1..].to_vec();
        let mut sites: Vec<SiteId> = ahead.iter().map(|(place, _)| site_of(*place)).collect();
        sites.sort_unstable();
        sites.dedup();
        sites.retain(|site| *site != site_of(place));
        sites.retain(|site| usize::from(site.0) <= self.listed + 1);
        if let Some((_, hours)) = ahead.first() {
            self.writes(which, number, &sites);
            let at = self.now + u64::from((*hours).max(1)) * HOUR;
            self.schedule(
                at,
                salt.rotate_left(7),
                Act::Stop {
                    stick: number,
                    stop: stop + 1,
                },
            );
        } else {
            self.sticks[number].files.clear();
        }
    }

    /// A mishap at a stop; whether the stop goes on.
    fn goes_wrong(&mut self, number: usize, stop: usize, mishap: Mishap, salt: u64) -> bool {
        let mut dice = Dice::new(salt, "mishap");
        match mishap {
            Mishap::Lost => {
                self.happened.add(Fault::StickLost);
                self.sticks[number].files.clear();
                return false;
            }
            Mishap::Forgotten => {
                self.happened.add(Fault::StickForgotten);
                self.schedule(
                    self.now + 30 * DAY,
                    salt,
                    Act::Stop {
                        stick: number,
                        stop,
                    },
                );
                return false;
            }
            Mishap::Late(days) => {
                self.happened.add(Fault::SticksCrossed);
                self.schedule(
                    self.now + u64::from(days) * DAY,
                    salt,
                    Act::Stop {
                        stick: number,
                        stop,
                    },
                );
                return false;
            }
            Mishap::Pulled(bytes) => self.sticks[number].pulled_after = Some(u64::from(bytes)),
            Mishap::Rotten => {
                if self.sticks[number].rots(&mut dice) {
                    self.happened.add(Fault::StickRotten);
                }
            }
            Mishap::Astray(place) => {
                if let Some(which) = self.machine_at(place, salt)
                    && !self.sticks[number].files.is_empty()
                {
                    self.happened.add(Fault::StickAstray);
                    self.takes_in(which, number);
                }
            }
            Mishap::Copied => {
                let copy = Stick {
                    is_copy: true,
                    ..self.sticks[number].clone()
                };
                self.copies.push(copy);
            }
            Mishap::Unknown => {
                let mut writer = Writer::start(
                    &crate::world::CARRIER,
                    dice.bytes()[..16].try_into().unwrap_or([0; 16]),
                    &Manifest {
                        source: site_of(0),
                        destinations: Vec::new(),
                        stamp: self.now,
                        carrier: String::new(),
                    },
                );
                writer.1.extend(writer.0.add_piece(&[99, 1, 2, 3]));
                writer.1.extend(writer.0.finish());
                self.sticks[number]
                    .files
                    .insert("newer.bundle".to_owned(), writer.1);
            }
        }
        true
    }

    /// A copy of long ago is put in.
    pub(crate) fn again(&mut self, copy: usize, place: usize) {
        let (Some(stick), Some(which)) =
            (self.copies.get(copy).cloned(), self.machine_at(place, 0))
        else {
            return;
        };
        if stick.files.is_empty() {
            return;
        }
        self.happened.add(Fault::StickReplayed);
        self.sticks.push(stick);
        self.takes_in(which, self.sticks.len() - 1);
        self.sticks.pop();
    }

    fn takes_in(&mut self, which: usize, number: usize) {
        if self.sticks[number].files.is_empty() {
            return;
        }
        let stick = std::mem::take(&mut self.sticks[number]);
        let lines = self.ask(which, |engine| {
            stick::import(engine, &stick).map_err(refused)
        });
        let now = self.now;
        let place = self.machines[which].place;
        if let Ok(lines) = &lines {
            let read: u64 = lines.iter().filter_map(|line| line.new).sum();
            self.trace
                .note("stick in", &[which as u64, lines.len() as u64, read]);
            self.trace.say(|| {
                format!(
                    "    machine {which} takes in {} bundles, {read} pieces new",
                    lines.len()
                )
            });
            if lines.iter().any(|line| line.contents.unread > 0) {
                self.happened.add(Fault::UnknownPiece);
            }
            for line in lines {
                self.carried(&stick, line, place, now);
            }
        }
        self.sticks[number] = stick;
        self.fold(which);
        self.seal(which);
        self.confirm(which);
    }

    fn carried(&mut self, stick: &Stick, line: &BundleLine, place: usize, now: u64) {
        let name = line.file.trim_start_matches("stick/");
        let written = stick.written.get(name).copied();
        if let Some((from, left)) = written.filter(|_| line.stopped.is_none() && !stick.is_copy) {
            self.measures.contact(from, place, left, now);
        }
    }

    /// Writes what sites lack; whether it was written.
    fn writes(&mut self, which: usize, number: usize, to: &[SiteId]) -> bool {
        let mut stick = std::mem::take(&mut self.sticks[number]);
        stick.refused = None;
        let room = stick.room;
        let line = self.ask(which, |engine| {
            stick::export(engine, &mut stick, to, "courier").map_err(|refusal| {
                match stick.refused {
                    // The stick's fault, not the store's.
                    Some(_) => EngineError::Refused(refusal.message),
                    None => refused(refusal),
                }
            })
        });
        match stick.refused {
            Some(ErrorKind::StorageFull) => self.happened.add(Fault::StickFull),
            Some(_) => self.happened.add(Fault::StickPulled),
            None => {}
        }
        stick.pulled_after = None;
        stick.room = room;
        let place = self.machines[which].place;
        if let Ok(line) = &line {
            let bytes = line.contents.bytes;
            *self.measures.stick_bytes.entry(place).or_default() += bytes;
            self.trace.note("stick out", &[which as u64, bytes]);
            if line.stopped.is_none() {
                let name = line.file.trim_start_matches("stick/").to_owned();
                stick.written.insert(name, (place, self.now));
            }
        }
        self.sticks[number] = stick;
        self.sealed(which);
        line.is_ok()
    }
}

impl Stick {
    /// Changes some bits of some file.
    fn rots(&mut self, dice: &mut Dice) -> bool {
        let at = dice.index(self.files.len());
        let Some(file) = self.files.values_mut().nth(at) else {
            return false;
        };
        for _ in 0..1 + dice.below(3) {
            let at = dice.index(file.len());
            if let Some(byte) = file.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        true
    }
}

/// What the driver refused, as an error of the engine.
fn refused(refusal: Refusal) -> EngineError {
    match refusal.kind {
        Kind::Store => EngineError::Store(StoreError::Other(refusal.message)),
        _ => EngineError::Refused(refusal.message),
    }
}
