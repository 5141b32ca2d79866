//! What people and programs see: the timeline, the table, the line of JSON.

mod outcome;
mod timeline;

pub(crate) use outcome::Outcome;
pub(crate) use timeline::{Bar, Timeline};
