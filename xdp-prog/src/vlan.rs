//! VLAN tags: reading those of a frame, and giving it those of a real.

use lb_common::be::Be16;
use lb_common::verdict::Reason;
use lb_common::vlan::Tags;

use crate::headers::{Ethernet, VlanTag, ethertype};
use crate::packet::Packet;

/// Where the tags stand: behind the two addresses.
const TAGS: usize = 12;
const TAG: usize = size_of::<VlanTag>();
/// The upper bits of a TCI: priority and drop eligibility.
const PRIORITY: u8 = 0xf0;

/// The link layer of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// What follows it.
    pub ethertype: Be16,
    /// Where that begins.
    pub next: usize,
    /// How many tags there are.
    pub tags: usize,
}

/// Reads Ethernet and up to two tags.
///
/// # Errors
///
/// Where the frame ends before they do.
#[inline(always)]
pub fn link<P: Packet>(packet: &P) -> Result<Link, Reason> {
    let ethernet = packet.header::<Ethernet>(0).ok_or(Reason::Truncated)?;
    let ethertype = Be16::from_bytes(ethernet.ethertype);
    let mut link = Link { ethertype, next: size_of::<Ethernet>(), tags: 0 };
    while link.tags < Tags::MOST && ethertype::is_tag(link.ethertype) {
        link.tags += 1;
        let follows = *packet.header(TAGS + TAG * link.tags).ok_or(Reason::Truncated)?;
        link.ethertype = Be16::from_bytes(follows);
        link.next += TAG;
    }
    Ok(link)
}

/// Gives a frame with `standing` tags others in their place. Counted from the innermost, each has the
/// priority of the one whose place it takes. Says whether there was room; then the addresses are lost, for the frame may have moved.
#[inline(always)]
pub fn retag<P: Packet>(packet: &mut P, standing: usize, tags: Tags) -> bool {
    let wanted = tags.count();
    let cut = (TAG * standing).cast_signed() - (TAG * wanted).cast_signed();
    if cut != 0 && !packet.cut_front(cut as i32) {
        return false;
    }
    for index in 0..Tags::MOST {
        let Some((tpid, vid)) = tags.get(index) else { break };
        let Some(tag) = packet.header_mut::<VlanTag>(TAGS + TAG * index) else { return false };
        let stood_there = index + standing >= wanted;
        let priority = if stood_there { tag.tci[0] & PRIORITY } else { 0 };
        let [high, low] = vid.to_be_bytes();
        *tag = VlanTag { tpid: tpid.to_be_bytes(), tci: [priority | high, low] };
    }
    true
}
