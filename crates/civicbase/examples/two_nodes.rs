//! Two nodes in one process: they meet, are cut apart, write on, and agree again.
//!
//! `cargo run -p civicbase --example two_nodes`

use civicbase::{Error, MemoryNetwork, Node, value};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let net = MemoryNetwork::new();
    let hall = Node::ephemeral().link(net.link()).start().await?;
    let shop = Node::ephemeral().link(net.link()).start().await?;
    shop.join(&hall.create_community("Harbour").await?).await?;
    let (here, there) = (hall.collection("pumps").await?, shop.collection("pumps").await?);

    here.set("pump-3", value!({"status": "dry"})).await?;
    here.patch("pump-3").increment("needs", 2).commit().await?;
    shop.settled(&hall.peer_id()).await?;
    println!("met:    {}", show(&there).await?);

    net.sever(&hall.peer_id(), &shop.peer_id());
    here.patch("pump-3").set("status", "wet").add("crew", "Ada").commit().await?;
    there.patch("pump-3").increment("needs", 4).add("crew", "Bo").commit().await?;
    println!("cut:    {} here, {} there", show(&here).await?, show(&there).await?);

    net.heal(&hall.peer_id(), &shop.peer_id());
    hall.settled(&shop.peer_id()).await?;
    shop.settled(&hall.peer_id()).await?;
    println!("healed: {} here, {} there", show(&here).await?, show(&there).await?);
    assert_eq!(here.root().await?, there.root().await?);
    println!("root:   {} on both", here.root().await?);
    hall.close().await?;
    shop.close().await
}

async fn show(pumps: &civicbase::Collection) -> Result<String, Error> {
    Ok(pumps.get("pump-3").await?.map_or_else(|| "nothing".to_owned(), |pump| pump.value.to_string()))
}
