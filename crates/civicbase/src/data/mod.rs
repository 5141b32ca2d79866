//! Documents as applications see them: [`Collection`], [`Patch`], [`Batch`], [`Find`].

mod args;
mod batch;
mod collection;
mod find;
mod patch;
mod schema;
mod watch;

pub use args::{IntoDocumentId, IntoFieldPath};
pub use batch::Batch;
pub use collection::Collection;
pub use find::{DEFAULT_LIMIT, Find};
pub use patch::{InBatch, OfDocument, Patch};
