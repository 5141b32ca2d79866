//! What any [`StorageAdapter`] owes, as checks to run.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use civic_store::conformance::{self, Profile};
//! use civic_store::{Memory, StorageAdapter};
//!
//! let open = |_place| async { Ok(Arc::new(Memory::new()) as Arc<dyn StorageAdapter>) };
//! let passed = conformance::all(open, Profile::volatile()).await?;
//! assert!(passed.contains(&"round_trip"));
//! # Ok(())
//! # }
//! ```
//!
//! The kit needs no runtime: where it has to wait for something that may never come, it measures patience
//! in reads of the adapter.

mod blobs;
mod cancel;
mod commits;
mod documents;
mod feed;
mod hooks;
mod isolation;
mod kit;
mod lifecycle;
mod queries;
mod records;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use self::kit::Kit;
pub use self::kit::Profile;
use crate::adapter::StorageAdapter;
use crate::error::Error;

/// One check.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What it shows.
    pub sentence: &'static str,
    run: for<'a> fn(&'a Kit<'a>) -> BoxFuture<'a, Result<(), Breach>>,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("name", &self.name).field("sentence", &self.sentence).finish()
    }
}

/// A check that an adapter did not pass.
#[derive(Debug, thiserror::Error)]
#[error("conformance check {name} failed: {sentence}")]
pub struct Failure {
    /// The check's name.
    pub name: &'static str,
    /// What it would have shown.
    pub sentence: &'static str,
    /// What happened instead.
    pub source: Breach,
}

/// What happened instead of what was owed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Breach {
    /// The adapter gave an error where it must not.
    #[error("the adapter gave an error")]
    Adapter(#[from] Error),
    /// The adapter did something else.
    #[error("{0}")]
    Contract(String),
}

/// Runs every check, each on fresh adapters, and gives the names of those that ran.
///
/// `open` is called with the number of a place: for a number that it has not seen it gives an empty
/// adapter; for one that it has seen, after that adapter was closed, the same store again (only asked by
/// profiles that [`reopen`](Profile::durable)).
///
/// # Errors
///
/// The first [`Failure`].
pub async fn all<F, R>(open: F, profile: Profile) -> Result<Vec<&'static str>, Failure>
where
    F: Fn(u32) -> R + Send + Sync,
    R: Future<Output = Result<Arc<dyn StorageAdapter>, Error>> + Send + 'static,
{
    let open = move |place| -> BoxFuture<'static, _> { Box::pin(open(place)) };
    let kit = Kit::new(&open, profile);
    let mut passed = Vec::new();
    for Check { name, sentence, run } in CHECKS.iter().copied() {
        run(&kit).await.map_err(|source| Failure { name, sentence, source })?;
        passed.push(name);
    }
    Ok(passed)
}

macro_rules! checks {
    ($($module:ident :: $name:ident: $sentence:literal,)*) => {
        /// Every check, in the order in which they run.
        pub const CHECKS: &[Check] = &[$(Check {
            name: stringify!($name),
            sentence: $sentence,
            run: |kit| Box::pin($module::$name(kit)),
        }),*];
    };
}

checks! {
    documents::round_trip: "what was put is read back until it is deleted, with the seq of its commit",
    documents::patches: "a patch changes its fields only and makes a document that is not there",
    documents::splices: "a splice removes and inserts where it says, in elements and in characters",
    documents::scan_pages: "a scan gives each document once, ascending by id, in pages",
    documents::limits: "requests beyond a bound are refused and change nothing",
    commits::sequence: "commits have one order without gaps, also when many are made at once",
    commits::atomicity: "a batch is applied as a whole or not at all, over everything that it holds",
    commits::preconditions: "a precondition is judged by the state before its batch",
    commits::idempotency: "a batch with a key that was committed is not applied again",
    queries::oracle: "queries give what a reading of all documents gives, whatever filter, order and page",
    queries::cursors: "a cursor belongs to its query and stays good while others write",
    queries::scan_bound: "a query that would read too much names the index that it needs",
    isolation::boundaries: "a read sees whole commits only",
    feed::completeness: "the feed gives every commit once, in order, with its origin and what it touched",
    feed::live: "a stream that has read all gives the next commit when it comes",
    feed::gap: "a reader behind the end of the log is told so and goes on",
    hooks::order: "a hook runs after the preconditions, sees the state before its batch, and may rewrite it",
    hooks::failures: "a hook that fails or panics drops its own batch and nothing else",
    hooks::replicated: "a replicated collection is written through folds only, and only hooks fold",
    cancel::all_or_nothing: "a commit dropped at any await has happened entirely or not at all",
    records::round_trip: "records are kept by table and key, in order, in pages",
    records::refusals: "names that are no tables and keys that are none are refused",
    blobs::contents: "a blob is kept under the hash of its bytes, whole and in ranges, whatever its size",
    blobs::collection: "a blob that is pinned or named is kept, another is collected",
    lifecycle::close: "a closed store answers `Closed`, ends its streams, and closes twice",
    lifecycle::reopen: "a store that is opened again holds all that was acknowledged and goes on counting",
}
