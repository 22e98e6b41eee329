//! Moodle's web services over REST: one function at a time. It answers with HTTP 200 whatever happens, so what
//! failed is told by its form: an `exception`, or `warnings` beside a result. Measured on Moodle 4.5; a field
//! that another release leaves out is no error here.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use zeroize::Zeroizing;

use crate::lms::LmsError;

/// Seconds that one request may take: a full report of a course of hundreds takes a few.
const TIMEOUT_SECONDS: u64 = 60;

/// Bytes of one answer: 26 kB of grades for twenty learners.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Times that a request is sent which got no answer.
const ATTEMPTS: u32 = 3;

/// Milliseconds between two requests: a lab's server has other work, too.
const PAUSE: Duration = Duration::from_millis(20);

/// A Moodle and the token of this node's service there.
pub struct Client {
    agent: Agent,
    endpoint: String,
    token: Zeroizing<String>,
}

/// What a function answered: its result, and what it says failed of it.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The result.
    pub value: Value,
    /// What failed softly, in its words.
    pub warnings: Vec<String>,
}

/// A parameter, as Moodle names them: `users[0][username]`.
pub type Parameter<'a> = (&'a str, String);

impl Client {
    /// A client of the Moodle at `url`.
    #[must_use]
    pub fn new(url: &str, token: Zeroizing<String>) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(TIMEOUT_SECONDS)))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Self {
            agent: config.into(),
            endpoint: format!("{}/webservice/rest/server.php", url.trim_end_matches('/')),
            token,
        }
    }

    /// Calls a function.
    ///
    /// # Errors
    /// [`LmsError`] by the class of what failed. A warning is none: see [`Answer::warnings`].
    pub fn call(&self, function: &str, parameters: &[Parameter<'_>]) -> Result<Answer, LmsError> {
        let mut last = LmsError::Unreachable(String::new());
        for attempt in 0..ATTEMPTS {
            std::thread::sleep(PAUSE * 10_u32.pow(attempt));
            match self.ask(function, parameters) {
                Err(error @ LmsError::Unreachable(_)) => last = error,
                answered => return answered,
            }
        }
        Err(last)
    }

    /// The same for a function that only says that it is done.
    ///
    /// # Errors
    /// Also [`LmsError::Refused`] where it says that something failed softly.
    pub fn do_it(&self, function: &str, parameters: &[Parameter<'_>]) -> Result<(), LmsError> {
        let answer = self.call(function, parameters)?;
        match answer.warnings.first() {
            None => Ok(()),
            Some(warning) => Err(LmsError::Refused {
                function: function.to_owned(),
                message: warning.clone(),
            }),
        }
    }

    fn ask(&self, function: &str, parameters: &[Parameter<'_>]) -> Result<Answer, LmsError> {
        let fixed = [
            ("wstoken", self.token.as_str()),
            ("wsfunction", function),
            ("moodlewsrestformat", "json"),
        ];
        let rest = parameters
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        // What the library says could hold the whole request, and with it the token.
        let silent = |_| LmsError::Unreachable(format!("{}: no answer", self.endpoint));
        let form = fixed.into_iter().chain(rest);
        let mut response = self
            .agent
            .post(&self.endpoint)
            .send_form(form)
            .map_err(silent)?;
        let status = response.status();
        if !status.is_success() {
            let message = format!("{}: HTTP {}", self.endpoint, status.as_u16());
            return Err(LmsError::Unreachable(message));
        }
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = body.read_to_string().map_err(silent)?;
        let value: Value = serde_json::from_str(&text).map_err(|_| {
            let message = format!("{}: this is no web service", self.endpoint);
            LmsError::Unreachable(message)
        })?;
        read_answer(function, value)
    }
}

/// Tells results from failures, and those from each other.
fn read_answer(function: &str, value: Value) -> Result<Answer, LmsError> {
    let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
    if value.get("exception").is_some() {
        let (code, message, more) = (text("errorcode"), text("message"), text("debuginfo"));
        return Err(match code {
            "invalidtoken" | "accessexception" | "servicenotavailable" | "sitemaintenance" => {
                LmsError::Denied(message.to_owned())
            }
            "nopermissions" | "requireloginerror" | "nopermission" => LmsError::MissingRight {
                function: function.to_owned(),
                right: right_in(message),
            },
            // Two that name no right in their message, which is in the site's language.
            "errorcoursecontextnotvalid" => LmsError::MissingRight {
                function: function.to_owned(),
                right: "moodle/course:view".to_owned(),
            },
            "cannotviewreport" => LmsError::MissingRight {
                function: function.to_owned(),
                right: "report/completion:view".to_owned(),
            },
            "invalidparameter" if more.contains("already exists") => {
                LmsError::Already(more.to_owned())
            }
            _ => LmsError::Refused {
                function: function.to_owned(),
                message: match more {
                    "" => message.to_owned(),
                    more => format!("{message} ({more})"),
                },
            },
        });
    }
    let warnings = value.get("warnings").and_then(Value::as_array);
    let say = |warning: &Value| {
        let text = warning.get("message").and_then(Value::as_str);
        text.unwrap_or("something failed").to_owned()
    };
    let warnings = warnings.into_iter().flatten().map(say).collect();
    Ok(Answer { value, warnings })
}

/// The right that a message names in its last brackets.
fn right_in(message: &str) -> String {
    let inside = message
        .rsplit_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    inside.map_or(message, |(right, _)| right).to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    fn failed(text: &str) -> LmsError {
        read_answer("f", serde_json::from_str(text).unwrap()).unwrap_err()
    }

    /// Goal: each class of failure is told from the others, for another person mends each. Method: what Moodle
    /// 4.5 was seen to answer.
    #[test]
    fn failures_are_told_apart() {
        let denied = r#"{"exception":"core\\exception\\moodle_exception","errorcode":"invalidtoken",
            "message":"Invalid token - token not found"}"#;
        assert!(matches!(failed(denied), LmsError::Denied(_)) && failed(denied).ends_it());
        let right = r#"{"exception":"core\\exception\\required_capability_exception","errorcode":"nopermissions",
            "message":"Sorry, but you do not currently have permissions to do that (Delete users)."}"#;
        let LmsError::MissingRight { right, .. } = failed(right) else {
            panic!("a missing right");
        };
        assert_eq!(right, "Delete users");
        let exists = r#"{"exception":"core\\exception\\invalid_parameter_exception","errorcode":
            "invalidparameter","message":"Invalid parameter value detected","debuginfo":"Username already exists: x"}"#;
        assert!(matches!(failed(exists), LmsError::Already(_)));
        let refused = r#"{"exception":"core\\exception\\moodle_exception","errorcode":"completionnotenabled",
            "message":"Completion is not enabled"}"#;
        assert!(matches!(failed(refused), LmsError::Refused { .. }) && !failed(refused).ends_it());
        let soft = r#"{"warnings":[{"item":"user","itemid":11,"warningcode":"useremailduplicate",
            "message":"Duplicate address"}]}"#;
        let answer = read_answer("f", serde_json::from_str(soft).unwrap()).unwrap();
        assert_eq!(answer.warnings, ["Duplicate address"]);
        assert!(read_answer("f", Value::Null).unwrap().warnings.is_empty());
    }
}
