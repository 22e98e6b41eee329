//! What a power cut may leave: from the changes that were asked of a disk, what is durable and what
//! is not yet, and images that keep some of the latter.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde::Serialize;

/// What a disk writes wholly or not at all, in bytes.
const SECTOR: usize = 512;

/// A change that was asked of a disk. Files have numbers, so that one which lost its name, or was
/// replaced under it, is not taken for another.
#[derive(Clone, Debug)]
pub enum Change {
    /// A name for a new, empty file.
    Create {
        /// The name.
        name: String,
        /// The file's number.
        file: usize,
    },
    /// A name goes.
    Delete {
        /// The name.
        name: String,
    },
    /// Bytes at a place of a file.
    Write {
        /// The file's number.
        file: usize,
        /// Where, in bytes.
        offset: usize,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// A file is cut to a size, or filled up to it with zeros.
    Truncate {
        /// The file's number.
        file: usize,
        /// The new size in bytes.
        size: usize,
    },
    /// All that was written to a file is durable, or all names are, or both.
    Sync {
        /// The file's number.
        file: Option<usize>,
        /// The names.
        directory: bool,
    },
}

/// Files by number and the names of some.
#[derive(Clone, Debug, Default)]
pub struct Platter {
    pub(super) files: Vec<Vec<u8>>,
    pub(super) names: BTreeMap<String, usize>,
}

impl Platter {
    fn file(&mut self, file: usize) -> &mut Vec<u8> {
        if self.files.len() <= file {
            self.files.resize_with(file + 1, Vec::new);
        }
        &mut self.files[file]
    }

    fn write(&mut self, file: usize, offset: usize, bytes: &[u8]) {
        let content = self.file(file);
        let end = offset + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[offset..end].copy_from_slice(bytes);
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Create { name, file } => {
                self.file(*file);
                self.names.insert(name.clone(), *file);
            }
            Change::Delete { name } => {
                self.names.remove(name);
            }
            Change::Write {
                file,
                offset,
                bytes,
            } => self.write(*file, *offset, bytes),
            Change::Truncate { file, size } => self.file(*file).resize(*size, 0),
            Change::Sync { .. } => {}
        }
    }
}

/// What of the changes that are not durable is on the disk after a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// Nothing.
    Dropped,
    /// Everything.
    Kept,
    /// Some sectors, sizes and names, as chance has it.
    Subset,
    /// Everything, but of the last write only its first bytes.
    Torn,
    /// As `Subset`, and a second such cut comes while the database recovers from the first.
    Twice,
}

impl Variant {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Dropped,
        Self::Kept,
        Self::Subset,
        Self::Torn,
        Self::Twice,
    ];
}

/// A disk on its way through a tape: what is durable so far, and what is not yet.
pub(super) struct Cut {
    durable: Platter,
    pending: Vec<Change>,
}

impl Cut {
    pub(super) const fn new(durable: Platter) -> Self {
        Self {
            durable,
            pending: Vec::new(),
        }
    }

    /// The next change of the tape.
    pub(super) fn advance(&mut self, change: &Change) {
        let Change::Sync { file, directory } = change else {
            self.pending.push(change.clone());
            return;
        };
        let durable = &mut self.durable;
        self.pending.retain(|change| {
            let synced = match change {
                Change::Create { .. } | Change::Delete { .. } => *directory,
                Change::Write { file: of, .. } | Change::Truncate { file: of, .. } => {
                    *file == Some(*of)
                }
                Change::Sync { .. } => true,
            };
            if synced {
                durable.apply(change);
            }
            !synced
        });
    }

    /// Whether a cut here can leave that variant as something of its own.
    pub(super) fn has(&self, variant: Variant) -> bool {
        match variant {
            Variant::Kept => true,
            Variant::Dropped | Variant::Subset | Variant::Twice => !self.pending.is_empty(),
            Variant::Torn => matches!(self.pending.last(), Some(Change::Write { .. })),
        }
    }

    /// What the disk holds when the power comes back.
    pub(super) fn image(&self, variant: Variant, seed: u64) -> Platter {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut image = self.durable.clone();
        match variant {
            Variant::Dropped => {}
            Variant::Kept => self.pending.iter().for_each(|change| image.apply(change)),
            Variant::Subset | Variant::Twice => self.subset(&mut image, &mut random),
            Variant::Torn => {
                let Some((last, before)) = self.pending.split_last() else {
                    return image;
                };
                before.iter().for_each(|change| image.apply(change));
                if let Change::Write {
                    file,
                    offset,
                    bytes,
                } = last
                {
                    let length = below(&mut random, bytes.len());
                    image.write(*file, *offset, &bytes[..length]);
                }
            }
        }
        image
    }

    /// Each sector of each write, each size and each name comes through or not. A sector of a
    /// file's
    /// new part that did not holds zeros or, in half of the images, what the disk held there
    /// before.
    fn subset(&self, image: &mut Platter, random: &mut ChaCha8Rng) {
        // From one in eight to seven in eight: images that lack little and that lack nearly all.
        let share = 1 + below(random, 7);
        let junk = below(random, 2) == 0;
        for change in &self.pending {
            let Change::Write {
                file,
                offset,
                bytes,
            } = change
            else {
                if below(random, 8) < share {
                    image.apply(change);
                }
                continue;
            };
            let mut start = 0;
            while start < bytes.len() {
                let place = offset + start;
                let length = (SECTOR - place % SECTOR).min(bytes.len() - start);
                if below(random, 8) < share {
                    image.write(*file, place, &bytes[start..start + length]);
                } else if junk && image.file(*file).len() <= place {
                    let mut stale = vec![0; length];
                    random.fill_bytes(&mut stale);
                    image.write(*file, place, &stale);
                }
                start += length;
            }
        }
    }
}

/// A number from 0 on below `end`, which is small: the bias does not matter.
pub(super) fn below(random: &mut ChaCha8Rng, end: usize) -> usize {
    let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
    usize::try_from(random.next_u64() % end).unwrap_or(0)
}
