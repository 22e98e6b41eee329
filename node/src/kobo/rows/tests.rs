//! Goal: what tablets sent becomes rows that the register takes, each once; what cannot be used is said in one
//! sentence, and the rest is kept. Method: submissions made from the pack's own questions and lists, then each
//! mistake; at last, anything at all.

#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::{Value, json};
use spean_protocol::event::{CsvRow, YES_OR_NO};
use spean_protocol::id::{StayId, Stream};

use super::*;
use crate::kobo::forms::{Answer, Form, Question, WHICH, pack};
use crate::kobo::lists::List;

fn taken(value: &Value, which: Option<&str>) -> Collected {
    take(value, &Mapping::pack().unwrap(), which)
}

fn take(value: &Value, mapping: &Mapping, which: Option<&str>) -> Collected {
    let export = Export::json(value.to_string().as_bytes()).unwrap();
    let mut collected = Collected::default();
    collected.take("f.json", export, mapping, which);
    collected
}

/// The rows of the one file.
fn rows_of(collected: &Collected) -> &[(u64, Row)] {
    &collected.rows[0].1
}

/// What the register makes of a row.
fn body(row: &Row) -> Result<spean_protocol::event::Body, String> {
    let read = CsvRow::from(row.fields.each_ref().map(String::as_str));
    read.body(StayId([0; 16]))
        .map_err(|error| error.to_string())
}

/// An answer to a question that is not chosen from a list.
fn typed(question: &Question) -> String {
    match question.answer {
        Answer::Day | Answer::Month => "2026-11-01".to_owned(),
        Answer::Barcode => "0A".repeat(16),
        Answer::Text => "Sok Dara".to_owned(),
        Answer::Number => "10".to_owned(),
        _ => "3".to_owned(),
    }
}

/// A submission of a form in which a question of a list has one choice of it, and a module its own programme.
fn filled(form: &Form, chosen: &Question, list: List, place: usize) -> Value {
    let choice = |list: List, place: usize| {
        let all = list.choices();
        all[place % all.len()].clone()
    };
    let mut answers = serde_json::Map::new();
    let mut person = serde_json::Map::new();
    let mut inside = false;
    for question in &form.questions {
        inside = match question.answer {
            Answer::Begin => true,
            Answer::End => false,
            _ => inside,
        };
        let place = if question.name == chosen.name {
            place
        } else {
            0
        };
        let text = match question.list() {
            None if !question.is_answered() => continue,
            None => typed(question),
            Some(List::Agreement) => YES_OR_NO[place % 2].to_owned(),
            Some(List::Programme) if list == List::Module => {
                choice(list, if chosen.name == "module" { place } else { 0 })
                    .programme
                    .to_owned()
            }
            Some(own) => choice(own, place).name,
        };
        let (into, name) = if inside {
            (&mut person, format!("present/{}", question.name))
        } else {
            (&mut answers, question.name.clone())
        };
        into.insert(name, json!(text));
    }
    if list == List::Module {
        let module = choice(List::Module, place);
        answers.insert("programme".to_owned(), json!(module.programme));
        answers.insert("module".to_owned(), json!(module.name));
    }
    if list == List::Programme {
        let programme = choice(list, place).name;
        let module = List::Module
            .choices()
            .into_iter()
            .find(|one| one.programme == programme);
        answers.insert("programme".to_owned(), json!(programme));
        answers.insert("module".to_owned(), json!(module.unwrap().name));
    }
    if !person.is_empty() {
        answers.insert("present".to_owned(), json!([person]));
    }
    answers.insert(WHICH.to_owned(), json!(form.kind));
    answers.insert(
        "_uuid".to_owned(),
        json!(format!(
            "{}-{}-{place}",
            form.kind,
            chosen.name.replace('_', "-")
        )),
    );
    Value::Object(answers)
}

#[test]
fn every_choice_of_every_list_becomes_a_row_that_is_taken() {
    let mut kinds = BTreeSet::new();
    for form in pack() {
        for question in &form.questions {
            let Some(list) = question.list() else {
                continue;
            };
            for place in 0..list.choices().len() {
                let collected = taken(&json!([filled(&form, question, list, place)]), None);
                assert!(collected.refused.is_empty(), "{:?}", collected.refused);
                assert!(!rows_of(&collected).is_empty());
                for (_, row) in rows_of(&collected) {
                    let body =
                        body(row).unwrap_or_else(|why| panic!("{} {}: {why}", form.kind, row.key));
                    kinds.insert(row.fields[0].clone());
                    let restricted = body.stream() == Stream::Restricted;
                    if row.fields[0].starts_with("who5") {
                        assert!(restricted, "well-being is restricted by itself");
                    }
                    assert_eq!(
                        row.who.learner,
                        "0a".repeat(16),
                        "a card is read in either case"
                    );
                    assert_eq!(row.date, "2026-11-01".parse().ok());
                }
            }
        }
    }
    let all = "aspiration attended consent education expected-release handout languages post-test pre-test referral \
        remark who5-end who5-start";
    assert_eq!(
        kinds.iter().map(String::as_str).collect::<Vec<_>>(),
        all.split_whitespace().collect::<Vec<_>>()
    );
}

fn present(entries: &Value) -> Value {
    json!({"spean_form": "attendance", "_uuid": "u", "date": "2026-01-05T08:00:00.000+07:00",
        "programme": "beep", "module": "khmer", "session": "\u{17e3}", "present": entries})
}

#[test]
fn keys_of_a_list_stay_when_it_changes() {
    let keys = |value: &Value| -> BTreeSet<String> {
        let collected = taken(&json!([value]), None);
        rows_of(&collected)
            .iter()
            .map(|(_, row)| row.key.clone())
            .collect()
    };
    let a = json!({"present/card": "aa".repeat(16)});
    let b = json!({"present/name": "Sok Dara", "present/sex": "F"});
    let both = keys(&present(&json!([a, b])));
    assert_eq!(both.len(), 2);
    assert!(
        both.iter()
            .all(|key| key.starts_with("u#attended/") && !key.contains("Sok"))
    );
    assert_eq!(keys(&present(&json!([b, a]))), both, "another order");
    assert!(
        keys(&present(&json!([b]))).is_subset(&both),
        "one was taken out"
    );
    assert_eq!(
        keys(&present(&json!([a, a]))).len(),
        1,
        "one card twice is one person"
    );
    assert_eq!(
        keys(&present(&json!([b, b]))).len(),
        2,
        "two of one name may be two persons"
    );
    let row = taken(&json!([present(&json!([a]))]), None)
        .rows
        .remove(0)
        .1
        .remove(0)
        .1;
    assert_eq!(row.fields[3], "3", "digits of Khmer");
    assert_eq!(row.date, "2026-01-05".parse().ok(), "the day of a moment");
}

#[test]
fn the_same_submission_counts_once() {
    let one = json!({"spean_form": "exit", "_uuid": "b", "meta/rootUuid": "uuid:a", "date": "2026-01-05",
        "card": "aa".repeat(16), "handouts": "record-copy contact-list record-copy"});
    let collected = taken(&json!([one, one]), None);
    assert_eq!((collected.submissions, collected.repeated), (1, 1));
    let keys: Vec<&str> = rows_of(&collected)
        .iter()
        .map(|(_, row)| row.key.as_str())
        .collect();
    assert_eq!(keys, ["a#handout/contact-list", "a#handout/record-copy"]);
}

#[test]
fn each_mistake_is_one_sentence_and_the_rest_is_kept() {
    let card = "aa".repeat(16);
    let exit = |more: Value| {
        let mut one = json!({"spean_form": "exit", "_uuid": "a", "date": "2026-01-05", "card": card, "handouts": "x"});
        for (name, value) in more.as_object().unwrap() {
            one[name] = value.clone();
        }
        one
    };
    let who5 = json!({"spean_form": "who5", "_uuid": "a", "date": "2026-01-05", "card": card,
        "interview": "who5-start", "item_1": "3", "item_2": "4", "item_4": "4", "item_5": "1"});
    let intake = json!({"spean_form": "intake", "_uuid": "a", "date": "2026-01-05", "card": card,
        "release_from": "2026-05-01", "release_to": "soon", "education": "primary"});
    for (value, which, why) in [
        (
            exit(json!({"date": "2026/13/45"})),
            None,
            "the day: '2026/13/45' is not a day such as",
        ),
        (
            exit(json!({"date": null})),
            None,
            "there is no question 'date'",
        ),
        (
            exit(json!({"card": null})),
            None,
            "there is none of the questions card, user_name, name",
        ),
        (
            exit(json!({"spean_form": "survey"})),
            None,
            "the mapping has no form 'survey', but intake,",
        ),
        (
            exit(json!({"spean_form": null})),
            None,
            "name it with --form KIND",
        ),
        (
            exit(json!({})),
            Some("test"),
            "it is of the form 'exit', not 'test'",
        ),
        (who5, None, "who5: 'item_3' is not answered"),
        (intake, None, "release: 'soon' is not a month"),
        (
            present(
                &json!([{"present/sex": "F", "present/card": null, "present/user_name": " "},
            {"present/card": card}]),
            ),
            None,
            "present 1: nobody is named",
        ),
        (present(&json!([])), None, "there is no group 'present'"),
    ] {
        let collected = taken(&json!([value]), which);
        assert_eq!(collected.refused.len(), 1, "{why}: {:?}", collected.refused);
        let (from, place, said) = &collected.refused[0];
        assert_eq!(from, "f.json");
        assert!(*place == 1 || said.starts_with("f.json: "), "{said}");
        assert!(said.contains(why), "{said}");
        assert!(!said.contains(&card), "nobody is named: {said}");
    }
}

#[test]
fn a_question_that_a_file_lacks_is_told_once() {
    let one = |uuid: &str| json!({"_uuid": uuid, "date": "2026-01-05", "name": "Sok Dara", "remarks": "needs-help"});
    let collected = taken(&json!([one("a"), one("b")]), Some("exit"));
    assert_eq!((rows_of(&collected).len(), collected.refused.len()), (2, 0));
    assert_eq!(collected.notes.len(), 1, "{:?}", collected.notes);
    assert!(collected.notes[0].contains("nobody answers handouts, referrals, or"));
}

#[test]
fn a_form_of_an_organisation_is_read_by_its_own_mapping() {
    let text = "[[form]]\nkind = 'lessons'\ndate = 'when'\nrepeat = 'class/pupil'\n\
        who = { name = 'class/pupil/nom', sex = 'class/pupil/sexe' }\n\
        words.'class/pupil/sexe' = { femme = 'F', homme = 'M' }\nwords.course = { khmer_1 = 'khmer' }\n\
        [[form.event]]\nkey = 'came'\nalways = { kind = 'attended', programme = 'beep' }\n\
        from = { module = 'course', session = 'n' }\n\
        [[form.event]]\nkey = 'left'\nfrom = { kind = 'left' }\n";
    let mapping = Mapping::parse(text).unwrap();
    let value = json!([{"_uuid": "a", "when": "2026-01-05", "group/course": "khmer_1", "n": 4, "nom": "Teacher",
        "class/pupil": [{"class/pupil/nom": "Sok Dara", "class/pupil/sexe": "femme"}, {"class/pupil/sexe": "homme"},
            {"class/pupil/nom": "Chan Thy", "class/pupil/left": "departed"}]}]);
    let collected = take(&value, &mapping, None);
    assert_eq!(rows_of(&collected).len(), 2);
    let row = &rows_of(&collected)[0].1;
    assert_eq!(
        (row.who.name.as_str(), row.who.sex.as_str()),
        ("Sok Dara", "F")
    );
    assert_eq!(body(row).unwrap().kind_name(), "attended");
    assert_eq!(collected.refused.len(), 2, "{:?}", collected.refused);
    assert!(
        collected.refused[0].2.contains("pupil 2: nobody is named"),
        "the teacher is no pupil"
    );
    assert!(collected.refused[1].2.contains("no departure"));
}

fn anything() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("date"),
        Just("_uuid"),
        Just("spean_form"),
        Just("card"),
        Just("name"),
        Just("present"),
        Just("item_1"),
        Just("handouts"),
        Just("release_from"),
        Just("release_to"),
        Just("present/card"),
        Just("languages/km"),
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i64>().prop_map(|number| json!(number)),
        ".{0,40}".prop_map(|text| json!(text)),
        Just(json!("2026-01-05")),
        Just(json!("attendance")),
        Just(json!("exit")),
        Just(json!("1")),
        Just(json!("a")),
    ];
    leaf.prop_recursive(4, 60, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..10)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_submission_is_taken_or_refused(value in proptest::collection::vec(anything(), 0..4)) {
        for which in [None, Some("intake"), Some("attendance")] {
            let collected = taken(&json!(value), which);
            for (_, row) in rows_of(&collected) {
                prop_assert!(!row.who.learner.is_empty() || !row.who.name.is_empty());
                let _ = body(row);
            }
        }
    }
}
