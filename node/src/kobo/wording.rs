//! The words of the WHO-5: five items, and the six answers to each. They are not this project's to give; a site
//! supplies them as a small file. Without it an item is a number that says what is missing.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::forms::ITEMS;
use crate::home::read_small;
use crate::locale::Language;
use crate::register::value::shortened;

/// Bytes of a file of words: five sentences in three languages.
const BYTES_MAX: usize = 64 * 1024;

/// Letters of one item.
const LETTERS_MAX: usize = 500;

/// The words in each language that has them.
#[derive(Clone, Debug, Default)]
pub struct Wording(BTreeMap<Language, Words>);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    items: Vec<String>,
    #[serde(default)]
    answers: Vec<String>,
}

impl Wording {
    /// Reads a file of words: TOML, with a table `km`, `en` or `fr` that has `items` and, if wanted, `answers`.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn read(path: &Path) -> Result<Self, String> {
        let said = |error: String| format!("{}: {error}", path.display());
        let bytes = read_small(path, BYTES_MAX).map_err(|error| said(error.to_string()))?;
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| said("not UTF-8 text: save the file as UTF-8".to_owned()))?;
        Self::parse(&text).map_err(said)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let tables: BTreeMap<String, Words> =
            toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let mut words = BTreeMap::new();
        for (code, table) in tables {
            let language = Language::from_code(&code).ok_or_else(|| {
                let shown = shortened(&code);
                format!("'{shown}' is no language of the forms: name the table km, en or fr")
            })?;
            let (items, answers) = (table.items.len(), table.answers.len());
            if items != ITEMS {
                return Err(format!("{code}: {items} items, the WHO-5 has {ITEMS}"));
            }
            if answers != 0 && answers != ITEMS + 1 {
                let six = ITEMS + 1;
                return Err(format!(
                    "{code}: {answers} answers, the WHO-5 has {six}, for 0 to 5 in this order"
                ));
            }
            let bad = |text: &String| {
                text.trim().is_empty()
                    || text.chars().count() > LETTERS_MAX
                    || text.chars().any(char::is_control)
            };
            if table.items.iter().chain(&table.answers).any(bad) {
                return Err(format!(
                    "{code}: a text is empty, in several lines, or longer than {LETTERS_MAX} letters"
                ));
            }
            words.insert(language, table);
        }
        Ok(Self(words))
    }

    /// The words of an item, from 0.
    #[must_use]
    pub fn item(&self, language: Language, item: usize) -> String {
        let own = self
            .0
            .get(&language)
            .and_then(|words| words.items.get(item));
        own.cloned().unwrap_or_else(|| {
            let number = item + 1;
            format!("Item {number} (wording of the ministry-approved Khmer WHO-5 to be supplied)")
        })
    }

    /// The words of an answer, from 0; the number itself where there are none.
    #[must_use]
    pub fn answer(&self, language: Language, answer: usize) -> String {
        let words = self.0.get(&language);
        let own = words.and_then(|words| words.answers.get(answer));
        own.cloned().unwrap_or_else(|| answer.to_string())
    }

    /// Languages without words.
    #[must_use]
    pub fn missing(&self) -> Vec<Language> {
        let all = Language::ALL.into_iter();
        all.filter(|language| !self.0.contains_key(language))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    /// Goal: words that a site supplies are taken whole or refused by name. Method: a good file, and each way in
    /// which one can be wrong.
    #[test]
    fn words_are_taken_whole_or_refused() {
        let good = "[km]\nitems = ['a', 'b', 'c', 'd', 'e']\nanswers = ['0', '1', '2', '3', '4', 'always']\n";
        let wording = Wording::parse(good).unwrap();
        assert_eq!(wording.item(Language::Khmer, 4), "e");
        assert_eq!(wording.answer(Language::Khmer, 5), "always");
        assert_eq!(wording.answer(Language::French, 5), "5");
        assert!(
            wording
                .item(Language::French, 0)
                .starts_with("Item 1 (wording")
        );
        assert_eq!(wording.missing(), [Language::English, Language::French]);
        for (bad, why) in [
            ("[km]\nitems = ['a']", "km: 1 items"),
            ("[xx]\nitems = ['a', 'b', 'c', 'd', 'e']", "no language"),
            ("[km]\nitems = ['a', 'b', 'c', 'd', ' ']", "a text is empty"),
            (
                "[km]\nitems = ['a', 'b', 'c', 'd', 'e']\nanswers = ['x']",
                "1 answers",
            ),
            ("[km]\nwords = []", "unknown field"),
            ("km", "expected"),
        ] {
            let said = Wording::parse(bad).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }
}
