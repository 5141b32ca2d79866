//! What the devices stand on: the loopback interface of one machine, or networks of their own.

mod namespaces;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use tokio::process::Command;

use self::namespaces::Namespaces;
use crate::error::Error;

/// The neighbourhoods, by number.
pub(super) const NEIGHBOURHOODS: [&str; 2] = ["harbour", "hill"];

/// Where the devices run and what joins them.
#[derive(Debug)]
pub(super) enum Ground {
    /// One interface for all: what makes a neighbourhood is its name.
    Loopback,
    /// An interface each: what makes a neighbourhood is its bridge, and the name is the same for all.
    Namespaces(Namespaces),
}

impl Ground {
    /// Networks for devices in those neighbourhoods.
    pub(super) fn new(sites: &[usize], namespaces: bool) -> Result<Self, Error> {
        if namespaces { Namespaces::new(sites).map(Self::Namespaces) } else { Ok(Self::Loopback) }
    }

    /// Runs a program as a device.
    pub(super) fn command(&self, device: usize, program: &Path) -> Command {
        match self {
            Self::Loopback => Command::new(program),
            Self::Namespaces(namespaces) => namespaces.command(device, program),
        }
    }

    /// The address of a device on its LAN.
    pub(super) fn lan(&self, device: usize) -> IpAddr {
        match self {
            Self::Loopback => Ipv4Addr::LOCALHOST.into(),
            Self::Namespaces(_) => Namespaces::lan(device).into(),
        }
    }

    /// The address of a device on the internet. Where loopback has many addresses it is none that a forwarder
    /// is seen at: else peers tell a device its own port at the forwarder's address, AutoNAT finds it to be
    /// right, and everybody learns a way round the cable.
    pub(super) fn internet(&self, device: usize) -> IpAddr {
        match self {
            Self::Loopback if cfg!(target_os = "linux") => {
                let last = u8::try_from(device + 1).unwrap_or(u8::MAX);
                Ipv4Addr::new(127, 77, 0, last).into()
            }
            Self::Loopback => Ipv4Addr::LOCALHOST.into(),
            Self::Namespaces(namespaces) => namespaces.internet(device).into(),
        }
    }

    /// Where the forwarders are.
    pub(super) fn forwarders(&self) -> IpAddr {
        match self {
            Self::Loopback => Ipv4Addr::LOCALHOST.into(),
            Self::Namespaces(namespaces) => namespaces.parent().into(),
        }
    }

    /// What a device in that neighbourhood calls it.
    pub(super) fn site(&self, site: usize) -> String {
        match self {
            Self::Loopback => NEIGHBOURHOODS.get(site).copied().unwrap_or_default().to_owned(),
            Self::Namespaces(_) => String::new(),
        }
    }

    /// Brings a device to another neighbourhood: by its cable, else by a name that it is still to be told.
    pub(super) fn bring(&self, device: usize, site: usize) -> Result<Option<String>, Error> {
        match self {
            Self::Loopback => Ok(Some(self.site(site))),
            Self::Namespaces(namespaces) => namespaces.plug(device, site).map(|()| None),
        }
    }
}
