//! The way to reals in VLANs, as the neighbour driver finds it in a real kernel.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use bench::lab::{Host, Lab, Namespace};
use lb_common::vlan::Tags;
use lb_ctl::neigh::{Hop, NeighbourDriver, NetEvent, Resolution, Why};
use lb_ctl::netlink::Netlink;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::common::traffic::SOON;

/// What the driver tells in a namespace, where the program is on these interfaces.
struct Ways<'a> {
    namespace: &'a Namespace,
    attached: &'a [&'a str],
}

impl Ways<'_> {
    /// The ways to these reals as soon as they are as they should be.
    fn until(&self, expected: &HashMap<IpAddr, Resolution>) {
        let known = self.namespace.enter(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(self.watch(expected))
        });
        assert_eq!(&known.unwrap(), expected);
    }

    /// Stops at what is expected, and where nothing more comes.
    async fn watch(&self, expected: &HashMap<IpAddr, Resolution>) -> HashMap<IpAddr, Resolution> {
        let (netlink, notices) = Netlink::connect().unwrap();
        let links = netlink.links().await.unwrap();
        let attached = links.iter().filter(|link| self.attached.contains(&&*link.name));
        let attached: BTreeSet<u32> = attached.map(|link| link.index).collect();
        assert_eq!(attached.len(), self.attached.len(), "{links:?}");
        let (sender, mut events) = mpsc::channel(64);
        let handle = NeighbourDriver::start(netlink, notices, sender);
        let rips = expected.keys().copied().collect();
        let mut known = handle.watch(rips, attached).await.unwrap();
        while known != *expected {
            match timeout(SOON, events.recv()).await {
                Ok(Some(NetEvent::Resolutions(news))) => known.extend(news),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        known
    }
}

fn index(namespace: &Namespace, interface: &str) -> u32 {
    namespace.enter(|| nix::net::if_::if_nametoindex(interface).unwrap()).unwrap()
}

fn bytes(mac: &str) -> [u8; 6] {
    let bytes: Vec<u8> = mac.split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

/// The hops to both addresses of a real.
fn hops(
    director: &Namespace,
    real: &Host,
    interface: &str,
    (below, vlans): (&str, Tags),
) -> [(IpAddr, Resolution); 2] {
    let hop = Hop {
        ifindex: index(director, below),
        interface: interface.to_owned(),
        vlans,
        mac: bytes(&real.namespace.mac("eth0").unwrap()),
        source: bytes(&director.mac(interface).unwrap()),
    };
    real.addresses().map(|address| (address, Resolution::Resolved(hop.clone())))
}

/// The way to a near and to a far real is the trunk, with the tags of VLAN 10 and of VLAN 20 there,
/// where the program is on the trunk; the VLAN itself, where it is on that; and none where the VLAN
/// is down.
pub(crate) fn assert_lead_over_the_trunk(
    lab: &Lab,
    [near, far]: [&str; 2],
    tags: impl Fn(u16) -> Tags,
) {
    let director = &lab.director.namespace;
    let near_hops = hops(director, &lab.reals[0], near, ("eth0", tags(10)));
    let far_hops = hops(director, &lab.reals[1], far, ("eth0", tags(20)));
    let trunk = Ways { namespace: director, attached: &["eth0"] };
    trunk.until(&near_hops.into_iter().chain(far_hops).collect());

    let whole = hops(director, &lab.reals[1], far, (far, Tags::NONE));
    let on_vlan = Ways { namespace: director, attached: &[far] };
    on_vlan.until(&whole.into_iter().collect());

    // Else the way would lead to the router.
    director.ip("route delete 0.0.0.0/0\nroute delete ::/0\n").unwrap();
    director.ip(&format!("link set dev {far} down\n")).unwrap();
    let cut = Resolution::Unresolved(Why::NoRoute);
    let ways = lab.reals[1].addresses().map(|address| (address, cut.clone()));
    trunk.until(&ways.into_iter().collect());
}
