//! Several links as one, in virtual time: what a peer is, which way an envelope takes, and what happens when
//! links die, hang, lie still or come and go.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop at the first surprise")]
#![allow(clippy::future_not_send, reason = "a world in virtual time lives on one thread")]

mod broken_links;
mod chaos;
mod faulty;
mod handover;
mod peers;
mod routes;
mod world;
