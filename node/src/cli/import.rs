//! `spean import`: reads files of learners and of events, sends their rows in batches, and tells
//! the fate of every row that was refused.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;
use csv::StringRecord;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

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
#[command(after_help = "Columns of a file of learners: ref, family_km, given_km, family_latin, \
    given_latin, sex, born, education, languages, arrived, card.\n\
    Columns of a file of events: ref, learner, date, kind, programme, module, session, score, \
    max, version, value.\nThe first line names the columns; ref is the row's key in its register.")]
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
struct Report {
    learners: Counts,
    events: Counts,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    new: u64,
    known: u64,
    refused: u64,
    /// The first refused rows, with file, line and reason.
    reasons: Vec<String>,
}

/// Refused rows that are listed; the rest are only counted.
const REASONS_MAX: usize = 1_000;

impl Counts {
    fn add(&mut self, place: &str, fate: &Fate) {
        match fate {
            Fate::New => self.new += 1,
            Fate::Known => self.known += 1,
            Fate::Refused(reason) => {
                self.refused += 1;
                if self.reasons.len() < REASONS_MAX {
                    self.reasons.push(format!("{place}: {reason}"));
                }
            }
        }
    }
}

/// Runs the import.
///
/// # Errors
/// [`Refusal`] when a file cannot be read at all or the node fails; refused rows end with
/// exit status 6.
pub async fn import(home: &Home, args: &ImportArgs, json: bool) -> Result<ExitCode, Refusal> {
    if args.learners.is_none() && args.events.is_none() {
        return Err(Refusal::new(Kind::Refused, "name --learners FILE, --events FILE, or both"));
    }
    let mut importer = Importer { home, node: None, source: args.source.clone(), quiet: json };
    let mut report = Report::default();
    if let Some(path) = &args.learners {
        let rows = read(path, &LEARNER_COLUMNS, &mut report.learners, |fields| {
            let [row, rest @ ..] = fields;
            LearnerRow { row, fields: rest }
        })?;
        importer.send("learners", path, rows, &mut report.learners, &|source, rows| {
            Request::ImportLearners { source, rows }
        })
        .await?;
    }
    if let Some(path) = &args.events {
        let mut undated = Vec::new();
        let rows = read(path, &EVENT_COLUMNS, &mut report.events, |fields| {
            let [row, learner, date, rest @ ..] = fields;
            if !date.is_empty() && spean_protocol::event::Date::from_str(&date).is_err() {
                undated.push(row.clone());
            }
            let date = date.parse().ok();
            EventRow { row, learner, date, fields: rest }
        })?;
        let (rows, wrong): (Vec<_>, Vec<_>) = {
            let wrong: std::collections::BTreeSet<_> = undated.into_iter().collect();
            rows.into_iter().partition(|(_, row)| !wrong.contains(&row.row))
        };
        for (line, _) in wrong {
            let place = format!("{}:{line}", path.display());
            let reason = "date: not a day such as 2025-03-31".to_owned();
            report.events.add(&place, &Fate::Refused(reason));
        }
        let rows = by_learner(rows);
        importer.send("events", path, rows, &mut report.events, &|source, rows| {
            Request::ImportEvents { source, rows }
        })
        .await?;
    }
    Ok(print(&report, json))
}

/// Rows of one learner together, so that each record is opened once.
fn by_learner(rows: Vec<(u64, EventRow)>) -> Vec<(u64, EventRow)> {
    let mut order: BTreeMap<String, Vec<(u64, EventRow)>> = BTreeMap::new();
    for row in rows {
        order.entry(row.1.learner.clone()).or_default().push(row);
    }
    order.into_values().flatten().collect()
}

struct Importer<'a> {
    home: &'a Home,
    /// The stopped node, opened for all batches at once.
    node: Option<Node>,
    source: String,
    quiet: bool,
}

impl Importer<'_> {
    async fn send<T>(
        &mut self,
        what: &'static str,
        path: &Path,
        rows: Vec<(u64, T)>,
        counts: &mut Counts,
        request: &dyn Fn(String, Vec<T>) -> Request,
    ) -> Result<(), Refusal> {
        let bar = progress_bar(rows.len(), what, self.quiet);
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let (lines, batch): (Vec<u64>, Vec<T>) = rows.by_ref().take(BATCH_ROWS).unzip();
            let reply = self.ask(request(self.source.clone(), batch)).await?;
            let Reply::Fates(fates) = reply else {
                return Err(Refusal::new(Kind::Home, "an unexpected answer"));
            };
            for (line, fate) in lines.iter().zip(&fates) {
                counts.add(&format!("{}:{line}", path.display()), fate);
            }
            bar.inc(lines.len() as u64);
        }
        bar.finish_and_clear();
        Ok(())
    }

    async fn ask(&mut self, request: Request) -> Result<Reply, Refusal> {
        if let Some(node) = &self.node {
            return node.answer(request).await;
        }
        if let Some(reply) = crate::run::ask(self.home, &request).await? {
            return Ok(reply);
        }
        self.node.insert(Node::open(self.home)?).answer(request).await
    }
}

/// A bar on standard error, where people see it and pipes do not.
pub(crate) fn progress_bar(length: usize, what: &'static str, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
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
    mut row: impl FnMut([String; 11]) -> T,
) -> Result<Vec<(u64, T)>, Refusal> {
    let shown = path.display().to_string();
    let said = |error: String| Refusal::new(Kind::Refused, format!("{shown}: {error}"));
    let file = File::open(path).map_err(|error| said(error.to_string()))?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let headers = reader.headers().map_err(|error| said(error.to_string()))?.clone();
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
                counts.add(&format!("{shown}:{line}"), &reason);
                continue;
            }
        }
        let line = record.position().map_or(0, csv::Position::line);
        let problem = if record.len() != headers.len() {
            Some(format!("{} columns, the first line names {}", record.len(), headers.len()))
        } else if record.as_slice().len() > ROW_BYTES_MAX {
            Some(format!("{} bytes, at most {ROW_BYTES_MAX}", record.as_slice().len()))
        } else if record.get(places[0]).is_none_or(|key| key.trim().is_empty()) {
            Some("ref is empty: every row needs its key in the register".to_owned())
        } else {
            None
        };
        if let Some(problem) = problem {
            counts.add(&format!("{shown}:{line}"), &Fate::Refused(problem));
            continue;
        }
        if rows.len() >= ROWS_MAX {
            return Err(said(format!("more than {ROWS_MAX} rows: split the file")));
        }
        let field = |place: usize| record.get(place).unwrap_or_default().trim().to_owned();
        rows.push((line, row(places.map(field))));
    }
}

/// Where each column stands; they may come in any order, and others may stand between.
fn places(headers: &StringRecord, columns: &[&str; 11]) -> Result<[usize; 11], String> {
    let mut places = [0; 11];
    for (place, column) in places.iter_mut().zip(columns) {
        let clean = |name: &str| name.trim().trim_start_matches('\u{feff}').to_lowercase();
        let found = headers.iter().position(|header| clean(header) == *column);
        *place = found.ok_or_else(|| {
            format!("no column '{column}': the first line must name {}", columns.join(", "))
        })?;
    }
    Ok(places)
}

fn print(report: &Report, json: bool) -> ExitCode {
    if json {
        println!("{}", serde_json::json!({ "imported": report }));
    } else {
        for (what, counts) in [("learners", &report.learners), ("events", &report.events)] {
            let Counts { new, known, refused, reasons } = counts;
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
