//! The laws of states, on any that replicas can reach.

use super::Lawful;
use crate::laws::Law;

/// Every law of two and of three states.
pub(super) fn check<T: Lawful>(states: &[T]) -> Result<(), Law> {
    for a in states {
        for b in states {
            of_two(a, b)?;
        }
    }
    let others = || states.iter().cycle();
    for ((a, b), c) in states.iter().zip(others().skip(1)).zip(others().skip(2)) {
        let (left, right) = (union(&union(a, b)?, c)?, union(a, &union(b, c)?)?);
        same(&left, &right, Law::Associative)?;
    }
    Ok(())
}

/// `a ∪ b`, if its effect was told.
pub(super) fn union<T: Lawful>(a: &T, b: &T) -> Result<T, Law> {
    let mut state = a.clone();
    let effect = state.merge(b);
    told(a, state, effect.is_changed())
}

/// `a` with a delta, if its effect was told.
pub(super) fn applied<T: Lawful>(a: &T, delta: &T::Delta) -> Result<T, Law> {
    let mut state = a.clone();
    let effect = state.apply(delta);
    told(a, state, effect.is_changed())
}

/// What was saved, loaded again; whatever else is taken must be canonical too.
pub(super) fn loaded<T: Lawful>(state: &T, place: usize, byte: u8) -> Result<T, Law> {
    let bytes = state.encode_canonical();
    let loaded = T::decode_canonical(&bytes).map_err(|_| Law::Canonical)?;
    same(&loaded, state, Law::Canonical)?;
    let place = place.checked_rem(bytes.len()).unwrap_or_default();
    let mut spoilt = bytes.clone();
    if let Some(slot) = spoilt.get_mut(place) {
        *slot = byte;
    }
    let shorter = bytes.get(..place).unwrap_or_default().to_vec();
    let longer = [bytes.as_slice(), &[byte]].concat();
    for bytes in [spoilt, shorter, longer] {
        if T::decode_canonical(&bytes).is_ok_and(|state| state.encode_canonical() != bytes) {
            return Err(Law::Canonical);
        }
    }
    Ok(loaded)
}

pub(super) fn same<T: Lawful>(a: &T, b: &T, law: Law) -> Result<(), Law> {
    if a.encode_canonical() == b.encode_canonical() { Ok(()) } else { Err(law) }
}

fn of_two<T: Lawful>(a: &T, b: &T) -> Result<(), Law> {
    let whole = union(a, b)?;
    same(&union(b, a)?, &whole, Law::Commutative)?;
    for again in [a, b, &whole] {
        same(&union(&whole, again)?, &whole, Law::Idempotent)?;
    }
    let (known, version) = (a.version(), b.version());
    same(&applied(a, &b.delta_since(&known))?, &whole, Law::DeltaIsFull)?;
    // An empty version may be that of a type that does not count.
    if !version.is_empty() && known.dominates(&version) {
        same(&whole, a, Law::VersionTells)?;
    }
    let gapped = applied(&T::start(), &whole.delta_since(&known))?;
    same(&union(&gapped, &whole)?, &whole, Law::GapIsHarmless)
}

fn told<T: Lawful>(before: &T, after: T, changed: bool) -> Result<T, Law> {
    let differs = before.encode_canonical() != after.encode_canonical();
    if differs == changed { Ok(after) } else { Err(Law::EffectIsTold) }
}
