//! Secrets on a sheet of paper: Base32 (RFC 4648) without padding, in groups of four, as it is printed and
//! as somebody types it back. What is in the bytes, and the check at their end, is whose secret it is.

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

/// Letters and digits of a group.
const GROUP: usize = 4;

/// The bytes in letters and digits.
#[must_use]
pub fn write(bytes: &[u8]) -> Zeroizing<String> {
    let letters = Zeroizing::new(BASE32_NOPAD.encode(bytes));
    // With room for all: a text that grows leaves its beginning in memory.
    let mut text = Zeroizing::new(String::with_capacity(2 * letters.len()));
    for (at, letter) in letters.chars().enumerate() {
        if at > 0 && at % GROUP == 0 {
            text.push(' ');
        }
        text.push(letter);
    }
    text
}

/// The bytes of what somebody typed, in either case, with gaps or without; `None` where they are none.
#[must_use]
pub fn read(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let typed = |letter: char| match letter.to_ascii_uppercase() {
        // Digits that Base32 does not have, read for letters that it has.
        '0' => 'O',
        '1' => 'I',
        '8' => 'B',
        other => other,
    };
    let mut letters = Zeroizing::new(String::with_capacity(text.len()));
    letters.extend(text.chars().filter(char::is_ascii_alphanumeric).map(typed));
    let bytes = BASE32_NOPAD.decode(letters.as_bytes());
    bytes.ok().map(Zeroizing::new)
}

/// Goal: what is printed is read back, however somebody types it.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_read_back() {
        let bytes: Vec<u8> = (0..35).map(|byte| byte * 7).collect();
        let text = write(&bytes);
        assert!(text.split(' ').all(|group| group.len() <= GROUP));
        let same = |text: &str| read(text).is_some_and(|read| *read == bytes);
        assert!(same(&text));
        assert!(same(&text.to_lowercase().replace(' ', "-")));
        let digits = text.replace('O', "0").replace('I', "1").replace('B', "8");
        assert!(digits != *text && same(&digits));
        assert!(read("this is no 9").is_none());
    }
}
