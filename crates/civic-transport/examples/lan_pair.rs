//! Two devices on the loopback interface connect, prove who they are, and exchange an envelope.

use std::sync::Arc;

use civic_crypto::DeviceKey;
use civic_crypto::rng::SystemRng;
use civic_transport::links::lan::{LanConfig, LanLink};
use civic_transport::{Envelope, LinkIdentity, PeerAddr, TransportAdapter, TransportExt};
use civic_types::time::TokioTimer;
use futures_util::StreamExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let identity = || {
        let key = Arc::new(DeviceKey::generate(&mut SystemRng::new()));
        LinkIdentity::new(key, "example", Arc::new(TokioTimer))
    };
    let (hall, shop) = (identity(), identity());
    let at_hall = LanLink::new(LanConfig::loopback()).into_adapter(&hall)?;
    let at_shop = LanLink::new(LanConfig::loopback()).into_adapter(&shop)?;
    at_hall.start().await?;
    at_shop.start().await?;

    let address = at_hall.local_addr().ok_or("not listening")?;
    let mut messages = at_hall.on_message();
    let peer = at_shop.connect(&PeerAddr::new(hall.peer_id(), address.to_string())).await?;
    println!("{} reached {peer} at {address}", shop.peer_id());

    at_shop.send(&peer, Envelope::local(0, "The pump at the harbour is dry")).await?;
    if let Some((via, envelope)) = messages.next().await {
        println!("{via:?} says: {}", String::from_utf8_lossy(envelope.payload()));
    }
    at_shop.stop().await?;
    at_hall.stop().await?;
    Ok(())
}
