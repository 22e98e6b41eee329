//! A form as a spreadsheet in the XLSForm convention (<https://xlsform.org>), which KoboToolbox takes: sheets
//! `survey`, `choices` and `settings`, a column for each language.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use super::forms::{Answer, Form, Question};
use super::lists::{Choice, List};
use super::wording::Wording;
use crate::locale::{self, Language};

type Line = Vec<String>;

/// The sheets of a form, as lines of texts.
struct Sheets {
    survey: Vec<Line>,
    choices: Vec<Line>,
}

/// A form as the bytes of an `.xlsx` file. The same form with the same words has the same version.
///
/// # Errors
/// What the library says: a text that is longer than a cell may be.
pub fn xlsx(form: &Form, wording: &Wording) -> Result<Vec<u8>, XlsxError> {
    let sheets = Sheets::of(form, wording);
    let settings = settings(form, &sheets);
    let mut workbook = Workbook::new();
    // Made at no particular time, so that the same form is the same file.
    let day = ExcelDateTime::from_ymd(2026, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&day));
    for (name, lines) in [
        ("survey", sheets.survey),
        ("choices", sheets.choices),
        ("settings", settings),
    ] {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name)?;
        for (row, line) in (0..).zip(&lines) {
            for (column, text) in (0..).zip(line) {
                if !text.is_empty() {
                    sheet.write_string(row, column, text)?;
                }
            }
        }
    }
    workbook.save_to_buffer()
}

/// The name of a language in a column's header.
fn header(language: Language) -> &'static str {
    match language {
        Language::Khmer => "Khmer (km)",
        Language::English => "English (en)",
        Language::French => "French (fr)",
    }
}

fn in_each(one: impl FnMut(Language) -> String) -> [String; 3] {
    Language::ALL.map(one)
}

fn headers(column: &str) -> [String; 3] {
    in_each(|language| format!("{column}::{}", header(language)))
}

/// The words of a key in each language; nothing where there is none.
fn said(key: Option<String>) -> [String; 3] {
    in_each(|language| {
        let key = key.as_ref();
        key.map(|key| locale::text(language, key, &[]))
            .unwrap_or_default()
    })
}

impl Sheets {
    fn of(form: &Form, wording: &Wording) -> Self {
        let text = str::to_owned;
        let mut first = vec![text("type"), text("name")];
        first.extend(headers("label"));
        first.extend(headers("hint"));
        first.extend([text("required"), text("constraint")]);
        first.extend(headers("constraint_message"));
        first.extend(["relevant", "appearance", "choice_filter", "calculation"].map(text));
        let mut survey = vec![first];
        survey.extend(
            form.questions
                .iter()
                .map(|question| line(form, question, wording)),
        );

        let mut first = vec![text("list_name"), text("name")];
        first.extend(headers("label"));
        first.push(text("programme"));
        let mut choices = vec![first];
        let mut lists: Vec<List> = form.questions.iter().filter_map(Question::list).collect();
        lists.sort_unstable();
        lists.dedup();
        for list in lists {
            for (number, choice) in list.choices().iter().enumerate() {
                let label = |language| choice_label(list, (number, choice), language, wording);
                let mut line = vec![text(list.name()), choice.name.clone()];
                line.extend(in_each(label));
                line.push(text(choice.programme));
                choices.push(line);
            }
        }
        Self { survey, choices }
    }
}

fn choice_label(
    list: List,
    (number, choice): (usize, &Choice),
    language: Language,
    wording: &Wording,
) -> String {
    match list {
        List::Scale => wording.answer(language, number),
        list => list.label(choice, language),
    }
}

fn line(form: &Form, question: &Question, wording: &Wording) -> Line {
    let mut line = vec![kind(question.answer), question.name.clone()];
    match question.item() {
        Some(item) => line.extend(in_each(|language| wording.item(language, item))),
        None => line.extend(said(question.key())),
    }
    line.extend(said(question.hint_key()));
    let required = if question.required { "yes" } else { "" };
    line.extend([required.to_owned(), question.constraint.to_owned()]);
    line.extend(said(question.constraint_key()));
    let appearance = match question.answer {
        Answer::Month => "month-year",
        _ => "",
    };
    let filter = match question.list() {
        Some(List::Module) => "programme = ${programme}",
        _ => "",
    };
    let calculation = match question.answer {
        Answer::Kind => format!("'{}'", form.kind),
        _ => String::new(),
    };
    line.extend([question.relevant, appearance, filter].map(str::to_owned));
    line.push(calculation);
    line
}

fn kind(answer: Answer) -> String {
    let fixed = match answer {
        Answer::Kind => "calculate",
        Answer::Day | Answer::Month => "date",
        Answer::Barcode => "barcode",
        Answer::Text => "text",
        Answer::Whole => "integer",
        Answer::Number => "decimal",
        Answer::Note => "note",
        Answer::Begin => "begin_repeat",
        Answer::End => "end_repeat",
        Answer::One(list) => return format!("select_one {}", list.name()),
        Answer::Several(list) => return format!("select_multiple {}", list.name()),
    };
    fixed.to_owned()
}

fn settings(form: &Form, sheets: &Sheets) -> Vec<Line> {
    let lines = sheets.survey.iter().chain(&sheets.choices);
    let mut hash = blake3::Hasher::new();
    for text in lines.flatten() {
        // Kept apart, so that no two forms have one text.
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    let version = hash.finalize().to_hex().chars().take(12).collect();
    let key = format!("kobo-form-{}", form.kind);
    // One title for all: a tablet's list of forms has no languages.
    let title = said(Some(key));
    let columns = ["form_title", "form_id", "version", "default_language"];
    let values = vec![
        format!("Spean: {}", title.join(", ")),
        format!("spean_{}", form.kind),
        version,
        header(Language::Khmer).to_owned(),
    ];
    vec![columns.map(str::to_owned).to_vec(), values]
}
