//! The BPF maps as [`Tables`].
#![expect(unsafe_code, reason = "map values are shared with other CPUs and with user space")]

use core::ptr;

use aya_ebpf::bindings::{BPF_ANY, BPF_F_INNER_MAP, BPF_F_MMAPABLE, BPF_F_NO_COMMON_LRU};
use aya_ebpf::btf_maps::lpm_trie::Key;
use aya_ebpf::btf_maps::{
    Array, ArrayOfMaps, DevMapHash, HashMap, LpmTrie, LruHashMap, PerCpuArray, ProgramArray,
};
use aya_ebpf::helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_coarse_ns};
use aya_ebpf::macros::btf_map;
use aya_ebpf::programs::XdpContext;
use lb_common::be::{Be32, Be128};
use lb_common::budget::Budget;
use lb_common::details::Details;
use lb_common::directory::{self, Directory, Entry, Shape};
use lb_common::hash::DEFAULT_SEED;
use lb_common::key::{FlowKey, ServiceKey};
use lb_common::limits::{
    DEFAULT_CONNECTIONS, DEFAULT_REALS, DEFAULT_RING_SLOTS, DEFAULT_SERVICES, DEFAULT_SOURCES,
    FRAGMENTED, INTERFACES, PEERS as PEER_COUNT, PORT_BLOCKS, VIRTUAL_MACS as VIRTUAL_MAC_COUNT,
};
use lb_common::ring::Slot;
use lb_common::value::{
    Connection, Load, Mac, NextHop, Real, RealId, RealLine, Service, Stats, TICK_SHIFT, Ticks,
};
use lb_common::verdict::{REASONS as REASON_COUNT, Reason};
use lb_common::vlan::Tags;
use lb_common::wide::{PortsKey, SourceKey};
use xdp_prog::choice::{Asked, Choice};
use xdp_prog::long::Version;
use xdp_prog::read::Read;
use xdp_prog::tables::{ConnectionEntry, Counted, FamilyTables, Tables};

use crate::apart::Apart;
use crate::atomic::fetch_add;
use crate::counter::count;

// Capacities are set by the loader where they differ from the defaults here.
const SERVICES: usize = DEFAULT_SERVICES as usize;
const REAL_SLOTS: usize = DEFAULT_REALS as usize;
const CONNECTIONS: usize = DEFAULT_CONNECTIONS as usize;
/// Each CPU evicts from a list of its own, yet finds the entries of all.
const LRU: usize = BPF_F_NO_COMMON_LRU as usize;
/// User space has the map's memory in its own.
const MAPPED: usize = BPF_F_MMAPABLE as usize;
/// Lets orders of different sizes stand in one outer map, and user space fill them by a copy: place
/// by place the kernel takes 0.2 microseconds for each.
const INNER: usize = BPF_F_INNER_MAP as usize | MAPPED;

/// A ring is one value, read and written whole, and of the size that the loader gives it.
type Ring = Array<[u64; DEFAULT_RING_SLOTS as usize], 1>;
type Order = Array<u64, { DEFAULT_RING_SLOTS as usize }, INNER>;
/// Of both halves of a directory.
const SLOTS: usize = 2 * Shape::of(DEFAULT_SERVICES).slots() as usize;
const BUCKETS: usize = 2 * Shape::of(DEFAULT_SERVICES).buckets() as usize;
const IPV4: u32 = 0;
const IPV6: u32 = 1;

#[btf_map]
static DIRECTORIES: Array<Directory, 2> = Array::new();
#[btf_map]
static BUCKETS_V4: Array<u32, BUCKETS> = Array::new();
#[btf_map]
static BUCKETS_V6: Array<u32, BUCKETS> = Array::new();
#[btf_map]
static SERVICES_V4: Array<Entry<Be32>, SLOTS> = Array::new();
#[btf_map]
static SERVICES_V6: Array<Entry<Be128>, SLOTS> = Array::new();
#[btf_map]
static CONNS_V4: LruHashMap<FlowKey<Be32>, Connection, CONNECTIONS, LRU> = LruHashMap::new();
#[btf_map]
static CONNS_V6: LruHashMap<FlowKey<Be128>, Connection, CONNECTIONS, LRU> = LruHashMap::new();
#[btf_map]
static RINGS: ArrayOfMaps<Ring, SERVICES> = ArrayOfMaps::new();
#[btf_map]
static ORDERS: ArrayOfMaps<Order, SERVICES> = ArrayOfMaps::new();
#[btf_map]
static REALS: Array<Real, REAL_SLOTS> = Array::new();
#[btf_map]
static EGRESS: DevMapHash<{ INTERFACES as usize }> = DevMapHash::new();
#[btf_map]
static INGRESS: HashMap<u32, Mac, { INTERFACES as usize }> = HashMap::new();
#[btf_map]
static SERVICE_STATS: Array<Stats, SERVICES, MAPPED> = Array::new();
#[btf_map]
static REAL_LINES: Array<RealLine, REAL_SLOTS, MAPPED> = Array::new();
#[btf_map]
static REASONS: PerCpuArray<u64, { REASON_COUNT as usize }> = PerCpuArray::new();
#[btf_map]
static BUDGET: PerCpuArray<Budget, 1> = PerCpuArray::new();
#[btf_map]
static DEFERRED: PerCpuArray<u64, SERVICES> = PerCpuArray::new();
#[btf_map]
static DETAILS: Array<Details, SERVICES> = Array::new();
#[btf_map]
static PORTS_V4: LpmTrie<PortsKey<Be32>, Service, { PORT_BLOCKS as usize }> = LpmTrie::new();
#[btf_map]
static PORTS_V6: LpmTrie<PortsKey<Be128>, Service, { PORT_BLOCKS as usize }> = LpmTrie::new();
#[btf_map]
static SOURCES_V4: LpmTrie<SourceKey<Be32>, u32, { DEFAULT_SOURCES as usize }> = LpmTrie::new();
#[btf_map]
static SOURCES_V6: LpmTrie<SourceKey<Be128>, u32, { DEFAULT_SOURCES as usize }> = LpmTrie::new();
#[btf_map]
static VIPS_V4: HashMap<Be32, u32, SERVICES> = HashMap::new();
#[btf_map]
static VIPS_V6: HashMap<Be128, u32, SERVICES> = HashMap::new();
#[btf_map]
static FRAGS_V4: LruHashMap<FlowKey<Be32>, Connection, { FRAGMENTED as usize }> = LruHashMap::new();
#[btf_map]
static FRAGS_V6: LruHashMap<FlowKey<Be128>, Connection, { FRAGMENTED as usize }> =
    LruHashMap::new();
#[btf_map]
static PEERS: HashMap<Mac, u16, { PEER_COUNT as usize }> = HashMap::new();
#[btf_map]
static VIRTUAL_MACS: HashMap<Mac, u16, { VIRTUAL_MAC_COUNT as usize }> = HashMap::new();
#[btf_map]
static LOADS: Array<Load, REAL_SLOTS, MAPPED> = Array::new();
#[btf_map]
static TURNS: Array<u64, SERVICES> = Array::new();
/// Indexed by service and reason.
#[btf_map]
static REFUSALS: PerCpuArray<u64, { SERVICES * REASON_COUNT as usize }> = PerCpuArray::new();
/// The programs for rare packets, by the version of IP.
#[btf_map]
static LONG_WAY: ProgramArray<2> = ProgramArray::new();

// SAFETY: the name is unique in this object; the loader finds and overwrites the variable by it.
#[unsafe(no_mangle)]
static SEED: u64 = DEFAULT_SEED;
// SAFETY: as above.
#[unsafe(no_mangle)]
static RING_SLOTS: u32 = DEFAULT_RING_SLOTS;
// SAFETY: as above.
#[unsafe(no_mangle)]
static SERVICES_OF_A_CPU: u32 = DEFAULT_SERVICES;
// SAFETY: as above.
#[unsafe(no_mangle)]
static REALS_OF_A_CPU: u32 = DEFAULT_REALS;
// SAFETY: as above.
#[unsafe(no_mangle)]
static BUCKETS_OF_A_HALF: u32 = Shape::of(DEFAULT_SERVICES).buckets();

/// Reads a variable that the loader rewrites after compilation. The verifier knows that it does
/// not change from then on, and puts the value into the code.
macro_rules! loaded {
    ($variable:ident) => {
        // SAFETY: a valid static.
        unsafe { ptr::read_volatile(&raw const $variable) }
    };
}

/// Goes over to the program for rare packets of this version. Comes back only where that is not in
/// its place.
#[inline(always)]
pub(crate) fn go_on(ctx: &XdpContext, version: Version) {
    // SAFETY: nothing of the caller needs to be dropped.
    unsafe { LONG_WAY.tail_call(ctx, version as u32) };
}

/// Stateless: the maps are the program's own.
pub(crate) struct KernelTables;

/// A pointer into a connection map. The entry may be evicted and reused while it is held; then a
/// touch refreshes somebody else's entry, which costs that one a moment of its idle time.
pub(crate) struct KernelEntry(*mut Connection);

impl ConnectionEntry for KernelEntry {
    #[inline(always)]
    fn get(&self) -> Connection {
        // SAFETY: the map gave the pointer in this program run; its memory is never unmapped.
        unsafe { ptr::read(self.0) }
    }

    #[inline(always)]
    fn touch(&self, seen: Ticks, state: u32) {
        // SAFETY: as above; both stores are of one machine word.
        unsafe {
            (*self.0).seen = seen;
            (*self.0).state = state;
        }
    }
}

/// This CPU's line of a real.
pub(crate) struct KernelCounter {
    line: *mut RealLine,
    cpu: u32,
}

/// The stack must be written at aligned addresses, which the compiler takes care of where it sees
/// that it can.
#[repr(C, align(8))]
pub(crate) struct Aligned<T>(pub(crate) T);

/// The service of several ports that a packet is for.
pub(crate) trait WidePorts: Sized {
    fn wide_service(key: &ServiceKey<Self>) -> Option<Service>;
}

/// [`WidePorts::wide_service`] of the family.
#[inline(always)]
pub(crate) fn wide_service<A: WidePorts>(key: &ServiceKey<A>) -> Option<Service> {
    A::wide_service(key)
}

macro_rules! family_tables {
    ($address:ty, $family:expr, $maps:ident) => {
        impl WidePorts for $address {
            #[inline(always)]
            fn wide_service(key: &ServiceKey<$address>) -> Option<Service> {
                let ServiceKey { vip, port, protocol } = *key;
                let key = PortsKey { protocol: u32::from(protocol), vip, port, pad: 0 };
                let key = Aligned(Key::new(PortsKey::<$address>::BITS, key));
                $maps::PORTS.get(&key.0).copied()
            }
        }

        impl FamilyTables<$address> for KernelTables {
            type Entry = KernelEntry;

            #[inline(always)]
            fn service(&self, key: &ServiceKey<$address>) -> Option<Service> {
                directory::find(
                    *DIRECTORIES.get($family)?,
                    Shape::new(loaded!(BUCKETS_OF_A_HALF)),
                    key,
                    |bucket| $maps::BUCKETS.get(bucket).copied(),
                    |slot| $maps::SERVICES.get(slot).copied(),
                )
            }

            #[inline(always)]
            fn has_wide(&self) -> bool {
                DIRECTORIES.get($family).is_some_and(|directory| directory.has_wide())
            }

            #[inline(always)]
            fn wide_service(&self, key: &ServiceKey<$address>) -> Option<Service> {
                <$address as Apart>::wide_service(key)
            }

            #[inline(always)]
            fn is_vip(&self, address: &$address) -> bool {
                // SAFETY: nothing of the value is read.
                unsafe { $maps::VIPS.get(address) }.is_some()
            }

            #[inline(always)]
            fn source(&self, service: u32, address: &$address) -> Option<u32> {
                let key = SourceKey { service, address: *address };
                let key = Aligned(Key::new(SourceKey::<$address>::BITS, key));
                $maps::SOURCES.get(&key.0).copied()
            }

            #[inline(always)]
            fn connection(&self, key: &FlowKey<$address>) -> Option<KernelEntry> {
                $maps::CONNS.get_ptr_mut(key).map(KernelEntry)
            }

            #[inline(always)]
            fn store_connection(&self, key: &FlowKey<$address>, connection: &Connection) {
                // An LRU map is never full; an insertion lost to contention is made by the flow's
                // next packet.
                let _lost = $maps::CONNS.insert(key, connection, u64::from(BPF_ANY));
            }

            #[inline(always)]
            fn choose(&self, asked: &Asked<$address>) -> Choice {
                <$address>::choose(asked)
            }

            #[inline(always)]
            fn order(&self, asked: &Asked<$address>) -> Option<RealId> {
                <$address>::order(asked)
            }

            #[inline(always)]
            fn note(&self, asked: &Asked<$address>, choice: Choice) {
                <$address>::note(asked, choice);
            }

            #[inline(always)]
            fn follow(&self, read: &Read<$address>) -> Option<RealId> {
                <$address>::follow(read)
            }

            #[inline(always)]
            fn note_first(&self, read: &Read<$address>, id: RealId) {
                <$address>::note_first(read, id);
            }

            #[inline(always)]
            fn fragment(&self, key: &FlowKey<$address>) -> Option<Connection> {
                // SAFETY: read at once; whoever writes it meanwhile writes the same datagram's.
                unsafe { $maps::FRAGS.get(key) }.copied()
            }

            #[inline(always)]
            fn store_fragment(&self, key: &FlowKey<$address>, connection: &Connection) {
                // As above: then the other fragments are dropped, and the datagram is sent again.
                let _lost = $maps::FRAGS.insert(key, connection, u64::from(BPF_ANY));
            }
        }
    };
}

mod v4 {
    pub(super) use super::{
        BUCKETS_V4 as BUCKETS, CONNS_V4 as CONNS, FRAGS_V4 as FRAGS, PORTS_V4 as PORTS,
        SERVICES_V4 as SERVICES, SOURCES_V4 as SOURCES, VIPS_V4 as VIPS,
    };
}

mod v6 {
    pub(super) use super::{
        BUCKETS_V6 as BUCKETS, CONNS_V6 as CONNS, FRAGS_V6 as FRAGS, PORTS_V6 as PORTS,
        SERVICES_V6 as SERVICES, SOURCES_V6 as SOURCES, VIPS_V6 as VIPS,
    };
}

family_tables!(Be32, IPV4, v4);
family_tables!(Be128, IPV6, v6);

impl Tables for KernelTables {
    type Counter = KernelCounter;

    #[inline(always)]
    fn seed(&self) -> u64 {
        loaded!(SEED)
    }

    #[inline(always)]
    fn now(&self) -> Ticks {
        // SAFETY: the helper takes no argument and cannot fail.
        (unsafe { bpf_ktime_get_coarse_ns() } >> TICK_SHIFT) as Ticks
    }

    #[inline(always)]
    fn ring_slots(&self) -> u32 {
        loaded!(RING_SLOTS)
    }

    #[inline(always)]
    fn ring(&self, service: u32, slot: u32) -> Option<Slot> {
        let ring = RINGS.get_value(service, &0)?.as_ptr();
        if slot >= loaded!(RING_SLOTS) {
            return None;
        }
        // SAFETY: the ring has so many slots, which are never unmapped.
        Some(Slot::from_bits(unsafe { ptr::read(ring.add(slot as usize)) }))
    }

    #[inline(always)]
    fn ordered(&self, service: u32, place: u32) -> Option<RealId> {
        ORDERS.get_value(service, &place).map(|id| *id as RealId)
    }

    #[inline(always)]
    fn details(&self, service: u32) -> Option<&Details> {
        DETAILS.get(service)
    }

    #[inline(always)]
    fn next_turn(&self, service: u32) -> u32 {
        let Some(turn) = TURNS.get_ptr_mut(service) else { return 0 };
        // SAFETY: a value of the map is an aligned number, and is never unmapped.
        (unsafe { fetch_add(turn, 1) }) as u32
    }

    #[inline(always)]
    fn may_record(&self, now: Ticks) -> bool {
        let Some(budget) = BUDGET.get_ptr_mut(0) else { return false };
        // SAFETY: the slot belongs to this CPU, and XDP is not preempted by itself.
        unsafe { (*budget).take(now) }
    }

    #[inline(always)]
    fn count_deferred(&self, service: u32) {
        count(DEFERRED.get_ptr_mut(service));
    }

    #[inline(always)]
    fn real(&self, id: RealId) -> Option<(NextHop, KernelCounter)> {
        // SAFETY: the helper takes no argument and cannot fail.
        let cpu = unsafe { bpf_get_smp_processor_id() };
        let line = REAL_LINES.get_ptr_mut(cpu * loaded!(REALS_OF_A_CPU) + id)?;
        // SAFETY: the map gave the pointer in this program run; its memory is never unmapped.
        let hop = unsafe { ptr::read(&raw const (*line).hop) };
        Some((hop, KernelCounter { line, cpu }))
    }

    #[inline(always)]
    fn tags(&self, id: RealId) -> Tags {
        REALS.get(id).map_or(Tags::NONE, |real| real.tags)
    }

    #[inline(always)]
    fn load(&self, id: RealId) -> Load {
        LOADS.get(id).copied().unwrap_or_default()
    }

    #[inline(always)]
    fn count_load(&self, id: RealId, active: i32, inactive: i32) {
        let Some(load) = LOADS.get_ptr_mut(id) else { return };
        // SAFETY: the fields are aligned numbers of a value that is never unmapped.
        unsafe {
            if active != 0 {
                fetch_add(&raw mut (*load).active, i64::from(active) as u64);
            }
            if inactive != 0 {
                fetch_add(&raw mut (*load).inactive, i64::from(inactive) as u64);
            }
        }
    }

    #[inline(always)]
    fn is_peer(&self, mac: &Mac) -> bool {
        // SAFETY: nothing of the value is read.
        unsafe { PEERS.get(&Aligned(*mac).0) }.is_some()
    }

    #[inline(always)]
    fn is_virtual_mac(&self, mac: &Mac) -> bool {
        // SAFETY: nothing of the value is read.
        unsafe { VIRTUAL_MACS.get(&Aligned(*mac).0) }.is_some()
    }

    #[inline(always)]
    fn ingress_mac(&self, ifindex: u32) -> Option<Mac> {
        // SAFETY: read at once; the program never writes this map.
        unsafe { INGRESS.get(ifindex) }.copied()
    }

    #[inline(always)]
    fn redirect(&self, ifindex: u32) -> bool {
        EGRESS.redirect(ifindex, 0).is_ok()
    }

    #[inline(always)]
    fn count_forwarded(&self, service: u32, real: &KernelCounter, packet: Counted) {
        let of_service = real.cpu * loaded!(SERVICES_OF_A_CPU) + service;
        if let Some(stats) = SERVICE_STATS.get_ptr_mut(of_service) {
            // SAFETY: the element belongs to this CPU, and XDP is not preempted by itself.
            unsafe { add(stats, packet) };
        }
        // SAFETY: as above; the map gave the line in this program run.
        unsafe { add(&raw mut (*real.line).stats, packet) };
    }

    #[inline(always)]
    fn count_refusal(&self, service: u32, reason: Reason) {
        count(REFUSALS.get_ptr_mut(service * REASON_COUNT + reason as u32));
    }

    #[inline(always)]
    fn count_reason(&self, reason: Reason) {
        count(REASONS.get_ptr_mut(reason as u32));
    }
}

/// # Safety
///
/// The counters must be readable and writable, and nobody else write them meanwhile.
#[inline(always)]
unsafe fn add(stats: *mut Stats, packet: Counted) {
    // SAFETY: the caller's.
    unsafe {
        (*stats).packets += 1;
        (*stats).bytes += packet.bytes;
        (*stats).connections += packet.opens;
        (*stats).closes += packet.closes;
    }
}
