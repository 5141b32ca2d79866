//! [`Arq`]: frames in order and once over a link that loses, repeats and reorders. A pure state machine.
//!
//! A datagram is our number u64 ‖ the peer's u64 (0 while unknown) ‖ sequence u32 ‖ acknowledgement u32 ‖
//! frame. The acknowledgement is the next sequence number that is waited for; a datagram without a frame has
//! the sequence number 0 and only acknowledges.
//!
//! A number names one start of one end and is greater than all that the device used before, also before its
//! last restart: a stamp of its hybrid logical clock. So late datagrams of an earlier start are told from
//! those of a later one, and whoever sees a greater number than it knew begins anew. A datagram to another
//! number than ours is answered with an empty one that says ours.
#![warn(clippy::indexing_slicing)]

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use civic_types::time::Tick;

/// Frames on their way at once; further ones wait.
pub const WINDOW: usize = 16;

/// Frames kept that came too early.
pub const MAX_EARLY: u32 = 32;

/// Time to wait for an acknowledgement while none has come, and the shortest ever.
pub const FIRST_TIMEOUT: Duration = Duration::from_secs(1);
/// See [`FIRST_TIMEOUT`].
pub const MIN_TIMEOUT: Duration = Duration::from_millis(250);
/// The longest.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(16);

/// Bytes before the frame.
const HEADER: usize = 24;

/// One end of one connection.
#[derive(Debug)]
pub struct Arq {
    ours: u64,
    theirs: Option<u64>,
    /// Frames not yet acknowledged, by sequence number from 1; sent ones with when and how often.
    waiting: VecDeque<Waiting>,
    /// Sequence number of the first of them.
    first: u32,
    /// How long acknowledgements take.
    rtt: Rtt,
    /// The next that we wait for.
    expected: u32,
    early: BTreeMap<u32, Bytes>,
    acknowledge: bool,
    /// The peer takes us for an earlier start: say who we are.
    introduce: bool,
}

#[derive(Debug)]
struct Waiting {
    frame: Bytes,
    sent: Option<(Tick, u32)>,
    /// To be sent again without waiting longer.
    again: bool,
}

/// What a datagram brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// Frames that are next, in order; often none.
    Frames(Vec<Bytes>),
    /// The peer has begun anew: this end must too, and then take the datagram again.
    Restarted,
}

impl Arq {
    /// An end with this number, which is not 0.
    #[must_use]
    pub fn new(number: u64) -> Self {
        let (waiting, early) = (VecDeque::new(), BTreeMap::new());
        let ours = number.max(1);
        Self {
            ours,
            theirs: None,
            waiting,
            first: 1,
            rtt: Rtt::default(),
            expected: 1,
            early,
            acknowledge: false,
            introduce: false,
        }
    }

    /// Begins anew after [`Received::Restarted`], under the same number.
    #[must_use]
    pub fn begin_anew(&self) -> Self {
        Self::new(self.ours)
    }

    /// Queues a frame.
    pub fn send(&mut self, frame: Bytes) {
        self.waiting.push_back(Waiting { frame, sent: None, again: false });
    }

    /// Frames queued and not acknowledged.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        self.waiting.len()
    }

    /// Sends again all that was not acknowledged, at the next [`transmit`](Self::transmit): a link has died.
    pub fn repeat(&mut self) {
        for waiting in &mut self.waiting {
            waiting.again = waiting.sent.is_some();
        }
    }

    /// Takes a datagram; one that is malformed or of an earlier connection is ignored.
    pub fn receive(&mut self, now: Tick, datagram: &Bytes) -> Received {
        let none = Received::Frames(Vec::new());
        let Some((Header { ours: theirs, theirs: ours, seq, ack }, frame)) = parse(datagram) else {
            return none;
        };
        match self.theirs {
            Some(known) if theirs > known => return Received::Restarted,
            Some(known) if theirs < known => return none,
            _ => self.theirs = Some(theirs),
        }
        if ours != 0 && ours != self.ours {
            self.introduce = true;
            return none;
        }
        let mut sample = None;
        while self.first < ack && self.waiting.front().is_some_and(|waiting| waiting.sent.is_some()) {
            // What was sent twice does not tell which of the two was acknowledged.
            let sent = self.waiting.pop_front().and_then(|waiting| waiting.sent);
            sample = sent.filter(|(_, times)| *times == 0).map(|(at, _)| now.since(at)).or(sample);
            self.first += 1;
        }
        if let Some(sample) = sample {
            self.rtt.observe(sample);
        }
        if seq == 0 {
            return none;
        }
        self.acknowledge = true;
        let window = self.expected..self.expected.saturating_add(MAX_EARLY);
        if window.contains(&seq) {
            self.early.insert(seq, frame);
        }
        let mut frames = Vec::new();
        while let Some(frame) = self.early.remove(&self.expected) {
            frames.push(frame);
            self.expected += 1;
        }
        Received::Frames(frames)
    }

    /// The datagrams that are due now.
    pub fn transmit(&mut self, now: Tick) -> Vec<Bytes> {
        let mut out = Vec::new();
        let (ours, theirs, ack) = (self.ours, self.theirs.unwrap_or_default(), self.expected);
        let rtt = self.rtt;
        for (seq, waiting) in (self.first..).zip(self.waiting.iter_mut().take(WINDOW)) {
            let due = waiting.sent.is_none_or(|(at, times)| at.saturating_add(rtt.timeout(times)) <= now);
            if due || std::mem::take(&mut waiting.again) {
                waiting.sent = Some((now, waiting.sent.map_or(0, |(_, times)| times + 1)));
                out.push(datagram(&Header { ours, theirs, seq, ack }, &waiting.frame));
            }
        }
        if std::mem::take(&mut self.introduce) && out.is_empty() {
            self.acknowledge = true;
        }
        if self.acknowledge && out.is_empty() {
            out.push(datagram(&Header { ours, theirs, seq: 0, ack }, &[]));
        }
        self.acknowledge = false;
        out
    }

    /// When [`transmit`](Self::transmit) has something to repeat.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Tick> {
        let sent = self.waiting.iter().take(WINDOW).filter_map(|waiting| waiting.sent);
        sent.map(|(at, times)| at.saturating_add(self.rtt.timeout(times))).min()
    }
}

/// The estimator of RFC 6298: smoothed round-trip time and its variation.
#[derive(Clone, Copy, Debug, Default)]
struct Rtt(Option<(Duration, Duration)>);

impl Rtt {
    fn observe(&mut self, sample: Duration) {
        let (smoothed, variation) = match self.0 {
            None => (sample, sample / 2),
            Some((smoothed, variation)) => {
                let error = smoothed.abs_diff(sample);
                ((smoothed * 7 + sample) / 8, (variation * 3 + error) / 4)
            }
        };
        self.0 = Some((smoothed, variation));
    }

    /// How long to wait after so many repetitions.
    fn timeout(self, times: u32) -> Duration {
        let first = self.0.map_or(FIRST_TIMEOUT, |(smoothed, variation)| smoothed + variation * 4);
        let doubled = first.max(MIN_TIMEOUT).saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX));
        doubled.min(MAX_TIMEOUT)
    }
}

/// What stands before the frame, as its sender sees it.
struct Header {
    ours: u64,
    theirs: u64,
    seq: u32,
    ack: u32,
}

fn datagram(header: &Header, frame: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(HEADER + frame.len());
    out.put_u64(header.ours);
    out.put_u64(header.theirs);
    out.put_u32(header.seq);
    out.put_u32(header.ack);
    out.put_slice(frame);
    out.freeze()
}

fn parse(datagram: &Bytes) -> Option<(Header, Bytes)> {
    let mut header = datagram.get(..HEADER)?;
    let header = Header {
        ours: header.get_u64(),
        theirs: header.get_u64(),
        seq: header.get_u32(),
        ack: header.get_u32(),
    };
    Some((header, datagram.slice(HEADER..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every second datagram is lost and every third comes twice; all frames arrive once and in order.
    #[test]
    fn frames_arrive_once_and_in_order_over_a_bad_link() {
        let (mut a, mut b) = (Arq::new(7), Arq::new(9));
        let sent: Vec<Bytes> = (0..100_u32).map(|i| Bytes::copy_from_slice(&i.to_be_bytes())).collect();
        sent.iter().cloned().for_each(|frame| a.send(frame));
        let (mut got, mut now, mut n) = (Vec::new(), Tick::default(), 0);
        while got.len() < sent.len() || a.unacknowledged() > 0 {
            now = now.saturating_add(Duration::from_millis(100));
            assert!(now < Tick::from_nanos(1_000_000_000_000), "no progress");
            let mut forward = a.transmit(now);
            forward.reverse();
            for datagram in forward {
                n += 1;
                for _ in 0..[1, 0, 2, 0][n % 4] {
                    if let Received::Frames(frames) = b.receive(now, &datagram) {
                        got.extend(frames);
                    }
                }
            }
            for datagram in b.transmit(now) {
                n += 1;
                if n % 2 == 0 {
                    let _nothing = a.receive(now, &datagram);
                }
            }
        }
        assert_eq!(got, sent);
    }

    #[test]
    fn a_peer_that_begins_anew_is_noticed_and_old_datagrams_are_not() {
        let (mut a, mut b) = (Arq::new(1), Arq::new(2));
        b.send(Bytes::from_static(b"old"));
        let old = b.transmit(Tick::default());
        assert_eq!(a.receive(Tick::default(), &old[0]), Received::Frames(vec![Bytes::from_static(b"old")]));
        let mut again = Arq::new(3);
        again.send(Bytes::from_static(b"new"));
        let greeting = again.transmit(Tick::default());
        assert_eq!(a.receive(Tick::default(), &greeting[0]), Received::Restarted);
        let mut a = a.begin_anew();
        assert_eq!(
            a.receive(Tick::default(), &greeting[0]),
            Received::Frames(vec![Bytes::from_static(b"new")])
        );
        assert_eq!(
            a.receive(Tick::default(), &old[0]),
            Received::Frames(Vec::new()),
            "a late datagram of the old one"
        );
        assert_eq!(a.receive(Tick::default(), &Bytes::from_static(b"short")), Received::Frames(Vec::new()));
    }

    #[test]
    fn the_time_to_wait_follows_the_link_and_a_dead_link_is_not_waited_for() {
        let at = |ms: u64| Tick::default().saturating_add(Duration::from_millis(ms));
        let (mut a, mut b) = (Arq::new(1), Arq::new(2));
        a.send(Bytes::from_static(b"one"));
        let sent = a.transmit(at(0));
        assert_eq!(a.next_timeout(), Some(at(1000)));
        let _frames = b.receive(at(1), &sent[0]);
        let _none = a.receive(at(2), &b.transmit(at(1))[0]);
        a.send(Bytes::from_static(b"two"));
        assert_eq!(a.transmit(at(10)).len(), 1);
        assert_eq!(a.next_timeout(), Some(at(260)), "the shortest time, since the link is fast");
        assert!(a.transmit(at(20)).is_empty());
        a.repeat();
        assert_eq!(a.transmit(at(20)).len(), 1, "sent again at once");
        assert!(a.transmit(at(30)).is_empty(), "and then waited for again");
    }
}
