//! bpf-linker: joins LLVM bitcode into one BPF object. rustc calls it for the BPF target.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::toolchain::output;

/// The version this project is built with.
pub const VERSION: &str = "0.13.0";

const NAME: &str = "bpf-linker";

/// An installed bpf-linker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linker {
    /// Where it stands.
    pub path: PathBuf,
    /// Its version.
    pub version: String,
    /// Major version of the LLVM it is linked with; `None` where that cannot be seen from outside.
    pub llvm_major: Option<u32>,
}

impl Linker {
    /// The one that rustc would call; `None` where there is none that runs.
    pub fn find() -> Option<Self> {
        let path = env::split_paths(&search_path())
            .map(|directory| directory.join(NAME))
            .find(|path| path.is_file())?;
        let version = parse_version(&output(Command::new(&path).arg("--version"))?)?;
        let llvm_major = output(Command::new("ldd").arg(&path)).and_then(|ldd| parse_llvm(&ldd));
        Some(Self { path, version, llvm_major })
    }

    /// Whether it reads the bitcode of a compiler with this LLVM. Bitcode is read by LLVMs of the
    /// same age and younger ones.
    pub fn reads(&self, llvm_major: u32) -> bool {
        self.llvm_major.is_none_or(|own| own >= llvm_major)
    }
}

/// `PATH`, and behind it the folder `cargo install` writes to, which need not be on it.
pub(crate) fn search_path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(cargo_bin());
    // A folder whose name holds a colon cannot be on a search path: then the path stays as it is.
    env::join_paths(folders).unwrap_or(path)
}

fn cargo_bin() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cargo")))?;
    Some(home.join("bin"))
}

/// From `bpf-linker 0.13.0`.
fn parse_version(output: &str) -> Option<String> {
    output.trim().strip_prefix(NAME).map(|version| version.trim().to_owned())
}

/// From the output of ldd: `libLLVM.so.22.1 => …`, or, up to LLVM 17, `libLLVM-17.so.1 => …`.
fn parse_llvm(ldd: &str) -> Option<u32> {
    let library = ldd.lines().find_map(|line| line.trim().strip_prefix("libLLVM"))?;
    let digits: String = library
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version() {
        assert_eq!(parse_version("bpf-linker 0.13.0\n").as_deref(), Some("0.13.0"));
        assert_eq!(parse_version("ld 2.40\n"), None);
    }

    #[test]
    fn reads_the_llvm_it_is_linked_with() {
        let shared =
            "\tlinux-vdso.so.1 (0x00007f2b)\n\tlibLLVM.so.22.1 => /usr/lib/llvm-22/lib/x\n";
        assert_eq!(parse_llvm(shared), Some(22));
        assert_eq!(parse_llvm("\tlibLLVM-17.so.1 => /x (0x1)\n"), Some(17));
        assert_eq!(parse_llvm("\tlibc.so.6 => /lib/libc.so.6 (0x1)\n"), None);
    }

    #[test]
    fn older_bitcode_is_read_and_younger_is_not() {
        let linker =
            |llvm_major| Linker { path: PathBuf::new(), version: VERSION.to_owned(), llvm_major };
        assert!(linker(Some(22)).reads(22));
        assert!(linker(Some(23)).reads(22));
        assert!(!linker(Some(21)).reads(22));
        assert!(linker(None).reads(22));
    }
}
