//! Finding peers: good addresses that are remembered, and walks of the distributed hash table. Pure.

mod book;
mod walk;

pub(super) use book::{Book, Entry};
pub(super) use walk::{Step, Walk, shard_key, shard_of};
