//! Our keys and names in libp2p's words, and back.

use civic_crypto::{DeviceKey, Verifier};
use civic_types::{PeerId, PublicKey};
use libp2p::Multiaddr;
use libp2p::identity::{DecodingError, Keypair};
use libp2p::multiaddr::Protocol;

/// The device's key as libp2p keeps it.
pub(super) fn keypair(key: &DeviceKey) -> Result<Keypair, DecodingError> {
    Keypair::ed25519_from_bytes(*key.seed())
}

/// The key inside a libp2p name; `None` unless it is an Ed25519 key that may be used.
///
/// A libp2p peer id of an Ed25519 key contains the key itself (identity multihash), so nothing has to be
/// asked of the peer.
pub(super) fn public_key(peer: &libp2p::PeerId) -> Option<PublicKey> {
    let multihash = peer.as_ref();
    if multihash.code() != IDENTITY_MULTIHASH {
        return None;
    }
    let key = libp2p::identity::PublicKey::try_decode_protobuf(multihash.digest()).ok()?;
    let key = PublicKey::from_bytes(key.try_into_ed25519().ok()?.to_bytes());
    Verifier::new().key(&key).ok().map(|_| key)
}

/// Our name of a libp2p peer.
pub(super) fn peer_id(peer: &libp2p::PeerId) -> Option<PeerId> {
    public_key(peer).map(|key| key.peer_id())
}

/// Who must answer at an address, if it ends in `/p2p/…`.
pub(super) fn named(address: &Multiaddr) -> Option<libp2p::PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// Whether an address leads through a relay.
pub(super) fn is_relayed(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

/// The name of a network inside a protocol's name: whatever could be mistaken for a separator is escaped.
pub(super) fn protocol_part(net: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    net.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The code of a multihash that is no hash.
const IDENTITY_MULTIHASH: u64 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_libp2p_name_holds_the_key_that_is_ours() {
        let key = DeviceKey::from_seed(&[7; 32]);
        let there = keypair(&key).unwrap().public().to_peer_id();
        assert_eq!(public_key(&there), Some(key.public_key()));
        assert_eq!(peer_id(&there), Some(key.peer_id()));
    }

    #[test]
    fn names_of_other_keys_are_refused() {
        // A SHA-256 multihash names an RSA key, which it does not contain.
        assert_eq!(peer_id(&"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N".parse().unwrap()), None);
        // The neutral element: a key for which anybody can sign.
        let mut weak = [0; 32];
        weak[0] = 1;
        let weak = libp2p::identity::ed25519::PublicKey::try_from_bytes(&weak).unwrap();
        let weak = libp2p::identity::PublicKey::from(weak).to_peer_id();
        assert_eq!(peer_id(&weak), None);
        assert_eq!(peer_id(&libp2p::PeerId::random()), None);
    }

    #[test]
    fn no_two_networks_share_a_protocol_name() {
        assert_eq!(protocol_part("harbour-2.x"), "harbour-2.x");
        assert_eq!(protocol_part("a/b é"), "a%2Fb%20%C3%A9");
        assert_ne!(protocol_part("a/b"), protocol_part("a%2Fb"));
    }
}
