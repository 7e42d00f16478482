//! `cargo xtask demo` and `cargo xtask lab`: both hand over to the program `lab` of the test bed.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::bail;
use clap::ValueEnum;

use crate::privilege::Privilege;
use crate::process::{become_command, cargo, run as run_command, shown, target_dir};
use crate::setup::{self, Needs};

/// What to do with the standing test bed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LabVerb {
    /// Build it and leave it standing.
    Up,
    /// Remove it.
    Down,
}

/// Shows the load balancer at work.
pub(crate) fn demo(root: &Path) -> anyhow::Result<()> {
    prepare(root)?;
    let lb_ctl = target_dir(root).join("release/lb-ctl");
    hand_over(root, "lab", &["demo".into(), "--lb-ctl".into(), lb_ctl.into()])
}

/// Builds or removes the test bed.
pub(crate) fn run(root: &Path, verb: LabVerb) -> anyhow::Result<()> {
    prepare(root)?;
    hand_over(
        root,
        "lab",
        &[match verb {
            LabVerb::Up => "up".into(),
            LabVerb::Down => "down".into(),
        }],
    )
}

fn prepare(root: &Path) -> anyhow::Result<()> {
    setup::ensure(Needs::ALL)?;
    run_command(
        cargo(root)
            .args(["build", "--release", "--locked", "--package", "lb-ctl"])
            .args(["--package", "bench"]),
    )
}

/// Becomes one of the test bed's programs as root, so that a Ctrl-C reaches it and nothing else,
/// and it can clean up.
pub(crate) fn hand_over(root: &Path, name: &str, arguments: &[OsString]) -> anyhow::Result<()> {
    let program = target_dir(root).join("release").join(name);
    let privilege = Privilege::find();
    let Some(prefix) = privilege.prefix() else {
        let mut command = Command::new(&program);
        command.args(arguments);
        bail!("{NEED_ROOT}, and there is no sudo. As root, type:\n    {}", shown(&command));
    };
    let mut words = prefix.iter().map(OsString::from).chain([program.into()]);
    let Some(first) = words.next() else { bail!("there is no command to hand over to") };
    if privilege != Privilege::Root {
        eprintln!("{NEED_ROOT}: going on with sudo");
    }
    Err(become_command(Command::new(first).args(words).args(arguments)))
}

const NEED_ROOT: &str = "network namespaces and packet programs need root";
