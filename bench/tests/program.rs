//! The program bench, on the real kernel. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

use std::collections::HashSet;
use std::fs;
use std::process::{Command, Stdio};

use bench::program::row::{Kind, Row, Scheduler};
use bench::program::world::World;
use bench::program::{Driver, Entry};
use lb_common::traffic::Traffic;
use lb_common::value::{Tracking, connection_state};
use lb_common::verdict::Reason;
use lb_ctl::dataplane::Tracked;
use serde_json::Value;
use xdp_prog::fixtures::frame::Family;

const XDP_PASS: u32 = 2;
const XDP_TX: u32 = 3;

fn row(kind: Kind, family: Family) -> Row {
    let (tracking, scheduler) = (Tracking::Full, Scheduler::Mh);
    Row { kind, tracking, scheduler, family, flows: 60, services: 1, reals: 5 }
}

/// The program with what the row asks for, and the generator at the row's first packet.
fn load(row: &Row) -> (World, Driver) {
    let mut world = World::load(row, aya::util::nr_cpus().unwrap() as u32).unwrap();
    let mut driver = world.driver().unwrap();
    driver.set_traffic(row.traffic()).unwrap();
    (world, driver)
}

fn clients(tracked: &[Tracked]) -> usize {
    tracked.iter().map(|each| each.client).collect::<HashSet<_>>().len()
}

#[test]
fn a_run_has_as_many_flows_as_its_row_and_each_packet_meets_the_program() {
    for family in Family::BOTH {
        for kind in [Kind::TcpSyn, Kind::EstablishedTcp, Kind::Udp] {
            let row = row(kind, family);
            let (world, mut driver) = load(&row);
            let ran = driver.run(Entry::Program, &row.frame(), 150).unwrap();
            assert_eq!(ran.action, XDP_TX, "{}", row.label());
            assert!(ran.packet_ns > 0.0);
            assert_eq!(world.counted(Reason::Transmitted).unwrap(), 150, "{}", row.label());
            assert_eq!(world.counted_in_all().unwrap(), 150, "{}", row.label());
            assert_eq!(world.connections_counted().unwrap(), 60, "{}", row.label());
            let tracked = world.connections().read().unwrap();
            assert_eq!((tracked.len(), clients(&tracked)), (60, 60), "{}", row.label());
            assert!(tracked.iter().all(|each| each.protocol == row.kind.protocol()));
        }
    }
}

#[test]
fn new_flows_never_come_again() {
    for family in Family::BOTH {
        let row = row(Kind::NewFlows, family);
        let (world, mut driver) = load(&row);
        for run in 1..=3 {
            driver.run(Entry::Program, &row.frame(), 200).unwrap();
            assert_eq!(world.counted(Reason::Transmitted).unwrap(), run * 200);
            let tracked = world.connections().read().unwrap();
            assert_eq!((tracked.len(), clients(&tracked)), (run as usize * 200, tracked.len()));
        }
    }
}

#[test]
fn packets_go_to_the_services_in_turn_and_a_flow_to_one_only() {
    for family in Family::BOTH {
        let row = Row { services: 4, ..row(Kind::EstablishedTcp, family) };
        let (world, mut driver) = load(&row);
        driver.run(Entry::Program, &row.frame(), 240).unwrap();
        let tracked = world.connections().read().unwrap();
        assert_eq!((tracked.len(), clients(&tracked)), (60, 60));
        for vip in tracked.iter().map(|each| each.vip).collect::<HashSet<_>>() {
            assert_eq!(tracked.iter().filter(|each| each.vip == vip).count(), 15, "{vip:?}");
        }
        // The ids of the four services' reals follow each other.
        for each in &tracked {
            let service = (each.real - 1) / row.reals;
            let last = match each.vip.0 {
                std::net::IpAddr::V4(vip) => vip.octets()[3],
                std::net::IpAddr::V6(vip) => vip.octets()[15],
            };
            assert_eq!(service, u32::from(last));
        }
    }
}

/// How many of the connections each of the five reals has, by their numbers.
fn shares(tracked: &[Tracked]) -> [usize; 5] {
    [1, 2, 3, 4, 5].map(|real| tracked.iter().filter(|each| each.real == real).count())
}

#[test]
fn connections_are_given_out_as_each_scheduler_does() {
    const EQUAL: [usize; 5] = [30; 5];
    const WEIGHTED: [usize; 5] = [10, 20, 30, 40, 50];
    for scheduler in Scheduler::ALL.into_iter().filter(|each| !each.is_hashing()) {
        let row = Row { scheduler, ..row(Kind::EstablishedTcp, Family::V4) };
        let (world, mut driver) = load(&row);
        // One after the other: the next finds the earlier ones established.
        for flow in 0..150 {
            for frame in [row.opening_frame().unwrap(), row.frame()] {
                driver.set_traffic(Traffic { flow, flows: 150, ..row.traffic() }).unwrap();
                assert_eq!(driver.run(Entry::Program, &frame, 1).unwrap().action, XDP_TX);
            }
        }
        assert_eq!(world.connections_counted().unwrap(), 150, "{}", row.label());
        let tracked = world.connections().read().unwrap();
        assert!(tracked.iter().all(|each| each.state == connection_state::ESTABLISHED));
        let found = shares(&tracked);
        let wanted = match scheduler {
            Scheduler::Rr | Scheduler::Lc => EQUAL,
            _ => WEIGHTED,
        };
        let off = found.iter().zip(wanted).map(|(found, wanted)| found.abs_diff(wanted));
        assert!(off.max() <= Some(1), "{}: {found:?} and not {wanted:?}", row.label());
    }
}

#[test]
fn a_clients_flows_meet_one_real_with_sh_and_all_with_mh() {
    // The generator gives 4096 ports to each client's address.
    let flows = 3 * 4096;
    for scheduler in [Scheduler::Sh, Scheduler::Mh] {
        let row = Row { scheduler, flows, ..row(Kind::Udp, Family::V4) };
        let (world, mut driver) = load(&row);
        driver.run(Entry::Program, &row.frame(), flows).unwrap();
        let tracked = world.connections().read().unwrap();
        for address in tracked.iter().map(|each| each.client.0).collect::<HashSet<_>>() {
            let of_client = tracked.iter().filter(|each| each.client.0 == address);
            let reals: HashSet<_> = of_client.map(|each| each.real).collect();
            let wanted = if scheduler == Scheduler::Sh { 1 } else { 5 };
            assert_eq!(reals.len(), wanted, "{address}: {}", row.label());
        }
    }
}

#[test]
fn what_is_not_ours_passes_and_yardsticks_do_not_meet_the_program() {
    for family in Family::BOTH {
        let row = row(Kind::Pass, family);
        let (world, mut driver) = load(&row);
        for entry in [Entry::Swap, Entry::Transmit] {
            let ran = driver.run(entry, &row.frame(), 50).unwrap();
            assert_eq!(ran.action, XDP_TX, "{entry:?}");
        }
        assert_eq!(world.counted_in_all().unwrap(), 0);
        let ran = driver.run(Entry::Program, &row.frame(), 50).unwrap();
        assert_eq!(ran.action, XDP_PASS);
        assert_eq!(world.counted(Reason::NoService).unwrap(), 50);
        assert!(world.connections().read().unwrap().is_empty());
    }
}

#[test]
fn a_quick_bench_reports_every_row_it_measured() {
    let out = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["program", "--quick", "--packets", "1000", "--runs", "1", "--row", "ipv6"])
        .arg("--out")
        .arg(out.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pins = format!("lb-ctl-bench-{}-", done.id());
    let done = done.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut names = fs::read_dir("/sys/fs/bpf").unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.all(|name| !name.to_string_lossy().starts_with(&pins)), "pins are left");
    let table = String::from_utf8(done.stdout).unwrap();
    let json = fs::read_to_string(out.path().join("program.json")).unwrap();
    let report: Value = serde_json::from_str(&json).unwrap();
    let rows = report["rows"].as_array().unwrap();
    for kind in ["pass", "tcp-syn", "established-tcp", "udp", "new-flows"] {
        assert!(rows.iter().any(|row| row["row"] == kind), "{kind} in {json}");
        assert!(table.contains(&format!("\n{kind} ")), "{kind} in {table}");
    }
    for scheduler in Scheduler::ALL.map(Scheduler::name) {
        for kind in ["tcp-syn", "established-tcp", "udp", "new-flows"] {
            let is = |row: &&Value| row["scheduler"] == scheduler && row["row"] == kind;
            assert!(rows.iter().any(|row| is(&row)), "{scheduler}, {kind} in {json}");
        }
    }
    for row in rows {
        assert_eq!(row["family"], 6);
        for key in ["flows", "services", "reals", "median_ns", "min_ns", "max_ns", "yardstick_ns"] {
            assert!(row[key].as_u64().unwrap() > 0, "{key} in {row}");
        }
        assert!(row["ratio"].as_f64().unwrap() > 0.0, "{row}");
    }
    assert!(fs::read_to_string(out.path().join("program.svg")).unwrap().starts_with("<svg"));
}

#[test]
fn a_row_that_there_is_not_is_refused_with_those_there_are() {
    let done = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["program", "--row", "no-such-row"])
        .output()
        .unwrap();
    assert!(!done.status.success());
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(
        said.contains("no-such-row") && said.contains("established-tcp/full/mh/ipv4"),
        "{said}"
    );
}
