//! The BPF maps as [`Tables`].
#![expect(unsafe_code, reason = "map values are shared with other CPUs and with user space")]

use core::ptr;

use aya_ebpf::bindings::{BPF_ANY, BPF_F_INNER_MAP, BPF_F_MMAPABLE, BPF_F_NO_COMMON_LRU};
use aya_ebpf::btf_maps::{Array, ArrayOfMaps, DevMapHash, HashMap, LruHashMap, PerCpuArray};
use aya_ebpf::helpers::generated::bpf_ktime_get_coarse_ns;
use aya_ebpf::macros::btf_map;
use lb_common::be::{Be32, Be128};
use lb_common::budget::Budget;
use lb_common::directory::{self, Directory, Entry, Shape};
use lb_common::hash::DEFAULT_SEED;
use lb_common::key::{FlowKey, ServiceKey};
use lb_common::limits::{
    DEFAULT_CONNECTIONS, DEFAULT_REALS, DEFAULT_RING_SLOTS, DEFAULT_SERVICES, INTERFACES,
};
use lb_common::ring::Slot;
use lb_common::value::{Connection, Mac, Real, RealId, Service, Stats, TICK_SHIFT, Ticks};
use lb_common::verdict::{REASONS as REASON_COUNT, Reason};
use xdp_prog::tables::{ConnectionEntry, Counted, FamilyTables, Tables};

use crate::counter::count;

// Capacities are set by the loader where they differ from the defaults here.
const SERVICES: usize = DEFAULT_SERVICES as usize;
const REAL_SLOTS: usize = DEFAULT_REALS as usize;
const CONNECTIONS: usize = DEFAULT_CONNECTIONS as usize;
/// Each CPU evicts from a list of its own, yet finds the entries of all.
const LRU: usize = BPF_F_NO_COMMON_LRU as usize;
/// Lets rings of different sizes stand in one outer map, and user space fill them by a copy: slot by
/// slot the kernel takes 0.2 microseconds for each.
const INNER: usize = (BPF_F_INNER_MAP | BPF_F_MMAPABLE) as usize;

type Ring = Array<u64, { DEFAULT_RING_SLOTS as usize }, INNER>;
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
static REALS: Array<Real, REAL_SLOTS> = Array::new();
#[btf_map]
static EGRESS: DevMapHash<{ INTERFACES as usize }> = DevMapHash::new();
#[btf_map]
static INGRESS: HashMap<u32, Mac, { INTERFACES as usize }> = HashMap::new();
#[btf_map]
static SERVICE_STATS: PerCpuArray<Stats, SERVICES> = PerCpuArray::new();
#[btf_map]
static REAL_STATS: PerCpuArray<Stats, REAL_SLOTS> = PerCpuArray::new();
#[btf_map]
static REASONS: PerCpuArray<u64, { REASON_COUNT as usize }> = PerCpuArray::new();
#[btf_map]
static BUDGET: PerCpuArray<Budget, 1> = PerCpuArray::new();
#[btf_map]
static DEFERRED: PerCpuArray<u64, SERVICES> = PerCpuArray::new();

// SAFETY: the name is unique in this object; the loader finds and overwrites the variable by it.
#[unsafe(no_mangle)]
static SEED: u64 = DEFAULT_SEED;
// SAFETY: as above.
#[unsafe(no_mangle)]
static RING_SLOTS: u32 = DEFAULT_RING_SLOTS;
// SAFETY: as above.
#[unsafe(no_mangle)]
static DIRECTORY_BITS: u32 = Shape::of(DEFAULT_SERVICES).bits();

/// Reads a variable that the loader rewrites after compilation. The verifier knows that it does
/// not change from then on, and puts the value into the code.
macro_rules! loaded {
    ($variable:ident) => {
        // SAFETY: a valid static.
        unsafe { ptr::read_volatile(&raw const $variable) }
    };
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

macro_rules! family_tables {
    ($address:ty, $family:expr, $buckets:ident, $services:ident, $connections:ident) => {
        impl FamilyTables<$address> for KernelTables {
            type Entry = KernelEntry;

            #[inline(always)]
            fn service(&self, key: &ServiceKey<$address>) -> Option<Service> {
                directory::find(
                    *DIRECTORIES.get($family)?,
                    Shape::new(loaded!(DIRECTORY_BITS)),
                    key,
                    |bucket| $buckets.get(bucket).copied(),
                    |slot| $services.get(slot).copied(),
                )
            }

            #[inline(always)]
            fn connection(&self, key: &FlowKey<$address>) -> Option<KernelEntry> {
                $connections.get_ptr_mut(key).map(KernelEntry)
            }

            #[inline(always)]
            fn store_connection(&self, key: &FlowKey<$address>, connection: &Connection) {
                // An LRU map is never full; an insertion lost to contention is made by the flow's
                // next packet.
                let _lost = $connections.insert(key, connection, u64::from(BPF_ANY));
            }
        }
    };
}

family_tables!(Be32, IPV4, BUCKETS_V4, SERVICES_V4, CONNS_V4);
family_tables!(Be128, IPV6, BUCKETS_V6, SERVICES_V6, CONNS_V6);

impl Tables for KernelTables {
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
        RINGS.get_value(service, &slot).copied().map(Slot::from_bits)
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
    fn real(&self, id: RealId) -> Option<Real> {
        REALS.get(id).copied()
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
    fn count_forwarded(&self, service: u32, real: RealId, packet: Counted) {
        add(SERVICE_STATS.get_ptr_mut(service), packet);
        add(REAL_STATS.get_ptr_mut(real), packet);
    }

    #[inline(always)]
    fn count_reason(&self, reason: Reason) {
        count(REASONS.get_ptr_mut(reason as u32));
    }
}

#[inline(always)]
fn add(stats: Option<*mut Stats>, packet: Counted) {
    if let Some(stats) = stats {
        // SAFETY: the slot belongs to this CPU, and XDP is not preempted by itself.
        unsafe {
            (*stats).packets += 1;
            (*stats).bytes += u64::from(packet.bytes);
            (*stats).connections += u64::from(packet.opens);
            (*stats).closes += u64::from(packet.closes);
        }
    }
}
