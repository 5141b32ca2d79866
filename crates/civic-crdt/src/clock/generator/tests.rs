use civic_types::cell::MemoryCell;
use civic_types::time::ManualClock;

use super::*;

const START: u64 = 1_700_000_000_000;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_millis(START)))
}

fn open(clock: &Arc<ManualClock>, cell: &Arc<MemoryCell>) -> HlcGenerator {
    HlcGenerator::new(PeerId::from_bytes([7; 32]), clock.clone(), cell.clone(), Timestamp::default()).unwrap()
}

#[test]
fn ticks_rise_while_the_wall_clock_stands_still_or_goes_back() {
    let (clock, cell) = (clock(), Arc::new(MemoryCell::new()));
    let hlc = open(&clock, &cell);
    let mut last = hlc.tick().unwrap();
    assert_eq!(last.millis, START);
    for i in 0..70_000_u64 {
        if i == 10 {
            clock.set_wall(Timestamp::from_millis(START - 60_000));
        }
        let next = hlc.tick().unwrap();
        assert!(next > last);
        last = next;
    }
    assert_eq!(last.millis, START + 1);
}

#[test]
fn a_restart_goes_on_above_everything_issued() {
    let (clock, cell) = (clock(), Arc::new(MemoryCell::new()));
    let mut last = Stamp::default();
    for round in 0..20 {
        clock.set_wall(Timestamp::from_millis(START - round * 1000));
        let hlc = open(&clock, &cell);
        for _ in 0..3 {
            let next = hlc.tick().unwrap().stamp();
            assert!(next > last);
            last = next;
        }
    }
}

#[test]
fn a_stamp_too_far_ahead_is_suspect_and_never_adopted() {
    let (clock, cell) = (clock(), Arc::new(MemoryCell::new()));
    let hlc = open(&clock, &cell);
    let far = Stamp::new(START + 300_001, 0).unwrap();
    let near = Stamp::new(START + 300_000, 9).unwrap();
    assert_eq!(hlc.observe(far), Observed::Suspect);
    assert_eq!(hlc.tick().unwrap().millis, START);
    assert_eq!(hlc.observe(near), Observed::Adopted);
    assert_eq!(hlc.tick().unwrap().stamp(), Stamp::new(START + 300_000, 10).unwrap());
    let lax = open(&clock, &Arc::new(MemoryCell::new())).with_max_drift(Duration::from_secs(86_400));
    assert_eq!(lax.observe(far), Observed::Adopted);
}

#[test]
fn the_floor_holds_where_the_wall_clock_is_at_1970() {
    let clock = Arc::new(ManualClock::new(Timestamp::default()));
    let peer = PeerId::from_bytes([7; 32]);
    let hlc =
        HlcGenerator::new(peer, clock, Arc::new(MemoryCell::new()), Timestamp::from_millis(START)).unwrap();
    assert_eq!(hlc.tick().unwrap().millis, START);
}

#[test]
fn nothing_is_issued_from_2200_on() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(END_OF_TIME_MILLIS)));
    let hlc = open(&clock, &Arc::new(MemoryCell::new()));
    assert!(matches!(hlc.tick(), Err(ClockError::EndOfTime)));
    assert_eq!(hlc.observe(Stamp { millis: END_OF_TIME_MILLIS, counter: 0 }), Observed::Suspect);
}

#[test]
fn threads_never_get_the_same_tick() {
    let (clock, cell) = (clock(), Arc::new(MemoryCell::new()));
    let hlc = open(&clock, &cell);
    let mut all: Vec<_> = std::thread::scope(|scope| {
        let run = || (0..1000).map(|_| hlc.tick().unwrap()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4000);
}
