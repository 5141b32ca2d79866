#![cfg_attr(feature = "libp2p", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "libp2p"), doc = "Many peers, many hops; the whole story is in the README.")]
#![forbid(unsafe_code)]

#[cfg(feature = "libp2p")]
pub mod internet;
