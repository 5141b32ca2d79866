//! Whether the other end is still there: [`Keepalive`].

use std::time::Duration;

use civic_types::time::Tick;

/// Whether the other end is still there: a pure machine, one per connection.
///
/// A ping goes out when nothing was sent or nothing was heard for an interval; whatever is heard counts as
/// a sign of life, and too long a silence is a loss, whatever TCP says.
#[derive(Clone, Debug)]
pub struct Keepalive {
    interval: Duration,
    lost_after: Duration,
    heard: Tick,
    sent: Tick,
    pinged: Tick,
}

/// What has happened on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Something came.
    Heard,
    /// Something went.
    Sent,
    /// Time has passed.
    Time,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a ping now.
    Ping,
    /// The other end is lost.
    Silent,
    /// Nothing to do before then.
    Wait(Tick),
}

impl Keepalive {
    /// A connection that was made just now.
    #[must_use]
    pub const fn new(now: Tick, interval: Duration, lost_after: Duration) -> Self {
        Self { interval, lost_after, heard: now, sent: now, pinged: now }
    }

    /// Takes what has happened and says what is to be done.
    pub fn handle(&mut self, now: Tick, input: Input) -> Output {
        match input {
            Input::Heard => self.heard = now,
            Input::Sent => self.sent = now,
            Input::Time => {}
        }
        let lost = self.heard.saturating_add(self.lost_after);
        let idle = self.heard.min(self.sent).max(self.pinged).saturating_add(self.interval);
        if now >= lost {
            Output::Silent
        } else if now >= idle {
            self.pinged = now;
            Output::Ping
        } else {
            Output::Wait(idle.min(lost))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::default().saturating_add(Duration::from_secs(seconds))
    }

    fn machine() -> Keepalive {
        Keepalive::new(at(0), Duration::from_secs(5), Duration::from_secs(15))
    }

    #[test]
    fn silence_is_probed_every_interval_and_ends_in_a_loss() {
        let mut machine = machine();
        let seen: Vec<_> = (0..=15).map(|s| machine.handle(at(s), Input::Time)).collect();
        let pings: Vec<_> = (0..=15).filter(|s| seen[*s] == Output::Ping).collect();
        assert_eq!(pings, [5, 10]);
        assert_eq!(seen[0], Output::Wait(at(5)));
        assert_eq!((seen[14], seen[15]), (Output::Wait(at(15)), Output::Silent));
    }

    #[test]
    fn whatever_is_heard_puts_the_loss_off() {
        let mut machine = machine();
        for s in 1..100 {
            machine.handle(at(s), Input::Sent);
            assert_ne!(machine.handle(at(s), Input::Heard), Output::Silent);
        }
        assert_eq!(machine.handle(at(113), Input::Sent), Output::Ping);
        assert_eq!(machine.handle(at(114), Input::Time), Output::Silent);
    }

    #[test]
    fn who_hears_much_and_says_nothing_still_gives_a_sign_of_life() {
        let mut machine = machine();
        let pings = (1..=20).filter(|s| machine.handle(at(*s), Input::Heard) == Output::Ping).count();
        assert_eq!(pings, 4);
    }
}
