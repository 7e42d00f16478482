//! The words for what a virtual router cannot be.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::config::duration::{DurationError, written};
use crate::config::model::Endpoint;
use crate::config::rules::Role;
use crate::config::rules::error::family;

/// What virtual routers cannot be, why, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum VrrpError {
    /// No number of a virtual router.
    #[error("vrid {number} is outside 1 to 255")]
    Vrid { number: i128 },
    /// No version that there is.
    #[error("version {number} is unknown: use 2 or 3")]
    Version { number: i128 },
    /// No priority.
    #[error(
        "priority {number} is outside 1 to 255 (255 is for a director whose own addresses these are)"
    )]
    Priority { number: i128 },
    /// More than there is between two priorities.
    #[error("weight {number} is outside -253 to 253")]
    Weight { number: i128 },
    /// A weight that nobody feels.
    #[error(
        "weight 0 would do nothing: give another one, or leave the key out to have the instance at \
         fault instead"
    )]
    WeightZero,
    /// No number of processes.
    #[error("quorum {number} is outside 1 to {}: it is how many processes are to run", u32::MAX)]
    Quorum { number: i128 },
    /// No number of repetitions.
    #[error("{key} {number} is outside 1 to 255")]
    Repeat { key: &'static str, number: i128 },
    /// Not a duration.
    #[error("{key} {source}")]
    TimeForm { key: &'static str, source: DurationError },
    /// Too short or too long.
    #[error("{key} {} is outside {} to 13d", written(*length), written(*least))]
    TimeRange { key: &'static str, length: Duration, least: Duration },
    /// A name that cannot be used.
    #[error("{what} name {name:?} {fault}: give 1 to 64 printable characters")]
    Name { what: Named, name: String, fault: &'static str },
    /// Two of one name.
    #[error("{what} {name:?} stands at {}[{first}] already: give each its own name", what.key())]
    DuplicateName { what: Named, name: String, first: usize },
    /// The same twice in one list.
    #[error("{text} stands at {list}[{first}] already: keep one of the two")]
    Duplicate { text: String, list: &'static str, first: usize },
    /// Nothing that is defined.
    #[error("there is no {what} {name:?}: define it in `{}`, or correct the name", what.key())]
    Unknown { what: Named, name: String },
    /// No service that is defined.
    #[error(
        "there is no service {text:?}: give the name of one, or write it like \"tcp 192.0.2.10:80\""
    )]
    UnknownService { text: String },
    /// Seconds are all that version 2 can say.
    #[error(
        "advert_interval {} is none of version 2, which has whole seconds from 1s to 255s: give one of \
         those{}",
        written(*.interval),
        if fits_v3(*.interval) { ", or \"version\": 3" } else { "" }
    )]
    IntervalV2 { interval: Duration },
    /// Twelve bits of hundredths (RFC 9568, section 5.2.7).
    #[error(
        "advert_interval {} is none of version 3, which has whole hundredths of a second, from 10ms \
         to 40950ms: give one of those",
        written(*.interval)
    )]
    IntervalV3 { interval: Duration },
    /// RFC 3768 has no IPv6.
    #[error("version 2 has no IPv6, and {address} is: leave the version out, or say 3")]
    Ipv6V2 { address: IpAddr },
    /// Version 2 has one kind.
    #[error("version 2 has one checksum only: leave `checksum` out, or say \"version\": 3")]
    ChecksumV2,
    /// RFC 9568, section 5.2.8.
    #[error("over IPv6 the checksum covers the pseudo-header in any case: leave `checksum` out")]
    ChecksumIpv6,
    /// No kind of checksum.
    #[error("checksum {word:?} is unknown: use \"pseudo-header\" or \"message\"")]
    UnknownChecksum { word: String },
    /// RFC 9568, section 9.
    #[error("version 3 has no passwords (RFC 9568, section 9): leave `auth` out{}", .remedy)]
    AuthV3 { remedy: &'static str },
    /// No kind of authentication.
    #[error("auth type {word:?} is unknown: use \"pass\"")]
    UnknownAuth { word: String },
    /// Nothing that fits into an advert. It is not quoted: messages are logged.
    #[error("the password {fault}: give 1 to 8 printable ASCII characters")]
    Password { fault: &'static str },
    /// Nothing that moves.
    #[error("no address stands in the adverts: name at least one in `addresses`")]
    NoAddress,
    /// More than an advert counts.
    #[error(
        "{count} addresses are more than the 255 of an advert: move some to `excluded_addresses`"
    )]
    TooManyAddresses { count: usize },
    /// No length of a prefix.
    #[error(
        "the prefix length of {text:?} is none from 1 to {most}: correct it, or leave it out for \
         /{most}"
    )]
    Prefix { text: String, most: u8 },
    /// An advert has one family.
    #[error(
        "{address} is {} and the first address {first} is {}: an advert has one family, so move it to \
         `excluded_addresses`, or to an instance of its own",
        family(*address),
        family(*first)
    )]
    MixedAddresses { address: IpAddr, first: IpAddr },
    /// Adverts go over the family of their addresses.
    #[error(
        "{role} {address} is {} and the first address {first} is {}: give one of that family",
        family(*address),
        family(*first)
    )]
    OtherFamily { role: Role, address: IpAddr, first: IpAddr },
    /// Two virtual routers that nobody could tell apart.
    #[error(
        "vrid {vrid} is instance {instance:?} already, on {interface} and {family}: give another one"
    )]
    VridTaken { vrid: u8, interface: String, family: &'static str, instance: String },
    /// An address that would be in two places.
    #[error("{address} is an address of instance {instance:?} already: keep one of the two")]
    AddressTaken { address: IpAddr, instance: String },
    /// One who never takes over has nothing to wait for.
    #[error(
        "`preempt_delay` is how long it waits before it takes over, and `preempt` false says that it \
         does not: leave one of the two out"
    )]
    DelayWithoutPreempt,
    /// RFC 9568, section 6.1: the owner always takes over.
    #[error(
        "priority 255 says that the addresses are its own, and their owner always takes over at once: \
         leave `{key}` out, or give a priority below"
    )]
    OwnerPreempt { key: &'static str },
    /// An owner's priority is never another.
    #[error(
        "priority 255 says that the addresses are its own, and no weight changes that: leave the \
         weight out, to have the instance at fault instead, or give a priority below{}",
        of(.instance.as_deref())
    )]
    OwnerWeight { instance: Option<String> },
    /// It would send adverts to itself.
    #[error(
        "unicast peer {address} is the source of the adverts: give the other director's address"
    )]
    PeerIsSource { address: IpAddr },
    /// RFC 9568, section 7.3: the virtual MAC is learnt from adverts that all switches see.
    #[error(
        "a virtual MAC needs adverts by multicast, by which switches learn where it is: leave \
         `virtual_mac` or `unicast_peers` out"
    )]
    VirtualMacUnicast,
    /// It is followed without being named.
    #[error("the instance's own interface {name} is followed in any case: leave it out")]
    OwnInterface { name: String },
    /// Which file is meant would depend on where the daemon stands.
    #[error("file {text:?} is not an absolute path: write it like /etc/lb-ctl/down")]
    RelativeFile { text: String },
    /// No name of a program.
    #[error(
        "program {text:?} is not the name of a program: give it as `pgrep -x` takes it, without a path"
    )]
    Program { text: String },
    /// A group of nobody.
    #[error("a group has no instances: name some in `instances`, or leave the group out")]
    NoMembers,
    /// Two who decide.
    #[error("instance {instance:?} is in group {group:?} already: keep it in one of the two")]
    TwoGroups { instance: String, group: String },
    /// Not where datagrams go.
    #[error(
        "{text:?} is not an address and a UDP port: write it like 192.0.2.1:8475 or \
         [2001:db8::1]:8475"
    )]
    SyncAddress { text: String },
    /// Nobody to tell.
    #[error("sync has no peers: name the other directors in `peers`, or leave sync out")]
    NoPeers,
    /// Datagrams go over one family.
    #[error(
        "sync peer {peer} is {} and listen {listen} is {}: give both in one family",
        family(peer.ip()),
        family(listen.ip())
    )]
    SyncFamily { peer: SocketAddr, listen: SocketAddr },
    /// It would tell itself.
    #[error("sync peer {peer} is this director's own: give the other one's address")]
    PeerIsListen { peer: SocketAddr },
    /// A key that is guessed.
    #[error("the key of sync has {count} characters: give at least 16, at random")]
    ShortKey { count: usize },
    /// A real whose address a director takes for itself.
    #[error(
        "{address} is {} of service {service} and an address of instance {instance:?}: the director \
         that is master holds it itself, so give the real server's own address",
        article(*.role)
    )]
    TargetIsVirtual { address: IpAddr, role: Role, service: Endpoint, instance: String },
    /// Nothing that adverts could be sent on.
    #[error("there is no interface {name} on this machine: `ip link` lists those there are")]
    NoInterface { name: String },
    /// A service that somebody follows.
    #[error(
        "service {service} is followed by {what} {name:?}: take it out of its `track` first, in the \
         definition file"
    )]
    Followed { service: Endpoint, what: Named, name: String },
}

/// What has a name that others refer to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Named {
    /// A virtual router.
    Instance,
    /// A group of them.
    Group,
    /// A script that is followed.
    Script,
    /// Processes that are followed.
    Process,
}

impl Named {
    /// The list that they are defined in.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Instance => "instances",
            Self::Group => "groups",
            Self::Script => "scripts",
            Self::Process => "processes",
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instance => "instance",
            Self::Group => "group",
            Self::Script => "script",
            Self::Process => "process",
        })
    }
}

fn fits_v3(interval: Duration) -> bool {
    super::interval(crate::config::vrrp::Version::V3, interval).is_ok()
}

fn of(instance: Option<&str>) -> String {
    instance.map(|name| format!(" to instance {name:?}")).unwrap_or_default()
}

const fn article(role: Role) -> &'static str {
    match role {
        Role::SorryServer => "the sorry server",
        _ => "a real",
    }
}
