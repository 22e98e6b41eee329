//! Two officers of the head office sign the exam results and certificates that the sites recorded: until
//! then they are provisional, and no figure counts them.

use ed25519_dalek::SigningKey;
use spean_protocol::officer::Signature;
use spean_protocol::totals::Query;

use super::{Story, counted};
use crate::api::{Refusal, Reply, Request};
use crate::cli::officers::sealed_key;
use crate::demo::ground::HEADQUARTERS;
use crate::demo::nodes::unexpected;

/// Their passphrases: of a demo, so anybody may know them.
const OFFICERS: [(u16, &str); 2] = [(1, "demo passphrase one"), (2, "demo passphrase two")];

impl Story<'_> {
    /// Two persons sign what the sites recorded.
    pub(super) async fn signed(&mut self) -> Result<(), Refusal> {
        self.checks
            .step("Exam results and certificates count when two persons have signed them");
        let before = self.provisional().await?;
        self.checks.check(
            "no result counts with nobody's signature",
            before > 0,
            counted(before, "result and certificate"),
        );
        let mut officers = Vec::new();
        for (number, words) in OFFICERS {
            let (key, signing) = sealed_key(number, words);
            let office = "administrator".to_owned();
            let request = Request::OfficerAdd { office, key };
            self.nodes.ask(HEADQUARTERS, request).await?;
            officers.push((number, signing));
        }
        self.officers = officers;
        let (number, signing) = self.officers[0].clone();
        let signed = self.sign_as(number, &signing).await?;
        let found = self.provisional().await?;
        self.checks.equal(
            "results that one officer's signature makes count",
            before - found,
            0,
        );
        let (number, signing) = self.officers[1].clone();
        self.sign_as(number, &signing).await?;
        let found = self.provisional().await?;
        self.checks
            .equal("results that wait after the second one's", found, 0);
        self.checks.say(format!(
            "Each signed {} with a key of his own.",
            counted(signed, "event")
        ));
        Ok(())
    }

    /// The same of what came since.
    pub(super) async fn sign_the_rest(&mut self) -> Result<(), Refusal> {
        for (number, signing) in self.officers.clone() {
            self.sign_as(number, &signing).await?;
        }
        Ok(())
    }

    async fn sign_as(&self, number: u16, key: &SigningKey) -> Result<u64, Refusal> {
        let Reply::ToSign { open, .. } = self
            .nodes
            .ask(HEADQUARTERS, Request::ToSign(number))
            .await?
        else {
            return Err(unexpected(HEADQUARTERS));
        };
        let of =
            |one: &crate::engine::signatures::ToSign| Signature::sign(&one.subject, number, key);
        let signatures = open.iter().map(of).collect();
        match self
            .nodes
            .ask(HEADQUARTERS, Request::Sign { number, signatures })
            .await?
        {
            Reply::Events(count) => Ok(count),
            _ => Err(unexpected(HEADQUARTERS)),
        }
    }

    async fn provisional(&self) -> Result<u64, Refusal> {
        let totals = self.nodes.totals(HEADQUARTERS, Query::ALL).await?;
        Ok(totals.figures.provisional)
    }
}
