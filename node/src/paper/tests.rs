//! Goal: what is printed is read back by a decoder that is not ours, also when a tenth of each code is
//! smudged; no name is on a slip; Khmer is shaped; the same content is the same bytes.
//! Method: the PDF's own drawing commands, drawn at 300 dots an inch as a printer would, blots of several
//! shapes laid over a code, and the picture given to rqrr. A blot of twice the size must defeat it, or
//! the test would show nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]

use spean_protocol::id::LearnerId;
use spean_protocol::limits::SLIP_BYTES_MAX;

use super::font::Font;
use super::page::Weight;
use super::*;

/// Dots of a point, at 300 an inch.
const DOTS: f32 = 300.0 / 72.0;

/// A page as a printer has it: `true` is black.
#[derive(Clone)]
struct Sheet {
    wide: usize,
    dots: Vec<bool>,
}

impl Sheet {
    fn new(width: f32, height: f32) -> Self {
        let (wide, high) = ((width * DOTS) as usize, (height * DOTS) as usize);
        let dots = vec![false; wide * high];
        Self { wide, dots }
    }

    fn fill(&mut self, [left, top, right, bottom]: [f32; 4], black: bool) {
        for y in top.round() as usize..bottom.round() as usize {
            for x in left.round() as usize..right.round() as usize {
                self.dots[y * self.wide + x] = black;
            }
        }
    }

    /// What is at a place, with its quiet zone.
    fn cut(&self, [left, top, right, bottom]: [f32; 4]) -> Self {
        let quiet = 30.0;
        let (left, top) = ((left - quiet) as usize, (top - quiet) as usize);
        let (wide, high) = (
            (right + quiet) as usize - left,
            (bottom + quiet) as usize - top,
        );
        let row = |y: usize| &self.dots[(top + y) * self.wide + left..][..wide];
        let dots = (0..high).flat_map(row).copied().collect();
        Self { wide, dots }
    }

    /// The codes that an independent decoder finds, read.
    fn read(&self) -> Vec<String> {
        let high = self.dots.len() / self.wide;
        let grey = |x, y| if self.dots[y * self.wide + x] { 0 } else { 255 };
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(self.wide, high, grey);
        let grids = picture.detect_grids();
        let read = grids.iter().filter_map(|grid| grid.decode().ok());
        read.map(|(_, text)| text).collect()
    }
}

/// The body of the stream that is the object of this number.
fn stream(file: &str, number: &str) -> String {
    let object = file.split(&format!("\n{number} 0 obj")).nth(1).unwrap();
    let body = object.split("stream\n").nth(1).unwrap();
    body.split("endstream").next().unwrap().to_owned()
}

/// What follows a key in each object of a file that has it, up to the end of the reference.
fn referred<'a>(file: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    let after = file.split(key).skip(1);
    after.map(|rest| rest.trim_start().split(' ').next().unwrap())
}

/// The pages' codes, drawn as the file says; and where each stands.
fn printed(pdf: &[u8]) -> Vec<(Sheet, Vec<[f32; 4]>)> {
    // Fonts are no text; every byte of theirs is one letter here.
    let file: String = pdf.iter().map(|byte| char::from(*byte)).collect();
    let boxes = file.split("/MediaBox [").skip(1);
    let sizes = boxes.map(|rest| {
        let numbers = rest.split(']').next().unwrap().split(' ');
        let numbers: Vec<f32> = numbers.map(|one| one.parse().unwrap()).collect();
        (numbers[2], numbers[3])
    });
    let contents = referred(&file, "/Contents");
    sizes
        .zip(contents)
        .map(|((width, height), content)| {
            let mut sheet = Sheet::new(width, height);
            let mut places = Vec::new();
            let mut numbers: Vec<f32> = Vec::new();
            let mut matrix = Vec::new();
            let mut name = String::new();
            for word in stream(&file, content).split_whitespace() {
                match word {
                    "cm" => matrix = std::mem::take(&mut numbers),
                    "Do" => {
                        let module = matrix[0] * DOTS;
                        let (left, below) = (matrix[4] * DOTS, (height - matrix[5]) * DOTS);
                        let drawn = stream(&file, &name);
                        let mut side = 0.0_f32;
                        let words: Vec<&str> = drawn.split_whitespace().collect();
                        for rectangle in words.split(|word| *word == "re") {
                            let Ok(four) = rectangle.iter().map(|one| one.parse()).collect() else {
                                continue;
                            };
                            let four: Vec<f32> = four;
                            let [x, y, long, high] = four[..] else {
                                panic!()
                            };
                            let (from, to) = (left + x * module, left + (x + long) * module);
                            let (top, bottom) = (below - (y + high) * module, below - y * module);
                            sheet.fill([from, top, to, bottom], true);
                            side = side.max((x + long) * module);
                        }
                        places.push([left, below - side, left + side, below]);
                    }
                    word => match word.parse() {
                        Ok(number) => numbers.push(number),
                        Err(_) => {
                            numbers.clear();
                            name = word.trim_start_matches("/C").to_owned();
                        }
                    },
                }
            }
            (sheet, places)
        })
        .collect()
}

use super::slip::{Batch, Printed, short_code, slips};

/// The largest text that is issued.
fn largest() -> String {
    text_of(SLIP_BYTES_MAX)
}

/// A text of so many bytes.
fn text_of(bytes: usize) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(letters[(state >> 27) as usize])
    };
    (0..(bytes * 8).div_ceil(5)).map(|_| next()).collect()
}

fn batch() -> Batch {
    let site = |code: &str, name: &str| (code.to_owned(), name.to_owned());
    Batch {
        from: site("CC4", "Pursat"),
        to: site("KAN", "Kandal"),
        date: None,
    }
}

fn page_of(slip: &str) -> Printed {
    Printed {
        learner: LearnerId([0xAB; 16]),
        slip: slip.to_owned(),
        further: false,
    }
}

/// Blots that cover this part of a code's area: a wet edge, a fold across, a thumb in black and in
/// white, drops. None lies on one of the three finders: that copy cannot be read at all then.
fn smudged(sheet: &Sheet, [left, top, right, bottom]: [f32; 4], part: f32) -> Vec<(Sheet, f32)> {
    let side = right - left;
    let cover = |shape: &dyn Fn(f32, f32) -> bool, black: bool| {
        let mut sheet = sheet.clone();
        let mut covered = 0_u32;
        for y in top as usize..bottom as usize {
            for x in left as usize..right as usize {
                let place = ((x as f32 - left) / side, (y as f32 - top) / side);
                if shape(place.0, place.1) {
                    sheet.dots[y * sheet.wide + x] = black;
                    covered += 1;
                }
            }
        }
        (sheet, covered as f32 / (side * side))
    };
    // A little more, for what falls between two dots.
    let part = part * 1.02;
    let disc = |(x, y): (f32, f32), radius: f32| {
        move |across: f32, down: f32| (across - x).hypot(down - y) < radius
    };
    let edge = move |x: f32, y: f32| (0.25..0.85).contains(&y) && 1.0 - x < part / 0.6;
    let fold = move |x: f32, y: f32| x > 0.24 && (y - 0.55 - 0.2 * (x - 0.6)).abs() < part / 1.52;
    let thumb = disc((0.56, 0.52), (part / std::f32::consts::PI).sqrt());
    let drops: Vec<_> = [
        (0.2, 0.4),
        (0.4, 0.15),
        (0.6, 0.3),
        (0.42, 0.62),
        (0.8, 0.55),
        (0.55, 0.85),
    ]
    .map(|place| disc(place, (part / 6.0 / std::f32::consts::PI).sqrt()))
    .into();
    vec![
        cover(&edge, false),
        cover(&fold, false),
        cover(&thumb, true),
        cover(&thumb, false),
        cover(&|x, y| drops.iter().any(|drop| drop(x, y)), true),
    ]
}

/// What of a slip is read where these blots lie on one of its codes and the other is gone.
fn reads(text: &str, smudges: &[(usize, f32)]) {
    let pages = printed(&slips(&batch(), &[page_of(text)]).unwrap());
    let [(sheet, places)] = &pages[..] else {
        panic!()
    };
    assert_eq!(places.len(), 2, "the code stands there twice");
    assert_eq!(sheet.read(), [text, text]);
    for ((kind, part), place) in smudges.iter().flat_map(|one| [(*one, 0), (*one, 1)]) {
        let read = |part: f32| {
            let (mut sheet, covered) = smudged(sheet, places[place], part).swap_remove(kind);
            sheet.fill(places[1 - place], false);
            println!(
                "blot {kind} on code {place}: {:.1} % of it",
                covered * 100.0
            );
            assert!(covered >= part * 0.99, "{covered}");
            sheet.read()
        };
        assert_eq!(read(part), [text], "blot {kind} on code {place}");
        assert_eq!(read(0.35), [""; 0], "blot {kind} on code {place}");
    }
    // A finder, or the corner where the smallest square is, is gone: the other copy is read.
    let [left, top, right, bottom] = places[0];
    for corner in [
        [left, top, left + 100.0, top + 100.0],
        [right - 200.0, bottom - 200.0, right, bottom],
    ] {
        let mut sheet = sheet.clone();
        sheet.fill(corner, false);
        assert_eq!(sheet.read(), [text]);
    }
}

/// What nearly every slip is: one key, with the largest numbers.
#[test]
fn a_smudged_slip_is_read_back() {
    let text = text_of(207);
    assert_eq!(crate::qr::Qr::for_paper(&text).unwrap().version(), 13);
    reads(&text, &[(0, 0.1), (1, 0.1), (2, 0.1), (3, 0.1), (4, 0.1)]);
}

/// The largest slip has a code of a lower level: it bears a tenth in one blot, less in many.
#[test]
fn the_largest_slip_is_read_back() {
    let text = largest();
    assert_eq!(crate::qr::Qr::for_paper(&text).unwrap().version(), 13);
    reads(&text, &[(0, 0.1), (1, 0.06), (2, 0.1), (3, 0.1), (4, 0.06)]);
}

#[test]
fn a_batch_is_one_file_with_a_list_and_without_names() {
    let several: Vec<Printed> = (0..3).map(|_| page_of(&largest())).collect();
    let file = slips(&batch(), &several).unwrap();
    assert_eq!(
        file,
        slips(&batch(), &several).unwrap(),
        "no clock, no chance"
    );
    let pages = printed(&file);
    assert_eq!(pages.len(), 4);
    assert_eq!(pages[3].1.len(), 0, "a list");
    assert_eq!(short_code(several[0].learner), "abab abab");
}

#[test]
fn a_card_holds_the_id() {
    let card = |number: u8| card::Card {
        learner: LearnerId([number; 16]),
        names: vec!["\u{179F}\u{17BB}\u{1781}".to_owned(), "Sok Dara".to_owned()],
        site: ("CC4".to_owned(), "Pursat".to_owned()),
    };
    let cards: Vec<_> = (0..11).map(card).collect();
    let pages = printed(&card::cards(&cards).unwrap());
    assert_eq!(pages.len(), 2, "ten on a page");
    let read = pages.iter().flat_map(|(sheet, places)| {
        let each = places.iter().map(|place| sheet.cut(*place).read());
        each.flatten().collect::<Vec<_>>()
    });
    let mut read: Vec<LearnerId> = read.map(|text| text.parse().unwrap()).collect();
    read.sort_unstable();
    assert!(read.iter().eq(cards.iter().map(|card| &card.learner)));
}

/// Method: the vowel that is written before its consonant comes first; a subscript is one glyph; and
/// where Latin stands before Khmer there is no circle for a mark without its letter.
#[test]
fn khmer_is_shaped_also_beside_latin() {
    let font = Font::get(Weight::Regular).unwrap();
    let numbers = |text: &str| -> Vec<u16> {
        let glyphs = font.shape(text);
        glyphs.iter().map(|glyph| glyph.number).collect()
    };
    let (ka, e) = (numbers("\u{1780}"), numbers("\u{17C1}"));
    let before = numbers("\u{1780}\u{17C1}");
    assert_eq!(
        (before[1], before.len()),
        (ka[0], 2),
        "the vowel comes first"
    );
    assert!(e.contains(&before[0]));
    assert_eq!(numbers("\u{1780}\u{17D2}\u{1798}").len(), 2, "a subscript");
    let circle = numbers("\u{25CC}")[0];
    let pursat = "\u{1796}\u{17C4}\u{1792}\u{17B7}\u{17CD}\u{179F}\u{17B6}\u{178F}\u{17CB}";
    let mixed = numbers(&format!("CC4 {pursat} Pursat"));
    assert!(!mixed.contains(&circle));
    assert!(!mixed.contains(&0), "nothing that the font lacks");
    let alone = numbers(pursat);
    assert!(mixed.windows(alone.len()).any(|part| part == alone));
}

/// Every word that is printed, in each language, is in the fonts.
#[test]
fn the_fonts_have_every_letter_of_the_languages() {
    for weight in [Weight::Regular, Weight::Bold] {
        let font = Font::get(weight).unwrap();
        for language in Language::ALL {
            for key in [
                "paper-slip-use",
                "paper-request-use",
                "paper-list-use",
                "paper-typed",
            ] {
                let text = locale::text(language, key, &[]);
                assert_ne!(text, key);
                let lacks = font.shape(&text).iter().any(|glyph| glyph.number == 0);
                assert!(!lacks, "{key} in {}", language.code());
            }
        }
    }
}
