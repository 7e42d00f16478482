//! The named packet cases, on the host.

use std::collections::HashSet;

use xdp_prog::fixtures::{MemoryEngine, cases, check};

#[test]
fn every_case_holds_in_memory() {
    for mut case in cases::all() {
        let mut engine = MemoryEngine { tables: std::mem::take(&mut case.world), long: false };
        check(&case, &mut engine);
    }
}

/// What is rare for one program is not for the other: the long way can do all that the short one
/// does.
#[test]
fn every_case_holds_on_the_long_way() {
    for mut case in cases::all() {
        let mut engine = MemoryEngine { tables: std::mem::take(&mut case.world), long: true };
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
