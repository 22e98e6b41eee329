//! What one roster changes of another, for those who are to sign it. Pure.

use std::collections::BTreeSet;

use spean_protocol::id::SiteId;
use spean_protocol::roster::{Revocation, Role, Roster, Site, seal_of_keys};
use spean_protocol::seal::BoxKey;

/// What a roster changes, a line each.
///
/// A box key of the next cohort that the site's own node signed is told in a word: whoever believes the
/// node believes the key.
pub(super) fn changes(
    held: &Roster,
    next: &Roster,
    signed: &BTreeSet<(SiteId, u16, BoxKey)>,
) -> Vec<String> {
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
            Some(known) => lines.extend(changes_of_site(known, site, next, signed)),
        }
    }
    for site in &held.sites {
        if next.site(site.id).is_none() {
            lines.push(format!("- {}: {}", site.code, site.name));
        }
    }
    lines.extend(changes_of_revoked(held, next));
    if (&held.roots, held.threshold) != (&next.roots, next.threshold) {
        lines.push(format!(
            "! THE ROOT KEYS: {} of {}, seal {} instead of {}",
            next.threshold,
            next.roots.len(),
            next.seal(),
            held.seal()
        ));
    }
    if held.shredded != next.shredded {
        lines.push(format!(
            "! THE KEYS OF COHORT {} AND BEFORE ARE DESTROYED, at every site and in the escrow, for good",
            next.shredded
        ));
    }
    let mut escrow = held.escrow.clone();
    escrow.retain(|cohort, _| *cohort > next.shredded);
    if escrow != next.escrow {
        lines.push("! THE ESCROW'S KEYS".to_owned());
    }
    if held.cohort != next.cohort {
        lines.push(format!("! cohort {} after {}", next.cohort, held.cohort));
        let without = next
            .sites
            .iter()
            .filter(|site| !site.keys.is_empty() && !site.boxes.contains_key(&next.cohort));
        let codes: Vec<&str> = without.map(|site| site.code.as_str()).collect();
        if !codes.is_empty() {
            lines.push(format!(
                "  no key for it yet of {}: they go on under their last one",
                codes.join(", ")
            ));
        }
    }
    if lines.is_empty() {
        lines.push("nothing".to_owned());
    }
    lines
}

/// What changes of a site that stays in the roster; the key of sticks, which every site has, is sealed
/// anew with its box key and says nothing.
fn changes_of_site(
    known: &Site,
    site: &Site,
    next: &Roster,
    signed: &BTreeSet<(SiteId, u16, BoxKey)>,
) -> Vec<String> {
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
        .filter(|key| {
            let revoked = next.revocation(key).is_some_and(|one| one.site == site.id);
            !site.keys.contains(key) && !revoked
        })
        .count();
    let new = site
        .keys
        .iter()
        .filter(|key| !known.keys.contains(key))
        .count();
    if gone > 0 {
        line(format!("{gone} of its node's keys are taken away"));
    }
    let others = site
        .boxes
        .iter()
        .filter(|(cohort, key)| known.boxes.get(cohort) != Some(key));
    let (by_itself, others): (Vec<_>, Vec<_>) =
        others.partition(|(cohort, key)| signed.contains(&(site.id, **cohort, **key)));
    for (cohort, _) in by_itself {
        line(format!(
            "its box key of cohort {cohort}, signed by its own node"
        ));
    }
    // Older ones go when a cohort follows; the newest never does.
    let newest = known.boxes.keys().next_back();
    if newest.is_some_and(|newest| !site.boxes.contains_key(newest)) {
        line("ITS NEWEST BOX KEY IS TAKEN AWAY. DO NOT SIGN".to_owned());
    }
    let both = |keys: &[[u8; 32]], others: &[[u8; 32]]| -> Vec<[u8; 32]> {
        let shared = keys.iter().filter(|key| others.contains(key));
        shared.copied().collect()
    };
    if both(&known.keys, &site.keys) != both(&site.keys, &known.keys) {
        line("ANOTHER OF ITS KEYS IS SAID TO BE THE NEWEST. DO NOT SIGN".to_owned());
    }
    let another = !others.is_empty();
    if new > 0 || another {
        line(format!(
            "{new} new node keys, {} box key: seal {}. Who has these keys reads what is its",
            if another { "ANOTHER" } else { "the same" },
            seal_of_site(site)
        ));
    }
    lines
}

/// What changes of keys that are trusted no more. Each line stands under the site whose key it is by
/// the roster in force.
fn changes_of_revoked(held: &Roster, next: &Roster) -> Vec<String> {
    let code = |id| {
        let site = held.site(id).or_else(|| next.site(id));
        site.map_or_else(|| id.to_string(), |site| site.code.clone())
    };
    let cut = |one: &Revocation| {
        let ends: Vec<String> = one
            .cut
            .iter()
            .map(|end| format!("{} ({} data, {} control)", end.run, end.data, end.control))
            .collect();
        match ends.is_empty() {
            true => "nothing at all".to_owned(),
            false => format!("up to run {}", ends.join(" and run ")),
        }
    };
    let mut lines = Vec::new();
    for one in &next.revoked {
        let site = code(one.site);
        if let Some(known) = held.revocation(&one.key) {
            if known.cut != one.cut {
                lines.push(format!(
                    "! {site}: what its revoked key signed counts {}, and not {} any more",
                    cut(one),
                    cut(known)
                ));
            }
            if known.site != one.site {
                lines.push(format!("! {site}: A REVOKED KEY OF {}", code(known.site)));
            }
            continue;
        }
        if !held.keys(one.site).contains(&one.key) {
            lines.push(format!(
                "! {site}: A KEY IS REVOKED THAT IS NOT ITS OWN. DO NOT SIGN"
            ));
        }
        let left = next.keys(one.site).len();
        lines.push(format!(
            "! {site}: A KEY OF ITS NODE IS REVOKED, {left} are left. What it signed counts {}",
            cut(one)
        ));
    }
    for one in &held.revoked {
        if next.revocation(&one.key).is_none() {
            let site = code(one.site);
            lines.push(format!(
                "! {site}: A REVOKED KEY IS TRUSTED AGAIN. DO NOT SIGN"
            ));
        }
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

/// Goal: nothing that a carried folder or a lying node changes of a site goes unseen by those who sign.
/// Method: one change of a roster at a time, and the line that tells it.
#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use spean_protocol::seal::BoxKey;

    use super::*;

    fn site(number: u16, code: &str) -> Site {
        let byte = u8::try_from(number).unwrap_or(0);
        Site {
            id: SiteId(number),
            code: code.to_owned(),
            name: code.to_owned(),
            role: Role::Prison,
            keys: vec![[byte; 32], [byte + 100; 32]],
            boxes: BTreeMap::from([(1, BoxKey([byte; 32])), (2, BoxKey([byte + 50; 32]))]),
            carrier: Vec::new(),
        }
    }

    fn roster() -> Roster {
        Roster {
            version: 1,
            cohort: 2,
            threshold: 1,
            roots: vec![[9; 32]],
            escrow: BTreeMap::new(),
            sites: vec![site(1, "CC4"), site(2, "KAM")],
            revoked: vec![Revocation {
                site: SiteId(2),
                key: [77; 32],
                cut: Vec::new(),
            }],
            shredded: 0,
        }
    }

    fn told(change: impl FnOnce(&mut Roster)) -> String {
        let mut next = roster();
        change(&mut next);
        let own = BTreeSet::from([(SiteId(1), 3, BoxKey([33; 32]))]);
        changes(&roster(), &next, &own).join("; ")
    }

    fn revoke(next: &mut Roster, of: usize, as_of: u16) {
        let key = next.sites[of].keys.remove(0);
        next.revoked.push(Revocation {
            site: SiteId(as_of),
            key,
            cut: Vec::new(),
        });
    }

    #[test]
    fn each_change_has_its_line() {
        let says = |told: String, what: &str| assert!(told.contains(what), "{what} in: {told}");
        says(told(|_| {}), "nothing");
        says(
            told(|next| revoke(next, 1, 2)),
            "! KAM: A KEY OF ITS NODE IS REVOKED, 1 are left",
        );
        // The same, said to be another site's: both are told.
        let lie = told(|next| revoke(next, 1, 1));
        says(lie.clone(), "! KAM: 1 of its node's keys are taken away");
        says(
            lie,
            "! CC4: A KEY IS REVOKED THAT IS NOT ITS OWN. DO NOT SIGN",
        );
        says(
            told(|next| next.revoked.clear()),
            "! KAM: A REVOKED KEY IS TRUSTED AGAIN",
        );
        says(
            told(|next| next.revoked[0].site = SiteId(1)),
            "A REVOKED KEY OF KAM",
        );
        says(
            told(|next| next.sites[0].keys.swap(0, 1)),
            "ANOTHER OF ITS KEYS IS SAID TO BE",
        );
        let less = told(|next| {
            next.sites[0].boxes.remove(&2);
        });
        says(less, "ITS NEWEST BOX KEY IS TAKEN AWAY");
        // Of an old one, when a cohort follows, there is nothing to say but the new one.
        let follows = told(|next| {
            next.sites[0].boxes.remove(&1);
            next.sites[0].boxes.insert(3, BoxKey([33; 32]));
        });
        assert_eq!(
            follows,
            "! CC4: its box key of cohort 3, signed by its own node"
        );
        let other = told(|next| {
            next.sites[0].boxes.insert(3, BoxKey([44; 32]));
        });
        says(other, "! CC4: 0 new node keys, ANOTHER box key");
    }
}
