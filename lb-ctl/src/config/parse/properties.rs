use proptest::prelude::*;

use super::*;
use crate::config::file::render;
use crate::config::samples::health::HEALTH;
use crate::config::samples::vrrp::VRRP;
use crate::config::samples::{TEXT, WHOLE, any_desired};

/// A valid text with one stretch of bytes replaced, cut to whole characters.
fn mutated() -> impl Strategy<Value = String> {
    let sources = prop_oneof![
        Just(TEXT.to_owned()),
        Just(WHOLE.to_owned()),
        Just(HEALTH.to_owned()),
        Just(VRRP.to_owned()),
        any_desired().prop_map(|d| render(&d))
    ];
    let junk = prop_oneof![
        "\\PC{0,8}",
        "[\\[\\]{}\",:0-9eE.\\\\-]{0,12}",
        Just("\"services\"".to_owned()),
        Just("null".to_owned()),
    ];
    (sources, any::<prop::sample::Index>(), 0..40_usize, junk).prop_map(|(text, at, len, junk)| {
        let chars: Vec<char> = text.chars().collect();
        let start = at.index(chars.len());
        let end = (start + len).min(chars.len());
        let part = |chars: &[char]| chars.iter().collect::<String>();
        part(&chars[..start]) + &junk + &part(&chars[end..])
    })
}

/// Whatever is refused is refused at a place that the text has, give or take its end.
fn place_is_in(text: &str, error: &DefinitionError) -> bool {
    text.split('\n')
        .nth(error.line.wrapping_sub(1))
        .is_some_and(|line| (1..=line.chars().count() + 1).contains(&error.column))
}

proptest! {
    #[test]
    fn never_panics_on_any_text(text in any::<String>()) {
        if let Err(error) = parse(&text) {
            prop_assert!(place_is_in(&text, &error), "{error} in {text:?}");
        }
    }

    #[test]
    fn never_panics_on_any_bytes(bytes in any::<Vec<u8>>()) {
        let _ = parse_bytes(&bytes);
    }

    #[test]
    fn never_panics_on_mutated_definitions(text in mutated()) {
        match parse(&text) {
            Ok(desired) => prop_assert_eq!(parse(&render(&desired)), Ok(desired)),
            Err(error) => prop_assert!(place_is_in(&text, &error), "{} in {:?}", error, text),
        }
    }

    #[test]
    fn what_is_written_is_what_is_read(desired in any_desired()) {
        let text = render(&desired);
        let read = parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&desired));
        // Maps compare without their order; the text has it.
        prop_assert_eq!(render(&read.unwrap()), text);
    }

    #[test]
    fn any_unknown_key_is_refused(key in "[a-z_é]{1,12}", object in 0..3_usize) {
        let known = ["interfaces", "services", "name", "protocol", "vip", "port", "scheduler",
            "tracking", "idle_timeout", "reals", "address", "weight", "drain", "hash", "persistence",
            "timeouts", "expire_nodest", "all_down", "allow", "deny", "sorry_server", "check",
            "inhibit_on_failure", "quorum", "hysteresis", "slow_start", "notify_up", "notify_down",
            "quorum_up", "quorum_down", "disable", "notify", "vrrp"];
        prop_assume!(!known.contains(&key.as_str()));
        let (anchor, path) = [
            ("\"interfaces\"", ""),
            ("\"name\"", "services[0]."),
            ("\"address\"", "services[0].reals[0]."),
        ][object];
        let text = TEXT.replacen(anchor, &format!("\"{key}\": 1, {anchor}"), 1);
        prop_assert_eq!(parse(&text).unwrap_err().path, format!("{path}{key}"));
    }
}
