use civic_store::ext::Subscription;
use civic_store::query::{CompareOp, Direction};
use civic_store::{Cursor, Filter, Page, Query, StorageAdapter, StorageExt, Stored};
use civic_types::patch::PathError;
use civic_types::{FieldPath, Value};

use super::args::IntoFieldPath;
use super::collection::Collection;
use crate::error::Error;

/// Documents of one page unless a query says otherwise: a screen or two.
pub const DEFAULT_LIMIT: usize = 100;

/// A query of one collection. All conditions must hold; ties of the order are by document id.
///
/// A path that cannot be one is told by [`fetch`](Self::fetch).
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is fetched"]
pub struct Find {
    collection: Collection,
    query: Query,
    conditions: Vec<Filter>,
    failed: Option<PathError>,
}

impl Find {
    pub(super) fn new(collection: Collection) -> Self {
        let query = Query::new(collection.id(), DEFAULT_LIMIT);
        Self { collection, query, conditions: Vec::new(), failed: None }
    }

    /// The field equals the value.
    pub fn equals(self, path: impl IntoFieldPath, value: impl Into<Value>) -> Self {
        self.compare(path, CompareOp::Equal, value)
    }

    /// The field compares so with the value; values of different types never do.
    pub fn compare(self, path: impl IntoFieldPath, op: CompareOp, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.with(path, |find, path| find.conditions.push(Filter::Compare { path, op, value }))
    }

    /// The field is a list or set that has the value.
    pub fn contains(self, path: impl IntoFieldPath, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.with(path, |find, path| find.conditions.push(Filter::Contains { path, value }))
    }

    /// Any other condition.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.conditions.push(filter);
        self
    }

    /// Sorted by a field, after the orders given before.
    pub fn order_by(self, path: impl IntoFieldPath, direction: Direction) -> Self {
        self.with(path, |find, path| find.query = find.query.clone().order_by(path, direction))
    }

    /// At most so many documents. Default: [`DEFAULT_LIMIT`].
    pub const fn limit(mut self, documents: usize) -> Self {
        self.query.limit = documents;
        self
    }

    /// From where the page before ended.
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.query.after = Some(cursor);
        self
    }

    /// Reads up to so many documents, for there is no index yet. Default:
    /// [`DEFAULT_ALLOW_SCAN`](civic_store::query::DEFAULT_ALLOW_SCAN).
    pub const fn allow_scan(mut self, documents: usize) -> Self {
        self.query.allow_scan = documents;
        self
    }

    /// One page.
    ///
    /// # Errors
    ///
    /// [`Error::Path`]; [`Error::Store`] when it would read more documents than it allows, for a cursor of
    /// another query, and when the medium fails; [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it only reads.
    pub async fn fetch(self) -> Result<Page<Stored>, Error> {
        let (collection, query) = self.finish()?;
        Ok(collection.store().query(&query).await?)
    }

    /// The page now, and again after each change of the collection that is seen; dropping the stream ends it.
    ///
    /// # Errors
    ///
    /// [`Error::Path`].
    pub fn subscribe(self) -> Result<Subscription<Page<Stored>>, Error> {
        let (collection, query) = self.finish()?;
        Ok(collection.store().subscribe_to_query(query))
    }

    fn finish(self) -> Result<(Collection, Query), Error> {
        match self.failed {
            Some(error) => Err(error.into()),
            None => Ok((self.collection, self.query.filter(Filter::All(self.conditions)))),
        }
    }

    fn with(mut self, path: impl IntoFieldPath, change: impl FnOnce(&mut Self, FieldPath)) -> Self {
        match path.into_field_path() {
            Ok(path) => change(&mut self, path),
            Err(error) => self.failed = self.failed.or(Some(error)),
        }
        self
    }
}
