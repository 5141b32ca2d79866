use super::{Clock, Sleep, SystemClock, Tick, Timer, Timestamp};

/// The system's clock with tokio's timer wheel; `sleep_until` must be polled inside a tokio runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTimer;

impl Clock for TokioTimer {
    fn wall(&self) -> Timestamp {
        SystemClock.wall()
    }

    fn now(&self) -> Tick {
        SystemClock.now()
    }
}

impl Timer for TokioTimer {
    fn sleep_until(&self, at: Tick) -> Sleep {
        Box::pin(async move { tokio::time::sleep(at.since(SystemClock.now())).await })
    }
}
