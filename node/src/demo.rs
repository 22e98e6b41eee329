//! The demo: the main job on real nodes. The head office and fourteen sites run as fifteen
//! processes of this same program on this machine, each with its own home, keys and database. They
//! import a generated nation, the published figures come out of its records, and then the way of
//! one learner is played, with what goes wrong on it. Every line comes from the nodes' answers, and
//! every claim is checked.
//!
//! `ground` lays out homes and roster, `nodes` runs and asks the processes, `steps` is the story,
//! `checks` its voice, `figures` what it ends with, `nation` what it imports.

mod checks;
mod figures;
mod ground;
pub mod nation;
mod nodes;
mod steps;

use std::pin::pin;
use std::process::ExitCode;

use clap::Args;

use self::checks::Checks;
use self::figures::Summary;
use self::ground::{Ground, HEADQUARTERS};
use self::nation::LABEL;
use self::steps::{Ending, Story};
use crate::api::{Kind, Refusal};

/// The seed of the nation that is shown.
const SEED: u64 = 1;

/// The exit status of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// What to show.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// End after the figures instead of serving pages until Ctrl-C.
    #[arg(long)]
    pub exit: bool,
    /// Keep the folder with homes, registers and sticks, and say where it is.
    #[arg(long)]
    pub keep: bool,
}

/// Runs the demo. It succeeds only if every check held.
///
/// # Errors
/// [`Refusal`] where it cannot go on.
pub async fn demo(args: &DemoArgs, json: bool) -> Result<ExitCode, Refusal> {
    println!("Spean: the main job on real nodes, all of them on this machine.");
    println!(
        "Everyone in it is {LABEL}. Seven sites are the pilot sites of the sources; the other"
    );
    println!("seven are named by no source: they are assumed, and opened in 2026.");
    let mut stop = pin!(crate::cli::stop_signal());
    // Asked first, so that from here on a Ctrl-C tidies up.
    let ground = tokio::select! {
        biased;
        () = &mut stop => return Ok(ExitCode::from(INTERRUPTED)),
        ground = async { Ground::lay(&nation::generate(SEED), args.keep) } => ground?,
    };
    if args.keep {
        println!("All files stay in {}.", ground.directory().display());
    }
    let mut story = Story::new(&ground);
    let played = tokio::select! {
        played = story.play() => Some(played),
        () = &mut stop => None,
    };
    let done = match played {
        Some(Ok(ending)) => {
            let code = conclude(args, json, &ground, (&ending, &mut story.checks));
            if !args.exit {
                stop.await;
            }
            Ok(code)
        }
        Some(Err(refusal)) => Err(ground::no_room(refusal)),
        None => {
            eprintln!("spean: stopped in the middle");
            Ok(ExitCode::from(INTERRUPTED))
        }
    };
    story.nodes.stop_all().await;
    done
}

fn conclude(
    args: &DemoArgs,
    json: bool,
    ground: &Ground,
    (ending, checks): (&Ending, &mut Checks),
) -> ExitCode {
    checks.conclude();
    if !args.exit {
        print_pages(ground);
    }
    if json {
        let Ending {
            published,
            last,
            sites,
        } = ending;
        let summary = Summary::new(published, last, sites, checks.all());
        println!("{}", serde_json::to_string(&summary).unwrap_or_default());
    }
    ExitCode::from(if checks.all_held() {
        0
    } else {
        Kind::Refused.exit()
    })
}

/// Says where people can look until they have seen enough.
fn print_pages(ground: &Ground) {
    println!("\nEach node serves its page, in Khmer and English, until Ctrl-C:");
    let sites = ground.sites.iter().map(|site| (&*site.code, &*site.name));
    for (code, name) in std::iter::once((HEADQUARTERS, "head office")).chain(sites) {
        if let Some(address) = ground.pages.get(code) {
            println!("   http://{address}/  {code:4} {name}");
        }
    }
}
