//! VIPs on the director's interface.

use lb_ctl::netlink::types::host_prefix;
use lb_ctl::netlink::{HeldAddress, Netlink, NetlinkError, Put};

use crate::bed::{Bed, families};

async fn held(netlink: &Netlink, address: std::net::IpAddr) -> Vec<HeldAddress> {
    let addresses = netlink.addresses().await.unwrap();
    addresses.into_iter().filter(|held| held.address == address).collect()
}

#[test]
fn a_vip_is_put_known_again_and_taken_off() {
    let bed = Bed::new();
    let d0 = bed.director.index("d0");
    for family in families() {
        let vip = family.vip;
        bed.director.block_on(|| async {
            let (netlink, _notices) = Netlink::connect().unwrap();
            assert_eq!(netlink.add_vip(d0, vip).await.unwrap(), Put::Added);
            assert_eq!(netlink.add_vip(d0, vip).await.unwrap(), Put::AlreadyOurs);
        });
        assert!(bed.real.reaches(vip), "{vip} does not answer");
        bed.director.block_on(|| async {
            // Another handle, as after a restart.
            let netlink = Netlink::open().unwrap();
            let ours = held(&netlink, vip).await;
            assert_eq!(ours.len(), 1);
            assert!(ours[0].ours && !ours[0].tentative);
            assert_eq!((ours[0].ifindex, ours[0].prefix_len), (d0, host_prefix(vip)));
            assert!(netlink.delete_vip(d0, vip).await.unwrap());
            assert!(!netlink.delete_vip(d0, vip).await.unwrap());
            assert_eq!(held(&netlink, vip).await, []);
        });
        assert!(!bed.real.reaches(vip), "{vip} still answers");
    }
}

#[test]
fn an_ipv6_vip_is_there_at_once_for_ever_and_never_a_source() {
    let bed = Bed::new();
    let d0 = bed.director.index("d0");
    bed.director.set("ipv6/conf/d0/accept_dad", "1");
    let vip = families()[1].vip;
    bed.director.block_on(|| async {
        Netlink::open().unwrap().add_vip(d0, vip).await.unwrap();
    });
    let shown = bed.director.ip(&format!("-6 addr show to {vip}"));
    assert!(shown.contains("nodad") && shown.contains("deprecated"), "{shown}");
    assert!(shown.contains("valid_lft forever preferred_lft 0sec"), "{shown}");
    assert!(!shown.contains("tentative"), "{shown}");
}

#[test]
fn an_address_of_somebody_else_is_left_alone() {
    let bed = Bed::new();
    let d0 = bed.director.index("d0");
    for family in families() {
        let vip = family.vip;
        bed.director.ip(&format!("addr add {vip}/{} dev d0 nodad", host_prefix(vip)));
        bed.director.block_on(|| async {
            let netlink = Netlink::open().unwrap();
            assert_eq!(netlink.add_vip(d0, vip).await.unwrap(), Put::AlreadyThere);
            assert!(!netlink.delete_vip(d0, vip).await.unwrap());
            let held = held(&netlink, vip).await;
            assert_eq!(held.len(), 1);
            assert!(!held[0].ours);
        });
    }
}

#[test]
fn a_refusal_names_the_address_and_the_reason() {
    let bed = Bed::new();
    bed.director.set("ipv6/conf/d0/disable_ipv6", "1");
    let d0 = bed.director.index("d0");
    let [v4, v6] = families();
    bed.director.block_on(|| async {
        let netlink = Netlink::open().unwrap();
        let gone = netlink.add_vip(4242, v4.vip).await.unwrap_err();
        assert!(matches!(gone, NetlinkError::Refused { .. }));
        let gone = gone.to_string();
        assert!(gone.contains("192.0.2.10/32 on interface 4242"), "{gone}");
        assert!(gone.ends_with("the interface is gone"), "{gone}");
        let off = netlink.add_vip(d0, v6.vip).await.unwrap_err().to_string();
        assert!(off.contains("is IPv6 switched off there"), "{off}");
    });
}
