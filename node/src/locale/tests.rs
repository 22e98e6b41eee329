//! Goal: a screen never has a gap, and no word is kept that no screen shows.
//! Method: read the keys of the files with the library's own parser, and those that the program
//! asks for from its sources; then compare all four.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;

use spean_protocol::event::{
    AssessmentKind, EducationLevel, ExamOutcome, Issuer, Purpose, Sex, WithdrawalReason,
};

use super::*;
use crate::kobo::forms::pack;
use crate::kobo::lists::List;
use crate::register::kind::Kind;

/// What begins a key in the templates and the Rust sources, once all white space is left out.
const BEFORE: [&str; 5] = [
    ".text(\"",
    "text(language,\"",
    ".count(\"",
    ".say(\"",
    ",\"notice-",
];

/// Keys of a file, with the names of their arguments.
fn keys(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in language
        .source()
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let named = line
            .split_once(" =")
            .filter(|(key, _)| !key.contains([' ', '$', '[']));
        if let Some((key, _)) = named {
            current = key.to_owned();
            assert!(
                keys.insert(current.clone(), BTreeSet::new()).is_none(),
                "{current} twice"
            );
        }
        for part in line.split('$').skip(1) {
            let end = part
                .find(|letter: char| !letter.is_ascii_alphanumeric())
                .unwrap();
            keys.get_mut(&current)
                .unwrap()
                .insert(part[..end].to_owned());
        }
    }
    keys
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path
            .extension()
            .is_some_and(|end| end == "rs" || end == "html")
        {
            found.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// Every key that the program may ask for: the pages', the papers' and this module's own.
fn asked() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = [include_str!("../locale.rs"), include_str!("../web.rs")];
    let mut texts = own.map(str::to_owned).to_vec();
    sources(&root.join("templates"), &mut texts);
    sources(&root.join("src/web"), &mut texts);
    sources(&root.join("src/paper"), &mut texts);
    let mut asked = BTreeSet::new();
    for text in &texts {
        let text: String = text.split_whitespace().collect();
        for before in BEFORE {
            let from = before.find('"').unwrap() + 1;
            let keys = text.match_indices(before).map(|(at, _)| &text[at + from..]);
            asked.extend(keys.map(|rest| rest.split_once('"').unwrap().0.to_owned()));
        }
    }
    let mut named = |list: &str, name: Option<&str>| {
        asked.insert(format!("{list}-{}", name.unwrap()));
    };
    for month in 1..=12 {
        named("month", Some(&month.to_string()));
    }
    for column in Kind::ALL.into_iter().flat_map(Kind::columns) {
        let name = column.name.replace('_', "-");
        named("column", Some(&name));
        named("column", Some(&format!("{name}-hint")));
    }
    for programme in ProgrammeId::all() {
        named("programme", programme.name());
        programme
            .modules()
            .for_each(|module| named("module", module.name()));
    }
    Sex::ALL.iter().for_each(|code| named("sex", code.name()));
    EducationLevel::ALL
        .iter()
        .for_each(|code| named("education", code.name()));
    AssessmentKind::ALL
        .iter()
        .for_each(|code| named("test", code.name()));
    ExamOutcome::ALL
        .iter()
        .for_each(|code| named("outcome", code.name()));
    Issuer::ALL
        .iter()
        .for_each(|code| named("issuer", code.name()));
    Purpose::ALL
        .iter()
        .for_each(|code| named("purpose", code.name()));
    WithdrawalReason::ALL
        .iter()
        .for_each(|code| named("withdrawal", code.name()));
    for form in pack() {
        asked.insert(format!("kobo-form-{}", form.kind));
        for question in &form.questions {
            asked.extend(question.key());
            asked.extend(question.hint_key());
            asked.extend(question.constraint_key());
            let list = question.list().filter(|list| *list != List::Scale);
            let of = |list: List| {
                list.choices()
                    .into_iter()
                    .map(move |choice| list.key(&choice))
            };
            asked.extend(list.into_iter().flat_map(of));
        }
    }
    asked
}

#[test]
fn every_file_is_whole() {
    for language in Language::ALL {
        let resource = FluentResource::try_new(language.source().to_owned());
        assert!(
            resource.is_ok(),
            "{}: {:?}",
            language.code(),
            resource.err().map(|e| e.1)
        );
        assert_eq!(Language::from_code(language.code()), Some(language));
    }
    assert_eq!(Language::from_code("xx"), None);
}

#[test]
fn every_language_has_the_same_keys_and_arguments() {
    let english = keys(Language::English);
    for language in [Language::Khmer, Language::French] {
        let other = keys(language);
        let own: Vec<_> = other
            .iter()
            .filter(|pair| english.get(pair.0) != Some(pair.1))
            .collect();
        let lacking: Vec<_> = english
            .keys()
            .filter(|key| !other.contains_key(*key))
            .collect();
        assert!(
            own.is_empty() && lacking.is_empty(),
            "{}: {own:?} {lacking:?}",
            language.code()
        );
    }
    for key in english.keys() {
        let bundles = Language::ALL.map(|language| BUNDLES[&language].has_message(key));
        assert_eq!(bundles, [true; 3], "{key}");
    }
}

#[test]
fn keys_asked_for_are_the_keys_there() {
    let there: BTreeSet<String> = keys(Language::English).into_keys().collect();
    let asked = asked();
    let missing: Vec<_> = asked.difference(&there).collect();
    let unused: Vec<_> = there.difference(&asked).collect();
    assert!(
        missing.is_empty() && unused.is_empty(),
        "missing {missing:?}, unused {unused:?}"
    );
}

/// A line that was left in English would show here; what is made of arguments alone has no letters.
#[test]
fn khmer_is_khmer() {
    for key in keys(Language::Khmer).keys() {
        // Arguments that are not given stand in braces.
        let said = text(Language::Khmer, key, &[]);
        let outside: String = said
            .split('{')
            .map(|part| part.rsplit('}').next().unwrap_or_default())
            .collect();
        let khmer = outside
            .chars()
            .any(|letter| ('\u{1780}'..='\u{17ff}').contains(&letter));
        assert!(
            khmer || !outside.chars().any(char::is_alphabetic),
            "{key}: {said}"
        );
    }
}

#[test]
fn dates_and_titles_are_said() {
    let day = "2025-03-09".parse().ok();
    assert_eq!(date(Language::English, day), "9 March 2025");
    assert_eq!(date(Language::French, day), "9 mars 2025");
    assert!(date(Language::Khmer, day).ends_with(" 2025"));
    assert_eq!(date(Language::English, None), "no date");
    let born = |text: &str| birth(Language::French, text.parse().unwrap());
    assert_eq!(
        [born("1990"), born("1990-05"), born("1990-05-17")].join(";"),
        "1990;mai 1990;17 mai 1990"
    );
    assert_eq!(
        module(Language::English, ModuleId::MICRO_BUSINESS),
        "Starting a micro-business"
    );
    let unknown = ModuleId {
        programme: ProgrammeId(99),
        number: 200,
    };
    assert_eq!(
        scope(Language::English, Scope::Module(unknown)),
        "Programme 99: Module 200"
    );
    assert_eq!(text(Language::French, "no-such-key", &[]), "no-such-key");
}
