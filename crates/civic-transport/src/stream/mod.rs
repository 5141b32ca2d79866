//! What links over connected streams share, for whoever writes one: the frames around envelopes, the
//! [`Outbound`] of a connection, and the [`Targets`] that are kept dialled.

pub mod frame;
mod outbound;
mod targets;

pub use outbound::{Outbound, Refused};
pub use targets::{MAX_TARGETS, Targets};
