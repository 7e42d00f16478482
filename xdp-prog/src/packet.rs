//! A frame, wherever it lies.

use lb_common::be::{Be32, Be128};
use lb_common::value::RealId;
use lb_common::verdict::Reason;
use lb_common::vlan::Tags;

use crate::headers::Header;
use crate::read::{self, Read};
use crate::vlan;

/// A received frame. Offsets count from the start of the Ethernet header.
pub trait Packet {
    /// Index of the interface it came in by.
    fn ingress(&self) -> u32;

    /// The header at `offset`, or `None` where the frame ends before it does.
    fn header<H: Header>(&self, offset: usize) -> Option<&H>;

    /// The header at `offset`, to be written.
    fn header_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H>;

    /// Cuts so many bytes off the front, or makes room for as many where the number is negative;
    /// what they hold is not defined. Says whether that could be done.
    fn cut_front(&mut self, bytes: i32) -> bool;

    /// Gives the frame other VLAN tags: [`vlan::retag`], which the kernel would rather verify once,
    /// and apart.
    fn retag(&mut self, standing: usize, tags: Tags) -> bool
    where
        Self: Sized,
    {
        vlan::retag(self, standing, tags)
    }

    /// Reads the IPv4 packet that the frame carries: [`read::read`], in the same way.
    ///
    /// # Errors
    ///
    /// Why it cannot be balanced.
    fn read_v4(&self, read: &mut Read<Be32>) -> Result<(), Reason>
    where
        Self: Sized,
    {
        read::read(self).map(|found| *read = found)
    }

    /// Reads the IPv6 packet that the frame carries: [`read::read`], in the same way.
    ///
    /// # Errors
    ///
    /// Why it cannot be balanced.
    fn read_v6(&self, read: &mut Read<Be128>) -> Result<(), Reason>
    where
        Self: Sized,
    {
        read::read(self).map(|found| *read = found)
    }

    /// Notes the service that the packet was found to be for, and the real it is for, for whoever
    /// traces it.
    fn note(&mut self, _service: u32, _real: RealId) {}
}

/// A frame in ordinary memory.
#[cfg(feature = "std")]
#[derive(Clone, Debug)]
pub struct MemoryPacket {
    /// The frame.
    pub bytes: std::vec::Vec<u8>,
    ingress: u32,
}

#[cfg(feature = "std")]
impl MemoryPacket {
    /// A copy of a frame that came in by the interface with index `ingress`.
    pub fn new(bytes: &[u8], ingress: u32) -> Self {
        Self { bytes: bytes.to_vec(), ingress }
    }
}

#[cfg(feature = "std")]
impl Packet for MemoryPacket {
    fn ingress(&self) -> u32 {
        self.ingress
    }

    fn header<H: Header>(&self, offset: usize) -> Option<&H> {
        H::ref_from_prefix(self.bytes.get(offset..)?).ok().map(|(header, _)| header)
    }

    fn header_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H> {
        H::mut_from_prefix(self.bytes.get_mut(offset..)?).ok().map(|(header, _)| header)
    }

    fn cut_front(&mut self, bytes: i32) -> bool {
        match usize::try_from(bytes) {
            Ok(cut) if cut > self.bytes.len() => return false,
            Ok(cut) => drop(self.bytes.drain(..cut)),
            Err(_) => {
                let room = std::vec![0; bytes.unsigned_abs() as usize];
                drop(self.bytes.splice(..0, room));
            }
        }
        true
    }
}
