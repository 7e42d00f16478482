//! The bed: one machine that answers for every real, and a daemon that is new for each run.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use lb_common::key::Protocol;
use lb_ctl::config::model::Endpoint;
use serde_json::{Value, json};

use super::ControlError;
use crate::lab::{Director, DirectorBuilder, Echo, Host, Lab, find_lb_ctl};

/// How much there is of everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Services.
    pub services: u32,
    /// Reals of each.
    pub reals: u32,
    /// Slots of each ring, a prime.
    pub ring_slots: u32,
}

impl Size {
    /// Many services, with rings to match: 8 KB each.
    pub const MANY: Self = Self { services: 10_000, reals: 10, ring_slots: 1021 };
    /// One service with many reals and the usual ring.
    pub const WIDE: Self = Self { services: 1, reals: 100, ring_slots: 65_537 };

    /// Many reals that are checked, each on a machine of its own.
    pub const CHECKED: Self = Self { services: 100, reals: 100, ring_slots: 1021 };

    /// The service with this number.
    pub fn endpoint(number: u32) -> Endpoint {
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 10, 0, 1)) + number / 100);
        let port = 1000 + (number % 100) as u16;
        Endpoint { protocol: Protocol::Tcp, address: address.into(), port: port.into() }
    }

    /// The definition file, in which every real is checked like this; no two services share one.
    pub fn checked(self, check: &Value) -> String {
        let service = |number| {
            let Endpoint { protocol, address, port } = Self::endpoint(number);
            let (protocol, own) = (protocol.name(), self.own_rips(number));
            let reals: Vec<_> = own.map(|address| json!({ "address": address })).collect();
            json!({ "protocol": protocol, "vip": address, "port": port, "check": check, "reals": reals })
        };
        let services: Vec<_> = (0..self.services).map(service).collect();
        json!({ "services": services }).to_string()
    }

    /// The addresses of the reals of a service that no other service has. One service alone has
    /// those that are asked for by ARP.
    fn own_rips(self, service: u32) -> impl Iterator<Item = IpAddr> {
        let first = if self.services == 1 { 0 } else { FAR + service * self.reals };
        (first..first + self.reals).map(rip)
    }

    /// The definition file, in which the first real of every service has this weight.
    pub fn definition(self, weight: u16) -> String {
        let real = |n| json!({ "address": rip(n), "weight": if n == 0 { weight } else { 1 } });
        let reals: Vec<_> = (0..self.reals).map(real).collect();
        let service = |number| {
            let Endpoint { protocol, address, port } = Self::endpoint(number);
            let protocol = protocol.name();
            json!({ "protocol": protocol, "vip": address, "port": port, "reals": reals })
        };
        let services: Vec<_> = (0..self.services).map(service).collect();
        json!({ "services": services }).to_string()
    }
}

/// The most reals of a service, with the one that is added.
const RIPS: u32 = 101;

/// The first real of those that are there without an address of their machine's interface.
const FAR: u32 = 0x4000 - 11;

/// The address of a real. Services share their reals' machines, as is usual.
pub fn rip(number: u32) -> IpAddr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 20, 0, 11)) + number).into()
}

/// The bed. Dropping it takes everything away.
#[derive(Debug)]
pub struct World {
    lab: Lab,
    lb_ctl: PathBuf,
}

impl World {
    /// Builds it. No daemon runs yet.
    ///
    /// # Errors
    ///
    /// A step of the bed fails, or there is no such lb-ctl.
    pub fn build(lb_ctl: &Path) -> Result<Self, ControlError> {
        let lb_ctl = find_lb_ctl(lb_ctl)?;
        let lab = Lab::builder().reals(1).build()?;
        let addresses = (0..RIPS).map(|n| format!("address add {}/16 dev eth0\n", rip(n)));
        lab.reals[0].namespace.ip(&addresses.collect::<String>())?;
        lab.director.namespace.ip("address add 10.20.0.1/16 dev eth0\n")?;
        // A new MAC counts at once: the kernel would keep the old one for a second (locktime).
        lab.director.namespace.sysctl(&[("ipv4/neigh/eth0/locktime", "0")])?;
        Ok(Self { lab, lb_ctl })
    }

    /// A new daemon without services, with room for so much.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start(&self, size: Size) -> Result<Director, ControlError> {
        Ok(self.builder(size)?.start()?)
    }

    /// The same with this definition.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start_with(&self, size: Size, definition: &str) -> Result<Director, ControlError> {
        Ok(self.builder(size)?.start_with(definition)?)
    }

    /// The machine of all reals.
    pub fn reals(&self) -> &Host {
        &self.lab.reals[0]
    }

    fn builder(&self, size: Size) -> Result<DirectorBuilder, ControlError> {
        let words = [
            ("--max-services", size.services.max(16)),
            ("--max-reals", room(size)),
            ("--ring-slots", size.ring_slots),
        ];
        // What the daemon before knew of neighbours would spare this one to ask.
        self.lab.director.namespace.ip("neighbour flush dev eth0\n")?;
        let builder = DirectorBuilder::new(&self.lab, &self.lb_ctl);
        Ok(words.iter().fold(builder, |builder, (word, number)| {
            builder.argument(*word).argument(number.to_string())
        }))
    }

    /// Tells the director where the many reals are, since there are more of them than the kernel's
    /// table of neighbours holds by itself, and lets their machine take packets for them and for
    /// the VIPs, without telling anybody.
    ///
    /// # Errors
    ///
    /// The bed's commands fail.
    pub fn introduce(&self, size: Size) -> Result<(), ControlError> {
        let reals = &self.lab.reals[0].namespace;
        reals.sysctl(&[("ipv4/conf/all/arp_ignore", "1"), ("ipv4/conf/all/arp_announce", "2")])?;
        reals.ip("route replace local 10.20.64.0/18 dev lo
route replace local 10.10.0.0/16 dev lo
")?;
        let mac = reals.mac("eth0")?;
        let all = (0..size.services).flat_map(|service| size.own_rips(service));
        let lines = all.map(|rip| format!("neigh replace {rip} lladdr {mac} dev eth0\n"));
        Ok(self.lab.director.namespace.ip(&lines.collect::<String>())?)
    }

    /// Takes connections to every real and VIP at this port.
    ///
    /// # Errors
    ///
    /// The port is taken.
    pub fn answer(&self, port: u16) -> Result<Echo, ControlError> {
        Ok(Echo::tcp(&self.lab.reals[0], (Ipv4Addr::UNSPECIFIED, port).into())?)
    }

    /// Takes an address from the machine of all reals, or gives it back.
    ///
    /// # Errors
    ///
    /// The bed's commands fail.
    pub fn set_answering(&self, address: IpAddr, answering: bool) -> Result<(), ControlError> {
        let verb = if answering { "add" } else { "delete" };
        let line = format!(
            "address {verb} {address}/16 dev eth0
"
        );
        Ok(self.lab.reals[0].namespace.ip(&line)?)
    }

    /// Gives the machine of all reals another MAC; it tells its neighbours.
    ///
    /// # Errors
    ///
    /// The bed's commands fail.
    pub fn set_mac(&self, mac: [u8; 6]) -> Result<(), ControlError> {
        let text = mac.map(|byte| format!("{byte:02x}")).join(":");
        Ok(self.lab.reals[0].namespace.set_mac("eth0", &text)?)
    }
}

/// Slots of the reals table that leave some free.
pub(super) fn room(size: Size) -> u32 {
    size.services * size.reals + size.services.max(64)
}

#[cfg(test)]
mod tests {
    use lb_ctl::config::parse::parse;

    use super::*;

    #[test]
    fn the_definition_is_one_that_the_daemon_takes() {
        for size in [Size { services: 300, ..Size::MANY }, Size::WIDE] {
            let desired = parse(&size.definition(1)).expect("it is valid");
            assert_eq!(desired.services.len(), size.services as usize);
            assert!(desired.services.values().all(|s| s.reals.len() == size.reals as usize));
            assert!(desired.services.contains_key(&Size::endpoint(size.services - 1)));
        }
    }
}
