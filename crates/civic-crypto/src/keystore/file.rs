use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::format::Unlocked;
use super::{KdfParams, KeyStoreError};

/// An opened key store file: named secrets. Debug shows the path alone.
///
/// Every change is written at once, atomically: to a temporary file of mode 0600, synced, renamed.
pub struct KeyFile {
    path: PathBuf,
    unlocked: Unlocked,
}

impl KeyFile {
    /// Makes a new file.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Exists`], [`KeyStoreError::Passphrase`], [`KeyStoreError::Io`];
    /// [`KeyStoreError::Unlock`] for parameters outside the accepted range.
    pub fn create(
        path: impl Into<PathBuf>,
        passphrase: &str,
        params: KdfParams,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, KeyStoreError> {
        let path = path.into();
        if path.exists() {
            return Err(KeyStoreError::Exists { path });
        }
        let made = Self { unlocked: Unlocked::create(passphrase, params, rng)?, path };
        made.write(rng)?;
        Ok(made)
    }

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unlock`] for a wrong passphrase and for a damaged file alike,
    /// [`KeyStoreError::Io`].
    pub fn open(path: impl Into<PathBuf>, passphrase: &str) -> Result<Self, KeyStoreError> {
        let path = path.into();
        let bytes = fs::read(&path).map_err(|source| KeyStoreError::Io { path: path.clone(), source })?;
        Ok(Self { unlocked: Unlocked::decode(&bytes, passphrase)?, path })
    }

    /// The secret of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.unlocked.entries.get(name).map(|secret| secret.as_slice())
    }

    /// The secret of that name, if it has exactly 32 bytes.
    #[must_use]
    pub fn get_32(&self, name: &str) -> Option<Zeroizing<[u8; 32]>> {
        self.get(name)?.try_into().ok().map(Zeroizing::new)
    }

    /// Sets secrets and writes the file once.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::TooLarge`] or [`KeyStoreError::Io`]; nothing is changed then.
    pub fn set<'a>(
        &mut self,
        secrets: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), KeyStoreError> {
        let before = self.unlocked.entries.clone();
        for (name, secret) in secrets {
            self.unlocked.entries.insert(name.to_owned(), Zeroizing::new(secret.to_vec()));
        }
        self.write(rng).inspect_err(|_| self.unlocked.entries = before)
    }

    /// Puts a new passphrase in the place of the old one.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Passphrase`] or [`KeyStoreError::Io`]; the old one stands then.
    pub fn set_passphrase(
        &mut self,
        passphrase: &str,
        params: KdfParams,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), KeyStoreError> {
        let before = self.unlocked.slots.clone();
        self.unlocked.set_passphrase(passphrase, params, rng)?;
        self.write(rng).inspect_err(|_| self.unlocked.slots = before)
    }

    /// The file's random id.
    #[must_use]
    pub const fn store_id(&self) -> &[u8; 16] {
        &self.unlocked.store_id
    }

    fn write(&self, rng: &mut dyn CryptoRng) -> Result<(), KeyStoreError> {
        let bytes = self.unlocked.encode(rng)?;
        replace(&self.path, &bytes).map_err(|source| KeyStoreError::Io { path: self.path.clone(), source })
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFile({})", self.path.display())
    }
}

/// Writes beside the file, syncs, renames over it, and syncs the folder.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
