//! The test bed itself, on the real kernel. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bench::lab::{
    BIG_FILE_SIZE, DirectorBuilder, Echo, Host, Lab, LabError, PUBLIC4, PUBLIC6, VIPS, WebServer,
    XdpMode, cleanup, sha256, wait_until,
};
use bench::load::{self, HttpLoad};

const SOON: Duration = Duration::from_secs(5);

fn lab() -> Lab {
    Lab::builder().build().unwrap()
}

fn ping(from: &Host, to: IpAddr) {
    let answered = from.namespace.run(&["ping", "-c", "1", "-W", "2", &to.to_string()]);
    assert!(answered.is_ok(), "{} to {to}: {}", from.name, answered.unwrap_err());
}

fn get(from: &Host, server: SocketAddr) -> String {
    from.namespace.enter(|| load::get(server, "/")).unwrap().unwrap()
}

/// Makes a real answer for the VIPs on its own, as if there were no director.
fn give_vips(real: &Host) {
    for vip in VIPS {
        let length = if vip.is_ipv4() { 32 } else { 128 };
        let nodad = if vip.is_ipv4() { "" } else { "nodad" };
        real.namespace.ip(&format!("address add {vip}/{length} dev eth0 {nodad}\n")).unwrap();
    }
}

/// What in the system bears the name of a bed.
fn traces(name: &str) -> Vec<String> {
    let temporary = std::env::temp_dir();
    let places = [Path::new("/run/netns"), Path::new("/sys/fs/bpf"), &temporary];
    let entries = places.iter().flat_map(|place| fs::read_dir(place).unwrap());
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let ours = names.filter(|found| {
        found == name
            || found.starts_with(&format!("{name}-"))
            || found.starts_with(&format!("{name}."))
    });
    ours.collect()
}

#[test]
fn everybody_reaches_everybody_in_both_families() {
    let lab = lab();
    for from in lab.hosts() {
        for to in lab.hosts().flat_map(Host::addresses) {
            ping(from, to);
        }
    }
}

#[test]
fn the_vips_are_nobodys_at_first() {
    let lab = lab();
    for vip in VIPS {
        let words = ["ping", "-c", "1", "-W", "1", &vip.to_string()];
        assert!(matches!(lab.client.namespace.run(&words), Err(LabError::Failed { .. })), "{vip}");
    }
}

#[test]
fn only_the_directors_ports_run_a_native_program() {
    let lab = Lab::builder().far_reals(1).build().unwrap();
    let mode = |port| lab.switch.xdp_mode(port).unwrap();
    assert_eq!(mode("director"), Some(XdpMode::Native));
    assert_eq!(mode("director-1"), Some(XdpMode::Native));
    assert_eq!(mode("client"), None);
    assert_eq!(mode("real1"), None);
    for port in ["director", "director-1"] {
        let features = lab.switch.run(&["ethtool", "-k", port]).unwrap();
        assert!(features.contains("tx-checksumming: off"), "{port}: {features}");
    }
}

#[test]
fn web_servers_answer_with_their_names() {
    let lab = lab();
    let _web = lab.start_web(80).unwrap();
    for (number, real) in (1..).zip(&lab.reals) {
        for address in real.addresses() {
            assert_eq!(get(&lab.client, (address, 80).into()), format!("real {number}"));
        }
    }
}

#[test]
fn the_big_file_arrives_whole_both_ways() {
    let lab = lab();
    let web = lab.start_web(8080).unwrap();
    let big = lab.big_file().unwrap();
    assert_eq!(fs::metadata(&big).unwrap().len(), BIG_FILE_SIZE);
    let sum = sha256(&big).unwrap();
    for (real, family) in [(&lab.reals[0], VIPS[0]), (&lab.reals[1], VIPS[1])] {
        let server = SocketAddr::from((real.address_like(family), 8080));
        let copy = lab.files().join("copy");
        let curl = |words: &[&str]| {
            let mut command = lab.client.namespace.command("curl");
            let output = command.args(["-sSf", "-o"]).arg(&copy).args(words).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        curl(&[&format!("http://{server}/big")]);
        assert_eq!(sha256(&copy).unwrap(), sum);
        curl(&["-T", big.to_str().unwrap(), &format!("http://{server}/upload/up")]);
    }
    assert_eq!(sha256(&web[0].uploaded("up")).unwrap(), sum);
    assert_eq!(sha256(&web[1].uploaded("up")).unwrap(), sum);
}

#[test]
fn echo_servers_answer_from_an_address_that_came_later() {
    let lab = lab();
    let real = &lab.reals[1];
    for vip in VIPS {
        let server = SocketAddr::from((vip, 7));
        let tcp = Echo::tcp(real, server).unwrap();
        let udp = Echo::udp(real, server).unwrap();
        if vip == VIPS[0] {
            give_vips(real);
        }
        lab.client
            .namespace
            .enter(|| {
                let mut stream = TcpStream::connect_timeout(&server, SOON).unwrap();
                stream.set_read_timeout(Some(SOON)).unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                for word in ["one", "two"] {
                    stream.write_all(format!("{word}\n").as_bytes()).unwrap();
                    assert_eq!(lines.next().unwrap().unwrap(), format!("real 2: {word}"));
                }

                let any = if vip.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(any).unwrap();
                socket.set_read_timeout(Some(SOON)).unwrap();
                socket.send_to(b"ping", server).unwrap();
                let mut answer = [0; 64];
                let (length, from) = socket.recv_from(&mut answer).unwrap();
                assert_eq!((&answer[..length], from), (&b"real 2: ping"[..], server));

                drop(tcp);
                assert!(lines.next().is_none_or(|line| line.is_err()), "the server is gone");
            })
            .unwrap();
        drop(udp);
    }
}

#[test]
fn a_real_behind_the_second_interface_is_reached_through_it_and_answers_through_the_router() {
    let lab = Lab::builder().far_reals(1).build().unwrap();
    let _web = lab.start_web(80).unwrap();
    let far = &lab.reals[2];
    assert_eq!(lab.interfaces(), ["eth0", "eth1"]);
    for address in far.addresses() {
        ping(&lab.director, address);
        let mac = lab.director.namespace.neighbour("eth1", address).unwrap();
        assert_eq!(mac, Some(far.namespace.mac("eth0").unwrap()));

        let before = lab.director.namespace.counters("eth0").unwrap();
        assert_eq!(get(&lab.client, (address, 80).into()), "real 3");
        let passed = lab.director.namespace.counters("eth0").unwrap() - before;
        assert!(passed.tx_packets < 3, "the director is not on this way: {passed:?}");
    }
}

#[test]
fn a_second_client_has_a_cable_to_the_director_and_reaches_all_others_through_the_router() {
    let lab = Lab::builder().reals(1).far_reals(1).second_client().build().unwrap();
    assert_eq!(lab.interfaces(), ["eth0", "eth1", "eth2"]);
    let second = lab.second_client.as_ref().unwrap();
    for address in second.addresses() {
        ping(&lab.director, address);
        let mac = lab.director.namespace.neighbour("eth2", address).unwrap();
        assert_eq!(mac, Some(second.namespace.mac("eth0").unwrap()));
    }
    for to in lab.hosts().flat_map(Host::addresses) {
        ping(second, to);
    }
}

#[test]
fn a_cut_cable_has_no_carrier() {
    let lab = Lab::builder().reals(1).far_reals(1).build().unwrap();
    let carrier = |interface| {
        let shown = lab.director.namespace.run(&["ip", "link", "show", "dev", interface]);
        shown.unwrap().contains("LOWER_UP")
    };
    assert!(carrier("eth0") && carrier("eth1"));
    lab.cut(&lab.director, 1).unwrap();
    assert!(carrier("eth0") && !carrier("eth1"));
}

#[test]
fn the_nat_router_maps_one_port_to_the_vip_and_hides_nobody() {
    let lab = Lab::builder().nat_router(80).build().unwrap();
    let _web = lab.start_web(80).unwrap();
    let real = &lab.reals[0];
    give_vips(real);
    let public: [IpAddr; 2] = [PUBLIC4.into(), PUBLIC6.into()];
    for (address, vip) in public.into_iter().zip(VIPS) {
        assert_eq!(get(&lab.client, (address, 80).into()), "real 1");

        let udp = Echo::udp(real, (vip, 80).into()).unwrap();
        let socket = lab
            .client
            .namespace
            .enter(|| UdpSocket::bind((lab.client.address_like(vip), 0)).unwrap());
        let socket = socket.unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        socket.connect((address, 80)).unwrap();
        socket.send(b"who").unwrap();
        let mut answer = [0; 64];
        let length = socket.recv(&mut answer).unwrap();
        assert_eq!(&answer[..length], b"real 1: who");
        drop(udp);
    }
    let refused = lab.client.namespace.enter(|| load::get((PUBLIC4, 81).into(), "/")).unwrap();
    assert!(refused.is_err(), "only the one port is mapped");
}

#[test]
fn a_changed_mac_is_told_to_the_neighbours() {
    let lab = lab();
    let real = &lab.reals[0];
    let new = "02:00:00:00:99:01";
    for address in real.addresses() {
        ping(&lab.director, address);
    }
    real.namespace.set_mac("eth0", new).unwrap();
    for address in real.addresses() {
        wait_until(&format!("{address} to move"), SOON, || {
            Ok(lab.director.namespace.neighbour("eth0", address)?.as_deref() == Some(new))
        })
        .unwrap();
        ping(&lab.director, address);
    }
}

#[test]
fn large_packets_pass_where_the_cables_are_made_for_them() {
    let lab = Lab::builder().reals(1).mtu(9000).build().unwrap();
    for to in [lab.director.ipv4, lab.reals[0].ipv4] {
        let to = to.to_string();
        lab.client.namespace.run(&["ping", "-c1", "-W2", "-M", "do", "-s", "8972", &to]).unwrap();
    }
}

#[test]
fn a_load_counts_answers_and_failures() {
    let lab = lab();
    let web = lab.start_web(80).unwrap();
    let server = SocketAddr::from((lab.reals[2].ipv4, 80));
    let load = HttpLoad::start(&lab.client, server, 2, Duration::from_millis(1));
    wait_until("requests", SOON, || Ok(load.report().total() >= 50)).unwrap();
    drop(web);
    let seen = load.report().total();
    wait_until("failures", SOON, || Ok(load.report().total() >= seen + 10)).unwrap();
    let report = load.finish().unwrap();
    assert!(report.answers["real 3"] >= 40, "{report:?}");
    assert!(report.failed >= 5, "{report:?}");
    assert!(report.first_failure.is_some());
}

#[test]
fn a_daemon_that_does_not_start_is_reported_with_its_log() {
    let lab = lab();
    let stub = lab.files().join("stub");
    fs::write(&stub, "#!/bin/sh\necho \"$@\" >&2\necho no such luck >&2\nexit 7\n").unwrap();
    fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
    let error = DirectorBuilder::new(&lab, &stub).start().unwrap_err();
    let LabError::Ended { status, log, .. } = error else { panic!("{error}") };
    assert_eq!(status.code(), Some(7));
    assert!(log.contains("daemon --interface eth0 --config"), "{log}");
    assert!(log.contains("no such luck"), "{log}");
}

#[test]
fn nothing_is_left_when_the_bed_is_dropped() {
    let lab = Lab::builder().far_reals(1).nat_router(80).build().unwrap();
    let name = lab.name().to_owned();
    let web = lab.start_web(80).unwrap();
    assert_eq!(traces(&name).len(), 7 + 2, "namespaces, pins and files");
    drop(web);
    drop(lab);
    assert_eq!(traces(&name), Vec::<String>::new());
}

#[test]
fn nothing_is_left_after_a_panic() {
    let panicked = std::thread::spawn(|| {
        let lab = lab();
        let _web = lab.start_web(80).unwrap();
        let _echo = Echo::udp(&lab.reals[0], (VIPS[0], 7).into()).unwrap();
        std::panic::panic_any(lab.name().to_owned());
    })
    .join()
    .unwrap_err();
    let name = panicked.downcast::<String>().unwrap();
    assert_eq!(traces(&name), Vec::<String>::new());
    let processes = Command::new("pgrep").args(["-f", &format!("/{name}\\.")]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&processes.stdout), "");
}

#[test]
fn a_bed_that_was_kept_stands_until_it_is_removed() {
    let lab = lab();
    let (name, client, real) = (lab.name().to_owned(), lab.client.clone(), lab.reals[0].clone());
    lab.start_web(80).unwrap().into_iter().for_each(WebServer::keep);
    lab.keep().unwrap();
    let port = Path::new("/sys/fs/bpf").join(&name).join("port-director");
    assert!(port.exists(), "the program stays on the director's port");
    assert_eq!(get(&client, (real.ipv4, 80).into()), "real 1");

    cleanup::remove_bed(&name).unwrap();
    assert_eq!(traces(&name), Vec::<String>::new());
}
