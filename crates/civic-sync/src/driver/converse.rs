use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use civic_transport::{Envelope, LocalEnvelope, Priority, TransportAdapter};
use civic_types::PeerId;
use civic_types::time::{Tick, Timer};
use futures_channel::mpsc;
use futures_util::{FutureExt, StreamExt, select};

use super::status::{Status, SyncEvent};
use super::{MESSAGE_TYPE, why};
use crate::arq::{Arq, Received};
use crate::conversation::{Conversation, Effects, Totals};
use crate::error::Error;
use crate::replicated::Replicated;
use crate::session::Input;

/// What all conversations of a driver share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) replicated: Arc<Replicated>,
    pub(super) transport: Arc<dyn TransportAdapter>,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) status: Arc<Status>,
}

/// What the driver passes on to one peer's conversation.
#[derive(Clone, Debug)]
pub(super) enum PeerInput {
    Announce,
    Changed,
    Frame(Bytes),
    /// The connection runs over other links now, with these bindings in all.
    Links(Vec<[u8; 32]>),
    Overrun,
    Request(u64),
}

/// Talks with a peer until its inbox is dropped, it misbehaves, or the store or the link fails.
pub(super) async fn converse(
    context: &Context,
    peer: PeerId,
    bindings: Vec<[u8; 32]>,
    mut inputs: mpsc::Receiver<PeerInput>,
    waiting_bytes: &AtomicUsize,
) {
    context.status.update(peer, |status| status.connected = true);
    let mut talk = Talk::new(context, peer, bindings);
    let ended = match talk.start().await {
        Ok(()) => talk.run(&mut inputs, waiting_bytes).await,
        ended => ended,
    };
    match ended {
        Ok(()) => {}
        Err(End::Link) => {}
        Err(End::Misbehaved(what)) => {
            tracing::warn!(%peer, what, "broke the sync protocol");
            context.status.emit(&SyncEvent::Misbehaved { peer, what });
            // It may be gone already.
            let _gone = context.transport.disconnect(&peer).await;
        }
        Err(End::Failed(error)) => {
            tracing::error!(%peer, error = %why(&error), "a sync session failed");
            context.status.emit(&SyncEvent::Failed { peer, why: why(&error) });
        }
    }
}

/// Why a conversation ended before its connection did.
enum End {
    /// The link takes nothing more; it says so itself too.
    Link,
    Misbehaved(&'static str),
    Failed(Error),
}

struct Talk<'a> {
    context: &'a Context,
    peer: PeerId,
    bindings: Vec<[u8; 32]>,
    conversation: Conversation,
    arq: Arq,
    told: Totals,
}

impl<'a> Talk<'a> {
    fn new(context: &'a Context, peer: PeerId, bindings: Vec<[u8; 32]>) -> Self {
        let arq = Arq::new(context.replicated.connection_number());
        let conversation = Conversation::new(Arc::clone(&context.replicated), peer, bindings.clone());
        Self { context, peer, bindings, conversation, arq, told: Totals::default() }
    }

    async fn start(&mut self) -> Result<(), End> {
        let effects = self.conversation.start(self.now()).await;
        self.carry_out(effects).await?;
        for id in self.context.status.requests_of(&self.peer) {
            self.input(Input::Request(id)).await?;
        }
        self.transmit().await
    }

    async fn run(
        &mut self,
        inputs: &mut mpsc::Receiver<PeerInput>,
        waiting: &AtomicUsize,
    ) -> Result<(), End> {
        loop {
            let alarm = self.arq.next_timeout().into_iter().chain(self.conversation.next_timeout()).min();
            let mut sleep = match alarm {
                Some(at) => self.context.timer.sleep_until(at).fuse(),
                None => futures_util::future::pending().boxed().fuse(),
            };
            let input = select! {
                input = inputs.next() => match input {
                    Some(input) => Some(input),
                    None => return Ok(()),
                },
                () = sleep => None,
            };
            match input {
                None => self.input(Input::Tick).await?,
                Some(PeerInput::Announce) => {
                    let effects = self.conversation.start(self.now()).await;
                    self.carry_out(effects).await?;
                }
                Some(PeerInput::Changed) => self.input(Input::Changed).await?,
                Some(PeerInput::Request(id)) => self.input(Input::Request(id)).await?,
                Some(PeerInput::Overrun) => return Err(End::Misbehaved("more data than it may send")),
                Some(PeerInput::Links(bindings)) => {
                    if bindings == self.bindings {
                        // A link was lost: what it took with it goes out again, at once.
                        self.arq.repeat();
                    } else {
                        self.bindings.clone_from(&bindings);
                        self.input(Input::Bindings(bindings)).await?;
                    }
                }
                Some(PeerInput::Frame(bytes)) => {
                    waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
                    self.receive(bytes).await?;
                }
            }
            self.transmit().await?;
        }
    }

    async fn receive(&mut self, bytes: Bytes) -> Result<(), End> {
        let now = self.now();
        let mut received = self.arq.receive(now, &bytes);
        if received == Received::Restarted {
            self.arq = self.arq.begin_anew();
            received = self.arq.receive(now, &bytes);
            let replicated = Arc::clone(&self.context.replicated);
            self.conversation = Conversation::new(replicated, self.peer, self.bindings.clone());
            self.told = Totals::default();
            Box::pin(self.start()).await?;
        }
        if let Received::Frames(frames) = received {
            for frame in frames {
                self.input(Input::Frame(frame)).await?;
            }
        }
        Ok(())
    }

    async fn input(&mut self, input: Input) -> Result<(), End> {
        let effects = self.conversation.input(self.now(), input).await;
        self.carry_out(effects).await
    }

    async fn carry_out(&mut self, effects: Result<Effects, Error>) -> Result<(), End> {
        let effects = effects.map_err(End::Failed)?;
        for frame in effects.frames {
            self.arq.send(frame);
        }
        let (peer, status) = (self.peer, &self.context.status);
        let totals = self.conversation.totals();
        let told = std::mem::replace(&mut self.told, totals);
        let new = totals.since(&told);
        status.update(peer, |known| known.totals.add(&new));
        if new.versions_received > 0 {
            status.emit(&SyncEvent::Imported { peer, versions: new.versions_received });
        }
        for outcome in effects.finished {
            status.update(peer, |known| known.converged = outcome.converged);
            if outcome.converged {
                status.emit(&SyncEvent::Converged { peer });
            }
            for id in outcome.requests {
                status.answer(id, if outcome.converged { Ok(()) } else { Err(Error::Busy) });
            }
        }
        effects.misbehaved.map_or(Ok(()), |what| Err(End::Misbehaved(what)))
    }

    async fn transmit(&mut self) -> Result<(), End> {
        let now = self.now();
        for datagram in self.arq.transmit(now) {
            self.send(datagram).await?;
        }
        Ok(())
    }

    async fn send(&self, payload: Bytes) -> Result<(), End> {
        let message_type = MESSAGE_TYPE;
        let envelope = Envelope::Local(LocalEnvelope { message_type, priority: Priority::Normal, payload });
        self.context.transport.send(&self.peer, envelope).await.map(drop).map_err(|_| End::Link)
    }

    fn now(&self) -> Tick {
        self.context.timer.now()
    }
}
