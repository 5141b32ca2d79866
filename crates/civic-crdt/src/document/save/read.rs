#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use civic_types::cbor::Decoder;
use civic_types::id::DeletePolicy;
use civic_types::limits::{MAX_OPERATIONS, MAX_PARENTS};
use civic_types::time::Stamp;
use civic_types::{Cid, CollectionId, DocumentId, DocumentKey, HashAlgorithm, ReplicaId};

use super::{CHECKSUM_BYTES, FORMAT, OpenError, body};
use crate::document::fold::Fields;
use crate::document::graph::{Entry, Graph, NodeId};
use crate::document::{BodyState, Document};

impl Document {
    /// The document that was [`save`](Self::save)d: the same but that its bodies are not in memory.
    ///
    /// Nothing is folded, so a long history opens about as fast as its CIDs are entered. Versions are
    /// inserted, planned and read as before; what needs earlier bodies says which
    /// ([`BodiesNeeded`](crate::document::BodiesNeeded)).
    ///
    /// ```
    /// use civic_crdt::Document;
    /// use civic_crdt::document::{Author, write};
    /// use civic_crdt::version::Rules;
    /// use civic_types::{CollectionId, DocumentId, DocumentKey, ReplicaId, time::Stamp, value};
    ///
    /// let mut pump = Document::default();
    /// let plan = pump.put(&[], &value!({"status": "dry"}))?;
    /// let replica = ReplicaId::from_bytes([1; 16]);
    /// let author = Author { replica, position: 1, previous: None, stamp: Stamp::default() };
    /// let key = DocumentKey::new(CollectionId::from_bytes([2; 32]), DocumentId::new("pump-3")?);
    /// let written = write(&pump, &key, &plan, &author, None, &Rules::default())?;
    /// let _ = pump.insert(&written.version, written.body());
    ///
    /// let opened = Document::open(&pump.save())?;
    /// assert_eq!(opened.view(), pump.view());
    /// assert_eq!(opened.heads(), pump.heads());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OpenError`]: the bytes are damaged or of another build; the versions must be inserted again.
    pub fn open(bytes: &[u8]) -> Result<Self, OpenError> {
        let (saved, checksum) =
            bytes.split_at_checked(bytes.len().saturating_sub(CHECKSUM_BYTES)).ok_or(OpenError::Checksum)?;
        if !HashAlgorithm::Blake3.digest(saved).starts_with(checksum) || checksum.len() < CHECKSUM_BYTES {
            return Err(OpenError::Checksum);
        }
        read(saved)
    }

    /// The document that a [`Snapshot`](crate::document::Snapshot) stands for, without its history.
    ///
    /// Only a snapshot that every member has agreed on says what others would show too: its CID is what they
    /// name ([`prune::complete`](crate::prune::complete)), and the caller compares it.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: the bytes are no snapshot.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, OpenError> {
        let document = read(bytes)?;
        if document.graph.len() == document.floor { Ok(document) } else { Err(OpenError::Head) }
    }
}

pub(super) fn read(saved: &[u8]) -> Result<Document, OpenError> {
    let input = &mut Decoder::new(saved);
    if input.array()? != 9 {
        return Err(OpenError::Head);
    }
    match input.uint()? {
        FORMAT => {}
        got => return Err(OpenError::Format { got }),
    }
    let policy = match input.uint()? {
        0 => DeletePolicy::Lww,
        1 => DeletePolicy::AddWins,
        _ => return Err(OpenError::Head),
    };
    let code = input.uint()?;
    let hashes = [HashAlgorithm::Blake3, HashAlgorithm::Sha2_256];
    let hash = hashes.into_iter().find(|hash| u64::from(hash.code()) == code).ok_or(OpenError::Head)?;
    let key = read_key(input)?;
    let floor = NodeId::try_from(input.uint()?).map_err(|_| OpenError::Head)?;
    let mut document = Document { key, floor, ..Document::new(policy, hash) };
    let replicas = (0..input.array()?)
        .map(|_| Ok(ReplicaId::from_bytes(input.byte_array()?)))
        .collect::<Result<Vec<_>, OpenError>>()?;
    let (digests, rest) = input.bytes()?.as_chunks::<32>();
    let versions = input.array()?;
    if versions != digests.len() || !rest.is_empty() || document.key.is_some() != (versions > 0) {
        return Err(OpenError::Head);
    }
    document.graph = Graph::with_capacity(versions);
    let mut rows = Rows { replicas: &replicas, last_dots: Vec::new(), millis: 0 };
    for (number, digest) in digests.iter().enumerate() {
        let cid = Cid::dag_cbor_from_digest(hash, digest);
        rows.read(input, &mut document, cid)?.ok_or(OpenError::Version { number })?;
    }
    if document.graph.writers().len() != replicas.len() || document.graph.len() < floor {
        return Err(OpenError::Head);
    }
    // A copy, so that the graph's part of the bytes is not held for the sake of some arguments.
    let state = Bytes::copy_from_slice(saved.get(input.offset()..).unwrap_or_default());
    let input = &mut Decoder::new(&state);
    document.fields = Fields::read(input, &state, document.graph.len())?;
    input.clone().finish()?;
    document.checkpoints.make_due();
    Ok(document)
}

fn read_key(input: &mut Decoder<'_>) -> Result<Option<DocumentKey>, OpenError> {
    if input.try_null() {
        return Ok(None);
    }
    if input.array()? != 2 {
        return Err(OpenError::Head);
    }
    let collection = CollectionId::from_bytes(input.byte_array()?);
    let document = DocumentId::new(input.text()?).map_err(|_| OpenError::Head)?;
    Ok(Some(DocumentKey::new(collection, document)))
}

/// What the versions so far have told.
struct Rows<'a> {
    replicas: &'a [ReplicaId],
    /// The greatest dot of each replica that had a version.
    last_dots: Vec<u64>,
    millis: u64,
}

impl Rows<'_> {
    /// Reads one version into the document; `None` if it cannot be one.
    fn read(
        &mut self,
        input: &mut Decoder<'_>,
        document: &mut Document,
        cid: Cid,
    ) -> Result<Option<NodeId>, OpenError> {
        let graph = &mut document.graph;
        let id = graph.len();
        if input.array()? != 8 || graph.find(&cid).is_some() {
            return Ok(None);
        }
        let Some(replica) = self.replica(input.uint()?) else { return Ok(None) };
        let position = input.uint()?;
        let last_dot = self.last_dots.get_mut(replica);
        let next_dot = last_dot.as_deref().map_or(1, |last| last.saturating_add(1));
        let first_dot = add(next_dot, input.int()?.get());
        let operations = input.uint_up_to(MAX_OPERATIONS)?;
        let millis = add(self.millis, input.int()?.get());
        let counter = u16::try_from(input.uint()?).ok();
        let count = input.array()?;
        if count > MAX_PARENTS {
            return Ok(None);
        }
        let mut parents: Vec<NodeId> = Vec::with_capacity(count);
        for _ in 0..count {
            let back = NodeId::try_from(input.uint()?).ok().filter(|back| *back > 0);
            let Some(parent) = back.and_then(|back| id.checked_sub(back)) else { return Ok(None) };
            parents.push(parent);
        }
        let body = match input.uint()? {
            body::FOLDED => BodyState::Stored,
            body::MISSING => BodyState::Missing,
            body::UNREADABLE => BodyState::Unreadable,
            _ => return Ok(None),
        };
        let stamp = millis.zip(counter).and_then(|(millis, counter)| Stamp::new(millis, counter));
        let first_dot = first_dot.filter(|first| *first > 0 && position > 0 && operations > 0);
        let Some((first_dot, stamp)) = first_dot.zip(stamp) else { return Ok(None) };
        let Some(last) = first_dot.checked_add(operations - 1) else { return Ok(None) };
        match last_dot {
            Some(greatest) => *greatest = last.max(*greatest),
            None => self.last_dots.push(last),
        }
        self.millis = stamp.millis;
        let Some(replica) = self.replicas.get(replica).copied() else { return Ok(None) };
        let parents = &parents;
        Ok(Some(graph.push(Entry { cid, replica, position, first_dot, operations, stamp, parents, body })))
    }

    /// The number of a replica that had a version, or of the next that has none yet.
    fn replica(&self, number: u64) -> Option<usize> {
        let number = usize::try_from(number).ok().filter(|number| *number <= self.last_dots.len())?;
        (number < self.replicas.len()).then_some(number)
    }
}

fn add(to: u64, by: i128) -> Option<u64> {
    u64::try_from(i128::from(to).checked_add(by)?).ok()
}
