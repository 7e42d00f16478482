//! Loading the program over new or inherited maps.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aya::maps::{MapData, ProgramArray};
use aya::programs::Xdp;
use aya::{Ebpf, EbpfError, EbpfLoader};
use lb_common::budget::Budget;
use lb_common::directory::Shape;
use lb_common::limits::{
    LAYOUT_VERSION, LONG_PROGRAMS, PROGRAM, globals, maps as names, trace_maps,
};
use lb_common::verdict::REASONS;

use super::links::Links;
use super::maps::{Maps, cpus, map_error, take};
use super::{AyaDataplane, logs, rings};
use crate::dataplane::{Capacity, DataplaneError};

static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("LB_CTL_XDP"));

/// How to open the data plane.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Where everything is pinned; on a bpffs.
    pub pin_dir: PathBuf,
    /// Sizes of the tables. Inherited tables of other sizes are replaced.
    pub capacity: Capacity,
    /// Seed of the flow hash.
    pub seed: u64,
}

impl AyaDataplane {
    /// Loads the program. Maps that an earlier daemon of the same layout and capacities left are
    /// taken up with all they hold; otherwise new ones are made beside them, and
    /// [`confirm`](crate::dataplane::Dataplane::confirm) removes the old ones when the new are in
    /// use.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses the program or a map, with its reason.
    pub fn open(options: &OpenOptions) -> Result<Self, DataplaneError> {
        let maps_dir = options.pin_dir.join(maps_name(options.capacity));
        let adopted = maps_dir.is_dir();
        fs::create_dir_all(&maps_dir).map_err(|e| {
            DataplaneError::Setup(format!("cannot create {}: {e}", maps_dir.display()))
        })?;
        let opened = Self::load(options, &maps_dir, adopted);
        if opened.is_err() && !adopted {
            // What was made so far holds memory, which may be what is short.
            remove_tree(&maps_dir)?;
        }
        opened
    }

    fn load(options: &OpenOptions, maps_dir: &Path, adopted: bool) -> Result<Self, DataplaneError> {
        let mut ebpf = load(options, maps_dir, LEAST_EVENTS)?;
        logs::forward(&mut ebpf);
        for name in LONG_PROGRAMS.into_iter().chain([PROGRAM]) {
            load_program(&mut ebpf, name)?;
        }
        let long_way = put_long_way(&mut ebpf)?;
        let program_id = program_id(program(&mut ebpf)?)?;
        let mut maps = Maps::take(&mut ebpf, maps_dir.to_owned(), options.capacity)?;
        if adopted {
            maps.bulk.tell_of_reals(options.capacity.reals)?;
        }
        maps.set_budget(Budget::for_share(options.capacity.connections / cpus()? as u32))?;
        let links = Links::new(options.pin_dir.clone())?;
        let capacity = options.capacity;
        let seed = options.seed;
        let tracing = None;
        Ok(Self {
            ebpf,
            maps,
            links,
            capacity,
            seed,
            adopted,
            program_id,
            tracing,
            _long_way: long_way,
        })
    }
}

/// A ring buffer that nothing is written to, of the least size on every machine.
const LEAST_EVENTS: u32 = 64 << 10;

/// Makes the object's maps, or takes up those that are pinned. `event_bytes` is the size of the ring
/// buffer of traced packets.
pub(super) fn load(
    options: &OpenOptions,
    maps_dir: &Path,
    event_bytes: u32,
) -> Result<Ebpf, DataplaneError> {
    let Capacity { services, reals, connections, ring_slots } = options.capacity;
    let shape = Shape::of(services);
    let buckets = shape.buckets();
    let cpus = cpus()? as u32;
    rings::make(maps_dir, services, ring_slots).map_err(|error| {
        let text = format!("cannot create the maps: {error}");
        DataplaneError::Setup(with_remedy(text, "--max-services or --ring-slots"))
    })?;
    let mut loader = EbpfLoader::new();
    loader
        .override_global(globals::SEED, &options.seed, true)
        .override_global(globals::RING_SLOTS, &ring_slots, true)
        .override_global(globals::SERVICES_OF_A_CPU, &services, true)
        .override_global(globals::REALS_OF_A_CPU, &reals, true)
        .override_global(globals::BUCKETS_OF_A_HALF, &buckets, true);
    for (name, size) in [
        (names::BUCKETS_V4, 2 * buckets),
        (names::BUCKETS_V6, 2 * buckets),
        (names::SERVICES_V4, 2 * shape.slots()),
        (names::SERVICES_V6, 2 * shape.slots()),
        (names::RINGS, services),
        (names::SERVICE_STATS, services.saturating_mul(cpus)),
        (names::DEFERRED, services),
        (names::ORDERS, services),
        (names::DETAILS, services),
        (names::TURNS, services),
        (names::VIPS_V4, services),
        (names::VIPS_V6, services),
        (names::REFUSALS, services.saturating_mul(REASONS)),
        (names::LOADS, reals),
        (names::REALS, reals),
        (names::REAL_LINES, reals.saturating_mul(cpus)),
        (names::CONNS_V4, connections),
        (names::CONNS_V6, connections),
        (trace_maps::EVENTS, event_bytes),
    ] {
        loader.map_max_entries(name, size);
    }
    for name in names::ALL {
        loader.map_pin_path(name, maps_dir.join(name));
    }
    loader.load(OBJECT).map_err(|error| DataplaneError::Setup(object_failure(&error)))
}

/// Puts the programs for rare packets where the other finds them. From then on the map holds them,
/// and who has it open the map, or its pin.
fn put_long_way(ebpf: &mut Ebpf) -> Result<ProgramArray<MapData>, DataplaneError> {
    let mut way: ProgramArray<MapData> = take(ebpf, names::LONG_WAY)?;
    for (version, name) in (0..).zip(LONG_PROGRAMS) {
        let program = named_program(ebpf, name)?;
        let program = program.fd().map_err(|error| DataplaneError::Setup(error.to_string()))?;
        way.set(version, program, 0).map_err(map_error("update", names::LONG_WAY))?;
    }
    Ok(way)
}

/// The XDP program of the object.
pub(super) fn program(ebpf: &mut Ebpf) -> Result<&mut Xdp, DataplaneError> {
    named_program(ebpf, PROGRAM)
}

/// Has the kernel verify and compile a program of the object.
pub(super) fn load_program(ebpf: &mut Ebpf, name: &str) -> Result<(), DataplaneError> {
    let loaded = named_program(ebpf, name)?.load();
    loaded.map_err(|error| DataplaneError::Setup(load_failure(&error)))
}

pub(super) fn named_program<'a>(
    ebpf: &'a mut Ebpf,
    name: &str,
) -> Result<&'a mut Xdp, DataplaneError> {
    let program = ebpf
        .program_mut(name)
        .ok_or_else(|| DataplaneError::Setup(format!("the object has no program {name}")))?;
    program
        .try_into()
        .map_err(|e: aya::programs::ProgramError| DataplaneError::Setup(e.to_string()))
}

/// The kernel's id of a loaded program.
pub(super) fn program_id(program: &Xdp) -> Result<u32, DataplaneError> {
    program.info().map(|info| info.id()).map_err(|e| DataplaneError::Setup(e.to_string()))
}

/// Pins the program in place of an earlier one.
pub(super) fn pin_program(ebpf: &mut Ebpf, pin_dir: &Path) -> Result<(), DataplaneError> {
    let pin = pin_dir.join("program");
    remove_file(&pin)?;
    program(ebpf)?.pin(&pin).map_err(|e| DataplaneError::Setup(e.to_string()))
}

/// Capacities stand in the name, so that tables of other sizes are never taken for these.
fn maps_name(capacity: Capacity) -> String {
    let Capacity { services, reals, connections, ring_slots } = capacity;
    format!("maps-v{LAYOUT_VERSION}-{services}-{reals}-{connections}-{ring_slots}")
}

/// Removes the maps directories that are not `keep`.
pub(super) fn retire_other_maps(pin_dir: &Path, keep: &Path) -> Result<(), DataplaneError> {
    for entry in entries(pin_dir)? {
        let named_maps =
            entry.file_name().is_some_and(|n| n.to_string_lossy().starts_with("maps-"));
        if named_maps && entry != keep {
            remove_tree(&entry)?;
        }
    }
    Ok(())
}

/// Removes everything under the pin directory, and the directory itself.
pub(super) fn remove_pins(pin_dir: &Path) -> Result<(), DataplaneError> {
    remove_tree(pin_dir)
}

fn remove_tree(directory: &Path) -> Result<(), DataplaneError> {
    fs::remove_dir_all(directory).map_err(|e| {
        DataplaneError::Setup(format!("cannot remove pins under {}: {e}", directory.display()))
    })
}

pub(super) fn remove_file(path: &Path) -> Result<(), DataplaneError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(DataplaneError::Setup(format!("cannot remove pin {}: {e}", path.display())))
        }
        _ => Ok(()),
    }
}

pub(super) fn entries(directory: &Path) -> Result<Vec<PathBuf>, DataplaneError> {
    let unreadable = |e| DataplaneError::Setup(format!("cannot read {}: {e}", directory.display()));
    fs::read_dir(directory)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()).map_err(unreadable))
        .collect()
}

pub(super) fn object_failure(error: &EbpfError) -> String {
    let mut text = format!("cannot create the maps: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        // Some errors name their cause themselves.
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    with_remedy(text, "--max-connections, --max-reals or --max-services")
}

/// What the kernel says of maps that cannot be created, and what to do; `smaller` are the options
/// that decide on their size.
fn with_remedy(mut text: String, smaller: &str) -> String {
    if text.contains("os error 1)") {
        text += ". This needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON";
    }
    // ENOMEM, or E2BIG where the size cannot even be asked for.
    if text.contains("os error 12)") || text.contains("os error 7)") {
        text = format!("{text}. Start the daemon with smaller {smaller}");
    }
    text
}

pub(super) fn load_failure(error: &aya::programs::ProgramError) -> String {
    match error {
        aya::programs::ProgramError::LoadError { io_error, verifier_log } => {
            format!("the kernel refuses the program: {io_error}. {verifier_log}")
        }
        other => format!("the kernel refuses the program: {other}"),
    }
}
