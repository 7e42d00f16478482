//! What the scenarios share.
#![allow(dead_code, reason = "each test program takes its part")]

pub(crate) mod flows;
pub(crate) mod traffic;

use std::net::IpAddr;
use std::path::Path;

use bench::lab::Lab;

/// The binary under test.
pub(crate) fn lb_ctl() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_lb-ctl"))
}

/// Makes every real take the VIPs' packets without telling anybody.
pub(crate) fn prepare_reals(lab: &Lab, vips: &[IpAddr]) {
    for real in &lab.reals {
        let quiet = [
            ("ipv4/conf/all/arp_ignore", "1"),
            ("ipv4/conf/all/arp_announce", "2"),
            ("ipv4/conf/eth0/arp_ignore", "1"),
            ("ipv4/conf/eth0/arp_announce", "2"),
        ];
        real.namespace.sysctl(&quiet).unwrap();
        for vip in vips {
            let (length, nodad) = if vip.is_ipv4() { (32, "") } else { (128, "nodad") };
            real.namespace.ip(&format!("address add {vip}/{length} dev lo {nodad}\n")).unwrap();
        }
    }
}
