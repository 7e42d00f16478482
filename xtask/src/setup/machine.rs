//! What this machine has. Only looks; what follows from it is decided in the plan.

use std::fs;
use std::path::Path;

use xtask::linker::Linker;
use xtask::toolchain::Toolchain;

use super::Needs;
use crate::process::find_program;

/// The programs that the test bed starts, and the Debian packages they come in.
pub(super) const PROGRAMS: [(&str, &str); 12] = [
    ("aiosmtpd", "python3-aiosmtpd"),
    ("curl", "curl"),
    ("dnsmasq", "dnsmasq-base"),
    ("ethtool", "ethtool"),
    ("ip", "iproute2"),
    ("keepalived", "keepalived"),
    ("nft", "nftables"),
    ("nginx", "nginx"),
    ("nsenter", "util-linux"),
    ("ping", "iputils-ping"),
    ("ps", "procps"),
    ("tcpdump", "tcpdump"),
];

/// What another kernel is booted with and runs, and the Debian packages that have it.
const VM_PROGRAMS: [(&str, &str); 4] = [
    ("cpio", "cpio"),
    ("ipvsadm", "ipvsadm"),
    ("modprobe", "kmod"),
    ("qemu-system-x86_64", "qemu-system-x86"),
];
/// The package with a busybox that needs no library; its twin has the same program with some.
const BUSYBOX: (&str, &str) = ("/usr/share/doc/busybox-static", "busybox-static");

/// A machine with apt-get.
#[derive(Clone, Copy, Debug)]
pub(super) struct Apt {
    /// Whether systemd runs its services.
    pub(super) systemd: bool,
}

/// The machine, as far as setup is concerned.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    /// How packages are installed; `None` where this is not Debian or the like.
    pub(super) apt: Option<Apt>,
    /// LLVM major version of the compiler for BPF.
    pub(super) compiler_llvm: Option<u32>,
    /// The linker.
    pub(super) linker: Option<Linker>,
    /// Major versions of the LLVMs that can be linked with.
    pub(super) llvm_dev: Vec<u32>,
    /// Whether there is a C++ compiler, in whose company the C++ library comes.
    pub(super) cxx: bool,
    /// Programs that are missing, as (program, package).
    pub(super) missing_programs: Vec<(&'static str, &'static str)>,
    /// Whether the BPF file system stands at `/sys/fs/bpf`.
    pub(super) bpffs: bool,
}

impl Machine {
    /// Looks at what `needs` asks for.
    pub(super) fn look(needs: Needs) -> Self {
        let mut machine = Self {
            apt: find_program("apt-get")
                .map(|_| Apt { systemd: Path::new("/run/systemd/system").is_dir() }),
            ..Self::default()
        };
        if needs.build {
            machine.compiler_llvm = Toolchain::find().map(|found| found.version.llvm_major);
            machine.linker = Linker::find();
            machine.llvm_dev = llvm_dev();
            machine.cxx = find_program("c++").is_some();
        }
        if needs.run {
            machine.missing_programs = PROGRAMS
                .into_iter()
                .filter(|(program, _)| find_program(program).is_none())
                .collect();
            machine.bpffs = fs::read_to_string("/proc/mounts").is_ok_and(|it| has_bpffs(&it));
        }
        if needs.vm {
            let missing = VM_PROGRAMS.into_iter().filter(|(name, _)| find_program(name).is_none());
            machine.missing_programs.extend(missing);
            if !Path::new(BUSYBOX.0).is_dir() {
                machine.missing_programs.push(BUSYBOX);
            }
        }
        machine
    }
}

/// LLVMs in Debian's places, with the two libraries that bpf-linker is linked with.
fn llvm_dev() -> Vec<u32> {
    let Ok(folders) = fs::read_dir("/usr/lib") else {
        return Vec::new();
    };
    folders
        .flatten()
        .filter_map(|folder| {
            let major = folder.file_name().to_str()?.strip_prefix("llvm-")?.parse().ok()?;
            let has = |file| folder.path().join(file).exists();
            (has("bin/llvm-config") && has("lib/libPolly.a")).then_some(major)
        })
        .collect()
}

fn has_bpffs(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        fields.next() == Some("/sys/fs/bpf") && fields.next() == Some("bpf")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_bpf_file_system_among_mounts() {
        let sysfs = "sysfs /sys sysfs rw 0 0\ntmpfs /sys/fs/bpf tmpfs rw 0 0\n";
        assert!(!has_bpffs(sysfs));
        assert!(has_bpffs(&format!("{sysfs}bpf /sys/fs/bpf bpf rw,relatime 0 0\n")));
    }
}
