use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;
use crate::config::render;
use crate::config::samples::{TEXT, desired};

struct Bed {
    directory: TempDir,
    store: Store,
}

impl Bed {
    /// A store at `name` in a directory of its own.
    fn at(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join(name));
        Self { directory, store }
    }

    /// One that has read a file with `text`.
    fn with(text: &str) -> Self {
        let mut bed = Self::at("lb-ctl.json");
        fs::write(bed.store.path(), text).unwrap();
        bed.store.read().unwrap();
        bed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.store.path()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn write(&mut self, desired: &Desired) -> Result<(), StoreError> {
        let prepared = self.store.prepare(desired)?;
        self.store.commit(prepared).map(drop)
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_missing_file_is_an_empty_definition() {
    let mut bed = Bed::at("a/b/lb-ctl.json");
    assert!(bed.store.read().unwrap().is_none());
    assert!(!bed.store.changed_by_hand().unwrap());
    let loaded = bed.store.load().unwrap();
    assert!(loaded.is_missing());
    assert_eq!(loaded.desired, Desired::default());
    assert!(bed.names().is_empty(), "reading leaves nothing behind");

    bed.write(&desired()).unwrap();
    assert_eq!(bed.text(), render(&desired()));
    assert_eq!(mode(bed.store.path()), 0o640);
    assert!(!bed.store.changed_by_hand().unwrap());
    assert_eq!(bed.store.read().unwrap(), Some(desired()));
}

#[test]
fn replaces_the_file_and_keeps_its_mode() {
    let mut bed = Bed::with(TEXT);
    fs::set_permissions(bed.store.path(), Permissions::from_mode(0o604)).unwrap();
    let before = fs::metadata(bed.store.path()).unwrap();
    bed.write(&Desired::default()).unwrap();
    let after = fs::metadata(bed.store.path()).unwrap();
    assert_eq!(bed.text(), render(&Desired::default()));
    assert_eq!(after.mode(), before.mode());
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    assert_ne!(after.ino(), before.ino(), "it is replaced, not written over");
    assert_eq!(bed.names(), ["lb-ctl.json"]);
}

#[test]
fn what_is_prepared_and_dropped_leaves_no_trace() {
    let bed = Bed::with(TEXT);
    let prepared = bed.store.prepare(&Desired::default()).unwrap();
    assert_eq!(bed.names().len(), 2, "the new content stands beside the file");
    assert_eq!(bed.text(), TEXT);
    drop(prepared);
    assert_eq!(bed.names(), ["lb-ctl.json"]);
    assert!(!bed.store.changed_by_hand().unwrap());
}

#[test]
fn what_is_committed_can_be_taken_back() {
    let mut bed = Bed::with("{}");
    // An edit by hand that is written over comes back as the edit it was.
    fs::write(bed.store.path(), TEXT).unwrap();
    fs::set_permissions(bed.store.path(), Permissions::from_mode(0o604)).unwrap();
    let prepared = bed.store.prepare(&Desired::default()).unwrap();
    let replaced = bed.store.commit(prepared).unwrap();
    assert_eq!(bed.text(), render(&Desired::default()));
    bed.store.revert(replaced).unwrap();
    assert_eq!((bed.text().as_str(), mode(bed.store.path())), (TEXT, 0o604));
    assert!(bed.store.changed_by_hand().unwrap());
    assert_eq!(bed.names(), ["lb-ctl.json"]);

    let mut bed = Bed::at("lb-ctl.json");
    let prepared = bed.store.prepare(&desired()).unwrap();
    let replaced = bed.store.commit(prepared).unwrap();
    bed.store.revert(replaced).unwrap();
    assert!(bed.names().is_empty(), "a file that was not there is not there again");
    assert!(!bed.store.changed_by_hand().unwrap());
}

#[test]
fn notices_a_change_by_hand() {
    let mut bed = Bed::with(TEXT);
    assert!(!bed.store.changed_by_hand().unwrap());
    fs::write(bed.store.path(), format!("{TEXT}\n")).unwrap();
    assert!(bed.store.changed_by_hand().unwrap(), "one byte more");
    bed.store.read().unwrap();
    assert!(!bed.store.changed_by_hand().unwrap(), "it was read");
    fs::remove_file(bed.store.path()).unwrap();
    assert!(bed.store.changed_by_hand().unwrap(), "it was removed");
    bed.store.read().unwrap();
    fs::write(bed.store.path(), "").unwrap();
    assert!(bed.store.changed_by_hand().unwrap(), "an empty file is not a missing one");
}

#[test]
fn a_file_never_read_counts_as_changed_by_hand() {
    let bed = Bed::at("lb-ctl.json");
    fs::write(bed.store.path(), TEXT).unwrap();
    assert!(bed.store.changed_by_hand().unwrap());
}

#[test]
fn what_is_loaded_is_known_only_once_accepted() {
    let mut bed = Bed::with("{}");
    fs::write(bed.store.path(), TEXT).unwrap();
    let loaded = bed.store.load().unwrap();
    assert!(bed.store.changed_by_hand().unwrap());
    assert_eq!(bed.store.accept(loaded), desired());
    assert!(!bed.store.changed_by_hand().unwrap());
}

#[test]
fn a_half_written_file_is_refused_and_the_last_good_one_stays_known() {
    let mut bed = Bed::with(TEXT);
    fs::write(bed.store.path(), &TEXT[..100]).unwrap();
    let error = bed.store.read().unwrap_err();
    assert!(matches!(&error, StoreError::Definition { source, .. } if source.line > 1), "{error}");
    assert!(error.to_string().contains(&bed.store.path().display().to_string()), "{error}");
    assert!(bed.store.changed_by_hand().unwrap());
    fs::write(bed.store.path(), TEXT).unwrap();
    assert!(!bed.store.changed_by_hand().unwrap());
}

#[test]
fn writes_through_links_and_leaves_them() {
    let mut bed = Bed::at("link");
    fs::create_dir(bed.path("sub")).unwrap();
    symlink("sub/second", bed.store.path()).unwrap();
    symlink("../file", bed.path("sub/second")).unwrap();
    assert!(bed.store.read().unwrap().is_none(), "the links lead nowhere yet");
    for definition in [desired(), Desired::default()] {
        bed.write(&definition).unwrap();
        assert_eq!(fs::read_link(bed.store.path()).unwrap(), Path::new("sub/second"));
        assert_eq!(fs::read_link(bed.path("sub/second")).unwrap(), Path::new("../file"));
        assert_eq!(fs::read_to_string(bed.path("file")).unwrap(), render(&definition));
    }
    assert_eq!(bed.names(), ["file", "link", "sub"]);
}

#[test]
fn links_in_a_circle_are_an_error() {
    let bed = Bed::at("a");
    symlink("b", bed.path("a")).unwrap();
    symlink("a", bed.path("b")).unwrap();
    assert!(matches!(bed.store.load(), Err(StoreError::Unreadable { .. })));
    assert!(matches!(bed.store.prepare(&desired()), Err(StoreError::Unwritable { .. })));
}

#[test]
fn only_regular_files_are_read() {
    let bed = Bed::at("");
    assert!(matches!(bed.store.load(), Err(StoreError::NotAFile { .. })));
    let bed = Bed::at("pipe");
    nix::unistd::mkfifo(bed.store.path(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(matches!(bed.store.load(), Err(StoreError::NotAFile { .. })));
}

#[test]
fn errors_name_the_file_and_a_remedy() {
    let bed = Bed::at("file/lb-ctl.json");
    fs::write(bed.path("file"), "").unwrap();
    let name = bed.store.path().display().to_string();
    for error in [bed.store.load().unwrap_err(), bed.store.prepare(&desired()).unwrap_err()] {
        let message = error.to_string();
        assert!(message.contains(&name) && message.contains("--config"), "{message}");
    }
}

#[test]
fn errors_of_the_file_system_have_their_own_words() {
    let error = |number| unwritable(Path::new("/x"), io::Error::from_raw_os_error(number));
    assert!(matches!(error(libc::EROFS), StoreError::ReadOnly { .. }));
    assert!(matches!(error(libc::EBUSY), StoreError::MountPoint { .. }));
    assert!(matches!(error(libc::EACCES), StoreError::Unwritable { .. }));
    assert!(matches!(error(libc::ENOSPC), StoreError::Unwritable { .. }));
}

#[test]
fn a_file_that_is_far_too_long_is_not_read() {
    let bed = Bed::with(TEXT);
    // A hole, so that it takes no room.
    let file = File::options().write(true).open(bed.store.path()).unwrap();
    file.set_len(MAX_BYTES as u64 + 1).unwrap();
    assert!(matches!(bed.store.load(), Err(StoreError::TooLong { .. })));
    assert!(bed.store.changed_by_hand().is_err());
}
