//! The command line. Text for people, `--json` for programs; exit status 0 when every promise held, 1
//! when one was broken or a planned misfortune never hit, 2 when a command cannot be run.

mod campaign;
mod crash_images;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use spean_simulations::campaign::hits;
use spean_simulations::checkers::Failure;
use spean_simulations::faults::{Counts, Fault};
use spean_simulations::plan::plan;
use spean_simulations::run::{self, Outcome};
use spean_simulations::scenario::Scenario;
use spean_simulations::shrink::{Regression, shrink};
use spean_simulations::swarm::{Swarm, scenario_of, swarm};
use spean_simulations::world::World;

/// The simulated nation: the real node, in a world of power cuts, thin links, lost sticks, wrong
/// clocks, copied machines, officers in a hurry and bad nodes, through years in minutes.
///
/// Everything follows from a scenario and a seed: the same seed plays the same way, to the byte.
///
///   spean-simulations list                       what scenarios there are
///   spean-simulations run national_14 --seed 7   one nation, one year
///   spean-simulations swarm --seeds 300          many small nations, each with its own mix of faults
///   spean-simulations replay 4711 --trace        a seed of the swarm, told step by step
///   spean-simulations shrink 4711                a failing seed, cut down and kept
///   spean-simulations crash-images --images 5000 what power cuts leave of the real store
///   spean-simulations campaign --minutes 480     a night: seeds and crash images
///   spean-simulations report                     continuity after transfer, as a page
#[derive(Parser)]
#[command(name = "spean-simulations", version, verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the scenarios.
    List,
    /// Play one scenario and judge it.
    Run {
        /// A name from 'list', or the path of a TOML file.
        scenario: String,
        /// What all chance comes from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Play so many days instead of the scenario's.
        #[arg(long)]
        days: Option<u32>,
        /// Put so many learners into each prison instead of the scenario's.
        #[arg(long)]
        learners: Option<u32>,
        /// Tell every step.
        #[arg(long)]
        trace: bool,
        /// Play it twice and compare.
        #[arg(long)]
        twice: bool,
        /// Print one object instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Play many seeds, on all cores.
    Swarm {
        /// How many seeds.
        #[arg(long, default_value_t = 300)]
        seeds: u64,
        /// The first of them.
        #[arg(long, default_value_t = 1)]
        first: u64,
        /// Stop after so many minutes.
        #[arg(long)]
        minutes: Option<u64>,
        /// What the seeds start from.
        #[arg(long, default_value = "swarm")]
        scenario: String,
        /// Print one object instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Play one seed of the swarm again.
    Replay {
        /// The seed, or the path of a file that 'shrink' wrote.
        seed: String,
        /// Tell every step.
        #[arg(long)]
        trace: bool,
    },
    /// Cut a failing seed of the swarm down to what is needed, and write it to a file.
    Shrink {
        /// The seed.
        seed: u64,
        /// Where to write it.
        #[arg(long, default_value = "shrunk.json")]
        to: PathBuf,
        /// What was wrong, in a line.
        #[arg(long, default_value = "")]
        why: String,
        /// Tries at most.
        #[arg(long, default_value_t = 2_000)]
        tries: u32,
    },
    /// Cut the power below the real store, and look at what is left.
    ///
    /// The store of a node runs on a disk in memory that keeps a tape of every change that SQLite
    /// asks of it. An image is what a power cut after one of them may leave: all that was not synced
    /// is lost, or kept, or some of it, or the last write is torn, or the power goes again while the
    /// database recovers. Each is opened: what had been acknowledged must be there, once, and the
    /// node must go on. Exit status 1 when an image fails.
    #[command(after_help = "\
Examples:
  spean-simulations crash-images                             5,000 images, a minute or two
  spean-simulations crash-images --images 100000 --seed 7    every cut and variant, and more
  spean-simulations crash-images --json | jq .crash.failures")]
    CrashImages(crash_images::Wanted),
    /// Play a night: seeds of the swarm and crash images, until the time is over.
    ///
    /// All cores work on crash images for the first tenth of the minutes, then on seeds, and on the
    /// rest of the images when the seeds are done. It ends when the minutes are over, or when all
    /// seeds and images are done. Each minute, and with each failure, a line on standard error says
    /// how it stands: who ends it early has that.
    ///
    /// Exit status 1 when a promise was broken, when an image failed, or when, after more than 300
    /// seeds, a kind of misfortune was planned and never hit.
    #[command(after_help = "\
Examples:
  spean-simulations campaign --minutes 480                       a night: 60,000 seeds and 100,000 images at most
  spean-simulations campaign --minutes 480 --first 2000000       the next night, other seeds
  spean-simulations campaign --minutes 480 --json >night.json 2>night.log
  spean-simulations campaign --minutes 60 --images 0             seeds only

A failing seed is told again by 'replay SEED --trace', and cut down by 'shrink SEED'.")]
    Campaign(campaign::Wanted),
    /// Play many transfers, and write a page about them.
    Report(report::Wanted),
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::List => list(),
        Command::Run {
            scenario,
            seed,
            days,
            learners,
            trace,
            twice,
            json,
        } => {
            let Some(mut scenario) = load(&scenario) else {
                return ExitCode::from(2);
            };
            scenario.days = days.unwrap_or(scenario.days);
            scenario.people.learners = learners.unwrap_or(scenario.people.learners);
            run_one(&scenario, seed, (trace, twice, json))
        }
        Command::Swarm {
            seeds,
            first,
            minutes,
            scenario,
            json,
        } => {
            let Some(scenario) = load(&scenario) else {
                return ExitCode::from(2);
            };
            run_swarm(&scenario, (first, seeds), minutes, json)
        }
        Command::Replay { seed, trace } => replay(&seed, trace),
        Command::Shrink {
            seed,
            to,
            why,
            tries,
        } => shrink_seed(seed, &to, &why, tries),
        Command::CrashImages(wanted) => crash_images::main(&wanted),
        Command::Campaign(wanted) => campaign::main(&wanted),
        Command::Report(wanted) => report::main(&wanted),
    }
}

fn load(name: &str) -> Option<Scenario> {
    match Scenario::load(name) {
        Ok(scenario) => Some(scenario),
        Err(error) => {
            eprintln!("{error}");
            None
        }
    }
}

fn list() -> ExitCode {
    for name in Scenario::names() {
        if let Some(scenario) = load(name) {
            println!("{name:26} {}", scenario.about);
        }
    }
    ExitCode::SUCCESS
}

fn bar(length: u64, unit: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!(
        "{{bar:30}} {{pos}} of {{len}} {unit}, {{elapsed}} of about {{duration}} {{msg}}"
    ));
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn run_one(scenario: &Scenario, seed: u64, (trace, twice, json): (bool, bool, bool)) -> ExitCode {
    let begun = Instant::now();
    let (steps, planned) = plan(scenario, seed);
    let mut world = World::new(scenario, seed);
    if trace {
        world.trace.listen(Box::new(|line| println!("{line}")));
    }
    let days = bar(u64::from(scenario.days), "days");
    let mut outcome = run::play(&mut world, &steps, &mut |day| days.set_position(day));
    days.finish_and_clear();
    outcome.planned = planned;
    let same = !twice || run::run(scenario, seed, &mut |_| {}).trace == outcome.trace;
    if json {
        print_json(&outcome);
    } else {
        tell(&outcome, begun.elapsed());
        tell_assumed(scenario);
    }
    if !same {
        eprintln!("played twice, it went two ways: something draws chance or time from outside");
    }
    verdict(outcome.failure.is_none() && outcome.missed().is_empty() && same)
}

fn print_json(value: &impl serde::Serialize) {
    println!("{}", serde_json::to_string(value).unwrap_or_default());
}

/// As many as there are cores.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn verdict(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn tell(outcome: &Outcome, elapsed: Duration) {
    let Outcome {
        scenario,
        seed,
        days,
        sites,
        events,
        measures,
        ..
    } = outcome;
    println!(
        "{scenario}, seed {seed}: {days} days of {sites} sites in {:.1} s",
        elapsed.as_secs_f64()
    );
    println!(
        "  {events} events acknowledged, {} exchanges, {} stick stops, {} transfers",
        measures.exchanges,
        measures.stops,
        measures.transfers.len()
    );
    let open = measures.transfers.iter().filter(|one| one.open).count();
    println!(
        "  record open before the first session: {open} of {}",
        measures.transfers.len()
    );
    println!("  trace {}", outcome.trace);
    tell_faults(&outcome.planned, &outcome.happened);
    match &outcome.failure {
        None => println!("every promise held"),
        Some(failure) => {
            let day = failure.at / 86_400;
            println!(
                "BROKEN on day {day}: {:?}: {}",
                failure.promise, failure.what
            );
        }
    }
    let missed = outcome.missed();
    if !missed.is_empty() {
        println!("planned often, and never hit: {missed:?}");
    }
}

fn tell_faults(planned: &Counts, happened: &Counts) {
    let classes = hits(planned, happened);
    let mut class = "";
    for fault in Fault::ALL {
        let (planned, happened) = (planned.of(*fault), happened.of(*fault));
        if planned + happened == 0 {
            continue;
        }
        if fault.class() != class {
            class = fault.class();
            let all = classes.get(class).copied().unwrap_or_default();
            println!(
                "  {class:48} {:7} of {:7} planned",
                all.happened, all.planned
            );
        }
        println!(
            "    {:46} {happened:7} of {planned:7} planned",
            fault.name()
        );
    }
}

fn tell_assumed(scenario: &Scenario) {
    let numbers = scenario.numbers();
    let assumed = numbers.values().filter(|(_, assumed)| *assumed).count();
    println!(
        "{assumed} of {} numbers of the scenario are our own assumptions ('report' lists them)",
        numbers.len()
    );
}

fn run_swarm(scenario: &Scenario, seeds: (u64, u64), minutes: Option<u64>, json: bool) -> ExitCode {
    let done = bar(seeds.1, "seeds");
    let time = minutes.map(|minutes| Duration::from_secs(minutes * 60));
    let result = swarm(scenario, seeds, time, threads(), &|swarm: &Swarm| {
        done.set_position(swarm.seeds);
        done.set_message(format!("{} failed", swarm.failures.len()));
    });
    done.finish_and_clear();
    if json {
        print_json(&result);
        return verdict(result.is_good());
    }
    tell_swarm(&result);
    verdict(result.is_good())
}

/// How much was played, and what hit.
fn tell_played(swarm: &Swarm) {
    let Swarm {
        seeds,
        twice,
        site_days,
        events,
        exchanges,
        stops,
        transfers,
        seconds,
        ..
    } = swarm;
    println!("{seeds} seeds in {seconds} s, {twice} of them twice: {site_days} days of sites");
    println!(
        "  {events} events acknowledged, {exchanges} exchanges, {stops} stick stops, {transfers} transfers, {} faults",
        swarm.happened.total()
    );
    tell_faults(&swarm.planned, &swarm.happened);
}

fn broken(seed: u64, failure: &Failure) -> String {
    let Failure { promise, at, what } = failure;
    let day = at / 86_400;
    format!("BROKEN seed {seed}, day {day}: {promise:?}: {what}")
}

/// What to do about a failing seed.
const HOW_TO_SEE: &str =
    "'spean-simulations replay SEED --trace' tells it, 'shrink SEED' cuts it down";

fn tell_swarm(swarm: &Swarm) {
    tell_played(swarm);
    for (seed, failure) in &swarm.failures {
        println!("{}", broken(*seed, failure));
    }
    let missed = swarm.missed();
    if !missed.is_empty() {
        println!("planned, and never hit: {missed:?}");
    }
    if swarm.is_good() {
        println!("every promise held");
    } else {
        println!("{HOW_TO_SEE}");
    }
}

fn replay(seed: &str, trace: bool) -> ExitCode {
    let begun = Instant::now();
    let (scenario, number, steps, planned) = match seed.parse::<u64>() {
        Ok(number) => {
            let Some(base) = load("swarm") else {
                return ExitCode::from(2);
            };
            let scenario = scenario_of(&base, number);
            let (steps, planned) = plan(&scenario, number);
            (scenario, number, steps, planned)
        }
        Err(_) => match Regression::load(std::path::Path::new(seed)) {
            Ok(kept) => (kept.scenario, kept.seed, kept.steps, Counts::default()),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(2);
            }
        },
    };
    let mut world = World::new(&scenario, number);
    if trace {
        world.trace.listen(Box::new(|line| println!("{line}")));
    }
    let mut outcome = run::play(&mut world, &steps, &mut |_| {});
    outcome.planned = planned;
    tell(&outcome, begun.elapsed());
    verdict(outcome.failure.is_none())
}

fn shrink_seed(seed: u64, to: &std::path::Path, why: &str, tries: u32) -> ExitCode {
    let Some(base) = load("swarm") else {
        return ExitCode::from(2);
    };
    let scenario = scenario_of(&base, seed);
    let (steps, _) = plan(&scenario, seed);
    let Some(failure) = run::run_safely(&scenario, seed).failure else {
        println!("seed {seed} breaks nothing");
        return ExitCode::SUCCESS;
    };
    println!(
        "{} steps break {:?}: {}",
        steps.len(),
        failure.promise,
        failure.what
    );
    let left = bar(u64::from(tries), "tries");
    let (scenario, steps) = shrink(
        &scenario,
        seed,
        &steps,
        failure.promise,
        tries,
        &mut |steps, tries| {
            left.set_position(u64::from(tries));
            left.set_message(format!("{steps} steps left"));
        },
    );
    left.finish_and_clear();
    let promise = failure.promise;
    let why = if why.is_empty() {
        failure.what
    } else {
        why.to_owned()
    };
    let kept = Regression {
        why,
        promise,
        seed,
        scenario,
        steps,
    };
    println!("{} steps are left:", kept.steps.len());
    for step in &kept.steps {
        println!("  day {:3} {:?}", step.at / 86_400, step.act);
    }
    match kept.save(to) {
        Ok(()) => {
            println!(
                "written to {}; 'spean-simulations replay {} --trace' plays it",
                to.display(),
                to.display()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
