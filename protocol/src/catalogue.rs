//! What is learnt: small numbers for programmes and their modules, and the names by which import
//! files call them. It is not the catalogue's texts: titles for people live in the locale files,
//! and which sessions a module has is data of the sites.
//!
//! A module's number carries its programme, so that nothing has to be looked up to know that an
//! attended session belongs to BEEP. A number that this version does not know stays a number: it
//! is stored, forwarded, counted by module, and printed as `programme-9` or `module-4.11`.

use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A programme of the education centre, or a class register of an outside provider.
///
/// One byte in the formats of this crate; its name where people may read it (JSON).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgrammeId(pub u8);

/// A module of a programme. Modules are numbered from 1 within their programme.
///
/// Two bytes in the formats of this crate; its name where people may read it (JSON).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId {
    /// The programme that the module belongs to.
    pub programme: ProgrammeId,
    /// The module's number within the programme, from 1.
    pub number: u8,
}

/// What an enrolment, an exam or a certificate is about: a whole programme or one module of it.
///
/// Two bytes in every format: the programme, then the module's number or 0 for the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "ModuleId", into = "ModuleId")]
pub enum Scope {
    /// The programme as a whole.
    Programme(ProgrammeId),
    /// One of its modules.
    Module(ModuleId),
}

/// The programmes and their modules, by the names of the import files. A module's number is its
/// place in the list, from 1: a new one is appended, and none is ever removed.
const CATALOGUE: [(ProgrammeId, &str, &[&str]); 8] = [
    (ProgrammeId::BEEP, "beep", &BEEP_COURSES),
    (ProgrammeId::ENGLISH, "english", &["a1", "a2"]),
    (ProgrammeId::DIGITAL, "digital", &["digital-basics"]),
    (
        ProgrammeId::REINTEGRATION,
        "reintegration",
        &REINTEGRATION_MODULES,
    ),
    (ProgrammeId::LITERACY, "literacy", &[]),
    (ProgrammeId::VOCATIONAL, "vocational", &[]),
    (ProgrammeId::ORIENTATION, "orientation", &[]),
    (ProgrammeId::LIBRARY, "library", &[]),
];

const BEEP_COURSES: [&str; 7] = [
    "khmer",
    "math-1",
    "math-2",
    "chemistry",
    "gender",
    "physics",
    "fundamental-skills",
];

/// Six are named by the sources; two are slots that the DGP fills.
const REINTEGRATION_MODULES: [&str; 8] = [
    "self-awareness",
    "emotional-regulation",
    "personal-finance",
    "job-search",
    "micro-business",
    "safe-reintegration",
    "slot-7",
    "slot-8",
];

impl ProgrammeId {
    /// Basic Education Equivalency Programme: seven courses and an official exam.
    pub const BEEP: Self = Self(1);
    /// English, levels A1 and A2.
    pub const ENGLISH: Self = Self(2);
    /// Digital basics.
    pub const DIGITAL: Self = Self(3);
    /// The eight reintegration modules.
    pub const REINTEGRATION: Self = Self(4);
    /// Literacy classes, held by a provider.
    pub const LITERACY: Self = Self(5);
    /// Vocational training, held by a provider.
    pub const VOCATIONAL: Self = Self(6);
    /// Vocational orientation, held by a provider.
    pub const ORIENTATION: Self = Self(7);
    /// The library.
    pub const LIBRARY: Self = Self(8);

    /// The programmes that this version knows, in their numbers' order.
    pub fn all() -> impl Iterator<Item = Self> {
        CATALOGUE.iter().map(|(id, _, _)| *id)
    }

    /// The programme of that name in an import file, such as `beep`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        CATALOGUE
            .iter()
            .find(|(_, known, _)| *known == name)
            .map(|(id, _, _)| *id)
    }

    /// The name in import files, if this version knows the programme.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        CATALOGUE
            .iter()
            .find(|(id, _, _)| *id == self)
            .map(|(_, name, _)| *name)
    }

    /// The module of that name in an import file, such as `math-1` of BEEP.
    #[must_use]
    pub fn module(self, name: &str) -> Option<ModuleId> {
        self.modules().find(|module| module.name() == Some(name))
    }

    /// The modules that this version knows, in their order; none for a class register.
    pub fn modules(self) -> impl Iterator<Item = ModuleId> {
        (1..=u8::MAX)
            .zip(module_names(self))
            .map(move |(number, _)| ModuleId {
                programme: self,
                number,
            })
    }

    /// Whether work in the programme makes a person a beneficiary of the education centre
    /// (IND-01): literacy, vocational classes and the library do not.
    #[must_use]
    pub fn is_of_the_centre(self) -> bool {
        matches!(
            self,
            Self::BEEP | Self::ENGLISH | Self::DIGITAL | Self::REINTEGRATION
        )
    }
}

impl ModuleId {
    /// The module that teaches how to start a micro-business.
    pub const MICRO_BUSINESS: Self = Self {
        programme: ProgrammeId::REINTEGRATION,
        number: 5,
    };

    /// The name in import files, if this version knows the module.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let place = usize::from(self.number).checked_sub(1)?;
        module_names(self.programme).get(place).copied()
    }
}

impl Scope {
    /// The programme, whole or in part.
    #[must_use]
    pub fn programme(self) -> ProgrammeId {
        ModuleId::from(self).programme
    }

    /// The module, if it is about one only.
    #[must_use]
    pub fn module(self) -> Option<ModuleId> {
        match self {
            Self::Programme(_) => None,
            Self::Module(module) => Some(module),
        }
    }
}

impl From<ModuleId> for Scope {
    fn from(module: ModuleId) -> Self {
        match module.number {
            0 => Self::Programme(module.programme),
            _ => Self::Module(module),
        }
    }
}

impl From<Scope> for ModuleId {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Programme(programme) => Self {
                programme,
                number: 0,
            },
            Scope::Module(module) => module,
        }
    }
}

impl fmt::Display for ProgrammeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "programme-{}", self.0),
        }
    }
}

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "module-{}.{}", self.programme.0, self.number),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Programme(programme) => programme.fmt(f),
            Self::Module(module) => module.fmt(f),
        }
    }
}

/// A text that is neither a name nor a number as `Display` prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such programme or module")]
pub struct UnknownName;

impl FromStr for ProgrammeId {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let numbered = || Some(Self(text.strip_prefix("programme-")?.parse().ok()?));
        Self::from_name(text).or_else(numbered).ok_or(UnknownName)
    }
}

impl FromStr for ModuleId {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let numbered = || {
            let (programme, number) = text.strip_prefix("module-")?.split_once('.')?;
            let programme = ProgrammeId(programme.parse().ok()?);
            Some(Self {
                programme,
                number: number.parse().ok()?,
            })
        };
        let named = ProgrammeId::all().find_map(|programme| programme.module(text));
        named.or_else(numbered).ok_or(UnknownName)
    }
}

impl Serialize for ProgrammeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for ProgrammeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?
                .parse()
                .map_err(D::Error::custom)
        } else {
            u8::deserialize(deserializer).map(Self)
        }
    }
}

impl Serialize for ModuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.programme, self.number).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for ModuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?
                .parse()
                .map_err(D::Error::custom)
        } else {
            let (programme, number) = <(ProgrammeId, u8)>::deserialize(deserializer)?;
            Ok(Self { programme, number })
        }
    }
}

fn module_names(programme: ProgrammeId) -> &'static [&'static str] {
    CATALOGUE
        .iter()
        .find(|(id, _, _)| *id == programme)
        .map_or(&[], |(_, _, modules)| *modules)
}

/// Goal: a number never changes its meaning, and an unknown one is never lost.
/// Method: look every known name up and back; then print and encode numbers that nobody knows.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn every_known_name_leads_to_its_number_and_back() {
        let mut modules = 0;
        for programme in ProgrammeId::all() {
            assert_eq!(
                ProgrammeId::from_name(programme.name().unwrap()),
                Some(programme)
            );
            for module in programme.modules() {
                assert_eq!(programme.module(&module.to_string()), Some(module));
                // So that a name alone says which module is meant.
                assert_eq!(module.to_string().parse(), Ok(module));
                modules += 1;
            }
        }
        assert_eq!(modules, 7 + 2 + 1 + 8);
        assert_eq!(ModuleId::MICRO_BUSINESS.to_string(), "micro-business");
        assert_eq!(ProgrammeId::BEEP.module("a1"), None);
        assert_eq!(ProgrammeId::from_name("BEEP"), None);
    }

    #[test]
    fn an_unknown_number_prints_and_survives_its_encoding() {
        let module = ModuleId {
            programme: ProgrammeId(4),
            number: 11,
        };
        assert_eq!(module.to_string(), "module-4.11");
        assert_eq!("module-4.11".parse(), Ok(module));
        assert_eq!(ProgrammeId(9).to_string(), "programme-9");
        assert_eq!("programme-9".parse(), Ok(ProgrammeId(9)));
        assert_eq!("module-4".parse::<ModuleId>(), Err(UnknownName));
        for scope in [Scope::Module(module), Scope::Programme(ProgrammeId(9))] {
            let bytes = postcard::to_allocvec(&scope).unwrap();
            assert_eq!(bytes.len(), 2);
            assert_eq!(postcard::from_bytes::<Scope>(&bytes).unwrap(), scope);
        }
    }
}
