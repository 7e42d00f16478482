//! Virtual routers: addresses that move between directors (VRRP, RFC 3768 and RFC 9568). Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;

use super::hook::HookCommand;
use super::model::Endpoint;

/// The priority of a director whose own addresses the virtual ones are.
pub const OWNER: u8 = 255;

/// All virtual routers, and what they follow.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Vrrp {
    /// Virtual routers by name, in the order they were given.
    pub instances: IndexMap<String, Instance>,
    /// Those that change their state together, by name.
    pub groups: IndexMap<String, Group>,
    /// Commands that say whether something works, by name.
    pub scripts: IndexMap<String, Script>,
    /// Processes that are to run, by name.
    pub processes: IndexMap<String, Process>,
    /// The other director, which is told of connections that the rings do not tell it of.
    pub sync: Option<Sync>,
}

impl Vrrp {
    /// All addresses that move.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        let all = self.instances.values().flat_map(Instance::all_addresses);
        all.map(|moving| moving.address).collect()
    }

    /// Whether this address moves.
    pub fn moves(&self, address: IpAddr) -> bool {
        self.instances.values().any(|instance| instance.moves(address))
    }

    /// What all virtual routers and groups follow.
    pub fn tracks(&self) -> impl Iterator<Item = &Track> {
        let instances = self.instances.values().map(|instance| &instance.track);
        instances.chain(self.groups.values().map(|group| &group.track))
    }
}

/// A virtual router.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    /// What it is called; unique.
    pub name: String,
    /// The interface that adverts are sent and heard on.
    pub interface: String,
    /// Its number among those of its interface and family: 1 to 255.
    pub vrid: u8,
    /// How adverts are written.
    pub version: Version,
    /// 1 to 254, and [`OWNER`].
    pub priority: u8,
    /// The time between two adverts: whole seconds in version 2, hundredths in version 3.
    pub advert_interval: Duration,
    /// The addresses that move and stand in the adverts, all of one family; at least one.
    pub addresses: Vec<VirtualAddress>,
    /// Addresses of any family that move along and stand in no advert.
    pub excluded: Vec<VirtualAddress>,
    /// The password in version 2's adverts, eight bytes at most. Anybody on the network reads it.
    pub password: Option<String>,
    /// Whether it takes over from a master of lower priority.
    pub preempt: Preempt,
    /// Whom adverts are sent to: these, or whoever listens where there are none.
    pub unicast_peers: Vec<IpAddr>,
    /// The address that adverts come from; the interface's first where there is none.
    pub source: Option<IpAddr>,
    /// The addresses are on an interface with the virtual router's own MAC.
    pub virtual_mac: bool,
    /// What version 3's checksum covers over IPv4.
    pub checksum: Checksum,
    /// What its state and its priority follow.
    pub track: Track,
    /// Commands that are run when its state changes.
    pub hooks: RoleHooks,
    /// How others are told where the addresses are.
    pub garp: Garp,
}

impl Instance {
    /// The priority where nothing is said.
    pub const PRIORITY: u8 = 100;

    /// The time between two adverts where nothing is said.
    pub const ADVERT_INTERVAL: Duration = Duration::from_secs(1);

    /// A virtual router of which nothing else is said.
    pub fn new(name: &str, interface: &str, vrid: u8, addresses: Vec<VirtualAddress>) -> Self {
        let instance = Self {
            name: name.to_owned(),
            interface: interface.to_owned(),
            vrid,
            version: Version::V3,
            priority: Self::PRIORITY,
            advert_interval: Self::ADVERT_INTERVAL,
            addresses,
            excluded: Vec::new(),
            password: None,
            preempt: Preempt::default(),
            unicast_peers: Vec::new(),
            source: None,
            virtual_mac: false,
            checksum: Checksum::default(),
            track: Track::default(),
            hooks: RoleHooks::default(),
            garp: Garp::default(),
        };
        Self { version: instance.default_version(), ..instance }
    }

    /// The version where nothing is said: keepalived's 2, unless that cannot say the rest.
    pub fn default_version(&self) -> Version {
        if self.is_ipv4() && self.advert_interval.subsec_nanos() == 0 {
            Version::V2
        } else {
            Version::V3
        }
    }

    /// Whether its adverts go over IPv4.
    pub fn is_ipv4(&self) -> bool {
        self.addresses.first().is_none_or(|first| first.address.is_ipv4())
    }

    /// Whether this address is one of those that move.
    pub fn moves(&self, address: IpAddr) -> bool {
        self.all_addresses().any(|moving| moving.address == address)
    }

    /// All addresses that move: those of the adverts first.
    pub fn all_addresses(&self) -> impl Iterator<Item = &VirtualAddress> {
        self.addresses.iter().chain(&self.excluded)
    }
}

/// How adverts are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Version {
    /// RFC 3768: IPv4, whole seconds.
    V2,
    /// RFC 9568: both families, hundredths of a second.
    V3,
}

impl Version {
    /// Its number.
    pub const fn number(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

/// Whether a virtual router takes over from a master of lower priority.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preempt {
    /// Not while there is one.
    Never,
    /// Once it has seen it for so long.
    After(Duration),
}

impl Default for Preempt {
    fn default() -> Self {
        Self::After(Duration::ZERO)
    }
}

/// What version 3's checksum covers over IPv4; both are taken from others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Checksum {
    /// The pseudo-header as well, as keepalived reads RFC 5798.
    #[default]
    PseudoHeader,
    /// The message alone: RFC 9568, section 5.2.8.
    Message,
}

impl Checksum {
    /// Both.
    pub const ALL: [Self; 2] = [Self::PseudoHeader, Self::Message];

    /// The word used in definitions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PseudoHeader => "pseudo-header",
            Self::Message => "message",
        }
    }
}

/// An address that moves.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct VirtualAddress {
    /// The address.
    pub address: IpAddr,
    /// Length of its prefix in bits.
    pub prefix: u8,
    /// The interface it is put on, where it is not the virtual router's.
    pub interface: Option<String>,
}

/// How others are told where the addresses are: gratuitous ARP, and unsolicited neighbour
/// advertisements.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Garp {
    /// How often each address is told of in one round.
    pub repeat: u8,
    /// From the first round to the second; zero for no second.
    pub delay: Duration,
    /// From round to round while it is master; zero for no more than two.
    pub refresh: Duration,
    /// How often each address is told of in the later ones.
    pub refresh_repeat: u8,
    /// Interfaces where this is told besides those that the addresses are on.
    pub interfaces: Vec<String>,
}

impl Default for Garp {
    /// keepalived's.
    fn default() -> Self {
        Self {
            repeat: 5,
            delay: Duration::from_secs(5),
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            interfaces: Vec::new(),
        }
    }
}

/// What a virtual router's state and priority follow.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Track {
    /// Interfaces that are to be up, besides its own.
    pub interfaces: Vec<Tracked<String>>,
    /// Scripts that are to succeed, by name.
    pub scripts: Vec<Tracked<String>>,
    /// Files that are not to be there.
    pub files: Vec<Tracked<PathBuf>>,
    /// Processes that are to run, by name.
    pub processes: Vec<Tracked<String>>,
    /// Services that are to have their quorum.
    pub services: Vec<Tracked<Endpoint>>,
}

/// Something that is followed, and what follows from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tracked<T> {
    /// What.
    pub what: T,
    /// What is added to the priority: while it works where this is positive, while it does not
    /// where it is negative. Without it the virtual router is at fault while it does not.
    pub weight: Option<i16>,
}

/// Virtual routers that change their state together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Group {
    /// What it is called; unique among groups.
    pub name: String,
    /// Names of its members, in order; no virtual router is in two groups.
    pub instances: Vec<String>,
    /// What the states and priorities of all members follow.
    pub track: Track,
    /// Commands that are run when its state changes.
    pub hooks: RoleHooks,
}

/// A command that says whether something works, by its exit status.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// The command.
    pub command: HookCommand,
    /// From the beginning of one run to that of the next.
    pub interval: Duration,
    /// How long it may run.
    pub timeout: Duration,
    /// How many successes in a row say that it works.
    pub rise: u16,
    /// How many failures in a row say that it does not.
    pub fall: u16,
    /// What is added to the priority where those who follow it say nothing else.
    pub weight: Option<i16>,
    /// Who runs it; the user of `notify` where nobody is named.
    pub user: Option<String>,
}

impl Script {
    /// The time between two runs where nothing is said.
    pub const INTERVAL: Duration = Duration::from_secs(1);
}

/// Processes that are to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// The name of their program, as `pgrep -x` takes it.
    pub program: String,
    /// How many there are to be.
    pub quorum: u32,
    /// How long there must be too few until that counts.
    pub delay: Duration,
    /// What is added to the priority where those who follow it say nothing else.
    pub weight: Option<i16>,
}

/// Commands that are run when a state changes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RoleHooks {
    /// It is master now.
    pub master: Option<HookCommand>,
    /// It is backup now.
    pub backup: Option<HookCommand>,
    /// It is at fault now.
    pub fault: Option<HookCommand>,
    /// The daemon leaves, or it is defined no longer.
    pub stop: Option<HookCommand>,
    /// Any of these, after the one of its own.
    pub any: Option<HookCommand>,
}

/// How connections are told of to the other director.
#[derive(Clone, PartialEq, Eq)]
pub struct Sync {
    /// This director's address, and the UDP port.
    pub listen: std::net::SocketAddr,
    /// The others' addresses and ports.
    pub peers: Vec<std::net::SocketAddr>,
    /// What all of them know and nobody else does.
    pub key: String,
}

impl std::fmt::Debug for Sync {
    /// Keys stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { listen, peers, .. } = self;
        f.debug_struct("Sync").field("listen", listen).field("peers", peers).finish_non_exhaustive()
    }
}
