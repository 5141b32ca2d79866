//! Against js-libp2p, which nobody here wrote: identify, ping, gossipsub and Kademlia.
//!
//! `CIVIC_JS_PEER` names a folder with `tests/js` installed (`npm ci`); without it the test says so and passes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by panicking")]

mod common;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use civic_p2p::internet::InternetConfig;
use civic_transport::{Envelope, Event, SignedEnvelope, TransportAdapter, Via};
use civic_types::PeerId;
use common::{NET, Node, TCP, next, node_with, signed, within};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A js-libp2p node in a process of its own.
struct Peer {
    _process: Child,
    say: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it told by itself and nobody has asked for yet.
    told: Vec<Value>,
    id: String,
}

impl Peer {
    async fn start(dir: PathBuf) -> Self {
        let mut process = Command::new(dir.join("node_modules/.bin/node"))
            .arg(dir.join("peer.mjs"))
            .arg(NET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Node of the npm package `node`");
        let (say, out) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let lines = BufReader::new(out).lines();
        let mut peer = Self { _process: process, say, lines, told: Vec::new(), id: String::new() };
        peer.id = peer.event("listening").await["peer"].as_str().unwrap().to_owned();
        peer
    }

    async fn line(&mut self) -> Value {
        let line = within(self.lines.next_line()).await.unwrap().expect("the js node has ended");
        serde_json::from_str(&line).unwrap()
    }

    /// Asks, and gives the answer.
    async fn ask(&mut self, ask: &str, mut what: Value) -> Value {
        what["ask"] = ask.into();
        self.say.write_all(format!("{what}\n").as_bytes()).await.unwrap();
        loop {
            let line = self.line().await;
            if line["answer"] == ask {
                assert!(line["error"].is_null(), "{ask}: {line}");
                return line;
            }
            self.told.push(line);
        }
    }

    /// The next event of that name.
    async fn event(&mut self, name: &str) -> Value {
        if let Some(at) = self.told.iter().position(|told| told["event"] == name) {
            return self.told.remove(at);
        }
        loop {
            let line = self.line().await;
            if line["event"] == name {
                return line;
            }
            self.told.push(line);
        }
    }

    /// Asks until the answer holds.
    async fn until(&mut self, ask: &str, what: Value, holds: impl Fn(&Value) -> bool) {
        for _ in 0..600 {
            let answer = self.ask(ask, what.clone()).await;
            if holds(&answer) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{ask} {what} never came to hold");
    }
}

/// A node that others can reach, over TCP alone: js-libp2p has no QUIC of its own.
async fn reachable(seed: u8) -> Node {
    let config = InternetConfig::loopback().with_listen([TCP]).with_assumed_reachability(true);
    node_with(seed, config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn js_libp2p_understands_us_and_we_understand_it() {
    let Some(dir) = std::env::var_os("CIVIC_JS_PEER") else {
        println!("skipped: CIVIC_JS_PEER names no folder with a js-libp2p node");
        return;
    };
    let mut js = Peer::start(dir.into()).await;
    let (ours, other) = (reachable(1).await, reachable(2).await);
    let name = ours.adapter.libp2p_peer_id();

    // Dial, Noise, yamux; then identify.
    let address = ours.address().address;
    let dialled = js.ask("dial", json!({ "address": address })).await;
    assert_eq!(dialled["peer"], name);
    let identified = js.event("identified").await;
    assert_eq!(identified["peer"], name, "{identified}");
    let protocols = identified["protocols"].as_array().unwrap();
    let speaks = |what: &str| protocols.iter().any(|protocol| protocol.as_str().unwrap().contains(what));
    for what in ["/ipfs/ping/1.0.0", "/meshsub/1.1.0", "/civicbase/test/kad/1", "/civicbase/test/msg/1"] {
        assert!(speaks(what), "{what} is missing in {protocols:?}");
    }
    assert!(!speaks("/civicbase/elsewhere/"), "control: a protocol that nobody has");
    let addresses = identified["addresses"].as_array().unwrap();
    assert!(addresses.iter().any(|known| address.starts_with(known.as_str().unwrap())), "{addresses:?}");

    // Ping.
    assert!(js.ask("ping", json!({ "peer": name })).await["ms"].is_number());

    gossip(&mut js, &ours).await;

    // Kademlia: it knows one of us, and finds the other through it.
    within(ours.adapter.connect(&other.address())).await.unwrap();
    let wanted = other.adapter.libp2p_peer_id();
    let tcp = other.tcp().0.to_string();
    js.until("table", json!({}), |table| table["peers"].as_u64().unwrap() > 0).await;
    let found = js.ask("find", json!({ "peer": wanted })).await;
    let found = found["addresses"].as_array().unwrap();
    assert!(found.iter().any(|address| address.as_str().unwrap().contains(&tcp)), "{found:?}");

    forgery(&mut js, &ours).await;
}

const TOPIC: &str = "/civicbase/test/gossip/news";

fn wire(envelope: SignedEnvelope) -> String {
    hex::encode(Envelope::from(envelope).encode_wire())
}

/// Publishes until somebody takes it. Both know of each other's subscription only after a moment, so what is told
/// first may find nobody; told again it would be a copy, so each attempt is another envelope.
async fn publish(js: &mut Peer, data: &(dyn Fn(u16) -> String + Sync), from: u16) {
    for n in from..from + 400 {
        let sent = js.ask("publish", json!({ "topic": TOPIC, "data": data(n) })).await;
        if sent["recipients"].as_u64().unwrap() > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody takes part");
}

/// What nobody signed so is not delivered, and costs whoever passes it on the connection.
async fn forgery(js: &mut Peer, ours: &Node) {
    let mut events = ours.adapter.events();
    let forged = |n| {
        let mut bytes = hex::decode(wire(signed(7, NET, n, "the well is full"))).unwrap();
        let at = bytes.windows(4).position(|bytes| bytes == b"full").unwrap();
        bytes[at..at + 4].copy_from_slice(b"foul");
        hex::encode(bytes)
    };

    publish(js, &forged, 2000).await;
    let name = ours.adapter.libp2p_peer_id();
    let gone = |known: &Value| !known["peers"].as_array().unwrap().contains(&json!(name));
    js.until("subscribers", json!({ "topic": TOPIC }), gone).await;
    let heard = tokio::time::timeout(Duration::from_millis(300), async {
        loop {
            if let Event::Received { envelope, .. } = next(&mut events).await {
                return envelope;
            }
        }
    });
    assert!(heard.await.is_err(), "a forged envelope was delivered");
}

/// Envelopes both ways.
async fn gossip(js: &mut Peer, ours: &Node) {
    let mut events = ours.adapter.events();
    ours.adapter.subscribe("news").await.unwrap();
    js.ask("subscribe", json!({ "topic": TOPIC })).await;
    let name = ours.adapter.libp2p_peer_id();
    js.until("subscribers", json!({ "topic": TOPIC }), |known| known["peers"] == json!([name])).await;

    publish(js, &|n| wire(signed(7, NET, n, "the well is dry")), 1000).await;
    let from = loop {
        if let Event::Received { via, envelope, .. } = next(&mut events).await {
            assert_eq!(envelope.payload().as_ref(), b"the well is dry");
            break via;
        }
    };
    assert!(matches!(from, Via::Authenticated(peer) if peer != PeerId::from_bytes([0; 32])), "{from:?}");

    let answer = signed(1, NET, 3, "we bring water");
    for attempt in 0..600 {
        if ours.adapter.publish("news", answer.clone()).await.is_ok() {
            break;
        }
        assert!(attempt < 599, "the js node never takes part");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let heard = js.event("message").await;
    assert_eq!((heard["topic"].as_str(), heard["data"].as_str()), (Some(TOPIC), Some(wire(answer).as_str())));
}
