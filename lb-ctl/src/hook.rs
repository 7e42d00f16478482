//! Runs the operator's commands: checks by a script, and scripts that are told of what happens.
//!
//! Each runs in a process group of its own with nothing to read, and is killed with its group when
//! its time is over or nobody waits for it any more.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, User, geteuid};
use thiserror::Error;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use crate::config::hook::HookCommand;

/// What of a command's output is kept.
const OUTPUT_BYTES: usize = 4096;
/// Where commands find programs: the daemon's own environment is not theirs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Who runs commands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    name: String,
    home: String,
    uid: u32,
    gid: u32,
    /// Whether it is another than the daemon's.
    other: bool,
}

/// A command, and how it is run.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The program and its first words.
    pub command: &'a HookCommand,
    /// What stands behind those.
    pub arguments: &'a [String],
    /// What its environment has beside `PATH`, `HOME`, `USER` and `LOGNAME`.
    pub environment: &'a [(&'static str, String)],
    /// Who runs it.
    pub account: &'a Account,
    /// How long it may take.
    pub timeout: Duration,
}

/// What became of a command that ended by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// The first 4096 bytes of what it wrote, to standard output and standard error alike.
    pub text: String,
}

/// Why a command did not run to its end.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum HookRunError {
    /// There is no such user.
    #[error("there is no user {user:?} to run commands: create it, or name another as \"user\"")]
    NoUser { user: String },
    /// The users cannot be read.
    #[error("cannot look user {user:?} up: {source}")]
    Users { user: String, source: Errno },
    /// It did not start.
    #[error("cannot start {program} as user {user}: {source}")]
    Start { program: String, user: String, source: io::Error },
    /// Its end could not be awaited.
    #[error("cannot wait for {program}: {source}")]
    Wait { program: String, source: io::Error },
    /// It took too long.
    #[error("{program} did not end within {timeout:?}, and was killed")]
    TimedOut { program: String, timeout: Duration },
}

impl Account {
    /// A user of this machine. Reads the system's list of users, which may block.
    ///
    /// # Errors
    /// There is no such user, or the list cannot be read.
    pub fn find(name: &str) -> Result<Self, HookRunError> {
        let user = User::from_name(name)
            .map_err(|source| HookRunError::Users { user: name.to_owned(), source })?
            .ok_or_else(|| HookRunError::NoUser { user: name.to_owned() })?;
        Ok(Self {
            name: user.name,
            home: user.dir.to_string_lossy().into_owned(),
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            other: user.uid != geteuid(),
        })
    }
}

/// Runs a command to its end. It is killed with its group where that takes too long, and where the
/// future is dropped.
///
/// What of the group outlives the command itself is left alone, and its output is not waited for.
///
/// # Errors
/// It does not start, or takes too long.
pub async fn run(call: &Call<'_>) -> Result<Output, HookRunError> {
    let program = || call.command.program().to_owned();
    let failed = |source| HookRunError::Wait { program: program(), source };
    let (mut group, mut output) = start(call).map_err(|source| HookRunError::Start {
        program: program(),
        user: call.account.name.clone(),
        source,
    })?;
    let mut text = Vec::new();
    let ended = async {
        tokio::select! {
            status = group.0.wait() => status,
            // It may close its output and go on.
            () = output.gather(&mut text) => group.0.wait().await,
        }
    };
    let Ok(ended) = tokio::time::timeout(call.timeout, ended).await else {
        group.kill();
        group.0.wait().await.map_err(failed)?;
        return Err(HookRunError::TimedOut { program: program(), timeout: call.timeout });
    };
    let status = ended.map_err(failed)?;
    output.drain(&mut text);
    Ok(Output { status, text: String::from_utf8_lossy(&text).into_owned() })
}

fn start(call: &Call<'_>) -> io::Result<(Group, Reader)> {
    let (reader, writer) = io::pipe()?;
    let account = call.account;
    let mut command = Command::new(call.command.program());
    command
        .args(call.command.arguments())
        .args(call.arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("HOME", &account.home)
        .env("USER", &account.name)
        .env("LOGNAME", &account.name)
        .envs(call.environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0);
    if account.other {
        // The standard library gives up all supplementary groups along with root.
        command.uid(account.uid).gid(account.gid);
    }
    let reader = pipe::Receiver::from_owned_fd(reader.into())?;
    Ok((Group(command.spawn()?), Reader(reader)))
}

/// A command that runs, and leads its process group.
struct Group(Child);

impl Group {
    /// Kills the whole group, while its leader is not awaited: until then nobody else has its number.
    fn kill(&mut self) {
        let leader = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(leader) = leader {
            // It fails where all have ended, which is what is wanted.
            let _ = killpg(Pid::from_raw(leader), Signal::SIGKILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The runtime awaits it then.
        self.kill();
    }
}

/// The end of the pipe that a command's output comes from.
struct Reader(pipe::Receiver);

impl Reader {
    /// Gathers output to its end. What comes after the first bytes is read and forgotten, so that
    /// the command is not held up.
    async fn gather(&mut self, text: &mut Vec<u8>) {
        while self.0.readable().await.is_ok() {
            if self.drain(text) {
                return;
            }
        }
    }

    /// Gathers what is there; whether that was the end.
    fn drain(&mut self, text: &mut Vec<u8>) -> bool {
        let mut chunk = [0; OUTPUT_BYTES];
        loop {
            match self.0.try_read(&mut chunk) {
                Ok(0) => return true,
                Ok(read) => {
                    let room = OUTPUT_BYTES - text.len();
                    text.extend_from_slice(&chunk[..read.min(room)]);
                }
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        }
    }
}

#[cfg(test)]
mod tests;
