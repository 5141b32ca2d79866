#![warn(clippy::indexing_slicing)]

use civic_transport::peer::MAX_BINDINGS;
use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::{CollectionId, ReplicaId};

use super::decode::{exactly, range};
use crate::reconcile::Fingerprint;
use crate::table::Cursor;

/// Most communities that a device is a member of, and most proofs in a frame: one for each and binding.
pub const MAX_PROOFS: usize = 16;
pub(super) const MAX_FRAME_PROOFS: usize = MAX_PROOFS * MAX_BINDINGS;

/// Most collections of one session.
pub const MAX_SCOPES: usize = 1024;

/// Most heads of logs in a frame: above this, items are compared.
pub const MAX_HEADS: usize = 256;

/// Bytes of a CID's hash in a [`LogHead`].
pub const CID_PREFIX: usize = 8;

/// The first 16 bytes of a fingerprint or summary: enough to look for what differs. What is equal is judged by
/// the whole fingerprint.
pub type Tag = [u8; 16];

/// Which scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeName {
    /// By its id.
    Collection(CollectionId),
    /// From the leader: by its place in the follower's list.
    Place(u64),
}

/// The state of one scope at one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeFrame {
    /// The scope.
    pub name: ScopeName,
    /// Items.
    pub count: u64,
    /// Authors' logs.
    pub logs: u64,
    /// The beginning of their fingerprint.
    pub fingerprint: Tag,
    /// What the sender has consumed of the receiver's arrival log.
    pub consumed: Option<Cursor>,
    /// From the leader: whether it can push what the follower lacks without ids, because the follower's cursor
    /// holds in the leader's log or one of them has nothing.
    pub verified: bool,
}

/// How a differing scope is reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Both push what came after the other's cursor.
    Suffix,
    /// By the heads of authors' logs.
    Heads,
    /// By a list of short ids.
    List,
    /// By coded symbols of short ids.
    Symbols,
}

/// How far an author's log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// Whose log.
    pub replica: ReplicaId,
    /// The position of its newest version.
    pub position: u64,
    /// The beginning of that version's hash.
    pub cid: [u8; CID_PREFIX],
}

impl ScopeFrame {
    pub(super) fn encode_into(&self, out: &mut Encoder) {
        out.array(6);
        match &self.name {
            ScopeName::Collection(collection) => out.bytes(collection.as_bytes()),
            ScopeName::Place(place) => out.uint(*place),
        };
        out.uint(self.count).uint(self.logs).bytes(&self.fingerprint);
        match self.consumed {
            Some(cursor) => cursor.encode_into(out),
            None => {
                out.null();
            }
        }
        out.bool(self.verified);
    }

    pub(super) fn decode(input: &mut Decoder<'_>) -> Result<Self, cbor::Error> {
        exactly(input, 6)?;
        let name = if input.at_bytes() {
            ScopeName::Collection(CollectionId::from_bytes(input.byte_array()?))
        } else {
            ScopeName::Place(input.uint()?)
        };
        let (count, logs, fingerprint) = (input.uint()?, input.uint()?, input.byte_array()?);
        let consumed = if input.try_null() { None } else { Some(Cursor::decode_from(input)?) };
        Ok(Self { name, count, logs, fingerprint, consumed, verified: input.bool()? })
    }
}

impl LogHead {
    pub(super) fn encode_into(&self, out: &mut Encoder) {
        out.array(3).bytes(self.replica.as_bytes()).uint(self.position).bytes(&self.cid);
    }

    pub(super) fn decode(input: &mut Decoder<'_>) -> Result<Self, cbor::Error> {
        exactly(input, 3)?;
        let replica = ReplicaId::from_bytes(input.byte_array()?);
        Ok(Self { replica, position: input.uint()?, cid: input.byte_array()? })
    }
}

impl Mode {
    pub(super) const fn code(self) -> u64 {
        match self {
            Self::Suffix => 0,
            Self::Heads => 1,
            Self::List => 2,
            Self::Symbols => 3,
        }
    }

    pub(super) fn decode(input: &mut Decoder<'_>) -> Result<Self, cbor::Error> {
        match input.uint()? {
            0 => Ok(Self::Suffix),
            1 => Ok(Self::Heads),
            2 => Ok(Self::List),
            3 => Ok(Self::Symbols),
            _ => Err(range(input)),
        }
    }
}

/// The beginning of a fingerprint.
pub(in crate::session) fn tag(fingerprint: &Fingerprint) -> Tag {
    fingerprint.first_chunk().copied().unwrap_or_default()
}
