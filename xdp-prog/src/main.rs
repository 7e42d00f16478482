//! The XDP program: the thin kernel shell around the packet engine.
#![no_std]
#![no_main]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]
#![expect(
    missing_docs,
    unreachable_pub,
    reason = "the xdp macro wraps its function in one that has neither"
)]

mod apart;
mod atomic;
mod counter;
mod ctx;
mod maps;
mod rare;
mod sample;
mod shell;

use aya_ebpf::bindings::{xdp_action, xdp_md};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use aya_log_ebpf::warn;
use lb_common::be::{Be32, Be128};
use lb_common::verdict::{Reason, Verdict};
use xdp_prog::packet::Packet as _;
use xdp_prog::tables::Tables as _;
use xdp_prog::{long, pipeline};

use crate::ctx::Frame;
use crate::maps::KernelTables;
use crate::rare::RareFrame;

/// Entry point; the kernel calls it for each received frame.
#[xdp(frags)]
#[inline(always)]
pub fn lb_ctl(ctx: XdpContext) -> u32 {
    let reason = match pipeline::short(&mut Frame::new(&ctx), &KernelTables) {
        Some(reason) => reason,
        None => go_the_long_way(&ctx),
    };
    action(&ctx, reason)
}

/// Comes back only with packets that have none to go.
#[inline(always)]
fn go_the_long_way(ctx: &XdpContext) -> Reason {
    let reason = match long::version(&Frame::new(ctx)) {
        Ok(version) => {
            maps::go_on(ctx, version);
            tell_of_no_long_way(ctx.ctx);
            Reason::NoLongWay
        }
        Err(reason) => reason,
    };
    KernelTables.count_reason(reason);
    reason
}

/// The program for the packets of IPv4 that [`lb_ctl`] leaves alone; it takes every other as well.
#[xdp(frags)]
#[inline(always)]
pub fn lb_ctl_long_v4(ctx: XdpContext) -> u32 {
    let reason = long::process_as::<Be32, _, _>(&mut RareFrame::new(&ctx), &KernelTables);
    action(&ctx, reason)
}

/// The same for IPv6.
#[xdp(frags)]
#[inline(always)]
pub fn lb_ctl_long_v6(ctx: XdpContext) -> u32 {
    let reason = long::process_as::<Be128, _, _>(&mut RareFrame::new(&ctx), &KernelTables);
    action(&ctx, reason)
}

/// The program that stands in for [`lb_ctl`] while packets are traced: it takes all packets the long
/// way, and tells of those that are asked for. It is one with what the macro wraps around it: Linux
/// 6.1 gives each function of a chain of calls 32 bytes of the stack at least, and it needs them.
#[xdp(frags)]
#[inline(always)]
pub fn lb_ctl_trace(ctx: XdpContext) -> u32 {
    let mut frame = RareFrame::new(&ctx);
    let reason = long::process(&mut frame, &KernelTables);
    sample::tell(&frame, reason);
    action(&ctx, reason)
}

#[inline(always)]
fn action(ctx: &XdpContext, reason: Reason) -> u32 {
    match reason.verdict() {
        Verdict::Pass => xdp_action::XDP_PASS,
        Verdict::Transmit => xdp_action::XDP_TX,
        Verdict::Redirect => xdp_action::XDP_REDIRECT,
        Verdict::Drop => {
            diagnose(ctx, reason);
            xdp_action::XDP_DROP
        }
    }
}

/// Not inlined, and given the context by its address alone: the code that each packet runs through
/// stays what it is.
#[inline(never)]
fn tell_of_no_long_way(ctx: *mut xdp_md) {
    let ctx = XdpContext::new(ctx);
    warn!(
        &ctx,
        "the program for rare packets is not there: passed on one from interface {}",
        Frame::new(&ctx).ingress()
    );
}

/// Logs a drop for which neither the packet nor the service is to blame. The log is a ring buffer:
/// where it is full, a message is lost and nothing else.
#[inline(always)]
fn diagnose(ctx: &XdpContext, reason: Reason) {
    match reason {
        Reason::NoEgress => warn!(
            ctx,
            "no interface to redirect to for a packet from interface {}",
            Frame::new(ctx).ingress()
        ),
        Reason::NoRoom => warn!(
            ctx,
            "no room for VLAN tags before a packet from interface {}: its driver leaves too little",
            Frame::new(ctx).ingress()
        ),
        _ => {}
    }
}
