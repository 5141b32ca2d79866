use civic_types::id::DocumentIdError;
use civic_types::patch::PathError;
use civic_types::{DocumentId, FieldPath};

/// What names a document: its id, or text that is one.
pub trait IntoDocumentId {
    /// The id.
    ///
    /// # Errors
    ///
    /// [`DocumentIdError`] when the text is none.
    fn into_document_id(self) -> Result<DocumentId, DocumentIdError>;
}

impl IntoDocumentId for DocumentId {
    fn into_document_id(self) -> Result<DocumentId, DocumentIdError> {
        Ok(self)
    }
}

impl IntoDocumentId for &DocumentId {
    fn into_document_id(self) -> Result<DocumentId, DocumentIdError> {
        Ok(self.clone())
    }
}

impl IntoDocumentId for &str {
    fn into_document_id(self) -> Result<DocumentId, DocumentIdError> {
        DocumentId::new(self)
    }
}

impl IntoDocumentId for String {
    fn into_document_id(self) -> Result<DocumentId, DocumentIdError> {
        DocumentId::new(self)
    }
}

impl IntoDocumentId for &String {
    fn into_document_id(self) -> Result<DocumentId, DocumentIdError> {
        DocumentId::new(self)
    }
}

/// What names a field: one segment as text, taken literally, or several as an array.
pub trait IntoFieldPath {
    /// The path.
    ///
    /// # Errors
    ///
    /// [`PathError`] when a segment cannot be one or there are too many.
    fn into_field_path(self) -> Result<FieldPath, PathError>;
}

impl IntoFieldPath for FieldPath {
    fn into_field_path(self) -> Result<FieldPath, PathError> {
        Ok(self)
    }
}

impl IntoFieldPath for &FieldPath {
    fn into_field_path(self) -> Result<FieldPath, PathError> {
        Ok(self.clone())
    }
}

impl IntoFieldPath for &str {
    fn into_field_path(self) -> Result<FieldPath, PathError> {
        FieldPath::new([self])
    }
}

impl IntoFieldPath for String {
    fn into_field_path(self) -> Result<FieldPath, PathError> {
        FieldPath::new([self])
    }
}

impl<const N: usize> IntoFieldPath for [&str; N] {
    fn into_field_path(self) -> Result<FieldPath, PathError> {
        FieldPath::new(self)
    }
}

impl IntoFieldPath for &[&str] {
    fn into_field_path(self) -> Result<FieldPath, PathError> {
        FieldPath::new(self.iter().copied())
    }
}
