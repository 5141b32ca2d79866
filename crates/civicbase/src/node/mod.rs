//! The running thing: [`Node`], how it is built, the communities it is in, and the peers it meets.

mod builder;
mod communities;
mod driver;
#[cfg(feature = "sqlite")]
mod keys;
mod membership;
#[cfg(all(feature = "lan", feature = "sqlite"))]
mod open;
mod peers;
mod running;

pub use builder::{DEFAULT_NET, NodeBuilder};
pub use driver::Driver;
#[cfg(all(feature = "lan", feature = "sqlite"))]
pub use open::NodeOptions;
pub use peers::Status;
pub use running::Node;
