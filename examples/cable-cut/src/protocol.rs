//! What parent and devices say to each other: one JSON object a line over standard input and output.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::write::Write;

/// Bytes of a line at most: a batch of documents with long fields fits well.
pub(crate) const MAX_LINE: usize = 4 * 1024 * 1024;

/// What the parent asks. Each gets one [`Reply`], in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask")]
pub(crate) enum Ask {
    /// Ends everything in good order and exits.
    Close,
    /// Writes and journals; more than one write is one batch.
    Commit { number: u64, writes: Vec<Write> },
    /// Dials a peer and keeps it dialled.
    Connect { to: Address },
    /// Writes all that the device shows and holds to a file.
    Dump { file: PathBuf },
    /// Makes the community.
    Found { name: String },
    /// Joins it.
    Join { ticket: String },
    /// Opens keys, store and link.
    Open(Opening),
    /// The collection's root.
    Root,
    /// Who is connected and how much is held.
    Status,
}

/// Where and how a device opens.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Opening {
    pub(crate) dir: PathBuf,
    pub(crate) passphrase: String,
    /// Where it listened before; none the first time.
    pub(crate) listen: Option<SocketAddr>,
    /// Whom to dial for ever.
    pub(crate) dial: Vec<Address>,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opening({})", self.dir.display())
    }
}

/// Who is to be dialled where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) peer: String,
    pub(crate) address: SocketAddr,
}

/// What a device answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply")]
pub(crate) enum Reply {
    /// Done, with nothing to tell.
    Done,
    /// Acknowledged and journaled.
    Committed { number: u64, versions: usize },
    /// Not done.
    Failed { message: String },
    /// Ready.
    Opened { peer: String, listen: SocketAddr },
    /// The root.
    Root { root: String },
    /// How it stands.
    Status(Status),
    /// The ticket.
    Ticket { ticket: String },
}

/// How a device stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// Peers connected now.
    pub(crate) peers: usize,
    /// Versions held.
    pub(crate) versions: u64,
    /// Since when nobody is connected, in milliseconds since 1970.
    pub(crate) alone_since: Option<u64>,
}
