use std::sync::Arc;

use bytes::Bytes;

use super::super::frame::{Frame, LogHead, Mode, Wanted};
use super::super::wire::{NewestOf, Output, PushStart};
use super::{
    FIRST_SYMBOLS, MAX_BATCH_SYMBOLS, MAX_EARLY, MAX_LIST, OUT_OF_PLACE, ScopeRound, Side, Taken, bits,
    head_prefixes,
};
use crate::reconcile::{Decoded, Decoder, Prefixes, SYMBOL_BYTES, ShortId, Sketch, Symbol, prefix};
use crate::session::MAX_HEADS;

/// What the follower has heard of the leader's items.
#[derive(Debug, Default)]
pub(super) struct Follow {
    own: Option<Own>,
    decoder: Decoder,
    /// Parts of the leader's list so far.
    list: Option<Prefixes>,
    /// Our heads that the leader lacks, until it says which of its logs we lack.
    extra: Option<Vec<LogHead>>,
    /// Frames that came before our side was known.
    early: Vec<Frame>,
    /// Nothing more is to be compared.
    resolved: bool,
}

/// What we compare with.
#[derive(Clone, Debug)]
pub(super) enum Own {
    Heads(Arc<[NewestOf]>),
    Ids(Arc<[ShortId]>),
    Sketch(Arc<Sketch>),
}

impl ScopeRound {
    fn following(&mut self) -> Result<&mut Follow, &'static str> {
        match &mut self.side {
            Side::Follow(follow) => Ok(follow),
            Side::Lead(_) => Err(OUT_OF_PLACE),
        }
    }

    /// Our side is known: what came before is compared now.
    pub(super) fn know(&mut self, own: Own, out: &mut Vec<Output>) {
        let Ok(follow) = self.following() else { return };
        follow.own = Some(own);
        for frame in std::mem::take(&mut follow.early) {
            self.frame(frame, out);
        }
    }

    /// A frame of the leader.
    pub(super) fn follow(&mut self, frame: Frame, out: &mut Vec<Output>) -> Taken {
        let mode = self.mode;
        let follow = self.following()?;
        if follow.resolved {
            return Err(OUT_OF_PLACE);
        }
        match (&frame, mode) {
            (Frame::Heads { .. } | Frame::Logs { .. }, Mode::Heads)
            | (Frame::List { .. }, Mode::List)
            | (Frame::Symbols { .. }, Mode::Symbols) => {}
            // Symbols would have cost more than a list.
            (Frame::List { .. }, Mode::Symbols) => {
                (follow.own, self.mode) = (None, Mode::List);
                out.push(Output::ListIds(self.collection));
            }
            _ => return Err(OUT_OF_PLACE),
        }
        let follow = self.following()?;
        let Some(own) = follow.own.clone() else {
            if follow.early.len() >= MAX_EARLY {
                return Err("more frames than it may send");
            }
            follow.early.push(frame);
            return Ok(());
        };
        match (frame, own) {
            (Frame::Heads { ids, .. }, Own::Heads(heads)) => self.compare_heads(&ids, &heads, out),
            (Frame::Logs { logs, .. }, Own::Heads(_)) => {
                let extra = follow.extra.take().ok_or(OUT_OF_PLACE)?;
                follow.resolved = true;
                self.push_logs(&extra, &logs, out);
                Ok(())
            }
            (Frame::List { ids, last, .. }, Own::Ids(own)) => self.compare_list(&ids, last, &own, out),
            (Frame::Symbols { start, symbols, .. }, Own::Sketch(own)) => {
                self.compare_symbols(start, &symbols, &own, out)
            }
            _ => Err(OUT_OF_PLACE),
        }
    }

    fn compare_heads(&mut self, ids: &Bytes, heads: &[NewestOf], out: &mut Vec<Output>) -> Taken {
        let (round, scope) = (self.round, self.number);
        let follow = self.following()?;
        let theirs = Prefixes::decode(ids, MAX_HEADS).map_err(|_| "a malformed list of ids")?;
        if follow.extra.is_some() {
            return Err(OUT_OF_PLACE);
        }
        let ours = head_prefixes(heads, theirs.bits);
        let wanted = bits(theirs.values.iter().map(|value| ours.values.binary_search(value).is_err()));
        let extra = heads
            .iter()
            .filter(|head| theirs.values.binary_search(&prefix(head.short, theirs.bits)).is_err());
        let extra: Vec<LogHead> = extra.map(|head| head.head).collect();
        let frame = Frame::Logs { round, scope, wanted, logs: extra.clone() };
        follow.extra = Some(extra);
        out.push(Output::Send(frame.encode()));
        Ok(())
    }

    fn compare_list(&mut self, ids: &Bytes, last: bool, ours: &[ShortId], out: &mut Vec<Output>) -> Taken {
        let (round, scope) = (self.round, self.number);
        let follow = self.following()?;
        let mut list = follow.list.take().unwrap_or_default();
        let part = Prefixes::decode(ids, MAX_LIST.saturating_sub(list.values.len()))
            .map_err(|_| "a malformed list of ids")?;
        let follows = list.values.last().zip(part.values.first()).is_none_or(|(before, next)| before < next);
        if !follows || (!list.values.is_empty() && list.bits != part.bits) {
            return Err("a list of ids out of order");
        }
        list.bits = part.bits;
        list.values.extend(part.values);
        if !last {
            follow.list = Some(list);
            return Ok(());
        }
        follow.resolved = true;
        let own = Prefixes::of(ours, list.bits);
        let wanted = bits(list.values.iter().map(|value| own.values.binary_search(value).is_err()));
        let is_extra = |id: &&ShortId| list.values.binary_search(&prefix(**id, list.bits)).is_err();
        let extra = ours.iter().filter(is_extra).copied().collect();
        out.push(Output::Send(Frame::Want { round, scope, wanted: Wanted::Bits(wanted) }.encode()));
        self.push(PushStart::Ids(extra), out);
        Ok(())
    }

    fn compare_symbols(&mut self, start: u64, symbols: &Bytes, own: &Sketch, out: &mut Vec<Output>) -> Taken {
        let (round, scope, ours, theirs) = (self.round, self.number, self.ours, self.theirs);
        let follow = self.following()?;
        let (chunks, rest) = symbols.as_chunks::<SYMBOL_BYTES>();
        if start != follow.decoder.received() as u64 || !rest.is_empty() || chunks.is_empty() {
            return Err("symbols out of order");
        }
        for symbol in chunks {
            let own =
                own.symbols().get(follow.decoder.received()).ok_or("more symbols than were asked for")?;
            follow.decoder.push(Symbol::from_bytes(symbol), *own);
            if let Some(Decoded { theirs: lacking, ours: extra }) = follow.decoder.decoded() {
                follow.resolved = true;
                let wanted = Prefixes::of(&lacking, Prefixes::bits_to_name(theirs));
                let wanted = Wanted::Ids(wanted.encode().into());
                out.push(Output::Send(Frame::Want { round, scope, wanted }.encode()));
                self.push(PushStart::Ids(extra), out);
                return Ok(());
            }
        }
        let count = further(&follow.decoder, ours, theirs, own.symbols().len());
        out.push(Output::Send(Frame::More { round, scope, count: count as u64 }.encode()));
        Ok(())
    }
}

/// How many symbols to ask for next, of so many that our own sketch has; 0 for a list instead.
fn further(decoder: &Decoder, ours: u64, theirs: u64, own: usize) -> usize {
    let received = decoder.received();
    let estimate = usize::try_from(decoder.estimate(ours, theirs)).unwrap_or(usize::MAX);
    // 1.35 symbols an id are enough for many, 1.5 for a hundred.
    let needed = estimate.saturating_mul(134) / 100 + estimate.isqrt();
    let list = Prefixes::list_bytes(theirs, Prefixes::bits_to_compare(ours, theirs));
    let longer = needed.saturating_sub(received).saturating_mul(SYMBOL_BYTES) as u64 > list;
    let next = needed.saturating_sub(received).max(received / 24).max(LEAST_SYMBOLS);
    let next = next.min(MAX_BATCH_SYMBOLS).min(own.saturating_sub(received));
    // Symbols that cannot be explained: somebody has poisoned a set.
    let runaway = received > estimate.saturating_mul(3).max(4 * FIRST_SYMBOLS);
    if longer || runaway { 0 } else { next }
}

/// Symbols of the smallest batch.
const LEAST_SYMBOLS: usize = 8;
