//! Spreadsheets as people make them: CSV in the ways in which programs save it, and XLSX. What comes out is
//! text in rows under headers; which columns there must be is not known here.

mod text;
mod workbook;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::register::value::cleaned;

/// Bytes of one file: a site's ten years as CSV are some 40 MB.
const FILE_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Rows of one file; a site's ten years are some 600,000.
const ROWS_MAX: usize = 2_000_000;

/// Columns that are looked at.
const COLUMNS_MAX: usize = 256;

/// Bytes of one row: the longest name and some.
const ROW_BYTES_MAX: usize = 16_384;

/// Cells of a whole file: what they take in memory is bounded by it.
const CELLS_MAX: usize = 24_000_000;

/// Rows above the one that names the columns: titles, dates, logos.
const TITLE_ROWS_MAX: usize = 10;

/// The rows of a file, under their headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// What the first row calls the columns.
    pub headers: Vec<String>,
    /// The rows that have as many cells.
    pub rows: Vec<SheetRow>,
    /// Lines that are no such row, and why.
    pub refused: Vec<(u64, String)>,
    /// What else there is to say of the file.
    pub notes: Vec<String>,
}

/// One row: as many cells as there are headers, without the blanks around them, days as 2026-01-31 and Khmer
/// digits as Latin ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SheetRow {
    /// Its line in the file, from 1, as a spreadsheet shows it.
    pub line: u64,
    /// Its cells.
    pub cells: Vec<String>,
}

const NO_HEADERS: &str = "it has no line that names the columns: 'spean import template' shows one";

/// How an XLSX file begins.
const XLSX: &[u8] = b"PK\x03\x04";

/// A line that is still as the file has it, or why it cannot be read.
type Line = Result<Vec<String>, String>;

/// Reads a file of either kind: an XLSX file begins as one, whatever it is called.
///
/// # Errors
/// Why it cannot be read at all, without its name; a line that cannot is in [`Sheet::refused`].
pub fn read(path: &Path) -> Result<Sheet, String> {
    of(bytes(path)?)
}

/// Reads a further sheet of an XLSX file, the first with such a name; `None` where there is none.
///
/// # Errors
/// As [`read`].
pub fn further(path: &Path, is: impl Fn(&str) -> bool) -> Result<Option<Sheet>, String> {
    let bytes = bytes(path)?;
    match bytes.starts_with(XLSX) {
        true => workbook::further(bytes, is),
        false => Ok(None),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    if length > FILE_BYTES_MAX {
        return Err(format!(
            "it has {length} bytes, and the most is {FILE_BYTES_MAX}: split the file"
        ));
    }
    let mut bytes = Vec::new();
    file.by_ref()
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// The same of a file that is in memory.
///
/// # Errors
/// As [`read`].
pub fn of(bytes: Vec<u8>) -> Result<Sheet, String> {
    if bytes.starts_with(XLSX) {
        return workbook::read(bytes);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err(
            "it is a spreadsheet of before 2007 (.xls): save it as .xlsx or .csv".to_owned(),
        );
    }
    text::read(&bytes)
}

/// Makes a sheet of the lines of a file.
#[derive(Default)]
struct Builder {
    sheet: Sheet,
    cells: usize,
    titles: usize,
    /// Rows whose cells are merged with those of others, and the range in which.
    merged: BTreeMap<u64, String>,
}

impl Builder {
    /// Adds a line; the first with two cells or more, none of them merged, names the columns.
    fn add(&mut self, line: u64, cells: Line) -> Result<(), String> {
        let cells = match cells {
            Ok(cells) => cells,
            Err(why) if self.sheet.headers.is_empty() => return Err(why),
            Err(why) => {
                self.sheet.refused.push((line, why));
                return Ok(());
            }
        };
        let mut cells: Vec<String> = cells.iter().map(|cell| cleaned(cell)).collect();
        while cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        let merged = self.merged.get(&line);
        if self.sheet.headers.is_empty() {
            let named = cells.iter().filter(|cell| !cell.is_empty()).count();
            if named == 0 {
                return Ok(());
            }
            // No register has one column: a line of one cell is a title.
            if named == 1 || merged.is_some() {
                self.titles += 1;
                if self.titles > TITLE_ROWS_MAX {
                    return Err(NO_HEADERS.to_owned());
                }
                return Ok(());
            }
            if cells.len() > COLUMNS_MAX {
                return Err(format!(
                    "its first line names {} columns, and the most is {COLUMNS_MAX}",
                    cells.len()
                ));
            }
            self.sheet.headers = cells;
            return Ok(());
        }
        if cells.is_empty() {
            return Ok(());
        }
        let named = self.sheet.headers.len();
        let refused = if let Some(range) = merged {
            Some(format!(
                "the cells {range} are merged: unmerge them and write the value into each"
            ))
        } else if cells.len() > named {
            Some(format!(
                "{} columns, the first line names {named}",
                cells.len()
            ))
        } else if cells.iter().map(String::len).sum::<usize>() > ROW_BYTES_MAX {
            Some(format!("longer than {ROW_BYTES_MAX} bytes"))
        } else {
            None
        };
        if let Some(why) = refused {
            self.sheet.refused.push((line, why));
            return Ok(());
        }
        cells.resize(named, String::new());
        self.cells += named;
        if self.sheet.rows.len() >= ROWS_MAX || self.cells > CELLS_MAX {
            return Err(format!(
                "more than {ROWS_MAX} rows, or {CELLS_MAX} cells: split the file"
            ));
        }
        self.sheet.rows.push(SheetRow { line, cells });
        Ok(())
    }

    fn done(self) -> Result<Sheet, String> {
        match self.sheet.headers.is_empty() {
            true => Err(NO_HEADERS.to_owned()),
            false => Ok(self.sheet),
        }
    }
}

#[cfg(test)]
mod tests;
