mod standing;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use civic_types::PeerId;
use civic_types::cell::{CellError, StateCell};
use civic_types::limits::END_OF_TIME_MILLIS;
use civic_types::time::{Clock, Hlc, Stamp, Timestamp};

pub use standing::{ClockStanding, Suspicion};

/// How far ahead of the wall clock a received stamp may be and still be adopted: five minutes, more than
/// a network-synchronised clock is ever wrong and less than a person notices.
pub const DEFAULT_MAX_DRIFT: Duration = Duration::from_secs(300);

/// The drift allowed in a blackout, when no time server has been reached for long: a day.
pub const CRISIS_MAX_DRIFT: Duration = Duration::from_secs(86_400);

/// How far ahead the high-water mark is reserved: one small durable write per two seconds of writing, and
/// a restart puts the clock at most that far ahead.
pub const RESERVED_AHEAD: Duration = Duration::from_secs(2);

/// Stamps local writes: later than everything issued or adopted before; after a restart still later than
/// everything issued.
///
/// One atomic holds the last tick, 48 bits of milliseconds and 16 of counter. A high-water mark above
/// every issued tick stands in the cell; a restart goes on from there. Safe to share between threads.
///
/// ```
/// # use std::sync::Arc;
/// use civic_crdt::HlcGenerator;
/// use civic_types::cell::MemoryCell;
/// use civic_types::time::{ManualClock, Timestamp};
/// use civic_types::PeerId;
///
/// let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000)));
/// let peer = PeerId::from_bytes([1; 32]);
/// let hlc = HlcGenerator::new(peer, clock, Arc::new(MemoryCell::new()), Timestamp::default())?;
/// assert!(hlc.tick()? < hlc.tick()?);
/// # Ok::<(), civic_crdt::clock::ClockError>(())
/// ```
#[derive(Debug)]
pub struct HlcGenerator {
    peer: PeerId,
    clock: Arc<dyn Clock>,
    cell: Arc<dyn StateCell>,
    floor: Timestamp,
    max_drift_millis: AtomicU64,
    /// The last tick issued or adopted, packed.
    last: AtomicU64,
    /// Ticks below this may be issued; the cell says at least as much.
    reserved: AtomicU64,
    reserving: Mutex<()>,
}

/// What the clock did with a received stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Observed {
    /// The next tick will be later than it.
    Adopted,
    /// It is more than the drift allowed ahead of the wall clock and was left alone.
    Suspect,
}

impl HlcGenerator {
    /// Goes on above the mark in `cell` and above `floor` (the build time: no honest clock is earlier).
    ///
    /// # Errors
    ///
    /// [`ClockError::Cell`] when the cell cannot be read, [`ClockError::Mark`] when it holds something else.
    pub fn new(
        peer: PeerId,
        clock: Arc<dyn Clock>,
        cell: Arc<dyn StateCell>,
        floor: Timestamp,
    ) -> Result<Self, ClockError> {
        let mark = match cell.load()? {
            Some(bytes) => u64::from_be_bytes(bytes.as_slice().try_into().map_err(|_| ClockError::Mark)?),
            None => 0,
        };
        Ok(Self::above(mark, peer, clock, cell, floor))
    }

    /// A fresh clock for a new incarnation of a replica, whatever mark stands in `cell`; the first tick replaces it.
    ///
    /// Readings may go back below those of the incarnation before, so the caller mints a new `ReplicaId` and
    /// stores it **first**: see [`ClockStanding::Ahead`], which asks for this.
    #[must_use]
    pub fn incarnate(
        peer: PeerId,
        clock: Arc<dyn Clock>,
        cell: Arc<dyn StateCell>,
        floor: Timestamp,
    ) -> Self {
        Self::above(0, peer, clock, cell, floor)
    }

    fn above(
        mark: u64,
        peer: PeerId,
        clock: Arc<dyn Clock>,
        cell: Arc<dyn StateCell>,
        floor: Timestamp,
    ) -> Self {
        let start = mark.max(pack(floor)).max(1);
        Self {
            peer,
            clock,
            cell,
            floor,
            max_drift_millis: AtomicU64::new(millis(DEFAULT_MAX_DRIFT)),
            last: AtomicU64::new(start - 1),
            // Nothing may be issued before a new mark stands in the cell.
            reserved: AtomicU64::new(0),
            reserving: Mutex::new(()),
        }
    }

    /// Sets how far ahead a stamp may be and still be adopted; [`DEFAULT_MAX_DRIFT`] if never set.
    #[must_use]
    pub fn with_max_drift(self, max_drift: Duration) -> Self {
        self.set_max_drift(max_drift);
        self
    }

    /// Sets it from now on, e.g. to [`CRISIS_MAX_DRIFT`] and back.
    pub fn set_max_drift(&self, max_drift: Duration) {
        self.max_drift_millis.store(millis(max_drift), Ordering::Relaxed);
    }

    /// How far ahead a stamp may be and still be adopted.
    #[must_use]
    pub fn max_drift(&self) -> Duration {
        Duration::from_millis(self.max_drift_millis.load(Ordering::Relaxed))
    }

    /// A reading later than every one before.
    ///
    /// Takes as long as one save of the cell about every [`RESERVED_AHEAD`], else some nanoseconds.
    ///
    /// # Errors
    ///
    /// [`ClockError::Cell`] when no mark could be reserved (nothing was issued), [`ClockError::EndOfTime`]
    /// from the year 2200 on.
    pub fn tick(&self) -> Result<Hlc, ClockError> {
        let wall = pack(self.clock.wall());
        loop {
            let last = self.last.load(Ordering::Acquire);
            let next = last.saturating_add(1).max(wall);
            if next >= END_OF_TIME {
                return Err(ClockError::EndOfTime);
            }
            if next >= self.reserved.load(Ordering::Acquire) {
                self.reserve(next)?;
            }
            if self.last.compare_exchange_weak(last, next, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return Ok(Hlc::new(Stamp::unpack(next), self.peer));
            }
        }
    }

    /// Makes the next tick later than a received stamp, unless that is too far ahead of the wall clock.
    pub fn observe(&self, stamp: Stamp) -> Observed {
        if self.is_suspect(stamp) {
            return Observed::Suspect;
        }
        self.last.fetch_max(stamp.pack(), Ordering::AcqRel);
        Observed::Adopted
    }

    /// Whether a stamp is more than the drift allowed ahead of the wall clock.
    #[must_use]
    pub fn is_suspect(&self, stamp: Stamp) -> bool {
        let latest = self.clock.wall().max(self.floor).saturating_add(self.max_drift());
        stamp.timestamp() > latest || stamp.millis >= END_OF_TIME_MILLIS
    }

    /// Whose readings these are.
    #[must_use]
    pub const fn peer(&self) -> PeerId {
        self.peer
    }

    /// The last reading issued or adopted.
    #[must_use]
    pub fn last(&self) -> Stamp {
        Stamp::unpack(self.last.load(Ordering::Acquire))
    }

    fn reserve(&self, next: u64) -> Result<(), ClockError> {
        let _guard = self.reserving.lock().unwrap_or_else(PoisonError::into_inner);
        if next < self.reserved.load(Ordering::Acquire) {
            return Ok(());
        }
        let mark = next
            .saturating_add(millis(RESERVED_AHEAD) << COUNTER_BITS)
            .max(self.reserved.load(Ordering::Acquire));
        self.cell.save(&mark.to_be_bytes())?;
        self.reserved.store(mark, Ordering::Release);
        Ok(())
    }
}

/// Why no reading could be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClockError {
    /// The cell failed.
    #[error("the clock's high-water mark could not be kept")]
    Cell(#[from] CellError),
    /// The clock says 2200 or later.
    #[error("the clock has reached the year 2200")]
    EndOfTime,
    /// The cell holds something that is no mark.
    #[error("the clock's cell does not hold a high-water mark")]
    Mark,
}

const COUNTER_BITS: u32 = 16;
const END_OF_TIME: u64 = END_OF_TIME_MILLIS << COUNTER_BITS;

fn pack(at: Timestamp) -> u64 {
    at.as_millis().min(END_OF_TIME_MILLIS) << COUNTER_BITS
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
