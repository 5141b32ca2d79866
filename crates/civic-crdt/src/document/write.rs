//! From a plan to a version: parents, dots, header and, for a long body, its block.

use bytes::Bytes;
use civic_types::limits::{MAX_BLOCK_BYTES, MAX_INLINE_BODY_BYTES, MAX_PARENTS};
use civic_types::time::Stamp;
use civic_types::{Cid, DocumentKey, ReplicaId};

use super::ancestry::NodeSet;
use super::fold::{named_inserts, shorten};
use super::graph::NodeId;
use super::{BodyState, Document, Plan};
use crate::clock::Dot;
use crate::version::{Body, BodyRef, Code, Header, HeaderError, Operation, Rules, Version};

/// Parents that a version names although its kills do not need them: enough to bring scattered heads
/// together, few enough to keep headers small.
pub const PREFERRED_PARENTS: usize = 8;

/// The writer's place in its own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Who writes.
    pub replica: ReplicaId,
    /// The next position in the replica's log of the collection, from 1.
    pub position: u64,
    /// The replica's version before it in the collection; none at position 1.
    pub previous: Option<Cid>,
    /// When.
    pub stamp: Stamp,
}

/// A new version, not yet signed nor inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenVersion {
    /// The version.
    pub version: Version,
    /// The block that holds the body, if it is too long for the header.
    pub block: Option<Bytes>,
}

impl WrittenVersion {
    /// The body, as [`Document::insert`] takes it.
    #[must_use]
    pub fn body(&self) -> BodyState {
        self.block
            .as_ref()
            .map_or_else(|| BodyState::of(&self.version), |block| BodyState::Readable(block.clone()))
    }
}

/// Builds the version that a plan makes of `document`.
///
/// Parents are heads: those that include the replica's previous version of the document, every version
/// that a text or list grows on and every version whose operations the plan ends, then further ones up to
/// [`PREFERRED_PARENTS`], never more than 64. An ending that would need more is left out: that operation
/// stays beside the new one until the next write.
///
/// # Errors
///
/// [`WriteError`]: the stamp is not after the replica's last, the body is too long, texts and lists grow on
/// more than 64 heads, or the author's place is contradictory.
pub fn write(
    document: &Document,
    key: &DocumentKey,
    plan: &Plan,
    author: &Author,
    group: Option<(u64, u64)>,
    rules: &Rules,
) -> Result<WrittenVersion, WriteError> {
    let mut operations = plan.operations.clone();
    let parents = choose_parents(document, &author.replica, &mut operations)?;
    operations.iter_mut().for_each(|operation| shorten(operation, author.replica));
    let seen = document.graph.seen(&parents, &author.replica);
    if let Some((_, last)) = seen.filter(|(_, last)| author.stamp <= *last) {
        return Err(WriteError::Stamp { got: author.stamp, last });
    }
    let count = u64::try_from(operations.len()).unwrap_or(u64::MAX);
    let body = Bytes::from(Body::new(operations).encode());
    if body.len() > MAX_BLOCK_BYTES {
        return Err(WriteError::TooLarge { got: body.len() });
    }
    let inline = body.len() <= MAX_INLINE_BODY_BYTES;
    let mut cids: Vec<Cid> = parents.iter().filter_map(|id| document.graph.cid(*id)).cloned().collect();
    cids.sort();
    let header = Header {
        auth: None,
        body: if inline { BodyRef::Inline(body.clone()) } else { BodyRef::Link(Cid::raw(rules.hash, &body)) },
        collection: key.collection,
        document: key.document.clone(),
        group,
        position: author.position,
        operations: count,
        parents: cids,
        previous: author.previous.clone(),
        replica: author.replica,
        first_dot: seen.map_or(0, |(dot, _)| dot) + 1,
        stamp: author.stamp,
    };
    let version = Version::build(header, rules)?;
    Ok(WrittenVersion { version, block: (!inline).then_some(body) })
}

/// Why no version could be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The author's place or the plan breaks a rule of headers.
    #[error("the version would break a rule")]
    Header(#[from] HeaderError),
    /// New elements of texts and lists stand beside elements of more heads than a version can have parents.
    #[error("the changes grow on more than {MAX_PARENTS} heads")]
    Parents,
    /// The clock gave a stamp that the replica has used or passed.
    #[error("the stamp {got:?} is not after the replica's last, {last:?}")]
    Stamp {
        /// Stamp given.
        got: Stamp,
        /// The replica's last in the document.
        last: Stamp,
    },
    /// The operations do not fit a block.
    #[error("the body has {got} bytes, more than {MAX_BLOCK_BYTES}")]
    TooLarge {
        /// Bytes needed.
        got: usize,
    },
}

/// Picks the parents and leaves out the kills that they do not cover.
fn choose_parents(
    document: &Document,
    replica: &ReplicaId,
    operations: &mut [Operation],
) -> Result<Vec<NodeId>, WriteError> {
    let graph = &document.graph;
    let heads = graph.heads();
    if heads.len() <= PREFERRED_PARENTS {
        return Ok(heads.to_vec());
    }
    let anchors: Vec<Dot> =
        operations.iter().filter(|op| op.code == Code::Put.number()).flat_map(named_inserts).collect();
    let deleted: Vec<Dot> =
        operations.iter().filter(|op| op.code == Code::Delete.number()).flat_map(named_inserts).collect();
    let own = graph.versions_of(*replica).collect::<Vec<_>>();
    let mut chosen: Vec<NodeId> = Vec::new();
    let mut covered = NodeSet::default();
    let mut open: Vec<NodeId> = heads.to_vec();
    let mut cover = |wanted: NodeId, chosen: &mut Vec<NodeId>| {
        if covered.contains(wanted) || chosen.len() >= MAX_PARENTS {
            return;
        }
        let Some(at) = open.iter().position(|head| graph.covers(*head, wanted)) else { return };
        let head = open.remove(at);
        chosen.push(head);
        covered = graph.walk(chosen);
    };
    own.iter().rev().for_each(|id| cover(*id, &mut chosen));
    let kills = operations.iter().flat_map(|operation| &operation.kills);
    for dot in anchors.iter().chain(kills).chain(&deleted) {
        named(document, dot.replica, dot.number).for_each(|id| cover(id, &mut chosen));
    }
    for head in heads {
        if chosen.len() < PREFERRED_PARENTS && !chosen.contains(head) {
            chosen.push(*head);
        }
    }
    let covered = graph.walk(&chosen);
    let is_covered = |dot: &Dot| named(document, dot.replica, dot.number).all(|id| covered.contains(id));
    if !anchors.iter().all(is_covered) {
        return Err(WriteError::Parents);
    }
    for operation in operations {
        operation.kills.retain(|dot| named(document, dot.replica, dot.number).any(|id| covered.contains(id)));
    }
    Ok(chosen)
}

/// All versions with an operation of this dot.
fn named(document: &Document, replica: ReplicaId, number: u64) -> impl Iterator<Item = NodeId> + '_ {
    let graph = &document.graph;
    let writer = graph.replica_number(&replica).and_then(|number| graph.writer(number));
    writer.into_iter().flat_map(move |writer| graph.named(writer, number))
}
