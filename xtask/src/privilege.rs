//! Root, which namespaces, XDP and package installation need.

use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use crate::process::{find_program, succeeds};

/// How this process comes to root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privilege {
    /// It is root.
    Root,
    /// By sudo, without a question.
    Sudo,
    /// By sudo, which asks for a password.
    SudoPassword,
    /// Not at all.
    None,
}

impl Privilege {
    pub(crate) fn find() -> Self {
        // The files of a process in /proc belong to its effective user.
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        if is_root {
            Self::Root
        } else if find_program("sudo").is_none() {
            Self::None
        } else if succeeds(Command::new("sudo").args(["-n", "true"])) {
            Self::Sudo
        } else {
            Self::SudoPassword
        }
    }

    /// Words to put before a command for it to run as root; `None` where nothing helps.
    pub(crate) fn prefix(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Root => Some(&[]),
            Self::Sudo | Self::SudoPassword => Some(&["sudo"]),
            Self::None => None,
        }
    }
}
