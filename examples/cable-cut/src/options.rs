//! What the command line says.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// A neighbourhood keeps working while its cables are cut.
///
/// Starts devices as processes of their own, loads them with documents, cuts the links between the
/// neighbourhoods, lets everybody write on, kills one device while it commits, heals, and checks every
/// merge against an oracle. Exit code 0 if all is right, 1 if not, 2 if the run could not be made.
#[derive(Clone, Debug, Parser)]
#[command(name = "cable-cut", version)]
pub(crate) struct Options {
    /// Devices, each a process with its own keys and its own sealed store.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(3..=10))]
    pub(crate) devices: u8,
    /// Documents to load; the built-in data has 15463.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub(crate) documents: u32,
    /// What is written where and when follows from this number.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Keep the devices' folders here, for `--audit`. Default: a temporary folder that is removed.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// Documents of your own: a CSV file with a header line whose first column is the id.
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) input: Option<PathBuf>,
    /// End with one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave the cables cut. The devices must then differ, and the exit code be 1.
    #[arg(long)]
    pub(crate) no_heal: bool,
    /// Give each device a network of its own: namespaces, bridges and veth. Needs Linux, root and iproute2.
    #[arg(long)]
    pub(crate) namespaces: bool,
    /// Audit the folder of an earlier run with `--keep`: verify every signature, recompute everything.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["keep", "input", "no_heal", "namespaces"])]
    pub(crate) audit: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// What this process is, if not the one that a person started.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Role {
    /// A device; it is told what to do on its standard input.
    #[command(hide = true)]
    Device,
}

/// The passphrase of the devices' key files. It comes by the environment alone: arguments are seen by all.
pub(crate) fn passphrase() -> String {
    std::env::var("CIVIC_PASSPHRASE").unwrap_or_else(|_| DEMO_PASSPHRASE.to_owned())
}

/// For runs without `CIVIC_PASSPHRASE`. It protects nothing: it stands in the README.
const DEMO_PASSPHRASE: &str = "harbour lights in the rain";
