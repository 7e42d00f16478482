//! What the VM is to be like.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

/// The VM, as far as one may choose.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Let the guest's clock count instructions: one nanosecond is one, whatever this machine does
    #[arg(long)]
    pub(crate) icount: bool,
    /// Network cards besides the loopback, all on one hub: eth0, eth1, …
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u8).range(..=8))]
    pub(crate) cards: u8,
    /// A folder of this machine into which the guest may write; all else it writes is lost
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

/// The tag by which the guest mounts [`Options::keep`].
pub(super) const KEEP_TAG: &str = "keep";

/// The first half of the cards' MAC addresses: locally administered, and QEMU's own are not.
const MAC_PREFIX: &str = "02:00:00:00:01";

impl Options {
    /// What the kernel is told at boot.
    pub(super) fn kernel_arguments(&self) -> String {
        let mut arguments =
            "console=ttyS0 quiet tsc=reliable clocksource=tsc panic=-1 net.ifnames=0".to_owned();
        if self.icount {
            // A string instruction is one instruction however much it moves: without these
            // features the kernel copies and clears by loops, whose work is seen. The last word
            // is for whoever in the guest must know what its nanoseconds are.
            arguments += " clearcpuid=erms,fsrm,rep_good lb_ctl.icount";
        }
        arguments
    }

    /// What QEMU is told besides what every VM has. `keep` is absolute.
    pub(super) fn qemu_arguments(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["-append".into(), self.kernel_arguments().into()];
        if self.icount {
            // A clock that does not wait for the host's where the guest idles.
            words.extend(["-icount", "shift=0,sleep=off"].map(Into::into));
        }
        for card in 0..self.cards {
            words.extend([
                "-netdev".into(),
                format!("hubport,id=port{card},hubid=0").into(),
                "-device".into(),
                format!("virtio-net-pci,netdev=port{card},mac={MAC_PREFIX}:{card:02x}").into(),
            ]);
        }
        if let Some(folder) = &self.keep {
            words.extend([
                "-fsdev".into(),
                option("local,id=keep,security_model=none,path=", folder),
                "-device".into(),
                format!("virtio-9p-pci,fsdev=keep,mount_tag={KEEP_TAG}").into(),
            ]);
        }
        words
    }
}

/// A QEMU option that ends with a path: a comma in it is written twice.
fn option(before: &str, path: &Path) -> OsString {
    (before.to_owned() + &path.to_string_lossy().replace(',', ",,")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(options: &Options) -> String {
        let words = options.qemu_arguments();
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_plain_vm_has_no_cards_and_keeps_the_hosts_time() {
        let line = typed(&Options::default());
        for word in ["-icount", "lb_ctl.icount", "-netdev", "-fsdev"] {
            assert!(!line.contains(word), "{word} in {line}");
        }
    }

    #[test]
    fn counting_is_told_to_qemu_and_to_the_guest() {
        let line = typed(&Options { icount: true, ..Options::default() });
        assert!(line.contains("-icount shift=0,sleep=off"), "{line}");
        assert!(line.contains("lb_ctl.icount"), "{line}");
    }

    #[test]
    fn all_cards_are_on_one_hub_and_each_has_its_own_address() {
        let line = typed(&Options { cards: 3, ..Options::default() });
        assert_eq!(line.matches("hubid=0").count(), 3, "{line}");
        for card in ["netdev=port0,mac=02:00:00:00:01:00", "netdev=port2,mac=02:00:00:00:01:02"] {
            assert!(line.contains(card), "{card} in {line}");
        }
    }

    #[test]
    fn a_comma_in_a_path_is_not_the_end_of_it() {
        let keep = Some("/a,b".into());
        assert!(typed(&Options { keep, ..Options::default() }).contains("path=/a,,b -device"));
    }
}
