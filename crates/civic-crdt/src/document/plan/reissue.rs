//! Void versions, written anew.

use bytes::Bytes;
use civic_types::ReplicaId;

use super::Plan;
use crate::clock::Dot;
use crate::document::Document;
use crate::document::fold::{Deletion, Insertion};
use crate::version::{Body, BodyError, Code, Kind, Operation, Version};

/// Writes anew what a device had written while the others pruned without it: its versions are void, because
/// they have not seen the snapshot.
///
/// Each becomes one version more, on the document that was opened from the snapshot, with the same
/// operations. What they end and where they stand in texts and lists is meant as it was, whatever the others
/// wrote meanwhile; of what the snapshot no longer holds there is nothing left to end.
#[derive(Clone, Debug, Default)]
pub struct Reissue(Vec<Renamed>);

/// The dots of a void version, and where they begin in its place.
#[derive(Clone, Copy, Debug)]
struct Renamed {
    first: Dot,
    operations: u64,
    now: Dot,
}

impl Reissue {
    /// Plans the version of `replica` that says again what a void one said, whose body in clear this is. They
    /// are written and [told](Self::written) one by one, parents before their children.
    ///
    /// # Errors
    ///
    /// [`BodyError`]: the body is a no-op, and needs no version in its place.
    pub fn plan(
        &self,
        document: &Document,
        replica: ReplicaId,
        void: &Version,
        body: &Bytes,
    ) -> Result<Plan, BodyError> {
        let mut operations = Body::decode(body)?.operations;
        if u64::try_from(operations.len()) != Ok(void.header().operations) {
            return Err(BodyError::Operations);
        }
        // Inserts may stand on others of the same version.
        let now = Dot { replica, number: document.max_dot(&replica).saturating_add(1) };
        let mut names = self.clone();
        names.0.push(Renamed { first: void.header().dot(0), operations: void.header().operations, now });
        for operation in &mut operations {
            operation.kills.iter_mut().for_each(|dot| *dot = names.renamed(*dot));
            operation.kills.sort_unstable();
            names.rename_argument(operation, void.header().replica);
        }
        Ok(Plan { operations, changes: true })
    }

    /// Notes which version stands in a void one's place.
    pub fn written(&mut self, void: &Version, version: &Version) {
        let (void, header) = (void.header(), version.header());
        self.0.push(Renamed { first: void.dot(0), operations: void.operations, now: header.dot(0) });
    }

    fn renamed(&self, dot: Dot) -> Dot {
        let renamed = self.0.iter().find_map(|renamed| {
            let index = dot.number.checked_sub(renamed.first.number)?;
            let inside = dot.replica == renamed.first.replica && index < renamed.operations;
            inside.then(|| Dot { number: renamed.now.number.saturating_add(index), ..renamed.now })
        });
        renamed.unwrap_or(dot)
    }

    /// Texts and lists name dots in arguments; a plan names every replica in full.
    fn rename_argument(&self, operation: &mut Operation, writer: ReplicaId) {
        let kind = Kind::from_number(operation.kind).filter(|kind| kind.is_sequence());
        match (kind, Code::from_number(operation.code)) {
            (Some(kind), Some(Code::Put)) => {
                if let Some(mut insertion) = Insertion::read(kind, &operation.argument, writer) {
                    insertion.anchor = insertion.anchor.map(|(dot, offset)| (self.renamed(dot), offset));
                    operation.argument = insertion.write(None);
                }
            }
            (Some(_), Some(Code::Delete)) => {
                if let Some(mut ranges) = Deletion::read_all(&operation.argument, writer) {
                    ranges.iter_mut().for_each(|range| range.insert = self.renamed(range.insert));
                    operation.argument = Deletion::write_all(&ranges, None);
                }
            }
            _ => {}
        }
    }
}
