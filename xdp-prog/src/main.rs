//! The XDP program: the thin kernel shell around the packet engine.
#![no_std]
#![no_main]
#![expect(
    missing_docs,
    unreachable_pub,
    reason = "the xdp macro wraps its function in one that has neither"
)]

mod counter;
mod ctx;
mod maps;
mod shell;

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
