use super::*;
use crate::config::edit::EditErrorKind;
use crate::config::rules::RuleError;
use crate::config::samples::{ip, tcp, udp};

#[test]
fn reads_services() {
    assert_eq!(parse_service(Protocol::Tcp, "192.0.2.10:80"), Ok(tcp("192.0.2.10", 80)));
    assert_eq!(parse_service(Protocol::Udp, "[2001:db8::10]:53"), Ok(udp("2001:db8::10", 53)));
}

#[test]
fn says_what_is_wrong_with_a_service() {
    for (text, expected) in [
        ("192.0.2.10", "\"192.0.2.10\" has no port"),
        ("[2001:db8::10]", "\"[2001:db8::10]\" has no port"),
        ("2001:db8::10", "is an IPv6 address without brackets"),
        ("2001:db8::10:80", "is an IPv6 address without brackets"),
        ("2001:db8:1:2:3:4:5:6:80", "is an IPv6 address without brackets"),
        ("[192.0.2.10]:80", "do not hold an IPv6 address"),
        ("[2001:db8::10:80", "do not hold an IPv6 address"),
        ("[2001:db8::10]80", "do not hold an IPv6 address"),
        ("[]:80", "do not hold an IPv6 address"),
        ("192.0.2.10:0", "port \"0\" in"),
        ("192.0.2.10:65536", "port \"65536\" in"),
        ("192.0.2.10:+80", "port \"+80\" in"),
        ("192.0.2.10:", "port \"\" in"),
        ("[2001:db8::10]:99999999999999999999999999999999999999999999", "port \"999"),
        ("www.example.org:80", "\"www.example.org\" in"),
        ("192.0.2.300:80", "\"192.0.2.300\" in"),
        ("", "\"\" in \"\" is not an IPv4 or IPv6 address"),
        (":80", "is not an IPv4 or IPv6 address"),
    ] {
        let error = parse_service(Protocol::Tcp, text).expect_err(text).to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.ends_with(SERVICE_FORM), "{error}");
    }
}

#[test]
fn reads_reals() {
    for (text, address, port) in [
        ("192.0.2.21", "192.0.2.21", None),
        ("192.0.2.21:80", "192.0.2.21", Some(80)),
        ("2001:db8::21", "2001:db8::21", None),
        ("[2001:db8::21]", "2001:db8::21", None),
        ("[2001:db8::21]:80", "2001:db8::21", Some(80)),
    ] {
        assert_eq!(parse_real(text), Ok(RealArgument { address: ip(address), port }), "{text}");
    }
    let error = parse_real("web1").unwrap_err().to_string();
    assert!(error.contains("\"web1\"") && error.ends_with(REAL_FORM), "{error}");
}

#[test]
fn reads_weights() {
    assert_eq!(parse_weight("0"), Ok(0));
    assert_eq!(parse_weight("65535"), Ok(65535));
    let above = RuleError::WeightAbove { number: 65536 };
    assert_eq!(parse_weight("65536"), Err(EndpointError::WeightRange(above)));
    let below = RuleError::WeightBelow { number: -1 };
    assert_eq!(parse_weight("-1"), Err(EndpointError::WeightRange(below)));
    for text in ["", "-", "+1", "1.5", "ten", " 1", &"9".repeat(50)] {
        assert!(matches!(parse_weight(text), Err(EndpointError::Weight { .. })), "{text:?}");
    }
}

#[test]
fn a_reals_port_must_be_the_services() {
    let service = tcp("192.0.2.10", 80);
    let address = ip("192.0.2.21");
    assert_eq!(real_of(service, RealArgument { address, port: None }), Ok(address));
    assert_eq!(real_of(service, RealArgument { address, port: Some(80) }), Ok(address));
    let error = real_of(service, RealArgument { address, port: Some(8080) }).unwrap_err();
    assert_eq!(error.kind(), EditErrorKind::Refused);
    assert!(error.to_string().contains("direct routing cannot rewrite ports"), "{error}");
}
