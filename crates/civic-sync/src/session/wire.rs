use std::sync::Arc;

use bytes::Bytes;
use civic_crypto::community::CommunityKey;
use civic_types::{Cid, CollectionId, CommunityId, ReplicaId};

use super::frame::{CID_PREFIX, LogHead};
use crate::reconcile::{Fingerprint, Prefixes, ShortId, Sketch};
use crate::table::Cursor;

/// What a session is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input {
    /// What both ends of the connection and nobody else can know has become more: another link was found.
    Bindings(Vec<[u8; 32]>),
    /// Something was written or imported here: a round is wanted.
    Changed,
    /// The communities that this device is a member of; also the first input of a session.
    Communities(Vec<(CommunityId, CommunityKey)>),
    /// Definitions were taken ([`Output::Define`]).
    Defined {
        /// Those that this software cannot follow.
        declined: Vec<CollectionId>,
    },
    /// A frame from the peer.
    Frame(Bytes),
    /// The newest versions of a scope's logs, ascending by their short ids ([`Output::ListHeads`]).
    Heads {
        /// The scope.
        collection: CollectionId,
        /// Its logs.
        heads: Arc<[NewestOf]>,
    },
    /// Short ids of a scope, ascending ([`Output::ListIds`]).
    Ids {
        /// The scope.
        collection: CollectionId,
        /// Its ids.
        ids: Arc<[ShortId]>,
    },
    /// A pack was imported ([`Output::Import`]) or refused.
    Imported {
        /// The scope.
        collection: CollectionId,
        /// How many versions were new; `None` if the pack was refused.
        admitted: Option<usize>,
    },
    /// The next pack of a push ([`Output::Load`]).
    Loaded {
        /// The scope.
        collection: CollectionId,
        /// The pack, if there was anything.
        pack: Option<Bytes>,
        /// Whether there is more.
        more: bool,
    },
    /// Somebody asks for a round that starts from now on; the id comes back in [`Outcome::requests`].
    Request(u64),
    /// The sketch of a scope ([`Output::Sketch`]).
    Sketch {
        /// The scope.
        collection: CollectionId,
        /// Its symbols.
        sketch: Arc<Sketch>,
    },
    /// The scopes as they are ([`Output::Summarise`]), ascending by collection.
    Summary(Vec<ScopeView>),
    /// Time has passed.
    Tick,
}

/// One scope here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeView {
    /// The scope.
    pub collection: CollectionId,
    /// Its community.
    pub community: CommunityId,
    /// Its definition.
    pub definition: Bytes,
    /// Items.
    pub count: u64,
    /// Authors' logs.
    pub logs: u64,
    /// Their fingerprint.
    pub fingerprint: Fingerprint,
    /// The end of our arrival log.
    pub end: Cursor,
    /// What we have consumed of the peer's log.
    pub consumed: Option<Cursor>,
    /// Of the cursors asked about: whether it names a prefix of our log.
    pub verified: bool,
}

/// What a session wants done. Each but `Send`, `Remember`, `Finished`, `Misbehaved` and the blocks is
/// answered by the input named, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Take definitions of shared communities; answer [`Input::Defined`].
    Define(Vec<Bytes>),
    /// A round is over.
    Finished(Outcome),
    /// Import a pack into that scope and no other; answer [`Input::Imported`].
    Import {
        /// The scope.
        collection: CollectionId,
        /// The pack.
        pack: Bytes,
    },
    /// List the newest versions of a scope's logs; answer [`Input::Heads`].
    ListHeads(CollectionId),
    /// List the short ids of a scope; answer [`Input::Ids`].
    ListIds(CollectionId),
    /// Load the next pack of a push; answer [`Input::Loaded`].
    Load {
        /// The scope.
        collection: CollectionId,
        /// What the push is, when it starts; `None` goes on with the one before.
        start: Option<PushStart>,
    },
    /// The peer broke the protocol: close the connection and score it.
    Misbehaved(&'static str),
    /// Remember what was consumed of the peer's logs.
    Remember {
        /// The scopes that are equal, with the end of the peer's log.
        consumed: Vec<(CollectionId, Cursor)>,
        /// The scopes that are not: what was remembered of them is to be forgotten.
        unequal: Vec<CollectionId>,
    },
    /// Send a frame.
    Send(Bytes),
    /// Send part of a block, if it is here.
    SendBlock {
        /// The scope.
        collection: CollectionId,
        /// The block.
        block: Cid,
        /// From where.
        offset: u64,
    },
    /// Give the sketch of a scope; answer [`Input::Sketch`].
    Sketch(CollectionId),
    /// Look at all scopes of these communities, and check the peer's cursors; answer [`Input::Summary`].
    Summarise {
        /// The communities.
        communities: Vec<CommunityId>,
        /// The cursors.
        cursors: Vec<(CollectionId, Cursor)>,
    },
    /// Take part of a block that was asked for.
    TakeBlock {
        /// The scope.
        collection: CollectionId,
        /// The block.
        block: Cid,
        /// From where.
        offset: u64,
        /// Its whole length; 0 when the peer does not have it.
        total: u64,
        /// The part.
        bytes: Bytes,
    },
}

/// What is pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushStart {
    /// What arrived after that and did not come from the peer.
    After(u64),
    /// Everything: the peer has nothing.
    Everything,
    /// These items.
    Ids(Vec<ShortId>),
    /// What follows in these logs.
    Logs(Vec<LogRange>),
    /// The items whose short ids begin so.
    Prefixes(Prefixes),
}

/// Of a log: what follows that version, which the peer has; everything when it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRange {
    /// Whose log.
    pub replica: ReplicaId,
    /// Position and beginning of the hash of the peer's newest version.
    pub after: Option<(u64, [u8; CID_PREFIX])>,
}

/// The newest version of a log, with its short id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewestOf {
    /// Its short id.
    pub short: ShortId,
    /// What is said of it.
    pub head: LogHead,
}

/// How a round ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether all shared scopes were equal at its end.
    pub converged: bool,
    /// Versions that were new here.
    pub imported: usize,
    /// The requests that this answers.
    pub requests: Vec<u64>,
}
