//! The tables by which packets find their service.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::{Duration, Instant};

use aya::Ebpf;
use aya::maps::{Array, MapData};
use lb_common::be::{Address, Be16, Be32, Be128};
use lb_common::directory::{Directory, Entry, Shape};
use lb_common::key::{Protocol, ServiceKey};
use lb_common::limits::maps as names;
use lb_common::value::Service;

use super::bpf_syscall;
use super::maps::{io_error, map_error, take};
use super::wide::Wide;
use crate::config::model::Endpoint;
use crate::dataplane::{DataplaneError, directory};

const IPV4: u32 = 0;
const IPV6: u32 = 1;

/// After this no packet can still be reading the half of a directory that was exchanged.
const LONGER_THAN_ANY_PACKET: Duration = Duration::from_secs(1);

/// The services of both families.
pub(super) struct Services {
    directories: Array<MapData, Directory>,
    v4: Family<Be32>,
    v6: Family<Be128>,
    wide_v4: Wide<Be32>,
    wide_v6: Wide<Be128>,
    shape: Shape,
    exchanged: Option<Instant>,
}

struct Family<A> {
    index: u32,
    buckets: MapData,
    entries: MapData,
    name: &'static str,
    address: PhantomData<A>,
}

impl Services {
    /// Takes the tables of a loaded object whose maps are pinned in `directory`.
    pub(super) fn take(
        ebpf: &mut Ebpf,
        directory: &Path,
        shape: Shape,
    ) -> Result<Self, DataplaneError> {
        let directories = take(ebpf, names::DIRECTORIES)?;
        let v4 = Family::open(directory, IPV4, names::BUCKETS_V4, names::SERVICES_V4)?;
        let v6 = Family::open(directory, IPV6, names::BUCKETS_V6, names::SERVICES_V6)?;
        let wide_v4 = Wide::take(ebpf, names::PORTS_V4, names::VIPS_V4)?;
        let wide_v6 = Wide::take(ebpf, names::PORTS_V6, names::VIPS_V6)?;
        Ok(Self { directories, v4, v6, wide_v4, wide_v6, shape, exchanged: None })
    }

    /// Makes packets find these services and no others: those of a single port, of each family, in
    /// one step; those of several ports come before that and go after it.
    pub(super) fn set(&mut self, services: &[(Endpoint, Service)]) -> Result<(), DataplaneError> {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for (endpoint, service) in services {
            match endpoint.address {
                IpAddr::V4(vip) => v4.push((Be32::from(vip), *endpoint, *service)),
                IpAddr::V6(vip) => v6.push((Be128::from(vip), *endpoint, *service)),
            }
        }
        let Self { directories, shape, exchanged, .. } = self;
        self.wide_v4.add(&v4)?;
        self.wide_v6.add(&v6)?;
        self.v4.set(directories, *shape, exchanged, &v4)?;
        self.v6.set(directories, *shape, exchanged, &v6)?;
        self.wide_v4.retain(&v4)?;
        self.wide_v6.retain(&v6)
    }

    /// The services as packets find them.
    pub(super) fn read(&self) -> Result<Vec<(Endpoint, Service)>, DataplaneError> {
        let mut services = Vec::new();
        for (key, service) in self.v4.read(&self.directories, self.shape)? {
            services.push((endpoint(key, self.v4.name)?, service));
        }
        for (key, service) in self.v6.read(&self.directories, self.shape)? {
            services.push((endpoint(key, self.v6.name)?, service));
        }
        services.extend(self.wide_v4.read()?);
        services.extend(self.wide_v6.read()?);
        Ok(services)
    }
}

impl<A: Address> Family<A>
where
    Entry<A>: aya::Pod + Default,
{
    fn open(
        directory: &Path,
        index: u32,
        buckets: &'static str,
        name: &'static str,
    ) -> Result<Self, DataplaneError> {
        let open = |name| MapData::from_pin(directory.join(name)).map_err(map_error("open", name));
        let (buckets, entries) = (open(buckets)?, open(name)?);
        Ok(Self { index, buckets, entries, name, address: PhantomData })
    }

    fn set(
        &mut self,
        directories: &mut Array<MapData, Directory>,
        shape: Shape,
        exchanged: &mut Option<Instant>,
        all: &[(A, Endpoint, Service)],
    ) -> Result<(), DataplaneError> {
        let key = |vip, endpoint: &Endpoint, port| {
            ServiceKey::new(vip, Be16::new(port), endpoint.protocol)
        };
        let narrow = all.iter().filter_map(|(vip, endpoint, service)| {
            Some((key(*vip, endpoint, endpoint.port.single()?), *service))
        });
        let services: Vec<(ServiceKey<A>, Service)> = narrow.collect();
        let is_wide = services.len() < all.len();
        let services = &services[..];
        let directory = self.directory(directories)?;
        let mut standing = self.read(directories, shape)?;
        let mut wanted = services.to_vec();
        let id = |(_, service): &(ServiceKey<A>, Service)| service.id;
        standing.sort_unstable_by_key(id);
        wanted.sort_unstable_by_key(id);
        if standing == wanted {
            return self.exchange(directories, directory.with_wide(is_wide));
        }
        let built = directory::build(services, shape).ok_or_else(|| DataplaneError::Map {
            operation: "place the services",
            map: self.name,
            cause: format!("{} of them do not fit {} slots", services.len(), shape.slots()),
        })?;
        if exchanged.is_none_or(|then| then.elapsed() < LONGER_THAN_ANY_PACKET) {
            bpf_syscall::wait_for_programs();
        }
        let half = directory.other_half();
        let buckets = (half * shape.buckets()..).take(built.displacements.len());
        let buckets: Vec<u32> = buckets.collect();
        bpf_syscall::update_batch(self.buckets.fd().as_fd(), &buckets, &built.displacements)
            .map_err(io_error("write the displacements of", self.name))?;
        let mut entries = vec![Entry::default(); shape.slots() as usize];
        for (slot, entry) in &built.entries {
            entries[*slot as usize] = *entry;
        }
        let slots: Vec<u32> = (half * shape.slots()..).take(entries.len()).collect();
        bpf_syscall::update_batch(self.entries.fd().as_fd(), &slots, &entries)
            .map_err(io_error("write", self.name))?;
        self.exchange(directories, built.directory(half).with_wide(is_wide))?;
        *exchanged = Some(Instant::now());
        Ok(())
    }

    /// Eight bytes: packets see the old half or the new one.
    fn exchange(
        &self,
        directories: &mut Array<MapData, Directory>,
        directory: Directory,
    ) -> Result<(), DataplaneError> {
        directories
            .set(self.index, directory, 0)
            .map_err(map_error("exchange the halves of", self.name))
    }

    fn directory(
        &self,
        directories: &Array<MapData, Directory>,
    ) -> Result<Directory, DataplaneError> {
        directories.get(&self.index, 0).map_err(map_error("look up the half of", self.name))
    }

    fn read(
        &self,
        directories: &Array<MapData, Directory>,
        shape: Shape,
    ) -> Result<Vec<(ServiceKey<A>, Service)>, DataplaneError> {
        let half = self.directory(directories)?.half();
        let begin = (half * shape.slots()) as usize;
        let entries: Vec<Entry<A>> =
            bpf_syscall::read_array(self.entries.fd().as_fd(), 2 * shape.slots())
                .map_err(io_error("read", self.name))?;
        let taken = entries.into_iter().skip(begin).take(shape.slots() as usize);
        Ok(taken.filter(|e| *e != Entry::default()).map(|e| (e.key, e.service)).collect())
    }
}

fn endpoint<A: Address>(key: ServiceKey<A>, map: &'static str) -> Result<Endpoint, DataplaneError> {
    let protocol = Protocol::from_number(key.protocol as u8).ok_or_else(|| {
        let cause = format!("a service with IP protocol {}", key.protocol);
        DataplaneError::Map { operation: "read", map, cause }
    })?;
    let address: IpAddr = A::Std::from(key.vip).into();
    Ok(Endpoint { protocol, address, port: key.port.get().into() })
}
