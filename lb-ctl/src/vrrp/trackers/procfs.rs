//! The kernel's list of processes.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::errno::Errno;

/// How much of a program's name the kernel keeps as that of a process (`TASK_COMM_LEN`).
const COMM_BYTES: usize = 15;
/// What the kernel puts behind a path that leads nowhere any more: the program was updated.
const DELETED: &[u8] = b" (deleted)";

/// The processes of a program: those among `known` that still run, and where these are fewer than
/// are needed, all there are.
///
/// # Errors
/// The list cannot be read.
pub(super) fn find(
    root: &Path,
    program: &str,
    known: &[u32],
    needed: usize,
) -> io::Result<Vec<u32>> {
    let alive = choose(root, program, known.iter().copied())?;
    if alive.len() >= needed {
        return Ok(alive);
    }
    let mut all = Vec::new();
    for entry in root.read_dir()? {
        all.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    choose(root, program, all.into_iter())
}

fn choose(root: &Path, program: &str, pids: impl Iterator<Item = u32>) -> io::Result<Vec<u32>> {
    let mut chosen = Vec::new();
    for pid in pids {
        if runs(&root.join(pid.to_string()), program)? {
            chosen.push(pid);
        }
    }
    Ok(chosen)
}

/// Whether a process is of a program and still does something: one that has ended stays in the list
/// until its parent asks for its exit status.
fn runs(process: &Path, program: &str) -> io::Result<bool> {
    let of_program = if program.len() <= COMM_BYTES {
        let comm = unless_gone(std::fs::read(process.join("comm")))?;
        comm.is_some_and(|comm| comm.strip_suffix(b"\n").unwrap_or(&comm) == program.as_bytes())
    } else {
        let exe = unless_gone(std::fs::read_link(process.join("exe")))?;
        exe.as_deref()
            .and_then(Path::file_name)
            .is_some_and(|name| base(name) == program.as_bytes())
    };
    if !of_program {
        return Ok(false);
    }
    let stat = unless_gone(std::fs::read(process.join("stat")))?;
    Ok(stat.is_some_and(|stat| !has_ended(&stat)))
}

/// A program's name without what the kernel has put behind it.
fn base(name: &OsStr) -> &[u8] {
    let name = name.as_bytes();
    name.strip_suffix(DELETED).unwrap_or(name)
}

/// Whether a process is a zombie or dead. Its state stands behind its name, which is in parentheses
/// and may have any others in it (proc_pid_stat(5)).
fn has_ended(stat: &[u8]) -> bool {
    let behind = stat.iter().rposition(|byte| *byte == b')').map(|end| &stat[end + 1..]);
    let state = behind.and_then(|rest| rest.iter().find(|byte| !byte.is_ascii_whitespace()));
    state.is_none_or(|state| matches!(state, b'Z' | b'X' | b'x'))
}

/// What was read of a process, where it is still there and may be looked at. Anything else, as that
/// no more files can be opened, says nothing about processes.
fn unless_gone<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Ok(None),
            _ if error.raw_os_error() == Some(Errno::ESRCH as i32) => Ok(None),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const LONG: &str = "kube-controller-manager";

    /// Processes as the kernel shows them.
    struct Listed(tempfile::TempDir);

    impl Listed {
        fn new(processes: &[(u32, &str, &str, char)]) -> Self {
            let root = tempfile::tempdir().unwrap();
            for (pid, comm, exe, state) in processes {
                let process = root.path().join(pid.to_string());
                fs::create_dir(&process).unwrap();
                fs::write(process.join("comm"), format!("{comm}\n")).unwrap();
                fs::write(process.join("stat"), format!("{pid} ({comm}) {state} 1 {pid}")).unwrap();
                if !exe.is_empty() {
                    symlink(exe, process.join("exe")).unwrap();
                }
            }
            fs::create_dir(root.path().join("sys")).unwrap();
            fs::write(root.path().join("uptime"), "1 1").unwrap();
            Self(root)
        }

        fn find(&self, program: &str, known: &[u32], needed: usize) -> Vec<u32> {
            let mut found = find(self.0.path(), program, known, needed).unwrap();
            found.sort_unstable();
            found
        }
    }

    #[test]
    fn those_that_run_are_found_by_their_whole_name() {
        let listed = Listed::new(&[
            (1, "systemd", "/sbin/init", 'S'),
            (20, "nginx", "/usr/sbin/nginx", 'S'),
            (21, "nginx", "/usr/sbin/nginx", 'R'),
            (22, "nginx", "/usr/sbin/nginx", 'Z'),
            (23, "nginx-debug", "/usr/sbin/nginx-debug", 'S'),
            (24, "a) Z (b", "/bin/a", 'S'),
        ]);
        assert_eq!(listed.find("nginx", &[], 1), [20, 21]);
        assert_eq!(listed.find("a) Z (b", &[], 1), [24]);
        assert_eq!(listed.find("apache2", &[], 1), [0; 0]);
    }

    #[test]
    fn long_names_are_those_of_the_program_file() {
        let listed = Listed::new(&[
            (30, &LONG[..15], "/usr/bin/kube-controller-manager", 'S'),
            (31, &LONG[..15], "/usr/bin/kube-controller-manager (deleted)", 'S'),
            (32, &LONG[..15], "/usr/bin/kube-controller-other", 'S'),
            (33, &LONG[..15], "", 'S'),
        ]);
        assert_eq!(listed.find(LONG, &[], 1), [30, 31]);
    }

    #[test]
    fn the_list_is_read_only_where_too_few_are_known() {
        let listed = Listed::new(&[(40, "a", "", 'S'), (41, "a", "", 'S'), (42, "b", "", 'S')]);
        assert_eq!(listed.find("a", &[40], 1), [40]);
        assert_eq!(listed.find("a", &[40], 2), [40, 41]);
        assert_eq!(listed.find("a", &[42, 77], 1), [40, 41], "their numbers are others' now");
    }

    #[test]
    fn what_says_nothing_about_processes_is_an_error() {
        let gone = unless_gone::<()>(Err(io::Error::from_raw_os_error(Errno::ESRCH as i32)));
        assert_eq!(gone.unwrap(), None);
        assert!(
            unless_gone::<()>(Err(io::Error::from_raw_os_error(Errno::EMFILE as i32))).is_err()
        );
        assert!(find(Path::new("/no/such/list"), "a", &[], 1).is_err());
    }
}
