use std::fmt;

use super::Table;

/// Length of a blinded key part in bytes: two of 2^48 documents meet with a chance below 2^-32.
pub const BLINDED_LEN: usize = 16;

/// Turns parts of keys into keyed hashes, so that whoever reads the file learns no names.
///
/// Equal parts of one table give equal hashes; order is lost.
#[derive(Clone)]
pub struct Blinder(blake3::Hasher);

impl Blinder {
    /// A blinder with that key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(blake3::Hasher::new_keyed(key))
    }

    /// The hash that stands for `part` in keys of `table`.
    #[must_use]
    pub fn blind(&self, table: Table, part: &[u8]) -> [u8; BLINDED_LEN] {
        let mut hasher = self.0.clone();
        hasher.update(&[table.number()]).update(part);
        let mut blinded = [0; BLINDED_LEN];
        hasher.finalize_xof().fill(&mut blinded);
        blinded
    }
}

impl fmt::Debug for Blinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blinder")
    }
}
