//! Who else is on the local network: mDNS, directed broadcast and addresses of before.
//!
//! Three sources feed one pure machine, [`directory::Directory`], which says what to dial: DNS-SD records
//! under a subtype of network and site ([`mdns`]), announcement datagrams ([`broadcast`]), and addresses that
//! answered before ([`known`]). Nothing that a source says is believed: whoever is dialled proves its key in
//! the TLS handshake, and its hello names network and site.
//!
//! What is announced names no device: a random instance per start, and a keyed id that changes every
//! 15 minutes and tells the device only to those who hold the [`BeaconKey`] and know whom they look for.

mod announcement;
mod broadcast;
mod bucket;
mod config;
mod directory;
mod driver;
mod id;
mod interfaces;
mod known;
mod mdns;
mod media;
mod sentinel;

pub use config::LanDiscovery;
pub use id::BeaconKey;

pub(super) use driver::run;
pub(super) use id::Tag;
pub(super) use known::Known;
