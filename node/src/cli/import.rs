//! `spean import`: reads files of learners and of events, sends their rows in batches, and tells
//! the fate of every row that was refused.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use csv::StringRecord;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::Who;
use crate::api::{Kind, Refusal, Reply, Request};
use crate::engine::import::{EventRow, Fate, LearnerRow};
use crate::home::Home;
use crate::node::Node;

/// Rows in one batch, which is one transaction.
const BATCH_ROWS: usize = 1_000;

/// Bytes of one row: the longest name and some.
const ROW_BYTES_MAX: usize = 4_096;

/// Rows of one file; a site's ten years are some 600,000.
const ROWS_MAX: usize = 2_000_000;

const LEARNER_COLUMNS: [&str; 11] = [
    "ref",
    "family_km",
    "given_km",
    "family_latin",
    "given_latin",
    "sex",
    "born",
    "education",
    "languages",
    "arrived",
    "card",
];

const EVENT_COLUMNS: [&str; 11] = [
    "ref",
    "learner",
    "date",
    "kind",
    "programme",
    "module",
    "session",
    "score",
    "max",
    "version",
    "value",
];

/// What to import.
#[derive(Debug, Args)]
#[command(
    after_help = "Columns of a file of learners: ref, family_km, given_km, family_latin, \
    given_latin, sex, born, education, languages, arrived, card.\n\
    Columns of a file of events: ref, learner, date, kind, programme, module, session, score, \
    max, version, value.\nThe first line names the columns; ref is the row's key in its register."
)]
pub struct ImportArgs {
    /// A file of learners (CSV, UTF-8).
    #[arg(long)]
    learners: Option<PathBuf>,
    /// A file of events (CSV, UTF-8).
    #[arg(long)]
    events: Option<PathBuf>,
    /// The register that both come from: row keys are unique within it.
    #[arg(long, default_value = "register")]
    source: String,
}

/// What an import did.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Rows of the file of learners.
    pub(crate) learners: Counts,
    /// Rows of the file of events.
    pub(crate) events: Counts,
}

/// Rows by their fate.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Counts {
    /// New, and kept.
    pub(crate) new: u64,
    /// Imported before.
    pub(crate) known: u64,
    /// Of no use.
    pub(crate) refused: u64,
    /// The first refused rows, with file, line and reason.
    pub(crate) reasons: Vec<String>,
}

/// Refused rows that are listed; the rest are only counted.
const REASONS_MAX: usize = 1_000;

impl Counts {
    fn add(&mut self, path: &Path, line: u64, fate: &Fate) {
        match fate {
            Fate::New => self.new += 1,
            Fate::Known => self.known += 1,
            Fate::Refused(reason) => {
                self.refused += 1;
                if self.reasons.len() < REASONS_MAX {
                    self.reasons
                        .push(format!("{}:{line}: {reason}", path.display()));
                }
            }
        }
    }

    fn add_all(
        &mut self,
        (path, lines): (Option<&Path>, &[u64]),
        reply: &Reply,
        bar: &ProgressBar,
    ) -> Result<(), Refusal> {
        let Reply::Fates(fates) = reply else {
            return Err(Refusal::new(Kind::Home, "an unexpected answer"));
        };
        for (line, fate) in lines.iter().zip(fates) {
            self.add(path.unwrap_or(Path::new("")), *line, fate);
        }
        bar.inc(lines.len() as u64);
        Ok(())
    }
}

/// Runs the import.
///
/// # Errors
/// [`Refusal`] when a file cannot be read at all or the node fails; refused rows end with
/// exit status 6.
pub(super) async fn import(
    home: &Home,
    args: &ImportArgs,
    who: &Who,
    json: bool,
) -> Result<ExitCode, Refusal> {
    if args.learners.is_none() && args.events.is_none() {
        return Err(Refusal::new(
            Kind::Refused,
            "name --learners FILE, --events FILE, or both",
        ));
    }
    let register = Register {
        source: &args.source,
        learners: args.learners.as_deref(),
        events: args.events.as_deref(),
    };
    // The stopped node, opened for all batches at once.
    let mut stopped: Option<Node> = None;
    let mut ask = async |request: Request| {
        let request = who.asks(request);
        if let Some(node) = &stopped {
            return node.answer(request).await;
        }
        if let Some(reply) = crate::run::ask(home, &request).await? {
            return Ok(reply);
        }
        stopped.insert(Node::open(home)?).answer(request).await
    };
    let mut report = Report::default();
    let bar = progress_bar("rows", json);
    let done = register.send(BATCH_ROWS, &mut ask, &bar, &mut report).await;
    bar.finish_and_clear();
    done.map(|()| print(&report, json))
}

/// The files of one register.
pub(crate) struct Register<'a> {
    /// Its name: row keys are unique within it.
    pub(crate) source: &'a str,
    /// The file of learners.
    pub(crate) learners: Option<&'a Path>,
    /// The file of events.
    pub(crate) events: Option<&'a Path>,
}

impl Register<'_> {
    /// Reads the files and sends their rows, so many in one batch, which is one transaction of the
    /// node. `report` counts what the node acknowledged, also where the import ends early.
    ///
    /// # Errors
    /// [`Refusal`] when a file cannot be read at all or `ask` fails.
    pub(crate) async fn send(
        &self,
        batch_rows: usize,
        ask: &mut impl AsyncFnMut(Request) -> Result<Reply, Refusal>,
        bar: &ProgressBar,
        report: &mut Report,
    ) -> Result<(), Refusal> {
        let mut learners = Vec::new();
        if let Some(path) = self.learners {
            learners = read(path, &LEARNER_COLUMNS, &mut report.learners, |fields| {
                let [row, rest @ ..] = fields;
                Ok(LearnerRow { row, fields: rest })
            })?;
        }
        let mut events = Vec::new();
        if let Some(path) = self.events {
            events = read(path, &EVENT_COLUMNS, &mut report.events, |fields| {
                let [row, learner, date, rest @ ..] = fields;
                let date = match date.as_str() {
                    "" => None,
                    text => Some(
                        text.parse()
                            .map_err(|_| "date: not a day such as 2025-03-31")?,
                    ),
                };
                Ok(EventRow {
                    row,
                    learner,
                    date,
                    fields: rest,
                })
            })?;
        }
        bar.inc_length((learners.len() + events.len()) as u64);
        for batch in batches(learners, batch_rows) {
            let (lines, rows): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let source = self.source.to_owned();
            let reply = ask(Request::ImportLearners { source, rows }).await?;
            report
                .learners
                .add_all((self.learners, &lines), &reply, bar)?;
        }
        for batch in batches(by_learner(events), batch_rows) {
            let (lines, rows): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let source = self.source.to_owned();
            let reply = ask(Request::ImportEvents { source, rows }).await?;
            report.events.add_all((self.events, &lines), &reply, bar)?;
        }
        Ok(())
    }
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
fn by_learner(rows: Vec<(u64, EventRow)>) -> Vec<(u64, EventRow)> {
    let mut order: BTreeMap<String, Vec<(u64, EventRow)>> = BTreeMap::new();
    for row in rows {
        order.entry(row.1.learner.clone()).or_default().push(row);
    }
    order.into_values().flatten().collect()
}

/// A bar on standard error, where people see it and pipes do not.
pub(crate) fn progress_bar(what: &'static str, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg:12} {bar:40} {pos}/{len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what);
    bar
}

/// Reads the rows of a file with their line numbers. A line that is no row is refused by itself.
fn read<T>(
    path: &Path,
    columns: &[&str; 11],
    counts: &mut Counts,
    row: impl Fn([String; 11]) -> Result<T, &'static str>,
) -> Result<Vec<(u64, T)>, Refusal> {
    let shown = path.display().to_string();
    let said = |error: String| Refusal::new(Kind::Refused, format!("{shown}: {error}"));
    let file = File::open(path).map_err(|error| said(error.to_string()))?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let headers = reader
        .headers()
        .map_err(|error| said(error.to_string()))?
        .clone();
    let places = places(&headers, columns).map_err(said)?;
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(rows),
            Ok(true) => {}
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => {
                return Err(said(error.to_string()));
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let reason = Fate::Refused("not UTF-8 text: save the file as UTF-8".to_owned());
                counts.add(path, line, &reason);
                continue;
            }
        }
        let line = record.position().map_or(0, csv::Position::line);
        let problem = if record.len() != headers.len() {
            Some(format!(
                "{} columns, the first line names {}",
                record.len(),
                headers.len()
            ))
        } else if record.as_slice().len() > ROW_BYTES_MAX {
            Some(format!(
                "{} bytes, at most {ROW_BYTES_MAX}",
                record.as_slice().len()
            ))
        } else if record
            .get(places[0])
            .is_none_or(|key| key.trim().is_empty())
        {
            Some("ref is empty: every row needs its key in the register".to_owned())
        } else {
            None
        };
        if let Some(problem) = problem {
            counts.add(path, line, &Fate::Refused(problem));
            continue;
        }
        if rows.len() >= ROWS_MAX {
            return Err(said(format!("more than {ROWS_MAX} rows: split the file")));
        }
        let field = |place: usize| record.get(place).unwrap_or_default().trim().to_owned();
        match row(places.map(field)) {
            Ok(row) => rows.push((line, row)),
            Err(reason) => counts.add(path, line, &Fate::Refused(reason.to_owned())),
        }
    }
}

/// Where each column stands; they may come in any order, and others may stand between.
fn places(headers: &StringRecord, columns: &[&str; 11]) -> Result<[usize; 11], String> {
    let mut places = [0; 11];
    for (place, column) in places.iter_mut().zip(columns) {
        let clean = |name: &str| name.trim().trim_start_matches('\u{feff}').to_lowercase();
        let found = headers.iter().position(|header| clean(header) == *column);
        *place = found.ok_or_else(|| {
            format!(
                "no column '{column}': the first line must name {}",
                columns.join(", ")
            )
        })?;
    }
    Ok(places)
}

fn print(report: &Report, json: bool) -> ExitCode {
    if json {
        println!("{}", serde_json::json!({ "imported": report }));
    } else {
        for (what, counts) in [("learners", &report.learners), ("events", &report.events)] {
            let Counts {
                new,
                known,
                refused,
                reasons,
            } = counts;
            if new + known + refused > 0 {
                println!("{what}: {new} new, {known} known already, {refused} refused");
            }
            for reason in reasons {
                println!("  {reason}");
            }
        }
    }
    let refused = report.learners.refused + report.events.refused;
    ExitCode::from(if refused > 0 { Kind::Partly.exit() } else { 0 })
}
