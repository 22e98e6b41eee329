//! Names without what people write in different ways, so that two writings of one name are equal. It
//! only helps to find: nothing is joined by it, and what is shown is what was written.
//!
//! **Khmer.** What looks the same on paper is typed in several ways. Folded is what chapter 16.4 of the
//! Unicode Standard ("Khmer") calls invisible, deprecated, discouraged or a variant, in the order of the
//! parts of a syllable that it gives (as Unicode Technical Note 61, "Khmer Encoding Structure", and the
//! Khmer collation of the CLDR have it):
//!
//! | rule | what becomes of it |
//! |---|---|
//! | zero-width marks U+200B..200F, U+2060, U+FEFF, U+00AD; inherent vowels U+17B4, U+17B5 | dropped |
//! | order within a syllable | consonant, subscripts (RO last), vowels, signs |
//! | subscript DA and subscript TA, which have one shape | subscript TA |
//! | bantoc U+17CB, toandakhiat U+17CD, samyok sannya U+17D0, and U+17CE, 17CF, 17D1, 17D3, 17DD | dropped |
//! | register shifters U+17C9, U+17CA, and U+17BB typed for one below a vowel that stands above | dropped |
//! | robat U+17CC | subscript consonant below RO |
//! | split vowels typed as two: E and AA, E and II | OO, OE |
//! | yuukaleapintu U+17C8 | reahmuk U+17C7 |
//! | independent vowels, with deprecated U+17A3, U+17A4, variants U+17A8, U+17B2 | QA and the vowel |
//!
//! Not folded: letters that sound alike and differ on paper (NO and NNO, series of consonants).
//!
//! **Latin.** There is no one romanisation: registers follow the ear. Case, accents, blanks and hyphens
//! do not count; then the table `LATIN` is applied to each word from the left, the longest first; `y` is `i` but
//! for where it begins a syllable (Srey, Srei); a doubled letter is one; a word's last `h` is silent after a vowel.
//! Not folded: different vowels (Sok, Sak), a silent last `r`, `ng` and `n`, and `i` against `yi` at the
//! beginning, which are different names.

use spean_protocol::event::Script;

/// How romanised Khmer names vary, and what stands for all of them.
const LATIN: [(&str, &str); 22] = [
    // Aspirated consonants, with and without the h: Chhun, Chun; Sokh, Sok; Phan, Pan; Thida, Tida.
    ("chh", "\u{e7}"),
    ("ch", "\u{e7}"),
    ("kh", "k"),
    ("ph", "p"),
    ("th", "t"),
    ("bh", "b"),
    ("dh", "d"),
    ("gh", "g"),
    // One sound, two letters: Vuthy, Wuthy; Xay, Say; Sofia, Sophia; Vicheka, Vicheca.
    ("ck", "k"),
    ("c", "k"),
    ("q", "k"),
    ("w", "v"),
    ("x", "s"),
    ("z", "s"),
    ("f", "p"),
    // Vowels: Choeun, Cheun; Boun, Bun; Khoon, Khun; Lee, Ly; Chea, Chia; Soriya, Soria.
    ("oeu", "eu"),
    ("oe", "eu"),
    ("ou", "u"),
    ("oo", "u"),
    ("ee", "i"),
    ("ea", "ia"),
    ("iy", "i"),
];

/// A part of a name, folded.
#[must_use]
pub fn part(script: Script, text: &str) -> String {
    match script {
        Script::Khmer => khmer(text),
        Script::Latin => latin(text),
        Script::Other(_) => letters(text.chars()).collect(),
    }
}

/// A whole name: the letters of both parts one after the other. Where one part ends does not count.
#[must_use]
pub fn whole(one: &str, other: &str) -> String {
    [one, other].concat()
}

/// What is equal for a name both ways round, and however it was divided: the smallest of the ways to
/// begin it at another letter and go on from its start. Few other names have the same.
#[must_use]
pub fn turned(whole: &str) -> String {
    let ways = whole.char_indices().map(|(at, _)| {
        let (before, from) = whole.split_at(at);
        [from, before].concat()
    });
    ways.min().unwrap_or_default()
}

/// Whether two folded names differ, by one letter that is there, missing or another.
#[must_use]
pub fn one_letter_apart(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = match one.len() <= other.len() {
        true => (one, other),
        false => (other, one),
    };
    if short == long || long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(&long).take_while(|(a, b)| a == b).count();
    let skip = usize::from(short.len() == long.len());
    short.get(same + skip..) == long.get(same + 1..)
}

const COENG: char = '\u{17d2}';
const DA: char = '\u{178a}';
const TA: char = '\u{178f}';
const RO: char = '\u{179a}';
const QA: char = '\u{17a2}';

/// Small letters and digits, without everything else.
fn letters(text: impl IntoIterator<Item = char>) -> impl Iterator<Item = char> {
    let small = text.into_iter().flat_map(char::to_lowercase);
    small.filter(|letter| letter.is_alphanumeric())
}

/// The consonant whose shape a subscript has.
const fn shape_below(letter: char) -> char {
    if letter == DA { TA } else { letter }
}

fn khmer(text: &str) -> String {
    let mut folded = Folded::default();
    let mut below = false;
    for letter in text.chars() {
        match letter {
            COENG => below = true,
            '\u{17b6}'..='\u{17c5}' => folded.vowels.push(letter),
            '\u{17c7}' | '\u{17c8}' => folded.signs.push('\u{17c7}'),
            '\u{17c6}' => folded.signs.push(letter),
            '\u{17cc}' => folded.robat = true,
            _ => {
                let (bases, vowel) = bases_of(letter);
                for base in bases {
                    folded.base(base, std::mem::take(&mut below));
                }
                folded.vowels.extend(vowel);
                // The one independent vowel that ends with a consonant.
                if letter == '\u{17aa}' {
                    folded.base('\u{179c}', false);
                }
            }
        }
    }
    folded.end();
    folded.text
}

/// The consonants that a letter stands for, and the vowel after them; none for what is not folded in.
fn bases_of(letter: char) -> (Vec<char>, Option<char>) {
    let of = |base: char, vowel: char| (vec![base], Some(vowel));
    match letter {
        '\u{1780}'..='\u{17a2}' => (vec![letter], None),
        '\u{17a3}' => (vec![QA], None),
        '\u{17a4}' => of(QA, '\u{17b6}'),
        '\u{17a5}' => of(QA, '\u{17b7}'),
        '\u{17a6}' => of(QA, '\u{17b8}'),
        '\u{17a7}' => of(QA, '\u{17bb}'),
        '\u{17a9}' | '\u{17aa}' => of(QA, '\u{17bc}'),
        '\u{17ab}' => of(RO, '\u{17b9}'),
        '\u{17ac}' => of(RO, '\u{17ba}'),
        '\u{17ad}' => of('\u{179b}', '\u{17b9}'),
        '\u{17ae}' => of('\u{179b}', '\u{17ba}'),
        '\u{17af}' => of(QA, '\u{17c2}'),
        '\u{17b0}' => of(QA, '\u{17c3}'),
        '\u{17b1}' | '\u{17b2}' => of(QA, '\u{17c4}'),
        '\u{17b3}' => of(QA, '\u{17c5}'),
        other if other.is_alphanumeric() && !('\u{1780}'..='\u{17ff}').contains(&other) => {
            (letters([other]).collect(), None)
        }
        _ => (Vec::new(), None),
    }
}

/// A Khmer text as far as it is folded, and the syllable that is being read.
#[derive(Default)]
struct Folded {
    text: String,
    base: Option<char>,
    below: Vec<char>,
    vowels: Vec<char>,
    signs: Vec<char>,
    robat: bool,
}

impl Folded {
    fn base(&mut self, base: char, below: bool) {
        if below && self.base.is_some() {
            self.below.push(shape_below(base));
            return;
        }
        self.end();
        self.base = Some(base);
    }

    /// Writes the syllable in one order, whatever order it was typed in.
    fn end(&mut self) {
        let base = self.base.take();
        if std::mem::take(&mut self.robat) {
            self.text.push(RO);
            let base = base.filter(|base| *base != RO).map(shape_below);
            self.below.splice(0..0, base);
        } else {
            self.text.extend(base);
        }
        self.below.sort_by_key(|letter| *letter == RO);
        for letter in self.below.drain(..) {
            self.text.extend([COENG, letter]);
        }
        let mut vowels = std::mem::take(&mut self.vowels);
        vowels.sort_unstable();
        vowels.dedup();
        let mut compose = |part: char, whole: char| {
            if vowels.contains(&'\u{17c1}') && vowels.contains(&part) {
                vowels.retain(|vowel| *vowel != '\u{17c1}' && *vowel != part);
                vowels.push(whole);
            }
        };
        compose('\u{17b6}', '\u{17c4}');
        compose('\u{17b8}', '\u{17be}');
        let above = |vowel: &char| matches!(vowel, '\u{17b7}'..='\u{17ba}' | '\u{17be}');
        if vowels.iter().any(above) {
            vowels.retain(|vowel| *vowel != '\u{17bb}');
        }
        vowels.sort_unstable();
        self.text.extend(vowels);
        self.signs.sort_unstable();
        self.signs.dedup();
        self.text.extend(self.signs.drain(..));
    }
}

fn latin(text: &str) -> String {
    let is_mark = |letter: &char| matches!(letter, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\'' | '\u{2019}');
    let plain: String = text
        .chars()
        .filter(|letter| !is_mark(letter))
        .flat_map(char::to_lowercase)
        .map(without_accent)
        .collect();
    let words = plain.split(|letter: char| !letter.is_alphanumeric());
    words.map(word).collect()
}

/// A word of small letters without accents.
fn word(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let fits = LATIN.iter().find(|(from, _)| rest.starts_with(from));
        let (length, to) = fits.map_or((first.len_utf8(), ""), |(from, to)| (from.len(), *to));
        let after = rest.get(length..).unwrap_or_default();
        match first {
            _ if fits.is_some() => folded.push_str(to),
            'y' if !after.starts_with(is_vowel) => folded.push('i'),
            other => folded.push(other),
        }
        rest = after;
    }
    let mut letters: Vec<char> = folded.chars().collect();
    letters.dedup();
    if let [.., before, 'h'] = letters.as_slice()
        && is_vowel(*before)
    {
        letters.pop();
    }
    letters.into_iter().collect()
}

const fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u')
}

const fn without_accent(letter: char) -> char {
    match letter {
        '\u{e0}'..='\u{e5}' | '\u{101}' | '\u{103}' => 'a',
        '\u{e7}' => 'c',
        '\u{e8}'..='\u{eb}' | '\u{113}' | '\u{115}' => 'e',
        '\u{ec}'..='\u{ef}' | '\u{12b}' | '\u{12d}' => 'i',
        '\u{f1}' => 'n',
        '\u{f2}'..='\u{f6}' | '\u{14d}' | '\u{14f}' => 'o',
        '\u{f9}'..='\u{fc}' | '\u{16b}' | '\u{16d}' | '\u{1b0}' => 'u',
        '\u{fd}' | '\u{ff}' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests;
