//! Reals that are drained: who keeps what, and how long `--wait` waits.

use std::process::{Command, Stdio};
use std::time::Duration;

use bench::lab::{Lab, LabError, Process, VIPS, wait_until};
use lb_ctl::api::wire::RealState;

use super::common::flows::{assert_all_stay, assert_fair, shares};
use super::common::traffic::{ECHO, SOON, Site, services, start_echo, tracked};
use super::{FLOWS, Names, newcomers, only};

#[test]
fn a_drained_real_keeps_its_connections_and_gets_its_share_back() {
    let lab = Lab::builder().build().unwrap();
    let services = tracked(services(&lab, "tcp", ECHO));
    let site = Site::ready(lab, &services, &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    for vip in VIPS {
        let mut flows = site.open((vip, ECHO).into(), FLOWS);
        let old = shares(&flows)["real 2"];
        let second = Names::new(&site, vip, 1);
        second.run(&site, "drain", &[]);
        only(&newcomers(&site, vip, 60), &["real 1", "real 3"]);
        assert_all_stay(&mut flows, "with a real drained");
        let drained = site.real(vip, ECHO, second.real.parse().unwrap());
        assert_eq!((drained.state, drained.weight), (RealState::Drain, 1), "{drained:?}");
        assert_eq!(drained.active_connections, old, "{drained:?}");

        second.run(&site, "undrain", &["--wait", "--timeout", "10"]);
        assert_fair(&newcomers(&site, vip, 200), 3);
        assert_all_stay(&mut flows, "with the real back");
    }
}

#[test]
fn a_drain_that_waits_ends_with_the_last_connection() {
    let lab = Lab::builder().reals(2).build().unwrap();
    let services = tracked(services(&lab, "tcp", ECHO));
    let site = Site::ready(lab, &services, &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    for vip in VIPS {
        let flows = site.open((vip, ECHO).into(), 20);
        let (mut theirs, mut others): (Vec<_>, Vec<_>) =
            flows.into_iter().partition(|flow| flow.real == "real 1");
        let first = Names::new(&site, vip, 0);
        let mut waiting = drain_and_wait(&site, &first);
        runs_on(&mut waiting, "with connections open");
        theirs.truncate(1);
        runs_on(&mut waiting, "with one connection open");
        assert_all_stay(&mut theirs, "while it is waited for");
        drop(theirs);
        ends(&mut waiting);
        assert_all_stay(&mut others, "after the wait");
        let drained = site.real(vip, ECHO, first.real.parse().unwrap());
        assert_eq!(drained.state, RealState::Drain, "{drained:?}");
    }
}

/// How many connections a real has is an estimate there, and nothing that waits.
#[test]
fn a_drain_of_a_service_that_remembers_nothing_has_nothing_to_wait_for() {
    let lab = Lab::builder().reals(2).build().unwrap();
    let mut services = services(&lab, "tcp", ECHO);
    services[0]["tracking"] = "none".into();
    let site = Site::ready(lab, &services[..1], &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    let flows = site.open((VIPS[0], ECHO).into(), 20);
    let first = Names::new(&site, VIPS[0], 0);
    let real = || site.real(VIPS[0], ECHO, first.real.parse().unwrap());
    let begun = shares(&flows)["real 1"];
    assert_eq!((real().active_connections, real().estimated), (begun, true), "{:?}", real());
    ends(&mut drain_and_wait(&site, &first));
    only(&newcomers(&site, VIPS[0], 20), &["real 2"]);
    assert_eq!(site.connections(), []);
    drop(flows);
}

#[test]
fn a_drain_waits_until_untracked_connections_must_have_shown_themselves() {
    let vip = VIPS[0];
    let lab = Lab::builder().reals(2).build().unwrap();
    let mut services = services(&lab, "tcp", ECHO);
    services[0]["idle_timeout"] = "4s".into();
    let site = Site::ready(lab, &services[..1], &[]);
    let _echo = start_echo(&site.lab, "tcp", ECHO);
    let flows = site.open((vip, ECHO).into(), 20);
    let (mut theirs, mut others): (Vec<_>, Vec<_>) =
        flows.into_iter().partition(|flow| flow.real == "real 1");
    let first = Names::new(&site, vip, 0);
    let real = || site.real(vip, ECHO, first.real.parse().unwrap());
    let mut waiting = drain_and_wait(&site, &first);
    wait_until("the drain", SOON, || Ok(real().settling)).unwrap();
    assert_eq!(site.connections(), [], "nobody has sent anything");
    wait_until("the real to settle", SOON, || {
        assert_all_stay(&mut theirs, "while the ring settles");
        assert_all_stay(&mut others, "while the ring settles");
        Ok(!real().settling)
    })
    .unwrap();
    runs_on(&mut waiting, "with connections in the table");
    assert_all_stay(&mut theirs, "while it is waited for");
    drop(theirs);
    ends(&mut waiting);
    assert_all_stay(&mut others, "after the wait");
}

/// The idle timeout must pass before a real whose flows are not all tracked is known to be free.
#[test]
fn a_drain_that_gives_up_says_what_it_has_waited_for() {
    let lab = Lab::builder().reals(2).build().unwrap();
    let services = services(&lab, "tcp", ECHO);
    let site = Site::ready(lab, &services, &[]);
    let first = Names::new(&site, VIPS[0], 0);
    let mut command = site.director.command();
    command.args(["drain", "--wait", "--timeout", "0", "-t", &first.service, "-r", &first.real]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    for words in
        [&*first.real, "before its drain, for a little more than 900 s after it", "--timeout"]
    {
        assert!(message.contains(words), "{words} is missing: {message}");
    }
}

fn drain_and_wait(site: &Site, real: &Names) -> Process {
    let mut command: Command = site.director.command();
    command.args(["drain", "--wait", "-t", &real.service, "-r", &real.real]);
    Process::spawn(command.stdin(Stdio::null())).unwrap()
}

/// A whole second must pass in vain: the command looks twice in it.
fn runs_on(waiting: &mut Process, when: &str) {
    let second = Duration::from_secs(1);
    let ended = wait_until("the end of drain --wait", second, || Ok(waiting.ended()?.is_some()));
    assert!(matches!(ended, Err(LabError::Timeout { .. })), "it did not wait {when}: {ended:?}");
}

fn ends(waiting: &mut Process) {
    let mut status = None;
    wait_until("drain --wait to end", SOON, || {
        status = waiting.ended()?;
        Ok(status.is_some())
    })
    .unwrap();
    assert!(status.is_some_and(|status| status.success()), "drain --wait ended: {status:?}");
}
