//! The words of the screens and of what goes on paper in Khmer, English and French, from the files in
//! `locales/`, which are part of the program. Not here: names of people and sites, and what the commands
//! show.
//!
//! A word that a language lacks is shown in English, and one that all lack as its key: a screen
//! with a gap is better than none. The tests let neither happen.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use spean_protocol::catalogue::{ModuleId, ProgrammeId, Scope};
use spean_protocol::event::{Birth, Date};
use unic_langid::LanguageIdentifier;

use crate::engine::state::State;

pub use fluent_bundle::FluentValue as Value;

/// A language of the screens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Khmer, which every officer reads.
    #[default]
    Khmer,
    /// English.
    English,
    /// French.
    French,
}

impl Language {
    /// Every language, in the order in which a screen offers them.
    pub const ALL: [Self; 3] = [Self::Khmer, Self::English, Self::French];

    /// Its ISO 639-1 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Khmer => "km",
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// The language of that code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }

    const fn source(self) -> &'static str {
        match self {
            Self::Khmer => include_str!("../locales/km.ftl"),
            Self::English => include_str!("../locales/en.ftl"),
            Self::French => include_str!("../locales/fr.ftl"),
        }
    }

    fn bundle(self) -> FluentBundle<FluentResource> {
        let name: LanguageIdentifier = self.code().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![name]);
        // None of the three is written from right to left, so nothing has to be set apart.
        bundle.set_use_isolating(false);
        let resource = FluentResource::try_new(self.source().to_owned());
        let resource = resource.unwrap_or_else(|(readable, errors)| {
            tracing::error!(language = self.code(), ?errors, "a locale file has errors");
            readable
        });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(
                language = self.code(),
                ?errors,
                "a locale file names a key twice"
            );
        }
        bundle
    }
}

static BUNDLES: LazyLock<BTreeMap<Language, FluentBundle<FluentResource>>> = LazyLock::new(|| {
    Language::ALL
        .map(|language| (language, language.bundle()))
        .into()
});

/// The words of a key, with its arguments put in.
#[must_use]
pub fn text(language: Language, key: &str, arguments: &[(&str, Value<'_>)]) -> String {
    let said = formatted(language, key, arguments);
    said.or_else(|| formatted(Language::English, key, arguments))
        .unwrap_or_else(|| key.to_owned())
}

fn formatted(language: Language, key: &str, arguments: &[(&str, Value<'_>)]) -> Option<String> {
    let bundle = BUNDLES.get(&language)?;
    let pattern = bundle.get_message(key)?.value()?;
    let arguments: FluentArgs<'_> = arguments
        .iter()
        .map(|(name, value)| (*name, value.clone()))
        .collect();
    let mut errors = Vec::new();
    let said = bundle
        .format_pattern(pattern, Some(&arguments), &mut errors)
        .into_owned();
    if !errors.is_empty() {
        tracing::warn!(language = language.code(), key, ?errors, "words with a gap");
    }
    Some(said)
}

/// A day as people write it; "no date" without one.
#[must_use]
pub fn date(language: Language, date: Option<Date>) -> String {
    let Some(date) = date else {
        return text(language, "date-unknown", &[]);
    };
    let (year, month, day) = date.civil();
    let month = text(language, &format!("month-{month}"), &[]);
    // As texts: a year has no thousands.
    let (year, day) = (year.to_string(), day.to_string());
    text(
        language,
        "date",
        &[
            ("day", day.into()),
            ("month", month.into()),
            ("year", year.into()),
        ],
    )
}

/// A date of birth as people write it, as far as it is known.
#[must_use]
pub fn birth(language: Language, birth: Birth) -> String {
    let year = birth.year();
    match (birth.month(), birth.day()) {
        (Some(month), Some(day)) => date(language, Date::from_civil(year.into(), month, day).ok()),
        (Some(month), None) => {
            let month = text(language, &format!("month-{month}"), &[]);
            let year = year.to_string();
            text(
                language,
                "date-month",
                &[("month", month.into()), ("year", year.into())],
            )
        }
        (None, _) => year.to_string(),
    }
}

/// The title of a programme.
#[must_use]
pub fn programme(language: Language, programme: ProgrammeId) -> String {
    match programme.name() {
        Some(name) => text(language, &format!("programme-{name}"), &[]),
        None => text(
            language,
            "programme-unknown",
            &[("number", programme.0.into())],
        ),
    }
}

/// The title of a module.
#[must_use]
pub fn module(language: Language, module: ModuleId) -> String {
    match module.name() {
        Some(name) => text(language, &format!("module-{name}"), &[]),
        None => text(
            language,
            "module-unknown",
            &[("number", module.number.into())],
        ),
    }
}

/// The title of what an exam or a certificate is about.
#[must_use]
pub fn scope(language: Language, scope: Scope) -> String {
    match scope {
        Scope::Programme(id) => programme(language, id),
        Scope::Module(id) => {
            let (whole, part) = (programme(language, id.programme), module(language, id));
            format!("{whole}: {part}")
        }
    }
}

/// How a learner's record stands: the same words on the pages and in the command line.
#[must_use]
pub fn record_state(language: Language, state: &State) -> String {
    let on = |day: &Option<Date>| date(language, *day).into();
    let word = |of: &str| Value::from(of.to_owned());
    match state {
        State::Open { events } => text(language, "record-open", &[("count", (*events).into())]),
        State::WaitingForKey => text(language, "record-waiting-for-key", &[]),
        State::WaitingForSegments { site, segments } => {
            let count = ("count", (*segments).into());
            text(
                language,
                "record-waiting-for-segments",
                &[("site", word(site)), count],
            )
        }
        State::Withheld { because } if because == "no-agreement" => {
            text(language, "record-withheld-no-agreement", &[])
        }
        State::Withheld { because } => {
            text(language, "record-withheld", &[("because", word(because))])
        }
        State::Provisional => text(language, "record-provisional", &[]),
        State::Announced { from, date } => {
            let since = ("since", on(date));
            text(language, "record-announced", &[("site", word(from)), since])
        }
        State::Away { to, date } => {
            let to = ("to", destination(language, to).into());
            text(language, "record-away", &[to, ("since", on(date))])
        }
        State::Overdue { to, date } => {
            let to = ("to", destination(language, to).into());
            text(language, "record-overdue", &[to, ("since", on(date))])
        }
        State::Arrived { site, date } => {
            let since = ("since", on(date));
            text(language, "record-arrived", &[("site", word(site)), since])
        }
        State::SaidElsewhere { site } => {
            text(language, "record-said-elsewhere", &[("site", word(site))])
        }
        State::Disputed { site } if site.is_empty() => {
            text(language, "record-disputed-by-other", &[])
        }
        State::Disputed { site } => text(language, "record-disputed", &[("site", word(site))]),
    }
}

/// Where somebody went, by the word that the command line has for it.
#[must_use]
pub fn destination(language: Language, to: &str) -> String {
    match to {
        "without-node" => text(language, "destination-without-node", &[]),
        "released" => text(language, "destination-released", &[]),
        "unknown" => text(language, "destination-unknown", &[]),
        code => text(
            language,
            "destination-site",
            &[("site", code.to_owned().into())],
        ),
    }
}

/// A code of one of the closed lists of events: `list` begins the key, `name` and `number` are the
/// code's own.
#[must_use]
pub fn code(language: Language, list: &str, name: Option<&str>, number: u8) -> String {
    match name {
        Some(name) => text(language, &format!("{list}-{name}"), &[]),
        None => text(language, "code-unknown", &[("number", number.into())]),
    }
}

#[cfg(test)]
mod tests;
