//! Sync frames: canonical CBOR arrays, at most 256 KiB, the first element saying which.

mod decode;
mod encode;
mod parts;

pub(super) use parts::tag;
pub use parts::{CID_PREFIX, LogHead, MAX_HEADS, MAX_PROOFS, MAX_SCOPES, Mode, ScopeFrame, ScopeName, Tag};

use bytes::Bytes;
use civic_types::{Cid, CollectionId};

use crate::reconcile::Fingerprint;
use crate::table::Cursor;

/// The protocol's version, in [`Frame::Proof`].
pub const PROTOCOL: u64 = 1;

/// What two devices say to each other.
///
/// Within a round a scope is a number: its place in the leader's [`Scopes`](Self::Scopes), first `scopes`, then
/// `wanted`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// 0: proofs of membership, one for each community and channel binding, in no telling order.
    Proof(Vec<[u8; 32]>),
    /// 1: the follower asks for a round that starts after this.
    Nudge {
        /// Counts the follower's nudges.
        token: u64,
    },
    /// 2: starts a round, or answers that start when the summaries are equal; scopes answer it when not.
    Hello {
        /// The round.
        round: u64,
        /// The last nudge that came before.
        token: u64,
        /// A hash over all shared scopes.
        summary: Tag,
    },
    /// 3: the state of scopes; from the follower all, from the leader those that differ.
    Scopes {
        /// The round.
        round: u64,
        /// The scopes.
        scopes: Vec<ScopeFrame>,
        /// Definitions that the other does not have.
        definitions: Vec<Bytes>,
        /// Collections whose definition is asked for.
        wanted: Vec<CollectionId>,
    },
    /// 4: the follower says how each differing scope is reconciled, and gives the definitions asked for.
    Modes {
        /// The round.
        round: u64,
        /// The scopes.
        modes: Vec<(u64, Mode)>,
        /// Definitions asked for.
        definitions: Vec<Bytes>,
    },
    /// 5: short ids of the leader's items, ascending over all parts.
    List {
        /// The round.
        round: u64,
        /// The scope.
        scope: u64,
        /// [`Prefixes`](crate::reconcile::Prefixes).
        ids: Bytes,
        /// Whether this is the last part.
        last: bool,
    },
    /// 6: coded symbols of the leader's items.
    Symbols {
        /// The round.
        round: u64,
        /// The scope.
        scope: u64,
        /// Number of the first symbol.
        start: u64,
        /// 9 bytes each.
        symbols: Bytes,
    },
    /// 7: the follower needs more symbols.
    More {
        /// The round.
        round: u64,
        /// The scope.
        scope: u64,
        /// How many; 0 asks for a list instead.
        count: u64,
    },
    /// 8: the items that the follower lacks.
    Want {
        /// The round.
        round: u64,
        /// The scope.
        scope: u64,
        /// Which.
        wanted: Wanted,
    },
    /// 9: versions.
    Data {
        /// The round.
        round: u64,
        /// The scope.
        scope: u64,
        /// A pack; none when there is nothing to send.
        pack: Option<Bytes>,
        /// Whether the sender has no more for this scope in this round.
        last: bool,
    },
    /// 10: one data frame of that scope has been imported.
    Ack {
        /// The round.
        round: u64,
        /// The scope.
        scope: u64,
    },
    /// 11: the scopes as they are after all of the other's data.
    Done {
        /// The round.
        round: u64,
        /// The differing scopes with their state now.
        scopes: Vec<(u64, Fingerprint, Cursor)>,
    },
    /// 12: the round is given up.
    Abort {
        /// The round.
        round: u64,
    },
    /// 13: asks for a block from an offset.
    WantBlock {
        /// The collection.
        collection: CollectionId,
        /// The block.
        block: Cid,
        /// From where.
        offset: u64,
    },
    /// 14: part of a block.
    Block {
        /// The collection.
        collection: CollectionId,
        /// The block.
        block: Cid,
        /// From where.
        offset: u64,
        /// Its whole length; 0 when it is not here.
        total: u64,
        /// The part.
        bytes: Bytes,
    },
    /// 15: the newest version of each author's log, as the leader has them.
    Heads {
        /// The round.
        round: u64,
        /// The scope.
        scope: u64,
        /// [`Prefixes`](crate::reconcile::Prefixes) of [`head_id`](crate::reconcile::head_id)s.
        ids: Bytes,
    },
    /// 16: how far logs go that differ.
    Logs {
        /// The round.
        round: u64,
        /// The scope.
        scope: u64,
        /// From the follower: of the leader's heads, in their order, those that it does not have; one bit
        /// each, most significant first.
        wanted: Bytes,
        /// Heads that the other does not have.
        logs: Vec<LogHead>,
    },
}

/// Which of the leader's items the follower lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Of the leader's list, one bit each, most significant first.
    Bits(Bytes),
    /// [`Prefixes`](crate::reconcile::Prefixes) of short ids; whatever has such a prefix is meant.
    Ids(Bytes),
}

impl Frame {
    /// The round that it belongs to, if it belongs to one.
    #[must_use]
    pub const fn round(&self) -> Option<u64> {
        match self {
            Self::Hello { round, .. }
            | Self::Scopes { round, .. }
            | Self::Modes { round, .. }
            | Self::List { round, .. }
            | Self::Symbols { round, .. }
            | Self::More { round, .. }
            | Self::Want { round, .. }
            | Self::Data { round, .. }
            | Self::Ack { round, .. }
            | Self::Done { round, .. }
            | Self::Heads { round, .. }
            | Self::Logs { round, .. }
            | Self::Abort { round } => Some(*round),
            Self::Proof(_) | Self::Nudge { .. } | Self::WantBlock { .. } | Self::Block { .. } => None,
        }
    }

    /// The number of the scope that it is about, if it is about one.
    #[must_use]
    pub const fn scope(&self) -> Option<u64> {
        match self {
            Self::List { scope, .. }
            | Self::Symbols { scope, .. }
            | Self::More { scope, .. }
            | Self::Want { scope, .. }
            | Self::Data { scope, .. }
            | Self::Ack { scope, .. }
            | Self::Heads { scope, .. }
            | Self::Logs { scope, .. } => Some(*scope),
            _ => None,
        }
    }

    /// Whether it moves data, and does not only find out which.
    #[must_use]
    pub const fn is_data(&self) -> bool {
        matches!(self, Self::Data { .. } | Self::Ack { .. } | Self::Block { .. })
    }
}
