#![warn(clippy::indexing_slicing)]

use bytes::{BufMut, Bytes, BytesMut};

use super::discovery::Tag;
use crate::envelope::{KIND_LOCAL, KIND_SIGNED};
use crate::stream::frame::{CLOSE, FrameError, HELLO, PING, PONG, take, write_control, write_envelope};

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

impl Frame {
    pub(super) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Hello { tag, net } => write_control(out, HELLO, 1 + TAG_BYTES + net.len(), |out| {
                out.put_u8(VERSION);
                out.put_slice(&tag.0);
                out.put_slice(net.as_bytes());
            }),
            Self::Ping => write_control(out, PING, 0, |_| {}),
            Self::Pong => write_control(out, PONG, 0, |_| {}),
            Self::Close(code) => write_control(out, CLOSE, 1, |out| out.put_u8(*code as u8)),
            Self::Envelope(wire) => write_envelope(out, wire),
        }
    }

    /// Takes the next frame off a buffer; `None` until it is complete.
    pub(super) fn read(buffer: &mut BytesMut) -> Result<Option<Self>, FrameError> {
        take(buffer, &CONTROLS, MAX_CONTROL_BYTES)?.map(Self::parse).transpose()
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

/// What the stream carries beside envelopes.
const CONTROLS: [u8; 4] = [HELLO, PING, PONG, CLOSE];
const VERSION: u8 = 1;
/// The body of a hello with the longest name of a network.
const MAX_CONTROL_BYTES: usize = 1 + TAG_BYTES + 255;
const TAG_BYTES: usize = 16;

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
