//! The cryptographic tools, each a thin call of a reviewed library: key derivation (BLAKE3),
//! sealing under a one-use key (AES-256-GCM-SIV), sealing to a box key (HPKE), compression and
//! padding. What the keys mean is `stay`'s business; nothing here knows a learner or a site.
//!
//! HPKE is RFC 9180 base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305.

use std::sync::LazyLock;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem as KemTrait, OpModeR, OpModeS, Serializable};
use rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};
use zstd::dict::EncoderDictionary;

use crate::limits::PARCEL_CONTENT_BYTES_MAX;

/// Thirty-two secret bytes: a custody key, a stay key, a box key's private half. Wiped when
/// dropped, never printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
pub struct Secret(pub [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why something sealed did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Another key, another place, or changed bytes: the three cannot be told apart.
    #[error("does not open with this key at this place")]
    Wrong,
    /// A box key that is not a point of the curve.
    #[error("not a usable box key")]
    BadBoxKey,
    /// The opened content is not well formed.
    #[error("opened, but the content is malformed")]
    Malformed,
    /// The content would be larger than `limits` says.
    #[error("content larger than the limit")]
    TooLarge,
}

/// Derives 32 bytes from `parts` under `context`, one context string per use in the project.
/// Each part is preceded by its length, so that no two lists of parts collide.
#[must_use]
pub fn derive(context: &'static str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// Bytes that sealing under a one-use key adds.
pub const TAG_BYTES: usize = 16;

/// Seals `plaintext` under a key that seals nothing else, so the nonce is constant. Where a
/// snapshot resumes and a key is used twice, GCM-SIV shows only whether both plaintexts are equal.
///
/// # Errors
/// [`SealError::TooLarge`] for a plaintext beyond what the cipher takes, 64 GiB.
pub fn seal_once(key: &[u8; 32], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    let cipher = Aes256GcmSiv::new(key.into());
    cipher
        .encrypt(
            &Nonce::default(),
            Payload {
                msg: plaintext,
                aad,
            },
        )
        .map_err(|_| SealError::TooLarge)
}

/// Opens what `seal_once` made.
///
/// # Errors
/// [`SealError::Wrong`] when key, place or bytes differ.
pub fn open_once(key: &[u8; 32], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let cipher = Aes256GcmSiv::new(key.into());
    cipher
        .decrypt(&Nonce::default(), Payload { msg: sealed, aad })
        .map_err(|_| SealError::Wrong)
}

/// The public half of a box key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BoxKey(pub [u8; 32]);

/// Derives the box key pair of `seed`. The seed is what is kept.
///
/// # Errors
/// None today; a suite change may make some seeds unusable.
#[must_use]
pub fn box_key(seed: &Secret) -> BoxKey {
    let (_, public) = X25519HkdfSha256::derive_keypair(&seed.0);
    BoxKey(public.to_bytes().into())
}

/// Bytes that sealing to a box key adds: the encapsulated key and the tag.
pub const BOX_BYTES: usize = 48;

/// Seals `plaintext` to `to`. `entropy` must be fresh; it should come from
/// derive(system randomness | node secret | content), so that clones do not repeat it.
///
/// # Errors
/// [`SealError::BadBoxKey`] when `to` is no point of the curve.
pub fn box_seal(
    to: &BoxKey,
    info: &[u8],
    plaintext: &[u8],
    entropy: [u8; 32],
) -> Result<Vec<u8>, SealError> {
    let public = <X25519HkdfSha256 as KemTrait>::PublicKey::from_bytes(&to.0)
        .map_err(|_| SealError::BadBoxKey)?;
    let mut random = rand_chacha::ChaCha20Rng::from_seed(entropy);
    let (encapsulated, sealed) = hpke::single_shot_seal_with_rng::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
    >(&OpModeS::Base, &public, info, plaintext, &[], &mut random)
    .map_err(|_| SealError::BadBoxKey)?;
    let mut out = encapsulated.to_bytes().to_vec();
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// Opens what `box_seal` sealed to the key pair of `seed`.
///
/// # Errors
/// [`SealError::Wrong`] when it was sealed to another key, with another `info`, or was changed.
pub fn box_open(seed: &Secret, info: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (head, body) = sealed.split_at_checked(32).ok_or(SealError::Wrong)?;
    let encapsulated = <X25519HkdfSha256 as KemTrait>::EncappedKey::from_bytes(head)
        .map_err(|_| SealError::Wrong)?;
    let (private, _) = X25519HkdfSha256::derive_keypair(&seed.0);
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        info,
        body,
        &[],
    )
    .map_err(|_| SealError::Wrong)
}

/// The length to which `length` bytes are padded: the next of 16, 24, 32, 48, 64, 96, ... So a
/// size says little, and costs half again at most.
#[must_use]
pub const fn padded_length(length: usize) -> usize {
    let mut step = 16;
    while step < length {
        if step + step / 2 >= length {
            return step + step / 2;
        }
        step *= 2;
    }
    step
}

/// The four bytes with which every zstd frame starts (RFC 8878, 3.1.1); left out of what is kept.
const ZSTD_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();

/// What parcels usually hold, so that a small parcel compresses well. Frozen: a change of one byte
/// makes stored parcels unreadable. The recipe is `protocol/examples/dictionary.rs`.
const DICTIONARY: &[u8] = include_bytes!("dictionary.bin");

const LEVEL: i32 = 12;

/// The dictionary made ready once: that costs twenty times what a small parcel does.
static PREPARED: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));

/// Compresses with the frozen dictionary; `None` where that would not make it smaller.
#[must_use]
pub fn compress(content: &[u8]) -> Option<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::with_prepared_dictionary(&PREPARED).ok()?;
    compressor
        .set_parameter(zstd::zstd_safe::CParameter::ContentSizeFlag(false))
        .ok()?;
    compressor
        .set_parameter(zstd::zstd_safe::CParameter::DictIdFlag(false))
        .ok()?;
    let frame = compressor.compress(content).ok()?;
    let body = frame.strip_prefix(&ZSTD_MAGIC)?;
    (body.len() < content.len()).then(|| body.to_vec())
}

/// Undoes [`compress`]. Never produces more than [`PARCEL_CONTENT_BYTES_MAX`].
///
/// # Errors
/// [`SealError::Malformed`] for bytes that are no such frame or that would produce more.
pub fn decompress(body: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut frame = Vec::with_capacity(ZSTD_MAGIC.len() + body.len());
    frame.extend_from_slice(&ZSTD_MAGIC);
    frame.extend_from_slice(body);
    let mut decompressor =
        zstd::bulk::Decompressor::with_dictionary(DICTIONARY).map_err(|_| SealError::Malformed)?;
    decompressor
        .decompress(&frame, PARCEL_CONTENT_BYTES_MAX)
        .map_err(|_| SealError::Malformed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Goal: padding never shrinks, costs half again at most, and only a few sizes exist.
    #[test]
    fn padding_stays_on_the_ladder() {
        let mut sizes = std::collections::BTreeSet::new();
        for length in 0..70_000 {
            let padded = padded_length(length);
            assert!(padded >= length && padded <= (length + length / 2).max(16));
            sizes.insert(padded);
        }
        assert!(sizes.len() <= 26, "{sizes:?}");
    }

    /// Goal: a box opens only with its seed, its info and its bytes.
    #[test]
    fn a_box_opens_for_its_owner_alone() {
        let (mine, other) = (Secret([1; 32]), Secret([2; 32]));
        let sealed = box_seal(&box_key(&mine), b"for", b"the key", [9; 32]).unwrap();
        assert_eq!(sealed.len(), 7 + BOX_BYTES);
        assert_eq!(box_open(&mine, b"for", &sealed).unwrap(), b"the key");
        assert_eq!(box_open(&other, b"for", &sealed), Err(SealError::Wrong));
        assert_eq!(
            box_open(&mine, b"elsewhere", &sealed),
            Err(SealError::Wrong)
        );
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(box_open(&mine, b"for", &bad).is_err());
        }
    }

    /// Goal: compression is undone exactly, and a bomb is refused rather than inflated.
    #[test]
    fn compression_is_bounded() {
        let content = b"attended attended attended attended".repeat(10);
        assert_eq!(decompress(&compress(&content).unwrap()).unwrap(), content);
        let bomb = compress(&vec![0; 2 * PARCEL_CONTENT_BYTES_MAX]).unwrap();
        assert!(bomb.len() < 1_000);
        assert_eq!(decompress(&bomb), Err(SealError::Malformed));
    }
}
