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

/// Builds the benches and becomes them. The arguments are theirs; none at all means all benches.
pub(crate) fn run(root: &Path, arguments: &[OsString]) -> anyhow::Result<()> {
    setup::ensure(Needs::BUILD)?;
    let results = results(root)?;
    match arguments.split_first() {
        Some((verb, options)) if verb == "instructions" => {
            let words = [verb.clone()].into_iter().chain(options.iter().cloned());
            return instructions(root, &Instructions::try_parse_from(words)?);
        }
        _ => {}
    }
    build(root, true)?;
    hand_over(root, "bench", &words(arguments, results.into()))
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
    build(root, !options.dev)?;
    let mut words: Vec<OsString> = vec!["instructions".into()];
    words.extend(["--reference".into(), root.join(REFERENCE).into()]);
    words.extend(options.accept.then(|| "--accept".into()));
    let counting = vm::Options { icount: true, ..vm::Options::default() };
    in_vm(root, !options.dev, &counting, words)?;
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
    release: bool,
    options: &vm::Options,
    mut words: Vec<OsString>,
) -> anyhow::Result<()> {
    let results = results(root)?;
    words.splice(0..0, [program(root, release).into_os_string()]);
    words.extend(["--out".into(), results.clone().into()]);
    let options = vm::Options { keep: Some(results), ..options.clone() };
    match vm::run(root, &options, &words)? {
        0 => Ok(()),
        code => bail!("the bench failed in the VM, with exit code {code}"),
    }
}

fn build(root: &Path, release: bool) -> anyhow::Result<()> {
    let mut command = cargo(root);
    command.args(["build", "--locked", "--package", "bench"]);
    run_command(command.args(release.then_some("--release")))
}

fn program(root: &Path, release: bool) -> PathBuf {
    target_dir(root).join(if release { "release" } else { "debug" }).join("bench")
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
    fn options_come_after_ours() {
        assert_eq!(given(&["program", "--row", "udp"]), "program --out results --row udp");
    }
}
