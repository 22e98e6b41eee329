//! What `spean learner duplicates` prints.

use crate::engine::duplicates::{DuplicateLine, Duplicates};

/// Prints who may be one person, and what to do next.
pub(super) fn show(list: &Duplicates) {
    list.pairs.iter().for_each(show_pair);
    let shown = list.pairs.len();
    match list.more {
        0 => println!("{shown} pairs"),
        more => println!("{shown} pairs, and {more} more that are less alike: --limit shows them"),
    }
    if list.ended {
        println!("So many share a name that not all were compared: decide some, then list again.");
    }
    if shown == 0 {
        return;
    }
    println!("Nobody is joined by this list. Ask both, and look at their cards.");
    if list.decided_here {
        println!(
            "'spean worklist pair LEARNER OTHER' puts a pair on the worklist, where two officers decide."
        );
    } else {
        println!("'spean transfer ask LEARNER --reason name' asks the head office, which decides.");
    }
}

fn show_pair(line: &DuplicateLine) {
    let at = |sites: &[String]| match sites {
        [] => "in no prison".to_owned(),
        sites => format!("at {}", sites.join(", ")),
    };
    println!("{}  {}  {}", line.learner, line.name, at(&line.at));
    println!(
        "{}  {}  {}",
        line.other,
        line.other_name,
        at(&line.other_at)
    );
    println!("    {}", line.because.join(", "));
    if !line.against.is_empty() {
        println!("    but {}", line.against.join(", "));
    }
    if !line.question.is_empty() {
        println!("    waits on the worklist: {}", line.question);
    }
}
