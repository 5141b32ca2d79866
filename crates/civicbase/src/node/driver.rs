use std::fmt;
use std::pin::pin;

use civic_transport::multi::MultiDriver;
use futures_util::future::select;

/// A node's background work: the future that replicates, for whichever executor the application has.
#[must_use = "a node replicates while its driver runs"]
#[derive(Default)]
pub struct Driver {
    pub(super) sync: Option<civic_sync::Driver>,
    /// Of several links.
    pub(super) links: Option<MultiDriver>,
}

impl Driver {
    /// Replicates until the node is closed or its last clone is dropped; at once done if it has no link.
    ///
    /// # Cancel safety
    ///
    /// Dropped, replication ends; what was committed stands.
    pub async fn run(self) {
        let Some(sync) = self.sync else { return };
        match self.links {
            // Links without replication would have nobody to deliver to.
            Some(links) => {
                select(pin!(sync.run()), pin!(links.run())).await;
            }
            None => sync.run().await,
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.sync.is_some() { "Driver" } else { "Driver(no link)" })
    }
}
