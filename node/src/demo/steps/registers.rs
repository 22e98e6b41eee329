//! Before the story: the nodes start, the sites import their registers, the head office gets
//! everything, and the published figures come out of the records.

use super::{BATCH_ROWS, LATE, Story};
use crate::api::{Kind, Refusal};
use crate::cli::import::progress_bar;
use crate::demo::figures::Published;
use crate::demo::ground::{HEADQUARTERS, Line};
use crate::demo::nodes::all;

impl Story<'_> {
    /// Starts the fifteen nodes.
    pub(super) async fn start(&mut self) -> Result<(), Refusal> {
        self.checks
            .step("The head office (DGP) and fourteen sites start, each a process");
        for site in &self.ground.sites {
            let line = match site.line {
                Line::Iroh => "dials the DGP by iroh",
                Line::Quinn => "dials the DGP by quinn",
                Line::Stick => "by sticks only",
            };
            self.checks
                .say(format!("{:4} {:62} {line}", site.code, site.name));
        }
        self.nodes.start(&[HEADQUARTERS]).await?;
        self.nodes.start(&self.codes(|_| true)).await
    }

    /// Every site imports its register, but for the one that comes late.
    pub(super) async fn import(&mut self) -> Result<(), Refusal> {
        self.checks
            .step("Thirteen sites import their registers: learners, then events");
        let bar = progress_bar("rows", false);
        let codes = self.codes(|site| site.code != LATE);
        let importing = codes
            .iter()
            .map(|code| self.import_at(code, BATCH_ROWS, &bar))
            .collect();
        let done = all(importing).await;
        bar.finish_and_clear();
        let (mut learners, mut events, mut refused) = (0, 0, 0);
        for (report, result) in done {
            result?;
            learners += report.learners.new;
            events += report.events.new;
            for counts in [&report.learners, &report.events] {
                refused += counts.refused + counts.waiting + counts.differs;
                for line in counts.lines.iter().take(3) {
                    self.checks.say(line.to_string());
                }
            }
        }
        self.checks
            .say(format!("{learners} learners and {events} events were new."));
        self.checks
            .equal("rows of the registers that were refused", refused, 0);
        self.checks.say(format!("{LATE} opens its centre later."));
        Ok(())
    }

    /// Everything goes to the head office, by whatever way each site has.
    pub(super) async fn gather(&mut self) -> Result<(), Refusal> {
        self.checks
            .step("The head office gets everything: over links, and by a courier's stick");
        let linked = self.codes(|site| site.line != Line::Stick && site.code != LATE);
        self.sync_all(&linked).await?;
        self.checks.say(format!(
            "{} sites exchanged with the DGP over their links.",
            linked.len()
        ));
        let by_stick = self.codes(|site| site.line == Line::Stick);
        let stick = self.new_stick()?;
        for code in &by_stick {
            self.export(code, &[HEADQUARTERS], &stick, "courier")
                .await?;
        }
        let lines = self.take_in(HEADQUARTERS, &stick).await?;
        let bytes: u64 = lines.iter().map(|line| line.contents.bytes).sum();
        let (bundles, kilobytes) = (lines.len(), bytes / 1024);
        self.checks.say(format!(
            "A courier brought {bundles} bundles, {kilobytes} KB in all."
        ));
        self.wait_until_open().await?;
        let codes = self.codes(|site| site.code != LATE);
        self.check_held(HEADQUARTERS, &codes).await
    }

    /// Lets linked sites exchange with the head office, side by side.
    pub(super) async fn sync_all(&self, codes: &[&str]) -> Result<(), Refusal> {
        let bar = progress_bar("exchanges", false);
        bar.inc_length(codes.len() as u64);
        let sync = async |code: &str| {
            let outcome = self.nodes.sync(code, HEADQUARTERS).await;
            bar.inc(1);
            outcome
        };
        let done = all(codes.iter().map(|code| sync(code)).collect()).await;
        bar.finish_and_clear();
        for (code, outcome) in codes.iter().zip(done) {
            if !outcome?.complete {
                let message = format!("the exchange of {code} did not come to its end");
                return Err(Refusal::new(Kind::Link, message));
            }
        }
        Ok(())
    }

    /// Waits until the head office has opened every record that came.
    async fn wait_until_open(&self) -> Result<(), Refusal> {
        let bar = progress_bar("opening", false);
        loop {
            let waiting = self.nodes.status(HEADQUARTERS).await?.to_fold;
            let most = bar.length().unwrap_or(0).max(waiting);
            bar.set_length(most);
            bar.set_position(most - waiting);
            if waiting == 0 {
                bar.finish_and_clear();
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// Checks the published figures.
    pub(super) async fn published(&mut self) -> Result<Published, Refusal> {
        self.checks.step(
            "The published figures come out of the records: seven pilot sites to 31 December 2025",
        );
        let published = Published::ask(&self.nodes).await?;
        published.check(&mut self.checks);
        Ok(published)
    }
}
