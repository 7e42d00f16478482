use super::*;
use crate::config::edit::EditErrorKind;
use crate::config::ports::Ports;
use crate::config::rules::RuleError;
use crate::config::samples::{ip, tcp, udp};

#[test]
fn reads_services() {
    assert_eq!(parse_service(Protocol::Tcp, "192.0.2.10:80"), Ok(tcp("192.0.2.10", 80)));
    assert_eq!(parse_service(Protocol::Udp, "[2001:db8::10]:53"), Ok(udp("2001:db8::10", 53)));
    for (text, ports) in [
        ("192.0.2.10:0", Ports::ANY),
        ("192.0.2.10:8000-8100", Ports::range(8000, 8100).unwrap()),
        ("[2001:db8::10]:8000-8100", Ports::range(8000, 8100).unwrap()),
        ("192.0.2.10:80-80", Ports::one(80)),
    ] {
        assert_eq!(parse_service(Protocol::Tcp, text).expect(text).port, ports);
    }
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
        ("192.0.2.10:65536", "port 65536 is outside 1 to 65535"),
        ("192.0.2.10:+80", "\"+80\" is neither a port nor a range of ports"),
        ("192.0.2.10:", "\"\" is neither a port nor a range of ports"),
        ("192.0.2.10:81-80", "81-80 is empty: write \"80-81\""),
        ("192.0.2.10:0-80", "\"0-80\" contains port 0"),
        ("[2001:db8::10]:99999999999999999999999999999999999999999999", "is outside 1 to 65535"),
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
    for (text, words) in [
        ("web1", "\"web1\""),
        ("192.0.2.21:0", "port \"0\""),
        ("192.0.2.21:80-81", "port \"80-81\""),
        ("[2001:db8::21]:65536", "port \"65536\""),
    ] {
        let error = parse_real(text).unwrap_err().to_string();
        assert!(error.contains(words) && error.ends_with(REAL_FORM), "{error}");
    }
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
    for (ports, words) in [("8000-8100", "takes the ports 8000-8100"), ("0", "takes any port")] {
        let service = Endpoint { port: ports.parse().unwrap(), ..service };
        let error = real_of(service, RealArgument { address, port: Some(8000) }).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(real_of(service, RealArgument { address, port: None }), Ok(address));
    }
}
