//! The programs that lead probes through the VIP: the thin kernel shell around [`xdp_prog::via`].
#![no_std]
#![no_main]
#![expect(
    missing_docs,
    unreachable_pub,
    reason = "the classifier macro wraps its function in one that has neither"
)]

mod shell;
mod via_maps;
mod via_skb;

use aya_ebpf::bindings::{TC_ACT_SHOT, TC_ACT_UNSPEC};
use aya_ebpf::macros::classifier;
use aya_ebpf::programs::TcContext;
use xdp_prog::via::{self, Outcome};

use crate::via_maps::KernelTables;
use crate::via_skb::KernelSkb;

/// Runs on each packet that leaves by the interface.
#[classifier]
#[inline(always)]
pub fn lb_ctl_via_out(ctx: TcContext) -> i32 {
    action(via::egress(&mut KernelSkb::new(&ctx), &KernelTables))
}

/// Runs on each packet that comes in by it.
#[classifier]
#[inline(always)]
pub fn lb_ctl_via_in(ctx: TcContext) -> i32 {
    action(via::ingress(&mut KernelSkb::new(&ctx), &KernelTables))
}

/// Programs behind this one run: `TC_ACT_UNSPEC` is `TCX_NEXT` (Linux 6.6, commit e420bed02507).
#[inline(always)]
const fn action(outcome: Outcome) -> i32 {
    match outcome {
        Outcome::Untouched | Outcome::Led => TC_ACT_UNSPEC,
        Outcome::Lost => TC_ACT_SHOT,
    }
}
