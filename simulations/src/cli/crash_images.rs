//! `crash-images`: what power cuts leave of the real store.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use spean_simulations::crash::{Campaign, Report, Variant};

/// Failures that text shows; `--json` has all.
const SHOWN: usize = 20;

/// Which images.
#[derive(Args)]
pub struct Wanted {
    /// How many. They are spread over all moments of the workload; from about 20,000 on each moment
    /// has every variant, and more draw more subsets.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    images: u64,
    /// What the images are drawn from: another seed, other images.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one object instead of text.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Told<'a> {
    seed: u64,
    images: u64,
    seconds: u64,
    crash: &'a Report,
    good: bool,
}

/// Checks them, and says how it went.
pub fn main(wanted: &Wanted) -> ExitCode {
    let begun = Instant::now();
    let mut campaign = match Campaign::new(wanted.images, wanted.seed) {
        Ok(campaign) => campaign,
        Err(error) => return cannot_record(&error),
    };
    let done = super::bar(wanted.images, "images");
    campaign.go_on(None, super::threads(), &|report| {
        done.set_position(report.total());
        done.set_message(format!("{} failed", report.failures.len()));
    });
    done.finish_and_clear();
    let report = campaign.seen();
    let good = report.failures.is_empty();
    if wanted.json {
        super::print_json(&Told {
            seed: wanted.seed,
            images: report.total(),
            seconds: begun.elapsed().as_secs(),
            crash: report,
            good,
        });
    } else {
        tell(report, Some(begun.elapsed()));
        if good {
            println!("every image held what had been acknowledged");
        } else {
            let Wanted { images, seed, .. } = wanted;
            println!(
                "'spean-simulations crash-images --images {images} --seed {seed}' checks the same ones again"
            );
        }
    }
    super::verdict(good)
}

/// The harness failed, which says nothing about the store.
pub fn cannot_record(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!(
        "no image could be made, for the workload does not pass on a whole disk: {error}\n\
         'cargo test -p spean-simulations --test crash' shows where"
    );
    ExitCode::from(2)
}

/// How many images there were, of what, and which failed.
pub fn tell(report: &Report, elapsed: Option<Duration>) {
    let elapsed = elapsed.map_or_else(String::new, |elapsed| {
        format!(" in {:.1} s", elapsed.as_secs_f64())
    });
    println!(
        "{} crash images{elapsed}: power cuts among {} changes of the disk, {} transactions, {} checkpoints",
        report.total(),
        report.changes,
        report.commits,
        report.checkpoints
    );
    for (variant, count) in &report.images {
        println!("    {:46} {count:7}", named(*variant));
    }
    for failure in report.failures.iter().take(SHOWN) {
        println!("BROKEN {failure}");
    }
    let more = report.failures.len().saturating_sub(SHOWN);
    if more > 0 {
        println!("and {more} images more; --json has them all");
    }
}

/// What of the changes that were not durable was on the disk.
const fn named(variant: Variant) -> &'static str {
    match variant {
        Variant::Dropped => "what was not synced dropped",
        Variant::Kept => "kept",
        Variant::Subset => "partly kept",
        Variant::Torn => "kept, the last write torn",
        Variant::Twice => "partly kept, cut again while it recovers",
    }
}
