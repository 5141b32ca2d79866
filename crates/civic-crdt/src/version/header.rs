#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use civic_types::cbor::{Decoder, Encoder};
use civic_types::cid::{DAG_CBOR, RAW};
use civic_types::id::Writers;
use civic_types::limits::{MAX_GROUP, MAX_INLINE_BODY_BYTES, MAX_ITEM_BYTES, MAX_OPERATIONS, MAX_PARENTS};
use civic_types::time::Stamp;
use civic_types::{Cid, CollectionId, CollectionSpec, DocumentId, HashAlgorithm, ReplicaId};

use super::HeaderError;
use crate::clock::Dot;

/// What a collection asks of the headers in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// The hash of every CID in the collection.
    pub hash: HashAlgorithm,
    /// Whether versions name a grant.
    pub writers: Writers,
}

impl From<&CollectionSpec> for Rules {
    fn from(spec: &CollectionSpec) -> Self {
        Self { hash: spec.hash, writers: spec.writers }
    }
}

/// Everything of a version that is hashed and signed. The letters are the keys on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `a`: the grant that the author writes under; none in open collections.
    pub auth: Option<Cid>,
    /// `b`: the operations, or where they are.
    pub body: BodyRef,
    /// `c`: the collection.
    pub collection: CollectionId,
    /// `d`: the document.
    pub document: DocumentId,
    /// `g`: which of how many versions that were committed together; a hint.
    pub group: Option<(u64, u64)>,
    /// `k`: position in the replica's log of the collection, from 1; a claim.
    pub position: u64,
    /// `n`: number of operations, whether the body can be read or not.
    pub operations: u64,
    /// `p`: versions of the document that the author had seen, ascending.
    pub parents: Vec<Cid>,
    /// `q`: the replica's version before this one in the collection; none at position 1.
    pub previous: Option<Cid>,
    /// `r`: who wrote.
    pub replica: ReplicaId,
    /// `s`: number of the first operation's dot.
    pub first_dot: u64,
    /// `t`: when.
    pub stamp: Stamp,
}

/// A version's body, or where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyRef {
    /// The body itself, at most 4096 bytes.
    Inline(Bytes),
    /// The raw block that holds it.
    Link(Cid),
}

impl Header {
    /// Reads a header and checks every rule that needs nothing but the header and its collection.
    ///
    /// The inline body shares the memory of `bytes`.
    ///
    /// # Errors
    ///
    /// [`HeaderError`]: the first rule that is broken.
    pub fn decode(bytes: &Bytes, rules: &Rules) -> Result<Self, HeaderError> {
        if bytes.len() > MAX_ITEM_BYTES {
            return Err(HeaderError::TooLarge { got: bytes.len() });
        }
        let input = &mut Decoder::new(bytes);
        let grouped = match input.map()? {
            12 => false,
            13 => true,
            _ => return Err(HeaderError::Keys),
        };
        let auth = key(input, "a").and_then(|()| optional_link(input))?;
        key(input, "b")?;
        let body = decode_body(input, bytes)?;
        key(input, "c")?;
        let collection = CollectionId::from_bytes(input.byte_array()?);
        key(input, "d")?;
        let document = DocumentId::new(input.text()?)?;
        let group = if grouped { Some(decode_group(input)?) } else { None };
        let position = key(input, "k").and_then(|()| Ok(input.uint()?))?;
        let operations = key(input, "n").and_then(|()| Ok(input.uint()?))?;
        key(input, "p")?;
        let parents = decode_parents(input)?;
        let previous = key(input, "q").and_then(|()| optional_link(input))?;
        key(input, "r")?;
        let replica = ReplicaId::from_bytes(input.byte_array()?);
        let first_dot = key(input, "s").and_then(|()| Ok(input.uint()?))?;
        key(input, "t")?;
        let stamp = decode_stamp(input)?;
        key(input, "v")?;
        if input.uint()? != FORMAT_VERSION {
            return Err(HeaderError::FormatVersion);
        }
        input.clone().finish()?;
        let header = Self {
            auth,
            body,
            collection,
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
        header.check(rules)?;
        Ok(header)
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let inline = match &self.body {
            BodyRef::Inline(body) => body.len(),
            BodyRef::Link(_) => 0,
        };
        let mut out = Encoder::with_capacity(240 + inline + self.parents.len() * 42);
        out.map(if self.group.is_some() { 13 } else { 12 });
        link_or_null(out.text("a"), self.auth.as_ref());
        out.text("b");
        match &self.body {
            BodyRef::Inline(body) => out.bytes(body),
            BodyRef::Link(link) => out.link(link),
        };
        out.text("c").bytes(self.collection.as_bytes());
        out.text("d").text(self.document.as_str());
        if let Some((index, size)) = self.group {
            out.text("g").array(2).uint(index).uint(size);
        }
        out.text("k").uint(self.position);
        out.text("n").uint(self.operations);
        out.text("p").array(self.parents.len());
        for parent in &self.parents {
            out.link(parent);
        }
        link_or_null(out.text("q"), self.previous.as_ref());
        out.text("r").bytes(self.replica.as_bytes());
        out.text("s").uint(self.first_dot);
        out.text("t").array(2).uint(self.stamp.millis).uint(u64::from(self.stamp.counter));
        out.text("v").uint(FORMAT_VERSION);
        out.into_bytes()
    }

    /// The dot of the operation with that index.
    #[must_use]
    pub const fn dot(&self, operation: u64) -> Dot {
        Dot { replica: self.replica, number: self.first_dot.saturating_add(operation) }
    }

    /// The number of the last operation's dot.
    #[must_use]
    pub const fn last_dot(&self) -> u64 {
        self.first_dot.saturating_add(self.operations.saturating_sub(1))
    }

    /// Checks every rule that [`decode`](Self::decode) checks and types do not keep.
    pub(super) fn check(&self, rules: &Rules) -> Result<(), HeaderError> {
        let is_item = |link: &Cid| link.is(DAG_CBOR, rules.hash);
        match (rules.writers, &self.auth) {
            (Writers::Open, Some(_)) => return Err(HeaderError::GrantInOpen),
            (Writers::Granted, None) => return Err(HeaderError::GrantMissing),
            (Writers::Granted, Some(grant)) if !is_item(grant) => return Err(HeaderError::GrantLink),
            _ => {}
        }
        self.check_body(rules)?;
        if self.group.is_some_and(|(index, size)| index == 0 || index > size || size > MAX_GROUP) {
            return Err(HeaderError::Group);
        }
        if self.position == 0 {
            return Err(HeaderError::Position);
        }
        if self.operations == 0 || self.operations > MAX_OPERATIONS {
            return Err(HeaderError::Operations);
        }
        if self.parents.len() > MAX_PARENTS {
            return Err(HeaderError::Parents { got: self.parents.len() });
        }
        if !self.parents.iter().all(is_item) {
            return Err(HeaderError::ParentLink);
        }
        if !self.parents.is_sorted_by(|a, b| a < b) {
            return Err(HeaderError::ParentOrder);
        }
        if self.first_dot == 0 {
            return Err(HeaderError::FirstDot);
        }
        if Stamp::new(self.stamp.millis, self.stamp.counter).is_none() {
            return Err(HeaderError::Stamp);
        }
        if self.previous.is_none() != (self.position == 1) {
            return Err(HeaderError::Previous);
        }
        if !self.previous.as_ref().is_none_or(is_item) {
            return Err(HeaderError::PreviousLink);
        }
        Ok(())
    }

    fn check_body(&self, rules: &Rules) -> Result<(), HeaderError> {
        match &self.body {
            BodyRef::Inline(body) if body.len() > MAX_INLINE_BODY_BYTES => {
                Err(HeaderError::BodyLength { got: body.len() })
            }
            BodyRef::Link(link) if !link.is(RAW, rules.hash) => Err(HeaderError::BodyLink),
            _ => Ok(()),
        }
    }
}

const FORMAT_VERSION: u64 = 1;

/// Reads the map key that must stand here.
fn key(input: &mut Decoder<'_>, name: &str) -> Result<(), HeaderError> {
    if input.text()? == name { Ok(()) } else { Err(HeaderError::Keys) }
}

fn optional_link(input: &mut Decoder<'_>) -> Result<Option<Cid>, HeaderError> {
    if input.try_null() { Ok(None) } else { Ok(Some(input.link()?)) }
}

fn link_or_null(out: &mut Encoder, link: Option<&Cid>) {
    match link {
        Some(link) => out.link(link),
        None => out.null(),
    };
}

fn decode_body(input: &mut Decoder<'_>, bytes: &Bytes) -> Result<BodyRef, HeaderError> {
    if !input.at_bytes() {
        return Ok(BodyRef::Link(input.link()?));
    }
    Ok(BodyRef::Inline(bytes.slice_ref(input.bytes()?)))
}

fn decode_group(input: &mut Decoder<'_>) -> Result<(u64, u64), HeaderError> {
    key(input, "g")?;
    if input.array()? == 2 { Ok((input.uint()?, input.uint()?)) } else { Err(HeaderError::Group) }
}

fn decode_parents(input: &mut Decoder<'_>) -> Result<Vec<Cid>, HeaderError> {
    let count = input.array()?;
    if count > MAX_PARENTS {
        return Err(HeaderError::Parents { got: count });
    }
    (0..count).map(|_| Ok(input.link()?)).collect()
}

fn decode_stamp(input: &mut Decoder<'_>) -> Result<Stamp, HeaderError> {
    if input.array()? != 2 {
        return Err(HeaderError::Keys);
    }
    let (millis, counter) = (input.uint()?, input.uint()?);
    let counter = u16::try_from(counter).map_err(|_| HeaderError::Counter)?;
    Stamp::new(millis, counter).ok_or(HeaderError::Stamp)
}
