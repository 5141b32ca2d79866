//! Two sessions over sets of ids in memory: what a store would do, without one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes as Frames;
use civic_crypto::community::CommunityKey;
use civic_sync::Cursor;
use civic_sync::reconcile::{ShortId, Sketch, Symbol, prefix};
use civic_sync::session::{Frame, Input, Output, PushStart, ScopeView, Session};
use civic_types::time::Tick;
use civic_types::{CollectionId, CollectionSpec, CommunityId, PeerId};

const COMMUNITY: CommunityId = CommunityId::from_bytes([3; 32]);

/// Ids in one pack of the model.
const PACK: usize = 5000;

/// So many ids, other ones for another seed.
pub(crate) fn ids(seed: u64, count: u64) -> Vec<ShortId> {
    let id = |i: u64| {
        let hash = blake3::hash(&[seed.to_be_bytes(), i.to_be_bytes()].concat());
        hash.as_bytes()[..6].iter().fold(0, |id, byte| id << 8 | u64::from(*byte))
    };
    (0..count).map(id).collect()
}

/// What went over the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bytes {
    /// Frames from hello to want.
    pub(crate) identification: usize,
    /// What both say at the end.
    pub(crate) end: usize,
    /// How often the direction turned.
    pub(crate) flights: usize,
}

/// Two ends.
pub(crate) struct Pair {
    ends: [End; 2],
    /// Something is written to either while they talk, a few times.
    pub(crate) growing: bool,
    /// The leader's sketch is wrong.
    pub(crate) poisoned: bool,
    seed: u64,
}

struct End {
    session: Session,
    /// In order of arrival, with the source: 0 is here.
    log: Vec<(ShortId, usize)>,
    at: BTreeMap<ShortId, usize>,
    consumed: Option<Cursor>,
    pushing: VecDeque<ShortId>,
    epoch: u8,
    /// Kept until the set changes.
    sketch: Option<(usize, Arc<Sketch>)>,
}

impl Pair {
    pub(crate) fn new(leader: Vec<ShortId>, follower: Vec<ShortId>) -> Self {
        let (low, high) = (PeerId::from_bytes([1; 32]), PeerId::from_bytes([2; 32]));
        let binding = vec![[9; 32]];
        let end = |session, epoch, ids: Vec<ShortId>| {
            let log: Vec<_> = ids.into_iter().map(|id| (id, 0)).collect();
            let at = log.iter().enumerate().map(|(at, (id, _))| (*id, at)).collect();
            End { session, log, at, consumed: None, pushing: VecDeque::new(), epoch, sketch: None }
        };
        let ends = [
            end(Session::new(low, high, binding.clone()), 1, leader),
            end(Session::new(high, low, binding), 2, follower),
        ];
        Self { ends, growing: false, poisoned: false, seed: 1 << 40 }
    }

    /// Writes so many on either side.
    pub(crate) fn write(&mut self, leader: u64, follower: u64) {
        for (end, count) in self.ends.iter_mut().zip([leader, follower]) {
            self.seed += 1;
            ids(self.seed, count).into_iter().for_each(|id| end.add(id, 0));
        }
    }

    pub(crate) fn assert_equal(&self) {
        assert!(self.ends[0].at.keys().eq(self.ends[1].at.keys()), "the sets differ");
    }

    /// Talks until nothing is left to say.
    pub(crate) fn run(&mut self) -> Bytes {
        let mut bytes = Bytes::default();
        let mut wire: VecDeque<(usize, Frames)> = VecDeque::new();
        let mut now = Tick::default();
        for at in [0, 1] {
            let memberships = vec![(COMMUNITY, CommunityKey::from_bytes([4; 32]))];
            let strangers = self.ends[at].session.shared().is_empty();
            if strangers {
                wire.extend(self.handle(at, now, Input::Communities(memberships)));
            } else if at == 0 {
                wire.extend(self.handle(at, now, Input::Changed));
            }
        }
        let mut last = None;
        for step in 0..1_000_000 {
            let Some((to, frame)) = wire.pop_front() else {
                let timeout = self.ends.iter().filter_map(|end| end.session.next_timeout()).min();
                let Some(at) = timeout else { return bytes };
                now = now.max(at);
                for at in [0, 1] {
                    wire.extend(self.handle(at, now, Input::Tick));
                }
                continue;
            };
            let read = Frame::decode(&frame).unwrap();
            if !matches!(read, Frame::Proof(_)) {
                if last.replace(to) != Some(to) {
                    bytes.flights += 1;
                }
                match read {
                    Frame::Done { .. } => bytes.end += frame.len(),
                    read if !read.is_data() => bytes.identification += frame.len(),
                    _ => {}
                }
            }
            if self.growing && step % 7 == 3 && step < 50 {
                self.write(3, 2);
                wire.extend(self.handle(0, now, Input::Changed));
            }
            wire.extend(self.handle(to, now, Input::Frame(frame)));
        }
        panic!("the sessions do not come to an end");
    }

    /// Gives an end an input, does what it asks, and gives the frames for the other.
    fn handle(&mut self, at: usize, now: Tick, input: Input) -> Vec<(usize, Frames)> {
        let poisoned = self.poisoned && at == 0;
        let end = &mut self.ends[at];
        let (mut inputs, mut frames) = (VecDeque::from([input]), Vec::new());
        while let Some(input) = inputs.pop_front() {
            for output in end.session.handle(now, input) {
                match output {
                    Output::Send(frame) => frames.push((1 - at, frame)),
                    Output::Misbehaved(what) => panic!("an honest peer was accused: {what}"),
                    output => inputs.extend(end.answer(output, poisoned)),
                }
            }
        }
        frames
    }
}

impl End {
    fn add(&mut self, id: ShortId, source: usize) {
        if let std::collections::btree_map::Entry::Vacant(free) = self.at.entry(id) {
            free.insert(self.log.len());
            self.log.push((id, source));
        }
    }

    fn cursor(&self, seq: usize) -> Cursor {
        let mut chain = [self.epoch; 16];
        chain[8..].copy_from_slice(&(seq as u64).to_be_bytes());
        Cursor { seq: seq as u64, chain }
    }

    fn view(&self, verified: bool) -> ScopeView {
        let spec = CollectionSpec::new(COMMUNITY, "pumps").unwrap();
        let mut hasher = blake3::Hasher::new();
        for id in self.at.keys() {
            hasher.update(&id.to_be_bytes());
        }
        ScopeView {
            collection: spec.id(),
            community: COMMUNITY,
            definition: spec.encode().into(),
            count: self.log.len() as u64,
            // Everybody writes a little, so comparing logs would not help.
            logs: 10_000,
            fingerprint: *hasher.finalize().as_bytes(),
            end: self.cursor(self.log.len()),
            consumed: self.consumed,
            verified,
        }
    }

    fn answer(&mut self, output: Output, poisoned: bool) -> Option<Input> {
        match output {
            Output::Summarise { cursors, .. } => {
                let holds = |(_, cursor): &(CollectionId, Cursor)| {
                    usize::try_from(cursor.seq).is_ok_and(|seq| self.cursor(seq) == *cursor)
                };
                Some(Input::Summary(vec![self.view(cursors.iter().any(holds))]))
            }
            Output::ListIds(collection) => {
                Some(Input::Ids { collection, ids: self.at.keys().copied().collect() })
            }
            Output::Sketch(collection) => {
                let size = Sketch::size(self.log.len() as u64).unwrap_or(1024);
                let known = self.sketch.clone().filter(|(len, _)| *len == self.log.len());
                let (_, sketch) = known.unwrap_or_else(|| {
                    let ids: Vec<_> = self.at.keys().copied().collect();
                    (ids.len(), Arc::new(Sketch::of(&ids, size)))
                });
                self.sketch = Some((self.log.len(), Arc::clone(&sketch)));
                let sketch = if poisoned { poison(&sketch) } else { sketch };
                Some(Input::Sketch { collection, sketch })
            }
            Output::Load { collection, start } => Some(self.load(collection, start)),
            Output::Import { collection, pack } => {
                let before = self.log.len();
                for id in pack.as_chunks::<8>().0 {
                    self.add(u64::from_be_bytes(*id), 1);
                }
                Some(Input::Imported { collection, admitted: Some(self.log.len() - before) })
            }
            Output::Remember { consumed, unequal } => {
                self.consumed = consumed.first().map(|(_, cursor)| *cursor).or(self.consumed);
                if !unequal.is_empty() {
                    self.consumed = None;
                }
                None
            }
            Output::Define(_) => Some(Input::Defined { declined: Vec::new() }),
            _ => None,
        }
    }

    fn load(&mut self, collection: CollectionId, start: Option<PushStart>) -> Input {
        if let Some(start) = start {
            self.pushing = match start {
                PushStart::After(seq) => {
                    let new = self.log.iter().skip(usize::try_from(seq).unwrap());
                    new.filter(|(_, source)| *source == 0).map(|(id, _)| *id).collect()
                }
                PushStart::Everything => self.log.iter().map(|(id, _)| *id).collect(),
                PushStart::Ids(ids) => ids.into(),
                PushStart::Prefixes(wanted) => {
                    let is_wanted =
                        |id: &&ShortId| wanted.values.binary_search(&prefix(**id, wanted.bits)).is_ok();
                    self.at.keys().filter(is_wanted).copied().collect()
                }
                PushStart::Logs(_) => panic!("logs are not compared here"),
            };
        }
        let part: Vec<u8> =
            self.pushing.drain(..self.pushing.len().min(PACK)).flat_map(u64::to_be_bytes).collect();
        let pack = (!part.is_empty()).then(|| part.into());
        Input::Loaded { collection, pack, more: !self.pushing.is_empty() }
    }
}

fn poison(sketch: &Sketch) -> Arc<Sketch> {
    let mut bytes = sketch.to_bytes();
    let wrong = Symbol { sum: 0x1234_5678, check: 7, count: 1 }.to_bytes();
    bytes[..wrong.len()].copy_from_slice(&wrong);
    Arc::new(Sketch::from_bytes(&bytes).unwrap())
}
