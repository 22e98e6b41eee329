//! What a hostile prison can write: any header, entry and parcel, signed with its own rostered key
//! and sealed under keys that it really has; and what it can say in between: what it says when it
//! is honest, the same changed, and anything else. Read from an [`Input`], so that a fuzzer
//! composes it.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use spean_protocol::control::{Entry, Recipient, Wrap};
use spean_protocol::event::EventId;
use spean_protocol::frontier::{Beyond, RunTag};
use spean_protocol::id::{Hash, Label, LearnerId, RunId, SiteId, Stream};
use spean_protocol::letter::letter_info;
use spean_protocol::log::{ForkProof, Head};
use spean_protocol::parcel::{self, Kind, Place};
use spean_protocol::receipt::{Receipt, Statement, pack};
use spean_protocol::record::{Batch, Draft};
use spean_protocol::seal::{Secret, box_key, box_seal};
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Summary};
use spean_protocol::slip::grant_info;
use spean_protocol::stay::CustodyKey;

use super::input::Input;
use super::nation::{LIAR, Nation};
use super::network::{identity, site};

/// How far one of the author's runs has come.
#[derive(Clone, Copy)]
struct Tips {
    run: RunId,
    /// Height and tip of the control log, then of the data log.
    next: [(u32, Hash); 2],
}

/// What is deviant in a header: the bits of a byte.
mod twist {
    pub const HEIGHT: u8 = 1;
    pub const PREVIOUS: u8 = 2;
    pub const CONTROL: u8 = 4;
    pub const COHORT: u8 = 8;
    pub const STAMP: u8 = 16;
    pub const SITE: u8 = 32;
    /// The next segment takes the same place: a fork.
    pub const TWIN: u8 = 64;
    /// A parcel is left out after signing.
    pub const ABSENT: u8 = 128;
}

/// The author, and what it wrote so far.
pub struct Author<'a> {
    nation: &'a Nation,
    key: SigningKey,
    runs: BTreeMap<usize, Tips>,
    /// Changes written under a label so far.
    changes: BTreeMap<Label, u64>,
    made: Vec<Segment>,
}

impl<'a> Author<'a> {
    pub fn new(nation: &'a Nation) -> Self {
        Self {
            nation,
            key: identity(LIAR).signing,
            runs: BTreeMap::new(),
            changes: BTreeMap::new(),
            made: Vec::new(),
        }
    }

    /// The next thing that it says; `None` for what is no frame.
    pub fn frame(&mut self, input: &mut Input<'_>) -> Option<Frame> {
        match input.one_of(11) {
            0 => Frame::decode(input.piece()).ok(),
            1 => self.said(input),
            2 => {
                let mut bytes = self.said(input)?.encode();
                let at = usize::from(input.number()) % bytes.len();
                bytes[at] ^= input.byte();
                Frame::decode(&bytes).ok()
            }
            3 => self.segment(Log::Control, input).map(Frame::Segment),
            4 => self.segment(Log::Data, input).map(Frame::Segment),
            5 => self.segment(Log::Control, input).map(Frame::Ahead),
            6 => self.again(input).map(Frame::Segment),
            7 => {
                let one = self.made.get(input.one_of(self.made.len()))?;
                let other = self.made.get(input.one_of(self.made.len()))?;
                let proof = ForkProof::of(one, other);
                Some(Frame::Fork(spean_protocol::codec::encode(&proof)))
            }
            8 => Some(Frame::Receipt(self.receipt(input).encode())),
            9 => Some(Frame::Summary(self.summary(input))),
            _ => {
                let receipts = (0..input.one_of(4)).map(|_| self.receipt(input));
                let packed = pack(&receipts.collect::<Vec<_>>());
                packed.into_iter().next().map(Frame::Receipts)
            }
        }
    }

    /// Something that honest machines say or hold.
    fn said(&self, input: &mut Input<'_>) -> Option<Frame> {
        let [dialling, answering] = &self.nation.said;
        let all = [dialling, answering, &self.nation.held];
        let from = all[input.one_of(3)];
        from.get(input.one_of(from.len())).cloned()
    }

    /// What it pretends to have: real places in anybody's runs, perhaps with other numbers, parts
    /// beyond them, and what it may know.
    fn summary(&self, input: &mut Input<'_>) -> Summary {
        let mut summary = Summary {
            roster: input.one_of(3).try_into().unwrap(),
            ..Summary::default()
        };
        for _ in 0..input.one_of(8) {
            let (mut of, mut mark) = self.nation.marks[input.one_of(self.nation.marks.len())];
            match input.one_of(8) {
                1 => mark.data = input.number().into(),
                2 => mark.control = input.number().into(),
                3 => mark.tips = [input.byte(); 4],
                4 => mark.run = RunTag([input.byte(); 8]),
                5 => of = SiteId(input.byte().into()),
                _ => {}
            }
            let frontier = summary.frontier.0.entry(of).or_default();
            match input.one_of(4) {
                0 | 1 => frontier.heads.push(mark),
                2 => summary.lineage.entry(of).or_default().push(mark),
                _ => {
                    let (start, length) = (u32::from(input.byte()), u32::from(input.byte()));
                    frontier.beyond.push(Beyond {
                        run: mark.run,
                        control: mark.control,
                        ranges: vec![(start, start + length)],
                    });
                }
            }
        }
        for _ in 0..input.one_of(3) {
            summary.forks.insert(RunTag([input.byte(); 8]));
        }
        summary
    }

    /// An earlier segment once more, perhaps without a parcel.
    fn again(&self, input: &mut Input<'_>) -> Option<Vec<u8>> {
        let mut segment = self.made.get(input.one_of(self.made.len()))?.clone();
        let at = input.one_of(8);
        if let Some(parcel) = segment.parcels.get_mut(at) {
            *parcel = None;
        }
        Some(segment.encode())
    }

    /// A head of its own: of what it wrote here, of before, or one that it made up.
    fn head(&self, input: &mut Input<'_>) -> Head {
        let run = |number| RunId::of(site(LIAR), [number; 16]);
        match input.one_of(3) {
            0 => self.nation.heads[0],
            1 => {
                let tips = self.runs.values().nth(input.one_of(self.runs.len()));
                tips.map_or(self.nation.heads[0], |tips| {
                    let [(control, control_tip), (data, data_tip)] = tips.next;
                    Head {
                        run: tips.run,
                        data,
                        control,
                        data_tip,
                        control_tip,
                    }
                })
            }
            _ => Head {
                run: run(input.byte()),
                data: input.number().into(),
                control: input.number().into(),
                data_tip: Hash([input.byte(); 32]),
                control_tip: Hash([input.byte(); 32]),
            },
        }
    }

    fn receipt(&self, input: &mut Input<'_>) -> Receipt {
        let number = input.number().into();
        let roster = input.byte().into();
        let stated = (0..input.one_of(4)).map(|_| {
            let of = SiteId(input.byte().into());
            let heads = (0..input.one_of(4)).map(|_| self.head(input)).collect();
            (of, heads)
        });
        let stated: BTreeMap<SiteId, Vec<Head>> = stated.collect();
        Receipt::sign(
            &Statement::of((site(LIAR), number, roster), &stated),
            &self.key,
        )
    }

    /// A segment that goes on with one of four runs, where its header is not deviant; the last run
    /// is the one that the honest machine wrote.
    fn segment(&mut self, log: Log, input: &mut Input<'_>) -> Option<Vec<u8>> {
        let number = input.one_of(4);
        let honest = self.nation.heads[0];
        let begun = Tips {
            run: RunId::of(site(LIAR), [0xA0 + u8::try_from(number).unwrap(); 16]),
            next: [(0, Hash::ZERO); 2],
        };
        let goes_on = Tips {
            run: honest.run,
            next: [
                (honest.control, honest.control_tip),
                (honest.data, honest.data_tip),
            ],
        };
        let fresh = if number == 3 { goes_on } else { begun };
        let tips = *self.runs.entry(number).or_insert(fresh);
        let which = usize::from(log == Log::Data);
        let (height, previous) = tips.next[which];
        let mut header = Header {
            log,
            site: site(LIAR),
            run: tips.run,
            height,
            previous,
            control: tips.next[0].0,
            cohort: 1,
            stamp: 1_790_000_000,
            lines: Vec::new(),
        };
        let twists = input.byte();
        deviate(&mut header, twists, input);
        let parcels = match log {
            Log::Control => self.entries(height, input),
            Log::Data => self.parcels(&header, input),
        };
        let mut segment = Segment::sign(header, parcels, &self.key).ok()?;
        if twists & twist::TWIN == 0
            && let Some(tips) = self.runs.get_mut(&number)
        {
            tips.next[which] = (segment.header.height + 1, segment.header.hash());
        }
        self.made.push(segment.clone());
        if twists & twist::ABSENT != 0
            && let Some(parcel) = segment.parcels.first_mut()
        {
            *parcel = None;
        }
        Some(segment.encode())
    }

    fn entries(&self, height: u32, input: &mut Input<'_>) -> Vec<(Label, Vec<u8>)> {
        let mut entries = Vec::new();
        let parents = (0..input.one_of(4)).map(|_| self.head(input)).collect();
        if height == 0 {
            entries.push(Entry::Opening(parents).encode());
        }
        for _ in 0..input.one_of(8) {
            entries.push(self.entry(input));
        }
        let zero = Label([0; 16]);
        entries.into_iter().map(|entry| (zero, entry)).collect()
    }

    fn entry(&self, input: &mut Input<'_>) -> Vec<u8> {
        let to = input.one_of(3);
        let reader = box_key(&identity(to).boxes[&1]);
        let seal = |info: &[u8], content: &[u8]| {
            box_seal(&reader, info, content, [9; 32]).unwrap_or_default()
        };
        let (from, to) = (site(LIAR), site(to));
        match input.one_of(6) {
            0 => input.piece().to_vec(),
            1 => {
                let parents = (0..input.one_of(20)).map(|_| self.head(input));
                Entry::Opening(parents.collect()).encode()
            }
            2 => {
                let number = input.byte();
                let stream = Stream::ALL[input.one_of(2)];
                let key = match number {
                    0 => self.nation.custody.clone(),
                    _ => CustodyKey {
                        site: from,
                        cohort: 1,
                        stream,
                        secret: Secret([number; 32]),
                    },
                };
                let recipients = [
                    Recipient::Headquarters,
                    Recipient::Itself,
                    Recipient::Escrow,
                ];
                let wrap = Wrap::seal(&key, recipients[input.one_of(3)], &reader, [9; 32]);
                wrap.map(Entry::Wrap).unwrap_or(Entry::Newer(0)).encode()
            }
            3 => {
                let id = [input.byte(); 16];
                let sealed = seal(&grant_info(from, to, &id), input.piece());
                Entry::Grant { id, sealed }.encode()
            }
            4 => {
                let sealed = seal(&letter_info(from, to), input.piece());
                Entry::Letter { sealed }.encode()
            }
            _ => {
                let info = [b"spean statement v1".as_slice(), &from.0.to_le_bytes()].concat();
                let sealed = seal(&info, input.piece());
                Entry::Statement { sealed }.encode()
            }
        }
    }

    fn parcels(&mut self, header: &Header, input: &mut Input<'_>) -> Vec<(Label, Vec<u8>)> {
        let mut parcels = Vec::new();
        for index in 0..u16::try_from(input.one_of(6)).unwrap() {
            let place = Place {
                run: header.run,
                height: header.height,
                index,
            };
            let (secret, label) = self.key_and_label(header.run, input);
            let kind = [Kind::Changes, Kind::Keyring, Kind::Register, Kind::Newer(9)];
            let kind = kind[input.one_of(4)];
            let content = match input.one_of(3) {
                0 => input.piece().to_vec(),
                _ => self.batch(label, input),
            };
            let sealed = match input.byte() {
                // Not sealed at all, or for another place.
                1 => content,
                2 => {
                    let elsewhere = Place {
                        height: 99,
                        ..place
                    };
                    parcel::seal(&secret, elsewhere, label, kind, &content).unwrap_or_default()
                }
                _ => parcel::seal(&secret, place, label, kind, &content).unwrap_or_default(),
            };
            parcels.push((label, sealed));
        }
        parcels
    }

    fn key_and_label(&self, run: RunId, input: &mut Input<'_>) -> (Secret, Label) {
        let of = |(learner, held): &(LearnerId, spean_protocol::stay::HeldKey)| {
            let label = held.key.label(*learner, held.stream, run);
            (held.key.0.clone(), label)
        };
        match input.one_of(6) {
            stay @ 0..3 => of(&self.nation.keys[stay]),
            3 => self.nation.custody.register(run),
            4 => (Secret([7; 32]), of(&self.nation.keys[0]).1),
            _ => (Secret([7; 32]), Label([input.byte(); 16])),
        }
    }

    /// Changes that go on where the label stands, or do not.
    fn batch(&mut self, label: Label, input: &mut Input<'_>) -> Vec<u8> {
        let next = self.changes.entry(label).or_insert(1);
        let seq = match input.byte() {
            0 => {
                *next += 1;
                *next - 1
            }
            other => u64::from(other),
        };
        let events = (0..=input.one_of(8)).map(|_| Draft {
            id: match input.one_of(3) {
                0 => None,
                _ => EventId::try_from(String::from_utf8_lossy(input.piece()).into_owned()).ok(),
            },
            bytes: input.piece().to_vec(),
        });
        let events = events.collect();
        Batch { seq, events }.encode()
    }
}

fn deviate(header: &mut Header, twists: u8, input: &mut Input<'_>) {
    if twists & twist::HEIGHT != 0 {
        header.height = input.number().into();
    }
    if twists & twist::PREVIOUS != 0 {
        header.previous = Hash([input.byte(); 32]);
    }
    if twists & twist::CONTROL != 0 {
        header.control = input.number().into();
    }
    if twists & twist::COHORT != 0 {
        header.cohort = input.number();
    }
    if twists & twist::STAMP != 0 {
        header.stamp = u64::from_le_bytes([input.byte(); 8]);
    }
    if twists & twist::SITE != 0 {
        header.site = SiteId(input.byte().into());
    }
}
