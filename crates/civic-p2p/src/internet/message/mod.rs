//! The message protocol `/civicbase/<net>/msg/1`, as the room above draws it: one session per peer over one
//! stream at a time.

mod behaviour;
mod frame;
mod greet;
mod handler;
mod registry;
mod session;

pub(super) use behaviour::{Behaviour, Event};
pub(super) use frame::CloseCode;
pub(super) use greet::{GreetError, run};
pub use registry::PATH;
pub(super) use registry::Registry;

use libp2p::Stream;
use libp2p::swarm::ConnectionId;

/// A stream of the message protocol, just opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) peer: libp2p::PeerId,
    pub(super) connection: ConnectionId,
    pub(super) stream: Stream,
    pub(super) dialler: Dialler,
    pub(super) path: Path,
}

/// Whose dial made a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialler {
    Us,
    They,
}

/// How a connection runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Direct,
    Relayed,
}
