//! What a node answers: each request as a call of the engine, for whoever his office allows it, with what he
//! opens noted before. [`crate::node`] asks here within the engine's thread.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use spean_protocol::custody::CustodyState;
use spean_protocol::event::{Date, Destination, Event, LinkReason, Purpose};
use spean_protocol::id::{LearnerId, RunId, SiteId};
use spean_protocol::officer::Office;
use spean_protocol::roster::{Revocation, Site};
use spean_protocol::seal::BoxKey;
use spean_protocol::view::LearnerView;
use spean_protocol::view::collision::{self, Shown};

use crate::api::{Kind, LearnerLine, LearnerPage, Refusal, Reply, Request, RosterChanges};
use crate::ceremony;
use crate::engine::EngineError;
use crate::engine::accounts::AccountHere;
use crate::engine::due::Shredding;
use crate::node::roster_page;
use crate::offices::{self, Duty};
use crate::paper::card::Card;
use crate::service::NodeEngine;
use crate::stick;
use crate::stick::medium::Directory;

/// Letters of a run's id that must be typed: those of the site, and enough to be no slip of the finger.
const RELEASE_LETTERS_MIN: usize = 8;

/// Who asks, and why he opens a record.
#[derive(Clone, Copy, Default)]
pub struct Who {
    pub officer: Option<u16>,
    why: Option<Purpose>,
}

impl Who {
    pub fn new(officer: Option<u16>, why: &str) -> Result<Self, Refusal> {
        let why = match why {
            "" => None,
            why => Some(read_word("purpose", why, Purpose::ALL, Purpose::name)?),
        };
        Ok(Self { officer, why })
    }
}

/// Refuses what an officer's office is not there for.
pub fn allow(engine: &NodeEngine, number: u16, duty: Duty) -> Result<(), Refusal> {
    let office = engine.office_of(number)?;
    if offices::may(office, duty) {
        return Ok(());
    }
    let message = format!("officer {number} is {office}: that is not what this office does");
    Err(Refusal::new(Kind::Refused, message))
}

/// Answers whoever is allowed it, and notes what he opens.
pub fn answer_to(engine: &mut NodeEngine, who: Who, request: Request) -> Result<Reply, Refusal> {
    match &request {
        Request::LearnerShow(learner) | Request::LearnerDocument(learner) => {
            engine
                .learner(*learner)?
                .ok_or(EngineError::UnknownLearner(*learner))?;
            let why = who.why.unwrap_or(Purpose::NotSaid);
            engine.note_openings(&[*learner].into(), who.officer, why)?;
        }
        _ => {}
    }
    answer(engine, who.officer, request)
}

/// What a word names of a closed list.
fn read_word<T: Copy>(
    what: &str,
    word: &str,
    list: &[T],
    name: impl Fn(T) -> Option<&'static str>,
) -> Result<T, Refusal> {
    let known = list.iter().copied().find(|one| name(*one) == Some(word));
    known.ok_or_else(|| {
        let names: Vec<_> = list.iter().filter_map(|one| name(*one)).collect();
        let message = format!("'{word}' is no {what}: {}", names.join(", "));
        Refusal::new(Kind::Refused, message)
    })
}

fn read_reason(word: &str) -> Result<LinkReason, Refusal> {
    read_word("reason", word, LinkReason::ALL, LinkReason::name)
}

fn answer(
    engine: &mut NodeEngine,
    officer: Option<u16>,
    request: Request,
) -> Result<Reply, Refusal> {
    Ok(match request {
        Request::Status => Reply::Status(Box::new(engine.status()?)),
        Request::LearnerAdd(row) => Reply::Added(engine.add_learner(&row)?),
        Request::LearnerFind { needle, limit } => {
            let names = engine.usernames()?;
            let line = |row: crate::store::LearnerRow| LearnerLine {
                learner: row.learner,
                name: row.name,
                usernames: shown(names.get(&row.learner)),
                here: row.here,
            };
            Reply::Learners(engine.find(&needle, limit)?.into_iter().map(line).collect())
        }
        Request::LearnerDuplicates(limit) => Reply::Duplicates(Box::new(engine.duplicates(limit)?)),
        Request::LearnerShow(learner) => Reply::Learner(Box::new(page(engine, learner)?)),
        Request::Cards { learners } => Reply::Cards(cards(engine, learners)?),
        Request::LearnerDocument(learner) => Reply::Document(engine.document(learner)?),
        Request::Record {
            learner,
            date,
            fields,
        } => Reply::Events(engine.record(learner, (read_date(&date)?, officer), &fields)?),
        Request::ImportLearners { import, rows } => {
            Reply::Fates(Box::new(engine.import_learners(&import, &rows)?))
        }
        Request::ImportEvents { import, rows } => {
            Reply::Fates(Box::new(engine.import_events(&import, &rows)?))
        }
        Request::ImportItems { import, rows } => {
            Reply::Fates(Box::new(engine.import_items(&import, &rows)?))
        }
        Request::ImportNames { import, pairs } => {
            Reply::Events(engine.name_accounts(&import, &pairs)?)
        }
        Request::ImportWhose { import, whose } => Reply::Whose(engine.whose_all(&import, &whose)?),
        Request::Imports => Reply::Imports(engine.imports()?),
        Request::ImportUndo(number) => {
            if engine.is_adoption(number)? {
                let message = format!(
                    "import {number} took accounts of Moodle over, and Moodle has to be told: 'spean moodle adopt --undo \
                     {number}'"
                );
                return Err(Refusal::new(Kind::Refused, message));
            }
            Reply::ImportUndone(engine.undo_import(number)?)
        }
        Request::ImportWaiting => Reply::ImportWaiting(engine.waiting_rows()?),
        Request::ImportMatch { code, said, number } => {
            Reply::Fates(Box::new(engine.match_waiting(&code, said, number)?))
        }
        Request::LibraryFind { needle, limit } => Reply::Items(engine.items(&needle, limit)?),
        Request::TransferOut {
            learners,
            to,
            date,
            with_restricted,
        } => {
            let to = destination(engine, &to)?;
            let date = read_date(&date)?;
            let left = engine.transfer_out_all(&learners, to, date, with_restricted)?;
            Reply::Departures(left)
        }
        Request::TransferIn { tickets, date } => {
            Reply::Arrivals(engine.transfer_in_all(&tickets, read_date(&date)?)?)
        }
        Request::TransferInAnnounced { from, date } => {
            let from = engine.site_of(&from)?;
            let tickets = engine.announced_by(from)?;
            Reply::Arrivals(engine.transfer_in_all(&tickets, read_date(&date)?)?)
        }
        Request::TransferSlip { learners, to } => {
            let to = to.map(|code| engine.site_of(&code)).transpose()?;
            Reply::Departures(engine.slips(&learners, to)?)
        }
        Request::TransferUndo(learner) => {
            engine.undo(learner)?;
            Reply::States(engine.states(learner)?)
        }
        Request::TransferDispute(learner) => {
            engine.dispute(learner)?;
            Reply::States(engine.states(learner)?)
        }
        Request::TransferList => Reply::Moves(engine.moves()?),
        Request::OfficerAdd { office, key } => {
            let office = read_word("office", &office, &offices::offices(), Office::name)?;
            engine.add_officer(office, key)?;
            Reply::Officers(engine.officers()?)
        }
        Request::OfficerWithdraw(number) => {
            engine.withdraw_officer(number)?;
            Reply::Officers(engine.officers()?)
        }
        Request::OfficerKey(number) => Reply::ToSign {
            key: engine.signing_officer(number)?,
            open: Vec::new(),
        },
        Request::OfficerConfirm { site, number, key } => {
            let site = engine.site_of(&site)?;
            engine.confirm_officer(site, number, &key)?;
            Reply::Officers(engine.officers()?)
        }
        Request::Erase { learners, by } => Reply::Erasing(engine.erase_by(&learners, &by)?),
        Request::Erasures => Reply::Erasures(engine.erasures()?),
        Request::Shred {
            cohort,
            retention,
            decide,
        } => {
            if decide {
                may_shred(&engine.shredding(cohort, retention)?)?;
                engine.keep_sealed(cohort)?;
            }
            Reply::Shredding(engine.shredding(cohort, retention)?)
        }
        Request::AccountGive {
            learner,
            username,
            verifier,
        } => Reply::Account(engine.give_account(learner, username.as_deref(), &verifier)?),
        Request::AccountList => {
            let all = engine.accounts_here(&[])?.into_iter();
            Reply::Accounts(all.map(|(one, _)| (one.username, one.learner)).collect())
        }
        Request::AccountOf(learner) => {
            let mut all = engine.accounts_here(&[])?.into_iter();
            let his = all.find(|(one, _)| one.learner == learner);
            let (account, _) = his.ok_or(EngineError::NotHere(learner))?;
            // What a password is checked against leaves the node in the file for Moodle alone.
            let verifier = String::new();
            Reply::AccountOf(Box::new(AccountHere {
                verifier,
                ..account
            }))
        }
        Request::RestrictedAsk { part } => Reply::Asked {
            bytes: engine.ask_restricted(part)?.encode(),
            seal: engine.own_seal(),
        },
        Request::RestrictedTake { bytes } => Reply::Keys(engine.take_restricted(&bytes)?),
        Request::OfficerList => Reply::Officers(engine.officers()?),
        Request::ToSign(number) => {
            let (key, open) = engine.to_sign(number)?;
            let learners: BTreeSet<LearnerId> = open.iter().map(|one| one.learner).collect();
            engine.note_openings(&learners, Some(number), Purpose::Signing)?;
            Reply::ToSign { key, open }
        }
        Request::Sign { number, signatures } => {
            Reply::Events(engine.sign_events(number, &signatures)?)
        }
        Request::AskWho { learner, reason } => {
            engine.ask_who(learner, read_reason(&reason)?)?;
            Reply::States(engine.states(learner)?)
        }
        Request::Worklist => Reply::Worklist(engine.worklist()?),
        Request::WorkPair {
            learner,
            other,
            reason,
        } => {
            let line = engine.put_pair(learner, other, read_reason(&reason)?)?;
            Reply::Worklist(vec![line])
        }
        Request::WorkDecide {
            question,
            decision,
            by,
        } => Reply::Worklist(vec![engine.decide_by(question, decision, &by)?]),
        Request::StickExport {
            directory,
            to,
            carrier,
        } => {
            let sites: Result<Vec<SiteId>, _> =
                to.iter().map(|code| engine.site_of(code)).collect();
            Reply::Bundles(vec![stick::export(
                engine,
                &mut Directory::at(Path::new(&directory)),
                &sites?,
                &carrier,
            )?])
        }
        Request::StickImport { path } => {
            Reply::Bundles(stick::import(engine, &Directory::at(Path::new(&path)))?)
        }
        Request::StickInspect { path } => {
            Reply::Bundles(stick::inspect(engine, &Directory::at(Path::new(&path)))?)
        }
        Request::Totals(query) => Reply::Totals(Box::new(engine.totals(query)?)),
        Request::TotalsOf { site, query } => {
            let query = spean_protocol::totals::Query {
                site: Some(engine.site_of(&site)?),
                ..query
            };
            Reply::Totals(Box::new(engine.totals(query)?))
        }
        Request::By { .. } => {
            let message = "who asks is said once";
            return Err(Refusal::new(Kind::Refused, message));
        }
        Request::RosterShow => Reply::Roster(roster_page(engine.roster())),
        Request::RosterPropose { changes, after } => {
            let cuts = cuts(engine, &changes)?;
            let boxes = boxes(engine, &changes)?;
            let evidence = boxes.values().map(|(_, segment)| segment.clone()).collect();
            let shred = shred(engine, &changes)?;
            let (held, proposal) = engine.propose(after, |next, carrier, world| {
                cuts.into_iter().for_each(|cut| ceremony::revoke(next, cut));
                if changes.next_cohort {
                    ceremony::next_cohort(next, &boxes, carrier, world)?;
                }
                if let Some(cohort) = shred {
                    ceremony::shred(next, cohort);
                }
                let mut requests = changes.requests.iter();
                requests
                    .try_for_each(|one| ceremony::enrol(next, one, changes.again, carrier, world))
            })?;
            Reply::Proposal {
                held: held.encode(),
                proposal: proposal.encode(),
                evidence,
            }
        }
        Request::Flush
        | Request::MoodleAdopt { .. }
        | Request::MoodleAdoptUndo(_)
        | Request::MoodleCheck
        | Request::MoodlePull { .. }
        | Request::MoodlePush { .. }
        | Request::MoodleSteps
        | Request::MoodleStatus
        | Request::Sync { .. }
        | Request::Backup { .. }
        | Request::RosterInstall { .. } => {
            return Err(Refusal::new(Kind::Refused, "answered elsewhere"));
        }
    })
}

/// Refuses a cohort whose time is not over, and one of whose people somebody may be where nothing is known
/// of: what is erased then does not come back.
fn may_shred(found: &Shredding) -> Result<(), Refusal> {
    let Shredding {
        cohort,
        latest,
        in_force,
        ..
    } = found;
    if cohort > latest {
        let message = format!(
            "cohort {cohort}: records of it are still kept. Cohort {in_force} is in force, so the latest that \
             may go is {latest} ('retention' in config.toml says for how many cohorts records are kept)"
        );
        return Err(Refusal::new(Kind::Refused, message));
    }
    if !found.is_all_here() {
        let mut codes: Vec<&str> = found.behind.iter().map(String::as_str).collect();
        codes.extend(found.incomplete.iter().map(String::as_str));
        codes.extend(found.unopened.iter().map(String::as_str));
        codes.sort_unstable();
        codes.dedup();
        let message = format!(
            "cohort {cohort}: not all that these have written lately is here, or opens here, so somebody who is due \
             may be there: {}. Send sticks both ways, or revoke what is no more; a head office that was rebuilt \
             does it again",
            codes.join(", ")
        );
        return Err(Refusal::new(Kind::Refused, message));
    }
    Ok(())
}

/// The cohort whose keys a proposal wants destroyed, if everything is ready for it.
fn shred(engine: &NodeEngine, changes: &RosterChanges) -> Result<Option<u16>, Refusal> {
    let Some(cohort) = changes.shred else {
        return Ok(None);
    };
    let found = engine.shredding(cohort, changes.retention)?;
    may_shred(&found)?;
    if found.is_ready() {
        return Ok(Some(cohort));
    }
    let message = format!(
        "--shred {cohort}: not everything is ready. 'spean shred {cohort}' says what is missing"
    );
    Err(Refusal::new(Kind::Refused, message))
}

/// The revocations that a proposal asks for, with what this node has by now as their cuts.
fn cuts(engine: &NodeEngine, changes: &RosterChanges) -> Result<Vec<Revocation>, Refusal> {
    let refused = |message: String| Refusal::new(Kind::Refused, message);
    let mut cuts = Vec::new();
    for code in &changes.revoke {
        let site = engine.site_of(code)?;
        if site == engine.site() {
            let message = format!("--revoke {code}: a node cannot propose that about itself");
            return Err(refused(message));
        }
        let keys = engine.roster().keys(site);
        if keys.is_empty() {
            return Err(refused(format!("--revoke {code}: it has no key any more")));
        }
        for key in keys {
            let cut = engine.whole_cut(site, key)?;
            cuts.push(Revocation {
                site,
                key: *key,
                cut,
            });
        }
    }
    for typed in &changes.release {
        cuts.push(engine.raised_cut(run_beyond_cut(engine, typed)?)?);
    }
    Ok(cuts)
}

/// The box keys that sites have published for the next cohort, where a proposal asks for it.
fn boxes(
    engine: &NodeEngine,
    changes: &RosterChanges,
) -> Result<BTreeMap<SiteId, (BoxKey, Vec<u8>)>, Refusal> {
    let mut boxes = BTreeMap::new();
    let next = engine.roster().cohort.saturating_add(1);
    let trusted = |site: &&Site| {
        changes.next_cohort
            && !changes
                .revoke
                .iter()
                .any(|code| code.eq_ignore_ascii_case(&site.code))
    };
    for site in engine.roster().sites.iter().filter(trusted) {
        let published = engine.box_ahead(site.id, next)?;
        boxes.extend(published.map(|one| (site.id, one)));
    }
    Ok(boxes)
}

/// The one run of those set aside whose id begins as somebody typed it.
fn run_beyond_cut(engine: &NodeEngine, typed: &str) -> Result<RunId, Refusal> {
    let refused = |why: &str| {
        let hint = "'spean status' lists what is set aside of revoked keys";
        Refusal::new(Kind::Refused, format!("--release {typed}: {why}; {hint}"))
    };
    if typed.len() < RELEASE_LETTERS_MIN {
        return Err(refused("type more of the run's id"));
    }
    let mut found = Vec::new();
    for site in &engine.roster().sites {
        let runs = engine.runs_beyond_cut(site.id)?;
        let typed = typed.to_ascii_lowercase();
        found.extend(runs.into_iter().filter(|one| one.run.starts_with(&typed)));
    }
    match found.as_slice() {
        [] => Err(refused("no run of that id is set aside")),
        [one] => one.run.parse().map_err(|_| refused("no run's id")),
        _ => Err(refused("several runs' ids begin so: type more of it")),
    }
}

/// What stands on the cards of learners, or of all who are here.
fn cards(engine: &mut NodeEngine, learners: Vec<LearnerId>) -> Result<Vec<Card>, Refusal> {
    let learners = match learners.is_empty() {
        false => learners,
        true => {
            let here = engine.find("", usize::MAX)?.into_iter();
            here.filter(|row| row.here).map(|row| row.learner).collect()
        }
    };
    let status = engine.status()?;
    let mut cards = Vec::with_capacity(learners.len());
    for learner in learners {
        let view = engine.view(learner)?;
        let view = view.ok_or(EngineError::UnknownLearner(learner))?;
        cards.push(Card {
            learner,
            names: names(&view),
            site: (status.site.clone(), status.name.clone()),
        });
    }
    Ok(cards)
}

/// Names as they are to be read: Khmer before Latin, each claim of each script.
pub(crate) fn names(view: &LearnerView) -> Vec<String> {
    let claims = view.profile.names.iter();
    let mut names: Vec<_> = claims.map(|claim| &claim.value).collect();
    names.sort_by_key(|name| name.script);
    let parts = names
        .iter()
        .map(|name| format!("{} {}", &*name.family, &*name.given));
    parts.map(|name| name.trim().to_owned()).collect()
}

fn page(engine: &mut NodeEngine, learner: LearnerId) -> Result<LearnerPage, Refusal> {
    let states = engine.states(learner)?;
    let row = engine
        .learner(learner)?
        .ok_or(EngineError::UnknownLearner(learner))?;
    let view = engine.view(learner)?.ok_or(EngineError::NotHere(learner))?;
    let state = match CustodyState::of(&view, engine.site()) {
        CustodyState::Here => "here".to_owned(),
        CustodyState::Departed {
            to: Destination::Site(site),
        } => {
            format!("on the way to {}", engine.code(site))
        }
        CustodyState::Departed {
            to: Destination::WithoutNode,
        } => "at a prison without a node".to_owned(),
        CustodyState::Departed { .. } => "departed, nobody said where".to_owned(),
        CustodyState::Elsewhere { site } => format!("at {}", engine.code(site)),
        CustodyState::SeveralSites(sites) => {
            let codes: Vec<String> = sites.iter().map(|site| engine.code(*site)).collect();
            format!("at several sites: {}", codes.join(", "))
        }
        CustodyState::Released => "released".to_owned(),
        CustodyState::Unknown => "nobody knows where".to_owned(),
    };
    Ok(LearnerPage {
        learner,
        name: row.name,
        usernames: shown(Some(&engine.usernames_of(learner, &view)?)),
        cards: shown(Some(&collision::cards(&view, engine.site()))),
        state,
        states,
        view,
        openings: engine.openings(learner)?,
    })
}

fn shown<T: std::fmt::Display>(picked: Option<&Vec<Shown<T>>>) -> Vec<String> {
    let picked = picked.into_iter().flatten();
    picked.map(ToString::to_string).collect()
}

fn read_date(text: &str) -> Result<Option<Date>, Refusal> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            Refusal::new(
                Kind::Refused,
                format!("'{text}' is no day: write it as 2026-03-31"),
            )
        }),
    }
}

fn destination(engine: &NodeEngine, to: &str) -> Result<Destination, Refusal> {
    Ok(match to {
        "released" => Destination::Released,
        "without-node" => Destination::WithoutNode,
        "unknown" => Destination::Unknown,
        code => {
            let site = engine.site_of(code)?;
            if site == engine.site() {
                let message = format!("{code} is this site itself: name where the learner goes");
                return Err(Refusal::new(Kind::Refused, message));
            }
            Destination::Site(site)
        }
    })
}

impl NodeEngine {
    /// Records one event of a learner, as the columns of a file of events tell it.
    fn record(
        &mut self,
        learner: LearnerId,
        (date, by): (Option<Date>, Option<u16>),
        fields: &[String; 8],
    ) -> Result<u64, Refusal> {
        let body = self.body(learner, fields)?;
        let event = Event {
            date,
            by,
            ..Event::new(body)
        };
        Ok(self.append(learner, &[(None, event)])?)
    }
}
