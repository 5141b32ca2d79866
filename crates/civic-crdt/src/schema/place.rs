use civic_types::FieldPath;
use civic_types::patch::PathError;

/// Where a declaration holds: one field, or every field of a map.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Step {
    Each,
    Field(String),
}

impl Place {
    /// A field of the document.
    ///
    /// # Errors
    ///
    /// [`PlaceError`] when the name is no path segment.
    pub fn field(name: &str) -> Result<Self, PlaceError> {
        Self(Vec::new()).child(name)
    }

    /// A field of the map here.
    ///
    /// # Errors
    ///
    /// [`PlaceError`] when the name is no path segment or the place too deep.
    pub fn child(self, name: &str) -> Result<Self, PlaceError> {
        FieldPath::try_from(name)?;
        self.then(Step::Field(name.to_owned()))
    }

    /// Every field of the map here that has no declaration of its own.
    ///
    /// # Errors
    ///
    /// [`PlaceError`] when the place is too deep.
    pub fn each(self) -> Result<Self, PlaceError> {
        self.then(Step::Each)
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    fn then(mut self, step: Step) -> Result<Self, PlaceError> {
        if self.0.len() >= MAX_SCHEMA_DEPTH {
            return Err(PlaceError::TooDeep);
        }
        self.0.push(step);
        Ok(self)
    }
}

/// Why there is no such place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// A name is no path segment.
    #[error("a name is no path segment")]
    Name(#[from] PathError),
    /// Deeper than a schema reaches.
    #[error("a schema reaches {MAX_SCHEMA_DEPTH} fields deep")]
    TooDeep,
}

/// Deepest field that can be declared: each costs two segments of a path of 32.
pub const MAX_SCHEMA_DEPTH: usize = 15;
