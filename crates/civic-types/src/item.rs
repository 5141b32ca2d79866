//! The replicated unit: [`Item`], its name [`ItemId`], and the signatures beside it, [`Frame`].

use bytes::Bytes;

use crate::id::REPLICA_NONCE_LEN;
use crate::key::{PublicKey, Signature};
use crate::limits::{MAX_FRAME_PAIRS, MAX_ITEM_BYTES};
use crate::{Cid, HashAlgorithm, PeerId, ReplicaId};

/// Numbers of the item kinds of the formats; 128..=255 belong to applications.
pub mod kind {
    /// One change of one document.
    pub const VERSION: u8 = 1;
    /// A right given.
    pub const GRANT: u8 = 2;
    /// A right taken back.
    pub const REVOKE: u8 = 3;
    /// One member's agreement to prune.
    pub const PRUNE: u8 = 4;
    /// A wrapped document key, or its erasure.
    pub const SHELF: u8 = 5;
    /// An agent's devices.
    pub const DEVICE_LIST: u8 = 6;
    /// A group's members.
    pub const GROUP_EPOCH: u8 = 7;
    /// An erasure order or a receipt for one.
    pub const ERASURE: u8 = 8;
    /// A receipt for a pinned copy.
    pub const PIN_RECEIPT: u8 = 9;
}

/// An item's name: its kind and the CID of its bytes. Ordered by kind, then CID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId {
    /// The kind.
    pub kind: u8,
    /// CIDv1 dag-cbor of the item's bytes.
    pub cid: Cid,
}

/// Canonical bytes of one kind, at most [`MAX_ITEM_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    kind: u8,
    bytes: Bytes,
}

impl Item {
    /// Takes bytes that the caller knows to be canonical DAG-CBOR.
    ///
    /// # Errors
    ///
    /// [`ItemError::TooLarge`] above [`MAX_ITEM_BYTES`].
    pub fn new(kind: u8, bytes: impl Into<Bytes>) -> Result<Self, ItemError> {
        let bytes = bytes.into();
        if bytes.len() > MAX_ITEM_BYTES {
            return Err(ItemError::TooLarge { got: bytes.len(), limit: MAX_ITEM_BYTES });
        }
        Ok(Self { kind, bytes })
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        self.kind
    }

    /// The bytes that are hashed and signed, exactly as received.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The item's name under a collection's hash.
    #[must_use]
    pub fn id(&self, hash: HashAlgorithm) -> ItemId {
        ItemId { kind: self.kind, cid: Cid::dag_cbor(hash, &self.bytes) }
    }
}

/// The signatures beside an item: 1..=16 pairs, not part of its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Vec<(PublicKey, Signature)>);

impl Frame {
    /// Takes the pairs.
    ///
    /// # Errors
    ///
    /// [`ItemError::Frame`] unless there are 1..=16.
    pub fn new(pairs: Vec<(PublicKey, Signature)>) -> Result<Self, ItemError> {
        if pairs.is_empty() || pairs.len() > MAX_FRAME_PAIRS {
            return Err(ItemError::Frame { got: pairs.len(), limit: MAX_FRAME_PAIRS });
        }
        Ok(Self(pairs))
    }

    /// The pairs, as received.
    #[must_use]
    pub fn pairs(&self) -> &[(PublicKey, Signature)] {
        &self.0
    }
}

/// An item with its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedItem {
    /// The item.
    pub item: Item,
    /// Who signed it.
    pub frame: Frame,
}

/// What a replica id is made of; it travels with every pack that names the replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplicaRecord {
    /// The device's key.
    pub key: PublicKey,
    /// Random, fresh for every incarnation.
    pub nonce: [u8; REPLICA_NONCE_LEN],
}

impl ReplicaRecord {
    /// The replica's id.
    #[must_use]
    pub fn id(&self) -> ReplicaId {
        ReplicaId::derive(&self.key, &self.nonce)
    }

    /// The device that writes as this replica.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.key.peer_id()
    }

    /// 48 bytes: the key, then the nonce.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[..32].copy_from_slice(self.key.as_bytes());
        bytes[32..].copy_from_slice(&self.nonce);
        bytes
    }

    /// Reads [`to_bytes`](Self::to_bytes).
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 48]) -> Self {
        let (mut key, mut nonce) = ([0; 32], [0; REPLICA_NONCE_LEN]);
        key.copy_from_slice(&bytes[..32]);
        nonce.copy_from_slice(&bytes[32..]);
        Self { key: PublicKey::from_bytes(key), nonce }
    }
}

/// Why an item or its frame is refused before anything else is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemError {
    /// No signature, or too many.
    #[error("a frame has {got} signatures, not 1..={limit}")]
    Frame {
        /// Pairs found.
        got: usize,
        /// Pairs taken at most.
        limit: usize,
    },
    /// More bytes than an item may have.
    #[error("an item has {got} bytes, more than {limit}")]
    TooLarge {
        /// Bytes found.
        got: usize,
        /// Bytes taken at most.
        limit: usize,
    },
}
