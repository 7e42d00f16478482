//! The daemon's socket, its HTTP interface and the binary that speaks to it, on real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cli;
mod health;
mod http;
mod socket;
mod support;
mod vrrp;
