//! `spean worklist`: what the head office decides of those who came without a key, and of who is who.

use std::process::ExitCode;

use clap::Subcommand;
use spean_protocol::id::{LearnerId, QuestionId};

use crate::api::{Kind, Refusal, Request};
use crate::cli::{Who, ask, officers, show};
use crate::engine::decisions::Decision;
use crate::engine::questions::WorkLine;
use crate::home::Home;

/// What waits at the head office.
#[derive(Debug, Subcommand)]
pub(super) enum WorklistCommand {
    /// Questions and disputes, those that wait first, with who a new person may be.
    List,
    /// Put two learners on the list who may be one person, as if the prison where one of them is had
    /// asked. 'spean learner duplicates' shows who they may be.
    Pair {
        /// The one.
        learner: LearnerId,
        /// The other.
        other: LearnerId,
        /// Why: name, prisoner-number, learner-says, officer-knows, card, seen-apart.
        #[arg(long, default_value = "name")]
        reason: String,
    },
    /// Decide who somebody is, as an officer of the head office (--officer). It happens when a second one
    /// decides the same, and can be taken back.
    Decide {
        /// The question's id.
        question: QuestionId,
        /// The same person as this learner.
        #[arg(long, conflicts_with_all = ["nobody", "not_same"])]
        same: Option<LearnerId>,
        /// Another person than this learner: the two are not listed as alike any more.
        #[arg(long, conflicts_with = "nobody")]
        not_same: Option<LearnerId>,
        /// Nobody who is known.
        #[arg(long)]
        nobody: bool,
    },
    /// Take a decision back. Who was one person is two; of who were two persons nothing is decided any more,
    /// and they are listed as alike again.
    Undo {
        /// The question's id.
        question: QuestionId,
    },
}

/// Runs a worklist command.
pub(super) async fn worklist(
    home: &Home,
    command: &WorklistCommand,
    who: &Who,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let (question, decision) = match command {
        WorklistCommand::List => {
            return show::reply(json, &ask(home, Request::Worklist).await?);
        }
        WorklistCommand::Pair {
            learner,
            other,
            reason,
        } => {
            let request = Request::WorkPair {
                learner: *learner,
                other: *other,
                reason: reason.clone(),
            };
            return show::reply(json, &ask(home, who.asks(request)).await?);
        }
        WorklistCommand::Decide {
            question,
            same,
            not_same,
            nobody,
        } => {
            let decision = match (same, not_same, nobody) {
                (Some(other), _, _) => Decision::Same(*other),
                (_, Some(other), _) => Decision::NotSame(*other),
                (_, _, true) => Decision::Nobody,
                _ => {
                    let message = "say --same LEARNER, --not-same LEARNER or --nobody";
                    return Err(Refusal::new(Kind::Refused, message));
                }
            };
            (*question, decision)
        }
        WorklistCommand::Undo { question } => (*question, Decision::Undo),
    };
    let by = officers::sign_as(
        home,
        officers::myself(who.officer)?,
        &decision.subject(question),
    )
    .await?;
    let request = Request::WorkDecide {
        question,
        decision,
        by,
    };
    show::reply(json, &ask(home, request).await?)
}

/// Prints the head office's worklist.
pub(super) fn show_worklist(lines: &[WorkLine]) {
    for line in lines {
        let answered = if line.answered.is_empty() {
            "WAITS"
        } else {
            &line.answered
        };
        println!(
            "{}  {} from {}: {}  {}: {answered}",
            line.id, line.kind, line.site, line.learner, line.name
        );
        if !line.reason.is_empty() {
            println!("    asked because: {}", line.reason);
        }
        if !line.proposed.is_empty() {
            println!("    {}; a second officer decides", line.proposed);
        }
        for candidate in &line.candidates {
            println!(
                "    may be {}  {}: {}",
                candidate.learner,
                candidate.name,
                candidate.because.join(", ")
            );
            if !candidate.against.is_empty() {
                println!("        but {}", candidate.against.join(", "));
            }
        }
    }
    println!("{} in the list", lines.len());
}
