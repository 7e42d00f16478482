use super::*;
use crate::config::samples::{ip, tcp};

#[test]
fn numbers_are_held_to_their_range() {
    assert_eq!(weight(0), Ok(0));
    assert_eq!(weight(65535), Ok(65535));
    assert_eq!(weight(65536), Err(RuleError::WeightAbove { number: 65536 }));
    assert_eq!(weight(-1), Err(RuleError::WeightBelow { number: -1 }));
}

#[test]
fn protocols_have_two_words() {
    assert_eq!(protocol("tcp"), Ok(Protocol::Tcp));
    assert_eq!(protocol("udp"), Ok(Protocol::Udp));
    assert!(matches!(protocol("TCP"), Err(RuleError::UnknownProtocol { .. })));
}

#[test]
fn addresses_that_no_host_has_are_refused_for_vip_and_real() {
    for (address, kind) in [
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("127.255.0.1", "loopback"),
        ("::1", "loopback"),
        ("224.0.0.18", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("::ffff:192.0.2.10", "IPv4 address in IPv6 form"),
    ] {
        let address = ip(address);
        let as_vip = vip(address).unwrap_err().to_string();
        assert!(as_vip.starts_with(&format!("VIP {address} is")), "{as_vip}");
        assert!(as_vip.contains(kind), "{as_vip}");
        let as_real = real(ip("192.0.2.10"), address).unwrap_err().to_string();
        assert!(as_real.starts_with(&format!("real {address} is")), "{as_real}");
        assert!(as_real.contains(kind), "{as_real}");
    }
}

#[test]
fn a_link_local_address_can_be_a_real_and_no_vip() {
    assert!(vip(ip("fe80::1")).unwrap_err().to_string().contains("link-local"));
    assert_eq!(real(ip("2001:db8::10"), ip("fe80::1")), Ok(()));
    assert_eq!(vip(ip("169.254.0.1")), Ok(()));
}

#[test]
fn a_real_is_of_the_vips_family_and_not_the_vip() {
    let (v4, v6) = (ip("192.0.2.10"), ip("2001:db8::10"));
    let error = real(v4, v6).unwrap_err();
    assert_eq!(
        error.to_string(),
        "real 2001:db8::10 is IPv6 and its VIP 192.0.2.10 is IPv4: give both in one family"
    );
    assert!(matches!(real(v6, v4), Err(RuleError::MixedFamily { .. })));
    assert_eq!(real(v4, v4), Err(RuleError::IsVip { role: Role::Real, address: v4 }));
    assert_eq!(real(v4, ip("192.0.2.21")), Ok(()));
}

#[test]
fn a_reals_port_is_the_services() {
    let service = tcp("192.0.2.10", 80);
    let address = ip("192.0.2.21");
    assert_eq!(real_port(service, address, None), Ok(()));
    assert_eq!(real_port(service, address, Some(80)), Ok(()));
    let error = real_port(service, address, Some(8080)).unwrap_err().to_string();
    assert!(error.contains("port 8080"), "{error}");
    assert!(error.contains("direct routing cannot rewrite ports"), "{error}");
}

#[test]
fn names_have_1_to_64_printable_characters() {
    assert_eq!(name("web"), Ok(()));
    assert_eq!(name(&"é".repeat(64)), Ok(()));
    for bad in ["", "a\nb", "\u{1b}[2J", "\u{85}", &"a".repeat(65)] {
        assert!(matches!(name(bad), Err(RuleError::Name { .. })), "{bad:?}");
    }
    assert!(!name("\u{1b}").unwrap_err().to_string().contains('\u{1b}'));
}

#[test]
fn interface_names_are_those_of_the_kernel() {
    for good in ["eth0", "a", "enp0s31f6.1000", "123456789012345", "wlan@x"] {
        assert_eq!(interface(good), Ok(()), "{good:?}");
    }
    for bad in ["", "1234567890123456", "a/b", "a b", "a\t", "eth0:1", ".", "..", "ééééééé8"]
    {
        let expected = bad.len() <= INTERFACE_BYTES && bad.starts_with('é');
        assert_eq!(interface(bad).is_ok(), expected, "{bad:?}");
    }
}

#[test]
fn a_bad_address_gets_a_hint() {
    for (text, hint) in [
        ("192.0.2.10/32", "prefix length"),
        ("fe80::1%eth0", "interface"),
        (" 192.0.2.10", "blanks"),
        ("192.0.2.10:80", "without brackets and port"),
        ("[2001:db8::10]", "without brackets and port"),
        ("www.example.org", "names are not looked up"),
        ("192.0.2.300", "192.0.2.10"),
        ("", "192.0.2.10"),
    ] {
        let error = address(Role::Vip, text).unwrap_err().to_string();
        assert!(error.contains(&format!("{text:?}")) && error.contains(hint), "{error}");
    }
}
