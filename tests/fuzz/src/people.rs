//! What people hand to a node: rows of registers and slips, typed or scanned. Refused rows and
//! slips are no error of the node; what is taken once is known the second time.

use spean::engine::EngineError;
use spean::engine::import::{Fate, Import};
use spean::register::{LearnerRow, Row, Who};
use spean_protocol::id::RunId;
use spean_protocol::seal::box_key;
use spean_protocol::slip::Slip;
use spean_protocol::stay::GrantContent;

use super::input::{Input, piece};
use super::nation::{self, LIAR, SOUND, agree, remain_sound};
use super::network::{Node, identity, site};
use super::seeds::grants;

/// Rows of one input.
const ROWS_MAX: usize = 32;

/// The columns of a row, as a spreadsheet saves them; what is missing is empty.
fn columns<const COUNT: usize>(row: &str) -> [String; COUNT] {
    let mut cells = row.split(',').map(str::to_owned);
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

/// Two files of a register: of learners, and of events after an empty line.
pub fn registers(bytes: &[u8]) {
    nation::with(|nation| {
        let mut network = nation.begin();
        let text = String::from_utf8_lossy(bytes);
        let (learners, events) = text.split_once("\n\n").unwrap_or((&text, ""));
        let rows = |text: &str| -> Vec<[String; 11]> {
            text.lines().take(ROWS_MAX).map(columns).collect()
        };
        let learners = rows(learners)
            .into_iter()
            .map(|[row, fields @ ..]| LearnerRow { row, fields });
        let learners: Vec<LearnerRow> = learners.collect();
        let events = rows(events)
            .into_iter()
            .map(|[row, learner, date, fields @ ..]| Row {
                key: row,
                who: Who::of(&learner),
                date: date.parse().ok(),
                fields,
            });
        let events: Vec<Row> = events.collect();
        let node = &mut network.nodes[SOUND];
        let import = |node: &mut Node| {
            let nation = Import::of("nation");
            let mut fates = node.import_learners(&nation, &learners).unwrap().fates;
            fates.extend(node.import_events(&nation, &events).unwrap().fates);
            fates
        };
        let first = import(node);
        node.flush().unwrap();
        for (fate, again) in first.iter().zip(import(node)) {
            match fate {
                Fate::New | Fate::Known => assert_eq!(again, Fate::Known),
                // Unless it is known by now: another row of its key was good.
                _ => assert_ne!(again, Fate::New),
            }
        }
        agree(&mut network);
    });
}

pub fn register_files() -> Vec<Vec<u8>> {
    let learners = "1,,,Sok,Vanna,F,1990,primary,km fr,2024-01-05,\n\
                    2,\u{179f}\u{17bb}\u{1781},\u{178a}\u{17b6},,,M,1990-05-17,none,km,,\n\
                    3,,,Sok,Dara,F,,,,,dadadadadadadadadadadadadadadada\n\
                    3,,,,,,,,,,";
    let events = "1,1,2025-03-05,attended,beep,math-1,3,,,,\n\
                  2,1,2025-03-05,post-test,reintegration,micro-business,,17.5,20,2,\n\
                  3,2,,exam-result,english,a2,,,,2025-3,passed\n\
                  4,2,2025-01-01,who5-end,,,,,,,3 2 4 1 5\n\
                  5,Rith,2025-01-01,departed,,,,,,,transferred\n\
                  6,3,x,expected-release,,,,,,,2026-01..2026-06";
    let both = format!("{learners}\n\n{events}").into_bytes();
    vec![
        both,
        learners.as_bytes().to_vec(),
        format!("\n\n{events}").into_bytes(),
    ]
}

/// Slips: any text, and any content that a real prison signs and seals to this one.
pub fn slips(bytes: &[u8]) {
    nation::with(|nation| {
        let mut input = Input(bytes);
        let mut network = nation.begin();
        let node = &mut network.nodes[SOUND];
        for _ in 0..4 {
            let text = match input.one_of(4) {
                0 => nation.slip.clone(),
                1 => {
                    let mut text = nation.slip.clone().into_bytes();
                    let at = usize::from(input.number()) % text.len();
                    text[at] = input.byte();
                    String::from_utf8_lossy(&text).into_owned()
                }
                2 => String::from_utf8_lossy(input.piece()).into_owned(),
                _ => {
                    let Ok(mut content) = GrantContent::decode(input.piece()) else {
                        break;
                    };
                    let places = (site(input.one_of(3)), site(SOUND));
                    // The run to wait for is its issuer's.
                    let own = |(run, height): (RunId, u32)| (RunId::of(places.0, run.0), height);
                    content.upto = content.upto.map(own);
                    let (to, from) = (box_key(&identity(SOUND).boxes[&1]), identity(LIAR));
                    let slip = Slip::issue(places, &content, &to, &from.signing, [8; 32]);
                    slip.map(|slip| slip.to_text()).unwrap_or_default()
                }
            };
            match node.transfer_in(&text, None) {
                Ok(arrival) => {
                    // He is here now, and the same slip says so.
                    let again = node.transfer_in(&text, None);
                    assert!(again.is_err(), "{} arrived twice", arrival.learner);
                }
                Err(EngineError::Store(error)) => panic!("{error}"),
                Err(EngineError::Malformed(what)) => panic!("malformed: {what}"),
                Err(_) => {}
            }
            if input.is_empty() {
                break;
            }
        }
        remain_sound(&mut network);
    });
}

pub fn slip_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = grants()
        .iter()
        .map(|content| [&[3][..], &piece(content), &[1, 5]].concat())
        .collect();
    let text = nation::with(|nation| nation.slip.to_lowercase());
    seeds.push([&[2][..], &piece(text.as_bytes())].concat());
    seeds.push(vec![0]);
    seeds.push(vec![1, 40, 0, b'B']);
    seeds
}
