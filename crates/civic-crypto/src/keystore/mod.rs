//! The key store file: secrets under a passphrase, format `CBKS` 1.
//!
//! One random master key encrypts the entries; every slot wraps the master key under one way to unlock, so
//! a passphrase changes without touching the entries. A wrong passphrase and a damaged file give the same
//! error. Slots of kinds that this build cannot open are kept as they are.

mod file;
mod format;
mod slot;

pub use file::KeyFile;
pub use format::{MAX_ENTRIES_BYTES, MAX_SLOTS};
pub use slot::{KdfParams, MAX_PASSPHRASE_BYTES};

use std::path::PathBuf;

/// Why a key store could not be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyStoreError {
    /// A file is there already.
    #[error("{} exists already", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("the key store at {} cannot be read or written", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The passphrase is empty, too long, or has characters that no passphrase may have.
    #[error("this passphrase cannot be used")]
    Passphrase,
    /// More than the file takes.
    #[error("{what}: more than {limit}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// Wrong passphrase, damaged file, or parameters outside the accepted range.
    #[error("wrong passphrase or damaged key store")]
    Unlock,
}

#[cfg(test)]
mod tests;
