#![warn(clippy::indexing_slicing)]

use bytes::{Buf, BufMut, Bytes, BytesMut};
use civic_transport::envelope::{KIND_LOCAL, KIND_SIGNED, MAX_WIRE_BYTES};

/// Longest frame in bytes, its kind counted and its length not.
pub const MAX_FRAME_BYTES: usize = MAX_WIRE_BYTES;

/// What a message stream carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::internet) enum Frame {
    Hello(Hello),
    Ping,
    Pong,
    Close(CloseCode),
    /// Nothing follows here: the session goes on over another stream.
    Moved,
    /// The wire form of an envelope, its kind byte included.
    Envelope(Bytes),
}

/// How either end begins a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::internet) struct Hello {
    /// Whether the stream is to take a session over, and the listener's word that it does.
    pub(in crate::internet) moves: bool,
    pub(in crate::internet) nonce: [u8; NONCE_BYTES],
}

/// Why a stream is closed, as the other end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::internet) enum CloseCode {
    Goodbye = 0,
    Duplicate = 1,
    NoRoom = 2,
    Misbehaved = 4,
}

/// Why the bytes of a stream are no frames.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::internet) enum FrameError {
    #[error("a frame of {got} bytes")]
    Length { got: usize },
    #[error("frame kind {got} is unknown")]
    Kind { got: u8 },
    #[error("the body of frame kind {kind} is malformed")]
    Body { kind: u8 },
}

impl Frame {
    pub(in crate::internet) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Hello(hello) => head(out, HELLO, HELLO_BODY_BYTES, |out| {
                out.put_u8(VERSION);
                out.put_u8(hello.moves.into());
                out.put_slice(&hello.nonce);
            }),
            Self::Ping => head(out, PING, 0, |_| {}),
            Self::Pong => head(out, PONG, 0, |_| {}),
            Self::Close(code) => head(out, CLOSE, 1, |out| out.put_u8(*code as u8)),
            Self::Moved => head(out, MOVED, 0, |_| {}),
            Self::Envelope(wire) => {
                out.put_u32(length(wire.len()));
                out.put_slice(wire);
            }
        }
    }

    /// Takes the next frame off a buffer; `None` until it is complete.
    pub(in crate::internet) fn read(buffer: &mut BytesMut) -> Result<Option<Self>, FrameError> {
        let Some(length) = buffer.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)) else {
            return Ok(None);
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length == 0 || length > MAX_FRAME_BYTES {
            return Err(FrameError::Length { got: length });
        }
        // Before the rest is waited for, so that a long unknown frame costs nothing.
        match buffer.get(LENGTH_BYTES) {
            Some(&(HELLO | PING | PONG | CLOSE | MOVED)) if length > 1 + HELLO_BODY_BYTES => {
                return Err(FrameError::Length { got: length });
            }
            Some(&(HELLO | PING | PONG | CLOSE | MOVED | KIND_LOCAL | KIND_SIGNED)) | None => {}
            Some(&got) => return Err(FrameError::Kind { got }),
        }
        if buffer.len() < LENGTH_BYTES + length {
            return Ok(None);
        }
        buffer.advance(LENGTH_BYTES);
        let frame = buffer.split_to(length);
        // A small frame must not keep the whole read buffer alive.
        let frame = if length <= COPY_BYTES { Bytes::copy_from_slice(&frame) } else { frame.freeze() };
        Self::parse(frame).map(Some)
    }

    fn parse(frame: Bytes) -> Result<Self, FrameError> {
        let (kind, body) = frame.split_first().ok_or(FrameError::Length { got: 0 })?;
        match (*kind, body) {
            (HELLO, [VERSION, moves @ (0 | 1), nonce @ ..]) => match nonce.try_into() {
                Ok(nonce) => Ok(Self::Hello(Hello { moves: *moves == 1, nonce })),
                Err(_) => Err(FrameError::Body { kind: HELLO }),
            },
            (PING, []) => Ok(Self::Ping),
            (PONG, []) => Ok(Self::Pong),
            (CLOSE, [code]) => {
                let codes =
                    [CloseCode::Goodbye, CloseCode::Duplicate, CloseCode::NoRoom, CloseCode::Misbehaved];
                let known = codes.into_iter().find(|known| *known as u8 == *code);
                known.map(Self::Close).ok_or(FrameError::Body { kind: CLOSE })
            }
            (MOVED, []) => Ok(Self::Moved),
            (KIND_LOCAL | KIND_SIGNED, _) => Ok(Self::Envelope(frame)),
            (kind, _) => Err(FrameError::Body { kind }),
        }
    }
}

fn head(out: &mut BytesMut, kind: u8, body: usize, write: impl FnOnce(&mut BytesMut)) {
    out.put_u32(length(1 + body));
    out.put_u8(kind);
    write(out);
}

/// Callers have checked the bound; a length that broke it would be refused at the other end.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

const HELLO: u8 = 0;
const PING: u8 = 1;
const PONG: u8 = 2;
const CLOSE: u8 = 3;
const MOVED: u8 = 4;
const VERSION: u8 = 1;
const LENGTH_BYTES: usize = 4;
/// Bytes of randomness that either end adds to the channel binding.
pub(in crate::internet) const NONCE_BYTES: usize = 32;
const HELLO_BODY_BYTES: usize = 2 + NONCE_BYTES;
/// Frames up to this length are copied out of the read buffer.
const COPY_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use civic_transport::Envelope;

    use super::*;

    fn written(frame: &Frame) -> BytesMut {
        let mut out = BytesMut::new();
        frame.write(&mut out);
        out
    }

    #[test]
    fn frames_come_back_however_the_stream_is_cut() {
        let frames = [
            Frame::Hello(Hello { moves: true, nonce: [7; NONCE_BYTES] }),
            Frame::Ping,
            Frame::Pong,
            Frame::Close(CloseCode::NoRoom),
            Frame::Moved,
            Frame::Envelope(Envelope::local(1, vec![7; 10_000]).encode_wire()),
        ];
        let stream: BytesMut = frames.iter().flat_map(written).collect();
        for step in [1, 7, 4096, stream.len()] {
            let (mut buffer, mut seen) = (BytesMut::new(), Vec::new());
            for part in stream.chunks(step) {
                buffer.extend_from_slice(part);
                while let Some(frame) = Frame::read(&mut buffer).unwrap() {
                    seen.push(frame);
                }
            }
            assert_eq!(seen, frames);
        }
    }

    #[test]
    fn malformed_frames_are_refused_before_their_bytes_are_awaited() {
        let read = |bytes: &[u8]| Frame::read(&mut BytesMut::from(bytes));
        assert_eq!(read(&[0, 0, 0, 0]), Err(FrameError::Length { got: 0 }));
        assert_eq!(read(&[255, 0, 0, 0]), Err(FrameError::Length { got: 0xff00_0000 }));
        assert_eq!(read(&[0, 1, 0, 0, 99]), Err(FrameError::Kind { got: 99 }));
        assert_eq!(read(&[0, 1, 0, 0, PING]), Err(FrameError::Length { got: 0x1_0000 }));
        assert_eq!(read(&[0, 0, 0, 2, PING, 0]), Err(FrameError::Body { kind: PING }));
        assert_eq!(read(&[0, 0, 0, 2, CLOSE, 9]), Err(FrameError::Body { kind: CLOSE }));
        assert_eq!(read(&[0, 0, 0, 2, HELLO, 2]), Err(FrameError::Body { kind: HELLO }));
        assert_eq!(read(&[0, 0, 0, 3, HELLO, 1, 2]), Err(FrameError::Body { kind: HELLO }));
        assert_eq!(read(&[0, 0, 0, 4, HELLO, 1, 0, 5]), Err(FrameError::Body { kind: HELLO }));
        assert_eq!(read(&[0, 0, 0, 9, KIND_LOCAL, 0]), Ok(None));
    }
}
