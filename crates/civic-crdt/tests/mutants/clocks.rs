use civic_crdt::clock::Observed;
use civic_crdt::laws::{Law, LawfulClock, check_clock};
use civic_types::time::{Stamp, Timestamp};

/// A small clock: one more than the last, or the wall.
#[derive(Debug)]
struct Small<const FLAW: u8> {
    wall: u64,
    last: Stamp,
}

const RIGHT: u8 = 0;
const WALL_ALONE: u8 = 1;
const FORGETS: u8 = 2;
const BELIEVES_ALL: u8 = 3;
const BELIEVES_NONE: u8 = 4;
const SAYS_SO_ONLY: u8 = 5;

#[test]
fn a_right_clock_is_taken() {
    check_clock::<Small<RIGHT>>().unwrap();
}

macro_rules! refused {
    ($($test:ident: $flaw:ident, $law:ident;)*) => {$(
        #[test]
        fn $test() {
            let violation = check_clock::<Small<$flaw>>().expect_err("the kit takes it");
            assert_eq!(violation.law, Law::$law, "{violation}");
        }
    )*};
}

refused! {
    the_wall_clock_alone_is_refused: WALL_ALONE, ClockFollows;
    a_clock_that_forgets_at_a_restart_is_refused: FORGETS, ClockRises;
    a_clock_that_believes_every_liar_is_refused: BELIEVES_ALL, ClockStays;
    a_clock_that_believes_nobody_is_refused: BELIEVES_NONE, ClockFollows;
    a_clock_that_only_says_that_it_adopts_is_refused: SAYS_SO_ONLY, ClockFollows;
}

impl<const FLAW: u8> LawfulClock for Small<FLAW> {
    fn start(wall: Timestamp) -> Self {
        Self { wall: wall.as_millis(), last: Stamp::default() }
    }

    fn set_wall(&mut self, wall: Timestamp) {
        self.wall = wall.as_millis();
    }

    fn restart(&mut self) {
        if FLAW == FORGETS {
            self.last = Stamp::default();
        }
    }

    fn tick(&mut self) -> Stamp {
        let now = Stamp { millis: self.wall, counter: 0 };
        let next = Stamp::unpack(self.last.pack() + 1);
        self.last = if FLAW == WALL_ALONE { now } else { now.max(next) };
        self.last
    }

    fn observe(&mut self, stamp: Stamp) -> Observed {
        let far = stamp.millis > self.wall + 300_000;
        if FLAW == BELIEVES_NONE || (far && FLAW != BELIEVES_ALL) {
            return Observed::Suspect;
        }
        if FLAW != SAYS_SO_ONLY {
            self.last = self.last.max(stamp);
        }
        Observed::Adopted
    }
}
