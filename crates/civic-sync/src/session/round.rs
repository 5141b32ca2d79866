use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use civic_types::time::Tick;
use civic_types::{CollectionId, CommunityId};

use super::ROUND_TIMEOUT;
use super::frame::{Frame, Mode, ScopeFrame};
use super::scope::ScopeRound;
use super::wire::{Input, Outcome, Output, PushStart, ScopeView};
use crate::table::Cursor;

/// One round at one end.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) number: u64,
    pub(super) deadline: Tick,
    pub(super) requests: Vec<u64>,
    pub(super) imported: usize,
    pub(super) outcome: Option<Outcome>,
    leads: bool,
    view: View,
    /// The follower's last nudge before the round.
    token: u64,
    /// Not all scopes that differ are part of this round, so it cannot converge.
    truncated: bool,
    stage: Stage,
    /// Our scopes as last looked at.
    ours: BTreeMap<CollectionId, ScopeView>,
    /// The peer's scopes.
    theirs: BTreeMap<CollectionId, ScopeFrame>,
    /// The leader's hash over all scopes.
    summary: [u8; 32],
    /// Definitions that we lack.
    wanted: BTreeSet<CollectionId>,
    scopes: BTreeMap<CollectionId, ScopeRound>,
    /// What we said at the end, and what the peer said.
    our_done: Option<Vec<Done>>,
    their_done: Option<Vec<Done>>,
}

/// What a round is about.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) communities: Vec<CommunityId>,
    /// Collections of the peer that this software cannot follow.
    pub(super) declined: BTreeSet<CollectionId>,
}

type Done = (CollectionId, [u8; 32], Cursor);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Looking at our scopes to say or answer hello.
    Looking,
    /// The leader has said hello.
    HelloSent,
    /// The summaries differ: the leader waits for the follower's scopes, the follower for the leader's.
    AwaitScopes,
    /// Looking again, with the peer's cursors.
    Checking,
    /// Taking definitions before the modes can be said or followed.
    Defining,
    /// The leader has sent its scopes.
    AwaitModes,
    /// Data goes both ways.
    Moving,
    /// Looking at the scopes after all data.
    Closing,
    /// Done was said.
    AwaitDone,
}

impl Round {
    /// A round that we lead.
    pub(super) fn new(number: u64, token: u64, requests: Vec<u64>, view: View, now: Tick) -> Self {
        Self {
            number,
            deadline: now.saturating_add(ROUND_TIMEOUT),
            requests,
            imported: 0,
            outcome: None,
            leads: true,
            view,
            token,
            truncated: false,
            stage: Stage::Looking,
            ours: BTreeMap::new(),
            theirs: BTreeMap::new(),
            summary: [0; 32],
            wanted: BTreeSet::new(),
            scopes: BTreeMap::new(),
            our_done: None,
            their_done: None,
        }
    }

    /// A round that the leader has started with this hash over its scopes.
    pub(super) fn following(self, summary: [u8; 32]) -> Self {
        Self { leads: false, summary, ..self }
    }

    /// What to look at first.
    pub(super) fn look(&self) -> Output {
        Output::Summarise { communities: self.view.communities.clone(), cursors: Vec::new() }
    }

    pub(super) fn local(&mut self, input: Input, out: &mut Vec<Output>) {
        match (self.stage, input) {
            (_, Input::Summary(scopes)) => {
                self.ours = scopes.into_iter().map(|scope| (scope.collection, scope)).collect();
                self.looked(out);
            }
            (Stage::Defining, Input::Defined { .. }) => self.defined(out),
            (_, Input::Ids { collection, ids }) => {
                if let Some(scope) = self.scopes.get_mut(&collection) {
                    scope.ids(&ids, out);
                }
            }
            (_, Input::Loaded { collection, pack, more }) => {
                if let Some(scope) = self.scopes.get_mut(&collection) {
                    scope.loaded(pack, more, out);
                }
            }
            (_, Input::Imported { collection, admitted }) => {
                let Some(admitted) = admitted else {
                    out.push(Output::Misbehaved("a pack that is refused"));
                    return;
                };
                self.imported += admitted;
                if let Some(scope) = self.scopes.get_mut(&collection) {
                    scope.imported(out);
                }
            }
            _ => {}
        }
        self.close_if_ready(out);
    }

    pub(super) fn frame(&mut self, frame: Frame, out: &mut Vec<Output>) {
        match (self.stage, frame) {
            (Stage::HelloSent, Frame::Hello { summary, .. }) if summary == self.summary => self.end(true),
            (Stage::HelloSent, Frame::Hello { .. }) => self.stage = Stage::AwaitScopes,
            (Stage::AwaitScopes, Frame::Scopes { scopes, definitions, wanted, .. }) => {
                self.their_scopes(scopes, definitions, wanted, out);
            }
            (Stage::AwaitModes, Frame::Modes { modes, definitions, .. }) => {
                self.modes(modes, definitions, out)
            }
            (Stage::AwaitDone, Frame::Done { scopes, .. }) => {
                self.their_done = Some(scopes);
                self.compare(out);
            }
            (Stage::Moving | Stage::Closing, Frame::Done { scopes, .. }) => self.their_done = Some(scopes),
            (_, Frame::Abort { .. }) => self.end(false),
            (Stage::Moving | Stage::Closing | Stage::AwaitDone | Stage::Defining, frame) => {
                if let Some(scope) =
                    frame.collection().and_then(|collection| self.scopes.get_mut(&collection))
                {
                    scope.frame(frame, out);
                }
            }
            _ => out.push(Output::Misbehaved("a frame that has no place here")),
        }
        self.close_if_ready(out);
    }

    /// Our scopes are known, at one of the three points where they are needed.
    fn looked(&mut self, out: &mut Vec<Output>) {
        match self.stage {
            Stage::Looking => {
                let summary = self.our_summary();
                let (round, token) = (self.number, self.token);
                out.push(Output::Send(Frame::Hello { round, token, summary }.encode()));
                if self.leads {
                    self.summary = summary;
                    self.stage = Stage::HelloSent;
                } else if self.summary == summary {
                    self.end(true);
                } else {
                    let scopes = self.ours.values().map(|scope| scope_frame(scope, false)).collect();
                    self.send_scopes(scopes, Vec::new(), Vec::new(), out);
                    self.stage = Stage::AwaitScopes;
                }
            }
            Stage::Checking => self.checked(out),
            Stage::Closing => {
                let done: Vec<Done> = self
                    .scopes
                    .keys()
                    .filter_map(|id| self.ours.get(id))
                    .map(|scope| (scope.collection, scope.fingerprint, scope.end))
                    .collect();
                out.push(Output::Send(Frame::Done { round: self.number, scopes: done.clone() }.encode()));
                self.our_done = Some(done);
                self.stage = Stage::AwaitDone;
                self.compare(out);
            }
            _ => {}
        }
    }

    fn their_scopes(
        &mut self,
        scopes: Vec<ScopeFrame>,
        definitions: Vec<Bytes>,
        wanted: Vec<CollectionId>,
        out: &mut Vec<Output>,
    ) {
        let cursors = scopes.iter().filter_map(|scope| Some((scope.collection, scope.consumed?))).collect();
        self.theirs = scopes.into_iter().map(|scope| (scope.collection, scope)).collect();
        // The leader may ask only for what the follower has listed.
        self.wanted = wanted.into_iter().collect();
        if !definitions.is_empty() {
            out.push(Output::Define(definitions));
        }
        out.push(Output::Summarise { communities: self.view.communities.clone(), cursors });
        self.stage = Stage::Checking;
    }

    /// The peer's cursors have been checked against our logs.
    fn checked(&mut self, out: &mut Vec<Output>) {
        if self.leads {
            let differs = |scope: &&ScopeView| {
                self.theirs
                    .get(&scope.collection)
                    .is_none_or(|theirs| theirs.fingerprint != scope.fingerprint)
            };
            let differing: Vec<&ScopeView> = self.ours.values().filter(differs).collect();
            let unknown = |scope: &&&ScopeView| !self.theirs.contains_key(&scope.collection);
            let definitions = differing.iter().filter(unknown).map(|scope| scope.definition.clone());
            let definitions: Vec<_> = definitions.take(MAX_DEFINITIONS).collect();
            let unknown =
                |id: &&CollectionId| !self.ours.contains_key(*id) && !self.view.declined.contains(*id);
            let wanted: Vec<_> = self.theirs.keys().filter(unknown).take(MAX_DEFINITIONS).copied().collect();
            let frames: Vec<_> =
                differing.iter().map(|scope| scope_frame(scope, self.pushes_suffix(scope))).collect();
            // What the follower leaves out of its modes it cannot follow, unless we could not define it now.
            self.truncated = definitions.len() == MAX_DEFINITIONS || wanted.len() == MAX_DEFINITIONS;
            self.send_scopes(frames, definitions, wanted, out);
            self.stage = Stage::AwaitModes;
            return;
        }
        let mut modes = Vec::new();
        for theirs in self.theirs.values() {
            let Some(ours) = self.ours.get(&theirs.collection) else { continue };
            let suffix =
                (theirs.verified || theirs.count == 0 || ours.count == 0) && self.pushes_suffix(ours);
            modes.push((theirs.collection, if suffix { Mode::Suffix } else { Mode::Ids }));
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
        let frame =
            Frame::Modes { round: self.number, modes: modes.clone(), definitions: definitions.collect() };
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

    fn modes(&mut self, modes: Vec<(CollectionId, Mode)>, definitions: Vec<Bytes>, out: &mut Vec<Output>) {
        self.scopes = modes.iter().map(|(id, mode)| (*id, self.scope(*id, *mode))).collect();
        if definitions.is_empty() {
            self.stage = Stage::Moving;
            self.start(&modes, out);
        } else {
            self.stage = Stage::Defining;
            out.push(Output::Define(definitions));
        }
    }

    fn defined(&mut self, out: &mut Vec<Output>) {
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
                Mode::Ids => out.push(Output::ListIds(*id)),
            }
        }
    }

    fn scope(&self, id: CollectionId, mode: Mode) -> ScopeRound {
        let count = |counts: Option<u64>| counts.unwrap_or_default();
        let ours = count(self.ours.get(&id).map(|scope| scope.count));
        let theirs = count(self.theirs.get(&id).map(|scope| scope.count));
        ScopeRound::new(self.number, id, mode, self.leads, ours, theirs)
    }

    /// Looks at the scopes a last time once all data has gone both ways.
    fn close_if_ready(&mut self, out: &mut Vec<Output>) {
        if self.stage == Stage::Moving && self.scopes.values().all(ScopeRound::is_ready) {
            self.stage = Stage::Closing;
            out.push(self.look());
        }
    }

    /// Both ends have said how their scopes are after all data.
    fn compare(&mut self, out: &mut Vec<Output>) {
        let (Some(ours), Some(theirs)) = (&self.our_done, &self.their_done) else { return };
        let theirs: BTreeMap<_, _> =
            theirs.iter().map(|(id, fingerprint, end)| (*id, (*fingerprint, *end))).collect();
        let (mut consumed, mut unequal) = (Vec::new(), Vec::new());
        for (id, fingerprint, _) in ours {
            match theirs.get(id) {
                Some((other, end)) if other == fingerprint => consumed.push((*id, *end)),
                // Whatever the cursors say, something is missing: the next round compares ids.
                _ => unequal.push(*id),
            }
        }
        let converged = unequal.is_empty() && ours.len() == theirs.len() && !self.truncated;
        out.push(Output::Remember { consumed, unequal });
        self.end(converged);
    }

    fn end(&mut self, converged: bool) {
        let requests = std::mem::take(&mut self.requests);
        self.outcome = Some(Outcome { converged, imported: self.imported, requests });
    }

    fn send_scopes(
        &self,
        scopes: Vec<ScopeFrame>,
        definitions: Vec<Bytes>,
        wanted: Vec<CollectionId>,
        out: &mut Vec<Output>,
    ) {
        let round = self.number;
        out.push(Output::Send(Frame::Scopes { round, scopes, definitions, wanted }.encode()));
    }

    /// One hash over all scopes: community, collection, fingerprint, ascending by collection.
    fn our_summary(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for scope in self.ours.values() {
            hasher
                .update(scope.community.as_bytes())
                .update(scope.collection.as_bytes())
                .update(&scope.fingerprint);
        }
        *hasher.finalize().as_bytes()
    }
}

/// Definitions in one frame: with the states of [`MAX_SCOPES`](super::MAX_SCOPES) scopes they fit 256 KiB. The
/// rest comes with the next round.
const MAX_DEFINITIONS: usize = 128;

fn scope_frame(scope: &ScopeView, verified: bool) -> ScopeFrame {
    ScopeFrame {
        collection: scope.collection,
        count: scope.count,
        fingerprint: scope.fingerprint,
        consumed: scope.consumed,
        verified,
    }
}
