//! The path of probes through the VIP: see [`lb_common::via`]. Nothing of it is pinned, so that it
//! ends with the process.

mod clsact;
mod hooks;
mod places;
pub mod testrun;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aya::Ebpf;
use aya::maps::{Array, MapData, MapError};
use aya::programs::SchedClassifier;
use lb_common::be::{Be32, Be128};
use lb_common::via::{self, maps as names, programs};
use thiserror::Error;

use self::hooks::Hooks;
use self::places::Places;
use super::{maps, open};

static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("LB_CTL_VIA"));

/// Why probes cannot go through the VIP.
#[derive(Debug, Error)]
pub enum ViaError {
    /// The kernel has not taken programs or maps.
    #[error("cannot load the programs that lead probes through the VIP: {0}")]
    Load(String),
    /// It has not taken them on an interface.
    #[error("cannot lead probes through the VIP on {interface}: {cause}")]
    Attach {
        /// The interface.
        interface: String,
        /// Why, and what to do about it.
        cause: String,
    },
    /// There is no mark left.
    #[error(
        "no mark is left for probes through {0}: there are {most} for all VIPs; probe the RIPs of \
         some services (\"via\": \"rip\")", most = via::VIPS
    )]
    Full(IpAddr),
    /// A VIP cannot be written.
    #[error("cannot write the VIP {vip} for probes: {cause}")]
    Write {
        /// The VIP.
        vip: IpAddr,
        /// The kernel's reason.
        cause: MapError,
    },
}

/// The programs, the VIPs that they know, and the interfaces that they are on. It works on the
/// network namespace of the thread that calls it, which must always be the same, to the drop.
pub struct ViaPath {
    // Dropped first: nothing runs any more when the programs go.
    hooks: Hooks,
    ebpf: Ebpf,
    vips_v4: Array<MapData, Be32>,
    vips_v6: Array<MapData, Be128>,
    places: Places,
}

impl ViaPath {
    /// Loads the programs. They are on no interface yet.
    ///
    /// # Errors
    ///
    /// The kernel refuses programs or maps: this needs `CAP_BPF` and `CAP_NET_ADMIN`.
    pub fn load() -> Result<Self, ViaError> {
        let mut ebpf =
            Ebpf::load(OBJECT).map_err(|error| ViaError::Load(open::object_failure(&error)))?;
        for name in [programs::EGRESS, programs::INGRESS] {
            let loaded = program(&mut ebpf, name)?.load();
            loaded.map_err(|error| ViaError::Load(open::load_failure(&error)))?;
        }
        let lacks = |error: crate::dataplane::DataplaneError| ViaError::Load(error.to_string());
        let vips_v4 = maps::take(&mut ebpf, names::VIPS_V4).map_err(lacks)?;
        let vips_v6 = maps::take(&mut ebpf, names::VIPS_V6).map_err(lacks)?;
        let (hooks, places) = (Hooks::default(), Places::default());
        Ok(Self { hooks, ebpf, vips_v4, vips_v6, places })
    }

    /// Puts the programs on these interfaces, which must be Ethernet's, and takes them off all
    /// others. Where they are already, it is made sure that they still are. An interface that is
    /// gone is passed over.
    ///
    /// # Errors
    ///
    /// The kernel refuses one; the others have the programs all the same.
    pub fn attach(&mut self, ifindexes: &BTreeSet<u32>) -> Result<(), ViaError> {
        self.hooks.keep(ifindexes);
        let mut outcome = Ok(());
        for ifindex in ifindexes {
            outcome = outcome.and(self.hooks.put(&mut self.ebpf, *ifindex));
        }
        outcome
    }

    /// The mark of a socket whose packets, sent to a real's own address, reach it as packets to
    /// this VIP. It is the same until [`Self::retain`] lets the VIP go.
    ///
    /// # Errors
    ///
    /// There are too many VIPs, or the kernel refuses.
    pub fn mark(&mut self, vip: IpAddr) -> Result<u32, ViaError> {
        if let Some(place) = self.places.of(vip) {
            return Ok(via::mark(place));
        }
        let place = self.places.take(vip).ok_or(ViaError::Full(vip))?;
        if let Err(error) = self.write(place, vip, vip) {
            self.places.free(vip);
            return Err(error);
        }
        Ok(via::mark(place))
    }

    /// Lets all VIPs go but these. Packets with their marks are led nowhere from then on.
    ///
    /// # Errors
    ///
    /// The kernel refuses; what could not be let go is kept.
    pub fn retain(&mut self, vips: &BTreeSet<IpAddr>) -> Result<(), ViaError> {
        for (vip, place) in self.places.others(vips) {
            let nobody = match vip {
                IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            self.write(place, nobody, vip)?;
            self.places.free(vip);
        }
        Ok(())
    }

    fn write(&mut self, place: u16, address: IpAddr, vip: IpAddr) -> Result<(), ViaError> {
        let written = match address {
            IpAddr::V4(address) => self.vips_v4.set(place.into(), Be32::from(address), 0),
            IpAddr::V6(address) => self.vips_v6.set(place.into(), Be128::from(address), 0),
        };
        written.map_err(|cause| ViaError::Write { vip, cause })
    }
}

/// A program of the object.
fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut SchedClassifier, ViaError> {
    let program = ebpf.program_mut(name);
    let program =
        program.ok_or_else(|| ViaError::Load(format!("the object has no program {name}")))?;
    program
        .try_into()
        .map_err(|error: aya::programs::ProgramError| ViaError::Load(error.to_string()))
}
