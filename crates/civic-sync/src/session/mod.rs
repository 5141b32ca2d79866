//! The sync session: what two connected devices say until their sets are equal. A pure state machine.
//!
//! Each end runs a [`Session`] for the life of a connection: inputs go in, outputs come out, and whoever
//! runs it carries them out ([`Output`] says how). It knows no store, no clock and no link.
//!
//! Both ends first prove, by a keyed hash over the connection's channel binding, of which communities they
//! are members; collections are named only inside a community that both proved. Then they go through
//! rounds. The end with the smaller `PeerId` leads: it starts rounds, the other asks for them. A round
//! compares a hash over all scopes (equal: done in one flight), then scope by scope: whoever's cursor holds
//! gets the suffix of the other's arrival log without any ids; else, where few authors wrote, the heads of their
//! logs are compared and what follows in them is sent; else the leader sends its short ids as a list or as
//! coded symbols and the follower works out what either lacks. A scope is done when the fingerprints
//! after all data are equal; if something was written meanwhile, another round follows.

mod frame;
mod round;
mod scope;
mod wire;

pub use frame::{
    CID_PREFIX, Frame, LogHead, MAX_HEADS, MAX_PROOFS, MAX_SCOPES, Mode, PROTOCOL, ScopeFrame, ScopeName,
    Tag, Wanted,
};
pub use wire::{Input, LogRange, NewestOf, Outcome, Output, PushStart, ScopeView};

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use civic_crypto::community::{CommunityKey, Role};
use civic_transport::peer::MAX_BINDINGS;
use civic_types::time::Tick;
use civic_types::{CollectionId, CommunityId, PeerId};

use self::round::{Round, View};

/// A round in which nothing came for so long is given up.
pub const ROUND_TIMEOUT: Duration = Duration::from_secs(30);

/// After a round that failed or did not converge although nothing new came, the next waits so long.
pub const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Requests that wait for a round at most; further ones replace none and are told at once.
pub const MAX_REQUESTS: usize = 256;

/// One end of one connection.
#[derive(Debug)]
pub struct Session {
    us: PeerId,
    peer: PeerId,
    bindings: Vec<[u8; 32]>,
    memberships: Vec<(CommunityId, CommunityKey)>,
    their_proofs: Vec<[u8; 32]>,
    shared: BTreeSet<CommunityId>,
    /// Collections that this software cannot follow.
    declined: BTreeSet<CollectionId>,
    /// Collections of which a round found no difference although there is one: heads did not tell all, or short
    /// prefixes hid it. Their items are compared by whole short ids.
    suspect: BTreeSet<CollectionId>,
    round: Option<Round>,
    last_round: u64,
    /// Another round is wanted, not before that time.
    wanted: Option<Tick>,
    /// The follower's nudges: sent, and the last that the leader saw.
    token: u64,
    nudged: Option<Tick>,
    /// Requests that wait for a round that starts after them, with the nudge that carried them.
    requests: Vec<(u64, u64)>,
}

impl Session {
    /// A session of `us` with `peer` on a connection with these bindings.
    #[must_use]
    pub const fn new(us: PeerId, peer: PeerId, bindings: Vec<[u8; 32]>) -> Self {
        Self {
            us,
            peer,
            bindings,
            memberships: Vec::new(),
            their_proofs: Vec::new(),
            shared: BTreeSet::new(),
            declined: BTreeSet::new(),
            suspect: BTreeSet::new(),
            round: None,
            last_round: 0,
            wanted: None,
            token: 0,
            nudged: None,
            requests: Vec::new(),
        }
    }

    /// Whether this end leads: it has the smaller id.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.us < self.peer
    }

    /// The communities that both ends proved.
    #[must_use]
    pub const fn shared(&self) -> &BTreeSet<CommunityId> {
        &self.shared
    }

    /// Whether nothing is going on and nothing is wanted.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.round.is_none() && self.wanted.is_none() && self.requests.is_empty()
    }

    /// When [`Input::Tick`] is due, if it is.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Tick> {
        match &self.round {
            Some(round) => Some(round.deadline),
            None if self.shared.is_empty() => None,
            None => self
                .wanted
                .map(|at| self.nudged.map_or(at, |nudged| nudged.saturating_add(ROUND_TIMEOUT).max(at))),
        }
    }

    /// Takes one input and says what is to be done, in order.
    pub fn handle(&mut self, now: Tick, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Communities(memberships) => self.communities(now, memberships, &mut out),
            Input::Bindings(bindings) => {
                self.bindings = bindings;
                self.prove(now, &mut out);
            }
            Input::Changed => self.want(now),
            Input::Request(id) => self.request(now, id, &mut out),
            Input::Frame(bytes) => self.frame(now, &bytes, &mut out),
            Input::Tick => {}
            other => self.local(now, other, &mut out),
        }
        self.timeouts(now, &mut out);
        out
    }

    /// Wants a round as soon as may be: something is new, so a time that was set for a retry is too late.
    fn want(&mut self, now: Tick) {
        self.wanted = Some(now);
        if self.round.is_some() {
            self.nudged = None;
        }
    }

    fn request(&mut self, now: Tick, id: u64, out: &mut Vec<Output>) {
        if self.requests.len() >= MAX_REQUESTS {
            out.push(Output::Finished(Outcome { requests: vec![id], ..Outcome::default() }));
            return;
        }
        self.wanted = Some(now);
        // A nudge of its own, so that the round starts after it.
        self.nudged = None;
        self.requests.push((id, self.token + 1));
    }

    fn communities(
        &mut self,
        now: Tick,
        memberships: Vec<(CommunityId, CommunityKey)>,
        out: &mut Vec<Output>,
    ) {
        self.memberships = memberships;
        self.memberships.truncate(MAX_PROOFS);
        self.prove(now, out);
    }

    /// Proves our memberships on every link: the peer may not have seen the newest yet.
    fn prove(&mut self, now: Tick, out: &mut Vec<Output>) {
        self.bindings.truncate(MAX_BINDINGS);
        let role = self.role();
        let proof = |binding| self.memberships.iter().map(move |(id, key)| key.proof(role, binding, id));
        let mut proofs: Vec<[u8; 32]> = self.bindings.iter().flat_map(proof).collect();
        // By value, so that their order says nothing.
        proofs.sort_unstable();
        out.push(Output::Send(Frame::Proof(proofs).encode()));
        self.compare_proofs(now, out);
    }

    /// Works out what we share from what both have proved.
    fn compare_proofs(&mut self, now: Tick, out: &mut Vec<Output>) {
        let role = if self.role() == Role::Smaller { Role::Greater } else { Role::Smaller };
        let proved = |id: &CommunityId, key: &CommunityKey| {
            let checks =
                |proof| self.bindings.iter().any(|binding| key.check_proof(role, binding, id, proof));
            self.their_proofs.iter().any(checks)
        };
        let shared: BTreeSet<CommunityId> =
            self.memberships.iter().filter(|(id, key)| proved(id, key)).map(|(id, _)| *id).collect();
        if shared != self.shared {
            self.shared = shared;
            self.give_up(out);
            self.wanted = Some(now);
            // The leader has compared the same proofs and starts a round by itself; a request needs one of its own.
            self.nudged = Some(now).filter(|_| !self.leads() && self.requests.is_empty());
        }
    }

    fn frame(&mut self, now: Tick, bytes: &Bytes, out: &mut Vec<Output>) {
        let Ok(frame) = Frame::decode(bytes) else {
            out.push(Output::Misbehaved("bytes that are no sync frame"));
            return;
        };
        match frame {
            Frame::Proof(proofs) => {
                self.their_proofs = proofs;
                self.compare_proofs(now, out);
            }
            _ if self.shared.is_empty() => {}
            Frame::Nudge { token } if self.leads() => {
                self.token = token;
                self.wanted = Some(now);
            }
            Frame::Hello { round, token, summary } if !self.leads() => {
                self.answer(now, round, token, summary, out)
            }
            Frame::WantBlock { collection, block, offset } => {
                out.push(Output::SendBlock { collection, block, offset });
            }
            Frame::Block { collection, block, offset, total, bytes } => {
                out.push(Output::TakeBlock { collection, block, offset, total, bytes });
            }
            frame => {
                if let Some(round) = self.round.as_mut().filter(|round| frame.round() == Some(round.number)) {
                    round.deadline = now.saturating_add(ROUND_TIMEOUT);
                    round.frame(frame, out);
                    self.finish(now, out);
                }
            }
        }
    }

    /// The follower joins the round that the leader starts.
    fn answer(&mut self, now: Tick, number: u64, token: u64, summary: Tag, out: &mut Vec<Output>) {
        if number <= self.last_round {
            out.push(Output::Misbehaved("a round that is over"));
            return;
        }
        self.unfinished();
        self.last_round = number;
        if token >= self.token {
            self.nudged = None;
            self.wanted = None;
        }
        let requests = self.take_requests(|(_, at)| *at <= token);
        self.start(Round::new(number, token, requests, self.view(), now).following(summary), out);
    }

    /// What the store or the importer answered.
    fn local(&mut self, now: Tick, input: Input, out: &mut Vec<Output>) {
        if let Input::Defined { declined } = &input {
            self.declined.extend(declined.iter().take(MAX_SCOPES));
        }
        if let Some(round) = &mut self.round {
            round.deadline = now.saturating_add(ROUND_TIMEOUT);
            round.local(input, out);
            self.finish(now, out);
        }
    }

    /// Starts what is due and gives up what takes too long.
    fn timeouts(&mut self, now: Tick, out: &mut Vec<Output>) {
        if self.round.as_ref().is_some_and(|round| round.deadline <= now) {
            self.give_up(out);
            self.wanted = Some(now.saturating_add(RETRY_DELAY));
            self.nudged = None;
        }
        let due = self.wanted.is_some_and(|at| at <= now) && self.round.is_none() && !self.shared.is_empty();
        if !due {
            return;
        }
        if self.leads() {
            self.wanted = None;
            self.last_round += 1;
            let requests = self.take_requests(|_| true);
            self.start(Round::new(self.last_round, self.token, requests, self.view(), now), out);
        } else if self.nudged.is_none_or(|at| at.saturating_add(ROUND_TIMEOUT) <= now) {
            self.nudged = Some(now);
            self.token += 1;
            out.push(Output::Send(Frame::Nudge { token: self.token }.encode()));
        }
    }

    /// Closes a round that has come to its end.
    fn finish(&mut self, now: Tick, out: &mut Vec<Output>) {
        let Some(outcome) = self.round.as_mut().and_then(|round| round.outcome.take()) else { return };
        let round = self.round.take();
        match &round {
            Some(round) if !outcome.converged && round.imported == 0 => self.suspect.extend(&round.unequal),
            Some(_) if !outcome.converged => {}
            _ => self.suspect.clear(),
        }
        if outcome.converged {
            out.push(Output::Finished(outcome));
            return;
        }
        // What was asked for waits for the next round, which comes soon where this one made progress.
        let progressed = round.is_some_and(|round| round.imported > 0);
        self.requests.extend(outcome.requests.iter().map(|id| (*id, self.token + 1)));
        self.nudged = None;
        let overtaken = self.wanted.is_some();
        self.wanted = Some(if progressed || overtaken { now } else { now.saturating_add(RETRY_DELAY) });
        out.push(Output::Finished(Outcome { requests: Vec::new(), ..outcome }));
    }

    /// Ends a round early and says so.
    fn give_up(&mut self, out: &mut Vec<Output>) {
        if let Some(round) = &self.round {
            out.push(Output::Send(Frame::Abort { round: round.number }.encode()));
        }
        self.unfinished();
    }

    /// Gives the requests of a round that ends early back to the queue.
    fn unfinished(&mut self) {
        if let Some(round) = self.round.take() {
            let token = self.token;
            self.requests.extend(round.requests.into_iter().map(|id| (id, token + 1)));
        }
    }

    fn start(&mut self, round: Round, out: &mut Vec<Output>) {
        out.push(round.look());
        self.round = Some(round);
    }

    fn view(&self) -> View {
        View {
            communities: self.shared.iter().copied().collect(),
            declined: self.declined.clone(),
            suspect: self.suspect.clone(),
        }
    }

    fn take_requests(&mut self, which: impl Fn(&(u64, u64)) -> bool) -> Vec<u64> {
        let (taken, left) = self.requests.drain(..).partition(|request| which(request));
        self.requests = left;
        let taken: Vec<(u64, u64)> = taken;
        taken.into_iter().map(|(id, _)| id).collect()
    }

    fn role(&self) -> Role {
        if self.leads() { Role::Smaller } else { Role::Greater }
    }
}
