//! How long a connection is remembered.

use crate::key::Protocol;
use crate::value::{Connection, Ticks, connection_state as state, ticks_from_secs};

/// How long an entry of a service with this idle timeout outlives its last packet. What has no
/// time of its own here has that; the others are those of IPVS (`tcp_timeouts` in the kernel's
/// `ip_vs_proto_tcp.c`), where it has the state.
#[inline(always)]
pub const fn after(connection_state: u32, idle: Ticks) -> Ticks {
    let own = match connection_state {
        state::SYN_RECEIVED => ticks_from_secs(60),
        state::FIN_WAIT => ticks_from_secs(120),
        state::CLOSED => ticks_from_secs(10),
        _ => idle,
    };
    if own < idle { own } else { idle }
}

/// How much of its time an entry has left; `None` where it has run out.
#[inline(always)]
pub const fn left(connection: &Connection, idle: Ticks, now: Ticks) -> Option<Ticks> {
    let age = now.wrapping_sub(connection.seen);
    // Another CPU may have written a `seen` that is newer than our `now`: that is no age at all,
    // not one of nine years.
    let age = if age > Ticks::MAX / 2 { 0 } else { age };
    after(connection.state, idle).checked_sub(age)
}

/// The idle timeout of a service for which none is given, in seconds.
pub const fn default_idle_secs(protocol: Protocol) -> u32 {
    match protocol {
        Protocol::Tcp => 900,
        Protocol::Udp => 60,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Ticks = 5000;

    #[test]
    fn entries_expire_after_their_timeout_and_not_before() {
        for each in [state::SYN_RECEIVED, state::ESTABLISHED, state::FIN_WAIT, state::UDP] {
            let entry = Connection { seen: 9000, state: each, ..Connection::default() };
            let after = after(each, IDLE);
            assert_eq!(left(&entry, IDLE, 9000), Some(after));
            assert_eq!(left(&entry, IDLE, 9000 + after), Some(0));
            assert_eq!(left(&entry, IDLE, 9001 + after), None);
            assert_eq!(left(&entry, IDLE, 8999), Some(after), "seen by another CPU a moment later");
        }
    }

    #[test]
    fn no_state_outlives_the_idle_timeout() {
        for each in 0..6 {
            assert!(after(each, 7) <= 7);
        }
    }

    #[test]
    fn the_clock_may_wrap() {
        let entry = Connection { seen: Ticks::MAX, state: state::CLOSED, ..Connection::default() };
        assert_eq!(left(&entry, IDLE, 1), Some(after(state::CLOSED, IDLE) - 2));
    }
}
