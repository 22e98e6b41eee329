//! The fifteen nodes as processes of this same program, and how the demo asks them: over their
//! sockets, as the commands do. None outlives the demo, however that ends: each stops when its
//! standard input does, and the demo alone holds the other end.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::pin::{Pin, pin};
use std::process::{ExitStatus, Stdio};
use std::task::Poll;
use std::time::Duration;

use spean_protocol::id::LearnerId;
use spean_protocol::session::Outcome;
use spean_protocol::totals::Query;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::ground::{Ground, said};
use crate::api::{BundleLine, Kind, LearnerPage, Refusal, Reply, Request, RosterPage};
use crate::engine::report::{Status, Totals};

/// How long a node may take to start, or to stop when it is told to.
const START_MAX: Duration = Duration::from_secs(30);

/// How long a node may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(120);

/// A node's process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Its standard input: where this ends, it stops.
    input: Option<ChildStdin>,
}

impl Process {
    /// Kills it with SIGKILL, as a power cut would, and waits for its end.
    ///
    /// # Errors
    /// [`Refusal`] when the system does not.
    pub async fn kill(mut self) -> Result<ExitStatus, Refusal> {
        let failed = |error| Refusal::new(Kind::Home, format!("killing a node: {error}"));
        self.child.start_kill().map_err(failed)?;
        self.child.wait().await.map_err(failed)
    }

    /// Lets it stop by itself: it seals what waits and closes its database.
    pub async fn stop(mut self) {
        self.input.take();
        if timeout(START_MAX, self.child.wait()).await.is_err() {
            let _ = self.child.start_kill();
            let _ = self.child.wait().await;
        }
    }
}

/// The nodes that run.
#[derive(Debug)]
pub struct Nodes<'a> {
    ground: &'a Ground,
    running: BTreeMap<String, Process>,
}

impl<'a> Nodes<'a> {
    /// None yet.
    #[must_use]
    pub const fn new(ground: &'a Ground) -> Self {
        Self {
            ground,
            running: BTreeMap::new(),
        }
    }

    /// Starts the nodes of these codes, all at once, and waits until they are up.
    ///
    /// # Errors
    /// [`Refusal`] with what a node said that did not come up.
    pub async fn start(&mut self, codes: &[&str]) -> Result<(), Refusal> {
        let starting = codes.iter().map(|code| begin(self.ground, code)).collect();
        for (code, process) in codes.iter().zip(all(starting).await) {
            self.running.insert((*code).to_owned(), process?);
        }
        Ok(())
    }

    /// Takes a node's process out, to kill it.
    ///
    /// # Errors
    /// [`Refusal`] when it does not run.
    pub fn take(&mut self, code: &str) -> Result<Process, Refusal> {
        let process = self.running.remove(code);
        process.ok_or_else(|| Refusal::new(Kind::Home, format!("{code} does not run")))
    }

    /// Stops one node in order.
    ///
    /// # Errors
    /// [`Refusal`] when it does not run.
    pub async fn stop(&mut self, code: &str) -> Result<(), Refusal> {
        self.take(code)?.stop().await;
        Ok(())
    }

    /// Stops all nodes in order.
    pub async fn stop_all(&mut self) {
        let stopping = std::mem::take(&mut self.running)
            .into_values()
            .map(Process::stop);
        all(stopping.collect()).await;
    }

    /// Asks a node.
    ///
    /// # Errors
    /// [`Refusal`]: the node's own, with its code before it, or that it does not answer.
    pub async fn ask(&self, code: &str, request: Request) -> Result<Reply, Refusal> {
        let home = self.ground.home(code);
        let silent = || Refusal::new(Kind::Home, format!("{code} does not answer"));
        let asked = timeout(ANSWER_MAX, crate::run::ask(&home, &request));
        let answer = asked.await.map_err(|_| silent())?;
        let named = |refusal: Refusal| Refusal {
            message: format!("{code}: {}", refusal.message),
            ..refusal
        };
        answer.map_err(named)?.ok_or_else(silent)
    }

    /// How a node stands.
    ///
    /// # Errors
    /// As [`Nodes::ask`].
    pub async fn status(&self, code: &str) -> Result<Status, Refusal> {
        match self.ask(code, Request::Status).await? {
            Reply::Status(status) => Ok(*status),
            _ => Err(unexpected(code)),
        }
    }

    /// The figures of a node.
    ///
    /// # Errors
    /// As [`Nodes::ask`].
    pub async fn totals(&self, code: &str, query: Query) -> Result<Totals, Refusal> {
        match self.ask(code, Request::Totals(query)).await? {
            Reply::Totals(totals) => Ok(*totals),
            _ => Err(unexpected(code)),
        }
    }

    /// What a node knows of a learner.
    ///
    /// # Errors
    /// As [`Nodes::ask`]; a node that does not read his record refuses.
    pub async fn learner(&self, code: &str, learner: LearnerId) -> Result<LearnerPage, Refusal> {
        match self.ask(code, Request::LearnerShow(learner)).await? {
            Reply::Learner(page) => Ok(*page),
            _ => Err(unexpected(code)),
        }
    }

    /// The ids of the learners that a node lists.
    ///
    /// # Errors
    /// As [`Nodes::ask`].
    pub async fn learners(&self, code: &str) -> Result<Vec<LearnerId>, Refusal> {
        let request = Request::LearnerFind {
            needle: String::new(),
            limit: 100_000,
        };
        match self.ask(code, request).await? {
            Reply::Learners(lines) => Ok(lines.iter().map(|line| line.learner).collect()),
            _ => Err(unexpected(code)),
        }
    }

    /// Lets a node exchange with a peer.
    ///
    /// # Errors
    /// As [`Nodes::ask`].
    pub async fn sync(&self, code: &str, peer: &str) -> Result<Outcome, Refusal> {
        match self
            .ask(
                code,
                Request::Sync {
                    peer: peer.to_owned(),
                },
            )
            .await?
        {
            Reply::Synced(outcome) => Ok(outcome),
            _ => Err(unexpected(code)),
        }
    }

    /// Asks a node about the bundles of a stick.
    ///
    /// # Errors
    /// As [`Nodes::ask`].
    pub async fn stick(&self, code: &str, request: Request) -> Result<Vec<BundleLine>, Refusal> {
        match self.ask(code, request).await? {
            Reply::Bundles(lines) => Ok(lines),
            _ => Err(unexpected(code)),
        }
    }

    /// The roster as a node has it.
    ///
    /// # Errors
    /// As [`Nodes::ask`].
    pub async fn roster(&self, code: &str) -> Result<RosterPage, Refusal> {
        match self.ask(code, Request::RosterShow).await? {
            Reply::Roster(page) => Ok(page),
            _ => Err(unexpected(code)),
        }
    }
}

/// The refusal of an answer that does not belong to its question.
pub fn unexpected(code: &str) -> Refusal {
    Refusal::new(Kind::Home, format!("{code} gave an unexpected answer"))
}

/// Starts a node and waits for its "ready".
async fn begin(ground: &Ground, code: &str) -> Result<Process, Refusal> {
    let path = ground.home_path(code);
    let log_path = path.join("node.log");
    let log = OpenOptions::new().create(true).append(true).open(&log_path);
    let log = log.map_err(|error| said(&log_path, &error))?;
    let failed = |error| Refusal::new(Kind::Home, format!("{code} does not start: {error}"));
    let program = std::env::current_exe().map_err(failed)?;
    let mut child = Command::new(program)
        .arg("--home")
        .arg(&path)
        .args(["run", "--until-input-ends"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        // A Ctrl-C in the terminal is for the demo, which then stops its nodes in order.
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let mut first = String::new();
    if let Some(output) = output {
        let mut output = BufReader::new(output);
        let _ = timeout(START_MAX, output.read_line(&mut first)).await;
    }
    if first.trim() != "ready" {
        let log = fs::read_to_string(&log_path).unwrap_or_default();
        let last = log.lines().next_back().unwrap_or("it said nothing");
        let message = format!("{code} did not start: {last}: run the demo again");
        return Err(Refusal::new(Kind::Home, message));
    }
    Ok(Process { child, input })
}

/// Runs futures side by side in this task and gives their values in order.
pub async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut waiting: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    let every = std::future::poll_fn(|context| {
        for (future, value) in waiting.iter_mut().zip(&mut done) {
            if value.is_none()
                && let Poll::Ready(found) = future.as_mut().poll(context)
            {
                *value = Some(found);
            }
        }
        if done.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    pin!(every).await;
    done.into_iter().flatten().collect()
}
