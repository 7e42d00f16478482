//! Addresses that move: who holds them, who is told, and who else claims them.

use bed::{Bed, Namespace, PATIENCE};
use lb_ctl::netlink::{HeldAddress, Netlink, Notice};
use tokio::time::timeout;

mod holding;
mod telling;
mod virtual_mac;

#[path = "../netlink/bed.rs"]
#[expect(dead_code, reason = "the tests of netlink use the rest")]
mod bed;

/// A bed whose ends take IPv6: with a link's carrier, the kernel takes note of that in its own time.
fn bed() -> Bed {
    let bed = Bed::new();
    ready(&bed.director);
    ready(&bed.real);
    bed
}

fn ready(namespace: &Namespace) {
    let is_link_local = |held: &HeldAddress| match held.address {
        std::net::IpAddr::V6(address) => address.is_unicast_link_local() && !held.tentative,
        std::net::IpAddr::V4(_) => false,
    };
    let ready = async || {
        let (netlink, mut notices) = Netlink::connect().unwrap();
        if netlink.addresses().await.unwrap().iter().any(is_link_local) {
            return;
        }
        loop {
            match notices.next().await.unwrap() {
                Notice::Address(held) if is_link_local(&held) => return,
                _ => {}
            }
        }
    };
    namespace.block_on(async || timeout(PATIENCE, ready()).await).expect("IPv6 in time");
}
