//! Goal: the usual writings of one name meet, and different names do not.
//! Method: tables of pairs of both kinds in both scripts; texts of any letters, which fold once and for
//! all and never fail.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// Pairs that are one name.
const KHMER_MEET: [(&str, &str, &str); 15] = [
    (
        "a zero-width space",
        "\u{179f}\u{17bb}\u{1781}",
        "\u{179f}\u{17bb}\u{200b}\u{1781}",
    ),
    (
        "a zero-width joiner and a blank",
        "\u{179f}\u{17bb}\u{1781}",
        " \u{179f}\u{200d}\u{17bb}\u{1781} ",
    ),
    (
        "an inherent vowel",
        "\u{1785}\u{1793}\u{17d2}\u{1791}",
        "\u{1785}\u{17b4}\u{1793}\u{17d2}\u{1791}",
    ),
    (
        "subscript DA and TA",
        "\u{1780}\u{17b6}\u{1793}\u{17d2}\u{178a}\u{17b6}",
        "\u{1780}\u{17b6}\u{1793}\u{17d2}\u{178f}\u{17b6}",
    ),
    (
        "the vowel before the subscript",
        "\u{179f}\u{1791}\u{17d2}\u{1792}\u{17b7}",
        "\u{179f}\u{1791}\u{17b7}\u{17d2}\u{1792}",
    ),
    (
        "the vowel between the coeng and its letter",
        "\u{179f}\u{1791}\u{17d2}\u{1792}\u{17b7}",
        "\u{179f}\u{1791}\u{17d2}\u{17b7}\u{1792}",
    ),
    (
        "two subscripts in the other order",
        "\u{179f}\u{17d2}\u{178f}\u{17d2}\u{179a}\u{17b8}",
        "\u{179f}\u{17d2}\u{179a}\u{17d2}\u{178f}\u{17b8}",
    ),
    (
        "AA and nikahit",
        "\u{178a}\u{17b6}\u{17c6}",
        "\u{178a}\u{17c6}\u{17b6}",
    ),
    (
        "OO typed as two",
        "\u{179f}\u{17c4}\u{1797}\u{17b6}",
        "\u{179f}\u{17c1}\u{17b6}\u{1797}\u{17b6}",
    ),
    (
        "OE typed as two",
        "\u{179f}\u{17be}",
        "\u{179f}\u{17c1}\u{17b8}",
    ),
    ("bantoc", "\u{179f}\u{1780}\u{17cb}", "\u{179f}\u{1780}"),
    (
        "samyok sannya and toandakhiat",
        "\u{1785}\u{17d0}\u{1793}\u{17d2}\u{1791}\u{17cd}",
        "\u{1785}\u{1793}\u{17d2}\u{1791}",
    ),
    (
        "a register shifter, and U typed for it",
        "\u{179f}\u{17ca}\u{17b8}\u{1790}\u{17b6}",
        "\u{179f}\u{17bb}\u{17b8}\u{1790}\u{17b6}",
    ),
    (
        "an independent vowel",
        "\u{17a5}\u{1793}\u{17d2}\u{1791}",
        "\u{17a2}\u{17b7}\u{1793}\u{17d2}\u{1791}",
    ),
    (
        "a deprecated one",
        "\u{17a3}\u{17b6}\u{1793}",
        "\u{17a2}\u{17b6}\u{1793}",
    ),
];

/// Pairs that are two names.
const KHMER_DIFFER: [(&str, &str, &str); 6] = [
    ("Sok, Sak", "\u{179f}\u{17bb}\u{1781}", "\u{179f}\u{1780}"),
    (
        "KHA, KA",
        "\u{179f}\u{17bb}\u{1781}",
        "\u{179f}\u{17bb}\u{1780}",
    ),
    (
        "DA, TA as letters of their own",
        "\u{178a}\u{17b6}\u{179a}\u{17b6}",
        "\u{178f}\u{17b6}\u{179a}\u{17b6}",
    ),
    (
        "a subscript and a letter",
        "\u{1785}\u{1793}\u{17d2}\u{1791}",
        "\u{1785}\u{1793}\u{1791}",
    ),
    (
        "I, II",
        "\u{179f}\u{17b7}\u{1793}",
        "\u{179f}\u{17b8}\u{1793}",
    ),
    (
        "U, and U with nikahit",
        "\u{178f}\u{17bb}",
        "\u{178f}\u{17bb}\u{17c6}",
    ),
];

const LATIN_MEET: [(&str, &str); 32] = [
    ("Sok", "SOKH"),
    ("Chhun", "Chun"),
    ("Phan", "Pan"),
    ("Thida", "Tida"),
    ("Srey", "Srei"),
    ("Vuthy", "Vuthi"),
    ("Vuthy", "Wuthi"),
    ("Dara", "Daraa"),
    ("Dara", "Darah"),
    ("Ly", "Li"),
    ("Ly", "Lee"),
    ("Boun", "Bun"),
    ("Khoon", "Khun"),
    ("Chea", "Chia"),
    ("Sophea", "Sofia"),
    ("Kim", "Khim"),
    ("Xay", "Say"),
    ("Zina", "Sina"),
    ("Vannak", "Vanak"),
    ("Rattanak", "Ratanak"),
    ("Choeun", "Chheun"),
    ("Soriya", "Soria"),
    ("Sopheak", "Sopheack"),
    ("Kosal", "Khosal"),
    ("R\u{e9}aksmey", "Reaksmei"),
    ("Re\u{301}aksmey", "reaksmey"),
    ("Chan Dara", "Chandara"),
    ("Chan-Dara", "chan dara"),
    ("Som'bo", "Sombo"),
    ("Bopha", "Boppha"),
    ("Nary", "Nari"),
    ("Maly", "Malli"),
];

const LATIN_DIFFER: [(&str, &str); 16] = [
    ("Sok", "Sak"),
    ("Sok", "Sek"),
    ("Yim", "Im"),
    ("Chan", "Kan"),
    ("Chan", "Chen"),
    ("Dara", "Dary"),
    ("Ngem", "Nem"),
    ("Sar", "Sa"),
    ("Bopha", "Bora"),
    ("Chea", "Cheat"),
    ("Long", "Lon"),
    ("Phal", "Phol"),
    ("Sao", "So"),
    ("Vann", "Vong"),
    ("Heng", "Eng"),
    ("Mean", "Man"),
];

#[test]
fn writings_of_one_name_meet() {
    for (what, one, other) in KHMER_MEET {
        assert_eq!(khmer(one), khmer(other), "{what}");
    }
    for (one, other) in LATIN_MEET {
        assert_eq!(latin(one), latin(other), "{one} {other}");
    }
}

#[test]
fn different_names_do_not() {
    for (what, one, other) in KHMER_DIFFER {
        assert_ne!(khmer(one), khmer(other), "{what}");
    }
    for (one, other) in LATIN_DIFFER {
        assert_ne!(latin(one), latin(other), "{one} {other}");
    }
}

#[test]
fn a_name_is_the_same_both_ways_round_and_however_divided() {
    let ways = [
        ("sok", "chandara"),
        ("chandara", "sok"),
        ("sokchan", "dara"),
        ("", "sokchandara"),
    ];
    for (one, other) in ways {
        assert_eq!(turned(&whole(one, other)), "andarasokch", "{one} {other}");
    }
    assert_ne!(turned("sokdara"), turned("sokradar"));
    assert_eq!(turned(""), "");
}

#[test]
fn one_letter_is_one_letter() {
    for (one, other, apart) in [
        ("sok", "sok", false),
        ("sok", "sak", true),
        ("sok", "so", true),
        ("ok", "sok", true),
        ("sok", "sko", false),
        ("sok", "soksa", false),
        ("", "s", true),
        ("", "", false),
    ] {
        assert_eq!(one_letter_apart(one, other), apart, "{one} {other}");
        assert_eq!(one_letter_apart(other, one), apart, "{other} {one}");
    }
}

/// Letters of both scripts, marks, and anything else.
fn text() -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        proptest::char::range('\u{1780}', '\u{17dd}'),
        proptest::char::range('a', 'z'),
        any::<char>(),
    ];
    proptest::collection::vec(letter, 0..16).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn what_is_folded_stays_so(text in text()) {
        let folded = khmer(&text);
        prop_assert_eq!(khmer(&folded), folded.clone());
        prop_assert_eq!(turned(&turned(&folded)), turned(&folded));
        let _ = latin(&text);
    }

    #[test]
    fn order_of_marks_and_blanks_do_not_count(
        base in proptest::char::range('\u{1780}', '\u{17a2}'),
        mut marks in proptest::collection::vec(proptest::char::range('\u{17b6}', '\u{17c7}'), 0..4),
    ) {
        let one: String = std::iter::once(base).chain(marks.iter().copied()).collect();
        marks.reverse();
        let other: String = [base, '\u{200b}'].into_iter().chain(marks).collect();
        prop_assert_eq!(khmer(&one), khmer(&other));
    }
}
