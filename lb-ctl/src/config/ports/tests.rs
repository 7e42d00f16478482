//! How ports are written and compared.

use proptest::prelude::*;
use serde_json::{from_value, json};

use super::*;

fn range(first: u16, last: u16) -> Ports {
    Ports::range(first, last).unwrap()
}

#[test]
fn one_port_a_range_and_any() {
    assert_eq!(Ports::from(80).single(), Some(80));
    assert_eq!(range(80, 80), Ports::one(80));
    assert_eq!(range(8000, 8100).single(), None);
    assert_eq!((range(8000, 8100).first(), range(8000, 8100).last()), (8000, 8100));
    assert_eq!((Ports::ANY.single(), Ports::ANY.first(), Ports::ANY.last()), (None, 0, 0));
    assert_eq!(Ports::one(0), Ports::ANY);
    for (first, last) in [(0, 5), (0, 0), (81, 80)] {
        assert_eq!(Ports::range(first, last), None, "{first}-{last}");
    }
    assert!(Ports::ANY.is_any() && !Ports::one(1).is_any());
}

#[test]
fn what_is_contained_and_what_overlaps() {
    let some = range(8000, 8100);
    assert!(some.contains(8000) && some.contains(8100) && Ports::ANY.contains(1));
    assert!(!some.contains(7999) && !some.contains(8101));
    for (other, expected) in [
        (Ports::one(7999), false),
        (Ports::one(8000), true),
        (Ports::one(8101), false),
        (range(1, 8000), true),
        (range(8001, 8002), true),
        (range(8101, 9000), false),
        (some, true),
        (Ports::ANY, false),
    ] {
        assert_eq!(some.overlaps(&other), expected, "{other}");
        assert_eq!(other.overlaps(&some), expected, "{other}");
    }
    assert!(!Ports::ANY.overlaps(&Ports::ANY));
}

#[test]
fn what_is_typed() {
    for (text, expected) in [
        ("80", Ports::one(80)),
        ("0", Ports::ANY),
        ("8000-8100", range(8000, 8100)),
        ("80-80", Ports::one(80)),
        ("1-65535", range(1, 65535)),
    ] {
        assert_eq!(text.parse(), Ok(expected));
    }
    for (text, words) in [
        ("", "neither a port nor a range"),
        ("-", "neither a port nor a range"),
        ("80-", "neither a port nor a range"),
        ("-80", "neither a port nor a range"),
        ("+80", "neither a port nor a range"),
        ("80-81-82", "neither a port nor a range"),
        ("80 - 81", "neither a port nor a range"),
        ("http", "write 80, 8000-8100, or 0 for any port"),
        ("65536", "port 65536 is outside 1 to 65535"),
        ("80-65536", "port 65536 is outside 1 to 65535"),
        ("99999999999999999999999999999999999999999999", "is outside 1 to 65535"),
        ("8100-8000", "the range of ports 8100-8000 is empty: write \"8000-8100\""),
        ("0-80", "contains port 0: begin it at 1"),
        ("0-0", "contains port 0"),
        ("80-0", "contains port 0"),
    ] {
        let error = text.parse::<Ports>().unwrap_err().to_string();
        assert!(error.contains(words), "{text:?}: {error}");
    }
}

#[test]
fn beside_an_address() {
    let [v4, v6] = ["192.0.2.10", "2001:db8::10"].map(|text| text.parse().unwrap());
    assert_eq!(Ports::one(80).at(v4), "192.0.2.10:80");
    assert_eq!(range(8000, 8100).at(v4), "192.0.2.10:8000-8100");
    assert_eq!(range(8000, 8100).at(v6), "[2001:db8::10]:8000-8100");
    assert_eq!(Ports::ANY.at(v6), "[2001:db8::10]:0");
}

#[test]
fn as_json_a_number_or_a_string() {
    assert_eq!(json!(Ports::one(80)), json!(80));
    assert_eq!(json!(Ports::ANY), json!(0));
    assert_eq!(json!(range(8000, 8100)), json!("8000-8100"));
    assert_eq!(from_value::<Ports>(json!("80-80")).unwrap(), Ports::one(80));
    for (value, words) in [
        (json!(-1), "port -1 is outside 1 to 65535"),
        (json!(65536), "port 65536 is outside 1 to 65535"),
        (json!("80"), "write 80 without quotes"),
        (json!("0"), "write 0 without quotes"),
        (json!("8100-8000"), "write \"8000-8100\""),
        (json!(1.5), "expected a port from 1 to 65535, 0 for any port, or a range"),
        (json!(null), "expected a port from 1 to 65535"),
        (json!([1, 2]), "expected a port from 1 to 65535"),
    ] {
        let error = from_value::<Ports>(value.clone()).unwrap_err().to_string();
        assert!(error.contains(words), "{value}: {error}");
    }
}

proptest! {
    #[test]
    fn what_is_written_can_be_read(first: u16, length: u16) {
        let ports = Ports::range(first, first.saturating_add(length)).unwrap_or(Ports::ANY);
        prop_assert_eq!(ports.to_string().parse(), Ok(ports));
        prop_assert_eq!(from_value::<Ports>(json!(ports)).unwrap(), ports);
    }

    #[test]
    fn two_overlap_where_a_port_is_in_both(a: u16, b: u16, c: u16, d: u16) {
        let range = |a: u16, b: u16| Ports::range(a.min(b).max(1), a.max(b).max(1)).unwrap();
        let (one, other) = (range(a, b), range(c, d));
        let both = [one.first(), other.first()].iter().any(|p| one.contains(*p) && other.contains(*p));
        prop_assert_eq!(one.overlaps(&other), both);
    }
}
