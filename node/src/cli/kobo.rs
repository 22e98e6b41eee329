//! `spean kobo`: makes the pack of forms, and reads what KoboToolbox has of them, from files or from its server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::ProgressBar;

use super::Who;
use super::import::files::{Counts, send_events};
use super::import::{BATCH_ROWS, asker, print, progress_bar};
use crate::api::{Kind, Refusal};
use crate::engine::import::{Fate, Import};
use crate::home::{Home, read_small};
use crate::kobo::SOURCE;
use crate::kobo::forms::pack;
use crate::kobo::mapping::{Mapping, PACK};
use crate::kobo::rows::Collected;
use crate::kobo::submission::Export;
use crate::kobo::wording::Wording;
use crate::kobo::workbook::xlsx;
use crate::register::kind::Kind as Register;
use crate::sheet;

/// Bytes of a file of JSON: some thousand submissions.
const JSON_BYTES_MAX: usize = 16 * 1024 * 1024;

/// KoboToolbox: monitoring data of tablets.
#[derive(Debug, Subcommand)]
pub(super) enum KoboCommand {
    /// Write the five forms as XLSForms, to be uploaded to KoboToolbox: intake, attendance, test, who5, exit.
    #[command(
        after_help = "The words of the WHO-5 are not this program's: give the approved ones with --wording, a file such \
                      as\n\n  [km]\n  items = [\"...\", \"...\", \"...\", \"...\", \"...\"]\n\n\
                      Example: spean kobo forms forms --wording who5.toml"
    )]
    Forms {
        /// The directory that they are written into.
        directory: PathBuf,
        /// A file with the words of the five items of the WHO-5, in any of the three languages.
        #[arg(long)]
        wording: Option<PathBuf>,
    },
    /// Read exports of KoboToolbox: JSON, CSV or XLSX. A submission that was read before changes nothing.
    #[command(
        after_help = "Rows of somebody who is not known here wait for a person: 'spean import waiting'. 'spean import undo' takes an \
                      import back.\n\n\
                      Examples:\n  \
                      spean kobo import intake.json attendance.json\n  \
                      spean kobo import lessons.json --mapping ours.toml --form lessons --dry-run"
    )]
    Import(ImportArgs),
    /// The same from KoboToolbox's server. config.toml names it and the forms, kobo-token has the token.
    #[command(after_help = "Example: spean kobo pull --dry-run")]
    Pull(PullArgs),
    /// Print which question gives which column: of the pack's own forms, to be changed for others.
    #[command(after_help = "Example: spean kobo mapping > ours.toml")]
    Mapping,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The exports.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Which form of the mapping they are; those of the pack say it themselves.
    #[arg(long)]
    form: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(super) struct PullArgs {
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct How {
    /// Which question gives which column: 'spean kobo mapping' prints one to begin with.
    #[arg(long)]
    mapping: Option<PathBuf>,
    /// Say what would become of it, and keep nothing.
    #[arg(long)]
    dry_run: bool,
}

impl How {
    fn mapping(&self) -> Result<Mapping, Refusal> {
        let read = match &self.mapping {
            None => Mapping::pack(),
            Some(path) => Mapping::read(path),
        };
        read.map_err(refused)
    }
}

fn refused(reason: impl std::fmt::Display) -> Refusal {
    Refusal::new(Kind::Refused, reason)
}

pub(super) async fn kobo(
    home: &Home,
    command: &KoboCommand,
    who: &Who,
    json: bool,
) -> Result<ExitCode, Refusal> {
    match command {
        KoboCommand::Forms { directory, wording } => forms(directory, wording.as_deref(), json),
        KoboCommand::Mapping => {
            print!("{PACK}");
            Ok(ExitCode::SUCCESS)
        }
        KoboCommand::Import(args) => {
            let mapping = args.how.mapping()?;
            let which = args.form.as_deref();
            if let Some(kind) = which {
                mapping.form(kind).map_err(refused)?;
            }
            let mut collected = Collected::default();
            for path in &args.files {
                let shown = path.display().to_string();
                let export = read(path, &mapping, which)
                    .map_err(|why| refused(format!("{shown}: {why}")))?;
                collected.take(&shown, export, &mapping, which);
            }
            let names = args.files.iter().filter_map(|path| path.file_name());
            let names: Vec<_> = names.map(std::ffi::OsStr::to_string_lossy).collect();
            let what = format!("{SOURCE}: {}", names.join(", "));
            send(home, collected, (what, args.how.dry_run), who, json).await
        }
        KoboCommand::Pull(args) => {
            let bar = progress_bar("submissions", json);
            let pulled = pull(home, args.how.mapping()?, bar.clone()).await;
            bar.finish_and_clear();
            let what = format!("{SOURCE}: server");
            send(home, pulled?, (what, args.how.dry_run), who, json).await
        }
    }
}

fn forms(directory: &Path, wording: Option<&Path>, json: bool) -> Result<ExitCode, Refusal> {
    let words = wording
        .map(Wording::read)
        .transpose()
        .map_err(refused)?
        .unwrap_or_default();
    let store = |path: &Path, error: &dyn std::fmt::Display| {
        Refusal::new(Kind::Store, format!("{}: {error}", path.display()))
    };
    std::fs::create_dir_all(directory).map_err(|error| store(directory, &error))?;
    let mut written = Vec::new();
    for form in pack() {
        let path = directory.join(format!("spean-{}.xlsx", form.kind));
        let bytes = xlsx(&form, &words).map_err(|error| store(&path, &error))?;
        std::fs::write(&path, bytes).map_err(|error| store(&path, &error))?;
        written.push(path);
    }
    let missing: Vec<&str> = words
        .missing()
        .into_iter()
        .map(crate::locale::Language::code)
        .collect();
    if json {
        let report = serde_json::json!({ "files": written, "wording_missing": missing });
        println!("{}", serde_json::json!({ "forms": report }));
        return Ok(ExitCode::SUCCESS);
    }
    for path in written {
        println!("{}", path.display());
    }
    if !missing.is_empty() {
        println!(
            "The items of the WHO-5 have no words in: {}. Do not use the form who5 before the ministry-approved words \
             are in it: --wording FILE.",
            missing.join(", ")
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads an export by the end of its name.
fn read(path: &Path, mapping: &Mapping, which: Option<&str>) -> Result<Export, String> {
    let end = path
        .extension()
        .and_then(std::ffi::OsStr::to_str)
        .unwrap_or_default();
    match end.to_ascii_lowercase().as_str() {
        "json" => {
            let bytes = read_small(path, JSON_BYTES_MAX).map_err(|error| error.to_string())?;
            Export::json(&bytes)
        }
        "csv" | "xlsx" => {
            let mut export = Export::sheet(sheet::read(path)?, which);
            let form = export.submissions.first();
            let form = form.and_then(|first| mapping.form_of(first, which).ok());
            if let Some((form, group)) = form.and_then(|form| Some((form, form.repeat.as_ref()?))) {
                let people = sheet::further(path, |name| Export::is_of(&form.kind, group, name))?;
                if let Some(people) = people {
                    export.people(people, &form.kind, group);
                }
            }
            Ok(export)
        }
        _ => Err("this is no export of Kobo: its name must end in .json, .csv or .xlsx".to_owned()),
    }
}

/// Reads the forms that the configuration names.
#[cfg(feature = "kobo")]
async fn pull(home: &Home, mapping: Mapping, bar: ProgressBar) -> Result<Collected, Refusal> {
    use crate::kobo::client::{Client, KoboError};
    let config = home
        .config()?
        .kobo
        .filter(|kobo| !kobo.form.is_empty())
        .ok_or_else(|| {
            refused(
                "config.toml names no Kobo, or no form of it: docs/kobo.md says how it is set up",
            )
        })?;
    for form in &config.form {
        let known = mapping.form(&form.kind);
        known.map_err(|why| refused(format!("config.toml: kobo.form.kind: {why}")))?;
    }
    let failed = |error: KoboError| {
        let kind = if error.is_of_the_line() {
            Kind::Link
        } else {
            Kind::Refused
        };
        Refusal::new(kind, error)
    };
    let client = Client::new(&config.url, home.kobo_token()?).map_err(failed)?;
    let job = move || {
        let mut collected = Collected::default();
        for form in config.form {
            let before = bar.length().unwrap_or_default();
            let told = |all| bar.set_length(before + all);
            let mut whole = Export::default();
            client.submissions(&form.uid, told, |page| {
                bar.inc((page.submissions.len() + page.refused.len()) as u64);
                whole.join(page);
            })?;
            collected.take(&form.kind, whole, &mapping, Some(&form.kind));
        }
        Ok(collected)
    };
    let done = tokio::task::spawn_blocking(job).await;
    done.map_err(|error| Refusal::new(Kind::Home, error))?
        .map_err(failed)
}

/// Without it nothing is asked.
#[cfg(not(feature = "kobo"))]
async fn pull(_home: &Home, _mapping: Mapping, _bar: ProgressBar) -> Result<Collected, Refusal> {
    Err(refused(
        "this program was built without Kobo's server: import exports instead",
    ))
}

/// Has the node keep what was read, or say what it would, and prints what became of it.
async fn send(
    home: &Home,
    collected: Collected,
    (what, dry): (String, bool),
    who: &Who,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let mut import = Import {
        what,
        keep: !dry,
        search: true,
        ..Import::of(SOURCE)
    };
    let mut counts = Counts::default();
    let Collected {
        submissions,
        repeated,
        ..
    } = collected;
    counts.notes.push(format!(
        "{submissions} submissions were read, and {repeated} more that stood there again"
    ));
    counts.notes.extend(collected.notes);
    for (from, place, reason) in collected.refused {
        let fate = Fate::Refused(reason);
        counts.add(&from, place, Register::Events, &fate, None, false);
    }
    let bar = progress_bar("events", json);
    bar.inc_length(
        collected
            .rows
            .iter()
            .map(|(_, rows)| rows.len() as u64)
            .sum(),
    );
    let mut ask = asker(home, who);
    let mut sent = Ok(());
    for (from, rows) in collected.rows {
        let rows = (from.as_str(), rows, Register::Events);
        sent = send_events(rows, &mut import, BATCH_ROWS, &mut ask, &bar, &mut counts).await;
        if sent.is_err() {
            break;
        }
    }
    bar.finish_and_clear();
    sent.map(|()| print(SOURCE, &import, &counts, json))
}
