//! Settings of single interfaces.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// The kernel takes or tells no setting.
#[derive(Debug, Error)]
#[error("cannot {deed} {}: {source}: is /proc/sys writable here?", path.display())]
pub struct SysctlError {
    /// What was tried.
    pub deed: &'static str,
    /// Where.
    pub path: PathBuf,
    /// The kernel's reason.
    pub source: io::Error,
}

/// What a setting governs; see the kernel's `ip-sysctl.rst`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setting {
    /// Which ARP requests are answered.
    ArpIgnore,
    /// Which source addresses ARP requests carry.
    ArpAnnounce,
    /// Whether packets are dropped that would be answered by another interface.
    RpFilter,
    /// Whether an address's secondaries outlive it.
    PromoteSecondaries,
    /// How link-local addresses are made.
    AddrGenMode,
    /// Whether router advertisements are taken.
    AcceptRa,
    /// Whether addresses are made of them.
    Autoconf,
    /// Whether there is no IPv6.
    DisableIpv6,
}

impl Setting {
    const fn name(self) -> &'static str {
        match self {
            Self::ArpIgnore => "arp_ignore",
            Self::ArpAnnounce => "arp_announce",
            Self::RpFilter => "rp_filter",
            Self::PromoteSecondaries => "promote_secondaries",
            Self::AddrGenMode => "addr_gen_mode",
            Self::AcceptRa => "accept_ra",
            Self::Autoconf => "autoconf",
            Self::DisableIpv6 => "disable_ipv6",
        }
    }

    /// Whether it is one of IPv6.
    pub const fn is_ipv6(self) -> bool {
        match self {
            Self::ArpIgnore | Self::ArpAnnounce | Self::RpFilter | Self::PromoteSecondaries => {
                false
            }
            Self::AddrGenMode | Self::AcceptRa | Self::Autoconf | Self::DisableIpv6 => true,
        }
    }

    /// The reader's own network namespace decides what stands under this path.
    fn path(self, interface: &str) -> PathBuf {
        let family = if self.is_ipv6() { "ipv6" } else { "ipv4" };
        ["/proc/sys/net", family, "conf", interface, self.name()].iter().collect()
    }

    /// The value of an interface.
    ///
    /// # Errors
    /// If there is no such interface.
    pub fn read(self, interface: &str) -> Result<u32, SysctlError> {
        let path = self.path(interface);
        match std::fs::read_to_string(&path) {
            // Negative values are possible, and mean what 0 means.
            Ok(text) => Ok(text.trim().parse().unwrap_or(0)),
            Err(source) => Err(SysctlError { deed: "read", path, source }),
        }
    }

    /// Sets the value of an interface.
    ///
    /// # Errors
    /// If there is no such interface, or `/proc/sys` is read-only.
    pub fn write(self, interface: &str, value: u32) -> Result<(), SysctlError> {
        let path = self.path(interface);
        let failed = |source| SysctlError { deed: "set", path: path.clone(), source };
        std::fs::write(&path, value.to_string()).map_err(failed)
    }
}
