//! The laws of hybrid logical clocks.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use civic_types::PeerId;
use civic_types::cell::MemoryCell;
use civic_types::time::{ManualClock, Stamp, Timestamp};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;

use super::Law;
use super::law::{self, Violation};
use crate::HlcGenerator;
use crate::clock::{DEFAULT_MAX_DRIFT, Observed, RESERVED_AHEAD};

/// A clock that the kit can drive.
pub trait LawfulClock: Debug {
    /// The clock of a device whose wall clock says this.
    fn start(wall: Timestamp) -> Self;

    /// The wall clock jumps.
    fn set_wall(&mut self, wall: Timestamp);

    /// The device starts again with what it had kept; what it heard since its last tick may be forgotten.
    fn restart(&mut self);

    /// The time of an event here.
    fn tick(&mut self) -> Stamp;

    /// Takes note of somebody's time, or finds it too far ahead of the wall clock.
    fn observe(&mut self, stamp: Stamp) -> Observed;
}

/// Checks that clocks rise, follow causes, and are not dragged ahead, while wall clocks jump, devices restart
/// and somebody lies; the same histories in every run.
///
/// # Errors
///
/// [`Violation`]: the first law found broken.
pub fn check_clock<C: LawfulClock>() -> Result<(), Violation> {
    law::run(&vec(step(), 1..MAX_STEPS).boxed(), &|steps: &Vec<Step>| play::<C>(steps).err())
}

/// The generator with a cell that outlives it.
#[derive(Debug)]
pub struct KeptGenerator {
    wall: Arc<ManualClock>,
    cell: Arc<MemoryCell>,
    generator: Option<HlcGenerator>,
}

impl LawfulClock for KeptGenerator {
    fn start(wall: Timestamp) -> Self {
        let (wall, cell) = (Arc::new(ManualClock::new(wall)), Arc::new(MemoryCell::new()));
        let mut clock = Self { wall, cell, generator: None };
        clock.restart();
        clock
    }

    fn set_wall(&mut self, wall: Timestamp) {
        self.wall.set_wall(wall);
    }

    fn restart(&mut self) {
        let (peer, floor) = (PeerId::from_bytes([7; 32]), Timestamp::default());
        self.generator = HlcGenerator::new(peer, self.wall.clone(), self.cell.clone(), floor).ok();
    }

    fn tick(&mut self) -> Stamp {
        let tick = self.generator.as_ref().and_then(|generator| generator.tick().ok());
        tick.map(|hlc| hlc.stamp()).unwrap_or_default()
    }

    fn observe(&mut self, stamp: Stamp) -> Observed {
        self.generator.as_ref().map_or(Observed::Suspect, |generator| generator.observe(stamp))
    }
}

/// One step; devices are counted modulo how many there are.
#[derive(Clone, Debug)]
enum Step {
    /// A device hears the last time of another.
    Hear {
        device: usize,
        from: usize,
    },
    /// Somebody tells a device any time.
    Lie {
        device: usize,
        stamp: Stamp,
    },
    Restart {
        device: usize,
    },
    Tick {
        device: usize,
    },
    /// A wall clock jumps to so many milliseconds after the start.
    Wall {
        device: usize,
        millis: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let device = || 0..DEVICES;
    let ahead = prop_oneof![Just(0..10_u64), Just(0..600_000), Just(0..1_000_000_000_000)];
    let stamp = (ahead.prop_flat_map(|range| range), any::<u16>())
        .prop_map(|(ahead, counter)| Stamp { millis: START + ahead, counter });
    prop_oneof![
        4 => device().prop_map(|device| Step::Tick { device }),
        2 => (device(), device()).prop_map(|(device, from)| Step::Hear { device, from }),
        1 => (device(), stamp).prop_map(|(device, stamp)| Step::Lie { device, stamp }),
        1 => device().prop_map(|device| Step::Restart { device }),
        1 => (device(), 0..20_000_u64).prop_map(|(device, millis)| Step::Wall { device, millis }),
    ]
}

struct Device<C> {
    clock: C,
    last: Stamp,
    /// The latest time that it must be after.
    cause: Stamp,
    wall: u64,
}

fn play<C: LawfulClock>(steps: &[Step]) -> Result<(), Law> {
    let start = Timestamp::from_millis(START);
    let device =
        |_| Device { clock: C::start(start), last: Stamp::default(), cause: Stamp::default(), wall: START };
    let mut devices: Vec<Device<C>> = (0..DEVICES).map(device).collect();
    // What no clock may be ahead of: the latest wall clock, the drift, and what each restart skips.
    let mut bound = START + (START_JUMP + DEFAULT_MAX_DRIFT + RESERVED_AHEAD).as_secs() * 1000;
    for step in steps {
        match step {
            Step::Hear { device, from } => {
                let heard = devices.get(*from).map(|device| device.last).unwrap_or_default();
                devices.get_mut(*device).map_or(Ok(()), |device| hear(device, heard))?;
            }
            Step::Lie { device, stamp } => {
                devices.get_mut(*device).map_or(Ok(()), |device| hear(device, *stamp))?;
            }
            Step::Restart { device } => {
                bound += RESERVED_AHEAD.as_secs() * 1000;
                if let Some(device) = devices.get_mut(*device) {
                    device.clock.restart();
                    device.cause = Stamp::default();
                }
            }
            Step::Tick { device } => {
                devices.get_mut(*device).map_or(Ok(()), |device| tick(device, bound))?;
            }
            Step::Wall { device, millis } => {
                if let Some(device) = devices.get_mut(*device) {
                    device.wall = START + millis;
                    device.clock.set_wall(Timestamp::from_millis(device.wall));
                }
            }
        }
    }
    Ok(())
}

fn hear<C: LawfulClock>(device: &mut Device<C>, stamp: Stamp) -> Result<(), Law> {
    match device.clock.observe(stamp) {
        Observed::Adopted => device.cause = device.cause.max(stamp),
        // A time that has come can be believed.
        Observed::Suspect if stamp.millis <= device.wall => return Err(Law::ClockFollows),
        Observed::Suspect => {}
    }
    Ok(())
}

fn tick<C: LawfulClock>(device: &mut Device<C>, bound: u64) -> Result<(), Law> {
    let stamp = device.clock.tick();
    if stamp <= device.last {
        return Err(Law::ClockRises);
    }
    if stamp <= device.cause {
        return Err(Law::ClockFollows);
    }
    if stamp.millis > bound {
        return Err(Law::ClockStays);
    }
    device.last = stamp;
    Ok(())
}

const DEVICES: usize = 3;

const MAX_STEPS: usize = 40;

/// Milliseconds since 1970 at the start: 2023.
const START: u64 = 1_700_000_000_000;

/// How far ahead a wall clock jumps at most.
const START_JUMP: Duration = Duration::from_secs(20);
