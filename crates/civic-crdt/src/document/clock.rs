//! What the ancestors of a node hold of each replica.
//!
//! Few clocks are kept: those of nodes that join others, and every [`STRIDE`]th in a row. Between them a
//! node's clock is the nearest one before it and what stands on the way.

use civic_types::ReplicaId;
use civic_types::time::Stamp;

use super::graph::{Graph, Node, NodeId};

/// The greatest dot and stamp of a replica among some versions.
pub(super) type Last = (u64, Stamp);

/// What is kept of one replica, its stamp packed.
#[derive(Clone, Copy, Debug)]
struct Seen {
    replica: u32,
    dot: u64,
    stamp: u64,
}

/// The clocks that are kept, ascending by node, each ascending by replica; a node's own dots are not in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Clocks(Vec<(NodeId, Box<[Seen]>)>);

/// A clock has more replicas than are kept: ask the ancestors themselves.
#[derive(Debug)]
pub(super) struct TooWide;

impl Graph {
    /// The greatest dot and stamp of a replica among these nodes and their ancestors.
    pub(super) fn seen(&self, from: &[NodeId], replica: &ReplicaId) -> Option<Last> {
        let number = self.replica_number(replica)?;
        self.counted(from, number).unwrap_or_else(|TooWide| self.looked_up(from, number))
    }

    /// As [`seen`](Self::seen), if clocks tell.
    pub(super) fn counted(&self, from: &[NodeId], replica: u32) -> Result<Option<Last>, TooWide> {
        let mut greatest = None;
        for id in from {
            greatest = later(greatest, self.counted_at(*id, replica)?);
        }
        Ok(greatest)
    }

    /// How many steps a node with these parents is behind a kept clock; 0 if its own is kept, needless
    /// without parents, or too wide.
    pub(super) fn keep_clock(&mut self, id: NodeId, parents: &[NodeId]) -> u8 {
        if parents.is_empty() {
            return 0;
        }
        if let [parent] = parents
            && let Some(node) = self.node(*parent)
            && node.behind + 1 < STRIDE
            && (node.behind > 0 || self.kept(*parent, node).is_ok())
        {
            return node.behind + 1;
        }
        if let Ok(clock) = self.join(parents) {
            self.clocks.0.push((id, clock));
        }
        0
    }

    fn counted_at(&self, mut id: NodeId, replica: u32) -> Result<Option<Last>, TooWide> {
        while let Some(node) = self.node(id) {
            // A replica's dots and stamps ascend along every line of ancestors.
            if node.replica == replica {
                return Ok(Some((node.last_dot(), node.stamp)));
            }
            match (node.behind, self.parents(node)) {
                (1.., [parent]) => id = *parent,
                _ => {
                    let clock = self.kept(id, node)?;
                    let at = clock.binary_search_by_key(&replica, |seen| seen.replica).ok();
                    let seen = at.and_then(|at| clock.get(at));
                    return Ok(seen.map(|seen| (seen.dot, Stamp::unpack(seen.stamp))));
                }
            }
        }
        Ok(None)
    }

    /// As [`seen`](Self::seen), from the ancestors.
    fn looked_up(&self, from: &[NodeId], replica: u32) -> Option<Last> {
        let writer = self.writer(replica)?;
        let first = writer.versions.iter().min().copied()?;
        let mut greatest = None;
        let mut descent = self.descent(from);
        while let Some(node) = descent.next_from(first).and_then(|id| self.node(id)) {
            if node.replica == replica {
                greatest = later(greatest, Some((node.last_dot(), node.stamp)));
                if !writer.forked {
                    break;
                }
            }
        }
        greatest
    }

    /// The clock that is kept of a node that is not behind one.
    fn kept(&self, id: NodeId, node: &Node) -> Result<&[Seen], TooWide> {
        let clocks = &self.clocks.0;
        match clocks.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => clocks.get(at).map(|(_, clock)| &**clock).ok_or(TooWide),
            Err(_) if self.parents(node).is_empty() => Ok(&[]),
            Err(_) => Err(TooWide),
        }
    }

    /// The clock of a node with these parents.
    fn join(&self, parents: &[NodeId]) -> Result<Box<[Seen]>, TooWide> {
        let mut joined: Vec<Seen> = Vec::new();
        for parent in parents {
            let mut id = *parent;
            while let Some(node) = self.node(id) {
                let own = Seen { replica: node.replica, dot: node.last_dot(), stamp: node.stamp.pack() };
                raise(&mut joined, own);
                match (node.behind, self.parents(node)) {
                    (1.., [parent]) => id = *parent,
                    _ => {
                        self.kept(id, node)?.iter().for_each(|seen| raise(&mut joined, *seen));
                        break;
                    }
                }
            }
            if joined.len() > MAX_KEPT_CLOCK {
                return Err(TooWide);
            }
        }
        Ok(joined.into())
    }
}

fn raise(clock: &mut Vec<Seen>, seen: Seen) {
    match clock.binary_search_by_key(&seen.replica, |seen| seen.replica) {
        Ok(at) => {
            if let Some(held) = clock.get_mut(at) {
                held.dot = held.dot.max(seen.dot);
                held.stamp = held.stamp.max(seen.stamp);
            }
        }
        Err(at) => clock.insert(at, seen),
    }
}

/// The greater of each part.
fn later(a: Option<Last>, b: Option<Last>) -> Option<Last> {
    match (a, b) {
        (Some((dot, stamp)), Some((other_dot, other_stamp))) => {
            Some((dot.max(other_dot), stamp.max(other_stamp)))
        }
        (a, b) => a.or(b),
    }
}

/// Most steps to a kept clock: long enough that clocks cost little beside nodes, and quickly walked.
const STRIDE: u8 = 64;

/// Replicas that a kept clock may hold; with more the ancestors are asked instead, so that a document with
/// thousands of writers costs time and not memory.
const MAX_KEPT_CLOCK: usize = 64;
