//! CSV as programs save it: in UTF-8 with or without its mark, or in UTF-16 (Excel's "Unicode text"); with
//! commas, semicolons (where the comma is in numbers) or tabs.

use std::borrow::Cow;

use csv::StringRecord;

use super::{Builder, Sheet};

pub(super) fn read(bytes: &[u8]) -> Result<Sheet, String> {
    let bytes = utf8(bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .delimiter(delimiter(&bytes))
        .from_reader(bytes.as_ref());
    let mut builder = Builder::default();
    let mut record = StringRecord::new();
    loop {
        let read = reader.read_record(&mut record);
        let begun = match &read {
            Ok(_) => record.position(),
            Err(error) => error.position(),
        };
        let line = begun.map_or(0, |begun| line(&bytes, begun));
        match read {
            Ok(false) => return builder.done(),
            Ok(true) => {
                // A program that saves a table ends each line with all of its cells: a shorter one was cut.
                let named = builder.sheet.headers.len();
                let cells = match record.len() < named {
                    true => Err(format!(
                        "{} columns, the first line names {named}",
                        record.len()
                    )),
                    false => Ok(record.iter().map(str::to_owned).collect()),
                };
                builder.add(line, cells)?;
            }
            Err(_) => {
                let why = "not UTF-8 text: save the file as UTF-8".to_owned();
                builder.add(line, Err(why))?;
            }
        }
    }
}

/// The line in which a row begins: what the reader tells is where the empty lines before it begin.
fn line(bytes: &[u8], begun: &csv::Position) -> u64 {
    let from = usize::try_from(begun.byte()).unwrap_or(usize::MAX);
    let rest = bytes.get(from..).unwrap_or_default().iter();
    let empty = rest.take_while(|byte| matches!(byte, b'\n' | b'\r'));
    begun.line() + empty.filter(|byte| **byte == b'\n').count() as u64
}

/// The same in UTF-8, if a mark says that it is UTF-16.
fn utf8(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Ok(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).into()),
    };
    let units = bytes.get(2..).unwrap_or_default().chunks_exact(2);
    let units = units.map(|pair| unit([pair[0], pair[1]]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    let text = text.map_err(|_| "its UTF-16 text is damaged: save the file as UTF-8".to_owned())?;
    Ok(text.into_bytes().into())
}

/// Which of the three stands most often in the first line, outside quotes.
fn delimiter(bytes: &[u8]) -> u8 {
    let mut counts = [(0_usize, b','), (0, b';'), (0, b'\t')];
    let mut quoted = false;
    for byte in bytes.iter().take_while(|byte| **byte != b'\n') {
        quoted ^= *byte == b'"';
        for (count, delimiter) in &mut counts {
            *count += usize::from(!quoted && byte == delimiter);
        }
    }
    let most = counts.iter().map(|(count, _)| *count).max().unwrap_or(0);
    let first = counts.iter().find(|(count, _)| *count == most);
    first.map_or(b',', |(_, delimiter)| *delimiter)
}
