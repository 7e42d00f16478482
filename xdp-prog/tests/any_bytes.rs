//! Whatever bytes come in, the engine keeps its promises.

use lb_common::value::Stats;
use lb_common::verdict::{Reason, Verdict};
use proptest::prelude::*;
use xdp_prog::fixtures::{INGRESS, cases, world as worlds};
use xdp_prog::memory::MemoryTables;
use xdp_prog::packet::SlicePacket;
use xdp_prog::pipeline;

/// Runs a frame and asserts what must hold of any: one reason is counted, and it is the one that
/// is told; nothing but the addresses changes, and those only where it is forwarded; services and
/// reals count what is forwarded and nothing else.
fn keeps_its_promises(tables: &MemoryTables, frame: &[u8]) -> Reason {
    let mut after = frame.to_vec();
    let reason = pipeline::process(&mut SlicePacket::new(&mut after, INGRESS), tables);
    let counted = tables.reasons.borrow();
    assert_eq!(counted.iter().sum::<u64>(), 1);
    assert_eq!(counted[reason as usize], 1);
    let mut services = Stats::default();
    tables.service_stats.borrow().values().for_each(|stats| services += *stats);
    let mut reals = Stats::default();
    tables.real_stats.borrow().values().for_each(|stats| reals += *stats);
    assert_eq!(services, reals);
    let connections = tables.v4.connections.borrow().len() + tables.v6.connections.borrow().len();
    match reason.verdict() {
        Verdict::Transmit | Verdict::Redirect => {
            assert_eq!(services.packets, 1);
            assert_eq!(after[12..], frame[12..]);
            assert!(after[..6] != frame[..6], "it is addressed to a real");
        }
        Verdict::Pass | Verdict::Drop => {
            assert_eq!((services, connections), (Stats::default(), 0));
            assert_eq!(after, frame);
        }
    }
    reason
}

fn any_case_frame() -> impl Strategy<Value = Vec<u8>> {
    let frames: Vec<Vec<u8>> =
        cases::all().into_iter().flat_map(|case| case.steps).map(|step| step.frame).collect();
    proptest::sample::select(frames)
}

#[test]
fn the_frames_of_the_cases_do_reach_reals() {
    let frames = cases::all().into_iter().flat_map(|case| case.steps).map(|step| step.frame);
    let forwarded = frames
        .filter(|frame| keeps_its_promises(&worlds::both_worlds(), frame) == Reason::Transmitted)
        .count();
    assert!(forwarded > 20, "{forwarded} only: the properties below would hold of nothing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn random_bytes(
        world in 0..worlds::WORLDS,
        frame in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        keeps_its_promises(&worlds::any_world(world), &frame);
    }

    #[test]
    fn frames_with_a_few_bytes_changed(
        world in 0..worlds::WORLDS,
        frame in any_case_frame(),
        changes in proptest::collection::vec((0usize..80, any::<u8>()), 0..6),
    ) {
        let mut frame = frame;
        for (at, value) in changes {
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        keeps_its_promises(&worlds::any_world(world), &frame);
    }

    #[test]
    fn frames_cut_anywhere(
        world in 0..worlds::WORLDS,
        frame in any_case_frame(),
        length in 0usize..1500,
    ) {
        keeps_its_promises(&worlds::any_world(world), &frame[..length.min(frame.len())]);
    }
}
