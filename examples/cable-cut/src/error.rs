//! [`Error`]: why a run cannot go on. What a run finds wrong is no error but its verdict.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a run or an audit cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A device closed its end of the conversation.
    #[error("device d{device} has ended")]
    Ended { device: usize },
    /// A device says that it cannot do what it was asked.
    #[error("device d{device} could not {what}: {message}")]
    Device { device: usize, what: &'static str, message: String },
    /// A file or folder.
    #[error("cannot {what} {}", path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
    /// The input file.
    #[error("{} cannot be used as input: {reason}", path.display())]
    Input { path: PathBuf, reason: String },
    /// Somebody stopped the run.
    #[error("interrupted; everything is removed")]
    Interrupted,
    /// A line of JSON between the processes or in a file of theirs.
    #[error("{what} is not what this program writes")]
    Json { what: &'static str, source: serde_json::Error },
    /// The key file.
    #[error("the key file {} does not open", path.display())]
    Keys { path: PathBuf, source: Box<civic_crypto::keystore::KeyStoreError> },
    /// The folder to keep is not empty.
    #[error("{} is not empty: --keep needs a folder of its own", path.display())]
    KeepNotEmpty { path: PathBuf },
    /// A line between the processes that is longer than any should be.
    #[error("a line is longer than {limit} bytes")]
    LongLine { limit: usize },
    /// The node.
    #[error(transparent)]
    Node(Box<civicbase::Error>),
    /// The system does not give the devices networks of their own.
    #[error("--namespaces needs Linux, root and iproute2: `ip {command}` failed: {message}")]
    Namespaces { command: String, message: String },
    /// The folder to audit holds no run.
    #[error("{} holds no kept run: it has no folder d1", path.display())]
    NoRun { path: PathBuf },
    /// A device said something that was not asked.
    #[error("device d{device} answered out of turn")]
    OutOfTurn { device: usize },
    /// Sockets and pipes.
    #[error("cannot {what}")]
    Pipe { what: &'static str, source: io::Error },
    /// The store.
    #[error(transparent)]
    Store(#[from] Box<civic_store::Error>),
    /// The store's replication tables.
    #[error("the store's {table} table holds something else than was written: {what}")]
    Table { table: &'static str, what: &'static str },
    /// Something took longer than it may.
    #[error("{what} took longer than {} s", limit.as_secs())]
    Timeout { what: String, limit: Duration },
}

impl Error {
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { what, path, source }
    }

    pub(crate) fn pipe(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Pipe { what, source }
    }

    pub(crate) fn json(what: &'static str) -> impl FnOnce(serde_json::Error) -> Self {
        move |source| Self::Json { what, source }
    }

    /// The message with its causes, as one line.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl From<civicbase::Error> for Error {
    fn from(error: civicbase::Error) -> Self {
        Self::Node(Box::new(error))
    }
}

impl From<civic_store::Error> for Error {
    fn from(error: civic_store::Error) -> Self {
        Self::Store(Box::new(error))
    }
}
