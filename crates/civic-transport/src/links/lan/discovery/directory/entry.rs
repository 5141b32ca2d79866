use std::net::SocketAddr;
use std::time::Duration;

use civic_types::PeerId;
use civic_types::time::Tick;

use super::{MAX_ADDRESSES, Outcome};
use crate::links::lan::discovery::id::ShortId;
use crate::redial::{self, Redial};

/// One device, as far as it is known.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: Option<ShortId>,
    /// Who answered there, or whose id it bears.
    pub(super) peer: Option<PeerId>,
    /// When it is forgotten, unless it is heard of again.
    pub(super) gone_at: Tick,
    pub(super) dialling: bool,
    pub(super) shunned: bool,
    pub(super) attempts: u32,
    first: Tick,
    backoff: (Duration, Duration),
    candidates: Vec<Candidate>,
}

/// One of its addresses.
#[derive(Debug)]
struct Candidate {
    address: SocketAddr,
    redial: Redial,
    next: Tick,
    answered: bool,
    failures: u32,
}

impl Entry {
    /// An entry that is not dialled before a time.
    pub(super) const fn new(now: Tick, first: Tick, backoff: (Duration, Duration)) -> Self {
        Self {
            id: None,
            peer: None,
            gone_at: now,
            dialling: false,
            shunned: false,
            attempts: 0,
            first,
            backoff,
            candidates: Vec::new(),
        }
    }

    /// Adds an address, in place of the one that failed most and never answered if there are too many.
    pub(super) fn add(&mut self, now: Tick, address: SocketAddr) {
        if self.candidates.iter().any(|candidate| candidate.address == address) {
            return;
        }
        if self.candidates.len() >= MAX_ADDRESSES {
            let silent = self.candidates.iter().enumerate().filter(|(_, candidate)| !candidate.answered);
            let Some((worst, _)) = silent.max_by_key(|(_, candidate)| candidate.failures) else { return };
            self.candidates.remove(worst);
        }
        let (unit, cap) = self.backoff;
        let next = self.first.max(now);
        self.candidates.push(Candidate {
            address,
            redial: Redial::new(unit, cap),
            next,
            answered: false,
            failures: 0,
        });
    }

    pub(super) fn answered(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.answered)
    }

    pub(super) fn is_one_of(&self, ids: &[ShortId]) -> bool {
        self.id.is_some_and(|id| ids.contains(&id))
    }

    /// When the next of its addresses is due.
    pub(super) fn next(&self) -> Option<Tick> {
        self.candidates.iter().map(|candidate| candidate.next).min()
    }

    /// Begins a dial to that address.
    pub(super) fn dial(&mut self) -> Option<SocketAddr> {
        let due = self.candidates.iter().min_by_key(|candidate| candidate.next)?;
        self.dialling = true;
        self.attempts = self.attempts.saturating_add(1);
        Some(due.address)
    }

    pub(super) fn dialled(&mut self, now: Tick, address: SocketAddr, outcome: Outcome, random: u64) {
        self.dialling = false;
        self.shunned |= outcome == Outcome::Unwanted;
        if let Outcome::Answered(peer) = outcome {
            self.peer = Some(peer);
        }
        let Some(candidate) = self.candidates.iter_mut().find(|candidate| candidate.address == address)
        else {
            return;
        };
        if let Outcome::Answered(_) = outcome {
            candidate.answered = true;
            candidate.failures = 0;
            candidate.redial.handle(now, redial::Input::Connected);
            // Should the connection be over before it was told of.
            candidate.next = now.saturating_add(RECHECK);
        } else {
            candidate.failures = candidate.failures.saturating_add(1);
            candidate.delay(now, redial::Input::Failed(random));
        }
    }

    /// The connection to its peer is over.
    pub(super) fn lost(&mut self, now: Tick, random: u64) {
        for candidate in &mut self.candidates {
            candidate.delay(now, redial::Input::Lost(random));
        }
    }
}

impl Candidate {
    fn delay(&mut self, now: Tick, input: redial::Input) {
        if let Some(next) = self.redial.handle(now, input) {
            self.next = next;
        }
    }
}

/// Between an answer and the next dial, unless a connection is told of.
const RECHECK: Duration = Duration::from_secs(1);
