//! KoboToolbox's server: the submissions of a form, page by page, and in one sentence what stands in the way. What
//! a server answers is no instruction: the next page is asked for where this program says, for the token goes with it.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Error};
use zeroize::Zeroizing;

use super::submission::{Export, SUBMISSIONS_MAX};

/// Seconds that one request may take: a page over a slow line takes some.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of one page.
const PAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Submissions of one page.
const PAGE_SUBMISSIONS: usize = 500;

/// Times that a page is asked for which did not come, and the pause before the second.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// Why Kobo gave nothing, and what to do. Another person mends each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KoboError {
    /// The address is none that can be asked.
    #[error("config.toml: kobo.url '{0}' is no address such as https://kf.kobotoolbox.org")]
    Address(String),
    /// The token would go over the line for all to read.
    #[error(
        "config.toml: kobo.url '{0}' must begin with https: the token would be seen on its way"
    )]
    Open(String),
    /// The name of a form is none.
    #[error(
        "config.toml: kobo.form.uid '{0}' is none: copy it from the browser's address, behind /forms/"
    )]
    Uid(String),
    /// The token is not known there.
    #[error(
        "{0} does not know the token: copy it anew from Kobo's account settings into the file kobo-token"
    )]
    Token(String),
    /// There is no such form, or it is not shown to this account.
    #[error(
        "{host} has no form '{uid}' for this token: compare uid in config.toml, and share the form with its account"
    )]
    Form {
        /// The server.
        host: String,
        /// The form.
        uid: String,
    },
    /// Something else stands there, or in between.
    #[error(
        "{0} answers with a web page, not with data: compare kobo.url, or sign in to the network here first"
    )]
    Page(String),
    /// It sends on to another address.
    #[error(
        "{0} sends on to another address: write into kobo.url the one that the browser shows after signing in"
    )]
    Elsewhere(String),
    /// Its answer is JSON, but no page of submissions.
    #[error(
        "{0} answers with something else than submissions: is it KoboToolbox, with version 2 of its interface?"
    )]
    Strange(String),
    /// Its certificate is not good here.
    #[error(
        "{0} cannot show that it is itself: check this machine's date, and whether its certificate is installed here"
    )]
    Certificate(String),
    /// What this network puts in between does not let through.
    #[error(
        "the proxy of this network does not let {0} through: compare HTTPS_PROXY, or ask who runs the network"
    )]
    Proxy(String),
    /// Nobody answers.
    #[error("{0} does not answer: check the line and the address, and try again; nothing was lost")]
    Silent(String),
    /// It takes too long.
    #[error(
        "{0} took longer than a minute to answer: try again when the line is better; nothing was lost"
    )]
    Slow(String),
    /// It says that it cannot now.
    #[error("{host} cannot answer now (HTTP {status}): try again later; nothing was lost")]
    Busy {
        /// The server.
        host: String,
        /// What it said.
        status: u16,
    },
    /// There is more than can be taken.
    #[error("{0} gives more than can be taken at once: import an export of fewer days")]
    TooMuch(String),
}

impl KoboError {
    /// Whether the same again may help.
    const fn may_pass(&self) -> bool {
        matches!(self, Self::Silent(_) | Self::Busy { .. })
    }

    /// Whether it is the line's or the server's, and nothing here is to be mended.
    #[must_use]
    pub const fn is_of_the_line(&self) -> bool {
        matches!(
            self,
            Self::Silent(_) | Self::Busy { .. } | Self::Slow(_) | Self::Proxy(_)
        )
    }
}

/// A Kobo and the token of an account there.
pub struct Client {
    agent: Agent,
    url: String,
    host: String,
    token: Zeroizing<String>,
}

/// A page: its submissions, how many there are in all, and whether it is the last.
struct Page {
    value: Value,
    submissions: usize,
    all: u64,
    last: bool,
}

impl Client {
    /// A client of the Kobo at `url`.
    ///
    /// # Errors
    /// [`KoboError::Address`] and [`KoboError::Open`].
    pub fn new(url: &str, token: Zeroizing<String>) -> Result<Self, KoboError> {
        Self::patient(url, token, TIMEOUT)
    }

    fn patient(url: &str, token: Zeroizing<String>, timeout: Duration) -> Result<Self, KoboError> {
        let shown = || url.chars().take(80).collect::<String>();
        let address: Uri = url.parse().map_err(|_| KoboError::Address(shown()))?;
        let host = address.host().unwrap_or_default().to_owned();
        let known = matches!(address.scheme_str(), Some("https" | "http"));
        // Whatever is written before the host could be a password.
        if host.is_empty() || !known || url.contains('@') || address.query().is_some() {
            return Err(KoboError::Address(shown().replace('@', " ")));
        }
        let number = host.trim_matches(['[', ']']).parse();
        let here = host == "localhost" || number.is_ok_and(|ip: IpAddr| ip.is_loopback());
        if address.scheme_str() == Some("http") && !here {
            return Err(KoboError::Open(shown()));
        }
        // What the system trusts, so that a certificate of a ministry's own can be installed.
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(tls);
        // What is on this machine is asked without whatever stands between it and the world.
        let config = if here { config.proxy(None) } else { config };
        Ok(Self {
            agent: config.build().into(),
            url: url.trim_end_matches('/').to_owned(),
            host,
            token,
        })
    }

    /// Reads every submission of a form, and passes them on page by page; `told` is told how many there are.
    ///
    /// # Errors
    /// [`KoboError`]; what was passed on before counts.
    pub fn submissions(
        &self,
        uid: &str,
        mut told: impl FnMut(u64),
        mut take: impl FnMut(Export),
    ) -> Result<(), KoboError> {
        if uid.is_empty() || uid.len() > 40 || !uid.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Err(KoboError::Uid(uid.chars().take(40).collect()));
        }
        let mut start = 0;
        while start < SUBMISSIONS_MAX {
            let page = self.page(uid, start)?;
            told(page.all);
            let mut export = Export::of(page.value).map_err(|_| self.strange())?;
            export.count_from(start as u64);
            // Here the others are asked for.
            export.more = false;
            take(export);
            start += page.submissions;
            if page.last || page.submissions == 0 {
                return Ok(());
            }
        }
        Err(KoboError::TooMuch(self.host.clone()))
    }

    fn strange(&self) -> KoboError {
        KoboError::Strange(self.host.clone())
    }

    fn page(&self, uid: &str, start: usize) -> Result<Page, KoboError> {
        let mut attempt = 1;
        loop {
            match self.ask(uid, start) {
                Err(error) if error.may_pass() && attempt < ATTEMPTS => {
                    std::thread::sleep(PAUSE * attempt);
                    attempt += 1;
                }
                answered => return answered,
            }
        }
    }

    fn ask(&self, uid: &str, start: usize) -> Result<Page, KoboError> {
        let url = format!("{}/api/v2/assets/{uid}/data/", self.url);
        let authorization = Zeroizing::new(format!("Token {}", self.token.as_str()));
        let mut response = self
            .agent
            .get(&url)
            .query("format", "json")
            .query("limit", PAGE_SUBMISSIONS.to_string())
            .query("start", start.to_string())
            // In the order in which they came, so that none slips between two pages.
            .query("sort", "{\"_id\":1}")
            .header("Authorization", authorization.as_str())
            .header("Accept", "application/json")
            .call()
            .map_err(|error| match error {
                // So a handshake fails that does not come to its end.
                Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
                    KoboError::Certificate(self.host.clone())
                }
                error => self.failed(&error),
            })?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(PAGE_BYTES_MAX);
        let text = body.read_to_string().map_err(|error| self.failed(&error))?;
        let value: Option<Value> = serde_json::from_str(&text).ok();
        let host = || self.host.clone();
        match (status, value) {
            (200, Some(value)) => self.read(value),
            (401 | 403, _) => Err(KoboError::Token(host())),
            (404, Some(_)) => Err(KoboError::Form {
                host: host(),
                uid: uid.to_owned(),
            }),
            (300..=399, _) => Err(KoboError::Elsewhere(host())),
            (407, _) => Err(KoboError::Proxy(host())),
            (408 | 429 | 500.., _) => Err(KoboError::Busy {
                host: host(),
                status,
            }),
            (_, None) => Err(KoboError::Page(host())),
            (_, Some(_)) => Err(self.strange()),
        }
    }

    fn read(&self, value: Value) -> Result<Page, KoboError> {
        let submissions = value.get("results").and_then(Value::as_array).map(Vec::len);
        let all = value.get("count").and_then(Value::as_u64);
        let (Some(submissions), Some(all)) = (submissions, all) else {
            return Err(self.strange());
        };
        let last = value.get("next").is_none_or(Value::is_null);
        Ok(Page {
            value,
            submissions,
            all,
            last,
        })
    }

    /// What the library says could hold the whole request, and with it the token.
    fn failed(&self, error: &Error) -> KoboError {
        let host = self.host.clone();
        match error {
            Error::Timeout(_) => KoboError::Slow(host),
            Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) => KoboError::Certificate(host),
            Error::InvalidProxyUrl | Error::ConnectProxyFailed(_) => KoboError::Proxy(host),
            Error::BodyExceedsLimit(_) => KoboError::TooMuch(host),
            Error::Io(error) if error.kind() == ErrorKind::TimedOut => KoboError::Slow(host),
            Error::Io(error) if error.kind() == ErrorKind::InvalidData => KoboError::Page(host),
            _ => KoboError::Silent(host),
        }
    }
}

#[cfg(test)]
mod tests;
