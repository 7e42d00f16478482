//! Compiles the programs for the kernel, which the controller carries in itself, and notes the
//! commit.

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.parent().expect("the package lies in the workspace");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=LB_CTL_GIT={}", commit().as_deref().unwrap_or("unknown"));
    for (bin, variable) in [("lb-ctl-xdp", "LB_CTL_XDP"), ("via-tc", "LB_CTL_VIA")] {
        match xtask::bpf::build(root, bin) {
            Ok(object) => println!("cargo::rustc-env={variable}={}", object.display()),
            Err(error) => {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                println!("cargo::error={error}{cause}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// The short commit, where this is a git checkout.
fn commit() -> Option<String> {
    for file in ["HEAD", "logs/HEAD"] {
        // A file that is not there would make cargo run this script at every build.
        let path = git(&["rev-parse", "--git-path", file])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
