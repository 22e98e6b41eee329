//! Every decoder of what comes from outside, in one table: how good pieces of its format look, and
//! what is made of any bytes. Mutated samples (`tests/decoders.rs`), fuzzing and its corpora
//! (`tests/fuzz`) all go through here.

pub mod backups;
mod contents;
pub mod exchange;
mod signed;

use super::changes::BOUND;

/// One decoder.
#[derive(Clone, Copy)]
pub struct Decoder {
    pub name: &'static str,
    /// The file of `src` that it stands in.
    pub file: &'static str,
    /// Two or more good pieces.
    pub samples: fn() -> Vec<Vec<u8>>,
    /// What it makes of bytes, written again; `None` where it refuses them.
    pub read: fn(&[u8]) -> Option<Vec<u8>>,
}

impl Decoder {
    /// Reads bytes and, where they are taken, what is written of them: it must be no more than they
    /// amount to, and read the same. `false` where they are refused.
    pub fn withstands(&self, bytes: &[u8]) -> bool {
        let Some(once) = (self.read)(bytes) else {
            return false;
        };
        let (name, length) = (self.name, once.len());
        let bound = BOUND.0 * bytes.len() + BOUND.1;
        assert!(length <= bound, "{name}: {length} from {}", bytes.len());
        let twice = (self.read)(&once);
        assert_eq!(twice, Some(once), "{name}: reads otherwise the second time");
        true
    }
}

macro_rules! table {
    ($($name:literal in $file:literal: $samples:path, $read:path;)*) => {
        &[$(Decoder { name: $name, file: $file, samples: $samples, read: $read }),*]
    };
}

pub const DECODERS: &[Decoder] = table! {
    "event" in "event.rs": contents::events, contents::event;
    "row" in "event/csv.rs": contents::rows, contents::row;
    "scope" in "catalogue.rs": contents::scopes, contents::scope;
    "batch" in "record/batch.rs": contents::batches, contents::batch;
    "keyring" in "stay.rs": contents::keyrings, contents::keyring;
    "register" in "stay.rs": contents::registers, contents::register;
    "grant" in "stay.rs": contents::grants, contents::grant;
    "parcel" in "parcel.rs": contents::parcels, contents::parcel;
    "entry" in "control.rs": contents::entries, contents::entry;
    "letter" in "letter.rs": contents::letters, contents::letter;
    "remains" in "erasure.rs": contents::remains, contents::remain;
    "statement" in "totals/statement.rs": contents::statements, contents::statement;
    "segment" in "segment.rs": signed::segments, signed::segment;
    "header" in "segment.rs": signed::headers, signed::header;
    "fork-proof" in "log.rs": signed::forks, signed::fork;
    "receipt" in "receipt.rs": signed::receipts, signed::receipt;
    "receipt-statement" in "receipt.rs": signed::statements, signed::statement;
    "receipts-together" in "receipt.rs": signed::together, signed::unpacked;
    "roster" in "roster.rs": signed::rosters, signed::roster;
    "escrow" in "escrow.rs": signed::escrows, signed::escrow;
    "restricted-asked" in "given_back.rs": signed::restricted_asked, signed::asked;
    "slip" in "slip.rs": signed::slips, signed::slip;
    "slip-read-aloud" in "slip.rs": signed::slips_aloud, signed::slip_aloud;
    "frontier" in "frontier.rs": exchange::frontiers, exchange::frontier;
    "summary" in "session.rs": exchange::summaries, exchange::summary;
    "frame" in "session.rs": exchange::frames, exchange::frame;
    "bundle" in "bundle.rs": exchange::bundles, exchange::bundle;
    "manifest" in "bundle.rs": exchange::manifests, exchange::manifest;
    "chunk" in "bundle.rs": exchange::chunks, exchange::chunk;
    "backup" in "backup.rs": backups::backups, backups::backup;
    "backup-list" in "backup.rs": backups::lists, backups::list;
    "backup-code" in "backup.rs": backups::codes, backups::code;
};
