//! `spean officer` and `spean sign`: people's own keys, and what they sign with them. A secret key is
//! opened here and never reaches the node.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use ed25519_dalek::SigningKey;
use spean_protocol::id::LearnerId;
use spean_protocol::officer::{Signature, Subject};
use spean_protocol::seal::Secret;

use super::typed::{confirm, new_passphrase, read_secret};
use super::{ask, show};
use crate::api::{Kind, Refusal, Reply, Request};
use crate::engine::officers::SealedKey;
use crate::engine::signatures::ToSign;
use crate::home::Home;
use crate::passphrase;
use crate::world::{Machine, World};

/// Officers and their keys.
#[derive(Debug, Subcommand)]
pub(super) enum OfficerCommand {
    /// Make somebody an officer of this site, or give him a new key: he types a passphrase of his own.
    #[command(
        after_help = "The number is the one of the site's own list; no name is asked for. Call the head office \
                      and read out the key's beginning: two officers of one site count as two persons only \
                      when it has confirmed both.\n\n\
                      Example: spean officer add 3 --office officer"
    )]
    Add {
        /// His number in the site's own list.
        number: u16,
        /// director, officer, peer-tutor, instructor, monitor; at the head office also administrator, analyst.
        #[arg(long, default_value = "officer")]
        office: String,
    },
    /// Withdraw an officer's key: he left, or others may know it. What he signed stands.
    Withdraw {
        /// His number.
        number: u16,
    },
    /// At the head office: confirm an officer of a prison, after comparing his key by telephone.
    Confirm {
        /// The prison's code.
        site: String,
        /// His number there.
        number: u16,
        /// How his key begins, as he reads it out: at least eight digits.
        key: String,
    },
    /// Everybody who is an officer somewhere, with his key's beginning.
    List,
}

#[derive(Debug, Args)]
pub(super) struct SignArgs {
    /// Only what is of these learners.
    learners: Vec<LearnerId>,
    /// List what waits for your signature, and sign nothing.
    #[arg(long)]
    list: bool,
}

pub(super) async fn officer(
    home: &Home,
    command: &OfficerCommand,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let request = match command {
        OfficerCommand::Add { number, office } => Request::OfficerAdd {
            office: office.clone(),
            key: new_key(*number)?,
        },
        OfficerCommand::Withdraw { number } => Request::OfficerWithdraw(*number),
        OfficerCommand::Confirm { site, number, key } => Request::OfficerConfirm {
            site: site.clone(),
            number: *number,
            key: key.clone(),
        },
        OfficerCommand::List => Request::OfficerList,
    };
    show::reply(json, &ask(home, request).await?)
}

fn new_key(number: u16) -> Result<SealedKey, Refusal> {
    let words = new_passphrase("Passphrase of the officer", false)?;
    Ok(sealed_key(number, words.as_deref().map_or("", String::as_str)).0)
}

/// A new key of an officer, and the same under his passphrase.
pub(crate) fn sealed_key(number: u16, words: &str) -> (SealedKey, SigningKey) {
    let seed = Secret(Machine.random());
    let signing = SigningKey::from_bytes(&seed.0);
    let key = signing.verifying_key().to_bytes();
    let salt = Machine.random();
    let sealed = passphrase::seal(words, &salt, &SealedKey::whose(&key), &seed);
    let sealed = SealedKey {
        number,
        key,
        salt,
        sealed,
    };
    (sealed, signing)
}

/// Asks an officer for his passphrase and opens his key.
fn unlock(sealed: &SealedKey) -> Result<SigningKey, Refusal> {
    let words = read_secret(&format!("Passphrase of officer {}", sealed.number))?;
    let whose = SealedKey::whose(&sealed.key);
    let seed = passphrase::open(&words, &sealed.salt, &whose, &sealed.sealed).ok_or_else(|| {
        Refusal::new(
            Kind::Refused,
            format!(
                "this passphrase does not open the key of officer {}: try again; who forgot it gets a new \
                 key with 'spean officer add'",
                sealed.number
            ),
        )
    })?;
    Ok(SigningKey::from_bytes(&seed.0))
}

/// Signs for an officer whom the node knows, after he typed his passphrase.
pub(super) async fn sign_as(
    home: &Home,
    number: u16,
    subject: &Subject,
) -> Result<Signature, Refusal> {
    let sealed = match ask(home, Request::OfficerKey(number)).await? {
        Reply::ToSign { key, .. } => key,
        _ => return Err(Refusal::new(Kind::Refused, "an unexpected answer")),
    };
    Ok(Signature::sign(subject, number, &unlock(&sealed)?))
}

async fn waiting_for(home: &Home, number: u16) -> Result<(SealedKey, Vec<ToSign>), Refusal> {
    match ask(home, Request::ToSign(number)).await? {
        Reply::ToSign { key, open } => Ok((key, open)),
        _ => Err(Refusal::new(Kind::Refused, "an unexpected answer")),
    }
}

/// Whoever signs says who he is.
pub(super) fn myself(officer: Option<u16>) -> Result<u16, Refusal> {
    officer.ok_or_else(|| {
        Refusal::new(
            Kind::Refused,
            "say who you are: --officer NUMBER ('spean officer list' shows the numbers)",
        )
    })
}

pub(super) async fn sign(
    home: &Home,
    args: &SignArgs,
    number: u16,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let (key, mut open) = waiting_for(home, number).await?;
    if !args.learners.is_empty() {
        open.retain(|one| args.learners.contains(&one.learner));
    }
    if args.list || open.is_empty() {
        return show::reply(json, &Reply::ToSign { key, open });
    }
    if !json {
        show_to_sign(&open);
    }
    confirm(&format!("Sign these {}?", open.len()), json)?;
    let signing = unlock(&key)?;
    let of = |one: &ToSign| Signature::sign(&one.subject, number, &signing);
    let signatures = open.iter().map(of).collect();
    show::reply(
        json,
        &ask(home, Request::Sign { number, signatures }).await?,
    )
}

/// Prints what waits for a signature.
pub(super) fn show_to_sign(open: &[ToSign]) {
    for one in open {
        let signed = match one.signed_by.as_slice() {
            [] => "nobody yet".to_owned(),
            some => some.join(", "),
        };
        println!("{}  {}: {}", one.learner, one.name, one.says);
        println!("    recorded at {}, signed by {signed}", one.site);
    }
    println!("{} to sign", open.len());
}
