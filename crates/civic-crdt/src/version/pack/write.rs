use std::collections::{BTreeMap, HashMap};

use civic_types::item::ReplicaRecord;
use civic_types::limits::MAX_INLINE_BODY_BYTES;
use civic_types::{Cid, DocumentId, ReplicaId};

use super::wire::Output;
use super::{
    MAX_PACK_BYTES, MAX_PACK_DOCUMENTS, MAX_PACK_LINKS, MAX_PACK_REPLICAS, MAX_PACK_VERSIONS,
    MAX_PACKED_BLOCK_BYTES, MAX_UNPACKED_BYTES, PACK_FORMAT, PackError, PackedVersion, body, count, flag,
};
use crate::version::{BodyRef, Header};

/// Packs versions of one collection, in this order; parents and earlier positions first pack best.
///
/// `records` must name every replica among the versions; records that no version needs are left out.
///
/// # Errors
///
/// [`PackError`]: a bound is exceeded, a record is missing, collections are mixed or a block is not the
/// one that its header links.
pub fn pack(records: &[ReplicaRecord], versions: &[PackedVersion]) -> Result<Vec<u8>, PackError> {
    let Some(first) = versions.first() else { return Err(PackError::Empty) };
    within("versions", versions.len(), MAX_PACK_VERSIONS)?;
    let collection = first.version.header().collection;
    let mut writer = Writer::new(records, versions)?;
    let mut entries = Output::default();
    let mut unpacked = 0;
    for (entry, packed) in versions.iter().enumerate() {
        if packed.version.header().collection != collection {
            return Err(PackError::Collections);
        }
        unpacked += packed.version.bytes().len() + packed.block.as_ref().map_or(0, bytes::Bytes::len);
        writer.entry(entry, packed, &mut entries)?;
    }
    within("bytes of headers and blocks", unpacked, MAX_UNPACKED_BYTES)?;
    let mut out = Output(vec![PACK_FORMAT]);
    out.bytes(collection.as_bytes());
    writer.dictionaries(&mut out)?;
    out.uint(count(versions.len()));
    out.bytes(&entries.0);
    within("bytes", out.0.len(), MAX_PACK_BYTES)?;
    Ok(out.0)
}

fn within(what: &'static str, got: usize, limit: usize) -> Result<(), PackError> {
    if got <= limit { Ok(()) } else { Err(PackError::Limit { what, limit }) }
}

/// What the entries so far have told.
struct Writer<'a> {
    records: Vec<ReplicaRecord>,
    replica_numbers: BTreeMap<ReplicaId, usize>,
    documents: Vec<&'a DocumentId>,
    document_numbers: HashMap<&'a DocumentId, usize>,
    links: Vec<&'a Cid>,
    link_numbers: HashMap<&'a Cid, usize>,
    entries: HashMap<&'a Cid, usize>,
    last: Option<&'a Header>,
    /// Position and CID of each replica's last entry.
    logs: HashMap<ReplicaId, (u64, &'a Cid)>,
    /// The last dot of each replica in each document.
    dots: HashMap<(ReplicaId, &'a DocumentId), u64>,
    /// The last entry of each document.
    tips: HashMap<&'a DocumentId, &'a Cid>,
}

impl<'a> Writer<'a> {
    fn new(records: &[ReplicaRecord], versions: &'a [PackedVersion]) -> Result<Self, PackError> {
        let ids: BTreeMap<ReplicaRecord, ReplicaId> =
            records.iter().map(|record| (*record, record.id())).collect();
        let named: std::collections::BTreeSet<ReplicaId> =
            versions.iter().map(|packed| packed.version.header().replica).collect();
        let mut replica_numbers = BTreeMap::new();
        let mut used = Vec::new();
        for (record, id) in ids.into_iter().filter(|(_, id)| named.contains(id)) {
            // Of several records with one id all travel, and entries name the first.
            replica_numbers.entry(id).or_insert(used.len());
            used.push(record);
        }
        Ok(Self {
            records: used,
            replica_numbers,
            documents: Vec::new(),
            document_numbers: HashMap::new(),
            links: Vec::new(),
            link_numbers: HashMap::new(),
            entries: HashMap::new(),
            last: None,
            logs: HashMap::new(),
            dots: HashMap::new(),
            tips: HashMap::new(),
        })
    }

    fn dictionaries(&self, out: &mut Output) -> Result<(), PackError> {
        within("replicas", self.records.len(), MAX_PACK_REPLICAS)?;
        within("documents", self.documents.len(), MAX_PACK_DOCUMENTS)?;
        within("outside links", self.links.len(), MAX_PACK_LINKS)?;
        out.uint(count(self.records.len()));
        self.records.iter().for_each(|record| out.bytes(&record.to_bytes()));
        out.uint(count(self.documents.len()));
        self.documents.iter().for_each(|document| out.prefixed(document.as_str().as_bytes()));
        out.uint(count(self.links.len()));
        self.links.iter().filter_map(|link| link.digest()).for_each(|digest| out.bytes(digest));
        Ok(())
    }

    fn entry(&mut self, entry: usize, packed: &'a PackedVersion, out: &mut Output) -> Result<(), PackError> {
        let (header, cid) = (packed.version.header(), packed.version.cid());
        let short = packed.version.inline_body().and_then(|bytes| {
            body::shorten(bytes, header.first_dot, |id| self.replica_numbers.get(id).copied())
        });
        let flags = self.flags(packed, short.is_some());
        let has = |bit| flags & bit != 0;
        out.uint(flags);
        if !has(flag::SAME_REPLICA) {
            let number = self.replica_numbers.get(&header.replica);
            out.uint(count(*number.ok_or(PackError::Record { replica: header.replica })?));
        }
        if !has(flag::SAME_DOCUMENT) {
            let number = *self.document_numbers.entry(&header.document).or_insert(self.documents.len());
            if number == self.documents.len() {
                self.documents.push(&header.document);
            }
            out.uint(count(number));
        }
        if !has(flag::CHAINED) {
            out.uint(header.position);
            header.previous.iter().for_each(|previous| self.reference(entry, previous, out));
        }
        if !has(flag::DOT_FOLLOWS) {
            out.uint(header.first_dot);
        }
        if has(flag::PARENTS) {
            out.uint(count(header.parents.len()));
            header.parents.iter().for_each(|parent| self.reference(entry, parent, out));
        }
        out.zigzag(self.last.map_or(0, |last| last.stamp.millis), header.stamp.millis);
        if has(flag::COUNTER) {
            out.uint(u64::from(header.stamp.counter));
        }
        out.uint(header.operations);
        header.auth.iter().for_each(|grant| self.reference(entry, grant, out));
        if let Some((index, size)) = header.group {
            out.uint(index);
            out.uint(size);
        }
        write_body(entry, packed, short.as_ref(), out)?;
        packed.signature.iter().for_each(|signature| out.bytes(signature.as_bytes()));
        self.remember(entry, header, cid);
        Ok(())
    }

    fn flags(&self, packed: &PackedVersion, short: bool) -> u64 {
        let header = packed.version.header();
        let document = &header.document;
        let log = self.logs.get(&header.replica);
        let chained = log.is_some_and(|(position, cid)| {
            header.position == position.saturating_add(1) && header.previous.as_ref() == Some(*cid)
        });
        let next_dot = self.dots.get(&(header.replica, document)).map_or(1, |last| last.saturating_add(1));
        let one_parent =
            matches!(header.parents.as_slice(), [parent] if self.tips.get(document) == Some(&parent));
        let linked = matches!(header.body, BodyRef::Link(_));
        [
            (flag::SAME_REPLICA, self.last.is_some_and(|last| last.replica == header.replica)),
            (flag::SAME_DOCUMENT, self.last.is_some_and(|last| last.document == header.document)),
            (flag::CHAINED, chained),
            (flag::DOT_FOLLOWS, header.first_dot == next_dot),
            (flag::ONE_PARENT, one_parent),
            (flag::PARENTS, !one_parent && !header.parents.is_empty()),
            (flag::SHORT, short),
            (flag::COUNTER, header.stamp.counter != 0),
            (flag::SIGNED, packed.signature.is_some()),
            (flag::LINKED, linked),
            (flag::BLOCK, linked && packed.block.is_some()),
            (flag::GRANT, header.auth.is_some()),
            (flag::GROUP, header.group.is_some()),
        ]
        .into_iter()
        .fold(0, |flags, (bit, set)| if set { flags | bit } else { flags })
    }

    fn reference(&mut self, entry: usize, to: &'a Cid, out: &mut Output) {
        if let Some(earlier) = self.entries.get(to) {
            return out.uint(count(entry - earlier) << 1);
        }
        let number = *self.link_numbers.entry(to).or_insert(self.links.len());
        if number == self.links.len() {
            self.links.push(to);
        }
        out.uint((count(number) << 1) | 1);
    }

    fn remember(&mut self, entry: usize, header: &'a Header, cid: &'a Cid) {
        self.entries.insert(cid, entry);
        self.last = Some(header);
        self.logs.insert(header.replica, (header.position, cid));
        self.dots.insert((header.replica, &header.document), header.last_dot());
        self.tips.insert(&header.document, cid);
    }
}

fn write_body(
    entry: usize,
    packed: &PackedVersion,
    short: Option<&Output>,
    out: &mut Output,
) -> Result<(), PackError> {
    match (&packed.version.header().body, &packed.block) {
        (BodyRef::Inline(_), Some(_)) => return Err(PackError::Block { entry }),
        (BodyRef::Inline(bytes), None) => {
            within("bytes of an inline body", bytes.len(), MAX_INLINE_BODY_BYTES)?;
            match short {
                Some(short) => out.bytes(&short.0),
                None => out.prefixed(bytes),
            }
        }
        (BodyRef::Link(link), Some(block)) => {
            within("bytes of a block", block.len(), MAX_PACKED_BLOCK_BYTES)?;
            if !link.matches(block) {
                return Err(PackError::Block { entry });
            }
            out.prefixed(block);
        }
        (BodyRef::Link(link), None) => link.digest().into_iter().for_each(|digest| out.bytes(digest)),
    }
    Ok(())
}
