use clap::Parser;

use super::*;
use crate::config::endpoint::parse_service;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    properties: PropertyArgs,
}

fn read(vip: &str, flags: &str) -> Result<ServiceEdit, FlagError> {
    let endpoint = parse_service(lb_common::key::Protocol::Tcp, vip).unwrap();
    let line = std::iter::once("lb-ctl").chain(flags.split_whitespace());
    asked(endpoint, &Line::try_parse_from(line).unwrap().properties)
}

#[track_caller]
fn v4(flags: &str) -> ServiceEdit {
    read("192.0.2.10:80", flags).unwrap()
}

fn persistence(edit: &ServiceEdit) -> (Option<u32>, Option<u8>) {
    let PersistenceEdit { timeout, netmask } = edit.persistence.unwrap();
    (timeout, netmask)
}

#[test]
fn persistence_is_written_as_for_ipvsadm() {
    assert_eq!(v4("").persistence, None);
    assert_eq!(persistence(&v4("-p")), (Some(300), None));
    assert_eq!(persistence(&v4("-p 600")), (Some(600), None));
    assert_eq!(persistence(&v4("--persistent 10m")), (Some(600), None));
    assert_eq!(persistence(&v4("-p 0")), (Some(0), None));
    assert_eq!(persistence(&v4("-M 255.255.255.0")), (None, Some(24)));
    assert_eq!(persistence(&v4("-p -M 24")), (Some(300), Some(24)));
    let six = read("[2001:db8::10]:80", "-p 60 --netmask 64").unwrap();
    assert_eq!(persistence(&six), (Some(60), Some(64)));
    for (vip, flags, words) in [
        ("192.0.2.10:80", "-p soon", "persistence timeout \"soon\" is not a duration"),
        ("192.0.2.10:80", "-p 1123201", "persistence timeout 1123201s is outside"),
        ("192.0.2.10:80", "-p 99999999999999999999", "is outside 1s to"),
        ("192.0.2.10:80", "-p -M 255.0.255.0", "is not of ones and then zeros"),
        ("[2001:db8::10]:80", "-p -M 255.255.255.0", "give a prefix length"),
    ] {
        let error = read(vip, flags).unwrap_err().to_string();
        assert!(error.contains(words), "{flags}: {error}");
    }
}

#[test]
fn lists_are_repeated_or_have_commas() {
    let both = v4("--allow 10.0.0.0/8,198.51.100.0/24 --allow 203.0.113.0/24 --deny none");
    let allow = ["10.0.0.0/8", "198.51.100.0/24", "203.0.113.0/24"].map(str::to_owned);
    assert_eq!(both.allow.as_deref(), Some(&allow[..]));
    assert_eq!(both.deny, Some(Vec::new()));
    assert_eq!(v4("--deny 10.0.0.0/8").allow, None);
}

#[test]
fn times_have_units_and_nodest_two_words() {
    let edit = v4("--idle-timeout 1h --syn-timeout 30s --fin-timeout 1m --closed-timeout 5s");
    let timeouts = TimeoutsEdit { syn: Some(30), fin: Some(60), closed: Some(5) };
    assert_eq!((edit.idle_timeout, edit.timeouts), (Some(3600), Some(timeouts)));
    assert_eq!(v4("--expire-nodest false").expire_nodest, Some(false));
    for (flags, words) in [
        ("--syn-timeout 30", "SYN timeout \"30\" has no unit"),
        ("--fin-timeout 0s", "FIN timeout 0s is outside"),
        ("--closed-timeout 14d", "closed timeout 1209600s is outside"),
        ("--expire-nodest no", "expire-nodest \"no\" is unknown"),
    ] {
        let error = read("192.0.2.10:80", flags).unwrap_err().to_string();
        assert!(error.contains(words), "{flags}: {error}");
    }
}

/// What one flag with a value that may have blanks asks for.
fn one(flag: &str, value: &str) -> Result<ServiceEdit, FlagError> {
    let endpoint = parse_service(lb_common::key::Protocol::Tcp, "192.0.2.10:80").unwrap();
    asked(endpoint, &Line::try_parse_from(["lb-ctl", flag, value]).unwrap().properties)
}

#[test]
fn a_check_is_a_type_or_an_object() {
    assert_eq!(v4("--check tcp").check, Some(Check::of_type("tcp")));
    assert_eq!(v4("--check none").check, Some(Check::of_type("none")));
    let http = one("--check", r#" {"type": "http", "path": "/healthz"}"#).unwrap().check.unwrap();
    let path = Some("/healthz".to_owned());
    assert_eq!(http, Check { path, ..Check::of_type("http") });
    for (text, words) in [
        (r#"{"type": "http""#, "--check: line 1, column 15: EOF while parsing an object"),
        (
            r#"{"type": "http", "pth": "/"}"#,
            "--check: line 1, column 18 (pth): unknown field `pth`",
        ),
        (r#"{"type": "tcp", "rise": 0}"#, "--check: line 1, column 25 (rise): rise 0 is outside"),
        (r#"{"path": "/"}"#, "--check: line 1, column 1: missing field `type`"),
    ] {
        let error = one("--check", text).unwrap_err().to_string();
        assert!(error.starts_with(words), "{text}: {error}");
    }
}

#[test]
fn what_follows_from_checks() {
    let edit = v4("--inhibit-on-failure true --quorum 3 --hysteresis 2 --slow-start 30s");
    assert_eq!(
        (edit.inhibit_on_failure, edit.quorum, edit.hysteresis),
        (Some(true), Some(3), Some(2))
    );
    assert_eq!(edit.slow_start.as_deref(), Some("30s"));
    let up = one("--notify-up", "/bin/up 'a b'").unwrap().notify_up;
    assert_eq!(up.as_deref(), Some("/bin/up 'a b'"));
    assert_eq!(one("--quorum-down", "").unwrap().quorum_down.as_deref(), Some(""), "taken off");
    for (flags, words) in [
        ("--inhibit-on-failure yes", "inhibit-on-failure \"yes\" is unknown"),
        ("--quorum 0", "quorum 0 is outside 1 to"),
        ("--quorum two", "quorum \"two\" is not a whole number"),
        ("--hysteresis -1", "hysteresis -1 is outside 0 to"),
    ] {
        let error = read("192.0.2.10:80", flags).unwrap_err().to_string();
        assert!(error.contains(words), "{flags}: {error}");
    }
}
