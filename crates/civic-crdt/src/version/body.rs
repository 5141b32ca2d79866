//! [`Body`]: the operations of one version.
#![warn(clippy::indexing_slicing)]

use std::fmt;

use bytes::Bytes;
use civic_types::cbor::{self, Decoder, Encoder, Limits};
use civic_types::limits::{MAX_CBOR_DEPTH, MAX_KILLS, MAX_OPERATIONS, MAX_PATH_SEGMENTS};
use civic_types::patch::PathError;
use civic_types::{FieldPath, ReplicaId};

use crate::clock::Dot;

/// A kind of field that this build folds; the number is its rank: of several kinds at one path the lowest
/// is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A map of further fields.
    Map = 0,
    /// A text that several may edit at once.
    Text = 1,
    /// A list that several may edit at once.
    List = 2,
    /// A set in which add wins over a concurrent remove.
    Set = 3,
    /// A sum of signed additions.
    Counter = 4,
    /// A plain value: the last write is shown.
    Register = 5,
    /// A set that only grows.
    GSet = 6,
}

impl Kind {
    /// The kind with that number; `None` for one that only newer software knows.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Map,
            1 => Self::Text,
            2 => Self::List,
            3 => Self::Set,
            4 => Self::Counter,
            5 => Self::Register,
            6 => Self::GSet,
            _ => return None,
        })
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u64 {
        self as u64
    }

    /// Whether its elements have an order: text and list.
    #[must_use]
    pub const fn is_sequence(self) -> bool {
        matches!(self, Self::Text | Self::List)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Map => "map",
            Self::Text => "text",
            Self::List => "list",
            Self::Set => "set",
            Self::Counter => "counter",
            Self::Register => "plain value",
            Self::GSet => "grow-only set",
        })
    }
}

/// What an operation does with its field. Every kind has the first two; text and list have all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Adds, assigns or inserts: leaves a live dot.
    Put = 0,
    /// Clears, removes, resets or unsets: only kills.
    Kill = 1,
    /// Makes a text or list that has no elements yet: leaves a live dot.
    Create = 2,
    /// Hides some elements of a text or list: leaves no live dot.
    Delete = 3,
}

impl Code {
    /// The code with that number; `None` for one that only newer software knows.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Put,
            1 => Self::Kill,
            2 => Self::Create,
            3 => Self::Delete,
            _ => return None,
        })
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u64 {
        self as u64
    }
}

/// One operation, as it stands in a body; kind and code may be ones that only newer software knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Where.
    pub path: FieldPath,
    /// The kind's number.
    pub kind: u64,
    /// The code's number.
    pub code: u64,
    /// The argument's canonical bytes.
    pub argument: Bytes,
    /// The operations that this one ends, ascending.
    pub kills: Vec<Dot>,
}

/// The operations of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The replicas that kills name, strictly ascending; a received body may list more than it uses.
    pub replicas: Vec<ReplicaId>,
    /// The operations in order; the first has the version's first dot.
    pub operations: Vec<Operation>,
}

impl Body {
    /// A body of these operations with exactly the replicas that their kills name.
    #[must_use]
    pub fn new(operations: Vec<Operation>) -> Self {
        let mut replicas: Vec<_> =
            operations.iter().flat_map(|op| op.kills.iter().map(|dot| dot.replica)).collect();
        replicas.sort_unstable();
        replicas.dedup();
        Self { replicas, operations }
    }

    /// Reads a body. Arguments share the memory of `bytes`.
    ///
    /// # Errors
    ///
    /// [`BodyError`] when the bytes are not canonical or break the grammar; such a body is a no-op whole.
    pub fn decode(bytes: &Bytes) -> Result<Self, BodyError> {
        // Nesting counts from the outermost array: three are around every argument.
        let input = &mut Decoder::with_limits(bytes, &Limits::DEPTH_ONLY.with_depth(MAX_CBOR_DEPTH - 3))?;
        array_of(input, 2)?;
        let replicas = decode_replicas(input)?;
        let count = input.array()?;
        if count == 0 || u64::try_from(count).is_ok_and(|count| count > MAX_OPERATIONS) {
            return Err(BodyError::Operations);
        }
        let mut kills_left = MAX_KILLS;
        let mut operations = Vec::with_capacity(count.min(PREALLOCATE));
        for _ in 0..count {
            operations.push(decode_operation(input, bytes, &replicas, &mut kills_left)?);
        }
        input.clone().finish()?;
        Ok(Self { replicas, operations })
    }

    /// The canonical bytes. Kills of replicas that the body does not list are left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let room = |operation: &Operation| 32 + operation.argument.len() + 4 * operation.kills.len();
        let operations: usize = self.operations.iter().map(room).sum();
        let mut out = Encoder::with_capacity(8 + 17 * self.replicas.len() + operations);
        out.array(2).array(self.replicas.len());
        for replica in &self.replicas {
            out.bytes(replica.as_bytes());
        }
        out.array(self.operations.len());
        for operation in &self.operations {
            out.array(5).array(operation.path.segments().len());
            for segment in operation.path.segments() {
                out.text(segment);
            }
            out.uint(operation.kind).uint(operation.code).raw(&operation.argument);
            let index = |dot: &Dot| Some((self.replicas.binary_search(&dot.replica).ok()?, dot.number));
            let kills: Vec<_> = operation.kills.iter().filter_map(index).collect();
            out.array(kills.len());
            for (replica, number) in kills {
                out.array(2).uint(u64::try_from(replica).unwrap_or(u64::MAX)).uint(number);
            }
        }
        out.into_bytes()
    }
}

/// Why a body is a no-op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// Not canonical, or a part of another type.
    #[error("the body is not canonical or a part has another type")]
    Cbor(#[from] cbor::Error),
    /// Kills are not ascending, too many, or name no replica of the body or no dot.
    #[error("kills are malformed or more than {MAX_KILLS}")]
    Kills,
    /// None or too many.
    #[error("a body has 1..={MAX_OPERATIONS} operations")]
    Operations,
    /// A path is too deep or has a malformed segment.
    #[error("a path is malformed")]
    Path(#[from] PathError),
    /// Replicas are not strictly ascending.
    #[error("replicas are not strictly ascending")]
    Replicas,
    /// An array has more or fewer elements than the grammar says.
    #[error("an array has the wrong length")]
    Shape,
}

/// Elements to reserve before any was read: what comes later grows with the bytes that came.
const PREALLOCATE: usize = 16;

fn array_of(input: &mut Decoder<'_>, length: usize) -> Result<(), BodyError> {
    if input.array()? == length { Ok(()) } else { Err(BodyError::Shape) }
}

fn decode_replicas(input: &mut Decoder<'_>) -> Result<Vec<ReplicaId>, BodyError> {
    let count = input.array()?;
    let mut replicas: Vec<ReplicaId> = Vec::with_capacity(count.min(PREALLOCATE));
    for _ in 0..count {
        let replica = ReplicaId::from_bytes(input.byte_array()?);
        if replicas.last().is_some_and(|last| *last >= replica) {
            return Err(BodyError::Replicas);
        }
        replicas.push(replica);
    }
    Ok(replicas)
}

fn decode_operation(
    input: &mut Decoder<'_>,
    bytes: &Bytes,
    replicas: &[ReplicaId],
    kills_left: &mut usize,
) -> Result<Operation, BodyError> {
    array_of(input, 5)?;
    let depth = input.array()?;
    if depth > MAX_PATH_SEGMENTS {
        return Err(PathError::TooDeep.into());
    }
    let mut segments = Vec::with_capacity(depth);
    for _ in 0..depth {
        segments.push(input.text()?.to_owned());
    }
    let path = FieldPath::new(segments)?;
    let (kind, code) = (input.uint()?, input.uint()?);
    let argument = bytes.slice_ref(input.raw()?);
    let count = input.array()?;
    *kills_left = kills_left.checked_sub(count).ok_or(BodyError::Kills)?;
    let mut kills: Vec<Dot> = Vec::with_capacity(count.min(PREALLOCATE));
    for _ in 0..count {
        array_of(input, 2)?;
        let index = usize::try_from(input.uint()?).map_err(|_| BodyError::Kills)?;
        let dot = Dot { replica: *replicas.get(index).ok_or(BodyError::Kills)?, number: input.uint()? };
        // Replicas ascend, so ascending dots and ascending (index, number) pairs are the same.
        if dot.number == 0 || kills.last().is_some_and(|last| *last >= dot) {
            return Err(BodyError::Kills);
        }
        kills.push(dot);
    }
    Ok(Operation { path, kind, code, argument, kills })
}
