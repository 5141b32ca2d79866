use std::fmt::{self, Debug};

use super::Kinds;
use crate::envelope::{Envelope, Priority};
use crate::peer::TransportKind;

/// Decides which media carry an envelope, in which order: a pure function of what is to be sent and of what
/// could carry it.
pub trait RoutePolicy: Debug + Send + Sync + 'static {
    /// The media of `available` that may carry it, the best first; an empty route refuses.
    fn route(&self, request: &RouteRequest, available: Kinds) -> Route;
}

/// What is to be sent, as far as routing cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteRequest {
    /// Its urgency.
    pub priority: Priority,
    /// Bytes of its payload.
    pub payload_bytes: usize,
    /// Bytes that it takes in the small form of radio links.
    pub air_bytes: usize,
}

impl RouteRequest {
    /// Of an envelope: the compact form of a signed one, the session frame of a local one.
    #[must_use]
    pub fn of(envelope: &Envelope) -> Self {
        let payload_bytes = envelope.payload().len();
        let around = match envelope {
            Envelope::Local(_) => LOCAL_AIR_BYTES,
            Envelope::Signed(signed) if signed.fields().recipient.is_some() => UNICAST_AIR_BYTES,
            Envelope::Signed(_) => BROADCAST_AIR_BYTES,
        };
        let air_bytes = payload_bytes.saturating_add(around);
        Self { priority: envelope.priority(), payload_bytes, air_bytes }
    }
}

/// Media in the order in which they are tried, and how.
#[derive(Clone, Copy)]
pub struct Route {
    kinds: [TransportKind; MAX_ROUTE],
    len: u8,
    mode: RouteMode,
}

/// How the media of a route are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteMode {
    /// Over every one of them, at once; the receiver drops the copies.
    AllAtOnce,
    /// Over the first; over the next when one fails.
    OneByOne,
}

impl Route {
    /// A route without media.
    #[must_use]
    pub const fn new(mode: RouteMode) -> Self {
        Self { kinds: [TransportKind::Multi; MAX_ROUTE], len: 0, mode }
    }

    /// Adds a medium at the end. One too many is left out, of which there are none without repetition.
    pub const fn push(&mut self, kind: TransportKind) {
        if (self.len as usize) < MAX_ROUTE {
            self.kinds[self.len as usize] = kind;
            self.len += 1;
        }
    }

    /// The media, in order.
    #[must_use]
    pub fn kinds(&self) -> &[TransportKind] {
        self.kinds.get(..self.len.into()).unwrap_or_default()
    }

    /// How they are used.
    #[must_use]
    pub const fn mode(&self) -> RouteMode {
        self.mode
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.kinds() == other.kinds() && self.mode == other.mode
    }
}

impl Eq for Route {}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("kinds", &self.kinds()).field("mode", &self.mode).finish()
    }
}

/// Whether urgent and small envelopes go over all links at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MultiPath {
    /// They do.
    #[default]
    Allowed,
    /// They go over one link after the other, LoRa first.
    Forbidden,
}

/// The house's policy, total over priorities, sizes and media. Sizes are those of the payload.
///
/// | what | over |
/// |---|---|
/// | bulk, any size | internet, wired, Wi-Fi Direct |
/// | critical, below 256 B or at most 450 B on air | LoRa, BLE, Wi-Fi Direct, wired, internet: all at once |
/// | high and normal, below 256 B | BLE, Wi-Fi Direct, wired, internet, LoRa |
/// | low, below 256 B | BLE, Wi-Fi Direct, wired, internet |
/// | up to 64 KiB | Wi-Fi Direct, BLE, wired, internet |
/// | up to 1 MiB | Wi-Fi Direct, wired, internet |
/// | more | wired, Wi-Fi Direct, internet |
///
/// The first row that fits decides. Memory stands beside LAN as wired; files and joined links carry nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Table {
    multi_path: MultiPath,
}

impl Table {
    /// The table, with or without several paths at once.
    #[must_use]
    pub const fn new(multi_path: MultiPath) -> Self {
        Self { multi_path }
    }

    const fn row(self, request: &RouteRequest) -> usize {
        let urgent = matches!(request.priority, Priority::Critical)
            && (request.payload_bytes < SMALL_BYTES || request.air_bytes <= URGENT_AIR_BYTES);
        match (request.priority, request.payload_bytes, self.multi_path) {
            (Priority::Bulk, ..) => 0,
            (_, _, MultiPath::Allowed) if urgent => 1,
            (_, _, MultiPath::Forbidden) if urgent => 2,
            (Priority::Low, ..SMALL_BYTES, _) => 3,
            (_, ..SMALL_BYTES, _) => 4,
            (_, ..=MEDIUM_BYTES, _) => 5,
            (_, ..=LARGE_BYTES, _) => 6,
            _ => 7,
        }
    }
}

impl RoutePolicy for Table {
    fn route(&self, request: &RouteRequest, available: Kinds) -> Route {
        let routes = ROUTES.get(self.row(request));
        let route = routes.and_then(|routes| routes.get(usize::from(available.routed_set())));
        // Every row and every set has a route.
        route.copied().unwrap_or(Route::new(RouteMode::OneByOne))
    }
}

/// The routes of every row to every set of media.
static ROUTES: [[Route; Kinds::ROUTED_SETS]; 8] = [
    routes(BULK, RouteMode::OneByOne),
    routes(URGENT, RouteMode::AllAtOnce),
    routes(URGENT, RouteMode::OneByOne),
    routes(SMALL_LOW, RouteMode::OneByOne),
    routes(SMALL, RouteMode::OneByOne),
    routes(MEDIUM, RouteMode::OneByOne),
    routes(LARGE, RouteMode::OneByOne),
    routes(HUGE, RouteMode::OneByOne),
];

const fn routes(order: &[TransportKind], mode: RouteMode) -> [Route; Kinds::ROUTED_SETS] {
    let mut routes = [Route::new(mode); Kinds::ROUTED_SETS];
    let mut number = 0_u8;
    while (number as usize) < Kinds::ROUTED_SETS {
        let (available, mut at) = (Kinds::of_routed_set(number), 0);
        while at < order.len() {
            if available.contains(order[at]) {
                routes[number as usize].push(order[at]);
            }
            at += 1;
        }
        number += 1;
    }
    routes
}

const URGENT: &[TransportKind] = &[
    TransportKind::Lora,
    TransportKind::Ble,
    TransportKind::WifiDirect,
    TransportKind::Lan,
    TransportKind::Memory,
    TransportKind::Internet,
];
const SMALL: &[TransportKind] = &[
    TransportKind::Ble,
    TransportKind::WifiDirect,
    TransportKind::Lan,
    TransportKind::Memory,
    TransportKind::Internet,
    TransportKind::Lora,
];
const SMALL_LOW: &[TransportKind] = &[
    TransportKind::Ble,
    TransportKind::WifiDirect,
    TransportKind::Lan,
    TransportKind::Memory,
    TransportKind::Internet,
];
const MEDIUM: &[TransportKind] = &[
    TransportKind::WifiDirect,
    TransportKind::Ble,
    TransportKind::Lan,
    TransportKind::Memory,
    TransportKind::Internet,
];
const LARGE: &[TransportKind] =
    &[TransportKind::WifiDirect, TransportKind::Lan, TransportKind::Memory, TransportKind::Internet];
const HUGE: &[TransportKind] =
    &[TransportKind::Lan, TransportKind::Memory, TransportKind::WifiDirect, TransportKind::Internet];
const BULK: &[TransportKind] =
    &[TransportKind::Internet, TransportKind::Lan, TransportKind::Memory, TransportKind::WifiDirect];

/// Below this a payload is small: a notification or a position, which a radio frame carries.
const SMALL_BYTES: usize = 256;
/// Up to this a payload is medium: a minute of BLE at worst.
const MEDIUM_BYTES: usize = 64 * 1024;
/// Up to this a payload is large; envelopes end here, and so it is for whatever larger units may come.
const LARGE_BYTES: usize = 1024 * 1024;
/// An urgent envelope of up to two LoRa frames goes out over every medium.
const URGENT_AIR_BYTES: usize = 450;
/// Around a local payload on air: a session frame of 25 bytes, the type and the priority.
const LOCAL_AIR_BYTES: usize = 27;
/// Around a signed payload for everybody, in the compact form.
const BROADCAST_AIR_BYTES: usize = 83;
/// Around a signed payload with a recipient, in the compact form.
const UNICAST_AIR_BYTES: usize = 91;
/// Most media of a route: each of them once.
const MAX_ROUTE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::TransportKind::{Ble, File, Internet, Lan, Lora, Memory, Multi, WifiDirect};

    fn request(priority: Priority, payload_bytes: usize) -> RouteRequest {
        RouteRequest { priority, payload_bytes, air_bytes: payload_bytes + BROADCAST_AIR_BYTES }
    }

    fn route(priority: Priority, payload_bytes: usize) -> Route {
        Table::default().route(&request(priority, payload_bytes), Kinds::ALL)
    }

    #[test]
    fn urgency_and_size_choose_the_row() {
        let urgent = route(Priority::Critical, 255);
        assert_eq!(urgent.kinds(), [Lora, Ble, WifiDirect, Lan, Memory, Internet]);
        assert_eq!(urgent.mode(), RouteMode::AllAtOnce);
        assert_eq!(route(Priority::Normal, 255).kinds(), [Ble, WifiDirect, Lan, Memory, Internet, Lora]);
        assert_eq!(route(Priority::Low, 255).kinds(), [Ble, WifiDirect, Lan, Memory, Internet]);
        assert_eq!(route(Priority::High, 256).kinds(), [WifiDirect, Ble, Lan, Memory, Internet]);
        assert_eq!(route(Priority::Low, 65_536), route(Priority::High, 256));
        assert_eq!(route(Priority::Critical, 65_537).kinds(), [WifiDirect, Lan, Memory, Internet]);
        assert_eq!(route(Priority::High, 1_048_577).kinds(), [Lan, Memory, WifiDirect, Internet]);
        assert_eq!(route(Priority::Bulk, 0).kinds(), [Internet, Lan, Memory, WifiDirect]);
    }

    #[test]
    fn several_paths_end_with_the_second_radio_frame_or_where_they_are_forbidden() {
        assert_eq!(route(Priority::Critical, 450 - BROADCAST_AIR_BYTES).mode(), RouteMode::AllAtOnce);
        assert_eq!(route(Priority::Critical, 451 - BROADCAST_AIR_BYTES).mode(), RouteMode::OneByOne);
        let small = request(Priority::Critical, 10);
        let serial = Table::new(MultiPath::Forbidden).route(&small, Kinds::of(&[Internet, Lora]));
        assert_eq!((serial.kinds(), serial.mode()), ([Lora, Internet].as_slice(), RouteMode::OneByOne));
    }

    #[test]
    fn what_is_not_there_is_left_out_and_files_and_joined_links_carry_nothing() {
        let kinds = Kinds::of(&[File, Multi, Internet, Lora]);
        let table = Table::default();
        assert_eq!(table.route(&request(Priority::Normal, 1), kinds).kinds(), [Internet, Lora]);
        for priority in Priority::ALL {
            assert!(table.route(&request(priority, 1), Kinds::of(&[File, Multi])).kinds().is_empty());
        }
    }
}
