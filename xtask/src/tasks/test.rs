//! `cargo xtask test`: everything a change must pass.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use xtask::toolchain::RustcVersion;

use crate::privilege::Privilege;
use crate::process::{self, cargo, find_program, succeeds};
use crate::setup::{self, Needs};
use crate::vm;

/// What the beds of `lb-ctl/tests/guest.rs` need of a kernel.
const DRIVERS: [&str; 2] = ["8021q", "bonding"];

struct Step {
    name: &'static str,
    command: Command,
}

/// Runs all checks and tests, or with `quick` those that need no root. Stops at the first that
/// fails, since later ones would mostly say the same again.
pub(crate) fn run(root: &Path, quick: bool) -> anyhow::Result<()> {
    let start = Instant::now();
    check_components(root)?;
    setup::ensure(if quick { Needs::BUILD } else { Needs::TEST })?;
    let mut done = vec![("setup", start.elapsed())];
    for mut step in steps(root, quick)? {
        println!("\n==> {}: {}", step.name, typed(&step.command));
        let begun = Instant::now();
        process::run(&mut step.command)
            .with_context(|| format!("FAILED at {}, after {}", step.name, summary(&done)))?;
        done.push((step.name, begun.elapsed()));
    }
    println!("\npassed in {}: {}", seconds(start.elapsed()), summary(&done));
    Ok(())
}

fn check_components(root: &Path) -> anyhow::Result<()> {
    for (command, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !succeeds(cargo(root).args([command, "--version"])) {
            bail!(
                "`cargo {command}` does not run: install it with `rustup component add {component}`"
            );
        }
    }
    Ok(())
}

fn steps(root: &Path, quick: bool) -> anyhow::Result<Vec<Step>> {
    let step = |name, arguments: &[&str]| {
        let mut command = cargo(root);
        command.args(arguments);
        Step { name, command }
    };
    let mut steps = vec![
        step("format", &["fmt", "--all", "--check"]),
        step(
            "lints",
            &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"],
        ),
    ];
    if find_program("cargo-deny").is_some() {
        steps.push(step("licences", &["deny", "check", "licenses", "bans", "sources"]));
    }
    if quick {
        // Integration tests of the other crates work on namespaces and on the kernel.
        steps.push(step("unit tests", &["test", "--locked", "--workspace", "--lib", "--bins"]));
        steps
            .push(step("engine tests", &["test", "--locked", "-p", "xdp-prog", "-p", "lb-common"]));
    } else {
        steps.push(step("compile tests", &["test", "--locked", "--workspace", "--no-run"]));
        let mut tests = step("tests", &["test", "--locked", "--workspace", "--no-fail-fast"]);
        run_as_root(&mut tests.command)?;
        steps.push(tests);
        steps.extend(other_kernels(root, step)?);
    }
    Ok(steps)
}

/// What this machine's kernel alone would not show.
fn other_kernels(
    root: &Path,
    step: impl Fn(&'static str, &[&str]) -> Step,
) -> anyhow::Result<Vec<Step>> {
    let test = |name, program, more: &[&str]| {
        let words = ["test", "--locked", "--package", "lb-ctl", "--test", program];
        step(name, &[&words, more].concat())
    };
    // Where the other tests run, these are ignored, with the reason.
    let mut beds = test("VLANs and bonds", "guest", &["--", "--ignored"]);
    if drivers_are_here() {
        run_as_root(&mut beds.command)?;
    } else if vm::SUPPORTED {
        run_in_vm(&mut beds.command)?;
    } else {
        let drivers = DRIVERS.join(" and ");
        eprintln!(
            "VLANs and bonds are NOT TESTED: this kernel lacks {drivers}, and there is no VM"
        );
        return Ok(Vec::new());
    }
    let mut steps = vec![beds];
    if vm::SUPPORTED {
        let mut cases = test("packet cases on Debian's kernel", "kernel_cases", &[]);
        run_in_vm(&mut cases.command)?;
        // Where that kernel goes another way than newer ones.
        let ways = ["--", "ends::", "other_", "every_"];
        let mut probes = test("probes through the VIP on Debian's kernel", "via", &ways);
        run_in_vm(&mut probes.command)?;
        // The program of this very xtask, which has built the bench with the tests.
        let mut count = Command::new(env::current_exe().context("where am I?")?);
        count.current_dir(root).args(["bench", "instructions", "--dev"]);
        steps.extend([cases, probes, Step { name: "instructions per packet", command: count }]);
    }
    Ok(steps)
}

/// Whether the kernel has the drivers, built in or as modules.
fn drivers_are_here() -> bool {
    let Some(modprobe) = find_program("modprobe") else { return false };
    let asks = |driver| succeeds(Command::new(&modprobe).args(["--dry-run", "--quiet", driver]));
    DRIVERS.into_iter().all(asks)
}

/// Lets cargo start the compiled tests as root, while it compiles as the user.
fn run_as_root(command: &mut Command) -> anyhow::Result<()> {
    match Privilege::find() {
        Privilege::Root => return Ok(()),
        Privilege::None => bail!(
            "the tests in network namespaces need root, and there is no sudo: run `cargo xtask \
             test` as root, or `cargo xtask test --quick` for those that need none"
        ),
        Privilege::Sudo | Privilege::SudoPassword => {
            eprintln!("the tests in network namespaces need root: sudo starts them");
        }
    }
    let rustc = RustcVersion::of(OsStr::new("rustc")).context("`rustc -vV` names no host")?;
    command.env(runner_variable(&rustc.host), "sudo --preserve-env --");
    Ok(())
}

/// Lets cargo start the compiled tests in the VM.
fn run_in_vm(command: &mut Command) -> anyhow::Result<()> {
    let rustc = RustcVersion::of(OsStr::new("rustc")).context("`rustc -vV` names no host")?;
    let mut runner = env::current_exe().context("where am I?")?.into_os_string();
    runner.push(" vm --");
    command.env(runner_variable(&rustc.host), runner);
    Ok(())
}

/// The variable by which cargo learns what starts the programs it has built for a target.
fn runner_variable(target: &str) -> String {
    format!("CARGO_TARGET_{}_RUNNER", target.to_uppercase().replace('-', "_"))
}

fn typed(command: &Command) -> String {
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    let xtask = env::current_exe().is_ok_and(|it| it == Path::new(command.get_program()));
    format!("cargo {}{}", if xtask { "xtask " } else { "" }, arguments.join(" "))
}

fn summary(done: &[(&str, Duration)]) -> String {
    let parts: Vec<_> =
        done.iter().map(|(name, took)| format!("{name} {}", seconds(*took))).collect();
    parts.join(", ")
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_is_named_after_the_target() {
        assert_eq!(
            runner_variable("x86_64-unknown-linux-gnu"),
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER"
        );
    }

    #[test]
    fn the_summary_tells_each_step_and_its_time() {
        let done = [("format", Duration::from_millis(1240)), ("tests", Duration::from_secs(61))];
        assert_eq!(summary(&done), "format 1.2 s, tests 61.0 s");
    }

    #[test]
    fn a_quick_run_starts_no_integration_tests_of_the_controller() {
        let commands: Vec<_> =
            steps(Path::new("/"), true).unwrap().iter().map(|step| typed(&step.command)).collect();
        let tests = commands.iter().filter(|command| command.starts_with("cargo test"));
        for command in tests {
            let only_units = command.contains("--lib --bins");
            assert!(only_units || !command.contains("--workspace"), "{command}");
        }
    }
}
