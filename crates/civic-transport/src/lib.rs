#![cfg_attr(feature = "sim", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "sim"), doc = "The transport seam of CivicBase; the whole story is in its README.")]
#![forbid(unsafe_code)]

pub mod adapter;
pub mod capabilities;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod envelope;
mod error;
pub mod event;
pub mod ext;
mod forward;
pub mod hub;
pub mod keepalive;
pub mod link;
pub mod links;
pub mod multi;
pub mod peer;
pub mod queue;
pub mod receive;
pub mod redial;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "stream")]
pub mod stream;

pub use adapter::{Accepted, EventStream, TransportAdapter};
pub use capabilities::Capabilities;
pub use envelope::{Envelope, LocalEnvelope, Priority, SignedEnvelope};
pub use error::{Error, TrySendError};
pub use event::{Event, LostReason, Via};
pub use ext::TransportExt;
pub use link::{Link, LinkIdentity};
pub use peer::{ChannelBinding, LinkAddr, PeerAddr, PeerInfo, TransportKind};
