//! A neighbourhood keeps working while its cables are cut: devices as processes of their own, sealed stores,
//! encrypted links, a crash, a heal, and an oracle that checks every merge.
#![forbid(unsafe_code)]

mod audit;
mod data;
mod device;
mod error;
mod forwarder;
mod journal;
mod ledger;
mod options;
mod oracle;
mod parent;
mod plan;
mod protocol;
mod report;
mod state;
mod write;

use std::process::ExitCode;

use clap::Parser;

use self::error::Error;
use self::options::{Options, Role};

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match (options.role, &options.audit) {
        (Some(Role::Device), _) => device::run().map(|()| true),
        (None, Some(dir)) => audit::run(dir, &options::passphrase()).map(|audit| {
            println!("{}", audit.text());
            audit.is_good()
        }),
        (None, None) => run(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NOT_GOOD),
        Err(error) => {
            eprintln!("cable-cut: {}", error.chain());
            ExitCode::from(NO_RUN)
        }
    }
}

fn run(options: &Options) -> Result<bool, Error> {
    let outcome = parent::run(options)?;
    println!("\n{}", outcome.table());
    if options.json {
        println!("{}", outcome.json());
    }
    Ok(outcome.is_good())
}

/// The run was made and something in it is not as it must be.
const NOT_GOOD: u8 = 1;

/// The run could not be made.
const NO_RUN: u8 = 2;
