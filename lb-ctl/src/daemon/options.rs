//! What the daemon is started with. Pure.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::dataplane::{Capacity, ModeChoice};

/// What the daemon is started with.
#[derive(Clone, Debug)]
pub struct DaemonOptions {
    /// Interfaces to attach to, besides those of the definition file.
    pub interfaces: Vec<String>,
    /// The definition file.
    pub config: PathBuf,
    /// In which mode to attach.
    pub mode: ModeChoice,
    /// Where program, links and maps are pinned; on a bpffs.
    pub pin_dir: PathBuf,
    /// The Unix socket to listen on.
    pub socket: PathBuf,
    /// The group that may use the socket besides root.
    pub socket_group: Option<String>,
    /// End forwarding when the daemon leaves.
    pub detach_on_exit: bool,
    /// Where metrics are offered over HTTP.
    pub metrics: Option<SocketAddr>,
    /// Sizes of the tables.
    pub capacity: Capacity,
    /// Seed of the flow hash; the same on directors that stand in for each other.
    pub seed: u64,
}
