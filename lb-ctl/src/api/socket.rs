//! The socket's file: made with the right mode, never at the cost of somebody else's.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind as bind_to, connect, listen, socket,
};
use nix::unistd::{Gid, Group, Uid};
use thiserror::Error;
use tokio::net::UnixListener;

use super::peer::Access;

/// Where the daemon listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/lb-ctl/lb-ctl.sock";

/// Longest path of a Unix socket in bytes (`sun_path` without its closing zero).
const PATH_MAX: usize = 107;

/// Why the socket could not be had.
#[derive(Debug, Error)]
pub enum SocketError {
    /// A daemon answers there.
    #[error(
        "another lb-ctl daemon answers on {path}: stop it, or give this one a socket of its own \
         with --socket PATH"
    )]
    Live {
        /// The socket.
        path: PathBuf,
    },
    /// A daemon is about to listen there.
    #[error("another process is setting up a socket in {path}: try again")]
    Busy {
        /// The socket's directory.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("{path} exists and is not a socket: move it away, or choose another --socket PATH")]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The kernel takes no such path.
    #[error("the socket's path {path} is longer than {PATH_MAX} bytes: choose a shorter one")]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// There is no such group.
    #[error(
        "there is no group `{group}`: create it with groupadd, or choose another --socket-group"
    )]
    NoGroup {
        /// The group's name.
        group: String,
    },
    /// The system did not let it happen.
    #[error("cannot {action} {path}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// A listening socket and its file.
#[derive(Debug)]
pub struct BoundSocket {
    pub(super) listener: UnixListener,
    pub(super) file: SocketFile,
    pub(super) access: Access,
}

/// The socket's file; removed on drop if it is still ours.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if ours {
            // Nothing is lost if this fails: the next daemon takes a stale socket.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens on `path`, for root, the daemon's own user and, where given, the members of `group`.
/// Must be called inside a tokio runtime.
///
/// # Errors
///
/// The path is in use, or is not a socket, or the system refuses; nothing was changed then.
pub fn bind(path: &Path, group: Option<&str>) -> Result<BoundSocket, SocketError> {
    if path.as_os_str().len() > PATH_MAX {
        return Err(SocketError::TooLong { path: path.to_owned() });
    }
    let group = group.map(find_group).transpose()?;
    let directory = make_directory(path)?;
    // Two daemons that start at once must not both find the other's socket stale.
    let _lock = lock(&directory)?;
    clear_stale(path)?;
    let (socket, file) = make(path, group)?;
    let failed =
        |action| move |source| SocketError::System { action, path: path.to_owned(), source };
    listen(&socket, Backlog::MAXCONN).map_err(|errno| failed("listen on")(errno.into()))?;
    let listener = UnixListener::from_std(StdListener::from(socket)).map_err(failed("watch"))?;
    Ok(BoundSocket { listener, file, access: Access { own: Uid::effective(), group } })
}

fn find_group(name: &str) -> Result<Gid, SocketError> {
    let found = Group::from_name(name).ok().flatten();
    let group = found.ok_or_else(|| SocketError::NoGroup { group: name.to_owned() })?;
    Ok(group.gid)
}

fn make_directory(path: &Path) -> Result<PathBuf, SocketError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let failed =
        |source| SocketError::System { action: "create", path: directory.to_owned(), source };
    if !directory.is_dir() {
        DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(failed)?;
        // Again, because the umask may have taken the group's way in.
        fs::set_permissions(directory, Permissions::from_mode(0o755)).map_err(failed)?;
    }
    Ok(directory.to_owned())
}

fn lock(directory: &Path) -> Result<Flock<File>, SocketError> {
    let failed =
        |source| SocketError::System { action: "open", path: directory.to_owned(), source };
    let file = File::open(directory).map_err(failed)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|_| SocketError::Busy { path: directory.to_owned() })
}

/// Removes a socket nobody listens on; refuses anything else that stands at `path`.
fn clear_stale(path: &Path) -> Result<(), SocketError> {
    let failed =
        |action| move |source| SocketError::System { action, path: path.to_owned(), source };
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("examine")(error)),
    };
    if !found.file_type().is_socket() {
        return Err(SocketError::NotASocket { path: path.to_owned() });
    }
    match try_connect(path) {
        Err(Errno::ECONNREFUSED) => fs::remove_file(path).map_err(failed("remove")),
        // EAGAIN: somebody listens, and is too busy to accept.
        Ok(()) | Err(Errno::EAGAIN) => Err(SocketError::Live { path: path.to_owned() }),
        Err(errno) => Err(failed("connect to")(errno.into())),
    }
}

fn new_socket() -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::Stream, flags, None)
}

fn try_connect(path: &Path) -> Result<(), Errno> {
    let socket = new_socket()?;
    connect(socket.as_raw_fd(), &UnixAddr::new(path)?)
}

/// Binds without listening: until its mode is right, nobody can connect.
fn make(path: &Path, group: Option<Gid>) -> Result<(OwnedFd, SocketFile), SocketError> {
    let failed =
        |action| move |source| SocketError::System { action, path: path.to_owned(), source };
    let bound = new_socket().and_then(|socket| {
        bind_to(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
        Ok(socket)
    });
    let socket = bound.map_err(|errno| failed("bind")(errno.into()))?;
    let found = fs::symlink_metadata(path).map_err(failed("examine"))?;
    let file = SocketFile { path: path.to_owned(), device: found.dev(), inode: found.ino() };
    if let Some(gid) = group {
        std::os::unix::fs::chown(path, None, Some(gid.as_raw()))
            .map_err(failed("give to its group"))?;
    }
    fs::set_permissions(path, Permissions::from_mode(0o660)).map_err(failed("set the mode of"))?;
    Ok((socket, file))
}
