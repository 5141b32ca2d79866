use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::failure::NAME;
use crate::error::Error;

/// Makes this process the only one with the store open; dropping the file lets go, and so does death.
pub(super) fn acquire(store: &Path) -> Result<File, Error> {
    // Two names of one file must meet at one lock.
    let mut path = OsString::from(store.canonicalize().unwrap_or_else(|_| store.to_owned()));
    path.push(".lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(PathBuf::from(path));
    let file = opened.map_err(|e| Error::backend(NAME, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: store.to_owned() }),
        Err(TryLockError::Error(e)) => Err(Error::backend(NAME, e)),
    }
}
