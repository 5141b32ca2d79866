use civic_store::Stored;
use civic_types::{FieldPath, from_value};
use serde::de::DeserializeOwned;

use crate::error::Error;

/// Reads a document as a type.
pub(super) fn read<T: DeserializeOwned>(stored: Stored) -> Result<T, Error> {
    from_value(stored.value.clone()).map_err(|source| {
        let places: Vec<&str> = source.path().collect();
        // Map keys inside a plain value may be longer than a path's segments: then its field must do.
        let path = (0..=places.len()).rev().find_map(|n| FieldPath::new(places.iter().take(n).copied()).ok());
        Error::SchemaMismatch {
            key: stored.key,
            path: path.unwrap_or_default(),
            value: Box::new(stored.value),
            source,
        }
    })
}
