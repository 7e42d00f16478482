//! Adverts to and from Debian's keepalived.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use lb_ctl::config::vrrp::{Instance, Version, VirtualAddress};
use lb_ctl::vrrp::accept::{Accepted, Difference, addressee, judge};
use lb_ctl::vrrp::packet::{Advert, Covered, GROUP_V4, GROUP_V6, encode};
use lb_ctl::vrrp::socket::{AdvertSocket, Family};
use tempfile::TempDir;

use crate::cable::{Cable, Talker, ip, next};

/// keepalived's virtual routers, each written in another way.
const CONFIGURATION: &str = "
vrrp_instance V2 {
  version 2
  state MASTER
  interface v1
  virtual_router_id 51
  priority 100
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass secret
  }
  virtual_ipaddress {
    192.0.2.10/32
    192.0.2.11/32
  }
}
vrrp_instance V3 {
  version 3
  state MASTER
  interface v1
  virtual_router_id 52
  priority 100
  advert_int 0.1
  virtual_ipaddress {
    192.0.2.12/32
  }
}
vrrp_instance UNICAST {
  version 3
  state MASTER
  interface v1
  virtual_router_id 53
  priority 100
  advert_int 0.1
  unicast_src_ip 192.0.2.2
  unicast_peer {
    192.0.2.1
  }
  virtual_ipaddress {
    192.0.2.13/32
  }
}
vrrp_instance V6 {
  version 3
  state MASTER
  interface v1
  virtual_router_id 54
  priority 100
  advert_int 0.1
  virtual_ipaddress {
    fe80::10/64
    2001:db8::10/128
  }
}
";

fn instance(name: &str, vrid: u8, addresses: &[&str]) -> Instance {
    let address = |text: &&str| VirtualAddress { address: ip(text), prefix: 128, interface: None };
    Instance {
        version: Version::V3,
        priority: 200,
        advert_interval: Duration::from_millis(100),
        ..Instance::new(name, "v0", vrid, addresses.iter().map(address).collect())
    }
}

/// The same virtual routers as keepalived's.
fn instances() -> [Instance; 4] {
    let v2 = instance("V2", 51, &["192.0.2.10", "192.0.2.11"]);
    [
        Instance {
            version: Version::V2,
            advert_interval: Duration::from_secs(1),
            password: Some("secret".to_owned()),
            ..v2
        },
        instance("V3", 52, &["192.0.2.12"]),
        Instance {
            unicast_peers: vec![ip("192.0.2.2")],
            ..instance("UNICAST", 53, &["192.0.2.13"])
        },
        instance("V6", 54, &["fe80::10", "2001:db8::10"]),
    ]
}

fn source(instance: &Instance) -> IpAddr {
    if instance.is_ipv4() { ip("192.0.2.1") } else { ip("fe80::1") }
}

/// keepalived at the other end, with its files in a folder.
fn keepalived(cable: &Cable, files: &TempDir) -> Talker {
    let path = |name: &str| files.path().join(name);
    std::fs::write(path("conf"), CONFIGURATION).unwrap();
    let mut command = cable.there.command("keepalived");
    command.args(["--dont-fork", "--vrrp", "--log-console", "--log-detail", "--no-syslog"]);
    command.arg("--use-file").arg(path("conf"));
    command.arg("--pid").arg(path("pid")).arg("--vrrp_pid").arg(path("vrrp-pid"));
    Talker::start(command)
}

/// The next advert that keepalived sends for one of these, which all have to count.
async fn heard(socket: &AdvertSocket, instances: &[Instance]) -> (String, Accepted) {
    let packet = next(socket).await;
    let instance = addressee(instances, &packet).unwrap();
    let accepted = judge(instance, source(instance), &packet);
    (instance.name.clone(), accepted.unwrap_or_else(|why| panic!("{}: {why}", instance.name)))
}

fn send(socket: &AdvertSocket, instance: &Instance, priority: u8) {
    let group = if instance.is_ipv4() { GROUP_V4.into() } else { GROUP_V6.into() };
    let destination = instance.unicast_peers.first().copied().unwrap_or(group);
    let source = source(instance);
    let advert = Advert::of(instance, priority);
    let message = encode(&advert, instance.checksum, source, destination);
    socket.send(source, destination, &message).unwrap();
}

#[tokio::test]
async fn keepalived_and_this_director_take_each_others_adverts() {
    let cable = Cable::new();
    let (v4, v6) = (cable.here(Family::V4), cable.here(Family::V6));
    let (instances, files) = (instances(), TempDir::new().unwrap());
    let mut keepalived = keepalived(&cable, &files);

    let mut good = BTreeMap::new();
    while good.len() < 3 {
        good.extend([heard(&v4, &instances).await]);
    }
    good.extend([heard(&v6, &instances).await]);
    for instance in &instances {
        let Accepted { heard, covered, differs } = &good[&instance.name];
        assert_eq!((heard.priority, heard.interval), (100, instance.advert_interval));
        let message = instance.version == Version::V2;
        let expected = if message { Covered::Message } else { Covered::PseudoHeader };
        assert_eq!((*covered, differs), (expected, &None::<Difference>), "{}", instance.name);
    }

    // keepalived gives way to each, and says to whom.
    for instance in &instances {
        send(if instance.is_ipv4() { &v4 } else { &v6 }, instance, 200);
        let (name, source) = (&instance.name, source(instance));
        keepalived.until(&format!("({name}) Master received advert from {source} with higher"));
    }
}

/// The difference that [`Difference`] notes is one that keepalived before 2.3.3 drops adverts for:
/// the reason why no address is put into the list that is not defined.
#[tokio::test]
async fn keepalived_drops_adverts_with_one_address_more() {
    let cable = Cable::new();
    let (v6, files) = (cable.here(Family::V6), TempDir::new().unwrap());
    let mut keepalived = keepalived(&cable, &files);
    let [.., instance] = instances();
    heard(&v6, std::slice::from_ref(&instance)).await;
    let more = ["fe80::1", "fe80::10", "2001:db8::10"];
    send(&v6, &self::instance("V6", 54, &more), 200);
    keepalived.until("(V6) received an unexpected ip number count 3, expected 2");
}
