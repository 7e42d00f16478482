use super::*;
use crate::config::samples::{TEXT, desired};

fn refused(text: &str) -> DefinitionError {
    parse(text).expect_err(text)
}

/// Refuses [`TEXT`] with `from` replaced by `to`, and says how.
fn with(from: &str, to: &str) -> String {
    assert!(TEXT.contains(from), "{from}");
    refused(&TEXT.replacen(from, to, 1)).to_string()
}

#[test]
fn reads_a_definition() {
    assert_eq!(parse(TEXT), Ok(desired()));
    assert_eq!(parse("{}"), Ok(Desired::default()));
    assert_eq!(parse_bytes(TEXT.as_bytes()), Ok(desired()));
}

/// [`TEXT`] with `from` replaced by `to` is refused with a message that begins with `expected`.
#[track_caller]
fn points_at(from: &str, to: &str, expected: &str) {
    let message = with(from, to);
    assert!(message.starts_with(expected), "{message}\nis not\n{expected}");
}

#[test]
fn points_at_bad_numbers() {
    let weight = |to, expected: &str| {
        let place = "line 6, column 55 (services[0].reals[1].weight): ";
        points_at("weight\": 2", to, &format!("{place}{expected}"));
    };
    weight("weight\": 70000", "weight 70000 is above 65535");
    weight("weight\": -1", "weight -1 is below 0");
    let expects = "expected a weight, a whole number from 0 to 65535";
    weight("weight\": 1.5", &format!("invalid type: floating point `1.5`, {expects}"));
    let port = |to, expected: &str| {
        let place = "line 4, column 70 (services[0].port): ";
        points_at("\"port\": 80", to, &format!("{place}{expected}"));
    };
    port("\"port\": -1", "port -1 is outside 1 to 65535");
    port("\"port\": \"8100-8000\"", "the range of ports 8100-8000 is empty");
    port("\"port\": 65536", "port 65536 is outside 1 to 65535");
    port("\"port\": \"80\"", "a single port is a number: write 80 without quotes");
    port("\"port\": 99999999999999999999", "invalid type: floating point");
}

#[test]
fn points_at_bad_addresses() {
    let vip = |to, expected: &str| {
        let place = "line 4, column 48 (services[0].vip): ";
        points_at("\"192.0.2.10\"", to, &format!("{place}{expected}"));
    };
    vip("\"192.0.2.300\"", "VIP \"192.0.2.300\" is not an IPv4 or IPv6 address");
    vip("\"224.0.0.1\"", "VIP 224.0.0.1 is a multicast address");
    points_at(
        "\"192.0.2.21\"",
        "\"192.0.2.10\"",
        "line 5, column 31 (services[0].reals[0].address): real 192.0.2.10 is the VIP of its own",
    );
    points_at(
        "\"192.0.2.21\"",
        "\"2001:db8::21\"",
        "line 5, column 31 (services[0].reals[0].address): real 2001:db8::21 is IPv6 and its VIP",
    );
    points_at(
        "\"192.0.2.22\"",
        "\"192.0.2.21\"",
        "line 6, column 31 (services[0].reals[1].address): real 192.0.2.21 stands at reals[0] of",
    );
}

#[test]
fn points_at_a_real_that_is_the_vip_of_another_service() {
    points_at(
        "\"2001:db8::10\", \"port\": 53,\n      \"reals\": [ { \"address\": \"2001:db8::21\" } ]",
        "\"192.0.2.22\", \"port\": 53",
        "line 6, column 31 (services[0].reals[1].address): 192.0.2.22 is a real of service tcp \
         192.0.2.10:80 and the VIP of service udp 192.0.2.22:53",
    );
}

#[test]
fn points_at_bad_words() {
    let interface = "line 2, column 26 (interfaces[1]): interface ";
    points_at("\"eth1\"", "\"eth0\"", &format!("{interface}eth0 stands at interfaces[0] already"));
    points_at("\"eth1\"", "\"a name\"", &format!("{interface}name \"a name\" has blanks"));
    let name = "line 4, column 15 (services[0].name): ";
    points_at("\"web\"", "\"\"", &format!("{name}service name \"\" is empty"));
    let protocol = "line 4, column 34 (services[0].protocol): ";
    points_at("\"tcp\"", "\"sctp\"", &format!("{protocol}protocol \"sctp\" is unknown"));
    let map = format!("{protocol}invalid type: map, expected a string");
    points_at("\"tcp\"", "{\"tcp\": null}", &map);
    let scheduler = "line 4, column 87 (services[0].scheduler): ";
    points_at("\"mh\"", "\"best\"", &format!("{scheduler}scheduler \"best\" is unknown"));
    let drain = "line 6, column 67 (services[0].reals[1].drain): ";
    let number = format!("{drain}invalid type: integer `1`, expected a boolean");
    points_at("\"drain\": true", "\"drain\": 1", &number);
}

#[test]
fn points_at_bad_tracking_and_idle_timeouts() {
    let tracking = "line 4, column 105 (services[0].tracking): ";
    let words = "tracking \"most\" is unknown: use \"changes\", \"full\" or \"none\"";
    points_at("\"full\"", "\"most\"", &format!("{tracking}{words}"));
    let idle = |to, expected: &str| {
        let place = "line 4, column 129 (services[0].idle_timeout): ";
        points_at("\"5m\"", to, &format!("{place}{expected}"));
    };
    idle("\"500ms\"", "idle timeout \"500ms\" is not in whole seconds");
    idle("\"300\"", "idle timeout \"300\" has no unit: write \"300s\"");
    idle("\"soon\"", "idle timeout \"soon\" is not a duration: write it like \"900s\"");
    idle("\"0s\"", "idle timeout 0s is outside 1s to 1123200s (13 days)");
    idle("\"14d\"", "idle timeout 1209600s is outside 1s to 1123200s (13 days)");
    let expects = "expected a duration like \"900s\", \"15m\" or \"1h\"";
    idle("300", &format!("invalid type: integer `300`, {expects}"));
    idle("null", &format!("invalid type: null, {expects}"));
}

#[test]
fn idle_timeouts_are_those_of_the_protocol_unless_given() {
    let idle = |protocol: &str, more: &str| {
        let service =
            format!(r#"{{"protocol": "{protocol}", "vip": "192.0.2.10", "port": 80{more}}}"#);
        let desired = parse(&format!("{{\"services\": [{service}]}}")).unwrap();
        desired.services[0].idle_timeout
    };
    assert_eq!((idle("tcp", ""), idle("udp", "")), (900, 60));
    for (text, seconds) in [("1s", 1), ("15m", 900), ("1h", 3600), ("13d", 1_123_200)] {
        assert_eq!(idle("udp", &format!(r#", "idle_timeout": "{text}""#)), seconds);
    }
}

#[test]
fn points_at_unknown_missing_and_repeated_keys() {
    let real = "line 6, column 58 (services[0].reals[1].";
    let unknown = "drian): unknown field `drian`, expected one of `address`, `weight`, `drain`,";
    points_at("\"drain\": true", "\"drian\": true", &format!("{real}{unknown}"));
    points_at("\"drain\": true", "\"drian\":true", &format!("{real}{unknown}"));
    let again = "weight): the key `weight` stands here a second time";
    points_at("\"drain\": true", "\"weight\": 2", &format!("{real}{again}"));
    points_at(
        "\"interfaces\"",
        "\"interface\"",
        "line 2, column 3 (interface): unknown field `interface`, expected one of `interfaces`,",
    );
    points_at(
        "\"protocol\": \"udp\", ",
        "",
        "line 7, column 5 (services[1]): missing field `protocol`",
    );
    points_at(
        "\"port\": 80",
        "\"port\": 80, \"port\": 81",
        "line 4, column 74 (services[0].port): the key `port` stands here a second time",
    );
}

#[test]
fn an_array_is_no_object() {
    points_at(
        "{ \"address\": \"2001:db8::21\" }",
        "[\"2001:db8::21\", 1, false]",
        "line 8, column 18 (services[1].reals[0]): invalid type: sequence, expected an object",
    );
    let error = refused("[[], []]").to_string();
    assert!(error.starts_with("line 1, column 1: invalid type: sequence"), "{error}");
}

#[test]
fn points_at_faults_of_syntax() {
    for (text, expected) in [
        (
            "{\n  \"interfaces\": [\"é\" 1]\n}",
            "line 2, column 22 (interfaces): expected `,` or `]`",
        ),
        ("{} x", "line 1, column 4: trailing characters"),
        ("{\"services\": [", "line 1, column 14 (services): EOF while parsing a list"),
        ("{\n", "line 2, column 1: EOF while parsing an object"),
        ("", "line 1, column 1: the file is empty"),
        (" \n\t\n", "line 1, column 1: the file is empty"),
        ("\u{feff}{}", "line 1, column 1: the file begins with a byte order mark"),
    ] {
        let message = refused(text).to_string();
        assert!(message.starts_with(expected), "{message}\nis not\n{expected}");
    }
    let error = parse_bytes(b"{\n  \"\xc3\xa9\": \"\xff\"").unwrap_err();
    assert_eq!((error.line, error.column), (2, 9));
    assert!(error.message.contains("UTF-8"), "{error}");
}

#[test]
fn a_fault_before_a_fault_of_syntax_still_has_a_place() {
    let error = refused("{\n \"interface\": [}");
    assert_eq!((error.line, error.path.as_str()), (2, "interface"));
}

#[test]
fn services_and_names_are_unique() {
    let web = r#"{"protocol": "tcp", "vip": "192.0.2.10", "port": 80"#;
    let dns = r#"{"protocol": "udp", "vip": "192.0.2.10", "port": 80"#;
    let list = |a: &str, b: &str| format!("{{\"services\": [\n{a}}},\n{b}}}\n]}}");
    assert!(parse(&list(web, dns)).is_ok());
    let error = refused(&list(web, web)).to_string();
    let expected =
        "line 3, column 1 (services[1]): service tcp 192.0.2.10:80 stands at services[0]";
    assert!(error.starts_with(expected), "{error}");
    let named = |text: &str| format!("{text}, \"name\": \"a\"");
    let error = refused(&list(&named(web), &named(dns)));
    assert_eq!((error.line, error.path.as_str()), (3, "services[1].name"));
    assert!(error.message.contains("belongs to service tcp 192.0.2.10:80"), "{error}");
}

#[test]
fn one_service_in_two_spellings_is_a_duplicate() {
    let service = |vip| format!(r#"{{"protocol": "tcp", "vip": "{vip}", "port": 80}}"#);
    let text =
        format!(r#"{{"services": [{}, {}]}}"#, service("2001:db8::1"), service("2001:DB8:0::0:1"));
    assert_eq!(refused(&text).path, "services[1]");
}

#[test]
fn a_message_cannot_steer_the_terminal() {
    let error = refused("{\"\\u001b[2J\": 1}").to_string();
    assert!(!error.contains('\u{1b}'), "{error:?}");
    assert!(error.contains("unknown field"), "{error}");
}

#[test]
fn nesting_does_not_exhaust_the_stack() {
    let deep = "[".repeat(200_000);
    refused(&deep);
    refused(&format!("{{\"services\": {deep}{}}}", "]".repeat(200_000)));
    refused(&format!("{{\"unknown\": {deep}{}}}", "]".repeat(200_000)));
}
