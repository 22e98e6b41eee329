//! The closed lists of the forms: the record's own, with the words of the locale files.

use spean_protocol::catalogue::{ModuleId, ProgrammeId};
use spean_protocol::event::{
    Aspiration, AssessmentKind, EducationLevel, Handout, Referral, Remark, Sex, Who5Moment,
    YES_OR_NO,
};

use crate::locale::{self, Language};

/// The highest answer to an item of the WHO-5.
const HIGHEST: usize = 5;

/// A closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// Sex.
    Sex,
    /// Levels of education.
    Education,
    /// What somebody wants to do after release.
    Aspiration,
    /// Languages that somebody speaks: those of the screens.
    Language,
    /// Yes and no.
    Agreement,
    /// Programmes that have modules.
    Programme,
    /// Their modules.
    Module,
    /// Tests before and after a module.
    Test,
    /// The two WHO-5 interviews.
    Interview,
    /// Answers to an item of the WHO-5, 0 to 5.
    Scale,
    /// Where somebody is referred to.
    Referral,
    /// What was handed out.
    Handout,
    /// Remarks.
    Remark,
}

/// One of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The name in exports.
    pub name: String,
    /// The programme of a module; empty for all else.
    pub programme: &'static str,
}

impl List {
    /// Its name in a form, which also begins the keys of its words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sex => "sex",
            Self::Education => "education",
            Self::Aspiration => "aspiration",
            Self::Language => "language",
            Self::Agreement => "agreement",
            Self::Programme => "programme",
            Self::Module => "module",
            Self::Test => "test",
            Self::Interview => "interview",
            Self::Scale => "scale",
            Self::Referral => "referral",
            Self::Handout => "handout",
            Self::Remark => "remark",
        }
    }

    /// What can be chosen.
    #[must_use]
    pub fn choices(self) -> Vec<Choice> {
        let of = |name: String| Choice {
            name,
            programme: "",
        };
        let named = |names: Vec<Option<&str>>| -> Vec<Choice> {
            let names = names.into_iter().flatten();
            names.map(|name| of(name.to_owned())).collect()
        };
        let programmes = || ProgrammeId::all().filter(|one| one.modules().next().is_some());
        match self {
            Self::Sex => named(Sex::ALL.iter().map(|one| one.name()).collect()),
            Self::Education => named(EducationLevel::ALL.iter().map(|one| one.name()).collect()),
            Self::Aspiration => named(Aspiration::ALL.iter().map(|one| one.name()).collect()),
            Self::Language => named(Language::ALL.iter().map(|one| Some(one.code())).collect()),
            Self::Agreement => named(YES_OR_NO.map(Some).to_vec()),
            Self::Programme => named(programmes().map(ProgrammeId::name).collect()),
            Self::Module => {
                let modules = programmes().flat_map(ProgrammeId::modules);
                let one = |module: ModuleId| Choice {
                    name: module.to_string(),
                    programme: module.programme.name().unwrap_or_default(),
                };
                modules.map(one).collect()
            }
            Self::Test => {
                let both = [AssessmentKind::Pre, AssessmentKind::Post];
                named(both.map(AssessmentKind::name).to_vec())
            }
            Self::Interview => named(Who5Moment::ALL.iter().map(|one| one.name()).collect()),
            Self::Scale => (0..=HIGHEST).map(|number| of(number.to_string())).collect(),
            Self::Referral => named(Referral::ALL.iter().map(|one| one.name()).collect()),
            Self::Handout => named(Handout::ALL.iter().map(|one| one.name()).collect()),
            Self::Remark => named(Remark::ALL.iter().map(|one| one.name()).collect()),
        }
    }

    /// The words of a choice. The answers of the WHO-5 have none of ours.
    #[must_use]
    pub fn label(self, choice: &Choice, language: Language) -> String {
        if self == Self::Scale {
            return choice.name.clone();
        }
        locale::text(language, &self.key(choice), &[])
    }

    /// The key of the words of a choice.
    #[must_use]
    pub fn key(self, choice: &Choice) -> String {
        format!("{}-{}", self.name(), choice.name)
    }
}
