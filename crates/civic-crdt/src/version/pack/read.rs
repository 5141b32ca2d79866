#![warn(clippy::indexing_slicing)]

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use civic_types::item::ReplicaRecord;
use civic_types::limits::{MAX_DOCUMENT_ID_BYTES, MAX_INLINE_BODY_BYTES, MAX_PARENTS};
use civic_types::time::Stamp;
use civic_types::{Cid, CollectionId, DocumentId, HashAlgorithm, ReplicaId, Signature};

use super::wire::Input;
use super::{
    MAX_PACK_BYTES, MAX_PACK_DOCUMENTS, MAX_PACK_LINKS, MAX_PACK_REPLICAS, MAX_PACK_VERSIONS,
    MAX_PACKED_BLOCK_BYTES, MAX_UNPACKED_BYTES, PACK_FORMAT, PackError, PackedVersion, Unpacked, body, flag,
};
use crate::version::{BodyRef, Header, HeaderError, Rules, Version};

/// Rebuilds the versions of a pack and checks each header as [`Header::decode`] does.
///
/// `rules` answers what the collection asks of headers; `None` refuses the pack.
///
/// # Errors
///
/// [`PackError`]: the first offence; nothing of the pack is to be used.
pub fn unpack(
    bytes: &[u8],
    rules: impl FnOnce(&CollectionId) -> Option<Rules>,
) -> Result<Unpacked, PackError> {
    if bytes.len() > MAX_PACK_BYTES {
        return Err(PackError::Limit { what: "bytes", limit: MAX_PACK_BYTES });
    }
    let mut input = Input(bytes);
    let [format] = input.array()?;
    if format != PACK_FORMAT {
        return Err(PackError::Format { got: format });
    }
    let collection = CollectionId::from_bytes(input.array()?);
    let rules = rules(&collection).ok_or(PackError::UnknownCollection { collection })?;
    let mut reader = Reader::new(collection, rules, input)?;
    let versions = reader.input.count("versions", MAX_PACK_VERSIONS)?;
    if versions == 0 {
        return Err(PackError::Empty);
    }
    for entry in 0..versions {
        let version = reader.entry(entry)?;
        reader.remember(version);
    }
    reader.finish()
}

/// What the entries so far have told.
struct Reader<'a> {
    input: Input<'a>,
    collection: CollectionId,
    rules: Rules,
    records: Vec<ReplicaRecord>,
    /// The replica of each record.
    replicas: Vec<Replica>,
    documents: Vec<Document>,
    links: Vec<Cid>,
    versions: Vec<PackedVersion>,
    unpacked_bytes: usize,
    /// The last dot of each replica in each document, by their numbers.
    dots: HashMap<Place, u64>,
    /// The last entry's.
    place: Option<Place>,
    documents_used: usize,
    links_used: usize,
}

/// Numbers of an entry's replica and document.
type Place = (usize, usize);

struct Replica {
    id: ReplicaId,
    /// The first record with this id stands for all.
    number: usize,
    last: Option<usize>,
}

struct Document {
    id: DocumentId,
    last: Option<usize>,
}

impl<'a> Reader<'a> {
    fn new(collection: CollectionId, rules: Rules, mut input: Input<'a>) -> Result<Self, PackError> {
        let mut records: Vec<ReplicaRecord> = Vec::new();
        for _ in 0..input.count("replicas", MAX_PACK_REPLICAS)? {
            let record = ReplicaRecord::from_bytes(&input.array()?);
            if records.last().is_some_and(|last| *last >= record) {
                return Err(PackError::Order);
            }
            records.push(record);
        }
        let mut documents: Vec<Document> = Vec::new();
        let mut distinct = HashSet::new();
        for _ in 0..input.count("documents", MAX_PACK_DOCUMENTS)? {
            let text = input.prefixed("bytes of a document id", MAX_DOCUMENT_ID_BYTES)?;
            let document = std::str::from_utf8(text).ok().and_then(|text| DocumentId::new(text).ok());
            let document = document.ok_or(PackError::Order)?;
            if !distinct.insert(document.clone()) {
                return Err(PackError::Order);
            }
            documents.push(Document { id: document, last: None });
        }
        let mut links: Vec<Cid> = Vec::new();
        let mut distinct = HashSet::new();
        for _ in 0..input.count("outside links", MAX_PACK_LINKS)? {
            let link = Cid::dag_cbor_from_digest(rules.hash, &input.array()?);
            if !distinct.insert(link.clone()) {
                return Err(PackError::Order);
            }
            links.push(link);
        }
        Ok(Self {
            input,
            collection,
            rules,
            replicas: replicas(&records),
            records,
            documents,
            links,
            versions: Vec::new(),
            unpacked_bytes: 0,
            dots: HashMap::new(),
            place: None,
            documents_used: 0,
            links_used: 0,
        })
    }

    fn entry(&mut self, entry: usize) -> Result<PackedVersion, PackError> {
        let flags = self.input.uint()?;
        let has = |bit| flags & bit != 0;
        let contradictory = (has(flag::ONE_PARENT) && has(flag::PARENTS))
            || (has(flag::BLOCK) && !has(flag::LINKED))
            || (has(flag::SHORT) && has(flag::LINKED));
        if flags & !flag::ALL != 0 || contradictory {
            return Err(PackError::Flags { entry });
        }
        let place = self.place(entry, flags)?;
        let (position, previous) = self.log_place(entry, flags, place.0)?;
        let first_dot = if has(flag::DOT_FOLLOWS) {
            self.dots.get(&place).map_or(1, |last| last.saturating_add(1))
        } else {
            self.input.uint()?
        };
        let parents = self.parents(entry, flags, place.1)?;
        let before = self.versions.last().map_or(0, |last| last.version.header().stamp.millis);
        let millis = self.input.zigzag(before)?;
        let counter = if has(flag::COUNTER) { self.input.uint()? } else { 0 };
        let stamp = u16::try_from(counter).ok().and_then(|counter| Stamp::new(millis, counter));
        let stamp = stamp.ok_or(PackError::Header { entry, source: HeaderError::Stamp })?;
        let operations = self.input.uint()?;
        let auth = if has(flag::GRANT) { Some(self.reference(entry)?) } else { None };
        let group = if has(flag::GROUP) { Some((self.input.uint()?, self.input.uint()?)) } else { None };
        let (body, block) = self.body(entry, flags, first_dot)?;
        let signature =
            if has(flag::SIGNED) { Some(Signature::from_bytes(self.input.array()?)) } else { None };
        let missing = PackError::Reference { entry };
        let replica = self.replicas.get(place.0).ok_or(missing.clone())?.id;
        let document = self.documents.get(place.1).ok_or(missing)?.id.clone();
        let header = Header {
            auth,
            body,
            collection: self.collection,
            document,
            group,
            position,
            operations,
            parents,
            previous,
            replica,
            first_dot,
            stamp,
        };
        let version =
            Version::build(header, &self.rules).map_err(|source| PackError::Header { entry, source })?;
        self.dots.insert(place, version.header().last_dot());
        self.unpacked_bytes += version.bytes().len() + block.as_ref().map_or(0, Bytes::len);
        if self.unpacked_bytes > MAX_UNPACKED_BYTES {
            return Err(PackError::Limit { what: "bytes of headers and blocks", limit: MAX_UNPACKED_BYTES });
        }
        Ok(PackedVersion { version, signature, block })
    }

    /// The replica and the document.
    fn place(&mut self, entry: usize, flags: u64) -> Result<Place, PackError> {
        let missing = PackError::Reference { entry };
        let (last_replica, last_document) = self.place.unzip();
        let replica = if flags & flag::SAME_REPLICA != 0 {
            last_replica
        } else {
            self.replicas.get(index(self.input.uint()?)).map(|replica| replica.number)
        };
        let document = if flags & flag::SAME_DOCUMENT != 0 {
            last_document
        } else {
            let number = index(self.input.uint()?);
            in_order(number, &mut self.documents_used)?;
            Some(number)
        };
        let place = replica.zip(document.filter(|number| *number < self.documents.len())).ok_or(missing)?;
        self.place = Some(place);
        Ok(place)
    }

    /// `k` and `q`.
    fn log_place(
        &mut self,
        entry: usize,
        flags: u64,
        replica: usize,
    ) -> Result<(u64, Option<Cid>), PackError> {
        if flags & flag::CHAINED != 0 {
            let last = self.replicas.get(replica).and_then(|replica| self.versions.get(replica.last?));
            let last = &last.ok_or(PackError::Reference { entry })?.version;
            return Ok((last.header().position.saturating_add(1), Some(last.cid().clone())));
        }
        match self.input.uint()? {
            1 => Ok((1, None)),
            position => Ok((position, Some(self.reference(entry)?))),
        }
    }

    fn parents(&mut self, entry: usize, flags: u64, document: usize) -> Result<Vec<Cid>, PackError> {
        if flags & flag::ONE_PARENT != 0 {
            let tip = self.documents.get(document).and_then(|document| self.versions.get(document.last?));
            return Ok(vec![tip.ok_or(PackError::Reference { entry })?.version.cid().clone()]);
        }
        let mut parents = Vec::new();
        if flags & flag::PARENTS != 0 {
            for _ in 0..self.input.count("parents", MAX_PARENTS)? {
                parents.push(self.reference(entry)?);
            }
        }
        Ok(parents)
    }

    fn reference(&mut self, entry: usize) -> Result<Cid, PackError> {
        let coded = self.input.uint()?;
        let number = index(coded >> 1);
        let found = if coded % 2 == 0 {
            let earlier = self.versions.len().checked_sub(number).and_then(|at| self.versions.get(at));
            earlier.map(|packed| packed.version.cid())
        } else {
            in_order(number, &mut self.links_used)?;
            self.links.get(number)
        };
        found.cloned().ok_or(PackError::Reference { entry })
    }

    fn body(
        &mut self,
        entry: usize,
        flags: u64,
        first_dot: u64,
    ) -> Result<(BodyRef, Option<Bytes>), PackError> {
        let (input, hash) = (&mut self.input, self.rules.hash);
        if flags & flag::SHORT != 0 {
            let replica_of = |number| self.replicas.get(index(number)).map(|replica| replica.id);
            let body = body::restore(input, first_dot, replica_of)?;
            return Ok((BodyRef::Inline(body.ok_or(PackError::Reference { entry })?.into()), None));
        }
        if flags & flag::LINKED == 0 {
            let body = input.prefixed("bytes of an inline body", MAX_INLINE_BODY_BYTES)?;
            return Ok((BodyRef::Inline(Bytes::copy_from_slice(body)), None));
        }
        if flags & flag::BLOCK == 0 {
            let bytes = input.array::<32>()?;
            return Ok((BodyRef::Link(raw_from_digest(hash, &bytes)?), None));
        }
        let block = Bytes::copy_from_slice(input.prefixed("bytes of a block", MAX_PACKED_BLOCK_BYTES)?);
        Ok((BodyRef::Link(Cid::raw(hash, &block)), Some(block)))
    }

    fn remember(&mut self, packed: PackedVersion) {
        let entry = Some(self.versions.len());
        if let Some((replica, document)) = self.place {
            self.replicas.get_mut(replica).into_iter().for_each(|replica| replica.last = entry);
            self.documents.get_mut(document).into_iter().for_each(|document| document.last = entry);
        }
        self.versions.push(packed);
    }

    fn finish(self) -> Result<Unpacked, PackError> {
        if !self.input.0.is_empty() {
            return Err(PackError::Trailing);
        }
        let all_used = self.documents_used == self.documents.len()
            && self.links_used == self.links.len()
            && self
                .replicas
                .iter()
                .all(|same| self.replicas.get(same.number).is_some_and(|replica| replica.last.is_some()));
        if !all_used {
            return Err(PackError::Order);
        }
        Ok(Unpacked { collection: self.collection, records: self.records, versions: self.versions })
    }
}

/// The replicas of some records; of several with one id the first stands for all.
fn replicas(records: &[ReplicaRecord]) -> Vec<Replica> {
    let mut numbers = HashMap::new();
    let numbered = records.iter().map(ReplicaRecord::id).enumerate();
    numbered.map(|(at, id)| Replica { id, number: *numbers.entry(id).or_insert(at), last: None }).collect()
}

/// The CID of a raw block with that digest.
fn raw_from_digest(hash: HashAlgorithm, digest: &[u8; 32]) -> Result<Cid, PackError> {
    let template = Cid::raw(hash, &[]);
    let prefix = template.as_bytes().get(..4).unwrap_or_default();
    Cid::from_bytes(&[prefix, digest].concat()).map_err(|_| PackError::End)
}

/// Numbers too large to index with index nothing.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Dictionary entries are used for the first time in ascending order.
fn in_order(number: usize, used: &mut usize) -> Result<(), PackError> {
    if number > *used {
        return Err(PackError::Order);
    }
    *used += usize::from(number == *used);
    Ok(())
}
