//! Sheets: files of rows whose first line names the columns.

use std::path::Path;

/// A file's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The columns.
    pub headers: Vec<String>,
    /// The rows, each with as many cells.
    pub rows: Vec<SheetRow>,
    /// Lines that are no rows, and why.
    pub refused: Vec<(u64, String)>,
}

/// A row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SheetRow {
    /// Where it stands in the file, from 1.
    pub line: u64,
    /// As many as headers; days as 2026-01-31, digits of ASCII.
    pub cells: Vec<String>,
}

/// Reads a file.
///
/// # Errors
/// Why nothing of it can be read.
pub fn read(path: &Path) -> Result<Sheet, String> {
    let said = |error: csv::Error| format!("{}: {error}", path.display());
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_path(path)
        .map_err(said)?;
    let headers: Vec<String> = reader
        .headers()
        .map_err(said)?
        .iter()
        .map(str::to_owned)
        .collect();
    let mut sheet = Sheet {
        headers,
        ..Sheet::default()
    };
    for (line, record) in (2..).zip(reader.into_records()) {
        let record = record.map_err(said)?;
        let mut cells: Vec<String> = record.iter().map(str::to_owned).collect();
        cells.resize(sheet.headers.len(), String::new());
        sheet.rows.push(SheetRow { line, cells });
    }
    Ok(sheet)
}
