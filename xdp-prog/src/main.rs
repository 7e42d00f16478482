//! The XDP program: the thin kernel shell around the packet engine.
#![no_std]
#![no_main]
#![expect(
    missing_docs,
    unreachable_pub,
    reason = "the xdp macro wraps its function in one that has neither"
)]
#![expect(unsafe_code, reason = "the panic handler and the licence section of a BPF object")]

mod ctx;
mod maps;

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use aya_log_ebpf::warn;
use lb_common::verdict::{Reason, Verdict};
use xdp_prog::packet::Packet as _;
use xdp_prog::pipeline;

use crate::ctx::Frame;
use crate::maps::KernelTables;

/// Entry point; the kernel calls it for each received frame.
#[xdp(frags)]
pub fn lb_ctl(ctx: XdpContext) -> u32 {
    let mut frame = Frame::new(&ctx);
    let reason = pipeline::process(&mut frame, &KernelTables);
    match reason.verdict() {
        Verdict::Pass => xdp_action::XDP_PASS,
        Verdict::Transmit => xdp_action::XDP_TX,
        Verdict::Redirect => xdp_action::XDP_REDIRECT,
        Verdict::Drop => {
            if let Reason::NoEgress = reason {
                warn!(
                    &ctx,
                    "no interface to redirect to for a packet from interface {}",
                    frame.ingress()
                );
            }
            xdp_action::XDP_DROP
        }
    }
}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: the verifier refuses a program in which this can be reached.
    unsafe { core::hint::unreachable_unchecked() }
}

// SAFETY: the section name is the one in which the kernel's loaders look for the licence.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
