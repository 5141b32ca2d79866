//! Frames on a stream: length u32 ‖ kind u8 ‖ body, without gaps. The length counts kind and body; kinds from 16 on are
//! envelopes, whose kind is part of their wire form. The others are control frames, of which each link has its own.
#![warn(clippy::indexing_slicing)]

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::envelope::{KIND_LOCAL, KIND_SIGNED, MAX_WIRE_BYTES};

/// Longest frame in bytes, its kind counted and its length not.
pub const MAX_FRAME_BYTES: usize = MAX_WIRE_BYTES;

/// The kind of a hello, the first frame of either end.
pub const HELLO: u8 = 0;
/// The kind of a ping: no body, answered by a pong at once.
pub const PING: u8 = 1;
/// The kind of a pong: no body.
pub const PONG: u8 = 2;
/// The kind of a close: one byte of body that says why.
pub const CLOSE: u8 = 3;

/// Why the bytes of a stream are no frames.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The body is not what its kind says.
    #[error("the body of frame kind {kind} is malformed")]
    Body {
        /// The kind.
        kind: u8,
    },
    /// No frame of that kind is known.
    #[error("frame kind {got} is unknown")]
    Kind {
        /// The kind.
        got: u8,
    },
    /// Empty, or longer than one of its kind may be.
    #[error("a frame of {got} bytes")]
    Length {
        /// What it claims.
        got: usize,
    },
}

/// Writes a control frame with that many bytes of body.
pub fn write_control(out: &mut BytesMut, kind: u8, body: usize, write: impl FnOnce(&mut BytesMut)) {
    out.put_u32(length(1 + body));
    out.put_u8(kind);
    write(out);
}

/// Writes an envelope's wire form.
pub fn write_envelope(out: &mut BytesMut, wire: &[u8]) {
    out.put_u32(length(wire.len()));
    out.put_slice(wire);
}

/// Takes the next frame off a buffer, kind and body; `None` until it is complete. `controls` are the kinds of the
/// link's control frames, and `longest` bounds their bodies.
///
/// # Errors
///
/// [`FrameError::Length`] and [`FrameError::Kind`], before the rest of the frame is waited for, so that a long
/// unknown one costs nothing.
pub fn take(buffer: &mut BytesMut, controls: &[u8], longest: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(length) = buffer.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)) else {
        return Ok(None);
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length == 0 || length > MAX_FRAME_BYTES {
        return Err(FrameError::Length { got: length });
    }
    match buffer.get(LENGTH_BYTES) {
        Some(kind) if controls.contains(kind) && length > 1 + longest => {
            return Err(FrameError::Length { got: length });
        }
        Some(&got) if !controls.contains(&got) && got != KIND_LOCAL && got != KIND_SIGNED => {
            return Err(FrameError::Kind { got });
        }
        _ => {}
    }
    if buffer.len() < LENGTH_BYTES + length {
        return Ok(None);
    }
    buffer.advance(LENGTH_BYTES);
    let frame = buffer.split_to(length);
    // A small frame must not keep the whole read buffer alive.
    Ok(Some(if length <= COPY_BYTES { Bytes::copy_from_slice(&frame) } else { frame.freeze() }))
}

/// Callers have checked the bound; a length that broke it would be refused at the other end.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

const LENGTH_BYTES: usize = 4;

/// Frames up to this length are copied out of the read buffer.
const COPY_BYTES: usize = 4096;
