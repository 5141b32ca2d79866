//! Texts and lists: edits of drafts, and the operations that drafts become.

use std::collections::BTreeSet;

use bytes::Bytes;
use civic_types::FieldPath;

use super::PlanError;
use super::builder::Builder;
use super::diff::{self, Edit};
use super::draft::{Draft, Element, Gap, Removed};
use crate::clock::Dot;
use crate::document::fold::{Deletion, InsertNumber, Insertion, NULL, Sequence, Side};
use crate::version::Code;

impl Builder<'_> {
    /// Removes and inserts elements.
    pub(super) fn splice<T: Element>(
        &mut self,
        path: &FieldPath,
        index: usize,
        remove: usize,
        insert: Vec<T>,
    ) -> Result<(), PlanError> {
        self.expect(path, T::KIND)?;
        let mut draft = self.take_draft::<T>(path);
        let length = draft.len();
        match index.checked_add(remove) {
            Some(end) if end <= length => draft.splice(index, remove, insert),
            end => {
                let index = end.filter(|_| index <= length).unwrap_or(index);
                return Err(PlanError::Index { path: path.clone(), index, length });
            }
        }
        T::drafts(&mut self.drafts).insert(path.clone(), draft);
        Ok(())
    }

    /// Makes a sequence that is shown equal to `wanted`, in few edits.
    pub(super) fn put_elements<T: Element>(
        &mut self,
        path: &FieldPath,
        wanted: &[T],
    ) -> Result<(), PlanError> {
        let seen = self.seen.fields.sequence(path, T::KIND);
        let graph = &self.seen.document.graph;
        // What this plan edits itself is not compared: whole values seldom follow edits of them.
        let edited = T::drafts(&mut self.drafts).get(path).map(Draft::len);
        let held = match edited {
            Some(length) => return self.splice(path, 0, length, wanted.to_vec()),
            None => seen.map(|sequence| T::shown(sequence, graph)).unwrap_or_default(),
        };
        // From behind, so that no edit moves the place of another.
        for Edit { at, remove, insert } in diff::edits(&held, wanted).into_iter().rev() {
            self.splice(path, at, remove, wanted.get(insert).unwrap_or_default().to_vec())?;
        }
        Ok(())
    }

    /// Turns the drafts into operations.
    pub(super) fn close_drafts(&mut self) -> Result<(), PlanError> {
        let drafts = std::mem::take(&mut self.drafts);
        drafts.texts.into_iter().try_for_each(|(path, draft)| self.close(&path, draft))?;
        drafts.lists.into_iter().try_for_each(|(path, draft)| self.close(&path, draft))
    }

    /// The draft of a path, or one of what was seen there.
    fn take_draft<T: Element>(&mut self, path: &FieldPath) -> Draft<T> {
        if let Some(draft) = T::drafts(&mut self.drafts).remove(path) {
            return draft;
        }
        let kills = self.end(path, |c| c.path == path && c.kind != T::KIND);
        let ended = self.ended_sequences.contains(&(path.clone(), T::KIND));
        let seen = self.seen.fields.sequence(path, T::KIND);
        Draft::new(seen, &self.seen.document.graph, ended, kills)
    }

    /// Writes a create where nothing was shown, an insert for each gap and one delete. The kills go with
    /// the first of them.
    fn close<T: Element>(&mut self, path: &FieldPath, mut draft: Draft<T>) -> Result<(), PlanError> {
        let nothing = Sequence::default();
        let sequence = self.seen.fields.sequence(path, T::KIND).unwrap_or(&nothing);
        let Removed { whole, ranges } = draft.removed();
        let dot = |insert: InsertNumber| self.dot(sequence.placed(insert)?.0);
        let mut kills = std::mem::take(&mut draft.kills);
        kills.extend(whole.into_iter().filter_map(dot));
        let ranges = ranges.into_iter().filter_map(|(insert, ranges)| Some((dot(insert)?, ranges)));
        let ranges: Vec<Deletion> = ranges.flat_map(|(insert, ranges)| deletions(insert, ranges)).collect();
        let gaps = draft.gaps();
        let nested = |gap: &Gap<T>| gap.left.filter(|_| gap.right.is_some());
        let nested = right_parents(sequence, gaps.iter().filter_map(nested).collect());
        let mut inserts = Vec::with_capacity(gaps.len());
        for gap in gaps {
            let (anchor, side) = self.anchor(sequence, &gap, &nested);
            let content = T::encode(gap.elements).map_err(|_| PlanError::TooDeep { path: path.clone() })?;
            let insertion = Insertion { anchor, side, length: 0, content: content.into() };
            inserts.push(insertion.write(None));
        }
        let mut operations = Vec::new();
        if draft.create {
            operations.push((Code::Create, Bytes::from_static(NULL)));
        }
        operations.extend(inserts.into_iter().map(|argument| (Code::Put, argument)));
        if !ranges.is_empty() {
            operations.push((Code::Delete, Deletion::write_all(&ranges, None)));
        }
        if operations.is_empty() && !kills.is_empty() {
            operations.push((Code::Kill, Bytes::from_static(NULL)));
        }
        for (code, argument) in operations {
            self.push(path, T::KIND, code, argument, std::mem::take(&mut kills))?;
        }
        Ok(())
    }

    /// Where new elements hang, by Fugue's rule: right of what stands before them, or left of what stands
    /// behind them if something hangs on the right already.
    fn anchor<T>(
        &self,
        sequence: &Sequence,
        gap: &Gap<T>,
        nested: &BTreeSet<(InsertNumber, u32)>,
    ) -> (Option<(Dot, u64)>, Side) {
        let left = |it| (it, Side::Left);
        let right = |it| (it, Side::Right);
        let hangs = match gap.left {
            Some(element) => nested.contains(&element),
            None => gap.right.is_some(),
        };
        let (before, behind) = (gap.left.map(right), gap.right.map(left));
        let wanted = if hangs { [behind, before] } else { [before, behind] };
        // An element of a fork may have no name of its own; then the nearest one that has must do.
        let named = |((insert, offset), side)| {
            let dot = self.dot(sequence.placed(insert)?.0)?;
            let is_meant = sequence.is_meant(&self.seen.document.graph, insert, offset);
            is_meant.then_some((Some((dot, u64::from(offset))), side))
        };
        wanted.into_iter().flatten().find_map(named).unwrap_or((None, Side::Right))
    }
}

/// Those of some elements that have a right child.
fn right_parents(
    sequence: &Sequence,
    mut elements: BTreeSet<(InsertNumber, u32)>,
) -> BTreeSet<(InsertNumber, u32)> {
    if elements.is_empty() {
        return elements;
    }
    let anchors = sequence.anchors().flatten().filter(|anchor| anchor.side == Side::Right);
    let parents: BTreeSet<(InsertNumber, u32)> = anchors
        .map(|anchor| (anchor.insert, anchor.offset))
        .filter(|element| elements.contains(element))
        .collect();
    elements.retain(|element| {
        let is_last = sequence.placed(element.0).is_some_and(|(_, length)| element.1 + 1 == length);
        !is_last || parents.contains(element)
    });
    elements
}

fn deletions(insert: Dot, ranges: Vec<(u32, u32)>) -> impl Iterator<Item = Deletion> {
    let deletion = move |(from, to)| Deletion { insert, from: u64::from(from), to: u64::from(to) };
    ranges.into_iter().map(deletion)
}
