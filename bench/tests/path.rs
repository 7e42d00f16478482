//! The benches that lead packets through a director, as far as any kernel goes. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use bench::path::{Veth, Way};

fn refused(arguments: &[&str]) -> String {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_bench"));
    let done = bench.args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(!done.status.success(), "{arguments:?}");
    String::from_utf8(done.stderr).unwrap()
}

#[test]
fn every_live_frame_is_generated_forwarded_and_sunk() {
    // None of these ways starts it.
    let mut bed = Veth::build(Path::new("no-lb-ctl")).unwrap();
    for way in [Way::Generator, Way::Forwarding, Way::Generator] {
        let passage = bed.run(way, 2_000).unwrap();
        assert_eq!((passage.sent, passage.arrived), (2_000, 2_000), "{}", way.name());
        assert!(!passage.took.is_zero(), "{}", way.name());
    }
    drop(bed);
    let mut names = fs::read_dir("/run/netns").unwrap().map(|entry| entry.unwrap().file_name());
    let ours = format!("path{}-", std::process::id());
    assert!(names.all(|name| !name.to_string_lossy().starts_with(&ours)), "namespaces are left");
}

#[test]
fn instructions_are_not_counted_where_the_clock_is_one() {
    for arguments in [vec!["instructions"], vec!["path", "--lb-ctl", "lb-ctl"]] {
        let said = refused(&arguments);
        assert!(said.contains("does not count instructions"), "{said}");
        assert!(said.contains("cargo xtask bench instructions"), "{said}");
    }
}

#[test]
fn a_kernel_without_pktgen_is_told_and_so_is_a_card_that_is_not_there() {
    let words = ["pktgen", "--interface", "no-such-card", "--dst-mac", "02:00:00:00:00:01"];
    let said = refused(&words);
    let no_module = said.contains("has no pktgen") && said.contains("`cargo xtask bench pktgen`");
    let no_card = said.contains("add_device no-such-card");
    assert!(no_module || no_card, "{said}");
}
