//! [`Schema`]: which kind and type each field of a collection's documents has, as its writers agreed.
//!
//! A schema is a document of the collection like any other, with the id [`SCHEMA_DOCUMENT`]. It is made of
//! grow-only sets alone, so it can only be added to: a kind that was declared stays, of several that were
//! declared at once the lowest rank stands, and types widen. It steers and refuses what is written *here*;
//! it has no say in admission or in the fold, so whoever has not seen it yet is never wrong.
//!
//! # Layout
//!
//! | path | grow-only set of |
//! |---|---|
//! | `…/kind` | names of kinds: `map text list set counter register g-set` |
//! | `…/type` | names of types: `bool bytes float int link list map null text` |
//!
//! `…` is the field's place: for each field on the way `fields/NAME`, or `each` for every field of a map.
//! Names that are unknown, from newer software, are passed over.

mod check;
mod document;
mod place;

pub use check::Mismatch;
pub use place::{MAX_SCHEMA_DEPTH, Place, PlaceError};

use self::place::Step;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use civic_types::{FieldPath, Value};

use crate::version::Kind;

/// The id of the document that holds a collection's schema.
pub const SCHEMA_DOCUMENT: &str = "_schema";

/// What is declared for the fields of a map, the document itself being one.
///
/// ```
/// use civic_crdt::schema::{Place, Schema, Type};
/// use civic_crdt::version::Kind;
/// use civic_types::{FieldPath, value};
///
/// let schema = Schema::new()
///     .with(&Place::field("crew")?, Kind::Set, [Type::Text])
///     .with(&Place::field("pumps")?.each()?.child("litres")?, Kind::Counter, []);
/// assert_eq!(schema.kind(&FieldPath::try_from(["pumps", "north", "litres"])?), Some(Kind::Counter));
/// assert!(schema.check(&value!({"crew": ["Åsa"], "other": 1})).is_ok());
/// assert_eq!(schema.check(&value!({"crew": "Åsa"})).unwrap_err().path, FieldPath::try_from("crew")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    fields: BTreeMap<String, Field>,
    each: Option<Box<Field>>,
}

/// What is declared for one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    kind: Option<Kind>,
    types: BTreeSet<Type>,
    below: Schema,
}

/// A type of plain values: of a register, or of the elements of a set or list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// A boolean.
    Bool,
    /// Bytes.
    Bytes,
    /// A float.
    Float,
    /// An integer.
    Int,
    /// A link.
    Link,
    /// A list.
    List,
    /// A map.
    Map,
    /// Null.
    Null,
    /// Text.
    Text,
}

impl Schema {
    /// Nothing is declared.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a field too. No types means any; they say nothing of maps, counters and text.
    ///
    /// Of two kinds of one field the lower rank stands; types add up.
    #[must_use]
    pub fn with(mut self, place: &Place, kind: Kind, types: impl IntoIterator<Item = Type>) -> Self {
        let mut schema = &mut self;
        let mut steps = place.steps().iter().peekable();
        while let Some(step) = steps.next() {
            let field = match step {
                Step::Each => schema.each.get_or_insert_default(),
                Step::Field(name) => schema.fields.entry(name.clone()).or_default(),
            };
            if steps.peek().is_none() {
                field.kind = Some(field.kind.map_or(kind, |held| held.min(kind)));
                field.types.extend(types);
                break;
            }
            schema = &mut field.below;
        }
        self
    }

    /// The declared kind of a field; that of a field with declared fields below is a map.
    #[must_use]
    pub fn kind(&self, path: &FieldPath) -> Option<Kind> {
        self.field(path)?.kind()
    }

    /// What is declared for a field, if anything; a name of its own goes before what holds for each.
    #[must_use]
    pub fn field(&self, path: &FieldPath) -> Option<&Field> {
        let (last, before) = path.segments().split_last()?;
        let mut schema = self;
        for segment in before {
            schema = &schema.one(segment)?.below;
        }
        schema.one(last)
    }

    /// Whether nothing is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.each.is_none()
    }

    fn one(&self, name: &str) -> Option<&Field> {
        self.fields.get(name).or(self.each.as_deref())
    }
}

impl Field {
    /// Its kind; a map if fields are declared below it.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.kind.or_else(|| (!self.below.is_empty()).then_some(Kind::Map))
    }

    /// The types of its values or elements; empty for any.
    #[must_use]
    pub const fn types(&self) -> &BTreeSet<Type> {
        &self.types
    }

    /// Whether a plain value, or an element, is of a declared type.
    #[must_use]
    pub fn allows(&self, value: &Value) -> bool {
        self.types.is_empty() || self.types.contains(&Type::of(value))
    }
}

impl Type {
    /// The type of a value.
    #[must_use]
    pub const fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Text(_) => Self::Text,
            Value::Bytes(_) => Self::Bytes,
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
            Value::Link(_) => Self::Link,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Bytes => "bytes",
            Self::Float => "float",
            Self::Int => "int",
            Self::Link => "link",
            Self::List => "list",
            Self::Map => "map",
            Self::Null => "null",
            Self::Text => "text",
        }
    }

    const ALL: [Self; 9] = [
        Self::Bool,
        Self::Bytes,
        Self::Float,
        Self::Int,
        Self::Link,
        Self::List,
        Self::Map,
        Self::Null,
        Self::Text,
    ];
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Map => "map",
        Kind::Text => "text",
        Kind::List => "list",
        Kind::Set => "set",
        Kind::Counter => "counter",
        Kind::Register => "register",
        Kind::GSet => "g-set",
    }
}

const KINDS: [Kind; 7] =
    [Kind::Map, Kind::Text, Kind::List, Kind::Set, Kind::Counter, Kind::Register, Kind::GSet];

const FIELDS: &str = "fields";
const EACH: &str = "each";
const KIND: &str = "kind";
const TYPE: &str = "type";
