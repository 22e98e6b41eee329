//! What happened: the table of all kinds of events, with their numbers and fields. The fields'
//! own types are in `field` and `codes`; the bytes before the fields are `event`'s.

use serde::Serialize;

use super::codes::{
    ArrivalReason, Aspiration, AssessmentKind, DepartureReason, Disability, EducationLevel,
    ExamOutcome, Handout, Issuer, LinkReason, Provider, Referral, Remark, RetractionReason, Script,
    Sex, Who5Moment, WithdrawalReason,
};
use super::field::{
    Birth, Destination, Languages, NamePart, Pathway, ReleaseRange, Score, Sitting, Username,
    Verifier, Who5Answers,
};
use super::{EventError, EventId};
use crate::catalogue::{ModuleId, ProgrammeId, Scope};
use crate::codec;
use crate::id::{LearnerId, SiteId, StayId, Stream};

/// Kinds from this number to 199 belong to the restricted stream, known to this version or not.
const FIRST_RESTRICTED: u16 = 100;

/// Makes [`Body`], its numbers, its names, and both directions of its encoding from one table.
macro_rules! bodies {
    ($($(#[$doc:meta])* $kind:literal $name:literal
        $variant:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        /// What happened. Numbers 1 to 99 and from 200 are the education stream's, 100 to 199 the
        /// restricted stream's.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        pub enum Body {
            $($(#[$doc])* $variant { $($(#[$field_doc])* $field: $type,)* },)*
            /// Of a kind or a layout that a newer version writes; its fields are in
            /// [`super::Event::unread`].
            Newer {
                /// The number of the kind.
                kind: u16,
                /// The flags that this version does not know, as they came.
                flags: u8,
            },
        }

        impl Body {
            /// The number of the kind.
            #[must_use]
            pub fn kind(&self) -> u16 {
                match self {
                    $(Self::$variant { .. } => $kind,)*
                    Self::Newer { kind, .. } => *kind,
                }
            }

            fn name_in_table(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)*
                    Self::Newer { .. } => "newer",
                }
            }

            /// Appends the fields' bytes; none for an unknown kind.
            pub(super) fn write_fields(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant { $($field),* } => {
                        out.extend(codec::encode(&($($field,)*)));
                    })*
                    Self::Newer { .. } => {}
                }
            }

            /// The fields of a known kind and the bytes after them; `None` for an unknown kind.
            pub(super) fn read_fields(
                kind: u16,
                bytes: &[u8],
            ) -> Result<Option<(Self, &[u8])>, EventError> {
                match kind {
                    $($kind => {
                        let (($($field,)*), rest) = codec::take::<($($type,)*)>(bytes)
                            .map_err(|_| EventError::Fields(kind))?;
                        Ok(Some((Self::$variant { $($field),* }, rest)))
                    })*
                    _ => Ok(None),
                }
            }
        }
    };
}

bodies! {
    /// A name in one script. A learner may have one in each.
    1 "name" Name {
        /// The script.
        script: Script,
        /// The family name.
        family: NamePart,
        /// The given name.
        given: NamePart,
    }
    /// The learner's sex.
    2 "sex" Sex {
        /// The sex.
        sex: Sex,
    }
    /// When the learner was born.
    3 "birth" Birth {
        /// Year, month or day, as far as it is known.
        birth: Birth,
    }
    /// The languages that the learner speaks.
    4 "languages" Languages {
        /// ISO 639-1 codes.
        languages: Languages,
    }
    /// The level of education at intake.
    5 "education" Education {
        /// The level.
        level: EducationLevel,
    }
    /// The learner's account at the labs.
    6 "account" Account {
        /// The generated user name. Not unique across sites.
        username: Username,
        /// What a password is checked against.
        verifier: Verifier,
    }
    /// A card with the learner's id was printed.
    7 "card" Card {
        /// How many were printed before, plus one.
        number: u16,
    }
    /// The prisoner number, as a keyed hash only.
    8 "prisoner-number" PrisonerNumber {
        /// The hash.
        hash: [u8; 16],
    }
    /// Whether the learner takes part; it may be taken back at any time.
    9 "consent" Consent {
        /// Given, or withdrawn.
        given: bool,
    }
    /// When release is expected.
    10 "expected-release" ExpectedRelease {
        /// The range of months.
        range: ReleaseRange,
    }
    /// What the learner wants to do after release.
    11 "aspiration" Aspiration {
        /// The choice.
        aspiration: Aspiration,
    }
    /// The learner's pathway.
    12 "pathway" Pathway {
        /// The modules in order, with due dates.
        steps: Pathway,
    }
    /// A stay begins, at the site whose log says so.
    20 "arrived" Arrived {
        /// The stay.
        stay: StayId,
        /// The site that the learner came from, if it is one of the roster.
        from: Option<SiteId>,
        /// Why.
        reason: ArrivalReason,
    }
    /// A stay ends.
    21 "departed" Departed {
        /// The stay.
        stay: StayId,
        /// Where the learner goes.
        to: Destination,
        /// Why.
        reason: DepartureReason,
    }
    /// What the learner did before he came is open here: the site of the stay had the keys and the
    /// parcels of all stays that it knew of. It notes so itself, once, for IND-18.
    22 "record-open" RecordOpen {
        /// The stay.
        stay: StayId,
    }
    /// The learner joined a programme or one module of it.
    30 "enrolled" Enrolled {
        /// The programme or module.
        scope: Scope,
        /// The cohort's number at the site.
        cohort: Option<u16>,
    }
    /// The learner left a programme before its end.
    31 "withdrew" Withdrew {
        /// The programme.
        programme: ProgrammeId,
        /// Why.
        reason: WithdrawalReason,
    }
    /// The learner worked at a lab's PC. First logins of a day only: the rest stays at the site.
    32 "login" Login {
        /// The programme that was opened.
        programme: ProgrammeId,
    }
    /// The learner was present at a session.
    33 "attended" Attended {
        /// The module.
        module: ModuleId,
        /// The session's number within it.
        session: u16,
    }
    /// The learner finished a session.
    34 "session-done" SessionDone {
        /// The module.
        module: ModuleId,
        /// The session's number within it.
        session: u16,
    }
    /// The learner finished a module.
    35 "module-done" ModuleDone {
        /// The module.
        module: ModuleId,
    }
    /// A test or a quiz was marked.
    36 "assessed" Assessed {
        /// Before the module, after it, or on the way.
        kind: AssessmentKind,
        /// The module.
        module: ModuleId,
        /// The version of the test; only results of one version are compared.
        version: u16,
        /// The result.
        score: Score,
    }
    /// The learner is registered for an official exam.
    40 "exam-registered" ExamRegistered {
        /// The programme or module.
        scope: Scope,
        /// Which of the exam's sessions.
        sitting: Sitting,
    }
    /// An official exam's result.
    41 "exam-result" ExamResult {
        /// The programme or module.
        scope: Scope,
        /// Which of the exam's sessions, if that is known.
        sitting: Option<Sitting>,
        /// How it ended.
        outcome: ExamOutcome,
        /// The marks, if they are known.
        score: Option<Score>,
    }
    /// A certificate was issued.
    42 "certificate" Certificate {
        /// The programme or module.
        scope: Scope,
        /// Who issued it.
        issuer: Issuer,
    }
    /// The learner was present at a class of an outside provider.
    50 "class" Class {
        /// Literacy, vocational training or vocational orientation.
        programme: ProgrammeId,
        /// Who held it.
        provider: Provider,
    }
    /// A library item was lent.
    51 "loan-out" LoanOut {
        /// The item's number in the site's library.
        item: u32,
    }
    /// A library item came back.
    52 "loan-back" LoanBack {
        /// The item's number in the site's library.
        item: u32,
    }
    /// The learner visited the library.
    53 "library-visit" LibraryVisit {}
    /// A tutor's remark.
    54 "remark" Remark {
        /// The remark.
        remark: Remark,
    }
    /// A referral at exit.
    55 "referral" Referral {
        /// Where to.
        referral: Referral,
    }
    /// Something was handed to the learner.
    56 "handout" Handout {
        /// What.
        handout: Handout,
    }
    /// An earlier event of this learner does not count. With another event that supersedes the
    /// same one, it is a correction. A retraction is not retracted: record the event anew.
    60 "retracted" Retracted {
        /// The event.
        event: EventId,
        /// Why.
        reason: RetractionReason,
    }
    /// This learner and another are one person. It stands in either one's record.
    61 "same-person" SamePerson {
        /// The other.
        other: LearnerId,
        /// Why.
        reason: LinkReason,
    }
    /// This learner and another are two persons, whatever an earlier event said.
    62 "not-same" NotSame {
        /// The other.
        other: LearnerId,
        /// Why.
        reason: LinkReason,
    }
    /// The answers of one WHO-5 interview.
    100 "who5" Who5 {
        /// At the start or at the end.
        moment: Who5Moment,
        /// The answers.
        answers: Who5Answers,
    }
    /// A disability that the learner declared.
    101 "disability" Disability {
        /// The domain.
        disability: Disability,
    }
    /// Whether the learner declared to belong to an indigenous people.
    102 "indigenous" Indigenous {
        /// Yes or no.
        indigenous: bool,
    }
}

impl Body {
    /// The name of the kind, as import files write it; `newer` for an unknown one.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        let finer = match self {
            Self::Assessed { kind, .. } => kind.name(),
            Self::Who5 { moment, .. } => moment.name(),
            _ => None,
        };
        finer.unwrap_or_else(|| self.name_in_table())
    }

    /// The stream that the event belongs to.
    #[must_use]
    pub fn stream(&self) -> Stream {
        match self.kind() {
            FIRST_RESTRICTED..200 => Stream::Restricted,
            _ => Stream::Education,
        }
    }

    /// Whether an officer signs it, and a person decides when it comes late: exam results,
    /// certificates, custody and links between learners. A retraction is as high as what it
    /// retracts, which `view` knows.
    #[must_use]
    pub fn high_stakes(&self) -> bool {
        matches!(
            self,
            Self::ExamResult { .. }
                | Self::Certificate { .. }
                | Self::Arrived { .. }
                | Self::Departed { .. }
                | Self::SamePerson { .. }
                | Self::NotSame { .. }
        )
    }

    /// Whether it counts only when two persons have signed it: exam results and certificates.
    #[must_use]
    pub fn needs_two_persons(&self) -> bool {
        matches!(self, Self::ExamResult { .. } | Self::Certificate { .. })
    }

    /// The programme or module that the event is about, if it is about one.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        match self {
            Self::Enrolled { scope, .. }
            | Self::ExamRegistered { scope, .. }
            | Self::ExamResult { scope, .. }
            | Self::Certificate { scope, .. } => Some(*scope),
            Self::Withdrew { programme, .. }
            | Self::Login { programme }
            | Self::Class { programme, .. } => Some(Scope::Programme(*programme)),
            Self::Attended { module, .. }
            | Self::SessionDone { module, .. }
            | Self::ModuleDone { module }
            | Self::Assessed { module, .. } => Some(Scope::Module(*module)),
            _ => None,
        }
    }

    /// The programme of the centre that the event shows work in: a session, a test, a finished
    /// module (which nobody reaches without sessions), or a login.
    #[must_use]
    pub fn work_in(&self) -> Option<ProgrammeId> {
        let work = matches!(
            self,
            Self::Attended { .. }
                | Self::SessionDone { .. }
                | Self::ModuleDone { .. }
                | Self::Assessed { .. }
                | Self::Login { .. }
        );
        self.scope()
            .filter(|_| work)
            .map(Scope::programme)
            .filter(|one| one.is_of_the_centre())
    }
}
