//! Pruning: what every member has folded need not be kept as single versions any more.
//!
//! A member that holds a collection whole computes its index root (the frontier) and its snapshot and says
//! so in a [`Prune`]. Once every current member has said the same ([`complete`]), nobody can write anything
//! that has not seen the frontier, so the versions below it may go; a document goes on from its
//! [snapshot](crate::Document::snapshot). A silent member holds pruning up: to go on without it, it must be
//! removed first, by a signed decision and never by a timeout.
#![warn(clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::cid::{DAG_CBOR, RAW};
use civic_types::{Cid, CollectionId, HashAlgorithm, PublicKey};

/// One member's word that it holds everything up to a frontier and knows what it adds up to (item kind 4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prune {
    /// `by`: the member; its signature stands beside the item.
    pub by: PublicKey,
    /// `c`: the collection.
    pub collection: CollectionId,
    /// `f`: the root of the collection's index at the frontier.
    pub frontier: Cid,
    /// `m`: the block that lists the [`Members`].
    pub members: Cid,
    /// `s`: the root of the index whose rows hold, in place of heads, the CID of each document's snapshot.
    pub snapshot: Cid,
}

impl Prune {
    /// The canonical bytes of the item.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.map(6).text("c").bytes(self.collection.as_bytes()).text("f").link(&self.frontier);
        out.text("m").link(&self.members).text("s").link(&self.snapshot).text("v").uint(FORMAT_VERSION);
        out.text("by").bytes(self.by.as_bytes());
        out.into_bytes()
    }

    /// Reads an item of a collection with this hash.
    ///
    /// # Errors
    ///
    /// [`PruneError`]: nobody may admit it.
    pub fn decode(bytes: &[u8], hash: HashAlgorithm) -> Result<Self, PruneError> {
        let input = &mut Decoder::new(bytes);
        if input.map()? != 6 {
            return Err(PruneError::Shape);
        }
        let collection = key(input, "c").and_then(|()| Ok(CollectionId::from_bytes(input.byte_array()?)))?;
        let frontier = key(input, "f").and_then(|()| link(input, DAG_CBOR, hash))?;
        let members = key(input, "m").and_then(|()| link(input, RAW, hash))?;
        let snapshot = key(input, "s").and_then(|()| link(input, DAG_CBOR, hash))?;
        key(input, "v")?;
        if input.uint()? != FORMAT_VERSION {
            return Err(PruneError::Shape);
        }
        let by = key(input, "by").and_then(|()| Ok(PublicKey::from_bytes(input.byte_array()?)))?;
        input.clone().finish()?;
        Ok(Self { by, collection, frontier, members, snapshot })
    }
}

/// Whose word pruning needs: the devices that are members, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members(BTreeSet<PublicKey>);

impl Members {
    /// These devices.
    ///
    /// # Errors
    ///
    /// [`PruneError::Members`] for none, or more than [`MAX_MEMBERS`].
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self, PruneError> {
        let keys: BTreeSet<_> = keys.into_iter().take(MAX_MEMBERS + 1).collect();
        if keys.is_empty() || keys.len() > MAX_MEMBERS { Err(PruneError::Members) } else { Ok(Self(keys)) }
    }

    /// Ascending.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }

    /// The bytes of the block that lists them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(self.0.len());
        for key in &self.0 {
            out.bytes(key.as_bytes());
        }
        out.into_bytes()
    }

    /// Reads the block.
    ///
    /// # Errors
    ///
    /// [`PruneError`] unless it lists 1..=[`MAX_MEMBERS`] keys, strictly ascending.
    pub fn decode(bytes: &[u8]) -> Result<Self, PruneError> {
        let mut input = Decoder::new(bytes);
        let count = input.array()?;
        let mut keys = Vec::new();
        for _ in 0..count.min(MAX_MEMBERS + 1) {
            let key = PublicKey::from_bytes(input.byte_array()?);
            if keys.last().is_some_and(|last| *last >= key) {
                return Err(PruneError::Members);
            }
            keys.push(key);
        }
        let members = Self::new(keys)?;
        input.finish()?;
        Ok(members)
    }

    /// The link of the block in a collection with this hash.
    #[must_use]
    pub fn link(&self, hash: HashAlgorithm) -> Cid {
        Cid::raw(hash, &self.encode())
    }
}

/// The prunings of one collection on which every current member has agreed, ascending; one word of each.
///
/// `items` are admitted ones: their signatures hold. A pruning that other members than `members` were asked
/// for is none, so who joins later is not passed over, and who was removed cannot hold anything up.
#[must_use]
pub fn complete<'a>(
    items: impl IntoIterator<Item = &'a Prune>,
    collection: &CollectionId,
    members: &Members,
    hash: HashAlgorithm,
) -> Vec<&'a Prune> {
    let block = members.link(hash);
    let mut words: BTreeMap<(&Cid, &Cid), BTreeMap<PublicKey, &Prune>> = BTreeMap::new();
    for item in items.into_iter().filter(|item| item.collection == *collection && item.members == block) {
        words.entry((&item.frontier, &item.snapshot)).or_default().insert(item.by, item);
    }
    let agreed = words.into_values().filter(|words| members.iter().all(|key| words.contains_key(key)));
    agreed.filter_map(|words| words.into_values().next()).collect()
}

/// Most members of a collection that prunes: their list is one small block.
pub const MAX_MEMBERS: usize = 4096;

/// Why bytes are no word on pruning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// Not canonical, or a part of another type.
    #[error("the item is not canonical or a part has another type")]
    Cbor(#[from] cbor::Error),
    /// A link with another codec or hash than it should have.
    #[error("a link has another codec or hash than the collection's")]
    Link,
    /// No members, too many, or not strictly ascending.
    #[error("members are 1..={MAX_MEMBERS} keys, strictly ascending")]
    Members,
    /// Other keys or another version of the format.
    #[error("the item has other keys or another version")]
    Shape,
}

const FORMAT_VERSION: u64 = 1;

fn key(input: &mut Decoder<'_>, name: &str) -> Result<(), PruneError> {
    if input.text()? == name { Ok(()) } else { Err(PruneError::Shape) }
}

fn link(input: &mut Decoder<'_>, codec: u64, hash: HashAlgorithm) -> Result<Cid, PruneError> {
    let link = input.link()?;
    if link.is(codec, hash) { Ok(link) } else { Err(PruneError::Link) }
}
