//! Inputs from which fuzzing of peers starts: what is honest, and one of everything that an author
//! can write, in the bytes that `author` reads.

use spean_protocol::event::Event;
use spean_protocol::letter::Letter;
use spean_protocol::session::Frame;
use spean_protocol::stay::{GrantContent, Keyring, Register};

use super::input::piece;
use super::nation::{self, BOPHA, DARA, RITH};
use super::samples;

const CONTROL: u8 = 3;
const DATA: u8 = 4;
const AHEAD: u8 = 5;

/// Who says what: an honest exchange frame by frame, as the other side sees it.
pub fn sessions() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for role in [0, 1] {
        for at in [0, 1] {
            seeds.push([&[at, role][..], &said(role).concat()].concat());
        }
    }
    // A peer that knows little, or one head of somebody else's only, and one that is done at once.
    let done = [&[0][..], &piece(&Frame::Done.encode())].concat();
    for summary in [
        &[1, 0][..],
        &[1, 1, 3, 0, 0],
        &[1, 2, 0, 0, 0, 9, 0, 3, 4, 5],
    ] {
        seeds.push([&[0, 0, 1, 0, 0, 9][..], summary, &[0], &done].concat());
        seeds.push([&[0, 1, 9][..], summary, &[0], &done].concat());
    }
    // A summary first, then whatever an author can write.
    for written in authors() {
        let mut frames = vec![0, 0];
        frames.extend([said(0)[..2].concat(), written.concat()].concat());
        seeds.push(frames);
    }
    seeds
}

/// Each frame of an honest exchange, by its number.
fn said(answers: u8) -> Vec<Vec<u8>> {
    let count = nation::with(|nation| nation.said[usize::from(answers)].len());
    let numbers = 0..u8::try_from(count).unwrap();
    numbers.map(|number| vec![1, answers, number]).collect()
}

/// The same as bundles.
pub fn sticks() -> Vec<Vec<u8>> {
    let chunk = |frames: &[Vec<u8>]| {
        let count = u8::try_from(frames.len().min(7)).unwrap();
        [&[count][..], &frames[..count.into()].concat()].concat()
    };
    let mut seeds = vec![[&[0][..], &chunk(&said(0))].concat()];
    for written in authors() {
        seeds.push([&[0][..], &chunk(&written)].concat());
    }
    seeds
}

/// The same, for the DGP and the prison at once, with a fold after each piece.
pub fn written() -> Vec<Vec<u8>> {
    let to_both = |written: Vec<Vec<u8>>| {
        let each = written.into_iter().map(|frame| [&[4][..], &frame].concat());
        each.collect::<Vec<_>>().concat()
    };
    authors().into_iter().map(to_both).collect()
}

/// Pieces of a hostile author, one list for each kind of thing that it can try.
fn authors() -> Vec<Vec<Vec<u8>>> {
    let opening = control(CONTROL, 0, &[]);
    let mut lists = Vec::new();
    for to in [0_u8, 2] {
        let letters = letters()
            .into_iter()
            .map(|letter| [&[to, 4][..], &piece(&letter)].concat());
        for some in letters.collect::<Vec<_>>().chunks(5) {
            lists.push(vec![control(AHEAD, 0, some), control(CONTROL, 0, some)]);
        }
        let grants = grants()
            .into_iter()
            .map(|grant| [&[to, 3, 5][..], &piece(&grant)].concat());
        lists.push(vec![
            opening.clone(),
            control(CONTROL, 0, &grants.collect::<Vec<_>>()),
        ]);
        let wraps = [
            vec![to, 2, 0, 0, 0],
            vec![to, 2, 7, 1, 1],
            vec![to, 5, 3, 0, 1, 2, 3],
        ];
        lists.push(vec![control(CONTROL, 0, &wraps)]);
    }
    for key in 0..3_u8 {
        for some in events().chunks(16) {
            let batches: Vec<Vec<u8>> = some.chunks(8).map(|part| changes(key, part)).collect();
            lists.push(vec![opening.clone(), data(0, 0, &batches)]);
        }
        let keyring = [&[key, 1, 0][..], &piece(&keyring())].concat();
        let sealed = [keyring, vec![0]].concat();
        lists.push(vec![opening.clone(), data(0, 0, &[sealed])]);
    }
    let register = Register(vec![(DARA, samples::STAY), (RITH, samples::STAY)]).encode();
    let register = [&[3, 2, 0][..], &piece(&register), &[0]].concat();
    lists.push(vec![opening.clone(), data(0, 0, &[register])]);
    // A fork of data, its proof, what stands above; the honest run gone on with; a receipt.
    let one = changes(0, &events()[..2]);
    lists.push(vec![
        opening.clone(),
        data(0, 64, std::slice::from_ref(&one)),
        data(0, 0, &[]),
        data(0, 0, &[one.clone(), one.clone()]),
        vec![7, 1, 2],
        vec![8, 9, 0, 1, 2, 2, 1, 0, 1, 0],
    ]);
    lists.push(vec![
        data(3, 0, std::slice::from_ref(&one)),
        data(3, 0, &[one]),
    ]);
    lists
}

/// A control segment of a run that continues none, with these entries.
fn control(kind: u8, run: u8, entries: &[Vec<u8>]) -> Vec<u8> {
    let count = u8::try_from(entries.len()).unwrap();
    [&[kind, run, 0, 0, count][..], &entries.concat()].concat()
}

fn data(run: u8, twists: u8, parcels: &[Vec<u8>]) -> Vec<u8> {
    let count = u8::try_from(parcels.len()).unwrap();
    [&[DATA, run, twists, count][..], &parcels.concat()].concat()
}

/// A parcel of changes: events in the order of the label, without keys of their own.
fn changes(key: u8, events: &[Vec<u8>]) -> Vec<u8> {
    let count = u8::try_from(events.len()).unwrap() - 1;
    let drafts = events
        .iter()
        .map(|event| [&[0][..], &piece(event)].concat());
    let drafts = drafts.collect::<Vec<_>>().concat();
    [&[key, 0, 1, 0, count][..], &drafts, &[0]].concat()
}

/// An event of every kind.
pub fn events() -> Vec<Vec<u8>> {
    let frozen = include_str!("../../vectors/events.txt");
    let bytes = frozen.lines().filter_map(|line| {
        let digits = line.split_whitespace().last()?;
        let bytes = data_encoding::HEXLOWER.decode(digits.as_bytes()).ok()?;
        Event::decode(&bytes).is_ok().then_some(bytes)
    });
    bytes.collect()
}

/// A letter of every kind, about people of the nation.
fn letters() -> Vec<Vec<u8>> {
    let mut letters: Vec<Vec<u8>> = samples::letters().iter().map(Letter::encode).collect();
    for (number, letter) in letters.iter_mut().enumerate() {
        let who = [DARA, RITH, BOPHA][number % 3];
        let at = letter
            .windows(16)
            .position(|part| part == samples::LEARNER.0);
        if let Some(at) = at {
            letter[at..at + 16].copy_from_slice(&who.0);
        }
    }
    letters
}

/// Grants: what it may say, keys of somebody else's, none.
pub fn grants() -> Vec<Vec<u8>> {
    nation::with(|nation| {
        let of = |at: usize| (nation.keys[at].0, vec![nation.keys[at].1.clone()]);
        let upto = Some((nation.heads[0].run, nation.heads[0].data));
        let nothing = vec![(DARA, Vec::new())];
        [
            vec![of(2)],
            vec![of(0), of(2)],
            vec![(RITH, of(0).1)],
            nothing,
        ]
        .map(|learners| GrantContent { upto, learners }.encode())
        .to_vec()
    })
}

fn keyring() -> Vec<u8> {
    nation::with(|nation| {
        let keys = nation.keys.iter().map(|key| key.1.clone());
        Keyring(keys.collect()).encode()
    })
}
