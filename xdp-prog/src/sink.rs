//! The other end of the director's cable in the benches: takes what the director forwards, as the
//! reals would, and notes which real it was for. Everything else passes.
#![no_std]
#![no_main]
#![expect(
    missing_docs,
    unreachable_pub,
    reason = "the xdp macro wraps its function in one that has neither"
)]
#![expect(unsafe_code, reason = "a map value in place")]

mod counter;
mod ctx;
mod shell;

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::btf_maps::{Array, PerCpuArray};
use aya_ebpf::macros::{btf_map, xdp};
use aya_ebpf::programs::XdpContext;
use lb_common::traffic::{
    RECORDED_FLOWS, Recording, SINK_PORTS, client_v4, client_v6, flow_of, seen,
};
use xdp_prog::packet::Packet as _;

use crate::counter::count;
use crate::ctx::Frame;

/// Last byte of the destination MAC → frames.
#[btf_map]
static ARRIVED: PerCpuArray<u64, { SINK_PORTS as usize }> = PerCpuArray::new();
#[btf_map]
static RECORDING: Array<Recording, 1> = Array::new();
/// Flow, counted from the recording's first → where it was last seen.
#[btf_map]
static SEEN: Array<u32, { RECORDED_FLOWS as usize }> = Array::new();

/// Ethernet, IPv4 without options, ports.
const HEAD_V4: usize = 14 + 20 + 4;
/// Ethernet, IPv6 without extensions, ports.
const HEAD_V6: usize = 14 + 40 + 4;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// A packet for a real.
struct Packet {
    /// Last byte of the destination MAC.
    real: u8,
    /// Last bytes of the client's address.
    client: [u8; 4],
    port: u16,
    /// It comes from one of the generator's clients.
    generated: bool,
}

/// TCP and UDP are the clients' packets: the bed's own talk is ARP, ND and the like.
#[inline(always)]
fn packet(ctx: &XdpContext) -> Option<Packet> {
    let frame = Frame::new(ctx);
    let v4: &[u8; HEAD_V4] = frame.header(0)?;
    let real = v4[5];
    match ([v4[12], v4[13]], v4[23]) {
        ([0x08, 0x00], TCP | UDP) => Some(Packet {
            real,
            client: [v4[26], v4[27], v4[28], v4[29]],
            port: u16::from_be_bytes([v4[34], v4[35]]),
            generated: v4[26] == client_v4(0)[0],
        }),
        ([0x86, 0xdd], _) => {
            let v6: &[u8; HEAD_V6] = frame.header(0)?;
            matches!(v6[20], TCP | UDP).then(|| Packet {
                real,
                client: [v6[34], v6[35], v6[36], v6[37]],
                port: u16::from_be_bytes([v6[54], v6[55]]),
                generated: v6[22..26] == client_v6(0)[..4],
            })
        }
        _ => None,
    }
}

/// Counts packets by the real they are for.
#[xdp(frags)]
pub fn count_arrived(ctx: XdpContext) -> u32 {
    let Some(packet) = packet(&ctx) else { return xdp_action::XDP_PASS };
    count(ARRIVED.get_ptr_mut(packet.real.into()));
    xdp_action::XDP_DROP
}

/// Counts the generator's packets, and lets those of real clients through to the reals.
#[xdp(frags)]
pub fn take_generated(ctx: XdpContext) -> u32 {
    match packet(&ctx) {
        Some(packet) if packet.generated => {
            count(ARRIVED.get_ptr_mut(packet.real.into()));
            xdp_action::XDP_DROP
        }
        _ => xdp_action::XDP_PASS,
    }
}

/// Counts packets and notes the real of each flow.
#[xdp(frags)]
pub fn record_flows(ctx: XdpContext) -> u32 {
    let Some(packet) = packet(&ctx) else { return xdp_action::XDP_PASS };
    count(ARRIVED.get_ptr_mut(packet.real.into()));
    if let Some(recording) = RECORDING.get(0) {
        let index = flow_of(packet.client, packet.port).wrapping_sub(recording.first_flow);
        if let Some(place) = SEEN.get_ptr_mut(index) {
            // SAFETY: a whole word, which user space reads after the packets have come to rest.
            unsafe { *place = seen(recording.round, packet.real) };
        }
    }
    xdp_action::XDP_DROP
}
