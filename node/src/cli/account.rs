//! `spean account`: names and passwords at the labs' PCs. A password is read or made here, and the node gets
//! only what it is checked against.

use std::process::ExitCode;

use clap::Subcommand;
use spean_protocol::id::LearnerId;
use zeroize::Zeroizing;

use super::typed::read_secret;
use super::{Who, ask, show};
use crate::account::{first_password, verifier};
use crate::api::{Kind, Refusal, Reply, Request};
use crate::home::Home;
use crate::world::Machine;

/// Accounts at the labs' PCs.
#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Give somebody who is here an account, or, if he has one, another password. It prints a first password,
    /// which he changes himself.
    #[command(
        after_help = "The name stays with him at every prison. Where somebody has it there already, the one who came \
                      later signs in with a number after it.\n\n\
                      Examples:\n  spean account give 0a1b...\n  spean account give 0a1b... --username dara"
    )]
    Give {
        /// The learner.
        learner: LearnerId,
        /// The name with which he signs in. Without it he keeps his, or gets this prison's code and a number.
        #[arg(long)]
        username: Option<String>,
        /// Type a password instead of having one made.
        #[arg(long)]
        typed: bool,
    },
    /// The accounts of all who are here.
    List,
}

pub(super) async fn account(
    home: &Home,
    command: &AccountCommand,
    who: &Who,
    json: bool,
) -> Result<ExitCode, Refusal> {
    let AccountCommand::Give {
        learner,
        username,
        typed,
    } = command
    else {
        return show::reply(json, &ask(home, who.asks(Request::AccountList)).await?);
    };
    let password: Zeroizing<String> = match typed {
        true => read_secret("Password")?,
        false => first_password(&mut Machine),
    };
    let verifier =
        verifier(&password, &mut Machine).map_err(|why| Refusal::new(Kind::Refused, why))?;
    let request = Request::AccountGive {
        learner: *learner,
        username: username.clone(),
        verifier,
    };
    let Reply::Account(name) = ask(home, who.asks(request)).await? else {
        return Err(Refusal::new(Kind::Home, "an unexpected answer"));
    };
    let moodle = pass_on(home, who, *learner, &password).await;
    if json {
        let mut value = serde_json::json!({ "account": name });
        if let Err(refusal) = &moodle {
            value["moodle"] = refusal.message.as_str().into();
        }
        if !typed {
            value["password"] = password.as_str().into();
        }
        println!("{value}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("User name: {name}");
    if !typed {
        println!("Password:  {}", *password);
        println!("It is shown this once. He changes it himself.");
    }
    if let Err(refusal) = moodle {
        println!("Moodle did not take it: {refusal}. Then give him another.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives Moodle the password where it takes no file, from here: the node does not see it.
#[cfg(feature = "moodle")]
async fn pass_on(
    home: &Home,
    who: &Who,
    learner: LearnerId,
    password: &Zeroizing<String>,
) -> Result<(), Refusal> {
    let manual = home.config()?.moodle.is_some_and(|one| one.manual_accounts);
    if !manual {
        return Ok(());
    }
    if let Reply::AccountOf(account) = ask(home, who.asks(Request::AccountOf(learner))).await? {
        crate::moodle::connector::give_password(home, *account, password.clone()).await?;
    }
    Ok(())
}

#[cfg(not(feature = "moodle"))]
async fn pass_on(_: &Home, _: &Who, _: LearnerId, _: &Zeroizing<String>) -> Result<(), Refusal> {
    Ok(())
}
