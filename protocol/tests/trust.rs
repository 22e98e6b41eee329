//! Goal: nothing is trusted that was not signed by whoever may sign it, an older roster never comes
//! back, and a slip opens for its destination alone.
//! Method: each check of rosters, slips and fork proofs with one thing wrong at a time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod samples;

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use samples::*;
use spean_protocol::codec::{self, DecodeError};
use spean_protocol::control::Recipient;
use spean_protocol::escrow::{Deposit, Escrow, EscrowError, Holder};
use spean_protocol::given_back::{Asked, open_given};
use spean_protocol::id::{Hash, LearnerId, RunId, SiteId, StayId, Stream};
use spean_protocol::log::ForkProof;
use spean_protocol::roster::{Role, Roster, RosterError, SignedRoster, VERSION, open_carrier};
use spean_protocol::seal::{BoxKey, SealError, Secret, box_key};
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::slip::{Slip, SlipError};
use spean_protocol::stay::{GrantContent, HeldKey};

fn signed_by(roster: &Roster, keys: &[SigningKey]) -> SignedRoster {
    let mut signed = SignedRoster::propose(roster);
    for key in keys {
        signed.sign(key).unwrap();
    }
    signed
}

fn next(change: impl FnOnce(&mut Roster)) -> Roster {
    let mut next = roster();
    next.version += 1;
    change(&mut next);
    next
}

#[test]
fn a_roster_needs_two_of_three_roots() {
    let (held, next) = (roster(), next(|_| {}));
    let accept = |keys: &[SigningKey]| signed_by(&next, keys).accept(Some(&held));
    let too_few = |found| {
        Err(RosterError::TooFewSignatures {
            version: 6,
            found,
            needed: 2,
        })
    };
    assert_eq!(accept(&[]), too_few(0));
    assert_eq!(accept(&[root_key(1)]), too_few(1));
    assert_eq!(
        accept(&[root_key(2), root_key(2)]),
        too_few(1),
        "one root signing twice"
    );
    let stranger = root_key(9);
    assert_eq!(
        signed_by(&next, &[]).sign(&stranger),
        Ok(false),
        "a stranger cannot even sign"
    );
    assert_eq!(accept(&[root_key(3), root_key(2)]), Ok(next.clone()));
    // A first roster must carry its own threshold.
    assert_eq!(signed_by(&next, &[root_key(1)]).accept(None), too_few(1));
    assert!(
        signed_by(&next, &[root_key(1), root_key(2)])
            .accept(None)
            .is_ok()
    );
}

#[test]
fn roots_change_only_by_the_roots_in_force() {
    let new_roots = [7, 8].map(root_key);
    let change = |roster: &mut Roster| {
        roster.roots = new_roots
            .each_ref()
            .map(|key| key.verifying_key().to_bytes())
            .to_vec();
    };
    let usurped = signed_by(&next(change), &new_roots);
    assert!(matches!(
        usurped.accept(Some(&roster())),
        Err(RosterError::TooFewSignatures { found: 0, .. })
    ));
    // The roots in force let a new one in.
    let both = next(|roster| roster.roots.push(new_roots[0].verifying_key().to_bytes()));
    let step = signed_by(&both, &[root_key(1), root_key(2)]);
    assert_eq!(step.accept(Some(&roster())), Ok(both));
}

#[test]
fn an_older_or_another_roster_of_the_same_version_is_refused() {
    let roots = [root_key(1), root_key(2)];
    let held = next(|_| {});
    for (offered, version) in [(roster(), 5), (next(|roster| roster.cohort += 1), 6)] {
        let refused = signed_by(&offered, &roots).accept(Some(&held));
        assert_eq!(
            refused,
            Err(RosterError::Rollback {
                held: 6,
                offered: version
            })
        );
    }
}

#[test]
fn a_changed_or_newer_roster_is_refused() {
    let bytes = signed_roster().encode();
    let text = b"Site CC4";
    let at = bytes
        .windows(text.len())
        .position(|window| window == text)
        .unwrap();
    let mut changed = bytes.clone();
    changed[at] = b'X';
    let changed = SignedRoster::decode(&changed).unwrap().accept(None);
    assert!(matches!(
        changed,
        Err(RosterError::TooFewSignatures { found: 0, .. })
    ));
    let mut newer = bytes;
    // The first byte of the body, after its length.
    newer[2] = VERSION + 1;
    let newer = SignedRoster::decode(&newer).unwrap().accept(None);
    assert_eq!(
        newer,
        Err(RosterError::Decode(DecodeError::NewerVersion(VERSION + 1)))
    );
}

#[test]
fn an_escrow_opens_for_two_of_three_holders_and_for_nobody_alone() {
    let escrow = escrow();
    let seeds = |numbers: &[u8]| -> Vec<Secret> {
        numbers.iter().map(|number| holder_seed(*number)).collect()
    };
    let open = |numbers: &[u8]| escrow.open(Deposit::Cohort(3), &seeds(numbers));
    for pair in [[1, 2], [1, 3], [2, 3], [3, 1]] {
        assert_eq!(open(&pair), Ok(Secret([0xE5; 32])), "{pair:?}");
    }
    assert_eq!(open(&[3, 2, 1]), Ok(Secret([0xE5; 32])));
    let too_few = |found| Err(EscrowError::TooFew { found, needed: 2 });
    for alone in [&[][..], &[9], &[9, 8, 7]] {
        assert_eq!(open(alone), too_few(0));
    }
    for alone in [&[1][..], &[2, 2], &[3, 9]] {
        assert_eq!(open(alone), too_few(1), "{alone:?}");
    }
    let absent = Deposit::Cohort(4);
    assert_eq!(
        escrow.open(absent, &seeds(&[1, 2])),
        Err(EscrowError::Absent(absent))
    );
}

/// Of three holders each pair is tried: one group whose part was damaged does not hide another, and
/// the drill finds it.
#[test]
fn every_group_of_an_escrow_is_verified() {
    let what = Deposit::Cohort(3);
    let all = [1, 2, 3].map(holder_seed);
    let mut bytes = escrow().encode();
    assert_eq!(escrow().verify(what, &all), Ok(Secret([0xE5; 32])));
    // The last byte is of what the pair of the second and the third opens.
    *bytes.last_mut().unwrap() ^= 1;
    let damaged = Escrow::decode(&bytes).unwrap();
    assert_eq!(damaged.open(what, &all), Ok(Secret([0xE5; 32])));
    assert_eq!(
        damaged.verify(what, &all),
        Err(EscrowError::Seal(SealError::Wrong))
    );
    let pair = [2, 3].map(holder_seed);
    assert!(damaged.open(what, &pair).is_err());
}

/// What is sealed as one thing does not open as another, and a holder's key that another put in his
/// place is no holder's.
#[test]
fn an_escrow_that_was_changed_is_refused() {
    let bytes = escrow().encode();
    let seeds = [1, 2].map(holder_seed);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let Ok(read) = Escrow::decode(&changed) else {
            continue;
        };
        // What is left whole opens to the same; what is not, to nothing.
        for (what, secret) in [
            (Deposit::Carrier, CARRIER),
            (Deposit::Cohort(3), Secret([0xE5; 32])),
            (Deposit::Cohort(2), Secret([0; 32])),
        ] {
            let opened = read.open(what, &seeds);
            assert!(
                opened.as_ref().is_ok_and(|one| *one == secret) || opened.is_err(),
                "byte {at}"
            );
        }
    }
    let holder = |root, seed| Holder::of(&root_key(root), box_key(&holder_seed(seed)));
    let mut stolen = codec::encode(&holder(2, 2));
    stolen[32..64].copy_from_slice(&box_key(&holder_seed(9)).0);
    let stolen: Holder = codec::decode(&stolen).unwrap();
    for (threshold, holders) in [
        (0, vec![holder(1, 1)]),
        (2, vec![holder(1, 1)]),
        (2, vec![holder(1, 1), holder(1, 2)]),
        (2, vec![holder(1, 1), holder(2, 1)]),
        (2, vec![holder(1, 1), stolen]),
        (2, (0..12).map(|n| holder(n, n)).collect()),
    ] {
        assert!(Escrow::new(threshold, holders).is_err(), "{threshold}");
    }
}

#[test]
fn a_roster_that_contradicts_itself_is_refused() {
    let unsound: [fn(&mut Roster); 12] = [
        |roster| roster.threshold = 0,
        |roster| roster.threshold = 4,
        |roster| roster.roots[1] = roster.roots[0],
        |roster| roster.sites[1].id = SITE,
        |roster| roster.sites[1].code = "cc4".to_owned(),
        |roster| roster.sites[1].keys = roster.sites[0].keys.clone(),
        |roster| roster.sites[0].role = Role::Headquarters,
        |roster| roster.sites[0].name = "n".repeat(129),
        |roster| roster.sites[0].name = "a\u{1b}[8m".to_owned(),
        |roster| roster.sites[0].name = "a\u{202e}b".to_owned(),
        |roster| roster.sites[0].code = String::new(),
        |roster| roster.sites[0].code = "A\nB".to_owned(),
    ];
    for (number, change) in unsound.into_iter().enumerate() {
        let roster = next(change);
        assert!(roster.check().is_err(), "{number}");
        assert!(
            SignedRoster::propose(&roster).sign(&root_key(1)).is_err(),
            "{number}"
        );
    }
}

#[test]
fn a_site_opens_its_own_copy_of_the_carrier_key_only() {
    let roster = roster();
    let open = |seed: &Secret| open_carrier(seed, &roster.sites[0].carrier);
    assert_eq!(open(&SEED), Ok(CARRIER));
    assert!(open(&Secret([0xB1; 32])).is_err());
}

#[test]
fn a_slip_opens_for_its_destination_alone() {
    let slip = slip();
    let key = node_key().verifying_key().to_bytes();
    slip.verify([&[1; 32], &key]).unwrap();
    assert_eq!(
        slip.verify([&root_key(5).verifying_key().to_bytes()]),
        Err(SlipError::Signature(OTHER))
    );
    assert_eq!(
        slip.open(SITE, [&Secret([1; 32]), &SEED]),
        Ok(slip_grant(OTHER))
    );
    assert_eq!(
        slip.open(SiteId(5), [&SEED]),
        Err(SlipError::Elsewhere(SITE))
    );
    assert_eq!(slip.open(SITE, [&Secret([1; 32])]), Err(SlipError::OldKey));
    // Addressed to another site, by whoever found it: neither signed so nor sealed so.
    let mut redirected = slip;
    redirected.destination = SiteId(5);
    assert_eq!(redirected.verify([&key]), Err(SlipError::Signature(OTHER)));
    assert_eq!(redirected.open(SiteId(5), [&SEED]), Err(SlipError::OldKey));
}

#[test]
fn no_character_of_a_slip_can_be_another() {
    let (text, key) = (slip().to_text(), node_key().verifying_key().to_bytes());
    let passes = |text: &str| Slip::from_text(text).is_ok_and(|slip| slip.verify([&key]).is_ok());
    assert!(passes(&text));
    for at in 0..text.len() {
        let other = if text.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        assert!(
            !passes(&[&text[..at], other, &text[at + 1..]].concat()),
            "character {at}"
        );
        assert!(!passes(&text[..at]), "{at} characters");
    }
    // What somebody changed on purpose ends with a check that fits, and is of another version, or
    // not signed.
    let changed = |at: usize| {
        let bytes = data_encoding::BASE32_NOPAD.decode(text.as_bytes());
        let mut bytes = bytes.unwrap();
        bytes.truncate(bytes.len() - 2);
        bytes[at] += 1;
        let check = *blake3::hash(&bytes).as_bytes();
        bytes.extend_from_slice(&check[..2]);
        Slip::from_text(&data_encoding::BASE32_NOPAD.encode(&bytes))
    };
    assert_eq!(changed(0), Err(SlipError::NewerVersion(3)));
    let slip = changed(30).unwrap();
    assert_eq!(slip.verify([&key]), Err(SlipError::Signature(OTHER)));
    // A typing error is told from that.
    let mistyped = ["AX", &text[2..]].concat();
    assert_eq!(Slip::from_text(&mistyped), Err(SlipError::Mistyped));
}

/// Goal: whatever is issued as one slip is of 300 bytes at most, and opens to what was put on it.
/// Method: learners with keys of one stay and of several, in both streams, also twice of one; what is
/// more is refused rather than shortened.
#[test]
fn a_slip_holds_few_learners_and_keys() {
    let site = SiteId(u16::MAX);
    let issue = |learners: &[&[HeldKey]], height: Option<u32>| {
        let content = GrantContent {
            upto: height.map(|height| (RunId::of(site, [1; 16]), height)),
            learners: (1..)
                .zip(learners)
                .map(|(number, keys)| (LearnerId([number; 16]), keys.to_vec()))
                .collect(),
        };
        let slip = Slip::issue(
            (site, SITE),
            &content,
            &box_key(&SEED),
            &node_key(),
            [6; 32],
        )?;
        assert_eq!(slip.open(SITE, [&SEED]).unwrap(), content);
        let text = slip.to_text();
        assert_eq!(Slip::from_text(&text).unwrap(), slip);
        let bytes = data_encoding::BASE32_NOPAD.decode(text.as_bytes());
        Ok::<_, SlipError>((bytes.unwrap().len(), text.len()))
    };
    let key = |stay: u8, stream| HeldKey {
        site,
        stream,
        stay: StayId([stay; 16]),
        ..held_key()
    };
    let (education, restricted) = (key(1, Stream::Education), key(1, Stream::Restricted));
    let both = [education.clone(), restricted.clone()];
    let last = Some(1 << 20);
    assert_eq!(issue(&[&both[..1]], last), Ok((207, 332)));
    assert_eq!(issue(&[&both], last), Ok((239, 383)));
    assert_eq!(issue(&[&both[..1], &both[..1]], last), Ok((276, 442)));
    let three: Vec<_> = (1..4).map(|stay| key(stay, Stream::Education)).collect();
    assert_eq!(issue(&[&three], None), Ok((294, 471)));
    // A second key of the same stay and stream, and one of another order.
    let twice = [education.clone(), restricted.clone(), restricted.clone()];
    issue(&[&twice], None).unwrap();
    issue(&[&[restricted, education]], last).unwrap();
    issue(&[&[], &both], last).unwrap();
    for too_many in [&[&three[..], &three[..1]][..], &[], &[&[], &[], &[], &[]]] {
        assert_eq!(issue(too_many, None), Err(SlipError::TooMany));
    }
    assert_eq!(issue(&[&three], last), Err(SlipError::TooMany));
    // A run of somebody else's cannot be waited for.
    let content = slip_grant(OTHER);
    let foreign = Slip::issue(
        (site, SITE),
        &content,
        &box_key(&SEED),
        &node_key(),
        [6; 32],
    );
    assert_eq!(foreign.err(), Some(SlipError::TooMany));
}

fn data(height: u32, previous: Hash, stamp: u64) -> Segment {
    let header = Header {
        previous,
        stamp,
        ..header(Log::Data, height)
    };
    Segment::sign(header, Vec::new(), &node_key()).unwrap()
}

#[test]
fn a_fork_proof_proves_itself_and_nothing_else() {
    let key = node_key().verifying_key().to_bytes();
    let verify = |one: &Segment, other: &Segment| {
        ForkProof::of(one, other).verify(|site| if site == SITE { vec![&key] } else { Vec::new() })
    };
    let (below, other) = (data(3, Hash::ZERO, 1), data(3, Hash::ZERO, 2));
    let joins = data(4, below.header.hash(), 3);
    assert_eq!(verify(&below, &other), Ok(run(1)), "two at one height");
    assert_eq!(
        verify(&other, &joins),
        Ok(run(1)),
        "one that does not join the one below"
    );
    assert!(verify(&below, &joins).is_err(), "a sound pair");
    assert!(verify(&below, &below).is_err(), "one segment twice");
    assert!(
        verify(&joins, &other).is_err(),
        "in the wrong order it says nothing"
    );
    assert!(
        verify(&below, &data(9, Hash::ZERO, 1)).is_err(),
        "far apart"
    );
    let header = Header {
        run: run(2),
        ..header(Log::Data, 3)
    };
    let elsewhere = Segment::sign(header.clone(), Vec::new(), &node_key()).unwrap();
    assert!(verify(&below, &elsewhere).is_err(), "two runs are no fork");
    let forged = Segment::sign(
        Header {
            run: run(1),
            ..header
        },
        Vec::new(),
        &root_key(1),
    )
    .unwrap();
    assert!(verify(&below, &forged).is_err(), "somebody else signed it");
}

#[test]
fn a_revocation_is_small_and_contradicts_nothing() {
    let (before, after) = (roster().encode().len(), roster_2().encode().len());
    println!(
        "a revocation whose cut has two heads: {} bytes",
        after - before
    );
    assert!(after - before <= 250);

    let refused = |change: fn(&mut Roster)| {
        let mut next = roster_2();
        next.version += 1;
        change(&mut next);
        matches!(next.check(), Err(RosterError::Unsound(_)))
    };
    assert!(!refused(|_| {}));
    assert!(refused(|next| {
        let key = next.sites[0].keys[0];
        next.revoked[0].key = key;
    }));
    assert!(refused(|next| {
        let again = next.revoked[0].clone();
        next.revoked.push(again);
    }));
    assert!(refused(|next| next.revoked[0].site = SiteId(99)));
    assert!(refused(|next| next.revoked[0].site = next.sites[1].id));
    // Whose keys are all revoked is not written to any more, and stays in the roster.
    let mut closed = roster_2();
    let (id, key) = (closed.sites[0].id, closed.sites[0].keys.remove(0));
    closed.revoked[0].key = key;
    assert_eq!(closed.check(), Ok(()));
    assert_eq!(closed.box_key(id), None);
    assert!(closed.by_key(&key).is_none() && closed.revocation(&key).is_some());
}

/// Goal: an order to destroy keys leaves nobody without one, and is never taken back. Method: rosters
/// that say too much, and one that says less than the one before.
#[test]
fn an_order_to_destroy_keys_leaves_nobody_without_one() {
    let refused = |change: fn(&mut Roster)| {
        let mut next = roster_3();
        change(&mut next);
        matches!(next.check(), Err(RosterError::Unsound(_)))
    };
    assert!(!refused(|_| {}));
    assert!(
        refused(|next| next.shredded = 4),
        "the cohort before is kept"
    );
    assert!(refused(|next| next.cohort = 4));
    assert!(refused(|next| {
        next.escrow.insert(3, BoxKey([1; 32]));
    }));
    assert!(refused(|next| {
        next.sites[0].boxes = BTreeMap::from([(3, BoxKey([1; 32]))]);
    }));
    assert!(!refused(|next| {
        let site = &mut next.sites[0];
        (site.keys, site.boxes) = (Vec::new(), BTreeMap::new());
    }));

    let mut less = roster_3();
    less.version += 1;
    less.shredded = 2;
    let mut signed = SignedRoster::propose(&less);
    assert!(signed.sign(&root_key(1)).unwrap() && signed.sign(&root_key(2)).unwrap());
    assert!(signed.accept(None).is_ok());
    assert!(matches!(
        signed.accept(Some(&roster_3())),
        Err(RosterError::Unsound(_))
    ));
}

/// Goal: what officials give back opens for that prison's computer alone, and nothing else is opened for
/// whoever asks. Method: other readers, other sites, wraps of another kind, more than there may be.
#[test]
fn what_is_given_back_opens_for_one_computer() {
    let file = given();
    assert_eq!(open_given(&file, OTHER, &[SEED]), Ok(None), "another site");
    assert_eq!(open_given(&file, SITE, &[Secret([1; 32])]), Ok(None));
    for length in 0..8 {
        assert!(open_given(&file[..length], SITE, &[SEED]).is_err());
    }
    assert!(open_given(&asked().encode(), SITE, &[SEED]).is_err());
    assert!(Asked::decode(&file).is_err());

    let mut education = asked();
    education.wraps[0].stream = Stream::Education;
    assert_eq!(
        Asked::decode(&education.encode()),
        Err(DecodeError::Malformed)
    );
    let mut own = asked();
    own.wraps[0].recipient = Recipient::Itself;
    assert_eq!(Asked::decode(&own.encode()), Err(DecodeError::Malformed));
    let mut many = asked();
    many.wraps = vec![many.wraps[0].clone(); 257];
    assert!(Asked::decode(&many.encode()).is_err());
    // A wrap that says that it is of another site, or of another cohort, opens to nothing.
    let mut moved = asked();
    moved.site = OTHER;
    assert!(moved.open(&[SEED]).is_empty());
    let mut later = asked();
    later.wraps[0].cohort += 1;
    assert!(later.open(&[SEED]).is_empty());
}
