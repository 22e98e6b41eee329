//! A secret under a passphrase: a root's key on its stick, an officer's key. Whoever finds the file
//! must try passphrases, and each try costs 64 MiB of memory, gone over three times.
//!
//! Argon2id as RFC 9106 describes it, with the second of its recommended settings but for one lane.

use argon2::{Algorithm, Argon2, Params, Version};
use spean_protocol::seal::{Secret, derive, open_once, seal_once};
use zeroize::Zeroizing;

/// Memory of one try, in KiB.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over that memory.
const PASSES: u32 = 3;

/// Characters that a passphrase must have: four or five words.
pub const CHARACTERS_MIN: usize = 12;

/// Seals a secret. The salt is fresh, so the key seals nothing else; `whose` is bound to it.
#[must_use]
pub fn seal(passphrase: &str, salt: &[u8; 32], whose: &[u8], secret: &Secret) -> Vec<u8> {
    // Neither argument is of a length that the libraries refuse.
    key(passphrase, salt)
        .and_then(|key| seal_once(&key, whose, &secret.0).ok())
        .unwrap_or_default()
}

/// Opens what [`seal`] sealed; `None` for another passphrase, or a changed file.
#[must_use]
pub fn open(passphrase: &str, salt: &[u8; 32], whose: &[u8], sealed: &[u8]) -> Option<Secret> {
    let bytes = Zeroizing::new(open_once(&*key(passphrase, salt)?, whose, sealed).ok()?);
    Some(Secret(bytes.as_slice().try_into().ok()?))
}

fn key(passphrase: &str, salt: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).ok()?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut slow = Zeroizing::new([0; 32]);
    argon
        .hash_password_into(passphrase.as_bytes(), salt, &mut *slow)
        .ok()?;
    Some(Zeroizing::new(derive(
        "spean 2026 passphrase v1",
        &[&*slow],
    )))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Goal: only the passphrase opens it, only under the salt and for whom it was sealed.
    #[test]
    fn only_its_passphrase_opens_it() {
        let secret = Secret([7; 32]);
        let sealed = seal("correct horse battery", &[1; 32], b"root 1", &secret);
        assert_eq!(sealed.len(), 48);
        let open = |words, salt, whose: &[u8]| open(words, &[salt; 32], whose, &sealed);
        assert_eq!(open("correct horse battery", 1, b"root 1"), Some(secret));
        assert_eq!(open("correct horse batterx", 1, b"root 1"), None);
        assert_eq!(open("correct horse battery", 2, b"root 1"), None);
        assert_eq!(open("correct horse battery", 1, b"root 2"), None);
    }
}
