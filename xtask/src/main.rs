//! The developer's commands: `cargo xtask …`.

mod privilege;
mod process;
mod setup;
mod tasks;
mod vm;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::tasks::lab::LabVerb;

/// The developer's commands. Each makes sure that what it needs is installed.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what building and running need: BPF compiler, linker, programs; silent if all is there
    Setup,
    /// Build everything; --release leaves target/release/lb-ctl
    Build {
        /// With optimisation, into target/release
        #[arg(long)]
        release: bool,
    },
    /// Watch clients, director and real servers at work in network namespaces
    Demo,
    /// Run every check and test
    Test {
        /// Only what needs no root and no namespaces
        #[arg(long)]
        quick: bool,
    },
    /// Leave the demo's network standing to play in, or take it down
    Lab {
        /// What to do with it
        #[arg(default_value = "up")]
        verb: LabVerb,
    },
    /// Measure: `bench program` the packet program alone, `bench` or `bench all` everything
    Bench {
        /// Which bench, and its options: `bench program --help` tells them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "BENCH")]
        arguments: Vec<OsString>,
    },
    /// Run a command on Debian's stock kernel in QEMU, over this machine's files
    Vm {
        #[command(flatten)]
        options: vm::Options,
        /// The command, and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
    /// What the continuous integration runs: the same as test
    Ci,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or_else(|| anyhow::anyhow!("xtask does not lie in the workspace"))
        .and_then(|root| run(&arguments.command, root));
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task, root: &Path) -> anyhow::Result<ExitCode> {
    match task {
        Task::Vm { options, command } => {
            return Ok(vm::run(root, options, command)?.into());
        }
        Task::Setup => setup::ensure(setup::Needs::ALL),
        Task::Build { release } => tasks::build::run(root, *release),
        Task::Demo => tasks::lab::demo(root),
        Task::Test { quick } => tasks::test::run(root, *quick),
        Task::Lab { verb } => tasks::lab::run(root, *verb),
        Task::Bench { arguments } => tasks::bench::run(root, arguments),
        Task::Ci => tasks::test::run(root, false),
    }?;
    Ok(ExitCode::SUCCESS)
}
