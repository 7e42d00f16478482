//! `cargo xtask bench`: hands over to the program `bench`.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::lab::hand_over;
use crate::process::{cargo, run as run_command};
use crate::setup::{self, Needs};

/// Where the results go, below the workspace.
const RESULTS: &str = "target/bench";

/// Builds the benches and becomes them. The arguments are theirs; none at all means all benches.
pub(crate) fn run(root: &Path, arguments: &[OsString]) -> anyhow::Result<()> {
    // Some benches stand up the test bed.
    setup::ensure(Needs::ALL)?;
    run_command(
        cargo(root)
            .args(["build", "--release", "--locked", "--package", "bench"])
            // What they measure, beside them.
            .args(["--package", "lb-ctl"]),
    )?;
    let results = root.join(RESULTS);
    // Made by the user, so that what root writes into it is the user's to remove.
    fs::create_dir_all(&results).with_context(|| format!("cannot create {}", results.display()))?;
    hand_over(root, "bench", &words(arguments, results.into()))
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
