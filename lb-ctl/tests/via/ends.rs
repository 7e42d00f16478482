//! What begins and ends with the path: interfaces, and the process.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use bench::lab::{Lab, Namespace, VIPS, wait_until};
use lb_common::via::programs as names;
use lb_ctl::dataplane::aya::via::ViaPath;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::bed::{dial, has_clsact, has_tcx, index, on_director, path, programs, tcp_echo};
use crate::common::prepare_reals;
use crate::common::traffic::{ECHO, SOON, start_echo};

fn both() -> Vec<String> {
    [names::INGRESS, names::EGRESS].map(str::to_owned).into()
}

#[test]
fn the_programs_are_on_the_interfaces_that_are_named_and_no_others() {
    const NOBODY: u32 = 4242;
    let lab = Lab::builder().reals(1).far_reals(1).build().unwrap();
    on_director(&lab, async || {
        let [one, other] = ["eth0", "eth1"].map(index);
        let mut path = ViaPath::load().unwrap();
        let mut on = |indexes: &[u32]| {
            path.attach(&indexes.iter().copied().collect()).unwrap();
            ["eth0", "eth1", "lo"].map(programs)
        };
        assert_eq!(on(&[one]), [both(), vec![], vec![]]);
        assert_eq!(on(&[one, NOBODY, other]), [both(), both(), vec![]]);
        assert_eq!(on(&[NOBODY, other]), [vec![], both(), vec![]]);
        lab.director.namespace.ip("link delete eth1\n").unwrap();
        path.attach(&[one, other].into()).unwrap();
        assert_eq!(programs("eth0"), both());
        drop(path);
        assert_eq!(programs("eth0"), Vec::<String>::new());
    });
    assert!(!has_clsact(&lab.director), "the qdisc is left");
}

#[test]
fn an_interface_that_comes_back_under_its_number_has_them_again() {
    const NUMBER: u32 = 77;
    let make = format!("link add name back index {NUMBER} type veth peer name front\n");
    let namespace = Namespace::create(&format!("lb-back-{}", std::process::id())).unwrap();
    namespace.ip(&make).unwrap();
    let seen = namespace.enter(|| {
        let mut path = ViaPath::load().unwrap();
        let mut on = || {
            path.attach(&[NUMBER].into()).unwrap();
            programs("back")
        };
        let first = on();
        namespace.ip(&format!("link delete back\n{make}")).unwrap();
        let empty = programs("back");
        [first, empty, on()]
    });
    assert_eq!(seen.unwrap(), [both(), vec![], both()]);
}

/// A process that holds a path until it is killed; started by the test below.
#[test]
#[ignore = "no test, but a process for one: it waits to be killed"]
fn holds_a_path() {
    let path = path();
    println!("\nready");
    // The other end is the test's, which never writes.
    let _ = std::io::stdin().read(&mut [0]);
    drop(path);
}

#[test]
fn a_process_that_is_killed_leaves_no_link() {
    let lab = Lab::builder().reals(1).build().unwrap();
    let mut command = lab.director.namespace.command(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "ends::holds_a_path", "--nocapture"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap() == "ready"), "it does not hold");
    let on_eth0 = || on_director(&lab, async || programs("eth0"));
    assert_eq!(on_eth0(), both());

    // nsenter becomes the program that it starts.
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).unwrap();
    child.wait().unwrap();
    if has_tcx() {
        wait_until("the kernel to let go of the links", SOON, || Ok(on_eth0().is_empty())).unwrap();
        return;
    }
    // The filters remain, and the next one knows that they and the qdisc are its own.
    assert_eq!(on_eth0(), both());
    on_director(&lab, async || {
        let path = path();
        assert_eq!(programs("eth0"), both());
        drop(path);
        assert_eq!(programs("eth0"), Vec::<String>::new());
    });
    assert!(!has_clsact(&lab.director), "the qdisc is left");
}

/// Without TCX: a qdisc and a filter of somebody else's are passed through, and remain.
pub(crate) fn other_filters_run(lab: &Lab) {
    let director = &lab.director.namespace;
    for line in [
        "tc qdisc add dev eth0 clsact",
        "tc filter add dev eth0 egress prio 1 matchall action continue",
        "tc filter add dev eth0 egress prio 7 matchall action ok",
    ] {
        director.run(&line.split(' ').collect::<Vec<_>>()).unwrap();
    }
    prepare_reals(lab, &VIPS);
    let _servers = start_echo(lab, "udp", ECHO);
    // How many packets each has seen.
    let seen = || {
        let shown = ["tc", "-s", "filter", "show", "dev", "eth0", "egress"];
        let shown = director.run(&shown).unwrap();
        let words: Vec<_> = shown.split_whitespace().collect();
        let counts = words.windows(5).filter(|at| at[0] == "Sent" && at[4].starts_with("pkt"));
        counts.map(|at| at[3].parse().unwrap()).collect::<Vec<u64>>()
    };
    on_director(lab, async || {
        let mut path = path();
        let before = seen();
        let through = dial(&lab.reals[0], VIPS[0], ECHO, Some(path.mark(VIPS[0]).unwrap()));
        assert_eq!(tcp_echo(through).await.unwrap(), "real 1: ");
        let more = seen().into_iter().zip(&before).filter(|(now, before)| now > before);
        assert_eq!((more.count(), before.len()), (2, 2), "a filter has seen no packet: {before:?}");
        path.attach(&BTreeSet::new()).unwrap();
        assert_eq!(programs("eth0"), Vec::<String>::new());
    });
    assert!(has_clsact(&lab.director), "somebody's qdisc is gone");
    assert_eq!(seen().len(), 2, "somebody's filter is gone");
}
