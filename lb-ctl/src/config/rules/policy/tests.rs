use super::*;
use crate::config::samples::ip;

fn said<T: std::fmt::Debug>(result: Result<T, PolicyError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn words() {
    for known in Scheduler::ALL {
        assert_eq!(scheduler(known.name()), Ok(known));
    }
    for known in Hash::ALL {
        assert_eq!(hash(known.name()), Ok(known));
    }
    for known in Tracking::ALL {
        assert_eq!(tracking(known.name()), Ok(known));
    }
    for known in AllDown::ALL {
        assert_eq!(all_down(known.name()), Ok(known));
    }
    assert_eq!((expire_nodest("true"), expire_nodest("false")), (Ok(true), Ok(false)));
    let unknown = "is unknown: use";
    assert!(said(scheduler("maglev")).contains(unknown));
    assert!(said(hash("ports")).contains(unknown));
    assert!(said(tracking("Full")).contains(unknown));
    assert!(said(all_down("reject")).contains(unknown));
    assert!(said(expire_nodest("1")).contains(unknown));
}

#[test]
fn times_are_whole_seconds_up_to_thirteen_days() {
    assert_eq!(time(Time::Idle, "1s"), Ok(1));
    assert_eq!(time(Time::Persistence, "13d"), Ok(MAX_SECS));
    for (text, seconds) in [("0s", 0), ("1123201s", 1_123_201), ("99999999999999999999d", u64::MAX)]
    {
        let error = PolicyError::TimeRange { what: Time::Syn, seconds };
        assert_eq!(time(Time::Syn, text), Err(error), "{text}");
    }
    assert_eq!(said(time(Time::Fin, "0s")), "FIN timeout 0s is outside 1s to 1123200s (13 days)");
    let unit = "closed timeout \"900\" has no unit: write \"900s\" for seconds";
    assert_eq!(said(time(Time::Closed, "900")), unit);
    assert!(ticks_from_secs(MAX_SECS + 24 * 60 * 60) > MAX_IDLE, "a day more is too long");
}

#[test]
fn netmasks_of_both_families() {
    let [v4, v6] = ["192.0.2.10", "2001:db8::10"].map(ip);
    for (vip, text, length) in [
        (v4, "255.255.255.0", 24),
        (v4, "24", 24),
        (v4, "255.255.255.255", 32),
        (v4, "128.0.0.0", 1),
        (v4, "1", 1),
        (v6, "64", 64),
        (v6, "128", 128),
    ] {
        assert_eq!(netmask_text(vip, text), Ok(length), "{text}");
    }
    for (vip, text, words) in [
        (v4, "33", "netmask 33 is outside 1 to 32, which the VIP 192.0.2.10 allows"),
        (v4, "0", "netmask 0 is outside 1 to 32 (IPv4) or 128"),
        (v4, "0.0.0.0", "netmask 0 is outside 1 to 32"),
        (v4, "255.0.255.0", "netmask 255.0.255.0 is not of ones and then zeros"),
        (v4, "0.0.0.255", "is not of ones and then zeros"),
        (v6, "129", "netmask 129 is outside 1 to 32 (IPv4) or 128 (IPv6)"),
        (v6, "255.255.255.0", "is IPv4 and the VIP 2001:db8::10 is IPv6: give a prefix length"),
        (v4, "/24", "\"/24\" is not understood"),
        (v4, "-1", "\"-1\" is not understood"),
        (v4, "", "\"\" is not understood"),
        (v4, &"9".repeat(60), "is outside 1 to 32"),
    ] {
        assert!(said(netmask_text(vip, text)).contains(words), "{text}: {words}");
    }
}

#[test]
fn prefixes_without_bits_behind_their_length() {
    for (text, expected) in [
        ("198.51.100.0/24", "198.51.100.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("198.51.100.7", "198.51.100.7/32"),
        ("2001:db8:1::/48", "2001:db8:1::/48"),
        ("2001:db8::7", "2001:db8::7/128"),
    ] {
        assert_eq!(prefix(text).unwrap().to_string(), expected);
    }
    let meant = "198.51.100.7/24 has bits behind its prefix length: write 198.51.100.0/24";
    assert!(said(prefix("198.51.100.7/24")).starts_with(meant));
    assert!(said(prefix("2001:db8::1/64")).contains("write 2001:db8::/64"));
    for text in ["", "198.51.100.0/33", "198.51.100/24", "all", "198.51.100.0/-1", "none"] {
        assert!(said(prefix(text)).contains("is not a prefix"), "{text}");
    }
}
