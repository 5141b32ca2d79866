use civic_types::ReplicaId;

use super::history::{Bits, push};
use super::join::{self, union};
use super::step::{History, Step};
use super::{Event, Lawful, Seen};
use crate::clock::VersionVector;
use crate::laws::Law;

/// Plays a history and gives the first law that it breaks.
pub(super) fn broken<T: Lawful>(history: &History<T::Change>) -> Option<Law> {
    play::<T>(history).err()
}

fn play<T: Lawful>(history: &History<T::Change>) -> Result<(), Law> {
    let mut world = World::<T>::new(history.replicas);
    for step in &history.steps {
        world.take(step)?;
    }
    join::check(&world.sample())
}

struct World<T: Lawful> {
    replicas: Vec<Replica<T>>,
    letters: Vec<Letter<T>>,
    events: Vec<Event<T::Change>>,
    /// Every state that a replica was in.
    states: Vec<T>,
}

#[derive(Clone)]
struct Replica<T> {
    number: u8,
    state: T,
    seen: Bits,
}

struct Letter<T: Lawful> {
    delta: T::Delta,
    since: VersionVector,
    sender: Replica<T>,
}

impl<T: Lawful> World<T> {
    fn new(replicas: usize) -> Self {
        let numbers = (1..).take(replicas);
        let replicas = numbers.map(|number| Replica { number, state: T::start(), seen: 0 }).collect();
        Self { replicas, letters: Vec::new(), events: Vec::new(), states: vec![T::start()] }
    }

    fn take(&mut self, step: &Step<T::Change>) -> Result<(), Law> {
        match step {
            Step::Change { at, change } => {
                let Replica { number, state: before, seen } = self.replica(*at);
                let id = ReplicaId::from_bytes([number; 16]);
                let mut state = before.clone();
                state.change(id, change);
                join::same(&union(&state, &before)?, &state, Law::Growing)?;
                let seen = push(&mut self.events, id, change.clone(), seen);
                self.put(*at, Replica { number, state, seen })
            }
            Step::Delta { into, from } => {
                let (here, there) = (self.replica(*into), self.replica(*from));
                let since = here.state.version();
                let delta = there.state.delta_since(&since);
                self.deliver(*into, here, &Letter { delta, since, sender: there })
            }
            Step::Deliver { into, letter } => {
                let here = self.replica(*into);
                let Some(at) = letter.checked_rem(self.letters.len()) else { return Ok(()) };
                let letter = self.letters.swap_remove(at);
                let outcome = self.deliver(*into, here, &letter);
                self.letters.push(letter);
                outcome
            }
            Step::Load { at, place, byte } => {
                let here = self.replica(*at);
                let state = join::loaded(&here.state, *place, *byte)?;
                self.put(*at, Replica { state, ..here })
            }
            Step::Merge { into, from } => {
                let (here, there) = (self.replica(*into), self.replica(*from));
                let state = union(&here.state, &there.state)?;
                self.put(*into, Replica { state, seen: here.seen | there.seen, ..here })
            }
            Step::Restart { at } => {
                let here = self.replica(*at);
                self.put(*at, Replica { number: here.number.saturating_add(INCARNATION), ..here })
            }
            Step::Send { from, asks } => {
                let (sender, since) = (self.replica(*from), self.replica(*asks).state.version());
                let delta = sender.state.delta_since(&since);
                self.letters.push(Letter { delta, since, sender });
                Ok(())
            }
        }
    }

    fn deliver(&mut self, into: usize, here: Replica<T>, letter: &Letter<T>) -> Result<(), Law> {
        let whole = union(&here.state, &letter.sender.state)?;
        let state = join::applied(&here.state, &letter.delta)?;
        if here.state.version().dominates(&letter.since) {
            join::same(&state, &whole, Law::DeltaIsFull)?;
            self.put(into, Replica { state, seen: here.seen | letter.sender.seen, ..here })
        } else {
            // How much of it was taken is the type's choice, so the replica goes on without it.
            join::same(&union(&state, &letter.sender.state)?, &whole, Law::GapIsHarmless)
        }
    }

    fn replica(&self, at: usize) -> Replica<T> {
        let fresh = || Replica { number: 0, state: T::start(), seen: 0 };
        self.replicas.get(at % self.replicas.len().max(1)).cloned().unwrap_or_else(fresh)
    }

    fn put(&mut self, at: usize, replica: Replica<T>) -> Result<(), Law> {
        if replica.state.shown() != T::meant(&Seen::new(&self.events, replica.seen)) {
            return Err(Law::Meaning);
        }
        self.states.push(replica.state.clone());
        let at = at % self.replicas.len().max(1);
        if let Some(slot) = self.replicas.get_mut(at) {
            *slot = replica;
        }
        Ok(())
    }

    /// Some states of the whole history, the last of each replica among them.
    fn sample(self) -> Vec<T> {
        let stride = self.states.len() / BEFORE + 1;
        let earlier = self.states.into_iter().step_by(stride);
        earlier.chain(self.replicas.into_iter().map(|replica| replica.state)).collect()
    }
}

/// What a restart adds to the number of a replica: as many as there are replicas at most.
const INCARNATION: u8 = 5;

/// States sampled from the middle of a history: laws on pairs cost the square.
const BEFORE: usize = 3;
