//! What an import of a register costs, from the file to the disk, beside the limit that the project set itself.
//! `cargo bench -p spean-tests --bench registers`, with `-- --json` as one object. A real node is asked as the
//! command asks it, with 1,000 rows in one transaction; the rows are generated.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code)]

#[path = "../../tests/ground/mod.rs"]
mod ground;
#[path = "../exchange/table.rs"]
mod table;

use std::fmt::Write;
use std::fs;
use std::time::Instant;

use ground::Ground;
use table::Table;

/// Rows of each file.
const ROWS: usize = 10_000;

/// Seconds that an import of so many rows may take.
const LIMIT_SECONDS: f64 = 10.0;

/// Learners whose classes are imported.
const LEARNERS: usize = 335;

fn main() {
    let mut table = Table::begin();
    let ground = Ground::of(&["CC4"]);
    let _node = ground.start("CC4");
    let mut learners = "ref,family_latin,given_latin,sex,born\n".to_owned();
    let mut attendance = "ref,learner,date,programme,module,session\n".to_owned();
    let mut named = "name,born,date\n".to_owned();
    for row in 0..ROWS {
        let (family, year) = (letters(row), 1950 + row % 50);
        writeln!(learners, "L{row},{family},Sok,F,{year}").unwrap();
        let (who, session) = (row % LEARNERS, 1 + row / LEARNERS);
        writeln!(
            attendance,
            "A{row},L{who},2026-02-03,reintegration,micro-business,{session}"
        )
        .unwrap();
        let (who, visit) = (row % LEARNERS, row / LEARNERS);
        let (month, day) = (1 + visit / 28, 1 + visit % 28);
        let (name, year) = (letters(who), 1950 + who % 50);
        writeln!(named, "Sok {name},{year},2026-{month:02}-{day:02}").unwrap();
    }
    import(&mut table, &ground, "learners", &learners);
    import(&mut table, &ground, "attendance", &attendance);
    import(&mut table, &ground, "visits", &named);
    table.finish();
}

/// Letters that are another name for each number.
fn letters(mut number: usize) -> String {
    let mut name = String::new();
    for _ in 0..4 {
        name.push_str(
            [
                "ba", "ko", "di", "lu", "me", "sa", "ro", "vi", "ta", "nu", "pe",
            ][number % 11],
        );
        number /= 11;
    }
    name
}

fn import(table: &mut Table, ground: &Ground, kind: &str, rows: &str) {
    let path = ground.path(&format!("{kind}.csv"));
    fs::write(&path, rows).unwrap();
    for (round, words) in [("first", "new"), ("again", "known already")] {
        let begun = Instant::now();
        let said = ground.run("CC4", &["import", kind, &path]);
        let seconds = begun.elapsed().as_secs_f64();
        said.done();
        assert!(
            said.text.contains(&format!("{ROWS} {words}")),
            "{}",
            said.text
        );
        let name = format!("import {ROWS} rows of {kind}, {round}");
        table.add(name, seconds, "s", Some(LIMIT_SECONDS));
    }
}
