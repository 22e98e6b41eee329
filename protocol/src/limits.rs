//! Every maximum, in one table, with its reason. A decoder that meets more than this refuses the
//! piece by name; a writer that needs more splits. Not here: settings that a site may choose.
//!
//! The arithmetic starts from a site's day: 250 events of 48 learners, at most 1,500 in a burst,
//! 28 sites now and room for every prison and police post of a country four times as large.

/// One event's bytes. The largest real one, a pathway of forty modules, takes about 300.
pub const EVENT_BYTES_MAX: usize = 2_048;

/// Events in one parcel: a learner's whole history handed over at once still fits.
pub const PARCEL_EVENTS_MAX: usize = 4_096;

/// One parcel's content before compression. Bounds what decompression may produce.
pub const PARCEL_CONTENT_BYTES_MAX: usize = 256 * 1024;

/// One parcel as sealed. Below a chunk, so that a segment with one large parcel is still a chunk.
pub const PARCEL_BYTES_MAX: usize = 48 * 1024;

/// Parcels in one segment: a burst of 1,500 events of as many learners needs three segments. Two
/// headers of so many lines, a fork proof, still fit into one frame.
pub const SEGMENT_PARCELS_MAX: usize = 512;

/// One segment on the wire, header and parcels: what a cut link or a pulled stick sends anew.
pub const SEGMENT_BYTES_MAX: usize = 64 * 1024;

/// One frame of a session and one chunk of a bundle: a segment and its framing.
pub const FRAME_BYTES_MAX: usize = SEGMENT_BYTES_MAX + 64;

/// Heights in one run. A run lasts a week at most; one flush a second would not reach this.
pub const RUN_SEGMENTS_MAX: u32 = 1 << 20;

/// Heads that one run's opening may name as parents: as many as a site may have at a time.
pub const PARENTS_MAX: usize = HEADS_MAX;

/// Sites in a roster: 28 prisons today.
pub const SITES_MAX: usize = 512;

/// Root keys, and node keys or box keys of one site.
pub const KEYS_MAX: usize = 16;

/// Revoked keys of all sites: 13 KB of a roster where each cut has two heads.
pub const REVOKED_MAX: usize = 64;

/// Segments that a node keeps beside the log of what revoked keys of one site signed beyond their cut:
/// weeks of an honest site, which may yet be let in, and 64 MiB at most of who floods.
pub const BEYOND_CUT_SEGMENTS_MAX: u64 = 1_024;

/// Groups of holders for which each secret of an escrow is sealed: 3 of 7, and 2 of 11.
pub const ESCROW_GROUPS_MAX: usize = 64;

/// Secrets in one escrow: the carrier key, and a key for each cohort of two generations.
pub const ESCROW_DEPOSITS_MAX: usize = 64;

/// One escrow: each secret for each group takes 200 bytes.
pub const ESCROW_BYTES_MAX: usize = 1024 * 1024;

/// One roster with its signatures, so that it fits into one frame: 200 sites of 300 bytes.
pub const ROSTER_BYTES_MAX: usize = SEGMENT_BYTES_MAX;

/// Heads of one site that a frontier may state: one, plus each clone or restore not yet merged. A
/// site that pretends to have more harms nobody's exchange but its own: the rest is sent again.
pub const HEADS_MAX: usize = 16;

/// Runs of one site of which a frontier may state parts beyond what is complete.
pub const BEYOND_RUNS_MAX: usize = 16;

/// Ranges that a node holds of one run, and that a frontier may state beyond the complete prefix:
/// gaps come from sticks out of order. What would make one more is taken once a gap has closed.
pub const BEYOND_RANGES_MAX: usize = 64;

/// Marks of one site that a lineage may state: runs that lie ever further apart, and heights of a
/// few branches of a forked run that do.
pub const LINEAGE_MAX: usize = 8 * HEADS_MAX;

/// Chains of one run beside the first. An honest run forks where a machine is resumed twice; more
/// is what a liar makes up.
pub const BRANCHES_MAX: usize = HEADS_MAX;

/// Stays in one keyring, and keys in one grant sent through the mesh.
pub const KEYRING_MAX: usize = 256;

/// Learners in one grant. A batch of more is several grants.
pub const GRANT_LEARNERS_MAX: usize = 64;

/// Learners on one slip: himself, and those whom a person found to be the same.
pub const SLIP_LEARNERS_MAX: usize = 3;

/// One slip as bytes: as Base32 what a QR code of version 13-M holds, 69 modules a side, which a cheap
/// printer and an old camera manage at five centimetres. Two keys of one stay and one of somebody who
/// is the same, or three keys of three stays, fit. What does not is on a further slip.
pub const SLIP_BYTES_MAX: usize = 300;

/// Parcels in one part of an erasure.
pub const ERASURE_PARCELS_MAX: usize = 400;

/// Persons in one entry of what remains of an erasure, and records of one of them.
pub const ERASED_PERSONS_MAX: usize = 64;

/// Rows of one record that remain in the figures.
pub const ERASED_ROWS_MAX: usize = 1_024;

/// Officers' keys of one site, with those that were withdrawn.
pub const OFFICERS_MAX: usize = 256;

/// Signatures of one site under one event that are looked at: the first in the order of numbers and bytes.
pub const SIGNATURES_MAX: usize = 64;

/// Keys under one officer's number that are looked at, likewise.
pub const OFFICER_KEYS_MAX: usize = 16;

/// Parcels of one site that wait at the DGP to be erased.
pub const TO_ERASE_MAX: usize = 10_000;

/// Openings of one learner's record at one site that a node keeps; the oldest make room.
pub const OPENINGS_MAX: usize = 512;

/// Entries in one register parcel.
pub const REGISTER_MAX: usize = 1_000;

/// Learners in one letter. A batch of more is several letters.
pub const LETTER_LEARNERS_MAX: usize = 64;

/// Names of one learner in a letter: one in each script, twice where sites say different things.
pub const LETTER_NAMES_MAX: usize = 4;

/// One receipt: a head for each site of a roster of usual size.
pub const RECEIPT_BYTES_MAX: usize = 16 * 1024;

/// Bytes that a reader of a bundle accepts in all: 4 GiB, the largest file that FAT32 holds.
pub const BUNDLE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Content of one chunk of a backup: what is in memory of it at a time.
pub const BACKUP_CHUNK_BYTES_MAX: usize = 64 * 1024;

/// Files in one backup: those of a home.
pub const BACKUP_FILES_MAX: usize = 16;

/// Restricted custody keys that a prison asks back at a time: some of each cohort.
pub const ASKED_WRAPS_MAX: usize = 256;

/// Bytes of a file that asks for them, or brings them.
pub const ASKED_BYTES_MAX: usize = 64 * 1024;
