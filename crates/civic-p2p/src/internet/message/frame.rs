#![warn(clippy::indexing_slicing)]

use bytes::{BufMut, Bytes, BytesMut};
use civic_transport::envelope::{KIND_LOCAL, KIND_SIGNED};
use civic_transport::stream::frame::{
    CLOSE, FrameError, HELLO, PING, PONG, take, write_control, write_envelope,
};

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

impl Frame {
    pub(in crate::internet) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Hello(hello) => write_control(out, HELLO, HELLO_BODY_BYTES, |out| {
                out.put_u8(VERSION);
                out.put_u8(hello.moves.into());
                out.put_slice(&hello.nonce);
            }),
            Self::Ping => write_control(out, PING, 0, |_| {}),
            Self::Pong => write_control(out, PONG, 0, |_| {}),
            Self::Close(code) => write_control(out, CLOSE, 1, |out| out.put_u8(*code as u8)),
            Self::Moved => write_control(out, MOVED, 0, |_| {}),
            Self::Envelope(wire) => write_envelope(out, wire),
        }
    }

    /// Takes the next frame off a buffer; `None` until it is complete.
    pub(in crate::internet) fn read(buffer: &mut BytesMut) -> Result<Option<Self>, FrameError> {
        take(buffer, &CONTROLS, HELLO_BODY_BYTES)?.map(Self::parse).transpose()
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

/// What the stream carries beside envelopes.
const CONTROLS: [u8; 5] = [HELLO, PING, PONG, CLOSE, MOVED];
const MOVED: u8 = 4;
const VERSION: u8 = 1;
/// Bytes of randomness that either end adds to the channel binding.
pub(in crate::internet) const NONCE_BYTES: usize = 32;
const HELLO_BODY_BYTES: usize = 2 + NONCE_BYTES;

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
