use std::time::Duration;

use civic_types::time::Tick;

/// A token bucket: so many in a second, and as many at once.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    per_s: u32,
    /// When it will be full again.
    full: Tick,
}

impl Bucket {
    pub(super) const fn new(per_s: u32) -> Self {
        Self { per_s: if per_s == 0 { 1 } else { per_s }, full: Tick::from_nanos(0) }
    }

    /// Takes one, if one is there.
    pub(super) fn take(&mut self, now: Tick) -> bool {
        self.take_many(now, 1)
    }

    /// Takes so many, if they are there.
    pub(super) fn take_many(&mut self, now: Tick, count: u32) -> bool {
        let full = self.after(now, count);
        let granted = full <= now.saturating_add(Duration::from_secs(1));
        if granted {
            self.full = full;
        }
        granted
    }

    /// When the next one is there.
    pub(super) fn next(&self, now: Tick) -> Tick {
        Tick::from_nanos(self.after(now, 1).as_nanos().saturating_sub(SECOND_NS))
    }

    /// When it will be full if so many are taken.
    fn after(&self, now: Tick, count: u32) -> Tick {
        let token = Duration::from_secs(1) / self.per_s;
        self.full.max(now).saturating_add(token.saturating_mul(count))
    }
}

const SECOND_NS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_grants_a_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(10);
        // It is full from the first tick on.
        let at = |ms: u64| Tick::from_nanos(ms * 1_000_000);
        let burst = (0..100).filter(|_| bucket.take(at(0))).count();
        assert_eq!(burst, 10);
        assert!(bucket.next(at(0)) <= at(100) && bucket.next(at(0)) > at(0));
        let later = (0..1000).filter(|ms| bucket.take(at(*ms))).count();
        assert!((9..=10).contains(&later), "{later}");
        let mut bytes = Bucket::new(1000);
        assert!(!bytes.take_many(at(0), 1001) && bytes.take_many(at(0), 1000));
        assert!(!bytes.take_many(at(499), 500) && bytes.take_many(at(500), 500));
    }
}
