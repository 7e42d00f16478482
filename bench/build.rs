//! Compiles the XDP programs of the test bed and of the benches, to be embedded in the library, and
//! notes the commit and the compiler.

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};

use xtask::toolchain::Toolchain;

const PROGRAMS: [(&str, &str); 4] = [
    ("bed-xdp", "BED_XDP"),
    ("bench-xdp", "BENCH_XDP"),
    ("path-xdp", "PATH_XDP"),
    ("sink-xdp", "SINK_XDP"),
];

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("bench is in the workspace");
    println!("cargo::rustc-env=BENCH_GIT={}", commit().as_deref().unwrap_or("unknown"));
    let compiler = Toolchain::find().map(|found| found.version);
    let compiler = compiler.map(|it| format!("rustc {}, LLVM {}", it.release, it.llvm_major));
    println!("cargo::rustc-env=BENCH_BPF_COMPILER={}", compiler.as_deref().unwrap_or("unknown"));
    for (bin, variable) in PROGRAMS {
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
