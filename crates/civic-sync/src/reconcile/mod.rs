//! Finding what two sets of items lack of each other, and knowing when they are equal. Pure functions.
//!
//! Items are compared by short ids, keyed so that nobody outside the community can aim for a collision;
//! equality is judged by the LtHash fingerprint alone.

mod list;
mod lthash;
mod riblt;
mod short_id;
mod sketch;

pub use list::{ListError, Prefixes, prefix};
pub use lthash::{Fingerprint, LtHash};
pub use riblt::{Decoded, Decoder, MAX_SYMBOLS, SYMBOL_BYTES, Symbol};
pub use short_id::{SHORT_ID_BITS, ShortId, head_id, short_id};
pub use sketch::Sketch;
