//! A backup, what is inside of it, and what somebody types to open it.

use std::sync::LazyLock;

use spean_protocol::backup::{Chunks, Code, HEAD_BYTES, Head, LENGTH_BYTES, Opens};
use spean_protocol::codec;
use spean_protocol::seal::Secret;

use super::super as samples;
use samples::{SEED, backup_code, backup_head, backup_list, backup_sheet};

/// Reads a backup as a node does; `None` unless it is whole and opens for all who should open it.
pub fn read_backup(file: &[u8]) -> Option<Vec<u8>> {
    let (head, mut rest) = file.split_at_checked(HEAD_BYTES)?;
    let head = Head::decode(head).ok()?;
    let code = head.open(Opens::Sheet, &backup_sheet()).ok()?;
    assert_eq!(code, backup_code());
    head.open_by_escrow(&[SEED]).ok()?;
    let mut chunks = Chunks::of(&head, &code);
    let (mut first, mut content) = (true, Vec::new());
    while !chunks.ended() {
        let (length, after) = rest.split_at_checked(LENGTH_BYTES)?;
        let (length, last) = chunks.length(length.try_into().ok()?).ok()?;
        let (sealed, after) = after.split_at_checked(length)?;
        if std::mem::take(&mut first) {
            chunks.open_manifest(sealed, last).ok()?;
        } else {
            content.extend_from_slice(&chunks.open(sealed, last).ok()?);
        }
        rest = after;
    }
    rest.is_empty().then_some(content)
}

pub fn backups() -> Vec<Vec<u8>> {
    vec![samples::backup()]
}

/// Any change at all is noticed: nothing but the whole file is the whole file.
pub fn backup(bytes: &[u8]) -> Option<Vec<u8>> {
    static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(samples::backup);
    let content = read_backup(bytes)?;
    assert_eq!(content, b"keys and all");
    assert_eq!(bytes, *WHOLE);
    Some(bytes.to_vec())
}

pub fn lists() -> Vec<Vec<u8>> {
    let mut other = backup_list();
    other.files.push(("config.toml".to_owned(), u64::MAX));
    vec![codec::encode(&backup_list()), codec::encode(&other)]
}

/// Whoever has the sheet can seal what he likes.
pub fn list(bytes: &[u8]) -> Option<Vec<u8>> {
    let chunks = || Chunks::of(&backup_head(), &backup_code());
    let sealed = chunks().seal(bytes, false).ok()?;
    let opened = chunks().open_manifest(&sealed[LENGTH_BYTES..], false);
    Some(codec::encode(&opened.ok()?))
}

pub fn codes() -> Vec<Vec<u8>> {
    let one = backup_code().to_paper(Opens::One);
    let sheet = Code::of(&Secret([9; 32])).to_paper(Opens::Sheet);
    [one, sheet].map(|text| text.as_bytes().to_vec()).to_vec()
}

pub fn code(bytes: &[u8]) -> Option<Vec<u8>> {
    let (opens, code) = Code::from_paper(std::str::from_utf8(bytes).ok()?).ok()?;
    Some(code.to_paper(opens).as_bytes().to_vec())
}
