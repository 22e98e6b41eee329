//! The five forms of the pack, as questions. Their words stand in the locale files. Not here: how a form is written as a spreadsheet, and what becomes of the answers.

use super::lists::List;

/// The question that says which form it is, in every export.
pub const WHICH: &str = "spean_form";

/// The items of the WHO-5.
pub const ITEMS: usize = 5;

/// A form.
#[derive(Clone, Debug)]
pub struct Form {
    /// Its kind, by which the mapping calls it: also the name of its file.
    pub kind: &'static str,
    /// What is asked, in order.
    pub questions: Vec<Question>,
}

/// A question, or where a group of repeated ones begins or ends.
#[derive(Clone, Debug)]
pub struct Question {
    /// The name in exports; `item_1` to `item_5` are the items of the WHO-5.
    pub name: String,
    /// What is answered.
    pub answer: Answer,
    /// Whether it must be answered where it is shown.
    pub required: bool,
    /// What an answer must be, as XPath; empty where anything is.
    pub constraint: &'static str,
    /// When it is shown, as XPath; empty for always.
    pub relevant: &'static str,
    /// Something is said below it.
    pub hint: bool,
}

/// How a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is not asked: the form says its own kind.
    Kind,
    /// A day.
    Day,
    /// A month, which Kobo keeps as its first day.
    Month,
    /// A code that the tablet's camera reads.
    Barcode,
    /// One line.
    Text,
    /// A number without a fraction.
    Whole,
    /// A number.
    Number,
    /// One of a list.
    One(List),
    /// Any of a list.
    Several(List),
    /// Nothing: something is said.
    Note,
    /// What follows is asked once for each person.
    Begin,
    /// To here.
    End,
}

impl Question {
    fn new(name: &str, answer: Answer) -> Self {
        Self {
            name: name.to_owned(),
            answer,
            required: false,
            constraint: "",
            relevant: "",
            hint: false,
        }
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn hinted(mut self) -> Self {
        self.hint = true;
        self
    }

    const fn must(mut self, constraint: &'static str) -> Self {
        self.constraint = constraint;
        self
    }

    const fn when(mut self, relevant: &'static str) -> Self {
        self.relevant = relevant;
        self
    }

    /// The list that it is answered from.
    #[must_use]
    pub const fn list(&self) -> Option<List> {
        match self.answer {
            Answer::One(list) | Answer::Several(list) => Some(list),
            _ => None,
        }
    }

    /// Whether somebody answers it.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        !matches!(
            self.answer,
            Answer::Kind | Answer::Note | Answer::Begin | Answer::End
        )
    }

    /// Which item of the WHO-5 it is, from 0.
    #[must_use]
    pub fn item(&self) -> Option<usize> {
        self.name
            .strip_prefix("item_")?
            .parse::<usize>()
            .ok()?
            .checked_sub(1)
    }

    /// The key of its words; none where nothing is shown, and for the WHO-5, whose words are not ours.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        let silent = matches!(self.answer, Answer::Kind | Answer::End) || self.item().is_some();
        (!silent).then(|| format!("kobo-{}", self.name.replace('_', "-")))
    }

    /// The key of what is said below it.
    #[must_use]
    pub fn hint_key(&self) -> Option<String> {
        Some(format!("{}-hint", self.key().filter(|_| self.hint)?))
    }

    /// The key of what is said where an answer is not as it must be.
    #[must_use]
    pub fn constraint_key(&self) -> Option<String> {
        let key = self.key().filter(|_| !self.constraint.is_empty())?;
        Some(format!("{key}-constraint"))
    }
}

/// The five forms.
#[must_use]
pub fn pack() -> Vec<Form> {
    vec![intake(), attendance(), test(), who5(), exit()]
}

fn form(kind: &'static str, parts: Vec<Vec<Question>>) -> Form {
    let begin = vec![
        Question::new(WHICH, Answer::Kind),
        Question::new("date", Answer::Day)
            .required()
            .must(". <= today()"),
    ];
    let all = std::iter::once(begin).chain(parts).flatten();
    Form {
        kind,
        questions: all.collect(),
    }
}

/// Who: by the card, or else by the user name, or else by name.
fn learner() -> Vec<Question> {
    const NO_CARD: &str = "${card} = ''";
    const NEITHER: &str = "${card} = '' and ${user_name} = ''";
    vec![
        Question::new("card", Answer::Barcode)
            .must("regex(., '^[0-9A-Fa-f]{32}$')")
            .hinted(),
        Question::new("user_name", Answer::Text)
            .must("string-length(.) <= 32")
            .when(NO_CARD)
            .hinted(),
        Question::new("name", Answer::Text)
            .must("string-length(.) <= 80")
            .when(NEITHER)
            .required()
            .hinted(),
        Question::new("sex", Answer::One(List::Sex)).when(NEITHER),
        Question::new("born", Answer::Whole)
            .must(". >= 1900 and . <= 2100")
            .when(NEITHER),
    ]
}

fn intake() -> Form {
    const AGREED: &str = "${consent} = 'yes'";
    let asked = vec![
        Question::new("consent", Answer::One(List::Agreement)).required(),
        Question::new("education", Answer::One(List::Education)).when(AGREED),
        Question::new("languages", Answer::Several(List::Language)).when(AGREED),
        Question::new("aspiration", Answer::One(List::Aspiration)).when(AGREED),
        Question::new("release_from", Answer::Month)
            .when(AGREED)
            .hinted(),
        Question::new("release_to", Answer::Month)
            .must(". >= ${release_from}")
            .when("${release_from} != ''")
            .required(),
    ];
    form("intake", vec![learner(), asked])
}

fn module() -> Vec<Question> {
    vec![
        Question::new("programme", Answer::One(List::Programme)).required(),
        Question::new("module", Answer::One(List::Module)).required(),
    ]
}

fn attendance() -> Form {
    let session = Question::new("session", Answer::Whole)
        .required()
        .must(". >= 1 and . <= 999");
    let begin = vec![session, Question::new("present", Answer::Begin)];
    let end = vec![Question::new("present", Answer::End)];
    form("attendance", vec![module(), begin, learner(), end])
}

fn test() -> Form {
    let asked = vec![
        Question::new("version", Answer::Whole)
            .required()
            .must(". >= 1 and . <= 999")
            .hinted(),
        Question::new("max", Answer::Number)
            .required()
            .must(". > 0"),
        Question::new("score", Answer::Number)
            .required()
            .must(". >= 0 and . <= ${max}"),
    ];
    let which = vec![Question::new("test", Answer::One(List::Test)).required()];
    form("test", vec![learner(), which, module(), asked])
}

fn who5() -> Form {
    let interview = Question::new("interview", Answer::One(List::Interview)).required();
    let item = |number| {
        let name = format!("item_{number}");
        Question::new(&name, Answer::One(List::Scale)).required()
    };
    let items = (1..=ITEMS).map(item).collect();
    form("who5", vec![learner(), vec![interview], items])
}

fn exit() -> Form {
    let asked = vec![
        Question::new("departure", Answer::Note),
        Question::new("referrals", Answer::Several(List::Referral)),
        Question::new("handouts", Answer::Several(List::Handout)),
        Question::new("remarks", Answer::Several(List::Remark)),
    ];
    form("exit", vec![learner(), asked])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::collections::BTreeSet;

    use super::*;
    use crate::locale::{self, Language};

    /// Goal: a header or a choice in any language is one question or choice, and a name is what Kobo can take.
    /// Method: all names and words of each form, compared with each other.
    #[test]
    fn names_and_words_of_a_form_are_unmistakable() {
        for form in pack() {
            let mut names = BTreeSet::new();
            let mut labels = BTreeSet::new();
            for question in form.questions {
                if question.answer == Answer::End {
                    continue;
                }
                let fine =
                    |letter: char| letter.is_ascii_lowercase() || "_0123456789".contains(letter);
                assert!(question.name.chars().all(fine), "{}", question.name);
                assert!(names.insert(question.name.clone()), "{}", question.name);
                let said = |language| question.key().map(|key| locale::text(language, &key, &[]));
                let said: BTreeSet<String> = Language::ALL.into_iter().filter_map(said).collect();
                for label in said {
                    assert!(!label.contains('/'), "{label}");
                    assert!(
                        labels.insert(label.to_lowercase()),
                        "{label} twice in {}",
                        form.kind
                    );
                }
                let Some(list) = question.list() else {
                    continue;
                };
                let choices = list.choices();
                assert!(choices.len() > 1, "{list:?}");
                for language in Language::ALL {
                    let words: BTreeSet<String> = choices
                        .iter()
                        .map(|one| list.label(one, language))
                        .collect();
                    assert_eq!(words.len(), choices.len(), "{list:?} {language:?}");
                }
                assert!(
                    choices.iter().all(|one| !one.name.contains(' ')),
                    "{list:?}"
                );
            }
        }
    }
}
