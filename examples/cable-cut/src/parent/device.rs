use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::child::Child;
use crate::error::Error;
use crate::journal;
use crate::plan::{Burst, Commit};
use crate::protocol::{Address, Ask, Opening, Reply, Status};

/// A device as the parent knows it, whether or not it runs.
#[derive(Debug)]
pub(super) struct Device {
    /// From 1, as people call it.
    number: usize,
    dir: PathBuf,
    passphrase: String,
    child: Option<Child>,
    pub(super) peer: String,
    pub(super) listen: Option<SocketAddr>,
    /// Whom it dials.
    pub(super) dial: Vec<Address>,
    commits: u64,
}

impl Device {
    pub(super) fn new(number: usize, town: &Path, passphrase: &str) -> Self {
        let dir = town.join(format!("d{number}"));
        let (child, peer, listen, dial) = (None, String::new(), None, Vec::new());
        Self { number, dir, passphrase: passphrase.to_owned(), child, peer, listen, dial, commits: 0 }
    }

    /// Starts its process; again, it listens where it did and dials whom it did.
    pub(super) async fn start(&mut self) -> Result<(), Error> {
        let mut child = Child::spawn(self.number)?;
        let (dir, passphrase) = (self.dir.clone(), self.passphrase.clone());
        let opening = Opening { dir, passphrase, listen: self.listen, dial: self.dial.clone() };
        match child.ask(&Ask::Open(opening), "open").await? {
            Reply::Opened { peer, listen } => (self.peer, self.listen) = (peer, Some(listen)),
            _ => return Err(Error::OutOfTurn { device: self.number }),
        }
        self.child = Some(child);
        Ok(())
    }

    pub(super) async fn stop(&mut self) -> Result<(), Error> {
        match self.child.take() {
            Some(child) => child.close().await,
            None => Ok(()),
        }
    }

    pub(super) async fn found(&mut self, name: &str) -> Result<String, Error> {
        let (device, ask) = (self.number, Ask::Found { name: name.to_owned() });
        match self.child()?.ask(&ask, "found a community").await? {
            Reply::Ticket { ticket } => Ok(ticket),
            _ => Err(Error::OutOfTurn { device }),
        }
    }

    pub(super) async fn join(&mut self, ticket: &str) -> Result<(), Error> {
        self.child()?.order(&Ask::Join { ticket: ticket.to_owned() }, "join the community").await
    }

    /// Dials whom it is to dial.
    pub(super) async fn connect(&mut self) -> Result<(), Error> {
        for to in self.dial.clone() {
            self.child()?.order(&Ask::Connect { to }, "connect").await?;
        }
        Ok(())
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
            let child = self.child.take().ok_or(Error::Ended { device: self.number })?;
            child.kill_amid(&asks, burst.kill_after, burst.kill_delay).await?;
            let in_flight = journal::read(&self.dir)?.last().is_some_and(|entry| entry.made.is_none());
            self.start().await?;
            if in_flight {
                return Ok(Some(burst.kill_after));
            }
        }
        Ok(None)
    }

    pub(super) async fn status(&mut self) -> Result<Status, Error> {
        let device = self.number;
        match self.child()?.ask(&Ask::Status, "say how it stands").await? {
            Reply::Status(status) => Ok(status),
            _ => Err(Error::OutOfTurn { device }),
        }
    }

    pub(super) async fn root(&mut self) -> Result<String, Error> {
        let device = self.number;
        match self.child()?.ask(&Ask::Root, "tell its root").await? {
            Reply::Root { root } => Ok(root),
            _ => Err(Error::OutOfTurn { device }),
        }
    }

    /// Writes all that it shows and holds to a file in its folder.
    pub(super) async fn dump(&mut self) -> Result<(PathBuf, PathBuf), Error> {
        let file = self.dir.join("state.jsonl");
        self.child()?.order(&Ask::Dump { file: file.clone() }, "dump its state").await?;
        Ok((self.dir.clone(), file))
    }

    fn commit(&mut self, writes: &Commit) -> Ask {
        self.commits += 1;
        Ask::Commit { number: self.commits, writes: writes.clone() }
    }

    fn child(&mut self) -> Result<&mut Child, Error> {
        self.child.as_mut().ok_or(Error::Ended { device: self.number })
    }
}
