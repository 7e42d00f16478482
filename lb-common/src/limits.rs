//! Names and capacities of the maps.

/// Raised with every change of a key, a value or the meaning of a map. Pinned maps of another
/// version are never reused.
pub const LAYOUT_VERSION: u32 = 5;

/// Slots of a ring unless told otherwise (a prime, as Maglev asks).
pub const DEFAULT_RING_SLOTS: u32 = 65537;

/// The most services that a director can be told to hold: there are counters for each reason of each.
pub const MAX_SERVICES: u32 = 1 << 24;
/// Services a director holds unless told otherwise.
pub const DEFAULT_SERVICES: u32 = 4096;
/// Reals of all services together unless told otherwise.
pub const DEFAULT_REALS: u32 = 65536;
/// Connections of each family that are remembered unless told otherwise.
pub const DEFAULT_CONNECTIONS: u32 = 524_288;
/// Prefixes of clients that are allowed or denied, those of all services together, unless told
/// otherwise.
pub const DEFAULT_SOURCES: u32 = 65536;
/// Interfaces that packets come in by or go out of.
pub const INTERFACES: u32 = 256;

/// Datagrams of each family whose fragments are on their way.
pub const FRAGMENTED: u32 = 16_384;
/// Blocks of ports of all services that have more than one port.
pub const PORT_BLOCKS: u32 = 65_536;
/// Machines that may send a director the packets of services which it is a real of.
pub const PEERS: u32 = 4096;
/// MACs of virtual routers: of each family one for each number, and some to spare.
pub const VIRTUAL_MACS: u32 = 512;

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
    /// Service id → `Stats`, all services of one CPU after those of another.
    pub const SERVICE_STATS: &str = "SERVICE_STATS";
    /// `RealId` → `RealLine`, all reals of one CPU after those of another.
    pub const REAL_LINES: &str = "REAL_LINES";
    /// `Reason` → count, per CPU.
    pub const REASONS: &str = "REASONS";
    /// 0 → `Budget`, per CPU.
    pub const BUDGET: &str = "BUDGET";
    /// Service id → packets of flows that could not be recorded, per CPU.
    pub const DEFERRED: &str = "DEFERRED";
    /// Service id → `Details`.
    pub const DETAILS: &str = "DETAILS";
    /// `PortsKey<Be32>` → `Service`, longest prefix.
    pub const PORTS_V4: &str = "PORTS_V4";
    /// `PortsKey<Be128>` → `Service`, longest prefix.
    pub const PORTS_V6: &str = "PORTS_V6";
    /// `SourceKey<Be32>` → what the lists say, longest prefix.
    pub const SOURCES_V4: &str = "SOURCES_V4";
    /// `SourceKey<Be128>` → what the lists say, longest prefix.
    pub const SOURCES_V6: &str = "SOURCES_V6";
    /// The VIPs of IPv4.
    pub const VIPS_V4: &str = "VIPS_V4";
    /// The VIPs of IPv6.
    pub const VIPS_V6: &str = "VIPS_V6";
    /// `FlowKey<Be32>` of fragments → `Connection`.
    pub const FRAGS_V4: &str = "FRAGS_V4";
    /// `FlowKey<Be128>` of fragments → `Connection`.
    pub const FRAGS_V6: &str = "FRAGS_V6";
    /// `Mac`s of machines that may be directors of services which this one is a real of.
    pub const PEERS: &str = "PEERS";
    /// `Mac`s of virtual routers that this machine may be.
    pub const VIRTUAL_MACS: &str = "VIRTUAL_MACS";
    /// `RealId` → `Load`.
    pub const LOADS: &str = "LOADS";
    /// Service id → array of `RealId`s, as numbers: whom its scheduler, which is no hash, can pick.
    pub const ORDERS: &str = "ORDERS";
    /// Service id → whose turn it is.
    pub const TURNS: &str = "TURNS";
    /// Service id → packets that were not forwarded, by reason, per CPU.
    pub const REFUSALS: &str = "REFUSALS";
    /// IP version (0 is IPv4, 1 is IPv6) → the program for its rare packets.
    pub const LONG_WAY: &str = "LONG_WAY";

    /// All of them.
    pub const ALL: [&str; 32] = [
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
        REAL_LINES,
        REASONS,
        BUDGET,
        DEFERRED,
        DETAILS,
        PORTS_V4,
        PORTS_V6,
        SOURCES_V4,
        SOURCES_V6,
        VIPS_V4,
        VIPS_V6,
        FRAGS_V4,
        FRAGS_V6,
        PEERS,
        VIRTUAL_MACS,
        LOADS,
        ORDERS,
        TURNS,
        REFUSALS,
        LONG_WAY,
    ];
}

/// Maps of the program that traces. They are not pinned: each trace has its own.
pub mod trace_maps {
    /// 0 → `Filter`.
    pub const FILTER: &str = "TRACE_FILTER";
    /// 0 → `Tally`, per CPU.
    pub const TALLY: &str = "TRACE_TALLY";
    /// Ring buffer of `Event`s.
    pub const EVENTS: &str = "TRACE_EVENTS";
}

/// Name of the XDP program in the object file.
pub const PROGRAM: &str = "lb_ctl";
/// Names of the programs for rare packets, of IPv4 and of IPv6.
pub const LONG_PROGRAMS: [&str; 2] = ["lb_ctl_long_v4", "lb_ctl_long_v6"];
/// Name of the program that traces.
pub const TRACE_PROGRAM: &str = "lb_ctl_trace";
/// Bytes of the ring buffer of events while packets are traced: those of 1500 packets.
pub const TRACE_BYTES: u32 = 256 << 10;
/// Read-only variables of the program, set when it is loaded.
pub mod globals {
    /// Seed of the flow hash: `u64`.
    pub const SEED: &str = "SEED";
    /// Slots of each ring: `u32`.
    pub const RING_SLOTS: &str = "RING_SLOTS";
    /// Services that there are of each CPU in the maps that have them by CPU: `u32`.
    pub const SERVICES_OF_A_CPU: &str = "SERVICES_OF_A_CPU";
    /// The same of reals: `u32`.
    pub const REALS_OF_A_CPU: &str = "REALS_OF_A_CPU";
    /// Buckets of one half of a directory: `u32`.
    pub const BUCKETS_OF_A_HALF: &str = "BUCKETS_OF_A_HALF";
}
