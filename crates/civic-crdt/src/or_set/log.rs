/// What one replica has added and nobody has removed, ascending by number.
#[derive(Clone, Debug)]
pub(super) struct Log<T> {
    /// The replica's number in keys of the index.
    place: u32,
    /// Events of the replica that are known, adds and removes.
    count: u64,
    /// Ended ones leave a hole, until there are too many.
    entries: Vec<(u64, Option<T>)>,
    holes: usize,
}

/// Numbers `first..=last` that are live elsewhere; with their element where it may be news.
#[derive(Debug)]
pub(super) struct Span<'a, T> {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) element: Option<&'a T>,
}

impl<'a, T> Span<'a, T> {
    /// One number with its element.
    pub(super) const fn one((number, element): (u64, &'a T)) -> Self {
        Self { first: number, last: number, element: Some(element) }
    }
}

impl<T> Log<T> {
    pub(super) const fn new(place: u32) -> Self {
        Self { place, count: 0, entries: Vec::new(), holes: 0 }
    }

    /// The replica's number in keys of the index.
    pub(super) const fn place(&self) -> u32 {
        self.place
    }

    /// How many events are known.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Counts one event and gives its number.
    pub(super) const fn next(&mut self) -> u64 {
        self.count = self.count.saturating_add(1);
        self.count
    }

    /// Counts up to `count` events.
    pub(super) fn see(&mut self, count: u64) {
        self.count = self.count.max(count);
    }

    /// Appends an element whose number is greater than all others.
    pub(super) fn push(&mut self, number: u64, value: T) {
        self.entries.push((number, Some(value)));
    }

    /// The live element of a number.
    pub(super) fn get(&self, number: u64) -> Option<&T> {
        let at = self.entries.binary_search_by_key(&number, |(held, _)| *held).ok()?;
        self.entries.get(at)?.1.as_ref()
    }

    /// Ends the element of a number.
    pub(super) fn end(&mut self, number: u64) {
        let Ok(at) = self.entries.binary_search_by_key(&number, |(held, _)| *held) else { return };
        if self.entries.get_mut(at).and_then(|(_, slot)| slot.take()).is_some() {
            self.holes += 1;
            self.close_holes();
        }
    }

    /// Takes in `count` events of which `live` are live, ascending; gives what this ended.
    pub(super) fn unite<'a>(&mut self, count: u64, live: impl Iterator<Item = Span<'a, T>>) -> Vec<(u64, T)>
    where
        T: Clone + 'a,
    {
        let (mut live, mut ended) = (live.peekable(), Vec::new());
        for (number, slot) in self.entries.iter_mut().take_while(|(number, _)| *number <= count) {
            while live.next_if(|span| span.last < *number).is_some() {}
            // What is counted there and not live was removed there.
            if live.peek().is_none_or(|span| span.first > *number) {
                ended.extend(slot.take().map(|value| (*number, value)));
            }
        }
        self.holes += ended.len();
        self.close_holes();
        for Span { first, element, .. } in live {
            // What is counted here and not live was removed here.
            if let (true, Some(element)) = (first > self.count, element) {
                self.push(first, element.clone());
            }
        }
        self.see(count);
        ended
    }

    /// The live elements, ascending by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.after(0)
    }

    /// The live elements with numbers above `count`, ascending.
    pub(super) fn after(&self, count: u64) -> impl Iterator<Item = (u64, &T)> {
        let from = self.entries.partition_point(|(number, _)| *number <= count);
        let entries = self.entries.get(from..).unwrap_or_default();
        entries.iter().filter_map(|(number, slot)| Some((*number, slot.as_ref()?)))
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
