use std::fmt;

use civic_types::label::Label;
use zeroize::Zeroizing;

/// The key of a sealed store: 32 secret bytes. Wiped when dropped, never printed.
///
/// Whoever opens a store keeps its key elsewhere, usually in a key store under a passphrase.
#[derive(Clone)]
pub struct StoreKey(Zeroizing<[u8; 32]>);

impl StoreKey {
    /// Takes 32 bytes, which must be random or derived from something that is.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A key for one purpose in one store: BLAKE3 `derive_key` over `key ‖ store`.
    pub(super) fn derive(&self, label: Label, store: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut hasher = blake3::Hasher::new_derive_key(label.context());
        hasher.update(&*self.0).update(store);
        Zeroizing::new(*hasher.finalize().as_bytes())
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey")
    }
}
