//! Whatever bytes come in: no panic, one reason counted, nothing changed in a frame that is not
//! forwarded, nothing but addresses, tags, hops and checksum in one that is; and the long way agrees
//! with the short one.
#![no_main]

use lb_common::verdict::Verdict;
use libfuzzer_sys::fuzz_target;
use xdp_prog::fixtures::{INGRESS, worlds};
use xdp_prog::packet::MemoryPacket;
use xdp_prog::{long, pipeline};

fuzz_target!(|input: &[u8]| {
    // The first byte says in which state the services are.
    let Some((state, frame)) = input.split_first() else { return };
    let state = usize::from(*state) % worlds::WORLDS;
    let tables = worlds::any_world(state);
    let mut packet = MemoryPacket::new(frame, INGRESS);
    let reason = pipeline::process(&mut packet, &tables);
    assert_eq!(tables.reasons.borrow().iter().sum::<u64>(), 1);
    match reason.verdict() {
        Verdict::Transmit | Verdict::Redirect => {
            // The tags that a real wants may be more than those of the frame, or fewer.
            let differ = packet.bytes.len().abs_diff(frame.len());
            assert!(matches!(differ, 0 | 4 | 8), "{differ} bytes more or less");
        }
        Verdict::Pass | Verdict::Drop => assert_eq!(packet.bytes, frame),
    }
    let mut again = MemoryPacket::new(frame, INGRESS);
    assert_eq!(long::process(&mut again, &worlds::any_world(state)), reason);
    assert_eq!(again.bytes, packet.bytes);
});
