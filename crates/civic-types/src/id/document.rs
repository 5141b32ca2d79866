use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE32_NOPAD;

use super::{CollectionId, PeerId};
use crate::limits::MAX_DOCUMENT_ID_BYTES;
use crate::time::Timestamp;

/// A document's name inside its collection: 1..=128 bytes of UTF-8 without control characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId(Arc<str>);

impl DocumentId {
    /// Checks and takes the text.
    ///
    /// # Errors
    ///
    /// [`DocumentIdError`] when it is empty, longer than 128 bytes, or has a control character
    /// (Unicode category Cc).
    ///
    /// ```
    /// use civic_types::DocumentId;
    /// assert_eq!(DocumentId::new("pump-3")?.as_str(), "pump-3");
    /// assert!(DocumentId::new("").is_err());
    /// # Ok::<(), civic_types::id::DocumentIdError>(())
    /// ```
    pub fn new(text: impl AsRef<str>) -> Result<Self, DocumentIdError> {
        let text = text.as_ref();
        if text.is_empty() || text.len() > MAX_DOCUMENT_ID_BYTES {
            return Err(DocumentIdError::Length { got: text.len(), limit: MAX_DOCUMENT_ID_BYTES });
        }
        match text.char_indices().find(|(_, c)| c.is_control()) {
            Some((offset, _)) => Err(DocumentIdError::Control { offset }),
            None => Ok(Self(text.into())),
        }
    }

    /// A new id, unique without coordination: `<millis base36>-<64 random bits base32>-<peer prefix>`.
    ///
    /// The first part sorts by time for ids of one length; it is a convenience, not a promise.
    #[must_use]
    pub fn generate(now: Timestamp, random: [u8; 8], peer: &PeerId) -> Self {
        let random = BASE32_NOPAD.encode(&random).to_ascii_lowercase();
        let peer = peer.to_string();
        let prefix: String = peer.chars().take(6).collect();
        Self(format!("{}-{random}-{prefix}", base36(now.as_millis())).into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for DocumentId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DocumentId({:?})", self.as_str())
    }
}

impl FromStr for DocumentId {
    type Err = DocumentIdError;

    fn from_str(text: &str) -> Result<Self, DocumentIdError> {
        Self::new(text)
    }
}

impl TryFrom<&str> for DocumentId {
    type Error = DocumentIdError;

    fn try_from(text: &str) -> Result<Self, DocumentIdError> {
        Self::new(text)
    }
}

/// Where a document lives: its collection and its name there.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentKey {
    /// The collection.
    pub collection: CollectionId,
    /// The name inside it.
    pub document: DocumentId,
}

impl DocumentKey {
    /// Joins the two.
    #[must_use]
    pub const fn new(collection: CollectionId, document: DocumentId) -> Self {
        Self { collection, document }
    }
}

impl fmt::Display for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.collection, self.document)
    }
}

impl fmt::Debug for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DocumentKey({self})")
    }
}

/// Why a text is not a document id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentIdError {
    /// A control character.
    #[error("a document id has a control character at byte {offset}")]
    Control {
        /// Where, in bytes.
        offset: usize,
    },
    /// Empty or too long.
    #[error("a document id has {got} bytes, not 1..={limit}")]
    Length {
        /// Bytes found.
        got: usize,
        /// Bytes taken at most.
        limit: usize,
    },
}

fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut text = Vec::new();
    loop {
        text.push(char::from(DIGITS[usize::try_from(number % 36).unwrap_or_default()]));
        number /= 36;
        if number == 0 {
            return text.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_control_characters() {
        assert!(DocumentId::new("a".repeat(128)).is_ok());
        assert!(matches!(DocumentId::new("a".repeat(129)), Err(DocumentIdError::Length { got: 129, .. })));
        assert!(matches!(DocumentId::new("ab\u{85}"), Err(DocumentIdError::Control { offset: 2 })));
    }

    #[test]
    fn generated_ids_have_the_stated_form() {
        let id = DocumentId::generate(Timestamp::from_millis(35), [0; 8], &PeerId::from_bytes([7; 32]));
        let parts: Vec<_> = id.as_str().split('-').collect();
        assert_eq!(parts[..2], ["z", "aaaaaaaaaaaaa"]);
        assert_eq!(parts[2].len(), 6);
    }
}
