//! What the demo plays, one function for each step. Each says what happens in plain words, lets the
//! nodes do it, and checks what they answer. First the `registers` come in, people put their `signatures`
//! under what is at stake, and the published figures come out; then a `transfer` and what follows from it, further `moves`, then `trouble`, then
//! the `ending`.
//! Here is what the steps share.

mod ending;
mod moves;
mod registers;
mod signatures;
mod transfer;
mod trouble;

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use indicatif::ProgressBar;
use spean_protocol::catalogue::ModuleId;
use spean_protocol::id::LearnerId;
use spean_protocol::totals::Figures;

use super::checks::Checks;
use super::figures::{Published, SiteLine};
use super::ground::{Ground, Site};
use super::nodes::{Nodes, unexpected};
use crate::api::{BundleLine, Kind, Refusal, Reply, Request};
use crate::cli::import::files::{Counts, File};
use crate::engine::import::Import;
use crate::engine::report::SiteStatus;
use crate::register::kind::Kind as Register;

/// Rows of an import that are one transaction of a node: small, so that the bar moves.
const BATCH_ROWS: usize = 500;

/// The site whose register comes in late, in the step with the power cut.
const LATE: &str = "BTB";

/// What the import of a site's register did.
#[derive(Default)]
pub(super) struct Report {
    pub(super) learners: Counts,
    pub(super) events: Counts,
}

/// What the steps share.
pub struct Story<'a> {
    /// Where they play.
    pub ground: &'a Ground,
    /// Who plays.
    pub nodes: Nodes<'a>,
    /// What is claimed.
    pub checks: Checks,
    /// Officers of the head office, with their keys.
    officers: Vec<(u16, SigningKey)>,
    sticks: u32,
}

/// The figures that the demo ends with.
pub struct Ending {
    /// The published view.
    pub published: Published,
    /// Everything.
    pub last: Figures,
    /// The sites.
    pub sites: Vec<SiteLine>,
}

impl<'a> Story<'a> {
    /// A story that has not begun.
    #[must_use]
    pub fn new(ground: &'a Ground) -> Self {
        Self {
            ground,
            nodes: Nodes::new(ground),
            checks: Checks::new(),
            officers: Vec::new(),
            sticks: 0,
        }
    }

    /// Plays it all.
    ///
    /// # Errors
    /// [`Refusal`] where a node refuses what should work: then the story cannot go on.
    pub async fn play(&mut self) -> Result<Ending, Refusal> {
        self.start().await?;
        self.import().await?;
        self.gather().await?;
        self.signed().await?;
        let published = self.published().await?;
        let traveller = self.slip().await?;
        self.goes_on(&traveller).await?;
        self.tour().await?;
        self.two_sites_at_once(&traveller).await?;
        self.van().await?;
        self.without_notice().await?;
        self.killed().await?;
        self.restored().await?;
        self.converge(&traveller).await?;
        let (last, sites) = self.nation().await?;
        Ok(Ending {
            published,
            last,
            sites,
        })
    }

    /// Imports the register of a site; what was acknowledged is reported in any case.
    async fn import_at(
        &self,
        code: &str,
        batch_rows: usize,
        bar: &ProgressBar,
    ) -> (Report, Result<(), Refusal>) {
        let (learners, events) = (
            self.ground.register(code, "learners"),
            self.ground.register(code, "events"),
        );
        let mut ask = async |request: Request| self.nodes.ask(code, request).await;
        let mut report = Report::default();
        let files = [(Register::Learners, &learners), (Register::Events, &events)];
        for (kind, path) in files {
            let counts = match kind {
                Register::Learners => &mut report.learners,
                _ => &mut report.events,
            };
            let (file, mut import) = (File { kind, path }, Import::of("register"));
            let sent = file.send(&mut import, batch_rows, &mut ask, bar, counts);
            if let Err(refusal) = sent.await {
                return (report, Err(refusal));
            }
        }
        (report, Ok(()))
    }

    /// Checks that `at` holds, of each of these sites, what the site itself has sealed.
    async fn check_held(&mut self, at: &str, codes: &[&str]) -> Result<(), Refusal> {
        let there = self.nodes.status(at).await?.sites;
        let mut lacking = Vec::new();
        for code in codes {
            let own = self.nodes.status(code).await?.sites;
            let of = |sites: &[SiteStatus]| sites.iter().find(|site| site.code == *code).cloned();
            let (own, held) = (of(&own), of(&there));
            let whole = held
                .as_ref()
                .is_some_and(|held| !held.holes && held.segments > 0);
            if !whole || own.map(|own| own.segments) != held.map(|held| held.segments) {
                lacking.push((*code).to_owned());
            }
        }
        let name = format!("{at} holds all that {} sealed", listed(codes));
        let found = match lacking.len() {
            0 => "nothing is missing".to_owned(),
            _ => format!("something of {} is missing", lacking.join(", ")),
        };
        self.checks.check(name, lacking.is_empty(), found);
        Ok(())
    }

    /// The codes of the sites that `which` names, in their order.
    fn codes(&self, which: impl Fn(&Site) -> bool) -> Vec<&'a str> {
        self.ground
            .sites
            .iter()
            .filter(|site| which(site))
            .map(|site| &*site.code)
            .collect()
    }

    fn new_stick(&mut self) -> Result<PathBuf, Refusal> {
        self.sticks += 1;
        self.ground.folder(&format!("sticks/{}", self.sticks))
    }

    async fn export(
        &self,
        from: &str,
        to: &[&str],
        stick: &Path,
        carrier: &str,
    ) -> Result<Vec<BundleLine>, Refusal> {
        let request = Request::StickExport {
            directory: stick.display().to_string(),
            to: to.iter().map(|code| (*code).to_owned()).collect(),
            carrier: carrier.to_owned(),
        };
        self.nodes.stick(from, request).await
    }

    async fn take_in(&self, at: &str, stick: &Path) -> Result<Vec<BundleLine>, Refusal> {
        let request = Request::StickImport {
            path: stick.display().to_string(),
        };
        let lines = self.nodes.stick(at, request).await?;
        match lines.iter().find_map(|line| line.stopped.clone()) {
            None => Ok(lines),
            Some(reason) => Err(Refusal::new(Kind::Store, format!("{at}: {reason}"))),
        }
    }

    /// A new stick from one site, taken in by others one after the other.
    async fn carry(&mut self, from: &str, to: &[&str], carrier: &str) -> Result<(), Refusal> {
        let stick = self.new_stick()?;
        self.export(from, to, &stick, carrier).await?;
        for code in to {
            self.take_in(code, &stick).await?;
        }
        Ok(())
    }

    /// Records an event of a learner's work on a module.
    async fn record(
        &self,
        code: &str,
        learner: LearnerId,
        date: &str,
        (kind, module, session): (&str, ModuleId, Option<u16>),
    ) -> Result<(), Refusal> {
        let mut fields: [String; 8] = Default::default();
        fields[0] = kind.to_owned();
        fields[1] = module.programme.to_string();
        fields[2] = module.to_string();
        fields[3] = session
            .map(|session| session.to_string())
            .unwrap_or_default();
        let request = Request::Record {
            learner,
            date: date.to_owned(),
            fields,
        };
        match self.nodes.ask(code, request).await? {
            Reply::Events(_) => Ok(()),
            _ => Err(unexpected(code)),
        }
    }
}

/// Codes, or how many, for a line of text.
fn listed(codes: &[&str]) -> String {
    match codes {
        [one] => (*one).to_owned(),
        few if few.len() <= 5 => few.join(", "),
        many => format!("{} sites", many.len()),
    }
}

/// A number of things, in words that agree.
fn counted(number: impl Into<u64>, thing: &str) -> String {
    let number = number.into();
    if number == 1 {
        format!("1 {thing}")
    } else {
        format!("{number} {thing}s")
    }
}
