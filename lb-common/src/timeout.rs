//! How long a connection is remembered.

use crate::key::Protocol;
use crate::value::{Connection, Ticks, connection_state as state, ticks_from_secs};

/// How long the entries of a service outlive their last packets, by state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct Timeouts {
    /// TCP: only SYNs were seen.
    pub syn: Ticks,
    /// TCP established, and UDP.
    pub idle: Ticks,
    /// TCP: a FIN was seen.
    pub fin: Ticks,
    /// TCP: a RST was seen.
    pub closed: Ticks,
}

/// Seconds that an entry with nothing but a SYN is kept, unless told otherwise: as IPVS does
/// (`tcp_timeouts` in the kernel's `ip_vs_proto_tcp.c`).
pub const DEFAULT_SYN_SECS: u32 = 60;
/// Seconds after a FIN, as IPVS does.
pub const DEFAULT_FIN_SECS: u32 = 120;
/// Seconds after a RST, as IPVS does.
pub const DEFAULT_CLOSED_SECS: u32 = 10;

impl Timeouts {
    /// The defaults of a service with this idle timeout. No state outlives that.
    pub const fn with_idle(idle: Ticks) -> Self {
        Self {
            syn: least(ticks_from_secs(DEFAULT_SYN_SECS), idle),
            idle,
            fin: least(ticks_from_secs(DEFAULT_FIN_SECS), idle),
            closed: least(ticks_from_secs(DEFAULT_CLOSED_SECS), idle),
        }
    }

    /// How long an entry in this state outlives its last packet.
    #[inline(always)]
    pub const fn after(&self, connection_state: u32) -> Ticks {
        match connection_state {
            state::SYN_RECEIVED => self.syn,
            state::FIN_WAIT => self.fin,
            state::CLOSED => self.closed,
            _ => self.idle,
        }
    }

    /// The longest of them.
    pub const fn longest(&self) -> Ticks {
        most(most(self.syn, self.idle), most(self.fin, self.closed))
    }
}

const fn least(a: Ticks, b: Ticks) -> Ticks {
    if a < b { a } else { b }
}

const fn most(a: Ticks, b: Ticks) -> Ticks {
    if a > b { a } else { b }
}

/// Since when something has not been seen.
///
/// Another CPU may have written a `seen` that is newer than our `now`: that is no age at all, not
/// one of nine years.
#[inline(always)]
pub const fn age(seen: Ticks, now: Ticks) -> Ticks {
    let age = now.wrapping_sub(seen);
    if age > Ticks::MAX / 2 { 0 } else { age }
}

/// How much of its time an entry has left; `None` where it has run out.
#[inline(always)]
pub const fn left(connection: &Connection, timeouts: &Timeouts, now: Ticks) -> Option<Ticks> {
    timeouts.after(connection.state).checked_sub(age(connection.seen, now))
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

    const TIMEOUTS: Timeouts = Timeouts { syn: 10, idle: 5000, fin: 700, closed: 30 };

    #[test]
    fn entries_expire_after_their_timeout_and_not_before() {
        let all = [(state::SYN_RECEIVED, 10), (state::ESTABLISHED, 5000), (state::FIN_WAIT, 700)];
        for (each, after) in all.into_iter().chain([(state::CLOSED, 30), (state::UDP, 5000)]) {
            let entry = Connection { seen: 9000, state: each, ..Connection::default() };
            assert_eq!(left(&entry, &TIMEOUTS, 9000), Some(after));
            assert_eq!(left(&entry, &TIMEOUTS, 9000 + after), Some(0));
            assert_eq!(left(&entry, &TIMEOUTS, 9001 + after), None);
            let later = left(&entry, &TIMEOUTS, 8999);
            assert_eq!(later, Some(after), "seen by another CPU a moment later");
        }
    }

    #[test]
    fn by_default_no_state_outlives_the_idle_timeout() {
        assert_eq!(Timeouts::with_idle(7).longest(), 7);
        let long = Timeouts::with_idle(ticks_from_secs(900));
        assert_eq!(long.syn, ticks_from_secs(60));
        assert_eq!(long.longest(), long.idle);
    }

    #[test]
    fn the_clock_may_wrap() {
        let entry = Connection { seen: Ticks::MAX, state: state::CLOSED, ..Connection::default() };
        assert_eq!(left(&entry, &TIMEOUTS, 1), Some(28));
    }
}
