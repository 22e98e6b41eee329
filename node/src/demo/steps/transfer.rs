//! A learner moves: his record opens by a slip where no link ever was, the old site reads nothing
//! of what follows, a courier makes his tour, and two sites work on one record at once.

use spean_protocol::catalogue::{ModuleId, ProgrammeId};
use spean_protocol::id::LearnerId;
use spean_protocol::totals::Query;
use spean_protocol::view::{LearnerView, ModuleProgress, Restricted};

use super::{Story, counted};
use crate::api::{BundleLine, Kind, LearnerPage, Refusal, Reply, Request};
use crate::demo::ground::HEADQUARTERS;
use crate::demo::nodes::unexpected;
use crate::engine::arrive::{Arrival, Ticket};
use crate::engine::depart::Moved;
use crate::engine::state::State;

/// Where the learner comes from, and where he goes: both by sticks only.
const OLD: &str = "CC4";
const NEW: &str = "KOH";

/// The stops of the courier.
const TOUR: [&str; 5] = ["CC4", "PRV", "KOH", "BMC", "TAK"];

/// The learner who moves.
pub struct Traveller {
    id: LearnerId,
    name: String,
    /// A module that he began and has not finished.
    module: ModuleId,
    /// The last session of it that he attended at the old site.
    session: u16,
}

impl Story<'_> {
    /// A transfer that a slip opens: the ciphertext came by stick before, and there is no link.
    pub(super) async fn slip(&mut self) -> Result<Traveller, Refusal> {
        self.checks
            .step("1. A learner is transferred, and his slip opens his record");
        let (traveller, before) = self.find_traveller().await?;
        let Traveller {
            id, name, module, ..
        } = &traveller;
        self.checks.say(format!(
            "{name} learns at {OLD} and is in the middle of {module}."
        ));
        self.checks.say(format!(
            "In the morning a stick came from {OLD} to {NEW}: everyone's records, sealed."
        ));
        self.carry(OLD, &[NEW], "supply van").await?;
        let sealed = self.nodes.learner(NEW, *id).await;
        self.check_refused(&format!("{NEW} cannot read it without the slip"), &sealed);
        let slip = self.transfer_out(*id).await?;
        self.checks.say(format!(
            "At noon he leaves for {NEW}, with a slip: a QR of {} letters. The two have no link.",
            slip.len()
        ));
        let elsewhere = self.transfer_in("PRV", &slip).await;
        self.check_refused("the slip opens nothing at another site", &elsewhere);
        let arrival = self.transfer_in(NEW, &slip).await?;
        let page = self.nodes.learner(NEW, *id).await?;
        let state = arrival.states.first();
        let past = match state {
            Some(State::Open { .. }) => "all of it is here".to_owned(),
            Some(State::WaitingForSegments { segments, .. }) => {
                format!(
                    "only his departure is still to come, {}",
                    counted(*segments, "segment")
                )
            }
            _ => "no key".to_owned(),
        };
        let keyed = matches!(
            state,
            Some(State::Open { .. } | State::WaitingForSegments { .. })
        );
        let opened = keyed && arrival.name == *name;
        self.checks
            .check("the slip opened his record", opened, past);
        let modules = counted(page.view.progress.modules.len() as u64, "module");
        let same = page.view.progress == before.view.progress;
        self.checks.check(
            "all his work is there",
            same,
            format!("{modules}, with every session"),
        );
        let restricted = page.view.restricted == Restricted::default();
        let found = "he did not agree that they move";
        self.checks
            .check("his WHO-5 answers stayed behind", restricted, found);
        let dials = self.nodes.status(NEW).await?.exchanges.len();
        self.checks.equal(
            format!("exchanges that {NEW} ever had over a link"),
            dials,
            0,
        );
        Ok(traveller)
    }

    /// Of those at the old site, the one with the longest record who is in the middle of a module
    /// and was asked the WHO-5 questions.
    async fn find_traveller(&self) -> Result<(Traveller, LearnerPage), Refusal> {
        let mut best: Option<(ModuleProgress, LearnerPage)> = None;
        for id in self.nodes.learners(OLD).await? {
            let page = self.nodes.learner(OLD, id).await?;
            let known = best.as_ref().map_or(0, |(_, page)| page.view.events);
            let open = open_module(&page.view).cloned();
            if let Some(module) = open.filter(|_| page.view.events > known) {
                best = Some((module, page));
            }
        }
        let nobody = || Refusal::new(Kind::Refused, format!("{OLD} has nobody to transfer"));
        let (module, page) = best.ok_or_else(nobody)?;
        let session = module.attended.last().copied().unwrap_or(0);
        let (id, name, module) = (page.learner, page.name.clone(), module.module);
        Ok((
            Traveller {
                id,
                name,
                module,
                session,
            },
            page,
        ))
    }

    async fn transfer_out(&self, learner: LearnerId) -> Result<String, Refusal> {
        let request = Request::TransferOut {
            learners: vec![learner],
            to: NEW.to_owned(),
            date: "2026-07-01".to_owned(),
            with_restricted: false,
        };
        match self.nodes.ask(OLD, request).await? {
            Reply::Departures(mut moved) => match moved.pop() {
                Some(Moved::Done(departure)) => departure.slip.ok_or_else(|| unexpected(OLD)),
                Some(Moved::Refused { why, .. }) => Err(Refusal::new(Kind::Refused, why)),
                None => Err(unexpected(OLD)),
            },
            _ => Err(unexpected(OLD)),
        }
    }

    async fn transfer_in(&self, at: &str, slip: &str) -> Result<Arrival, Refusal> {
        let request = Request::TransferIn {
            tickets: vec![Ticket::Slip(slip.to_owned())],
            date: "2026-07-01".to_owned(),
        };
        match self.nodes.ask(at, request).await? {
            Reply::Arrivals(mut moved) => match moved.pop() {
                Some(Moved::Done(arrival)) => Ok(arrival),
                Some(Moved::Refused { why, .. }) => {
                    Err(Refusal::new(Kind::Refused, format!("{at}: {why}")))
                }
                None => Err(unexpected(at)),
            },
            _ => Err(unexpected(at)),
        }
    }

    /// Claims that a node refused. A node that did not answer at all has not refused.
    fn check_refused<T>(&mut self, name: &str, result: &Result<T, Refusal>) {
        match result {
            Ok(_) => self.checks.check(name, false, "it was not refused"),
            Err(refusal) => {
                let said = refusal
                    .message
                    .split(": ")
                    .nth(1)
                    .unwrap_or(&refusal.message);
                self.checks.check(name, refusal.kind == Kind::Refused, said);
            }
        }
    }

    /// The learner goes on at the new site; the old one carries it and reads nothing.
    pub(super) async fn goes_on(&mut self, traveller: &Traveller) -> Result<(), Refusal> {
        self.checks
            .step("2. He goes on at the new site, and the old site reads nothing of it");
        let Traveller {
            id,
            module,
            session,
            ..
        } = traveller;
        let before = self.nodes.totals(OLD, Query::ALL).await?.figures;
        self.record(
            NEW,
            *id,
            "2026-07-03",
            ("attended", *module, Some(session + 1)),
        )
        .await?;
        self.record(
            NEW,
            *id,
            "2026-07-03",
            ("session-done", *module, Some(session + 1)),
        )
        .await?;
        self.record(
            NEW,
            *id,
            "2026-07-06",
            ("attended", *module, Some(session + 2)),
        )
        .await?;
        self.checks.say(format!(
            "He attends two sessions of {module} at {NEW}. A stick goes to"
        ));
        self.checks.say(format!(
            "{OLD} with it, sealed, and one back to {NEW} with his departure."
        ));
        self.carry(NEW, &[OLD], "supply van").await?;
        self.carry(OLD, &[NEW], "supply van").await?;
        let page = self.nodes.learner(NEW, *id).await?;
        self.checks.equal(
            format!("where he is, as {NEW} sees it"),
            &*page.state,
            "here",
        );
        self.check_held(OLD, &[NEW]).await?;
        let read = self.nodes.learner(OLD, *id).await;
        self.check_refused(&format!("{OLD} cannot read his record any more"), &read);
        let waiting = self.nodes.status(OLD).await?.to_fold;
        self.checks
            .equal(format!("records of it that {OLD} has a key to"), waiting, 0);
        let after = self.nodes.totals(OLD, Query::ALL).await?.figures;
        let found = format!("{} beneficiaries before and after", after.beneficiaries);
        self.checks.check(
            format!("the totals of {OLD} did not change"),
            after == before,
            found,
        );
        Ok(())
    }

    /// A courier's tour through five sites that have no link, and what the guards' register says.
    pub(super) async fn tour(&mut self) -> Result<(), Refusal> {
        self.checks
            .step("3. A courier's stick goes through five sites to the head office");
        let stick = self.new_stick()?;
        for (stop, code) in TOUR.iter().enumerate() {
            if stop > 0 {
                let lines = self.take_in(code, &stick).await?;
                let new: u64 = lines.iter().filter_map(|line| line.new).sum();
                self.checks
                    .say(format!("{code} takes in {}", counted(new, "new piece")));
            }
            let ahead: Vec<&str> = TOUR[stop + 1..]
                .iter()
                .copied()
                .chain([HEADQUARTERS])
                .collect();
            self.export(code, &ahead, &stick, "courier of the DGP")
                .await?;
        }
        let path = stick.display().to_string();
        let listed = self
            .nodes
            .stick(HEADQUARTERS, Request::StickInspect { path })
            .await?;
        self.checks
            .say("At the gate of the DGP the stick is listed for the guards' register:");
        let (route, carrier) = ("bundle", "carried by");
        self.checks.say(format!(
            "  {route:33} {carrier:18}  days parcels keys receipts   bytes"
        ));
        listed
            .iter()
            .for_each(|line| self.checks.say(inspection_line(line)));
        let taken = self.take_in(HEADQUARTERS, &stick).await?;
        let agree = listed
            .iter()
            .zip(&taken)
            .all(|(list, take)| list.contents == take.contents);
        // Each stop takes in what is on the stick and writes it anew with its own days.
        let found = counted(listed.len() as u64, "bundle");
        let whole = agree && listed.len() == 1 && taken.len() == 1;
        self.checks
            .check("the list names what was taken in", whole, found);
        self.check_held(HEADQUARTERS, &TOUR).await?;
        self.check_held("TAK", &TOUR).await
    }

    /// Both sites work on the record while neither hears of the other.
    pub(super) async fn two_sites_at_once(&mut self, who: &Traveller) -> Result<(), Refusal> {
        self.checks
            .step("4. Two sites work on the same record at once, and nothing is undone");
        let Traveller {
            id,
            name,
            module,
            session,
        } = who;
        let at_once = *session + 3;
        self.checks.say(format!(
            "{OLD} finds a paper of {name}'s last day there: he had finished"
        ));
        self.checks.say(format!(
            "{module}. {NEW} cannot know it and teaches him session {at_once}."
        ));
        self.record(OLD, *id, "2026-07-01", ("module-done", *module, None))
            .await?;
        self.record(NEW, *id, "2026-07-08", ("attended", *module, Some(at_once)))
            .await?;
        let stick = self.new_stick()?;
        self.export(NEW, &[HEADQUARTERS], &stick, "courier").await?;
        self.export(OLD, &[HEADQUARTERS], &stick, "courier").await?;
        self.take_in(HEADQUARTERS, &stick).await?;
        self.check_module(
            who,
            at_once,
            "the achievement and the session are both kept",
        )
        .await?;
        let late = self
            .nodes
            .learner(HEADQUARTERS, *id)
            .await?
            .view
            .notices
            .late
            .len();
        self.checks
            .equal("events marked as written after he had left there", late, 1);
        self.record(
            NEW,
            *id,
            "2026-07-10",
            ("attended", *module, Some(at_once + 1)),
        )
        .await?;
        self.carry(NEW, &[HEADQUARTERS], "courier").await?;
        self.check_module(
            who,
            at_once + 1,
            "work that follows does not undo the achievement",
        )
        .await
    }

    /// Checks that at the DGP the module is done and every session up to `session` is there.
    async fn check_module(
        &mut self,
        who: &Traveller,
        session: u16,
        name: &str,
    ) -> Result<(), Refusal> {
        let page = self.nodes.learner(HEADQUARTERS, who.id).await?;
        let progress = page.view.progress.module(who.module);
        let done = progress.is_some_and(|progress| progress.done);
        let attended = progress
            .map(|progress| progress.attended.clone())
            .unwrap_or_default();
        let kept = (who.session..=session).all(|session| attended.contains(&session));
        let state = if done { "done" } else { "open" };
        let sessions = counted(attended.len() as u64, "session");
        self.checks.check(
            name,
            done && kept,
            format!("{} is {state}, {sessions}", who.module),
        );
        Ok(())
    }

    /// Checks at the end that the new site and the head office read the same record.
    pub(super) async fn check_traveller(&mut self, who: &Traveller) -> Result<(), Refusal> {
        let here = self.nodes.learner(NEW, who.id).await?.view;
        let there = self.nodes.learner(HEADQUARTERS, who.id).await?.view;
        let name = format!("{NEW} and the DGP read the same record, byte for byte");
        let found = counted(here.events, "event");
        self.checks.check(
            name,
            here.canonical_bytes() == there.canonical_bytes(),
            found,
        );
        Ok(())
    }
}

/// A reintegration module that was begun and not finished, of somebody whom the WHO-5 questions
/// were put to.
fn open_module(view: &LearnerView) -> Option<&ModuleProgress> {
    let modules = view
        .progress
        .modules
        .iter()
        .filter(|_| !view.restricted.who5.is_empty());
    let mut open = modules.filter(|progress| !progress.done && !progress.attended.is_empty());
    open.find(|progress| progress.module.programme == ProgrammeId::REINTEGRATION)
}

fn inspection_line(line: &BundleLine) -> String {
    let carrier = line
        .manifest
        .as_ref()
        .map_or("", |manifest| manifest.carrier.as_str());
    let (route, contents) = (&line.route, &line.contents);
    let (days, parcels) = (contents.data_segments, contents.parcels);
    let (keys, receipts, bytes) = (contents.control_segments, contents.receipts, contents.bytes);
    format!("  {route:33} {carrier:18} {days:5} {parcels:7} {keys:4} {receipts:8} {bytes:7}")
}
