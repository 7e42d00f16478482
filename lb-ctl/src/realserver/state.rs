//! What setup did, so that undo takes back that and no more.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::RealServerError;
use super::sysctl::{Setting, Sysctl};

/// The state file's content.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// The VIPs that setup put on `lo`.
    pub(super) vips: BTreeSet<IpAddr>,
    /// The sysctls that setup changed.
    pub(super) sysctls: Vec<Changed>,
}

/// A sysctl that setup changed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    pub(super) interface: String,
    #[serde(with = "SettingName")]
    pub(super) setting: Setting,
    /// Its value before the first setup.
    pub(super) before: u32,
    /// The value it was given.
    pub(super) set: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Setting", rename_all = "snake_case")]
enum SettingName {
    ArpIgnore,
    ArpAnnounce,
}

impl Changed {
    pub(super) fn sysctl(&self) -> Sysctl {
        Sysctl::new(&self.interface, self.setting)
    }
}

impl State {
    /// Notes a change. What was changed before keeps the value it had at first.
    pub(super) fn note(&mut self, sysctl: &Sysctl, before: u32, set: u32) {
        match self.sysctls.iter_mut().find(|changed| changed.sysctl() == *sysctl) {
            Some(changed) => changed.set = set,
            None => self.sysctls.push(Changed {
                interface: sysctl.interface.clone(),
                setting: sysctl.setting,
                before,
                set,
            }),
        }
    }

    /// Whether some VIP still needs the sysctls.
    pub(super) fn needs_silence(&self) -> bool {
        self.vips.iter().any(IpAddr::is_ipv4)
    }
}

/// The state file, locked against a second lb-ctl.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    _lock: File,
}

impl StateFile {
    /// Waits until no other has it.
    pub(super) fn lock(dir: &Path) -> Result<Self, RealServerError> {
        let path = dir.join("real-server.lock");
        let lock = fs::create_dir_all(dir).and_then(|()| File::create(&path)).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        match lock {
            Ok(lock) => Ok(Self { path: dir.join("real-server.json"), _lock: lock }),
            Err(source) => Err(RealServerError::State { deed: "lock", path, source }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// None if there is no file.
    pub(super) fn read(&self) -> Result<Option<State>, RealServerError> {
        let path = || self.path.clone();
        match fs::read(&self.path) {
            Ok(text) => match serde_json::from_slice(&text) {
                Ok(state) => Ok(Some(state)),
                Err(source) => Err(RealServerError::Damaged { path: path(), source }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(RealServerError::State { deed: "read", path: path(), source }),
        }
    }

    /// Replaces the file whole; removes it when there is nothing left to remember.
    pub(super) fn write(&self, state: &State) -> Result<(), RealServerError> {
        let written = if *state == State::default() { self.remove() } else { self.replace(state) };
        written.map_err(|source| {
            let path = self.path.clone();
            RealServerError::State { deed: "write", path, source }
        })
    }

    fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn replace(&self, state: &State) -> io::Result<()> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        serde_json::to_writer_pretty(&mut file, state)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sysctl() -> Sysctl {
        Sysctl::new("eth0", Setting::ArpIgnore)
    }

    #[test]
    fn a_second_setup_does_not_forget_the_first_value() {
        let mut state = State::default();
        state.note(&sysctl(), 0, 1);
        state.note(&sysctl(), 3, 1);
        state.note(&Sysctl::new("eth1", Setting::ArpIgnore), 3, 1);
        let before: Vec<_> = state.sysctls.iter().map(|changed| changed.before).collect();
        assert_eq!(before, [0, 3]);
    }

    #[test]
    fn only_ipv4_needs_silence() {
        let mut state = State::default();
        state.vips.insert("2001:db8::10".parse().unwrap());
        assert!(!state.needs_silence());
        state.vips.insert("192.0.2.10".parse().unwrap());
        assert!(state.needs_silence());
    }

    #[test]
    fn what_is_written_is_read_and_nothing_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = StateFile::lock(&dir.path().join("new")).unwrap();
        assert_eq!(file.read().unwrap(), None);
        let mut state = State::default();
        state.vips.insert("192.0.2.10".parse().unwrap());
        state.note(&sysctl(), 0, 1);
        file.write(&state).unwrap();
        assert!(fs::read_to_string(file.path()).unwrap().contains("\"arp_ignore\""));
        assert_eq!(file.read().unwrap(), Some(state));
        file.write(&State::default()).unwrap();
        assert_eq!(file.read().unwrap(), None);
    }

    #[test]
    fn a_damaged_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = StateFile::lock(dir.path()).unwrap();
        fs::write(file.path(), "{").unwrap();
        let error = file.read().unwrap_err();
        assert!(matches!(error, RealServerError::Damaged { .. }), "{error}");
    }
}
