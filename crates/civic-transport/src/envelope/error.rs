use civic_types::cbor;

/// Why bytes are no envelope, or an envelope is refused: one variant per rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not canonical CBOR, or a field of another type, length or range.
    #[error("the envelope is not canonical")]
    Cbor(#[from] cbor::Error),
    /// Not twelve elements.
    #[error("an envelope has 12 elements, not {got}")]
    Elements {
        /// How many.
        got: usize,
    },
    /// A flag that this version does not know.
    #[error("unknown flags {got:#04x}")]
    Flags {
        /// The byte.
        got: u8,
    },
    /// It has crossed more links than it may.
    #[error("{hops} hops of at most {max_hops}")]
    Hops {
        /// Links crossed.
        hops: u8,
        /// Links that it may cross.
        max_hops: u8,
    },
    /// A kind of frame that carries no envelope.
    #[error("frame kind {got} is no envelope")]
    Kind {
        /// The byte.
        got: u8,
    },
    /// A cap on hops above 15.
    #[error("a cap of {got} hops is more than 15")]
    MaxHops {
        /// The cap.
        got: u8,
    },
    /// The network's name is too long to sign.
    #[error("a network's name has at most {limit} bytes")]
    Network {
        /// The longest.
        limit: usize,
    },
    /// A priority above 4.
    #[error("priority {got} is not 0..=4")]
    Priority {
        /// The number.
        got: u64,
    },
    /// The payload, or the whole, is too long.
    #[error("{got} bytes are more than {limit}")]
    TooLarge {
        /// Bytes found.
        got: usize,
        /// Bytes taken.
        limit: usize,
    },
    /// The key or the peer does not fit the short id.
    #[error("the key or peer given is not the one that the short id names")]
    ShortId,
    /// The signature or its key is refused.
    #[error("the signature is refused")]
    Signature,
    /// The bytes end too early.
    #[error("the envelope ends after {got} bytes")]
    Truncated {
        /// Bytes found.
        got: usize,
    },
    /// A ttl code above 20.
    #[error("ttl code {got} is not 0..=20")]
    TtlCode {
        /// The code.
        got: u64,
    },
    /// A version other than 1.
    #[error("envelope version {got} is unknown")]
    Version {
        /// The version.
        got: u64,
    },
}
