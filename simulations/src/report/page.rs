//! The page: one HTML file, its style within, no script, nothing from outside. Beside each chart
//! stands the table with the same numbers. What it says comes from the [`Report`] alone; the words
//! around the numbers stand in `templates/report.html`.

use askama::Template;

use crate::report::{Combination, Continuity, Delay, Parameter, Report, Share, charts};

/// Transfers from which on a report may be quoted.
const WHOLE: u64 = 10_000;

/// A table.
#[derive(Template)]
#[template(path = "table.html")]
struct Table {
    caption: &'static str,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The last column holds sentences, which may be broken.
    prose: bool,
}

impl Table {
    fn new(caption: &'static str, head: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self {
            caption,
            head: head.iter().map(|cell| (*cell).to_owned()).collect(),
            rows,
            prose: false,
        }
    }
}

/// One combination's line at the top of the page.
struct Short {
    slips: String,
    without: String,
    with: String,
    through_head_office: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    whole: bool,
    short: Option<Short>,
    vans_monthly: String,
    without_past: u64,
    assumed: usize,
    misfortunes: u64,
    missed: String,
    continuity_chart: String,
    continuity: Table,
    truly: Table,
    along: Table,
    delays_chart: String,
    delays: Table,
    traffic_chart: String,
    traffic: Table,
    growth_chart: String,
    growth: Table,
    misfortune_table: Table,
    broken: Table,
    parameters: Table,
}

/// The page of a report.
///
/// # Errors
/// The template failed to write; it writes to memory, so none is known.
pub fn page(report: &Report) -> Result<String, askama::Error> {
    let missed: Vec<&str> = report.missed().map(|one| one.name.as_str()).collect();
    let page = Page {
        report,
        whole: report.transfers >= WHOLE,
        short: short(report),
        vans_monthly: vans_monthly(report),
        without_past: report.combinations.iter().map(|one| one.without_past).sum(),
        assumed: report.parameters.iter().filter(|one| one.assumed).count(),
        misfortunes: report.misfortunes.iter().map(|one| one.happened).sum(),
        missed: missed.join(", "),
        continuity_chart: charts::continuity(report),
        continuity: continuity(report),
        truly: truly(report),
        along: along(report),
        delays_chart: charts::delays(report),
        delays: delays(report),
        traffic_chart: charts::traffic(report),
        traffic: traffic(report),
        growth_chart: charts::growth(report),
        growth: growth(report),
        misfortune_table: misfortunes(report),
        broken: broken(report),
        parameters: parameters(report),
    };
    page.render()
}

/// A share in words: `64 % (123 of 192)`; `none` of none.
#[must_use]
pub fn words(share: Share) -> String {
    match share.percent() {
        Some(percent) => format!("{percent:.0} % ({share})"),
        None => "none".to_owned(),
    }
}

fn hundred(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// The combinations without and with sticks in vans, side by side.
fn pairs(report: &Report) -> impl Iterator<Item = (&Combination, &Combination)> {
    let of = |with: bool| {
        let all = report.combinations.iter();
        all.filter(move |one| (one.vans > 0.0) == with)
    };
    of(false).zip(of(true))
}

fn short(report: &Report) -> Option<Short> {
    let middle = |(one, _): &(&Combination, &Combination)| one.slips == 0.5;
    let (without, with) = pairs(report).find(middle)?;
    without.all.open.percent()?;
    Some(Short {
        slips: hundred(without.slips),
        without: words(without.all.open),
        with: words(with.all.open),
        through_head_office: words(without.all.through_head_office),
    })
}

fn vans_monthly(report: &Report) -> String {
    let with = report.combinations.iter().filter(|one| one.vans > 0.0);
    let (mut vans, mut runs) = (0, 0);
    for one in with {
        vans += one.vans_with_stick;
        runs += one.by_seed.len();
    }
    let months = runs as f64 * f64::from(report.days) / 30.4;
    format!("{:.0}", vans as f64 / months.max(1.0))
}

fn continuity(report: &Report) -> Table {
    let mut rows = Vec::new();
    let classes = report.combinations.first();
    let classes = classes.map_or(0, |one| one.classes.len() + 1);
    let line = |one: &Combination, class: usize| -> Continuity {
        one.classes.get(class).unwrap_or(&one.all).clone()
    };
    for class in 0..classes {
        for (without, with) in pairs(report) {
            let (one, other) = (line(without, class), line(with, class));
            rows.push(vec![
                one.class,
                hundred(without.slips),
                one.journeys.to_string(),
                words(one.through_head_office),
                words(one.open),
                words(other.through_head_office),
                words(other.open),
            ]);
        }
    }
    Table::new(
        "Records open before the first session",
        &[
            "receiving site",
            "slips",
            "journeys",
            "no van sticks: through the head office",
            "no van sticks: Spean",
            "van sticks: through the head office",
            "van sticks: Spean",
        ],
        rows,
    )
}

fn truly(report: &Report) -> Table {
    let row = |one: &Combination| {
        let of_seed = one.by_seed.iter().filter_map(Share::percent);
        let lowest = of_seed.clone().fold(100.0, f64::min);
        let highest = of_seed.fold(0.0, f64::max);
        let spread = if lowest > highest {
            "none".to_owned()
        } else {
            format!("{lowest:.0} to {highest:.0} %")
        };
        vec![
            format!("{} slips, {} vans", hundred(one.slips), hundred(one.vans)),
            words(one.with_slip),
            words(one.with_stick),
            words(one.anew),
            spread,
            one.without_past.to_string(),
        ]
    };
    Table::new(
        "What truly went along, and how far the seeds lie apart",
        &[
            "planned",
            "had a slip",
            "had a stick in the van",
            "registered anew",
            "open, lowest to highest seed",
            "not counted: no past",
        ],
        report.combinations.iter().map(row).collect(),
    )
}

fn along(report: &Report) -> Table {
    let rows = report.along.iter();
    Table::new(
        "Records open before the first session, by what went along",
        &["what went along", "open"],
        rows.map(|one| vec![one.what.clone(), words(one.open)])
            .collect(),
    )
}

fn with_vans(vans: f64) -> String {
    if vans > 0.0 { "yes" } else { "no" }.to_owned()
}

fn delays(report: &Report) -> Table {
    let days = |days: Option<f64>| days.map_or("not yet".to_owned(), |days| format!("{days:.1}"));
    let row = |one: &Delay| {
        let mut cells = vec![one.class.clone(), with_vans(one.vans), words(one.known)];
        let figures = [one.median, one.ninety, one.worst];
        cells.extend(figures.map(|figure| match one.events {
            0 => "none".to_owned(),
            _ => days(figure),
        }));
        cells
    };
    Table::new(
        "Days until the head office knows an event",
        &[
            "recorded at",
            "van sticks",
            "known at the end",
            "half",
            "nine of ten",
            "the last",
        ],
        report.delays.iter().map(row).collect(),
    )
}

fn traffic(report: &Report) -> Table {
    let rows = report.traffic.iter().map(|one| {
        vec![
            one.class.clone(),
            with_vans(one.vans),
            charts::kilobytes(one.link),
            charts::kilobytes(one.stick),
            one.site_days.to_string(),
        ]
    });
    Table::new(
        "Bytes of a site and day",
        &[
            "site",
            "van sticks",
            "over links, both directions",
            "written to sticks",
            "days of sites",
        ],
        rows.collect(),
    )
}

fn growth(report: &Report) -> Table {
    let last = report.growth.weeks.len().saturating_sub(1);
    // Every fourth week is enough to read; the last is always there.
    let shown = |(at, _): &(usize, _)| at % 4 == 0 || *at == last;
    let weeks = report.growth.weeks.iter().enumerate().filter(shown);
    let rows = weeks.map(|(_, week)| {
        vec![
            week.day.to_string(),
            format!("{:.0}", week.events),
            charts::kilobytes(week.head_office),
            charts::kilobytes(week.prison),
        ]
    });
    let rows = rows.collect();
    Table::new(
        "In store, on average of the runs",
        &["day", "events of the nation", "head office", "first prison"],
        rows,
    )
}

fn misfortunes(report: &Report) -> Table {
    let rows = report.misfortunes.iter().map(|one| {
        vec![
            one.class.clone(),
            one.name.clone(),
            one.planned.to_string(),
            one.happened.to_string(),
        ]
    });
    Table::new(
        "Misfortunes",
        &["class", "what", "planned", "hit"],
        rows.collect(),
    )
}

fn broken(report: &Report) -> Table {
    let rows = report.broken.iter().map(|one| {
        vec![
            one.seed.to_string(),
            hundred(one.slips),
            hundred(one.vans),
            one.day.to_string(),
            one.promise.clone(),
            one.what.clone(),
        ]
    });
    let table = Table::new(
        "Runs that broke a promise, and the first that they broke",
        &["seed", "slips", "vans", "day", "promise", "how"],
        rows.collect(),
    );
    Table {
        prose: true,
        ..table
    }
}

fn parameters(report: &Report) -> Table {
    let row = |one: &Parameter| {
        let varied = matches!(one.key.as_str(), "people.slip" | "sticks.in_van");
        let value = if varied {
            "varied, see above"
        } else {
            &one.value
        };
        let assumed = if one.assumed { "assumed" } else { "sourced" };
        let instead = one.instead_of.clone().filter(|_| !varied);
        vec![
            one.key.clone(),
            value.to_owned(),
            assumed.to_owned(),
            instead.unwrap_or_default(),
        ]
    };
    Table::new(
        "Every number of the scenario",
        &["number", "value", "source", "in national_14"],
        report.parameters.iter().map(row).collect(),
    )
}
