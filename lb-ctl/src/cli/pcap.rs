//! The classic capture file, as tcpdump reads it
//! (draft-ietf-opsawg-pcap, sections 4 and 5). Pure but for the writer it is given.

use std::io::{self, Write};

use lb_common::trace::CAPTURE;

/// Times are in nanoseconds; the byte order is that of the writer.
const MAGIC: u32 = 0xa1b2_3c4d;
const VERSION: [u16; 2] = [2, 4];
const ETHERNET: u32 = 1;
const SECOND: u64 = 1_000_000_000;

/// Writes packets to a capture file.
#[derive(Debug)]
pub(super) struct Writer<W> {
    out: W,
}

/// A packet, or its beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    /// When it came, in nanoseconds since 1970.
    pub(super) time_ns: u64,
    /// How long it is, in bytes.
    pub(super) length: u32,
    /// Its first bytes.
    pub(super) bytes: &'a [u8],
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    pub(super) fn begin(mut out: W) -> io::Result<Self> {
        let mut header = Vec::with_capacity(24);
        header.extend(MAGIC.to_ne_bytes());
        header.extend(VERSION.iter().flat_map(|part| part.to_ne_bytes()));
        // Two fields that are always zero.
        header.extend([0; 8]);
        header.extend((CAPTURE as u32).to_ne_bytes());
        header.extend(ETHERNET.to_ne_bytes());
        out.write_all(&header)?;
        out.flush()?;
        Ok(Self { out })
    }

    /// Adds a packet, whole: whoever reads the file while it grows finds no half of one.
    pub(super) fn add(&mut self, record: Record<'_>) -> io::Result<()> {
        let Record { time_ns, length, bytes } = record;
        let captured = bytes.len() as u32;
        let numbers = [(time_ns / SECOND) as u32, (time_ns % SECOND) as u32, captured, length];
        let mut whole: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        whole.extend(bytes);
        self.out.write_all(&whole)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_header_and_records() {
        let mut file = Vec::new();
        let mut writer = Writer::begin(&mut file).unwrap();
        let bytes = [1, 2, 3, 4];
        let time_ns = 1_700_000_000 * SECOND + 123_456_789;
        writer.add(Record { time_ns, length: 1514, bytes: &bytes }).unwrap();
        assert_eq!(file.len(), 24 + 16 + 4);
        let word = |at: usize| u32::from_ne_bytes(file[at..at + 4].try_into().unwrap());
        let half = |at: usize| u16::from_ne_bytes(file[at..at + 2].try_into().unwrap());
        assert_eq!((word(0), half(4), half(6)), (0xa1b2_3c4d, 2, 4));
        assert_eq!((word(8), word(12), word(16), word(20)), (0, 0, 128, 1));
        assert_eq!((word(24), word(28)), (1_700_000_000, 123_456_789));
        assert_eq!((word(32), word(36)), (4, 1514));
        assert_eq!(file[40..], bytes);
    }
}
