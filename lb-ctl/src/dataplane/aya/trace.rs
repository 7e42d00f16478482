//! The program that traces. It has an object of its own over the maps of the daemon's, so that what
//! it needs beside them is there only while packets are traced.

#![expect(unsafe_code, reason = "tokio wants a word about the descriptor's owner")]

use std::os::fd::{AsRawFd, RawFd};

use aya::Ebpf;
use aya::maps::{Array, MapData, PerCpuArray, RingBuf};
use aya::programs::Xdp;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use lb_common::limits::{TRACE_BYTES, TRACE_PROGRAM, trace_maps};
use lb_common::trace::{Event, Filter, Tally};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::AyaDataplane;
use super::maps::{map_error, take};
use super::open::{self, OpenOptions};
use crate::dataplane::{DataplaneError, LoadTracer, Samples};

/// How many events are handed on at once.
const BATCH: usize = 64;

/// A program that traces, loaded.
pub struct Tracer {
    ebpf: Ebpf,
    program_id: u32,
    events: Events,
}

/// A program that traces, while it is on the interfaces.
pub(super) struct Tracing {
    ebpf: Ebpf,
    pub(super) program_id: u32,
}

impl Tracing {
    pub(super) fn program(&mut self) -> Result<&mut Xdp, DataplaneError> {
        open::named_program(&mut self.ebpf, TRACE_PROGRAM)
    }
}

/// Where the program tells of packets; known to the event loop by its ring buffer.
struct Events {
    ring: RingBuf<MapData>,
    tally: PerCpuArray<MapData, Tally>,
}

impl Events {
    /// What there is, up to [`BATCH`].
    fn read(&mut self) -> Vec<Event> {
        let next = || self.ring.next().and_then(|bytes| Event::from_bytes(&bytes));
        std::iter::from_fn(next).take(BATCH).collect()
    }

    fn lost(&self) -> u64 {
        // What cannot be read now is counted the next time.
        let tallies = self.tally.get(&0, 0);
        tallies.map(|tallies| tallies.iter().map(|tally| tally.lost).sum()).unwrap_or_default()
    }
}

impl AsRawFd for Events {
    fn as_raw_fd(&self) -> RawFd {
        self.ring.as_raw_fd()
    }
}

impl AyaDataplane {
    pub(super) fn load_tracer(&self) -> LoadTracer<Box<Tracer>> {
        let options = OpenOptions {
            pin_dir: self.links.pin_dir().to_owned(),
            capacity: self.capacity,
            seed: self.seed,
        };
        let maps_dir = self.maps.directory().to_owned();
        Box::new(move |filter| {
            let mut ebpf = open::load(&options, &maps_dir, TRACE_BYTES)?;
            let mut told: Array<MapData, Filter> = take(&mut ebpf, trace_maps::FILTER)?;
            told.set(0, filter, 0).map_err(map_error("update", trace_maps::FILTER))?;
            let ring = take(&mut ebpf, trace_maps::EVENTS)?;
            let events = Events { ring, tally: take(&mut ebpf, trace_maps::TALLY)? };
            open::load_program(&mut ebpf, TRACE_PROGRAM)?;
            let program_id = open::program_id(open::named_program(&mut ebpf, TRACE_PROGRAM)?)?;
            Ok(Box::new(Tracer { ebpf, program_id, events }))
        })
    }

    pub(super) fn put_tracer(
        &mut self,
        tracer: Box<Tracer>,
    ) -> Result<BoxStream<'static, Samples>, DataplaneError> {
        let Tracer { ebpf, program_id, events } = *tracer;
        let samples = samples(events)?;
        let tracing = self.tracing.insert(Tracing { ebpf, program_id });
        for (interface, cause) in self.links.swap(tracing.program()?) {
            tracing::warn!("{interface}: its packets are not traced: {cause}");
        }
        Ok(samples)
    }

    pub(super) fn put_back(&mut self) {
        if self.tracing.is_none() {
            return;
        }
        let failed = match open::program(&mut self.ebpf) {
            Ok(program) => self.links.swap(program),
            Err(error) => vec![("all interfaces".to_owned(), error.to_string())],
        };
        for (interface, cause) in failed {
            tracing::warn!("{interface}: the program that traces stays, and forwards: {cause}");
        }
        // Where it is on no interface any more, it goes with its last descriptor.
        self.tracing = None;
    }
}

/// What the program tells, for as long as somebody asks.
fn samples(events: Events) -> Result<BoxStream<'static, Samples>, DataplaneError> {
    // SAFETY: the ring buffer owns its descriptor and keeps it until it is dropped, with this.
    let registered = unsafe { AsyncFd::register_with_interest(events, Interest::READABLE) };
    let ring = registered.map_err(|_| {
        DataplaneError::Setup("no room in the event loop for what is traced".to_owned())
    })?;
    let samples = stream::unfold(ring, |mut ring| async move {
        loop {
            // An error is the end of the runtime.
            let mut guard = ring.readable_mut().await.ok()?;
            let events = guard.get_inner_mut().read();
            if events.len() < BATCH {
                guard.clear_ready();
            }
            let lost = guard.get_inner().lost();
            if !events.is_empty() {
                return Some((Samples { events, lost }, ring));
            }
        }
    });
    Ok(samples.boxed())
}
