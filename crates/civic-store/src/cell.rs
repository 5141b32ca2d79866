//! [`FileCell`]: a [`StateCell`] in a file.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use civic_types::cell::{CellError, MAX_CELL_BYTES, StateCell};

/// A small blob in a file that is replaced as a whole: written beside it, synced, renamed over it, and the
/// directory synced.
#[derive(Debug)]
pub struct FileCell {
    path: PathBuf,
    /// One save at a time: they share the temporary file.
    saving: Mutex<()>,
}

impl FileCell {
    /// A cell in that file, which need not exist; its directory must.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), saving: Mutex::new(()) }
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let beside = self.path.with_file_name(name);
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, &self.path)?;
        sync_directory(&self.path)
    }
}

impl StateCell for FileCell {
    fn load(&self) -> Result<Option<Vec<u8>>, CellError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        let most = u64::try_from(MAX_CELL_BYTES).unwrap_or(u64::MAX);
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        check(&bytes)?;
        Ok(Some(bytes))
    }

    fn save(&self, bytes: &[u8]) -> Result<(), CellError> {
        check(bytes)?;
        let _saving = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        self.replace(bytes).map_err(failed)
    }
}

/// Makes the renaming durable.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Directories cannot be synced here; the system journals names by itself.
#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

const fn check(bytes: &[u8]) -> Result<(), CellError> {
    if bytes.len() > MAX_CELL_BYTES {
        return Err(CellError::TooLarge { got: bytes.len(), limit: MAX_CELL_BYTES });
    }
    Ok(())
}

fn failed(source: io::Error) -> CellError {
    CellError::Backend { source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_outlives_its_owner_and_a_broken_save() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clock");
        assert_eq!(FileCell::new(&path).load().unwrap(), None);
        FileCell::new(&path).save(b"one").unwrap();
        // What a crash in the middle of a save leaves.
        fs::write(dir.path().join("clock.new"), b"tw").unwrap();
        let cell = FileCell::new(&path);
        assert_eq!(cell.load().unwrap().as_deref(), Some(&b"one"[..]));
        cell.save(b"two").unwrap();
        assert!(matches!(cell.save(&vec![0; MAX_CELL_BYTES + 1]), Err(CellError::TooLarge { .. })));
        assert_eq!(FileCell::new(&path).load().unwrap().as_deref(), Some(&b"two"[..]));
        assert!(FileCell::new(dir.path().join("no/such")).save(b"x").is_err());
    }
}
