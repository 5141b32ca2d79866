use civic_types::cell::MemoryCell;
use civic_types::time::{ManualClock, Tick};
use proptest::prelude::*;

use super::*;
use crate::clock::ClockTrust;

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

/// Peers whose clocks say `millis` at the tick 0.
fn peers(count: u8, millis: u64) -> ClockTrust {
    let mut trust = ClockTrust::new();
    for number in 0..count {
        trust.hear(PeerId::from_bytes([number; 32]), Timestamp::from_millis(millis), Tick::default());
    }
    trust
}

#[test]
fn a_cell_restored_from_a_copy_of_the_same_reservation_repeats_nothing() {
    let (clock, cell) = (clock(), Arc::new(MemoryCell::new()));
    let hlc = open(&clock, &cell);
    hlc.tick().unwrap();
    let copy = cell.load().unwrap().unwrap();
    clock.advance(Duration::from_millis(1900));
    let last = (0..100).map(|_| hlc.tick().unwrap()).last().unwrap();
    clock.set_wall(Timestamp::from_millis(START));
    cell.save(&copy).unwrap();
    assert!(open(&clock, &cell).tick().unwrap() > last);
}

#[test]
fn one_save_reserves_two_seconds_of_writing() {
    #[derive(Debug, Default)]
    struct Counting(MemoryCell, AtomicU64);
    impl StateCell for Counting {
        fn load(&self) -> Result<Option<Vec<u8>>, CellError> {
            self.0.load()
        }
        fn save(&self, bytes: &[u8]) -> Result<(), CellError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.save(bytes)
        }
    }
    let (clock, cell) = (clock(), Arc::new(Counting::default()));
    let peer = PeerId::from_bytes([7; 32]);
    let hlc = HlcGenerator::new(peer, clock.clone(), cell.clone(), Timestamp::default()).unwrap();
    for _ in 0..100 {
        clock.advance(Duration::from_millis(100));
        hlc.tick().unwrap();
    }
    assert_eq!(cell.1.load(Ordering::Relaxed), 5);
}

#[test]
fn nothing_is_issued_while_no_mark_can_be_kept() {
    #[derive(Debug)]
    struct Broken;
    impl StateCell for Broken {
        fn load(&self) -> Result<Option<Vec<u8>>, CellError> {
            Ok(None)
        }
        fn save(&self, _: &[u8]) -> Result<(), CellError> {
            Err(CellError::TooLarge { got: 8, limit: 0 })
        }
    }
    let peer = PeerId::from_bytes([7; 32]);
    let hlc = HlcGenerator::new(peer, clock(), Arc::new(Broken), Timestamp::default()).unwrap();
    let before = hlc.last();
    assert!(matches!(hlc.tick(), Err(ClockError::Cell(_))));
    assert_eq!(hlc.last(), before);
}

#[test]
fn a_wall_clock_is_suspect_below_the_floor_and_away_from_three_peers() {
    let clock = clock();
    let peer = PeerId::from_bytes([7; 32]);
    let floor = Timestamp::from_millis(START);
    let hlc = HlcGenerator::new(peer, clock.clone(), Arc::new(MemoryCell::new()), floor).unwrap();
    let nobody = ClockTrust::new();
    assert_eq!(hlc.standing(&nobody), ClockStanding::Sound);
    clock.set_wall(Timestamp::from_millis(START - 1));
    assert_eq!(hlc.standing(&nobody), ClockStanding::Suspect(Suspicion::BelowFloor));
    clock.set_wall(Timestamp::from_millis(START));
    let off = Duration::from_millis(300_001);
    assert_eq!(hlc.standing(&peers(3, START + 300_000)), ClockStanding::Sound);
    let far = START + 300_001;
    assert_eq!(hlc.standing(&peers(2, far)), ClockStanding::Sound, "two are too few");
    assert_eq!(hlc.standing(&peers(3, far)), ClockStanding::Suspect(Suspicion::OffPeers(off)));
    assert_eq!(hlc.standing(&peers(3, START - 300_001)), ClockStanding::Suspect(Suspicion::OffPeers(off)));
    hlc.set_max_drift(CRISIS_MAX_DRIFT);
    assert_eq!(hlc.standing(&peers(3, far)), ClockStanding::Sound);
}

#[test]
fn a_wall_clock_that_was_set_back_is_suspect_and_stamps_rise_on() {
    let (clock, cell) = (clock(), Arc::new(MemoryCell::new()));
    let hlc = open(&clock, &cell);
    let last = hlc.tick().unwrap();
    clock.set_wall(Timestamp::from_millis(START - 302_000));
    assert_eq!(hlc.standing(&ClockTrust::new()), ClockStanding::Sound, "within drift and reservation");
    clock.set_wall(Timestamp::from_millis(START - 302_001));
    let suspicion = Suspicion::BehindMark(Duration::from_millis(302_001));
    assert_eq!(hlc.standing(&ClockTrust::new()), ClockStanding::Suspect(suspicion));
    assert!(hlc.tick().unwrap() > last);
}

#[test]
fn a_mark_ahead_of_trusted_time_asks_for_a_new_incarnation_which_starts_at_the_wall_clock() {
    const YEAR_2099: u64 = 4_070_908_800_000;
    let (clock, cell) = (clock(), Arc::new(MemoryCell::new()));
    clock.set_wall(Timestamp::from_millis(YEAR_2099));
    let hlc = open(&clock, &cell);
    hlc.tick().unwrap();
    clock.set_wall(Timestamp::from_millis(START));
    let trust = peers(3, START);
    let ClockStanding::Ahead(by) = hlc.standing(&trust) else { panic!("{:?}", hlc.standing(&trust)) };
    assert_eq!(by.as_millis(), u128::from(YEAR_2099 - START));

    // The process ends before the fresh clock has ticked: what stands in the cell asks again.
    let hlc = open(&clock, &cell);
    assert!(matches!(hlc.standing(&trust), ClockStanding::Ahead(_)));

    let fresh = HlcGenerator::incarnate(hlc.peer(), clock.clone(), cell.clone(), Timestamp::default());
    assert_eq!(fresh.tick().unwrap().millis, START);
    assert_eq!(fresh.standing(&trust), ClockStanding::Sound);
    assert!(open(&clock, &cell).tick().unwrap().millis <= START + 2000);
}

#[test]
fn a_wall_clock_away_from_peers_is_set_right_before_an_incarnation_is_asked_for() {
    let (clock, cell) = (clock(), Arc::new(MemoryCell::new()));
    clock.set_wall(Timestamp::from_millis(START + 86_400_000));
    let hlc = open(&clock, &cell);
    hlc.tick().unwrap();
    assert!(matches!(hlc.standing(&peers(3, START)), ClockStanding::Suspect(Suspicion::OffPeers(_))));
}

/// What happens to one of three clocks.
#[derive(Clone, Debug)]
enum Turn {
    Tick(usize),
    Wall(usize, u64),
    Tell { from: usize, to: usize },
    Hostile(usize, u64, u16),
    Restart(usize),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let (who, wall) = (|| 0..3_usize, START - 3_600_000..START + 3_600_000);
    let turn = prop_oneof![
        who().prop_map(Turn::Tick),
        (who(), wall).prop_map(|(at, wall)| Turn::Wall(at, wall)),
        (who(), who()).prop_map(|(from, to)| Turn::Tell { from, to }),
        (who(), any::<u64>(), any::<u16>()).prop_map(|(at, millis, c)| Turn::Hostile(at, millis >> 16, c)),
        who().prop_map(Turn::Restart),
    ];
    prop::collection::vec(turn, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn readings_rise_and_follow_what_was_adopted_whatever_is_observed(turns in turns()) {
        let clocks = [clock(), clock(), clock()];
        let cells: [_; 3] = std::array::from_fn(|_| Arc::new(MemoryCell::new()));
        let mut clocked: Vec<_> = (0..3).map(|at| open(&clocks[at], &cells[at])).collect();
        let mut issued = [Stamp::default(); 3];
        // What each may not fall behind: what it issued, and what it adopted since it last restarted.
        let mut floors = [Stamp::default(); 3];
        for turn in turns {
            match turn {
                Turn::Tick(at) => {
                    let stamp = clocked[at].tick().unwrap().stamp();
                    prop_assert!(stamp > floors[at] && stamp > issued[at]);
                    prop_assert!(stamp.millis < START + 7_200_000 + 10_000, "a hostile stamp was adopted");
                    (issued[at], floors[at]) = (stamp, stamp);
                }
                Turn::Wall(at, wall) => clocks[at].set_wall(Timestamp::from_millis(wall)),
                Turn::Tell { from, to } => {
                    if clocked[to].observe(issued[from]) == Observed::Adopted {
                        floors[to] = floors[to].max(issued[from]);
                    } else {
                        let latest = clocks[to].wall().saturating_add(DEFAULT_MAX_DRIFT);
                        prop_assert!(issued[from].timestamp() > latest);
                    }
                }
                Turn::Hostile(at, millis, counter) => {
                    if clocked[at].observe(Stamp { millis, counter }) == Observed::Adopted {
                        floors[at] = floors[at].max(Stamp { millis, counter });
                    }
                }
                Turn::Restart(at) => {
                    clocked[at] = open(&clocks[at], &cells[at]);
                    floors[at] = issued[at];
                }
            }
        }
    }
}
