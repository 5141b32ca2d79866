//! The receiver's order of checks, [`Receiver`]: a pure machine that every link and the mesh run.

mod dedup;
#[cfg(test)]
mod tests;

pub use dedup::Dedup;

use std::time::Duration;

use bytes::Bytes;
use civic_crypto::Verifier;
use civic_types::PeerId;
use civic_types::time::Timestamp;

use crate::envelope::{Envelope, EnvelopeError, EnvelopeId, SignedEnvelope, short_id};

/// Whether our own wall clock is to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeTrust {
    /// It is.
    Trusted,
    /// It was never set: the time window is skipped, deduplication and receipt + ttl remain.
    Untrusted,
}

impl TimeTrust {
    /// Distrusts a clock that shows a time before this software existed.
    #[must_use]
    pub fn of(now: Timestamp) -> Self {
        if now < EARLIEST_PLAUSIBLE { Self::Untrusted } else { Self::Trusted }
    }
}

/// Which signed envelopes are taken.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceiveConfig {
    /// How far ahead of our clock a creation time may lie. Default 5 minutes; a crisis without network
    /// time needs 24 hours.
    pub max_drift: Duration,
    /// How old one may be. Default 7 days, the longest ttl.
    pub max_age: Duration,
    /// Ids remembered, at least; twice as many at most. Default 16 384, which take 512 KiB.
    pub dedup_ids: usize,
}

impl Default for ReceiveConfig {
    fn default() -> Self {
        Self {
            max_drift: Duration::from_secs(300),
            max_age: Duration::from_secs(7 * 24 * 3600),
            dedup_ids: 16_384,
        }
    }
}

/// Checks what arrives, in the one order: size, form, whether it is known, signature, time window,
/// recipient; only then is it remembered. So a copy with a bad signature never makes the genuine
/// envelope a duplicate, and a duplicate costs no signature check.
#[derive(Debug)]
pub struct Receiver {
    me: PeerId,
    net: String,
    verifier: Verifier,
    config: ReceiveConfig,
    dedup: Dedup,
}

impl Receiver {
    /// Receives for `me` in a network; `secret` keys the table of known ids and is to be random.
    #[must_use]
    pub fn new(me: PeerId, net: impl Into<String>, config: ReceiveConfig, secret: [u8; 32]) -> Self {
        let dedup = Dedup::new(config.dedup_ids, secret);
        Self { me, net: net.into(), verifier: Verifier::new(), config, dedup }
    }

    /// Reads and checks the wire form of any envelope; a local one only has to be well formed.
    ///
    /// # Errors
    ///
    /// [`Refusal`].
    pub fn receive(&mut self, now: Timestamp, trust: TimeTrust, wire: &Bytes) -> Result<Arrival, Refusal> {
        match Envelope::decode_wire(wire)? {
            envelope @ Envelope::Local(_) => Ok(Arrival { envelope, signed: None }),
            Envelope::Signed(signed) => {
                let (id, addressed) = self.check(now, trust, &signed)?;
                let expires = signed.expires_at(now, trust);
                Ok(Arrival {
                    envelope: signed.into(),
                    signed: Some(SignedArrival { id, addressed, expires }),
                })
            }
        }
    }

    /// Checks a signed envelope that was read already.
    ///
    /// # Errors
    ///
    /// [`Refusal`].
    pub fn check(
        &mut self,
        now: Timestamp,
        trust: TimeTrust,
        envelope: &SignedEnvelope,
    ) -> Result<(EnvelopeId, Addressed), Refusal> {
        let id = envelope.id(&self.net)?;
        if self.dedup.contains(&id) {
            return Err(Refusal::Duplicate { id });
        }
        envelope.verify(&self.verifier, &self.net)?;
        if trust == TimeTrust::Trusted {
            let created = envelope.created();
            if created > now.saturating_add(self.config.max_drift) {
                return Err(Refusal::Early { id });
            }
            if now > created.saturating_add(self.config.max_age) {
                return Err(Refusal::Late { id });
            }
        }
        let addressed = match &envelope.fields().recipient {
            None => Addressed::Everybody,
            // By the part that is signed: a relay that altered the rest must not turn us away from our mail.
            Some(peer) if short_id(peer) == short_id(&self.me) => Addressed::Me,
            Some(_) => Addressed::Another,
        };
        self.dedup.insert(&id);
        Ok((id, addressed))
    }
}

/// What was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The envelope.
    pub envelope: Envelope,
    /// What the checks found, for a signed one.
    pub signed: Option<SignedArrival>,
}

/// What the checks found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedArrival {
    /// Its id.
    pub id: EnvelopeId,
    /// For whom it is.
    pub addressed: Addressed,
    /// When it must be dropped.
    pub expires: Timestamp,
}

/// For whom an envelope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressed {
    /// For another peer: it may be relayed.
    Another,
    /// For everybody.
    Everybody,
    /// For us alone.
    Me,
}

/// Why an envelope was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It was taken before.
    #[error("{id} was received before")]
    Duplicate {
        /// Which.
        id: EnvelopeId,
    },
    /// Written too far in the future.
    #[error("{id} was written in the future")]
    Early {
        /// Which.
        id: EnvelopeId,
    },
    /// Too old.
    #[error("{id} is too old")]
    Late {
        /// Which.
        id: EnvelopeId,
    },
    /// Malformed or badly signed.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

impl Refusal {
    /// Whether the neighbour that delivered it broke the protocol: an honest one reads and verifies
    /// before it forwards.
    #[must_use]
    pub const fn is_misbehaviour(&self) -> bool {
        matches!(self, Self::Envelope(_))
    }
}

/// 2026-01-01T00:00:00Z.
const EARLIEST_PLAUSIBLE: Timestamp = Timestamp::from_millis(1_767_225_600_000);
