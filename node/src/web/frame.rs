//! What all pages share: the language, the links that keep it, how the engine is asked, and the
//! page for what cannot be shown.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use axum::http::StatusCode;
use serde::Deserialize;
use spean_protocol::event::{Date, Destination};
use spean_protocol::id::SiteId;

use crate::api::Refusal;
use crate::engine::EngineError;
use crate::locale::{self, Language, Value};
use crate::service::{NodeEngine, Service, Stopped};

/// Letters of a search that are read; a longer one is cut.
pub const NEEDLE_MAX: usize = 80;

/// How long a page waits for the engine, which may be taking in a large file.
const PATIENCE: Duration = Duration::from_secs(10);

/// What may stand behind the `?` of an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    lang: String,
    q: String,
}

#[cfg(test)]
impl Asked {
    /// A question for nothing but a language.
    pub fn in_language(code: &str) -> Self {
        Self {
            lang: code.to_owned(),
            q: String::new(),
        }
    }
}

/// The language of a page and where it stands.
pub struct Frame {
    /// The language.
    pub language: Language,
    /// What is searched for, on the page of results.
    pub needle: String,
    path: String,
    home: &'static str,
}

/// A link to the same page in one of the languages.
pub struct Choice {
    /// The language's code.
    pub code: &'static str,
    /// Its name in itself.
    pub name: String,
    /// Where the link leads.
    pub link: String,
    /// Whether the page is in it already.
    pub chosen: bool,
}

impl Frame {
    /// The frame of the page at `path`. A language that is not offered becomes the first one.
    pub fn new(asked: &Asked, path: String) -> Self {
        let language = Language::from_code(&asked.lang).unwrap_or_default();
        let needle = asked.q.trim().chars().take(NEEDLE_MAX).collect();
        Self {
            language,
            needle,
            path,
            home: "/",
        }
    }

    /// The same on a door whose first page is another.
    pub const fn with_home(mut self, home: &'static str) -> Self {
        self.home = home;
        self
    }

    /// A link to the first page.
    pub fn home(&self) -> String {
        self.link(self.home)
    }

    /// The words of a key.
    pub fn text(&self, key: &str) -> String {
        locale::text(self.language, key, &[])
    }

    /// The words of a key about a number of things.
    pub fn count(&self, key: &str, count: u64) -> String {
        locale::text(self.language, key, &[("count", count.into())])
    }

    /// The words of a key with arguments.
    pub fn say(&self, key: &str, arguments: &[(&str, Value<'_>)]) -> String {
        locale::text(self.language, key, arguments)
    }

    /// A day in words.
    pub fn date(&self, date: Option<Date>) -> String {
        locale::date(self.language, date)
    }

    /// A link to another page in the same language.
    pub fn link(&self, path: &str) -> String {
        format!("{path}?lang={}", self.language.code())
    }

    /// Links to this page in every language.
    pub fn choices(&self) -> Vec<Choice> {
        let search = if self.needle.is_empty() {
            String::new()
        } else {
            encoded("&q=", &self.needle)
        };
        let choice = |language: Language| Choice {
            code: language.code(),
            name: locale::text(language, "language-name", &[]),
            link: format!("{}?lang={}{search}", self.path, language.code()),
            chosen: language == self.language,
        };
        Language::ALL.map(choice).into()
    }

    /// Where somebody went, in words.
    pub fn destination(&self, to: Destination, sites: &Sites) -> String {
        match to {
            Destination::Site(site) => {
                self.say("destination-site", &[("site", sites.code(site).into())])
            }
            Destination::WithoutNode => self.text("destination-without-node"),
            Destination::Released => self.text("destination-released"),
            Destination::Unknown | Destination::Other(..) => self.text("destination-unknown"),
        }
    }
}

/// A part of an address, percent-encoded (RFC 3986, 2.1).
fn encoded(before: &str, text: &str) -> String {
    let mut out = before.to_owned();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The codes of the roster's sites, for pages that are built outside the engine's thread.
#[derive(Clone, Debug, Default)]
pub struct Sites(BTreeMap<SiteId, String>);

impl Sites {
    /// The codes of the roster in force.
    pub fn of(engine: &NodeEngine) -> Self {
        let sites = engine.roster().sites.iter();
        Self(sites.map(|site| (site.id, engine.code(site.id))).collect())
    }

    /// The code of a site; its number for one that the roster no longer lists.
    pub fn code(&self, site: SiteId) -> String {
        self.0
            .get(&site)
            .cloned()
            .unwrap_or_else(|| site.to_string())
    }

    /// The codes of several, in the order of their numbers.
    pub fn codes(&self, sites: &[SiteId]) -> String {
        sites
            .iter()
            .map(|site| self.code(*site))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No such address.
    NoPage,
    /// No such learner, or none that may be shown here. Which of the two is not said.
    NoLearner,
    /// Something else than GET, where a page only shows.
    OnlyGet,
    /// A form of another site's page.
    Elsewhere,
    /// The engine has too much to do, or is stopping.
    Busy,
    /// The engine failed; its log says why.
    Broken,
}

impl From<Stopped> for Failure {
    fn from(_: Stopped) -> Self {
        Self::Busy
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        tracing::error!(%refusal, "a page cannot do what it is for");
        Self::Broken
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        tracing::error!(%error, "a page cannot be shown");
        Self::Broken
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a page cannot be written");
        Self::Broken
    }
}

impl Failure {
    /// The status that a browser is told.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::NoPage | Self::NoLearner => StatusCode::NOT_FOUND,
            Self::OnlyGet => StatusCode::METHOD_NOT_ALLOWED,
            Self::Elsewhere => StatusCode::FORBIDDEN,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The page that says it in words.
    pub fn page(self, frame: &Frame) -> String {
        let (title, words) = match self {
            Self::NoPage => (frame.text("no-page-title"), frame.text("no-page")),
            Self::NoLearner => (frame.text("no-learner-title"), frame.text("no-learner")),
            Self::OnlyGet => (frame.text("only-get-title"), frame.text("only-get")),
            Self::Elsewhere => (frame.text("elsewhere-title"), frame.text("elsewhere")),
            Self::Busy => (frame.text("busy-title"), frame.text("busy")),
            Self::Broken => (frame.text("broken-title"), frame.text("broken")),
        };
        let page = Message {
            frame,
            title: &title,
            words: &words,
        }
        .render();
        page.unwrap_or_else(|error| {
            tracing::error!(%error, "a page cannot be written");
            title
        })
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    frame: &'a Frame,
    title: &'a str,
    words: &'a str,
}

/// Asks the engine, for at most ten seconds.
pub async fn ask<T: Send + 'static>(
    service: &Service,
    work: impl FnOnce(&mut NodeEngine) -> Result<T, EngineError> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::time::timeout(PATIENCE, service.call(work)).await {
        Ok(answer) => Ok(answer??),
        Err(_) => Err(Failure::Busy),
    }
}
