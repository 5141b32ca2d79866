//! Nodes that are processes of their own: on loopback, and in network namespaces where root allows.
//!
//! A node is this test program again, running the one test [`a_node_of_its_own`].

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use civic_transport::TransportAdapter;
use civic_transport::links::lan::{LanConfig, LanDiscovery};
use civic_types::PeerId;

use crate::node::{fresh, identity, start};

/// Does nothing unless it is told to be a node: then it says whom it is connected to, whenever that
/// changes, until it is told to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_its_own() {
    let Ok(told) = std::env::var(NODE) else { return };
    let [seed, net, site, listen, via] = told.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let discovery = LanDiscovery::default()
        .with_announce(Duration::from_millis(500))
        .with_mdns(via != "broadcast")
        .with_broadcast(via != "mdns");
    let config = LanConfig::default().with_listen(listen.parse().unwrap()).with_discovery(discovery);
    let node = start(seed.parse().unwrap(), net, config.with_site(site)).await;
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().lock().read_line(&mut String::new()));
    let mut said = None;
    while !ended.is_finished() {
        let peers = node.peers();
        if said.as_ref() != Some(&peers) {
            let names: Vec<_> = peers.iter().map(ToString::to_string).collect();
            println!("{SAYS}{}", names.join(" "));
            std::io::stdout().flush().unwrap();
            said = Some(peers);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    node.adapter.stop().await.unwrap();
}

#[test]
fn two_neighbourhoods_of_processes_on_one_machine_join_inside_and_not_across() {
    let net = fresh("processes");
    let loopback = |seed, site| Process::start(None, seed, &net, site, "127.0.0.1:0", "mdns");
    let nodes = [loopback(1, "harbour"), loopback(2, "harbour"), loopback(3, "hill"), loopback(4, "hill")];
    joined_inside(&nodes, &net);
}

#[test]
fn networks_of_two_communities_on_one_cable_stay_apart() {
    let Some(cable) = Cable::new(4) else { return };
    for via in ["mdns", "broadcast"] {
        let net = fresh("cable");
        let node = |n: u8, site| Process::start(Some(&cable.namespace(n)), n, &net, site, "0.0.0.0:0", via);
        let nodes = [node(1, "harbour"), node(2, "harbour"), node(3, "hill"), node(4, "hill")];
        joined_inside(&nodes, &net);
    }
}

#[test]
fn a_node_without_a_network_starts_and_finds_others_once_it_has_one() {
    let Some(cable) = Cable::new(2) else { return };
    for via in ["mdns", "broadcast"] {
        let net = fresh("no-network");
        cable.unplug(1);
        let node = |n: u8| Process::start(Some(&cable.namespace(n)), n, &net, "", "0.0.0.0:0", via);
        let (one, two) = (node(1), node(2));
        assert_eq!((one.says(), two.says()), (Vec::new(), Vec::new()), "both started, and see nobody");
        assert!(cable.plug(1));
        one.until(&[peer(2, &net)]);
        two.until(&[peer(1, &net)]);
    }
}

/// The first two find each other, and so do the last two; and nobody finds anybody else.
fn joined_inside(nodes: &[Process; 4], net: &str) {
    let seen = [2, 1, 4, 3].map(|other| peer(other, net));
    for (node, other) in nodes.iter().zip(&seen) {
        let said = node.until(&[*other]);
        assert!(said.iter().all(|peers| peers.iter().all(|peer| peer == other)), "{said:?}");
    }
}

fn peer(seed: u8, net: &str) -> PeerId {
    identity(seed, net).peer_id()
}

struct Process {
    child: Child,
    /// Closed, it ends the process.
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    fn start(namespace: Option<&str>, seed: u8, net: &str, site: &str, listen: &str, via: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut command = match namespace {
            None => Command::new(program),
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace]).arg(program);
                command
            }
        };
        let mut child = command
            .args(["processes::a_node_of_its_own", "--exact", "--nocapture"])
            .env(NODE, [&seed.to_string(), net, site, listen, via].join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let (sender, lines) = sync_channel(100);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // What the test harness says of itself is none of our business, and may share the line.
                if let Some((_, peers)) = line.split_once(SAYS)
                    && sender.send(peers.to_owned()).is_err()
                {
                    return;
                }
            }
        });
        Self { child, stdin, lines }
    }

    /// Whom it says next that it is connected to.
    fn says(&self) -> Vec<PeerId> {
        let line = self.lines.recv_timeout(PATIENCE).expect("a node takes too long");
        line.split_whitespace().map(|peer| peer.parse().unwrap()).collect()
    }

    /// Waits until it is connected to those, and gives all that it said before.
    fn until(&self, want: &[PeerId]) -> Vec<Vec<PeerId>> {
        let mut said = Vec::new();
        while said.last().is_none_or(|peers: &Vec<PeerId>| peers != want) {
            said.push(self.says());
        }
        said
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It ends by itself, having said goodbye.
        let _ = self.child.wait();
    }
}

/// Network namespaces on one bridge, each with an address in 192.0.2.0/24; gone when dropped.
struct Cable {
    name: String,
    devices: u8,
}

impl Cable {
    /// `None`, with the reason printed, where the system does not allow it.
    fn new(devices: u8) -> Option<Self> {
        let cable = Self { name: format!("cv{:x}{devices}", std::process::id() & 0xff_ffff), devices };
        let hub = cable.namespace(0);
        let made = ip(&["netns", "add", &hub])
            && ip(&["-n", &hub, "link", "add", "bridge", "type", "bridge"])
            && ip(&["-n", &hub, "link", "set", "bridge", "up"])
            && (1..=devices).all(|n| ip(&["netns", "add", &cable.namespace(n)]) && cable.plug(n));
        if !made {
            println!("skipped: network namespaces need root, `ip` and veth");
        }
        made.then_some(cable)
    }

    fn namespace(&self, device: u8) -> String {
        format!("{}-{device}", self.name)
    }

    /// Gives a device an interface.
    fn plug(&self, device: u8) -> bool {
        let (hub, namespace) = (self.namespace(0), self.namespace(device));
        let (port, address) = (format!("port{device}"), format!("192.0.2.{device}/24"));
        let pair = ["type", "veth", "peer", "name", "eth", "netns", &namespace];
        ip(&[["-n", &hub, "link", "add", &port].as_slice(), &pair].concat())
            && ip(&["-n", &hub, "link", "set", &port, "master", "bridge", "up"])
            && ip(&["-n", &namespace, "address", "add", &address, "brd", "+", "dev", "eth"])
            && ip(&["-n", &namespace, "link", "set", "eth", "up"])
    }

    /// Takes a device's only interface away, but for a loopback interface that is down.
    fn unplug(&self, device: u8) {
        assert!(ip(&["-n", &self.namespace(device), "link", "del", "eth"]));
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for device in 0..=self.devices {
            // One that was never made cannot be removed.
            let _ = ip(&["netns", "del", &self.namespace(device)]);
        }
    }
}

fn ip(arguments: &[&str]) -> bool {
    let run = Command::new("ip").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

const NODE: &str = "CIVIC_LAN_NODE";
const SAYS: &str = "connected to: ";
const PATIENCE: Duration = Duration::from_secs(40);
