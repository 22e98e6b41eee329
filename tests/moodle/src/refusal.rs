//! Exceptions as Moodle writes them: HTTP 200 and an object with `exception`, `errorcode`, `message`
//! and, on a site that shows debugging, `debuginfo`.

use serde_json::{Value, json};

use crate::capabilities::words;
use crate::setup::Setup;

/// What an answer is, or why there is none.
pub(crate) type Answer = Result<Value, Refusal>;

/// An exception.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    class: Class,
    pub(crate) errorcode: String,
    pub(crate) message: String,
    debuginfo: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Class {
    Moodle,
    InvalidParameter,
    RequiredCapability,
    RequireLogin,
    MissingRecord,
    Access,
}

impl Class {
    /// Since 4.5 the classes of the core are in a namespace; those of the database and of the web
    /// service never were.
    fn name(self, setup: &Setup) -> String {
        let name = match self {
            Self::Moodle => "moodle_exception",
            Self::InvalidParameter => "invalid_parameter_exception",
            Self::RequiredCapability => "required_capability_exception",
            Self::RequireLogin => "require_login_exception",
            Self::MissingRecord => return "dml_missing_record_exception".to_owned(),
            Self::Access => return "webservice_access_exception".to_owned(),
        };
        if setup.at_least(4, 5) {
            format!("core\\exception\\{name}")
        } else {
            name.to_owned()
        }
    }
}

impl Refusal {
    fn new(class: Class, errorcode: &str, message: &str) -> Self {
        Self {
            class,
            errorcode: errorcode.to_owned(),
            message: message.to_owned(),
            debuginfo: None,
        }
    }

    fn because(mut self, debuginfo: &str) -> Self {
        self.debuginfo = Some(debuginfo.to_owned());
        self
    }

    pub(crate) fn moodle(errorcode: &str, message: &str) -> Self {
        Self::new(Class::Moodle, errorcode, message)
    }

    pub(crate) fn parameter(debuginfo: &str) -> Self {
        let message = "Invalid parameter value detected";
        Self::new(Class::InvalidParameter, "invalidparameter", message).because(debuginfo)
    }

    pub(crate) fn capability(capability: &str) -> Self {
        let words = words(capability);
        let message =
            format!("Sorry, but you do not currently have permissions to do that ({words}).");
        Self::new(Class::RequiredCapability, "nopermissions", &message)
    }

    /// Without a word about which capability: completion is overridden under an error code of its own.
    pub(crate) fn override_capability() -> Self {
        let message = "You do not have permission to do this";
        Self::new(Class::RequiredCapability, "nopermission", message)
    }

    pub(crate) fn login(reason: &str) -> Self {
        let message = format!("Course or activity not accessible. ({reason})");
        Self::new(Class::RequireLogin, "requireloginerror", &message)
    }

    pub(crate) fn record(table: &str) -> Self {
        let message = format!("Can't find data record in database table {table}.");
        let sql = format!("SELECT * FROM {{{table}}} WHERE id = ?");
        Self::new(Class::MissingRecord, "invalidrecord", &message).because(&sql)
    }

    pub(crate) fn access(debuginfo: &str) -> Self {
        let message = "Access control exception";
        Self::new(Class::Access, "accessexception", message).because(debuginfo)
    }

    /// What some functions make of the refusal of a course.
    pub(crate) fn in_course(&self, course: u64) -> Self {
        let message = format!(
            "You cannot execute functions in the course context (course id:{course}). \
             The context error message was: {}",
            self.message
        );
        Self::moodle("errorcoursecontextnotvalid", &message)
    }

    /// What functions that fail softly make of it: an entry of `warnings`.
    pub(crate) fn warning(&self, item: &str, id: u64) -> Value {
        json!({
            "item": item,
            "itemid": id,
            "warningcode": self.errorcode,
            "message": self.message,
        })
    }

    pub(crate) fn json(&self, setup: &Setup) -> Value {
        let mut json = json!({
            "exception": self.class.name(setup),
            "errorcode": self.errorcode,
            "message": self.message,
        });
        if let (true, Some(debuginfo)) = (setup.debugging, &self.debuginfo) {
            json["debuginfo"] = json!(debuginfo);
        }
        json
    }
}
