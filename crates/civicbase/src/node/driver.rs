use std::fmt;

/// A node's background work: the future that replicates, for whichever executor the application has.
#[must_use = "a node replicates while its driver runs"]
pub struct Driver(Option<civic_sync::Driver>);

impl Driver {
    pub(super) const fn new(sync: Option<civic_sync::Driver>) -> Self {
        Self(sync)
    }

    /// Replicates until the node is closed or its last clone is dropped; at once done if it has no link.
    ///
    /// # Cancel safety
    ///
    /// Dropped, replication ends; what was committed stands.
    pub async fn run(self) {
        if let Some(sync) = self.0 {
            sync.run().await;
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Driver" } else { "Driver(no link)" })
    }
}
