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

/// What every packet finds of its real.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct NextHop {
    /// [`Real::destination`] and the beginning of [`Real::source`] as they stand in a frame: one word,
    /// so that no packet sees an update half done, and none moves them byte by byte.
    pub front: u64,
    /// The other four bytes of [`Real::source`].
    pub back: u32,
    /// See [`Real::ifindex`].
    pub ifindex: u32,
    /// See [`Real::generation`].
    pub generation: u32,
    /// See [`real_flags`].
    pub flags: u32,
    /// See [`Real::service`].
    pub service: u32,
    /// See [`Real::weight`].
    pub weight: u32,
}

impl NextHop {
    /// How many words of eight bytes it is in a map.
    pub const WORDS: usize = size_of::<Self>() / size_of::<u64>();

    /// The one of its words that says whose it is, and whether packets may be sent to it.
    pub const WORD_OF_FLAGS: usize = 2;

    /// The words as which it stands in a map.
    pub const fn to_words(self) -> [u64; Self::WORDS] {
        let Self { front, back, ifindex, generation, flags, service, weight } = self;
        [front, word(back, ifindex), word(generation, flags), word(service, weight)]
    }

    /// [`Real::source`].
    #[inline(always)]
    pub const fn source(&self) -> Mac {
        let (front, back) = (self.front.to_ne_bytes(), self.back.to_ne_bytes());
        [front[6], front[7], back[0], back[1], back[2], back[3]]
    }
}

/// Two halves of a word, as they stand one after the other in memory.
const fn word(first: u32, second: u32) -> u64 {
    let little = cfg!(target_endian = "little");
    let (low, high) = if little { (first, second) } else { (second, first) };
    (high as u64) << 32 | low as u64
}

/// What a CPU's packets find of a real, and what they count for it: one cache line, which no other
/// CPU writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct RealLine {
    /// What they find.
    pub hop: NextHop,
    /// What they count.
    pub stats: Stats,
}

/// One real server of one service, for a new daemon to know, and for packets that are to have VLAN
/// tags. All others find its first half in a [`RealLine`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Real {
    /// The real's MAC: the first six bytes of every forwarded frame.
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
    /// What every packet finds of it.
    pub const fn hop(&self) -> NextHop {
        let (to, from) = (self.destination, self.source);
        NextHop {
            front: u64::from_ne_bytes([to[0], to[1], to[2], to[3], to[4], to[5], from[0], from[1]]),
            back: u32::from_ne_bytes([from[2], from[3], from[4], from[5]]),
            ifindex: self.ifindex,
            generation: self.generation,
            flags: self.flags,
            service: self.service,
            weight: self.weight,
        }
    }

    /// See [`NextHop::forwards`].
    pub const fn forwards(&self) -> bool {
        self.hop().forwards()
    }

    /// See [`NextHop::is_plain`].
    pub const fn is_plain(&self) -> bool {
        self.hop().is_plain()
    }

    /// See [`NextHop::is_local`].
    pub const fn is_local(&self) -> bool {
        self.hop().is_local()
    }

    /// See [`NextHop::accepts_new`].
    pub const fn accepts_new(&self) -> bool {
        self.hop().accepts_new()
    }
}

impl NextHop {
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

    /// Whether frames to it have VLAN tags of its own.
    #[inline(always)]
    pub const fn is_tagged(&self) -> bool {
        self.flags & real_flags::TAGGED != 0
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

impl Stats {
    /// How many words of eight bytes they are in a map.
    pub const WORDS: usize = size_of::<Self>() / size_of::<u64>();

    /// The counters that stand in a map as these words.
    pub const fn from_words([connections, packets, bytes, closes]: [u64; Self::WORDS]) -> Self {
        Self { connections, packets, bytes, closes }
    }
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
    assert!(size_of::<NextHop>() == 32);
    assert!(size_of::<RealLine>() == 64);
    assert!(core::mem::offset_of!(NextHop, generation) == 8 * NextHop::WORD_OF_FLAGS);
    assert!(core::mem::offset_of!(RealLine, stats) + size_of::<Stats>() == size_of::<RealLine>());
    assert!(size_of::<Load>() == 16);
    assert!(core::mem::offset_of!(Real, source) == 6);
    assert!(size_of::<Connection>() == 16);
    assert!(size_of::<Stats>() == 32);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hop_stands_in_a_map_as_it_stands_in_memory() {
        let real = Real {
            destination: [1, 2, 3, 4, 5, 6],
            source: [7, 8, 9, 10, 11, 12],
            ifindex: 0x0102_0304,
            generation: 5,
            flags: 0x0607,
            service: 8,
            weight: 9,
            ..Real::default()
        };
        let hop = real.hop();
        assert_eq!(hop.source(), real.source);
        let mut bytes = [0; 32];
        bytes[..6].copy_from_slice(&real.destination);
        bytes[6..12].copy_from_slice(&real.source);
        let numbers = [real.ifindex, real.generation, real.flags, real.service, real.weight];
        for (place, number) in bytes[12..].chunks_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_ne_bytes());
        }
        for (word, bytes) in hop.to_words().iter().zip(bytes.chunks(8)) {
            assert_eq!(word.to_ne_bytes(), bytes);
        }
        assert_eq!(hop.front.to_ne_bytes(), bytes[..8]);
        assert_eq!(hop.back.to_ne_bytes(), bytes[8..12]);
    }
}
