use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::key::PublicKey;
use crate::label::Label;

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Wraps the bytes; any value is taken.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = IdError;

            fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
                <[u8; $len]>::try_from(bytes).map(Self).map_err(|_| IdError::Length { got: bytes.len(), want: $len })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&bs58::encode(self.0).into_string())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                // The longest Base58 text of the bytes, so that a huge text costs nothing.
                if text.len() > $len * 2 {
                    return Err(IdError::Text);
                }
                let bytes = bs58::decode(text).into_vec().map_err(|_| IdError::Text)?;
                let id = Self::try_from(bytes.as_slice())?;
                if id.to_string() == text { Ok(id) } else { Err(IdError::Text) }
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

byte_id! {
    /// A device: SHA-256 of its Ed25519 public key, 32 bytes. Text is Base58 (43 or 44 characters).
    PeerId, 32
}
byte_id! {
    /// A writer inside CRDTs: one incarnation of one device's replica, 16 bytes.
    ReplicaId, 16
}
byte_id! {
    /// A person or institution with one or more devices: hash of its first device list.
    AgentId, 32
}
byte_id! {
    /// A community: hash of its genesis.
    CommunityId, 32
}
byte_id! {
    /// A collection: hash of its definition ([`CollectionSpec`](super::CollectionSpec)).
    CollectionId, 32
}

/// Length of the nonce in a replica record.
pub(crate) const REPLICA_NONCE_LEN: usize = 16;

impl PeerId {
    /// The peer that owns a device key.
    #[must_use]
    pub fn from_public_key(key: &PublicKey) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// The first 8 bytes, as envelopes carry them.
    #[must_use]
    pub fn short(&self) -> [u8; 8] {
        let mut short = [0; 8];
        short.copy_from_slice(&self.0[..8]);
        short
    }
}

impl ReplicaId {
    /// The replica that a device key and a nonce make.
    #[must_use]
    pub fn derive(key: &PublicKey, nonce: &[u8; REPLICA_NONCE_LEN]) -> Self {
        let hash = labelled(Label::REPLICA, &[key.as_bytes(), nonce]);
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        Self(id)
    }
}

impl AgentId {
    /// The agent whose first device list has these canonical bytes (without its signature).
    #[must_use]
    pub fn derive(first_device_list: &[u8]) -> Self {
        Self(labelled(Label::AGENT, &[first_device_list]))
    }
}

impl CommunityId {
    /// The community whose genesis has these canonical bytes.
    #[must_use]
    pub fn derive(genesis: &[u8]) -> Self {
        Self(labelled(Label::COMMUNITY, &[genesis]))
    }
}

impl CollectionId {
    /// The collection whose definition has these canonical bytes.
    #[must_use]
    pub fn derive(definition: &[u8]) -> Self {
        Self(labelled(Label::COLLECTION, &[definition]))
    }
}

fn labelled(label: Label, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(label.as_bytes());
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Why bytes or text are not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Too few or too many bytes.
    #[error("an id of {want} bytes cannot be made of {got}")]
    Length {
        /// Bytes found.
        got: usize,
        /// Bytes needed.
        want: usize,
    },
    /// Not Base58, or not the one text of these bytes.
    #[error("the text is not the Base58 form of an id")]
    Text,
}
