//! Packs in raw deflate (RFC 1951), for links and files where bytes cost more than time.

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::MAX_PACK_BYTES;

/// Deflates a pack: for one author's plain edits of one document to about a sixth.
///
/// ```
/// use civic_crdt::version::pack::{deflate, inflate};
///
/// let pack = [1; 500];
/// let small = deflate(&pack);
/// assert!(small.len() < 20);
/// assert_eq!(inflate(&small)?, pack);
/// # Ok::<(), civic_crdt::version::pack::InflateError>(())
/// ```
#[must_use]
pub fn deflate(pack: &[u8]) -> Vec<u8> {
    compress_to_vec(pack, LEVEL)
}

/// Gives back what [`deflate`] took; the memory used is bounded by [`MAX_PACK_BYTES`], whatever the bytes say.
///
/// # Errors
///
/// [`InflateError`] when the bytes are no deflate stream, end early, go on behind its end, or unfold to more
/// than a pack.
pub fn inflate(bytes: &[u8]) -> Result<Vec<u8>, InflateError> {
    let mut state = Box::<DecompressorOxide>::default();
    let mut out = vec![0; bytes.len().saturating_mul(EXPECTED).clamp(64, MAX_PACK_BYTES)];
    let (mut read, mut written) = (0, 0);
    loop {
        let input = bytes.get(read..).unwrap_or_default();
        let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, took, gave) = decompress(&mut state, input, &mut out, written, flags);
        read += took;
        written += gave;
        match status {
            TINFLStatus::Done if read == bytes.len() => {
                out.truncate(written);
                return Ok(out);
            }
            TINFLStatus::Done => return Err(InflateError::Trailing),
            TINFLStatus::HasMoreOutput if out.len() >= MAX_PACK_BYTES => return Err(InflateError::TooLarge),
            TINFLStatus::HasMoreOutput => out.resize((out.len() * 2).min(MAX_PACK_BYTES), 0),
            _ => return Err(InflateError::Malformed),
        }
    }
}

/// Why bytes do not inflate to a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InflateError {
    /// No deflate stream, or one that ends early.
    #[error("the bytes are no deflate stream, or end early")]
    Malformed,
    /// More than a pack holds.
    #[error("the bytes unfold to more than {MAX_PACK_BYTES}")]
    TooLarge,
    /// Bytes behind the end of the stream.
    #[error("bytes follow the deflate stream")]
    Trailing,
}

/// Beyond this level deflate takes twice as long for a hundredth less.
const LEVEL: u8 = 8;

/// How much larger than its deflated form a pack is at first taken to be.
const EXPECTED: usize = 4;
