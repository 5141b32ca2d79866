//! A local network: TCP and TLS 1.3 with raw public keys, [`LanLink`] and [`LanAdapter`].
//!
//! The key of the TLS connection *is* the device's key (RFC 7250, both ways), so a connection is
//! authenticated when its handshake is; there are no certificates, no resumption and no early data, and
//! the environment variable `SSLKEYLOGFILE` is never looked at. The ALPN name is `civic/1`. The channel
//! binding is the 32-byte TLS exporter of the label `EXPORTER-Channel-Binding` and an empty context.
//!
//! # Frames
//!
//! Inside TLS, either way, frames follow each other without gaps. Integers are big-endian.
//!
//! ```text
//! frame   = length u32 ‖ kind u8 ‖ body      length = 1 + bytes of the body, 1 ..= 1 048 737
//!
//! kind  0 hello    body = version u8 (1) ‖ tag 16 ‖ name of the network, UTF-8, at most 255 bytes
//! kind  1 ping     body empty; answered by a pong at once
//! kind  2 pong     body empty
//! kind  3 close    body = code u8: 0 goodbye, 1 duplicate, 2 no room, 3 other network or site, 4 misbehaved
//! kind 16 local    body = type u8 ‖ priority u8 ‖ payload
//! kind 17 signed   body = the full form of a signed envelope
//! ```
//!
//! The tag is BLAKE3(`"civicbase/site/1\0"` ‖ lp(network) ‖ lp(site))[..16]; a name or a tag other than the
//! receiver's own is refused with code 3.
//!
//! The dialler's first frame is hello. The listener answers with hello, which accepts the connection, or
//! with close, which refuses it. Only then anything else may follow. A frame of another kind, length or
//! body, and an envelope that is malformed or badly signed, end the connection as misbehaviour. An end
//! of the stream without close is a loss like any other.
//!
//! When two devices dial each other at once, the connection dialled by the smaller `PeerId` stays; of two
//! in the same direction the newer one does. The other is closed with code 1.
//!
//! # Discovery
//!
//! [`LanDiscovery`] finds the addresses to dial; [`LanSite`] moves the device from one neighbourhood to
//! another. What is announced is drawn in `docs/wire-format.md`.

mod accept;
mod adapter;
mod config;
mod connection;
mod dial;
mod discovery;
mod frame;
mod handshake;
mod inner;
mod registry;
mod site;
mod tls;

pub use adapter::{LanAdapter, LanAddress, LanLink};
pub use config::LanConfig;
pub use discovery::{BeaconKey, LanDiscovery};
pub use site::LanSite;
