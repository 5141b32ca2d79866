use std::sync::Arc;
use std::time::Duration;

use civic_types::cell::StateCell;

use super::id::BeaconKey;

/// How a LAN link finds peers. It uses only interfaces that the listener is reachable on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LanDiscovery {
    /// Announce and browse by mDNS (DNS-SD). Default yes.
    pub mdns: bool,
    /// Announce by directed broadcast, for networks that filter multicast. Default yes.
    pub broadcast: bool,
    /// UDP port of the announcements; nodes of one device share it. Default 21 229.
    pub broadcast_port: u16,
    /// Use the loopback interface too when listening on every interface. Default no.
    pub loopback: bool,
    /// Time between announcements. Default 10 s. What missed three in a row is forgotten.
    pub announce: Duration,
    /// Where addresses that answered outlive the process: at most 200, each forgotten after a day without
    /// an answer. Default nowhere.
    pub known: Option<Arc<dyn StateCell>>,
    /// Under which announced ids are made. Default [`BeaconKey::OPEN`], with which anybody who knows a
    /// device's id can follow it.
    pub key: BeaconKey,
    /// Most announced devices in memory. Default 256, about 1 KiB each; those that never answered make room.
    pub max_entries: usize,
    /// Devices not heard before that are taken in a second, and their bursts. Default 32. Twice as many
    /// dials may start in a second.
    pub max_new_per_s: u32,
    /// Announcements of each kind that are read in a second, and their bursts. More of mDNS end its daemon,
    /// which has no bound of its own, until the next announcement of ours. Default 1024.
    pub max_records_per_s: u32,
    /// Dials at once. Default 16.
    pub max_dials: usize,
}

impl Default for LanDiscovery {
    fn default() -> Self {
        Self {
            mdns: true,
            broadcast: true,
            broadcast_port: 21_229,
            loopback: false,
            announce: Duration::from_secs(10),
            known: None,
            key: BeaconKey::OPEN,
            max_entries: 256,
            max_new_per_s: 32,
            max_records_per_s: 1024,
            max_dials: 16,
        }
    }
}

impl LanDiscovery {
    /// With mDNS or without.
    #[must_use]
    pub const fn with_mdns(mut self, mdns: bool) -> Self {
        self.mdns = mdns;
        self
    }

    /// With directed broadcast or without.
    #[must_use]
    pub const fn with_broadcast(mut self, broadcast: bool) -> Self {
        self.broadcast = broadcast;
        self
    }

    /// With another port of the announcements.
    #[must_use]
    pub const fn with_broadcast_port(mut self, port: u16) -> Self {
        self.broadcast_port = port;
        self
    }

    /// With the loopback interface or without.
    #[must_use]
    pub const fn with_loopback(mut self, loopback: bool) -> Self {
        self.loopback = loopback;
        self
    }

    /// With another time between announcements.
    #[must_use]
    pub const fn with_announce(mut self, announce: Duration) -> Self {
        self.announce = announce;
        self
    }

    /// Keeping addresses that answered in that cell.
    #[must_use]
    pub fn with_known(mut self, cell: Arc<dyn StateCell>) -> Self {
        self.known = Some(cell);
        self
    }

    /// With the beacon key of a community.
    #[must_use]
    pub fn with_key(mut self, key: BeaconKey) -> Self {
        self.key = key;
        self
    }

    /// With another bound on announced devices.
    #[must_use]
    pub const fn with_max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Silence of an announced device after which it is forgotten: three announcements.
    #[must_use]
    pub const fn lost_after(&self) -> Duration {
        self.announce.saturating_mul(MISSED_ANNOUNCES)
    }
}

/// Announcements that a device may miss.
const MISSED_ANNOUNCES: u32 = 3;
