//! From what a machine has to the commands that add what it lacks. Pure.

use std::fmt::Write as _;

use anyhow::bail;
use xtask::linker;

use super::Needs;
use super::machine::{Apt, Machine};

/// LLVM of the compiler that Debian's packages bring, for as long as it is not there to be asked.
const EXPECTED_LLVM: u32 = 22;

/// Packages with a compiler for BPF, from Debian's security suite.
const COMPILER_PACKAGES: [&str; 2] = ["rustc-web", "libstd-rust-web-dev-bpf"];

/// What to do where the packages do not exist.
pub(super) const ALTERNATIVES: &str = "\
Instead of Debian's rustc-web, rustup's nightly serves as well: `rustup toolchain install nightly \
--component rust-src`. bpf-linker must then be installed with the LLVM that `rustc +nightly -vV` \
names, or a younger one.";

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// What it is for, to be told before it runs.
    pub(super) purpose: String,
    /// Program and arguments; no word needs quoting.
    pub(super) command: Vec<String>,
    /// Whether only root may.
    pub(super) as_root: bool,
}

impl Step {
    fn new(purpose: &str, command: &str) -> Self {
        let command = command.split_whitespace().map(str::to_owned).collect();
        Self { purpose: purpose.to_owned(), command, as_root: false }
    }

    fn root(purpose: &str, command: &str) -> Self {
        Self { as_root: true, ..Self::new(purpose, command) }
    }
}

/// The commands as a person who is not root types them, one a line.
pub(super) fn to_type(steps: &[Step]) -> String {
    steps.iter().fold(String::new(), |mut lines, step| {
        let sudo = if step.as_root { "sudo " } else { "" };
        let separator = if lines.is_empty() { "" } else { "\n" };
        write!(lines, "{separator}    {sudo}{}", step.command.join(" "))
            .expect("writing to a string does not fail");
        lines
    })
}

/// What is to be done on this machine, in order; empty where all is there.
///
/// # Errors
/// Packages are missing, and the machine has no apt-get: the message names them.
pub(super) fn plan(machine: &Machine, needs: Needs) -> anyhow::Result<Vec<Step>> {
    let llvm = machine.compiler_llvm.unwrap_or(EXPECTED_LLVM);
    let linker_missing = needs.build && !linker_serves(machine, llvm);
    let packages = missing_packages(machine, needs, llvm, linker_missing);

    let mut steps = Vec::new();
    if !packages.is_empty() {
        let Some(apt) = machine.apt else { bail!(no_apt(&packages, llvm)) };
        steps.extend(package_steps(&packages, apt));
    }
    if linker_missing {
        steps.push(linker_step(llvm, machine.linker.is_some()));
    }
    if needs.run && !machine.bpffs {
        steps.push(Step::root(
            "mounting the BPF file system on /sys/fs/bpf",
            "mount -t bpf bpf /sys/fs/bpf",
        ));
    }
    Ok(steps)
}

fn linker_serves(machine: &Machine, llvm: u32) -> bool {
    let Some(linker) = &machine.linker else {
        return false;
    };
    linker.version == linker::VERSION && linker.reads(llvm)
}

fn missing_packages(
    machine: &Machine,
    needs: Needs,
    llvm: u32,
    linker_missing: bool,
) -> Vec<String> {
    let mut packages = Vec::new();
    if needs.build && machine.compiler_llvm.is_none() {
        packages.extend(COMPILER_PACKAGES.map(str::to_owned));
    }
    if linker_missing && !machine.llvm_dev.contains(&llvm) {
        packages.push(format!("llvm-{llvm}-dev"));
        packages.push(format!("libpolly-{llvm}-dev"));
    }
    if linker_missing && !machine.cxx {
        packages.push("g++".to_owned());
    }
    packages.extend(machine.missing_programs.iter().map(|(_, package)| (*package).to_owned()));
    packages
}

/// nginx is wanted as a program. Debian would also start it as a service on port 80.
fn package_steps(packages: &[String], Apt { systemd }: Apt) -> Vec<Step> {
    let names = packages.join(" ");
    let nginx = packages.iter().any(|package| package == "nginx");
    let mut steps = vec![Step::root("fetching the lists of packages", "apt-get -qq update")];
    if nginx && systemd {
        steps.push(Step::root(
            "keeping the nginx service from starting",
            "systemctl mask --quiet nginx.service",
        ));
    }
    // Without systemd it is the run level that tells Debian's scripts to start no service.
    steps.push(Step::root(
        &format!("installing {names}"),
        &format!(
            "env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
             apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends {names}"
        ),
    ));
    if nginx && systemd {
        steps.push(Step::root(
            "unmasking the nginx service",
            "systemctl unmask --quiet nginx.service",
        ));
    }
    if nginx {
        // Debian's update-rc.d sees to systemd's links too, running or not.
        steps.push(Step::root("leaving the nginx service disabled", "update-rc.d nginx disable"));
    }
    steps
}

fn linker_step(llvm: u32, replaces: bool) -> Step {
    let version = linker::VERSION;
    // The crate llvm-sys is numbered after LLVM's major and minor version.
    let prefix = format!("/usr/lib/llvm-{llvm}");
    let force = if replaces { " --force" } else { "" };
    Step::new(
        &format!("installing bpf-linker {version} for LLVM {llvm}, which takes a minute"),
        &format!(
            "env LLVM_PREFIX={prefix} LLVM_SYS_{llvm}1_PREFIX={prefix} cargo install bpf-linker \
             --version {version} --locked --no-default-features --features llvm-{llvm} --quiet{force}"
        ),
    )
}

fn no_apt(packages: &[String], llvm: u32) -> String {
    format!(
        "this machine lacks what Debian has in the packages {}, and has no apt-get. Install the \
         like by its own means, and bpf-linker {} with LLVM {llvm}. {ALTERNATIVES}",
        packages.join(", "),
        linker::VERSION,
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use xtask::linker::Linker;

    use super::*;

    fn linker(version: &str, llvm: u32) -> Linker {
        Linker {
            path: PathBuf::from("/usr/bin/bpf-linker"),
            version: version.to_owned(),
            llvm_major: Some(llvm),
        }
    }

    fn complete() -> Machine {
        Machine {
            apt: Some(Apt { systemd: false }),
            compiler_llvm: Some(22),
            linker: Some(linker(linker::VERSION, 22)),
            llvm_dev: Vec::new(),
            cxx: false,
            missing_programs: Vec::new(),
            bpffs: true,
        }
    }

    fn typed(machine: &Machine, needs: Needs) -> String {
        to_type(&plan(machine, needs).unwrap())
    }

    #[test]
    fn nothing_is_done_where_all_is_there() {
        assert_eq!(typed(&complete(), Needs::ALL), "");
    }

    #[test]
    fn an_empty_machine_gets_everything_in_order() {
        let machine = Machine {
            apt: Some(Apt { systemd: false }),
            missing_programs: vec![("ip", "iproute2"), ("nginx", "nginx")],
            ..Machine::default()
        };
        let expected = "    \
    sudo apt-get -qq update
    sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=300 \
install --yes --no-install-recommends rustc-web libstd-rust-web-dev-bpf llvm-22-dev \
libpolly-22-dev g++ iproute2 nginx
    sudo update-rc.d nginx disable
    env LLVM_PREFIX=/usr/lib/llvm-22 LLVM_SYS_221_PREFIX=/usr/lib/llvm-22 cargo install bpf-linker \
--version 0.13.0 --locked --no-default-features --features llvm-22 --quiet
    sudo mount -t bpf bpf /sys/fs/bpf";
        assert_eq!(typed(&machine, Needs::ALL), expected);
    }

    #[test]
    fn building_alone_asks_for_nothing_to_run() {
        let machine = Machine { bpffs: false, ..complete() };
        assert_eq!(typed(&machine, Needs::BUILD), "");
        assert_eq!(typed(&machine, Needs::ALL), "    sudo mount -t bpf bpf /sys/fs/bpf");
    }

    #[test]
    fn the_linker_follows_the_compilers_llvm() {
        let machine =
            Machine { compiler_llvm: Some(23), llvm_dev: vec![23], cxx: true, ..complete() };
        let line = typed(&machine, Needs::BUILD);
        assert!(line.contains("LLVM_SYS_231_PREFIX=/usr/lib/llvm-23"), "{line}");
        assert!(line.ends_with("--features llvm-23 --quiet --force"), "{line}");
        assert!(!line.contains("apt-get"), "{line}");
    }

    #[test]
    fn a_linker_of_another_version_is_replaced() {
        let old = linker("0.9.15", 22);
        let machine = Machine { linker: Some(old), llvm_dev: vec![22], cxx: true, ..complete() };
        assert!(typed(&machine, Needs::BUILD).ends_with("--force"));
    }

    #[test]
    fn under_systemd_the_nginx_service_is_masked_while_it_comes() {
        let machine = Machine {
            apt: Some(Apt { systemd: true }),
            missing_programs: vec![("nginx", "nginx")],
            ..complete()
        };
        let lines = typed(&machine, Needs::ALL);
        let at = |word| lines.find(word).unwrap();
        assert!(at(" mask") < at("install "));
        assert!(at("install ") < at("unmask"));
        assert!(at("unmask") < at("disable"));
    }

    #[test]
    fn without_apt_the_packages_are_named() {
        let machine =
            Machine { apt: None, missing_programs: vec![("ip", "iproute2")], ..complete() };
        let message = plan(&machine, Needs::ALL).unwrap_err().to_string();
        assert!(message.contains("iproute2"), "{message}");
        assert!(message.contains("nightly"), "{message}");
    }
}
