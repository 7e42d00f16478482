//! What a machine is told, hears, is, and wants done. Pure.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::vrrp::{Preempt, Version};

/// What a virtual router does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// It does not take part.
    Init,
    /// It listens to the master.
    Backup,
    /// It has the addresses.
    Master,
    /// It cannot take part.
    Fault,
}

impl Role {
    /// All, as they are numbered in metrics.
    pub const ALL: [Self; 4] = [Self::Init, Self::Backup, Self::Master, Self::Fault];

    /// The word used in tables, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Backup => "backup",
            Self::Master => "master",
            Self::Fault => "fault",
        }
    }
}

/// What a machine is told to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Which RFC's times it waits for.
    pub version: Version,
    /// Its priority, with what it follows counted in: 1 to 254, and [`OWNER`].
    pub priority: u8,
    /// The time between its adverts.
    pub interval: Duration,
    /// Whether it takes over from a master of lower priority.
    pub preempt: Preempt,
    /// Where its adverts come from: the greater one is master among equals.
    pub source: IpAddr,
    /// It becomes master only when it is told to: see [`Output::Ripe`].
    pub grouped: bool,
}

/// What counts of another's advert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// Its priority; 0 from a master that leaves.
    pub priority: u8,
    /// The time between its adverts.
    pub interval: Duration,
    /// Where it comes from.
    pub source: IpAddr,
}

/// What is to be done, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Output {
    /// Send an advert with this priority.
    Advertise {
        /// 0 for "I leave".
        priority: u8,
    },
    /// Put the addresses on and tell of them.
    Hold,
    /// Tell once more where the addresses are: somebody else may have said otherwise.
    Announce,
    /// Take the addresses off.
    Release,
    /// It is another one's turn no longer, and this one may be told to [`Machine::promote`].
    Ripe,
    /// Its state has changed.
    Changed {
        /// What it was.
        from: Role,
        /// What it is.
        to: Role,
        /// Why.
        why: Why,
    },
    /// It left for good, and holds nothing any more.
    Left,
}

/// Why a state has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// It has begun to take part.
    Started,
    /// Its addresses are this director's own.
    Owner,
    /// No master was heard.
    Silence,
    /// The master has left.
    MasterLeft,
    /// The master's priority was lower.
    Preempted,
    /// Another one of its group, or an operator, had it.
    Told,
    /// A master of higher priority was heard, or of the same and a greater address.
    Higher(Heard),
    /// It was handed over by an operator.
    HandedOver,
    /// What it needs does not work.
    Fault,
    /// It leaves.
    Stopped,
}
