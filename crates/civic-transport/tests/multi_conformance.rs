//! Joined links owe what every adapter owes; and over links that lose nothing they lose nothing themselves.

#![allow(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use std::sync::Arc;

use civic_crypto::DeviceKey;
use civic_transport::conformance::{self, Pair, Profile};
use civic_transport::links::lan::{LanConfig, LanLink};
use civic_transport::links::memory::MemoryNetwork;
use civic_transport::multi::{MultiConfig, MultiTransport};
use civic_transport::sim::LinkModel;
use civic_transport::*;
use civic_types::time::TokioTimer;

type Links = Vec<Box<dyn Link>>;

/// A started transport of these links, whose driver runs until it is dropped.
async fn multi(seed: u8, links: Links) -> Arc<MultiTransport> {
    let key = Arc::new(DeviceKey::from_seed(&[seed; 32]));
    let identity = LinkIdentity::new(key, "test", Arc::new(TokioTimer));
    let (me, timer, config) = (identity.peer_id(), Arc::new(TokioTimer), MultiConfig::default());
    let (multi, driver) = MultiTransport::new(me, [seed; 32], timer, config.with_dedup_ids(1000));
    for link in links {
        multi.add(link.bind(&identity).unwrap());
    }
    tokio::spawn(driver.run());
    multi.start().await.unwrap();
    multi
}

/// A pair that meets on these networks.
async fn pair(networks: &[MemoryNetwork]) -> Pair<Arc<MultiTransport>> {
    let id = |seed| DeviceKey::from_seed(&[seed; 32]).peer_id();
    let links = || -> Links { networks.iter().map(|net| Box::new(net.link()) as _).collect() };
    let (a, b) = (multi(1, links()).await, multi(2, links()).await);
    Pair { a, b, a_id: id(1), b_id: id(2), b_address: id(2).to_string() }
}

fn profile() -> Profile {
    Profile::new(Arc::new(TokioTimer))
}

fn perfect(count: usize) -> Vec<MemoryNetwork> {
    (0..count).map(|_| MemoryNetwork::new()).collect()
}

#[tokio::test]
async fn one_link_and_two_joined_conform() {
    for count in [1, 2] {
        conformance::all(async || pair(&perfect(count)).await, &profile()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_conform_on_several_threads() {
    conformance::all(async || pair(&perfect(2)).await, &profile()).await.unwrap();
}

#[tokio::test]
async fn a_lossy_link_beside_a_perfect_one_conforms() {
    let networks = || {
        let lossy = MemoryNetwork::with_model(1, LinkModel::lossy(), Arc::new(TokioTimer));
        [lossy, MemoryNetwork::new()]
    };
    conformance::all(async || pair(&networks()).await, &profile()).await.unwrap();
}

/// What capabilities do not promise, since a hand-over may break it, holds as long as there is none.
#[tokio::test]
async fn without_a_hand_over_nothing_is_lost_repeated_or_reordered() {
    for count in [1, 2] {
        let pair = async || pair(&perfect(count)).await;
        let profile = profile();
        conformance::envelopes_arrive_once_in_order(&pair().await, &profile).await.unwrap();
        conformance::signed_envelopes_arrive_once(&pair().await, &profile).await.unwrap();
        conformance::urgency_is_kept(&pair().await, &profile).await.unwrap();
        conformance::a_slow_subscriber_lags_alone(&pair().await, &profile).await.unwrap();
        conformance::a_stalled_receiver_makes_busy(&pair().await, &profile).await.unwrap();
        conformance::all_sizes_up_to_the_limit_arrive(&pair().await, &profile).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lan_link_inside_conforms() {
    let pair = async || {
        let (here, there) = (LanLink::new(LanConfig::loopback()), LanLink::new(LanConfig::loopback()));
        let address = there.address();
        let (a, b) = (multi(1, vec![Box::new(here)]).await, multi(2, vec![Box::new(there)]).await);
        let id = |seed| DeviceKey::from_seed(&[seed; 32]).peer_id();
        Pair { a, b, a_id: id(1), b_id: id(2), b_address: address.get().unwrap().to_string() }
    };
    conformance::all(pair, &profile()).await.unwrap();
}
