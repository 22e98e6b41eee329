//! The head office and fourteen sites, each on a line of its own that goes dark again and again
//! while all record. Afterwards all hold the same, and the head office counts every event.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use spean_tests::shaper::{Line, Shaper};

use crate::ground::Ground;
use crate::ground::lines::until;
use crate::pair::PATIENCE;
use crate::table::Table;
use crate::{Scale, at_once};

/// A site and its line: kbit/s, milliseconds of the round trip, losses of a thousand packets. The
/// classes and their ranges are those of the country's links; sites that have only sticks there
/// get the poorest lines here.
const SITES: [(&str, &str, u64, u64, u32); 14] = [
    ("CC1", "quinn", 8_000, 60, 5),
    ("CC2", "iroh", 4_000, 80, 5),
    ("KDL", "iroh", 2_000, 100, 10),
    ("CC4", "quinn", 500, 200, 20),
    ("KPT", "iroh", 400, 250, 20),
    ("KOH", "iroh", 300, 300, 30),
    ("PRV", "quinn", 200, 300, 30),
    ("SRP", "iroh", 100, 400, 50),
    ("BTB", "quinn", 80, 400, 40),
    ("BMC", "iroh", 64, 400, 40),
    ("KCM", "quinn", 64, 400, 50),
    ("KTM", "iroh", 50, 400, 50),
    ("TAK", "quinn", 50, 400, 50),
    ("CC3", "iroh", 50, 400, 50),
];

/// Learners of each site, and events that each records in each part of the story.
const LEARNERS: usize = 48;
const EVENTS: usize = 250;
const PARTS: u64 = 3;

/// Seconds between two exchanges that a site begins by itself.
const EVERY_SECONDS: u64 = 10;

pub fn measure(table: &mut Table, scale: Scale) {
    let codes = SITES.map(|site| site.0);
    let ground = Ground::of(&codes);
    let addresses = ground.listen("dgp", &["quinn", "iroh"]);
    let mut lines = Vec::new();
    for (number, (code, driver, kilobits, round_trip, lost)) in (0_u64..).zip(SITES) {
        let line = Line {
            bits_per_second: kilobits * 1_000,
            delay: Duration::from_millis(round_trip / 2),
            lost_per_mille: lost,
            queue: Duration::from_secs(1),
        };
        let address = addresses[usize::from(driver == "iroh")];
        let line = Shaper::before(address, line, number).unwrap();
        ground.dial(code, ("DGP", driver), line.address(), EVERY_SECONDS);
        lines.push(line);
    }
    at_once(codes.to_vec(), |code| {
        ground.import_learners(code, LEARNERS);
    });
    let _office = ground.start("dgp");
    let _sites = at_once(codes.to_vec(), |code| ground.start(code));

    let cut = AtomicUsize::new(0);
    let places = (0..lines.len()).collect();
    at_once(places, |place: usize| {
        let (code, line) = (codes[place], &lines[place]);
        for part in 0..PARTS {
            let first = usize::try_from(part).unwrap() * EVENTS;
            ground.import_events(code, LEARNERS, first..first + EVENTS);
            // No two lines go dark and light together; some stay dark longer than a connection lives.
            let light = 3 + (place as u64 * 7 + part * 5) % 11;
            let dark = scale.dark_seconds * (1 + (place as u64 * 5 + part * 3) % 7) / 7;
            std::thread::sleep(Duration::from_secs(light));
            line.darken(true);
            std::thread::sleep(Duration::from_secs(dark));
            line.darken(false);
        }
        let cuts = ground.dialled(code).iter().filter(|d| !d.whole).count();
        cut.fetch_add(cuts, Ordering::SeqCst);
    });
    let light = Instant::now();
    until("that all hold the same", PATIENCE, || {
        std::thread::sleep(Duration::from_secs(1));
        let office = ground.segments("dgp");
        codes.iter().all(|code| ground.segments(code) == office)
    });
    let seconds = light.elapsed().as_secs_f64();
    table.add(
        "fifteen nodes, from the last light to all the same",
        seconds,
        "s",
        None,
    );
    let bytes: u64 = lines.iter().map(Shaper::sent_bytes).sum();
    table.add("  bytes on all lines", bytes as f64, "B", None);
    let cut = cut.into_inner();
    table.add("  exchanges that blackouts cut", cut as f64, "", None);
    let recorded = at_once(codes.to_vec(), |code| ground.counted(code));
    let learners: usize = recorded.iter().map(|site| site.0).sum();
    let events: u64 = recorded.iter().map(|site| site.1).sum();
    assert_eq!(ground.counted("dgp"), (learners, events));
}
