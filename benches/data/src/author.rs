//! A device that writes documents, keeps its log and signs it.

use civic_crdt::Document;
use civic_crdt::document::{Author as Place, BodyState, Plan, write};
use civic_crdt::version::pack::PackedVersion;
use civic_crdt::version::{Admission, Rules, item_message};
use civic_figures::Outcome;
use civic_types::item::{ReplicaRecord, kind};
use civic_types::label::Label;
use civic_types::time::Stamp;
use civic_types::{Cid, CollectionId, DocumentId, DocumentKey, PublicKey, Signature, Value};
use ed25519_dalek::{Signer, SigningKey};

use crate::{Change, Fields};

/// One writer of ours.
#[derive(Debug)]
pub struct Author {
    signing: SigningKey,
    /// Whose signatures count for its versions.
    pub record: ReplicaRecord,
    position: u64,
    previous: Option<Cid>,
    millis: u64,
}

impl Author {
    /// The writer of that number, who has written nothing.
    #[must_use]
    pub fn new(number: u8) -> Self {
        let signing = SigningKey::from_bytes(&[number; 32]);
        let key = PublicKey::from_bytes(signing.verifying_key().to_bytes());
        let record = ReplicaRecord { key, nonce: [number; 16] };
        Self { signing, record, position: 0, previous: None, millis: 1_700_000_000_000 }
    }

    /// A key in the collection of all benches.
    pub fn key(document: &str) -> Outcome<DocumentKey> {
        Ok(DocumentKey::new(CollectionId::from_bytes([9; 32]), DocumentId::new(document)?))
    }

    /// Writes some fields: plans, builds the version with its CID, and takes it into the document.
    pub fn edit(
        &mut self,
        document: &mut Document,
        key: &DocumentKey,
        changes: &[Change],
    ) -> Outcome<PackedVersion> {
        let changes: Vec<_> = changes.iter().filter_map(Change::op).collect();
        let plan = document.patch(&document.heads(), &changes)?;
        self.commit(document, key, &plan)
    }

    /// Writes a whole document.
    pub fn put(
        &mut self,
        document: &mut Document,
        key: &DocumentKey,
        value: &Value,
    ) -> Outcome<PackedVersion> {
        let plan = document.put(&document.heads(), value)?;
        self.commit(document, key, &plan)
    }

    /// Adds the author's signature.
    pub fn sign(&self, packed: &mut PackedVersion) {
        let message = item_message(kind::VERSION, packed.version.cid());
        let signature = self.signing.sign(&[Label::ITEM.as_bytes(), &message].concat());
        packed.signature = Some(Signature::from_bytes(signature.to_bytes()));
    }

    fn commit(&mut self, document: &mut Document, key: &DocumentKey, plan: &Plan) -> Outcome<PackedVersion> {
        self.position += 1;
        self.millis += 977;
        let place = Place {
            replica: self.record.id(),
            position: self.position,
            previous: self.previous.take(),
            stamp: Stamp { millis: self.millis, counter: 0 },
        };
        let written = write(document, key, plan, &place, None, &Rules::default())?;
        self.previous = Some(written.version.cid().clone());
        let packed = PackedVersion { version: written.version, signature: None, block: written.block };
        insert_all(document, [&packed])?;
        Ok(packed)
    }
}

/// Takes versions whose bodies stand inside their headers; all must count.
pub fn insert_all<'a>(
    document: &mut Document,
    versions: impl IntoIterator<Item = &'a PackedVersion>,
) -> Outcome {
    for PackedVersion { version, .. } in versions {
        match document.insert(version, BodyState::of(version)) {
            Admission::Admitted => {}
            other => return Err(format!("{other:?}").into()),
        }
    }
    Ok(())
}

/// What a document of ours shows.
#[must_use]
pub fn shown(view: Option<&Value>) -> Fields {
    let Some(Value::Map(map)) = view else { return Fields::default() };
    let text = |value: &Value| match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.get().to_string(),
        Value::Text(value) => value.clone(),
        other => format!("{other:?}"),
    };
    map.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}
