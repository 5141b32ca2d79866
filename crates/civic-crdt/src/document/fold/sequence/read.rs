//! The shown elements, in order.

use std::vec::IntoIter;

use civic_types::cbor::Decoder;
use civic_types::{Value, cbor};

use super::{Insert, Sequence, Span};
use crate::document::graph::Graph;
use crate::version::Kind;

impl Sequence {
    /// The plain view of a sequence of this kind.
    pub(in crate::document) fn value(&self, kind: Kind, graph: &Graph) -> Value {
        if kind == Kind::Text { Value::Text(self.text(graph)) } else { Value::List(self.list(graph)) }
    }

    /// The shown elements of a text.
    pub(in crate::document) fn text(&self, graph: &Graph) -> String {
        let mut texts: Vec<Text<'_>> = self.inserts.iter().map(Text::of).collect();
        let mut shown = String::new();
        for Span { insert, from, to, .. } in self.spans(graph).into_iter().filter(|span| span.shown) {
            if let Some(text) = texts.get_mut(insert as usize) {
                shown.push_str(text.take(from, to));
            }
        }
        shown
    }

    /// The shown elements of a list.
    pub(in crate::document) fn list(&self, graph: &Graph) -> Vec<Value> {
        let mut lists: Vec<(u32, IntoIter<Value>)> =
            self.inserts.iter().map(|insert| (0, values(insert).into_iter())).collect();
        let mut shown = Vec::new();
        for Span { insert, from, to, .. } in self.spans(graph).into_iter().filter(|span| span.shown) {
            let Some((at, values)) = lists.get_mut(insert as usize) else { continue };
            let passed = (from - *at) as usize;
            shown.extend(values.by_ref().skip(passed).take((to - from) as usize));
            *at = to;
        }
        shown
    }
}

/// A text insert read from left to right, so that many spans of one long insert cost one pass.
struct Text<'a> {
    rest: &'a str,
    /// Offset of the rest in elements.
    at: u32,
    /// Whether elements are bytes.
    ascii: bool,
}

impl<'a> Text<'a> {
    fn of(insert: &'a Insert) -> Self {
        let content = insert.content.as_deref().unwrap_or_default();
        // The argument was checked when it was placed.
        let rest = Decoder::new(content).text().unwrap_or_default();
        Self { rest, at: 0, ascii: rest.len() == insert.length as usize }
    }

    /// The elements from one offset to another; no later call goes back.
    fn take(&mut self, from: u32, to: u32) -> &'a str {
        let _passed = self.split(from.saturating_sub(self.at));
        self.at = to;
        self.split(to - from)
    }

    fn split(&mut self, count: u32) -> &'a str {
        let count = count as usize;
        let nth = || self.rest.char_indices().nth(count).map_or(self.rest.len(), |(at, _)| at);
        let (taken, rest) =
            self.rest.split_at_checked(if self.ascii { count } else { nth() }).unwrap_or_default();
        self.rest = rest;
        taken
    }
}

fn values(insert: &Insert) -> Vec<Value> {
    match insert.content.as_deref().map(cbor::decode) {
        Some(Ok(Value::List(values))) => values,
        _ => Vec::new(),
    }
}
