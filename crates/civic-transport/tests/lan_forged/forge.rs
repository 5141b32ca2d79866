//! An attacker on the local network: DNS records and announcements that nobody sent.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

pub(crate) struct Forger {
    socket: UdpSocket,
    subtype: String,
    tag: [u8; 16],
    port: u16,
}

impl Forger {
    /// Of those who know the names of network and site, and no secret.
    pub(crate) fn new(net: &str, site: &str, port: u16) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
        socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        socket.set_broadcast(true).unwrap();
        socket.set_reuse_address(true).unwrap();
        // Answers come from the port of mDNS.
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 5353)).into()).unwrap();
        let lp = |text: &str| [&u32::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
        let named = [b"civicbase/site/1\0".as_slice(), &lp(net), &lp(site)].concat();
        let tag = blake3::keyed_hash(OPEN_KEY, &named).as_bytes()[..16].try_into().unwrap();
        let subtype = format!("_{}._sub._civicbase._tcp.local", hex::encode(tag));
        Self { socket: socket.into(), subtype, tag, port }
    }

    /// A device that is not there, with the records of many more hosts.
    pub(crate) fn mdns(&self, n: u32, port: u16) {
        let instance = format!("{:016x}._civicbase._tcp.local", u64::from(n) << 32 | 0xf0f0);
        let host = format!("h{n}.local");
        let mut message = Message::default();
        message.record(&self.subtype, PTR, &name(&instance));
        message.record(&instance, SRV, &[&[0; 4], port.to_be_bytes().as_slice(), &name(&host)].concat());
        message.record(&instance, TXT, b"\x03v=1\x12i=00112233445566\x377\x05n=100");
        for i in 0..8 {
            message.record(&host, A, &[127, 0, i, 1]);
        }
        // Lost where the buffers are full, which is the point.
        let _ = self.socket.send_to(&message.bytes(), (Ipv4Addr::new(224, 0, 0, 251), 5353));
    }

    /// Hosts that nobody asked for, in an answer that names no service.
    pub(crate) fn hosts(&self, n: u32) {
        let mut message = Message::default();
        for i in 0..20 {
            message.record(&format!("h{n}-{i}.local"), A, &[127, 0, i, 1]);
        }
        let _ = self.socket.send_to(&message.bytes(), (Ipv4Addr::new(224, 0, 0, 251), 5353));
    }

    /// An announcement whose MAC is right, since the key is public.
    pub(crate) fn broadcast(&self, n: u32, port: u16) {
        let instance = u64::from(n).to_be_bytes();
        let [high, low] = port.to_be_bytes();
        let mut bytes = [&[6, 1], self.tag.as_slice(), &instance, &instance, &[high, low, 0]].concat();
        let named = [b"civicbase/beacon/1\0".as_slice(), &bytes].concat();
        bytes.extend(&blake3::keyed_hash(OPEN_KEY, &named).as_bytes()[..8]);
        let _ = self.socket.send_to(&bytes, (Ipv4Addr::new(127, 255, 255, 255), self.port));
    }

    /// Bytes that mean nothing, to both ports.
    pub(crate) fn garbage(&self, n: u32) {
        let bytes = blake3::hash(&n.to_be_bytes()).as_bytes().repeat(usize::try_from(1 + n % 40).unwrap());
        let _ = self.socket.send_to(&bytes, (Ipv4Addr::new(224, 0, 0, 251), 5353));
        let _ = self.socket.send_to(&bytes, (Ipv4Addr::new(127, 255, 255, 255), self.port));
    }
}

/// A DNS answer (RFC 1035, section 4).
#[derive(Default)]
struct Message {
    count: u16,
    records: Vec<u8>,
}

impl Message {
    fn record(&mut self, owner: &str, kind: u16, data: &[u8]) {
        self.count += 1;
        self.records.extend(name(owner));
        self.records.extend(kind.to_be_bytes());
        self.records.extend(1_u16.to_be_bytes());
        self.records.extend(u32::MAX.to_be_bytes().map(|byte| byte >> 1));
        self.records.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        self.records.extend(data);
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0x84, 0, 0, 0];
        bytes.extend(self.count.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&self.records);
        bytes
    }
}

fn name(text: &str) -> Vec<u8> {
    let label = |label: &str| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat();
    text.split('.').flat_map(label).chain([0]).collect()
}

/// The memory of this process, where the system tells.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

const OPEN_KEY: &[u8; 32] = b"civicbase/beacon/1 open beacon!!";
const A: u16 = 1;
const PTR: u16 = 12;
const TXT: u16 = 16;
const SRV: u16 = 33;
