//! The BPF maps as [`Tables`].
#![expect(unsafe_code, reason = "map values are shared with other CPUs and with user space")]

use core::ptr;

use aya_ebpf::bindings::BPF_ANY;
use aya_ebpf::btf_maps::{Array, LruHashMap};
use aya_ebpf::macros::btf_map;
use lb_common::be::{Be16, Be32, Be128};
use lb_common::key::FlowKey;
use lb_common::via::{FLOWS, VIPS};
use xdp_prog::via::{FamilyTables, Tables};

const PLACES: usize = VIPS as usize;
const PROBES: usize = FLOWS as usize;
const PORTS: usize = 1 << 16;

#[btf_map]
static VIA_VIPS_V4: Array<Be32, PLACES> = Array::new();
#[btf_map]
static VIA_VIPS_V6: Array<Be128, PLACES> = Array::new();
#[btf_map]
static VIA_FLOWS_V4: LruHashMap<FlowKey<Be32>, Be32, PROBES> = LruHashMap::new();
#[btf_map]
static VIA_FLOWS_V6: LruHashMap<FlowKey<Be128>, Be128, PROBES> = LruHashMap::new();
/// A byte for each port, by its number as it stands on the wire: Linux 6.1 knows no bounds of what
/// bytes were swapped in. It is set with the first probe, and remains.
#[btf_map]
static VIA_PORTS: Array<[u8; PORTS], 1> = Array::new();

/// Stateless: the maps are the program's own.
pub(crate) struct KernelTables;

macro_rules! family_tables {
    ($address:ty, $vips:ident, $flows:ident) => {
        impl FamilyTables<$address> for KernelTables {
            #[inline(always)]
            fn vip(&self, index: u16) -> Option<$address> {
                let vip = *$vips.get(u32::from(index))?;
                (vip != <$address>::default()).then_some(vip)
            }

            #[inline(always)]
            fn rip(&self, flow: &FlowKey<$address>) -> Option<$address> {
                // SAFETY: read at once. Whoever writes it meanwhile writes a flow of another probe,
                // which this one's packet is then none of any more.
                unsafe { $flows.get(flow) }.copied()
            }

            #[inline(always)]
            fn note(&self, flow: &FlowKey<$address>, rip: $address) -> Option<()> {
                let ports = VIA_PORTS.get_ptr_mut(0)?;
                // SAFETY: any port is within the value, which is never unmapped; all that is ever
                // written is this byte.
                unsafe { ptr::write(ports.cast::<u8>().add(flow.source_port.raw().into()), 1) };
                $flows.insert(flow, &rip, u64::from(BPF_ANY)).ok()
            }
        }
    };
}

family_tables!(Be32, VIA_VIPS_V4, VIA_FLOWS_V4);
family_tables!(Be128, VIA_VIPS_V6, VIA_FLOWS_V6);

impl Tables for KernelTables {
    #[inline(always)]
    fn is_probing(&self, port: Be16) -> bool {
        let Some(ports) = VIA_PORTS.get_ptr(0) else { return false };
        // SAFETY: as above.
        unsafe { ptr::read(ports.cast::<u8>().add(port.raw().into())) != 0 }
    }
}
