//! The record tables that replication keeps in the store, and their keys and values.
//!
//! Keys are fixed-width and big-endian, so that records sort by what they are about. Document ids never
//! stand in a key: a row is a keyed hash of the id under a secret of the store.
#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use civic_crdt::version::{Rules, Version};
use civic_store::{Record, RecordScan, WriteOp};
use civic_types::cbor::{Decoder, Encoder};
use civic_types::item::kind;
use civic_types::{Cid, CollectionId, DocumentId, PeerId, ReplicaId, Signature};

use crate::error::Error;
use crate::reconcile::{LtHash, ShortId};

/// Small facts about this replica: its secret for rows, its epoch, its nonce.
pub(crate) const META: &str = "sync.meta";
/// replica 16 → one or more records of 48.
pub(crate) const REPLICA: &str = "sync.replica";
/// collection 32 → definition.
pub(crate) const DEFINITION: &str = "sync.definition";
/// collection 32 ‖ row 16 ‖ index u32 → version with signature and block.
pub(crate) const VERSION: &str = "sync.version";
/// collection 32 ‖ kind ‖ CID → place.
pub(crate) const ITEM: &str = "sync.item";
/// collection 32 ‖ replica 16 ‖ k u64 ‖ CID → log entry.
pub(crate) const LOG: &str = "sync.log";
/// collection 32 ‖ seq u64 → arrival.
pub(crate) const ARRIVAL: &str = "sync.arrival";
/// collection 32 ‖ short id 6 ‖ seq u64 → place.
pub(crate) const SHORT: &str = "sync.short";
/// collection 32 ‖ replica 16 → the newest version of that log: position u64 ‖ CID.
pub(crate) const LOG_HEAD: &str = "sync.log-head";
/// collection 32 ‖ part u32 → a part of the sketch as it was at some arrival.
pub(crate) const SKETCH: &str = "sync.sketch";
/// collection 32 ‖ row 16 → heads of the document.
pub(crate) const HEAD: &str = "sync.head";
/// collection 32 ‖ row 16 → the document's state without bodies, as it was at some number of versions.
pub(crate) const SAVED: &str = "sync.saved";
/// collection 32 → this replica's place in its own log.
pub(crate) const AUTHOR: &str = "sync.author";
/// collection 32 → scope state.
pub(crate) const SCOPE: &str = "sync.scope";
/// peer 32 ‖ collection 32 → cursor: what we have consumed of its arrival log.
pub(crate) const PEER: &str = "sync.peer";
/// hash 16 → pack that waits for something.
pub(crate) const PARKED: &str = "sync.parked";
/// collection 32 ‖ CID of a block that is not here → CID of the version that links it.
pub(crate) const BLOCK: &str = "sync.block";
/// collection 32 ‖ CID of a block that is here → CID of the version that links it.
pub(crate) const LINKED: &str = "sync.linked";

/// A row's name: a keyed hash of the document id.
pub(crate) type Row = [u8; 16];

/// Where a version stands: its document's row and its number there, from 0 in order of admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) row: Row,
    pub(crate) index: u32,
}

impl Place {
    pub(crate) fn to_bytes(self) -> [u8; 20] {
        let mut bytes = [0; 20];
        let (row, index) = bytes.split_at_mut(16);
        row.copy_from_slice(&self.row);
        index.copy_from_slice(&self.index.to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (row, index) = bytes.split_first_chunk().ok_or(DAMAGED)?;
        Ok(Self { row: *row, index: u32::from_be_bytes(index.try_into().map_err(|_| DAMAGED)?) })
    }
}

const DAMAGED: Error = Error::Damaged { what: "a replication record" };

pub(crate) fn key(parts: &[&[u8]]) -> Bytes {
    Bytes::from(parts.concat())
}

pub(crate) fn put(table: &str, key: Bytes, value: impl Into<Bytes>) -> WriteOp {
    WriteOp::Record { table: table.to_owned(), key, value: Some(value.into()) }
}

pub(crate) fn remove(table: &str, key: Bytes) -> WriteOp {
    WriteOp::Record { table: table.to_owned(), key, value: None }
}

pub(crate) fn row_of(secret: &[u8; 32], document: &DocumentId) -> Row {
    let hash = blake3::keyed_hash(secret, document.as_str().as_bytes());
    let mut row = Row::default();
    row.copy_from_slice(hash.as_bytes().first_chunk::<16>().map_or(&[0; 16], |row| row));
    row
}

pub(crate) fn version_key(collection: &CollectionId, place: Place) -> Bytes {
    key(&[collection.as_bytes(), &place.to_bytes()])
}

pub(crate) fn item_key(collection: &CollectionId, cid: &Cid) -> Bytes {
    key(&[collection.as_bytes(), &[kind::VERSION], cid.as_bytes()])
}

pub(crate) fn log_prefix(collection: &CollectionId, replica: &ReplicaId, position: u64) -> Bytes {
    key(&[collection.as_bytes(), replica.as_bytes(), &position.to_be_bytes()])
}

pub(crate) fn arrival_key(collection: &CollectionId, seq: u64) -> Bytes {
    key(&[collection.as_bytes(), &seq.to_be_bytes()])
}

/// Reads the number behind a key's collection.
pub(crate) fn arrival_seq(key: &[u8]) -> Result<u64, Error> {
    let seq = key.get(32..).and_then(|seq| seq.try_into().ok()).ok_or(DAMAGED)?;
    Ok(u64::from_be_bytes(seq))
}

/// A version as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredVersion {
    pub(crate) version: Version,
    pub(crate) signature: Option<Signature>,
    /// The block of a linked body, if it is here.
    pub(crate) block: Option<Bytes>,
}

impl StoredVersion {
    /// CBOR([header, signature or null]); the block is a blob of the store.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(2).bytes(self.version.bytes());
        match &self.signature {
            Some(signature) => out.bytes(signature.as_bytes()),
            None => out.null(),
        };
        out.into_bytes()
    }

    pub(crate) fn decode(bytes: &Bytes, rules: &Rules) -> Result<Self, Error> {
        let mut input = Decoder::new(bytes);
        if input.array()? != 2 {
            return Err(DAMAGED);
        }
        let header = bytes.slice_ref(input.bytes()?);
        let version = Version::decode(header, rules).map_err(|_| DAMAGED)?;
        let signature =
            if input.try_null() { None } else { Some(Signature::from_bytes(input.byte_array()?)) };
        Ok(Self { version, signature, block: None })
    }
}

/// One line of the arrival log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) cid: Cid,
    pub(crate) short: ShortId,
    pub(crate) chain: Chain,
    /// The peer it came from; none if it was written here.
    pub(crate) source: Option<PeerId>,
    pub(crate) place: Place,
}

/// A running hash over an arrival log; it names a prefix of it. It begins with the store's epoch, so logs of
/// two incarnations of a store have nothing in common.
pub(crate) type Chain = [u8; 16];

/// The key of a short id's rows; without a number, of all of them.
pub(crate) fn short_key(collection: &CollectionId, short: ShortId, seq: Option<u64>) -> Bytes {
    let short = short.to_be_bytes();
    let seq = seq.map(u64::to_be_bytes);
    key(&[
        collection.as_bytes(),
        short.get(2..).unwrap_or_default(),
        seq.as_ref().map_or(&[], |seq| &seq[..]),
    ])
}

/// Reads a short id's row.
pub(crate) fn short_row(record: &Record) -> Result<(ShortId, u64, Place), Error> {
    let (short, seq) = record.key.get(32..).and_then(|key| key.split_first_chunk::<6>()).ok_or(DAMAGED)?;
    let short = short.iter().fold(0, |id, byte| (id << 8) | u64::from(*byte));
    let seq = u64::from_be_bytes(seq.try_into().map_err(|_| DAMAGED)?);
    Ok((short, seq, Place::from_bytes(&record.value)?))
}

/// Where a version of an author's log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogEntry {
    pub(crate) place: Place,
    /// Its number in the arrival log.
    pub(crate) seq: u64,
}

impl LogEntry {
    pub(crate) fn encode(self) -> Vec<u8> {
        [&self.place.to_bytes()[..], &self.seq.to_be_bytes()].concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (place, seq) = bytes.split_last_chunk().ok_or(DAMAGED)?;
        Ok(Self { place: Place::from_bytes(place)?, seq: u64::from_be_bytes(*seq) })
    }
}

/// The newest version of an author's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) replica: ReplicaId,
    pub(crate) position: u64,
    pub(crate) cid: Cid,
}

impl Newest {
    pub(crate) fn key(collection: &CollectionId, replica: &ReplicaId) -> Bytes {
        key(&[collection.as_bytes(), replica.as_bytes()])
    }

    pub(crate) fn value(&self) -> Vec<u8> {
        [&self.position.to_be_bytes(), self.cid.as_bytes()].concat()
    }

    pub(crate) fn decode(record: &Record) -> Result<Self, Error> {
        let replica = record.key.get(32..).and_then(|id| id.try_into().ok()).ok_or(DAMAGED)?;
        Self::of(ReplicaId::from_bytes(replica), &record.value)
    }

    pub(crate) fn of(replica: ReplicaId, value: &[u8]) -> Result<Self, Error> {
        let (position, cid) = value.split_first_chunk().ok_or(DAMAGED)?;
        let cid = Cid::from_bytes(cid).map_err(|_| DAMAGED)?;
        Ok(Self { replica, position: u64::from_be_bytes(*position), cid })
    }

    /// Whether it takes the place of another: newer, or of a fork the one with the smaller hash, so that all
    /// who hold the same versions name the same one.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        self.position > other.position || (self.position == other.position && self.cid < other.cid)
    }
}

impl Arrival {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(128);
        out.array(5).link(&self.cid).uint(self.short).bytes(&self.chain);
        match &self.source {
            Some(peer) => out.bytes(peer.as_bytes()),
            None => out.null(),
        };
        out.bytes(&self.place.to_bytes());
        out.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = Decoder::new(bytes);
        if input.array()? != 5 {
            return Err(DAMAGED);
        }
        let (cid, short, chain) = (input.link()?, input.uint()?, input.byte_array()?);
        let source = if input.try_null() { None } else { Some(PeerId::from_bytes(input.byte_array()?)) };
        Ok(Self { cid, short, chain, source, place: Place::from_bytes(input.bytes()?)? })
    }
}

/// The next value of a chain.
pub(crate) fn extend_chain(chain: &Chain, cid: &Cid) -> Chain {
    let mut hasher = blake3::Hasher::new();
    let hash = hasher.update(chain).update(cid.as_bytes()).finalize();
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// What a collection's index says of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) document: DocumentId,
    /// Versions that the document has.
    pub(crate) versions: u32,
    pub(crate) heads: Vec<Cid>,
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(3).text(self.document.as_str()).uint(self.versions.into()).array(self.heads.len());
        for head in &self.heads {
            out.link(head);
        }
        out.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = Decoder::new(bytes);
        if input.array()? != 3 {
            return Err(DAMAGED);
        }
        let document = DocumentId::new(input.text()?).map_err(|_| DAMAGED)?;
        let versions = u32::try_from(input.uint()?).map_err(|_| DAMAGED)?;
        let heads = (0..input.array()?).map(|_| input.link()).collect::<Result<_, _>>()?;
        Ok(Self { document, versions, heads })
    }
}

/// What is reconciled of a collection, and how far its arrival log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopeState {
    /// Items, which is also the number of the newest arrival.
    pub(crate) seq: u64,
    /// Authors' logs.
    pub(crate) logs: u64,
    pub(crate) chain: Chain,
    pub(crate) hash: LtHash,
}

impl ScopeState {
    /// Nothing has arrived in a store of that epoch.
    pub(crate) fn empty(epoch: &[u8; 16]) -> Self {
        Self { seq: 0, logs: 0, chain: *epoch, hash: LtHash::default() }
    }

    pub(crate) fn read(record: Option<Bytes>, epoch: &[u8; 16]) -> Result<Self, Error> {
        record.map_or_else(|| Ok(Self::empty(epoch)), |bytes| Self::decode(&bytes))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(LtHash::LEN + 32);
        out.array(4).uint(self.seq).uint(self.logs).bytes(&self.chain).bytes(&self.hash.to_bytes());
        out.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = Decoder::new(bytes);
        if input.array()? != 4 {
            return Err(DAMAGED);
        }
        let (seq, logs, chain) = (input.uint()?, input.uint()?, input.byte_array()?);
        Ok(Self { seq, logs, chain, hash: LtHash::from_bytes(input.bytes()?).ok_or(DAMAGED)? })
    }
}

/// This replica's place in its own log of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthorState {
    pub(crate) position: u64,
    pub(crate) last: Cid,
}

impl AuthorState {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(2).uint(self.position).link(&self.last);
        out.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = Decoder::new(bytes);
        if input.array()? != 2 {
            return Err(DAMAGED);
        }
        Ok(Self { position: input.uint()?, last: input.link()? })
    }
}

/// How far somebody has read another's arrival log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last arrival read.
    pub seq: u64,
    /// The log's chain hash there, which names the store's incarnation too.
    pub chain: [u8; 16],
}

impl Cursor {
    pub(crate) fn encode_into(self, out: &mut Encoder) {
        out.array(2).uint(self.seq).bytes(&self.chain);
    }

    pub(crate) fn decode_from(input: &mut Decoder<'_>) -> Result<Self, civic_types::cbor::Error> {
        let offset = input.offset();
        if input.array()? != 2 {
            return Err(civic_types::cbor::Error { kind: civic_types::cbor::ErrorKind::Range, offset });
        }
        Ok(Self { seq: input.uint()?, chain: input.byte_array()? })
    }
}

/// All records of a table that start so, however many pages they take, through `read`.
pub(crate) fn all_records<E>(
    table: &str,
    prefix: &[u8],
    read: impl FnMut(&RecordScan) -> Result<civic_store::Page<Record>, E>,
) -> Result<Vec<Record>, E> {
    all_of(RecordScan::table(table).prefix(Bytes::copy_from_slice(prefix)), read)
}

/// Every record of a scan, page by page.
pub(crate) fn all_of<E>(
    mut scan: RecordScan,
    mut read: impl FnMut(&RecordScan) -> Result<civic_store::Page<Record>, E>,
) -> Result<Vec<Record>, E> {
    let mut all = Vec::new();
    loop {
        let page = read(&scan)?;
        let last = page.items.last().map(|record| record.key.clone());
        all.extend(page.items);
        match (page.next, last) {
            (Some(_), Some(last)) => scan = scan.after(last),
            _ => return Ok(all),
        }
    }
}
