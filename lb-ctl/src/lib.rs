//! The controller: what the `lb-ctl` binary, its tests and the benches share.

pub mod api;
pub mod authorities;
pub mod cli;
pub mod command;
pub mod config;
pub mod daemon;
pub mod dataplane;
pub mod event;
pub mod frame;
pub mod health;
pub mod hook;
pub mod instant;
pub mod logging;
pub mod metrics;
pub mod neigh;
pub mod netlink;
pub mod notify;
pub mod realserver;
pub mod reconcile;
pub mod sched;
pub mod state;
pub mod sync;
mod timer;
pub mod vip;
pub mod vrrp;
