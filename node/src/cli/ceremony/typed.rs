//! What officials type: passphrases that nobody is to see, a sheet, a yes.

use std::io::{BufRead, IsTerminal, Write};

use zeroize::Zeroizing;

use super::TEXT_BYTES_MAX;
use crate::api::{Kind, Refusal};
use crate::passphrase::CHARACTERS_MIN;

/// How often somebody may mistype a passphrase that he sets: what nobody answers ends.
const TRIES: usize = 5;

/// A passphrase that is set, twice the same from whoever sits there; who mistypes it tries again.
pub(super) fn new_passphrase(
    prompt: &str,
    none: bool,
) -> Result<Option<Zeroizing<String>>, Refusal> {
    if none {
        return Ok(None);
    }
    let twice = std::io::stdin().is_terminal();
    let why = format!("a passphrase has at least {CHARACTERS_MIN} characters: four words will do");
    for _ in 0..if twice { TRIES } else { 1 } {
        let words = read_secret(prompt)?;
        if words.chars().count() < CHARACTERS_MIN {
            eprintln!("{why}");
        } else if twice && *read_secret("Once more")? != *words {
            eprintln!("the two are not the same");
        } else {
            return Ok(Some(words));
        }
    }
    Err(Refusal::new(Kind::Refused, why))
}

/// Reads a line that nobody is to see: from the terminal without showing it, else from standard
/// input as it is.
pub(super) fn read_secret(prompt: &str) -> Result<Zeroizing<String>, Refusal> {
    let failed = |error: std::io::Error| Refusal::new(Kind::Refused, error.to_string());
    if std::io::stdin().is_terminal() {
        if !std::io::stderr().is_terminal() {
            let message = "a passphrase is asked for on the terminal: do not redirect errors";
            return Err(Refusal::new(Kind::Refused, message));
        }
        eprint!("{prompt}: ");
        std::io::stderr().flush().map_err(failed)?;
        let line = console::Term::stderr().read_secure_line().map_err(failed)?;
        return Ok(Zeroizing::new(line));
    }
    read_line()?.ok_or_else(|| {
        Refusal::new(
            Kind::Refused,
            format!("{prompt}: expected a line on standard input"),
        )
    })
}

/// A line of standard input, without its end; `None` where there is none.
fn read_line() -> Result<Option<Zeroizing<String>>, Refusal> {
    let mut line = Zeroizing::new(Vec::with_capacity(TEXT_BYTES_MAX));
    let mut input = std::io::stdin().lock();
    // Byte by byte: what follows the line is for whoever reads next.
    let mut byte = [0];
    loop {
        let read = std::io::Read::read(&mut input, &mut byte);
        match read.map_err(|error| Refusal::new(Kind::Refused, error.to_string()))? {
            0 if line.is_empty() => return Ok(None),
            0 => break,
            _ if byte[0] == b'\n' => break,
            _ if line.len() == TEXT_BYTES_MAX => {
                return Err(Refusal::new(Kind::Refused, "a line that is too long"));
            }
            _ => line.push(byte[0]),
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| {
        Refusal::new(
            Kind::Refused,
            "what was typed is no text: write it as UTF-8",
        )
    })?;
    let text = text.strip_suffix('\r').unwrap_or(text);
    Ok(Some(Zeroizing::new(text.to_owned())))
}

/// A sheet as somebody types it: up to an empty line.
pub(in crate::cli) fn read_sheet() -> Result<Zeroizing<String>, Refusal> {
    let mut sheet = Zeroizing::new(String::with_capacity(TEXT_BYTES_MAX));
    while let Some(line) = read_line()? {
        if line.trim().is_empty() {
            break;
        }
        if sheet.len() + line.len() > TEXT_BYTES_MAX {
            return Err(Refusal::new(Kind::Refused, "too much for a sheet"));
        }
        sheet.push_str(&line);
    }
    Ok(sheet)
}

/// Asks a person who sits there; a program that runs the command has decided already.
pub(super) fn confirm(question: &str, json: bool) -> Result<(), Refusal> {
    if json || !std::io::stdin().is_terminal() {
        return Ok(());
    }
    eprint!("{question} Type yes: ");
    let mut answer = String::new();
    let mut input = std::io::stdin().lock();
    let read = std::io::Read::take(&mut input, 64).read_line(&mut answer);
    if read.is_ok() && answer.trim().eq_ignore_ascii_case("yes") {
        return Ok(());
    }
    Err(Refusal::new(Kind::Refused, "not signed"))
}
