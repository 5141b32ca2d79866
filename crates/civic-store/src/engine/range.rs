use std::ops::Bound;

/// A range of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it starts.
    pub start: Bound<Vec<u8>>,
    /// Where it ends.
    pub end: Bound<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub const fn all() -> Self {
        Self { start: Bound::Unbounded, end: Bound::Unbounded }
    }

    /// Keys that start so.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        Self { start: Bound::Included(prefix.to_vec()), end: prefix_end(prefix) }
    }

    /// The part of this range after a key.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        let later = match &self.start {
            Bound::Unbounded => true,
            Bound::Included(start) => key >= start.as_slice(),
            Bound::Excluded(start) => key > start.as_slice(),
        };
        if later {
            self.start = Bound::Excluded(key.to_vec());
        }
        self
    }

    /// Whether no key can lie inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (
                Bound::Included(start) | Bound::Excluded(start),
                Bound::Included(end) | Bound::Excluded(end),
            ) => start >= end,
        }
    }

    /// Both ends, for ordered maps; an empty range must be caught before, since they panic on it.
    #[must_use]
    pub fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.start.as_ref().map(Vec::as_slice), self.end.as_ref().map(Vec::as_slice))
    }
}

/// The least key above all that start with `prefix`.
fn prefix_end(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_range_ends_before_the_next_prefix() {
        assert_eq!(KeyRange::prefix(b"ab").end, Bound::Excluded(b"ac".to_vec()));
        assert_eq!(KeyRange::prefix(&[1, 255]).end, Bound::Excluded(vec![2]));
        assert_eq!(KeyRange::prefix(&[255, 255]).end, Bound::Unbounded);
        assert_eq!(KeyRange::prefix(b""), KeyRange { start: Bound::Included(vec![]), end: Bound::Unbounded });
    }

    #[test]
    fn after_never_widens_a_range() {
        let range = KeyRange::prefix(b"m").after(b"a");
        assert_eq!(range.start, Bound::Included(b"m".to_vec()));
        assert!(KeyRange::prefix(b"m").after(b"n").is_empty());
        assert!(!KeyRange::prefix(b"m").after(b"mz").is_empty());
    }
}
