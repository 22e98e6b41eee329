//! What is sealed on a slip: a grant, as short as it can be said. A site and a stay are said once for
//! the keys of both streams, and of the run only what its site's number does not tell.

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::id::{LearnerId, RunId, SiteId, StayId, Stream};
use crate::limits::SLIP_LEARNERS_MAX;
use crate::stay::{GrantContent, HeldKey, StayKey};

/// The bytes of a run that its site's number does not tell.
const RUN_REST: usize = 14;

#[derive(Serialize, Deserialize)]
struct Content {
    /// The run is the issuer's own.
    upto: Option<([u8; RUN_REST], u32)>,
    learners: Vec<(LearnerId, Vec<OfStay>)>,
}

#[derive(Serialize, Deserialize)]
struct OfStay {
    site: SiteId,
    stay: StayId,
    keys: Keys,
}

#[derive(Serialize, Deserialize)]
enum Keys {
    Education(StayKey),
    Restricted(StayKey),
    Both(StayKey, StayKey),
}

/// A grant as it is sealed on a slip from `source`.
///
/// # Errors
/// [`DecodeError`] for nobody, more learners than a slip names, or a run that is not the issuer's.
pub(super) fn encode(source: SiteId, grant: &GrantContent) -> Result<Vec<u8>, DecodeError> {
    let upto = match &grant.upto {
        None => None,
        Some((run, _)) if run.site() != source => return Err(DecodeError::Malformed),
        Some((run, height)) => {
            let mut rest = [0; RUN_REST];
            rest.copy_from_slice(&run.0[2..]);
            Some((rest, *height))
        }
    };
    let learners = grant
        .learners
        .iter()
        .map(|(learner, keys)| (*learner, of_stays(keys)))
        .collect();
    let content = Content { upto, learners };
    check(&content)?;
    Ok(codec::encode(&content))
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// [`DecodeError`] for anything else.
pub(super) fn decode(source: SiteId, bytes: &[u8]) -> Result<GrantContent, DecodeError> {
    let content: Content = codec::decode(bytes)?;
    check(&content)?;
    let run = |rest: [u8; RUN_REST]| {
        let mut run = [0; 16];
        run[2..].copy_from_slice(&rest);
        RunId::of(source, run)
    };
    let held = |stays: Vec<OfStay>| stays.into_iter().flat_map(OfStay::held).collect();
    Ok(GrantContent {
        upto: content.upto.map(|(rest, height)| (run(rest), height)),
        learners: content
            .learners
            .into_iter()
            .map(|(learner, stays)| (learner, held(stays)))
            .collect(),
    })
}

fn check(content: &Content) -> Result<(), DecodeError> {
    if content.learners.is_empty() {
        return Err(DecodeError::Malformed);
    }
    codec::at_most(content.learners.len(), SLIP_LEARNERS_MAX)
}

/// An education key with the restricted one that follows it is of one stay.
fn of_stays(keys: &[HeldKey]) -> Vec<OfStay> {
    let mut stays: Vec<OfStay> = Vec::new();
    for held in keys {
        let key = held.key.clone();
        if held.stream == Stream::Restricted
            && let Some(last) = stays.last_mut()
            && (last.site, last.stay) == (held.site, held.stay)
            && let Keys::Education(education) = &last.keys
        {
            last.keys = Keys::Both(education.clone(), key);
            continue;
        }
        stays.push(OfStay {
            site: held.site,
            stay: held.stay,
            keys: match held.stream {
                Stream::Education => Keys::Education(key),
                Stream::Restricted => Keys::Restricted(key),
            },
        });
    }
    stays
}

impl OfStay {
    fn held(self) -> Vec<HeldKey> {
        let Self { site, stay, keys } = self;
        let keys = match keys {
            Keys::Education(key) => vec![(Stream::Education, key)],
            Keys::Restricted(key) => vec![(Stream::Restricted, key)],
            Keys::Both(education, restricted) => vec![
                (Stream::Education, education),
                (Stream::Restricted, restricted),
            ],
        };
        let held = |(stream, key)| HeldKey {
            site,
            stream,
            stay,
            key,
        };
        keys.into_iter().map(held).collect()
    }
}
