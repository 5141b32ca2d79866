use bytes::Bytes;
use civic_types::CollectionId;

use super::super::frame::{Frame, MAX_HEADS, Mode, ScopeFrame, ScopeName, tag};
use super::super::scope::{ScopeOf, ScopeRound};
use super::super::wire::{Output, PushStart, ScopeView};
use super::{Round, Stage};
use crate::reconcile::Prefixes;

/// From scopes that differ to how each of them is reconciled.
impl Round {
    pub(super) fn their_scopes(
        &mut self,
        scopes: Vec<ScopeFrame>,
        definitions: Vec<Bytes>,
        wanted: Vec<CollectionId>,
        out: &mut Vec<Output>,
    ) {
        let name = |scope: &ScopeFrame| match scope.name {
            ScopeName::Collection(id) => Some(id),
            ScopeName::Place(place) => {
                usize::try_from(place).ok().and_then(|at| self.listed.get(at).copied())
            }
        };
        let Some(names) = scopes.iter().map(name).collect::<Option<Vec<_>>>() else {
            out.push(Output::Misbehaved("a scope that was not listed"));
            return;
        };
        let cursors =
            names.iter().zip(&scopes).filter_map(|(id, scope)| Some((*id, scope.consumed?))).collect();
        if self.leads {
            self.listed = names.clone();
        } else {
            self.numbered = names.iter().chain(&wanted).copied().collect();
        }
        self.theirs = names.into_iter().zip(scopes).collect();
        // The leader may ask only for what the follower has listed.
        self.wanted = wanted.into_iter().collect();
        if !definitions.is_empty() {
            out.push(Output::Define(definitions));
        }
        out.push(Output::Summarise { communities: self.view.communities.clone(), cursors });
        self.stage = Stage::Checking;
    }

    /// The peer's cursors have been checked against our logs.
    pub(super) fn checked(&mut self, out: &mut Vec<Output>) {
        if self.leads {
            let differs = |scope: &&ScopeView| {
                self.theirs
                    .get(&scope.collection)
                    .is_none_or(|theirs| theirs.fingerprint != tag(&scope.fingerprint))
            };
            let differing: Vec<&ScopeView> = self.ours.values().filter(differs).collect();
            let unknown = |scope: &&&ScopeView| !self.theirs.contains_key(&scope.collection);
            let definitions = differing.iter().filter(unknown).map(|scope| scope.definition.clone());
            let definitions: Vec<_> = definitions.take(MAX_DEFINITIONS).collect();
            let unknown =
                |id: &&CollectionId| !self.ours.contains_key(*id) && !self.view.declined.contains(*id);
            let wanted: Vec<_> = self.theirs.keys().filter(unknown).take(MAX_DEFINITIONS).copied().collect();
            let place = |scope: &ScopeView| self.listed.iter().position(|id| *id == scope.collection);
            let frames: Vec<_> = differing
                .iter()
                .map(|scope| scope_frame(scope, place(scope), self.pushes_suffix(scope)))
                .collect();
            let numbered =
                differing.iter().map(|scope| scope.collection).chain(wanted.iter().copied()).collect();
            // What the follower leaves out of its modes it cannot follow, unless we could not define it now.
            self.truncated = definitions.len() == MAX_DEFINITIONS || wanted.len() == MAX_DEFINITIONS;
            self.numbered = numbered;
            self.send_scopes(frames, definitions, wanted, out);
            self.stage = Stage::AwaitModes;
            return;
        }
        let mut modes = Vec::new();
        for (id, theirs) in &self.theirs {
            if let Some(ours) = self.ours.get(id) {
                modes.push((*id, self.mode(ours, theirs)));
            }
        }
        // Scopes that only we have: everything is the suffix.
        for id in self.wanted.iter().filter(|id| self.ours.contains_key(*id)) {
            modes.push((*id, Mode::Suffix));
        }
        self.truncated = self.wanted.len() > MAX_DEFINITIONS;
        self.truncated |=
            self.theirs.keys().any(|id| !self.ours.contains_key(id) && !self.view.declined.contains(id));
        let definitions = self.wanted.iter().filter_map(|id| self.ours.get(id)).map(|s| s.definition.clone());
        let definitions = definitions.take(MAX_DEFINITIONS);
        let number = |id: &CollectionId| self.numbered.iter().position(|known| known == id);
        let numbers = modes.iter().filter_map(|(id, mode)| Some((number(id)? as u64, *mode))).collect();
        let frame = Frame::Modes { round: self.number, modes: numbers, definitions: definitions.collect() };
        out.push(Output::Send(frame.encode()));
        self.stage = Stage::Moving;
        self.start(&modes, out);
    }

    /// Whether we can push by suffix: the peer's cursor holds here, or it has nothing.
    fn pushes_suffix(&self, ours: &ScopeView) -> bool {
        ours.verified
            || self.theirs.get(&ours.collection).is_none_or(|theirs| theirs.count == 0)
            || ours.count == 0
    }

    /// How a scope is reconciled that differs.
    fn mode(&self, ours: &ScopeView, theirs: &ScopeFrame) -> Mode {
        if (theirs.verified || theirs.count == 0 || ours.count == 0) && self.pushes_suffix(ours) {
            return Mode::Suffix;
        }
        let few = ours.logs.max(theirs.logs) <= MAX_HEADS as u64;
        if few && !self.view.suspect.contains(&ours.collection) {
            return Mode::Heads;
        }
        // Symbols cost about 12 bytes an id of difference, which is at least that of the counts.
        let list = Prefixes::list_bytes(theirs.count, Prefixes::bits_to_compare(ours.count, theirs.count));
        let symbols = ours.count.abs_diff(theirs.count).saturating_mul(SYMBOL_COST).max(LEAST_SYMBOL_BYTES);
        if list <= symbols { Mode::List } else { Mode::Symbols }
    }

    pub(super) fn modes(&mut self, modes: Vec<(u64, Mode)>, definitions: Vec<Bytes>, out: &mut Vec<Output>) {
        let named = modes.into_iter().map(|(number, mode)| Some((self.collection(number)?, mode)));
        let Some(modes) = named.collect::<Option<Vec<_>>>() else {
            out.push(Output::Misbehaved("a scope that is no part of the round"));
            return;
        };
        self.scopes = modes.iter().map(|(id, mode)| (*id, self.scope(*id, *mode))).collect();
        if definitions.is_empty() {
            self.stage = Stage::Moving;
            self.start(&modes, out);
        } else {
            self.stage = Stage::Defining;
            out.push(Output::Define(definitions));
        }
    }

    pub(super) fn defined(&mut self, out: &mut Vec<Output>) {
        let modes: Vec<_> = self.scopes.values().map(|scope| (scope.collection, scope.mode)).collect();
        self.stage = Stage::Moving;
        self.start(&modes, out);
    }

    fn start(&mut self, modes: &[(CollectionId, Mode)], out: &mut Vec<Output>) {
        for (id, mode) in modes {
            let scope = self.scope(*id, *mode);
            let scope = self.scopes.entry(*id).or_insert(scope);
            match mode {
                Mode::Suffix => {
                    let theirs = self.theirs.get(id);
                    let start = match theirs.and_then(|theirs| theirs.consumed.filter(|_| theirs.count > 0)) {
                        Some(cursor) if self.ours.get(id).is_some_and(|ours| ours.verified) => {
                            PushStart::After(cursor.seq)
                        }
                        _ => PushStart::Everything,
                    };
                    scope.push(start, out);
                }
                _ => scope.start(out),
            }
        }
    }

    fn scope(&self, id: CollectionId, mode: Mode) -> ScopeRound {
        let ours = self.ours.get(&id).map_or(0, |scope| scope.count);
        let theirs = self.theirs.get(&id).map_or(0, |scope| scope.count);
        let number = self.numbered.iter().position(|known| *known == id).unwrap_or_default() as u64;
        let (round, leads) = (self.number, self.leads);
        let suspect = self.view.suspect.contains(&id);
        ScopeRound::new(ScopeOf { round, number, collection: id, leads, ours, theirs, suspect }, mode)
    }

    pub(super) fn send_scopes(
        &self,
        scopes: Vec<ScopeFrame>,
        definitions: Vec<Bytes>,
        wanted: Vec<CollectionId>,
        out: &mut Vec<Output>,
    ) {
        let round = self.number;
        out.push(Output::Send(Frame::Scopes { round, scopes, definitions, wanted }.encode()));
    }
}

/// Definitions in one frame: with the states of [`MAX_SCOPES`](crate::session::MAX_SCOPES) scopes they fit 256 KiB. The
/// rest comes with the next round.
const MAX_DEFINITIONS: usize = 128;

/// Bytes that symbols cost for one id of difference, about; and at least, for the first batch.
const SYMBOL_COST: u64 = 12;
const LEAST_SYMBOL_BYTES: u64 = 576;

pub(super) fn scope_frame(scope: &ScopeView, place: Option<usize>, verified: bool) -> ScopeFrame {
    ScopeFrame {
        name: place.map_or(ScopeName::Collection(scope.collection), |place| ScopeName::Place(place as u64)),
        count: scope.count,
        logs: scope.logs,
        fingerprint: tag(&scope.fingerprint),
        consumed: scope.consumed,
        verified,
    }
}
