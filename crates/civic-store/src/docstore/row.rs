//! The rows of a store: canonical CBOR arrays.

use bytes::Bytes;
use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::{Cid, CollectionId, CollectionSpec, DocumentId, DocumentKey, PeerId};

use crate::adapter::{Collection, Incomplete, Stored};
use crate::batch::Origin;
use crate::change::{Change, ChangeKind};
use crate::error::Error;

/// A document: `[id, rev, value, heads, conflicts, null | [missing, unreadable]]`.
pub(super) fn encode_document(stored: &Stored) -> Result<Bytes, Error> {
    let mut out = Encoder::new();
    out.array(6).text(stored.key.document.as_str()).uint(stored.rev);
    out.value(&stored.value).map_err(|_| Error::InvalidRequest { what: "the value nests too deep" })?;
    out.array(stored.heads.len());
    stored.heads.iter().for_each(|head| {
        out.link(head);
    });
    out.bool(stored.conflicts);
    match stored.incomplete {
        Some(Incomplete { missing, unreadable }) => {
            out.array(2).uint(missing.into()).uint(unreadable.into());
        }
        None => {
            out.null();
        }
    }
    Ok(out.into_bytes().into())
}

/// Reads [`encode_document`].
pub(super) fn decode_document(collection: CollectionId, row: &[u8]) -> Result<Stored, Error> {
    read(row, "document", |input| {
        array(input, 6)?;
        let document = DocumentId::new(input.text()?).map_err(|_| Damaged)?;
        let (rev, value) = (input.uint()?, input.value()?);
        let heads = (0..input.array()?).map(|_| input.link()).collect::<Result<Vec<Cid>, _>>()?;
        let conflicts = input.bool()?;
        let incomplete = if input.try_null() {
            None
        } else {
            array(input, 2)?;
            let mut count = || u32::try_from(input.uint()?).map_err(|_| Damaged);
            Some(Incomplete { missing: count()?, unreadable: count()? })
        };
        Ok(Stored { key: DocumentKey { collection, document }, value, heads, conflicts, incomplete, rev })
    })
}

/// A collection: `[spec, replicated]`.
pub(super) fn encode_collection(collection: &Collection) -> Bytes {
    let mut out = Encoder::new();
    out.array(2).bytes(&collection.spec.encode()).bool(collection.replicated);
    out.into_bytes().into()
}

/// Reads [`encode_collection`].
pub(super) fn decode_collection(row: &[u8]) -> Result<Collection, Error> {
    read(row, "collection", |input| {
        array(input, 2)?;
        let spec = CollectionSpec::decode(input.bytes()?).map_err(|_| Damaged)?;
        Ok(Collection { spec, replicated: input.bool()? })
    })
}

/// A blob's head: `[cid, length, inline bytes | null]`; without inline bytes it stands in chunks.
#[derive(Debug)]
pub(super) struct BlobRow {
    pub(super) id: Cid,
    pub(super) len: u64,
    pub(super) inline: Option<Bytes>,
}

impl BlobRow {
    pub(super) fn encode(&self) -> Bytes {
        let mut out = Encoder::new();
        out.array(3).link(&self.id).uint(self.len);
        match &self.inline {
            Some(bytes) => out.bytes(bytes),
            None => out.null(),
        };
        out.into_bytes().into()
    }

    pub(super) fn decode(row: &Bytes) -> Result<Self, Error> {
        read(row, "blob", |input| {
            array(input, 3)?;
            let (id, len) = (input.link()?, input.uint()?);
            let inline = if input.try_null() { None } else { Some(row.slice_ref(input.bytes()?)) };
            if inline.as_ref().is_some_and(|bytes| u64::try_from(bytes.len()) != Ok(len)) {
                return Err(Damaged);
            }
            Ok(Self { id, len, inline })
        })
    }
}

/// A pin: its target's CID as a link.
pub(super) fn encode_pin(target: &Cid) -> Bytes {
    let mut out = Encoder::new();
    out.link(target);
    out.into_bytes().into()
}

/// Reads [`encode_pin`].
pub(super) fn decode_pin(row: &[u8]) -> Result<Cid, Error> {
    read(row, "pin", |input| Ok(input.link()?))
}

/// A commit in the log: `[null | peer, [[collection, id, there]…], [table…], null | idempotency key]`.
#[derive(Debug)]
pub(super) struct LogRow {
    pub(super) change: Change,
    pub(super) idempotency: Option<[u8; 16]>,
}

impl LogRow {
    pub(super) fn encode(&self) -> Bytes {
        let mut out = Encoder::new();
        out.array(4);
        match &self.change.origin {
            Origin::Local => out.null(),
            Origin::Remote(peer) => out.bytes(peer.as_bytes()),
        };
        out.array(self.change.documents.len());
        for (key, kind) in &self.change.documents {
            out.array(3).bytes(key.collection.as_bytes()).text(key.document.as_str());
            out.bool(*kind == ChangeKind::Put);
        }
        out.array(self.change.tables.len());
        self.change.tables.iter().for_each(|table| {
            out.text(table);
        });
        match &self.idempotency {
            Some(key) => out.bytes(key),
            None => out.null(),
        };
        out.into_bytes().into()
    }

    pub(super) fn decode(seq: u64, row: &[u8]) -> Result<Self, Error> {
        read(row, "change log", |input| {
            array(input, 4)?;
            let origin = if input.try_null() {
                Origin::Local
            } else {
                Origin::Remote(PeerId::from_bytes(input.byte_array()?))
            };
            let mut documents = Vec::new();
            for _ in 0..input.array()? {
                array(input, 3)?;
                let collection = CollectionId::from_bytes(input.byte_array()?);
                let document = DocumentId::new(input.text()?).map_err(|_| Damaged)?;
                let kind = if input.bool()? { ChangeKind::Put } else { ChangeKind::Deleted };
                documents.push((DocumentKey { collection, document }, kind));
            }
            let tables =
                (0..input.array()?).map(|_| Ok(input.text()?.to_owned())).collect::<Result<_, Damaged>>()?;
            let idempotency = if input.try_null() { None } else { Some(input.byte_array()?) };
            Ok(Self { change: Change { seq, origin, documents, tables }, idempotency })
        })
    }
}

/// A number of 8 bytes.
pub(super) fn decode_seq(row: &[u8]) -> Result<u64, Error> {
    row.try_into().map(u64::from_be_bytes).map_err(|_| Error::Corrupt { what: "a number" })
}

/// The bytes are not a row.
struct Damaged;

impl From<cbor::Error> for Damaged {
    fn from(_: cbor::Error) -> Self {
        Self
    }
}

fn read<'a, T>(
    row: &'a [u8],
    what: &'static str,
    fields: impl FnOnce(&mut Decoder<'a>) -> Result<T, Damaged>,
) -> Result<T, Error> {
    let mut input = Decoder::new(row);
    let value = fields(&mut input).map_err(|Damaged| Error::Corrupt { what })?;
    input.finish().map_err(|_| Error::Corrupt { what })?;
    Ok(value)
}

fn array(input: &mut Decoder<'_>, len: usize) -> Result<(), Damaged> {
    if input.array()? == len { Ok(()) } else { Err(Damaged) }
}
