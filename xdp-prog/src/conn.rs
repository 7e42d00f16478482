//! Tracked connections: their states as the client's packets show them, and whether an entry still
//! binds its flow to a real.

use lb_common::key::FlowKey;
use lb_common::timeout::{self, Timeouts};
use lb_common::value::{
    Connection, NextHop, RealId, Service, Ticks, connection_state as state, service_flags,
};

use crate::headers::tcp_flags;
use crate::tables::{ConnectionEntry, EntryOf, FamilyTables, Tables};

/// What a packet says of its connection: TCP's control bits, or that it is one of UDP, which says
/// nothing. A number and not an option: where the compiler may touch what is not there, the
/// verifier refuses the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Control(u32);

impl Control {
    /// A packet of UDP.
    pub const UDP: Self = Self(0x100);

    /// A packet of TCP with these bits.
    #[inline(always)]
    pub const fn tcp(bits: u8) -> Self {
        Self(bits as u32)
    }

    /// Whether it is a packet of UDP.
    #[inline(always)]
    pub const fn is_udp(self) -> bool {
        self.has(0x100)
    }

    /// Whether it asks for a new TCP connection.
    #[inline(always)]
    pub const fn opens(self) -> bool {
        let asked = tcp_flags::SYN | tcp_flags::ACK | tcp_flags::RST;
        self.0 & asked as u32 == tcp_flags::SYN as u32
    }

    /// Whether it says that its sender is done with a TCP connection.
    #[inline(always)]
    pub const fn closes(self) -> bool {
        self.has((tcp_flags::FIN | tcp_flags::RST) as u32)
    }

    #[inline(always)]
    const fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }
}

/// The state of a connection that begins with this packet.
#[inline(always)]
pub const fn first_state(control: Control) -> u32 {
    if control.is_udp() {
        state::UDP
    } else if control.opens() {
        state::SYN_RECEIVED
    } else {
        next_state(state::ESTABLISHED, control)
    }
}

/// The state after this packet.
#[inline(always)]
pub const fn next_state(current: u32, control: Control) -> u32 {
    if control.is_udp() {
        state::UDP
    } else if control.has(tcp_flags::RST as u32) {
        state::CLOSED
    } else if control.has(tcp_flags::FIN as u32) {
        state::FIN_WAIT
    } else if current == state::SYN_RECEIVED && !control.opens() {
        state::ESTABLISHED
    } else {
        current
    }
}

/// Whether the entry still binds the flow of this packet to `real`.
///
/// A SYN over a closed connection is a new one from the same port. A SYN over a living one is a
/// retransmission and stays, unless its real no longer takes new connections.
#[inline(always)]
pub const fn binds(
    connection: &Connection,
    real: &NextHop,
    control: Control,
    timeouts: &Timeouts,
    now: Ticks,
) -> bool {
    if connection.generation != real.generation
        || !real.forwards()
        || timeout::left(connection, timeouts, now).is_none()
    {
        return false;
    }
    !control.opens()
        || (real.accepts_new()
            && connection.state != state::FIN_WAIT
            && connection.state != state::CLOSED)
}

/// What binds a flow to a real: the entry, what it says, and the real.
pub type Bond<T, A> = (EntryOf<T, A>, Connection, (NextHop, <T as Tables>::Counter));

/// What binds the flow of this packet to a real.
#[inline(always)]
pub fn bound<A, T>(
    tables: &T,
    flow: &FlowKey<A>,
    control: Control,
    timeouts: &Timeouts,
    now: Ticks,
) -> Option<Bond<T, A>>
where
    T: Tables + FamilyTables<A> + ?Sized,
{
    let entry = tables.connection(flow)?;
    let connection = entry.get();
    let real = tables.real(connection.real)?;
    if binds(&connection, &real.0, control, timeouts, now) {
        Some((entry, connection, real))
    } else {
        None
    }
}

/// Whether the flow of this packet is a connection from before, whose real is gone.
#[inline(always)]
pub fn is_orphan<A, T>(
    tables: &T,
    flow: &FlowKey<A>,
    control: Control,
    timeouts: &Timeouts,
    now: Ticks,
) -> bool
where
    T: Tables + FamilyTables<A> + ?Sized,
{
    if control.opens() {
        return false;
    }
    let Some(entry) = tables.connection(flow) else { return false };
    timeout::left(&entry.get(), timeouts, now).is_some()
}

/// Notes in an entry that a packet of its connection came.
#[inline(always)]
pub fn refresh<T: Tables + ?Sized, E: ConnectionEntry>(
    tables: &T,
    service: Service,
    entry: &E,
    before: &Connection,
    control: Control,
    now: Ticks,
) {
    let state = next_state(before.state, control);
    // A cache line that is not written stays shared between the CPUs.
    if before.seen != now || before.state != state {
        entry.touch(now, state);
    }
    if before.state != state {
        count_load(tables, service, before.real, Some(before.state), state);
    }
}

/// Counts a connection of a real that goes from one state to another, or begins, where the
/// service's scheduler asks for that.
#[inline(always)]
pub fn count_load<T: Tables + ?Sized>(
    tables: &T,
    service: Service,
    real: RealId,
    before: Option<u32>,
    after: u32,
) {
    if !service.has(service_flags::COUNTS_LOAD) {
        return;
    }
    let was_active = before.is_some_and(state::is_active);
    let was_inactive = before.is_some_and(|before| !state::is_active(before));
    let is_active = state::is_active(after);
    if was_active != is_active || before.is_none() {
        let active = i32::from(is_active) - i32::from(was_active);
        let inactive = i32::from(!is_active) - i32::from(was_inactive);
        tables.count_load(real, active, inactive);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_common::value::real_flags;
    use tcp_flags::{ACK, FIN, RST, SYN};

    fn real(flags: u32) -> NextHop {
        NextHop { generation: 7, flags, ..NextHop::default() }
    }

    fn connection(state: u32) -> Connection {
        Connection { real: 1, generation: 7, seen: 1000, state }
    }

    const IDLE: Ticks = 9000;
    const TIMEOUTS: Timeouts = Timeouts::with_idle(IDLE);
    const SERVING: u32 = real_flags::FORWARD | real_flags::ACCEPT_NEW;

    #[test]
    fn tcp_states_follow_the_client() {
        assert_eq!(first_state(Control::tcp(SYN)), state::SYN_RECEIVED);
        assert_eq!(first_state(Control::tcp(ACK)), state::ESTABLISHED);
        assert_eq!(first_state(Control::tcp(ACK | FIN)), state::FIN_WAIT);
        assert_eq!(first_state(Control::UDP), state::UDP);
        assert_eq!(next_state(state::SYN_RECEIVED, Control::tcp(SYN)), state::SYN_RECEIVED);
        assert_eq!(next_state(state::SYN_RECEIVED, Control::tcp(ACK)), state::ESTABLISHED);
        assert_eq!(next_state(state::ESTABLISHED, Control::tcp(ACK | FIN)), state::FIN_WAIT);
        assert_eq!(next_state(state::FIN_WAIT, Control::tcp(ACK)), state::FIN_WAIT);
        assert_eq!(next_state(state::ESTABLISHED, Control::tcp(RST)), state::CLOSED);
        assert_eq!(next_state(state::UDP, Control::UDP), state::UDP);
    }

    #[test]
    fn a_drained_real_keeps_its_connections_and_gets_no_new_ones() {
        let drained = real(real_flags::FORWARD);
        assert!(binds(
            &connection(state::ESTABLISHED),
            &drained,
            Control::tcp(ACK),
            &TIMEOUTS,
            1000
        ));
        assert!(!binds(
            &connection(state::SYN_RECEIVED),
            &drained,
            Control::tcp(SYN),
            &TIMEOUTS,
            1000
        ));
    }

    #[test]
    fn a_reused_or_unreachable_real_binds_nothing() {
        let mut other = real(SERVING);
        other.generation = 8;
        assert!(!binds(
            &connection(state::ESTABLISHED),
            &other,
            Control::tcp(ACK),
            &TIMEOUTS,
            1000
        ));
        assert!(!binds(
            &connection(state::ESTABLISHED),
            &real(0),
            Control::tcp(ACK),
            &TIMEOUTS,
            1000
        ));
    }

    #[test]
    fn an_expired_entry_binds_nothing() {
        let late = 1001 + IDLE;
        let serving = real(SERVING);
        assert!(binds(
            &connection(state::ESTABLISHED),
            &serving,
            Control::tcp(ACK),
            &TIMEOUTS,
            late - 1
        ));
        assert!(!binds(
            &connection(state::ESTABLISHED),
            &serving,
            Control::tcp(ACK),
            &TIMEOUTS,
            late
        ));
    }

    #[test]
    fn a_port_used_again_begins_a_new_connection() {
        let serving = real(SERVING);
        assert!(binds(
            &connection(state::SYN_RECEIVED),
            &serving,
            Control::tcp(SYN),
            &TIMEOUTS,
            1000
        ));
        assert!(!binds(&connection(state::FIN_WAIT), &serving, Control::tcp(SYN), &TIMEOUTS, 1000));
        assert!(!binds(&connection(state::CLOSED), &serving, Control::tcp(SYN), &TIMEOUTS, 1000));
        assert!(binds(&connection(state::FIN_WAIT), &serving, Control::tcp(ACK), &TIMEOUTS, 1000));
    }
}
