//! Five queues by priority, bounded in bytes and weighted: [`PriorityQueues`].

use std::collections::VecDeque;
use std::fmt;

use crate::envelope::Priority;

/// What waits for one neighbour, in five classes. Each class has its own bound, so bulk cannot crowd out
/// the urgent; and each gets its share of the bytes (16:8:4:2:1 while all wait), so nothing starves.
pub struct PriorityQueues<T> {
    classes: [Class<T>; Priority::ALL.len()],
    class_bytes: usize,
}

struct Class<T> {
    queue: VecDeque<(usize, T)>,
    bytes: usize,
    /// Bytes that it may send in this round; goes below zero by at most one entry.
    credit: i64,
}

impl<T> PriorityQueues<T> {
    /// Empty; holds about `max_bytes`, a fifth of it in each class. An empty class always takes one entry,
    /// whatever its size.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        let class = || Class { queue: VecDeque::new(), bytes: 0, credit: 0 };
        Self { classes: std::array::from_fn(|_| class()), class_bytes: max_bytes / Priority::ALL.len() }
    }

    /// Queues an entry of `bytes` bytes.
    ///
    /// # Errors
    ///
    /// The entry itself when its class has no room.
    pub fn push(&mut self, priority: Priority, bytes: usize, entry: T) -> Result<(), T> {
        let class_bytes = self.class_bytes;
        let class = self.class(priority);
        if !class.queue.is_empty() && class.bytes.saturating_add(bytes) > class_bytes {
            return Err(entry);
        }
        class.bytes = class.bytes.saturating_add(bytes);
        class.queue.push_back((bytes, entry));
        Ok(())
    }

    /// The next entry: of the most urgent class that has credit left in this round.
    pub fn pop(&mut self) -> Option<T> {
        loop {
            if let Some(class) = self.classes.iter_mut().find(|c| c.credit > 0 && !c.queue.is_empty()) {
                let (bytes, entry) = class.queue.pop_front()?;
                class.bytes = class.bytes.saturating_sub(bytes);
                class.credit = class.credit.saturating_sub_unsigned(bytes.max(1) as u64);
                return Some(entry);
            }
            if self.is_empty() {
                return None;
            }
            for (class, weight) in self.classes.iter_mut().zip(WEIGHTS) {
                // Who has nothing to send saves nothing up.
                class.credit = if class.queue.is_empty() { 0 } else { class.credit + weight * QUANTUM_BYTES };
            }
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.iter().all(|class| class.queue.is_empty())
    }

    /// Bytes that wait.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.classes.iter().map(|class| class.bytes).sum()
    }

    fn class(&mut self, priority: Priority) -> &mut Class<T> {
        let [critical, high, normal, low, bulk] = &mut self.classes;
        match priority {
            Priority::Critical => critical,
            Priority::High => high,
            Priority::Normal => normal,
            Priority::Low => low,
            Priority::Bulk => bulk,
        }
    }
}

impl<T> fmt::Debug for PriorityQueues<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriorityQueues").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

const WEIGHTS: [i64; Priority::ALL.len()] = [16, 8, 4, 2, 1];
/// Bytes a round of weight 1: small enough that an urgent envelope waits for one frame, not for many.
const QUANTUM_BYTES: i64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_keeps_its_order_and_its_bound() {
        let mut queues = PriorityQueues::new(500);
        for i in 0..10 {
            queues.push(Priority::Low, 10, i).unwrap();
        }
        assert_eq!(queues.push(Priority::Low, 10, 10), Err(10));
        assert_eq!(queues.push(Priority::High, 1_000_000, 11), Ok(()));
        assert_eq!(queues.push(Priority::High, 1, 12), Err(12));
        assert_eq!(queues.pop(), Some(11));
        assert_eq!(std::iter::from_fn(|| queues.pop()).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        assert_eq!(queues.bytes(), 0);
    }

    #[test]
    fn every_class_gets_its_share_and_bulk_never_starves() {
        let mut queues = PriorityQueues::new(usize::MAX);
        let mut sent = [0_usize; 5];
        for _ in 0..100_000 {
            for priority in Priority::ALL {
                if queues.class(priority).queue.len() < 2 {
                    let bytes = if priority == Priority::Bulk { 100_000 } else { 1000 };
                    queues.push(priority, bytes, (priority, bytes)).unwrap();
                }
            }
            let (priority, bytes) = queues.pop().unwrap();
            sent[usize::from(priority.code())] += bytes;
        }
        let total: usize = sent.iter().sum();
        for (bytes, weight) in sent.into_iter().zip([16, 8, 4, 2, 1]) {
            let (share, due) = (bytes * 31 * 100 / total, weight * 100);
            assert!(share.abs_diff(due) * 10 <= due, "{share} % where {due} are due");
        }
    }
}
