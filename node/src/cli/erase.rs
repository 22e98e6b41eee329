//! `spean erase` and `spean shred`: what two officers of the DGP decide to forget, and what that reaches.

use std::process::ExitCode;

use clap::Args;
use spean_protocol::id::LearnerId;

use super::officers::{myself, sign_as};
use super::typed::confirm;
use super::{ask, show};
use crate::api::{Kind, Refusal, Reply, Request};
use crate::engine::due::Shredding;
use crate::engine::erasure::{self, ERASED_TOGETHER_MAX, Erasing, ErasureLine};
use crate::home::Home;

/// Cohorts, usually years, for which records are kept where the configuration says nothing.
const RETENTION: u16 = 5;

#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    /// The learners. Their other ids, where somebody was found to be the same person, are erased too.
    #[arg(required_unless_present = "list")]
    learners: Vec<LearnerId>,
    /// List the erasures, and which sites have done them.
    #[arg(long, conflicts_with = "learners")]
    list: bool,
}

pub(super) async fn erase(
    home: &Home,
    args: &EraseArgs,
    officer: Option<u16>,
    json: bool,
) -> Result<ExitCode, Refusal> {
    if args.list {
        return show::reply(json, &ask(home, Request::Erasures).await?);
    }
    let number = myself(officer)?;
    confirm(
        &format!(
            "Erase {} learners at every site, for good?",
            args.learners.len()
        ),
        json,
    )?;
    let by = sign_as(home, number, &erasure::subject(&args.learners)).await?;
    let learners = args.learners.clone();
    show::reply(json, &ask(home, Request::Erase { learners, by }).await?)
}

/// Prints what became of a decision to erase.
pub(super) fn show_erasing(erasing: &Erasing) {
    let ids = &erasing.learners;
    for id in ids {
        println!("{id}");
    }
    let Some(line) = &erasing.erasure else {
        println!(
            "{} records are to be erased: a second officer says the same.",
            ids.len()
        );
        return;
    };
    println!("Erased here. The other sites do it when a link or a stick tells them:");
    show_erasures(std::slice::from_ref(line));
    println!(
        "Not reached: Moodle's own database; exports and prints; backups; sticks in drawers, which no node takes \
         in any more, and machines that never connect. docs/privacy.md says what to do about each."
    );
}

/// Prints erasures.
pub(super) fn show_erasures(lines: &[ErasureLine]) {
    let listed = |codes: &[String]| match codes {
        [] => "nobody".to_owned(),
        some => some.join(", "),
    };
    for line in lines {
        println!(
            "{}  {} parcels; done by {}; not yet by {}",
            line.id,
            line.parcels,
            listed(&line.done),
            listed(&line.waits)
        );
    }
    println!("{} erasures", lines.len());
}

#[derive(Debug, Args)]
pub(super) struct ShredArgs {
    /// The cohort; those before it go with it.
    cohort: u16,
    /// Decide it, as one of two officers. Whoever is due is erased when the second one has decided.
    #[arg(long)]
    decide: bool,
}

/// For how many cohorts records are kept.
pub(super) fn retention(home: &Home) -> Result<u16, Refusal> {
    Ok(home.config()?.retention.unwrap_or(RETENTION))
}

async fn ask_shredding(home: &Home, cohort: u16, decide: bool) -> Result<Shredding, Refusal> {
    let request = Request::Shred {
        cohort,
        retention: retention(home)?,
        decide,
    };
    match ask(home, request).await? {
        Reply::Shredding(found) => Ok(found),
        _ => Err(Refusal::new(Kind::Home, "an unexpected answer")),
    }
}

pub(super) async fn shred(
    home: &Home,
    args: &ShredArgs,
    officer: Option<u16>,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let cohort = args.cohort;
    if !args.decide {
        let found = ask_shredding(home, cohort, false).await?;
        return show::reply(json, &Reply::Shredding(found));
    }
    let number = myself(officer)?;
    let found = ask_shredding(home, cohort, true).await?;
    if found.due.is_empty() {
        return show::reply(json, &Reply::Shredding(found));
    }
    let mut learners = found.due;
    let all = learners.len();
    learners.truncate(ERASED_TOGETHER_MAX);
    let what = format!(
        "Erase {} of {all} people who left in cohort {cohort} or before, at every site, for good?",
        learners.len()
    );
    confirm(&what, json)?;
    let by = sign_as(home, number, &erasure::subject(&learners)).await?;
    let reply = ask(home, Request::Erase { learners, by }).await?;
    if json {
        return show::reply(json, &reply);
    }
    show::reply(json, &reply)?;
    println!();
    show_shredding(&ask_shredding(home, cohort, false).await?);
    Ok(ExitCode::SUCCESS)
}

/// Prints what destroying the keys of a cohort means, and how it stands.
pub(super) fn show_shredding(found: &Shredding) {
    let Shredding {
        cohort, in_force, ..
    } = found;
    println!("The keys of cohort {cohort} and before; cohort {in_force} is in force.");
    println!(
        "  due:   {} people, released, of whom nothing was written in a later cohort",
        found.due.len()
    );
    println!("  kept:  {} records that began in it or before", found.kept);
    let mut missing = Vec::new();
    if *cohort > found.latest {
        missing.push(format!(
            "records are still kept: the latest cohort that may go is {} ('retention' in config.toml)",
            found.latest
        ));
    }
    if !found.due.is_empty() {
        missing.push(format!(
            "whoever is due is not erased: two officers, each 'spean shred {cohort} --decide --officer N'"
        ));
    }
    if found.unsealed > 0 {
        missing.push(format!(
            "{} of the kept records are opened by nothing later: 'spean shred {cohort} --decide --officer N' \
             writes their keys on",
            found.unsealed
        ));
    }
    if found.unheld {
        missing.push(
            "what was written on is not at two other sites: wait for exchanges, or send sticks"
                .to_owned(),
        );
    }
    if !found.behind.is_empty() {
        missing.push(format!(
            "nothing has come lately from {}: send a stick both ways, or revoke what is no more",
            found.behind.join(", ")
        ));
    }
    if !found.incomplete.is_empty() {
        missing.push(format!(
            "not all that {} wrote is here: send a stick",
            found.incomplete.join(", ")
        ));
    }
    if !found.unopened.is_empty() {
        missing.push(format!(
            "not all that {} wrote opens here: 'spean rebuild' again, if this head office was made anew",
            found.unopened.join(", ")
        ));
    }
    if !found.unerased.is_empty() {
        missing.push(format!(
            "erasures are not done by {}: 'spean erase --list'",
            found.unerased.join(", ")
        ));
    }
    if found.ordered {
        let listed = |codes: &[String]| match codes {
            [] => "nobody".to_owned(),
            some => some.join(", "),
        };
        println!(
            "  The roster says so. Destroyed by {}; not yet by {}.",
            listed(&found.done),
            listed(&found.waits)
        );
        println!(
            "  When all have: each official's stick, 'spean ceremony forget FOLDER --stick PATH'. Destroy the \
             backups of before."
        );
    } else if missing.is_empty() {
        println!("  Everything is ready. Next: 'spean ceremony propose FOLDER --shred {cohort}'");
    }
    for line in &missing {
        println!("  missing: {line}");
    }
    println!(
        "Not reached: Moodle's own database; exports and prints; backups that were made before; copies of \
         officials' sticks. Whoever is kept stays readable, with all his past."
    );
    if !found.unreachable.is_empty() {
        println!(
            "Nor the computers before the present ones of {}: their keys are on them, and open what they had.",
            found.unreachable.join(", ")
        );
    }
}
