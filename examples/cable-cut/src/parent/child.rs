use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::error::Error;
use crate::protocol::{Ask, MAX_LINE, Reply};

/// A device's process. It dies with this value, and ends by itself when its input does.
#[derive(Debug)]
pub(super) struct Child {
    device: usize,
    process: tokio::process::Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Starts this very program in the other role, as that ground runs programs.
    pub(super) fn spawn(device: usize, run: impl FnOnce(&Path) -> Command) -> Result<Self, Error> {
        let program = std::env::current_exe().map_err(Error::pipe("find this program"))?;
        let mut command = run(&program);
        command.arg("device").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().map_err(Error::pipe("start a device"))?;
        match (process.stdin.take(), process.stdout.take()) {
            (Some(input), Some(output)) => {
                Ok(Self { device, process, input, output: BufReader::new(output) })
            }
            _ => Err(Error::Ended { device }),
        }
    }

    /// Asks and waits for the answer.
    pub(super) async fn ask(&mut self, ask: &Ask, what: &'static str) -> Result<Reply, Error> {
        let Self { device, input, output, .. } = self;
        let both = async {
            send(*device, input, ask).await?;
            reply(*device, output, what).await
        };
        within(*device, what, both).await
    }

    /// Asks for something that has no answer but that it is done.
    pub(super) async fn order(&mut self, ask: &Ask, what: &'static str) -> Result<(), Error> {
        let device = self.device;
        match self.ask(ask, what).await? {
            Reply::Done | Reply::Committed { .. } => Ok(()),
            _ => Err(Error::OutOfTurn { device }),
        }
    }

    /// Feeds it without waiting, and kills it a moment after it has answered `after` times.
    pub(super) async fn kill_amid(
        mut self,
        asks: &[Ask],
        after: usize,
        delay: Duration,
    ) -> Result<(), Error> {
        let Self { device, input, output, .. } = &mut self;
        let (device, what) = (*device, "commit");
        let feed = async {
            for ask in asks {
                send(device, input, ask).await?;
            }
            std::future::pending().await
        };
        let listen = async {
            for _ in 0..after {
                reply(device, output, what).await?;
            }
            Ok(())
        };
        let both = async {
            tokio::select! { done = listen => done, fed = feed => fed }
        };
        within(device, what, both).await?;
        tokio::time::sleep(delay).await;
        self.process.kill().await.map_err(Error::pipe("kill a device"))
    }

    /// Ends it in good order.
    pub(super) async fn close(mut self) -> Result<(), Error> {
        self.order(&Ask::Close, "close").await?;
        let Self { device, mut process, input, .. } = self;
        drop(input);
        let ended = async { process.wait().await.map(drop).map_err(Error::pipe("wait for a device")) };
        within(device, "end", ended).await
    }
}

async fn send(device: usize, input: &mut ChildStdin, ask: &Ask) -> Result<(), Error> {
    let mut line = serde_json::to_vec(ask).map_err(Error::json("what is asked"))?;
    line.push(b'\n');
    if line.len() > MAX_LINE {
        return Err(Error::LongLine { limit: MAX_LINE });
    }
    input.write_all(&line).await.map_err(|_| Error::Ended { device })
}

async fn reply(
    device: usize,
    output: &mut BufReader<ChildStdout>,
    what: &'static str,
) -> Result<Reply, Error> {
    let mut line = Vec::new();
    let read = output.take(MAX_LINE as u64).read_until(b'\n', &mut line).await;
    read.map_err(Error::pipe("hear a device"))?;
    if line.last() != Some(&b'\n') {
        return Err(Error::Ended { device });
    }
    match serde_json::from_slice(&line).map_err(Error::json("what a device says"))? {
        Reply::Failed { message } => Err(Error::Device { device, what, message }),
        reply => Ok(reply),
    }
}

async fn within<T>(
    device: usize,
    what: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let late = |_| Error::Timeout { what: format!("device d{device}: {what}"), limit: PATIENCE };
    timeout(PATIENCE, work).await.map_err(late)?
}

/// The longest that a device may take for one thing: a dump of everything takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);
