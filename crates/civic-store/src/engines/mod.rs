//! The engines of this crate and the stores over them: [`Memory`] and, by feature, `Sqlite`.

pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use memory::{Memory, MemoryEngine};
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteConfig, SqliteEngine};
