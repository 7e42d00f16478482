//! The daemon's socket, its HTTP interface and the binary that speaks to it, on real sockets.

mod cli;
mod http;
mod socket;
mod support;
