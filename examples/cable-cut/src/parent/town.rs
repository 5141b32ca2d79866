use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};

use super::crossing::Crossing;
use super::device::Device;
use super::ground::{Ground, NEIGHBOURHOODS};
use crate::error::Error;
use crate::forwarder::{Forwarder, Gate};
use crate::plan::Plan;
use crate::protocol::{Address, Status};
use crate::report::Timeline;

/// All devices, the neighbourhoods where they are, and the cables between these.
pub(super) struct Town {
    /// First, as they are to be gone before the ground is.
    pub(super) devices: Vec<Device>,
    pub(super) gate: Gate,
    /// Who dials, who answers, and the cable between them.
    cables: Vec<(usize, usize, Forwarder)>,
    pub(super) crossing: Crossing,
}

impl Town {
    pub(super) async fn start(
        plan: &Plan,
        dir: &Path,
        passphrase: &str,
        ground: Ground,
        timeline: &Timeline,
    ) -> Result<Self, Error> {
        let (sites, forwarders, ground) = (plan.sites.clone(), ground.forwarders(), Arc::new(ground));
        let device =
            |(at, site): (usize, &usize)| Device::new(at, *site, dir, passphrase, Arc::clone(&ground));
        let devices: Vec<Device> = sites.iter().enumerate().map(device).collect();
        let count = devices.len();
        let (gate, cables, crossing) = (Gate::new(), Vec::new(), Crossing::new(sites));
        let mut town = Self { devices, gate, cables, crossing };
        town.lay_cables(forwarders).await?;
        try_join_all(town.devices.iter_mut().map(Device::start)).await?;
        town.lead_cables();
        timeline.say(&format!("{count} devices run, each with its own keys and its own sealed store"));
        let Some((first, others)) = town.devices.split_first_mut() else { return Ok(town) };
        let ticket = first.found(COMMUNITY).await?;
        try_join_all(others.iter_mut().map(|device| device.join(&ticket))).await?;
        town.connect().await?;
        timeline.say(&format!(
            "all are in the community {COMMUNITY}; {} cables join {} and {}",
            town.cables.len(),
            called(0),
            called(1),
        ));
        for site in [0, 1] {
            town.meet(site).await?;
            let who = names(&town.side(site));
            let how = if town.side(site).len() > 1 { "have found each other on the LAN" } else { "is alone" };
            timeline.say(&format!("{}: {who} {how}", called(site)));
        }
        Ok(town)
    }

    /// Waits until the devices of a neighbourhood are connected over their LAN, each with each.
    async fn meet(&mut self, site: usize) -> Result<(), Error> {
        let (who, peers) = (self.side(site), self.peers());
        let want: BTreeSet<String> = who.iter().filter_map(|at| peers.get(*at)).cloned().collect();
        let meeting = async {
            loop {
                let statuses = self.statuses(&who).await?;
                // Everybody but itself.
                if statuses.iter().all(|status| status.near.intersection(&want).count() + 1 == want.len()) {
                    return Ok(());
                }
                tokio::time::sleep(MEET_POLL).await;
            }
        };
        let late =
            |_| Error::Timeout { what: format!("meeting on the LAN, {}", called(site)), limit: MEET_LIMIT };
        tokio::time::timeout(MEET_LIMIT, meeting).await.map_err(late)?
    }

    /// A cable for every two devices of different neighbourhoods, to the first of them. They are there before
    /// the devices, which have to know how they are reached.
    async fn lay_cables(&mut self, at: IpAddr) -> Result<(), Error> {
        let (targets, diallers) = (self.side(0), self.side(1));
        for dialler in diallers {
            for target in &targets {
                let forwarder = Forwarder::new(&self.gate, at).await?;
                if let Some(device) = self.devices.get_mut(*target) {
                    device.advertise(forwarder.ends());
                }
                self.cables.push((dialler, *target, forwarder));
            }
        }
        Ok(())
    }

    /// Leads every cable to where its device listens now.
    pub(super) fn lead_cables(&self) {
        for (_, target, forwarder) in &self.cables {
            if let Some(ends) = self.devices.get(*target).and_then(|device| device.ends) {
                forwarder.lead_to(ends);
            }
        }
    }

    /// Every cable is dialled over QUIC and over TCP, every second one over TCP first.
    async fn connect(&mut self) -> Result<(), Error> {
        let mut dials: BTreeMap<usize, Vec<Address>> = BTreeMap::new();
        for (number, (dialler, target, forwarder)) in self.cables.iter().enumerate() {
            let Some(peer) = self.devices.get(*target).map(|device| device.peer.clone()) else { continue };
            let mut addresses = forwarder.ends().addresses();
            if number % 2 == 0 {
                addresses.reverse();
            }
            let addresses = addresses.map(|address| Address { peer: peer.clone(), address });
            dials.entry(*dialler).or_default().extend(addresses);
        }
        let work = self.devices.iter_mut().enumerate().map(|(at, device)| {
            let dials = dials.remove(&at).unwrap_or_default();
            async move {
                for to in dials {
                    device.connect(to).await?;
                }
                Ok::<(), Error>(())
            }
        });
        try_join_all(work).await.map(drop)
    }

    /// A device goes to another neighbourhood; it has left the old one when this returns.
    pub(super) async fn bring(&mut self, device: usize, site: usize) -> Result<(), Error> {
        let left: Vec<usize> = self.side(self.crossing.site(device));
        let left = left.into_iter().filter(|at| *at != device);
        let leaves = left.filter_map(|at| self.devices.get(at)).map(|left| left.peer.clone()).collect();
        if let Some(device) = self.devices.get_mut(device) {
            device.go(site, leaves).await?;
        }
        self.crossing.moved(device, site);
        Ok(())
    }

    /// How these devices stand, all asked at once.
    pub(super) async fn statuses(&mut self, who: &[usize]) -> Result<Vec<Status>, Error> {
        let asked = self.devices.iter_mut().enumerate().filter(|(at, _)| who.contains(at));
        let statuses = try_join_all(asked.map(|(_, device)| device.status())).await?;
        let peers = self.peers();
        for (device, status) in (0..peers.len()).filter(|at| who.contains(at)).zip(&statuses) {
            self.crossing.note(device, status, &peers);
        }
        Ok(statuses)
    }

    pub(super) async fn roots(&mut self, who: &[usize]) -> Result<Vec<String>, Error> {
        let asked = self.devices.iter_mut().enumerate().filter(|(at, _)| who.contains(at));
        try_join_all(asked.map(|(_, device)| device.root())).await
    }

    pub(super) async fn dump(&mut self) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
        try_join_all(self.devices.iter_mut().map(Device::dump)).await
    }

    /// Bytes that each device has sent and received over cables, as the forwarders have counted them.
    pub(super) fn internet(&self) -> Vec<(u64, u64)> {
        let mut bytes = vec![(0, 0); self.devices.len()];
        for (dialler, target, forwarder) in &self.cables {
            let (there, back) = forwarder.counts();
            for (device, sent, received) in [(*dialler, there, back), (*target, back, there)] {
                if let Some((out, into)) = bytes.get_mut(device) {
                    *out += sent;
                    *into += received;
                }
            }
        }
        bytes
    }

    /// Bytes that each device has sent and received over its LAN, as it has counted them.
    pub(super) fn lan(&self) -> Vec<(u64, u64)> {
        self.devices.iter().map(Device::lan).collect()
    }

    pub(super) fn peers(&self) -> Vec<String> {
        self.devices.iter().map(|device| device.peer.clone()).collect()
    }

    pub(super) fn everybody(&self) -> Vec<usize> {
        (0..self.devices.len()).collect()
    }

    /// The devices of a neighbourhood now.
    pub(super) fn side(&self, site: usize) -> Vec<usize> {
        self.everybody().into_iter().filter(|at| self.crossing.site(*at) == site).collect()
    }

    pub(super) async fn close(&mut self) -> Result<(), Error> {
        let closed = join_all(self.devices.iter_mut().map(Device::stop)).await;
        closed.into_iter().collect()
    }
}

/// Devices as people call them.
pub(super) fn names(devices: &[usize]) -> String {
    let names: Vec<String> = devices.iter().map(|at| format!("d{}", at + 1)).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "nobody".to_owned(),
    }
}

/// A neighbourhood as people call it.
pub(super) fn called(site: usize) -> &'static str {
    NEIGHBOURHOODS.get(site).copied().unwrap_or_default()
}

const COMMUNITY: &str = "Harbour";
const MEET_LIMIT: Duration = Duration::from_secs(60);
const MEET_POLL: Duration = Duration::from_millis(50);
