use super::{CollectionId, CommunityId};
use crate::HashAlgorithm;
use crate::cbor::{self, Decoder, Encoder};
use crate::limits::MAX_NAME_BYTES;

/// What a collection holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CollectionKind {
    /// Documents, each the fold of its versions.
    #[default]
    Documents,
    /// Bare items that only their own kind understands.
    Items,
}

/// Which of a concurrent delete and write wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeletePolicy {
    /// Any write that the delete has not seen keeps the document.
    AddWins,
    /// The later stamp decides.
    #[default]
    Lww,
}

/// Who may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Writers {
    /// Whoever holds a grant that each version names.
    Granted,
    /// Every member of the audience.
    #[default]
    Open,
}

/// A collection's definition: its id is the hash of these fields, so none can change later.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CollectionSpec {
    /// The group that may hold it, or the whole community.
    pub audience: Option<[u8; 32]>,
    /// The community it belongs to; 32 zero bytes for local collections.
    pub community: CommunityId,
    /// How a concurrent delete and write are read.
    pub delete: DeletePolicy,
    /// The hash of every CID in it.
    pub hash: HashAlgorithm,
    /// Documents or bare items.
    pub kind: CollectionKind,
    /// Its name: 1..=128 bytes without control characters.
    pub name: String,
    /// Whether bodies are encrypted end to end.
    pub sealed: bool,
    /// Who may write.
    pub writers: Writers,
}

/// The community bytes of collections that never leave the device.
const LOCAL: CommunityId = CommunityId::from_bytes([0; 32]);

impl CollectionSpec {
    /// Documents of a community with the defaults: whole audience, `lww`, sha2-256, open, not sealed.
    ///
    /// # Errors
    ///
    /// [`SpecError::Name`] when the name is empty, too long or has a control character.
    pub fn new(community: CommunityId, name: impl Into<String>) -> Result<Self, SpecError> {
        let name = name.into();
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(SpecError::Name);
        }
        Ok(Self {
            audience: None,
            community,
            delete: DeletePolicy::default(),
            hash: HashAlgorithm::default(),
            kind: CollectionKind::default(),
            name,
            sealed: false,
            writers: Writers::default(),
        })
    }

    /// Sets how a concurrent delete and write are read.
    #[must_use]
    pub const fn with_delete(mut self, delete: DeletePolicy) -> Self {
        self.delete = delete;
        self
    }

    /// Sets the hash of every CID in the collection.
    #[must_use]
    pub const fn with_hash(mut self, hash: HashAlgorithm) -> Self {
        self.hash = hash;
        self
    }

    /// Whether the collection never leaves this device.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.community == LOCAL
    }

    /// The collection's id.
    #[must_use]
    pub fn id(&self) -> CollectionId {
        CollectionId::derive(&self.encode())
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.map(9);
        out.text("v").uint(1);
        out.text("hash").text(self.hash.name());
        out.text("kind").text(match self.kind {
            CollectionKind::Documents => "documents",
            CollectionKind::Items => "items",
        });
        out.text("name").text(&self.name);
        out.text("delete").text(match self.delete {
            DeletePolicy::AddWins => "add-wins",
            DeletePolicy::Lww => "lww",
        });
        out.text("sealed").bool(self.sealed);
        out.text("writers").text(match self.writers {
            Writers::Granted => "granted",
            Writers::Open => "open",
        });
        out.text("audience");
        match &self.audience {
            Some(audience) => out.bytes(audience),
            None => out.null(),
        };
        out.text("community").bytes(self.community.as_bytes());
        out.into_bytes()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    ///
    /// [`SpecError`] unless the bytes are exactly what [`encode`](Self::encode) writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, SpecError> {
        let mut input = Decoder::new(bytes);
        if input.map()? != 9 {
            return Err(SpecError::Field { name: "v" });
        }
        field(&mut input, "v")?;
        if input.uint()? != 1 {
            return Err(SpecError::Field { name: "v" });
        }
        let hash =
            HashAlgorithm::from_name(text(&mut input, "hash")?).ok_or(SpecError::Field { name: "hash" })?;
        let kind = match text(&mut input, "kind")? {
            "documents" => CollectionKind::Documents,
            "items" => CollectionKind::Items,
            _ => return Err(SpecError::Field { name: "kind" }),
        };
        let name = text(&mut input, "name")?.to_owned();
        let delete = match text(&mut input, "delete")? {
            "add-wins" => DeletePolicy::AddWins,
            "lww" => DeletePolicy::Lww,
            _ => return Err(SpecError::Field { name: "delete" }),
        };
        field(&mut input, "sealed")?;
        let sealed = input.bool()?;
        let writers = match text(&mut input, "writers")? {
            "granted" => Writers::Granted,
            "open" => Writers::Open,
            _ => return Err(SpecError::Field { name: "writers" }),
        };
        field(&mut input, "audience")?;
        let audience = if input.try_null() { None } else { Some(input.byte_array()?) };
        field(&mut input, "community")?;
        let community = CommunityId::from_bytes(input.byte_array()?);
        input.finish()?;
        Ok(Self { audience, delete, hash, kind, sealed, writers, ..Self::new(community, name)? })
    }
}

impl CollectionId {
    /// The local collection of that name: the defaults under 32 zero bytes, never replicated.
    ///
    /// # Errors
    ///
    /// [`SpecError::Name`] as [`CollectionSpec::new`].
    pub fn local(name: &str) -> Result<Self, SpecError> {
        Ok(CollectionSpec::new(LOCAL, name)?.id())
    }
}

fn field(input: &mut Decoder<'_>, name: &'static str) -> Result<(), SpecError> {
    if input.text()? == name { Ok(()) } else { Err(SpecError::Field { name }) }
}

fn text<'a>(input: &mut Decoder<'a>, name: &'static str) -> Result<&'a str, SpecError> {
    field(input, name)?;
    Ok(input.text()?)
}

/// Why a collection definition is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// Not canonical.
    #[error("the definition is not canonical")]
    Cbor(#[from] cbor::Error),
    /// A field is missing, superfluous, or has a value that it cannot have.
    #[error("the definition's field {name} is missing or wrong")]
    Field {
        /// The field expected there.
        name: &'static str,
    },
    /// Empty, too long, or with a control character.
    #[error("a collection name has 1..={MAX_NAME_BYTES} bytes without control characters")]
    Name,
}
