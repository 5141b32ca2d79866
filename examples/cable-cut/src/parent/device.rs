use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::child::Child;
use super::ground::Ground;
use crate::error::Error;
use crate::forwarder::Ends;
use crate::journal;
use crate::plan::{Burst, Commit};
use crate::protocol::{Address, Ask, Opening, Reply, Status};

/// A device as the parent knows it, whether or not it runs.
#[derive(Debug)]
pub(super) struct Device {
    /// From 0; people count from 1.
    at: usize,
    opening: Opening,
    child: Option<Child>,
    pub(super) peer: String,
    /// Where it listens to the internet: somewhere else after each start.
    pub(super) ends: Option<Ends>,
    commits: u64,
    /// Bytes over its LAN: of processes that have ended, and of this one when it was last asked.
    lan: [(u64, u64); 2],
    /// What it stands on, which is to go after its process.
    ground: Arc<Ground>,
}

impl Device {
    pub(super) fn new(at: usize, site: usize, town: &Path, passphrase: &str, ground: Arc<Ground>) -> Self {
        let opening = Opening {
            dir: town.join(format!("d{}", at + 1)),
            passphrase: passphrase.to_owned(),
            net: format!("cable-cut {}", std::process::id()),
            lan: ground.lan(at),
            site: ground.site(site),
            internet: ground.internet(at),
            external: Vec::new(),
            dial: Vec::new(),
        };
        let (child, peer, ends, commits, lan) = (None, String::new(), None, 0, [(0, 0); 2]);
        Self { at, opening, child, peer, ends, commits, lan, ground }
    }

    /// Tells everybody, from its start on, that this is the way to it.
    pub(super) fn advertise(&mut self, cable: Ends) {
        self.opening.external.extend(cable.addresses());
    }

    /// Starts its process; again, it dials whom it did.
    pub(super) async fn start(&mut self) -> Result<(), Error> {
        let mut child = Child::spawn(self.number(), |program| self.ground.command(self.at, program))?;
        match child.ask(&Ask::Open(self.opening.clone()), "open").await? {
            Reply::Opened { peer, ends } => (self.peer, self.ends) = (peer, Some(ends)),
            _ => return Err(self.out_of_turn()),
        }
        self.child = Some(child);
        Ok(())
    }

    pub(super) async fn stop(&mut self) -> Result<(), Error> {
        if self.child.is_some() {
            self.status().await?;
        }
        match self.end() {
            Some(child) => child.close().await,
            None => Ok(()),
        }
    }

    pub(super) async fn found(&mut self, name: &str) -> Result<String, Error> {
        let (device, ask) = (self.number(), Ask::Found { name: name.to_owned() });
        match self.child()?.ask(&ask, "found a community").await? {
            Reply::Ticket { ticket } => Ok(ticket),
            _ => Err(Error::OutOfTurn { device }),
        }
    }

    pub(super) async fn join(&mut self, ticket: &str) -> Result<(), Error> {
        self.child()?.order(&Ask::Join { ticket: ticket.to_owned() }, "join the community").await
    }

    /// Dials another device, and again after each start.
    pub(super) async fn connect(&mut self, to: Address) -> Result<(), Error> {
        self.opening.dial.push(to.clone());
        self.child()?.order(&Ask::Connect { to }, "connect").await
    }

    /// Goes to another neighbourhood, away from those peers.
    pub(super) async fn go(&mut self, site: usize, leaves: Vec<String>) -> Result<(), Error> {
        self.opening.site = self.ground.site(site);
        let site = self.ground.bring(self.at, site)?;
        self.child()?.order(&Ask::Move { site, leaves }, "move").await
    }

    /// One commit after the other, each acknowledged before the next.
    pub(super) async fn write(
        &mut self,
        commits: &[Commit],
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<(), Error> {
        for commit in commits {
            let ask = self.commit(commit);
            self.child()?.order(&ask, "commit").await?;
            done(commit.len());
        }
        Ok(())
    }

    /// Kills it by SIGKILL and starts it again, until a kill has met a commit; how many commits of that burst
    /// were acknowledged before, if one has.
    pub(super) async fn kill_amid(&mut self, bursts: &[Burst]) -> Result<Option<usize>, Error> {
        for burst in bursts {
            let asks: Vec<Ask> = burst.commits.iter().map(|commit| self.commit(commit)).collect();
            self.status().await?;
            let child = self.end().ok_or(Error::Ended { device: self.number() })?;
            child.kill_amid(&asks, burst.kill_after, burst.kill_delay).await?;
            let in_flight =
                journal::read(&self.opening.dir)?.last().is_some_and(|entry| entry.made.is_none());
            self.start().await?;
            if in_flight {
                return Ok(Some(burst.kill_after));
            }
        }
        Ok(None)
    }

    pub(super) async fn status(&mut self) -> Result<Status, Error> {
        match self.child()?.ask(&Ask::Status, "say how it stands").await? {
            Reply::Status(status) => {
                self.lan[1] = status.lan;
                Ok(status)
            }
            _ => Err(self.out_of_turn()),
        }
    }

    /// Bytes that it has sent and received over its LAN, as far as it has been asked.
    pub(super) fn lan(&self) -> (u64, u64) {
        let [(out, into), (more_out, more_into)] = self.lan;
        (out + more_out, into + more_into)
    }

    pub(super) async fn root(&mut self) -> Result<String, Error> {
        let device = self.number();
        match self.child()?.ask(&Ask::Root, "tell its root").await? {
            Reply::Root { root } => Ok(root),
            _ => Err(Error::OutOfTurn { device }),
        }
    }

    /// Writes all that it shows and holds to a file in its folder.
    pub(super) async fn dump(&mut self) -> Result<(PathBuf, PathBuf), Error> {
        let file = self.opening.dir.join("state.jsonl");
        self.child()?.order(&Ask::Dump { file: file.clone() }, "dump its state").await?;
        Ok((self.opening.dir.clone(), file))
    }

    fn commit(&mut self, writes: &Commit) -> Ask {
        self.commits += 1;
        Ask::Commit { number: self.commits, writes: writes.clone() }
    }

    fn child(&mut self) -> Result<&mut Child, Error> {
        let device = self.number();
        self.child.as_mut().ok_or(Error::Ended { device })
    }

    /// Takes its process from it, and with that what the process counted.
    fn end(&mut self) -> Option<Child> {
        self.lan = [self.lan(), (0, 0)];
        self.child.take()
    }

    const fn number(&self) -> usize {
        self.at + 1
    }

    const fn out_of_turn(&self) -> Error {
        Error::OutOfTurn { device: self.number() }
    }
}
