//! The columns of a register, and an empty file of it.

use std::path::Path;
use std::process::ExitCode;

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use crate::api::{Kind as Trouble, Refusal};
use crate::locale::Language;
use crate::register::kind::{Kind, hint, title, words};

/// Width of a column, in letters.
const WIDTH: f64 = 18.0;

/// Shows the columns, or writes a file that has them in its first line.
///
/// # Errors
/// [`Refusal`] where the file cannot be written, or is there already.
pub(super) fn write(
    kind: Kind,
    file: Option<&Path>,
    language: Language,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let columns = kind.columns();
    let Some(path) = file else {
        if json {
            let names: Vec<_> = columns
                .iter()
                .map(|column| (column.name, column.needed))
                .collect();
            println!(
                "{}",
                serde_json::json!({ "kind": kind.name(), "columns": names })
            );
            return Ok(ExitCode::SUCCESS);
        }
        println!(
            "{}",
            columns
                .iter()
                .map(|column| column.name)
                .collect::<Vec<_>>()
                .join(",")
        );
        for column in columns {
            let needed = if column.needed { "*" } else { "" };
            println!("  {}{needed}: {}", column.name, hint(language, column.name));
            let words = words(column.name);
            if !words.is_empty() {
                println!("      {}", words.join(", "));
            }
        }
        return Ok(ExitCode::SUCCESS);
    };
    let said = |why: String| Refusal::new(Trouble::Refused, format!("{}: {why}", path.display()));
    if path.exists() {
        return Err(said("it is there already: name another file".to_owned()));
    }
    let bytes = match path.extension().and_then(|name| name.to_str()) {
        Some("xlsx") => workbook(kind, language),
        _ => text(kind, language),
    };
    let written =
        bytes.and_then(|bytes| std::fs::write(path, bytes).map_err(|error| error.to_string()));
    written.map_err(said)?;
    println!("Wrote {}.", path.display());
    Ok(ExitCode::SUCCESS)
}

fn text(kind: Kind, language: Language) -> Result<Vec<u8>, String> {
    let titles = kind
        .columns()
        .into_iter()
        .map(|column| title(language, column.name));
    // With the mark by which Excel knows UTF-8.
    let mut writer = csv::Writer::from_writer(b"\xef\xbb\xbf".to_vec());
    let written = writer.write_record(titles);
    written.map_err(|error| error.to_string())?;
    writer.into_inner().map_err(|error| error.to_string())
}

/// A first sheet with the titles, and a second that says what stands in each column. Cells are text, so that no
/// number on a card is rounded and no day turned round.
fn workbook(kind: Kind, language: Language) -> Result<Vec<u8>, String> {
    let failed = |error: XlsxError| error.to_string();
    let (plain, bold) = (Format::new().set_num_format("@"), Format::new().set_bold());
    let mut book = Workbook::new();
    let rows = book.add_worksheet();
    rows.set_freeze_panes(1, 0).map_err(failed)?;
    for (at, column) in (0_u16..).zip(kind.columns()) {
        rows.set_column_format(at, &plain).map_err(failed)?;
        rows.set_column_width(at, WIDTH).map_err(failed)?;
        let title = title(language, column.name);
        rows.write_with_format(0, at, title, &bold)
            .map_err(failed)?;
    }
    let help = book.add_worksheet();
    help.set_column_width(1, 3.0 * WIDTH).map_err(failed)?;
    for (at, column) in (0_u32..).zip(kind.columns()) {
        let named = title(language, column.name);
        help.write_with_format(at, 0, named, &bold)
            .map_err(failed)?;
        help.write(at, 1, hint(language, column.name))
            .map_err(failed)?;
        help.write(at, 2, words(column.name).join(", "))
            .map_err(failed)?;
    }
    book.save_to_buffer().map_err(failed)
}
