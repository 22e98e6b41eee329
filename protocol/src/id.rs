//! The identifiers that the other modules share. Plain values: nothing here has behaviour beyond
//! being shown and parsed.
//!
//! Sixteen-byte identifiers are drawn at random or are a keyed hash, never counted: two nodes that
//! are apart can both mint them and never agree by accident.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of a site in the roster. One site has one log; the DGP is a site like the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SiteId(pub u16);

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "site-{}", self.0)
    }
}

/// A text that is not an identifier: it is not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 hexadecimal digits")]
pub struct BadId;

macro_rules! sixteen_bytes {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        /// Digits where people may read it (JSON), sixteen bytes in the formats of this crate.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
                } else {
                    Ok(Self(<[u8; 16]>::deserialize(deserializer)?))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let bytes = data_encoding::HEXLOWER_PERMISSIVE
                    .decode(text.as_bytes())
                    .map_err(|_| BadId)?;
                Ok(Self(bytes.try_into().map_err(|_| BadId)?))
            }
        }
    )*};
}

sixteen_bytes! {
    /// A learner, for life and across sites. Printed on the learner's card.
    LearnerId;
    /// One stay of one learner at one site, from arrival to departure.
    StayId;
    /// One run of a node: the unbroken piece of its log that one process start wrote.
    RunId;
    /// A question to the DGP: its answer names it.
    QuestionId;
    /// What finds a parcel: it commits to the stay key, the learner, the stream and the run.
    Label;
}

impl RunId {
    /// A new run of a site. The id starts with the site's number, so that no other site can open a
    /// run of that id first; `random` supplies the rest.
    #[must_use]
    pub fn of(site: SiteId, random: [u8; 16]) -> Self {
        let mut id = random;
        id[..2].copy_from_slice(&site.0.to_be_bytes());
        Self(id)
    }

    /// The site whose run it is.
    #[must_use]
    pub const fn site(self) -> SiteId {
        SiteId(u16::from_be_bytes([self.0[0], self.0[1]]))
    }

    /// Whether the id is one of that site's.
    #[must_use]
    pub fn belongs_to(self, site: SiteId) -> bool {
        self.site() == site
    }
}

/// The two streams of a learner's record. They are separate documents under separate keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stream {
    /// What was learnt, where, and with what result. The DGP can read it.
    Education,
    /// WHO-5 answers, disability, indigenous status. The DGP cannot read it.
    Restricted,
}

impl Stream {
    /// Both streams, in the order in which they are stored.
    pub const ALL: [Self; 2] = [Self::Education, Self::Restricted];

    /// The byte that stands for the stream in formats and in key derivations.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Education => 0,
            Self::Restricted => 1,
        }
    }
}

/// A BLAKE3 hash, 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What stands where there is no earlier segment.
    pub const ZERO: Self = Self([0; 32]);
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({})", &data_encoding::HEXLOWER.encode(&self.0[..6]))
    }
}

/// Where in a site's log something was written: the causal position of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The site whose log it is.
    pub site: SiteId,
    /// The run within that log.
    pub run: RunId,
    /// The height of the data segment within the run, from 0.
    pub height: u32,
}
