//! A root's key is replaced, where its stick was stolen or its sheet is gone, or the official left: by
//! the others together, with a new stick, in one room. The escrow is sealed anew, to those who hold the
//! roots then. Who has an old stick with its passphrase, or its sheet, opens nothing with it alone.

use spean_protocol::escrow::{Deposit, Escrow};
use spean_protocol::roster::{Roster, SignedRoster};
use spean_protocol::seal::{Secret, box_key};

use super::{COHORTS_AHEAD, Folder, Unlocked, check_known, deposit, name_of, read, refused};
use crate::api::{Kind, Refusal};
use crate::key_stick::RootKeys;
use crate::world::World;

impl Folder {
    /// Replaces the root whose stick is not among `sticks` by one that is made on `new`, and leaves a
    /// proposal that all of them have signed.
    ///
    /// # Errors
    /// [`Refusal`] when a stick is missing, is none of this roster, or cannot be opened, or the escrow
    /// is another. Nothing is signed or written then.
    pub fn replace_root(
        &self,
        sticks: &[Unlocked<'_>],
        new: &Unlocked<'_>,
        world: &mut dyn World,
    ) -> Result<(), Refusal> {
        let held = read(&self.roster_path(), "this is no ceremony's folder")?;
        let before = held.accept(None).map_err(refused)?;
        let replaced = left_out(&before, sticks)?;
        new.stick.check_free(None)?;
        for one in sticks {
            check_known(&held, &one.stick)?;
            if one.stick.is(&new.stick) {
                let message = "--new: the new root needs a stick of its own";
                return Err(Refusal::new(Kind::Refused, message));
            }
        }
        let unlock = |one: &Unlocked<'_>| one.stick.unlock(one.passphrase);
        let keys: Vec<RootKeys> = sticks.iter().map(unlock).collect::<Result<_, _>>()?;
        let fresh = RootKeys::mint(world);

        let mut next = before.clone();
        let mut version = before.version.max(self.last_proposed());
        for one in sticks {
            // One that was interrupted took a version and left nothing else.
            version = version.max(one.stick.last_signed()?);
        }
        next.version = version.checked_add(1).ok_or_else(|| {
            Refusal::new(Kind::Refused, "no version of a roster follows that one")
        })?;
        let old = escrow_of(&before, sticks)?;
        let escrow = resealed(
            &old,
            (&before, &mut next),
            (&keys, &replaced, &fresh),
            world,
        )?;
        next.roots = escrow.holders().iter().map(|holder| holder.root).collect();
        next.check().map_err(refused)?;
        let mut signed = SignedRoster::propose(&next);
        for keys in keys.iter().chain([&fresh]) {
            signed.sign(&keys.signing()).map_err(refused)?;
        }

        let name = name_of(&signed);
        let mut number = u8::try_from(before.roots.len()).unwrap_or(u8::MAX);
        for one in sticks {
            number = number.max(one.stick.number()?);
            one.stick.note_signed(next.version, &name)?;
        }
        // Whatever is interrupted leaves the new root's stick and a roster that is signed, or nothing that
        // was used: the escrows come last, and a stick with either opens with any that has the same.
        let number = number.saturating_add(1);
        new.stick.keep_escrow(&escrow)?;
        new.stick.keep_roster(&signed)?;
        new.stick.note_signed(next.version, &name)?;
        new.stick.create(number, &fresh, new.passphrase, world)?;
        self.keep_proposal(&held, &signed, &[])?;
        for one in sticks {
            one.stick.keep_escrow(&escrow)?;
            one.stick.keep_roster(&held)?;
        }
        Ok(())
    }
}

/// The one root whose stick is not among these, which must be all others.
fn left_out(before: &Roster, sticks: &[Unlocked<'_>]) -> Result<[u8; 32], Refusal> {
    let mut rest = before.roots.clone();
    for one in sticks {
        let root = one.stick.root()?;
        let Some(at) = rest.iter().position(|known| *known == root) else {
            let message = "a stick is no root's of this roster, or was named twice";
            return Err(Refusal::new(Kind::Refused, message));
        };
        rest.remove(at);
    }
    match rest.as_slice() {
        [one] => Ok(*one),
        others => {
            let message = format!(
                "the sticks of all roots but the one that is replaced must be in: {} are not",
                others.len()
            );
            Err(Refusal::new(Kind::Refused, message))
        }
    }
}

/// An escrow that these sticks open: that of the roster's roots, or one of a replacement that was
/// interrupted.
fn escrow_of(before: &Roster, sticks: &[Unlocked<'_>]) -> Result<Escrow, Refusal> {
    let mut other = None;
    for one in sticks {
        let Some(escrow) = one.stick.escrow()? else {
            continue;
        };
        let holds = |root: &[u8; 32]| escrow.holders().iter().any(|known| known.root == *root);
        if before.roots.iter().all(holds) {
            return Ok(escrow);
        }
        let mut roots = Vec::new();
        for one in sticks {
            roots.push(one.stick.root()?);
        }
        if roots.iter().all(holds) {
            other = Some(escrow);
        }
    }
    let message = "none of the sticks has the escrow of this roster's roots";
    other.ok_or_else(|| Refusal::new(Kind::Refused, message))
}

/// What the old escrow holds, sealed to the holders of then, with keys of further cohorts.
fn resealed(
    old: &Escrow,
    (before, next): (&Roster, &mut Roster),
    (keys, replaced, fresh): (&[RootKeys], &[u8; 32], &RootKeys),
    world: &mut dyn World,
) -> Result<Escrow, Refusal> {
    let mut holders = Vec::new();
    for root in &before.roots {
        let keys = keys.iter().map(RootKeys::holder);
        let holder = keys.into_iter().find(|holder| holder.root == *root);
        holders.push(
            holder
                .filter(|_| root != replaced)
                .unwrap_or_else(|| fresh.holder()),
        );
    }
    let mut escrow = Escrow::new(before.threshold, holders).map_err(refused)?;
    let seeds: Vec<Secret> = keys.iter().map(RootKeys::box_seed).collect();
    let kept = |what: &Deposit| !matches!(what, Deposit::Cohort(of) if *of <= before.shredded);
    for what in old.deposits().filter(kept) {
        let secret = old.open(what, &seeds).map_err(refused)?;
        if let Deposit::Cohort(cohort) = what
            && before
                .escrow
                .get(&cohort)
                .is_some_and(|listed| *listed != box_key(&secret))
        {
            let message =
                format!("the escrow's key of cohort {cohort} is another than the roster's");
            return Err(Refusal::new(Kind::Refused, message));
        }
        if let Deposit::Cohort(cohort) = what {
            next.escrow.insert(cohort, box_key(&secret));
        }
        deposit(&mut escrow, what, &secret, world)?;
    }
    for cohort in 1..=before.cohort.saturating_add(COHORTS_AHEAD) {
        if cohort > before.cohort && !next.escrow.contains_key(&cohort) {
            let seed = Secret(world.random());
            deposit(&mut escrow, Deposit::Cohort(cohort), &seed, world)?;
            next.escrow.insert(cohort, box_key(&seed));
        }
    }
    Ok(escrow)
}
