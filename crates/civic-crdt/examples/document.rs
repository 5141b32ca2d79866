//! Two neighbours change one document while they are apart, and merge.

use std::error::Error;

use civic_crdt::Document;
use civic_crdt::document::{Author, BodyState, Plan, write};
use civic_crdt::version::{Rules, Version};
use civic_types::time::Stamp;
use civic_types::{Cid, CollectionId, DocumentId, DocumentKey, FieldOp, FieldPath, ReplicaId, value};

/// A device: its copy of the document and the end of its own log.
#[derive(Debug)]
struct Device {
    name: &'static str,
    replica: ReplicaId,
    document: Document,
    position: u64,
    previous: Option<Cid>,
    versions: Vec<Version>,
}

impl Device {
    fn new(name: &'static str, number: u8) -> Self {
        let replica = ReplicaId::from_bytes([number; 16]);
        Self {
            name,
            replica,
            document: Document::default(),
            position: 0,
            previous: None,
            versions: Vec::new(),
        }
    }

    fn commit(&mut self, millis: u64, plan: &Plan) -> Result<(), Box<dyn Error>> {
        let key = DocumentKey::new(CollectionId::from_bytes([9; 32]), DocumentId::new("pump-3")?);
        self.position += 1;
        let author = Author {
            replica: self.replica,
            position: self.position,
            previous: self.previous.clone(),
            stamp: Stamp { millis, counter: 0 },
        };
        let written = write(&self.document, &key, plan, &author, None, &Rules::default())?;
        self.previous = Some(written.version.cid().clone());
        self.take(&written.version);
        Ok(())
    }

    fn take(&mut self, version: &Version) {
        println!(
            "{}: {} {:?}",
            self.name,
            version.cid(),
            self.document.insert(version, BodyState::of(version))
        );
        if !self.versions.contains(version) {
            self.versions.push(version.clone());
        }
    }

    fn show(&self) {
        let view = self.document.view().unwrap_or_default();
        println!("{}: {view}, conflicts at {:?}\n", self.name, self.document.conflicts());
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut hall, mut shop) = (Device::new("hall", 1), Device::new("shop", 2));
    let heads = hall.document.heads();
    hall.commit(1, &hall.document.put(&heads, &value!({"status": "dry", "place": "the square"}))?)?;
    shop.take(&hall.versions[0].clone());

    println!("\nThe cable is cut; both write.");
    let field = |name: &str| FieldPath::try_from(name);
    let changes = [
        FieldOp::Set { path: field("status")?, value: value!("repaired") },
        FieldOp::Add { path: field("crew")?, value: value!("Åsa") },
    ];
    hall.commit(2, &hall.document.patch(&hall.document.heads(), &changes)?)?;
    let changes = [
        FieldOp::Set { path: field("status")?, value: value!("broken") },
        FieldOp::Add { path: field("crew")?, value: value!("Ali") },
        FieldOp::Increment { path: field("needs")?, by: 2 },
    ];
    shop.commit(3, &shop.document.patch(&shop.document.heads(), &changes)?)?;

    println!("\nThe cable is whole again; each takes what the other has.");
    for version in shop.versions.clone() {
        hall.take(&version);
    }
    for version in hall.versions.clone().iter().rev() {
        shop.take(version);
    }
    hall.show();
    shop.show();
    assert_eq!(hall.document.version_id(), shop.document.version_id());
    assert_eq!(hall.document.view(), shop.document.view());

    println!("Whoever writes next has seen both and settles it.");
    let settled = [FieldOp::Set { path: field("status")?, value: value!("broken again") }];
    hall.commit(4, &hall.document.patch(&hall.document.heads(), &settled)?)?;
    hall.show();
    assert!(hall.document.conflicts().is_empty());
    Ok(())
}
