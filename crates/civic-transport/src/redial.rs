//! When to dial an address again: [`Redial`].

use std::time::Duration;

use civic_types::time::Tick;

/// When to dial an address again: a pure machine, one per address.
///
/// Full jitter: the n-th failure in a row waits a time drawn evenly below `unit · 2ⁿ`, at most the cap. A
/// connection that lasts as long as the cap's tenth counts as a success; a shorter one as a failure, so a
/// peer that accepts and closes at once is not dialled in a tight loop.
#[derive(Clone, Debug)]
pub struct Redial {
    unit: Duration,
    cap: Duration,
    failures: u32,
    connected: Option<Tick>,
}

/// What has happened at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Somebody answered.
    Connected,
    /// Nobody did; with 64 random bits.
    Failed(u64),
    /// The connection is gone; with 64 random bits.
    Lost(u64),
}

impl Redial {
    /// Nothing has failed yet.
    #[must_use]
    pub const fn new(unit: Duration, cap: Duration) -> Self {
        Self { unit, cap, failures: 0, connected: None }
    }

    /// Takes what has happened and says when to dial next; `None` while connected.
    pub fn handle(&mut self, now: Tick, input: Input) -> Option<Tick> {
        let random = match input {
            Input::Connected => {
                self.connected = Some(now);
                return None;
            }
            Input::Failed(random) => random,
            Input::Lost(random) => {
                if self.connected.take().is_some_and(|since| now.since(since) >= self.cap / STABLE_PART) {
                    self.failures = 0;
                }
                random
            }
        };
        let bound = self.unit.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        let nanos = bound.as_nanos().saturating_mul(random.into()) >> u64::BITS;
        Some(now.saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))))
    }
}

/// A connection is stable after the cap's tenth: 30 s by default.
const STABLE_PART: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Duration = Duration::from_secs(1);
    const CAP: Duration = Duration::from_secs(300);

    fn at(seconds: u64) -> Tick {
        Tick::default().saturating_add(Duration::from_secs(seconds))
    }

    #[test]
    fn delays_double_up_to_the_cap_and_are_drawn_evenly_below_it() {
        let mut redial = Redial::new(UNIT, CAP);
        let longest: Vec<_> = (0..12)
            .map(|_| redial.handle(at(0), Input::Failed(u64::MAX)).unwrap().since(at(0)).as_secs())
            .collect();
        assert_eq!(longest, [0, 1, 3, 7, 15, 31, 63, 127, 255, 299, 299, 299]);
        assert_eq!(redial.handle(at(0), Input::Failed(0)), Some(at(0)));
        assert_eq!(redial.handle(at(0), Input::Failed(1 << 63)), Some(at(150)));
    }

    #[test]
    fn only_a_connection_that_lasted_forgets_the_failures() {
        let mut redial = Redial::new(UNIT, CAP);
        for _ in 0..5 {
            redial.handle(at(0), Input::Failed(0));
        }
        assert_eq!(redial.handle(at(0), Input::Connected), None);
        let soon = redial.handle(at(1), Input::Lost(u64::MAX)).unwrap();
        assert!(soon > at(31), "{soon:?}");
        redial.handle(at(100), Input::Connected);
        let later = redial.handle(at(130), Input::Lost(u64::MAX)).unwrap();
        assert!(later <= at(131), "{later:?}");
    }
}
