//! Finding what two sets of items lack of each other, and knowing when they are equal. Pure functions.
//!
//! Items are compared by short ids, keyed so that nobody outside the community can aim for a collision;
//! equality is judged by the LtHash fingerprint alone.

mod list;
mod lthash;
mod riblt;
mod short_id;

pub use list::{ListError, decode_list, encode_list};
pub use lthash::{Fingerprint, LtHash};
pub use riblt::{Decoded, Decoder, Encoder, MAX_SYMBOLS, SYMBOL_BYTES, Symbol};
pub use short_id::{ShortId, short_id};
