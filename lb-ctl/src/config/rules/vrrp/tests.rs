use super::*;
use crate::config::samples::ip;

fn said<T: std::fmt::Debug, E: std::fmt::Display + std::fmt::Debug>(
    result: Result<T, E>,
) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn numbers() {
    assert_eq!((vrid(1), vrid(255)), (Ok(1), Ok(255)));
    assert_eq!((priority(1), priority(255)), (Ok(1), Ok(255)));
    assert_eq!((version(2), version(3)), (Ok(2), Ok(3)));
    assert_eq!((weight(-253), weight(253), weight(1)), (Ok(-253), Ok(253), Ok(1)));
    assert_eq!((quorum(1), quorum(4_294_967_295)), (Ok(1), Ok(u32::MAX)));
    assert_eq!((repeat(1), refresh_repeat(255)), (Ok(1), Ok(255)));
    for number in [0, -1, 256] {
        assert_eq!(said(vrid(number)), format!("vrid {number} is outside 1 to 255"));
        assert!(said(priority(number)).contains("outside 1 to 255 (255 is for a director"));
        assert_eq!(said(repeat(number)), format!("repeat {number} is outside 1 to 255"));
        assert!(said(refresh_repeat(number)).starts_with("refresh_repeat "));
    }
    assert_eq!(said(version(1)), "version 1 is unknown: use 2 or 3");
    assert!(said(weight(0)).contains("weight 0 would do nothing"));
    for number in [254, -254, 70_000] {
        assert!(said(weight(number)).contains("is outside -253 to 253"), "{number}");
    }
    assert!(said(quorum(0)).contains("quorum 0 is outside 1 to 4294967295"));
}

#[test]
fn words_and_names() {
    for known in Checksum::ALL {
        assert_eq!(checksum(known.name()), Ok(known));
    }
    assert!(said(checksum("none")).contains("use \"pseudo-header\" or \"message\""));
    assert_eq!(auth_type("pass"), Ok(()));
    assert_eq!(said(auth_type("ah")), "auth type \"ah\" is unknown: use \"pass\"");
    assert_eq!(name(Named::Script, "chk é"), Ok(()));
    assert_eq!(
        said(name(Named::Group, "")),
        "group name \"\" is empty: give 1 to 64 printable characters"
    );
    assert!(said(name(Named::Instance, &"a".repeat(65))).contains("is too long"));
    assert!(said(name(Named::Process, "a\n")).starts_with("process name \"a\\n\" has control"));
    assert_eq!(program("nginx: master"), Ok("nginx: master".to_owned()));
    for bad in ["", "/usr/sbin/nginx", "a\n"] {
        assert!(said(program(bad)).contains("`pgrep -x`"), "{bad}");
    }
    assert_eq!(file("/etc/lb-ctl/down"), Ok(PathBuf::from("/etc/lb-ctl/down")));
    assert!(said(file("down")).contains("file \"down\" is not an absolute path"));
}

#[test]
fn passwords_and_keys_are_not_quoted() {
    assert_eq!(password("a b~!123"), Ok("a b~!123".to_owned()));
    for (text, fault) in [
        ("", "the password is empty: "),
        ("secret789", "the password is longer than 8 characters: "),
        ("sécret", "the password has characters that are not printable ASCII: "),
        ("a\u{7f}", "the password has characters that are not printable ASCII: "),
    ] {
        let message = said(password(text));
        assert!(message.starts_with(fault), "{message}");
        assert!(text.is_empty() || !message.contains(text), "{message}");
    }
    assert_eq!(key("0123456789abcdef"), Ok("0123456789abcdef".to_owned()));
    assert_eq!(
        said(key("0123456789abcde")),
        "the key of sync has 15 characters: give at least 16, at random"
    );
}

#[test]
fn addresses() {
    let moving =
        |address: &str, prefix| VirtualAddress { address: ip(address), prefix, interface: None };
    for (text, expected) in [
        ("192.0.2.10", moving("192.0.2.10", 32)),
        ("192.0.2.10/24", moving("192.0.2.10", 24)),
        ("2001:db8::10", moving("2001:db8::10", 128)),
        ("fe80::1/64", moving("fe80::1", 64)),
    ] {
        assert_eq!(virtual_address(text), Ok(expected));
    }
    for prefix in ["0", "33", "-1", "+1", "", "24/8", "255.255.255.0", "256"] {
        let message = said(virtual_address(&format!("192.0.2.10/{prefix}")));
        assert!(message.contains("is none from 1 to 32: correct it, or leave it out"), "{message}");
    }
    assert!(said(virtual_address("2001:db8::10/129")).contains("is none from 1 to 128"));
    for (text, words) in [
        ("192.0.2.300/24", "virtual address \"192.0.2.300\" is not an IPv4 or IPv6 address"),
        ("vip.example.org", "names are not looked up"),
        ("224.0.0.1", "virtual address 224.0.0.1 is a multicast address"),
        ("0.0.0.0", "the unspecified address"),
        ("::1", "a loopback address"),
        ("255.255.255.255", "the broadcast address"),
        ("::ffff:192.0.2.1", "an IPv4 address in IPv6 form"),
    ] {
        let message = said(virtual_address(text));
        assert!(message.contains(words), "{message}\nis not\n{words}");
    }
    assert!(said(host(Role::Peer, "ff02::12")).contains("unicast peer ff02::12 is a multicast"));
    assert!(socket("[2001:db8::1]:8475").is_ok());
    for bad in ["192.0.2.1", "192.0.2.1:0", "a:8475", "2001:db8::1:8475x", "192.0.2.1:65536"] {
        assert!(said(socket(bad)).contains("is not an address and a UDP port"), "{bad}");
    }
    assert!(said(socket("0.0.0.0:8475")).contains("sync address 0.0.0.0 is the unspecified"));
}

#[test]
fn intervals() {
    let millis = Duration::from_millis;
    for (version, good) in [(Version::V2, [1000, 2000, 255_000]), (Version::V3, [10, 990, 40_950])]
    {
        for length in good {
            assert_eq!(interval(version, millis(length)), Ok(()), "{length}");
        }
    }
    for (length, words) in [
        (
            500,
            "advert_interval 500ms is none of version 2, which has whole seconds from 1s to 255s: \
               give one of those, or \"version\": 3",
        ),
        (1500, "1500ms is none of version 2"),
        (0, "advert_interval 0s is none of version 2"),
        (256_000, "from 1s to 255s: give one of those"),
    ] {
        let message = said(interval(Version::V2, millis(length)));
        assert!(message.contains(words), "{message}\nis not\n{words}");
        let helps = message.ends_with(", or \"version\": 3");
        assert_eq!(helps, [500, 1500].contains(&length), "{message}");
    }
    for length in [0, 1, 5, 15, 40_951, 40_960, 255_000] {
        let message = said(interval(Version::V3, millis(length)));
        assert!(
            message.contains("hundredths of a second, from 10ms to 40950ms: give"),
            "{message}"
        );
    }
}

#[test]
fn times() {
    assert_eq!(time("delay", Duration::ZERO, "0s"), Ok(Duration::ZERO));
    assert_eq!(said(time("delay", Duration::ZERO, "14d")), "delay 1209600s is outside 0s to 13d");
    assert!(said(time("delay", Duration::ZERO, "5")).contains("delay \"5\" has no unit"));
    assert_eq!(refresh("0s"), Ok(Duration::ZERO));
    assert_eq!(refresh("100ms"), Ok(Duration::from_millis(100)));
    assert_eq!(said(refresh("99ms")), "refresh 99ms is outside 100ms to 13d");
}
