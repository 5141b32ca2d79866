#![cfg_attr(feature = "libp2p", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "libp2p"),
    doc = "The libp2p link of CivicBase, behind the feature of that name; the whole story is in its README."
)]
#![forbid(unsafe_code)]

#[cfg(feature = "libp2p")]
pub mod internet;
