use super::*;

const LOST_AFTER: Duration = Duration::from_secs(30);

fn at(ms: u64) -> Tick {
    Tick::default().saturating_add(Duration::from_millis(100_000 + ms))
}

fn bounds() -> Bounds {
    Bounds {
        max_entries: 16,
        max_new_per_s: 1000,
        max_dials: 4,
        lost_after: LOST_AFTER,
        backoff: (Duration::from_secs(1), Duration::from_secs(300)),
    }
}

fn directory() -> Directory {
    Directory::new([5; 8], bounds())
}

fn address(port: u16) -> SocketAddr {
    ([192, 0, 2, 1], port).into()
}

fn announced(instance: u8, port: u16) -> Input {
    Input::Announced { instance: [instance; 8], id: [instance; 8], addresses: vec![address(port)] }
}

fn dialled(dial: &Dial, outcome: Outcome) -> Input {
    Input::Dialled { key: dial.key, address: dial.address, outcome, random: u64::MAX }
}

fn peer(n: u8) -> PeerId {
    PeerId::from_bytes([n; 32])
}

fn connected(n: u8) -> Input {
    Input::Connected { peer: peer(n), ids: [[n; 8]; 3] }
}

/// Lets time pass by the machine's own wakes, failing every dial, and says when what was dialled.
fn run(directory: &mut Directory, from: u64, to: u64) -> Vec<(Tick, u16)> {
    let (mut now, mut seen) = (at(from), Vec::new());
    let mut dials = directory.handle(now, Input::Time);
    loop {
        while let Some(dial) = dials.pop() {
            seen.push((now, dial.address.port()));
            dials.extend(directory.handle(now, dialled(&dial, Outcome::Failed)));
        }
        match directory.next_wake(now) {
            Some(wake) if wake <= at(to) => {
                assert!(wake > now, "the machine spins at {now:?}");
                now = wake;
            }
            _ => return seen,
        }
        dials = directory.handle(now, Input::Time);
    }
}

#[test]
fn the_smaller_instance_dials_at_once_and_the_other_after_a_grace() {
    let mut smaller = directory();
    assert_eq!(smaller.handle(at(0), announced(9, 1)).len(), 1);
    let mut larger = directory();
    assert_eq!(larger.handle(at(0), announced(1, 1)), []);
    assert_eq!(run(&mut larger, 0, 1000), [(at(1000), 1)]);
    // No need where the other end came first.
    let mut larger = directory();
    larger.handle(at(0), announced(1, 1));
    larger.handle(at(500), connected(1));
    assert_eq!(run(&mut larger, 500, 5000), []);
}

#[test]
fn what_is_announced_again_is_dialled_with_delays_that_grow() {
    let mut directory = directory();
    let mut times = Vec::new();
    for ms in (0..100_000).step_by(10_000) {
        let dials = directory.handle(at(ms), announced(9, 1));
        for dial in dials {
            times.push(at(ms));
            directory.handle(at(ms), dialled(&dial, Outcome::Failed));
        }
        times.extend(run(&mut directory, ms, ms + 9_999).into_iter().map(|(at, _)| at));
    }
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64().round()).collect();
    assert_eq!(gaps, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
}

#[test]
fn three_missed_announcements_or_a_goodbye_forget_a_device_and_a_blink_does_not() {
    let mut directory = directory();
    directory.handle(at(0), announced(1, 1));
    run(&mut directory, 0, 29_999);
    assert_eq!(directory.entries.len(), 1);
    run(&mut directory, 29_999, 30_000);
    assert_eq!(directory.entries.len(), 0);

    directory.handle(at(40_000), announced(1, 1));
    directory.handle(at(41_000), Input::Withdrawn { instance: [1; 8] });
    directory.handle(at(41_500), announced(1, 1));
    run(&mut directory, 41_500, 60_000);
    assert_eq!(directory.entries.len(), 1, "it was announced again");
    directory.handle(at(60_000), Input::Withdrawn { instance: [1; 8] });
    run(&mut directory, 60_000, 61_000);
    assert_eq!(directory.entries.len(), 0);
    assert_eq!(directory.next_wake(at(61_000)), None);
}

#[test]
fn a_lost_peer_is_dialled_again_and_a_connected_one_never() {
    let mut directory = directory();
    let dials = directory.handle(at(0), announced(9, 1));
    directory.handle(at(1), dialled(&dials[0], Outcome::Answered(peer(9))));
    directory.handle(at(2), connected(9));
    for ms in (10_000..60_000).step_by(10_000) {
        assert_eq!(directory.handle(at(ms), announced(9, 1)), []);
        assert_eq!(run(&mut directory, ms, ms + 9_999), []);
    }
    directory.handle(at(60_000), announced(9, 1));
    let dials = directory.handle(at(60_000), Input::Lost { peer: peer(9), random: u64::MAX });
    assert_eq!(dials, []);
    let times = run(&mut directory, 60_000, 61_000);
    assert_eq!(times.len(), 1, "{times:?}");
}

#[test]
fn ids_tell_of_peers_that_are_connected_already() {
    let mut directory = directory();
    directory.handle(at(0), connected(9));
    assert_eq!(directory.handle(at(1), announced(9, 1)), []);
    // A control: the same of a device that is not.
    assert_eq!(directory.handle(at(1), announced(8, 1)).len(), 1);
}

#[test]
fn ourselves_and_whoever_was_shunned_are_left_alone() {
    let mut directory = directory();
    assert_eq!(directory.handle(at(0), announced(5, 1)), [], "our own instance");
    let dials = directory.handle(at(0), announced(9, 1));
    directory.handle(at(0), dialled(&dials[0], Outcome::Unwanted));
    assert_eq!(run(&mut directory, 0, 29_000), []);

    let dials = directory.handle(at(30_000), announced(8, 2));
    directory.handle(at(30_000), dialled(&dials[0], Outcome::Answered(peer(8))));
    directory.handle(at(30_000), connected(8));
    directory.handle(at(31_000), Input::Shunned { peer: peer(8) });
    directory.handle(at(31_000), Input::Lost { peer: peer(8), random: 0 });
    assert_eq!(run(&mut directory, 31_000, 50_000), []);
}

#[test]
fn a_crowd_of_forgeries_is_bounded_and_an_honest_device_is_dialled_all_the_same() {
    let mut directory = Directory::new([5; 8], Bounds { max_new_per_s: 100, ..bounds() });
    let dials = directory.handle(at(0), announced(9, 9));
    directory.handle(at(0), dialled(&dials[0], Outcome::Answered(peer(9))));
    let mut honest = 0;
    for n in 0..10_000_u16 {
        let now = at(u64::from(n));
        let mut dials = Vec::new();
        if n % 97 == 0 {
            dials.extend(directory.handle(now, announced(9, 9)));
            dials.extend(directory.handle(now, announced(8, 8)));
        }
        let instance = [6, n.to_be_bytes()[0], n.to_be_bytes()[1], 7, 7, 7, 7, 7];
        let addresses = (0..100).map(|i| address(1000 + i)).collect();
        dials.extend(directory.handle(now, Input::Announced { instance, id: [7; 8], addresses }));
        while let Some(dial) = dials.pop() {
            honest += usize::from(dial.address.port() == 8);
            dials.extend(directory.handle(now, dialled(&dial, Outcome::Failed)));
        }
        assert!(directory.entries.len() <= 16 && directory.dialling <= 4);
        assert!(directory.entries.values().all(|entry| entry.next().is_some()));
    }
    assert!(directory.entries.contains_key(&Key::Announced([9; 8])), "whoever answered keeps its place");
    assert!(honest > 0, "the crowd starves a newcomer");
}

#[test]
fn newcomers_and_dials_have_a_rate() {
    let mut directory = Directory::new([0; 8], Bounds { max_new_per_s: 10, max_entries: 1000, ..bounds() });
    for n in 0..1000_u64 {
        let instance = (n + 1).to_be_bytes();
        let input = Input::Announced { instance, id: [0; 8], addresses: vec![address(1)] };
        for dial in directory.handle(at(n), input) {
            directory.handle(at(n), dialled(&dial, Outcome::Failed));
        }
    }
    assert!((15..=20).contains(&directory.entries.len()), "{}", directory.entries.len());
    let dials = run(&mut directory, 1000, 2000).len();
    assert!(dials <= 40, "{dials} dials in a second");
}

#[test]
fn known_peers_are_dialled_one_by_one_by_name_and_forgotten_after_a_day() {
    let mut directory = directory();
    for n in 0..=255 {
        directory.handle(at(0), Input::Known { peer: peer(n), address: address(1000 + u16::from(n)) });
    }
    assert_eq!(directory.entries.len(), MAX_KNOWN);
    let dials = run(&mut directory, 0, 100);
    // The first was dialled, and failed, before.
    assert!(dials.len() <= 1, "{dials:?}");
    let day = 24 * 3600 * 1000;
    run(&mut directory, 100, day - 1);
    assert_eq!(directory.take_forgotten(), []);
    run(&mut directory, day - 1, day);
    assert_eq!(directory.take_forgotten().len(), MAX_KNOWN);

    let dials = directory.handle(at(day), Input::Known { peer: peer(1), address: address(1) });
    assert_eq!(dials, [Dial { key: Key::Known(peer(1)), address: address(1), peer: Some(peer(1)) }]);
}
