//! The site itself.

use serde_json::{Value, json};

use super::Function;
use crate::form::{Arguments, Shape, optional};
use crate::refusal::Answer;
use crate::setup::Setup;
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[Function {
    name: "core_webservice_get_site_info",
    takes: &[optional("serviceshortnames", Shape::List(&Shape::Text))],
    run: site_info,
}];

/// The number of a release, as `version` has it.
fn version(setup: &Setup) -> String {
    let date = match setup.branch() {
        (4, 1) => 20_221_128,
        (4, 2) => 20_230_424,
        (4, 3) => 20_231_009,
        (4, 4) => 20_240_422,
        (4, _) => 20_241_007,
        (_, 0) => 20_250_414,
        (_, _) => 20_251_006,
    };
    let words = setup.release.split(|sign: char| !sign.is_ascii_digit());
    let patch: u64 = words
        .skip(2)
        .find_map(|word| word.parse().ok())
        .unwrap_or(0);
    format!("{date}{:02}.01", patch.min(99))
}

fn site_info(state: &mut State, _: Arguments<'_>) -> Answer {
    let version = version(&state.setup);
    let functions = state.setup.functions.iter();
    let functions: Vec<Value> = functions
        .map(|name| json!({"name": name, "version": version}))
        .collect();
    let features = [("enablecompletion", 1), ("enablebadges", 1)];
    let features = features.map(|(name, value)| json!({"name": name, "value": value}));
    let own = state.user(state.service)?;
    let url = &state.url;
    Ok(json!({
        "sitename": state.setup.site_name,
        "username": own.person.username,
        "firstname": own.person.first_name,
        "lastname": own.person.last_name,
        "fullname": own.person.full_name(),
        "lang": own.lang,
        "userid": own.id,
        "siteurl": url,
        "userpictureurl": format!("{url}/theme/image.php/boost/core/1/u/f1"),
        "functions": functions,
        "downloadfiles": 0,
        "uploadfiles": 0,
        "release": state.setup.release,
        "version": version,
        "mobilecssurl": "",
        "advancedfeatures": features,
        "usercanmanageownfiles": true,
        "userquota": 104_857_600,
        "usermaxuploadfilesize": 134_217_728,
        "userhomepage": 1,
        // A secret, which no log of a client should have.
        "userprivateaccesskey": "5ec2e75ec2e75ec2e75ec2e75ec2e75e",
        "siteid": 1,
        "sitecalendartype": "gregorian",
        "usercalendartype": "gregorian",
        "userissiteadmin": false,
        "theme": "boost",
        "limitconcurrentlogins": 0,
        "policyagreed": 0,
    }))
}
