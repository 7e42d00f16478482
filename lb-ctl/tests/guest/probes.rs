//! Probes through the VIP to reals in VLANs, by the VLANs' interfaces and those below.

use bench::lab::{Lab, LabBuilder, VIPS};
use lb_ctl::dataplane::aya::via::ViaPath;

use crate::bed::{dial, index, on_director, programs, tcp_echo};
use crate::common::prepare_reals;
use crate::common::traffic::{ECHO, start_echo};

/// Both reals are asked, in their networks, with the programs on these interfaces.
fn probed(bed: LabBuilder, interfaces: &[&str]) {
    let lab: Lab = bed.reals(2).far_reals(1).build().unwrap();
    prepare_reals(&lab, &VIPS);
    let _servers = start_echo(&lab, "tcp", ECHO);
    on_director(&lab, async || {
        let mut path = ViaPath::load().unwrap();
        path.attach(&interfaces.iter().copied().map(index).collect()).unwrap();
        for (real, vip) in lab.reals.iter().flat_map(|real| VIPS.map(|vip| (real, vip))) {
            let through = dial(real, vip, ECHO, Some(path.mark(vip).unwrap()));
            let answer = tcp_echo(through).await.unwrap();
            assert_eq!(answer, format!("{}: ", real.label()), "{interfaces:?}");
        }
        drop(path);
        for interface in interfaces {
            assert_eq!(programs(interface), Vec::<String>::new(), "{interface}");
        }
    });
}

#[test]
#[ignore = "needs the driver 8021q: `cargo xtask test` runs it where there is one"]
fn reals_in_vlans_are_probed_through_the_vip() {
    probed(Lab::builder().trunk(), &["eth0.10", "eth0.20"]);
    probed(Lab::builder().trunk(), &["eth0.10", "eth0.20", "eth0"]);
}

#[test]
#[ignore = "needs the driver bonding: `cargo xtask test` runs it where there is one"]
fn reals_behind_a_bond_are_probed_through_the_vip() {
    let lab = Lab::builder().bonded_director().reals(1).build().unwrap();
    prepare_reals(&lab, &VIPS);
    let _servers = start_echo(&lab, "tcp", ECHO);
    on_director(&lab, async || {
        let mut path = ViaPath::load().unwrap();
        path.attach(&[index("bond0")].into()).unwrap();
        for vip in VIPS {
            let through = dial(&lab.reals[0], vip, ECHO, Some(path.mark(vip).unwrap()));
            assert_eq!(tcp_echo(through).await.unwrap(), "real 1: ");
        }
    });
}
