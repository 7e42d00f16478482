//! The packet generator of the program bench. Where the kernel repeats a test packet it leaves the
//! bytes as the last run did; these programs make them those of the next flow, then go on to the
//! program that is to be measured.
#![no_std]
#![no_main]
#![expect(
    missing_docs,
    unreachable_pub,
    reason = "the xdp macro wraps its function in one that has neither"
)]
#![expect(unsafe_code, reason = "tail calls, frames and a map value in place")]

mod shell;

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::btf_maps::{Array, ProgramArray};
use aya_ebpf::macros::{btf_map, xdp};
use aya_ebpf::programs::XdpContext;
use lb_common::traffic::{self, Traffic};
use lb_common::value::Mac;

#[btf_map]
static TRAFFIC: Array<Traffic, 1> = Array::new();
/// What is measured, each at its own index, so that no run waits for the table to be changed.
#[btf_map]
static MEASURED: ProgramArray<3> = ProgramArray::new();

/// A MAC address in the widest words that stand aligned in every frame: the generator must cost
/// little, since its time is in every figure.
type Words = [u16; 3];

/// TCP or UDP over IPv4 without options, up to the source port.
#[repr(C, packed(2))]
struct FrameV4 {
    ethernet: Ethernet,
    before: [u16; 4],
    hops: u8,
    protocol: u8,
    checksum: u16,
    source: [u16; 2],
    destination: [u16; 2],
    source_port: u16,
}

/// TCP or UDP over IPv6 without extensions, up to the source port.
#[repr(C, packed(2))]
struct FrameV6 {
    ethernet: Ethernet,
    before: [u16; 3],
    protocol: u8,
    hops: u8,
    source_begin: [u16; 6],
    source_end: [u16; 2],
    destination_begin: [u16; 6],
    destination_end: [u16; 2],
    source_port: u16,
}

#[repr(C)]
struct Ethernet {
    to: Words,
    from: Words,
    ethertype: u16,
}

const IPV4: u16 = 0x0800_u16.to_be();
const IPV6: u16 = 0x86dd_u16.to_be();
const TO: Words = words(traffic::DIRECTOR);
const FROM: Words = words(traffic::ROUTER);

const fn words(mac: Mac) -> Words {
    let [a, b, c, d, e, f] = mac;
    [u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d]), u16::from_ne_bytes([e, f])]
}

#[inline(always)]
const fn pair(bytes: [u8; 4]) -> [u16; 2] {
    let [a, b, c, d] = bytes;
    [u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d])]
}

/// The beginning of the frame as this.
#[inline(always)]
fn frame<T>(ctx: &mut XdpContext) -> Option<&mut T> {
    let (start, end) = (ctx.data(), ctx.data_end());
    // SAFETY: the length is compared; frames begin at even addresses, and the types used here ask
    // for no more and take any bytes; `&mut` keeps this the only reference.
    (start + size_of::<T>() <= end).then(|| unsafe { &mut *(start as *mut T) })
}

/// Makes the frame the next packet. `None` where it is not one to make packets of.
#[inline(always)]
fn next_packet(ctx: &mut XdpContext) -> Option<()> {
    // SAFETY: one CPU drives the generator, and nobody else writes while it runs.
    let traffic = unsafe { &mut *TRAFFIC.get_ptr_mut(0)? };
    let Traffic { flow, service, .. } = *traffic;
    let source_port = traffic::client_port(flow).to_be();
    match frame::<Ethernet>(ctx)?.ethertype {
        IPV4 => {
            let packet = frame::<FrameV4>(ctx)?;
            packet.ethernet.to = TO;
            packet.ethernet.from = FROM;
            packet.hops = traffic::HOPS;
            packet.source = pair(traffic::client_v4(flow));
            packet.destination = pair(traffic::vip_v4(service));
            packet.source_port = source_port;
        }
        IPV6 => {
            let packet = frame::<FrameV6>(ctx)?;
            packet.ethernet.to = TO;
            packet.ethernet.from = FROM;
            packet.hops = traffic::HOPS;
            packet.source_end = pair(traffic::client_v6_end(flow));
            packet.destination_end = pair(traffic::vip_v6_end(service));
            packet.source_port = source_port;
        }
        _ => return None,
    }
    traffic.advance();
    Some(())
}

#[inline(always)]
fn generate(mut ctx: XdpContext, measured: u32) -> u32 {
    if next_packet(&mut ctx).is_some() {
        // SAFETY: nothing here has a destructor.
        unsafe { MEASURED.tail_call(&ctx, measured) };
    }
    xdp_action::XDP_ABORTED
}

/// Generates a packet for the program under test.
#[xdp(frags)]
pub fn generate_program(ctx: XdpContext) -> u32 {
    generate(ctx, 0)
}

/// Generates a packet for [`swap`].
#[xdp(frags)]
pub fn generate_swap(ctx: XdpContext) -> u32 {
    generate(ctx, 1)
}

/// Generates a packet for [`transmit`].
#[xdp(frags)]
pub fn generate_tx(ctx: XdpContext) -> u32 {
    generate(ctx, 2)
}

/// The yardstick: sends the frame back with its MACs exchanged, the least that any direct-routing
/// program does.
#[xdp(frags)]
pub fn swap(mut ctx: XdpContext) -> u32 {
    let Some(ethernet) = frame::<Ethernet>(&mut ctx) else { return xdp_action::XDP_ABORTED };
    core::mem::swap(&mut ethernet.to, &mut ethernet.from);
    xdp_action::XDP_TX
}

/// What the generator alone costs: sends the frame back as it is.
#[xdp(frags)]
pub fn transmit(_: XdpContext) -> u32 {
    xdp_action::XDP_TX
}
