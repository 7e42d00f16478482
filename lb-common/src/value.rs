//! Map values.

use crate::vlan::Tags;

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

/// The longest timeout: thirteen days, from which the clock's wrapping is far away.
pub const MAX_IDLE: Ticks = (1 << 24) - 1;

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

/// What every packet of a service finds of it, in one word beside the id. What fewer packets need
/// stands in its [`crate::details::Details`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Service {
    /// Index of the service's ring, details and counters.
    pub id: u32,
    /// [`Tracking`] in the lowest two bits, and [`service_flags`].
    word: u32,
}

/// Bits of [`Service`].
pub mod service_flags {
    /// The ring is asked by the client's address alone.
    pub const HASH_SOURCE: u32 = 1 << 2;
    /// What no table binds to a real takes the long way: the service has a scheduler that is no
    /// hash, persistence, or connections that outlive their real.
    pub const BINDS_LONG: u32 = 1 << 3;
    /// Every packet takes the long way: the service has source lists, or a real that is the
    /// director itself.
    pub const ALL_LONG: u32 = 1 << 4;
    /// Packets are passed on, not dropped, while no real can take them.
    pub const PASS_WHEN_DOWN: u32 = 1 << 5;
    /// Its scheduler asks how many connections each real has.
    pub const COUNTS_LOAD: u32 = 1 << 6;
}

const TRACKING: u32 = 0b11;

impl Service {
    /// A service with these [`service_flags`].
    pub const fn new(id: u32, tracking: Tracking, flags: u32) -> Self {
        Self { id, word: tracking as u32 | flags & !TRACKING }
    }

    /// The service as one number.
    #[inline(always)]
    pub const fn to_bits(self) -> u64 {
        (self.word as u64) << 32 | self.id as u64
    }

    /// The service of a number that [`Self::to_bits`] gave.
    #[inline(always)]
    pub const fn from_bits(bits: u64) -> Self {
        Self { id: bits as u32, word: (bits >> 32) as u32 }
    }

    /// What is remembered of its flows.
    #[inline(always)]
    pub const fn tracking(self) -> Tracking {
        match self.word & TRACKING {
            0 => Tracking::Changes,
            1 => Tracking::Full,
            _ => Tracking::None,
        }
    }

    /// Whether it has this one of [`service_flags`].
    #[inline(always)]
    pub const fn has(self, flag: u32) -> bool {
        self.word & flag != 0
    }
}

/// One real server of one service, in one cache line. The first half is what the packet path reads;
/// the rest is what few packets and a new daemon need.
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
    /// Its share of new connections.
    pub weight: u32,
    /// The VLAN tags of frames on the way to it; [`Tags::NONE`] leaves those that a frame has.
    pub tags: Tags,
    /// The real's address; IPv4 in the first four bytes.
    pub address: [u8; 16],
    /// Always zero.
    pub pad: u64,
}

/// Bits of [`Real::flags`].
pub mod real_flags {
    /// It can be reached: packets may be sent to it.
    pub const FORWARD: u32 = 1;
    /// New connections may be given to it (its weight is not zero and it is not drained).
    pub const ACCEPT_NEW: u32 = 1 << 1;
    /// The slot is in use.
    pub const IN_USE: u32 = 1 << 2;
    /// [`super::Real::address`] is an IPv6 address.
    pub const IPV6: u32 = 1 << 3;
    /// It is the director itself: packets are passed to its own stack.
    pub const LOCAL: u32 = 1 << 4;
    /// Frames to it have VLAN tags of its own.
    pub const TAGGED: u32 = 1 << 5;
    /// It stands in for reals that are all down.
    pub const SORRY: u32 = 1 << 6;
    /// It failed its last health checks. The packet path goes by [`FORWARD`] and [`ACCEPT_NEW`];
    /// this is for the next daemon to know.
    pub const DOWN: u32 = 1 << 7;
}

impl Real {
    /// Whether packets may be sent to it.
    #[inline(always)]
    pub const fn forwards(&self) -> bool {
        self.flags & real_flags::FORWARD != 0
    }

    /// Whether packets are sent to it with nothing but their addresses changed.
    #[inline(always)]
    pub const fn is_plain(&self) -> bool {
        let asked = real_flags::FORWARD | real_flags::LOCAL | real_flags::TAGGED;
        self.flags & asked == real_flags::FORWARD
    }

    /// Whether it is the director itself.
    #[inline(always)]
    pub const fn is_local(&self) -> bool {
        self.flags & real_flags::LOCAL != 0
    }

    /// Whether it takes new connections.
    #[inline(always)]
    pub const fn accepts_new(&self) -> bool {
        let needed = real_flags::FORWARD | real_flags::ACCEPT_NEW;
        self.flags & needed == needed
    }
}

/// How many connections a real has. As wide as what BPF can add to in one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Load {
    /// Established TCP connections.
    pub active: u64,
    /// All others.
    pub inactive: u64,
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
    /// No connection: where the connections of a client go that are begun in a time.
    pub const TEMPLATE: u32 = 5;

    /// Whether this is what IPVS counts as active.
    #[inline(always)]
    pub const fn is_active(state: u32) -> bool {
        state == ESTABLISHED
    }
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
    assert!(size_of::<Real>() == 64);
    assert!(size_of::<Load>() == 16);
    assert!(core::mem::offset_of!(Real, source) == 6);
    assert!(size_of::<Connection>() == 16);
    assert!(size_of::<Stats>() == 32);
};
