use std::time::Duration;

use civic_types::time::Tick;

/// A token bucket: so many in a second, and as many at once.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    per_s: u32,
    /// When it was or will be empty, reckoned back from now.
    spent: Tick,
}

impl Bucket {
    pub(super) const fn new(per_s: u32) -> Self {
        Self { per_s: if per_s == 0 { 1 } else { per_s }, spent: Tick::from_nanos(0) }
    }

    /// Takes one, if one is there.
    pub(super) fn take(&mut self, now: Tick) -> bool {
        let granted = self.next(now) <= now;
        if granted {
            self.spent = self.floor(now).saturating_add(self.token());
        }
        granted
    }

    /// When the next one is there.
    pub(super) fn next(&self, now: Tick) -> Tick {
        self.floor(now).saturating_add(self.token())
    }

    /// A full bucket was empty a second ago.
    fn floor(&self, now: Tick) -> Tick {
        let full = Tick::from_nanos(now.as_nanos().saturating_sub(SECOND_NS));
        self.spent.max(full)
    }

    fn token(&self) -> Duration {
        Duration::from_secs(1) / self.per_s
    }
}

const SECOND_NS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_grants_a_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(10);
        let at = |ms: u64| Tick::from_nanos((5_000 + ms) * 1_000_000);
        let burst = (0..100).filter(|_| bucket.take(at(0))).count();
        assert_eq!(burst, 10);
        assert!(bucket.next(at(0)) <= at(100) && bucket.next(at(0)) > at(0));
        let later = (0..1000).filter(|ms| bucket.take(at(*ms))).count();
        assert!((9..=10).contains(&later), "{later}");
    }
}
