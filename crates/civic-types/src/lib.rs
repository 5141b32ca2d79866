#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod cbor;
pub mod cell;
pub mod cid;
pub mod id;
pub mod item;
pub mod key;
pub mod label;
pub mod limits;
pub mod patch;
pub mod time;
pub mod value;

pub use cid::{Cid, HashAlgorithm};
pub use id::{
    AgentId, CollectionId, CollectionSpec, CommunityId, DocumentId, DocumentKey, PeerId, ReplicaId,
};
pub use key::{PublicKey, Signature};
pub use patch::{FieldOp, FieldPath};
pub use value::{Map, Value};
#[cfg(feature = "serde")]
pub use value::{from_value, to_value};
