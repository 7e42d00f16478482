//! Tracked connections: their states as the client's packets show them, and whether an entry still
//! binds its flow to a real.

use lb_common::timeout;
use lb_common::value::{Connection, Real, Ticks, connection_state as state};

use crate::headers::tcp_flags;

/// The state of a connection that begins with this packet.
#[inline(always)]
pub const fn first_state(flags: Option<u8>) -> u32 {
    match flags {
        None => state::UDP,
        Some(flags) if opens(flags) => state::SYN_RECEIVED,
        Some(flags) => next_state(state::ESTABLISHED, Some(flags)),
    }
}

/// The state after this packet.
#[inline(always)]
pub const fn next_state(current: u32, flags: Option<u8>) -> u32 {
    let Some(flags) = flags else { return state::UDP };
    if flags & tcp_flags::RST != 0 {
        state::CLOSED
    } else if flags & tcp_flags::FIN != 0 {
        state::FIN_WAIT
    } else if current == state::SYN_RECEIVED && !opens(flags) {
        state::ESTABLISHED
    } else {
        current
    }
}

/// Whether a TCP packet asks for a new connection.
#[inline(always)]
pub const fn opens(flags: u8) -> bool {
    flags & (tcp_flags::SYN | tcp_flags::ACK | tcp_flags::RST) == tcp_flags::SYN
}

/// Whether a TCP packet says that its sender is done.
#[inline(always)]
pub const fn closes(flags: u8) -> bool {
    flags & (tcp_flags::FIN | tcp_flags::RST) != 0
}

/// Whether the entry still binds the flow of this packet to `real`.
///
/// A SYN over a closed connection is a new one from the same port. A SYN over a living one is a
/// retransmission and stays, unless its real no longer takes new connections.
#[inline(always)]
pub const fn binds(
    connection: &Connection,
    real: &Real,
    flags: Option<u8>,
    idle: Ticks,
    now: Ticks,
) -> bool {
    if connection.generation != real.generation
        || !real.forwards()
        || timeout::left(connection, idle, now).is_none()
    {
        return false;
    }
    match flags {
        Some(flags) if opens(flags) => {
            real.accepts_new()
                && connection.state != state::FIN_WAIT
                && connection.state != state::CLOSED
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_common::value::real_flags;
    use tcp_flags::{ACK, FIN, RST, SYN};

    fn real(flags: u32) -> Real {
        Real { generation: 7, flags, ..Real::default() }
    }

    fn connection(state: u32) -> Connection {
        Connection { real: 1, generation: 7, seen: 1000, state }
    }

    const IDLE: Ticks = 9000;
    const SERVING: u32 = real_flags::FORWARD | real_flags::ACCEPT_NEW;

    #[test]
    fn tcp_states_follow_the_client() {
        assert_eq!(first_state(Some(SYN)), state::SYN_RECEIVED);
        assert_eq!(first_state(Some(ACK)), state::ESTABLISHED);
        assert_eq!(first_state(Some(ACK | FIN)), state::FIN_WAIT);
        assert_eq!(first_state(None), state::UDP);
        assert_eq!(next_state(state::SYN_RECEIVED, Some(SYN)), state::SYN_RECEIVED);
        assert_eq!(next_state(state::SYN_RECEIVED, Some(ACK)), state::ESTABLISHED);
        assert_eq!(next_state(state::ESTABLISHED, Some(ACK | FIN)), state::FIN_WAIT);
        assert_eq!(next_state(state::FIN_WAIT, Some(ACK)), state::FIN_WAIT);
        assert_eq!(next_state(state::ESTABLISHED, Some(RST)), state::CLOSED);
        assert_eq!(next_state(state::UDP, None), state::UDP);
    }

    #[test]
    fn a_drained_real_keeps_its_connections_and_gets_no_new_ones() {
        let drained = real(real_flags::FORWARD);
        assert!(binds(&connection(state::ESTABLISHED), &drained, Some(ACK), IDLE, 1000));
        assert!(!binds(&connection(state::SYN_RECEIVED), &drained, Some(SYN), IDLE, 1000));
    }

    #[test]
    fn a_reused_or_unreachable_real_binds_nothing() {
        let mut other = real(SERVING);
        other.generation = 8;
        assert!(!binds(&connection(state::ESTABLISHED), &other, Some(ACK), IDLE, 1000));
        assert!(!binds(&connection(state::ESTABLISHED), &real(0), Some(ACK), IDLE, 1000));
    }

    #[test]
    fn an_expired_entry_binds_nothing() {
        let late = 1001 + IDLE;
        let serving = real(SERVING);
        assert!(binds(&connection(state::ESTABLISHED), &serving, Some(ACK), IDLE, late - 1));
        assert!(!binds(&connection(state::ESTABLISHED), &serving, Some(ACK), IDLE, late));
    }

    #[test]
    fn a_port_used_again_begins_a_new_connection() {
        let serving = real(SERVING);
        assert!(binds(&connection(state::SYN_RECEIVED), &serving, Some(SYN), IDLE, 1000));
        assert!(!binds(&connection(state::FIN_WAIT), &serving, Some(SYN), IDLE, 1000));
        assert!(!binds(&connection(state::CLOSED), &serving, Some(SYN), IDLE, 1000));
        assert!(binds(&connection(state::FIN_WAIT), &serving, Some(ACK), IDLE, 1000));
    }
}
