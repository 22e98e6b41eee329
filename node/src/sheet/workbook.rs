//! XLSX: the first sheet that has something in it. Its cells are read one after the other, so that one cell in
//! the last corner of a sheet takes no memory for all those before it.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{DataRef, Dimensions, Reader, SheetVisible, Xlsx, XlsxError};

use super::{Builder, COLUMNS_MAX, Line, Sheet};

/// Rows of a merged range; it may be said to go down to the last row of a sheet.
const MERGED_ROWS_MAX: u32 = 1_000;

/// Merged ranges of a sheet.
const MERGED_MAX: usize = 1_000;

/// Bytes of all parts of a workbook, unpacked: a site's ten years are some 100 MB.
const UNPACKED_MAX: u64 = 200 * 1024 * 1024;

type Book = Xlsx<Cursor<Vec<u8>>>;

pub(super) fn read(bytes: Vec<u8>) -> Result<Sheet, String> {
    let (mut book, names) = open(bytes)?;
    let mut read: Option<(String, Sheet)> = None;
    let mut more = Vec::new();
    for name in names {
        if read.is_some() {
            more.push(name);
            continue;
        }
        let merged = book.merge_cells_by_sheet_name(&name).unwrap_or_default();
        if let Some(sheet) = sheet(&mut book, &name, &merged)? {
            read = Some((name, sheet));
        }
    }
    let (name, mut sheet) = read.ok_or("none of its sheets has anything in it")?;
    if !more.is_empty() {
        sheet.notes.push(format!(
            "only the sheet '{name}' is read: save each of the others ({}) as a file of its own",
            more.join(", ")
        ));
    }
    Ok(sheet)
}

/// The first sheet after the first with such a name.
pub(super) fn further(bytes: Vec<u8>, is: impl Fn(&str) -> bool) -> Result<Option<Sheet>, String> {
    let (mut book, names) = open(bytes)?;
    let Some(name) = names.into_iter().skip(1).find(|name| is(name)) else {
        return Ok(None);
    };
    let merged = book.merge_cells_by_sheet_name(&name).unwrap_or_default();
    sheet(&mut book, &name, &merged)
}

/// A file and the names of its sheets, but those that are hidden.
fn open(bytes: Vec<u8>) -> Result<(Book, Vec<String>), String> {
    let damaged =
        |error: XlsxError| format!("it is no XLSX file that can be read ({error}): save it anew");
    if unpacked(&bytes).is_none_or(|size| size > UNPACKED_MAX) {
        return Err(format!(
            "it is no XLSX file that can be read, or has more than {UNPACKED_MAX} bytes unpacked: save it anew, or \
             as CSV"
        ));
    }
    let book: Book = Xlsx::new(Cursor::new(bytes)).map_err(damaged)?;
    let shown = book
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone());
    let names = shown.collect();
    Ok((book, names))
}

/// Bytes of all parts of a workbook, as its directory says.
fn unpacked(bytes: &[u8]) -> Option<u64> {
    let mut parts = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    (0..parts.len()).try_fold(0_u64, |sum, part| {
        sum.checked_add(parts.by_index_raw(part).ok()?.size())
    })
}

/// The sheet of that name; `None` for an empty one.
fn sheet(book: &mut Book, name: &str, merged: &[Dimensions]) -> Result<Option<Sheet>, String> {
    let damaged =
        |error: XlsxError| format!("its sheet '{name}' cannot be read ({error}): save it anew");
    let mut cells = book.worksheet_cells_reader(name).map_err(damaged)?;
    let mut builder = Builder {
        merged: merged_rows(name, merged)?,
        ..Builder::default()
    };
    let mut row: Option<(u32, Line)> = None;
    while let Some(cell) = cells.next_cell().map_err(damaged)? {
        let (at, column) = cell.get_position();
        let text = text(cell.get_value());
        if matches!(&text, Ok(text) if text.is_empty()) {
            continue;
        }
        if row.as_ref().is_none_or(|(row, _)| *row != at) {
            add(&mut builder, row.take())?;
        }
        let (_, line) = row.get_or_insert_with(|| (at, Ok(Vec::new())));
        let column = column as usize;
        if column >= COLUMNS_MAX {
            *line = Err(format!("something stands beyond column {COLUMNS_MAX}"));
        }
        match (line.as_mut(), text) {
            (Ok(cells), Ok(text)) => {
                cells.resize(cells.len().max(column + 1), String::new());
                cells[column] = text;
            }
            (Ok(_), Err(why)) => *line = Err(why),
            (Err(_), _) => {}
        }
    }
    add(&mut builder, row)?;
    if builder.sheet.headers.is_empty() && builder.titles == 0 {
        return Ok(None);
    }
    builder.done().map(Some)
}

fn add(builder: &mut Builder, row: Option<(u32, Line)>) -> Result<(), String> {
    match row {
        Some((at, line)) => builder.add(u64::from(at) + 1, line),
        None => Ok(()),
    }
}

/// The rows that a merged range takes more than one cell of, by their lines.
fn merged_rows(name: &str, merged: &[Dimensions]) -> Result<BTreeMap<u64, String>, String> {
    if merged.len() > MERGED_MAX {
        return Err(format!(
            "more than {MERGED_MAX} cells of its sheet '{name}' are merged: unmerge them"
        ));
    }
    let mut rows = BTreeMap::new();
    for range in merged {
        let place =
            |(row, column): (u32, u32)| format!("{}{}", letters(column), u64::from(row) + 1);
        let named = format!("{}:{}", place(range.start), place(range.end));
        if range.end.0.saturating_sub(range.start.0) > MERGED_ROWS_MAX {
            return Err(format!(
                "the cells {named} of its sheet '{name}' are merged: unmerge them"
            ));
        }
        for row in range.start.0..=range.end.0 {
            rows.entry(u64::from(row) + 1).or_insert(named.clone());
        }
    }
    Ok(rows)
}

/// A column as spreadsheets name it.
fn letters(column: u32) -> String {
    let mut name = String::new();
    let mut left = column.saturating_add(1);
    while left > 0 {
        let digit = u8::try_from((left - 1) % 26).unwrap_or_default();
        name.insert(0, char::from(b'A' + digit));
        left = (left - 1) / 26;
    }
    name
}

/// A cell as text: whole numbers without a point, days as 2026-01-31.
fn text(cell: &DataRef<'_>) -> Result<String, String> {
    Ok(match cell {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        // Beyond these a number has lost digits: it is shown as rounded as it is.
        DataRef::Float(number) if number.abs() >= 1e15 => format!("{number:E}").replace('E', "E+"),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        DataRef::DateTime(day) => {
            let (year, month, day, ..) = day.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        DataRef::DateTimeIso(day) => day.chars().take(10).collect(),
        DataRef::DurationIso(_) => {
            return Err("a cell holds a span of time: write it as text".to_owned());
        }
        DataRef::Error(error) => {
            return Err(format!(
                "a cell holds the error {error}: write the value in place of the formula"
            ));
        }
    })
}
