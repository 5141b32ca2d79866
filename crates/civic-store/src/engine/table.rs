/// The key spaces of an engine. The numbers stand in files and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Table {
    /// What the store knows of itself.
    Meta = 0,
    /// Collections by id.
    Collections = 1,
    /// Documents by collection and id.
    Documents = 2,
    /// Records by table and key.
    Records = 3,
    /// Blobs by CID.
    Blobs = 4,
    /// Pieces of large blobs by CID and number.
    Chunks = 5,
    /// Pins by CID and holder.
    Pins = 6,
    /// The change log by `seq`.
    Log = 7,
    /// Idempotency keys.
    Idempotency = 8,
    /// What an encrypting engine knows of itself; never encrypted, and not part of the content.
    Seal = 9,
}

impl Table {
    /// Every table, by number.
    pub const ALL: [Self; 10] = [
        Self::Meta,
        Self::Collections,
        Self::Documents,
        Self::Records,
        Self::Blobs,
        Self::Chunks,
        Self::Pins,
        Self::Log,
        Self::Idempotency,
        Self::Seal,
    ];

    /// The table's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}
