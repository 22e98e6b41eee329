//! The list that a search gives, and one learner's summary. What the summary leaves out on purpose:
//! the restricted stream, accounts, the expected release, remarks. (How many events came late or
//! from a newer version is counted over both streams; what they say is not shown.)

use std::collections::BTreeMap;

use askama::Template;
use spean_protocol::catalogue::ProgrammeId;
use spean_protocol::custody::{CustodyState, Stay};
use spean_protocol::event::{Date, EducationLevel, ExamOutcome, Purpose, Script, Sex};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::totals::LearnerFacts;
use spean_protocol::view::{
    Best, Certificate, Claims, Enrolment, Exam, LearnerView, ModuleProgress, Profile,
    ProgrammeProgress, Restricted,
};

use super::frame::{Failure, Frame, Sites, ask};
pub(super) use crate::answer::names;
use crate::engine::openings::OpeningLine;
use crate::engine::state::State;
use crate::locale;
use crate::qr::grouped;
use crate::service::Service;

/// Learners in a list. Whoever wants another types more letters.
const LIST_MAX: usize = 50;

#[derive(Template)]
#[template(path = "list.html")]
struct List<'a> {
    frame: &'a Frame,
    rows: Vec<ListRow>,
    more: bool,
}

struct ListRow {
    link: String,
    name: String,
    about: String,
}

/// The page at `/find`.
pub async fn list(service: &Service, frame: &Frame) -> Result<String, Failure> {
    let needle = frame.needle.clone();
    let mut found = ask(service, move |engine| engine.find(&needle, LIST_MAX + 1)).await?;
    let more = found.len() > LIST_MAX;
    found.truncate(LIST_MAX);
    let rows = found.iter().map(|row| ListRow {
        link: frame.link(&format!("/learner/{}", row.learner)),
        name: if row.name.is_empty() {
            frame.text("name-unknown")
        } else {
            row.name.clone()
        },
        about: about(frame, row.facts),
    });
    Ok(List {
        frame,
        rows: rows.collect(),
        more,
    }
    .render()?)
}

/// What tells two learners of one name apart.
fn about(frame: &Frame, facts: LearnerFacts) -> String {
    let sex = facts.sex.map(|sex| sex_word(frame, sex));
    let born = facts
        .birth_year
        .map(|year| frame.say("born-in", &[("year", year.to_string().into())]));
    sex.into_iter().chain(born).collect::<Vec<_>>().join(", ")
}

fn sex_word(frame: &Frame, sex: Sex) -> String {
    locale::code(frame.language, "sex", sex.name(), sex.into())
}

/// A learner whom this node may show, without anything of the restricted stream.
pub struct Known {
    /// What his record says.
    pub view: LearnerView,
    /// The sites' codes.
    pub sites: Sites,
    /// The site whose page this is.
    pub site: SiteId,
    /// Whether more of his record waits to be opened.
    pub waiting: bool,
    /// How his record stands here.
    pub states: Vec<State>,
    /// Who opened it, the newest first.
    pub openings: Vec<OpeningLine>,
}

impl Known {
    /// Asks for a learner: at a prison for one whose stay there is open, at the DGP for any.
    pub async fn ask(service: &Service, id: LearnerId) -> Result<Self, Failure> {
        let known = ask(service, move |engine| {
            let everyone = engine.is_headquarters();
            let may_show = engine.learner(id)?.is_some_and(|row| everyone || row.here);
            let Some(view) = engine.view(id)?.filter(|_| may_show) else {
                return Ok(None);
            };
            engine.note_openings(&[id].into(), None, Purpose::NotSaid)?;
            Ok(Some(Self {
                view: LearnerView {
                    restricted: Restricted::default(),
                    ..view
                },
                sites: Sites::of(engine),
                site: engine.site(),
                waiting: engine.waiting(id)?,
                states: engine.states(id)?,
                openings: engine.openings(id)?,
            }))
        });
        known.await?.ok_or(Failure::NoLearner)
    }
}

#[derive(Template)]
#[template(path = "learner.html")]
struct Summary<'a> {
    frame: &'a Frame,
    card: String,
    receipt: String,
    account: Option<String>,
    names: Vec<String>,
    place: String,
    facts: Vec<(String, String)>,
    notices: Vec<String>,
    stays: Vec<StayRow>,
    programmes: Vec<Programme>,
    exams: Vec<String>,
    certificates: Vec<String>,
    openings: Vec<String>,
}

struct StayRow {
    site: String,
    arrived: String,
    left: String,
}

struct Programme {
    title: String,
    lines: Vec<String>,
    modules: Vec<Module>,
}

struct Module {
    title: String,
    attended: usize,
    finished: usize,
    tests: Vec<String>,
    state: String,
    done: bool,
}

/// Openings that the page shows.
const OPENINGS_SHOWN: usize = 20;

/// The page at `/learner/{id}`.
pub async fn page(service: &Service, frame: &Frame, id: LearnerId) -> Result<String, Failure> {
    let known = Known::ask(service, id).await?;
    let (view, sites) = (&known.view, &known.sites);
    let state = CustodyState::of(view, known.site);
    let here = state == CustodyState::Here;
    let summary = Summary {
        frame,
        account: here.then(|| frame.link(&format!("/account/{id}"))),
        card: grouped(&id.to_string()),
        receipt: frame.link(&format!("/receipt/{id}")),
        names: names(view),
        place: place(frame, &state, &known),
        facts: facts(frame, view),
        notices: notices(frame, &known),
        stays: stays(frame, view, sites),
        programmes: programmes(frame, view, sites),
        exams: view
            .progress
            .exams
            .iter()
            .map(|exam| exam_line(frame, exam))
            .collect(),
        certificates: certificates(frame, view),
        openings: known
            .openings
            .iter()
            .take(OPENINGS_SHOWN)
            .map(|opening| opening_line(frame, opening))
            .collect(),
    };
    Ok(summary.render()?)
}

fn place(frame: &Frame, state: &CustodyState, known: &Known) -> String {
    let code = |site: SiteId| known.sites.code(site).into();
    match state {
        CustodyState::Here => frame.say("place-here", &[("site", code(known.site))]),
        CustodyState::Elsewhere { site } => frame.say("place-elsewhere", &[("site", code(*site))]),
        CustodyState::Departed { to } => {
            let to = frame.destination(*to, &known.sites);
            frame.say("place-departed", &[("to", to.into())])
        }
        CustodyState::SeveralSites(several) => frame.say(
            "place-several",
            &[("sites", known.sites.codes(several).into())],
        ),
        CustodyState::Released => frame.text("place-released"),
        CustodyState::Unknown => frame.text("place-unknown"),
    }
}

fn facts(frame: &Frame, view: &LearnerView) -> Vec<(String, String)> {
    let profile = &view.profile;
    let level =
        |l: &EducationLevel| locale::code(frame.language, "education", l.name(), (*l).into());
    let born = values(&profile.birth, |birth| {
        locale::birth(frame.language, *birth)
    });
    let rows = [
        (
            frame.text("fact-sex"),
            values(&profile.sex, |sex| sex_word(frame, *sex)),
        ),
        (frame.text("fact-born"), born),
        (
            frame.text("fact-education"),
            values(&profile.education, level),
        ),
    ];
    rows.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

fn values<T>(claims: &Claims<T>, word: impl Fn(&T) -> String) -> String {
    claims
        .iter()
        .map(|claim| word(&claim.value))
        .collect::<Vec<_>>()
        .join(" / ")
}

fn notices(frame: &Frame, known: &Known) -> Vec<String> {
    let (profile, view) = (&known.view.profile, &known.view);
    let mut words = Vec::new();
    let mut when = |holds: bool, key: &str| {
        if holds {
            words.push(frame.text(key));
        }
    };
    when(known.waiting, "notice-opening");
    when(profile.names.is_empty(), "notice-awaited");
    let state = CustodyState::of(view, known.site);
    when(
        matches!(state, CustodyState::SeveralSites(_)),
        "notice-several",
    );
    when(
        profile.consent.iter().any(|claim| !claim.value),
        "notice-no-consent",
    );
    when(disagrees(profile), "notice-disagree");
    let mut of = |count: u64, key: &str| {
        if count > 0 {
            words.push(frame.count(key, count));
        }
    };
    let length = |list: usize| u64::try_from(list).unwrap_or(u64::MAX);
    of(length(view.notices.waiting.len()), "notice-late-important");
    of(length(view.notices.provisional.len()), "notice-provisional");
    of(length(view.notices.late.len()), "notice-late");
    of(view.notices.from_newer_version.into(), "notice-newer");
    of(view.notices.undated.into(), "notice-undated");
    of(view.notices.disputed_ids.into(), "notice-disputed");
    of(length(view.registers.loans_open.len()), "notice-loans");
    of(length(view.links.len()), "notice-links");
    let states = known.states.iter();
    let told = states.filter(|state| !matches!(state, State::Open { .. }));
    words.extend(told.map(|state| locale::record_state(frame.language, state)));
    words
}

/// Whether sites that were apart said different things of what the summary shows.
fn disagrees(profile: &Profile) -> bool {
    let in_script = |script| {
        profile
            .names
            .iter()
            .filter(|name| name.value.script == script)
            .count()
    };
    [Script::Khmer, Script::Latin]
        .iter()
        .any(|script| in_script(*script) > 1)
        || profile.sex.len() > 1
        || profile.birth.len() > 1
        || profile.education.len() > 1
        || profile.consent.len() > 1
}

/// Stays by their first day, those without one last.
fn stays(frame: &Frame, view: &LearnerView, sites: &Sites) -> Vec<StayRow> {
    let first = |stay: &Stay| {
        let days = stay.arrivals.iter().map(|one| one.date);
        days.chain(stay.departures.iter().map(|one| one.date))
            .flatten()
            .min()
            .unwrap_or(Date::MAX)
    };
    let mut stays: Vec<&Stay> = view.stays.iter().collect();
    stays.sort_by_key(|stay| (first(stay), stay.is_open()));
    stays
        .into_iter()
        .map(|stay| stay_row(frame, stay, sites))
        .collect()
}

fn stay_row(frame: &Frame, stay: &Stay, sites: &Sites) -> StayRow {
    let arrivals = stay.arrivals.iter().map(|one| one.site);
    let mut at: Vec<SiteId> = arrivals
        .chain(stay.departures.iter().map(|one| one.site))
        .collect();
    at.sort_unstable();
    at.dedup();
    let arrived = stay.arrivals.iter().map(|one| match one.from {
        Some(from) => frame.say(
            "stay-arrived-from",
            &[
                ("date", frame.date(one.date).into()),
                ("site", sites.code(from).into()),
            ],
        ),
        None => frame.date(one.date),
    });
    let left = stay.departures.iter().map(|one| {
        let to = frame.destination(one.to, sites);
        frame.say(
            "stay-left-to",
            &[("date", frame.date(one.date).into()), ("to", to.into())],
        )
    });
    let (arrived, left): (Vec<_>, Vec<_>) = (arrived.collect(), left.collect());
    let or = |list: Vec<String>, none: String| {
        if list.is_empty() {
            none
        } else {
            list.join(" / ")
        }
    };
    StayRow {
        site: sites.codes(&at),
        arrived: or(arrived, frame.text("stay-no-arrival")),
        left: or(left, frame.text("stay-open")),
    }
}

fn programmes(frame: &Frame, view: &LearnerView, sites: &Sites) -> Vec<Programme> {
    let mut blocks: BTreeMap<ProgrammeId, Programme> = BTreeMap::new();
    let mut block = |id: ProgrammeId, lines: Vec<String>, module: Option<Module>| {
        let new = || Programme {
            title: locale::programme(frame.language, id),
            lines: Vec::new(),
            modules: Vec::new(),
        };
        let block = blocks.entry(id).or_insert_with(new);
        block.lines.extend(lines);
        block.modules.extend(module);
    };
    for programme in &view.progress.programmes {
        block(
            programme.programme,
            programme_lines(frame, programme, sites),
            None,
        );
    }
    for module in &view.progress.modules {
        block(
            module.module.programme,
            Vec::new(),
            Some(module_row(frame, module)),
        );
    }
    if view.registers.library_visits > 0 {
        let visits = frame.count("library-visits", view.registers.library_visits.into());
        block(ProgrammeId::LIBRARY, vec![visits], None);
    }
    blocks.into_values().collect()
}

fn programme_lines(frame: &Frame, programme: &ProgrammeProgress, sites: &Sites) -> Vec<String> {
    let enrolments = programme
        .enrolments
        .iter()
        .map(|one| enrolled(frame, one, sites));
    let mut lines: Vec<String> = enrolments.collect();
    lines.extend(programme.withdrawals.iter().map(|reason| {
        let why = locale::code(
            frame.language,
            "withdrawal",
            reason.name(),
            (*reason).into(),
        );
        frame.say("withdrew", &[("reason", why.into())])
    }));
    if programme.logins > 0 {
        lines.push(frame.count("days-at-computer", programme.logins.into()));
    }
    if programme.classes > 0 {
        lines.push(frame.count("classes-attended", programme.classes.into()));
    }
    lines
}

fn enrolled(frame: &Frame, enrolment: &Enrolment, sites: &Sites) -> String {
    let what = locale::scope(frame.language, enrolment.scope);
    let (date, site) = (frame.date(enrolment.date), sites.code(enrolment.site));
    frame.say(
        "enrolled",
        &[
            ("what", what.into()),
            ("date", date.into()),
            ("site", site.into()),
        ],
    )
}

fn module_row(frame: &Frame, module: &ModuleProgress) -> Module {
    let state = if module.done {
        let date = frame.date(module.done_on);
        frame.say("module-done-on", &[("date", date.into())])
    } else {
        frame.text("module-under-way")
    };
    Module {
        title: locale::module(frame.language, module.module),
        attended: module.attended.len(),
        finished: module.sessions_done.len(),
        tests: module
            .results
            .iter()
            .map(|best| test_line(frame, best))
            .collect(),
        state,
        done: module.done,
    }
}

fn test_line(frame: &Frame, best: &Best) -> String {
    let test = locale::code(frame.language, "test", best.kind.name(), best.kind.into());
    let arguments = [
        ("test", test.into()),
        ("version", best.version.into()),
        ("points", best.score.points().into()),
        ("max", best.score.max().into()),
    ];
    frame.say("test-result", &arguments)
}

fn exam_line(frame: &Frame, exam: &Exam) -> String {
    let what = locale::scope(frame.language, exam.scope);
    let sitting = exam.sitting.map_or_else(
        || frame.text("exam-sitting-unknown"),
        |sitting| sitting.to_string(),
    );
    let word = |outcome: &ExamOutcome| {
        locale::code(frame.language, "outcome", outcome.name(), (*outcome).into())
    };
    let outcomes: Vec<String> = exam.outcomes.iter().map(word).collect();
    let outcome = if outcomes.is_empty() {
        frame.text("exam-open")
    } else {
        outcomes.join(" / ")
    };
    frame.say(
        "exam-line",
        &[
            ("what", what.into()),
            ("sitting", sitting.into()),
            ("outcome", outcome.into()),
        ],
    )
}

fn opening_line(frame: &Frame, opening: &OpeningLine) -> String {
    let purpose = opening.purpose;
    let purpose = locale::code(frame.language, "purpose", purpose.name(), purpose.into());
    let who = match opening.officer {
        Some(number) => frame.say("opened-by-officer", &[("number", number.into())]),
        None => frame.text("opened-by-nobody"),
    };
    let arguments = [
        ("date", frame.date(opening.day()).into()),
        ("site", opening.site.as_str().into()),
        ("who", who.into()),
        ("why", purpose.into()),
    ];
    frame.say("opened-line", &arguments)
}

fn certificates(frame: &Frame, view: &LearnerView) -> Vec<String> {
    let line = |one: &Certificate| {
        let issuer = locale::code(
            frame.language,
            "issuer",
            one.issuer.name(),
            one.issuer.into(),
        );
        let arguments = [
            ("what", locale::scope(frame.language, one.scope).into()),
            ("issuer", issuer.into()),
            ("date", frame.date(one.date).into()),
        ];
        frame.say("certificate-line", &arguments)
    };
    view.progress.certificates.iter().map(line).collect()
}
