use std::sync::Arc;

use super::super::frame::{Frame, Mode, Wanted};
use super::super::wire::{NewestOf, Output, PushStart};
use super::{
    FIRST_SYMBOLS, LIST_PART, MAX_BATCH_SYMBOLS, MAX_LIST, OUT_OF_PLACE, ScopeRound, Side, Taken,
    head_prefixes, set_bits,
};
use crate::reconcile::{Prefixes, SHORT_ID_BITS, SYMBOL_BYTES, ShortId, Sketch, prefix};

/// What the leader has said of its items.
#[derive(Debug, Default)]
pub(super) struct Lead {
    sketch: Option<Arc<Sketch>>,
    sent_symbols: usize,
    /// The ids and what was listed of them.
    list: Option<(Arc<[ShortId]>, Prefixes)>,
}

impl ScopeRound {
    fn leading(&mut self) -> Option<&mut Lead> {
        match &mut self.side {
            Side::Lead(lead) => Some(lead),
            Side::Follow(_) => None,
        }
    }

    /// A frame of the follower.
    pub(super) fn lead(&mut self, frame: Frame, out: &mut Vec<Output>) -> Taken {
        match frame {
            Frame::Want { wanted: Wanted::Ids(ids), .. } if self.mode == Mode::Symbols => {
                let wanted = Prefixes::decode(&ids, MAX_LIST).map_err(|_| "a malformed list of ids")?;
                self.push(PushStart::Prefixes(wanted), out);
            }
            Frame::Want { wanted: Wanted::Bits(bits), .. } => {
                let (ids, listed) = self.leading().and_then(|lead| lead.list.take()).ok_or(OUT_OF_PLACE)?;
                let wanted = set_bits(&bits, listed.values.len()).ok_or("a malformed want")?;
                let wanted: Vec<u64> =
                    wanted.iter().filter_map(|at| listed.values.get(*at).copied()).collect();
                let is_wanted = |id: &&ShortId| wanted.binary_search(&prefix(**id, listed.bits)).is_ok();
                let ids = ids.iter().filter(is_wanted).copied().collect();
                self.push(PushStart::Ids(ids), out);
            }
            Frame::More { count, .. } if self.mode == Mode::Symbols => {
                self.send_symbols(usize::try_from(count).unwrap_or(usize::MAX), out)?;
            }
            Frame::Logs { wanted, logs, .. } if self.mode == Mode::Heads && !self.push.started => {
                let heads = self.heads.clone().ok_or(OUT_OF_PLACE)?;
                let lacking = set_bits(&wanted, heads.len()).ok_or("a malformed want")?;
                let lacking: Vec<_> =
                    lacking.iter().filter_map(|at| heads.get(*at)).map(|head| head.head).collect();
                let (round, scope) = (self.round, self.number);
                let answer =
                    Frame::Logs { round, scope, wanted: [].as_slice().into(), logs: lacking.clone() };
                out.push(Output::Send(answer.encode()));
                self.push_logs(&lacking, &logs, out);
            }
            _ => return Err(OUT_OF_PLACE),
        }
        Ok(())
    }

    pub(super) fn send_heads(&self, heads: &[NewestOf], out: &mut Vec<Output>) {
        let bits = Prefixes::bits_to_compare(heads.len() as u64, heads.len() as u64);
        let listed = head_prefixes(heads, bits);
        // Two heads of one prefix are one in a billion billion; all 48 bits then tell more.
        let listed = if listed.values.len() == heads.len() { listed } else { head_prefixes(heads, 48) };
        let (round, scope) = (self.round, self.number);
        out.push(Output::Send(Frame::Heads { round, scope, ids: listed.encode().into() }.encode()));
    }

    pub(super) fn begin_symbols(&mut self, sketch: Arc<Sketch>, out: &mut Vec<Output>) {
        if let Some(lead) = self.leading() {
            lead.sketch = Some(sketch);
        }
        // There are as many in every sketch.
        let _enough = self.send_symbols(FIRST_SYMBOLS, out);
    }

    /// The next symbols; a list instead when so many are not there or the list is shorter.
    fn send_symbols(&mut self, count: usize, out: &mut Vec<Output>) -> Taken {
        let (round, scope, collection) = (self.round, self.number, self.collection);
        let bits = Prefixes::bits_to_compare(self.ours, self.theirs);
        let list_bytes = Prefixes::list_bytes(self.ours, bits);
        let lead = self.leading().ok_or(OUT_OF_PLACE)?;
        if lead.list.is_some() {
            return Err(OUT_OF_PLACE);
        }
        let sketch = lead.sketch.as_ref().ok_or(OUT_OF_PLACE)?;
        let start = lead.sent_symbols;
        let end = start.saturating_add(count.min(MAX_BATCH_SYMBOLS));
        let spent = u64::try_from(start.saturating_mul(SYMBOL_BYTES)).unwrap_or(u64::MAX);
        let symbols = sketch.symbols().get(start..end).filter(|some| !some.is_empty());
        // A follower that asks on and on would otherwise cost more than the list.
        let Some(symbols) = symbols.filter(|_| start == 0 || spent <= 2 * list_bytes) else {
            (lead.sketch, self.mode) = (None, Mode::List);
            out.push(Output::ListIds(collection));
            return Ok(());
        };
        let bytes: Vec<u8> = symbols.iter().flat_map(|symbol| symbol.to_bytes()).collect();
        lead.sent_symbols = end;
        let frame = Frame::Symbols { round, scope, start: start as u64, symbols: bytes.into() };
        out.push(Output::Send(frame.encode()));
        Ok(())
    }

    pub(super) fn send_list(&mut self, ids: Arc<[ShortId]>, out: &mut Vec<Output>) {
        let (round, scope) = (self.round, self.number);
        let bits =
            if self.suspect { SHORT_ID_BITS } else { Prefixes::bits_to_compare(self.ours, self.theirs) };
        let listed = Prefixes::of(&ids, bits);
        let mut parts = listed.values.chunks(LIST_PART).peekable();
        loop {
            let values = parts.next().unwrap_or_default().to_vec();
            let (ids, last) =
                (Prefixes { bits: listed.bits, values }.encode().into(), parts.peek().is_none());
            out.push(Output::Send(Frame::List { round, scope, ids, last }.encode()));
            if last {
                break;
            }
        }
        if let Some(lead) = self.leading() {
            lead.list = Some((ids, listed));
        }
    }
}
