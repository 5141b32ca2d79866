#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod data;
mod error;
pub mod node;

pub use civic_crdt::version::Kind;
pub use civic_crypto::DeviceKey;
pub use civic_crypto::community::{Ticket, TicketAddress};
#[cfg(feature = "libp2p")]
pub use civic_p2p::internet::{InternetConfig, InternetLink};
pub use civic_store::{Commit, Filter, Page, Stored};
#[cfg(feature = "lan")]
pub use civic_transport::links::lan::{LanConfig, LanDiscovery, LanLink};
pub use civic_transport::links::memory::MemoryNetwork;
pub use civic_transport::multi::LinkStatus;
pub use civic_transport::{PeerAddr, PeerInfo, TransportKind};
pub use civic_types::{DocumentId, FieldPath, PeerId, Value, from_value, to_value, value};
pub use data::{Batch, Collection, Find, Patch};
pub use error::Error;
#[cfg(all(feature = "lan", feature = "sqlite"))]
pub use node::NodeOptions;
pub use node::{Driver, Node, NodeBuilder, Status};

/// Runs the code in the workspace's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod workspace_readme {}
