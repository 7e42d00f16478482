//! `cargo xtask vm`: Debian's stock kernel in QEMU, over this machine's files. Software emulation:
//! it needs no KVM, and seconds to boot.
//!
//! The guest's root is the host's, read-only by 9p under an overlay in memory: it has every program
//! that the host has, and leaves no trace.

mod initramfs;
mod kernel;
mod options;

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use self::kernel::Kernel;
pub(crate) use self::options::Options;
use crate::process::target_dir;
use crate::setup::{self, Needs};

/// The line by which the guest tells how its command ended.
const EXIT_MARK: &str = "VM-EXIT:";

/// Whether this machine's kind is the one that the VM is.
pub(crate) const SUPPORTED: bool = cfg!(target_arch = "x86_64");

/// Boots the VM, runs a command in it as root, and gives its exit code.
pub(crate) fn run(root: &Path, options: &Options, command: &[OsString]) -> anyhow::Result<u8> {
    if !SUPPORTED {
        bail!("the VM is an x86-64 machine and runs this machine's programs: it cannot here");
    }
    setup::ensure(Needs::VM)?;
    let folder = target_dir(root).join("vm");
    let kernel = Kernel::get(&folder)?;
    let here = std::env::current_dir().context("the current folder is gone")?;
    let options =
        Options { keep: options.keep.as_deref().map(absolute).transpose()?, ..options.clone() };
    let initramfs = initramfs::build(&folder, &kernel, &options, &here, command)?;
    let ended = boot(&kernel, &options, &initramfs);
    std::fs::remove_file(&initramfs)
        .with_context(|| format!("removing {}", initramfs.display()))?;
    ended
}

fn absolute(folder: &Path) -> anyhow::Result<PathBuf> {
    folder.canonicalize().with_context(|| format!("there is no folder {}", folder.display()))
}

fn boot(kernel: &Kernel, options: &Options, initramfs: &Path) -> anyhow::Result<u8> {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-machine", "q35", "-cpu", "max", "-smp", "1", "-m", "3G", "-no-reboot"])
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-net", "none"])
        .arg("-kernel")
        .arg(kernel.image())
        .arg("-initrd")
        .arg(initramfs)
        // Without remapping, files of the host's many file systems would share inode numbers.
        .args([
            "-fsdev",
            "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device",
            "virtio-9p-pci,fsdev=host,mount_tag=host",
        ])
        .args(options.qemu_arguments())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = qemu.spawn().context("qemu-system-x86_64 could not be started")?;
    let console = child.stdout.take().context("qemu has no console")?;
    let code = forward(console);
    let status = child.wait().context("waiting for qemu")?;
    match code? {
        Some(code) => Ok(code),
        None => bail!("the VM ended before its command did ({status})"),
    }
}

/// Shows what the guest prints, and picks out its exit code.
fn forward(console: impl std::io::Read) -> anyhow::Result<Option<u8>> {
    let mut code = None;
    let mut out = std::io::stdout();
    for line in BufReader::new(console).split(b'\n') {
        let line = line.context("reading the VM's console")?;
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        match exit_code(line) {
            Some(found) => code = Some(found),
            // What the kernel says at its end is of no use.
            None if code.is_some() => {}
            None => {
                out.write_all(line).and_then(|()| out.write_all(b"\n")).context("printing")?;
            }
        }
    }
    Ok(code)
}

fn exit_code(line: &[u8]) -> Option<u8> {
    let line = std::str::from_utf8(line).ok()?;
    // The command may have left its last line open.
    let (_, number) = line.rsplit_once(EXIT_MARK)?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_found_behind_an_open_line() {
        assert_eq!(exit_code(b"VM-EXIT:0"), Some(0));
        assert_eq!(exit_code(b"no newlineVM-EXIT:101"), Some(101));
        assert_eq!(exit_code(b"VM-EXIT:"), None);
        assert_eq!(exit_code(b"test result: ok."), None);
    }

    #[test]
    fn a_guest_that_dies_has_no_exit_code() {
        assert_eq!(forward(&b"Kernel panic\r\n"[..]).unwrap(), None);
        assert_eq!(forward(&b"hello\r\nVM-EXIT:3\r\n[ 9.9] reboot\r\n"[..]).unwrap(), Some(3));
    }
}
