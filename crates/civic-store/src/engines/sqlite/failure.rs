//! What errors of SQLite mean.

use rusqlite::ErrorCode;

use crate::error::Error;

/// The name in errors.
pub(super) const NAME: &str = "sqlite";

/// Where in a write something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Before the commit: nothing was to be durable yet.
    Change,
    /// In the commit itself.
    Commit,
}

/// Whether no later write may be trusted after this error.
///
/// The system may drop the pages of a failed sync and report success the next time, so only reopening,
/// which replays what really reached the disk, makes the store good again.
pub(super) fn poisons(error: &rusqlite::Error, step: Step) -> bool {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => true,
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => false,
        _ => step == Step::Commit,
    }
}

/// The error for the caller.
pub(super) fn translate(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Error::Corrupt { what: "the database file" }
        }
        _ => Error::backend(NAME, error),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn error(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_failed_sync_poisons_and_a_full_disk_does_not() {
        for step in [Step::Change, Step::Commit] {
            assert!(poisons(&error(ffi::SQLITE_IOERR_FSYNC), step));
            assert!(poisons(&error(ffi::SQLITE_IOERR_WRITE), step));
            assert!(!poisons(&error(ffi::SQLITE_FULL), step));
        }
        assert!(poisons(&error(ffi::SQLITE_CORRUPT), Step::Commit));
        assert!(!poisons(&error(ffi::SQLITE_CORRUPT), Step::Change));
        assert!(matches!(translate(error(ffi::SQLITE_FULL)), Error::Full));
        assert!(matches!(translate(error(ffi::SQLITE_NOTADB)), Error::Corrupt { .. }));
    }
}
