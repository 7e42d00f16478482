//! The interfaces of virtual routers with a MAC of their own (RFC 9568, section 7.3): made and
//! removed, and set so that this MAC alone answers for their addresses.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;

use lb_common::value::Mac;
use thiserror::Error;

use super::sysctl::{Setting, SysctlError};
use crate::config::vrrp::Instance;
use crate::netlink::types::LinkKind;
use crate::netlink::{Link, Netlink, NetlinkError};

/// Why a virtual router has no MAC of its own.
#[derive(Debug, Error)]
pub enum VirtualMacError {
    /// Somebody else's interface.
    #[error(
        "cannot make interface {name}: there is one of this name, of another virtual router or not \
         lb-ctl's at all: remove it (`ip link del {name}`), or do without \"virtual_mac\""
    )]
    NameTaken {
        /// The name.
        name: String,
    },
    /// It was made, and is gone.
    #[error("interface {name} is gone again: does somebody else remove it?")]
    Gone {
        /// Its name.
        name: String,
    },
    /// The kernel takes no setting.
    #[error(transparent)]
    Setting(#[from] SysctlError),
    /// The kernel said no.
    #[error(transparent)]
    Kernel(#[from] NetlinkError),
}

/// The MAC of a virtual router.
pub const fn mac(vrid: u8, ipv4: bool) -> Mac {
    [0x00, 0x00, 0x5e, 0x00, if ipv4 { 1 } else { 2 }, vrid]
}

/// The interfaces of virtual MACs, by the names of their virtual routers.
#[derive(Debug)]
pub struct VirtualMacs {
    netlink: Netlink,
    made: HashMap<String, Made>,
    /// What the interfaces below had before, by name.
    lowers: BTreeMap<String, Vec<(Setting, u32)>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Made {
    ifindex: u32,
    lower: String,
}

impl VirtualMacs {
    /// None yet.
    pub fn new(netlink: Netlink) -> Self {
        Self { netlink, made: HashMap::new(), lowers: BTreeMap::new() }
    }

    /// The virtual routers that have one.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.made.keys()
    }

    /// Makes the interface of a virtual router on the one below, or takes over the one that a daemon
    /// before this has left, and switches it on. Returns it.
    ///
    /// # Errors
    /// If somebody else has an interface of its name, or the kernel refuses.
    pub async fn make(
        &mut self,
        instance: &Instance,
        lower: &Link,
    ) -> Result<Link, VirtualMacError> {
        let name = super::home(instance);
        let mac = mac(instance.vrid, instance.is_ipv4());
        let link = match self.netlink.link_named(&name).await? {
            Some(link) if is_on(&link, lower.index) && link.mac == Some(mac) => link,
            Some(link) if self.may_replace(instance, &link) => {
                self.netlink.delete_link(link.index).await?;
                self.create(&name, lower.index, mac).await?
            }
            Some(_) => return Err(VirtualMacError::NameTaken { name }),
            None => self.create(&name, lower.index, mac).await?,
        };
        let made = Made { ifindex: link.index, lower: lower.name.clone() };
        if self.made.insert(instance.name.clone(), made.clone()).is_some_and(|it| it != made) {
            self.restore_lowers()?;
        }
        set_own(instance, &name)?;
        self.set_lower(&lower.name)?;
        self.netlink.set_up(link.index).await?;
        Ok(link)
    }

    /// Removes a virtual router's interface, and gives the one below its settings back, where no
    /// other is on it. Returns whether it had one.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub async fn remove(&mut self, instance: &str) -> Result<bool, VirtualMacError> {
        let Some(made) = self.made.remove(instance) else { return Ok(false) };
        let deleted = self.netlink.delete_link(made.ifindex).await;
        self.restore_lowers()?;
        deleted?;
        Ok(true)
    }

    /// Removes what daemons before this have left and nobody has taken over. Returns the names.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub async fn remove_strays(&self) -> Result<Vec<String>, VirtualMacError> {
        let taken: HashSet<u32> = self.made.values().map(|made| made.ifindex).collect();
        let mut removed = Vec::new();
        for link in self.netlink.links().await? {
            let is_ours = matches!(link.kind, LinkKind::VirtualMac(_));
            if is_ours
                && !taken.contains(&link.index)
                && self.netlink.delete_link(link.index).await?
            {
                removed.push(link.name);
            }
        }
        Ok(removed)
    }

    /// Whether an interface is one of a daemon before this, or this virtual router's own.
    fn may_replace(&self, instance: &Instance, link: &Link) -> bool {
        let mut others = self.made.iter().filter(|(name, _)| **name != instance.name);
        matches!(link.kind, LinkKind::VirtualMac(_))
            && others.all(|(_, made)| made.ifindex != link.index)
    }

    async fn create(&self, name: &str, lower: u32, mac: Mac) -> Result<Link, VirtualMacError> {
        self.netlink.add_macvlan(name, lower, mac).await?;
        let link = self.netlink.link_named(name).await?;
        let Some(link) = link else { return Err(VirtualMacError::Gone { name: name.to_owned() }) };
        self.netlink.mark_virtual_mac(link.index).await?;
        Ok(link)
    }

    /// The interface below neither answers for the addresses above it, nor asks with them: with its
    /// own MAC, neighbours would take that for theirs.
    fn set_lower(&mut self, lower: &str) -> Result<(), SysctlError> {
        if self.lowers.contains_key(lower) {
            return Ok(());
        }
        let mut before = Vec::new();
        for (setting, wanted) in [(Setting::ArpIgnore, 1), (Setting::ArpAnnounce, 2)] {
            let value = setting.read(lower)?;
            if value < wanted {
                setting.write(lower, wanted)?;
                before.push((setting, value));
            }
        }
        self.lowers.insert(lower.to_owned(), before);
        Ok(())
    }

    /// Gives the interfaces on which no virtual MAC is any more what they had before.
    fn restore_lowers(&mut self) -> Result<(), SysctlError> {
        let used: HashSet<&String> = self.made.values().map(|made| &made.lower).collect();
        let unused: Vec<String> =
            self.lowers.keys().filter(|lower| !used.contains(lower)).cloned().collect();
        for lower in unused {
            for (setting, value) in self.lowers.remove(&lower).unwrap_or_default() {
                match setting.write(&lower, value) {
                    // The interface is gone, and its settings with it.
                    Err(error) if error.source.kind() == io::ErrorKind::NotFound => {}
                    done => done?,
                }
            }
        }
        Ok(())
    }
}

fn is_on(link: &Link, lower: u32) -> bool {
    link.kind == LinkKind::VirtualMac(Some(lower))
}

/// What the interface of a virtual MAC needs: to answer for its own addresses alone; to take packets
/// from clients whom another interface leads to, whatever `all` says of that (of the two values the
/// kernel takes the larger); and to have no IPv6 address of itself, or no IPv6 at all.
fn set_own(instance: &Instance, name: &str) -> Result<(), SysctlError> {
    let ipv6 = instance.all_addresses().any(|moving| moving.address.is_ipv6());
    let settings = [
        (Setting::ArpIgnore, 1),
        (Setting::RpFilter, 2),
        (Setting::PromoteSecondaries, 1),
        (Setting::AddrGenMode, 1),
        (Setting::AcceptRa, 0),
        (Setting::Autoconf, 0),
        (Setting::DisableIpv6, u32::from(!ipv6)),
    ];
    for (setting, value) in settings {
        match setting.write(name, value) {
            // A kernel without IPv6.
            Err(error) if setting.is_ipv6() && error.source.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}
