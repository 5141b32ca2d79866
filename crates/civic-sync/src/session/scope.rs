use bytes::Bytes;
use civic_types::CollectionId;

use super::frame::{Frame, Mode};
use super::wire::{Output, PushStart};
use crate::reconcile::{
    Decoder, Encoder, MAX_SYMBOLS, SYMBOL_BYTES, ShortId, Symbol, decode_list, encode_list,
};

/// Data frames of one scope that may be on their way or unread at the other end.
const WINDOW: usize = 4;

/// Symbols of the first batch; each further batch doubles what was sent, up to a frame.
const FIRST_SYMBOLS: usize = 32;
const MAX_BATCH_SYMBOLS: usize = 8192;

/// Ids in one part of a list: under 8 bytes each, so a part fits a frame.
const LIST_PART: usize = 30_000;

/// Ids that are taken of a list or a want.
const MAX_LIST: usize = 1 << 22;

/// Bytes of a list and of symbols for one id, about: decides which is shorter.
const LIST_BYTES_PER_ID: u64 = 5;
const SYMBOL_BYTES_PER_ID: u64 = 12;

/// One scope in one round at one end.
#[derive(Debug)]
pub(super) struct ScopeRound {
    pub(super) collection: CollectionId,
    pub(super) mode: Mode,
    round: u64,
    leads: bool,
    ours: u64,
    theirs: u64,
    push: Pushing,
    /// The peer has no more data.
    got_last: bool,
    /// Packs being imported.
    importing: usize,
    ids: Option<Vec<ShortId>>,
    encoder: Option<Encoder>,
    sent_symbols: usize,
    decoder: Option<Decoder>,
    /// Frames that came before our ids were known.
    early: Vec<Frame>,
    /// Parts of the leader's list so far.
    list: Vec<ShortId>,
}

#[derive(Debug, Default)]
struct Pushing {
    started: bool,
    loading: bool,
    in_flight: usize,
    /// Everything was sent.
    done: bool,
}

impl ScopeRound {
    pub(super) fn new(
        round: u64,
        collection: CollectionId,
        mode: Mode,
        leads: bool,
        ours: u64,
        theirs: u64,
    ) -> Self {
        Self {
            collection,
            mode,
            round,
            leads,
            ours,
            theirs,
            push: Pushing::default(),
            got_last: false,
            importing: 0,
            ids: None,
            encoder: None,
            sent_symbols: 0,
            decoder: None,
            early: Vec::new(),
            list: Vec::new(),
        }
    }

    /// Whether all data went both ways and was imported.
    pub(super) fn is_ready(&self) -> bool {
        self.push.done && self.push.in_flight == 0 && self.got_last && self.importing == 0
    }

    pub(super) fn push(&mut self, start: PushStart, out: &mut Vec<Output>) {
        if self.push.started {
            return;
        }
        (self.push.started, self.push.loading) = (true, true);
        out.push(Output::Load { collection: self.collection, start: Some(start) });
    }

    pub(super) fn loaded(&mut self, pack: Option<Bytes>, more: bool, out: &mut Vec<Output>) {
        let (round, collection) = (self.round, self.collection);
        self.push.loading = false;
        self.push.in_flight += usize::from(pack.is_some());
        self.push.done = !more;
        out.push(Output::Send(Frame::Data { round, collection, pack, last: !more }.encode()));
        self.load_more(out);
    }

    pub(super) fn imported(&mut self, out: &mut Vec<Output>) {
        let (round, collection) = (self.round, self.collection);
        self.importing = self.importing.saturating_sub(1);
        out.push(Output::Send(Frame::Ack { round, collection }.encode()));
    }

    /// Our short ids are known.
    pub(super) fn ids(&mut self, ids: &[ShortId], out: &mut Vec<Output>) {
        self.ids = Some(ids.to_vec());
        if self.leads {
            let difference = self.ours.abs_diff(self.theirs).max(16);
            if self.ours * LIST_BYTES_PER_ID <= difference * SYMBOL_BYTES_PER_ID {
                self.send_list(out);
            } else {
                self.encoder = Some(Encoder::new(ids.iter().copied()));
                self.send_symbols(out);
            }
        } else {
            for frame in std::mem::take(&mut self.early) {
                self.frame(frame, out);
            }
        }
    }

    pub(super) fn frame(&mut self, frame: Frame, out: &mut Vec<Output>) {
        match frame {
            Frame::Data { pack, last, .. } => self.data(pack, last, out),
            Frame::Ack { .. } if self.push.in_flight > 0 => {
                self.push.in_flight -= 1;
                self.load_more(out);
            }
            Frame::Want { ids, .. } if self.leads && self.mode == Mode::Ids => {
                match decode_list(&ids, MAX_LIST) {
                    Ok(ids) => self.push(PushStart::Ids(ids), out),
                    Err(_) => out.push(Output::Misbehaved("a malformed list of ids")),
                }
            }
            Frame::More { .. } if self.leads && self.encoder.is_some() => self.send_symbols(out),
            Frame::List { .. } | Frame::Symbols { .. } if !self.leads && self.mode == Mode::Ids => {
                if self.ids.is_none() {
                    if self.early.len() < WINDOW * 64 {
                        self.early.push(frame);
                    }
                } else {
                    self.compare(frame, out);
                }
            }
            _ => out.push(Output::Misbehaved("a frame that has no place in its scope")),
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

    fn send_list(&mut self, out: &mut Vec<Output>) {
        let (round, collection) = (self.round, self.collection);
        let ids = self.ids.take().unwrap_or_default();
        let mut parts = ids.chunks(LIST_PART).peekable();
        if parts.peek().is_none() {
            out.push(Output::Send(
                Frame::List { round, collection, ids: encode_list(&[]).into(), last: true }.encode(),
            ));
        }
        while let Some(part) = parts.next() {
            let frame = Frame::List {
                round,
                collection,
                ids: encode_list(part).into(),
                last: parts.peek().is_none(),
            };
            out.push(Output::Send(frame.encode()));
        }
        self.encoder = None;
    }

    fn send_symbols(&mut self, out: &mut Vec<Output>) {
        let (round, collection) = (self.round, self.collection);
        let spent = u64::try_from(self.sent_symbols * SYMBOL_BYTES).unwrap_or(u64::MAX);
        if spent > self.ours * LIST_BYTES_PER_ID || self.sent_symbols >= MAX_SYMBOLS {
            return self.send_list(out);
        }
        let Some(encoder) = &mut self.encoder else { return };
        let batch = self.sent_symbols.clamp(FIRST_SYMBOLS, MAX_BATCH_SYMBOLS);
        let mut symbols = Vec::with_capacity(batch * SYMBOL_BYTES);
        for _ in 0..batch {
            symbols.extend_from_slice(&encoder.next_symbol().to_bytes());
        }
        let start = self.sent_symbols as u64;
        self.sent_symbols += batch;
        out.push(Output::Send(Frame::Symbols { round, collection, start, symbols: symbols.into() }.encode()));
    }

    /// The follower compares what the leader says of its ids.
    fn compare(&mut self, frame: Frame, out: &mut Vec<Output>) {
        match frame {
            Frame::List { ids, last, .. } => {
                let Ok(ids) = decode_list(&ids, MAX_LIST.saturating_sub(self.list.len())) else {
                    return out.push(Output::Misbehaved("a malformed list of ids"));
                };
                if self.list.last().zip(ids.first()).is_some_and(|(before, next)| before >= next) {
                    return out.push(Output::Misbehaved("a list of ids out of order"));
                }
                self.list.extend(ids);
                if last {
                    let ours = self.ids.take().unwrap_or_default();
                    let lacking = difference(&self.list, &ours);
                    let extra = difference(&ours, &self.list);
                    self.resolved(&lacking, extra, out);
                }
            }
            Frame::Symbols { start, symbols, .. } => {
                let ids = self.ids.as_deref().unwrap_or_default();
                let decoder = self.decoder.get_or_insert_with(|| Decoder::new(ids.iter().copied()));
                let (chunks, rest) = symbols.as_chunks::<SYMBOL_BYTES>();
                if start != decoder.received() as u64 || !rest.is_empty() || chunks.is_empty() {
                    return out.push(Output::Misbehaved("symbols out of order"));
                }
                for symbol in chunks {
                    decoder.push(Symbol::from_bytes(symbol));
                    if let Some(decoded) = decoder.decoded() {
                        return self.resolved(&decoded.theirs.clone(), decoded.ours, out);
                    }
                }
                let (round, collection) = (self.round, self.collection);
                out.push(Output::Send(Frame::More { round, collection }.encode()));
            }
            _ => {}
        }
    }

    /// Both differences are known: ask for one, push the other.
    fn resolved(&mut self, lacking: &[ShortId], extra: Vec<ShortId>, out: &mut Vec<Output>) {
        let (round, collection) = (self.round, self.collection);
        (self.ids, self.decoder) = (Some(Vec::new()), None);
        let ids = encode_list(lacking).into();
        out.push(Output::Send(Frame::Want { round, collection, ids }.encode()));
        self.push(PushStart::Ids(extra), out);
    }
}

/// What is in `a` and not in `b`, both ascending.
fn difference(a: &[ShortId], b: &[ShortId]) -> Vec<ShortId> {
    let mut rest = b.iter().peekable();
    let lacks = |id: &&ShortId| {
        while rest.next_if(|other| other < id).is_some() {}
        rest.peek() != Some(id)
    };
    a.iter().filter(lacks).copied().collect()
}
