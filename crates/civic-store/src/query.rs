//! Reads of many documents: [`Scan`], [`Query`], [`Filter`], [`Order`], [`Page`], [`Cursor`].

use bytes::Bytes;
use civic_types::{CollectionId, FieldPath, Value};

/// Most elements of one page.
pub const MAX_PAGE: usize = 4096;

/// Documents that a query may read without an index unless it says otherwise.
pub const DEFAULT_ALLOW_SCAN: usize = 1000;

/// Deepest nesting of `and` and `or`, and most conditions of one filter.
pub const MAX_CONDITIONS: usize = 64;

/// Documents of one collection in ascending order of id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The collection.
    pub collection: CollectionId,
    /// At most so many: 1..=[`MAX_PAGE`].
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Cursor>,
}

impl Scan {
    /// The first page of a collection.
    #[must_use]
    pub const fn new(collection: CollectionId) -> Self {
        Self { collection, limit: MAX_PAGE, after: None }
    }
}

/// Documents of one collection that match, in an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The collection.
    pub collection: CollectionId,
    /// Which documents.
    pub filter: Filter,
    /// By what to sort; ties are by document id, ascending.
    pub order: Vec<Order>,
    /// At most so many: 1..=[`MAX_PAGE`].
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// How many documents may be read without an index.
    pub allow_scan: usize,
}

impl Query {
    /// The first documents of a collection, at most `limit`.
    #[must_use]
    pub fn new(collection: CollectionId, limit: usize) -> Self {
        let (filter, order, after) = (Filter::All(Vec::new()), Vec::new(), None);
        Self { collection, filter, order, limit, after, allow_scan: DEFAULT_ALLOW_SCAN }
    }

    /// Only documents that match.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Sorted by a field, after the orders given before.
    #[must_use]
    pub fn order_by(mut self, path: FieldPath, direction: Direction) -> Self {
        self.order.push(Order { path, direction });
        self
    }

    /// From where the page before ended.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Reads up to so many documents without an index.
    #[must_use]
    pub const fn allow_scan(mut self, documents: usize) -> Self {
        self.allow_scan = documents;
        self
    }
}

/// Which documents match.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Filter {
    /// Every one of them holds; none holds for every document.
    All(Vec<Self>),
    /// At least one of them holds.
    Any(Vec<Self>),
    /// The field compares so. Values of different types are unequal and never less or greater; integers
    /// and floats are one type and compare by value.
    Compare {
        /// The field.
        path: FieldPath,
        /// How.
        op: CompareOp,
        /// With what.
        value: Value,
    },
    /// The field is a list that has the value.
    Contains {
        /// The field.
        path: FieldPath,
        /// The element.
        value: Value,
    },
    /// The field equals one of them.
    In {
        /// The field.
        path: FieldPath,
        /// The values.
        values: Vec<Value>,
    },
}

/// A comparison. A missing field equals nothing, not even null, and differs from everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `==`
    Equal,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `!=`
    NotEqual,
}

/// A sort key; values of different types sort null < boolean < number < bytes < text < list < map <
/// link, and a missing field before all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The field.
    pub path: FieldPath,
    /// Which way.
    pub direction: Direction,
}

/// Which way to sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Greatest first.
    Descending,
}

/// Part of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The elements, in order.
    pub items: Vec<T>,
    /// Where the next page starts; `None` when this was the last.
    pub next: Option<Cursor>,
    /// What it cost.
    pub stats: QueryStats,
}

/// Where a page ended; opaque, and only good for the same scan or query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(pub(crate) Bytes);

impl Cursor {
    /// A cursor that an adapter made earlier.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

/// What a read cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryStats {
    /// Documents or records read.
    pub scanned: u64,
}
