//! A device: a process with its own keys, its own sealed store and its own links, told what to do line by line.

mod lines;
mod links;
mod near;
mod node;
mod writing;

use std::io::Write as _;

use self::lines::Lines;
use self::node::Device;
use crate::error::Error;
use crate::protocol::{Ask, Reply};

/// Serves until the parent says close or its end of the pipe is gone.
pub(crate) fn run() -> Result<(), Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime =
        builder.worker_threads(WORKERS).enable_all().build().map_err(Error::pipe("start a runtime"))?;
    let served = runtime.block_on(serve());
    runtime.shutdown_background();
    served
}

async fn serve() -> Result<(), Error> {
    let Lines { mut asks, mut gone } = lines::read_stdin();
    let mut device: Option<Device> = None;
    while let Some(line) = asks.recv().await {
        let ask: Ask = serde_json::from_slice(&line?).map_err(Error::json("what the parent asks"))?;
        let closing = matches!(ask, Ask::Close);
        let answered = tokio::select! {
            biased;
            // Without a parent there is nobody to answer: what was acknowledged is safe in the store.
            _ = &mut gone => return Ok(()),
            answered = answer(&mut device, ask) => answered,
        };
        say(&answered.unwrap_or_else(|error| Reply::Failed { message: error.chain() }))?;
        if closing {
            break;
        }
    }
    Ok(())
}

async fn answer(device: &mut Option<Device>, ask: Ask) -> Result<Reply, Error> {
    if let Ask::Open(opening) = ask {
        let opened = Device::open(opening).await?;
        let reply = opened.opened()?;
        *device = Some(opened);
        return Ok(reply);
    }
    let Some(open) = device else { return Ok(Reply::Failed { message: "not open yet".to_owned() }) };
    match ask {
        Ask::Close => open.close().await.map(|()| Reply::Done),
        Ask::Commit { number, writes } => {
            let versions = open.commit(number, writes).await?;
            Ok(Reply::Committed { number, versions })
        }
        Ask::Connect { to } => open.connect(&to).await.map(|()| Reply::Done),
        Ask::Dump { file } => {
            open.state().await?.save(&file)?;
            Ok(Reply::Done)
        }
        Ask::Found { name } => open.found(&name).await.map(|ticket| Reply::Ticket { ticket }),
        Ask::Join { ticket } => open.join(&ticket).await.map(|()| Reply::Done),
        Ask::Move { site, leaves } => open.go(site, &leaves).await.map(|()| Reply::Done),
        Ask::Open(_) => Ok(Reply::Failed { message: "open already".to_owned() }),
        Ask::Root => open.root().await.map(|root| Reply::Root { root }),
        Ask::Status => open.status().await.map(Reply::Status),
    }
}

fn say(reply: &Reply) -> Result<(), Error> {
    let mut line = serde_json::to_vec(reply).map_err(Error::json("a reply"))?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line).and_then(|()| out.flush()).map_err(Error::pipe("answer the parent"))
}

/// Threads of a device: there are many devices on this machine.
const WORKERS: usize = 2;
