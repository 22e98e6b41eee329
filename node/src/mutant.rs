//! Bugs that can be put into the engine on purpose, one at a time, to see that the checkers of the
//! simulated nation catch them. Each is a slip that a programmer could make, and some were made.
//!
//! Without the feature `mutants` no bug can be turned on: [`is_on`] is `false` before the program
//! runs, and what stands behind it is left out.

/// A bug, by what it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// Of a learner's events that wait for a flush each takes the row of the one before it.
    PendingOverwritten,
    /// A flush removes the last row that waits, and does not seal it.
    FlushForgetsLast,
    /// A receipt states of a site what the site itself says that it has.
    ReceiptRepeats,
    /// A view that was computed once stays as it is where the facts beside it are the same.
    ViewKept,
    /// What was read of a run before it forked is not read again.
    ForkReadOnce,
    /// An event that is imported does not get the key of its row.
    RowWithoutKey,
    /// The totals pass over what records say of one person with two ids.
    LinksIgnored,
    /// A newer roster is in force in memory, and is not stored.
    RosterNotStored,
    /// How far a run goes is not stored with its data segments.
    RunShort,
    /// A receipt is signed anew although it says nothing else.
    ReceiptAlwaysNew,
    /// A receipt that was signed once is never signed anew.
    ReceiptNeverRenewed,
    /// The second branch of a forked run is refused.
    BranchRefused,
    /// Keys that came are not written on where the same flush seals events of their learner.
    KeyringForgotten,
    /// Keys of one who has left are granted on whoever they come from.
    OnwardAlways,
    /// A question is answered with keys also when its learner has gone on since.
    AnsweredLate,
    /// What is refused is kept whole with its reason.
    RefusedKept,
    /// The second segment of a place is passed over without a proof.
    ForkUnproven,
    /// The signature of a segment is not checked.
    SignatureUnchecked,
    /// A receipt takes its place in two transactions.
    ReceiptInTwo,
}

impl Mutant {
    /// Every bug.
    pub const ALL: [Self; 19] = [
        Self::PendingOverwritten,
        Self::FlushForgetsLast,
        Self::ReceiptRepeats,
        Self::ViewKept,
        Self::ForkReadOnce,
        Self::RowWithoutKey,
        Self::LinksIgnored,
        Self::RosterNotStored,
        Self::RunShort,
        Self::ReceiptAlwaysNew,
        Self::ReceiptNeverRenewed,
        Self::BranchRefused,
        Self::KeyringForgotten,
        Self::OnwardAlways,
        Self::AnsweredLate,
        Self::RefusedKept,
        Self::ForkUnproven,
        Self::SignatureUnchecked,
        Self::ReceiptInTwo,
    ];
}

#[cfg(feature = "mutants")]
mod on {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static ON: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Turns a bug on in this thread, or with `None` the one that is on off.
    pub fn turn_on(mutant: Option<Mutant>) {
        ON.set(mutant);
    }

    /// Whether a bug is on in this thread.
    #[must_use]
    pub fn is_on(mutant: Mutant) -> bool {
        ON.get() == Some(mutant)
    }
}

#[cfg(feature = "mutants")]
pub use on::{is_on, turn_on};

/// Whether a bug is on: never, in a program without the feature.
#[cfg(not(feature = "mutants"))]
#[must_use]
pub const fn is_on(_: Mutant) -> bool {
    false
}
