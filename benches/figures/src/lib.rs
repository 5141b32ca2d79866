//! What every bench shares: rounds, their medians, and the line of JSON that tells them.

use std::hint::black_box;
use std::io::Write;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// Rounds of each figure. In every round each leg has its turn, so that all of them see the same machine.
pub const ROUNDS: usize = 7;

/// A result of main.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// One number a round.
#[derive(Clone, Debug, Default)]
pub struct Series(Vec<f64>);

/// The latencies of one leg: a median and a 99th percentile a round.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    /// Medians.
    pub p50: Series,
    /// 99th percentiles.
    pub p99: Series,
}

impl From<f64> for Series {
    /// A figure that is the same in every round.
    fn from(value: f64) -> Self {
        Self(vec![value])
    }
}

impl Series {
    /// Adds a round's number.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The median over the rounds.
    #[must_use]
    pub fn median(&self) -> f64 {
        percentile(&self.0, 0.5)
    }

    fn spread(&self) -> (f64, f64) {
        self.0.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), v| (min.min(*v), max.max(*v)))
    }
}

impl Latency {
    /// Adds a round's samples.
    pub fn push(&mut self, samples: &[f64]) {
        self.p50.push(percentile(samples, 0.5));
        self.p99.push(percentile(samples, 0.99));
    }
}

/// What a piece of work gives, and the processor's nanoseconds that this process spent on it: what others do on
/// the machine meanwhile does not count.
pub fn cpu<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let spent = || Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default();
    let begun = spent();
    let done = black_box(work());
    (done, spent().saturating_sub(begun).as_nanos() as f64)
}

/// Times two pieces of work side by side: [`ROUNDS`] rounds after one that is not counted, in which they take
/// turns at going first. Each gives what it measured.
pub fn rounds(mut ours: impl FnMut() -> f64, mut theirs: impl FnMut() -> f64) -> (Series, Series) {
    let (mut mine, mut other) = (Series::default(), Series::default());
    for round in 0..=ROUNDS {
        let (a, b) = if round % 2 == 0 {
            let a = ours();
            (a, theirs())
        } else {
            let b = theirs();
            (ours(), b)
        };
        if round > 0 {
            mine.push(a);
            other.push(b);
        }
    }
    (mine, other)
}

/// Refuses to go on when two sides did not do the same work.
///
/// # Errors
///
/// What was to be equal and is not.
pub fn same<T: PartialEq>(what: &str, ours: &T, theirs: &T) -> Outcome {
    if ours == theirs { Ok(()) } else { Err(format!("ours and theirs differ: {what}").into()) }
}

/// Prints a figure without a peer.
pub fn figure(id: &str, what: &str, unit: &str, value: &Series) {
    let (min, max) = value.spread();
    line(&json!({
        "id": id, "what": what, "value": round(value.median()), "unit": unit, "min": round(min),
        "max": round(max), "rounds": value.0.len(),
    }));
}

/// Prints a time or a size beside a peer's: a ratio above 1 means that ours is smaller. The spread is ours.
pub fn beside(id: &str, what: &str, unit: &str, ours: &Series, peer: &str, theirs: &Series) {
    let (min, max) = ours.spread();
    line(&json!({
        "id": id, "what": what, "peer": peer, "ours": round(ours.median()), "theirs": round(theirs.median()),
        "unit": unit, "ratio": round(theirs.median() / ours.median()), "min": round(min), "max": round(max),
        "rounds": ours.0.len(),
    }));
}

/// Prints a rate beside a peer's: a ratio above 1 means that ours is greater. The spread is ours.
pub fn above(id: &str, what: &str, unit: &str, ours: &Series, peer: &str, theirs: &Series) {
    let (min, max) = ours.spread();
    line(&json!({
        "id": id, "what": what, "peer": peer, "ours": round(ours.median()), "theirs": round(theirs.median()),
        "unit": unit, "ratio": round(ours.median() / theirs.median()), "min": round(min), "max": round(max),
        "rounds": ours.0.len(),
    }));
}

/// What else the machine had to do: where it is more than its cores, figures tell of that too.
///
/// # Errors
///
/// The system's figure cannot be read as a number.
pub fn busy() -> Outcome<Series> {
    let mut series = Series::default();
    if let Ok(text) = std::fs::read_to_string("/proc/loadavg") {
        series.push(text.split(' ').next().ok_or("load")?.parse()?);
    }
    Ok(series)
}

/// Where in the run we are, on standard error.
pub fn progress(what: &str) {
    eprintln!("{what}");
}

/// The nearest-rank percentile.
fn percentile(samples: &[f64], rank: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (rank * sorted.len() as f64).ceil() as usize;
    sorted.get(at.max(1) - 1).copied().unwrap_or(f64::NAN)
}

/// Four significant digits.
fn round(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

fn line(json: &Value) {
    let mut out = std::io::stdout().lock();
    // Who closes our output wants no more figures.
    let _gone = writeln!(out, "{json}").and_then(|()| out.flush());
}
