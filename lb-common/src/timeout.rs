//! How long a connection is remembered.

use crate::value::{Connection, Ticks, connection_state as state, ticks_from_secs};

/// How long an entry outlives its last packet; the values are those of IPVS
/// (`tcp_timeouts` and `udp_timeouts` in the kernel's `ip_vs_proto_*.c`), where both have the state.
#[inline(always)]
pub const fn after(connection_state: u32) -> Ticks {
    match connection_state {
        state::SYN_RECEIVED => ticks_from_secs(60),
        state::FIN_WAIT => ticks_from_secs(120),
        state::CLOSED => ticks_from_secs(10),
        state::UDP => ticks_from_secs(300),
        _ => ticks_from_secs(900),
    }
}

/// How much of its time an entry has left; `None` where it has run out.
#[inline(always)]
pub const fn left(connection: &Connection, now: Ticks) -> Option<Ticks> {
    let age = now.wrapping_sub(connection.seen);
    // Another CPU may have written a `seen` that is newer than our `now`: that is no age at all,
    // not one of nine years.
    let age = if age > Ticks::MAX / 2 { 0 } else { age };
    after(connection.state).checked_sub(age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_expire_after_their_timeout_and_not_before() {
        for each in [state::SYN_RECEIVED, state::ESTABLISHED, state::FIN_WAIT, state::UDP] {
            let entry = Connection { seen: 1000, state: each, ..Connection::default() };
            assert_eq!(left(&entry, 1000), Some(after(each)));
            assert_eq!(left(&entry, 1000 + after(each)), Some(0));
            assert_eq!(left(&entry, 1001 + after(each)), None);
            assert_eq!(left(&entry, 999), Some(after(each)), "seen by another CPU a moment later");
        }
    }

    #[test]
    fn the_clock_may_wrap() {
        let entry = Connection { seen: Ticks::MAX, state: state::CLOSED, ..Connection::default() };
        assert_eq!(left(&entry, 1), Some(after(state::CLOSED) - 2));
    }
}
