//! The two ends of a path through a director: a generator of live frames, and a sink.
#![no_std]
#![no_main]
#![expect(
    missing_docs,
    unreachable_pub,
    reason = "the xdp macro wraps its function in one that has neither"
)]
#![expect(unsafe_code, reason = "frames in place, and a helper's call")]

mod counter;
mod shell;

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::btf_maps::{Array, PerCpuArray};
use aya_ebpf::helpers::bpf_redirect;
use aya_ebpf::macros::{btf_map, xdp};
use aya_ebpf::programs::XdpContext;

use crate::counter::count;

/// Ethernet and IPv4 headers without options, in words that stand aligned in every frame.
type Headers = [u16; 17];

/// What every frame begins with, and the interface it leaves by.
#[btf_map]
static HEADERS: Array<Headers, 1> = Array::new();
#[btf_map]
static INTERFACE: Array<u32, 1> = Array::new();

/// Frames that have ended in [`sink`].
#[btf_map]
static SUNK: PerCpuArray<u64, 1> = PerCpuArray::new();

const IPV4: u16 = 0x0800_u16.to_be();
const ETHERTYPE: usize = 6;

/// The beginning of the frame.
#[inline(always)]
fn headers(ctx: &mut XdpContext) -> Option<&mut Headers> {
    let (start, end) = (ctx.data(), ctx.data_end());
    // SAFETY: the length is compared; frames begin at even addresses, and any bytes are such
    // words; `&mut` keeps this the only reference.
    (start + size_of::<Headers>() <= end).then(|| unsafe { &mut *(start as *mut Headers) })
}

/// Sends the frame as it is meant to be: the kernel runs frames again that a director has changed,
/// its MACs, its TTL.
#[xdp]
pub fn generate(mut ctx: XdpContext) -> u32 {
    let made = headers(&mut ctx).and_then(|headers| {
        *headers = *HEADERS.get(0)?;
        INTERFACE.get(0).copied()
    });
    match made {
        // SAFETY: a helper that takes numbers only.
        Some(interface) => (unsafe { bpf_redirect(interface, 0) }) as u32,
        None => xdp_action::XDP_ABORTED,
    }
}

/// Counts and ends every IPv4 frame; others, as those of ARP, are for the kernel.
#[xdp]
pub fn sink(mut ctx: XdpContext) -> u32 {
    if headers(&mut ctx).is_none_or(|headers| headers[ETHERTYPE] != IPV4) {
        return xdp_action::XDP_PASS;
    }
    count(SUNK.get_ptr_mut(0));
    xdp_action::XDP_DROP
}
