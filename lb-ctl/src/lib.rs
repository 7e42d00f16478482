//! The controller: what the `lb-ctl` binary, its tests and the benches share.

pub mod api;
pub mod cli;
pub mod command;
pub mod config;
pub mod daemon;
pub mod dataplane;
pub mod frame;
pub mod logging;
pub mod neigh;
pub mod netlink;
pub mod realserver;
pub mod reconcile;
pub mod sched;
pub mod state;
pub mod vip;
