//! Compiles the test bed's own XDP program, to be embedded in the library.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("bench is in the workspace");
    match xtask::bpf::build(root, "bed-xdp") {
        Ok(object) => {
            println!("cargo::rustc-env=BED_XDP={}", object.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            println!("cargo::error={error}{cause}");
            ExitCode::FAILURE
        }
    }
}
