mod open;

use std::collections::{BTreeMap, BTreeSet};

use civic_types::time::Tick;
use civic_types::{CollectionId, CommunityId};

use super::ROUND_TIMEOUT;
use super::frame::{Frame, ScopeFrame, Tag, tag};
use super::scope::ScopeRound;
use super::wire::{Input, Outcome, Output, ScopeView};
use crate::reconcile::Fingerprint;
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
    /// The scopes that the follower has listed, in that order.
    listed: Vec<CollectionId>,
    /// The scopes of the round, in the order in which they are numbered.
    numbered: Vec<CollectionId>,
    /// The leader's hash over all scopes.
    summary: Tag,
    /// Definitions that we lack.
    wanted: BTreeSet<CollectionId>,
    scopes: BTreeMap<CollectionId, ScopeRound>,
    /// What we said at the end, and what the peer said.
    our_done: Option<Vec<Done>>,
    their_done: Option<Vec<Done>>,
    /// What was not equal at the end.
    pub(super) unequal: Vec<CollectionId>,
}

/// What a round is about.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) communities: Vec<CommunityId>,
    /// Collections of the peer that this software cannot follow.
    pub(super) declined: BTreeSet<CollectionId>,
    /// Collections whose items are compared by whole short ids, because less did not tell all.
    pub(super) suspect: BTreeSet<CollectionId>,
}

type Done = (CollectionId, [u8; 32], Cursor);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Looking at our scopes to say or answer hello.
    Looking,
    /// The leader has said hello.
    HelloSent,
    /// The summaries differ, and the follower has listed its scopes.
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
            listed: Vec::new(),
            numbered: Vec::new(),
            summary: Tag::default(),
            wanted: BTreeSet::new(),
            scopes: BTreeMap::new(),
            our_done: None,
            their_done: None,
            unequal: Vec::new(),
        }
    }

    /// A round that the leader has started with this hash over its scopes.
    pub(super) fn following(self, summary: Tag) -> Self {
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
                    scope.ids(ids, out);
                }
            }
            (_, Input::Sketch { collection, sketch }) => {
                if let Some(scope) = self.scopes.get_mut(&collection) {
                    scope.sketch(sketch, out);
                }
            }
            (_, Input::Heads { collection, heads }) => {
                if let Some(scope) = self.scopes.get_mut(&collection) {
                    scope.heads(heads, out);
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
            (Stage::HelloSent | Stage::AwaitScopes, Frame::Scopes { scopes, definitions, wanted, .. }) => {
                self.their_scopes(scopes, definitions, wanted, out);
            }
            (Stage::AwaitModes, Frame::Modes { modes, definitions, .. }) => {
                self.modes(modes, definitions, out)
            }
            (Stage::AwaitDone, Frame::Done { scopes, .. }) => {
                self.their_done = Some(self.named(scopes));
                self.compare(out);
            }
            (Stage::Moving | Stage::Closing, Frame::Done { scopes, .. }) => {
                self.their_done = Some(self.named(scopes));
            }
            (_, Frame::Abort { .. }) => self.end(false),
            (Stage::Moving | Stage::Closing | Stage::AwaitDone | Stage::Defining, frame) => {
                let id = frame.scope().and_then(|number| self.collection(number));
                match id.and_then(|id| self.scopes.get_mut(&id)) {
                    Some(scope) => scope.frame(frame, out),
                    None => out.push(Output::Misbehaved("a scope that is no part of the round")),
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
                let hello = Output::Send(Frame::Hello { round, token, summary }.encode());
                if self.leads {
                    out.push(hello);
                    self.summary = summary;
                    self.stage = Stage::HelloSent;
                } else if self.summary == summary {
                    out.push(hello);
                    self.end(true);
                } else {
                    self.listed = self.ours.keys().copied().collect();
                    let scopes =
                        self.ours.values().map(|scope| open::scope_frame(scope, None, false)).collect();
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
                let scopes = (0_u64..).zip(&self.numbered).filter_map(|(number, id)| {
                    let scope = self.ours.get(id).filter(|_| self.scopes.contains_key(id))?;
                    Some((number, scope.fingerprint, scope.end))
                });
                out.push(Output::Send(Frame::Done { round: self.number, scopes: scopes.collect() }.encode()));
                self.our_done = Some(done);
                self.stage = Stage::AwaitDone;
                self.compare(out);
            }
            _ => {}
        }
    }

    /// The collection of a number of this round.
    fn collection(&self, number: u64) -> Option<CollectionId> {
        usize::try_from(number).ok().and_then(|at| self.numbered.get(at)).copied()
    }

    fn named(&self, scopes: Vec<(u64, Fingerprint, Cursor)>) -> Vec<Done> {
        let named = scopes.into_iter();
        named.filter_map(|(number, print, end)| Some((self.collection(number)?, print, end))).collect()
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
        self.unequal.clone_from(&unequal);
        out.push(Output::Remember { consumed, unequal });
        self.end(converged);
    }

    fn end(&mut self, converged: bool) {
        let requests = std::mem::take(&mut self.requests);
        self.outcome = Some(Outcome { converged, imported: self.imported, requests });
    }

    /// One hash over all scopes: community, collection, fingerprint, ascending by collection.
    fn our_summary(&self) -> Tag {
        let mut hasher = blake3::Hasher::new();
        for scope in self.ours.values() {
            hasher
                .update(scope.community.as_bytes())
                .update(scope.collection.as_bytes())
                .update(&scope.fingerprint);
        }
        tag(hasher.finalize().as_bytes())
    }
}
