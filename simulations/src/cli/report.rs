//! `report`: plays the campaign and writes the page.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use spean_simulations::report::campaign::campaign;
use spean_simulations::report::page::page;
use spean_simulations::report::{Combination, Report, SCENARIO};
use spean_simulations::scenario::Scenario;

/// Transfers that a quick report counts.
const QUICK_TRANSFERS: u64 = 600;
/// The part of the scenario's days that it plays.
const QUICK_PART: u32 = 3;

/// What the report is about.
#[derive(Args)]
pub struct Wanted {
    /// Where to write the page.
    #[arg(long, default_value = "report.html")]
    to: PathBuf,
    /// Transfers at least, in all combinations together: seeds are added until there are enough.
    #[arg(long, default_value_t = 10_000)]
    transfers: u64,
    /// About 600 transfers in a third of the days: to see the page, not to quote it.
    #[arg(long, conflicts_with = "transfers")]
    quick: bool,
    /// Print the numbers as one object instead of text; the page is written all the same.
    #[arg(long)]
    json: bool,
}

/// Plays, writes, and says how it went.
pub fn main(wanted: &Wanted) -> ExitCode {
    match written(wanted) {
        Ok(report) => super::verdict(report.broken.is_empty() && report.missed().next().is_none()),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn written(wanted: &Wanted) -> Result<Report, Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let mut scenario = Scenario::load(SCENARIO)?;
    let (transfers, command) = if wanted.quick {
        scenario.days /= QUICK_PART;
        (QUICK_TRANSFERS, "report --quick".to_owned())
    } else {
        let command = format!("report --transfers {}", wanted.transfers);
        (wanted.transfers, command)
    };
    let done = super::bar(transfers, "transfers");
    let seeds = campaign(&scenario, transfers, super::threads(), &|counted| {
        done.set_position(counted.min(transfers));
    });
    done.finish_and_clear();
    let command = format!("cargo run --release -p spean-simulations -- {command}");
    let mut report = Report::of(&scenario, &seeds, &command)?;
    report.seconds = begun.elapsed().as_secs();
    std::fs::write(&wanted.to, page(&report)?)
        .map_err(|error| format!("{}: {error}", wanted.to.display()))?;
    if wanted.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        tell(&report);
        println!("the page is {}", wanted.to.display());
    }
    Ok(report)
}

fn tell(report: &Report) {
    println!(
        "{} transfers in {} runs of {} days, {} seeds, {} s",
        report.transfers, report.runs, report.days, report.seeds, report.seconds
    );
    println!("record open before the first session:");
    report.combinations.iter().for_each(tell_combination);
    for one in &report.broken {
        println!(
            "BROKEN seed {}, slips {}, vans {}, day {}: {}: {}",
            one.seed, one.slips, one.vans, one.day, one.promise, one.what
        );
    }
    for one in report.missed() {
        println!("planned, and never hit: {}", one.name);
    }
}

fn tell_combination(one: &Combination) {
    println!(
        "  slips {:2.0} %, stick in the van {:3.0} %",
        one.slips * 100.0,
        one.vans * 100.0
    );
    for class in one.classes.iter().chain([&one.all]) {
        println!(
            "    {:10} {:>14}   through the head office {:>14}",
            class.class,
            class.open.to_string(),
            class.through_head_office.to_string()
        );
    }
}
