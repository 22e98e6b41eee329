//! The command line. Each command is a request to a node: to the running one over its socket, or
//! to the stopped one in this very process. What it prints is `show`'s business.

mod account;
mod backup;
mod ceremony;
mod duplicates;
mod erase;
pub(crate) mod import;
mod kobo;
mod moodle;
pub(crate) mod officers;
mod paper;
mod rebuild;
mod restricted;
pub(crate) mod show;
mod transfer;
mod typed;
mod worklist;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use spean_protocol::event::Month;
use spean_protocol::id::LearnerId;
use spean_protocol::limits::ROSTER_BYTES_MAX;
use spean_protocol::roster::SignedRoster;
use spean_protocol::totals::{Period, Query};

use crate::api::{Kind, Refusal, Reply, Request};
use crate::home::{Home, read_small};
use crate::node::{Node, install_first, roster_page};
use crate::register::LearnerRow;
use crate::world::Machine;

/// Spean lets a prisoner's learning follow him: each prison's node keeps its learners' records and
/// exchanges them, sealed, with the other prisons and the head office by links or sticks.
///
/// Exit status: 0 done; 1 refused, nothing changed; 2 wrong usage; 3 the node's home, keys or
/// roster; 4 the disk or database; 5 the peer or the line; 6 done in part, the rest is named.
#[derive(Debug, Parser)]
#[command(name = "spean", version)]
struct Cli {
    /// The node's home directory.
    #[arg(long, global = true, env = "SPEAN_HOME", default_value = "spean-home")]
    home: PathBuf,
    /// Print the answer as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    who: Who,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new node in --home and write its enrolment request.
    Init {
        /// The site's short code, such as CC4: the roster names it by this.
        #[arg(long)]
        code: String,
        /// The site's name for people.
        #[arg(long)]
        name: String,
        /// This is the head office's node, which reads every education record.
        #[arg(long)]
        headquarters: bool,
        /// The cohort in force: 'spean roster show' at any node says it.
        #[arg(long, default_value_t = 1)]
        cohort: u16,
    },
    /// The request of this node on paper, for its enrolment.
    #[command(subcommand)]
    Enrol(paper::EnrolCommand),
    /// Run the node: answer commands, listen and dial as config.toml says, until Ctrl-C.
    Run {
        /// Also stop when standard input ends: for a program that starts nodes and must not leave
        /// any behind, however it ends itself.
        #[arg(long, hide = true)]
        until_input_ends: bool,
    },
    /// How the node stands: what is held of each site, what waits, who has what.
    Status,
    /// Learners: add, find, show, list.
    #[command(subcommand)]
    Learner(LearnerCommand),
    /// Record an event of a learner. The columns are those of a file of events.
    #[command(
        after_help = "Example: spean record 0a1b... --kind attended --programme reintegration \
                            --module micro-business --session 3 --date 2026-11-20"
    )]
    Record(RecordArgs),
    /// Import files of a site's registers, CSV or XLSX: learners, attendance, tests, loans and more.
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// The library's items, by title, author or number.
    Library {
        /// A part of a title or an author, or a number; without it, all.
        #[arg(default_value = "")]
        needle: String,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Seal what was recorded, now rather than at the next regular flush.
    Flush,
    /// Learners leave (out) or arrive (in): one, or a hundred from a list.
    #[command(subcommand)]
    Transfer(transfer::TransferCommand),
    /// At the head office: who came without a key, and who a new person is.
    #[command(subcommand)]
    Worklist(worklist::WorklistCommand),
    /// Officers of this site and their keys: add, withdraw, confirm, list.
    #[command(subcommand)]
    Officer(officers::OfficerCommand),
    /// Sign exam results and certificates with your own key. They count when two persons have: the second
    /// may be an officer here, at another prison, or at the head office, later.
    #[command(after_help = "Example: spean sign --officer 3")]
    Sign(officers::SignArgs),
    /// At the head office: erase learners at every site, for good. It happens when two officers say so.
    /// What they added to the figures stays, without them.
    #[command(after_help = "Only of those who are in no prison any more. \n\n\
                            Example: spean erase 0a1b... --officer 1")]
    Erase(erase::EraseArgs),
    /// At the head office: what destroying the keys of a cohort, and of all before it, means; and, with
    /// --decide, what must be done before: erase who is due, write on the keys of whoever is not.
    #[command(
        after_help = "It is done when two officers have decided, and officials then sign a roster that \
                            says so: 'spean ceremony propose --shred'.\n\n\
                            Examples:\n  \
                            spean shred 3                           what it means, and what is missing\n  \
                            spean shred 3 --decide --officer 1"
    )]
    Shred(erase::ShredArgs),
    /// Restricted records of a prison whose computer was lost: ask officials for their keys, take them.
    #[command(subcommand)]
    Restricted(restricted::RestrictedCommand),
    /// Accounts at the labs' PCs: give one, another password, list.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// The Moodle beside this node: look at its set-up, read what people did there.
    #[command(subcommand)]
    Moodle(moodle::MoodleCommand),
    /// KoboToolbox: make the forms for tablets, read what comes back.
    #[command(subcommand)]
    Kobo(kobo::KoboCommand),
    /// Exchange with a peer of config.toml, now.
    Sync {
        /// The peer's site code.
        peer: String,
    },
    /// Bundles on a stick: export, import, inspect.
    #[command(subcommand)]
    Stick(StickCommand),
    /// The figures of all that this node reads.
    Totals {
        /// First month, such as 2025-01.
        #[arg(long)]
        from: Option<Month>,
        /// Last month, such as 2025-12.
        #[arg(long)]
        to: Option<Month>,
        /// Only what was done at this site.
        #[arg(long)]
        site: Option<String>,
    },
    /// The roster of sites and keys: show, install.
    #[command(subcommand)]
    Roster(RosterCommand),
    /// Where rosters are made: root keys on sticks, proposals, signatures, paper.
    #[command(subcommand)]
    Ceremony(ceremony::CeremonyCommand),
    /// Write the whole node, sealed, as one file onto a stick. The node may run meanwhile.
    #[command(
        after_help = "The sheet that --sheet prints opens it, or two officials with the escrow. The newest \
                      two backups of a site stay on a stick.\n\n\
                      Examples:\n  \
                      spean backup --sheet           once: write it down\n  \
                      spean backup /media/stick      every week"
    )]
    Backup(backup::BackupArgs),
    /// Make this node's home from a backup; the sheet's letters are read from standard input.
    #[command(after_help = "Examples:\n  \
                      spean --home /var/lib/spean restore /media/stick/spean-CC4-7.backup\n  \
                      spean restore --check /media/stick/spean-CC4-7.backup     a drill: changes nothing")]
    Restore(backup::RestoreArgs),
    /// After a fire: make the head office's records readable again, from any prison's stick and the
    /// escrow of two officials.
    #[command(
        after_help = "docs/ceremony.md says what comes before: a new node, a roster that lists it, and \
                      a stick of any prison that was imported.\n\n\
                      Example: spean rebuild --stick /media/a --stick /media/b"
    )]
    Rebuild(rebuild::RebuildArgs),
    /// Show the main job on real nodes: the head office and fourteen sites on this machine.
    Demo(crate::demo::DemoArgs),
}

#[derive(Debug, Subcommand)]
enum LearnerCommand {
    /// Add a learner who is new to the system. Search first: 'spean learner find'.
    Add(Box<AddArgs>),
    /// Learners of this site whose name or id contains a text.
    Find {
        /// Part of a name in either script, or of the id.
        text: String,
    },
    /// What the record of one learner says.
    Show {
        /// The learner's id.
        learner: LearnerId,
        /// Write his education document to this file, for any Automerge tool.
        #[arg(long)]
        document: Option<PathBuf>,
    },
    /// Print learners' cards: name, id and code, of the size of a bank card.
    #[command(
        after_help = "The code holds the id: 'spean transfer in --card' takes it where there is no slip.\n\n\
                      Examples:\n  \
                      spean learner card 0a1b... --pdf card.pdf\n  \
                      spean learner card --all --pdf cards.pdf"
    )]
    Card(paper::CardArgs),
    /// All learners of this site.
    List,
    /// Who may be one person under two ids: the same name in either script, however it is written, and
    /// nothing that rules it out. At a prison of its own learners, at the head office of all.
    ///
    /// Nobody is joined by this: two officers of the head office decide, 'spean worklist'.
    Duplicates {
        /// At most so many pairs.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=5000))]
        limit: u16,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Family and given name in Khmer.
    #[arg(long, num_args = 2, value_names = ["FAMILY", "GIVEN"])]
    khmer: Option<Vec<String>>,
    /// Family and given name in Latin script.
    #[arg(long, num_args = 2, value_names = ["FAMILY", "GIVEN"])]
    latin: Option<Vec<String>>,
    /// F or M.
    #[arg(long, default_value = "")]
    sex: String,
    /// 1990, 1990-05 or 1990-05-17.
    #[arg(long, default_value = "")]
    born: String,
    /// none, primary, lower-secondary, upper-secondary or higher.
    #[arg(long, default_value = "")]
    education: String,
    /// Language codes, such as "km fr en".
    #[arg(long, default_value = "")]
    languages: String,
    /// The day of arrival, such as 2026-03-31.
    #[arg(long, default_value = "")]
    arrived: String,
    /// The id on the learner's card, if he has one.
    #[arg(long, default_value = "")]
    card: String,
}

#[derive(Debug, Args)]
struct RecordArgs {
    /// The learner's id.
    learner: LearnerId,
    /// The day, such as 2026-03-31; without it the event is undated.
    #[arg(long, default_value = "")]
    date: String,
    /// What happened: attended, session-done, module-done, pre-test, post-test, enrolled, ...
    #[arg(long)]
    kind: String,
    /// beep, english, digital, reintegration, literacy, vocational, orientation or library.
    #[arg(long, default_value = "")]
    programme: String,
    /// The module of the programme.
    #[arg(long, default_value = "")]
    module: String,
    /// The session's number.
    #[arg(long, default_value = "")]
    session: String,
    /// Points reached.
    #[arg(long, default_value = "")]
    score: String,
    /// Points that could be reached.
    #[arg(long, default_value = "")]
    max: String,
    /// The test's version, or the exam's sitting.
    #[arg(long, default_value = "")]
    version: String,
    /// Whatever else the kind needs.
    #[arg(long, default_value = "")]
    value: String,
}

#[derive(Debug, Subcommand)]
enum StickCommand {
    /// Write a bundle with what the destinations lack.
    Export {
        /// The stick's directory.
        directory: PathBuf,
        /// Codes of the sites that it goes to, in the order of the tour: what they lack is packed,
        /// as far as their receipts tell. Without any, all is packed.
        #[arg(long, value_delimiter = ',', visible_alias = "route")]
        to: Vec<String>,
        /// Who carries it, for the guards' register.
        #[arg(long, default_value = "")]
        carrier: String,
    },
    /// Take in the bundles of a stick.
    Import {
        /// The stick's directory, or one file.
        path: PathBuf,
    },
    /// List what the bundles of a stick carry, for the guards' register. Changes nothing.
    Inspect {
        /// The stick's directory, or one file.
        path: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum RosterCommand {
    /// The roster in force on this node, or the one in a file, which is not trusted yet.
    Show {
        /// The file.
        file: Option<PathBuf>,
    },
    /// Take a roster on this node. The first one is trusted: compare its seal, which 'spean roster
    /// show FILE' shows, with the one that the head office announced.
    Install {
        /// The file.
        file: PathBuf,
        /// The seal that was announced: a roster with another is refused.
        #[arg(long)]
        seal: Option<String>,
    },
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("SPEAN_LOG").unwrap_or_else(|_| {
        let level = if matches!(cli.command, Command::Run { .. }) {
            "info"
        } else {
            "error"
        };
        // The link libraries talk much; their errors reach people through this program's own.
        tracing_subscriber::EnvFilter::new(format!("off,spean={level},spean_protocol={level}"))
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("spean: the system gives no threads: {error}");
            return ExitCode::from(Kind::Home.exit());
        }
    };
    match runtime.block_on(command(&cli)) {
        Ok(code) => code,
        Err(refusal) => {
            if cli.json {
                println!("{}", serde_json::json!({ "error": refusal }));
            }
            eprintln!("spean: {refusal}");
            ExitCode::from(refusal.kind.exit())
        }
    }
}

async fn command(cli: &Cli) -> Result<ExitCode, Refusal> {
    let home = Home::at(&cli.home);
    match &cli.command {
        Command::Init {
            code,
            name,
            headquarters,
            cohort,
        } => {
            let role = if *headquarters {
                "headquarters"
            } else {
                "prison"
            };
            let request = home.create((code, name, role), *cohort, &mut Machine)?;
            show::initialised(cli.json, &home, &request);
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { until_input_ends } => {
            let stop = async {
                tokio::select! {
                    () = stop_signal() => {}
                    () = input_ends(), if *until_input_ends => {}
                }
            };
            crate::run::run(&home, stop, || println!("ready")).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Import(command) => import::import(&home, command, &cli.who, cli.json).await,
        Command::Enrol(command) => paper::enrol(&home, command, cli.json),
        Command::Learner(LearnerCommand::Card(args)) => paper::cards(&home, args, cli.json).await,
        Command::Roster(command) => roster(cli, &home, command).await,
        Command::Ceremony(command) => ceremony::ceremony(&home, command, cli.json).await,
        Command::Backup(args) => backup::backup(&home, args, cli.json).await,
        Command::Restore(args) => backup::restore(&home, args, cli.json).await,
        Command::Rebuild(args) => rebuild::rebuild(&home, args, cli.json).await,
        Command::Demo(args) => crate::demo::demo(args, cli.json).await,
        Command::Learner(LearnerCommand::Show {
            learner,
            document: Some(path),
        }) => {
            let request = cli.who.asks(Request::LearnerDocument(*learner));
            let reply = ask(&home, request).await?;
            if let Reply::Document(bytes) = &reply {
                std::fs::write(path, bytes).map_err(|error| {
                    Refusal::new(Kind::Store, format!("{}: {error}", path.display()))
                })?;
            }
            show::reply(cli.json, &reply)
        }
        Command::Transfer(command) => transfer::transfer(&home, command, &cli.who, cli.json).await,
        Command::Officer(command) => officers::officer(&home, command, cli.json).await,
        Command::Sign(args) => {
            officers::sign(&home, args, officers::myself(cli.who.officer)?, cli.json).await
        }
        Command::Account(command) => account::account(&home, command, &cli.who, cli.json).await,
        Command::Moodle(command) => moodle::moodle(&home, command, cli.json).await,
        Command::Kobo(command) => kobo::kobo(&home, command, &cli.who, cli.json).await,
        Command::Restricted(command) => restricted::restricted(&home, command, cli.json).await,
        Command::Shred(args) => erase::shred(&home, args, cli.who.officer, cli.json).await,
        Command::Erase(args) => erase::erase(&home, args, cli.who.officer, cli.json).await,
        Command::Worklist(command) => worklist::worklist(&home, command, &cli.who, cli.json).await,
        other => {
            let reply = ask(&home, cli.who.asks(request(other)?)).await?;
            show::reply(cli.json, &reply)
        }
    }
}

/// Who gives a command, as far as he says so.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// Your number, if you are an officer of this site: it stands at what you record and open.
    #[arg(long, global = true, env = "SPEAN_OFFICER")]
    officer: Option<u16>,
    /// Why you open a record: teaching, transfer, learner-asked, correction, audit. The learner can see it.
    #[arg(long, global = true, default_value = "")]
    why: String,
}

impl Who {
    /// The request with who makes it.
    pub(crate) fn asks(&self, request: Request) -> Request {
        if self.officer.is_none() && self.why.is_empty() {
            return request;
        }
        Request::By {
            officer: self.officer,
            why: self.why.clone(),
            request: Box::new(request),
        }
    }
}

/// Asks the running node, or opens the stopped one for this request.
pub(crate) async fn ask(home: &Home, request: Request) -> Result<Reply, Refusal> {
    if let Some(reply) = crate::run::ask(home, &request).await? {
        return Ok(reply);
    }
    Node::open(home)?.answer(request).await
}

fn request(command: &Command) -> Result<Request, Refusal> {
    Ok(match command {
        Command::Status => Request::Status,
        Command::Learner(LearnerCommand::Add(args)) => Request::LearnerAdd(learner_row(args)),
        Command::Learner(LearnerCommand::Find { text }) => Request::LearnerFind {
            needle: text.clone(),
            limit: 50,
        },
        Command::Learner(LearnerCommand::Duplicates { limit }) => {
            Request::LearnerDuplicates(usize::from(*limit))
        }
        Command::Learner(LearnerCommand::List) => Request::LearnerFind {
            needle: String::new(),
            limit: 100_000,
        },
        Command::Learner(LearnerCommand::Show { learner, .. }) => Request::LearnerShow(*learner),
        Command::Record(args) => Request::Record {
            learner: args.learner,
            date: args.date.clone(),
            fields: [
                &args.kind,
                &args.programme,
                &args.module,
                &args.session,
                &args.score,
                &args.max,
                &args.version,
                &args.value,
            ]
            .map(String::clone),
        },
        Command::Flush => Request::Flush,
        Command::Sync { peer } => Request::Sync { peer: peer.clone() },
        Command::Stick(StickCommand::Export {
            directory,
            to,
            carrier,
        }) => Request::StickExport {
            directory: absolute(directory),
            to: to.clone(),
            carrier: carrier.clone(),
        },
        Command::Stick(StickCommand::Import { path }) => Request::StickImport {
            path: absolute(path),
        },
        Command::Stick(StickCommand::Inspect { path }) => Request::StickInspect {
            path: absolute(path),
        },
        Command::Library { needle, limit } => Request::LibraryFind {
            needle: needle.clone(),
            limit: *limit,
        },
        Command::Totals { from, to, site } => {
            let first = from.unwrap_or(Period::ALL.first);
            let period = Period {
                first,
                last: to.unwrap_or(Period::ALL.last),
            };
            let query = Query { period, site: None };
            match site {
                Some(site) => Request::TotalsOf {
                    site: site.clone(),
                    query,
                },
                None => Request::Totals(query),
            }
        }
        _ => return Err(Refusal::new(Kind::Refused, "this command is no request")),
    })
}

fn learner_row(args: &AddArgs) -> LearnerRow {
    let name = |pair: &Option<Vec<String>>, at: usize| {
        pair.as_ref()
            .and_then(|pair| pair.get(at))
            .cloned()
            .unwrap_or_default()
    };
    LearnerRow {
        row: String::new(),
        fields: [
            name(&args.khmer, 0),
            name(&args.khmer, 1),
            name(&args.latin, 0),
            name(&args.latin, 1),
            args.sex.clone(),
            args.born.clone(),
            args.education.clone(),
            args.languages.clone(),
            args.arrived.clone(),
            args.card.clone(),
        ],
    }
}

/// The running node may stand elsewhere in the file system than this command.
fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

async fn roster(cli: &Cli, home: &Home, command: &RosterCommand) -> Result<ExitCode, Refusal> {
    let read = |file: &Path| {
        let refused = |error: &dyn std::fmt::Display| {
            Refusal::new(Kind::Refused, format!("{}: {error}", file.display()))
        };
        let bytes = read_small(file, ROSTER_BYTES_MAX).map_err(|error| refused(&error))?;
        let signed = SignedRoster::decode(&bytes);
        let signed = signed.map_err(|error| refused(&format!("this is no roster: {error}")))?;
        let roster = signed.preview().map_err(|error| refused(&error))?;
        Ok::<_, Refusal>((bytes, roster_page(&roster)))
    };
    let reply = match command {
        RosterCommand::Show { file: None } => ask(home, Request::RosterShow).await?,
        RosterCommand::Show { file: Some(file) } => Reply::Roster(read(file)?.1),
        RosterCommand::Install { file, seal } => {
            let (bytes, page) = read(file)?;
            let plain = |text: &str| text.replace(' ', "").to_ascii_uppercase();
            if let Some(told) = seal
                && plain(told) != plain(&page.seal)
            {
                let message = format!(
                    "{}: its seal is {}, and not {told}: somebody else made it. Do not install it; \
                     call the head office",
                    file.display(),
                    page.seal
                );
                return Err(Refusal::new(Kind::Refused, message));
            }
            Reply::Roster(install(home, bytes).await?)
        }
    };
    show::reply(cli.json, &reply)
}

async fn install(home: &Home, bytes: Vec<u8>) -> Result<crate::api::RosterPage, Refusal> {
    let request = Request::RosterInstall {
        bytes: bytes.clone(),
    };
    let reply = match crate::run::ask(home, &request).await? {
        Some(reply) => reply,
        None => match Node::open(home) {
            Ok(node) => node.answer(request).await?,
            // No roster yet: the first one opens the engine.
            Err(refusal) if refusal.kind == Kind::Home => {
                home.identity()?;
                Reply::Roster(install_first(home, &bytes)?)
            }
            Err(refusal) => return Err(refusal),
        },
    };
    match reply {
        Reply::Roster(page) => Ok(page),
        _ => Err(Refusal::new(Kind::Home, "an unexpected answer")),
    }
}

/// Completes when standard input does.
async fn input_ends() {
    let (end, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = end.send(());
    });
    let _ = ended.await;
}

/// Completes on Ctrl-C and on the signal that service managers send.
pub(crate) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
