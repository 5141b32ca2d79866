//! Scans and queries by reading a collection through.

mod compare;
mod cursor;
mod filter;

use std::cmp::Ordering;

use civic_types::{CollectionId, DocumentId, Value};

use self::cursor::Position;
use super::reader::{Reader, check_page};
use super::row;
use crate::adapter::Stored;
use crate::engine::{KeyRange, Table};
use crate::error::Error;
use crate::query::{Direction, Order, Page, Query, QueryStats, Scan};

/// Documents read from the engine at once.
const STEP: usize = 256;

impl Reader<'_> {
    /// Documents of a collection by id.
    ///
    /// Where keys are hidden they have lost their order: the whole collection is read and sorted for each
    /// page.
    pub(in crate::docstore) fn scan(&self, scan: &Scan) -> Result<Page<Stored>, Error> {
        check_page(scan.limit)?;
        let print = cursor::scan_print(scan);
        let after = scan.after.as_ref().map(|cursor| Position::decode(cursor, print, 0)).transpose()?;
        let selection = Selection { order: &[], limit: scan.limit, after, found: Vec::new() };
        self.select(&scan.collection, selection, print, usize::MAX, |_| true)
    }

    /// Documents of a collection that match, in an order.
    pub(in crate::docstore) fn query(&self, query: &Query) -> Result<Page<Stored>, Error> {
        check_page(query.limit)?;
        filter::check(query)?;
        let print = cursor::query_print(query);
        let orders = query.order.len();
        let after = query.after.as_ref().map(|cursor| Position::decode(cursor, print, orders)).transpose()?;
        let selection = Selection { order: &query.order, limit: query.limit, after, found: Vec::new() };
        let result = self.select(&query.collection, selection, print, query.allow_scan, |stored| {
            filter::matches(&query.filter, &stored.value)
        });
        result.map_err(|error| match error {
            Error::IndexRequired { allowed, .. } => {
                Error::IndexRequired { allowed, suggestion: filter::suggestion(query) }
            }
            error => error,
        })
    }

    fn select(
        &self,
        collection: &CollectionId,
        mut selection: Selection<'_>,
        print: cursor::Print,
        allowed: usize,
        matches: impl Fn(&Stored) -> bool,
    ) -> Result<Page<Stored>, Error> {
        // In the order of the keys, the page is full as soon as one more than its limit was found.
        let by_key = self.keys.ordered() && selection.order.is_empty();
        let mut range = KeyRange::prefix(&self.keys.documents(collection));
        if let Some(after) = selection.after.as_ref().filter(|_| by_key) {
            range = range.after(&self.keys.document_after(collection, &after.document));
        }
        let mut scanned = 0_usize;
        'read: loop {
            let step = if by_key { STEP.min(selection.limit + 1) } else { STEP };
            let rows = self.snapshot.scan(Table::Documents, &range, step)?;
            let (Some((last, _)), ended) = (rows.last(), rows.len() < step) else { break };
            range = range.after(last);
            for (_, row) in rows {
                if scanned == allowed {
                    return Err(Error::IndexRequired { allowed, suggestion: String::new() });
                }
                scanned += 1;
                let stored = row::decode_document(*collection, &row)?;
                if matches(&stored) {
                    selection.see(stored);
                }
                if by_key && selection.found.len() > selection.limit {
                    break 'read;
                }
            }
            if ended {
                break;
            }
        }
        let stats = QueryStats { scanned: u64::try_from(scanned).unwrap_or(u64::MAX) };
        Ok(selection.into_page(print, stats))
    }
}

/// The best of what was seen so far.
struct Selection<'a> {
    order: &'a [Order],
    limit: usize,
    after: Option<Position>,
    found: Vec<Found>,
}

struct Found {
    sort: Vec<Option<Value>>,
    stored: Stored,
}

impl Selection<'_> {
    fn see(&mut self, stored: Stored) {
        let sort: Vec<_> =
            self.order.iter().map(|order| stored.value.get(order.path.segments()).cloned()).collect();
        let behind = self.after.as_ref().is_none_or(|after| {
            self.compare((&sort, &stored.key.document), (&after.sort, &after.document)) == Ordering::Greater
        });
        if behind {
            self.found.push(Found { sort, stored });
        }
        // Sorting now and then keeps twice the page in memory instead of the collection.
        if self.found.len() > 2 * self.limit + STEP {
            self.cut();
        }
    }

    /// Sorts, and keeps one more than the page.
    fn cut(&mut self) {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by(|a, b| {
            self.compare((&a.sort, &a.stored.key.document), (&b.sort, &b.stored.key.document))
        });
        found.truncate(self.limit + 1);
        self.found = found;
    }

    fn compare(&self, a: (&[Option<Value>], &DocumentId), b: (&[Option<Value>], &DocumentId)) -> Ordering {
        let fields = self.order.iter().zip(a.0.iter().zip(b.0)).map(|(order, (a, b))| {
            let ordering = compare::sort(a.as_ref(), b.as_ref());
            if order.direction == Direction::Descending { ordering.reverse() } else { ordering }
        });
        fields.fold(Ordering::Equal, Ordering::then).then_with(|| a.1.cmp(b.1))
    }

    fn into_page(mut self, print: cursor::Print, stats: QueryStats) -> Page<Stored> {
        self.cut();
        let more = self.found.len() > self.limit;
        self.found.truncate(self.limit);
        let next = self.found.last().filter(|_| more).map(|last| {
            Position { sort: last.sort.clone(), document: last.stored.key.document.clone() }.encode(print)
        });
        Page { items: self.found.into_iter().map(|found| found.stored).collect(), next, stats }
    }
}
