//! [`Conversation`]: a session with what it needs of the store. It does what the session asks, one thing after
//! the other, and gives back the frames to send.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use civic_types::limits::MAX_BLOCK_BYTES;
use civic_types::time::Tick;
use civic_types::{Cid, CollectionId, CollectionSpec, PeerId};

use crate::error::Error;
use crate::replicated::{Push, Replicated};
use crate::session::{Frame, Input, Outcome, Output, PushStart, Session};

/// Bytes of a block in one frame.
const BLOCK_SLICE: usize = 128 * 1024;

/// Missing blocks that are asked for after a round.
const BLOCKS_A_ROUND: usize = 64;

/// One connection's session at work.
#[derive(Debug)]
pub struct Conversation {
    replicated: Arc<Replicated>,
    peer: PeerId,
    session: Session,
    pushes: HashMap<CollectionId, Push>,
    fetch: Option<Fetch>,
    totals: Totals,
}

/// A block on its way to us.
#[derive(Debug)]
struct Fetch {
    queue: VecDeque<(CollectionId, Cid)>,
    bytes: BytesMut,
}

/// What has gone over a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Bytes of sync frames sent.
    pub bytes_sent: u64,
    /// Bytes of sync frames received.
    pub bytes_received: u64,
    /// Versions sent.
    pub versions_sent: u64,
    /// Versions received that were new.
    pub versions_received: u64,
    /// Rounds that ended.
    pub rounds: u64,
}

impl Totals {
    /// What has been added since `earlier`.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            bytes_sent: self.bytes_sent.saturating_sub(earlier.bytes_sent),
            bytes_received: self.bytes_received.saturating_sub(earlier.bytes_received),
            versions_sent: self.versions_sent.saturating_sub(earlier.versions_sent),
            versions_received: self.versions_received.saturating_sub(earlier.versions_received),
            rounds: self.rounds.saturating_sub(earlier.rounds),
        }
    }

    /// Adds another connection's.
    pub const fn add(&mut self, other: &Self) {
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.versions_sent += other.versions_sent;
        self.versions_received += other.versions_received;
        self.rounds += other.rounds;
    }
}

/// What an input led to.
#[derive(Debug, Default)]
pub struct Effects {
    /// Frames to send, in order.
    pub frames: Vec<Bytes>,
    /// Rounds that ended.
    pub finished: Vec<Outcome>,
    /// How the peer broke the protocol, if it did: nothing else is to be said to it.
    pub misbehaved: Option<&'static str>,
}

impl Conversation {
    /// A conversation on a new connection with these bindings. Its first input is
    /// [`start`](Self::start).
    #[must_use]
    pub fn new(replicated: Arc<Replicated>, peer: PeerId, bindings: Vec<[u8; 32]>) -> Self {
        let session = Session::new(replicated.peer_id(), peer, bindings);
        let (pushes, fetch, totals) = (HashMap::new(), None, Totals::default());
        Self { replicated, peer, session, pushes, fetch, totals }
    }

    /// Proves our memberships; also when they have changed.
    ///
    /// # Errors
    ///
    /// As [`input`](Self::input).
    pub async fn start(&mut self, now: Tick) -> Result<Effects, Error> {
        let memberships = self.replicated.memberships();
        self.input(now, Input::Communities(memberships)).await
    }

    /// Gives the session an input and does what it asks.
    ///
    /// # Errors
    ///
    /// [`Error`] when the store fails; the conversation is over then.
    pub async fn input(&mut self, now: Tick, input: Input) -> Result<Effects, Error> {
        if let Input::Frame(bytes) = &input {
            self.totals.bytes_received += bytes.len() as u64;
        }
        let mut effects = Effects::default();
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for output in self.session.handle(now, input) {
                inputs.extend(self.carry_out(output, &mut effects).await?);
                if effects.misbehaved.is_some() {
                    return Ok(effects);
                }
            }
        }
        Ok(effects)
    }

    /// When [`Input::Tick`] is due, if it is.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Tick> {
        self.session.next_timeout()
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// What has gone over the connection so far.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    async fn carry_out(&mut self, output: Output, effects: &mut Effects) -> Result<Option<Input>, Error> {
        match output {
            Output::Send(frame) => self.send(frame, effects),
            Output::Misbehaved(what) => effects.misbehaved = Some(what),
            Output::Summarise { communities, cursors } => {
                let scopes = self.replicated.scopes(&self.peer, &communities, &cursors).await?;
                return Ok(Some(Input::Summary(scopes)));
            }
            Output::Define(definitions) => {
                let declined = self.define(&definitions).await?;
                return Ok(Some(Input::Defined { declined }));
            }
            Output::ListHeads(collection) => {
                let heads = self.replicated.heads(&collection).await?;
                return Ok(Some(Input::Heads { collection, heads }));
            }
            Output::Sketch(collection) => {
                let sketch = self.replicated.sketch(&collection).await?;
                return Ok(Some(Input::Sketch { collection, sketch }));
            }
            Output::ListIds(collection) => {
                let ids = self.replicated.ids(&collection).await?;
                return Ok(Some(Input::Ids { collection, ids }));
            }
            Output::Load { collection, start } => return self.load(collection, start).await.map(Some),
            Output::Import { collection, pack } => return self.import(collection, &pack).await.map(Some),
            Output::Remember { consumed, unequal } => {
                self.replicated.remember(&self.peer, &consumed, &unequal).await?;
            }
            Output::Finished(outcome) => {
                self.totals.rounds += 1;
                self.pushes.clear();
                if outcome.converged {
                    self.ask_for_blocks(effects).await?;
                }
                effects.finished.push(outcome);
            }
            Output::SendBlock { collection, block, offset } => {
                self.send_block(collection, block, offset, effects).await?;
            }
            Output::TakeBlock { collection, block, offset, total, bytes } => {
                self.take_block((collection, block), offset, total, &bytes, effects).await?;
            }
        }
        Ok(None)
    }

    fn send(&mut self, frame: Bytes, effects: &mut Effects) {
        self.totals.bytes_sent += frame.len() as u64;
        effects.frames.push(frame);
    }

    /// Takes definitions of shared communities and gives those that this software cannot follow.
    async fn define(&self, definitions: &[Bytes]) -> Result<Vec<CollectionId>, Error> {
        let mut declined = Vec::new();
        for definition in definitions {
            let Ok(spec) = CollectionSpec::decode(definition) else { continue };
            if !self.session.shared().contains(&spec.community) {
                continue;
            }
            match self.replicated.adopt(&spec).await {
                Ok(()) => {}
                Err(Error::Unsupported { .. } | Error::TooMany { .. }) => declined.push(spec.id()),
                Err(error) => return Err(error),
            }
        }
        Ok(declined)
    }

    async fn load(&mut self, collection: CollectionId, start: Option<PushStart>) -> Result<Input, Error> {
        let push = match start {
            Some(PushStart::After(seq)) => {
                Some(self.replicated.push_after(&collection, seq, Some(&self.peer)).await?)
            }
            Some(PushStart::Everything) => Some(self.replicated.push_after(&collection, 0, None).await?),
            Some(PushStart::Logs(ranges)) => Some(self.replicated.push_logs(&collection, &ranges).await?),
            Some(PushStart::Prefixes(wanted)) => {
                Some(self.replicated.push_prefixes(&collection, &wanted).await?)
            }
            Some(PushStart::Ids(ids)) => Some(self.replicated.push_ids(&collection, &ids).await?),
            None => self.pushes.remove(&collection),
        };
        let Some(push) = push else { return Ok(Input::Loaded { collection, pack: None, more: false }) };
        let chunk = self.replicated.chunk(&collection, push).await?;
        self.totals.versions_sent += chunk.versions as u64;
        let more = chunk.rest.is_some();
        if let Some(rest) = chunk.rest {
            self.pushes.insert(collection, rest);
        }
        Ok(Input::Loaded { collection, pack: chunk.pack, more })
    }

    async fn import(&mut self, collection: CollectionId, pack: &Bytes) -> Result<Input, Error> {
        // A pack names its collection itself; it must be the one that the frame names.
        let names = pack.get(1..33) == Some(&collection.as_bytes()[..]);
        let imported = if names { self.replicated.import(self.peer, pack).await.map(Some) } else { Ok(None) };
        let admitted = match imported {
            Ok(imported) => imported.map(|imported| imported.admitted),
            Err(Error::Pack(_) | Error::Refused { .. }) => None,
            Err(error) => return Err(error),
        };
        self.totals.versions_received += admitted.unwrap_or_default() as u64;
        Ok(Input::Imported { collection, admitted })
    }

    /// After a round, asks for the blocks that are still missing, one after the other.
    async fn ask_for_blocks(&mut self, effects: &mut Effects) -> Result<(), Error> {
        let mut queue = VecDeque::new();
        for spec in self.replicated.collections() {
            if self.session.shared().contains(&spec.community) {
                let collection = spec.id();
                let missing = self.replicated.missing_blocks(&collection, BLOCKS_A_ROUND).await?;
                queue.extend(missing.into_iter().map(|block| (collection, block)));
            }
        }
        if self.fetch.is_none() && !queue.is_empty() {
            self.fetch = Some(Fetch { queue, bytes: BytesMut::new() });
            self.ask_for_next(effects);
        }
        Ok(())
    }

    fn ask_for_next(&mut self, effects: &mut Effects) {
        let Some(fetch) = &self.fetch else { return };
        match fetch.queue.front().cloned() {
            Some((collection, block)) => {
                let offset = fetch.bytes.len() as u64;
                self.send(Frame::WantBlock { collection, block, offset }.encode(), effects);
            }
            None => self.fetch = None,
        }
    }

    async fn send_block(
        &mut self,
        collection: CollectionId,
        block: Cid,
        offset: u64,
        effects: &mut Effects,
    ) -> Result<(), Error> {
        let shared = |spec: CollectionSpec| self.session.shared().contains(&spec.community);
        let allowed = self.replicated.spec(&collection).is_some_and(shared);
        let whole = if allowed { self.replicated.block(&collection, &block).await? } else { None }
            .unwrap_or_default();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(whole.len());
        let bytes = whole.slice(start..whole.len().min(start.saturating_add(BLOCK_SLICE)));
        let frame = Frame::Block { collection, block, offset, total: whole.len() as u64, bytes };
        self.send(frame.encode(), effects);
        Ok(())
    }

    async fn take_block(
        &mut self,
        (collection, block): (CollectionId, Cid),
        offset: u64,
        total: u64,
        bytes: &Bytes,
        effects: &mut Effects,
    ) -> Result<(), Error> {
        let Some(fetch) = &mut self.fetch else { return Ok(()) };
        let asked =
            fetch.queue.front() == Some(&(collection, block.clone())) && offset == fetch.bytes.len() as u64;
        let fits = total <= MAX_BLOCK_BYTES as u64 && offset + bytes.len() as u64 <= total;
        if !asked || (total > 0 && (!fits || bytes.is_empty())) {
            effects.misbehaved = Some("part of a block that was not asked for");
            return Ok(());
        }
        fetch.bytes.extend_from_slice(bytes);
        if fetch.bytes.len() as u64 == total {
            let whole = fetch.bytes.split().freeze();
            fetch.queue.pop_front();
            // The peer may not have it either; somebody else will.
            if total > 0 {
                match self.replicated.take_block(self.peer, collection, block, whole).await {
                    Err(Error::Refused { what }) => effects.misbehaved = Some(what),
                    done => done?,
                }
            }
        }
        self.ask_for_next(effects);
        Ok(())
    }
}
