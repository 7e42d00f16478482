//! Whatever bytes come in: no panic, one reason counted, nothing changed but the addresses of a
//! frame that is forwarded.
#![no_main]

use lb_common::verdict::Verdict;
use libfuzzer_sys::fuzz_target;
use xdp_prog::fixtures::{INGRESS, world};
use xdp_prog::packet::SlicePacket;
use xdp_prog::pipeline;

fuzz_target!(|input: &[u8]| {
    // The first byte says in which state the services are.
    let Some((state, frame)) = input.split_first() else { return };
    let tables = world::any_world(usize::from(*state) % world::WORLDS);
    let mut after = frame.to_vec();
    let reason = pipeline::process(&mut SlicePacket::new(&mut after, INGRESS), &tables);
    assert_eq!(tables.reasons.borrow().iter().sum::<u64>(), 1);
    match reason.verdict() {
        Verdict::Transmit | Verdict::Redirect => assert_eq!(after[12..], frame[12..]),
        Verdict::Pass | Verdict::Drop => assert_eq!(after, frame),
    }
});
