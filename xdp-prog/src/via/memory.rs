//! A packet and the tables in ordinary memory, for tests on the host.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::vec::Vec;

use lb_common::be::{Be16, Be32, Be128};
use lb_common::key::FlowKey;

use super::{FamilyTables, Skb, Sum, Tables};
use crate::headers::Header;

/// Who computes the transport checksum of a packet (`include/linux/skbuff.h`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Summed {
    /// It stands in the packet.
    None,
    /// The card will: in its place stands the sum of the pseudo header.
    Partial,
    /// It stands in the packet, and the card has left the sum of all bytes that it received.
    Complete(u32),
}

/// A packet in ordinary memory, the checksums of which follow as in the kernel
/// (`net/core/utils.c`, `net/core/filter.c`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemorySkb {
    /// The packet, from the Ethernet header on.
    pub bytes: Vec<u8>,
    /// Its mark.
    pub mark: u32,
    /// Who computes the transport checksum.
    pub summed: Summed,
}

/// The sum of all bytes in ones' complement, not folded.
pub fn sum(bytes: &[u8]) -> u32 {
    let mut sum = 0;
    for pair in bytes.chunks(2) {
        let word = u16::from_ne_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        sum = add(sum, u32::from(word));
    }
    sum
}

fn add(sum: u32, addend: u32) -> u32 {
    let (sum, carried) = sum.overflowing_add(addend);
    sum + u32::from(carried)
}

/// A sum in 16 bits.
pub fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    (sum + (sum >> 16)) as u16
}

impl MemorySkb {
    /// A packet whose checksums stand in it.
    pub fn new(bytes: &[u8], mark: u32) -> Self {
        Self { bytes: bytes.to_vec(), mark, summed: Summed::None }
    }

    fn sum_at(&mut self, offset: usize) -> Option<&mut [u8; 2]> {
        self.bytes.get_mut(offset..)?.first_chunk_mut()
    }

    fn follow(&mut self, offset: usize, difference: u32) -> Option<()> {
        let field = self.sum_at(offset)?;
        let sum = !u16::from_ne_bytes(*field);
        *field = (!fold(add(difference, u32::from(sum)))).to_ne_bytes();
        Some(())
    }
}

impl Skb for MemorySkb {
    fn mark(&self) -> u32 {
        self.mark
    }

    fn ethertype(&self) -> Be16 {
        Be16::from_bytes(self.load(12).unwrap_or_default())
    }

    fn load<H: Header>(&self, offset: usize) -> Option<H> {
        H::read_from_prefix(self.bytes.get(offset..)?).ok().map(|(header, _)| header)
    }

    fn store<H: Header>(&mut self, offset: usize, value: &H, counted: bool) -> Option<()> {
        let place = self.bytes.get_mut(offset..offset + size_of::<H>())?;
        let before = sum(place);
        place.copy_from_slice(value.as_bytes());
        let after = sum(place);
        if let Summed::Complete(all) = &mut self.summed
            && counted
        {
            *all = add(add(*all, !before), after);
        }
        Some(())
    }

    fn follow_header(&mut self, offset: usize, difference: u32) -> Option<()> {
        self.follow(offset, difference)
    }

    fn follow_transport(&mut self, offset: usize, difference: u32, sum: Sum) -> Option<()> {
        let field: [u8; 2] = self.load(offset)?;
        let udp = sum == Sum::PseudoUdp;
        if udp && field == [0, 0] {
            return Some(());
        }
        if self.summed == Summed::Partial {
            if sum != Sum::Body {
                let pseudo = u32::from(u16::from_ne_bytes(field));
                *self.sum_at(offset)? = fold(add(difference, pseudo)).to_ne_bytes();
            }
        } else {
            self.follow(offset, difference)?;
        }
        if let Summed::Complete(all) = &mut self.summed
            && sum != Sum::Body
        {
            *all = add(*all, !difference);
        }
        let field = self.sum_at(offset)?;
        if udp && *field == [0, 0] {
            *field = [0xff; 2];
        }
        Some(())
    }
}

/// The tables of one address family.
#[derive(Default, Debug)]
pub struct MemoryFamily<A> {
    /// The VIPs by their places.
    pub vips: HashMap<u16, A>,
    /// The flows of probes, and their RIPs.
    pub flows: RefCell<HashMap<FlowKey<A>, A>>,
}

/// All tables.
#[derive(Default, Debug)]
pub struct MemoryTables {
    /// IPv4.
    pub v4: MemoryFamily<Be32>,
    /// IPv6.
    pub v6: MemoryFamily<Be128>,
    /// Ports that probes have had.
    pub ports: RefCell<HashSet<u16>>,
}

macro_rules! family_tables {
    ($address:ty, $family:ident) => {
        impl FamilyTables<$address> for MemoryTables {
            fn vip(&self, index: u16) -> Option<$address> {
                self.$family.vips.get(&index).copied()
            }

            fn rip(&self, flow: &FlowKey<$address>) -> Option<$address> {
                self.$family.flows.borrow().get(flow).copied()
            }

            fn note(&self, flow: &FlowKey<$address>, rip: $address) -> Option<()> {
                self.$family.flows.borrow_mut().insert(*flow, rip);
                self.ports.borrow_mut().insert(flow.source_port.get());
                Some(())
            }
        }
    };
}

family_tables!(Be32, v4);
family_tables!(Be128, v6);

impl Tables for MemoryTables {
    fn is_probing(&self, port: Be16) -> bool {
        self.ports.borrow().contains(&port.get())
    }
}
