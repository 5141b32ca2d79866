//! What parent and devices say to each other: one JSON object a line over standard input and output.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::forwarder::Ends;
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
    /// Goes to another neighbourhood, by name unless somebody has plugged the cable over, and waits until the
    /// neighbours of before are gone.
    Move { site: Option<String>, leaves: Vec<String> },
    /// Opens keys, store and links.
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
    /// The name of the network: that of this run, so that runs on one machine do not meet.
    pub(crate) net: String,
    /// Its address on the LAN.
    pub(crate) lan: IpAddr,
    /// Its neighbourhood.
    pub(crate) site: String,
    /// Its address on the internet.
    pub(crate) internet: IpAddr,
    /// Where others reach it over the internet: forwarders.
    pub(crate) external: Vec<String>,
    /// Whom to dial over the internet for ever.
    pub(crate) dial: Vec<Address>,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opening({})", self.dir.display())
    }
}

/// Who is to be dialled where, as a multiaddr.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) peer: String,
    pub(crate) address: String,
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
    /// Ready, and where it listens to the internet.
    Opened { peer: String, ends: Ends },
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
    /// Versions held.
    pub(crate) versions: u64,
    /// Whom it was connected to over its LAN at any time since it was asked before.
    pub(crate) near: BTreeSet<String>,
    /// Since when it reaches nobody over the internet, in milliseconds since 1970.
    pub(crate) offline_since: Option<u64>,
    /// Bytes that it has sent and received over its LAN since it was started.
    pub(crate) lan: (u64, u64),
    /// Bytes that it has received over the internet since it was started.
    pub(crate) far: u64,
}
