//! `campaign`: a night of seeds and crash images.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::RangedU64ValueParser;
use indicatif::ProgressBar;
use spean_simulations::campaign::{self, Campaign, campaign};
use spean_simulations::crash;
use spean_simulations::swarm::Swarm;

/// How often it says how it stands.
const SAYS_EVERY: Duration = Duration::from_secs(60);

/// How long, and how much at most.
#[derive(Args)]
pub struct Wanted {
    /// Begin no further seed or image after so many minutes; 480 are a night.
    #[arg(long, value_parser = RangedU64ValueParser::<u64>::new().range(1..=100_000))]
    minutes: u64,
    /// Seeds at most.
    #[arg(long, default_value_t = 60_000)]
    seeds: u64,
    /// Crash images at most: they have the first tenth of the time, and what the seeds leave.
    #[arg(long, default_value_t = 100_000, value_parser = RangedU64ValueParser::<u64>::new().range(..=10_000_000))]
    images: u64,
    /// The first seed; the images are drawn from it too. Give another one each night.
    #[arg(long, default_value_t = 1_000_000)]
    first: u64,
    /// What the seeds start from: a name from 'list', or the path of a TOML file.
    #[arg(long, default_value = "swarm")]
    scenario: String,
    /// Print one object instead of text.
    #[arg(long)]
    json: bool,
}

/// Plays, and says how it went.
pub fn main(wanted: &Wanted) -> ExitCode {
    if wanted.seeds + wanted.images == 0 {
        eprintln!("no seeds and no images: leave out --seeds or --images, or give more than 0");
        return ExitCode::from(2);
    }
    let Some(scenario) = super::load(&wanted.scenario) else {
        return ExitCode::from(2);
    };
    let time = Duration::from_secs(wanted.minutes * 60);
    let asked = campaign::Wanted {
        first: wanted.first,
        seeds: wanted.seeds,
        images: wanted.images,
        time,
        threads: super::threads(),
    };
    let so_far = SoFar::new(super::bar(time.as_secs(), "seconds"));
    let played = so_far.while_it_says(|| {
        campaign(&scenario, &asked, &|swarm, images| {
            so_far.is(swarm, images);
        })
    });
    so_far.bar.finish_and_clear();
    let campaign = match played {
        Ok(campaign) => campaign,
        Err(error) => return super::crash_images::cannot_record(&error),
    };
    if wanted.json {
        super::print_json(&campaign);
    } else {
        tell(&campaign, wanted);
    }
    super::verdict(campaign.good)
}

/// What is known while it runs. It goes to standard error, with each failure as it is found, so that
/// a campaign that somebody ends early was not for nothing.
struct SoFar {
    begun: Instant,
    bar: ProgressBar,
    told: Mutex<Told>,
}

/// The last totals, and the failures that were told.
#[derive(Default)]
struct Told {
    totals: String,
    seeds: BTreeSet<u64>,
    images: usize,
}

impl SoFar {
    fn new(bar: ProgressBar) -> Self {
        Self {
            begun: Instant::now(),
            bar,
            told: Mutex::new(Told {
                totals: "the disk's tape is being recorded".to_owned(),
                ..Told::default()
            }),
        }
    }

    fn is(&self, swarm: &Swarm, images: &crash::Report) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (seed, failure) in &swarm.failures {
            if told.seeds.insert(*seed) {
                self.say(&super::broken(*seed, failure));
            }
        }
        for failure in &images.failures[told.images..] {
            self.say(&format!("BROKEN {failure}"));
        }
        told.images = images.failures.len();
        told.totals = format!(
            "{} seeds, {} days of sites, {} events, {} exchanges, {} stick stops, {} transfers, {} of {} faults, {} images; {} failed",
            swarm.seeds,
            swarm.site_days,
            swarm.events,
            swarm.exchanges,
            swarm.stops,
            swarm.transfers,
            swarm.happened.total(),
            swarm.planned.total(),
            images.total(),
            swarm.failures.len() + images.failures.len()
        );
        self.bar.set_position(self.begun.elapsed().as_secs());
        self.bar.set_message(told.totals.clone());
    }

    /// Writes a line above the bar; also where there is no terminal and so no bar.
    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    /// Does something, and says each minute how it stands, also while one seed takes longer.
    fn while_it_says<T>(&self, work: impl FnOnce() -> T) -> T {
        let (done, is_done) = channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while is_done.recv_timeout(SAYS_EVERY) == Err(RecvTimeoutError::Timeout) {
                    let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                    let minutes = self.begun.elapsed().as_secs() / 60;
                    self.say(&format!("{minutes} min: {}", told.totals));
                }
            });
            let value = work();
            drop(done);
            value
        })
    }
}

fn tell(campaign: &Campaign, wanted: &Wanted) {
    let Campaign {
        swarm,
        crash,
        missed,
        ..
    } = campaign;
    println!(
        "a campaign of {} s from seed {}: {} of {} seeds, {} of {} crash images",
        campaign.seconds, campaign.first, swarm.seeds, wanted.seeds, campaign.images, wanted.images
    );
    super::tell_played(swarm);
    super::crash_images::tell(crash, None);
    for (seed, failure) in &swarm.failures {
        println!("{}", super::broken(*seed, failure));
    }
    if !missed.is_empty() {
        println!("planned, and never hit: {missed:?}");
    }
    if campaign.good {
        println!("every promise held");
    } else if !swarm.failures.is_empty() {
        println!("{}", super::HOW_TO_SEE);
    }
}
