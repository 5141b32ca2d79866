use std::collections::BTreeMap;

use civic_types::{CollectionId, ReplicaId};

use super::Version;

/// Which of these versions to commit together, as indices: a group that is here whole is one unit, every
/// other version one of its own. Units stand in the order of their last version.
///
/// A group is what its author committed together over several documents: consecutive positions of one log
/// that number themselves `[1, m]` to `[m, m]` (the header's `g`). It is a hint: versions are admitted one by
/// one whatever it says, and a group of which something is missing holds nobody up.
///
/// ```
/// # use civic_crdt::document::{Author, Document, write};
/// # use civic_crdt::version::{Rules, units};
/// # use civic_types::{CollectionId, DocumentId, DocumentKey, ReplicaId, time::Stamp, value};
/// # let (mut previous, mut versions) = (None, Vec::new());
/// # for position in 1..=3_u64 {
/// #     let document = Document::default();
/// #     let plan = document.put(&[], &value!({"n": position}))?;
/// #     let author = Author { replica: ReplicaId::from_bytes([1; 16]), position, previous, stamp: Stamp { millis: position, counter: 0 } };
/// #     let key = DocumentKey::new(CollectionId::from_bytes([2; 32]), DocumentId::new(format!("d{position}"))?);
/// #     let group = (position > 1).then(|| (position - 1, 2));
/// #     let written = write(&document, &key, &plan, &author, group, &Rules::default())?;
/// #     previous = Some(written.version.cid().clone());
/// #     versions.push(written.version);
/// # }
/// // The first stands alone; the second and third were committed together.
/// assert_eq!(units(&versions), [vec![0], vec![1, 2]]);
/// assert_eq!(units(&versions[..2]), [vec![0], vec![1]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn units(versions: &[Version]) -> Vec<Vec<usize>> {
    // Where a group begins in its log and how long it is; by place in the group, the first that claims it.
    let mut groups: BTreeMap<Place, BTreeMap<u64, usize>> = BTreeMap::new();
    for (at, version) in versions.iter().enumerate() {
        if let Some((place, number)) = place(version) {
            groups.entry(place).or_default().entry(number).or_insert(at);
        }
    }
    groups.retain(|place, members| u64::try_from(members.len()) == Ok(place.size));
    let mut units: Vec<Vec<usize>> = Vec::new();
    for (at, version) in versions.iter().enumerate() {
        let members = place(version).and_then(|(place, number)| {
            let members = groups.get(&place)?;
            (members.get(&number) == Some(&at)).then_some(members)
        });
        match members {
            // Its last member in the order given brings the group in.
            Some(members) if members.values().max() == Some(&at) => {
                units.push(members.values().copied().collect())
            }
            Some(_) => {}
            None => units.push(vec![at]),
        }
    }
    units
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    collection: CollectionId,
    replica: ReplicaId,
    first: u64,
    size: u64,
}

fn place(version: &Version) -> Option<(Place, u64)> {
    let header = version.header();
    let (number, size) = header.group?;
    let first = header.position.checked_sub(number - 1)?;
    Some((Place { collection: header.collection, replica: header.replica, first, size }, number))
}
