use std::path::{Path, PathBuf};

use futures_util::future::{join_all, try_join_all};

use super::device::Device;
use crate::error::Error;
use crate::forwarder::{Forwarder, Gate};
use crate::protocol::{Address, Status};
use crate::report::Timeline;

/// All devices and the cables between them.
pub(super) struct Town {
    pub(super) devices: Vec<Device>,
    pub(super) gate: Gate,
    /// Who dials, who answers, and the cable between them.
    links: Vec<(usize, usize, Forwarder)>,
}

/// Devices 1 and 2 are neighbours; each other device is a neighbourhood of its own.
pub(super) const NEIGHBOURS: [usize; 2] = [0, 1];

impl Town {
    pub(super) async fn start(
        count: usize,
        dir: &Path,
        passphrase: &str,
        timeline: &Timeline,
    ) -> Result<Self, Error> {
        let mut devices: Vec<Device> =
            (1..=count).map(|number| Device::new(number, dir, passphrase)).collect();
        try_join_all(devices.iter_mut().map(Device::start)).await?;
        timeline.say(&format!("{count} devices run, each with its own keys and its own sealed store"));
        let mut town = Self { devices, gate: Gate::new(), links: Vec::new() };
        town.lay_cables().await?;
        let Some((first, others)) = town.devices.split_first_mut() else { return Ok(town) };
        let ticket = first.found(COMMUNITY).await?;
        try_join_all(others.iter_mut().map(|device| device.join(&ticket))).await?;
        try_join_all(town.devices.iter_mut().map(Device::connect)).await?;
        let cables = town.links.len();
        timeline.say(&format!(
            "all are in the community {COMMUNITY}: d1 and d2 on one LAN, {cables} cables to and between the others"
        ));
        Ok(town)
    }

    /// d2 dials d1 directly; every other device dials d1 and the one before it, through forwarders.
    async fn lay_cables(&mut self) -> Result<(), Error> {
        for dialler in 1..self.devices.len() {
            let mut targets = vec![0];
            targets.extend((dialler > 1).then(|| dialler - 1));
            for target in targets {
                let Some((peer, listen)) = self.devices.get(target).map(|d| (d.peer.clone(), d.listen))
                else {
                    continue;
                };
                let Some(mut address) = listen else { continue };
                if !(NEIGHBOURS.contains(&dialler) && NEIGHBOURS.contains(&target)) {
                    let forwarder = Forwarder::new(&self.gate, address).await?;
                    address = forwarder.address();
                    self.links.push((dialler, target, forwarder));
                }
                if let Some(device) = self.devices.get_mut(dialler) {
                    device.dial.push(Address { peer, address });
                }
            }
        }
        Ok(())
    }

    /// How these devices stand, all asked at once.
    pub(super) async fn statuses(&mut self, who: &[usize]) -> Result<Vec<Status>, Error> {
        let asked = self.devices.iter_mut().enumerate().filter(|(at, _)| who.contains(at));
        try_join_all(asked.map(|(_, device)| device.status())).await
    }

    pub(super) async fn roots(&mut self, who: &[usize]) -> Result<Vec<String>, Error> {
        let asked = self.devices.iter_mut().enumerate().filter(|(at, _)| who.contains(at));
        try_join_all(asked.map(|(_, device)| device.root())).await
    }

    pub(super) async fn dump(&mut self) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
        try_join_all(self.devices.iter_mut().map(Device::dump)).await
    }

    /// Bytes that each device has sent and received over cables.
    pub(super) fn cables(&self) -> Vec<(u64, u64)> {
        let mut bytes = vec![(0, 0); self.devices.len()];
        for (dialler, target, forwarder) in &self.links {
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

    pub(super) fn peers(&self) -> Vec<String> {
        self.devices.iter().map(|device| device.peer.clone()).collect()
    }

    pub(super) fn everybody(&self) -> Vec<usize> {
        (0..self.devices.len()).collect()
    }

    pub(super) async fn close(&mut self) -> Result<(), Error> {
        let closed = join_all(self.devices.iter_mut().map(Device::stop)).await;
        closed.into_iter().collect()
    }
}

const COMMUNITY: &str = "Harbour";
