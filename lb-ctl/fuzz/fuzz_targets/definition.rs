//! Whatever bytes a definition file holds: no panic, a fault lies within the text, and what is
//! accepted is the same after it was written back.
#![no_main]

use lb_ctl::config::parse::parse_bytes;
use lb_ctl::config::{parse, render};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match parse_bytes(bytes) {
    Ok(desired) => {
        let again = parse(&render(&desired)).expect("what is written back can be read");
        assert_eq!(again, desired);
    }
    Err(fault) => {
        let lines = String::from_utf8_lossy(bytes).lines().count().max(1);
        assert!(fault.line >= 1 && fault.line <= lines + 1, "{fault}");
    }
});
