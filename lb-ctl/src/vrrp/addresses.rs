//! Puts the addresses of virtual routers on their interfaces, and takes them off.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use indexmap::IndexMap;
use thiserror::Error;

use crate::config::vrrp::Instance;
use crate::netlink::{HeldAddress, Mark, Netlink, NetlinkError, Placement};

/// Why an address is not where it is to be.
#[derive(Debug, Error)]
pub enum AddressError {
    /// No interface.
    #[error(
        "cannot put {address} on {interface}: there is no such interface (`ip link` lists those \
         there are)"
    )]
    NoInterface {
        /// The address.
        address: IpAddr,
        /// The interface's name.
        interface: String,
    },
    /// The kernel said no.
    #[error(transparent)]
    Kernel(#[from] NetlinkError),
}

/// Who put an address where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whose {
    /// This daemon, or one before it.
    Ours,
    /// Somebody else, who may want to keep it.
    Others,
}

type Placements = IndexMap<Placement, Whose>;

/// Holds the addresses of virtual routers, by their names.
#[derive(Debug)]
pub struct Holder {
    netlink: Netlink,
    held: HashMap<String, Placements>,
}

impl Holder {
    /// Holds nothing yet.
    pub fn new(netlink: Netlink) -> Self {
        Self { netlink, held: HashMap::new() }
    }

    /// Whether it holds those of this virtual router.
    pub fn holds(&self, instance: &str) -> bool {
        self.held.contains_key(instance)
    }

    /// The addresses that a virtual router of this daemon, or of one that was killed, has left on
    /// the machine.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub async fn left_behind(&self) -> Result<Vec<HeldAddress>, NetlinkError> {
        let mut left = self.netlink.addresses().await?;
        left.retain(|held| held.has(Mark::Vrrp));
        Ok(left)
    }

    /// Takes such addresses off. Returns what failed.
    pub async fn take_off(&self, left: &[HeldAddress]) -> Vec<AddressError> {
        let placements: Vec<Placement> = left.iter().map(HeldAddress::placement).collect();
        self.take(&placements).await
    }

    /// Puts exactly a virtual router's addresses on their interfaces: those of an earlier definition
    /// are taken off. `home` is the interface of those that name none, and `index_of` knows the
    /// others. Returns what failed; all else is there.
    ///
    /// An address that somebody else has put there stays theirs.
    pub async fn hold(
        &mut self,
        instance: &Instance,
        home: u32,
        index_of: impl Fn(&str) -> Option<u32>,
    ) -> Vec<AddressError> {
        let (wanted, mut failures) = wanted(instance, home, index_of);
        let before = self.held.remove(&instance.name).unwrap_or_default();
        // First, because the kernel takes an address's secondaries off with it.
        let stale: Vec<Placement> =
            self.removable(&before).filter(|it| !wanted.contains(it)).collect();
        failures.extend(self.take(&stale).await);

        let mut held = Placements::new();
        let mut present = Vec::new();
        for (placement, done) in wanted.iter().zip(self.netlink.put_all(&wanted, Mark::Vrrp).await)
        {
            match done {
                Ok(()) => _ = held.insert(*placement, Whose::Ours),
                Err(error) if error.errno() == Some(libc::EEXIST) => {
                    match before.get(placement).copied().or_else(|| self.whose(placement)) {
                        Some(whose) => _ = held.insert(*placement, whose),
                        None => present.push(*placement),
                    }
                }
                Err(error) => failures.push(error.into()),
            }
        }
        if !present.is_empty() {
            failures.extend(self.take_over(&instance.name, &present, &mut held).await);
        }
        self.held.insert(instance.name.clone(), held);
        failures
    }

    /// Takes a virtual router's addresses off their interfaces, those as well that one before this
    /// daemon has left. Returns what failed.
    pub async fn release(&mut self, instance: &Instance) -> Vec<AddressError> {
        let off = match self.held.remove(&instance.name) {
            Some(held) => self.removable(&held).collect(),
            None => match self.left_behind().await {
                Ok(left) => self.left_of(instance, &left),
                Err(error) => return vec![error.into()],
            },
        };
        self.take(&off).await
    }

    fn left_of(&self, instance: &Instance, left: &[HeldAddress]) -> Vec<Placement> {
        let addresses: HashSet<IpAddr> = instance.all_addresses().map(|it| it.address).collect();
        let its = left.iter().filter(|held| addresses.contains(&held.address));
        its.map(HeldAddress::placement).filter(|it| self.whose(it).is_none()).collect()
    }

    /// What may be taken off of what was held: neither what others have put there, nor what has gone
    /// over to another virtual router.
    fn removable<'a>(&'a self, held: &'a Placements) -> impl Iterator<Item = Placement> + 'a {
        let ours = held.iter().filter(|(_, whose)| **whose == Whose::Ours);
        ours.map(|(placement, _)| *placement).filter(|it| self.whose(it).is_none())
    }

    /// Who put it there, where some virtual router holds it.
    fn whose(&self, placement: &Placement) -> Option<Whose> {
        self.held.values().find_map(|held| held.get(placement).copied())
    }

    /// Finds out whose the addresses are that were there already. Those of a daemon before are taken
    /// over; those that the director has put there for a service, or with another prefix, are put
    /// there anew.
    async fn take_over(
        &self,
        name: &str,
        present: &[Placement],
        held: &mut Placements,
    ) -> Vec<AddressError> {
        let all = match self.netlink.addresses().await {
            Ok(all) => all,
            Err(error) => return vec![error.into()],
        };
        let mut old = Vec::new();
        let mut anew = Vec::new();
        for wanted in present {
            match find(&all, wanted) {
                Some(found) if found.has(Mark::Vrrp) && found.placement() == *wanted => {
                    held.insert(*wanted, Whose::Ours);
                }
                Some(found) if found.has(Mark::Vrrp) || found.has(Mark::Director) => {
                    old.push(found.placement());
                    anew.push(*wanted);
                }
                Some(_) => {
                    let address = wanted.address;
                    tracing::warn!("{name}: {address} was there already, and will be left there");
                    held.insert(*wanted, Whose::Others);
                }
                // Gone since.
                None => anew.push(*wanted),
            }
        }
        let mut failures = self.take(&old).await;
        for (placement, done) in anew.iter().zip(self.netlink.put_all(&anew, Mark::Vrrp).await) {
            match done {
                Ok(()) => _ = held.insert(*placement, Whose::Ours),
                Err(error) => failures.push(error.into()),
            }
        }
        failures
    }

    /// Takes these off. Those that are gone are no failure, nor are those whose interface is.
    async fn take(&self, placements: &[Placement]) -> Vec<AddressError> {
        let done = self.netlink.take_all(placements).await;
        let failed = done
            .into_iter()
            .filter_map(Result::err)
            .filter(|error| !matches!(error.errno(), Some(libc::EADDRNOTAVAIL | libc::ENODEV)));
        failed.map(AddressError::from).collect()
    }
}

/// Of IPv6 an interface has an address once, of IPv4 once with each prefix.
fn find<'a>(all: &'a [HeldAddress], wanted: &Placement) -> Option<&'a HeldAddress> {
    all.iter().find(|held| {
        held.ifindex == wanted.ifindex
            && held.address == wanted.address
            && (held.prefix_len == wanted.prefix_len || held.address.is_ipv6())
    })
}

/// Where its addresses are to be, each once.
fn wanted(
    instance: &Instance,
    home: u32,
    index_of: impl Fn(&str) -> Option<u32>,
) -> (Vec<Placement>, Vec<AddressError>) {
    let mut wanted = Vec::new();
    let mut failures = Vec::new();
    for it in instance.all_addresses() {
        let interface = it.interface.as_ref();
        match interface.map_or(Some(home), |name| index_of(name)) {
            Some(ifindex) => {
                wanted.push(Placement { ifindex, address: it.address, prefix_len: it.prefix });
            }
            None => failures.push(AddressError::NoInterface {
                address: it.address,
                interface: interface.cloned().unwrap_or_default(),
            }),
        }
    }
    (wanted, failures)
}
