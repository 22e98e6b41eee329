//! What goes wrong in real life: a power cut in the middle of an import, and a machine that comes
//! back from an old backup. Nothing is lost, nothing is double, and people are told.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use spean_protocol::catalogue::ModuleId;
use spean_protocol::id::LearnerId;

use super::{LATE, Report, Story};
use crate::api::Refusal;
use crate::cli::import::progress_bar;
use crate::demo::ground::{HEADQUARTERS, copy_folder, said};
use crate::demo::nodes::Process;

/// Rows of one transaction in the import that is killed: enough of them to be killed between.
const KILLED_BATCH_ROWS: usize = 40;

/// SIGKILL.
const SIGNAL_KILL: i32 = 9;

/// The site whose machine comes back from a backup; by sticks only, so nobody tells it at once.
const RESTORED: &str = "PRV";

impl Story<'_> {
    /// A node is killed in the middle of an import and started again; the import is repeated.
    pub(super) async fn killed(&mut self) -> Result<(), Refusal> {
        self.checks.step(&format!(
            "7. The power fails at {LATE} in the middle of its import"
        ));
        let known: BTreeSet<LearnerId> = self
            .nodes
            .learners(HEADQUARTERS)
            .await?
            .into_iter()
            .collect();
        let rows = self.rows_of(LATE)?;
        let process = self.nodes.take(LATE)?;
        let (killed, first, ended) = self.kill_amid_import(process, rows.all() / 3).await?;
        let saved = all_new(&first);
        let found = format!(
            "SIGKILL when {saved} of {} rows were acknowledged",
            rows.all()
        );
        let amid = killed.signal() == Some(SIGNAL_KILL) && ended.is_err() && saved > 0;
        self.checks
            .check("the node was killed in the middle of it", amid, found);
        self.nodes.start(&[LATE]).await?;
        self.checks
            .say("It starts again, and the officer imports the same files again.");
        let second = self.import_whole().await?;
        let kept = second.learners.known + second.events.known;
        let found = format!("{kept} rows known, {} new", all_new(&second));
        self.checks
            .check("what had been acknowledged is there", kept >= saved, found);
        self.checks.equal(
            "rows in all, known and new",
            kept + all_new(&second),
            rows.all(),
        );
        self.checks.equal(
            "new rows, imported a third time",
            all_new(&self.import_whole().await?),
            0,
        );
        self.sync_all(&[LATE]).await?;
        let mut events = 0;
        let mut learners = 0;
        for id in self.nodes.learners(HEADQUARTERS).await? {
            if !known.contains(&id) {
                learners += 1;
                events += u64::from(self.nodes.learner(HEADQUARTERS, id).await?.view.events);
            }
        }
        self.checks
            .equal("learners of it at the DGP", learners, rows.learners);
        self.checks.equal(
            "events of them at the DGP, none lost and none double",
            events,
            rows.readable,
        );
        Ok(())
    }

    /// Imports until so many rows are acknowledged and the next are under way, then kills.
    async fn kill_amid_import(
        &self,
        process: Process,
        rows: u64,
    ) -> Result<(ExitStatus, Report, Result<(), Refusal>), Refusal> {
        let bar = progress_bar("rows", false);
        let mut importing = pin!(self.import_at(LATE, KILLED_BATCH_ROWS, &bar));
        let far_enough = async {
            while bar.position() < rows {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let early = tokio::select! {
            done = &mut importing => Some(done),
            () = far_enough => None,
        };
        let killed = process.kill().await?;
        let (report, ended) = match early {
            Some(done) => done,
            None => importing.await,
        };
        bar.finish_and_clear();
        Ok((killed, report, ended))
    }

    async fn import_whole(&self) -> Result<Report, Refusal> {
        let bar = progress_bar("rows", false);
        let (report, result) = self.import_at(LATE, super::BATCH_ROWS, &bar).await;
        bar.finish_and_clear();
        result.map(|()| report)
    }

    /// Counts a site's register by itself, without the import.
    fn rows_of(&self, code: &str) -> Result<Rows, Refusal> {
        let read = |which: &str| {
            let path = self.ground.register(code, which);
            fs::read_to_string(&path).map_err(|error| said(&path, &error))
        };
        let (learners, events) = (read("learners")?, read("events")?);
        let mut rows = Rows {
            learners: 0,
            events: 0,
            readable: 0,
        };
        for line in learners.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let filled = |at: &usize| fields.get(*at).is_some_and(|field| !field.is_empty());
            rows.learners += 1;
            // Each script's name, sex, birth, education, languages; and the arrival.
            rows.readable += 1 + [1, 3, 5, 6, 7, 8].iter().filter(|at| filled(at)).count() as u64;
        }
        for line in events.lines().skip(1) {
            let kind = line.split(',').nth(3).unwrap_or_default();
            let restricted = ["who5-start", "who5-end", "disability", "indigenous"];
            rows.events += 1;
            rows.readable += u64::from(!restricted.contains(&kind));
        }
        Ok(rows)
    }

    /// A machine comes back from an old backup; what it lost is at its peers.
    pub(super) async fn restored(&mut self) -> Result<(), Refusal> {
        self.checks.step(&format!(
            "8. The machine of {RESTORED} comes back from an old backup"
        ));
        let backup = self.ground.directory().join("backup");
        let home = self.ground.home_path(RESTORED);
        self.nodes.stop(RESTORED).await?;
        copy_folder(&home, &backup)?;
        self.nodes.start(&[RESTORED]).await?;
        let learner = self.nodes.learners(RESTORED).await?.into_iter().next();
        let learner = learner.ok_or_else(|| super::unexpected(RESTORED))?;
        let before = self.events_of(learner).await?;
        for session in 31..=33 {
            self.attend(learner, session).await?;
        }
        self.carry(RESTORED, &[HEADQUARTERS], "courier").await?;
        self.checks
            .say("After the backup three sessions were recorded, and a stick took them along.");
        self.nodes.stop(RESTORED).await?;
        fs::remove_dir_all(&home).map_err(|error| said(&home, &error))?;
        copy_folder(&backup, &home)?;
        self.nodes.start(&[RESTORED]).await?;
        let restored = self.events_of(learner).await?;
        let name = "events of the learner on the restored machine, as before";
        self.checks.equal(name, restored.0, before.0);
        self.checks
            .say("Nobody notices. Two more sessions are recorded, and a stick goes and comes.");
        for session in 34..=35 {
            self.attend(learner, session).await?;
        }
        self.carry(RESTORED, &[HEADQUARTERS], "courier").await?;
        self.carry(HEADQUARTERS, &[RESTORED], "courier").await?;
        let after = self.events_of(learner).await?;
        self.checks.equal(
            format!("events at {RESTORED}, with lost and new"),
            after.0,
            before.0 + 5,
        );
        self.checks.equal(
            "events at the DGP, with lost and new",
            after.1,
            before.1 + 5,
        );
        self.check_held(HEADQUARTERS, &[RESTORED]).await?;
        let status = self.nodes.status(RESTORED).await?;
        let found = format!("{RESTORED} says that a copy of it exists or was restored");
        self.checks
            .check("people are told", status.copies > 0, found);
        self.checks
            .equal("runs that contradict themselves", status.forks, 0);
        Ok(())
    }

    async fn attend(&self, learner: LearnerId, session: u16) -> Result<(), Refusal> {
        let work = ("attended", ModuleId::MICRO_BUSINESS, Some(session));
        self.record(RESTORED, learner, "2026-07-13", work).await
    }

    /// The events of a learner at the restored site and at the head office.
    async fn events_of(&self, learner: LearnerId) -> Result<(u32, u32), Refusal> {
        let here = self.nodes.learner(RESTORED, learner).await?.view.events;
        let there = self.nodes.learner(HEADQUARTERS, learner).await?.view.events;
        Ok((here, there))
    }
}

/// The rows of a site's register.
struct Rows {
    learners: u64,
    events: u64,
    /// Events that the DGP reads once they are imported: rows of learners make several each, rows
    /// of restricted events none.
    readable: u64,
}

impl Rows {
    const fn all(&self) -> u64 {
        self.learners + self.events
    }
}

const fn all_new(report: &Report) -> u64 {
    report.learners.new + report.events.new
}
