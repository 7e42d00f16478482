//! The packet generator in the kernel.

use std::fmt::Display;

use aya::Ebpf;
use aya::maps::{Array, MapData, ProgramArray};
use aya::programs::{ProgramFd, TestRun as _, TestRunOptions, Xdp};
use lb_common::traffic::Traffic;
use nix::time::{ClockId, clock_gettime};

use super::ProgramError;

static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("BENCH_XDP"));

/// What the generator hands its packets to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// The program under test.
    Program,
    /// The yardstick: exchange the MACs, send.
    Swap,
    /// Send.
    Transmit,
}

impl Entry {
    const ALL: [Self; 3] = [Self::Program, Self::Swap, Self::Transmit];

    /// The word for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "the program under test",
            Self::Swap => "the MAC swap",
            Self::Transmit => "the bare transmit",
        }
    }

    /// The generator that goes on to it.
    const fn generator(self) -> &'static str {
        match self {
            Self::Program => "generate_program",
            Self::Swap => "generate_swap",
            Self::Transmit => "generate_tx",
        }
    }
}

/// What came out of a run.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    /// Nanoseconds of a packet.
    pub packet_ns: f64,
    /// The XDP action of the last packet.
    pub action: u32,
}

/// The generator, its state, and what it drives. It has one state for all CPUs: pin the thread.
pub struct Driver {
    ebpf: Ebpf,
    traffic: Array<MapData, Traffic>,
    /// Holds the tail calls: an array of programs that no process holds empties itself.
    _measured: ProgramArray<MapData>,
}

impl Driver {
    /// Loads the generator before `program`.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn new(program: &ProgramFd) -> Result<Self, ProgramError> {
        let mut ebpf = Ebpf::load(OBJECT).map_err(error("load the object"))?;
        // A table of programs takes the kind of those that call it: they must be loaded first.
        for name in Entry::ALL.map(Entry::generator).into_iter().chain(["swap", "transmit"]) {
            xdp(&mut ebpf, name)?.load().map_err(error("load a program"))?;
        }
        let map = ebpf.take_map("MEASURED").ok_or_else(|| missing("MEASURED"))?;
        let mut measured = ProgramArray::try_from(map).map_err(error("open MEASURED"))?;
        measured.set(0, program, 0).map_err(error("put the program under test into MEASURED"))?;
        for (index, name) in [(1, "swap"), (2, "transmit")] {
            let fd = xdp(&mut ebpf, name)?.fd().map_err(error("find a yardstick"))?;
            measured.set(index, fd, 0).map_err(error("put a yardstick into MEASURED"))?;
        }
        let map = ebpf.take_map("TRAFFIC").ok_or_else(|| missing("TRAFFIC"))?;
        let traffic = Array::try_from(map).map_err(error("open TRAFFIC"))?;
        Ok(Self { ebpf, traffic, _measured: measured })
    }

    /// Says which packets to make, from the next on.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn set_traffic(&mut self, traffic: Traffic) -> Result<(), ProgramError> {
        self.traffic.set(0, traffic, 0).map_err(error("write TRAFFIC"))
    }

    /// Makes `packets` packets out of `frame` and hands them to `entry`. The time is that of this
    /// thread on the CPU: what others do meanwhile is not counted, and it is finer than the whole
    /// nanoseconds that the kernel reports.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses, or a signal interrupts.
    pub fn run(&mut self, entry: Entry, frame: &[u8], packets: u32) -> Result<Ran, ProgramError> {
        let program = xdp(&mut self.ebpf, entry.generator())?;
        let options =
            TestRunOptions { data_in: Some(frame), repeat: packets, ..TestRunOptions::new() };
        let begin = cpu_time()?;
        let result = program.test_run(options).map_err(error("run packets"))?;
        let took = cpu_time()? - begin;
        Ok(Ran { packet_ns: took / f64::from(packets), action: result.return_value })
    }
}

/// Nanoseconds that this thread has had of a CPU.
fn cpu_time() -> Result<f64, ProgramError> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_err(error("read the clock"))?;
    Ok(std::time::Duration::from(time).as_secs_f64() * 1e9)
}

fn xdp<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut Xdp, ProgramError> {
    let program = ebpf.program_mut(name).ok_or_else(|| missing(name))?;
    program.try_into().map_err(error("open a program"))
}

fn missing(name: &'static str) -> ProgramError {
    ProgramError::Generator { operation: "find a part of the object", cause: name.to_owned() }
}

fn error<E: Display>(operation: &'static str) -> impl Fn(E) -> ProgramError {
    move |cause| ProgramError::Generator { operation, cause: cause.to_string() }
}
