//! Names and capacities of the maps.

/// Raised with every change of a key, a value or the meaning of a map. Pinned maps of another
/// version are never reused.
pub const LAYOUT_VERSION: u32 = 3;

/// Slots of a ring unless told otherwise (a prime, as Maglev asks).
pub const DEFAULT_RING_SLOTS: u32 = 65537;

/// Services a director holds unless told otherwise.
pub const DEFAULT_SERVICES: u32 = 4096;
/// Reals of all services together unless told otherwise.
pub const DEFAULT_REALS: u32 = 65536;
/// Connections of each family that are remembered unless told otherwise.
pub const DEFAULT_CONNECTIONS: u32 = 524_288;
/// Interfaces that packets come in by or go out of.
pub const INTERFACES: u32 = 256;

/// Map names; BPF allows fifteen characters.
pub mod maps {
    /// Family (0 is IPv4, 1 is IPv6) → `Directory`.
    pub const DIRECTORIES: &str = "DIRECTORIES";
    /// Bucket → displacement.
    pub const BUCKETS_V4: &str = "BUCKETS_V4";
    /// Bucket → displacement.
    pub const BUCKETS_V6: &str = "BUCKETS_V6";
    /// Slot of a directory → `Entry<Be32>`.
    pub const SERVICES_V4: &str = "SERVICES_V4";
    /// Slot of a directory → `Entry<Be128>`.
    pub const SERVICES_V6: &str = "SERVICES_V6";
    /// Service id → array of `Slot`, as numbers.
    pub const RINGS: &str = "RINGS";
    /// `RealId` → `Real`.
    pub const REALS: &str = "REALS";
    /// `FlowKey<Be32>` → `Connection`.
    pub const CONNS_V4: &str = "CONNS_V4";
    /// `FlowKey<Be128>` → `Connection`.
    pub const CONNS_V6: &str = "CONNS_V6";
    /// Interface index → interface to redirect to.
    pub const EGRESS: &str = "EGRESS";
    /// Interface index → its `Mac`.
    pub const INGRESS: &str = "INGRESS";
    /// Service id → `Stats`, per CPU.
    pub const SERVICE_STATS: &str = "SERVICE_STATS";
    /// `RealId` → `Stats`, per CPU.
    pub const REAL_STATS: &str = "REAL_STATS";
    /// `Reason` → count, per CPU.
    pub const REASONS: &str = "REASONS";
    /// 0 → `Budget`, per CPU.
    pub const BUDGET: &str = "BUDGET";
    /// Service id → packets of flows that could not be recorded, per CPU.
    pub const DEFERRED: &str = "DEFERRED";

    /// All of them.
    pub const ALL: [&str; 16] = [
        DIRECTORIES,
        BUCKETS_V4,
        BUCKETS_V6,
        SERVICES_V4,
        SERVICES_V6,
        RINGS,
        REALS,
        CONNS_V4,
        CONNS_V6,
        EGRESS,
        INGRESS,
        SERVICE_STATS,
        REAL_STATS,
        REASONS,
        BUDGET,
        DEFERRED,
    ];
}

/// Name of the XDP program in the object file.
pub const PROGRAM: &str = "lb_ctl";
/// Read-only variables of the program, set when it is loaded.
pub mod globals {
    /// Seed of the flow hash: `u64`.
    pub const SEED: &str = "SEED";
    /// Slots of each ring: `u32`.
    pub const RING_SLOTS: &str = "RING_SLOTS";
    /// Exponent of the number of slots of one half of a directory: `u32`.
    pub const DIRECTORY_BITS: &str = "DIRECTORY_BITS";
}
