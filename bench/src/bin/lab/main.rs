//! `lab`: the test bed for a person: a demo of lb-ctl in it, or the bed to play in.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

mod demo;
mod interrupt;
mod screen;
mod stand;

/// The test bed: client, director and real servers in network namespaces. Needs root.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build the bed, show what lb-ctl does in it, and clean up.
    Demo {
        /// The lb-ctl to show.
        #[arg(long, value_name = "PATH")]
        lb_ctl: PathBuf,
    },
    /// Build the bed and leave it standing, with web servers on the reals.
    Up {
        /// How many real servers.
        #[arg(long, default_value_t = 3, value_name = "N")]
        reals: u8,
        /// The lb-ctl that the printed examples call.
        #[arg(long, default_value = "target/release/lb-ctl", value_name = "PATH")]
        lb_ctl: PathBuf,
    },
    /// Remove the standing bed with all that runs in it, and what killed runs have left.
    Down,
}

/// What a shell reports for a program that SIGINT ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Everything a verb builds is gone again when it returns.
    let result = interrupt::watch().and_then(|()| match arguments.verb {
        Verb::Demo { lb_ctl } => {
            let found = lb_ctl.canonicalize().with_context(|| {
                format!("no lb-ctl at {}: `cargo xtask build --release` makes it", lb_ctl.display())
            });
            demo::run(&found?)
        }
        Verb::Up { reals, lb_ctl } => {
            stand::up(reals, &std::path::absolute(&lb_ctl).unwrap_or(lb_ctl))
        }
        Verb::Down => stand::down(),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if interrupt::seen() => {
            eprintln!("\ninterrupted; everything is cleaned up");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}
