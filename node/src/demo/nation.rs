//! A generated nation: learners and events of fourteen sites, made up from a seed, such that the
//! figures that were published about the pilot come out of the records when they are counted. It
//! is what a demo imports. It is not data about anybody: names are combined at random, dates and
//! scores are drawn, and only the published totals are real. Seven of the sites are *assumed*.
//!
//! A plan says who there is (`plan`), a story makes dated events of it (`story`; `moved` for those
//! whom two sites know, `others` for those who do not count), `gains` settles the one mean that no
//! quota can, and `sheet` writes the two CSV texts of each site. The texts depend on the seed
//! alone: no clock, no hash order, no floating point.

mod day;
mod draw;
mod gains;
mod learner;
mod moved;
mod names;
mod others;
mod plan;
mod programmes;
mod quota;
mod sheet;
mod story;

#[cfg(test)]
mod recount;
#[cfg(test)]
mod soundness;

use day::Day;
use draw::Draw;
use learner::{Identity, Learner, Sex};
use names::Names;
use others::Other;
use plan::Plan;
use quota::{ASSUMED, CC1, CC2, PILOTS, UNIVERSE_END};

/// What a screen, a page or a file that shows the generated nation says about it.
pub const LABEL: &str = "generated: no real person";

/// The sites of a generated nation, pilot sites first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nation {
    /// Seven pilot sites and seven assumed ones. The DGP is not among them: it has no learners.
    pub sites: Vec<SiteFiles>,
}

/// What one site imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteFiles {
    /// The site's short code, such as `CC4`. Every row's key begins with it.
    pub code: &'static str,
    /// The site's name in English.
    pub name: &'static str,
    /// Whether it is one of the seven pilot sites. The others are placeholders that no source
    /// names: they are to be shown as assumed, and everything there happens in 2026.
    pub pilot: bool,
    /// The text of `learners.csv`: UTF-8, a header row, no quoting.
    pub learners_csv: String,
    /// The text of `events.csv`: ASCII, a header row, no quoting, by date with undated rows last.
    pub events_csv: String,
}

/// The published figures that a count over a generated nation gives. The universe is the seven
/// pilot sites to 31 December 2025 unless a field says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// IND-01: distinct persons.
    pub beneficiaries: u32,
    /// The sum of the sites' own IND-01.
    pub beneficiaries_by_site: u32,
    /// The persons counted at two sites: the difference of the two fields above.
    pub at_two_sites: u32,
    /// Pairs of registrations that look like one person, all among the beneficiaries.
    pub possible_duplicates: u32,
    /// IND-02: women among the beneficiaries.
    pub women: u32,
    /// IND-03: persons with a session of reintegration.
    pub reintegration: u32,
    /// IND-05: points of 100.
    pub mean_gain: f64,
    /// IND-06: the module.
    pub largest_gain: &'static str,
    /// IND-07: percent of those who declared an aspiration, rounded or truncated.
    pub aspiration: u32,
    /// IND-08: mean change of item 3 times 20.
    pub who5_energy: f64,
    /// IND-08: mean change of item 1 times 20.
    pub who5_mood: f64,
    /// IND-10: persons registered.
    pub english_registered: u32,
    /// IND-10: persons who attended all and were released before any exam.
    pub english_released_before_exam: u32,
    /// IND-11 at CC4 to 30 June 2025: persons who completed all seven courses.
    pub beep_cc4_completed: u32,
    /// IND-11 at CC4 to 30 June 2025: the others who were enrolled.
    pub beep_cc4_others: u32,
}

/// What every generated nation gives, whatever its seed.
pub const PUBLISHED: Published = Published {
    beneficiaries: 713,
    beneficiaries_by_site: 715,
    at_two_sites: 2,
    possible_duplicates: 5,
    women: 112,
    reintegration: 486,
    mean_gain: 30.0,
    largest_gain: "micro-business",
    aspiration: 47,
    who5_energy: 6.0,
    who5_mood: 12.0,
    english_registered: 33,
    english_released_before_exam: 23,
    beep_cc4_completed: 5,
    beep_cc4_others: 12,
};

/// Generates the nation of a seed: the same bytes for the same seed, and the figures of
/// [`PUBLISHED`] for every seed.
#[must_use]
pub fn generate(seed: u64) -> Nation {
    let mut maker = Maker {
        draw: Draw::new(seed),
        names: Names::new(),
        learners: Vec::new(),
    };
    maker.pilots();
    maker.newcomers();
    others::lose_dates(&mut maker.learners, &mut maker.draw);
    gains::settle_gains(&mut maker.learners, &mut maker.draw);
    Nation {
        sites: maker.sites(),
    }
}

/// The nation in the making. The number of a person is his index when he was made.
struct Maker {
    draw: Draw,
    names: Names,
    learners: Vec<Learner>,
}

impl Maker {
    /// The pilot sites to the end of 2025, and what those who were still there did afterwards.
    fn pilots(&mut self) {
        for plan in plan::beneficiaries(&mut self.draw) {
            self.tell(&plan);
        }
        for learner in &mut self.learners {
            let ended = learner.last_day().is_none_or(|day| day <= UNIVERSE_END);
            if ended && learner.departed().is_none() && self.draw.percent(60) {
                others::go_on_in_2026(learner, &mut self.draw);
            }
        }
        moved::registered_anew(&mut self.learners);
        let number = self.learners.len();
        let rows = moved::with_card(number, &mut self.names, &mut self.draw);
        self.learners.extend(rows);
        for (site, quota) in PILOTS.iter().enumerate() {
            for (other, count) in [
                (Other::Classes, quota.classes_only),
                (Other::Library, quota.library_only),
                (Other::Registered, quota.registered_only),
            ] {
                for _ in 0..count {
                    let sex = self.sex_at(site);
                    let events = others::tell(other, self.learners.len(), &mut self.draw);
                    self.add(site, sex, events);
                }
            }
        }
    }

    /// Those who first came in 2026: some to the pilot sites, all of the assumed sites' learners.
    fn newcomers(&mut self) {
        for (site, quota) in PILOTS.iter().enumerate() {
            let english = if matches!(site, CC1 | CC2) { 4 } else { 0 };
            for nth in 0..quota.newcomers {
                self.newcomer(site, Day::new(2026, 1, 12), nth < english);
            }
        }
        for site in PILOTS.len()..PILOTS.len() + ASSUMED.len() {
            for _ in 0..self.draw.between(22, 38) {
                self.newcomer(site, Day::new(2026, 2, 2), false);
            }
        }
    }

    fn newcomer(&mut self, site: usize, opened: Day, english: bool) {
        let sex = self.sex_at(site);
        let plan = plan::newcomer(site, sex, opened, english, &mut self.draw);
        self.tell(&plan);
    }

    /// A sex for somebody whom no quota counts.
    fn sex_at(&mut self, site: usize) -> Sex {
        match (site, self.draw.between(1, 100)) {
            (CC1, _) => Sex::Man,
            (CC2, 1..=60) | (_, 1..=8) => Sex::Woman,
            (_, 99..) => Sex::Missing,
            _ => Sex::Man,
        }
    }

    fn tell(&mut self, plan: &Plan) {
        let events = story::tell(plan, self.learners.len(), &mut self.draw);
        self.add(plan.site, plan.sex, events);
    }

    fn add(&mut self, site: usize, sex: Sex, events: Vec<learner::Event>) {
        let opened = if site < PILOTS.len() {
            Day::new(2023, 1, 2)
        } else {
            Day::new(2026, 1, 26)
        };
        let first = events
            .iter()
            .filter_map(|event| event.day)
            .min()
            .unwrap_or(opened);
        let earliest = if first >= Day::new(2026, 1, 12) {
            Day::new(2026, 1, 5)
        } else {
            opened
        };
        let arrived = first
            .plus(-self.draw.between(3, 45))
            .max(earliest.max(opened));
        let identity = Identity::new(sex, site == CC2, &mut self.names, &mut self.draw);
        let person = self.learners.len();
        self.learners.push(Learner {
            site,
            person,
            card: None,
            identity,
            arrived,
            events,
        });
    }

    fn sites(&self) -> Vec<SiteFiles> {
        let pilots = PILOTS.iter().map(|quota| (quota.code, quota.name));
        let files = pilots
            .chain(ASSUMED)
            .enumerate()
            .map(|(site, (code, name))| {
                let here = self
                    .learners
                    .iter()
                    .filter(|learner| learner.site == site)
                    .collect();
                let (learners_csv, events_csv) = sheet::write(code, here);
                SiteFiles {
                    code,
                    name,
                    pilot: site < PILOTS.len(),
                    learners_csv,
                    events_csv,
                }
            });
        files.collect()
    }
}
