use std::time::Duration;

use civic_types::time::Tick;

use super::*;

fn at(millis: u64) -> Tick {
    Tick::default().saturating_add(Duration::from_millis(millis))
}

/// A hundred frames each way between three nodes.
fn run(seed: u64, model: &LinkModel) -> SimNetwork {
    let mut net = SimNetwork::new(seed).with_model(model.clone());
    let nodes = [net.add_node(), net.add_node(), net.add_node()];
    for round in 0..100_u64 {
        for from in nodes {
            for to in nodes.into_iter().filter(|to| *to != from) {
                net.send(at(round), from, to, round.to_be_bytes().to_vec().into()).unwrap();
            }
        }
        net.poll(at(round));
    }
    net.poll(at(10_000));
    net
}

#[test]
fn one_seed_gives_one_trace_to_the_bit_and_another_seed_another() {
    let model = LinkModel::lossy();
    assert_eq!(run(1, &model).trace_hash(), run(1, &model).trace_hash());
    assert_ne!(run(1, &model).trace_hash(), run(2, &model).trace_hash());
    let fixed = hex::encode(run(1, &model).trace_hash());
    assert_eq!(
        fixed, "3e59c900afec7a7e5e9ef5681efe36c2ac2354218fe941bc82563264ed7cd668",
        "the streams or the order changed"
    );
}

#[test]
fn loss_and_duplicates_come_about_as_often_as_the_model_says() {
    let stats = run(3, &LinkModel::lossy()).stats();
    assert_eq!(stats.sent, 600);
    assert!((30..=95).contains(&stats.lost), "{stats:?}");
    assert!((10..=60).contains(&stats.duplicated), "{stats:?}");
    assert_eq!(stats.delivered, stats.sent - stats.lost + stats.duplicated);
    let stats = run(3, &LinkModel::perfect()).stats();
    assert_eq!((stats.delivered, stats.lost, stats.duplicated), (600, 0, 0));
}

#[test]
fn another_links_model_does_not_change_this_links_luck() {
    let trace = |other: LinkModel| {
        let mut net = SimNetwork::new(5).with_model(LinkModel::lossy());
        let (a, b, c) = (net.add_node(), net.add_node(), net.add_node());
        net.set_link(a, c, other);
        for i in 0..50_u8 {
            net.send(at(0), a, b, vec![i].into()).unwrap();
            net.send(at(0), a, c, vec![i].into()).unwrap();
        }
        let seen = net.poll(at(1000)).into_iter().filter(|d| d.to == b).map(|d| (d.at, d.bytes));
        seen.collect::<Vec<_>>()
    };
    assert_eq!(trace(LinkModel::perfect()), trace(LinkModel::lossy()));
}

#[test]
fn delay_reorders_and_bandwidth_spaces_frames_out() {
    let delay = LinkModel::perfect().with_delay(Duration::ZERO, Duration::from_millis(50));
    let mut net = SimNetwork::new(1).with_model(delay);
    let (a, b) = (net.add_node(), net.add_node());
    for i in 0..20_u8 {
        net.send(at(0), a, b, vec![i].into()).unwrap();
    }
    let order: Vec<_> = net.poll(at(50)).iter().map(|d| d.bytes[0]).collect();
    assert_eq!(order.len(), 20);
    assert!(!order.is_sorted());

    let mut net = SimNetwork::new(1).with_model(LinkModel::perfect().with_bandwidth(1000).with_mtu(100));
    let (a, b) = (net.add_node(), net.add_node());
    for _ in 0..3 {
        net.send(at(0), a, b, vec![0; 100].into()).unwrap();
    }
    assert_eq!(net.flying_bytes(a, b), 300);
    let times: Vec<_> = net.poll(at(1000)).iter().map(|d| d.at).collect();
    assert_eq!(times, [at(100), at(200), at(300)]);
    assert_eq!(net.flying_bytes(a, b), 0);
    assert_eq!(net.send(at(0), a, b, vec![0; 101].into()), Err(SimError::TooLarge { got: 101, limit: 100 }));
}

#[test]
fn cuts_and_partitions_lose_what_is_sent_and_what_is_in_flight() {
    let delay = LinkModel::perfect().with_delay(Duration::from_millis(10), Duration::from_millis(10));
    let mut net = SimNetwork::new(1).with_model(delay);
    let (a, b, c) = (net.add_node(), net.add_node(), net.add_node());
    net.send(at(0), a, b, "in flight".into()).unwrap();
    net.cut(b, a);
    net.send(at(0), a, b, "sent".into()).unwrap();
    net.send(at(0), a, c, "passes".into()).unwrap();
    assert_eq!(net.poll(at(10)).len(), 1);
    assert_eq!(net.stats().cut, 2);
    net.heal(a, b);
    net.partition(&[&[a, b]]);
    assert!(net.is_cut(a, c) && net.is_cut(c, b) && !net.is_cut(a, b));
    net.heal_all();
    assert!(!net.is_cut(a, c));
}
