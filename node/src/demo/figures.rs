//! The figures that the demo checks and ends with. They come out of a node's answers; what was
//! published stands beside them, in [`PUBLISHED`].

use serde::Serialize;
use spean_protocol::event::Month;
use spean_protocol::id::SiteId;
use spean_protocol::totals::{Beep, Figures, Period, Query, Ratio, Rounding};

use super::checks::{Check, Checks};
use super::ground::HEADQUARTERS;
use super::nation::{LABEL, PUBLISHED};
use super::nodes::{Nodes, unexpected};
use crate::api::{Kind, Refusal};
use crate::engine::report::SiteStatus;

/// The view that was published about: the seven pilot sites to 31 December 2025. The others have
/// nothing before 2026.
pub struct Published {
    /// To the end of 2025.
    to_2025: Figures,
    /// To the end of June 2025, as BEEP at CC4 was reported.
    to_mid_2025: Figures,
    cc4: SiteId,
}

impl Published {
    /// Asks the head office.
    ///
    /// # Errors
    /// As [`Nodes::ask`].
    pub async fn ask(nodes: &Nodes<'_>) -> Result<Self, Refusal> {
        let roster = nodes.roster(HEADQUARTERS).await?;
        let cc4 = roster.sites.iter().find(|site| site.code == "CC4");
        Ok(Self {
            to_2025: nodes.totals(HEADQUARTERS, until(2025, 12)?).await?.figures,
            to_mid_2025: nodes.totals(HEADQUARTERS, until(2025, 6)?).await?.figures,
            cc4: SiteId(cc4.ok_or_else(|| unexpected(HEADQUARTERS))?.number),
        })
    }

    fn beep(&self) -> Beep {
        self.to_mid_2025
            .beep_by_site
            .get(&self.cc4)
            .copied()
            .unwrap_or_default()
    }

    /// Checks every published figure.
    pub fn check(&self, checks: &mut Checks) {
        let (figures, due) = (&self.to_2025, PUBLISHED);
        let (women, reintegration) = (figures.women, figures.reintegration);
        let (english, beep) = (figures.english, self.beep());
        let largest = figures.largest_gain().map(|module| module.to_string());
        checks.equal(
            "beneficiaries",
            figures.beneficiaries,
            due.beneficiaries.into(),
        );
        checks.equal("women", women.count, due.women.into());
        whole(checks, "women, percent", women.percent(), 15);
        checks.equal(
            "in reintegration modules",
            reintegration.count,
            due.reintegration.into(),
        );
        whole(
            checks,
            "in reintegration modules, percent",
            reintegration.percent(),
            68,
        );
        decimal(
            checks,
            "mean gain, points",
            figures.gain.points(),
            due.mean_gain,
        );
        let name = "module with the largest gain";
        checks.equal(name, largest.as_deref().unwrap_or("none"), due.largest_gain);
        let name = "aspiration micro-business, percent";
        whole(checks, name, figures.aspiration.percent(), due.aspiration);
        let name = "WHO-5 energy, from the sites' sealed statements";
        decimal(checks, name, figures.who5.energy(), due.who5_energy);
        let name = "WHO-5 mood, from the sites' sealed statements";
        decimal(checks, name, figures.who5.mood(), due.who5_mood);
        checks.equal(
            "English, registered",
            english.registered,
            due.english_registered.into(),
        );
        let name = "English, attended all and released before the exam";
        checks.equal(
            name,
            english.released_after_all,
            due.english_released_before_exam.into(),
        );
        let name = "BEEP at CC4 in mid-2025, completed";
        checks.equal(name, beep.completed, due.beep_cc4_completed.into());
        let name = "BEEP at CC4 in mid-2025, others enrolled";
        checks.equal(name, beep.others, due.beep_cc4_others.into());
        let name = "people counted at two sites";
        checks.equal(name, figures.bridge.at_several, due.at_two_sites.into());
        check_bridge(checks, "bridge of the published view", figures);
    }
}

/// Everything to the end of a month; what has no date is left out.
fn until(year: i32, month: u8) -> Result<Query, Refusal> {
    let last = Month::from_civil(year, month);
    let last = last.map_err(|error| Refusal::new(Kind::Refused, error))?;
    Ok(Query {
        period: Period {
            first: Month::MIN,
            last,
        },
        site: None,
    })
}

/// Checks that the sum of the sites, less what was counted again, is the nation.
pub fn check_bridge(checks: &mut Checks, name: &str, figures: &Figures) {
    let bridge = &figures.bridge;
    let by_site: u64 = bridge.by_site.values().sum();
    let held = by_site == bridge.sum_of_sites
        && bridge.sum_of_sites.checked_sub(bridge.counted_again) == Some(bridge.national)
        && bridge.national == figures.beneficiaries;
    let found = format!(
        "{} by sites - {} counted again = {} national",
        bridge.sum_of_sites, bridge.counted_again, bridge.national
    );
    checks.check(name, held, found);
}

/// As the published page has it, towards zero.
fn whole(checks: &mut Checks, name: &str, found: Ratio, due: u32) {
    let text = found
        .text(Rounding::Truncate)
        .unwrap_or_else(|| "no data".to_owned());
    checks.equal(name, text, due.to_string());
}

fn decimal(checks: &mut Checks, name: &str, found: Ratio, due: f64) {
    let text = found
        .text(Rounding::OneDecimal)
        .unwrap_or_else(|| "no data".to_owned());
    checks.equal(name, text, format!("{due:.1}"));
}

/// What the demo ends with under `--json`.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// That nobody in it is real.
    label: &'static str,
    /// The published view: the pilot sites to 31 December 2025.
    beneficiaries: u64,
    women: u64,
    reintegration: u64,
    mean_gain: Option<f64>,
    largest_gain: Option<String>,
    aspiration_micro_business: Option<f64>,
    who5_energy: Option<f64>,
    who5_mood: Option<f64>,
    english_registered: u64,
    english_released_before_exam: u64,
    beep_cc4_completed: u64,
    beep_cc4_others: u64,
    /// Every site of the roster, to the last event.
    national: National,
    sites: &'a [SiteLine],
    checks: &'a [Check],
}

#[derive(Debug, Serialize)]
struct National {
    beneficiaries: u64,
    sum_of_sites: u64,
    counted_again: u64,
}

/// A site at the end.
#[derive(Debug, Serialize)]
pub struct SiteLine {
    /// Its code.
    pub code: String,
    /// The day of its newest data at the head office; none where nothing came.
    pub data_through: Option<String>,
    /// People with work there, to the last event.
    pub beneficiaries: u64,
}

impl<'a> Summary<'a> {
    /// Of the published view, the last national figures, the sites, and the checks.
    #[must_use]
    pub fn new(
        published: &Published,
        last: &Figures,
        sites: &'a [SiteLine],
        checks: &'a [Check],
    ) -> Self {
        let (figures, beep) = (&published.to_2025, published.beep());
        Self {
            label: LABEL,
            beneficiaries: figures.beneficiaries,
            women: figures.women.count,
            reintegration: figures.reintegration.count,
            mean_gain: number(figures.gain.points()),
            largest_gain: figures.largest_gain().map(|module| module.to_string()),
            aspiration_micro_business: number(figures.aspiration.percent()),
            who5_energy: number(figures.who5.energy()),
            who5_mood: number(figures.who5.mood()),
            english_registered: figures.english.registered,
            english_released_before_exam: figures.english.released_after_all,
            beep_cc4_completed: beep.completed,
            beep_cc4_others: beep.others,
            national: National {
                beneficiaries: last.beneficiaries,
                sum_of_sites: last.bridge.sum_of_sites,
                counted_again: last.bridge.counted_again,
            },
            sites,
            checks,
        }
    }
}

impl SiteLine {
    /// Of a site's state and number at the head office, and the figures there.
    #[must_use]
    pub fn of(figures: &Figures, status: &SiteStatus, site: Option<SiteId>) -> Self {
        let beneficiaries = site.and_then(|site| figures.bridge.by_site.get(&site));
        Self {
            code: status.code.clone(),
            data_through: status.data_through.clone(),
            beneficiaries: beneficiaries.copied().unwrap_or(0),
        }
    }
}

/// To one decimal.
fn number(ratio: Ratio) -> Option<f64> {
    ratio.text(Rounding::OneDecimal)?.parse().ok()
}
