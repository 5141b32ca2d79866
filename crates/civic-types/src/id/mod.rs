//! Identifiers: who ([`PeerId`], [`ReplicaId`], [`AgentId`], [`CommunityId`]) and what
//! ([`CollectionId`], [`DocumentId`], [`DocumentKey`]).
//!
//! All but the document id are hashes under a label of their own, so they need no authority that
//! hands them out and none can be mistaken for another.

mod bytes;
mod collection;
mod document;

pub(crate) use bytes::REPLICA_NONCE_LEN;
pub use bytes::{AgentId, CollectionId, CommunityId, IdError, PeerId, ReplicaId};
pub use collection::{CollectionKind, CollectionSpec, DeletePolicy, SpecError, Writers};
pub use document::{DocumentId, DocumentIdError, DocumentKey};
