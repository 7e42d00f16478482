//! The compiler for the BPF target.
//!
//! Two kinds serve. A distribution's rustc may come with a prebuilt `core` for BPF (Debian:
//! `rustc-web` with `libstd-rust-web-dev-bpf`). Otherwise rustup's nightly can build `core` from
//! the component `rust-src`. What needs no further building is taken first.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::Command;

/// The target all kernel programs are compiled for.
pub const TARGET: &str = "bpfel-unknown-none";

/// Where a distribution's compiler stands.
pub const SYSTEM_RUSTC: &str = "/usr/bin/rustc";

/// What `rustc -vV` tells of a compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RustcVersion {
    /// As in `1.96.0`.
    pub release: String,
    /// The triple it runs on.
    pub host: String,
    /// Major version of its LLVM. The linker's must not be older.
    pub llvm_major: u32,
}

impl RustcVersion {
    /// Reads the output of `rustc -vV`; `None` where a line is missing.
    pub fn parse(output: &str) -> Option<Self> {
        let field = |name: &str| {
            output
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .map(str::trim)
        };
        Some(Self {
            release: field("release")?.to_owned(),
            host: field("host")?.to_owned(),
            llvm_major: field("LLVM version")?.split('.').next()?.parse().ok()?,
        })
    }

    /// Asks the compiler at `rustc`; `None` where it does not run.
    pub fn of(rustc: &OsStr) -> Option<Self> {
        Self::parse(&output(Command::new(rustc).arg("-vV"))?)
    }
}

/// Where `core` for BPF comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Prebuilt, beside the system's rustc.
    System,
    /// Built from rust-src by rustup's nightly.
    Nightly,
}

/// A compiler that can compile for BPF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// Which of the two.
    pub kind: Kind,
    /// Its version.
    pub version: RustcVersion,
}

impl Toolchain {
    /// The compiler this machine has; `None` where there is none.
    pub fn find() -> Option<Self> {
        Self::system().or_else(Self::nightly)
    }

    fn system() -> Option<Self> {
        let mut query = Command::new(SYSTEM_RUSTC);
        query.args(["--print", "target-libdir", "--target", TARGET]);
        let libraries = output(&mut query)?;
        // The path is printed whether or not anything is there.
        let has_core = Path::new(libraries.trim()).read_dir().ok()?.flatten().any(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().starts_with("libcore-")
        });
        let version = RustcVersion::of(SYSTEM_RUSTC.as_ref())?;
        has_core.then_some(Self { kind: Kind::System, version })
    }

    fn nightly() -> Option<Self> {
        let rustc = |arguments: &[&str]| {
            output(Command::new("rustup").args(["run", "nightly", "rustc"]).args(arguments))
        };
        let sysroot = rustc(&["--print", "sysroot"])?;
        let core = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core/Cargo.toml");
        let version = RustcVersion::parse(&rustc(&["-vV"])?)?;
        core.exists().then_some(Self { kind: Kind::Nightly, version })
    }

    /// A `cargo build` for the BPF target with this compiler. `cargo` is the program that drives a
    /// system compiler.
    pub(crate) fn cargo_build(&self, cargo: &OsStr) -> Command {
        let mut command = match self.kind {
            Kind::System => {
                let mut command = Command::new(cargo);
                // The prebuilt `core` carries unstable features, which a stable compiler refuses.
                command.env("RUSTC", SYSTEM_RUSTC).env("RUSTC_BOOTSTRAP", "1").arg("build");
                command
            }
            Kind::Nightly => {
                let mut command = Command::new("rustup");
                command.args(["run", "nightly", "cargo", "build", "-Zbuild-std=core"]);
                command
            }
        };
        command.args(["--target", TARGET]);
        command
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RustcVersion { release, llvm_major, .. } = &self.version;
        match self.kind {
            Kind::System => write!(f, "{SYSTEM_RUSTC} {release} (LLVM {llvm_major})"),
            Kind::Nightly => write!(f, "rustup's nightly {release} (LLVM {llvm_major})"),
        }
    }
}

/// Standard output of a command that succeeds.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERBOSE: &str = "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)
binary: rustc
commit-hash: ac68faa20c58cbccd01ee7208bf3b6e93a7d7f96
host: x86_64-unknown-linux-gnu
release: 1.96.0
LLVM version: 22.1.8
";

    #[test]
    fn reads_the_verbose_version() {
        let version = RustcVersion::parse(VERBOSE).unwrap();
        assert_eq!(version.release, "1.96.0");
        assert_eq!(version.host, "x86_64-unknown-linux-gnu");
        assert_eq!(version.llvm_major, 22);
    }

    #[test]
    fn a_compiler_without_llvm_is_none_of_ours() {
        let without = VERBOSE.replace("LLVM version: 22.1.8\n", "");
        assert_eq!(RustcVersion::parse(&without), None);
        assert_eq!(RustcVersion::parse(&VERBOSE.replace("22.1.8", "unknown")), None);
    }

    #[test]
    fn each_kind_has_its_own_command() {
        let version = RustcVersion::parse(VERBOSE).unwrap();
        let arguments = |kind| {
            let command =
                Toolchain { kind, version: version.clone() }.cargo_build("cargo".as_ref());
            format!("{command:?}")
        };
        let system = arguments(Kind::System);
        assert!(system.contains("RUSTC=\"/usr/bin/rustc\""), "{system}");
        assert!(!system.contains("build-std"), "{system}");
        let nightly = arguments(Kind::Nightly);
        assert!(nightly.contains("build-std=core"), "{nightly}");
        assert!(!nightly.contains("RUSTC"), "{nightly}");
    }
}
