//! Devices that write one document and deliver by hand.
#![allow(dead_code, reason = "each test program uses its own part")]

use civic_crdt::Document;
use civic_crdt::document::{Author, BodyState, Plan, PlanError, WrittenVersion, write};
use civic_crdt::version::{Admission, Body, BodyRef, Header, Operation, Rules, Version};
use civic_types::time::Stamp;
use civic_types::{Cid, CollectionId, DocumentId, DocumentKey, FieldOp, FieldPath, ReplicaId, Value};

/// One device with its copy of the document.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) replica: ReplicaId,
    pub(crate) document: Document,
    /// All versions held, in order of admission, with their bodies.
    pub(crate) versions: Vec<(Version, BodyState)>,
    pub(crate) log: Vec<Cid>,
    pub(crate) millis: u64,
}

pub(crate) fn key() -> DocumentKey {
    DocumentKey::new(CollectionId::from_bytes([9; 32]), DocumentId::new("pump-3").unwrap())
}

pub(crate) fn path<const N: usize>(segments: [&str; N]) -> FieldPath {
    FieldPath::try_from(segments).unwrap()
}

impl Device {
    pub(crate) fn new(number: u8) -> Self {
        let replica = ReplicaId::from_bytes([number; 16]);
        Self { replica, document: Document::default(), versions: Vec::new(), log: Vec::new(), millis: 0 }
    }

    /// Writes what was planned at a time; an empty plan writes nothing.
    pub(crate) fn commit(&mut self, plan: &Plan) -> Option<WrittenVersion> {
        if plan.is_empty() {
            return None;
        }
        let own = self.document.versions().filter(|version| version.replica() == Some(self.replica));
        self.millis = own.map(|version| version.stamp().millis).fold(self.millis, u64::max) + 10;
        let author = Author {
            replica: self.replica,
            position: self.log.len() as u64 + 1,
            previous: self.log.last().cloned(),
            stamp: Stamp { millis: self.millis, counter: 0 },
        };
        let written = write(&self.document, &key(), plan, &author, None, &Rules::default()).unwrap();
        self.log.push(written.version.cid().clone());
        assert_eq!(self.take(&written.version, &written.body()), Admission::Admitted);
        Some(written)
    }

    pub(crate) fn put(&mut self, value: &Value) -> Option<WrittenVersion> {
        let plan = self.document.put(&self.document.heads(), value).unwrap();
        self.commit(&plan)
    }

    pub(crate) fn patch(&mut self, changes: &[FieldOp]) -> Result<Option<WrittenVersion>, PlanError> {
        let plan = self.document.patch(&self.document.heads(), changes)?;
        Ok(self.commit(&plan))
    }

    pub(crate) fn delete(&mut self) -> Option<WrittenVersion> {
        let plan = self.document.delete(&self.document.heads()).unwrap();
        self.commit(&plan)
    }

    /// Writes operations as they are, on top of these versions.
    pub(crate) fn raw(&mut self, parents: &[Cid], operations: Vec<Operation>) -> Version {
        let now = parents == self.document.heads();
        let past = if now { self.document.clone() } else { self.document.checkout(parents).unwrap() };
        self.millis += 10;
        let body = bytes::Bytes::from(Body::new(operations.clone()).encode());
        let header = Header {
            auth: None,
            body: BodyRef::Link(Cid::raw(Rules::default().hash, &body)),
            collection: key().collection,
            document: key().document,
            group: None,
            position: self.log.len() as u64 + 1,
            operations: operations.len() as u64,
            parents: past.heads(),
            previous: self.log.last().cloned(),
            replica: self.replica,
            first_dot: past.max_dot(&self.replica) + 1,
            stamp: Stamp { millis: self.millis, counter: 0 },
        };
        let version = Version::from_header(&header, &Rules::default()).unwrap();
        self.log.push(version.cid().clone());
        assert_eq!(self.take(&version, &BodyState::Readable(body)), Admission::Admitted);
        version
    }

    pub(crate) fn take(&mut self, version: &Version, body: &BodyState) -> Admission {
        let admission = self.document.insert(version, body.clone());
        if admission == Admission::Admitted {
            self.versions.push((version.clone(), body.clone()));
        }
        admission
    }

    /// Takes everything that another device holds.
    pub(crate) fn pull(&mut self, other: &Self) {
        for (version, body) in &other.versions {
            let admission = self.take(version, body);
            assert!(matches!(admission, Admission::Admitted | Admission::Known), "{admission:?}");
        }
    }

    pub(crate) fn view(&self) -> Value {
        self.document.view().unwrap_or_default()
    }
}

/// Both devices hold the same afterwards.
pub(crate) fn meet(a: &mut Device, b: &mut Device) {
    a.pull(b);
    b.pull(a);
    assert_eq!(a.document.version_id(), b.document.version_id());
    assert_eq!(a.document.content_cid(), b.document.content_cid());
    assert_eq!(a.document.conflicts(), b.document.conflicts());
}
