//! Names and capacities of the maps.

/// Raised with every change of a key, a value or the meaning of a map. Pinned maps of another
/// version are never reused.
pub const LAYOUT_VERSION: u32 = 1;

/// Slots of a ring (a prime, as Maglev asks).
pub const RING_SLOTS: u32 = 65537;

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
    /// `ServiceKey<Be32>` → `Service`.
    pub const SERVICES_V4: &str = "SERVICES_V4";
    /// `ServiceKey<Be128>` → `Service`.
    pub const SERVICES_V6: &str = "SERVICES_V6";
    /// Service id → array of `RealId`.
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

    /// All of them.
    pub const ALL: [&str; 11] = [
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
    ];
}

/// Name of the XDP program in the object file.
pub const PROGRAM: &str = "lb_ctl";
/// Name of the read-only variable that holds the flow hash's seed.
pub const SEED_GLOBAL: &str = "SEED";
