//! The one file of truth: read, watched for changes by hand, replaced atomically.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::file;
use super::model::Desired;
use super::parse::{DefinitionError, parse_bytes};

/// Mode of a file that was not there before: the definition may hold what others need not read.
const NEW_FILE_MODE: u32 = 0o640;

/// The longest definition that is read, in bytes: ten thousand services of ten reals are some
/// 8 MiB, and what is longer would hold the daemon up.
pub const MAX_BYTES: usize = 64 << 20;

/// As many links as the kernel follows (MAXSYMLINKS).
const MAX_LINKS: usize = 40;

/// Why the file could not be read or replaced.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum StoreError {
    /// It could not be read.
    #[error(
        "cannot read the definition file {}: {source}; let the daemon's user read it, or name \
         another with --config",
        path.display()
    )]
    Unreadable { path: PathBuf, source: io::Error },
    /// It is a directory, a pipe or a device.
    #[error("the definition file {} is no regular file: name one with --config", path.display())]
    NotAFile { path: PathBuf },
    /// It is far too long to be meant.
    #[error(
        "the definition file {} is longer than {MAX_BYTES} bytes: shorten it, or name the right one with \
         --config",
        path.display()
    )]
    TooLong { path: PathBuf },
    /// It could not be written.
    #[error(
        "cannot write the definition file {}: {source}; let the daemon's user write in its \
         directory, see that there is room, or name another file with --config",
        path.display()
    )]
    Unwritable { path: PathBuf, source: io::Error },
    /// Its file system takes no changes.
    #[error(
        "cannot write the definition file {}: its file system is read-only; mount it for \
         writing, or name a file elsewhere with --config",
        path.display()
    )]
    ReadOnly { path: PathBuf },
    /// A mount point cannot be renamed over.
    #[error(
        "cannot replace the definition file {}: it is a mount point of its own; mount its \
         directory instead of the file",
        path.display()
    )]
    MountPoint { path: PathBuf },
    /// It does not hold a definition.
    #[error("the definition file {} is refused: {source}", path.display())]
    Definition { path: PathBuf, source: DefinitionError },
}

/// What the file held: its bytes, or nothing where it is missing.
type Content = Option<Vec<u8>>;

/// The definition file, and what is known of its content.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    known: Content,
}

/// A definition that was read and not yet accepted.
#[derive(Debug)]
pub struct Loaded {
    /// The definition; empty where the file is missing.
    pub desired: Desired,
    content: Content,
}

impl Loaded {
    /// Whether there was no file.
    pub const fn is_missing(&self) -> bool {
        self.content.is_none()
    }
}

/// A new content that is safely on the disk beside the file, and takes its place at
/// [`Store::commit`]. Dropping it leaves everything as it was.
#[derive(Debug)]
#[must_use = "nothing is replaced before it is committed"]
pub struct Prepared {
    temporary: TempPath,
    target: PathBuf,
    content: Vec<u8>,
}

/// What a commit replaced, by which it can be taken back.
#[derive(Debug)]
#[must_use = "without it the change cannot be taken back"]
pub struct Replaced {
    target: PathBuf,
    content: Content,
    known: Content,
}

impl Store {
    /// The store at `path`. Nothing is read yet; until then the file counts as missing.
    pub const fn open(path: PathBuf) -> Self {
        Self { path, known: None }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file and remembers its content; `None` where it is missing.
    ///
    /// # Errors
    /// Where it cannot be read or holds no definition; what is remembered stays as it was, so
    /// that [`Store::changed_by_hand`] goes on to protect it.
    pub fn read(&mut self) -> Result<Option<Desired>, StoreError> {
        let loaded = self.load()?;
        self.known.clone_from(&loaded.content);
        Ok((!loaded.is_missing()).then_some(loaded.desired))
    }

    /// Reads the file without remembering it, for a caller who may yet refuse it.
    ///
    /// # Errors
    /// Where it cannot be read or holds no definition.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        let content = self.content()?;
        let desired = match &content {
            None => Desired::default(),
            Some(bytes) => parse_bytes(bytes)
                .map_err(|source| StoreError::Definition { path: self.path.clone(), source })?,
        };
        Ok(Loaded { desired, content })
    }

    /// Remembers what [`Store::load`] read, and gives the definition.
    pub fn accept(&mut self, loaded: Loaded) -> Desired {
        self.known = loaded.content;
        loaded.desired
    }

    /// Whether the file differs from what was last read or written here.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn changed_by_hand(&self) -> Result<bool, StoreError> {
        Ok(self.content()? != self.known)
    }

    /// Writes `desired` to a temporary file beside the file, through to the disk.
    ///
    /// # Errors
    /// Where that cannot be done; the file is as it was.
    pub fn prepare(&self, desired: &Desired) -> Result<Prepared, StoreError> {
        let content = file::render(desired).into_bytes();
        resolve(&self.path)
            .and_then(|target| {
                let temporary = write_beside(&target, &content)?;
                Ok(Prepared { temporary, target, content })
            })
            .map_err(|error| unwritable(&self.path, error))
    }

    /// Puts a prepared content in place of the file, and remembers it.
    ///
    /// # Errors
    /// Where the file cannot be replaced, or its directory cannot be written through to the disk;
    /// the file is as it was.
    pub fn commit(&mut self, prepared: Prepared) -> Result<Replaced, StoreError> {
        let Prepared { temporary, target, content } = prepared;
        let before = self.content()?;
        temporary.persist(&target).map_err(|error| unwritable(&self.path, error.error))?;
        let known = self.known.replace(content);
        let synced = sync_directory(&target);
        let replaced = Replaced { target, content: before, known };
        match synced {
            Ok(()) => Ok(replaced),
            Err(error) => {
                self.revert(replaced)?;
                Err(unwritable(&self.path, error))
            }
        }
    }

    /// Puts back what [`Store::commit`] replaced.
    ///
    /// # Errors
    /// Where that cannot be done: then the file counts as changed by hand.
    pub fn revert(&mut self, replaced: Replaced) -> Result<(), StoreError> {
        let Replaced { target, content, known } = replaced;
        self.known = known;
        let put_back = match content {
            Some(content) => write_beside(&target, &content)
                .and_then(|old| old.persist(&target).map_err(|error| error.error)),
            None => fs::remove_file(&target),
        };
        put_back
            .and_then(|()| sync_directory(&target))
            .map_err(|error| unwritable(&self.path, error))
    }

    fn content(&self) -> Result<Content, StoreError> {
        let unreadable = |source| StoreError::Unreadable { path: self.path.clone(), source };
        let metadata = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata.map_err(unreadable)?,
        };
        // A pipe would hold the daemon up until somebody writes to it.
        if !metadata.is_file() {
            return Err(StoreError::NotAFile { path: self.path.clone() });
        }
        if metadata.len() > MAX_BYTES as u64 {
            return Err(StoreError::TooLong { path: self.path.clone() });
        }
        fs::read(&self.path).map(Some).map_err(unreadable)
    }
}

fn unwritable(path: &Path, source: io::Error) -> StoreError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path },
        io::ErrorKind::ResourceBusy => StoreError::MountPoint { path },
        _ => StoreError::Unwritable { path, source },
    }
}

/// The file that `path` leads to, so that renaming replaces it and not the link to it. It need
/// not be there.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(link) => path = directory(&path).join(link),
            // No link (EINVAL), or nothing there; whatever else it is shows when writing.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::from_raw_os_error(libc::ELOOP))
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn sync_directory(target: &Path) -> io::Result<()> {
    File::open(directory(target))?.sync_all()
}

fn write_beside(target: &Path, content: &[u8]) -> io::Result<TempPath> {
    let old = match fs::metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        metadata => Some(metadata?),
    };
    let directory = directory(target);
    fs::create_dir_all(directory)?;
    let mut temporary = tempfile::Builder::new().prefix(".lb-ctl-").tempfile_in(directory)?;
    take_over(temporary.as_file(), old.as_ref())?;
    temporary.write_all(content)?;
    temporary.as_file().sync_all()?;
    Ok(temporary.into_temp_path())
}

/// Gives the new file the owner and the mode of the old one.
fn take_over(new: &File, old: Option<&Metadata>) -> io::Result<()> {
    let mode = old.map_or(NEW_FILE_MODE, |old| old.mode() & 0o777);
    if let Some(old) = old
        && fchown(new, Some(old.uid()), Some(old.gid())).is_err()
    {
        // Without CAP_CHOWN the file becomes the daemon's own: its old group can no longer read
        // it, which harms less than a definition that cannot be saved.
        tracing::debug!(uid = old.uid(), gid = old.gid(), "the definition file changes its owner");
    }
    new.set_permissions(Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests;
