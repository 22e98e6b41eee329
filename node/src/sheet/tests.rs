//! Goal: a file is read as its maker sees it, and what cannot be is said with its line.
//! Method: one table in every way in which programs save it; then what goes wrong with each. (Workbooks are
//! made by the stories.)

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rust_xlsxwriter::Workbook;

use super::*;

const TABLE: &str = "ref,name,born\nA1,Sok Dara,1990\n\"A2\",\"Chan, Thy\",\n";

fn cells(sheet: &Sheet) -> Vec<Vec<&str>> {
    sheet
        .rows
        .iter()
        .map(|row| row.cells.iter().map(String::as_str).collect())
        .collect()
}

#[test]
fn every_way_to_save_a_table() {
    let utf16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(TABLE.encode_utf16());
        units.flat_map(order).collect()
    };
    let semicolons = "ref;name;born\r\nA1;Sok Dara;1990\r\nA2;\"Chan, Thy\";\r\n";
    let tabs = "ref\tname\tborn\nA1\tSok Dara\t1990\nA2\tChan, Thy\t\n";
    let titled = format!("Register of 2026,,\n\n{TABLE}");
    let khmer = TABLE.replace("1990", "\u{17e1}\u{17e9}\u{17e9}\u{17e0}");
    for bytes in [
        TABLE.as_bytes().to_vec(),
        format!("\u{feff}{TABLE}").into_bytes(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        semicolons.as_bytes().to_vec(),
        tabs.as_bytes().to_vec(),
        titled.into_bytes(),
        khmer.into_bytes(),
    ] {
        let sheet = of(bytes).unwrap();
        assert_eq!(sheet.headers, ["ref", "name", "born"]);
        let all = cells(&sheet);
        assert_eq!(all, [["A1", "Sok Dara", "1990"], ["A2", "Chan, Thy", ""]]);
        assert!(sheet.refused.is_empty() && sheet.notes.is_empty());
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let mut bytes = TABLE.as_bytes().to_vec();
    bytes.extend(b"A3,\xff\xfe,1990\nA4,x,1990,too,many\nA4,few\n\nA5,Keo,1991\n");
    let sheet = of(bytes).unwrap();
    assert_eq!(sheet.rows.last().unwrap().line, 8);
    assert_eq!(sheet.rows.len(), 3);
    let lines: Vec<u64> = sheet.refused.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [4, 5, 6]);
    assert!(sheet.refused[0].1.contains("UTF-8"));

    assert!(of(Vec::new()).unwrap_err().contains("names the columns"));
    assert!(
        of(b"PK\x03\x04 and no more".to_vec())
            .unwrap_err()
            .contains("XLSX")
    );
    assert!(
        of(vec![0xd0, 0xcf, 0x11, 0xe0, 1])
            .unwrap_err()
            .contains(".xls")
    );
    let long = format!("ref,name\nA1,{}\n", "x".repeat(ROW_BYTES_MAX));
    assert!(
        of(long.into_bytes()).unwrap().refused[0]
            .1
            .contains("longer")
    );
    assert!(
        of(b"ref\nA1\n".to_vec())
            .unwrap_err()
            .contains("names the columns")
    );
}

/// Goal: a small file takes no long time and no large memory. Method: a workbook of merged cells and nothing else,
/// and one that is said to be far larger unpacked than it is.
#[test]
fn a_workbook_that_is_a_trap_is_refused() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for row in 0..1_001 {
        let plain = rust_xlsxwriter::Format::new();
        sheet.merge_range(row, 0, row, 1, "x", &plain).unwrap();
    }
    let bytes = book.save_to_buffer().unwrap();
    assert!(
        of(bytes.clone())
            .unwrap_err()
            .contains("are merged: unmerge")
    );
    let directory = bytes
        .windows(4)
        .rposition(|at| at == b"PK\x01\x02")
        .unwrap();
    let mut large = bytes;
    large[directory + 24..directory + 28].copy_from_slice(&u32::MAX.to_le_bytes()[..4]);
    large[directory + 27] = 0x7f;
    assert!(of(large).unwrap_err().contains("unpacked"));
}

/// A workbook with a title, a table, a day, a number, and a merged range.
fn sound() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let day = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
    sheet.merge_range(0, 0, 0, 2, "Title", &day).unwrap();
    for (at, name) in (0..).zip(["ref", "date", "score"]) {
        sheet.write(1, at, name).unwrap();
    }
    for row in 2..12 {
        sheet.write(row, 0, format!("R{row}")).unwrap();
        let at = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 2, 3).unwrap();
        sheet.write_with_format(row, 1, &at, &day).unwrap();
        sheet.write(row, 2, row).unwrap();
    }
    book.save_to_buffer().unwrap()
}

proptest! {
    /// The same of a workbook of which a few bytes are others, packed or not.
    #[test]
    fn a_damaged_workbook(places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut bytes = sound();
        for (place, byte) in places {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(sheet) = of(bytes) {
            for row in &sheet.rows {
                prop_assert_eq!(row.cells.len(), sheet.headers.len());
            }
        }
    }

    /// Whatever a file holds, reading it ends, and each row has as many cells as there are headers.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400), book in any::<bool>()) {
        let mut all = if book { b"PK\x03\x04".to_vec() } else { Vec::new() };
        all.extend(bytes);
        if let Ok(sheet) = of(all) {
            for row in &sheet.rows {
                prop_assert_eq!(row.cells.len(), sheet.headers.len());
            }
        }
    }
}
