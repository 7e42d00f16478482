//! The named packet cases, on the host.

use std::collections::HashSet;

use xdp_prog::fixtures::{MemoryEngine, cases, check};

#[test]
fn every_case_holds_in_memory() {
    for mut case in cases::all() {
        let mut engine = MemoryEngine(std::mem::take(&mut case.world));
        check(&case, &mut engine);
    }
}

#[test]
fn names_are_unique() {
    let mut names = HashSet::new();
    for case in cases::all() {
        assert!(names.insert(case.name.clone()), "{} stands twice", case.name);
    }
}
