//! What a medium can do: [`Capabilities`].

use std::time::Duration;

/// What a medium can do. Figures are typical, not promised.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Longest envelope payload in bytes.
    pub max_message_bytes: usize,
    /// Typical bandwidth in bytes a second.
    pub bandwidth_bytes_per_s: u64,
    /// Typical one-way latency.
    pub latency: Duration,
    /// Whether large transfers may use it.
    pub streaming: bool,
    /// Whether one transmission reaches several peers.
    pub broadcast: bool,
    /// Typical range in metres; `None` for media without one.
    pub range_m: Option<u32>,
    /// What it costs a battery.
    pub power: Power,
    /// Longest frame of the medium in bytes.
    pub frame_mtu_bytes: usize,
    /// Whether accepted envelopes arrive, as long as the connection lasts.
    pub reliable: bool,
    /// Whether they arrive in order within a priority.
    pub ordered: bool,
    /// Share of an hour that the law lets it transmit, in parts per thousand; `None` without such a limit.
    pub duty_cycle_permille: Option<u16>,
    /// Most peers at once.
    pub max_peers: usize,
    /// Latency above which a message counts as lost.
    pub max_latency: Duration,
    /// Which form envelopes take.
    pub encoding: Encoding,
    /// What sort of medium it is.
    pub class: LinkClass,
}

impl Capabilities {
    /// Of a medium of connected streams, reliable and ordered, for adapters of other crates: they set what
    /// differs.
    #[must_use]
    pub const fn stream(max_message_bytes: usize, bandwidth_bytes_per_s: u64, latency: Duration) -> Self {
        Self {
            max_message_bytes,
            bandwidth_bytes_per_s,
            latency,
            streaming: true,
            broadcast: false,
            range_m: None,
            power: Power::Medium,
            frame_mtu_bytes: max_message_bytes,
            reliable: true,
            ordered: true,
            duty_cycle_permille: None,
            max_peers: usize::MAX,
            max_latency: Duration::from_secs(15),
            encoding: Encoding::Full,
            class: LinkClass::Stream,
        }
    }
}

/// What a medium costs a battery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    /// Can stay on for days.
    Low,
    /// Can stay on for a day.
    Medium,
    /// Needs care.
    High,
}

/// Which form envelopes take on a medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The small form for radios.
    Compact,
    /// The full form.
    Full,
}

/// What sort of medium it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkClass {
    /// One transmission, many listeners.
    Broadcast,
    /// Separate frames that may be lost.
    Datagram,
    /// Something carried by hand.
    File,
    /// A connected stream of bytes.
    Stream,
}
