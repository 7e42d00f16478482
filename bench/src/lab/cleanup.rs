//! Removes what a killed process, or a bed that was left standing, has left behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{self, Command};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::command::run;
use super::namespace::NAMES;
use super::{BPFFS, LabError, wait_until};

/// The name of the bed that a person lets stand.
pub const STANDING: &str = "lb-lab";

/// How long processes may take to end after SIGKILL.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Removes the standing bed and those of processes that are no more, and returns their names.
///
/// # Errors
///
/// Something of it resists; what came before is gone.
pub fn remove() -> Result<Vec<String>, LabError> {
    let temporary = std::env::temp_dir();
    let mut beds = BTreeSet::new();
    for place in [Path::new(NAMES), Path::new(BPFFS), &temporary] {
        let names = entries(place)?;
        beds.extend(names.iter().filter_map(|name| bed_of(name)).map(str::to_owned));
    }
    beds.retain(|bed| owner(bed).is_none_or(|pid| !Path::new(&format!("/proc/{pid}")).exists()));
    for bed in &beds {
        remove_bed(bed)?;
    }
    Ok(beds.into_iter().collect())
}

/// Removes one bed, whoever built it, and ends what runs in it.
///
/// # Errors
///
/// Something of it resists, or this process is inside.
pub fn remove_bed(bed: &str) -> Result<(), LabError> {
    for name in entries(Path::new(NAMES))? {
        if bed_of(&name) == Some(bed) {
            end_processes(&name)?;
            run(Command::new("ip").args(["netns", "delete", &name]))?;
        }
    }
    for place in [Path::new(BPFFS), &std::env::temp_dir()] {
        for name in entries(place)? {
            if bed_of(&name) == Some(bed) {
                let path = place.join(name);
                fs::remove_dir_all(&path)
                    .map_err(LabError::io(format!("remove {}", path.display())))?;
            }
        }
    }
    Ok(())
}

/// Ends the servers that live in a namespace, and waits until they are gone.
fn end_processes(namespace: &str) -> Result<(), LabError> {
    let list = || run(Command::new("ip").args(["netns", "pids", namespace]));
    let pids: Vec<u32> = list()?.lines().filter_map(|line| line.trim().parse().ok()).collect();
    if pids.contains(&process::id()) {
        return Err(LabError::Inside(namespace.to_owned()));
    }
    for pid in pids {
        match kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => {
                return Err(LabError::io(format!("end process {pid} in {namespace}"))(
                    errno.into(),
                ));
            }
        }
    }
    wait_until(&format!("the processes in {namespace} to end"), END_LIMIT, || {
        Ok(list()?.trim().is_empty())
    })
}

fn entries(folder: &Path) -> Result<Vec<String>, LabError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = || LabError::io(format!("list {}", folder.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        names.push(entry.map_err(failed())?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// The bed to which a namespace (`lb7-0-client`), a folder of files (`lb7-0.x1y2z3`) or one of
/// pins (`lb7-0`) belongs by its name.
fn bed_of(name: &str) -> Option<&str> {
    let after_name =
        |length: usize| matches!(name.as_bytes().get(length), None | Some(b'-' | b'.'));
    if name.starts_with(STANDING) && after_name(STANDING.len()) {
        return Some(STANDING);
    }
    let (pid, rest) = name.strip_prefix("lb")?.split_once('-')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let length = "lb".len() + pid.len() + "-".len() + digits;
    let numbered = digits > 0 && pid.parse::<u32>().is_ok() && after_name(length);
    numbered.then(|| &name[..length])
}

/// The process that built a bed, unless it is the standing one.
fn owner(bed: &str) -> Option<u32> {
    bed.strip_prefix("lb")?.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_are_ours() {
        assert_eq!(bed_of("lb17-3-client"), Some("lb17-3"));
        assert_eq!(bed_of("lb17-3"), Some("lb17-3"));
        assert_eq!(bed_of("lb17-3.aB3dEf"), Some("lb17-3"));
        assert_eq!(bed_of("lb-lab-real1"), Some(STANDING));
        assert_eq!(bed_of("lb-lab"), Some(STANDING));
        for other in ["lb-laboratory", "lb17", "lb17-x", "lbx-1-client", "lb17-3x", "web1"] {
            assert_eq!(bed_of(other), None, "{other}");
        }
    }

    #[test]
    fn owner_is_in_the_name() {
        assert_eq!(owner("lb17-3"), Some(17));
        assert_eq!(owner(STANDING), None);
    }
}
