//! Checks as they are written: read, and refused at the place of the fault.

use super::*;
use crate::config::model::{Desired, Service};
use crate::config::parse::{DefinitionError, parse};
use crate::config::samples::health::{self, HEALTH};
use crate::config::samples::{ip, tcp};

#[test]
fn reads_every_key() {
    let endpoint = tcp("192.0.2.10", 443);
    let disabled =
        crate::config::model::Real { disabled: true, ..crate::config::model::Real::new(1) };
    let service = Service {
        check: Some(health::check()),
        inhibit_on_failure: true,
        quorum: 3,
        hysteresis: 2,
        slow_start: std::time::Duration::from_secs(30),
        hooks: health::hooks(),
        reals: [(ip("192.0.2.21"), disabled)].into(),
        ..Service::new(endpoint)
    };
    let expected = Desired {
        services: [(endpoint, service)].into(),
        notify: health::notify(),
        ..Desired::default()
    };
    let read = parse(HEALTH).unwrap();
    assert_eq!(read, expected);
    assert_eq!(parse(&crate::config::render(&read)), Ok(read));
}

/// The check of a service with one port.
fn read(keys: &str) -> Result<Check, DefinitionError> {
    read_at("80", keys)
}

/// The check, on a line of its own, of a service with these ports.
fn read_at(port: &str, keys: &str) -> Result<Check, DefinitionError> {
    let text = format!(
        "{{ \"services\": [ {{ \"protocol\": \"tcp\", \"vip\": \"192.0.2.10\", \"port\": {port}, \
         \"check\":\n{{ {keys} }} }} ] }}"
    );
    parse(&text).map(|desired| desired.services[0].check.clone().expect("it has a check"))
}

/// Refused at the value of this key of the check, on the check's own line.
#[track_caller]
fn refused(keys: &str, path: &str, words: &str) {
    let error = read(keys).expect_err(keys);
    let expected = format!("services[0].check{path}");
    assert_eq!((error.line, error.path.as_str()), (2, expected.as_str()), "{error}");
    assert!(error.message.contains(words), "{error}\nis not\n{words}");
    let inner = path.trim_start_matches('.').split('[').next().unwrap_or_default();
    let column = if inner.is_empty() { 1 } else { column_of(keys, inner) };
    assert!(error.column >= column, "{error} is before column {column}");
}

/// Where the key begins on the check's line.
fn column_of(keys: &str, key: &str) -> usize {
    "{ ".len() + 1 + keys.find(&format!("\"{key}\"")).expect("the key is there")
}

#[test]
fn a_type_alone_is_enough() {
    for (kind, probe) in [
        ("tcp", Probe::Tcp),
        ("http", Probe::Http(Http::default())),
        ("udp", Probe::Udp(Udp::default())),
        ("dns", Probe::Dns(Dns::default())),
        ("smtp", Probe::Smtp(Smtp::default())),
        ("ping", Probe::Ping),
        ("grpc", Probe::Grpc(Grpc::default())),
    ] {
        let keys = format!("\"type\": \"{kind}\"");
        assert_eq!(read(&keys), Ok(Check::new(probe)), "{kind}");
    }
    let https = read(r#""type": "https""#).unwrap();
    let verified = Tls { verify: true, ..Tls::default() };
    let page = Http { tls: Some(verified.clone()), ..Http::default() };
    assert_eq!(https, Check::new(Probe::Http(page)), "certificates are verified");
    let grpc = read(r#""type": "grpc", "tls": true"#).unwrap();
    let tls = Some(verified);
    assert_eq!(grpc, Check::new(Probe::Grpc(Grpc { tls, ..Grpc::default() })));
    let exec = read(r#""type": "exec", "command": "/bin/ask me""#).unwrap();
    let Probe::Exec(asked) = &exec.probe else { panic!("{exec:?}") };
    assert_eq!(
        (asked.command.program(), asked.user.as_str(), exec.via),
        ("/bin/ask", "nobody", Via::Rip)
    );
}

#[test]
fn other_times_follow_the_interval() {
    let timing = |keys: &str| read(&format!("\"type\": \"tcp\"{keys}")).unwrap().timing;
    let millis = std::time::Duration::from_millis;
    let short = timing(r#", "interval": "200ms""#);
    assert_eq!((short.timeout, short.retry_delay), (millis(200), millis(200)));
    let long = timing(r#", "interval": "1m""#);
    assert_eq!((long.timeout, long.retry_delay), (millis(3000), millis(1000)));
    let slow = timing(r#", "interval": "1s", "timeout": "10s""#);
    assert_eq!((slow.interval, slow.timeout), (millis(1000), millis(10_000)), "the next one waits");
}

#[test]
fn a_status_is_a_number_or_a_text() {
    let read = read(r#""type": "http", "status": [204, "200", "300-399"]"#).unwrap();
    let Probe::Http(Http { status, .. }) = read.probe else { panic!("{read:?}") };
    let ranges: Vec<_> = status.iter().map(|range| (range.first, range.last)).collect();
    assert_eq!(ranges, [(204, 204), (200, 200), (300, 399)]);
    let http = |status: &str| format!(r#""type": "http", "status": {status}"#);
    refused(&http("[200, 99]"), ".status[1]", "status \"99\" is neither");
    refused(&http("[200, true]"), ".status[1]", "expected a status like \"200\" or \"300-399\"");
    refused(&http("[-1]"), ".status[0]", "expected a status");
    refused(&http("200"), ".status", "expected a sequence");
}

#[test]
fn bytes_are_text_or_digits() {
    let udp = |keys: &str| {
        let check = read(&format!("\"type\": \"udp\", {keys}")).unwrap();
        let Probe::Udp(udp) = check.probe else { panic!("{keys}") };
        udp
    };
    assert_eq!(udp(r#""payload": "é\n""#).payload, "é\n".as_bytes());
    assert_eq!(udp(r#""payload_hex": "00fF""#).payload, [0, 0xff]);
    assert_eq!(udp(r#""expect": """#).expect, Some(Vec::new()), "any answer");
    assert_eq!(udp(r#""expect_hex": "2a""#).expect, Some(vec![0x2a]));
    for (keys, path, words) in [
        (r#""payload": "a", "payload_hex": "00""#, ".payload_hex", "both say what is sent"),
        (r#""expect": "a", "expect_hex": "00""#, ".expect_hex", "both say what is expected"),
        (r#""payload_hex": "0""#, ".payload_hex", "not of pairs of hexadecimal digits"),
    ] {
        refused(&format!("\"type\": \"udp\", {keys}"), path, words);
    }
    let long = format!(r#""type": "udp", "payload": "{}""#, "a".repeat(65_508));
    refused(&long, ".payload", "payload has 65508 bytes");
}

#[test]
fn keys_of_other_types_are_refused_by_name() {
    for (kind, key, value) in [
        ("tcp", "path", "\"/\""),
        ("http", "sni", "\"a\""),
        ("http", "verify", "false"),
        ("https", "tls", "true"),
        ("udp", "body_regex", "\"a\""),
        ("dns", "payload", "\"a\""),
        ("smtp", "service", "\"a\""),
        ("ping", "port", "7"),
        ("grpc", "host", "\"a\""),
        ("exec", "bind", "\"192.0.2.1\""),
    ] {
        let words = format!("`{key}` does not belong to a check of type {kind}: leave it out");
        refused(&format!(r#""type": "{kind}", "{key}": {value}"#), &format!(".{key}"), &words);
    }
    refused(r#""type": "tcp", "intervall": "1s""#, ".intervall", "unknown field `intervall`");
    refused(r#""type": "tcp", "fall": 3, "fall": 4"#, ".fall", "stands here a second time");
    refused(r#""interval": "1s""#, "", "missing field `type`");
    refused(r#""type": "telnet""#, ".type", "check type \"telnet\" is unknown: use tcp, http");
    refused(r#""type": "none""#, ".type", "or leave the check out");
}

#[test]
fn values_are_refused_at_their_place() {
    for (keys, path, words) in [
        (r#""type": "tcp", "via": "mac""#, ".via", "via \"mac\" is unknown"),
        (r#""type": "tcp", "via": null"#, ".via", "invalid type: null"),
        (r#""type": "tcp", "port": 0"#, ".port", "port 0 is outside 1 to 65535"),
        (r#""type": "tcp", "port": "80""#, ".port", "expected a port, a whole number"),
        (r#""type": "tcp", "bind": "eth0""#, ".bind", "bind \"eth0\" is not an IPv4 or IPv6"),
        (r#""type": "tcp", "bind": "0.0.0.0""#, ".bind", "bind 0.0.0.0 is the unspecified address"),
        (r#""type": "tcp", "bind": "2001:db8::1""#, ".bind", "not of the family of the VIP"),
        (r#""type": "tcp", "interval": 5"#, ".interval", "expected a duration like"),
        (r#""type": "tcp", "interval": "5""#, ".interval", "has no unit: write \"5s\""),
        (r#""type": "tcp", "interval": "9ms""#, ".interval", "interval 9ms is outside 10ms"),
        (r#""type": "tcp", "timeout": "0s""#, ".timeout", "timeout 0s is outside 1ms"),
        (r#""type": "tcp", "rise": 0"#, ".rise", "rise 0 is outside 1 to 1000"),
        (r#""type": "tcp", "fall": 1001"#, ".fall", "fall 1001 is outside 1 to 1000"),
        (r#""type": "tcp", "retry_delay": "6s""#, ".retry_delay", "above the interval 5s"),
        (r#""type": "tcp", "warmup": "14d""#, ".warmup", "warmup 1209600s is outside 0s to 13d"),
        (r#""type": "http", "path": "healthz""#, ".path", "begin it with /"),
        (r#""type": "http", "host": "a b""#, ".host", "host \"a b\" is not a host"),
        (r#""type": "http", "sha256": "00""#, ".sha256", "sha256 has 64 hexadecimal digits"),
        (r#""type": "http", "md5": "00""#, ".md5", "md5 has 32 hexadecimal digits"),
        (r#""type": "http", "body_regex": "(""#, ".body_regex", "unclosed group"),
        (
            r#""type": "http", "body_regex": "a", "md5": "00""#,
            ".body_regex",
            "`md5` and `body_regex`",
        ),
        (r#""type": "https", "sni": "a b""#, ".sni", "sni \"a b\" is not a host name"),
        (r#""type": "https", "ca": "ca.pem""#, ".ca", "not an absolute path"),
        (r#""type": "https", "verify": "no""#, ".verify", "expected a boolean"),
        (r#""type": "dns", "name": "a b""#, ".name", "is not a domain name"),
        (r#""type": "dns", "record_type": "AA""#, ".record_type", "record_type \"AA\" is unknown"),
        (r#""type": "dns", "rcode": "BAD""#, ".rcode", "rcode \"BAD\" is unknown"),
        (r#""type": "smtp", "helo": "a b""#, ".helo", "helo \"a b\" is not a name"),
        (r#""type": "grpc", "sni": "a.org""#, ".sni", "give it `tls` true"),
        (r#""type": "grpc", "tls": false, "ca": "/a""#, ".ca", "give it `tls` true"),
        (r#""type": "exec""#, "", "a check of type exec needs `command`"),
        (r#""type": "exec", "command": "ask""#, ".command", "\"ask\" is not an absolute path"),
        (r#""type": "exec", "command": "/a '""#, ".command", "quotes"),
        (r#""type": "exec", "command": "/a", "user": "a b""#, ".user", "not the name of a user"),
        (r#""type": "exec", "command": "/a", "via": "vip""#, ".via", "sends its packets itself"),
    ] {
        refused(keys, path, words);
    }
}

#[test]
fn which_port_is_asked_must_be_told() {
    for port in ["0", "\"8000-8100\""] {
        let error = read_at(port, r#""type": "tcp""#).unwrap_err();
        assert_eq!((error.line, error.column, error.path.as_str()), (2, 1, "services[0].check"));
        assert!(error.message.contains("has no single port"), "{error}");
        assert_eq!(read_at(port, r#""type": "tcp", "port": 8000"#).unwrap().port, Some(8000));
        assert_eq!(read_at(port, r#""type": "ping""#), Ok(Check::new(Probe::Ping)));
    }
}
