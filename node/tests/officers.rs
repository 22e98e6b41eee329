//! Goal: an exam result counts when two persons have signed it, wherever the second one sits and in
//! whatever order the pieces come; nobody who runs one node alone is two persons.
//! Method: two prisons and the DGP in memory; officers' keys sign what their nodes offer; forged,
//! foreign and repeated signatures; a revoked node.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use network::by_hand::{post, posted};
use network::officers::{appoint, officer_key, sign};
use network::people::newcomer;
use network::{DGP, Network, Node, export, fold, identity, import, site};
use spean::engine::EngineError;
use spean::engine::decisions::Decision;
use spean_protocol::catalogue::{ModuleId, ProgrammeId, Scope};
use spean_protocol::control::Entry as ControlEntry;
use spean_protocol::event::{
    Body, Event, EventId, ExamOutcome, LinkReason, Purpose, RetractionReason,
};
use spean_protocol::id::{LearnerId, Position, RunId, StayId};
use spean_protocol::letter::{Letter, letter_info};
use spean_protocol::limits::{LETTER_LEARNERS_MAX, OPENINGS_MAX};
use spean_protocol::officer::{Office, Officer, Signature};
use spean_protocol::opening::Opening;
use spean_protocol::roster::Revocation;
use spean_protocol::seal::box_seal;
use spean_protocol::session::Host;
use spean_protocol::totals::Query;
use spean_protocol::view::{Entry, InEffect, Origin};

fn passed() -> Event {
    let module = ModuleId {
        programme: ProgrammeId::BEEP,
        number: 2,
    };
    Event::new(Body::ExamResult {
        scope: Scope::Module(module),
        sitting: None,
        outcome: ExamOutcome::Passed,
        score: None,
    })
    .on("2026-05-01".parse().unwrap())
}

/// Exam results that count, and those that wait for a second person, as a node sees it.
fn results(node: &Node, learner: LearnerId) -> (usize, u64) {
    let exams = node
        .view(learner)
        .unwrap()
        .unwrap_or_default()
        .progress
        .exams;
    let counted = exams.iter().map(|exam| exam.outcomes.len()).sum();
    (
        counted,
        node.totals(Query::ALL).unwrap().figures.provisional,
    )
}

/// The DGP confirms an officer of the first prison, who has read out his key.
fn confirm(network: &mut Network, number: u16) {
    let key = officer_key(number).verifying_key().to_bytes();
    let told = data_encoding::HEXLOWER.encode(&key[..4]);
    let dgp = &mut network.nodes[DGP];
    let other = dgp.confirm_officer(site(1), number, "00000000");
    assert!(other.unwrap_err().to_string().contains("begins with"));
    assert!(dgp.confirm_officer(site(1), number, &told[..7]).is_err());
    dgp.confirm_officer(site(1), number, &told).unwrap();
}

/// A learner of the first prison with a result that nobody has signed.
fn examined(network: &mut Network) -> LearnerId {
    let learner = network.nodes[1].add_learner(&newcomer("Dara")).unwrap();
    network.nodes[1]
        .append(learner, &[(None, passed())])
        .unwrap();
    network.nodes[1].flush().unwrap();
    learner
}

#[test]
fn a_result_counts_when_two_persons_have_signed_it() {
    let mut network = Network::new(2);
    let learner = examined(&mut network);
    assert_eq!(results(&network.nodes[1], learner), (0, 1));
    for number in [1, 2] {
        appoint(&mut network.nodes[1], number, Office::Officer).unwrap();
    }
    // Two officers whom nobody but their own node knows are one person.
    assert_eq!(
        (
            sign(&mut network.nodes[1], 1),
            sign(&mut network.nodes[1], 2)
        ),
        (1, 1)
    );
    assert_eq!(results(&network.nodes[1], learner), (0, 1));
    network.settle();
    assert_eq!(results(&network.nodes[DGP], learner), (0, 1));
    // The DGP confirms one of them: the other one may still be he.
    confirm(&mut network, 2);
    network.settle();
    assert_eq!(results(&network.nodes[DGP], learner), (0, 1));
    // It confirms both: now they are two, everywhere.
    confirm(&mut network, 1);
    network.settle();
    for at in [DGP, 1] {
        assert_eq!(results(&network.nodes[at], learner), (1, 0), "{at}");
    }
    assert_eq!(sign(&mut network.nodes[1], 1), 0, "nothing waits any more");
    // Whoever begins with nothing sees the same, in whatever order.
    let file = export(&mut network.nodes[2], &[]);
    let mut fresh = network.fresh(DGP);
    for _ in 0..2 {
        assert!(import(&mut fresh, &file));
        fold(&mut fresh);
    }
    assert_eq!(results(&fresh, learner), (1, 0));
    assert_eq!(fresh.digest(), network.nodes[DGP].digest());
}

#[test]
fn the_second_person_sits_at_the_head_office_and_signs_later() {
    let mut network = Network::new(2);
    let learner = examined(&mut network);
    appoint(&mut network.nodes[1], 1, Office::Director).unwrap();
    appoint(&mut network.nodes[DGP], 9, Office::Administrator).unwrap();
    sign(&mut network.nodes[1], 1);
    network.settle();
    assert_eq!(sign(&mut network.nodes[DGP], 9), 1);
    assert_eq!(results(&network.nodes[DGP], learner), (1, 0));
    assert_eq!(results(&network.nodes[1], learner), (0, 1), "not heard yet");
    network.settle();
    assert_eq!(results(&network.nodes[1], learner), (1, 0));
    // What counts, one officer alone does not take away.
    let events = network.nodes[1].events(learner).unwrap();
    let (id, _) = events
        .into_iter()
        .find(|(_, event)| event.body.needs_two_persons())
        .unwrap();
    let reason = RetractionReason::EnteredByMistake;
    let event = EventId(id);
    let back = Event::new(Body::Retracted { event, reason });
    network.nodes[1].append(learner, &[(None, back)]).unwrap();
    sign(&mut network.nodes[1], 1);
    network.settle();
    assert_eq!(results(&network.nodes[DGP], learner).0, 1);
    assert_eq!(sign(&mut network.nodes[DGP], 9), 1);
    network.settle();
    for at in [DGP, 1] {
        assert_eq!(results(&network.nodes[at], learner).0, 0, "{at}");
    }
}

#[test]
fn signatures_that_are_none_are_refused() {
    let mut network = Network::new(2);
    let learner = examined(&mut network);
    for (number, office) in [
        (1, Office::Officer),
        (2, Office::PeerTutor),
        (3, Office::Officer),
    ] {
        appoint(&mut network.nodes[1], number, office).unwrap();
    }
    let node = &mut network.nodes[1];
    let (_, open) = node.to_sign(1).unwrap();
    let subject = open[0].subject;
    let refused = |outcome: Result<u64, EngineError>, word: &str| {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    };
    // Another's key, another's number, something that does not wait.
    let by_another = Signature::sign(&subject, 1, &officer_key(3));
    refused(node.sign_events(1, &[by_another]), "nothing that waits");
    let in_anothers_name = Signature::sign(&subject, 3, &officer_key(1));
    refused(
        node.sign_events(1, &[in_anothers_name]),
        "nothing that waits",
    );
    let good = Signature::sign(&subject, 1, &officer_key(1));
    assert_eq!(node.sign_events(1, std::slice::from_ref(&good)).unwrap(), 1);
    refused(node.sign_events(1, &[good]), "nothing that waits");
    // A peer tutor does not sign, nor who is no officer, nor one whose key was withdrawn.
    refused(node.sign_events(2, &[]), "peer-tutor");
    refused(node.sign_events(7, &[]), "no officer 7");
    node.withdraw_officer(3).unwrap();
    refused(node.sign_events(3, &[]), "no officer 3");
    // What he signed before he left stands.
    node.withdraw_officer(1).unwrap();
    appoint(&mut network.nodes[DGP], 9, Office::Administrator).unwrap();
    network.settle();
    sign(&mut network.nodes[DGP], 9);
    assert_eq!(results(&network.nodes[DGP], learner), (1, 0));
    // Only the DGP confirms, and offices of the DGP are there only.
    let confirmed = network.nodes[1].confirm_officer(site(1), 2, "00000000");
    assert!(
        confirmed
            .unwrap_err()
            .to_string()
            .contains("only the head office")
    );
    assert!(appoint(&mut network.nodes[1], 4, Office::Administrator).is_err());
}

/// Goal: one signature is one person's, whoever repeats it.
/// Method: another prison lists the signer's key as one of its own officers and puts his signature into its
/// log; so does his own, under another number.
#[test]
fn a_signature_that_others_repeat_is_one() {
    let mut network = Network::new(2);
    let learner = examined(&mut network);
    appoint(&mut network.nodes[1], 1, Office::Officer).unwrap();
    network.settle();
    confirm(&mut network, 1);
    sign(&mut network.nodes[1], 1);
    network.settle();
    let of_one = posted(&network.nodes[1])
        .into_iter()
        .find_map(|entry| match entry {
            ControlEntry::Signature(signature) => Some(signature),
            _ => None,
        });
    let of_one = of_one.unwrap();
    for at in [1, 2] {
        let (number, key) = (7, officer_key(1).verifying_key().to_bytes());
        let officer = Officer {
            site: site(at),
            number,
            office: Office::Officer,
            key,
        };
        let again = Signature {
            number,
            ..of_one.clone()
        };
        // So that the log of the second prison has begun.
        network.nodes[at].add_learner(&newcomer("Rith")).unwrap();
        network.nodes[at].flush().unwrap();
        post(
            &mut network.nodes[at],
            &[
                ControlEntry::Officer(officer),
                ControlEntry::Signature(again),
            ],
        );
        network.settle();
        assert_eq!(results(&network.nodes[DGP], learner), (0, 1), "by {at}");
    }
    // Another person's counts as before.
    appoint(&mut network.nodes[DGP], 9, Office::Administrator).unwrap();
    sign(&mut network.nodes[DGP], 9);
    assert_eq!(results(&network.nodes[DGP], learner), (1, 0));
}

/// Goal: what two persons have signed is not displaced by something else under the same key, which only
/// whoever runs the site's node can write.
/// Method: the same key with a result that sorts before the signed one, in both orders.
#[test]
fn what_is_signed_stands_before_what_is_not() {
    let origin = Origin {
        position: Position {
            site: site(1),
            run: RunId::of(site(1), [1; 16]),
            height: 1,
        },
        stay: StayId([2; 16]),
    };
    let of = |event: Event| Entry::new(EventId("row 1".into()), event, origin);
    let other = Event::new(Body::LoanOut { item: 1 });
    let mut entries = vec![of(passed()).signed_by(2)];
    for day in ["2020-01-01", "2030-01-01"] {
        entries.push(of(passed().on(day.parse().unwrap())));
        entries.push(of(other.clone()).signed_by(1));
    }
    for _ in 0..2 {
        assert_eq!(InEffect::of(&entries).entries, [&of(passed()).signed_by(2)]);
        entries.reverse();
    }
}

/// Goal: no prison keeps from being seen at the head office who opened a record elsewhere.
/// Method: another prison tells of as many openings of the same learner as are kept, all of later hours.
#[test]
fn openings_of_one_site_make_no_room_for_anothers() {
    let mut network = Network::new(2);
    let learner = examined(&mut network);
    network.nodes[1]
        .note_openings(&[learner].into(), Some(1), Purpose::Teaching)
        .unwrap();
    network.nodes[2].add_learner(&newcomer("Rith")).unwrap();
    network.settle();
    let sites = |network: &Network| {
        let lines = network.nodes[DGP].openings(learner).unwrap();
        lines.iter().filter(|line| line.site == "S1").count()
    };
    assert_eq!(sites(&network), 1);
    let key = network.nodes[DGP].roster().box_key(site(DGP)).unwrap();
    for part in 0..=OPENINGS_MAX.div_ceil(LETTER_LEARNERS_MAX) {
        let opening = |number: usize| Opening {
            learner,
            by: None,
            purpose: Purpose::NotSaid,
            hour: u32::MAX - u32::try_from(part * LETTER_LEARNERS_MAX + number).unwrap(),
        };
        let letter = Letter::Openings((0..LETTER_LEARNERS_MAX).map(opening).collect());
        let info = letter_info(site(2), site(DGP));
        let sealed = box_seal(&key, &info, &letter.encode(), [9; 32]).unwrap();
        post(&mut network.nodes[2], &[ControlEntry::Letter { sealed }]);
    }
    network.settle();
    assert_eq!(sites(&network), 1);
    let kept = network.nodes[DGP].openings(learner).unwrap().len();
    assert_eq!(kept, OPENINGS_MAX + 1);
}

#[test]
fn officers_of_a_stolen_node_go_with_what_it_wrote() {
    let mut network = Network::new(2);
    let learner = examined(&mut network);
    network.settle();
    let stolen = identity(1).signing.verifying_key().to_bytes();
    let cut = network.nodes[DGP].whole_cut(site(1), &stolen).unwrap();
    // The thief makes an officer of himself; one of the DGP is deceived and signs too.
    appoint(&mut network.nodes[1], 1, Office::Officer).unwrap();
    sign(&mut network.nodes[1], 1);
    appoint(&mut network.nodes[DGP], 9, Office::Administrator).unwrap();
    network.settle();
    sign(&mut network.nodes[DGP], 9);
    assert_eq!(results(&network.nodes[DGP], learner), (1, 0));
    let newer = network.change_roster(&[DGP, 2], |roster| {
        roster.sites[1].keys.clear();
        roster.revoked.push(Revocation {
            site: site(1),
            key: stolen,
            cut,
        });
    });
    network.signed = newer;
    fold(&mut network.nodes[DGP]);
    assert_eq!(results(&network.nodes[DGP], learner), (0, 1));
    assert!(
        network.nodes[DGP]
            .officers()
            .unwrap()
            .iter()
            .all(|one| one.site != "S1")
    );
}

#[test]
fn who_is_who_is_decided_by_two_officers() {
    let mut network = Network::new(2);
    let old = network.nodes[1].add_learner(&newcomer("Dara")).unwrap();
    let new = network.nodes[2].add_learner(&newcomer("Dara")).unwrap();
    network.nodes[2]
        .ask_who(new, LinkReason::LearnerSays)
        .unwrap();
    network.settle();
    let question = network.nodes[DGP].worklist().unwrap()[0]
        .id
        .parse()
        .unwrap();
    let dgp = &mut network.nodes[DGP];
    for number in [8, 9] {
        appoint(dgp, number, Office::Administrator).unwrap();
    }
    appoint(dgp, 7, Office::Analyst).unwrap();
    let same = Decision::Same(old);
    let by = |decision: Decision, number: u16| {
        Signature::sign(&decision.subject(question), number, &officer_key(number))
    };
    // Not an analyst, not with the signature of something else.
    assert!(dgp.decide_by(question, same, &by(same, 7)).is_err());
    assert!(
        dgp.decide_by(question, same, &by(Decision::Nobody, 8))
            .is_err()
    );
    // One officer proposes, however often; another one who says otherwise proposes anew.
    for _ in 0..2 {
        let line = dgp.decide_by(question, same, &by(same, 8)).unwrap();
        assert_eq!(
            (line.answered.as_str(), line.proposed.contains("officer 8")),
            ("", true)
        );
    }
    let line = dgp
        .decide_by(question, Decision::Nobody, &by(Decision::Nobody, 9))
        .unwrap();
    assert!(line.answered.is_empty() && line.proposed.contains("officer 9 says: nobody"));
    dgp.decide_by(question, same, &by(same, 9)).unwrap();
    let line = dgp.decide_by(question, same, &by(same, 8)).unwrap();
    assert!(line.answered.contains("the same person") && line.proposed.is_empty());
    // It is taken back in the same way.
    let undo = Decision::Undo;
    let line = dgp.decide_by(question, undo, &by(undo, 8)).unwrap();
    assert!(line.answered.contains("the same person as"));
    let line = dgp.decide_by(question, undo, &by(undo, 9)).unwrap();
    assert!(line.answered.contains("not the same"), "{}", line.answered);
}

/// Goal: a prison cannot go through a list of names at the DGP, nor keep another's question from being
/// seen there.
#[test]
fn questions_have_a_reason_and_an_end() {
    let mut network = Network::new(2);
    let mut asked = Vec::new();
    for number in 0..40 {
        let row = newcomer(&format!("Made up {number}"));
        let learner = network.nodes[1].add_learner(&row).unwrap();
        let asking = network.nodes[1].ask_who(learner, LinkReason::Name);
        assert_eq!(asking.is_ok(), number < 32, "{number}");
        asked.push(learner);
    }
    // The same question again is no further one.
    network.nodes[1]
        .ask_who(asked[0], LinkReason::Name)
        .unwrap();
    let other = network.nodes[2].add_learner(&newcomer("Dara")).unwrap();
    network.nodes[2]
        .ask_who(other, LinkReason::LearnerSays)
        .unwrap();
    network.settle();
    let list = network.nodes[DGP].worklist().unwrap();
    assert_eq!(list.len(), 33);
    let seen = list.iter().position(|line| line.learner == other).unwrap();
    assert!(seen < 2, "the prisons take turns: {seen}");
    assert_eq!(list[seen].reason, "learner-says");
}
