//! A frame, wherever it lies.

use crate::headers::Header;

/// A received frame. Offsets count from the start of the Ethernet header.
pub trait Packet {
    /// Index of the interface it came in by.
    fn ingress(&self) -> u32;

    /// The header at `offset`, or `None` where the frame ends before it does.
    fn header<H: Header>(&self, offset: usize) -> Option<&H>;

    /// The header at `offset`, to be written.
    fn header_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H>;
}

/// A frame in ordinary memory.
pub struct SlicePacket<'a> {
    bytes: &'a mut [u8],
    ingress: u32,
}

impl<'a> SlicePacket<'a> {
    /// A frame that came in by the interface with index `ingress`.
    pub fn new(bytes: &'a mut [u8], ingress: u32) -> Self {
        Self { bytes, ingress }
    }
}

impl Packet for SlicePacket<'_> {
    fn ingress(&self) -> u32 {
        self.ingress
    }

    fn header<H: Header>(&self, offset: usize) -> Option<&H> {
        H::ref_from_prefix(self.bytes.get(offset..)?).ok().map(|(header, _)| header)
    }

    fn header_mut<H: Header>(&mut self, offset: usize) -> Option<&mut H> {
        H::mut_from_prefix(self.bytes.get_mut(offset..)?).ok().map(|(header, _)| header)
    }
}
