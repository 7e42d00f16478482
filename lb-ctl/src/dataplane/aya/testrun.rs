//! Running single packets through the loaded program (`BPF_PROG_TEST_RUN`) in a world of one's own
//! making, for tests and benches.

use std::borrow::Cow;
use std::os::fd::AsFd as _;

use aya::maps::{HashMap, Map, MapData, ProgramArray};
use aya::programs::{ProgramFd, TestRun as _, TestRunOptions};
use lb_common::be::{Address, Be32, Be128};
use lb_common::budget::Budget;
use lb_common::key::FlowKey;
use lb_common::limits::{LONG_PROGRAMS, maps as names};
use lb_common::ring::Slot;
use lb_common::value::{Connection, Load, Mac, Real, RealId};

use super::maps::{io_error, map_error};
use super::{AyaDataplane, bpf_syscall, open};
use crate::dataplane::DataplaneError;

/// What came out of one run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    /// The XDP action.
    pub action: u32,
    /// The frame afterwards.
    pub frame: Vec<u8>,
}

/// An address family whose connections can be read and written.
pub trait FamilyMaps: Address {
    /// Opens the connections of this family.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn connections(dataplane: &AyaDataplane) -> Result<Entries<Self>, DataplaneError>
    where
        FlowKey<Self>: aya::Pod;

    /// Opens what is noted of fragmented datagrams of this family.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    fn fragments(dataplane: &AyaDataplane) -> Result<Entries<Self>, DataplaneError>
    where
        FlowKey<Self>: aya::Pod;
}

/// A table of connections, or of what looks like them.
pub type Entries<A> = HashMap<MapData, FlowKey<A>, Connection>;

fn entries<A>(dataplane: &AyaDataplane, name: &'static str) -> Result<Entries<A>, DataplaneError>
where
    FlowKey<A>: aya::Pod,
{
    let data = MapData::from_pin(dataplane.maps.directory().join(name));
    Map::from_map_data(data.map_err(map_error("open", name))?)
        .and_then(TryInto::try_into)
        .map_err(map_error("open", name))
}

macro_rules! family_maps {
    ($address:ty, $connections:expr, $fragments:expr) => {
        impl FamilyMaps for $address {
            fn connections(dataplane: &AyaDataplane) -> Result<Entries<Self>, DataplaneError> {
                entries(dataplane, $connections)
            }

            fn fragments(dataplane: &AyaDataplane) -> Result<Entries<Self>, DataplaneError> {
                entries(dataplane, $fragments)
            }
        }
    };
}

family_maps!(Be32, names::CONNS_V4, names::FRAGS_V4);
family_maps!(Be128, names::CONNS_V6, names::FRAGS_V6);

impl AyaDataplane {
    /// Runs one frame through the program that is put on interfaces, as if it had come in by the loopback interface.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses, for example a frame shorter than an Ethernet header.
    pub fn test_run(&mut self, frame: &[u8]) -> Result<Ran, DataplaneError> {
        let program = match &mut self.tracing {
            Some(tracing) => tracing.program()?,
            None => open::program(&mut self.ebpf)?,
        };
        let mut out = vec![0; frame.len() + 256];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ..TestRunOptions::new()
        };
        let result = program.test_run(options).map_err(|e| DataplaneError::Setup(e.to_string()))?;
        out.truncate(result.data_size_out as usize);
        Ok(Ran { action: result.return_value, frame: out })
    }

    /// The program, for others to tail-call.
    ///
    /// # Errors
    ///
    /// Where it is not loaded.
    pub fn program_fd(&mut self) -> Result<&ProgramFd, DataplaneError> {
        open::program(&mut self.ebpf)?.fd().map_err(|e| DataplaneError::Setup(e.to_string()))
    }

    /// Writes rings slot by slot, all at once: thousands take no longer than a few. Needs a file
    /// descriptor for each.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn put_ring_slots(&mut self, rings: &[(u32, &[Slot])]) -> Result<(), DataplaneError> {
        self.maps
            .rings
            .put_slots(rings.iter().map(|(service, slots)| (*service, Cow::Borrowed(*slots))))
    }

    /// Writes an order place by place.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn put_order_places(
        &mut self,
        service: u32,
        places: &[RealId],
    ) -> Result<(), DataplaneError> {
        self.maps.orders.put_places([(service, places.iter().copied().map(u64::from).collect())])
    }

    /// Makes the packet path believe that a real has these connections.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn put_load(&mut self, id: RealId, load: Load) -> Result<(), DataplaneError> {
        self.maps.bulk.put_load(id, load)
    }

    /// How many connections the packet path believes a real to have.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn load_of(&self, id: RealId) -> Result<Load, DataplaneError> {
        self.maps.bulk.load(id)
    }

    /// Lets the turns of a service begin anew.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn zero_turns(&mut self, service: u32) -> Result<(), DataplaneError> {
        let turns = self.open_map(names::TURNS)?;
        bpf_syscall::update_batch(turns.fd().as_fd(), &[service], &[0_u64])
            .map_err(io_error("update", names::TURNS))
    }

    /// Takes the programs for rare packets out of their places, as a daemon leaves them that is
    /// killed before it has put any there.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn remove_long_way(&mut self) -> Result<(), DataplaneError> {
        let mut way: ProgramArray<MapData> = Map::from_map_data(self.open_map(names::LONG_WAY)?)
            .and_then(TryInto::try_into)
            .map_err(map_error("open", names::LONG_WAY))?;
        (0..LONG_PROGRAMS.len() as u32)
            .try_for_each(|index| way.clear_index(&index))
            .map_err(map_error("remove from", names::LONG_WAY))
    }

    fn open_map(&self, name: &'static str) -> Result<MapData, DataplaneError> {
        MapData::from_pin(self.maps.directory().join(name)).map_err(map_error("open", name))
    }

    /// Says how many flows each CPU may record for services that track changes.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn put_budget(&mut self, budget: Budget) -> Result<(), DataplaneError> {
        self.maps.set_budget(budget)
    }

    /// Sets the count of packets to zero whose flows could not be recorded. The daemon never does:
    /// it goes by what is added.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn zero_deferred(&mut self, service: u32) -> Result<(), DataplaneError> {
        self.maps.zero_deferred(service)
    }

    /// Writes a real.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn put_real(&mut self, id: RealId, real: &Real) -> Result<(), DataplaneError> {
        self.maps.bulk.put_reals([(id, *real)].into_iter())
    }

    /// Writes the MAC of an interface that packets come in by.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn put_ingress(&mut self, ifindex: u32, mac: Mac) -> Result<(), DataplaneError> {
        self.maps.ingress.insert(ifindex, mac, 0).map_err(map_error("insert", names::INGRESS))
    }

    /// Lets packets for interface `key` be sent out of interface `ifindex`.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses, for example because there is no such interface.
    pub fn put_egress(&mut self, key: u32, ifindex: u32) -> Result<(), DataplaneError> {
        self.maps.put_egress_as(key, ifindex)
    }
}
