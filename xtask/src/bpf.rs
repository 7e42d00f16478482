//! Compiles the programs for the kernel, on behalf of the build scripts that embed them.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::linker::{self, Linker};
use crate::toolchain::{TARGET, Toolchain};

/// Why a program could not be compiled.
#[derive(Debug)]
pub enum BpfError {
    /// No compiler for the target.
    NoToolchain,
    /// No bpf-linker.
    NoLinker,
    /// A bpf-linker of another version.
    LinkerVersion(Linker),
    /// A bpf-linker whose LLVM is too old for the compiler's bitcode.
    LinkerLlvm(Linker, Toolchain),
    /// cargo could not be started.
    Start(Toolchain, io::Error),
    /// cargo said no; its reasons are on standard error.
    Compile(String, Toolchain, ExitStatus),
    /// cargo said yes, and the file is not there.
    NoObject(PathBuf),
}

impl fmt::Display for BpfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = "`cargo xtask setup` installs what is needed";
        match self {
            Self::NoToolchain => write!(
                f,
                "no Rust compiler here can compile for {TARGET}: neither the system's rustc with a \
                 core library for it, nor rustup's nightly with rust-src; {remedy}"
            ),
            Self::NoLinker => {
                write!(f, "bpf-linker is neither on PATH nor in cargo's bin folder; {remedy}")
            }
            Self::LinkerVersion(linker) => write!(
                f,
                "{} is version {}, and {} is needed; {remedy}",
                linker.path.display(),
                linker.version,
                linker::VERSION,
            ),
            Self::LinkerLlvm(linker, toolchain) => write!(
                f,
                "{} is built with an LLVM older than that of {toolchain}; {remedy}",
                linker.path.display(),
            ),
            Self::Start(toolchain, _) => write!(f, "could not start cargo with {toolchain}"),
            Self::Compile(bin, toolchain, status) => write!(
                f,
                "compiling {bin} for {TARGET} with {toolchain} failed ({status}); the reasons are \
                 in the compiler's output"
            ),
            Self::NoObject(path) => {
                write!(f, "cargo succeeded, but there is no {}", path.display())
            }
        }
    }
}

impl Error for BpfError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Start(_, error) => Some(error),
            _ => None,
        }
    }
}

/// Compiles the binary `bin` of the package `xdp-prog`, and gives the path of the ELF file. For
/// build scripts: it tells cargo which files the result depends on.
///
/// # Errors
/// No compiler or linker that serves, or a fault in the program; see [`BpfError`].
pub fn build(workspace_root: &Path, bin: &str) -> Result<PathBuf, BpfError> {
    for input in INPUTS {
        println!("cargo::rerun-if-changed={}", workspace_root.join(input).display());
    }
    let toolchain = Toolchain::find().ok_or(BpfError::NoToolchain)?;
    check_linker(&toolchain)?;
    println!("{bin}: compiled by {toolchain}");

    let target_dir = target_dir(workspace_root, env::var_os("CARGO_TARGET_DIR"));
    let status = command(workspace_root, &toolchain, bin, &target_dir)
        .status()
        .map_err(|error| BpfError::Start(toolchain.clone(), error))?;
    if !status.success() {
        return Err(BpfError::Compile(bin.to_owned(), toolchain, status));
    }
    let object = target_dir.join(TARGET).join("release").join(bin);
    if object.is_file() { Ok(object) } else { Err(BpfError::NoObject(object)) }
}

/// What the object is made from, relative to the workspace.
const INPUTS: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "xdp-prog/Cargo.toml",
    "xdp-prog/src",
    "lb-common/Cargo.toml",
    "lb-common/src",
];

fn check_linker(toolchain: &Toolchain) -> Result<(), BpfError> {
    let linker = Linker::find().ok_or(BpfError::NoLinker)?;
    if linker.version != linker::VERSION {
        Err(BpfError::LinkerVersion(linker))
    } else if !linker.reads(toolchain.version.llvm_major) {
        Err(BpfError::LinkerLlvm(linker, toolchain.clone()))
    } else {
        Ok(())
    }
}

/// A folder of its own: the outer cargo holds the lock of the usual one while build scripts run.
fn target_dir(workspace_root: &Path, configured: Option<OsString>) -> PathBuf {
    let outer = configured.map_or_else(|| PathBuf::from("target"), PathBuf::from);
    workspace_root.join(outer).join("bpf")
}

fn command(root: &Path, toolchain: &Toolchain, bin: &str, target_dir: &Path) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = toolchain.cargo_build(&cargo);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(speaks_of_the_outer_build) && !is_set(&command, &name) {
            command.env_remove(name);
        }
    }
    command
        .current_dir(root)
        .args(["--package", "xdp-prog", "--bin", bin])
        .args(["--release", "--locked", "--no-default-features", "--features", "bpf"])
        .arg("--target-dir")
        .arg(target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", RUSTFLAGS.join("\x1f"))
        // The verifier's messages name lines by it; the workspace's release profile strips.
        .env("CARGO_PROFILE_RELEASE_STRIP", "none")
        .env("PATH", linker::search_path())
        .stdin(Stdio::null())
        // On standard output a build script speaks to cargo.
        .stdout(Stdio::null());
    command
}

/// BTF is made from the debug information. Version 3 of the instruction set has 32-bit arithmetic
/// and jumps; kernels know it since 5.1.
const RUSTFLAGS: [&str; 4] = [
    "-Cdebuginfo=2",
    "-Clink-arg=--btf",
    "-Ctarget-cpu=v3",
    "-Ctarget-feature=+allows-misaligned-mem-access",
];

fn is_set(command: &Command, name: &OsString) -> bool {
    command.get_envs().any(|(key, value)| key == name && value.is_some())
}

/// Whether an environment variable belongs to the cargo that runs us, as compiler, wrapper (clippy
/// is one), flags and profile do. The jobserver in `CARGO_MAKEFLAGS` is to be shared, and
/// `CARGO_HOME`, registries and network settings are the user's.
fn speaks_of_the_outer_build(name: &str) -> bool {
    const NAMES: [&str; 15] = [
        "RUSTC",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_LINKER",
        "RUSTDOC",
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "RUSTUP_TOOLCHAIN",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "CLIPPY_ARGS",
        "TARGET",
        "HOST",
        "OUT_DIR",
        "PROFILE",
    ];
    const PREFIXES: [&str; 6] = [
        "CARGO_BUILD_",
        "CARGO_PROFILE_",
        "CARGO_FEATURE_",
        "CARGO_CFG_",
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_lies_in_the_outer_one() {
        let root = Path::new("/w");
        assert_eq!(target_dir(root, None), Path::new("/w/target/bpf"));
        assert_eq!(target_dir(root, Some("/t".into())), Path::new("/t/bpf"));
        assert_eq!(target_dir(root, Some("t".into())), Path::new("/w/t/bpf"));
    }

    #[test]
    fn the_outer_build_is_forgotten_and_the_user_is_not() {
        for name in ["RUSTC_WORKSPACE_WRAPPER", "CARGO_ENCODED_RUSTFLAGS", "CARGO_CFG_UNIX"] {
            assert!(speaks_of_the_outer_build(name), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_MAKEFLAGS", "HTTPS_PROXY", "HOME"] {
            assert!(!speaks_of_the_outer_build(name), "{name}");
        }
    }

    #[test]
    fn errors_name_the_remedy() {
        assert!(BpfError::NoToolchain.to_string().contains("cargo xtask setup"));
        assert!(BpfError::NoLinker.to_string().contains("cargo xtask setup"));
    }
}
