use civic_types::{FieldOp, Value};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::operation::{RawOperation, change, plain, raw};

/// What devices do with one document, and how what they write is delivered.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(super) steps: Vec<Step>,
    pub(super) delivery: Delivery,
}

/// How versions reach who is checked.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// Whether adds win over deletes.
    pub(super) add_wins: bool,
    /// What two orders of arrival are made from.
    pub(super) orders: [u64; 2],
    /// Which bodies come late, by bit.
    pub(super) late: u64,
    /// Versions whose past is read.
    pub(super) past: Vec<usize>,
}

/// One step; devices and versions are counted modulo what there is.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A device's wall clock is set.
    Clock { device: usize, millis: u64 },
    /// A device's key and store are copied: from here on two write as one replica.
    Fork { device: usize },
    /// A device changes the document as it was at some versions, on a branch of its own under a new replica.
    Branch { device: usize, heads: Vec<usize>, changes: Vec<FieldOp> },
    /// A device takes everything that another one holds, or all devices.
    Pull { device: usize, from: Option<usize> },
    /// A device changes what it sees, or what was seen at some versions.
    Patch { device: usize, base: Option<Vec<usize>>, changes: Vec<FieldOp> },
    /// A device puts a whole value, or deletes.
    Put { device: usize, value: Option<Value> },
    /// A device writes whatever it likes behind whatever parents it likes.
    Raw { device: usize, parents: Vec<usize>, operations: Vec<RawOperation>, spoil: Spoil },
    /// A device goes on under a new replica id.
    Restart { device: usize },
    /// A device goes back to what was shown at some versions.
    Rollback { device: usize, to: Vec<usize> },
}

/// What is wrong with a hostile version besides its operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoil {
    /// One byte behind the body.
    Body,
    /// The header says another number of operations.
    Count,
    /// The first dot does not follow: never admitted.
    Dot,
    Nothing,
    /// The time is not after the replica's last: never admitted, if there is one.
    Time,
    /// Nobody can read the body.
    Unreadable,
}

pub(super) fn traces() -> BoxedStrategy<Trace> {
    let traces = (vec(step(), 1..MAX_STEPS), delivery());
    traces.prop_map(|(steps, delivery)| Trace { steps, delivery }).boxed()
}

/// The trace that some bytes choose, for fuzzing: the first eight how it is delivered, and every eight more a
/// step, so that a part of the bytes is a part of the trace.
#[must_use]
pub fn trace_of(bytes: &[u8]) -> Option<Trace> {
    let mut words = bytes.chunks_exact(WORD_BYTES);
    let delivery = chosen(words.next()?, &delivery())?;
    let step = step().boxed();
    let steps = words.take(MAX_STEPS).filter_map(|word| chosen(word, &step)).collect();
    Some(Trace { steps, delivery })
}

/// The value that a word chooses.
fn chosen<S: Strategy>(word: &[u8], values: &S) -> Option<S::Value> {
    let seed: Vec<u8> = word.iter().copied().cycle().take(32).collect();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    Some(values.new_tree(&mut runner).ok()?.current())
}

fn delivery() -> impl Strategy<Value = Delivery> {
    (any::<bool>(), any::<[u64; 2]>(), any::<u64>(), vec(any::<usize>(), 0..3))
        .prop_map(|(add_wins, orders, late, past)| Delivery { add_wins, orders, late, past })
}

fn step() -> impl Strategy<Value = Step> {
    let device = || 0..6_usize;
    let versions = || vec(any::<usize>(), 0..3);
    let changes = || vec(change(), 1..4);
    let spoil = prop_oneof![
        10 => Just(Spoil::Nothing),
        1 => Just(Spoil::Body),
        1 => Just(Spoil::Count),
        1 => Just(Spoil::Dot),
        1 => Just(Spoil::Time),
        1 => Just(Spoil::Unreadable),
    ];
    prop_oneof![
        8 => (device(), option::weighted(0.2, versions()), changes())
            .prop_map(|(device, base, changes)| Step::Patch { device, base, changes }),
        6 => (device(), vec(any::<usize>(), 0..4), vec(raw(), 1..5), spoil)
            .prop_map(|(device, parents, operations, spoil)| Step::Raw { device, parents, operations, spoil }),
        6 => (device(), option::weighted(0.8, device())).prop_map(|(device, from)| Step::Pull { device, from }),
        2 => (device(), option::of(plain())).prop_map(|(device, value)| Step::Put { device, value }),
        1 => (device(), versions(), changes())
            .prop_map(|(device, heads, changes)| Step::Branch { device, heads, changes }),
        1 => (device(), versions()).prop_map(|(device, to)| Step::Rollback { device, to }),
        1 => (device(), 0..40_u64).prop_map(|(device, millis)| Step::Clock { device, millis }),
        1 => device().prop_map(|device| Step::Fork { device }),
        1 => device().prop_map(|device| Step::Restart { device }),
    ]
}

/// Long enough for some rounds of writing apart and meeting.
const MAX_STEPS: usize = 32;

/// Bytes that choose one step.
const WORD_BYTES: usize = 8;
