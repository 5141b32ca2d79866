//! Devices of one process that reach each other through memory: [`MemoryNetwork`] and [`MemoryLink`].
//!
//! All links of a network see each other: once two are started they are connected. Envelopes pass through
//! their real wire form, and signed ones through the real checks. There is no task and no thread:
//!
//! - On a perfect network an envelope waits in the receiver's inbox until somebody polls one of the
//!   receiver's event streams; with nobody subscribed it is dropped. A full inbox makes `send` wait.
//! - With a [`LinkModel`](crate::sim::LinkModel) frames fly through a [`SimNetwork`](crate::sim::SimNetwork)
//!   in the time of the timer given, and every event stream that is polled moves the whole network on.
//!
//! A cut is silent, as a pulled cable: both ends stay connected and what they send vanishes, until
//! [`MemoryNetwork::notice`] plays the part of their keepalive or [`MemoryNetwork::heal`] makes a new
//! connection.

mod adapter;
mod events;
mod inbox;
mod network;
mod state;
#[cfg(test)]
mod tests;

pub use network::{MemoryLink, MemoryNetwork};

/// Bytes from one peer that wait in an inbox or fly at most; beyond, `send` waits. As much as four of the
/// largest payloads, and what the LAN link holds per peer.
pub const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;
