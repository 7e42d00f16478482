//! Probes through the VIP. A probe's socket is connected to the RIP, so that the kernel finds route
//! and MAC, and has a mark that names the VIP. A program on the interface makes the VIP the
//! packets' destination as they leave, and another one makes the RIP the source of the answers
//! before the director's kernel sees them: an address of its own, as the VIP is, is no sender to it.

/// How many VIPs can be probed through, of both families together.
pub const VIPS: u32 = 1 << INDEX_BITS;

/// Flows of probes of each family that are remembered. One that is not is not answered.
pub const FLOWS: u32 = 65_536;

const INDEX_BITS: u32 = 16;

/// The upper half of the marks: "LB".
const MARKED: u32 = 0x4c42;

/// The mark of probes through the VIP at this place of the array.
#[inline(always)]
pub const fn mark(index: u16) -> u32 {
    MARKED << INDEX_BITS | index as u32
}

/// The place of the VIP that this mark stands for; `None` where it is none of these marks.
#[inline(always)]
pub const fn index(mark: u32) -> Option<u16> {
    if mark >> INDEX_BITS == MARKED { Some(mark as u16) } else { None }
}

/// Names of the programs.
pub mod programs {
    /// What runs on packets that leave.
    pub const EGRESS: &str = "lb_ctl_via_out";
    /// What runs on packets that come in.
    pub const INGRESS: &str = "lb_ctl_via_in";
}

/// Names of the maps.
pub mod maps {
    /// Index of a mark → the VIP, unspecified where there is none: `Be32`.
    pub const VIPS_V4: &str = "VIA_VIPS_V4";
    /// Index of a mark → the VIP, unspecified where there is none: `Be128`.
    pub const VIPS_V6: &str = "VIA_VIPS_V6";
    /// `FlowKey<Be32>` of a probe as it is on the wire → the RIP.
    pub const FLOWS_V4: &str = "VIA_FLOWS_V4";
    /// `FlowKey<Be128>` of a probe as it is on the wire → the RIP.
    pub const FLOWS_V6: &str = "VIA_FLOWS_V6";
    /// 0 → for each port whether a probe ever had it.
    pub const PORTS: &str = "VIA_PORTS";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_name_places() {
        for place in [0, 1, 80, u16::MAX] {
            assert_eq!(index(mark(place)), Some(place));
        }
        assert_eq!(mark(7), 0x4c42_0007);
        for other in [0, 1, 0xffff, 0x4c41_0007, 0x4c43_0007, u32::MAX] {
            assert_eq!(index(other), None, "{other:#x}");
        }
    }
}
