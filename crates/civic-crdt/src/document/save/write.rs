use civic_types::HashAlgorithm;
use civic_types::cbor::Encoder;
use civic_types::id::DeletePolicy;
use civic_types::value::Int;

use super::{CHECKSUM_BYTES, FORMAT, body};
use crate::document::{BodyState, Document};

impl Document {
    /// The whole document but its bodies, for [`open`](Self::open); its checkpoints are not in it.
    ///
    /// Takes time and room in proportion to the versions and what is live, less than 50 bytes a version. Whoever
    /// keeps it beside the versions inserted since need not write it anew each time: once those are at least
    /// 64 ([`len`](Self::len) tells) and their bytes are more than the saved ones, writing costs no more
    /// than they did.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let mut bytes = self.encode();
        let checksum = HashAlgorithm::Blake3.digest(&bytes);
        bytes.extend(checksum.iter().take(CHECKSUM_BYTES));
        bytes
    }

    /// The saved document without its checksum, which bytes that are named by their CID need not.
    pub(in crate::document) fn encode(&self) -> Vec<u8> {
        let graph = &self.graph;
        let mut out = Encoder::with_capacity(graph.nodes().len().saturating_mul(56));
        out.array(9).uint(FORMAT).uint(policy_code(self.policy)).uint(u64::from(self.hash.code()));
        match &self.key {
            Some(key) => out.array(2).bytes(key.collection.as_bytes()).text(key.document.as_str()),
            None => out.null(),
        };
        out.uint(u64::from(self.floor)).array(graph.writers().len());
        for replica in graph.writers() {
            out.bytes(replica.as_bytes());
        }
        let digests = graph.nodes().iter().filter_map(|node| node.cid.digest());
        out.bytes(&digests.flatten().copied().collect::<Vec<u8>>());
        self.write_versions(&mut out);
        self.fields.write(&mut out);
        out.into_bytes()
    }

    fn write_versions(&self, out: &mut Encoder) {
        let graph = &self.graph;
        let mut last_dots = vec![0_u64; graph.writers().len()];
        let mut millis = 0;
        out.array(graph.nodes().len());
        for (id, node) in graph.ids() {
            let last_dot = last_dots.get(node.replica as usize).copied().unwrap_or_default();
            out.array(8).uint(u64::from(node.replica)).uint(node.position);
            out.int(difference(node.first_dot, last_dot.saturating_add(1))).uint(node.operations());
            out.int(difference(node.stamp.millis, millis)).uint(u64::from(node.stamp.counter));
            let parents = graph.parents(node);
            out.array(parents.len());
            for parent in parents {
                out.uint(u64::from(id - parent));
            }
            out.uint(match node.body {
                BodyState::Missing => body::MISSING,
                BodyState::Readable(_) | BodyState::Stored => body::FOLDED,
                BodyState::Unreadable => body::UNREADABLE,
            });
            millis = node.stamp.millis;
            if let Some(last) = last_dots.get_mut(node.replica as usize) {
                *last = last_dot.max(node.last_dot());
            }
        }
    }
}

const fn policy_code(policy: DeletePolicy) -> u64 {
    match policy {
        DeletePolicy::AddWins => 1,
        DeletePolicy::Lww => 0,
    }
}

fn difference(to: u64, from: u64) -> Int {
    Int::try_from(i128::from(to) - i128::from(from)).unwrap_or_default()
}
