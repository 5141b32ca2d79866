//! The internet: libp2p over QUIC and TCP, [`InternetLink`] and [`InternetAdapter`].
//!
//! A libp2p connection is authenticated by the device's own key, so the peer is known when its handshake is
//! done; peers whose libp2p name does not contain an Ed25519 key are refused. Envelopes travel over
//! `/civicbase/<net>/msg/1`, drawn byte by byte below. Addresses are multiaddrs, with or without `/p2p/…`.
//!
//! Beside the messages a node speaks identify, ping, the distributed hash table `/civicbase/<net>/kad/1`,
//! gossipsub, AutoNAT v2, circuit relay v2 and DCUtR. `<net>` is the network's name with every byte but
//! letters, digits, `-`, `_` and `.` as `%XX`; nodes of two networks connect to each other and agree on
//! nothing.
//!
//! # Messages
//!
//! The end that dialled a connection opens one stream on it; what the other end opens is dropped. Frames
//! follow each other without gaps, either way. Integers are big-endian.
//!
//! ```text
//! frame   = length u32 ‖ kind u8 ‖ body      length = 1 + bytes of the body, 1 ..= 1 048 737
//!
//! kind  0 hello    body = version u8 (1) ‖ moves u8 (0 or 1) ‖ nonce 32, random
//! kind  1 ping     body empty; answered by a pong at once
//! kind  2 pong     body empty
//! kind  3 close    body = code u8: 0 goodbye, 1 duplicate, 2 no room, 4 misbehaved
//! kind  4 moved    body empty; nothing follows on this stream, the session goes on over another
//! kind 16 local    body = type u8 ‖ priority u8 ‖ payload
//! kind 17 signed   body = the full form of a signed envelope
//! ```
//!
//! The dialler's first frame is hello. The listener answers with hello, which accepts the session, or with
//! close, which refuses it. Only then anything else may follow. A frame of another kind, length or body, and
//! an envelope that is malformed or badly signed, end the session as misbehaviour.
//!
//! The channel binding is BLAKE3 in key derivation mode, context `civicbase/internet binding/1`, over
//! smaller key ‖ greater key ‖ nonce of the smaller ‖ nonce of the greater. The stream runs inside a
//! connection that both keys have authenticated and encrypted, so nobody else knows the nonces.
//!
//! A session over a relay moves when a direct connection is made: its dialler says `moves` in its hello, and
//! the listener says so too if it has such a session. Either end then finishes the frame that it is writing,
//! writes `moved`, and goes on over the new stream; it reads the old one up to `moved` and then the new one.
//! Nothing is lost, repeated or reordered, and binding and number of the session stay.

mod actor;
mod adapter;
mod behaviour;
mod config;
mod dial;
mod find;
mod gossip;
mod guard;
mod hidden;
mod identity;
mod inner;
mod link;
mod message;
mod statistics;
mod swarm;

pub use adapter::InternetAdapter;
pub use config::{Access, Diversity, InternetConfig};
pub use gossip::MAX_GOSSIP_BYTES;
pub use link::{InternetAddress, InternetLink};
pub use message::PATH;
pub use statistics::Statistics;
