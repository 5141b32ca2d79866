#![warn(clippy::indexing_slicing)]

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::discovery::Tag;
use crate::envelope::{KIND_LOCAL, KIND_SIGNED, MAX_WIRE_BYTES};

/// Longest frame in bytes, its kind counted and its length not.
pub const MAX_FRAME_BYTES: usize = MAX_WIRE_BYTES;

/// What TLS carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Hello {
        /// Of network and site.
        tag: Tag,
        net: String,
    },
    Ping,
    Pong,
    Close(CloseCode),
    /// The wire form of an envelope, its kind byte included.
    Envelope(Bytes),
}

/// Why a connection is closed, as the other end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseCode {
    Goodbye = 0,
    Duplicate = 1,
    NoRoom = 2,
    OtherNetwork = 3,
    Misbehaved = 4,
}

/// Why the bytes of a stream are no frames.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a frame of {got} bytes")]
    Length { got: usize },
    #[error("frame kind {got} is unknown")]
    Kind { got: u8 },
    #[error("the body of frame kind {kind} is malformed")]
    Body { kind: u8 },
}

impl Frame {
    pub(super) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Hello { tag, net } => head(out, HELLO, 1 + TAG_BYTES + net.len(), |out| {
                out.put_u8(VERSION);
                out.put_slice(&tag.0);
                out.put_slice(net.as_bytes());
            }),
            Self::Ping => head(out, PING, 0, |_| {}),
            Self::Pong => head(out, PONG, 0, |_| {}),
            Self::Close(code) => head(out, CLOSE, 1, |out| out.put_u8(*code as u8)),
            Self::Envelope(wire) => {
                out.put_u32(length(wire.len()));
                out.put_slice(wire);
            }
        }
    }

    /// Takes the next frame off a buffer; `None` until it is complete.
    pub(super) fn read(buffer: &mut BytesMut) -> Result<Option<Self>, FrameError> {
        let Some(length) = buffer.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)) else {
            return Ok(None);
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length == 0 || length > MAX_FRAME_BYTES {
            return Err(FrameError::Length { got: length });
        }
        // Before the rest is waited for, so that a long unknown frame costs nothing.
        match buffer.get(LENGTH_BYTES) {
            Some(&(HELLO | PING | PONG | CLOSE)) if length > MAX_CONTROL_BYTES => {
                return Err(FrameError::Length { got: length });
            }
            Some(&(HELLO | PING | PONG | CLOSE | KIND_LOCAL | KIND_SIGNED)) | None => {}
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
            (HELLO, [VERSION, rest @ ..]) => hello(rest).ok_or(FrameError::Body { kind: HELLO }),
            (PING, []) => Ok(Self::Ping),
            (PONG, []) => Ok(Self::Pong),
            (CLOSE, [code]) => {
                let codes = [
                    CloseCode::Goodbye,
                    CloseCode::Duplicate,
                    CloseCode::NoRoom,
                    CloseCode::OtherNetwork,
                    CloseCode::Misbehaved,
                ];
                let known = codes.into_iter().find(|known| *known as u8 == *code);
                known.map(Self::Close).ok_or(FrameError::Body { kind: CLOSE })
            }
            (KIND_LOCAL | KIND_SIGNED, _) => Ok(Self::Envelope(frame)),
            (kind, _) => Err(FrameError::Body { kind }),
        }
    }
}

fn hello(body: &[u8]) -> Option<Frame> {
    let (tag, net) = body.split_first_chunk()?;
    let net = std::str::from_utf8(net).ok()?;
    Some(Frame::Hello { tag: Tag(*tag), net: net.to_owned() })
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
const VERSION: u8 = 1;
const LENGTH_BYTES: usize = 4;
/// A hello with the longest name of a network.
const MAX_CONTROL_BYTES: usize = 2 + TAG_BYTES + 255;
const TAG_BYTES: usize = 16;
/// Frames up to this length are copied out of the read buffer.
const COPY_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Envelope;

    fn written(frame: &Frame) -> BytesMut {
        let mut out = BytesMut::new();
        frame.write(&mut out);
        out
    }

    #[test]
    fn frames_come_back_however_the_stream_is_cut() {
        let frames = [
            Frame::Hello { tag: Tag::of("test", "harbour"), net: "test".into() },
            Frame::Ping,
            Frame::Pong,
            Frame::Close(CloseCode::NoRoom),
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
        let bad_name = [&[0, 0, 0, 19, HELLO, 1], [0; 16].as_slice(), &[0xff]].concat();
        assert_eq!(read(&bad_name), Err(FrameError::Body { kind: HELLO }));
        assert_eq!(read(&[0, 0, 0, 3, HELLO, 1, 0xff]), Err(FrameError::Body { kind: HELLO }));
        assert_eq!(read(&[0, 0, 0, 9, KIND_LOCAL, 0]), Ok(None));
    }
}
