//! The recipe of `protocol/src/dictionary.bin`, what parcels are compressed beside. It was run once
//! and its result is frozen: a changed dictionary makes every stored parcel unreadable. It is kept
//! so that a stranger can see where the bytes come from, and so that a format 2 can be built.
//!
//! `cargo run -p spean-protocol --example dictionary -- NAMES FILE`, where NAMES is
//! `node/src/demo/nation/names.txt`: tab-separated lines of role, Khmer and Latin name.
//!
//! The dictionary is raw content: the batches of learners who look like many, one after the other,
//! the most usual last, where zstd reaches them with the fewest bytes. Keys of imported events are
//! random and left out.

// A tool that writes a file, not part of the pure core.
#![allow(clippy::disallowed_methods)]

use std::error::Error;

use spean_protocol::catalogue::{ModuleId, ProgrammeId, Scope};
use spean_protocol::event::{
    ArrivalReason, AssessmentKind, Body, Date, DepartureReason, Destination, EducationLevel, Event,
    Languages, List, NamePart, Score, Script, Sex,
};
use spean_protocol::id::{SiteId, StayId};
use spean_protocol::record::{Batch, Draft};

/// 2023-01-02 to 2030: the days that the batches are spread over.
const FIRST_DAY: i32 = 19_359;
const DAYS: i32 = 8 * 365;
const STAY: StayId = StayId([0; 16]);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(names), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: dictionary NAMES FILE".into());
    };
    let names = Names::read(&std::fs::read_to_string(names)?);
    let mut out = Vec::new();
    for number in 0..4 {
        add(&mut out, history(number)?);
    }
    for number in 0..names.given.len().max(names.family.len()) {
        add(&mut out, vec![names.event(Script::Latin, number)?]);
    }
    for number in 0..names.given.len().max(names.family.len()) {
        add(&mut out, vec![names.event(Script::Khmer, number)?]);
    }
    for number in 0..16 {
        add(&mut out, moves(number)?);
        add(&mut out, profile(&names, number)?);
    }
    for number in 0..24 {
        add(&mut out, lab_day(number)?);
    }
    std::fs::write(&file, &out)?;
    println!("{} bytes in {file}", out.len());
    Ok(())
}

/// Appends a batch without its sequence number and count.
fn add(out: &mut Vec<u8>, events: Vec<Event>) {
    let events = events
        .iter()
        .map(|event| Draft {
            id: None,
            bytes: event.encode(),
        })
        .collect();
    out.extend_from_slice(&Batch { seq: 1, events }.encode()[2..]);
}

struct Names {
    family: Vec<(String, String)>,
    given: Vec<(String, String)>,
}

impl Names {
    fn read(text: &str) -> Self {
        let mut names = Self {
            family: Vec::new(),
            given: Vec::new(),
        };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split('\t').map(str::to_owned);
            if let (Some(role), Some(khmer), Some(latin)) =
                (fields.next(), fields.next(), fields.next())
            {
                let list = if role == "family" {
                    &mut names.family
                } else {
                    &mut names.given
                };
                list.push((khmer, latin));
            }
        }
        names
    }

    fn event(&self, script: Script, number: usize) -> Result<Event, Box<dyn Error>> {
        let part = |list: &[(String, String)]| {
            let name = &list[number % list.len()];
            NamePart::new(if script == Script::Khmer {
                &name.0
            } else {
                &name.1
            })
        };
        Ok(Event::new(Body::Name {
            script,
            family: part(&self.family)?,
            given: part(&self.given)?,
        }))
    }
}

fn day(number: i32) -> Result<Date, Box<dyn Error>> {
    Ok(Date::from_days(FIRST_DAY + (number * 97) % DAYS)?)
}

fn module(number: u8) -> ModuleId {
    let (programme, modules) = [
        (ProgrammeId::REINTEGRATION, 8),
        (ProgrammeId::BEEP, 7),
        (ProgrammeId::ENGLISH, 2),
        (ProgrammeId::DIGITAL, 1),
    ][usize::from(number % 4)];
    ModuleId {
        programme,
        number: number / 4 % modules + 1,
    }
}

/// What the labs record of one learner on one day.
fn lab_day(number: u8) -> Result<Vec<Event>, Box<dyn Error>> {
    let (date, module, session) = (
        day(i32::from(number))?,
        module(number),
        u16::from(number % 12),
    );
    let on = |body| Event::new(body).on(date).by(1);
    let mut events = vec![
        Event::new(Body::Login {
            programme: module.programme,
        })
        .on(date),
        on(Body::Attended { module, session }),
        on(Body::SessionDone { module, session }),
    ];
    if number.is_multiple_of(3) {
        let score = Score::try_from((17, 20))?;
        let kind = AssessmentKind::Quiz;
        events.push(on(Body::Assessed {
            kind,
            module,
            version: 1,
            score,
        }));
    }
    Ok(events)
}

/// What is recorded of a learner at intake.
fn profile(names: &Names, number: u8) -> Result<Vec<Event>, Box<dyn Error>> {
    let (place, date) = (usize::from(number) * 7, day(i32::from(number))?);
    let level = [
        EducationLevel::Primary,
        EducationLevel::LowerSecondary,
        EducationLevel::None,
        EducationLevel::UpperSecondary,
    ][usize::from(number % 4)];
    let sex = if number.is_multiple_of(8) {
        Sex::Female
    } else {
        Sex::Male
    };
    let year = 1970 + u16::from(number) * 2;
    let languages = if number.is_multiple_of(5) {
        vec!["km", "en"]
    } else {
        vec!["km"]
    };
    let languages: Vec<_> = languages
        .into_iter()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let languages: Languages = List::new(languages)?;
    Ok([
        names.event(Script::Khmer, place)?,
        names.event(Script::Latin, place)?,
        Event::new(Body::Sex { sex }),
        Event::new(Body::Birth {
            birth: (year, 0, 0).try_into()?,
        }),
        Event::new(Body::Education { level }),
        Event::new(Body::Languages { languages }),
        Event::new(Body::Arrived {
            stay: STAY,
            from: None,
            reason: ArrivalReason::Intake,
        })
        .on(date),
        Event::new(Body::Consent { given: true }).on(date),
        Event::new(Body::Enrolled {
            scope: Scope::Module(module(number)),
            cohort: None,
        })
        .on(date),
    ]
    .into())
}

/// Arrivals and departures, which are sealed at once and alone.
fn moves(number: u8) -> Result<Vec<Event>, Box<dyn Error>> {
    let (date, site) = (day(i32::from(number))?, SiteId(u16::from(number)));
    let (to, reason) = match number % 2 {
        0 => (Destination::Site(site), DepartureReason::Transferred),
        _ => (Destination::Released, DepartureReason::Released),
    };
    let body = match number % 4 {
        0 | 1 => Body::Departed {
            stay: STAY,
            to,
            reason,
        },
        _ => Body::Arrived {
            stay: STAY,
            from: Some(site),
            reason: ArrivalReason::Transferred,
        },
    };
    Ok(vec![Event::new(body).on(date)])
}

/// A learner's months, as they are imported from a register at once.
fn history(number: u8) -> Result<Vec<Event>, Box<dyn Error>> {
    let start = day(i32::from(number) * 5)?.days();
    let mut events = Vec::new();
    for session in 0..8_u8 {
        let module = module(number * 2 + session / 4);
        let date = Date::from_days(start + i32::from(session) * 3)?;
        let on = |body| Event::new(body).on(date);
        let number = u16::from(session % 4 + 1);
        if session % 4 == 0 {
            let score = Score::try_from((9, 20))?;
            let kind = AssessmentKind::Pre;
            events.push(on(Body::Enrolled {
                scope: Scope::Module(module),
                cohort: Some(1),
            }));
            events.push(on(Body::Assessed {
                kind,
                module,
                version: 1,
                score,
            }));
        }
        events.push(on(Body::Attended {
            module,
            session: number,
        }));
        events.push(on(Body::SessionDone {
            module,
            session: number,
        }));
        if session % 4 == 3 {
            let score = Score::try_from((16, 20))?;
            let kind = AssessmentKind::Post;
            events.push(on(Body::Assessed {
                kind,
                module,
                version: 1,
                score,
            }));
            events.push(on(Body::ModuleDone { module }));
        }
    }
    Ok(events)
}
