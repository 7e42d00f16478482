//! The named packets of probes through the programs in the kernel.

use std::collections::BTreeSet;
use std::net::IpAddr;

use lb_common::via::mark;
use lb_ctl::dataplane::aya::via::{ViaPath, testrun};
use xdp_prog::fixtures::frame::Family;
use xdp_prog::fixtures::via::{Step, Way, all, check, place};

/// `TC_ACT_UNSPEC` and `TC_ACT_SHOT`.
const NEXT: u32 = u32::MAX;
const SHOT: u32 = 2;

/// The programs with the VIPs where the cases have them: other places are taken, and let go.
fn path() -> ViaPath {
    let mut path = ViaPath::load().expect("the kernel takes the programs");
    for number in 0..place(Family::V4) {
        let other = IpAddr::from([198, 18, 0, number as u8]);
        assert_eq!(path.mark(other).expect("a place"), mark(number));
    }
    for family in Family::BOTH {
        assert_eq!(path.mark(family.vip()).expect("a place"), mark(place(family)));
    }
    path.retain(&Family::BOTH.map(Family::vip).into()).expect("others go");
    path
}

fn run(path: &mut ViaPath, step: &Step) -> Option<Vec<u8>> {
    let way = match step.way {
        Way::Egress => testrun::Way::Egress,
        Way::Ingress => testrun::Way::Ingress,
    };
    let ran = path.test_run(way, &step.frame, step.mark).expect("the kernel runs the packet");
    match ran.action {
        NEXT => Some(ran.frame),
        SHOT => None,
        other => panic!("action {other}"),
    }
}

/// Newer kernels run no IP packet without a whole header.
fn has_header(frame: &[u8]) -> bool {
    frame.len() >= if frame[12] == 8 { 34 } else { 54 }
}

#[test]
fn every_probe_holds_in_the_kernel() {
    let (mut path, mut ran) = (path(), 0);
    for case in &all() {
        path.forget_flows().expect("the kernel forgets");
        check(case, |step| {
            if !has_header(&step.frame) {
                return step.wanted.clone();
            }
            ran += 1;
            run(&mut path, step)
        });
    }
    assert!(ran > 200, "{ran} packets only");
}

#[test]
fn a_vip_that_is_let_go_leads_nowhere() {
    let mut path = path();
    let steps = || all().into_iter().map(|case| case.steps[0].clone());
    let first = steps().find(|step| step.mark == mark(place(Family::V4))).expect("a probe");
    let other = steps().find(|step| step.mark == mark(place(Family::V6))).expect("a probe");
    assert_eq!(run(&mut path, &first), first.wanted);
    path.retain(&BTreeSet::from([Family::V6.vip()])).expect("it goes");
    assert_eq!(run(&mut path, &first).as_ref(), Some(&first.frame));
    assert_eq!(run(&mut path, &other), other.wanted);
    assert_ne!(path.mark(Family::V4.vip()).expect("a place"), mark(place(Family::V4)));
}
