//! Links that exist only in virtual time: [`SimNetwork`].
//!
//! Pure: no clock, no task, no socket. Deliveries come in the total order (time, sequence), and every
//! directed link draws from random streams of its own, so one seed gives one trace to the bit, and what
//! happens on one link never changes the luck of another.
//!
//! ```
//! use civic_transport::sim::{LinkModel, SimNetwork};
//! use civic_types::time::Tick;
//!
//! let mut net = SimNetwork::new(7).with_model(LinkModel::lossy());
//! let (a, b) = (net.add_node(), net.add_node());
//! net.send(Tick::default(), a, b, "hello".into())?;
//! while let Some(at) = net.next_event_at() {
//!     for delivery in net.poll(at) {
//!         assert_eq!((delivery.from, delivery.to), (a, b));
//!     }
//! }
//! # Ok::<(), civic_transport::sim::SimError>(())
//! ```

mod model;
mod network;
#[cfg(test)]
mod tests;

pub use model::LinkModel;
pub use network::{Delivery, NodeId, SimError, SimNetwork, SimStats};
