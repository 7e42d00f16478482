use super::*;

fn said<T: std::fmt::Debug>(result: Result<T, CheckError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn times_and_numbers() {
    assert_eq!(time(Span::Interval, "10ms"), Ok(MIN_INTERVAL));
    assert_eq!(time(Span::Interval, "13d"), Ok(MAX_TIME));
    assert_eq!(time(Span::Timeout, "1ms"), Ok(Duration::from_millis(1)));
    assert_eq!(time(Span::Warmup, "0s"), Ok(Duration::ZERO));
    assert_eq!((rise(1), fall(1000), port(65535)), (Ok(1), Ok(1000), Ok(65535)));
    let second = Duration::from_secs(1);
    assert_eq!(retry_delay(second, second), Ok(second));
    for (message, words) in [
        (said(time(Span::Interval, "9ms")), "interval 9ms is outside 10ms to 13d"),
        (said(time(Span::Timeout, "0s")), "timeout 0s is outside 1ms to 13d"),
        (said(time(Span::RetryDelay, "0s")), "retry delay 0s is outside 10ms to 13d"),
        (said(time(Span::Warmup, "14d")), "warmup 1209600s is outside 0s to 13d"),
        (said(time(Span::Interval, "5")), "interval \"5\" has no unit: write \"5s\""),
        (said(retry_delay(second * 2, second)), "retry delay 2s is above the interval 1s"),
        (said(rise(0)), "rise 0 is outside 1 to 1000"),
        (said(fall(1001)), "fall 1001 is outside 1 to 1000"),
        (said(port(0)), "port 0 is outside 1 to 65535"),
        (said(via("mac")), "via \"mac\" is unknown: use \"vip\" or \"rip\""),
    ] {
        assert!(message.contains(words), "{message}\nis not\n{words}");
    }
}

#[test]
fn pages() {
    for good in ["/", "/a/b?c=d&e=%20", "/~x"] {
        assert_eq!(path(good), Ok(good.to_owned()));
    }
    for bad in ["", "a", "/a b", "/a#b", "/é", "/a\n", "http://a/"] {
        assert!(said(path(bad)).contains("cannot be asked for"), "{bad}");
    }
    for good in ["www.example.org", "www.example.org:8080", "192.0.2.10", "[2001:db8::10]:80"] {
        assert_eq!(host(good), Ok(good.to_owned()));
    }
    for bad in ["", "a b", "a@b", "a/b", "a\r\nX: y", "é.org"] {
        assert!(said(host(bad)).contains("is not a host"), "{bad}");
    }
    assert_eq!(sni("www.example.org"), Ok("www.example.org".to_owned()));
    for bad in ["", "a b", "www.example.org:443", "a\n"] {
        assert!(said(sni(bad)).contains("is not a host name"), "{bad}");
    }
    assert_eq!(status("200"), Ok(crate::config::check::StatusRange { first: 200, last: 200 }));
    assert_eq!(status("100-599").unwrap().last, 599);
    for bad in ["", "99", "600", "399-300", "2xx", "200-", "-200", "+20", "200-300-400", "0200"] {
        assert!(said(status(bad)).contains("neither a status from 100 to 599"), "{bad}");
    }
    assert_eq!(digest("md5", &"0f".repeat(16)), Ok([0x0f; 16]));
    let short = said(digest::<32>("sha256", "0f"));
    assert_eq!(short, "sha256 has 64 hexadecimal digits, and 2 characters are given");
    assert!(digest::<16>("md5", &"zz".repeat(16)).is_err());
    assert!(regex("^ok$").is_ok());
    let broken = said(regex("a(b"));
    assert_eq!(broken, "body_regex is no regular expression: unclosed group");
}

#[test]
fn messages() {
    assert_eq!(hexadecimal("expect_hex", "00fF"), Ok(vec![0, 0xff]));
    assert!(said(hexadecimal("expect_hex", "0")).contains("expect_hex is not of pairs"));
    assert!(datagram("payload", vec![0; MAX_PAYLOAD]).is_ok());
    let long = said(datagram("payload", vec![0; MAX_PAYLOAD + 1]));
    assert!(long.contains("payload has 65508 bytes"), "{long}");
    for good in [".", "example.org", "_sip._tcp.example.org."] {
        assert_eq!(name(good), Ok(good.to_owned()));
    }
    for bad in ["", "a b", "a..b", &"a".repeat(64), "a\n"] {
        assert!(said(name(bad)).contains("is not a domain name"), "{bad}");
    }
    assert_eq!(record_type("aaaa"), Ok("AAAA".to_owned()));
    assert!(said(record_type("AA")).contains("record_type \"AA\" is unknown"));
    assert_eq!(rcode("nxdomain"), Ok("NXDOMAIN".to_owned()));
    assert!(said(rcode("OK")).contains("rcode \"OK\" is unknown"));
    assert!(said(rcode("unknown(11)")).contains("is unknown"));
    assert!(said(helo("a b")).contains("helo \"a b\" is not a name"));
    assert!(said(service("a\n")).contains("has control characters"));
    assert!(said(ca("ca.pem")).contains("not an absolute path"));
    assert!(said(user("")).contains("user \"\" is not the name of a user"));
}

#[test]
fn every_name_of_a_response_code_is_that_of_the_registry() {
    let names = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
        "NXRRSET", "NOTAUTH", "NOTZONE",
    ];
    for (code, name) in names.into_iter().enumerate() {
        assert_eq!(response_code(name).map(u16::from), u16::try_from(code).ok(), "{name}");
    }
}

#[test]
fn keys_belong_to_types() {
    for kind in TYPES {
        for key in ["type", "via", "interval", "timeout", "rise", "fall", "retry_delay", "warmup"] {
            assert_eq!(belongs(kind, key), Ok(()), "{kind} {key}");
        }
    }
    let path = said(belongs("tcp", "path"));
    let words = "`path` does not belong to a check of type tcp: leave it out, or use the type http \
                 or https";
    assert_eq!(path, words);
    assert!(
        said(belongs("ping", "port")).contains("`port` does not belong to a check of type ping")
    );
    assert!(said(belongs("exec", "bind")).contains("dns, smtp, ping or grpc"));
    assert!(said(belongs("udp", "command")).ends_with("or use the type exec"));
    assert!(said(belongs("none", "path")).starts_with("check type \"none\" is unknown"));
}
