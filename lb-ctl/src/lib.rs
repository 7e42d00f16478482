//! The controller: what the `lb-ctl` binary, its tests and the benches share.

pub mod config;
pub mod neigh;
pub mod netlink;
pub mod vip;
