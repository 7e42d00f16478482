//! Telling user space of packets, through a ring buffer.
#![expect(unsafe_code, reason = "events are written in place, by helpers that take pointers")]

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::btf_maps::{Array, PerCpuArray, RingBuf};
use aya_ebpf::helpers::generated::{bpf_ktime_get_ns, bpf_xdp_get_buff_len, bpf_xdp_load_bytes};
use aya_ebpf::macros::btf_map;
use aya_ebpf::programs::XdpContext;
use lb_common::limits::TRACE_BYTES;
use lb_common::trace::{CAPTURE, Event, Filter, Tally};
use lb_common::value::RealId;
use lb_common::verdict::Reason;
use xdp_prog::trace;

use crate::ctx::Frame;
use crate::rare::RareFrame;

#[btf_map]
static TRACE_FILTER: Array<Filter, 1> = Array::new();
#[btf_map]
static TRACE_TALLY: PerCpuArray<Tally, 1> = PerCpuArray::new();
#[btf_map]
static TRACE_EVENTS: RingBuf<Event, { TRACE_BYTES as usize }> = RingBuf::new();

/// Tells of a frame as it leaves, where it is asked for.
#[inline(always)]
pub(crate) fn tell(frame: &RareFrame<'_>, reason: Reason) {
    lb_ctl_tell(frame.ctx.ctx, frame.service, frame.real, reason as u32);
}

/// Whether the packet was told of. A function with a name of its own is verified once, not in each
/// state in which a packet can leave the engine: on Linux 6.1 those are too many.
// SAFETY: the name is unique in this object.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn lb_ctl_tell(ctx: *mut xdp_md, service: u32, real: u32, reason: u32) -> u32 {
    let ctx = XdpContext::new(ctx);
    let sample = Sample { ctx: &ctx, service, real, reason };
    u32::from(sample.tell())
}

/// A packet that leaves.
struct Sample<'a> {
    ctx: &'a XdpContext,
    service: u32,
    real: RealId,
    reason: u32,
}

impl Sample<'_> {
    /// Writes an event where the filter wants one. Says whether it did.
    #[inline(always)]
    fn tell(&self) -> bool {
        let Some(filter) = TRACE_FILTER.get(0) else { return false };
        if !filter.wants(self.service, trace::source(&Frame::new(self.ctx))) {
            return false;
        }
        let Some(tally) = TRACE_TALLY.get_ptr_mut(0) else { return false };
        // SAFETY: the slot belongs to this CPU, and XDP is not preempted by itself.
        let tally = unsafe { &mut *tally };
        let number = tally.matched;
        tally.matched += 1;
        if !filter.takes(number) {
            return false;
        }
        let told = self.write();
        tally.lost += u64::from(!told);
        told
    }

    /// Writes the event in place; the stack has no room for one. Says whether there was room for it
    /// in the ring buffer.
    #[inline(always)]
    fn write(&self) -> bool {
        let Some(mut entry) = TRACE_EVENTS.reserve(0) else { return false };
        let event = entry.as_mut_ptr();
        // SAFETY: helpers that take the context alone, or nothing.
        let (time, length) =
            unsafe { (bpf_ktime_get_ns(), bpf_xdp_get_buff_len(self.ctx.ctx) as u32) };
        let captured = at_most_capture(length);
        // SAFETY: the reserved memory has the size and alignment of an event, and is this
        // program's until it is submitted.
        let failed = unsafe {
            (&raw mut (*event).time).write(time);
            (&raw mut (*event).ifindex).write(self.ctx.ingress_ifindex() as u32);
            (&raw mut (*event).length).write(length);
            (&raw mut (*event).reason).write(self.reason);
            (&raw mut (*event).service).write(self.service);
            (&raw mut (*event).real).write(self.real);
            (&raw mut (*event).captured).write(captured);
            // Works across the buffers of a large frame (Linux 5.18, commit 3f364222d032).
            bpf_xdp_load_bytes(self.ctx.ctx, 0, (&raw mut (*event).frame).cast(), captured)
        };
        if failed == 0 {
            entry.submit(0)
        } else {
            entry.discard(0)
        }
        failed == 0
    }
}

/// How many bytes of a frame of this length are captured: as long as it is, up to [`CAPTURE`]. The
/// verifier sees in the mask that it is neither more nor nothing; a frame has an Ethernet header at
/// least.
#[inline(always)]
const fn at_most_capture(length: u32) -> u32 {
    const MOST: u32 = CAPTURE as u32;
    const { assert!(MOST.is_power_of_two()) };
    let shorter = if length < MOST { length } else { MOST };
    (shorter.wrapping_sub(1) & (MOST - 1)) + 1
}
