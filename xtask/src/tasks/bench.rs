//! `cargo xtask bench`: hands over to the program `bench`, on this machine or in the VM.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Parser;

use super::lab::hand_over;
use crate::process::{cargo, run as run_command, target_dir};
use crate::setup::{self, Needs};
use crate::vm;

/// Where the results go, below the workspace.
const RESULTS: &str = "target/bench";

/// What the instructions are compared with, below the workspace.
const REFERENCE: &str = "bench/instructions.json";

/// The network cards of the VM: that which sends, the director's, the sink's.
const CARDS: [&str; 3] = ["eth0", "eth1", "eth2"];

/// Builds the benches and runs them, in the VM those that need it. The arguments are theirs; none
/// at all means all benches.
pub(crate) fn run(root: &Path, arguments: &[OsString]) -> anyhow::Result<()> {
    let results = results(root)?;
    match place(arguments) {
        Place::Counting => {
            return instructions(root, &Instructions::parse_from(arguments));
        }
        Place::Cards => return pktgen(root, &arguments[1..]),
        Place::Both if vm::SUPPORTED => {
            instructions(root, &Instructions { accept: false, dev: false })?;
            let quick = arguments.iter().filter(|word| *word == "--quick").cloned();
            pktgen(root, &quick.collect::<Vec<_>>())?;
        }
        Place::Both | Place::Here => {}
    }
    // Some benches stand up the test bed, and lb-ctl in it.
    setup::ensure(Needs::ALL)?;
    build(root, true, &["bench", "lb-ctl"])?;
    hand_over(root, "bench", &words(arguments, results.into()))
}

/// Where benches run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the VM whose clock counts instructions.
    Counting,
    /// In the VM, between its network cards.
    Cards,
    /// On this machine.
    Here,
    /// Some here, some in the VM.
    Both,
}

fn place(arguments: &[OsString]) -> Place {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let Some((verb, options)) = words.split_first() else { return Place::Both };
    let only_help = words.iter().any(|word| word == "--help" || word == "-h");
    // A card of this machine was named, or what the bench can do is asked.
    let has_card = options.iter().any(|word| word.starts_with("--interface"));
    match verb.as_ref() {
        "instructions" => Place::Counting,
        _ if only_help => Place::Here,
        "pktgen" if !has_card => Place::Cards,
        "all" => Place::Both,
        verb if verb.starts_with('-') => Place::Both,
        _ => Place::Here,
    }
}

/// Sends pktgen's stream through lb-ctl, IPVS and plain forwarding, in the VM; then counts the
/// instructions of the same ways.
fn pktgen(root: &Path, options: &[OsString]) -> anyhow::Result<()> {
    setup::ensure(Needs::VM_BENCH)?;
    build(root, true, &["bench", "lb-ctl"])?;
    let lb_ctl = program(root, "release", "lb-ctl");
    let mut words: Vec<OsString> = vec!["pktgen".into(), "--lb-ctl".into(), lb_ctl.clone().into()];
    words.push("--cards".into());
    words.extend(CARDS.map(Into::into));
    words.extend(options.iter().cloned());
    let cards = vm::Options { cards: CARDS.len() as u8, ..vm::Options::default() };
    in_vm(root, "release", &cards, words)?;
    let words = vec!["path".into(), "--lb-ctl".into(), lb_ctl.into()];
    in_vm(root, "release", &counting(), words)
}

/// A VM whose clock counts instructions.
fn counting() -> vm::Options {
    vm::Options { icount: true, ..vm::Options::default() }
}

/// Options of `bench instructions`.
#[derive(Parser)]
#[command(name = "cargo xtask bench instructions")]
pub(crate) struct Instructions {
    /// Take the new figures for those to compare with: rewrites bench/instructions.json
    #[arg(long)]
    accept: bool,
    /// With what the tests have built, instead of optimised: the counted program is the same
    #[arg(long)]
    dev: bool,
}

/// Counts instructions in the VM, and compares.
fn instructions(root: &Path, options: &Instructions) -> anyhow::Result<()> {
    setup::ensure(Needs::BUILD)?;
    build(root, !options.dev, &["bench"])?;
    let mut words: Vec<OsString> = vec!["instructions".into()];
    words.extend(["--reference".into(), root.join(REFERENCE).into()]);
    words.extend(options.accept.then(|| "--accept".into()));
    in_vm(root, if options.dev { "debug" } else { "release" }, &counting(), words)?;
    if options.accept {
        let (from, to) = (results(root)?.join("instructions.json"), root.join(REFERENCE));
        fs::copy(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
        println!("{REFERENCE} is rewritten: commit it with the change, and say why");
    }
    Ok(())
}

/// Runs the program `bench` in the VM; the results come to where they always are.
fn in_vm(
    root: &Path,
    profile: &str,
    options: &vm::Options,
    mut words: Vec<OsString>,
) -> anyhow::Result<()> {
    let results = results(root)?;
    words.splice(0..0, [program(root, profile, "bench").into_os_string()]);
    words.extend(["--out".into(), results.clone().into()]);
    let options = vm::Options { keep: Some(results), ..options.clone() };
    match vm::run(root, &options, &words)? {
        0 => Ok(()),
        code => bail!("the bench failed in the VM, with exit code {code}"),
    }
}

fn build(root: &Path, release: bool, packages: &[&str]) -> anyhow::Result<()> {
    let mut command = cargo(root);
    command.args(["build", "--locked"]).args(release.then_some("--release"));
    run_command(command.args(packages.iter().flat_map(|package| ["--package", package])))
}

/// A program that cargo has built in this profile's folder.
fn program(root: &Path, profile: &str, name: &str) -> PathBuf {
    target_dir(root).join(profile).join(name)
}

/// The folder for results. Made by the user, so that what root writes into it is the user's to
/// remove.
fn results(root: &Path) -> anyhow::Result<PathBuf> {
    let results = root.join(RESULTS);
    fs::create_dir_all(&results).with_context(|| format!("cannot create {}", results.display()))?;
    Ok(results)
}

/// The words after the program's name.
fn words(arguments: &[OsString], results: OsString) -> Vec<OsString> {
    let Some((verb, options)) = arguments.split_first() else {
        return vec!["all".into(), "--out".into(), results];
    };
    // Options alone are those of all benches.
    let (verb, options) = if verb.to_string_lossy().starts_with('-') {
        (OsString::from("all"), arguments)
    } else {
        (verb.clone(), options)
    };
    // Before the user's own, which may name another place.
    [verb, "--out".into(), results].into_iter().chain(options.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(arguments: &[&str]) -> String {
        let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        let words = words(&arguments, "results".into());
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn without_a_name_it_is_all_benches() {
        assert_eq!(given(&[]), "all --out results");
        assert_eq!(given(&["--quick"]), "all --out results --quick");
    }

    #[test]
    fn what_needs_another_kernel_goes_to_the_vm() {
        let placed = |line: &str| {
            let words: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
            place(&words)
        };
        assert_eq!(placed("instructions --accept"), Place::Counting);
        assert_eq!(placed("pktgen --rounds 3"), Place::Cards);
        assert_eq!(placed("pktgen --interface eth0 --dst-mac 02:00:00:00:00:01"), Place::Here);
        assert_eq!(placed("pktgen --interface=eth0"), Place::Here);
        assert_eq!(placed("program --quick"), Place::Here);
        for all in ["", "all", "--quick"] {
            assert_eq!(placed(all), Place::Both, "{all}");
        }
    }

    #[test]
    fn options_come_after_ours() {
        assert_eq!(given(&["program", "--row", "udp"]), "program --out results --row udp");
    }
}
