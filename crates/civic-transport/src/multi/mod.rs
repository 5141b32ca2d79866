//! Several links as one adapter: [`MultiTransport`], and the [`MultiDriver`] that the application runs for it.
//!
//! - **Routes**: a [`RoutePolicy`] says over which media an envelope goes; [`Table`] is the house's own. What does
//!   not fit a link, may not be transmitted now, or does not reach the peer is left out; of those left, the next
//!   is tried when one fails, and [`Error::NoRoute`](crate::Error::NoRoute) is the end. The small and urgent
//!   goes over all of them at once.
//! - **Peers**: one that is reached over several links is one peer, with one connection number from the first link
//!   that finds it to the last that loses it. In between, [`Event::Changed`](crate::Event::Changed) tells
//!   which media reach it.
//! - **Queues**: each link has one for each of its neighbours, in five classes that age, so that a neighbour that
//!   reads nothing and a link that hangs block nobody else.
//! - **Hand-over**: when a link loses a peer that others reach, what waited for it, and what it took within the
//!   window of [`MultiConfig`], goes over the others. The same happens to what a link holds for too long.
//! - **Copies**: signed envelopes are delivered once, over however many links they come. Local ones have no id:
//!   after a hand-over, or over several paths, they may come again, and hand-over may reorder both. So the
//!   [`Capabilities`](crate::Capabilities) promise neither reliability nor order, and layers that need them
//!   bring their own, as over any lossy link.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "sim")] {
//! use std::sync::Arc;
//!
//! use civic_crypto::{DeviceKey, rng::{SystemRng, random_bytes}};
//! use civic_transport::links::memory::MemoryNetwork;
//! use civic_transport::multi::{MultiConfig, MultiTransport};
//! use civic_transport::{Link, LinkIdentity};
//! use civic_types::time::ManualClock;
//!
//! let mut rng = SystemRng::new();
//! let (key, timer) = (Arc::new(DeviceKey::generate(&mut rng)), Arc::new(ManualClock::default()));
//! let identity = LinkIdentity::new(key, "harbour", timer.clone());
//! let config = MultiConfig::default();
//! let (multi, driver) = MultiTransport::new(identity.peer_id(), random_bytes(&mut rng), timer, config);
//! for net in [MemoryNetwork::new(), MemoryNetwork::new()] {
//!     multi.add(Box::new(net.link()).bind(&identity)?);
//! }
//! // Spawn `driver.run()`, then `multi.start().await`.
//! # drop(driver);
//! # }
//! # Ok(())
//! # }
//! ```

mod adapter;
mod broadcast;
mod config;
mod dispatch;
mod driver;
mod handover;
mod hash;
mod hearing;
mod kinds;
mod lane;
mod merged;
mod route;
mod shared;
mod slot;
mod state;
mod status;
mod transport;
mod window;

pub use config::MultiConfig;
pub use driver::MultiDriver;
pub use kinds::Kinds;
pub use route::{MultiPath, Route, RouteMode, RoutePolicy, RouteRequest, Table};
pub use status::{LinkId, LinkStatistics, LinkStatus, MultiStatistics};
pub use transport::MultiTransport;
