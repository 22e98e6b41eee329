//! The end of the story: a last round of links and sticks, after which every node holds the same,
//! and the nation's figures.

use spean_protocol::id::SiteId;
use spean_protocol::totals::{Figures, Query};

use super::transfer::Traveller;
use super::{LATE, Story};
use crate::api::Refusal;
use crate::demo::figures::{SiteLine, check_bridge};
use crate::demo::ground::{HEADQUARTERS, Line};
use crate::demo::nation::LABEL;
use crate::engine::report::SiteStatus;

impl Story<'_> {
    /// Everyone gets everything.
    pub(super) async fn converge(&mut self, traveller: &Traveller) -> Result<(), Refusal> {
        self.checks
            .step("9. A last round of links and sticks, and everyone has everything");
        let linked = self.codes(|site| site.line != Line::Stick);
        let by_stick = self.codes(|site| site.line == Line::Stick);
        self.sync_all(&linked).await?;
        let stick = self.new_stick()?;
        for code in &by_stick {
            self.export(code, &[HEADQUARTERS], &stick, "courier")
                .await?;
        }
        self.take_in(HEADQUARTERS, &stick).await?;
        self.sign_the_rest().await?;
        // What came by stick goes out again over the links, and everything by stick.
        self.sync_all(&linked).await?;
        self.carry(HEADQUARTERS, &by_stick, "courier").await?;
        let everyone = self.codes(|_| true);
        self.check_held(HEADQUARTERS, &everyone).await?;
        self.check_everywhere().await?;
        self.check_traveller(traveller).await
    }

    /// Checks that every node holds the same of every site.
    async fn check_everywhere(&mut self) -> Result<(), Refusal> {
        let held = |sites: Vec<SiteStatus>| -> Vec<(String, u64, bool)> {
            sites
                .into_iter()
                .map(|site| (site.code, site.segments, site.holes))
                .collect()
        };
        let reference = held(self.nodes.status(HEADQUARTERS).await?.sites);
        let mut differ = Vec::new();
        for site in &self.ground.sites {
            if held(self.nodes.status(&site.code).await?.sites) != reference {
                differ.push(site.code.clone());
            }
        }
        let segments: u64 = reference.iter().map(|(_, segments, _)| segments).sum();
        let whole = differ.is_empty() && reference.iter().all(|(_, _, holes)| !holes);
        let found = match differ.len() {
            0 => format!("{segments} segments of {} sites", reference.len()),
            _ => format!("something is missing at {}", differ.join(", ")),
        };
        self.checks
            .check("all fifteen nodes hold the same", whole, found);
        Ok(())
    }

    /// The nation's figures, and how fresh each site's data are.
    pub(super) async fn nation(&mut self) -> Result<(Figures, Vec<SiteLine>), Refusal> {
        self.checks
            .step(&format!("The nation to the last event ({LABEL})"));
        let totals = self.nodes.totals(HEADQUARTERS, Query::ALL).await?;
        crate::cli::show::show_figures(&totals.figures);
        let roster = self.nodes.roster(HEADQUARTERS).await?;
        let mut lines = Vec::new();
        println!("sites, as the DGP has them:");
        for status in &totals.sites {
            let site = roster.sites.iter().find(|site| site.code == status.code);
            let number = site.map(|site| SiteId(site.number));
            let line = SiteLine::of(&totals.figures, status, number);
            let through = line.data_through.as_deref().unwrap_or("no data yet");
            println!(
                "  {:4} data through {through}, {} people",
                line.code, line.beneficiaries
            );
            lines.push(line);
        }
        check_bridge(&mut self.checks, "bridge of the nation", &totals.figures);
        let heard = lines
            .iter()
            .filter(|line| line.data_through.is_some())
            .count();
        self.checks
            .equal("sites with data at the DGP", heard, self.ground.sites.len());
        let late = lines.iter().find(|line| line.code == LATE);
        let late = late.map_or(0, |line| line.beneficiaries);
        self.checks.check(
            format!("{LATE} is in it"),
            late > 0,
            format!("{late} people"),
        );
        Ok((totals.figures, lines))
    }
}
