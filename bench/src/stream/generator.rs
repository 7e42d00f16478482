//! The source of real frames.

use std::time::Duration;

use aya::Ebpf;
use aya::maps::{Array, MapData, ProgramArray};
use aya::programs::{TestRun as _, TestRunAttrs, TestRunOptions, Xdp};
use lb_common::key::Protocol;
use lb_common::traffic::{DIRECTOR, Traffic, client_v4, client_v6, vip_v4, vip_v6};
use xdp_prog::fixtures::frame::{Family, Packet};

use super::StreamError;
use super::clock::Clock;
use crate::lab::Namespace;
use crate::report::pin_to_cpu;

static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("BENCH_XDP"));

/// Frames that the kernel sends at once. A veth takes 256 before its other end must have run.
pub const BATCH: u32 = 64;

/// Index of the program that sends the generated frame, in the generator's table.
const TRANSMIT: u32 = 2;

/// Which packets are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stream {
    /// IPv4 or IPv6.
    pub family: Family,
    /// TCP control bits.
    pub flags: u8,
    /// The first packet's flow, the number of flows, and of services.
    pub traffic: Traffic,
}

impl Stream {
    /// The frame that the generator makes all others from.
    fn frame(&self) -> Vec<u8> {
        let (source, destination) = match self.family {
            Family::V4 => (client_v4(0).into(), vip_v4(0).into()),
            Family::V6 => (client_v6(0).into(), vip_v6(0).into()),
        };
        let (to, flags, protocol) = (DIRECTOR, self.flags, Protocol::Tcp);
        Packet { to, source, destination, flags, protocol, ..Packet::new(self.family) }.frame()
    }
}

/// Sends frames out of an interface, from a CPU of its own choice.
pub struct Generator {
    ebpf: Ebpf,
    traffic: Array<MapData, Traffic>,
    /// Holds the tail calls: an array of programs that no process holds empties itself.
    _programs: ProgramArray<MapData>,
    cpu: usize,
    ifindex: u32,
}

impl Generator {
    /// A generator that runs on this CPU and sends out of this interface.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn new(cpu: usize, ifindex: u32) -> Result<Self, StreamError> {
        let mut ebpf = Ebpf::load(OBJECT).map_err(StreamError::program("load the generator"))?;
        // A table of programs takes the kind of those that call it: they must be loaded first.
        for name in ["generate_tx", "transmit"] {
            xdp(&mut ebpf, name)?.load().map_err(StreamError::program("load the generator"))?;
        }
        let map = ebpf.take_map("MEASURED").ok_or_else(|| StreamError::missing("MEASURED"))?;
        let open = StreamError::program("open a map of the generator");
        let mut programs = ProgramArray::try_from(map).map_err(&open)?;
        let fd = xdp(&mut ebpf, "transmit")?.fd().map_err(StreamError::program("find transmit"))?;
        programs.set(TRANSMIT, fd, 0).map_err(StreamError::program("fill MEASURED"))?;
        let map = ebpf.take_map("TRAFFIC").ok_or_else(|| StreamError::missing("TRAFFIC"))?;
        let traffic = Array::try_from(map).map_err(&open)?;
        Ok(Self { ebpf, traffic, _programs: programs, cpu, ifindex })
    }

    /// Says which flows are sent, from the next frame on.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn set_traffic(&mut self, traffic: Traffic) -> Result<(), StreamError> {
        self.traffic.set(0, traffic, 0).map_err(StreamError::program("write TRAFFIC"))
    }

    /// Sends so many frames of this stream, going on where the last ones ended, from inside the
    /// namespace of the interface. Says how long that kept the CPU busy: all that happens to a
    /// frame, up to the other end of the cable and back, is the work of the same one.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses, for example because the interface has no native XDP.
    pub fn send(
        &mut self,
        from: &Namespace,
        stream: &Stream,
        frames: u32,
    ) -> Result<Duration, StreamError> {
        let frame = stream.frame();
        let context = context(frame.len() as u32, self.ifindex);
        let cpu = self.cpu;
        let program = xdp(&mut self.ebpf, "generate_tx")?;
        from.enter(|| {
            pin_to_cpu(Some(cpu))?;
            let options = TestRunOptions {
                data_in: Some(&frame),
                ctx_in: Some(&context),
                repeat: frames,
                attrs: TestRunAttrs::new().xdp_live_frames(BATCH),
                ..TestRunOptions::new()
            };
            let clock = Clock::start(cpu);
            program.test_run(options).map_err(StreamError::program("send frames"))?;
            Ok(clock.elapsed())
        })?
    }
}

/// A `struct xdp_md`: the kernel sends what the generator transmits out of the interface that the
/// frame seems to have come in by.
fn context(length: u32, ifindex: u32) -> Vec<u8> {
    let (data, data_end, data_meta, rx_queue, egress) = (0, length, 0, 0, 0);
    let words: [u32; 6] = [data, data_end, data_meta, ifindex, rx_queue, egress];
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn xdp<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Xdp, StreamError> {
    let program = ebpf.program_mut(name).ok_or_else(|| StreamError::missing(name))?;
    program.try_into().map_err(StreamError::program("open a program"))
}
