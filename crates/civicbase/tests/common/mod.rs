//! What the journeys share.
#![allow(dead_code, reason = "each journey uses a part")]

use std::time::Duration;

use civicbase::{Error, MemoryNetwork, Node};

/// Longest that anything here may take; only a test that fails waits so long.
const WATCHDOG: Duration = Duration::from_secs(30);

/// What a future gives, or a panic when it gives nothing.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(WATCHDOG, future).await.unwrap_or_else(|_| panic!("nothing for {WATCHDOG:?}"))
}

/// Two nodes of one community on a network.
pub(crate) async fn pair(net: &MemoryNetwork) -> Result<(Node, Node), Error> {
    let hall = Node::ephemeral().link(net.link()).start().await?;
    let shop = Node::ephemeral().link(net.link()).start().await?;
    within(shop.join(&hall.create_community("Harbour").await?)).await?;
    Ok((hall, shop))
}

/// Waits until each holds what the other does.
pub(crate) async fn both_settled(one: &Node, other: &Node) -> Result<(), Error> {
    within(one.settled(&other.peer_id())).await?;
    within(other.settled(&one.peer_id())).await
}
