use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{Clock, Sleep, Tick, Timer, Timestamp};

/// A clock that moves only when told to; clones share it.
///
/// ```
/// use std::time::Duration;
/// use civic_types::time::{Clock, ManualClock, Timestamp};
///
/// let clock = ManualClock::new(Timestamp::from_millis(1_000));
/// clock.advance(Duration::from_secs(2));
/// assert_eq!(clock.wall(), Timestamp::from_millis(3_000));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    wall: Timestamp,
    now: Tick,
    next_alarm: u64,
    alarms: BTreeMap<(Tick, u64), Waker>,
}

impl ManualClock {
    /// A clock whose wall time is `wall` and whose ticks start at zero.
    #[must_use]
    pub fn new(wall: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(State { wall, ..State::default() })))
    }

    /// Moves both clocks on and wakes whoever waited for a time that has come.
    pub fn advance(&self, by: Duration) {
        let due = self.with(|state| {
            state.wall = state.wall.saturating_add(by);
            state.now = state.now.saturating_add(by);
            let later = state.alarms.split_off(&(state.now, u64::MAX));
            std::mem::replace(&mut state.alarms, later)
        });
        due.into_values().for_each(Waker::wake);
    }

    /// Sets the wall clock alone, as a user or an NTP server would.
    pub fn set_wall(&self, wall: Timestamp) {
        self.with(|state| state.wall = wall);
    }

    /// The earliest time that somebody sleeps until.
    #[must_use]
    pub fn next_alarm(&self) -> Option<Tick> {
        self.with(|state| state.alarms.first_key_value().map(|((at, _), _)| *at))
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        self.with(|state| state.wall)
    }

    fn now(&self) -> Tick {
        self.with(|state| state.now)
    }
}

impl Timer for ManualClock {
    fn sleep_until(&self, at: Tick) -> Sleep {
        let id = self.with(|state| {
            state.next_alarm += 1;
            state.next_alarm
        });
        Box::pin(Alarm { clock: self.clone(), key: (at, id) })
    }
}

struct Alarm {
    clock: ManualClock,
    key: (Tick, u64),
}

impl Future for Alarm {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.clock.with(|state| {
            if self.key.0 <= state.now {
                return Poll::Ready(());
            }
            state.alarms.insert(self.key, context.waker().clone());
            Poll::Pending
        })
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.clock.with(|state| state.alarms.remove(&self.key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleepers_wake_when_their_time_has_come_and_dropped_ones_are_forgotten() {
        let clock = ManualClock::new(Timestamp::from_millis(0));
        let mut context = Context::from_waker(Waker::noop());
        let mut sleep = clock.sleep_until(Tick::from_nanos(5));
        assert!(sleep.as_mut().poll(&mut context).is_pending());
        assert_eq!(clock.next_alarm(), Some(Tick::from_nanos(5)));
        clock.advance(Duration::from_nanos(5));
        assert!(sleep.as_mut().poll(&mut context).is_ready());
        let mut other = clock.sleep_until(Tick::from_nanos(9));
        assert!(other.as_mut().poll(&mut context).is_pending());
        drop(other);
        assert_eq!(clock.next_alarm(), None);
    }
}
