//! Five queues by priority, bounded in bytes and weighted: [`PriorityQueues`].

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use civic_types::time::Tick;

use crate::envelope::Priority;

/// What waits for one neighbour, in five classes. Each class has its own bound, so bulk cannot crowd out
/// the urgent; and each gets its share of the bytes (16:8:4:2:1 while all wait), so nothing starves.
///
/// Who queues with [`push_at`](Self::push_at) and takes with [`pop_aged`](Self::pop_aged) has ageing too:
/// what has waited for [`AGE_STEP`] has its turn among the next higher class, after another step among the
/// one above, up to the high class; never among the critical. Within a priority the order is kept always.
pub struct PriorityQueues<T> {
    classes: [Class<T>; Priority::ALL.len()],
    class_bytes: usize,
}

struct Class<T> {
    queue: VecDeque<Waiting<T>>,
    bytes: usize,
    /// Bytes that it may send in this round; goes below zero by at most one entry.
    credit: i64,
}

struct Waiting<T> {
    bytes: usize,
    since: Tick,
    entry: T,
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
        self.push_at(Tick::default(), priority, bytes, entry)
    }

    /// Queues an entry of `bytes` bytes that waits since `since`.
    ///
    /// # Errors
    ///
    /// The entry itself when its class has no room.
    pub fn push_at(&mut self, since: Tick, priority: Priority, bytes: usize, entry: T) -> Result<(), T> {
        let class_bytes = self.class_bytes;
        let class = self.class(priority);
        if !class.queue.is_empty() && class.bytes.saturating_add(bytes) > class_bytes {
            return Err(entry);
        }
        self.push_beyond(since, priority, bytes, entry);
        Ok(())
    }

    /// Queues an entry whether or not its class has room, for callers with a bound of their own.
    pub fn push_beyond(&mut self, since: Tick, priority: Priority, bytes: usize, entry: T) {
        let class = self.class(priority);
        class.bytes = class.bytes.saturating_add(bytes);
        class.queue.push_back(Waiting { bytes, since, entry });
    }

    /// The next entry: of the most urgent class that has credit left in this round.
    pub fn pop(&mut self) -> Option<T> {
        self.next(None)
    }

    /// The next entry, as [`pop`](Self::pop), but what has waited long has its turn among higher classes.
    pub fn pop_aged(&mut self, now: Tick) -> Option<T> {
        self.next(Some(now))
    }

    fn next(&mut self, now: Option<Tick>) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        loop {
            let served = (0..Priority::ALL.len()).find_map(|served| {
                let credit = self.classes.get(served)?.credit;
                if credit > 0 { Some((served, self.candidate(served, now)?)) } else { None }
            });
            if let Some((served, from)) = served {
                let class = self.classes.get_mut(from)?;
                let Waiting { bytes, entry, .. } = class.queue.pop_front()?;
                class.bytes = class.bytes.saturating_sub(bytes);
                let served = self.classes.get_mut(served)?;
                served.credit = served.credit.saturating_sub_unsigned(bytes.max(1) as u64);
                return Some(entry);
            }
            for (served, weight) in WEIGHTS.into_iter().enumerate() {
                let waits = self.candidate(served, now).is_some();
                let Some(class) = self.classes.get_mut(served) else { continue };
                // Who has nothing to send saves nothing up.
                class.credit = if waits { class.credit + weight * QUANTUM_BYTES } else { 0 };
            }
        }
    }

    /// Whose first entry is due when the class is served: its own, or one below that has waited long; of
    /// several the one that has belonged to the class for the longest.
    fn candidate(&self, served: usize, now: Option<Tick>) -> Option<usize> {
        let due = self.classes.iter().enumerate().skip(served).filter_map(|(from, class)| {
            let steps = u32::try_from(from - served).ok()?;
            let member_since = class.queue.front()?.since.saturating_add(AGE_STEP * steps);
            let aged = served > 0 && now.is_some_and(|now| now >= member_since);
            (steps == 0 || aged).then_some((member_since, from))
        });
        due.min().map(|(_, from)| from)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.iter().all(|class| class.queue.is_empty())
    }

    /// How many entries wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.classes.iter().map(|class| class.queue.len()).sum()
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

/// What has waited for so long is served as the next higher class. Five seconds: long for a message, short
/// for a transfer.
pub const AGE_STEP: Duration = Duration::from_secs(5);

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

    /// Entries of `classes`, each of 4 KiB, and how many are served before the first of `bulk`.
    fn served_before_bulk(waited: Duration, classes: &[Priority]) -> usize {
        let now = Tick::default().saturating_add(Duration::from_secs(60));
        let mut queues = PriorityQueues::new(usize::MAX);
        queues.push_beyond(
            Tick::default().saturating_add(Duration::from_secs(60).saturating_sub(waited)),
            Priority::Bulk,
            4096,
            Priority::Bulk,
        );
        for class in classes {
            for _ in 0..100 {
                queues.push_beyond(now, *class, 4096, *class);
            }
        }
        std::iter::from_fn(|| queues.pop_aged(now)).take_while(|class| *class != Priority::Bulk).count()
    }

    #[test]
    fn what_has_waited_is_served_among_higher_classes_but_never_among_the_critical() {
        let busy = [Priority::High, Priority::Normal];
        let (fresh, aged) =
            (served_before_bulk(Duration::ZERO, &busy), served_before_bulk(AGE_STEP * 4, &busy));
        assert!(fresh > 5 && aged == 0, "{fresh} before a fresh one, {aged} before an aged one");
        assert!(served_before_bulk(Duration::from_secs(60), &[Priority::Critical]) > 0);
    }

    #[test]
    fn ageing_keeps_the_order_within_a_priority() {
        let at = |seconds| Tick::default().saturating_add(Duration::from_secs(seconds));
        let mut queues = PriorityQueues::new(usize::MAX);
        for n in 0..100_u64 {
            queues.push_at(at(n), Priority::Low, 1000, (Priority::Low, n)).unwrap();
            queues.push_at(at(n), Priority::High, 1000, (Priority::High, n)).unwrap();
        }
        let served: Vec<_> = (40..).map_while(|second| queues.pop_aged(at(second))).collect();
        for priority in [Priority::Low, Priority::High] {
            let numbers = served.iter().filter(|(class, _)| *class == priority).map(|(_, n)| *n);
            assert!(numbers.eq(0..100), "{served:?}");
        }
    }
}
