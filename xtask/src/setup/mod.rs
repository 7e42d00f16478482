//! Makes sure that what building and running need is installed.

mod machine;
mod plan;

use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use self::machine::Machine;
use self::plan::Step;
use crate::privilege::Privilege;

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Compile for BPF.
    pub(crate) build: bool,
    /// Set up namespaces and servers in them.
    pub(crate) run: bool,
    /// Boot another kernel.
    pub(crate) vm: bool,
}

impl Needs {
    pub(crate) const ALL: Self = Self { build: true, run: true, vm: false };
    pub(crate) const BUILD: Self = Self { build: true, run: false, vm: false };
    pub(crate) const VM: Self = Self { build: false, run: false, vm: true };
    /// What the benches in the VM need, which make namespaces there.
    pub(crate) const VM_BENCH: Self = Self { vm: true, ..Self::ALL };
    /// What the tests need, which run on another kernel as well where that can be.
    pub(crate) const TEST: Self = Self { vm: crate::vm::SUPPORTED, ..Self::ALL };
}

/// Once to install, once more where the compiler that came turned out to need another LLVM than
/// was thought, and a last look.
const ROUNDS: usize = 3;

/// Installs what is missing; silent where nothing is.
pub(crate) fn ensure(needs: Needs) -> anyhow::Result<()> {
    let mut before: Option<Vec<Step>> = None;
    for _ in 0..ROUNDS {
        let steps = plan::plan(&Machine::look(needs), needs)?;
        if steps.is_empty() {
            return Ok(());
        }
        if before.as_ref() == Some(&steps) {
            break;
        }
        perform(&steps)?;
        before = Some(steps);
    }
    let steps = before.unwrap_or_default();
    bail!("these commands succeeded and did not help:\n{}", plan::to_type(&steps))
}

fn perform(steps: &[Step]) -> anyhow::Result<()> {
    let privilege = Privilege::find();
    let allowed = matches!(privilege, Privilege::Root | Privilege::Sudo);
    if !allowed && steps.iter().any(|step| step.as_root) {
        bail!(
            "something is missing, and installing it needs root. Type:\n{}\nthen try again",
            plan::to_type(steps)
        );
    }
    for (done, step) in steps.iter().enumerate() {
        eprintln!("setup: {}", step.purpose);
        let prefix = privilege.prefix().filter(|_| step.as_root).unwrap_or_default();
        run(prefix, step).with_context(|| {
            format!(
                "setup could not go on. What is left to type:\n{}\n\n{}",
                plan::to_type(&steps[done..]),
                plan::ALTERNATIVES
            )
        })?;
    }
    Ok(())
}

fn run(prefix: &[&str], step: &Step) -> anyhow::Result<()> {
    let words: Vec<&str> =
        prefix.iter().copied().chain(step.command.iter().map(String::as_str)).collect();
    let (program, arguments) = words.split_first().context("a step without a command")?;
    let status = Command::new(program)
        .args(arguments)
        // cargo install is to build in a folder of its own, for this machine, not as we were built.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("`{program}` could not be started"))?;
    if !status.success() {
        bail!("`{}` failed ({status})", words.join(" "));
    }
    Ok(())
}
