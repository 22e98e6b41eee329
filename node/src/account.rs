//! Passwords of learners: bcrypt, in the form that PHP's `password_verify` reads, so that each prison's Moodle
//! checks them by itself, with this node off. Only what they are checked against is ever kept.
//!
//! Accounts that were taken over from a Moodle have what Moodle made: bcrypt up to 4.2, SHA-512 crypt from 4.3 on.

use bcrypt::Version;
use sha_crypt::{PasswordVerifier, ShaCrypt};
use zeroize::Zeroizing;

use crate::world::World;

/// 2^10 rounds: some 60 ms on a lab's server. Moodle's own is 10 with bcrypt.
const COST: u32 = 10;

/// The most that a check may cost: what another site wrote into a record keeps nobody busy for long.
const COST_MOST: u32 = 12;

/// The same of SHA-512 crypt; Moodle's own is 10,000.
const ROUNDS_MOST: u32 = 100_000;

/// Letters of a password that this program makes: none that looks like another, on paper or on a screen.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyzabcdefghj";

/// Digits of the same.
const DIGITS: &[u8; 8] = b"23456789";

/// Letters, before a hyphen and two digits: Moodle's own rule wants each kind.
const LETTERS_MADE: usize = 7;

/// The shortest that somebody may choose.
pub const SHORTEST: usize = 6;

/// bcrypt looks at so many bytes.
pub const LONGEST_BYTES: usize = 72;

/// What nobody's password is checked against, so that an unknown name takes as long as a known one.
const NOBODY: &str = "$2y$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

/// Why a password cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Too short to be one.
    #[error("a password has at least {SHORTEST} letters")]
    Short,
    /// Longer than what is checked of it.
    #[error("a password has at most {LONGEST_BYTES} bytes")]
    Long,
    /// With something in it that is no letter, such as an end of line.
    #[error("a password has letters, digits and signs only")]
    Unreadable,
}

/// A first password, which the learner changes himself.
pub fn first_password(world: &mut dyn World) -> Zeroizing<String> {
    let random = world.random();
    let mut made = Zeroizing::new(String::with_capacity(LETTERS_MADE + 3));
    for byte in random.iter().take(LETTERS_MADE) {
        let letter = char::from(LETTERS[usize::from(byte % 32)]);
        let first = made.is_empty();
        made.push(if first {
            letter.to_ascii_uppercase()
        } else {
            letter
        });
    }
    made.push('-');
    let digits = random.iter().skip(LETTERS_MADE).take(2);
    made.extend(digits.map(|byte| char::from(DIGITS[usize::from(byte % 8)])));
    made
}

/// Whether a password can be one.
///
/// # Errors
/// [`Unfit`] says why not.
pub fn check(password: &str) -> Result<(), Unfit> {
    let odd = |letter: char| letter.is_control() || letter == char::REPLACEMENT_CHARACTER;
    match password {
        long if long.len() > LONGEST_BYTES => Err(Unfit::Long),
        short if short.chars().count() < SHORTEST => Err(Unfit::Short),
        unread if unread.contains(odd) => Err(Unfit::Unreadable),
        _ => Ok(()),
    }
}

/// What a password is checked against.
///
/// # Errors
/// [`Unfit`] says what is wrong with the password.
pub fn verifier(password: &str, world: &mut dyn World) -> Result<String, Unfit> {
    check(password)?;
    let mut salt = [0; 16];
    salt.copy_from_slice(&world.random()[..16]);
    let parts = bcrypt::hash_with_salt(password, COST, salt).map_err(|_| Unfit::Unreadable)?;
    // The letter that PHP writes; all say the same.
    Ok(parts.format_for_version(Version::TwoY))
}

/// Whether a password is the one. Of a verifier of another kind only Moodle can say it; here it is none.
#[must_use]
pub fn is_it(password: &str, verifier: &str) -> bool {
    if let Some(rest) = verifier.strip_prefix("$6$") {
        let rounds = rest.strip_prefix("rounds=").and_then(|rest| {
            let (rounds, _) = rest.split_once('$')?;
            rounds.parse::<u32>().ok()
        });
        let bounded = !rest.starts_with("rounds=") || rounds.is_some_and(|n| n <= ROUNDS_MOST);
        let right = bounded
            && ShaCrypt::default()
                .verify_password(password.as_bytes(), verifier)
                .is_ok();
        // As long as any other, or its time would tell whose is of that kind.
        is_nobodys(password);
        return right;
    }
    let cost = verifier.get(4..6).and_then(|cost| cost.parse::<u32>().ok());
    match cost.is_some_and(|cost| cost <= COST_MOST) {
        true => bcrypt::verify(password, verifier).unwrap_or(false),
        // Also of whoever has none.
        false => is_nobodys(password),
    }
}

/// Takes as long as [`is_it`] for somebody who is there, and says no.
pub fn is_nobodys(password: &str) -> bool {
    let _ = is_it(password, NOBODY);
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::world::Machine;

    /// Goal: what is kept opens for its password alone, as PHP reads it. Method: a password in Khmer, a
    /// known verifier, and passwords that are too short or too long.
    #[test]
    fn a_password_is_checked() {
        let khmer = "\u{1780}\u{17b6}\u{179a}\u{179f}\u{17b7}\u{1780}\u{17d2}\u{179f}\u{17b6}";
        let kept = verifier(khmer, &mut Machine).unwrap();
        assert!(kept.starts_with("$2y$10$") && kept.len() == 60, "{kept}");
        assert!(is_it(khmer, &kept) && !is_it("another", &kept));
        // Of the test of crypt_blowfish, which PHP's is made of.
        let known = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        assert!(is_it("U*U", known) && !is_it("U*V", known));
        assert_eq!(verifier("short", &mut Machine), Err(Unfit::Short));
        let long = "x".repeat(73);
        assert_eq!(verifier(&long, &mut Machine), Err(Unfit::Long));
        assert_eq!(verifier("pass\0word", &mut Machine), Err(Unfit::Unreadable));
        assert!(!is_nobodys("U*U") && is_it("U*U", &NOBODY.replace("2y$10", "2a$05")));
        let first = first_password(&mut Machine);
        assert_eq!(first.len(), LETTERS_MADE + 3);
        assert!(check(&first).is_ok() && first.as_bytes()[0].is_ascii_uppercase());
        assert_ne!(*first, *first_password(&mut Machine));
    }

    /// Goal: an account that was taken over from a Moodle of 4.3 or later opens for its password; what costs too
    /// much to check, or is none, opens for nothing. Method: a vector of the paper on SHA-crypt, and verifiers
    /// that a bad site could write.
    #[test]
    fn verifiers_of_moodle_are_read_within_bounds() {
        let known = "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy\
                     /YTBmSK6H9qs/y3RnOaw5v.";
        assert!(is_it("Hello world!", known) && !is_it("Hello world", known));
        let started = std::time::Instant::now();
        for bad in [
            "$6$rounds=999999999$saltstring$OW1",
            "$6$rounds=$salt$hash",
            "$6$rounds=10000$salt$hash",
            "$6$",
            "$2y$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2y$",
            "\u{1780}\u{1780}\u{1780}",
            "",
        ] {
            assert!(!is_it("Hello world!", bad), "{bad}");
        }
        assert!(started.elapsed().as_secs() < 5);
    }
}
