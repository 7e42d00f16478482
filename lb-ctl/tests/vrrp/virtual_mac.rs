//! A virtual router with a MAC of its own, in front of a service: RFC 9568, section 7.3.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};

use bench::lab::{Director, DirectorBuilder, Echo, Host, Lab, VIP4, VIP6};
use serde_json::{Value, json};

use crate::common::traffic::{ECHO, SOON, all_reals, introduce, service};
use crate::common::{lb_ctl, prepare_reals};
use crate::pair::{HIGH, LOW, instance, second, wait};

/// Each family's virtual router, its address, its interface, and its MAC.
const ROUTERS: [(&str, IpAddr, &str, &str); 2] = [
    ("VI_4", IpAddr::V4(VIP4), "vrrp.51", "00:00:5e:00:01:33"),
    ("VI_6", IpAddr::V6(VIP6), "vrrp6.51", "00:00:5e:00:02:33"),
];

fn routers(priority: u8) -> Vec<Value> {
    let router = |(name, vip, ..): &(&str, IpAddr, &str, &str)| {
        let addresses = [format!("{vip}/{}", if vip.is_ipv4() { 32 } else { 128 })];
        let keys = json!({ "name": name, "priority": priority, "virtual_mac": true,
            "addresses": addresses });
        instance(&keys)
    };
    ROUTERS.iter().map(router).collect()
}

fn director(lab: &Lab, host: &Host, priority: u8) -> Director {
    introduce(host, lab.reals.iter());
    let services: Vec<Value> = ROUTERS
        .iter()
        .map(|(_, vip, ..)| service("tcp", *vip, ECHO, &all_reals(lab, *vip)))
        .collect();
    let definition = json!({ "services": services, "vrrp": { "instances": routers(priority) } });
    let builder = DirectorBuilder::on_host(lab, host, lb_ctl(), &["eth0"]);
    let director = builder.start_with(&definition.to_string()).unwrap();
    wait("every real to be up", || {
        let list: Value = director.ctl_json(&["list"]).unwrap();
        let services = list["services"].as_array().unwrap().clone();
        let mut reals = services.iter().flat_map(|it| it["reals"].as_array().unwrap());
        reals.all(|real| real["state"] == "up")
    });
    director
}

/// A line that a real sends back to the client.
fn exchange(lab: &Lab, vip: IpAddr) -> Option<String> {
    let server = SocketAddr::new(vip, ECHO);
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&server, SOON).ok()?;
        stream.set_read_timeout(Some(SOON)).ok()?;
        stream.write_all(b"hello\n").ok()?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).ok()?;
        Some(answer)
    };
    lab.client.namespace.enter(ask).unwrap()
}

/// Packets that a director has forwarded.
fn forwarded(director: &Director) -> u64 {
    let list: Value = director.ctl_json(&["list"]).unwrap();
    let services = list["services"].as_array().unwrap().iter();
    services.map(|service| service["stats"]["packets"].as_u64().unwrap()).sum()
}

#[test]
fn the_service_moves_with_its_mac() {
    let lab = crate::pair::lab(2);
    prepare_reals(&lab, &[VIP4.into(), VIP6.into()]);
    let echoes: Vec<Echo> = lab
        .reals
        .iter()
        .flat_map(|real| ROUTERS.map(|(_, vip, ..)| Echo::tcp(real, (vip, ECHO).into()).unwrap()))
        .collect();
    let mut first = director(&lab, &lab.director, HIGH);
    let other = director(&lab, second(&lab), LOW);
    let is_backup = |director: &Director| {
        for (name, ..) in ROUTERS {
            director.wait_for_role(name, "BACKUP").unwrap();
        }
    };
    is_backup(&other);
    let serves = |director: &Director| {
        for (name, vip, _, mac) in ROUTERS {
            director.wait_for_role(name, "MASTER").unwrap();
            wait(&format!("{vip} to answer"), || exchange(&lab, vip).is_some());
            let known = lab.client.namespace.neighbour("eth0", vip).unwrap();
            assert_eq!(known.as_deref(), Some(mac), "{vip}");
            // For a moment a switch may think that the other one has the MAC: both directors forward
            // what reaches them.
            let before = forwarded(director);
            wait(&format!("{vip} to be forwarded"), || {
                let answer = exchange(&lab, vip).unwrap_or_default();
                assert!(answer.ends_with("hello\n"), "{answer:?}");
                forwarded(director) > before
            });
        }
    };
    serves(&first);
    lab.cut(&lab.director, 0).unwrap();
    serves(&other);
    lab.mend(&lab.director, 0).unwrap();
    is_backup(&other);
    serves(&first);

    first.stop().unwrap();
    serves(&other);
    let links = lab.director.namespace.run(&["ip", "link", "show"]).unwrap();
    assert!(!links.contains("vrrp"), "{links}");
    drop(echoes);
}
