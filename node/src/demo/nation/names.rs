//! Names for generated people: a list of common family and given names, combined at random. A
//! combination may well be somebody's name; it says nothing about him.

use std::collections::BTreeSet;

use super::draw::Draw;
use super::learner::Sex;

/// One name in both scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub khmer: &'static str,
    pub latin: &'static str,
}

/// The list, and which combinations are taken.
pub(super) struct Names {
    family: Vec<Name>,
    male: Vec<Name>,
    female: Vec<Name>,
    taken: BTreeSet<(Name, Name)>,
}

/// Tab-separated lines of role, Khmer and Latin. UTF-8: a data file, unlike the sources.
const LIST: &str = include_str!("names.txt");

/// A stand-in for a list that an edit has left without a role.
const NO_NAME: Name = Name {
    khmer: "?",
    latin: "?",
};

impl Names {
    pub(super) fn new() -> Self {
        let with_role = |wanted: &str| {
            let fields = LIST.lines().filter_map(|line| {
                let (role, names) = line.split_once('\t')?;
                let (khmer, latin) = names.split_once('\t')?;
                (role == wanted).then_some(Name { khmer, latin })
            });
            fields.collect()
        };
        Self {
            family: with_role("family"),
            male: with_role("male"),
            female: with_role("female"),
            taken: BTreeSet::new(),
        }
    }

    /// A family and a given name that nobody has yet. A missing sex has a man's name.
    pub(super) fn fresh(&mut self, sex: Sex, draw: &mut Draw) -> (Name, Name) {
        /// With two thirds of the combinations taken, a hundred draws fail once in 10^17.
        const TRIES_MAX: u32 = 100;
        let given_names = if sex == Sex::Woman {
            &self.female
        } else {
            &self.male
        };
        let mut pair = (NO_NAME, NO_NAME);
        for _ in 0..TRIES_MAX {
            pair = (one_of(&self.family, draw), one_of(given_names, draw));
            if self.taken.insert(pair) {
                break;
            }
        }
        pair
    }
}

fn one_of(names: &[Name], draw: &mut Draw) -> Name {
    let index = draw.index(names.len());
    names.get(index).copied().unwrap_or(NO_NAME)
}
