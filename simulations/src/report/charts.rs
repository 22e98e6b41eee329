//! The charts as plain SVG: told apart by pattern and shape and not by colour alone, each value
//! written beside its mark. Lengths are in the drawing's own units; a browser scales it. The page
//! holds the style and the pattern `hatch`.

use std::fmt::Write as _;

use crate::report::{Combination, Delay, Report, Week};

const WIDTH: f64 = 960.0;
/// Room for names on the left of bars that lie.
const LEFT: f64 = 215.0;
/// Room for values on the right of them.
const RIGHT: f64 = 165.0;
const ROW: f64 = 26.0;

/// What a bar is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    Empty,
    Hatched,
    Full,
}

impl Fill {
    const fn paint(self) -> &'static str {
        match self {
            Self::Empty => "#fff",
            Self::Hatched => "url(#hatch)",
            Self::Full => "#1f4e5f",
        }
    }
}

/// Text as it may stand between tags and in an attribute.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A drawing under way.
#[derive(Default)]
struct Drawing(String);

impl Drawing {
    fn push(&mut self, piece: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.0.write_fmt(piece);
    }

    fn bar(&mut self, [x, y, width, height]: [f64; 4], fill: Fill) {
        let paint = fill.paint();
        self.push(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" fill="{paint}" "#
        ));
        self.push(format_args!(r#"width="{width:.1}" height="{height:.1}"/>"#));
    }

    fn line(&mut self, [x, y, to_x, to_y]: [f64; 4], class: &str) {
        self.push(format_args!(
            r#"<line class="{class}" x1="{x:.1}" y1="{y:.1}" x2="{to_x:.1}" y2="{to_y:.1}"/>"#
        ));
    }

    /// Text at a place; `anchor` is `start`, `middle` or `end`.
    fn text(&mut self, (x, y): (f64, f64), anchor: &str, text: &str) {
        let text = escape(text);
        self.push(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    /// A value over a bar, small enough to stand beside the next bar's.
    fn value(&mut self, (x, y): (f64, f64), value: &str) {
        self.push(format_args!(
            r#"<text class="value" x="{x:.1}" y="{y:.1}" text-anchor="middle">{value}</text>"#
        ));
    }

    fn key(&mut self, marks: &[(Fill, &str)], y: f64) {
        let mut x = 0.0;
        for (fill, name) in marks {
            self.bar([x, y, 14.0, 14.0], *fill);
            self.text((x + 20.0, y + 12.0), "start", name);
            x += 60.0 + 7.2 * name.len() as f64;
        }
    }

    fn done(self, height: f64, title: &str) -> String {
        let (title, body) = (escape(title), self.0);
        format!(
            r#"<svg class="chart" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{title}">
<title>{title}</title>{body}</svg>"#
        )
    }
}

/// Records that were open before the first session, in percent: for each class of receiving site
/// and each share of slips through the head office, without and with sticks in vans.
#[must_use]
pub fn continuity(report: &Report) -> String {
    const TOP: f64 = 40.0;
    const HIGH: f64 = 190.0;
    const BAR: f64 = 15.0;
    let mut drawing = Drawing::default();
    drawing.key(
        &[
            (Fill::Empty, "everything through the head office"),
            (Fill::Hatched, "Spean, no stick in vans"),
            (Fill::Full, "Spean, a stick in every van"),
        ],
        2.0,
    );
    let (without, with): (Vec<_>, Vec<_>) =
        report.combinations.iter().partition(|one| one.vans == 0.0);
    let lines = |one: &&Combination| -> Vec<_> {
        let classes = one.classes.iter().chain([&one.all]);
        classes.cloned().collect()
    };
    let panels = without.first().map_or(0, |one| one.classes.len() + 1);
    let wide = (WIDTH - 30.0) / panels.max(1) as f64;
    for percent in [0.0, 50.0, 100.0] {
        let y = TOP + HIGH - HIGH * percent / 100.0;
        drawing.line([30.0, y, WIDTH, y], "grid");
        drawing.text((25.0, y + 4.0), "end", &format!("{percent:.0}"));
    }
    for (group, (without, with)) in without.iter().zip(&with).enumerate() {
        for (panel, (without, with)) in lines(without).iter().zip(&lines(with)).enumerate() {
            let step = (wide - 16.0) / 3.0;
            let left = 30.0 + panel as f64 * wide + 8.0 + group as f64 * step;
            let bars = [
                (Fill::Empty, without.through_head_office),
                (Fill::Hatched, without.open),
                (Fill::Full, with.open),
            ];
            for (at, (fill, share)) in bars.into_iter().enumerate() {
                let x = left + at as f64 * (BAR + 2.0);
                let Some(percent) = share.percent() else {
                    drawing.value((x + BAR / 2.0, TOP + HIGH - 4.0), "-");
                    continue;
                };
                let high = HIGH * percent / 100.0;
                drawing.bar([x, TOP + HIGH - high, BAR, high], fill);
                let above = (x + BAR / 2.0, TOP + HIGH - high - 4.0);
                drawing.value(above, &format!("{percent:.0}"));
            }
        }
    }
    let slips: Vec<f64> = without.iter().map(|one| one.slips).collect();
    let names = without.first().map(lines).unwrap_or_default();
    for (panel, line) in names.iter().enumerate() {
        let left = 30.0 + panel as f64 * wide;
        drawing.line([left, TOP, left, TOP + HIGH + 36.0], "grid");
        let middle = (left + wide / 2.0, TOP + HIGH + 36.0);
        drawing.text(middle, "middle", &format!("to {}", of_class(&line.class)));
        for (group, slips) in slips.iter().enumerate() {
            let step = (wide - 16.0) / 3.0;
            let x = left + 8.0 + group as f64 * step + (3.0 * BAR + 4.0) / 2.0;
            let below = (x, TOP + HIGH + 17.0);
            drawing.text(below, "middle", &format!("{:.0} %", slips * 100.0));
        }
    }
    let title = "Records open before the first session, in percent, by class of the receiving \
                 site and share of slips";
    drawing.done(TOP + HIGH + 46.0, title)
}

fn of_class(class: &str) -> String {
    if class == "all" {
        "all sites".to_owned()
    } else {
        format!("{class} sites")
    }
}

fn with_vans(class: &str, vans: f64) -> String {
    let sticks = if vans > 0.0 { "with" } else { "without" };
    format!("{class}, {sticks} van sticks")
}

/// Days until the head office knew an event: half, nine of ten, the last.
#[must_use]
pub fn delays(report: &Report) -> String {
    const TOP: f64 = 30.0;
    let mut drawing = Drawing::default();
    let marks = |one: &Delay| [one.median, one.ninety, one.worst];
    let most = report.delays.iter().flat_map(marks).flatten();
    let most = most.fold(1.0_f64, f64::max);
    let place = |days: f64| LEFT + (WIDTH - LEFT - RIGHT) * days / most;
    drawing.push(format_args!(
        r#"<circle class="mark" cx="8" cy="9" r="6"/><circle class="ring" cx="118" cy="9" r="6"/>"#
    ));
    drawing.text((20.0, 14.0), "start", "half known");
    drawing.text((130.0, 14.0), "start", "nine of ten known");
    drawing.line([290.0, 2.0, 290.0, 16.0], "end");
    drawing.text((300.0, 14.0), "start", "the last known");
    let right = (WIDTH - RIGHT + 12.0, 14.0);
    drawing.text(right, "start", "days: half / 90 % / last");
    for (row, one) in report.delays.iter().enumerate() {
        let y = TOP + ROW * row as f64 + ROW / 2.0;
        let name = with_vans(&one.class, one.vans);
        drawing.text((LEFT - 10.0, y + 4.0), "end", &name);
        if one.events == 0 {
            drawing.text((LEFT, y + 4.0), "start", "no events");
            continue;
        }
        let end = one.worst.map_or(WIDTH - RIGHT, place);
        drawing.line([LEFT, y, end, y], "rule");
        if let Some(median) = one.median {
            let x = place(median);
            drawing.push(format_args!(
                r#"<circle class="mark" cx="{x:.1}" cy="{y:.1}" r="6"/>"#
            ));
        }
        if let Some(ninety) = one.ninety {
            let x = place(ninety);
            drawing.push(format_args!(
                r#"<circle class="ring" cx="{x:.1}" cy="{y:.1}" r="6"/>"#
            ));
        }
        if one.worst.is_some() {
            drawing.line([end, y - 7.0, end, y + 7.0], "end");
        }
        let words: Vec<String> = marks(one)
            .iter()
            .map(|days| days.map_or("not yet".to_owned(), |days| format!("{days:.1}")))
            .collect();
        let beside = (WIDTH - RIGHT + 12.0, y + 4.0);
        drawing.text(beside, "start", &words.join(" / "));
    }
    let height = TOP + ROW * report.delays.len() as f64 + 6.0;
    drawing.done(
        height,
        "Days until the head office knows an event, by class of site",
    )
}

/// Bytes of a site and day, over links and on sticks.
#[must_use]
pub fn traffic(report: &Report) -> String {
    const TOP: f64 = 30.0;
    let mut drawing = Drawing::default();
    let most = report.traffic.iter().map(|one| one.link + one.stick);
    let most = most.fold(1.0_f64, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / most;
    drawing.key(
        &[
            (Fill::Full, "over links"),
            (Fill::Hatched, "written to sticks"),
        ],
        2.0,
    );
    for (row, one) in report.traffic.iter().enumerate() {
        let y = TOP + ROW * row as f64 + 4.0;
        let high = ROW - 8.0;
        let name = with_vans(&one.class, one.vans);
        drawing.text((LEFT - 10.0, y + 13.0), "end", &name);
        let (link, stick) = (one.link * scale, one.stick * scale);
        drawing.bar([LEFT, y, link, high], Fill::Full);
        drawing.bar([LEFT + link, y, stick, high], Fill::Hatched);
        let beside = (LEFT + link + stick + 8.0, y + 13.0);
        drawing.text(beside, "start", &kilobytes(one.link + one.stick));
    }
    let height = TOP + ROW * report.traffic.len() as f64 + 6.0;
    drawing.done(
        height,
        "Bytes of a site and day, over links and on sticks, by class of site",
    )
}

/// Bytes in words, in the unit that fits.
#[must_use]
pub fn kilobytes(bytes: f64) -> String {
    if bytes < 1e3 {
        format!("{bytes:.0} B")
    } else if bytes < 1e6 {
        format!("{:.1} kB", bytes / 1e3)
    } else {
        format!("{:.2} MB", bytes / 1e6)
    }
}

/// Bytes in store, week by week.
#[must_use]
pub fn growth(report: &Report) -> String {
    const TOP: f64 = 14.0;
    const HIGH: f64 = 210.0;
    const START: f64 = 80.0;
    let growth = &report.growth;
    let mut drawing = Drawing::default();
    let title = "Bytes in store at the head office and at the first prison, by day";
    let Some(last) = growth.weeks.last() else {
        drawing.text((0.0, 20.0), "start", "No run was played to its end.");
        return drawing.done(30.0, title);
    };
    let most = growth.weeks.iter().map(|week| week.head_office);
    let most = growth.weeks.iter().map(|week| week.prison).chain(most);
    let most = most.fold(1.0_f64, f64::max);
    let x = |day: u64| START + (WIDTH - START - RIGHT) * day as f64 / last.day.max(1) as f64;
    let y = |bytes: f64| TOP + HIGH - HIGH * bytes / most;
    for part in [0.0, 0.5, 1.0] {
        let at = y(most * part);
        drawing.line([START, at, WIDTH - RIGHT, at], "grid");
        drawing.text((START - 8.0, at + 4.0), "end", &kilobytes(most * part));
    }
    let head_office: fn(&Week) -> f64 = |week| week.head_office;
    let prison: fn(&Week) -> f64 = |week| week.prison;
    let lines = [
        ("rule", "head office", head_office),
        ("dashed", growth.prison.as_str(), prison),
    ];
    let mut labels: Vec<f64> = Vec::new();
    for (class, name, of) in lines {
        let mut points = String::new();
        for week in &growth.weeks {
            let _ = write!(points, "{:.1},{:.1} ", x(week.day), y(of(week)));
        }
        drawing.push(format_args!(
            r#"<polyline class="{class}" points="{points}"/>"#
        ));
        // Two labels at one height could not be read.
        let at = y(of(last)) + 4.0;
        let near = labels.iter().any(|other| (other - at).abs() < 15.0);
        let at = if near { at + 16.0 } else { at };
        labels.push(at);
        let words = format!("{name}: {}", kilobytes(of(last)));
        drawing.text((WIDTH - RIGHT + 8.0, at), "start", &words);
    }
    drawing.text((START, TOP + HIGH + 20.0), "start", "day 0");
    let end = format!("day {}", last.day);
    drawing.text((WIDTH - RIGHT, TOP + HIGH + 20.0), "end", &end);
    drawing.done(TOP + HIGH + 28.0, title)
}
