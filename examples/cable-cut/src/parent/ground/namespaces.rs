use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::error::Error;

/// A network namespace for each device, with two interfaces: `lan0` on the bridge of its neighbourhood, and
/// `net0` on a bridge where it reaches the parent and nobody else. Gone when dropped.
///
/// ```text
/// device n   lan0  10.77.0.n    bridge a or b   no address of the parent's
///            net0  10.77.x.n    bridge i        the parent is 10.77.x.254; ports are isolated
/// ```
#[derive(Debug)]
pub(in super::super) struct Namespaces {
    /// Begins every name: two letters and the process's id.
    prefix: String,
    /// The third byte of the addresses on the internet.
    x: u8,
    /// What undoes what was done, to be run from the end.
    undo: Vec<Vec<String>>,
}

impl Namespaces {
    pub(super) fn new(sites: &[usize]) -> Result<Self, Error> {
        let prefix = format!("cc{:x}", std::process::id() & 0xff_ffff);
        let mut made = Self { prefix, x: free()?, undo: Vec::new() };
        // The first thing that needs root, so that whoever is not root hears of it and nothing is done.
        for device in 0..sites.len() {
            let name = made.namespace(device);
            made.make(&["netns", "add", &name], &["netns", "del", &name])?;
        }
        for bridge in ["a", "b", "i"] {
            let name = made.bridge(bridge);
            let add = ["link", "add", &name, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"];
            made.make(&add, &["link", "del", &name])?;
        }
        let address = format!("{}/24", made.parent());
        ip(&["address", "add", &address, "dev", &made.bridge("i")])?;
        for bridge in ["a", "b", "i"] {
            ip(&["link", "set", &made.bridge(bridge), "up"])?;
        }
        for (device, site) in sites.iter().enumerate() {
            ip(&["-n", &made.namespace(device), "link", "set", "lo", "up"])?;
            made.wire(device, "lan0", Self::lan(device))?;
            made.plug(device, *site)?;
            made.wire(device, "net0", made.internet(device))?;
            let (port, bridge) = (made.port(device, "net0"), made.bridge("i"));
            ip(&["link", "set", &port, "master", &bridge])?;
            ip(&["link", "set", &port, "type", "bridge_slave", "isolated", "on"])?;
        }
        Ok(made)
    }

    pub(super) fn command(&self, device: usize, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(device)]).arg(program);
        command
    }

    pub(super) const fn lan(device: usize) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, host(device))
    }

    pub(super) const fn internet(&self, device: usize) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.x, host(device))
    }

    pub(super) const fn parent(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.x, PARENT)
    }

    /// Plugs a device's LAN into the bridge of a neighbourhood, out of whichever it was in.
    pub(super) fn plug(&self, device: usize, site: usize) -> Result<(), Error> {
        let bridge = self.bridge(if site == 0 { "a" } else { "b" });
        ip(&["link", "set", &self.port(device, "lan0"), "master", &bridge])
    }

    /// Gives a device an interface with an address; the other end of it stays with the parent.
    fn wire(&mut self, device: usize, name: &str, address: Ipv4Addr) -> Result<(), Error> {
        let (port, namespace) = (self.port(device, name), self.namespace(device));
        let add = ["link", "add", &port, "type", "veth", "peer", "name", name, "netns", &namespace];
        self.make(&add, &["link", "del", &port])?;
        let address = format!("{address}/24");
        ip(&["-n", &namespace, "address", "add", &address, "broadcast", "+", "dev", name])?;
        ip(&["-n", &namespace, "link", "set", name, "up"])?;
        ip(&["link", "set", &port, "up"])
    }

    fn make(&mut self, make: &[&str], undo: &[&str]) -> Result<(), Error> {
        ip(make)?;
        self.undo.push(undo.iter().map(|&part| part.to_owned()).collect());
        Ok(())
    }

    fn namespace(&self, device: usize) -> String {
        format!("{}-{}", self.prefix, device + 1)
    }

    fn bridge(&self, bridge: &str) -> String {
        format!("{}{bridge}", self.prefix)
    }

    /// The parent's end of an interface.
    fn port(&self, device: usize, name: &str) -> String {
        format!("{}{}{}", self.prefix, name.chars().next().unwrap_or_default(), device + 1)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for undo in self.undo.iter().rev() {
            let undo: Vec<&str> = undo.iter().map(String::as_str).collect();
            if let Err(error) = ip(&undo) {
                eprintln!("cable-cut: {}", error.chain());
            }
        }
    }
}

/// A network that this machine is not in, so that two runs have two.
fn free() -> Result<u8, Error> {
    let addresses = run(&["-4", "-oneline", "address"])?;
    let taken = |x: &u8| addresses.contains(&format!(" 10.77.{x}."));
    let first = std::process::id() % u32::from(u8::MAX - 1);
    let from = u8::try_from(first).unwrap_or_default();
    let mut networks = (from..u8::MAX).chain(0..from).filter(|x| *x != 0);
    let full = || Error::Namespaces { command: "address".to_owned(), message: "10.77/16 is full".to_owned() };
    networks.find(|x| !taken(x)).ok_or_else(full)
}

/// The last byte of a device's addresses: there are ten devices at most.
const fn host(device: usize) -> u8 {
    #[expect(clippy::cast_possible_truncation, reason = "the command line takes at most ten devices")]
    let host = device as u8 + 1;
    host
}

fn ip(arguments: &[&str]) -> Result<(), Error> {
    run(arguments).map(drop)
}

/// Runs `ip`; it takes milliseconds and is waited for.
fn run(arguments: &[&str]) -> Result<String, Error> {
    let failed = |message: String| Error::Namespaces { command: arguments.join(" "), message };
    let mut command = std::process::Command::new("ip");
    let output = command.args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

/// The last byte of the parent's address.
const PARENT: u8 = 254;
