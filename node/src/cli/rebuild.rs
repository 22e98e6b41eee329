//! The head office is made anew from a prison's log and the escrow, by officials with their sticks.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use spean_protocol::escrow::Deposit;
use spean_protocol::seal::Secret;

use super::ceremony::box_seeds;
use crate::api::{Kind, Refusal};
use crate::home::Home;
use crate::key_stick::KeyStick;
use crate::node::Node;

/// Records that are folded between two movements of the bar.
const FOLD_AT_ONCE: usize = 64;

/// Which sticks open the escrow.
#[derive(Debug, Args)]
pub(super) struct RebuildArgs {
    /// The folder of a root's stick; name as many as must sign.
    #[arg(long = "stick", required = true)]
    sticks: Vec<PathBuf>,
}

/// Opens the escrow, gives its keys to the engine for this one use, and has every record read.
pub(super) async fn rebuild(
    home: &Home,
    args: &RebuildArgs,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let seeds = open(&args.sticks)?;
    // The keys do not go over a socket: this program works on the home itself.
    let node = Node::open(home)?;
    let opened = node
        .service
        .call(move |engine| engine.open_escrow(&seeds))
        .await??;
    let waiting = node.service.call(|engine| engine.status()).await??.to_fold;
    let bar = ProgressBar::new(waiting).with_style(
        ProgressStyle::with_template("{bar:30} {pos} of {len} records ({eta} left)")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    loop {
        let folded = node
            .service
            .call(|engine| engine.fold(FOLD_AT_ONCE))
            .await??;
        bar.inc(folded.records);
        if !folded.more {
            break;
        }
    }
    bar.finish_and_clear();
    let status = node.service.call(|engine| engine.status()).await??;
    if json {
        let value = serde_json::json!({ "rebuilt": {
            "custody_keys": opened.new, "known_already": opened.known, "closed": opened.closed,
            "learners": status.learners,
        }});
        println!("{value}");
    } else {
        println!(
            "{} custody keys opened, {} were here already. {} learners are readable.",
            opened.new, opened.known, status.learners
        );
        if opened.new + opened.known == 0 {
            println!(
                "There is no prison's log here yet: import a stick of any prison, then do this again."
            );
        }
    }
    if opened.closed > 0 {
        let message = format!(
            "{} custody keys are sealed to another escrow than these sticks hold: records under them \
             stay closed",
            opened.closed
        );
        return Err(Refusal::new(Kind::Partly, message));
    }
    Ok(ExitCode::SUCCESS)
}

/// The escrow's keys of all cohorts.
pub(super) fn open(sticks: &[PathBuf]) -> Result<Vec<Secret>, Refusal> {
    let refused = |message: String| Refusal::new(Kind::Refused, message);
    let holders = box_seeds(sticks)?;
    let mut escrow = None;
    for path in sticks {
        escrow = escrow.or(KeyStick::at(path).escrow()?);
    }
    let escrow = escrow.ok_or_else(|| refused("none of the sticks has the escrow".to_owned()))?;
    let cohorts = escrow
        .deposits()
        .filter(|what| matches!(what, Deposit::Cohort(_)));
    cohorts
        .map(|what| {
            let seed = escrow.open(what, &holders);
            seed.map_err(|error| refused(format!("{what}: {error}")))
        })
        .collect()
}
