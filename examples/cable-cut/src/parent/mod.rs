//! The parent: starts the devices, owns the cables between them, cuts and heals, and judges.

mod child;
mod crossing;
mod device;
mod ground;
mod pace;
mod phases;
mod town;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::data;
use crate::error::Error;
use crate::journal;
use crate::options::{Options, passphrase};
use crate::oracle::{Witness, judge};
use crate::plan::Plan;
use crate::report::{Outcome, Timeline};
use crate::state::State;

use self::ground::Ground;
use self::town::Town;

/// A whole run, which may not take longer than ten minutes.
pub(crate) fn run(options: &Options) -> Result<Outcome, Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime =
        builder.worker_threads(WORKERS).enable_all().build().map_err(Error::pipe("start a runtime"))?;
    let whole = runtime.block_on(async {
        tokio::select! {
            done = tokio::time::timeout(TOTAL, all(options)) => done,
            // What the run has made goes with it: devices, folders, networks.
            stopped = stop() => Ok(stopped),
        }
    });
    runtime.shutdown_background();
    whole.unwrap_or_else(|_| Err(Error::Timeout { what: "the whole run".to_owned(), limit: TOTAL }))
}

/// Waits until somebody wants this to end.
async fn stop<T>() -> Result<T, Error> {
    let waiting = Error::pipe("listen for signals");
    #[cfg(unix)]
    {
        let terminate = tokio::signal::unix::SignalKind::terminate();
        let mut terminate = tokio::signal::unix::signal(terminate).map_err(waiting)?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.map_err(Error::pipe("listen for signals"))?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(waiting)?;
    Err(Error::Interrupted)
}

async fn all(options: &Options) -> Result<Outcome, Error> {
    let timeline = Timeline::new();
    let limit = usize::try_from(options.documents).unwrap_or(usize::MAX);
    let rows = data::rows(options.input.as_deref(), limit)?;
    let devices = usize::from(options.devices);
    let plan = Plan::new(&rows, devices, options.seed);
    let folder = Folder::new(options.keep.as_deref())?;
    let ground = Ground::new(&plan.sites, options.namespaces)?;
    let mut town = Town::start(&plan, folder.path(), &passphrase(), ground, &timeline).await?;
    phases::load(&mut town, &plan, &timeline).await?;
    let cut = phases::cut(&mut town, &plan, &timeline).await?;
    let healed = if options.no_heal {
        phases::stay_cut(&mut town, &plan, cut, &timeline).await?
    } else {
        phases::heal(&mut town, &plan, cut, &timeline).await?
    };
    let files = town.dump().await?;
    town.close().await?;
    let (internet, lan, passed, peers) = (town.internet(), town.lan(), town.gate.passed(), town.peers());
    drop(town);
    timeline.say("checking every acknowledged write and every merge");
    let witnesses = files.iter().enumerate().map(|(at, (dir, file))| {
        Ok(Witness { name: format!("d{}", at + 1), journal: journal::read(dir)?, state: State::load(file)? })
    });
    let witnesses = witnesses.collect::<Result<Vec<_>, Error>>()?;
    let verdict = judge(&witnesses);
    let states = witnesses.into_iter().map(|witness| witness.state).collect();
    folder.finish(&timeline);
    Ok(Outcome {
        documents: plan.documents(),
        states,
        verdict,
        heal: healed.took,
        settled: healed.settled,
        crossed_during_cut: healed.crossed,
        moved_ok: healed.moved_ok,
        parted: healed.parted,
        passed,
        internet,
        lan,
        peers,
        elapsed: timeline.elapsed(),
    })
}

/// Where the devices live.
enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn new(keep: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = keep else {
            let made = tempfile::Builder::new().prefix("cable-cut-").tempdir();
            return made.map(Self::Temporary).map_err(Error::pipe("make a temporary folder"));
        };
        std::fs::create_dir_all(path).map_err(Error::file("create", path))?;
        let mut inside = std::fs::read_dir(path).map_err(Error::file("read", path))?;
        if inside.next().is_some() {
            return Err(Error::KeepNotEmpty { path: path.to_owned() });
        }
        path.canonicalize().map(Self::Kept).map_err(Error::file("find", path))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(dir) => dir.path(),
        }
    }

    fn finish(&self, timeline: &Timeline) {
        if let Self::Kept(path) = self {
            timeline.say(&format!("kept in {}: audit it with --audit {0}", path.display()));
        }
    }
}

/// A run that takes longer is stuck.
const TOTAL: Duration = Duration::from_secs(600);

const WORKERS: usize = 2;
