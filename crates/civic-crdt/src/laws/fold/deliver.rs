//! The delivery adversary: any order, parked versions again, some twice.

use civic_types::{Cid, HashAlgorithm};

use super::Folder;
use super::trace::Delivery;
use crate::document::BodyState;
use crate::laws::Law;
use crate::version::{Admission, Version};

/// A fold without versions, under the delivery's policy.
pub(super) fn start<F: Folder>(delivery: &Delivery) -> F {
    use civic_types::id::DeletePolicy::{AddWins, Lww};
    F::start(if delivery.add_wins { AddWins } else { Lww }, HashAlgorithm::Sha2_256)
}

/// Delivers all in the order that `seed` makes, saying after each admission what was admitted so far.
pub(super) fn deliver<F: Folder>(
    fold: &mut F,
    versions: &[(Version, BodyState)],
    seed: u64,
    mut each: impl FnMut(&mut F, &[usize]) -> Result<(), Law>,
) -> Result<(), Law> {
    let mut random = Random::new(seed);
    let mut open: Vec<usize> = (0..versions.len()).collect();
    let mut admitted: Vec<usize> = Vec::new();
    while let Some(next) = random.pick(&mut open) {
        let Some((version, body)) = versions.get(next) else { continue };
        let is_held =
            |cid: &Cid| admitted.iter().filter_map(|at| versions.get(*at)).any(|(held, _)| held.cid() == cid);
        let missing: Vec<Cid> =
            version.header().parents.iter().filter(|parent| !is_held(parent)).cloned().collect();
        let is_known = admitted.contains(&next);
        match fold.insert(version, body.clone()) {
            Admission::Known if is_known => {}
            Admission::Parked { missing: told } if told == missing && !missing.is_empty() => open.push(next),
            Admission::Admitted if missing.is_empty() && !is_known => {
                admitted.push(next);
                each(fold, &admitted)?;
                if random.below(4) == Some(0) {
                    open.push(next);
                }
            }
            _ => return Err(Law::Admission),
        }
    }
    Ok(())
}

/// Reproducible, without a dependency: xorshift.
struct Random(u64);

impl Random {
    const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> Option<usize> {
        usize::try_from(self.next().checked_rem(u64::try_from(end).ok()?)?).ok()
    }

    /// Takes any of them.
    fn pick(&mut self, open: &mut Vec<usize>) -> Option<usize> {
        let at = self.below(open.len())?;
        Some(open.swap_remove(at))
    }
}
