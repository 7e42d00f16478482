//! The benches with real frames, on the real kernel. Need root, and lb-ctl beside the benches.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bench::stream::{SinkProgram, Site, SiteOptions, Stream, Tracking};
use lb_common::traffic::{ENDLESS, ROUTER, Traffic};
use serde_json::Value;
use xdp_prog::fixtures::frame::Family;
use xdp_prog::headers::tcp_flags;

const BENCH: &str = env!("CARGO_BIN_EXE_bench");

/// Frames that come faster than they are taken are lost, and so they are where two streams share a
/// CPU: one test at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn site(sink: SinkProgram) -> Site {
    let lb_ctl = Path::new(BENCH).with_file_name("lb-ctl");
    Site::build(&SiteOptions { lb_ctl, cpu: 0, reals: 3, sink }).unwrap()
}

fn syns(family: Family) -> Stream {
    let traffic = Traffic { flow: 0, flows: ENDLESS, service: 0, services: 1 };
    Stream { family, flags: tcp_flags::SYN, traffic }
}

#[test]
fn every_frame_is_found_again_and_the_sink_knows_its_real() {
    let _turn = turn();
    let mut site = site(SinkProgram::Record);
    for family in Family::BOTH {
        let stream = syns(family);
        let director = site.start_lb_ctl(Tracking::None, family, 2, 4096).unwrap();
        site.begin(&stream).unwrap();
        site.sink.record_from(0).unwrap();
        let traced = site.send("test", &stream, 1_000, Some(&director)).unwrap();
        assert_eq!((traced.sent, traced.left(), traced.lost()), (1_000, 1_000, 0));
        let seen = site.sink.recorded(1_001).unwrap();
        assert_eq!(seen[1_000], None, "a flow was noted that was not sent");
        for real in [1, 2] {
            let flows = seen.iter().filter(|seen| **seen == Some(real)).count() as u64;
            assert_eq!(flows, traced.arrived.with(real), "real {real}");
            assert!(flows > 300, "real {real} has {flows} of 1000 flows");
        }
        drop(director);
        site.wait_empty().unwrap();
    }
}

#[test]
fn the_yardstick_sends_frames_back_where_they_came_from() {
    let _turn = turn();
    let mut site = site(SinkProgram::Count);
    let _swap = site.start_swap().unwrap();
    let stream = syns(Family::V4);
    site.begin(&stream).unwrap();
    let traced = site.send("test", &stream, 500, None).unwrap();
    assert_eq!(traced.arrived.with(ROUTER[5]), 500);
}

#[test]
fn frames_that_nobody_takes_are_missed() {
    let _turn = turn();
    let mut site = site(SinkProgram::Count);
    // Without lb-ctl the frames are not for the sink: the director's stack has them.
    let sent = site.send("nobody there", &syns(Family::V4), 10, None);
    let said = sent.unwrap_err().to_string();
    assert!(said.contains("nobody there: 10 frames were sent, 0 arrived"), "{said}");
}

fn bench(arguments: &[&str], out: &Path) -> Output {
    let done = Command::new(BENCH).args(arguments).arg("--out").arg(out).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done
}

fn rows(out: &Path, name: &str) -> Vec<Value> {
    let svg = fs::read_to_string(out.join(format!("{name}.svg"))).unwrap();
    assert!(svg.starts_with("<svg"), "{svg}");
    let json = fs::read_to_string(out.join(format!("{name}.json"))).unwrap();
    let report: Value = serde_json::from_str(&json).unwrap();
    assert!(report["machine"]["kernel"].is_string(), "{json}");
    report["rows"].as_array().unwrap().clone()
}

#[test]
fn a_quick_live_bench_reports_every_row_it_measured() {
    let _turn = turn();
    let out = tempfile::tempdir().unwrap();
    let arguments = ["live", "--quick", "--packets", "100000", "--runs", "1", "--row", "ipv6"];
    let done = bench(&arguments, out.path());
    let table = String::from_utf8(done.stdout).unwrap();
    assert!(table.contains("\nMAC swap "), "{table}");
    let rows = rows(out.path(), "live");
    for kind in ["established-tcp", "new-flows"] {
        assert!(rows.iter().any(|row| row["row"] == kind), "{kind} in {rows:?}");
        assert!(table.contains(&format!("\n{kind} ")), "{kind} in {table}");
    }
    for row in rows {
        assert_eq!((&row["family"], &row["lost"]), (&6.into(), &0.into()), "{row}");
        for key in ["flows", "reals", "median_pps", "min_pps", "max_pps", "yardstick_pps"] {
            assert!(row[key].as_u64().unwrap() > 0, "{key} in {row}");
        }
        assert!(row["ratio"].as_f64().unwrap() > 0.0, "{row}");
    }
}

#[test]
fn no_flow_leaves_a_real_that_is_there() {
    let _turn = turn();
    let out = tempfile::tempdir().unwrap();
    let arguments = ["churn", "--flows", "5000", "--runs", "1", "--row", "ipv4"];
    let table = String::from_utf8(bench(&arguments, out.path()).stdout).unwrap();
    let mut rows = rows(out.path(), "churn");
    // Pure hashing moves some, that is what the other modes are for.
    rows.retain(|row| row["tracking"] != "none");
    assert_eq!(rows.len() % 8, 0, "{table}");
    assert!(!rows.is_empty(), "{table}");
    for row in rows {
        assert_eq!(row["moved"], row["necessary"], "{row}");
        let to_real = row["new_flows_to_real"].as_f64().unwrap();
        match row["row"].as_str().unwrap() {
            "delete-real" => assert!(row["necessary"].as_u64().unwrap() > 0, "{row}"),
            "drain" => assert!(to_real == 0.0, "{row}"),
            _ => assert!(to_real > 0.0, "{row}"),
        }
    }
}
