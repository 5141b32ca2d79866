use std::fmt::{self, Debug};
use std::ops::RangeInclusive;

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;

/// What replicas do, one after the other.
#[derive(Clone, Debug)]
pub(super) struct History<C> {
    pub(super) replicas: usize,
    pub(super) steps: Vec<Step<C>>,
}

/// One step; replicas and letters are counted modulo what there is.
#[derive(Clone)]
pub(super) enum Step<C> {
    Change {
        at: usize,
        change: C,
    },
    /// Takes a delta made for itself.
    Delta {
        into: usize,
        from: usize,
    },
    /// Takes any delta that was ever sent: late, again, or one for somebody else.
    Deliver {
        into: usize,
        letter: usize,
    },
    /// Saves and loads; a byte of what was saved is spoilt for somebody else to load.
    Load {
        at: usize,
        place: usize,
        byte: u8,
    },
    Merge {
        into: usize,
        from: usize,
    },
    /// Goes on under a new replica id.
    Restart {
        at: usize,
    },
    /// Makes a delta for what `asks` has, for whoever gets it.
    Send {
        from: usize,
        asks: usize,
    },
}

impl<C: Debug> Debug for Step<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change { at, change } => write!(f, "{at}: {change:?}"),
            Self::Delta { into, from } => write!(f, "{into} ∪= delta of {from}"),
            Self::Deliver { into, letter } => write!(f, "{into} ∪= letter {letter}"),
            Self::Load { at, place, byte } => write!(f, "{at} loads, spoilt at {place} by {byte}"),
            Self::Merge { into, from } => write!(f, "{into} ∪= {from}"),
            Self::Restart { at } => write!(f, "{at} restarts"),
            Self::Send { from, asks } => write!(f, "{from} sends for {asks}"),
        }
    }
}

pub(super) fn histories<C: Clone + Debug + 'static>(changes: BoxedStrategy<C>) -> BoxedStrategy<History<C>> {
    let histories = (REPLICAS, vec(step(changes), 1..MAX_STEPS));
    histories.prop_map(|(replicas, steps)| History { replicas, steps }).boxed()
}

fn step<C: Clone + Debug>(changes: BoxedStrategy<C>) -> impl Strategy<Value = Step<C>> {
    let replica = || 0..*REPLICAS.end();
    let byte = prop_oneof![Just(0), Just(1), any::<u8>()];
    prop_oneof![
        8 => (replica(), changes).prop_map(|(at, change)| Step::Change { at, change }),
        4 => (replica(), replica()).prop_map(|(into, from)| Step::Merge { into, from }),
        4 => (replica(), replica()).prop_map(|(into, from)| Step::Delta { into, from }),
        2 => (replica(), replica()).prop_map(|(from, asks)| Step::Send { from, asks }),
        2 => (replica(), any::<usize>()).prop_map(|(into, letter)| Step::Deliver { into, letter }),
        2 => (replica(), any::<usize>(), byte).prop_map(|(at, place, byte)| Step::Load { at, place, byte }),
        1 => replica().prop_map(|at| Step::Restart { at }),
    ]
}

/// Three meet in every way; five leave two that have not heard of each other for long.
const REPLICAS: RangeInclusive<usize> = 3..=5;

/// Fewer than the bits that say which changes were seen.
const MAX_STEPS: usize = 32;
