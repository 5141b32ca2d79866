mod follow;
mod lead;

use std::sync::Arc;

use bytes::Bytes;
use civic_types::CollectionId;

use super::frame::{Frame, LogHead, Mode};
use super::wire::{LogRange, NewestOf, Output, PushStart};
use crate::reconcile::{Prefixes, Sketch};

/// Data frames of one scope that may be on their way or unread at the other end.
const WINDOW: usize = 4;

/// Symbols of the first batch. How many more are needed is estimated from their counts.
const FIRST_SYMBOLS: usize = 64;

/// Symbols of one frame, at most.
const MAX_BATCH_SYMBOLS: usize = 8192;

/// Ids in one part of a list: under 8 bytes each, so a part fits a frame.
const LIST_PART: usize = 30_000;

/// Ids that are taken of a list or a want.
const MAX_LIST: usize = 1 << 22;

/// Frames that are kept until our own side is known.
const MAX_EARLY: usize = 256;

/// One scope in one round at one end.
#[derive(Debug)]
pub(super) struct ScopeRound {
    pub(super) collection: CollectionId,
    pub(super) mode: Mode,
    number: u64,
    round: u64,
    ours: u64,
    theirs: u64,
    suspect: bool,
    push: Pushing,
    /// The peer has no more data.
    got_last: bool,
    /// Packs being imported.
    importing: usize,
    heads: Option<Arc<[NewestOf]>>,
    side: Side,
}

/// What this end does in it.
#[derive(Debug)]
enum Side {
    Lead(lead::Lead),
    Follow(follow::Follow),
}

#[derive(Debug, Default)]
struct Pushing {
    started: bool,
    loading: bool,
    in_flight: usize,
    /// Everything was sent.
    done: bool,
}

/// Which scope of which round, and how many items and logs each end has.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScopeOf {
    pub(super) round: u64,
    pub(super) number: u64,
    pub(super) collection: CollectionId,
    pub(super) leads: bool,
    pub(super) ours: u64,
    pub(super) theirs: u64,
    /// Whether prefixes of ids have hidden a difference.
    pub(super) suspect: bool,
}

impl ScopeRound {
    pub(super) fn new(of: ScopeOf, mode: Mode) -> Self {
        Self {
            collection: of.collection,
            mode,
            number: of.number,
            round: of.round,
            ours: of.ours,
            theirs: of.theirs,
            suspect: of.suspect,
            push: Pushing::default(),
            got_last: false,
            importing: 0,
            heads: None,
            side: if of.leads {
                Side::Lead(lead::Lead::default())
            } else {
                Side::Follow(follow::Follow::default())
            },
        }
    }

    /// Whether all data went both ways and was imported.
    pub(super) fn is_ready(&self) -> bool {
        self.push.done && self.push.in_flight == 0 && self.got_last && self.importing == 0
    }

    /// Asks for what this mode compares.
    pub(super) fn start(&self, out: &mut Vec<Output>) {
        match self.mode {
            Mode::Suffix => {}
            Mode::Heads => out.push(Output::ListHeads(self.collection)),
            Mode::List => out.push(Output::ListIds(self.collection)),
            Mode::Symbols => out.push(Output::Sketch(self.collection)),
        }
    }

    pub(super) fn push(&mut self, start: PushStart, out: &mut Vec<Output>) {
        if self.push.started {
            return;
        }
        (self.push.started, self.push.loading) = (true, true);
        out.push(Output::Load { collection: self.collection, start: Some(start) });
    }

    pub(super) fn loaded(&mut self, pack: Option<Bytes>, more: bool, out: &mut Vec<Output>) {
        let (round, scope) = (self.round, self.number);
        self.push.loading = false;
        self.push.in_flight += usize::from(pack.is_some());
        self.push.done = !more;
        out.push(Output::Send(Frame::Data { round, scope, pack, last: !more }.encode()));
        self.load_more(out);
    }

    pub(super) fn imported(&mut self, out: &mut Vec<Output>) {
        let (round, scope) = (self.round, self.number);
        self.importing = self.importing.saturating_sub(1);
        out.push(Output::Send(Frame::Ack { round, scope }.encode()));
    }

    /// Our short ids are known.
    pub(super) fn ids(&mut self, ids: Arc<[u64]>, out: &mut Vec<Output>) {
        match &self.side {
            Side::Lead(_) => self.send_list(ids, out),
            Side::Follow(_) => self.know(follow::Own::Ids(ids), out),
        }
    }

    /// Our sketch is known.
    pub(super) fn sketch(&mut self, sketch: Arc<Sketch>, out: &mut Vec<Output>) {
        match &self.side {
            Side::Lead(_) => self.begin_symbols(sketch, out),
            Side::Follow(_) => self.know(follow::Own::Sketch(sketch), out),
        }
    }

    /// The newest versions of our logs are known.
    pub(super) fn heads(&mut self, heads: Arc<[NewestOf]>, out: &mut Vec<Output>) {
        self.heads = Some(Arc::clone(&heads));
        match &self.side {
            Side::Lead(_) => self.send_heads(&heads, out),
            Side::Follow(_) => self.know(follow::Own::Heads(heads), out),
        }
    }

    pub(super) fn frame(&mut self, frame: Frame, out: &mut Vec<Output>) {
        match frame {
            Frame::Data { pack, last, .. } => self.data(pack, last, out),
            Frame::Ack { .. } if self.push.in_flight > 0 => {
                self.push.in_flight -= 1;
                self.load_more(out);
            }
            frame => {
                let taken = match self.side {
                    Side::Lead(_) => self.lead(frame, out),
                    Side::Follow(_) => self.follow(frame, out),
                };
                if let Err(what) = taken {
                    out.push(Output::Misbehaved(what));
                }
            }
        }
    }

    fn data(&mut self, pack: Option<Bytes>, last: bool, out: &mut Vec<Output>) {
        if self.got_last || self.importing >= WINDOW {
            out.push(Output::Misbehaved("more data than it may send"));
            return;
        }
        self.got_last = last;
        if let Some(pack) = pack {
            self.importing += 1;
            out.push(Output::Import { collection: self.collection, pack });
        }
    }

    fn load_more(&mut self, out: &mut Vec<Output>) {
        let free = self.push.started && !self.push.loading && !self.push.done && self.push.in_flight < WINDOW;
        if free {
            self.push.loading = true;
            out.push(Output::Load { collection: self.collection, start: None });
        }
    }

    /// Pushes what follows in our logs that the peer does not have to their end; `theirs` are its heads that we
    /// do not have.
    fn push_logs(&mut self, lacking: &[LogHead], theirs: &[LogHead], out: &mut Vec<Output>) {
        let mut ranges = Vec::new();
        for ours in lacking {
            let other = theirs.iter().find(|head| head.replica == ours.replica);
            if other.is_none_or(|other| other.position < ours.position) {
                ranges.push(LogRange {
                    replica: ours.replica,
                    after: other.map(|other| (other.position, other.cid)),
                });
            }
        }
        self.push(PushStart::Logs(ranges), out);
    }
}

/// Why a frame is refused.
type Taken = Result<(), &'static str>;

/// What has no place in its scope.
const OUT_OF_PLACE: &str = "a frame that has no place in its scope";

/// Bits for a list of so many, most significant first.
fn bits(set: impl ExactSizeIterator<Item = bool>) -> Bytes {
    let mut bytes = vec![0_u8; set.len().div_ceil(8)];
    for (at, _) in set.enumerate().filter(|(_, bit)| *bit) {
        if let Some(byte) = bytes.get_mut(at / 8) {
            *byte |= 0x80 >> (at % 8);
        }
    }
    bytes.into()
}

/// The places of the bits that are set; `None` unless there are exactly so many and no more are set.
fn set_bits(bytes: &Bytes, count: usize) -> Option<Vec<usize>> {
    let set = |at: &usize| bytes.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0);
    let exact = bytes.len() == count.div_ceil(8) && !(count..bytes.len() * 8).any(|at| set(&at));
    exact.then(|| (0..count).filter(set).collect())
}

/// Heads as their prefixes.
fn head_prefixes(heads: &[NewestOf], bits: u8) -> Prefixes {
    let ids: Vec<_> = heads.iter().map(|head| head.short).collect();
    Prefixes::of(&ids, bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_round_trip_and_odd_ones_are_refused() {
        for count in [0, 1, 7, 8, 9, 100] {
            let wanted: Vec<usize> = (0..count).filter(|at| at % 3 == 1).collect();
            let bytes = bits((0..count).map(|at| at % 3 == 1));
            assert_eq!(set_bits(&bytes, count), Some(wanted));
            assert_eq!(set_bits(&[&bytes[..], &[0]].concat().into(), count), None);
        }
        assert_eq!(set_bits(&Bytes::from_static(&[0b0100_0000]), 1), None, "a bit behind the last");
    }
}
