//! The internet link on loopback: what every adapter owes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop at the first surprise")]

mod common;

use std::sync::Arc;

use civic_transport::conformance::{self, Pair, Profile};
use civic_types::time::TokioTimer;

use common::{QUIC, TCP, node_with, quiet};

async fn conforms(listen: &str) {
    let pair = async || {
        let config = || quiet().with_listen([listen]);
        let (a, b) = (node_with(1, config()).await, node_with(2, config()).await);
        let b_address = b.address().address;
        Pair { a_id: a.id, b_id: b.id, b_address, a: a.adapter, b: b.adapter }
    };
    let profile = Profile::new(Arc::new(TokioTimer));
    conformance::all(pair, &profile).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_internet_link_conforms_over_tcp() {
    conforms(TCP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_internet_link_conforms_over_quic() {
    conforms(QUIC).await;
}
