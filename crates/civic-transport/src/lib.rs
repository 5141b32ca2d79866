#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod adapter;
pub mod capabilities;
pub mod envelope;
mod error;
pub mod event;
pub mod peer;

pub use adapter::{Accepted, EventStream, TransportAdapter};
pub use capabilities::Capabilities;
pub use envelope::{Envelope, LocalEnvelope, Priority};
pub use error::{Error, TrySendError};
pub use event::{Event, LostReason, Via};
pub use peer::{ChannelBinding, LinkAddr, PeerAddr, PeerInfo, TransportKind};
