//! The engine on a thread of its own, and how the rest of the program asks it: closures that run
//! one after the other, each as one input. Between them it folds what was received, a few learners
//! at a time, so that nobody waits long.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;

use crate::engine::{Engine, EngineError};
use crate::store::sqlite::Sqlite;

/// The engine as it runs on a machine.
pub type NodeEngine = Engine<Sqlite>;

type Job = Box<dyn FnOnce(&mut NodeEngine) + Send>;

/// Learners that are folded between two jobs.
const FOLD_LEARNERS: usize = 16;

/// Jobs that may wait.
const JOBS_MAX: usize = 64;

/// The engine's thread has ended, which only happens when the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node is stopping")]
pub struct Stopped;

/// Asks the engine.
#[derive(Clone, Debug)]
pub struct Service {
    jobs: SyncSender<Job>,
    urgent: Arc<Notify>,
}

impl Service {
    /// Starts the engine's thread. It ends when every [`Service`] is dropped.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(engine: NodeEngine) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = sync_channel(JOBS_MAX);
        let urgent = Arc::new(Notify::new());
        let posted = urgent.clone();
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || serve(engine, &queue, &posted))?;
        Ok((Self { jobs, urgent }, thread))
    }

    /// Waits until something urgent is posted: a letter or a grant that somebody waits for.
    pub async fn urgent(&self) {
        self.urgent.notified().await;
    }

    /// Runs `work` on the engine's thread and waits without blocking the runtime.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut NodeEngine) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let job: Job = Box::new(move |engine| {
            // Whoever asked may have gone away meanwhile.
            let _ = answer.send(work(engine));
        });
        let jobs = self.jobs.clone();
        match jobs.try_send(job) {
            Ok(()) => {}
            Err(std::sync::mpsc::TrySendError::Full(job)) => {
                let sent = tokio::task::spawn_blocking(move || jobs.send(job)).await;
                sent.map_err(|_| Stopped)?.map_err(|_| Stopped)?;
            }
            Err(std::sync::mpsc::TrySendError::Disconnected(_)) => return Err(Stopped),
        }
        answered.await.map_err(|_| Stopped)
    }

    /// Folds everything that waits, giving way to other jobs in between.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn fold_all(&self) -> Result<(), EngineError> {
        loop {
            let folded = self.call(|engine| engine.fold(FOLD_LEARNERS)).await;
            if !folded
                .map_err(|_| EngineError::Malformed("the node is stopping"))??
                .more
            {
                return Ok(());
            }
        }
    }
}

/// Ends the whole program when the engine's thread panics: a node without its engine would answer
/// nobody and stay up for ever, while whoever watches it starts a new one at once.
struct EndWithTheEngine;

impl Drop for EndWithTheEngine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the engine failed; the program ends");
            std::process::abort();
        }
    }
}

fn serve(mut engine: NodeEngine, queue: &Receiver<Job>, urgent: &Notify) {
    let _end = EndWithTheEngine;
    let mut more = true;
    loop {
        let wait = if more {
            Duration::ZERO
        } else {
            Duration::from_secs(3600)
        };
        match queue.recv_timeout(wait) {
            Ok(job) => {
                job(&mut engine);
                more = true;
            }
            Err(RecvTimeoutError::Timeout) => {
                more = match engine.fold(FOLD_LEARNERS) {
                    Ok(folded) => folded.more,
                    Err(error) => {
                        tracing::error!(%error, "folding failed; it is tried again later");
                        false
                    }
                };
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if engine.take_posted() {
            urgent.notify_one();
        }
    }
}
