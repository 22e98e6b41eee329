//! The page on which an officer gives a learner an account, or another password where he has forgotten his: it is
//! made here, shown once, and written down or printed. Officers do not sign in yet, so whoever reaches their address
//! may do it; a page of another site that an officer's browser opens may not. Two things tell it apart: the form
//! holds a token that this process made and only its own pages show, and a browser says where a form comes from.

use askama::Template;
use axum::http::{HeaderMap, header};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use spean_protocol::id::LearnerId;
use zeroize::Zeroizing;

use super::Pages;
use super::frame::{Failure, Frame, ask};
use crate::account::{first_password, verifier};
use crate::world::{Machine, World};

/// What a form must bring back that changes something. It is another one after each start.
pub struct Token(String);

impl Token {
    /// A new one.
    pub fn new() -> Self {
        Self(HEXLOWER.encode(&Machine.random()))
    }

    fn is(&self, other: &str) -> bool {
        // Compared as hashes, which takes as long wherever they differ.
        blake3::hash(self.0.as_bytes()) == blake3::hash(other.as_bytes())
    }
}

/// The form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    token: String,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page<'a> {
    frame: &'a Frame,
    summary: String,
    token: &'a str,
    username: Option<String>,
    given: Option<Given>,
    stale: bool,
}

/// A new password, and whether Moodle has it where it should.
struct Given {
    password: Zeroizing<String>,
    in_moodle: bool,
}

/// The page at `/account/{id}`.
pub async fn page(pages: &Pages, frame: &Frame, id: LearnerId) -> Result<String, Failure> {
    shown(pages, frame, id, None, false).await
}

async fn shown(
    pages: &Pages,
    frame: &Frame,
    id: LearnerId,
    given: Option<Given>,
    stale: bool,
) -> Result<String, Failure> {
    let found = ask(&pages.node.service, move |engine| engine.account_of(id)).await?;
    let page = Page {
        frame,
        summary: frame.link(&format!("/learner/{id}")),
        token: &pages.token.0,
        username: found.ok_or(Failure::NoLearner)?,
        given,
        stale,
    };
    Ok(page.render()?)
}

/// Makes a password, and shows it.
pub async fn give(
    pages: &Pages,
    frame: &Frame,
    id: LearnerId,
    (headers, form): (&HeaderMap, Option<Form>),
) -> Result<String, Failure> {
    if !is_from_here(headers) {
        return Err(Failure::Elsewhere);
    }
    let ours = form.is_some_and(|form| pages.token.is(&form.token));
    if !ours {
        return shown(pages, frame, id, None, true).await;
    }
    let here = ask(&pages.node.service, move |engine| engine.account_of(id)).await?;
    here.ok_or(Failure::NoLearner)?;
    let turn = pages.guesses.turn().await.ok_or(Failure::Busy)?;
    let made = tokio::task::spawn_blocking(|| {
        let password = first_password(&mut Machine);
        let verifier = verifier(&password, &mut Machine);
        verifier.map(|verifier| (password, verifier))
    });
    let made = made.await.map_err(|_| Failure::Busy)?;
    drop(turn);
    let (password, verifier) = made.map_err(|_| Failure::Broken)?;
    let in_moodle = pages.node.give_password(id, verifier, &password).await?;
    let given = Given {
        password,
        in_moodle,
    };
    shown(pages, frame, id, Some(given), false).await
}

/// Whether a browser says that a form comes from this node's own pages, or says nothing of it, as old ones do.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let fetched = text("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let host = text(header::HOST.as_str()).unwrap_or("");
    let origin = text(header::ORIGIN.as_str()).is_none_or(|origin| {
        let rest = origin.strip_prefix("http://");
        let rest = rest.or_else(|| origin.strip_prefix("https://"));
        !host.is_empty() && rest == Some(host)
    });
    fetched && origin
}
