//! The daemon's HTTP interface on a Unix socket.

pub mod door;
pub mod wire;
