//! Sync frames: canonical CBOR arrays, at most 256 KiB, the first element saying which.
#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use civic_types::CollectionId;
use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::limits::MAX_SYNC_FRAME_BYTES;

use crate::reconcile::Fingerprint;
use crate::table::Cursor;

/// The protocol's version, in [`Frame::Proof`].
pub const PROTOCOL: u64 = 1;

/// Most communities that a device proves membership of on one connection.
pub const MAX_PROOFS: usize = 16;

/// Most collections of one session.
pub const MAX_SCOPES: usize = 1024;

/// Longest collection definition in a frame.
const MAX_SPEC_BYTES: usize = 512;

/// What two devices say to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// 0: proofs of membership, one a community, in no telling order.
    Proof(Vec<[u8; 32]>),
    /// 1: the follower asks for a round that starts after this.
    Nudge {
        /// Counts the follower's nudges.
        token: u64,
    },
    /// 2: starts a round, or answers that start.
    Hello {
        /// The round.
        round: u64,
        /// The last nudge that came before.
        token: u64,
        /// A hash over all shared scopes.
        summary: [u8; 32],
    },
    /// 3: the state of scopes; from the follower all, from the leader those that differ.
    Scopes {
        /// The round.
        round: u64,
        /// The scopes.
        scopes: Vec<ScopeFrame>,
        /// Definitions that the other does not have.
        definitions: Vec<Bytes>,
        /// Collections whose definition is asked for.
        wanted: Vec<CollectionId>,
    },
    /// 4: the follower says how each differing scope is reconciled, and gives the definitions asked for.
    Modes {
        /// The round.
        round: u64,
        /// The scopes.
        modes: Vec<(CollectionId, Mode)>,
        /// Definitions asked for.
        definitions: Vec<Bytes>,
    },
    /// 5: short ids of the leader's items, ascending over all parts.
    List {
        /// The round.
        round: u64,
        /// The scope.
        collection: CollectionId,
        /// Rice-coded ids.
        ids: Bytes,
        /// Whether this is the last part.
        last: bool,
    },
    /// 6: coded symbols of the leader's items.
    Symbols {
        /// The round.
        round: u64,
        /// The scope.
        collection: CollectionId,
        /// Number of the first symbol.
        start: u64,
        /// 9 bytes each.
        symbols: Bytes,
    },
    /// 7: the follower needs more symbols.
    More {
        /// The round.
        round: u64,
        /// The scope.
        collection: CollectionId,
    },
    /// 8: the items that the follower lacks.
    Want {
        /// The round.
        round: u64,
        /// The scope.
        collection: CollectionId,
        /// Rice-coded ids.
        ids: Bytes,
    },
    /// 9: versions.
    Data {
        /// The round.
        round: u64,
        /// The scope.
        collection: CollectionId,
        /// A pack; none when there is nothing to send.
        pack: Option<Bytes>,
        /// Whether the sender has no more for this scope in this round.
        last: bool,
    },
    /// 10: one data frame of that scope has been imported.
    Ack {
        /// The round.
        round: u64,
        /// The scope.
        collection: CollectionId,
    },
    /// 11: the scopes as they are after all of the other's data.
    Done {
        /// The round.
        round: u64,
        /// The differing scopes with their state now.
        scopes: Vec<(CollectionId, Fingerprint, Cursor)>,
    },
    /// 12: the round is given up.
    Abort {
        /// The round.
        round: u64,
    },
    /// 13: asks for a block from an offset.
    WantBlock {
        /// The scope.
        collection: CollectionId,
        /// The block.
        block: civic_types::Cid,
        /// From where.
        offset: u64,
    },
    /// 14: part of a block.
    Block {
        /// The scope.
        collection: CollectionId,
        /// The block.
        block: civic_types::Cid,
        /// From where.
        offset: u64,
        /// Its whole length; 0 when it is not here.
        total: u64,
        /// The part.
        bytes: Bytes,
    },
}

/// The state of one scope at one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeFrame {
    /// The scope.
    pub collection: CollectionId,
    /// Items.
    pub count: u64,
    /// Their fingerprint.
    pub fingerprint: Fingerprint,
    /// What the sender has consumed of the receiver's arrival log.
    pub consumed: Option<Cursor>,
    /// From the leader: whether it can push what the follower lacks without ids, because the follower's cursor
    /// holds in the leader's log or one of them has nothing.
    pub verified: bool,
}

/// How a differing scope is reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By ids: list or symbols.
    Ids,
    /// Both push what came after the other's cursor.
    Suffix,
}

impl Frame {
    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = Encoder::new();
        match self {
            Self::Proof(proofs) => {
                out.array(3).uint(0).uint(PROTOCOL).array(proofs.len());
                for proof in proofs {
                    out.bytes(proof);
                }
            }
            Self::Nudge { token } => {
                out.array(2).uint(1).uint(*token);
            }
            Self::Hello { round, token, summary } => {
                out.array(4).uint(2).uint(*round).uint(*token).bytes(summary);
            }
            Self::Scopes { round, scopes, definitions, wanted } => {
                out.array(5).uint(3).uint(*round).array(scopes.len());
                scopes.iter().for_each(|scope| scope.encode_into(&mut out));
                encode_definitions(&mut out, definitions);
                out.array(wanted.len());
                for id in wanted {
                    out.bytes(id.as_bytes());
                }
            }
            Self::Modes { round, modes, definitions } => {
                out.array(4).uint(4).uint(*round).array(modes.len());
                for (collection, mode) in modes {
                    out.array(2).bytes(collection.as_bytes()).bool(*mode == Mode::Suffix);
                }
                encode_definitions(&mut out, definitions);
            }
            Self::List { round, collection, ids, last } => {
                out.array(5).uint(5).uint(*round).bytes(collection.as_bytes()).bytes(ids).bool(*last);
            }
            Self::Symbols { round, collection, start, symbols } => {
                out.array(5).uint(6).uint(*round).bytes(collection.as_bytes()).uint(*start).bytes(symbols);
            }
            Self::More { round, collection } => {
                out.array(3).uint(7).uint(*round).bytes(collection.as_bytes());
            }
            Self::Want { round, collection, ids } => {
                out.array(4).uint(8).uint(*round).bytes(collection.as_bytes()).bytes(ids);
            }
            Self::Data { round, collection, pack, last } => {
                out.array(5).uint(9).uint(*round).bytes(collection.as_bytes());
                match pack {
                    Some(pack) => out.bytes(pack),
                    None => out.null(),
                };
                out.bool(*last);
            }
            Self::Ack { round, collection } => {
                out.array(3).uint(10).uint(*round).bytes(collection.as_bytes());
            }
            Self::Done { round, scopes } => {
                out.array(3).uint(11).uint(*round).array(scopes.len());
                for (collection, fingerprint, cursor) in scopes {
                    out.array(3).bytes(collection.as_bytes()).bytes(fingerprint);
                    cursor.encode_into(&mut out);
                }
            }
            Self::Abort { round } => {
                out.array(2).uint(12).uint(*round);
            }
            Self::WantBlock { collection, block, offset } => {
                out.array(4).uint(13).bytes(collection.as_bytes()).link(block).uint(*offset);
            }
            Self::Block { collection, block, offset, total, bytes } => {
                out.array(6).uint(14).bytes(collection.as_bytes()).link(block).uint(*offset);
                out.uint(*total).bytes(bytes);
            }
        }
        Bytes::from(out.into_bytes())
    }

    /// The round that it belongs to, if it belongs to one.
    #[must_use]
    pub const fn round(&self) -> Option<u64> {
        match self {
            Self::Hello { round, .. }
            | Self::Scopes { round, .. }
            | Self::Modes { round, .. }
            | Self::List { round, .. }
            | Self::Symbols { round, .. }
            | Self::More { round, .. }
            | Self::Want { round, .. }
            | Self::Data { round, .. }
            | Self::Ack { round, .. }
            | Self::Done { round, .. }
            | Self::Abort { round } => Some(*round),
            Self::Proof(_) | Self::Nudge { .. } | Self::WantBlock { .. } | Self::Block { .. } => None,
        }
    }

    /// The scope that it is about, if it is about one.
    #[must_use]
    pub const fn collection(&self) -> Option<CollectionId> {
        match self {
            Self::List { collection, .. }
            | Self::Symbols { collection, .. }
            | Self::More { collection, .. }
            | Self::Want { collection, .. }
            | Self::Data { collection, .. }
            | Self::Ack { collection, .. }
            | Self::WantBlock { collection, .. }
            | Self::Block { collection, .. } => Some(*collection),
            _ => None,
        }
    }

    /// Reads one frame.
    ///
    /// # Errors
    ///
    /// [`cbor::Error`] unless the bytes are at most 256 KiB and exactly what [`encode`](Self::encode) writes.
    pub fn decode(bytes: &Bytes) -> Result<Self, cbor::Error> {
        let mut input = Decoder::new(bytes);
        if bytes.len() > MAX_SYNC_FRAME_BYTES {
            return Err(range(&input));
        }
        let elements = input.array()?;
        let tag = input.uint_up_to(14)?;
        let expected = [3, 2, 4, 5, 4, 5, 5, 3, 4, 5, 3, 3, 2, 4, 6];
        if usize::try_from(tag).ok().and_then(|tag| expected.get(tag)) != Some(&elements) {
            return Err(range(&input));
        }
        let frame = Self::decode_body(tag, bytes, &mut input)?;
        input.finish()?;
        Ok(frame)
    }

    fn decode_body(tag: u64, all: &Bytes, input: &mut Decoder<'_>) -> Result<Self, cbor::Error> {
        if tag == 0 {
            if input.uint()? != PROTOCOL {
                return Err(range(input));
            }
            return Ok(Self::Proof(list(input, MAX_PROOFS, Decoder::byte_array)?));
        }
        if tag == 1 {
            return Ok(Self::Nudge { token: input.uint()? });
        }
        if tag >= 13 {
            let (collection, block, offset) = (collection(input)?, input.link()?, input.uint()?);
            if tag == 13 {
                return Ok(Self::WantBlock { collection, block, offset });
            }
            let (total, bytes) = (input.uint()?, all.slice_ref(input.bytes()?));
            return Ok(Self::Block { collection, block, offset, total, bytes });
        }
        let round = input.uint()?;
        Ok(match tag {
            2 => Self::Hello { round, token: input.uint()?, summary: input.byte_array()? },
            3 => {
                let scopes = list(input, MAX_SCOPES, ScopeFrame::decode)?;
                let definitions = definitions(all, input)?;
                Self::Scopes { round, scopes, definitions, wanted: list(input, MAX_SCOPES, collection)? }
            }
            4 => {
                let modes = list(input, MAX_SCOPES, |input| {
                    pair(input, 2)?;
                    let collection = collection(input)?;
                    Ok((collection, if input.bool()? { Mode::Suffix } else { Mode::Ids }))
                })?;
                Self::Modes { round, modes, definitions: definitions(all, input)? }
            }
            5 => {
                let (collection, ids) = (collection(input)?, all.slice_ref(input.bytes()?));
                Self::List { round, collection, ids, last: input.bool()? }
            }
            6 => {
                let (collection, start) = (collection(input)?, input.uint()?);
                Self::Symbols { round, collection, start, symbols: all.slice_ref(input.bytes()?) }
            }
            7 => Self::More { round, collection: collection(input)? },
            8 => Self::Want { round, collection: collection(input)?, ids: all.slice_ref(input.bytes()?) },
            9 => {
                let collection = collection(input)?;
                let pack = if input.try_null() { None } else { Some(all.slice_ref(input.bytes()?)) };
                Self::Data { round, collection, pack, last: input.bool()? }
            }
            10 => Self::Ack { round, collection: collection(input)? },
            11 => {
                let scopes = list(input, MAX_SCOPES, |input| {
                    pair(input, 3)?;
                    Ok((collection(input)?, input.byte_array()?, Cursor::decode_from(input)?))
                })?;
                Self::Done { round, scopes }
            }
            _ => Self::Abort { round },
        })
    }
}

impl ScopeFrame {
    fn encode_into(&self, out: &mut Encoder) {
        out.array(5).bytes(self.collection.as_bytes()).uint(self.count).bytes(&self.fingerprint);
        match self.consumed {
            Some(cursor) => cursor.encode_into(out),
            None => {
                out.null();
            }
        }
        out.bool(self.verified);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, cbor::Error> {
        pair(input, 5)?;
        let (collection, count, fingerprint) = (collection(input)?, input.uint()?, input.byte_array()?);
        let consumed = if input.try_null() { None } else { Some(Cursor::decode_from(input)?) };
        Ok(Self { collection, count, fingerprint, consumed, verified: input.bool()? })
    }
}

fn encode_definitions(out: &mut Encoder, definitions: &[Bytes]) {
    out.array(definitions.len());
    for definition in definitions {
        out.bytes(definition);
    }
}

fn definitions(all: &Bytes, input: &mut Decoder<'_>) -> Result<Vec<Bytes>, cbor::Error> {
    list(input, MAX_SCOPES, |input| {
        let bytes = input.bytes()?;
        if bytes.len() > MAX_SPEC_BYTES { Err(range(input)) } else { Ok(all.slice_ref(bytes)) }
    })
}

fn collection(input: &mut Decoder<'_>) -> Result<CollectionId, cbor::Error> {
    Ok(CollectionId::from_bytes(input.byte_array()?))
}

fn pair(input: &mut Decoder<'_>, elements: usize) -> Result<(), cbor::Error> {
    if input.array()? == elements { Ok(()) } else { Err(range(input)) }
}

fn list<'a, T>(
    input: &mut Decoder<'a>,
    limit: usize,
    mut one: impl FnMut(&mut Decoder<'a>) -> Result<T, cbor::Error>,
) -> Result<Vec<T>, cbor::Error> {
    let count = input.array()?;
    if count > limit {
        return Err(range(input));
    }
    (0..count).map(|_| one(input)).collect()
}

fn range(input: &Decoder<'_>) -> cbor::Error {
    cbor::Error { kind: cbor::ErrorKind::Range, offset: input.offset() }
}
