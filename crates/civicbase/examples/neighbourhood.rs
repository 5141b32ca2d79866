//! Three nodes in folders of their own, over TCP and TLS on the loopback interface: sealed stores, a ticket as
//! text, one node that is away while the others write, and that comes back.
//!
//! `cargo run -p civicbase --example neighbourhood`

use std::error::Error;
use std::path::Path;

use civicbase::{LanConfig, Node, Ticket, value};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let hall = open(&dir.path().join("hall")).await?;
    let shop = open(&dir.path().join("shop")).await?;
    let farm = open(&dir.path().join("farm")).await?;

    // What a QR code on the hall's door would say.
    let text = hall.create_community("Harbour").await?.to_secret_text();
    for node in [&shop, &farm] {
        node.join(&text.parse::<Ticket>()?).await?;
    }
    let pumps = hall.collection("pumps").await?;
    for n in 0..100 {
        pumps.set(format!("pump-{n}"), value!({"status": "unknown", "place": n})).await?;
    }
    for node in [&shop, &farm] {
        node.settled(&hall.peer_id()).await?;
        println!("{} has {} pumps", node.peer_id(), count(node).await?);
    }

    farm.close().await?;
    println!("the farm is away");
    let shops = shop.collection("pumps").await?;
    for n in 0..10 {
        pumps.patch(format!("pump-{n}")).set("status", "dry").increment("needs", 1).commit().await?;
        shops.patch(format!("pump-{n}")).increment("needs", 2).add("crew", "Bo").commit().await?;
    }
    hall.settled(&shop.peer_id()).await?;

    // It finds the hall by the address in its ticket.
    let farm = open(&dir.path().join("farm")).await?;
    farm.settled(&hall.peer_id()).await?;
    let farms = farm.collection("pumps").await?;
    println!("the farm is back: {}", farms.get("pump-7").await?.ok_or("no pump")?.value);
    assert_eq!(farms.root().await?, pumps.root().await?);
    println!("root {} everywhere", pumps.root().await?);
    for node in [hall, shop, farm] {
        node.close().await?;
    }
    Ok(())
}

async fn open(dir: &Path) -> Result<Node, civicbase::Error> {
    Node::at(dir, "a passphrase for show").lan(LanConfig::loopback()).start().await
}

async fn count(node: &Node) -> Result<usize, civicbase::Error> {
    Ok(node.collection("pumps").await?.scan(None).await?.items.len())
}
