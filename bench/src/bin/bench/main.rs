//! `bench`: the benches. They need root.

mod churn;
mod control;
mod failover;
mod instructions;
mod live;
mod options;
mod path;
mod pktgen;
mod program;

use std::process::ExitCode;
use std::thread;

use clap::{Parser, Subcommand};

use self::options::Common;

/// The benches. They need root.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// What the packet program costs, beside a program that only swaps the MACs
    Program(program::Options),
    /// Real frames a second through lb-ctl, beside a program that only swaps the MACs
    Live(live::Options),
    /// Flows that change their real while reals come and go
    Churn(churn::Options),
    /// How long changes take until they are in effect, and what the daemon takes of the memory
    Control(control::Options),
    /// How long nobody answers while an address moves between directors, beside keepalived
    Failover(failover::Options),
    /// How many instructions a packet takes; in the VM that `cargo xtask bench instructions` boots
    Instructions(instructions::Options),
    /// How many instructions a packet takes through a director: lb-ctl, IPVS, plain forwarding
    Path(path::Options),
    /// Packets per second from the kernel's own generator: out of a network card, or in the VM
    /// through lb-ctl, IPVS and plain forwarding
    Pktgen(pktgen::Options),
    /// Every bench that needs no VM
    All(Common),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Program(options) => program::run(&options),
        Verb::Live(options) => live::run(&options),
        Verb::Churn(options) => churn::run(&options),
        Verb::Control(options) => control::run(&options),
        Verb::Failover(options) => failover::run(&options),
        Verb::Instructions(options) => instructions::run(&options),
        Verb::Path(options) => path::run(&options),
        Verb::Pktgen(options) => pktgen::run(&options),
        Verb::All(common) => all(&common),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A bench that keeps its thread on one CPU keeps there what it starts: each has its own.
fn all(common: &Common) -> anyhow::Result<()> {
    let benches: [fn(Common) -> anyhow::Result<()>; 5] = [
        |common| program::run(&common.into()),
        |common| live::run(&common.into()),
        |common| churn::run(&common.into()),
        |common| control::run(&common.into()),
        |common| failover::run(&common.into()),
    ];
    for bench in benches {
        let common = common.clone();
        thread::spawn(move || bench(common)).join().expect("a bench does not panic")?;
        println!();
    }
    Ok(())
}
