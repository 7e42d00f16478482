//! Small programs for the test bed and the benches.
#![no_std]
#![no_main]
#![expect(
    missing_docs,
    unreachable_pub,
    reason = "the xdp macro wraps its function in one that has neither"
)]

mod shell;

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;

/// Passes every frame. A veth hands frames to its peer's native program, and takes back what that
/// one transmits, only while it has a native program itself.
#[xdp(frags)]
pub fn pass(_: XdpContext) -> u32 {
    xdp_action::XDP_PASS
}
