//! `bench`: the benches. They need root.

mod churn;
mod live;
mod options;
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
    /// Every bench there is
    All(Common),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Program(options) => program::run(&options),
        Verb::Live(options) => live::run(&options),
        Verb::Churn(options) => churn::run(&options),
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
    let benches: [fn(Common) -> anyhow::Result<()>; 3] = [
        |common| program::run(&common.into()),
        |common| live::run(&common.into()),
        |common| churn::run(&common.into()),
    ];
    for bench in benches {
        let common = common.clone();
        thread::spawn(move || bench(common)).join().expect("a bench does not panic")?;
        println!();
    }
    Ok(())
}
