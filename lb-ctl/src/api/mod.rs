//! The daemon's HTTP interface on a Unix socket.

pub mod client;
pub mod door;
pub mod feed;
pub mod follow;
pub mod openapi;
pub mod peer;
pub mod properties;
pub mod request;
pub mod routes;
pub mod server;
pub mod socket;
pub mod wire;
