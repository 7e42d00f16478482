//! Compiles the test bed's own XDP program, to be embedded in the library.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let object = build("bed-xdp");
    println!("cargo::rustc-env=BED_XDP={}", object.display());
}

fn build(bin: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("bench is in the workspace");
    for source in ["xdp-prog/src", "xdp-prog/Cargo.toml", "lb-common/src", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let target = root.join("target/bpf");
    let mut cargo = Command::new(std::env::var_os("CARGO").expect("cargo sets CARGO"));
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_") && name != "CARGO_HOME" || name.starts_with("RUSTC_") {
            cargo.env_remove(name);
        }
    }
    let status = cargo
        .current_dir(root)
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", "-Cdebuginfo=2\x1f-Clink-arg=--btf\x1f-Ctarget-cpu=v3")
        .args(["build", "--release", "--target", "bpfel-unknown-none", "-p", "xdp-prog"])
        .args(["--no-default-features", "--features", "bpf", "--bin", bin, "--target-dir"])
        .arg(&target)
        .status()
        .expect("cargo runs, as it runs this script");
    assert!(status.success(), "building {bin} for BPF failed: {status}");
    target.join("bpfel-unknown-none/release").join(bin)
}
