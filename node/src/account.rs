//! Passwords of learners: bcrypt, in the form that PHP's `password_verify` reads, so that each prison's Moodle
//! checks them by itself, with this node off. Only what they are checked against is ever kept.

use bcrypt::Version;
use zeroize::Zeroizing;

use crate::world::World;

/// 2^10 rounds: some 60 ms on a lab's server. Moodle's own is 10 with bcrypt.
const COST: u32 = 10;

/// Letters of a password that this program makes: none that looks like another, on paper or on a screen.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789x";

/// How many.
const LENGTH: usize = 8;

/// The shortest that somebody may choose.
pub const SHORTEST: usize = 6;

/// bcrypt looks at so many bytes.
pub const LONGEST_BYTES: usize = 72;

/// A first password, which the learner changes himself.
pub fn first_password(world: &mut dyn World) -> Zeroizing<String> {
    let random = world.random();
    let letters = random
        .iter()
        .take(LENGTH)
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    Zeroizing::new(letters.collect())
}

/// What a password is checked against.
///
/// # Errors
/// Says what is wrong with the password.
pub fn verifier(password: &str, world: &mut dyn World) -> Result<String, String> {
    if password.chars().count() < SHORTEST {
        return Err(format!("a password has at least {SHORTEST} letters"));
    }
    if password.len() > LONGEST_BYTES {
        return Err(format!("a password has at most {LONGEST_BYTES} bytes"));
    }
    let mut salt = [0; 16];
    salt.copy_from_slice(&world.random()[..16]);
    let parts = bcrypt::hash_with_salt(password, COST, salt)
        .map_err(|error| format!("the password cannot be used: {error}"))?;
    // The letter that PHP writes; all say the same.
    Ok(parts.format_for_version(Version::TwoY))
}

/// Whether a password is the one. Of a verifier of another kind, such as one that came from an older Moodle,
/// only Moodle can say it.
#[must_use]
pub fn is_it(password: &str, verifier: &str) -> bool {
    bcrypt::verify(password, verifier).unwrap_or(false)
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
        assert!(verifier("short", &mut Machine).is_err());
        assert!(verifier(&"x".repeat(73), &mut Machine).is_err());
        assert!(!is_it("x", "$6$rounds=10000$salt$hash"));
        let first = first_password(&mut Machine);
        assert_eq!(first.len(), LENGTH);
        assert_ne!(*first, *first_password(&mut Machine));
    }
}
