//! The kernel's own packet generator, pktgen: its control files and its results.

mod result;
mod stream;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::utsname::uname;

pub use self::result::{Sent, parse};
pub use self::stream::Stream;
use crate::path::PathError;

/// Its files, of the calling thread's namespace: `/proc/net` is that of the process's first thread.
const CONTROL: &str = "/proc/thread-self/net/pktgen";

/// What all threads together have sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ran {
    /// Packets sent.
    pub packets: u64,
    /// The longest time of a thread.
    pub took: Duration,
    /// Packets that the card refused.
    pub errors: u64,
}

/// Loads the module.
///
/// # Errors
///
/// This kernel does not have it.
pub fn load() -> Result<(), PathError> {
    if Path::new(CONTROL).is_dir() {
        return Ok(());
    }
    let missing = |cause: String| {
        let kernel = uname().map(|name| name.release().to_string_lossy().into_owned());
        let kernel = kernel.unwrap_or_else(|_| "of unknown release".to_owned());
        PathError::Module { module: "pktgen", kernel, cause }
    };
    let ran =
        Command::new("modprobe").arg("pktgen").output().map_err(|e| missing(e.to_string()))?;
    if !ran.status.success() {
        return Err(missing(String::from_utf8_lossy(&ran.stderr).trim().to_owned()));
    }
    Ok(())
}

/// Sends a stream, and returns when it is sent. The interface must be in the calling thread's
/// namespace; nobody else may use pktgen there.
///
/// # Errors
///
/// pktgen is not loaded, there is no such interface, or a parameter is refused.
pub fn run(stream: &Stream) -> Result<Ran, PathError> {
    for (file, command) in stream.commands() {
        write(&file, &command)?;
    }
    // Returns when all threads have ended.
    write("pgctrl", "start")?;
    let mut ran = Ran { packets: 0, took: Duration::ZERO, errors: 0 };
    for device in stream.devices() {
        let path = control(&device);
        let text = fs::read_to_string(&path)
            .map_err(|cause| PathError::Unread { path: path.clone(), cause })?;
        let sent = parse(&text).ok_or(PathError::Result { text })?;
        ran.packets += sent.packets;
        ran.errors += sent.errors;
        ran.took = ran.took.max(sent.took);
    }
    for thread in 0..stream.threads {
        write(&stream::thread(thread), "rem_device_all")?;
    }
    Ok(ran)
}

fn control(file: &str) -> PathBuf {
    Path::new(CONTROL).join(file)
}

fn write(file: &str, command: &str) -> Result<(), PathError> {
    let path = control(file);
    // pgctrl takes the last byte for the end of the line, whatever it is.
    fs::write(&path, format!("{command}\n")).map_err(|cause| {
        let command = command.to_owned();
        PathError::Pktgen { path: path.clone(), command, cause }
    })
}
