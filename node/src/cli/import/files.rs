//! The rows of a file on their way to a node, in batches, and what became of each.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use indicatif::ProgressBar;
use serde::Serialize;
use spean_protocol::id::LearnerId;

use crate::api::{Kind as Trouble, Refusal, Reply, Request};
use crate::engine::import::{Fate, Fates, Import};
use crate::register::kind::Kind;
use crate::register::layout::{Content, Layout};
use crate::register::{ItemRow, LearnerRow, Row, Who};
use crate::sheet;

/// Rows that are listed one by one; the rest are only counted.
const LINES_MAX: usize = 20_000;

/// Learners here that are compared with a prison's own list.
const HERE_MAX: usize = 100_000;

/// A file of a register.
pub(crate) struct File<'a> {
    /// Which register.
    pub(crate) kind: Kind,
    /// Where it is.
    pub(crate) path: &'a Path,
}

/// Rows by their fate.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Counts {
    /// New, and kept.
    pub(crate) new: u64,
    /// Imported before.
    pub(crate) known: u64,
    /// Imported before, and they said something else.
    pub(crate) differs: u64,
    /// They wait for an officer.
    pub(crate) waiting: u64,
    /// About nobody who learns here.
    pub(crate) strangers: u64,
    /// Of no use.
    pub(crate) refused: u64,
    /// The rows that are to be looked at; where nothing is written, every row.
    pub(crate) lines: Vec<Line>,
    /// Learners here who are not on the list.
    pub(crate) absent: Vec<String>,
    /// What else there is to say of the file.
    pub(crate) notes: Vec<String>,
}

/// What became of a row.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    /// The file.
    file: String,
    /// The row's line in it.
    line: u64,
    /// In a word.
    fate: &'static str,
    /// Why.
    reason: String,
    /// Whose it is.
    learner: Option<LearnerId>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:{}: ", self.file, self.line)?;
        }
        match (self.fate, self.reason.as_str()) {
            ("refused", reason) => write!(f, "{reason}")?,
            (fate, "") => write!(f, "{fate}")?,
            (fate, reason) => write!(f, "{fate}: {reason}")?,
        }
        match self.learner {
            Some(learner) => write!(f, " ({learner})"),
            None => Ok(()),
        }
    }
}

impl Counts {
    /// Adds what became of the rows of a batch, of these lines.
    fn take(
        &mut self,
        (shown, lines, kind): (&str, &[u64], Kind),
        reply: Reply,
        import: &mut Import,
    ) -> Result<(), Refusal> {
        let Reply::Fates(fates) = reply else {
            return Err(Refusal::new(Trouble::Home, "an unexpected answer"));
        };
        let Fates {
            number,
            fates,
            learners,
        } = *fates;
        import.number = number;
        for ((line, fate), learner) in lines.iter().zip(&fates).zip(learners) {
            self.add(shown, *line, kind, fate, learner, !import.keep);
        }
        Ok(())
    }

    /// Adds what became of a row.
    pub(crate) fn add(
        &mut self,
        file: &str,
        line: u64,
        kind: Kind,
        fate: &Fate,
        learner: Option<LearnerId>,
        every: bool,
    ) {
        let (count, word, reason) = match fate {
            Fate::New => (&mut self.new, "new", ""),
            Fate::Known => (&mut self.known, "known", ""),
            Fate::Differs => (&mut self.differs, "differs", ""),
            Fate::Waiting(reason) => (&mut self.waiting, "waits", reason.as_str()),
            Fate::Stranger => (&mut self.strangers, "nobody", ""),
            Fate::Refused(reason) => (&mut self.refused, "refused", reason.as_str()),
        };
        *count += 1;
        let look = matches!(fate, Fate::Differs | Fate::Waiting(_) | Fate::Refused(_));
        if (every || look) && self.lines.len() < LINES_MAX {
            self.lines.push(Line {
                file: file.to_owned(),
                line,
                fate: word,
                reason: in_words_of(kind, reason),
                learner,
            });
        }
    }
}

/// A reason that names a column of a file of events, with the name that the column has in this register.
fn in_words_of(kind: Kind, reason: &str) -> String {
    let column = reason
        .strip_prefix("column ")
        .and_then(|rest| rest.split_once(':'));
    match column {
        Some((column, rest)) => format!("column {}:{rest}", kind.calls(column)),
        None => reason.to_owned(),
    }
}

/// The rows of a file by what they are about, each with its line.
#[derive(Default)]
struct Rows {
    learners: Vec<(u64, LearnerRow)>,
    /// Keys of learners' rows, with user names.
    usernames: Vec<(String, String)>,
    events: Vec<(u64, Row)>,
    items: Vec<(u64, ItemRow)>,
    present: Vec<Who>,
}

impl File<'_> {
    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    fn read(&self, counts: &mut Counts) -> Result<Rows, Refusal> {
        let shown = self.shown();
        let said = |why: String| Refusal::new(Trouble::Refused, format!("{shown}: {why}"));
        let sheet = sheet::read(self.path).map_err(said)?;
        let layout = Layout::of(self.kind, &sheet).map_err(said)?;
        counts.notes.extend(sheet.notes.iter().cloned());
        for (line, why) in &sheet.refused {
            let fate = Fate::Refused(why.clone());
            counts.add(&shown, *line, self.kind, &fate, None, false);
        }
        let mut rows = Rows::default();
        for row in &sheet.rows {
            match layout.read(row) {
                Ok(Content::Learner(learner, username)) => {
                    if !username.is_empty() {
                        rows.usernames.push((learner.row.clone(), username));
                    }
                    rows.learners.push((row.line, learner));
                }
                Ok(Content::Item(item)) => rows.items.push((row.line, item)),
                Ok(Content::Events(events)) => {
                    let events = events.into_iter().map(|event| (row.line, event));
                    rows.events.extend(events);
                }
                Ok(Content::Present(who, event)) => {
                    rows.present.push(who);
                    rows.events.extend(event.map(|event| (row.line, event)));
                }
                Err(why) => {
                    let fate = Fate::Refused(why);
                    counts.add(&shown, row.line, self.kind, &fate, None, false);
                }
            }
        }
        Ok(rows)
    }

    /// Reads the file and sends its rows, so many in one batch, which is one transaction of the
    /// node. `counts` has what the node acknowledged, also where the import ends early.
    ///
    /// # Errors
    /// [`Refusal`] when the file cannot be read at all or `ask` fails.
    pub(crate) async fn send(
        &self,
        import: &mut Import,
        batch_rows: usize,
        ask: &mut impl AsyncFnMut(Request) -> Result<Reply, Refusal>,
        bar: &ProgressBar,
        counts: &mut Counts,
    ) -> Result<(), Refusal> {
        let rows = self.read(counts)?;
        let length = rows.learners.len() + rows.events.len() + rows.items.len();
        bar.inc_length(length as u64);
        let shown = self.shown();
        let mut took = |import: &mut Import, lines: &[u64], reply: Reply| {
            bar.inc(lines.len() as u64);
            counts.take((&shown, lines, self.kind), reply, import)
        };
        for batch in batches(rows.learners, batch_rows) {
            let (lines, rows): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let of = import.clone();
            let reply = ask(Request::ImportLearners { import: of, rows }).await?;
            took(import, &lines, reply)?;
        }
        for pairs in rows.usernames.chunks(batch_rows) {
            if import.keep {
                ask(Request::ImportNames {
                    import: import.clone(),
                    pairs: pairs.to_vec(),
                })
                .await?;
            }
        }
        for batch in batches(rows.items, batch_rows) {
            let (lines, rows): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let of = import.clone();
            let reply = ask(Request::ImportItems { import: of, rows }).await?;
            took(import, &lines, reply)?;
        }
        let events = (shown.as_str(), rows.events, self.kind);
        send_events(events, import, batch_rows, ask, bar, counts).await?;
        counts.lines.sort_by_key(|line| line.line);
        Ok(())
    }

    /// Notes the learners here who are not on the prison's own list.
    ///
    /// # Errors
    /// [`Refusal`] when the file cannot be read or `ask` fails.
    pub(crate) async fn absent(
        &self,
        import: &Import,
        ask: &mut impl AsyncFnMut(Request) -> Result<Reply, Refusal>,
        counts: &mut Counts,
    ) -> Result<(), Refusal> {
        let present = self.read(&mut Counts::default())?.present;
        let unexpected = || Refusal::new(Trouble::Home, "an unexpected answer");
        let mut found = std::collections::BTreeSet::new();
        for whose in present.chunks(1_000) {
            let request = Request::ImportWhose {
                import: import.clone(),
                whose: whose.to_vec(),
            };
            let Reply::Whose(learners) = ask(request).await? else {
                return Err(unexpected());
            };
            found.extend(learners);
        }
        let all = Request::LearnerFind {
            needle: String::new(),
            limit: HERE_MAX,
        };
        let Reply::Learners(lines) = ask(all).await? else {
            return Err(unexpected());
        };
        let absent = lines
            .into_iter()
            .filter(|line| line.here && !found.contains(&line.learner));
        let absent = absent.map(|line| format!("{} ({})", line.name, line.learner));
        counts.absent.extend(absent);
        Ok(())
    }
}

/// Sends rows of what people did, of one file, each with its line.
///
/// # Errors
/// [`Refusal`] when `ask` fails; `counts` has what the node acknowledged.
pub(crate) async fn send_events(
    (shown, rows, kind): (&str, Vec<(u64, Row)>, Kind),
    import: &mut Import,
    batch_rows: usize,
    ask: &mut impl AsyncFnMut(Request) -> Result<Reply, Refusal>,
    bar: &ProgressBar,
    counts: &mut Counts,
) -> Result<(), Refusal> {
    for batch in batches(by_learner(rows), batch_rows) {
        let (lines, rows): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let of = import.clone();
        let reply = ask(Request::ImportEvents { import: of, rows }).await?;
        counts.take((shown, &lines, kind), reply, import)?;
        bar.inc(lines.len() as u64);
    }
    Ok(())
}

/// Rows with their lines, `rows` in each batch.
fn batches<T>(all: Vec<(u64, T)>, rows: usize) -> impl Iterator<Item = Vec<(u64, T)>> {
    let mut all = all.into_iter().peekable();
    std::iter::from_fn(move || {
        all.peek()?;
        Some(all.by_ref().take(rows.max(1)).collect())
    })
}

/// Rows of one learner together, so that each record is opened once.
fn by_learner(rows: Vec<(u64, Row)>) -> Vec<(u64, Row)> {
    let mut order: BTreeMap<String, Vec<(u64, Row)>> = BTreeMap::new();
    for row in rows {
        order.entry(row.1.who.key()).or_default().push(row);
    }
    order.into_values().flatten().collect()
}
