use civic_types::ReplicaId;

use super::{Key, Log, OrSet, Span};
use crate::clock::VersionVector;
use crate::element::Element;
use crate::merge::Crdt;

/// What an [`OrSet`] that is behind lacks: the elements of new dots, and which runs of old dots are still live.
///
/// No tombstone says what was removed, so what was not is told: a run of live dots takes a few bytes, however
/// long it is, and nothing is told of events that the receiver has not counted.
#[derive(Clone, Debug)]
pub struct OrSetDelta<T> {
    pub(super) since: VersionVector,
    pub(super) parts: Vec<Part<T>>,
}

/// The delta of one replica's log.
#[derive(Clone, Debug)]
pub(super) struct Part<T> {
    pub(super) replica: ReplicaId,
    /// Events counted by the sender, at least 1.
    pub(super) count: u64,
    /// Runs `first..=last` of live dots that the receiver has counted, ascending, a dead dot between any two.
    pub(super) kept: Vec<(u64, u64)>,
    /// Live dots that the receiver has not counted, ascending.
    pub(super) news: Vec<(Key, T)>,
}

impl<T: Element> OrSetDelta<T> {
    pub(super) fn new(set: &OrSet<T>, since: &VersionVector) -> Self {
        let part = |(replica, log): (&ReplicaId, &Log<T>)| {
            let known = since.get(replica);
            let kept = runs(log.after(0).map(|(key, _)| key.number).take_while(|number| *number <= known));
            let news = log.after(known).map(|(key, value)| (key, value.clone())).collect();
            Part { replica: *replica, count: log.count(), kept, news }
        };
        Self { since: since.clone(), parts: set.logs.iter().map(part).collect() }
    }

    pub(super) fn apply_to(&self, set: &mut OrSet<T>) -> bool {
        set.version().dominates(&self.since)
            && self.parts.iter().fold(false, |changed, part| {
                let kept =
                    part.kept.iter().map(|(first, last)| Span { first: *first, last: *last, element: None });
                let news = part.news.iter().map(|(key, value)| Span::one((*key, value)));
                set.unite(part.replica, part.count, kept.chain(news)) || changed
            })
    }
}

/// Ascending numbers as runs.
fn runs(numbers: impl Iterator<Item = u64>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}
