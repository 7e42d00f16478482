//! Whatever another director, or somebody else, sends: no panic; what is read can be written in one
//! way only; and nothing is taken that nobody with the key wrote.
#![no_main]

use std::sync::LazyLock;
use std::time::Instant;

use lb_ctl::sync::packet::{self, Body, Key, MAX_LENGTH};
use lb_ctl::sync::session::Sessions;
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<Key> = LazyLock::new(|| Key::new("what both of the directors know"));

fuzz_target!(|bytes: &[u8]| {
    assert!(packet::open(&KEY, bytes).is_err(), "it is authentic by chance");
    let Ok(datagram) = packet::parse(bytes) else { return };
    let header = datagram.header;
    let again = match &datagram.body {
        Body::Hello => packet::hello(&KEY, header),
        Body::Ask => packet::ask(&KEY, header),
        Body::Entries(entries) => {
            entries.iter().for_each(|entry| assert!(entry.flow().is_some()));
            packet::telling(&KEY, header, entries)
        }
    };
    assert!(again.starts_with(bytes));
    if again.len() <= MAX_LENGTH {
        assert_eq!(packet::open(&KEY, &again).as_ref(), Ok(&datagram));
    }
    let peer = ([192, 0, 2, 1], 8475).into();
    let mut sessions = Sessions::new(1000, [peer]);
    let _ = sessions.accept(peer, &datagram, Instant::now());
    let _ = sessions.header(peer);
});
