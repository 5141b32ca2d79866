//! [`StateCell`]: a small atomic blob that outlives the process.
//!
//! Clocks keep their high-water mark in one, radios their duty ledger, a mesh the ids it delivered.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

/// The most bytes a cell has to take.
pub const MAX_CELL_BYTES: usize = 64 * 1024;

/// A small blob that is replaced as a whole.
///
/// # Contract
///
/// - `save` is atomic: after a crash `load` gives the bytes before or after, never a mixture.
/// - `save` is durable when it returns `Ok`.
/// - A cell has one owner; two owners of one cell see undefined order, never torn bytes.
///
/// Calls are synchronous and may take as long as one small disk write.
pub trait StateCell: Debug + Send + Sync + 'static {
    /// The bytes of the last `save`, or `None` if nothing was ever saved.
    ///
    /// # Errors
    ///
    /// [`CellError`] when the medium cannot be read.
    fn load(&self) -> Result<Option<Vec<u8>>, CellError>;

    /// Replaces the bytes; at most [`MAX_CELL_BYTES`].
    ///
    /// # Errors
    ///
    /// [`CellError`] when the bytes are too many or the medium cannot be written; the old bytes stand.
    fn save(&self, bytes: &[u8]) -> Result<(), CellError>;
}

/// Why a cell could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CellError {
    /// The medium failed.
    #[error("the state cell's medium failed")]
    Backend {
        /// What the medium said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// More bytes than a cell takes.
    #[error("{got} bytes do not fit a state cell of {limit}")]
    TooLarge {
        /// Bytes offered.
        got: usize,
        /// Bytes taken at most.
        limit: usize,
    },
}

/// A cell in memory: it outlives what uses it, not the process. For tests and ephemeral nodes.
#[derive(Debug, Default)]
pub struct MemoryCell(Mutex<Option<Vec<u8>>>);

impl MemoryCell {
    /// An empty cell.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl StateCell for MemoryCell {
    fn load(&self) -> Result<Option<Vec<u8>>, CellError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn save(&self, bytes: &[u8]) -> Result<(), CellError> {
        if bytes.len() > MAX_CELL_BYTES {
            return Err(CellError::TooLarge { got: bytes.len(), limit: MAX_CELL_BYTES });
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes.to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_gives_back_the_last_save_and_refuses_what_is_too_large() {
        let cell = MemoryCell::new();
        assert_eq!(cell.load().unwrap(), None);
        cell.save(b"one").unwrap();
        assert!(matches!(cell.save(&vec![0; MAX_CELL_BYTES + 1]), Err(CellError::TooLarge { .. })));
        assert_eq!(cell.load().unwrap().as_deref(), Some(&b"one"[..]));
    }
}
