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
#![expect(unsafe_code, reason = "tail calls, a map value in place, and a BPF object's sections")]

mod ctx;

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::btf_maps::{Array, ProgramArray};
use aya_ebpf::macros::{btf_map, xdp};
use aya_ebpf::programs::XdpContext;
use lb_common::traffic::{self, Traffic};
use xdp_prog::headers::{Ethernet, Ipv4, Ipv6, Udp, ethertype};
use xdp_prog::packet::Packet;

use crate::ctx::Frame;

#[btf_map]
static TRAFFIC: Array<Traffic, 1> = Array::new();
/// What is measured, each at its own index, so that no run waits for the table to be changed.
#[btf_map]
static MEASURED: ProgramArray<3> = ProgramArray::new();

const IP: usize = size_of::<Ethernet>();

/// Makes the frame the next packet. `None` where it is not one to make packets of.
#[inline(always)]
fn next_packet<P: Packet>(packet: &mut P) -> Option<()> {
    // SAFETY: one CPU drives the generator, and nobody else writes while it runs.
    let traffic = unsafe { &mut *TRAFFIC.get_ptr_mut(0)? };
    let Traffic { flow, service, .. } = *traffic;
    let ethernet = packet.header_mut::<Ethernet>(0)?;
    let (to, from) = (traffic::DIRECTOR, traffic::ROUTER);
    ethernet.addresses = [
        to[0], to[1], to[2], to[3], to[4], to[5], from[0], from[1], from[2], from[3], from[4],
        from[5],
    ];
    let ports = match ethernet.ethertype {
        ethertype::IPV4 => {
            let ip = packet.header_mut::<Ipv4>(IP)?;
            ip.source = traffic::client_v4(flow);
            ip.destination = traffic::vip_v4(service);
            IP + size_of::<Ipv4>()
        }
        ethertype::IPV6 => {
            let ip = packet.header_mut::<Ipv6>(IP)?;
            ip.source = traffic::client_v6(flow);
            ip.destination = traffic::vip_v6(service);
            IP + size_of::<Ipv6>()
        }
        _ => return None,
    };
    // TCP has its ports in the same place.
    packet.header_mut::<Udp>(ports)?.source = traffic::client_port(flow).to_be_bytes();
    traffic.advance();
    Some(())
}

#[inline(always)]
fn generate(ctx: &XdpContext, measured: u32) -> u32 {
    if next_packet(&mut Frame::new(ctx)).is_some() {
        // SAFETY: nothing here has a destructor.
        unsafe { MEASURED.tail_call(ctx, measured) };
    }
    xdp_action::XDP_ABORTED
}

/// Generates a packet for the program under test.
#[xdp(frags)]
pub fn generate_program(ctx: XdpContext) -> u32 {
    generate(&ctx, 0)
}

/// Generates a packet for [`swap`].
#[xdp(frags)]
pub fn generate_swap(ctx: XdpContext) -> u32 {
    generate(&ctx, 1)
}

/// Generates a packet for [`transmit`].
#[xdp(frags)]
pub fn generate_tx(ctx: XdpContext) -> u32 {
    generate(&ctx, 2)
}

/// The yardstick: sends the frame back with its MACs exchanged, the least that any direct-routing
/// program does.
#[xdp(frags)]
pub fn swap(ctx: XdpContext) -> u32 {
    let mut frame = Frame::new(&ctx);
    let Some(ethernet) = frame.header_mut::<Ethernet>(0) else { return xdp_action::XDP_ABORTED };
    let a = ethernet.addresses;
    ethernet.addresses = [a[6], a[7], a[8], a[9], a[10], a[11], a[0], a[1], a[2], a[3], a[4], a[5]];
    xdp_action::XDP_TX
}

/// What the generator alone costs: sends the frame back as it is.
#[xdp(frags)]
pub fn transmit(_: XdpContext) -> u32 {
    xdp_action::XDP_TX
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
