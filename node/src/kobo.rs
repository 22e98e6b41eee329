//! KoboToolbox: monitoring data of an organisation's tablets, for the records of learners. The pack of forms is
//! made here (`forms`, `workbook`); what comes back, as a file or from Kobo's server (`client`), is read
//! (`submission`, `table`) and becomes rows of a register (`mapping`, `rows`). No learner is made of it: whom a
//! row is about is the engine's to find. docs/kobo.md is for those who use it.

#[cfg(feature = "kobo")]
pub mod client;
pub mod forms;
pub mod lists;
pub mod mapping;
pub mod rows;
pub mod submission;
pub mod table;
pub mod wording;
pub mod workbook;

use serde::{Deserialize, Serialize};

/// The name of this source in the keys of what it tells.
pub const SOURCE: &str = "kobo";

/// What the configuration says of a Kobo that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KoboConfig {
    /// Where it is, such as `https://kf.kobotoolbox.org`.
    pub url: String,
    /// The forms that are read.
    #[serde(default)]
    pub form: Vec<KoboFormConfig>,
}

/// A form that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KoboFormConfig {
    /// Kobo's name of it: what stands behind `/forms/` in the browser's address.
    pub uid: String,
    /// Which form of the mapping it is, such as `attendance`.
    pub kind: String,
}
