//! Whom a new person may be: who has the same name in either script, with nothing that speaks
//! against it. It only proposes; a person decides.

use serde::{Deserialize, Serialize};
use spean_protocol::event::{NamePart, Script};
use spean_protocol::id::LearnerId;
use spean_protocol::letter::Question;
use spean_protocol::view::{LearnerView, Name, Profile};

use super::{Engine, EngineError};
use crate::store::Store;

/// Candidates that are shown for one question.
const CANDIDATES_MAX: usize = 8;

/// Learners that are compared for each part of a name.
const FOUND_MAX: usize = 200;

/// Somebody whom a new person may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The learner.
    pub learner: LearnerId,
    /// His name.
    pub name: String,
    /// What the two have in common, in words.
    pub because: Vec<String>,
}

impl<S: Store> Engine<S> {
    /// Who a new person may be: the same name in either script and either order, with nothing that
    /// speaks against it; the most in common first.
    pub(super) fn candidates(&self, question: &Question) -> Result<Vec<Candidate>, EngineError> {
        let Some(view) = self.view(question.learner)? else {
            return Ok(Vec::new());
        };
        let mut found: Vec<Candidate> = Vec::new();
        for needle in needles(&view.profile) {
            for row in self.store.find(&needle, false, FOUND_MAX)? {
                let known = found.iter().any(|one| one.learner == row.learner);
                if known || row.learner == question.learner {
                    continue;
                }
                let Some(other) = self.view(row.learner)? else {
                    continue;
                };
                let because = in_common(&view, &other);
                if !because.is_empty() {
                    found.push(Candidate {
                        learner: row.learner,
                        name: row.name,
                        because,
                    });
                }
            }
        }
        found.sort_by_key(|one| (std::cmp::Reverse(one.because.len()), one.learner));
        found.truncate(CANDIDATES_MAX);
        Ok(found)
    }
}

/// A name without what people write in different ways: case, blanks, and zero-width marks.
fn folded(part: &NamePart) -> String {
    let letters = part
        .chars()
        .filter(|c| c.is_alphanumeric() || !c.is_ascii());
    let visible = letters.filter(|c| !c.is_whitespace() && !('\u{200b}'..='\u{200f}').contains(c));
    visible.flat_map(char::to_lowercase).collect()
}

/// What to look for: each name both ways round, as search texts have it, and then its parts, for
/// those who are written otherwise. A part alone, such as a common family name, finds too many for
/// the right one to be among the first of them.
fn needles(profile: &Profile) -> Vec<String> {
    let names = || profile.names.iter().map(|claim| &claim.value);
    let whole = names().flat_map(|name| {
        let (family, given) = (&*name.family, &*name.given);
        [format!("{family} {given}"), format!("{given} {family}")]
    });
    let parts = names().flat_map(|name| [name.family.to_string(), name.given.to_string()]);
    let all = whole.chain(parts).map(|text| text.trim().to_lowercase());
    all.filter(|text| !text.is_empty()).collect()
}

fn same_name(one: &Profile, other: &Profile, script: Script) -> bool {
    let names = |profile: &Profile| -> Vec<(String, String)> {
        let of_script = profile.names.iter().map(|claim| &claim.value);
        let both = |name: &Name| (folded(&name.family), folded(&name.given));
        of_script
            .filter(|name| name.script == script)
            .map(both)
            .collect()
    };
    let others = names(other);
    names(one)
        .into_iter()
        .any(|(a, b)| others.contains(&(a.clone(), b.clone())) || others.contains(&(b, a)))
}

/// What two records have in common, in words; nothing where that is no name, or where they
/// contradict each other.
fn in_common(one: &LearnerView, other: &LearnerView) -> Vec<String> {
    let mut because = Vec::new();
    for (script, word) in [(Script::Khmer, "Khmer name"), (Script::Latin, "Latin name")] {
        if same_name(&one.profile, &other.profile, script) {
            because.push(format!("same {word}"));
        }
    }
    if because.is_empty() {
        // A birth year is common to thousands.
        return because;
    }
    let sexes = |view: &LearnerView| view.profile.sex.first().map(|claim| claim.value);
    let years = |view: &LearnerView| view.profile.birth.first().map(|claim| claim.value.year());
    match (sexes(one), sexes(other)) {
        (Some(a), Some(b)) if a != b => return Vec::new(),
        _ => {}
    }
    match (years(one), years(other)) {
        (Some(a), Some(b)) if a.abs_diff(b) > 1 => return Vec::new(),
        (Some(a), Some(b)) if a == b => because.push("same birth year".to_owned()),
        (Some(_), Some(_)) => because.push("birth years one apart".to_owned()),
        _ => {}
    }
    let numbers = |view: &LearnerView| -> Vec<[u8; 16]> {
        let numbers = view.profile.prisoner_numbers.iter();
        numbers.map(|claim| claim.value).collect()
    };
    let theirs = numbers(other);
    if numbers(one).iter().any(|number| theirs.contains(number)) {
        because.push("same prisoner number".to_owned());
    }
    because
}
