//! The two sysctls that keep a real server silent, per interface and for `all`.

use std::path::PathBuf;
use std::{fmt, fs};

use super::RealServerError;

/// The pseudo interface whose values count everywhere.
pub(super) const ALL: &str = "all";

/// What a sysctl governs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setting {
    /// Which ARP requests are answered.
    ArpIgnore,
    /// Which source addresses ARP requests carry.
    ArpAnnounce,
}

impl Setting {
    pub(super) const BOTH: [Self; 2] = [Self::ArpIgnore, Self::ArpAnnounce];

    const fn name(self) -> &'static str {
        match self {
            Self::ArpIgnore => "arp_ignore",
            Self::ArpAnnounce => "arp_announce",
        }
    }

    /// The value to set: answer for the interface's own addresses only; ask with the interface's
    /// own address only.
    pub(super) const fn wanted(self) -> u32 {
        match self {
            Self::ArpIgnore => 1,
            Self::ArpAnnounce => 2,
        }
    }

    /// Whether a value keeps the VIP on `lo` a secret, and the real's own address not.
    /// `arp_ignore` 2 is 1 with one condition more; from 3 on it is about other things, and values
    /// the kernel does not know count as 0 (`arp_ignore()` and `arp_solicit()` in net/ipv4/arp.c).
    pub(super) const fn serves(self, value: u32) -> bool {
        match self {
            Self::ArpIgnore => matches!(value, 1 | 2),
            Self::ArpAnnounce => value == 2,
        }
    }
}

/// One sysctl of one interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sysctl {
    /// The interface, or `all`.
    pub interface: String,
    /// What it governs.
    pub setting: Setting,
}

impl fmt::Display for Sysctl {
    /// As sysctl(8) takes it; with slashes where the interface's name has a dot in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, setting } = self;
        let setting = setting.name();
        if interface.contains('.') {
            write!(f, "net/ipv4/conf/{interface}/{setting}")
        } else {
            write!(f, "net.ipv4.conf.{interface}.{setting}")
        }
    }
}

impl Sysctl {
    pub(super) fn new(interface: &str, setting: Setting) -> Self {
        Self { interface: interface.to_owned(), setting }
    }

    /// The reader's own network namespace decides what stands under this path.
    fn path(&self) -> PathBuf {
        ["/proc/sys/net/ipv4/conf", &self.interface, self.setting.name()].iter().collect()
    }

    pub(super) fn read(&self) -> Result<u32, RealServerError> {
        let failed =
            |source| RealServerError::Sysctl { deed: "read", sysctl: self.clone(), source };
        let text = fs::read_to_string(self.path()).map_err(failed)?;
        // Negative values are possible, and mean what 0 means.
        Ok(text.trim().parse().unwrap_or(0))
    }

    pub(super) fn write(&self, value: u32) -> Result<(), RealServerError> {
        let failed = |source| RealServerError::Sysctl { deed: "set", sysctl: self.clone(), source };
        fs::write(self.path(), value.to_string()).map_err(failed)
    }

    /// Whether its interface is still there.
    pub(super) fn exists(&self) -> bool {
        self.path().exists()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_values_serve() {
        let serving = |setting: Setting| (0..10).filter(move |value| setting.serves(*value));
        assert_eq!(serving(Setting::ArpIgnore).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(serving(Setting::ArpAnnounce).collect::<Vec<_>>(), [2]);
        for setting in Setting::BOTH {
            assert!(setting.serves(setting.wanted()));
        }
    }

    #[test]
    fn names_as_sysctl_takes_them() {
        let name = |interface| Sysctl::new(interface, Setting::ArpIgnore).to_string();
        assert_eq!(name("eth0"), "net.ipv4.conf.eth0.arp_ignore");
        assert_eq!(name("eth0.100"), "net/ipv4/conf/eth0.100/arp_ignore");
    }
}
