use super::Key;

/// What one replica has added and nobody has removed, ascending by number.
#[derive(Clone, Debug)]
pub(super) struct Log<T> {
    /// The replica's number in keys of the index.
    place: u32,
    /// Events of the replica that are known, adds and removes.
    count: u64,
    /// Ended ones leave a hole, until there are too many.
    entries: Vec<(Key, Option<T>)>,
    holes: usize,
}

/// Numbers `first..=last` that are live elsewhere; with their element where it may be news.
#[derive(Debug)]
pub(super) struct Span<'a, T> {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) element: Option<(Key, &'a T)>,
}

impl<'a, T> Span<'a, T> {
    /// One number with its element.
    pub(super) const fn one((key, element): (Key, &'a T)) -> Self {
        Self { first: key.number, last: key.number, element: Some((key, element)) }
    }
}

impl<T> Log<T> {
    pub(super) const fn new(place: u32) -> Self {
        Self { place, count: 0, entries: Vec::new(), holes: 0 }
    }

    /// How many events are known.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Counts one event.
    pub(super) const fn burn(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// Counts one event, which adds an element.
    pub(super) fn add(&mut self, fingerprint: u32, element: T) -> Key {
        self.burn();
        self.push(Key { fingerprint, place: self.place, number: self.count }, element)
    }

    /// Counts up to `count` events.
    pub(super) fn see(&mut self, count: u64) {
        self.count = self.count.max(count);
    }

    /// Appends an element whose number is greater than all others; its place becomes that of this log.
    pub(super) fn push(&mut self, key: Key, element: T) -> Key {
        let key = Key { place: self.place, ..key };
        self.entries.push((key, Some(element)));
        key
    }

    /// The live element of a number.
    pub(super) fn get(&self, number: u64) -> Option<&T> {
        let at = self.entries.binary_search_by_key(&number, |(key, _)| key.number).ok()?;
        self.entries.get(at)?.1.as_ref()
    }

    /// Ends the element of a number.
    pub(super) fn end(&mut self, number: u64) {
        let Ok(at) = self.entries.binary_search_by_key(&number, |(key, _)| key.number) else { return };
        if self.entries.get_mut(at).and_then(|(_, slot)| slot.take()).is_some() {
            self.holes += 1;
            self.close_holes();
        }
    }

    /// Takes in `count` events of which `live` are live, ascending; gives the keys that this ended.
    pub(super) fn unite<'a>(&mut self, count: u64, live: impl Iterator<Item = Span<'a, T>>) -> Vec<Key>
    where
        T: Clone + 'a,
    {
        let (mut live, mut ended) = (live.peekable(), Vec::new());
        for (key, slot) in self.entries.iter_mut().take_while(|(key, _)| key.number <= count) {
            while live.next_if(|span| span.last < key.number).is_some() {}
            // What is counted there and not live was removed there.
            if live.peek().is_none_or(|span| span.first > key.number) && slot.take().is_some() {
                ended.push(*key);
            }
        }
        self.holes += ended.len();
        self.close_holes();
        for span in live {
            // What is counted here and not live was removed here.
            if let (true, Some((key, element))) = (span.first > self.count, span.element) {
                self.push(key, element.clone());
            }
        }
        self.see(count);
        ended
    }

    /// The live elements with numbers above `count`, ascending.
    pub(super) fn after(&self, count: u64) -> impl Iterator<Item = (Key, &T)> {
        let from = self.entries.partition_point(|(key, _)| key.number <= count);
        let entries = self.entries.get(from..).unwrap_or_default();
        entries.iter().filter_map(|(key, slot)| Some((*key, slot.as_ref()?)))
    }

    /// Number of live elements.
    pub(super) const fn len(&self) -> usize {
        self.entries.len() - self.holes
    }

    /// Drops the holes once they are a quarter, so that they cost a constant share of space and time.
    fn close_holes(&mut self) {
        if self.holes > self.entries.len() / 4 {
            self.entries.retain(|(_, slot)| slot.is_some());
            self.entries.shrink_to(self.entries.len() + self.entries.len() / 4);
            self.holes = 0;
        }
    }
}
