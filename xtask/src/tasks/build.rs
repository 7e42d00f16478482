//! `cargo xtask build`.

use std::path::Path;

use xtask::toolchain::Toolchain;

use crate::process::{self, cargo};
use crate::setup::{self, Needs};

/// Builds the whole workspace.
pub(crate) fn run(root: &Path, release: bool) -> anyhow::Result<()> {
    setup::ensure(Needs::BUILD)?;
    if let Some(toolchain) = Toolchain::find() {
        eprintln!("kernel programs: compiled by {toolchain}");
    }
    let mut command = cargo(root);
    command.args(["build", "--locked", "--workspace"]);
    if release {
        command.arg("--release");
    }
    process::run(&mut command)
}
