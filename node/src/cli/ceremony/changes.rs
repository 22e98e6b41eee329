//! What one roster changes of another, for those who are to sign it. Pure.

use spean_protocol::roster::{Role, Roster, Site, seal_of_keys};

/// What a roster changes, a line each.
pub(super) fn changes(held: &Roster, next: &Roster) -> Vec<String> {
    let mut lines = Vec::new();
    for site in &next.sites {
        match held.site(site.id) {
            None => lines.push(format!(
                "+ {}: {} ({}), seal of its keys {}",
                site.code,
                site.name,
                role_word(site.role),
                seal_of_site(site)
            )),
            Some(known) => lines.extend(changes_of_site(known, site)),
        }
    }
    for site in &held.sites {
        if next.site(site.id).is_none() {
            lines.push(format!("- {}: {}", site.code, site.name));
        }
    }
    if (&held.roots, held.threshold) != (&next.roots, next.threshold) {
        lines.push(format!(
            "! THE ROOT KEYS: {} of {}, seal {} instead of {}",
            next.threshold,
            next.roots.len(),
            next.seal(),
            held.seal()
        ));
    }
    if held.escrow != next.escrow {
        lines.push("! THE ESCROW'S KEYS".to_owned());
    }
    if held.cohort != next.cohort {
        lines.push(format!("! cohort {} after {}", next.cohort, held.cohort));
    }
    if lines.is_empty() {
        lines.push("nothing".to_owned());
    }
    lines
}

/// What changes of a site that stays in the roster; the key of sticks, which every site has, is sealed
/// anew with its box key and says nothing.
fn changes_of_site(known: &Site, site: &Site) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |what: String| lines.push(format!("! {}: {what}", known.code));
    if known.code != site.code {
        line(format!("its code is {}", site.code));
    }
    if known.name != site.name {
        line(format!(
            "its name is '{}', and was '{}'",
            site.name, known.name
        ));
    }
    if known.role != site.role {
        line(format!("IT IS A {}", role_word(site.role).to_uppercase()));
    }
    let gone = known
        .keys
        .iter()
        .filter(|key| !site.keys.contains(key))
        .count();
    let new = site
        .keys
        .iter()
        .filter(|key| !known.keys.contains(key))
        .count();
    if gone > 0 {
        line(format!("{gone} of its node's keys are taken away"));
    }
    if new > 0 || known.boxes != site.boxes {
        line(format!(
            "{new} new node keys, {} box key: seal {}. Who has these keys reads what is its",
            if known.boxes == site.boxes {
                "the same"
            } else {
                "ANOTHER"
            },
            seal_of_site(site)
        ));
    }
    lines
}

const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Prison => "prison",
        Role::Headquarters => "head office",
    }
}

/// Of its newest keys, as `init` shows it on the site's own screen.
fn seal_of_site(site: &Site) -> String {
    let newest = site.keys.last().zip(site.boxes.values().next_back());
    newest.map_or_else(String::new, |(key, public)| seal_of_keys(key, public))
}
