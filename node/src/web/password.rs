//! The page on which a learner changes his password himself. There is no sign-in and so no session: the present
//! password stands in the same form as the new one, and is the proof that he wants it. A page of another site could
//! send the form only if it knew that password, and then needs no form of his.
//!
//! A name that nobody has takes as long as a wrong password, and is told in the same words.

use std::net::IpAddr;
use std::time::Instant;

use askama::Template;
use axum::http::StatusCode;
use serde::Deserialize;
use spean_protocol::id::LearnerId;
use zeroize::Zeroizing;

use super::Pages;
use super::frame::{Failure, Frame, ask};
use super::guesses::Guess;
use crate::account::{self, LONGEST_BYTES, SHORTEST, Unfit};
use crate::world::Machine;

/// Letters of a user name that are looked at: a record's has 32.
const NAME_MOST: usize = 64;

/// The form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    username: String,
    present: Zeroizing<String>,
    new: Zeroizing<String>,
    again: Zeroizing<String>,
}

/// What is said above the form.
struct Said {
    good: bool,
    words: String,
}

#[derive(Template)]
#[template(path = "password.html")]
struct Page<'a> {
    frame: &'a Frame,
    said: Option<Said>,
    username: &'a str,
}

/// The page at `/password`.
pub fn page(frame: &Frame) -> Result<String, Failure> {
    shown(frame, None, "")
}

fn shown(frame: &Frame, said: Option<Said>, username: &str) -> Result<String, Failure> {
    let page = Page {
        frame,
        said,
        username,
    };
    Ok(page.render()?)
}

/// What is wrong with a form, or that nothing is.
enum Fate {
    Changed,
    /// Here, and not in Moodle.
    NotInMoodle,
    Unreadable,
    Differ,
    Unfit(Unfit),
    Wrong,
    Wait(u64),
}

/// The form that was sent, or could not be read; the page that says what became of it.
pub async fn change(
    pages: &Pages,
    frame: &Frame,
    machine: IpAddr,
    form: Option<Form>,
) -> Result<(StatusCode, String), Failure> {
    let form = form.unwrap_or_default();
    let name = form.username.trim().to_lowercase();
    let fate = decide(pages, machine, &name, &form).await?;
    let (status, words) = match &fate {
        Fate::Changed => (StatusCode::OK, frame.text("password-changed")),
        Fate::NotInMoodle => (StatusCode::OK, frame.text("password-not-in-moodle")),
        Fate::Unreadable => (StatusCode::BAD_REQUEST, frame.text("password-unreadable")),
        Fate::Differ => (
            StatusCode::UNPROCESSABLE_ENTITY,
            frame.text("password-differ"),
        ),
        Fate::Unfit(why) => (StatusCode::UNPROCESSABLE_ENTITY, unfit(frame, *why)),
        Fate::Wrong => (StatusCode::FORBIDDEN, frame.text("password-wrong")),
        Fate::Wait(seconds) => (
            StatusCode::TOO_MANY_REQUESTS,
            frame.count("password-wait", seconds.div_ceil(60)),
        ),
    };
    let good = matches!(fate, Fate::Changed);
    let kept = if name.len() <= NAME_MOST { &name } else { "" };
    Ok((status, shown(frame, Some(Said { good, words }), kept)?))
}

fn unfit(frame: &Frame, why: Unfit) -> String {
    match why {
        Unfit::Short => frame.count("password-short", SHORTEST as u64),
        Unfit::Long => frame.count("password-long", LONGEST_BYTES as u64),
        Unfit::Unreadable => frame.text("password-odd"),
    }
}

async fn decide(pages: &Pages, machine: IpAddr, name: &str, form: &Form) -> Result<Fate, Failure> {
    if name.is_empty() || form.present.is_empty() {
        return Ok(Fate::Unreadable);
    }
    // What says nothing about anybody's password comes first, and counts as no guess.
    if form.new != form.again {
        return Ok(Fate::Differ);
    }
    if form.present.len() > LONGEST_BYTES {
        return Ok(Fate::Unfit(Unfit::Long));
    }
    if let Err(why) = account::check(&form.new) {
        return Ok(Fate::Unfit(why));
    }
    if name.len() > NAME_MOST {
        return Ok(Fate::Wrong);
    }
    let guess = match pages.guesses.let_in(name, machine, Instant::now()) {
        Ok(guess) => guess,
        Err(seconds) => return Ok(Fate::Wait(seconds)),
    };
    match checked(pages, name, form).await {
        Ok(Some((learner, verifier))) => change_it(pages, form, guess, (learner, verifier)).await,
        Ok(None) => Ok(Fate::Wrong),
        Err(failure) => Err(failure),
    }
}

/// Whose the present password is, and what the new one is checked against.
async fn checked(
    pages: &Pages,
    name: &str,
    form: &Form,
) -> Result<Option<(LearnerId, String)>, Failure> {
    let asked = name.to_owned();
    let known = ask(&pages.node.service, move |engine| {
        engine.account_named(&asked)
    })
    .await?;
    let turn = pages.guesses.turn().await.ok_or(Failure::Busy)?;
    let (present, new) = (form.present.clone(), form.new.clone());
    let work = tokio::task::spawn_blocking(move || {
        let right = match &known {
            Some((_, verifier)) => account::is_it(&present, verifier),
            None => account::is_nobodys(&present),
        };
        let (learner, _) = known.filter(|_| right)?;
        Some((learner, account::verifier(&new, &mut Machine).ok()?))
    });
    let found = work.await.map_err(|_| Failure::Busy);
    drop(turn);
    found
}

async fn change_it(
    pages: &Pages,
    form: &Form,
    guess: Guess,
    (learner, verifier): (LearnerId, String),
) -> Result<Fate, Failure> {
    pages.guesses.right(guess);
    let given = pages.node.give_password(learner, verifier, &form.new);
    Ok(match given.await? {
        true => Fate::Changed,
        false => Fate::NotInMoodle,
    })
}
