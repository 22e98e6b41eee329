//! Who may do what at a node: the offices of the education centre, and what each is there for. Who says
//! nothing of himself sits at the node's own console.
//!
//! | office | marks attendance | tests | registers and moves | reads a record | who is who | figures | the node |
//! |---|---|---|---|---|---|---|---|
//! | director | yes | yes | yes | yes | | yes | yes |
//! | officer | yes | yes | yes | yes | | yes | |
//! | peer tutor | yes | | | | | | |
//! | instructor | yes | yes | | | | | |
//! | analyst | | | | | | yes | |
//! | administrator | yes | yes | yes | yes | yes | yes | yes |
//! | monitor | | | | | | yes | |

use spean_protocol::officer::Office;

use crate::api::Request;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// That learners came: to a session, a class, the lab or the library.
    Attendance,
    /// Scores of tests.
    Tests,
    /// Everything else that is recorded, imports and moves, and lists of one's own learners.
    Registers,
    /// A learner's record.
    Records,
    /// Who is who, at the DGP.
    Persons,
    /// Figures, and how the node stands.
    Figures,
    /// Officers, rosters, sticks and exchanges.
    Node,
}

/// Kinds of events, as files write them, that say that somebody came.
const CAME: [&str; 5] = [
    "attended",
    "session-done",
    "login",
    "class",
    "library-visit",
];
/// Kinds that are scores.
const SCORES: [&str; 3] = ["pre-test", "post-test", "quiz"];

impl Duty {
    /// The duty that a request belongs to.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        match request {
            Request::Record { fields, .. } if CAME.contains(&fields[0].as_str()) => {
                Self::Attendance
            }
            Request::Record { fields, .. } if SCORES.contains(&fields[0].as_str()) => Self::Tests,
            Request::Record { .. }
            | Request::LearnerAdd(_)
            | Request::LearnerFind { .. }
            | Request::LearnerDuplicates(_)
            | Request::Cards { .. }
            | Request::ImportLearners { .. }
            | Request::ImportEvents { .. }
            | Request::ImportItems { .. }
            | Request::ImportNames { .. }
            | Request::ImportWhose { .. }
            | Request::Imports
            | Request::ImportUndo(_)
            | Request::ImportWaiting
            | Request::ImportMatch { .. }
            | Request::LibraryFind { .. }
            | Request::TransferOut { .. }
            | Request::TransferIn { .. }
            | Request::TransferInAnnounced { .. }
            | Request::TransferSlip { .. }
            | Request::TransferUndo(_)
            | Request::TransferDispute(_)
            | Request::TransferList
            | Request::AccountGive { .. }
            | Request::AccountList
            | Request::AccountOf(_)
            | Request::AskWho { .. }
            | Request::ToSign(_)
            | Request::OfficerKey(_)
            | Request::Sign { .. } => Self::Registers,
            Request::LearnerShow(_) | Request::LearnerDocument(_) => Self::Records,
            Request::Worklist
            | Request::WorkPair { .. }
            | Request::WorkDecide { .. }
            | Request::Erase { .. }
            | Request::Shred { .. } => Self::Persons,
            Request::Status
            | Request::Totals(_)
            | Request::TotalsOf { .. }
            | Request::RosterShow
            | Request::Erasures
            | Request::OfficerList => Self::Figures,
            Request::By { request, .. } => Self::of(request),
            Request::Flush
            | Request::Sync { .. }
            | Request::StickExport { .. }
            | Request::StickImport { .. }
            | Request::StickInspect { .. }
            | Request::OfficerAdd { .. }
            | Request::OfficerWithdraw(_)
            | Request::OfficerConfirm { .. }
            | Request::Backup { .. }
            | Request::MoodleAdopt { .. }
            | Request::MoodleAdoptUndo(_)
            | Request::MoodleCheck
            | Request::MoodlePull { .. }
            | Request::MoodlePush { .. }
            | Request::MoodleSteps
            | Request::MoodleStatus
            | Request::RestrictedAsk { .. }
            | Request::RestrictedTake { .. }
            | Request::RosterPropose { .. }
            | Request::RosterInstall { .. } => Self::Node,
        }
    }
}

/// The offices that somebody can have.
#[must_use]
pub fn offices() -> Vec<Office> {
    let all = Office::ALL.iter().copied();
    all.filter(|office| *office != Office::Withdrawn).collect()
}

/// Whether somebody of that office does that.
#[must_use]
pub const fn may(office: Office, duty: Duty) -> bool {
    match office {
        Office::Withdrawn | Office::Other(_) => false,
        Office::Director => !matches!(duty, Duty::Persons),
        Office::Officer => !matches!(duty, Duty::Persons | Duty::Node),
        Office::PeerTutor => matches!(duty, Duty::Attendance),
        Office::Instructor => matches!(duty, Duty::Attendance | Duty::Tests),
        Office::Analyst | Office::Monitor => matches!(duty, Duty::Figures),
        Office::Administrator => true,
    }
}

/// Goal: nobody does what his office is not there for.
/// Method: the table above, word by word, and one request of each kind that could show a record.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use spean_protocol::id::LearnerId;

    use super::*;

    #[test]
    fn offices_do_what_the_table_says() {
        let duties = [
            Duty::Attendance,
            Duty::Tests,
            Duty::Registers,
            Duty::Records,
            Duty::Persons,
            Duty::Figures,
            Duty::Node,
        ];
        let source = include_str!("offices.rs");
        let mut rows = 0;
        for office in offices() {
            let name = office.to_string().replace('-', " ");
            let row = format!("//! | {name} |");
            let line = source.lines().find(|line| line.starts_with(&row)).unwrap();
            let cells: Vec<&str> = line.split('|').skip(2).map(str::trim).collect();
            for (duty, cell) in duties.into_iter().zip(&cells) {
                assert_eq!(may(office, duty), *cell == "yes", "{name} {duty:?}");
            }
            rows += 1;
        }
        assert_eq!(rows, 7);
        assert!(duties.into_iter().all(|duty| !may(Office::Withdrawn, duty)));
    }

    #[test]
    fn a_peer_tutor_sees_no_record() {
        let learner = LearnerId([1; 16]);
        let record = |kind: &str| {
            let mut fields: [String; 8] = Default::default();
            fields[0] = kind.to_owned();
            Request::Record {
                learner,
                date: String::new(),
                fields,
            }
        };
        let tutor = |request: &Request| may(Office::PeerTutor, Duty::of(request));
        assert!(tutor(&record("attended")));
        for request in [
            record("exam-result"),
            record("pre-test"),
            Request::LearnerShow(learner),
            Request::LearnerDocument(learner),
            Request::TransferList,
            Request::Worklist,
            Request::LearnerDuplicates(1),
            Request::LearnerFind {
                needle: String::new(),
                limit: 1,
            },
        ] {
            assert!(!tutor(&request), "{request:?}");
        }
    }
}
