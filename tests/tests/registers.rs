//! Goal: a prison's lists, as offices keep them, come into the records: looked at before, taken back if wrong, and
//! what is wrong in them is said in a sentence with what to do.
//! Method: a real node and files as people make them: templates of the program, workbooks with titles, merged
//! cells, days of Excel and Khmer digits, CSV of three programs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

use std::fs;

use ground::Ground;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

const LEARNERS: &str =
    "ref,family_km,given_km,family_latin,given_latin,sex,born,education,languages,arrived,card\n";

/// A prison with two learners, and their ids.
fn prison() -> (Ground, [String; 2]) {
    let ground = Ground::of(&["CC4"]);
    let rows = format!(
        "{LEARNERS}A1,\u{179f}\u{17bb}\u{1781},\u{178a}\u{17b6}\u{179a}\u{17c9}\u{17b6},Sok,Dara,M,1990,,,2026-01-05,\n\
         A2,,,Chan,Thy,F,1985,,,05/01/2026,\n"
    );
    fs::write(ground.path("l.csv"), rows).unwrap();
    ground
        .run("CC4", &["import", "learners", &ground.path("l.csv")])
        .done();
    let id = |name: &str| {
        let found = ground.run("CC4", &["learner", "find", name, "--json"]);
        found.done();
        found.json()["learners"][0]["learner"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let ids = [id("Sok"), id("Chan")];
    (ground, ids)
}

#[test]
fn an_office_workbook_with_all_its_habits() {
    let (ground, [dara, _]) = prison();
    let template = ground.path("a.xlsx");
    ground
        .run("CC4", &["import", "template", "attendance", &template])
        .done();
    ground
        .run("CC4", &["import", "template", "attendance", &template])
        .refused(1, "there already");
    let empty = ground.run("CC4", &["import", "attendance", &template]);
    empty.done();
    empty.said("attendance: 0 new, 0 known already, 0 refused");

    let path = ground.path("register.xlsx");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let (plain, day) = (Format::new(), Format::new().set_num_format("dd/mm/yyyy"));
    sheet
        .merge_range(0, 0, 0, 4, "Classes of February", &plain)
        .unwrap();
    let titles = [
        "\u{17a2}\u{17d2}\u{1793}\u{1780}\u{179f}\u{17b7}\u{1780}\u{17d2}\u{179f}\u{17b6}",
        "Date",
        "PROGRAMME",
        "module",
        "Session",
        "Room",
    ];
    for (at, title) in (0..).zip(titles) {
        sheet.write(2, at, title).unwrap();
    }
    for (row, who, session) in [
        (3, "A1", "\u{17e1}"),
        (4, dara.as_str(), "2"),
        (5, "A2", "1"),
        (6, "A2", "2"),
    ] {
        sheet.write(row, 0, who).unwrap();
        let february = ExcelDateTime::from_ymd(2026, 2, 3).unwrap();
        sheet.write_with_format(row, 1, &february, &day).unwrap();
        sheet.write(row, 2, "reintegration").unwrap();
        sheet.write(row, 3, "micro-business").unwrap();
        sheet.write(row, 4, session).unwrap();
    }
    sheet.merge_range(5, 5, 6, 5, "B", &plain).unwrap();
    sheet.write(7, 0, 1.234_567_890_123_45e31).unwrap();
    sheet.write(7, 1, "03/02/2026").unwrap();
    let other = book.add_worksheet();
    other.write(0, 0, "notes").unwrap();
    other.set_name("Notes").unwrap();
    book.save(&path).unwrap();

    let looked = ground.run("CC4", &["import", "attendance", &path, "--dry-run"]);
    looked.ended(6);
    looked.said("attendance: 2 new, 0 known already, 3 refused (nothing was written)");
    looked.said("register.xlsx:4: new");
    looked.said("register.xlsx:6: the cells F6:F7 are merged: unmerge them");
    looked.said(
        "register.xlsx:8: learner: '1.23456789012345E+31' is a number that the spreadsheet rounded",
    );
    looked.said("only the sheet 'Sheet1' is read");
    let before = ground.run("CC4", &["learner", "show", &dara, "--json"]);
    let took = ground.run("CC4", &["import", "attendance", &path]);
    took.ended(6);
    took.said("attendance: 2 new");
    took.said("'spean import undo 2' takes it back");
    ground
        .run("CC4", &["import", "attendance", &path])
        .said("0 new, 2 known already");
    let attended = |ground: &Ground| {
        let shown = ground.run("CC4", &["learner", "show", &dara, "--json"]);
        shown.json()["learner"]["view"]["progress"].clone()
    };
    assert_ne!(
        attended(&ground),
        before.json()["learner"]["view"]["progress"]
    );
    ground
        .run("CC4", &["import", "undo", "2"])
        .said("Taken back: 2 events");
    assert_eq!(
        attended(&ground),
        before.json()["learner"]["view"]["progress"]
    );
    ground
        .run("CC4", &["import", "undo", "2"])
        .refused(1, "taken back already");
    ground.run("CC4", &["import", "list"]).said("taken back");
}

#[test]
fn every_other_register() {
    let (ground, [dara, thy]) = prison();
    let file = |name: &str, text: &str| {
        let path = ground.path(name);
        fs::write(&path, text).unwrap();
        path
    };
    let import = |kind: &str, text: &str| {
        ground.run(
            "CC4",
            &["import", kind, &file(&format!("{kind}.csv"), text)],
        )
    };
    import("classes", "learner;date;programme;provider\nA1;3/2/2026;literacy;mith-samlanh\nA1;3/2/2026;literacy;nobody\n")
        .said("classes.csv:3: column provider: \"nobody\" is not");
    import("tests", &format!("learner,date,test,programme,module,version,score,max\n{thy},2026-02-01,pre-test,reintegration,micro-business,1,25,20\nA2,2026-02-01,pre-test,reintegration,micro-business,1,11,20\n"))
        .said("tests: 1 new, 0 known already, 1 refused");
    import("exams", "learner\tdate\tprogramme\tmodule\tsitting\toutcome\nA2\t2026-03-01\tenglish\ta1\t2026-1\tpassed\n").done();
    import(
        "catalogue",
        "item,title,author\n7,Tum Teav,Som\n8,Sophat,Rim Kin\n",
    )
    .done();
    import(
        "loans",
        "ref,learner,item,lent,returned\n1,A1,7,2026-02-01,2026-02-08\n2,A2,8,2026-02-01,\n",
    )
    .said("loans: 3 new");
    import("visits", "ref,name,born,date\n1,Sok Dara,1990,2026-02-09\n2,Thy Chan,,2026-02-09\n3,Pich Nobody,1999,2026-02-09\n")
        .said("2 wait for somebody who says whose they are");
    ground
        .run("CC4", &["library", "teav"])
        .said("7  Tum Teav  Som");

    let waiting = ground.run("CC4", &["import", "waiting", "--json"]);
    let lines = waiting.json()["import-waiting"].as_array().unwrap().clone();
    let code = |who: &str| {
        let line = lines
            .iter()
            .find(|line| line["who"].as_str().unwrap().starts_with(who));
        line.unwrap()["code"].as_str().unwrap().to_owned()
    };
    ground
        .run("CC4", &["import", "match", &code("Thy"), &thy])
        .said("1 new");
    ground
        .run("CC4", &["import", "match", &code("Pich"), "--nobody"])
        .done();
    ground
        .run("CC4", &["import", "waiting"])
        .said("Nobody waits");
    ground
        .run("CC4", &["import", "match", "ffff", "--new"])
        .refused(1, "spean import waiting");

    // Of whoever does not learn here nothing is kept, and who is not on the list is told.
    let list = import(
        "population",
        "name,born,sex,release_from\nSok Dara,1990,M,2027-05\nPich Other,1970,M,2026-01\n",
    );
    list.done();
    list.said("population: 1 new");
    list.said("1 are about nobody who learns here");
    list.said(&thy);
    assert!(!list.text.contains(&dara), "{}", list.text);
    ground
        .run("CC4", &["import", "waiting"])
        .said("Nobody waits");
}

#[test]
fn a_register_of_ten_thousand_rows() {
    let (ground, _) = prison();
    let mut rows = "ref,learner,date,programme,module,session\n".to_owned();
    for row in 0..10_000 {
        let who = ["A1", "A2"][row % 2];
        rows += &format!(
            "R{row},{who},2026-02-03,reintegration,micro-business,{}\n",
            1 + row % 20
        );
    }
    let path = ground.path("many.csv");
    fs::write(&path, rows).unwrap();
    ground
        .run("CC4", &["import", "attendance", &path])
        .said("10000 new");
    ground
        .run("CC4", &["import", "attendance", &path])
        .said("10000 known already");
}
