//! [`Draft`]: a text or list as a plan edits it.

use std::collections::{BTreeMap, BTreeSet};

use civic_types::{FieldPath, Value, cbor};

use super::builder::Candidate;
use crate::clock::Dot;
use crate::document::fold::{InsertNumber, Sequence, Span};
use crate::document::graph::Graph;
use crate::version::Kind;

/// What sequences are made of: characters or values.
pub(super) trait Element: Clone + PartialEq {
    /// The kind of a sequence of them.
    const KIND: Kind;

    /// The elements that are shown.
    fn shown(sequence: &Sequence, graph: &Graph) -> Vec<Self>;

    /// The content of an insert.
    fn encode(elements: Vec<Self>) -> Result<Vec<u8>, cbor::Error>;

    /// Where a plan keeps the drafts of them.
    fn drafts(drafts: &mut Drafts) -> &mut BTreeMap<FieldPath, Draft<Self>>;
}

/// The texts and lists that a plan edits.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    pub(super) texts: BTreeMap<FieldPath, Draft<char>>,
    pub(super) lists: BTreeMap<FieldPath, Draft<Value>>,
}

impl Drafts {
    /// The sequences that show only because the plan makes them.
    pub(super) fn created(&self) -> impl Iterator<Item = Candidate<'_>> {
        created(&self.texts).chain(created(&self.lists))
    }

    /// Drops the drafts at the path and below that `ends` picks; their kills stay.
    pub(super) fn end(
        &mut self,
        path: &FieldPath,
        ends: impl Fn(Candidate<'_>) -> bool,
        kills: &mut BTreeSet<Dot>,
    ) {
        end(&mut self.texts, path, &ends, kills);
        end(&mut self.lists, path, &ends, kills);
    }
}

/// A sequence on the way from what was seen to what is wanted. Edits only move what is here; the operations
/// are made at the end, so what a plan takes back is never written.
#[derive(Debug)]
pub(super) struct Draft<T> {
    /// Everything in order, the hidden included.
    pieces: Vec<Piece<T>>,
    /// Number of elements that are shown.
    length: usize,
    /// Whether the path shows no such sequence yet.
    pub(super) create: bool,
    /// What the first edit ended at the path in other kinds.
    pub(super) kills: BTreeSet<Dot>,
}

#[derive(Clone, Debug)]
enum Piece<T> {
    New(Vec<T>),
    Seen { span: Span, removed: bool },
}

/// New elements and the seen ones that they stand between, hidden or not; `None` at the ends.
#[derive(Debug)]
pub(super) struct Gap<T> {
    pub(super) left: Option<(InsertNumber, u32)>,
    pub(super) right: Option<(InsertNumber, u32)>,
    pub(super) elements: Vec<T>,
}

/// What a draft takes away: whole inserts and ranges of others, by insert and ascending.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) whole: Vec<InsertNumber>,
    pub(super) ranges: BTreeMap<InsertNumber, Vec<(u32, u32)>>,
}

impl<T> Draft<T> {
    /// Of a sequence as seen, all of it hidden if the plan has `ended` it.
    pub(super) fn new(seen: Option<&Sequence>, graph: &Graph, ended: bool, kills: BTreeSet<Dot>) -> Self {
        let shown = |span: Span| Span { shown: span.shown && !ended, ..span };
        let spans = seen.map(|sequence| sequence.spans(graph)).unwrap_or_default();
        let pieces = spans.into_iter().map(|span| Piece::Seen { span: shown(span), removed: false });
        let pieces: Vec<Piece<T>> = pieces.collect();
        let length = pieces.iter().map(Piece::length).sum();
        let create = ended || seen.is_none_or(|sequence| !sequence.is_live());
        Self { pieces, length, create, kills }
    }

    /// Number of elements that are shown.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// Removes elements and puts others in their place; both ends are within the length.
    pub(super) fn splice(&mut self, index: usize, remove: usize, insert: Vec<T>) {
        self.length = self.length - remove + insert.len();
        // New elements stand right behind the one before them, in front of what is hidden there.
        let at = self.cut(index);
        let end = if remove == 0 { at } else { self.cut(index + remove) };
        if let Some(removed) = self.pieces.get_mut(at..end) {
            removed.iter_mut().for_each(Piece::remove);
        }
        if insert.is_empty() {
            return;
        }
        match at.checked_sub(1).and_then(|before| self.pieces.get_mut(before)) {
            Some(Piece::New(elements)) => elements.extend(insert),
            _ => self.pieces.insert(at, Piece::New(insert)),
        }
    }

    /// The new elements, joined where nothing seen stands between them.
    pub(super) fn gaps(&mut self) -> Vec<Gap<T>> {
        let mut gaps: Vec<Gap<T>> = Vec::new();
        let (mut left, mut open) = (None, Vec::new());
        for piece in std::mem::take(&mut self.pieces) {
            match piece {
                Piece::New(elements) => open.extend(elements),
                Piece::Seen { span, .. } => {
                    let right = Some((span.insert, span.from));
                    if !open.is_empty() {
                        gaps.push(Gap { left, right, elements: std::mem::take(&mut open) });
                    }
                    left = Some((span.insert, span.to - 1));
                }
            }
        }
        if !open.is_empty() {
            gaps.push(Gap { left, right: None, elements: open });
        }
        gaps
    }

    /// What is removed. An insert of which nothing stays shown is removed as a whole.
    pub(super) fn removed(&self) -> Removed {
        let shown = || {
            self.pieces.iter().filter_map(|piece| match piece {
                Piece::Seen { span, removed } if span.shown => Some((span, *removed)),
                _ => None,
            })
        };
        let mut ranges: BTreeMap<InsertNumber, Vec<(u32, u32)>> = BTreeMap::new();
        for (span, _) in shown().filter(|(_, removed)| *removed) {
            let ranges = ranges.entry(span.insert).or_default();
            match ranges.last_mut() {
                Some((_, to)) if *to == span.from => *to = span.to,
                _ => ranges.push((span.from, span.to)),
            }
        }
        if ranges.is_empty() {
            return Removed::default();
        }
        let left = shown().filter(|(span, removed)| !removed && ranges.contains_key(&span.insert));
        let left: BTreeSet<InsertNumber> = left.map(|(span, _)| span.insert).collect();
        let whole = ranges.keys().copied().filter(|insert| !left.contains(insert)).collect();
        ranges.retain(|insert, _| left.contains(insert));
        Removed { whole, ranges }
    }

    /// Parts the pieces right behind the shown element before `index`, and says where.
    fn cut(&mut self, index: usize) -> usize {
        let mut left = index;
        if left == 0 {
            return 0;
        }
        for at in 0..self.pieces.len() {
            let Some(piece) = self.pieces.get_mut(at) else { break };
            let length = piece.length();
            if length >= left {
                let rest = piece.split(left);
                self.pieces.splice(at + 1..at + 1, rest);
                return at + 1;
            }
            left -= length;
        }
        self.pieces.len()
    }
}

impl<T> Piece<T> {
    /// Number of elements that are shown.
    fn length(&self) -> usize {
        match self {
            Self::New(elements) => elements.len(),
            Self::Seen { span, removed: false } if span.shown => (span.to - span.from) as usize,
            Self::Seen { .. } => 0,
        }
    }

    fn remove(&mut self) {
        match self {
            Self::New(elements) => elements.clear(),
            Self::Seen { removed, span } => *removed |= span.shown,
        }
    }

    /// Keeps so many elements and gives the others, if there are any.
    fn split(&mut self, keep: usize) -> Option<Self> {
        if keep >= self.length() {
            return None;
        }
        match self {
            Self::New(elements) => Some(Self::New(elements.split_off(keep))),
            Self::Seen { span, removed } => {
                let middle = span.from.saturating_add(u32::try_from(keep).unwrap_or(u32::MAX));
                let rest = Self::Seen { span: Span { from: middle, ..*span }, removed: *removed };
                span.to = middle;
                Some(rest)
            }
        }
    }
}

fn created<T: Element>(drafts: &BTreeMap<FieldPath, Draft<T>>) -> impl Iterator<Item = Candidate<'_>> {
    let created = drafts.iter().filter(|(_, draft)| draft.create);
    created.map(|(path, _)| Candidate { path, kind: T::KIND, argument: &[] })
}

fn end<T: Element>(
    drafts: &mut BTreeMap<FieldPath, Draft<T>>,
    path: &FieldPath,
    ends: impl Fn(Candidate<'_>) -> bool,
    kills: &mut BTreeSet<Dot>,
) {
    drafts.retain(|at, draft| {
        let ended = at.is_within(path) && ends(Candidate { path: at, kind: T::KIND, argument: &[] });
        if ended {
            kills.append(&mut draft.kills);
        }
        !ended
    });
}

impl Element for char {
    const KIND: Kind = Kind::Text;

    fn shown(sequence: &Sequence, graph: &Graph) -> Vec<Self> {
        sequence.text(graph).chars().collect()
    }

    fn encode(elements: Vec<Self>) -> Result<Vec<u8>, cbor::Error> {
        cbor::encode_with(&Value::Text(elements.into_iter().collect()), &cbor::Limits::DEPTH_ONLY)
    }

    fn drafts(drafts: &mut Drafts) -> &mut BTreeMap<FieldPath, Draft<Self>> {
        &mut drafts.texts
    }
}

impl Element for Value {
    const KIND: Kind = Kind::List;

    fn shown(sequence: &Sequence, graph: &Graph) -> Vec<Self> {
        sequence.list(graph)
    }

    fn encode(elements: Vec<Self>) -> Result<Vec<u8>, cbor::Error> {
        cbor::encode_with(&Self::List(elements), &cbor::Limits::DEPTH_ONLY)
    }

    fn drafts(drafts: &mut Drafts) -> &mut BTreeMap<FieldPath, Draft<Self>> {
        &mut drafts.lists
    }
}
