//! What the commands print: text for people, or the reply itself as JSON.

use std::process::ExitCode;

use spean_protocol::event::Date;
use spean_protocol::totals::{Continuity, Figures, Rounding, Share};

use super::{duplicates, erase, moodle, officers, transfer, worklist};
use crate::api::{BundleLine, Kind, Refusal, Reply};
use crate::backup::write::BackupLine;
use crate::engine::depart::Moved;
use crate::engine::officers::OfficerLine;
use crate::engine::report::{SiteStatus, Status, Totals};
use crate::engine::state::State;
use crate::home::{EnrolmentRequest, Home};
use crate::locale::{self, Language};

/// Prints what `init` made.
pub fn initialised(json: bool, home: &Home, request: &EnrolmentRequest) {
    let path = home.request_path();
    if json {
        println!(
            "{}",
            serde_json::json!({ "initialised": request, "request": path, "seal": request.seal() })
        );
        return;
    }
    println!("Made a new node for {} ({}).", request.name, request.code);
    println!("Seal of its keys: {}", request.seal());
    println!(
        "Next: send {} to the head office, and tell the seal by telephone;",
        path.display()
    );
    println!("where no stick goes, 'spean enrol show' prints the same for paper;");
    println!("then run 'spean roster install FILE' with the roster that comes back.");
}

/// Prints a reply; the exit status is 6 where part of it could not be done.
///
/// # Errors
/// [`Refusal`] where nobody of those whom the command named could be moved.
pub fn reply(json: bool, reply: &Reply) -> Result<ExitCode, Refusal> {
    let partly = match reply {
        Reply::Bundles(lines) => lines.iter().any(|line| line.stopped.is_some()),
        Reply::Departures(moved) => some_refused(json, moved)?,
        Reply::Arrivals(moved) => some_refused(json, moved)?,
        _ => false,
    };
    let code = ExitCode::from(if partly { Kind::Partly.exit() } else { 0 });
    if json {
        println!("{}", serde_json::to_string(reply).unwrap_or_default());
        return Ok(code);
    }
    match reply {
        Reply::Status(status) => show_status(status),
        Reply::Added(learner) => println!("Added learner {learner}. Print it on his card."),
        Reply::Learners(lines) => {
            for line in lines {
                let here = if line.here { "here" } else { "not here" };
                let names = line.usernames.iter().map(|name| format!("{name}  "));
                let names: String = names.collect();
                println!("{}  {}  {names}({here})", line.learner, line.name);
            }
            println!("{} found", lines.len());
        }
        Reply::Duplicates(list) => duplicates::show(list),
        Reply::Learner(page) => show_learner(page),
        Reply::Document(bytes) => println!("Wrote {} bytes, an Automerge document.", bytes.len()),
        Reply::Cards(cards) => println!("{} cards", cards.len()),
        Reply::Fates(fates) => println!("{} rows", fates.fates.len()),
        Reply::Adopting(adopting) => moodle::show_adopting(adopting),
        Reply::Whose(all) => println!("{} rows", all.len()),
        Reply::Imports(lines) => println!("{} imports", lines.len()),
        Reply::ImportUndone(undone) => println!("{} events", undone.events),
        Reply::ImportWaiting(lines) => println!("{} wait", lines.len()),
        Reply::Items(items) => {
            for (number, item) in items {
                println!("{number}  {}  {}", item.title, item.author);
            }
            println!("{} found", items.len());
        }
        Reply::Events(count) => println!("{count} events"),
        Reply::Departures(moved) => transfer::show_departures(moved),
        Reply::Arrivals(moved) => transfer::show_arrivals(moved),
        Reply::Moves(lines) => transfer::show_moves(lines),
        Reply::States(states) => states.iter().for_each(|state| println!("{}", words(state))),
        Reply::Worklist(lines) => worklist::show_worklist(lines),
        Reply::Synced(outcome) if outcome.same => println!("Nothing new on either side."),
        Reply::Synced(outcome) => {
            println!(
                "Exchanged: {} segments sent, {} new.",
                outcome.sent, outcome.taken
            );
        }
        Reply::Bundles(lines) => lines.iter().for_each(show_bundle),
        Reply::Backup(line) => show_backup(line),
        Reply::Totals(totals) => show_totals(totals),
        Reply::Officers(lines) => show_officers(lines),
        Reply::Erasing(erasing) => erase::show_erasing(erasing),
        Reply::Erasures(lines) => erase::show_erasures(lines),
        Reply::Asked { seal, .. } => println!("{seal}"),
        Reply::Keys(new) => println!("{new} keys taken. What they open is read by and by."),
        Reply::Account(username) => println!("{username}"),
        Reply::Accounts(all) => all
            .iter()
            .for_each(|(name, learner)| println!("{name:32} {learner}")),
        Reply::Findings(all) => moodle::show_findings(all),
        Reply::Reading(reading) => moodle::show_reading(reading),
        Reply::Writing(writing) => moodle::show_writing(writing),
        Reply::AccountOf(account) => println!("{}", account.username),
        Reply::Steps { done, of } => println!("{done} of {of}"),
        Reply::Remembered(state) => moodle::show_remembered(state),
        Reply::Shredding(found) => erase::show_shredding(found),
        Reply::ToSign { open, .. } => officers::show_to_sign(open),
        Reply::Proposal { .. } => println!("a proposal"),
        Reply::Roster(page) => {
            let (threshold, roots) = page.roots;
            let (version, cohort) = (page.version, page.cohort);
            println!("Roster {version}, cohort {cohort}, signed by {threshold} of {roots} roots");
            println!("Seal of the roots: {}", page.seal);
            for site in &page.sites {
                let revoked = match (site.revoked, site.closed) {
                    (0, _) => String::new(),
                    (keys, false) => format!(" ({keys} earlier keys revoked)"),
                    (_, true) => " (its key is revoked)".to_owned(),
                };
                println!(
                    "  {:4} {:8} {:12} {}{revoked}",
                    site.number, site.code, site.role, site.name
                );
            }
        }
    }
    Ok(code)
}

fn show_officers(lines: &[OfficerLine]) {
    for line in lines {
        let stands = match (line.withdrawn, line.confirmed) {
            (true, _) => "withdrawn",
            (false, true) => "confirmed",
            (false, false) => "not confirmed by the head office yet",
        };
        println!(
            "{:8} {:5}  {:13}  key {}  {stands}",
            line.site, line.number, line.office, line.key
        );
    }
    println!("{} officers' keys", lines.len());
}

fn show_backup(line: &BackupLine) {
    let (sheet, cohort) = line.cohorts;
    println!("{}: {} bytes, read back.", line.file, line.bytes);
    let officials = match line.escrow {
        true => ", or two officials with the escrow",
        false => "",
    };
    println!("The sheet made in cohort {sheet} opens it{officials}.");
    for old in &line.removed {
        println!("removed: {old}");
    }
    if sheet < cohort {
        println!("NOTE: cohort {cohort} is in force: make a new sheet ('spean backup --sheet').");
    }
}

fn show_status(status: &Status) {
    let role = if status.headquarters {
        "head office"
    } else {
        "prison"
    };
    println!(
        "{} {} ({role}), roster {}",
        status.site, status.name, status.roster
    );
    println!("learners: {}", status.learners);
    println!("waiting to be sealed: {} events", status.pending);
    println!("waiting to be opened: {} records", status.to_fold);
    let held = if status.held_by.is_empty() {
        "nobody else yet".to_owned()
    } else {
        status.held_by.join(", ")
    };
    println!("everything sealed here is also held by: {held}");
    for (peer, when) in &status.exchanges {
        println!("last whole exchange with {peer}: {when}");
    }
    if status.copies > 0 {
        println!("NOTE: a copy of this machine exists, or it was restored from a backup.");
    }
    if status.forks > 0 {
        println!("NOTE: {} forked runs: call the head office.", status.forks);
    }
    if status.set_aside > 0 {
        println!("set aside: {} pieces. The last reasons:", status.set_aside);
        status
            .set_aside_reasons
            .iter()
            .for_each(|reason| println!("  {reason}"));
    }
    show_sites(&status.sites);
}

fn show_sites(sites: &[SiteStatus]) {
    for site in sites {
        let through = site.data_through.as_deref().unwrap_or("no data yet");
        let holes = if site.holes {
            ", something is missing in between"
        } else {
            ""
        };
        println!(
            "  {:8} data through {through}, {} segments{holes}",
            site.code, site.segments
        );
        if site.copies > 0 {
            println!("           a copy of its machine exists, or it was restored from a backup");
        }
        if site.revoked_keys > 0 {
            let aside: u64 = site.beyond_cut.iter().map(|run| run.segments).sum();
            println!("           a key of it is revoked: {aside} segments are set aside");
        }
        for run in &site.beyond_cut {
            let day = |day: &Option<String>| day.clone().unwrap_or_else(|| "?".to_owned());
            println!(
                "             run {}: {} segments, by its own clock {} to {}",
                run.run,
                run.segments,
                day(&run.first),
                day(&run.last)
            );
        }
    }
}

/// Openings that are printed; '--json' has all.
const OPENINGS_SHOWN: usize = 20;

fn show_learner(page: &crate::api::LearnerPage) {
    println!("{}  {}", page.learner, page.name);
    if !page.usernames.is_empty() {
        println!("user name: {}", page.usernames.join(", "));
    }
    println!("state: {}", page.state);
    page.states
        .iter()
        .for_each(|state| println!("record: {}", words(state)));
    println!("events in effect: {}", page.view.events);
    for progress in &page.view.progress.modules {
        let module = progress.module;
        let done = if progress.done { "done" } else { "open" };
        println!(
            "  {module}: {done}, {} sessions attended, {} done",
            progress.attended.len(),
            progress.sessions_done.len()
        );
    }
    let notices = &page.view.notices;
    if !notices.waiting.is_empty() {
        println!("waiting for a person's decision: {}", notices.waiting.len());
    }
    if !notices.late.is_empty() {
        println!("written after he had left: {}", notices.late.len());
    }
    if notices.from_newer_version > 0 {
        println!(
            "from a newer version, kept but not understood: {}",
            notices.from_newer_version
        );
    }
    if !notices.provisional.is_empty() {
        println!(
            "provisional, for a second person has not signed: {}",
            notices.provisional.len()
        );
    }
    println!("opened by:");
    for opening in page.openings.iter().take(OPENINGS_SHOWN) {
        let day = opening
            .day()
            .map_or_else(String::new, |day| day.to_string());
        let who = opening.officer.map_or_else(
            || "somebody at its console".to_owned(),
            |number| format!("officer {number}"),
        );
        println!("  {day}  {}, {who}: {}", opening.site, opening.purpose);
    }
}

/// A state in English, from the locale file.
pub(super) fn words(state: &State) -> String {
    locale::record_state(Language::English, state)
}

/// Whether some could not be moved.
///
/// # Errors
/// [`Refusal`] where nobody could.
fn some_refused<T>(json: bool, moved: &[Moved<T>]) -> Result<bool, Refusal> {
    let why = |one: &Moved<T>| match one {
        Moved::Refused { who, why } => Some(format!("{who}: {why}")),
        Moved::Done(_) => None,
    };
    let refused: Vec<String> = moved.iter().filter_map(why).collect();
    if !refused.is_empty() && refused.len() == moved.len() {
        if !json {
            refused
                .iter()
                .skip(1)
                .for_each(|line| println!("NOT DONE {line}"));
        }
        return Err(Refusal::new(Kind::Refused, &refused[0]));
    }
    Ok(!refused.is_empty())
}

fn show_bundle(line: &BundleLine) {
    println!("{}", line.file);
    let carrier = line
        .manifest
        .as_ref()
        .map_or("", |manifest| manifest.carrier.as_str());
    if !line.route.is_empty() {
        println!("  from {}", line.route);
    }
    if !carrier.is_empty() {
        println!("  carried by {carrier}");
    }
    let contents = &line.contents;
    println!(
        "  {} segments of learners' days with {} sealed parcels, {} segments of keys, {} receipts, \
         {} rosters; {} bytes",
        contents.data_segments,
        contents.parcels,
        contents.control_segments,
        contents.receipts,
        contents.rosters,
        contents.bytes
    );
    if let Some(new) = line.new {
        println!("  {new} pieces were new here");
    }
    if let Some(reason) = &line.stopped {
        println!("  STOPPED: {reason}");
    }
}

fn show_totals(totals: &Totals) {
    let figures = &totals.figures;
    show_figures(figures);
    println!("freshness:");
    show_sites(&totals.sites);
}

fn percent(share: Share) -> String {
    let text = share
        .percent()
        .text(Rounding::OneDecimal)
        .unwrap_or_else(|| "-".to_owned());
    format!("{} of {} ({text} %)", share.count, share.of)
}

/// IND-18.
fn show_continuity(continuity: &Continuity) {
    println!("transfers: {}", continuity.transfers);
    println!(
        "  record open before the first session there: {}",
        percent(continuity.open_before_work)
    );
    println!(
        "  no session there yet: {} with the record open, {} without",
        continuity.open_without_work, continuity.closed_without_work
    );
    let days = &continuity.days;
    println!(
        "  days from arrival to first session: {} on average, {} at most ({} of {}; the others \
         are undated)",
        days.mean()
            .text(Rounding::OneDecimal)
            .unwrap_or_else(|| "no data".to_owned()),
        days.max,
        days.known,
        continuity.open_before_work.of
    );
    println!(
        "  an open module taken up within 30 days: {} ({} of them undated)",
        percent(continuity.resumed),
        continuity.resumed_unknown
    );
}

/// Prints the headline figures.
pub fn show_figures(figures: &Figures) {
    let points = |ratio: spean_protocol::totals::Ratio| {
        ratio
            .text(Rounding::OneDecimal)
            .unwrap_or_else(|| "no data".to_owned())
    };
    println!("beneficiaries: {}", figures.beneficiaries);
    println!("women: {}", percent(figures.women));
    println!("reintegration: {}", percent(figures.reintegration));
    let pairs = figures.gain.pairs;
    let unpaired = figures.gain.unpaired;
    let gain = points(figures.gain.points());
    println!("mean gain: {gain} points ({pairs} pairs, {unpaired} tests unpaired)");
    if let Some(module) = figures.largest_gain() {
        println!("largest gain: {module}");
    }
    println!("aspiration micro-business: {}", percent(figures.aspiration));
    let who5 = &figures.who5;
    println!(
        "WHO-5: energy {}, mood {} ({} pairs)",
        points(who5.energy()),
        points(who5.mood()),
        who5.pairs
    );
    let english = &figures.english;
    println!(
        "English: {} registered, {} attended all, {} of them released before the exam, {} passed",
        english.registered, english.attended_all, english.released_after_all, english.passed
    );
    if figures.provisional > 0 {
        println!(
            "not counted above, for a second person has not signed them: {} exam results and certificates",
            figures.provisional
        );
    }
    let beep = &figures.beep;
    println!(
        "BEEP: {} enrolled, {} completed, {} others",
        beep.enrolled, beep.completed, beep.others
    );
    show_continuity(&figures.continuity);
    let bridge = &figures.bridge;
    println!(
        "bridge: {} by sites - {} counted again = {} national",
        bridge.sum_of_sites, bridge.counted_again, bridge.national
    );
}

/// The day and hour that a node's clock showed.
pub(super) fn moment(stamp: u64) -> String {
    let day = i32::try_from(stamp / 86_400).ok();
    let day = day.and_then(|day| Date::from_days(day).ok());
    let (hour, minute) = (stamp / 3600 % 24, stamp / 60 % 60);
    day.map_or_else(
        || "an unknown day".to_owned(),
        |day| format!("{day} {hour:02}:{minute:02} UTC"),
    )
}
