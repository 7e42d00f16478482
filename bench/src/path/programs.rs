//! Generator and sink, in the kernel.

use std::iter::successors;
use std::time::Duration;

use aya::Ebpf;
use aya::maps::{Array, MapData, PerCpuArray};
use aya::programs::links::FdLink;
use aya::programs::{TestRun as _, TestRunAttrs, TestRunOptions, Xdp, XdpMode};

use super::PathError;

static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("PATH_XDP"));

/// Bytes of Ethernet and IPv4 headers, which the generator writes into each frame.
const HEADERS: usize = 34;

/// Frames that the kernel makes before it lets go of the CPU: well below the 256 that a veth's
/// queue holds.
const BATCH: u32 = 64;

/// A program that counts and ends IPv4 frames, on one interface. Dropping it takes it off.
pub struct Sink {
    counter: PerCpuArray<MapData, u64>,
    _link: FdLink,
}

impl Sink {
    /// Attaches it, native, in the calling thread's namespace.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn attach(interface: &str) -> Result<Self, PathError> {
        let mut ebpf = load()?;
        let program = xdp(&mut ebpf, "sink")?;
        program.load().map_err(error("load the sink"))?;
        let id = program.attach(interface, XdpMode::Driver).map_err(error("attach the sink"))?;
        let link = program.take_link(id).map_err(error("hold the sink"))?;
        let link = FdLink::try_from(link).map_err(error("hold the sink"))?;
        let map = ebpf.take_map("SUNK").ok_or_else(|| missing("SUNK"))?;
        let counter = PerCpuArray::try_from(map).map_err(error("open SUNK"))?;
        Ok(Self { counter, _link: link })
    }

    /// How many frames have ended here.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn count(&self) -> Result<u64, PathError> {
        Ok(self.counter.get(&0, 0).map_err(error("read SUNK"))?.iter().sum())
    }
}

/// Live frames from the test runner, out of an interface.
pub struct Generator {
    ebpf: Ebpf,
    frame: Vec<u8>,
}

impl Generator {
    /// Loads it, to send this IPv4 frame out of the interface with this index.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    ///
    /// # Panics
    ///
    /// The frame has less than its headers.
    pub fn load(frame: Vec<u8>, ifindex: u32) -> Result<Self, PathError> {
        let mut ebpf = load()?;
        xdp(&mut ebpf, "generate")?.load().map_err(error("load the generator"))?;
        let map = ebpf.map_mut("HEADERS").ok_or_else(|| missing("HEADERS"))?;
        let mut headers: Array<_, [u8; HEADERS]> = map.try_into().map_err(error("open HEADERS"))?;
        let bytes = *frame.first_chunk().expect("an IPv4 frame has its headers");
        headers.set(0, bytes, 0).map_err(error("write HEADERS"))?;
        let map = ebpf.map_mut("INTERFACE").ok_or_else(|| missing("INTERFACE"))?;
        let mut interface: Array<_, u32> = map.try_into().map_err(error("open INTERFACE"))?;
        interface.set(0, ifindex, 0).map_err(error("write INTERFACE"))?;
        Ok(Self { ebpf, frame })
    }

    /// Sends so many frames, and returns how long that took by the kernel's own account: to start
    /// and to end the test runner takes as long as thousands of frames, and is not in it. On a
    /// veth, what becomes of the frames is in it, since a batch ends with the soft interrupts that
    /// it has raised. Must run in the interface's namespace.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses, or a signal interrupts.
    pub fn send(&mut self, frames: u32) -> Result<Duration, PathError> {
        let options = TestRunOptions {
            data_in: Some(&self.frame),
            repeat: frames,
            attrs: TestRunAttrs::new().xdp_live_frames(BATCH),
            ..TestRunOptions::new()
        };
        let program = xdp(&mut self.ebpf, "generate")?;
        let ran = program.test_run(options).map_err(error("send live frames"))?;
        Ok(ran.duration * frames)
    }
}

fn load() -> Result<Ebpf, PathError> {
    Ebpf::load(OBJECT).map_err(error("load the object"))
}

fn xdp<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut Xdp, PathError> {
    let program = ebpf.program_mut(name).ok_or_else(|| missing(name))?;
    program.try_into().map_err(error("open a program"))
}

fn missing(name: &'static str) -> PathError {
    PathError::Program { operation: "find a part of the object", cause: name.to_owned() }
}

fn error<E: std::error::Error>(operation: &'static str) -> impl Fn(E) -> PathError {
    move |error| PathError::Program { operation, cause: chain(&error) }
}

/// An error with all its causes: aya's outer errors alone do not say what the kernel said.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
