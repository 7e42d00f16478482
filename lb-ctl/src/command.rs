//! The one door between the transports and the core: what can be asked, and what is answered.
//! Pure.

use std::net::IpAddr;

use ipnet::IpNet;
use thiserror::Error;

use crate::api::feed::Feed;
use crate::api::follow::Follow;
use crate::api::wire;
use crate::config::edit::ServiceChange;
use crate::config::model::Endpoint;
use crate::metrics::Sample;

/// What a change does when the definition file was edited by hand since it was last read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnHandEdit {
    /// Refuse, so that the edit is not lost.
    #[default]
    Refuse,
    /// Write over it.
    Overwrite,
}

/// A change of the definitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Add a service without reals.
    AddService {
        /// What names it.
        endpoint: Endpoint,
        /// What it begins with.
        properties: Box<ServiceChange>,
    },
    /// Change a service.
    EditService {
        /// What names it.
        endpoint: Endpoint,
        /// What to change of it.
        properties: Box<ServiceChange>,
    },
    /// Delete a service and its reals.
    DeleteService {
        /// What names it.
        endpoint: Endpoint,
    },
    /// Add a real to a service.
    AddReal {
        /// The service.
        endpoint: Endpoint,
        /// The real's address.
        address: IpAddr,
        /// Its weight.
        weight: u16,
    },
    /// Change a real's weight.
    EditReal {
        /// The service.
        endpoint: Endpoint,
        /// The real's address.
        address: IpAddr,
        /// The new weight.
        weight: u16,
    },
    /// Delete a real from a service.
    DeleteReal {
        /// The service.
        endpoint: Endpoint,
        /// The real's address.
        address: IpAddr,
    },
    /// Take a real out of scheduling, or put it back with the weight it had.
    Drain {
        /// The service.
        endpoint: Endpoint,
        /// The real's address.
        address: IpAddr,
        /// Out, or back.
        drained: bool,
    },
    /// Take a real out altogether, or put it back as it was.
    Disable {
        /// The service.
        endpoint: Endpoint,
        /// The real's address.
        address: IpAddr,
        /// Out, or back.
        disabled: bool,
    },
    /// Delete every service.
    Clear,
    /// Replace all definitions by those of a document.
    Apply {
        /// The document's text.
        text: String,
    },
}

/// All that can be asked of the daemon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Change the definitions, the data plane and the file.
    Change {
        /// What to change.
        change: Change,
        /// What to do with edits by hand.
        on_hand_edit: OnHandEdit,
    },
    /// Say what applying a document would change.
    Diff {
        /// The document's text.
        text: String,
    },
    /// Read the definition file again and apply the difference.
    Reload,
    /// Set all counters to zero.
    Zero,
    /// The definitions as they run.
    Definition,
    /// Services and reals, with counters.
    List {
        /// Only this service.
        only: Option<Endpoint>,
    },
    /// The tracked connections.
    Connections {
        /// Only those of this service.
        only: Option<Endpoint>,
    },
    /// The state of the daemon.
    Status,
    /// Check the reals of a service now, and say what was found.
    CheckNow {
        /// The service.
        endpoint: Endpoint,
        /// Only this real.
        address: Option<IpAddr>,
    },
    /// Packets as they come, and what becomes of them.
    Trace(Wanted),
    /// What happened.
    Events(WantedEvents),
    /// All that is measured.
    Metrics,
    /// The virtual routers.
    Vrrp,
    /// Leave the addresses of a virtual router to another director.
    Handover {
        /// This one with its group, or all.
        instance: Option<String>,
    },
    /// Take part again as before the handover.
    Resume {
        /// This one with its group, or all.
        instance: Option<String>,
    },
}

/// Which events are to be told of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WantedEvents {
    /// Only those of these.
    pub only: EventsOf,
    /// No more than so many of the past. Without it all of them, or none where `follow` is set.
    pub count: Option<u64>,
    /// Those that come as well, for as long as somebody listens.
    pub follow: bool,
}

/// To whom events happened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum EventsOf {
    /// To anybody.
    #[default]
    All,
    /// To this service and its reals.
    Service(Endpoint),
    /// To this virtual router and its group.
    Instance(String),
}

/// Which packets are to be told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Only those of this service.
    pub only: Option<Endpoint>,
    /// Only those from this network.
    pub source: Option<IpNet>,
    /// No more than so many.
    pub count: Option<u64>,
    /// Only one of so many.
    pub every: u32,
}

impl Default for Wanted {
    /// Every packet.
    fn default() -> Self {
        Self { only: None, source: None, count: None, every: 1 }
    }
}

/// What is answered.
#[derive(Debug)]
pub enum Reply {
    /// Done; what changed, one line each (empty where everything was so already).
    Changed(wire::Changes),
    /// The answer to [`Command::Definition`]: the text of a definition file.
    Definition(String),
    /// The answer to [`Command::List`].
    List(wire::List),
    /// The answer to [`Command::Connections`].
    Connections(wire::Connections),
    /// The answer to [`Command::Status`].
    Status(Box<wire::Status>),
    /// The answer to [`Command::CheckNow`].
    Checked(wire::Checked),
    /// The answer to [`Command::Trace`]: what is told from now on.
    Trace(Feed),
    /// The answer to [`Command::Events`].
    Events(wire::Events),
    /// The same where they are followed.
    Follow(Follow),
    /// The answer to [`Command::Metrics`].
    Metrics(Box<Sample>),
    /// The answer to [`Command::Vrrp`], and to [`Command::Handover`] and [`Command::Resume`] with
    /// those that they were about.
    Vrrp(wire::Vrrp),
    /// Done, with nothing to tell.
    Done,
}

/// Why a command was not carried out. The message names the object and the remedy.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CommandError {
    /// Refused by validation; nothing changed.
    #[error("{0}")]
    Refused(String),
    /// The object is not there.
    #[error("{0}")]
    NotFound(String),
    /// The object is there already.
    #[error("{0}")]
    Exists(String),
    /// The system did not let it happen; the state is as before.
    #[error("{0}")]
    Failed(String),
}
