//! Adapters that are one by another: `Arc<A>`, `Box<A>`, and those that hide their engine.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use civic_types::{Cid, DocumentKey};

use crate::adapter::{ChangeStream, Maintain, Report, StorageAdapter, StoreCapabilities, Stored};
use crate::batch::{Commit, Origin, WriteBatch};
use crate::change::ChangeFrom;
use crate::error::Error;
use crate::query::{Page, Query, Scan};
use crate::record::{Record, RecordScan};

/// Implements the seam by another adapter.
macro_rules! forward {
    ($([$($generics:tt)*] $wrapper:ty, $inner:tt;)*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<$($generics)*> StorageAdapter for $wrapper {
            async fn get(&self, key: &DocumentKey) -> Result<Option<Stored>, Error> {
                self.$inner().get(key).await
            }

            async fn scan(&self, scan: &Scan) -> Result<Page<Stored>, Error> {
                self.$inner().scan(scan).await
            }

            async fn query(&self, query: &Query) -> Result<Page<Stored>, Error> {
                self.$inner().query(query).await
            }

            async fn commit(&self, batch: WriteBatch, origin: Origin) -> Result<Commit, Error> {
                self.$inner().commit(batch, origin).await
            }

            fn changes(&self, from: ChangeFrom) -> ChangeStream {
                self.$inner().changes(from)
            }

            async fn records(&self, scan: &RecordScan) -> Result<Page<Record>, Error> {
                self.$inner().records(scan).await
            }

            fn capabilities(&self) -> StoreCapabilities {
                self.$inner().capabilities()
            }

            async fn blob(&self, id: &Cid, range: Range<u64>) -> Result<Option<Bytes>, Error> {
                self.$inner().blob(id, range).await
            }

            async fn maintain(&self, task: Maintain) -> Result<Report, Error> {
                self.$inner().maintain(task).await
            }

            async fn close(&self) -> Result<(), Error> {
                self.$inner().close().await
            }
        }
    )*};
}

forward! {
    [A: StorageAdapter + ?Sized] Arc<A>, as_ref;
    [A: StorageAdapter + ?Sized] Box<A>, as_ref;
}

#[cfg(feature = "sqlite")]
forward! {
    [] crate::engines::Sqlite, store;
}
