//! What must be true of the machine before anything is touched.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MsFlags, mount};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};
use nix::sys::utsname::uname;
use thiserror::Error;

/// The oldest kernel with everything that is used: XDP programs for multi-buffer frames and
/// addresses that carry their owner came last.
const OLDEST_KERNEL: (u32, u32) = (5, 18);

const BPFFS: &str = "/sys/fs/bpf";

/// The machine cannot run the daemon as it is.
#[derive(Debug, Error)]
pub enum PreflightError {
    /// The kernel lacks what is needed.
    #[error(
        "kernel {found} is too old: lb-ctl needs Linux {}.{} or newer",
        OLDEST_KERNEL.0,
        OLDEST_KERNEL.1
    )]
    OldKernel {
        /// Its release.
        found: String,
    },
    /// The pin directory is not where pins can be.
    #[error(
        "{} is not on a bpffs: mount one with `mount -t bpf bpf /sys/fs/bpf`, or name a directory \
         on one with --pin-dir",
        path.display()
    )]
    NotBpffs {
        /// The directory.
        path: PathBuf,
    },
    /// The pin directory cannot be used.
    #[error("cannot use the pin directory {}: {cause}", path.display())]
    PinDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// Another daemon is at work.
    #[error(
        "another lb-ctl daemon runs with the pin directory {}: stop it first, or give this one \
         its own --pin-dir, --socket and interfaces",
        path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
}

/// Lets the daemon open as many files as it may be allowed: each ring is one until it is in its
/// place, and the more are put at once the shorter that takes.
pub(super) fn raise_file_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!("cannot raise the limit of open files, large changes take longer: {error}");
    }
}

/// The lock that keeps a second daemon away from the pins. It goes with the process, however that
/// ends.
#[derive(Debug)]
pub(super) struct PinLock {
    path: PathBuf,
    _lock: Flock<File>,
}

impl Drop for PinLock {
    fn drop(&mut self) {
        // A directory with pins in it cannot be removed, and is to stay.
        let _ = fs::remove_dir(&self.path);
    }
}

/// Checks the running kernel's version.
///
/// # Errors
///
/// Where it is older than what is needed.
pub(super) fn kernel() -> Result<(), PreflightError> {
    let release = uname().map(|name| name.release().to_string_lossy().into_owned());
    let release = release.unwrap_or_default();
    if new_enough(&release) { Ok(()) } else { Err(PreflightError::OldKernel { found: release }) }
}

/// Whether a kernel release such as `6.1.0-18-amd64` is new enough. One that does not read as a
/// version is not.
fn new_enough(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST_KERNEL,
        _ => false,
    }
}

/// Makes the pin directory, mounting the bpffs where it is the usual one and missing, and locks it.
///
/// # Errors
///
/// Where the directory cannot be used or another daemon holds it.
pub(super) fn lock_pin_dir(pin_dir: &Path) -> Result<PinLock, PreflightError> {
    let failed = |cause: String| PreflightError::PinDir { path: pin_dir.to_owned(), cause };
    if !on_bpffs(pin_dir) && pin_dir.starts_with(BPFFS) {
        // As systemd mounts it. The kernel's own default lets every user make directories there,
        // and so take the daemon's place.
        mount(Some("bpf"), BPFFS, Some("bpf"), MsFlags::empty(), Some("mode=0700")).map_err(
            |e| failed(format!("mounting a bpffs on {BPFFS}: {} (this needs root)", e.desc())),
        )?;
    }
    if !on_bpffs(pin_dir) {
        return Err(PreflightError::NotBpffs { path: pin_dir.to_owned() });
    }
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => failed(format!(
            "{error}: run as root, or name a directory of this user's with --pin-dir"
        )),
        _ => failed(error.to_string()),
    };
    fs::create_dir_all(pin_dir).map_err(refused)?;
    let directory = File::open(pin_dir).map_err(refused)?;
    let lock = Flock::lock(directory, FlockArg::LockExclusiveNonblock);
    let lock = lock.map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => PreflightError::Locked { path: pin_dir.to_owned() },
        errno => failed(format!("locking it: {}", errno.desc())),
    })?;
    Ok(PinLock { path: pin_dir.to_owned(), _lock: lock })
}

/// Whether a path, or the nearest parent that exists, is on a bpffs.
fn on_bpffs(path: &Path) -> bool {
    let existing = path.ancestors().find(|ancestor| ancestor.exists());
    let stat = existing.map(statfs);
    matches!(stat, Some(Ok(stat)) if stat.filesystem_type() == BPF_FS_MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_told_apart() {
        for good in ["5.18.0", "6.1.0-18-amd64", "6.18.44", "7.0.0-rc1", "5.100"] {
            assert!(new_enough(good), "{good}");
        }
        for bad in ["5.17.9", "5.10.0-28-amd64", "4.19", "", "unknown", "6"] {
            assert!(!new_enough(bad), "{bad}");
        }
    }

    #[test]
    fn a_directory_elsewhere_is_refused() {
        let elsewhere = tempfile::tempdir().unwrap();
        let refused = lock_pin_dir(&elsewhere.path().join("pins"));
        assert!(matches!(refused, Err(PreflightError::NotBpffs { .. })), "{refused:?}");
    }
}
