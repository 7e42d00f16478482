//! Where the frames end: on the switch's end of the director's cable.

use std::collections::BTreeMap;

use aya::Ebpf;
use aya::maps::{Array, MapData, PerCpuArray};
use aya::programs::Xdp;
use lb_common::traffic::{RECORDED_FLOWS, Recording, SINK_PORTS, seen_real};

use super::StreamError;
use crate::lab::Lab;

static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("SINK_XDP"));

/// What a sink does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SinkProgram {
    /// Counts.
    Count,
    /// Counts, and notes the real of each flow.
    Record,
    /// Counts what the generator sends, and passes all else.
    Generated,
}

impl SinkProgram {
    const fn name(self) -> &'static str {
        match self {
            Self::Count => "count_arrived",
            Self::Record => "record_flows",
            Self::Generated => "take_generated",
        }
    }
}

/// Frames by the last byte of their destination MAC, which of a real is its number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Arrived(BTreeMap<u8, u64>);

impl Arrived {
    /// All frames.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Frames for one MAC.
    pub fn with(&self, last_byte: u8) -> u64 {
        self.0.get(&last_byte).copied().unwrap_or_default()
    }

    /// Those that have come since.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let new = self.0.iter().map(|(mac, count)| (*mac, count - earlier.with(*mac)));
        Self(new.filter(|(_, count)| *count > 0).collect())
    }
}

impl<const N: usize> From<[(u8, u64); N]> for Arrived {
    fn from(frames: [(u8, u64); N]) -> Self {
        Self(frames.into())
    }
}

/// The sink's maps. Its program is the bed's.
pub struct Sink {
    arrived: PerCpuArray<MapData, u64>,
    recording: Array<MapData, Recording>,
    seen: Array<MapData, u32>,
    current: Recording,
}

impl Sink {
    /// Puts a sink onto the switch's end of the director's cable.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn attach(lab: &mut Lab, program: SinkProgram) -> Result<Self, StreamError> {
        let name = program.name();
        let mut ebpf = Ebpf::load(OBJECT).map_err(StreamError::program("load the sink"))?;
        let found = ebpf.program_mut(name).ok_or_else(|| StreamError::missing(name))?;
        let xdp: &mut Xdp = found.try_into().map_err(StreamError::program("open the sink"))?;
        xdp.load().map_err(StreamError::program("load the sink"))?;
        lab.replace_port_program(xdp)?;
        let mut map = |name| ebpf.take_map(name).ok_or_else(|| StreamError::missing(name));
        let open = StreamError::program("open a map of the sink");
        Ok(Self {
            arrived: PerCpuArray::try_from(map("ARRIVED")?).map_err(&open)?,
            recording: Array::try_from(map("RECORDING")?).map_err(&open)?,
            seen: Array::try_from(map("SEEN")?).map_err(&open)?,
            current: Recording::default(),
        })
    }

    /// What has arrived so far.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn arrived(&self) -> Result<Arrived, StreamError> {
        let read = StreamError::program("read ARRIVED");
        let mut arrived = Arrived::default();
        for mac in 0..SINK_PORTS {
            let frames = self.arrived.get(&mac, 0).map_err(&read)?.iter().sum();
            if frames > 0 {
                arrived.0.insert(mac as u8, frames);
            }
        }
        Ok(arrived)
    }

    /// Forgets what was noted, and notes the flows from this one on.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn record_from(&mut self, first_flow: u32) -> Result<(), StreamError> {
        self.current = Recording { first_flow, round: self.current.round + 1 };
        self.recording.set(0, self.current, 0).map_err(StreamError::program("write RECORDING"))
    }

    /// The real of each of the first flows of the recording; `None` where none of its packets came.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    ///
    /// # Panics
    ///
    /// There are more flows than the sink can note.
    pub fn recorded(&self, flows: u32) -> Result<Vec<Option<u8>>, StreamError> {
        assert!(flows <= RECORDED_FLOWS, "{flows} flows are more than the sink can note");
        let read = StreamError::program("read SEEN");
        let note = |flow| self.seen.get(&flow, 0).map_err(&read);
        (0..flows).map(|flow| Ok(seen_real(note(flow)?, self.current.round))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_since_counts() {
        let earlier = Arrived::from([(1, 5), (2, 7)]);
        let later = Arrived::from([(1, 5), (2, 9), (3, 1)]);
        let since = later.since(&earlier);
        assert_eq!(since, Arrived::from([(2, 2), (3, 1)]));
        assert_eq!((since.total(), since.with(2), since.with(1)), (3, 2, 0));
    }
}
