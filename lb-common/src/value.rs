//! Map values.

/// Index of a real in the reals table. Reals are per service, so two services that share a machine
/// have two of them. [`NO_REAL`] is never given out.
pub type RealId = u32;

/// The id that a zeroed ring slot holds: nobody.
pub const NO_REAL: RealId = 0;

/// A hardware address.
pub type Mac = [u8; 6];

/// Time in units of 2^26 ns (about 67 ms), so that the packet path shifts instead of dividing.
/// Wraps after nine years.
pub type Ticks = u32;

/// Nanoseconds are shifted right by this to give [`Ticks`].
pub const TICK_SHIFT: u32 = 26;

/// Whole seconds in [`Ticks`], rounded down.
pub const fn ticks_from_secs(seconds: u32) -> Ticks {
    ((seconds as u64 * 1_000_000_000) >> TICK_SHIFT) as Ticks
}

/// What a service's packets leave behind in the connection table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Tracking {
    /// Nothing but the flows that a change of the ring would move.
    #[default]
    Changes = 0,
    /// Every flow.
    Full = 1,
    /// Nothing: the hash alone decides, and a change of the ring moves flows.
    None = 2,
}

impl Tracking {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Changes, Self::Full, Self::None];

    /// The word used in definitions and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Full => "full",
            Self::None => "none",
        }
    }
}

const IDLE_BITS: u32 = 24;

/// The longest idle timeout: thirteen days.
pub const MAX_IDLE: Ticks = (1 << IDLE_BITS) - 1;

/// What the packet path knows of a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Service {
    /// Index of the service's ring and counters.
    pub id: u32,
    /// [`Tracking`] in the upper eight bits, the idle timeout in the others.
    tracking_idle: u32,
}

impl Service {
    /// A service that forgets a flow `idle` after its last packet, [`MAX_IDLE`] at most.
    pub const fn new(id: u32, tracking: Tracking, idle: Ticks) -> Self {
        let idle = if idle > MAX_IDLE { MAX_IDLE } else { idle };
        Self { id, tracking_idle: (tracking as u32) << IDLE_BITS | idle }
    }

    /// What is remembered of its flows.
    #[inline(always)]
    pub const fn tracking(self) -> Tracking {
        match self.tracking_idle >> IDLE_BITS {
            0 => Tracking::Changes,
            1 => Tracking::Full,
            _ => Tracking::None,
        }
    }

    /// How long an established or UDP flow outlives its last packet.
    #[inline(always)]
    pub const fn idle(self) -> Ticks {
        self.tracking_idle & MAX_IDLE
    }
}

/// One real server of one service. The first 24 bytes are what the packet path reads; the rest is
/// what a new daemon needs to recognise what an old one left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Real {
    /// The real's MAC: the first six bytes of every forwarded frame. Lies within the first aligned
    /// eight bytes, so that an update is never seen half done.
    pub destination: Mac,
    /// The director's own MAC on the interface towards the real: the next six.
    pub source: Mac,
    /// The interface towards the real.
    pub ifindex: u32,
    /// Raised each time the slot is given to another real, so that old connections do not match.
    pub generation: u32,
    /// See [`real_flags`].
    pub flags: u32,
    /// The service this real belongs to.
    pub service: u32,
    /// Always zero.
    pub pad: u32,
    /// The real's address; IPv4 in the first four bytes.
    pub address: [u8; 16],
}

/// Bits of [`Real::flags`].
pub mod real_flags {
    /// The MAC is known: packets may be sent to it.
    pub const FORWARD: u32 = 1;
    /// New connections may be given to it (its weight is not zero and it is not drained).
    pub const ACCEPT_NEW: u32 = 1 << 1;
    /// The slot is in use.
    pub const IN_USE: u32 = 1 << 2;
    /// [`super::Real::address`] is an IPv6 address.
    pub const IPV6: u32 = 1 << 3;
}

impl Real {
    /// Whether packets may be sent to it.
    #[inline(always)]
    pub const fn forwards(&self) -> bool {
        self.flags & real_flags::FORWARD != 0
    }

    /// Whether it takes new connections.
    #[inline(always)]
    pub const fn accepts_new(&self) -> bool {
        let needed = real_flags::FORWARD | real_flags::ACCEPT_NEW;
        self.flags & needed == needed
    }
}

/// Where a connection stands, as seen from the client's packets alone. Numbers, not an enum, cross
/// the map: a byte written by a later version must not be undefined behaviour here.
pub mod connection_state {
    /// TCP: a SYN was seen.
    pub const SYN_RECEIVED: u32 = 0;
    /// TCP: the client went on after its SYN, or was first seen in mid-connection.
    pub const ESTABLISHED: u32 = 1;
    /// TCP: the client sent a FIN.
    pub const FIN_WAIT: u32 = 2;
    /// TCP: the client sent a RST.
    pub const CLOSED: u32 = 3;
    /// UDP.
    pub const UDP: u32 = 4;
}

/// One tracked connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Connection {
    /// The real that owns it.
    pub real: RealId,
    /// The owner's generation when the connection was made.
    pub generation: u32,
    /// When its last packet was seen.
    pub seen: Ticks,
    /// See [`connection_state`].
    pub state: u32,
}

/// Counters of a service or a real, as IPVS counts: bytes are those of the IP packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Stats {
    /// Connections begun.
    pub connections: u64,
    /// Packets forwarded.
    pub packets: u64,
    /// Bytes forwarded, from the IP header on.
    pub bytes: u64,
    /// TCP packets with FIN or RST: the best sign of connections that ended where no table holds
    /// them.
    pub closes: u64,
}

impl core::ops::AddAssign for Stats {
    fn add_assign(&mut self, other: Self) {
        self.connections += other.connections;
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.closes += other.closes;
    }
}

const _: () = {
    assert!(size_of::<Service>() == 8);
    assert!(size_of::<Real>() == 48);
    assert!(core::mem::offset_of!(Real, source) == 6);
    assert!(size_of::<Connection>() == 16);
    assert!(size_of::<Stats>() == 32);
};
