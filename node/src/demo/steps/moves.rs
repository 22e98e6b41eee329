//! Moves that are not the tidy case: a van with ten, announced by one list; and somebody who comes
//! without a word and without a slip.

use std::time::{Duration, Instant};

use spean_protocol::id::LearnerId;

use super::{LATE, Story, counted};
use crate::api::{Kind, Refusal, Reply, Request};
use crate::demo::ground::{HEADQUARTERS, Line};
use crate::demo::nodes::unexpected;
use crate::engine::arrive::{Arrival, Ticket};
use crate::engine::depart::{Departure, Moved};
use crate::engine::state::{MoveLine, State};

/// Where the van leaves, and where it goes: both by sticks only.
const FROM: &str = "PRV";
const TO: &str = "TAK";
/// How many it takes.
const SEATS: usize = 10;
/// The site of the one who comes without a word.
const UNTOLD: &str = "CC4";
/// How long the head office's answer may take over a link: it is asked again after two seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const DAY: &str = "2026-07-13";

impl Story<'_> {
    /// A van with ten learners.
    pub(super) async fn van(&mut self) -> Result<(), Refusal> {
        self.checks
            .step("5. A van takes ten from one prison to another, by one list");
        let learners: Vec<LearnerId> = self.nodes.learners(FROM).await?;
        let ten: Vec<LearnerId> = learners.into_iter().take(SEATS).collect();
        let begun = Instant::now();
        let left = self.leave(FROM, &ten, TO).await?;
        self.checks.say(format!(
            "{FROM} records {}, in {} ms, with a slip for each.",
            counted(left.len() as u64, "departure"),
            begun.elapsed().as_millis()
        ));
        self.carry(FROM, &[TO, HEADQUARTERS], "transfer van")
            .await?;
        let announced = self.moves(TO).await?;
        let named = announced.iter().filter(|line| {
            let told = matches!(line.states[..], [State::Announced { .. }]);
            told && !line.name.is_empty()
        });
        self.checks.equal(
            format!("learners whom {TO} reads on its list"),
            named.count(),
            SEATS,
        );
        let request = Request::TransferInAnnounced {
            from: FROM.to_owned(),
            date: DAY.to_owned(),
        };
        let begun = Instant::now();
        let arrived = self.arrive(TO, request).await?;
        let open = arrived
            .iter()
            .filter(|arrival| matches!(arrival.states.first(), Some(State::Open { .. })));
        let open = open.count();
        self.checks.say(format!(
            "{TO} admits all of them by one command, in {} ms.",
            begun.elapsed().as_millis()
        ));
        self.checks
            .equal("records of them that are open", open, SEATS);
        self.carry(TO, &[FROM, HEADQUARTERS], "transfer van")
            .await?;
        let received = self.moves(FROM).await?;
        let received = received
            .iter()
            .filter(|line| matches!(line.states[..], [State::Arrived { .. }]));
        self.checks.equal(
            format!("receipts of {TO} that {FROM} has"),
            received.count(),
            SEATS,
        );
        Ok(())
    }

    /// Somebody comes without a word: his card is enough.
    pub(super) async fn without_notice(&mut self) -> Result<(), Refusal> {
        self.checks
            .step("6. One comes without a word and without a slip");
        let learner = self
            .nodes
            .learners(UNTOLD)
            .await?
            .pop()
            .ok_or_else(|| Refusal::new(Kind::Refused, format!("{UNTOLD} has nobody left")))?;
        let before = self.nodes.learner(UNTOLD, learner).await?;
        let linked = self.codes(|site| site.line == Line::Iroh && site.code != LATE);
        let at = linked.first().copied().unwrap_or(LATE);
        self.checks.say(format!(
            "{} of {UNTOLD} stands at the gate of {at} with his card.",
            before.name
        ));
        let request = Request::TransferIn {
            tickets: vec![Ticket::Card(learner)],
            date: DAY.to_owned(),
        };
        let arrived = self.arrive(at, request).await?;
        let waits = arrived
            .first()
            .is_some_and(|arrival| arrival.states == [State::WaitingForKey]);
        self.checks.check(
            "he is admitted and can work at once",
            waits,
            "sealed, waiting for the key",
        );
        let begun = Instant::now();
        let opened = loop {
            let page = self.nodes.learner(at, learner).await?;
            if matches!(page.states.first(), Some(State::Open { .. })) {
                break Some(page);
            }
            if begun.elapsed() > PATIENCE {
                break None;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let same = opened
            .as_ref()
            .is_some_and(|page| page.view.progress == before.view.progress);
        let found = format!("asked and answered in {} ms", begun.elapsed().as_millis());
        self.checks.check(
            "the head office answered by rule, over the link",
            same,
            found,
        );
        self.carry(HEADQUARTERS, &[UNTOLD], "courier").await?;
        let told = self.moves(UNTOLD).await?;
        let said = State::SaidElsewhere {
            site: at.to_owned(),
        };
        let told = told
            .iter()
            .any(|line| line.learner == learner && line.states.contains(&said));
        self.checks.check(
            format!("{UNTOLD} is told, and blocks nothing"),
            told,
            format!("its list says that {at} admitted him"),
        );
        let left = self.leave(UNTOLD, &[learner], at).await?;
        self.checks.say(format!(
            "{UNTOLD} records {} after the fact.",
            counted(left.len() as u64, "departure")
        ));
        Ok(())
    }

    async fn leave(
        &self,
        from: &str,
        learners: &[LearnerId],
        to: &str,
    ) -> Result<Vec<Departure>, Refusal> {
        let request = Request::TransferOut {
            learners: learners.to_vec(),
            to: to.to_owned(),
            date: DAY.to_owned(),
            with_restricted: false,
        };
        match self.nodes.ask(from, request).await? {
            Reply::Departures(moved) => all_done(from, moved),
            _ => Err(unexpected(from)),
        }
    }

    async fn arrive(&self, at: &str, request: Request) -> Result<Vec<Arrival>, Refusal> {
        match self.nodes.ask(at, request).await? {
            Reply::Arrivals(moved) => all_done(at, moved),
            _ => Err(unexpected(at)),
        }
    }

    async fn moves(&self, at: &str) -> Result<Vec<MoveLine>, Refusal> {
        match self.nodes.ask(at, Request::TransferList).await? {
            Reply::Moves(lines) => Ok(lines),
            _ => Err(unexpected(at)),
        }
    }
}

fn all_done<T>(at: &str, moved: Vec<Moved<T>>) -> Result<Vec<T>, Refusal> {
    let done = |one: Moved<T>| match one {
        Moved::Done(value) => Ok(value),
        Moved::Refused { who, why } => {
            Err(Refusal::new(Kind::Refused, format!("{at}: {who}: {why}")))
        }
    };
    moved.into_iter().map(done).collect()
}
