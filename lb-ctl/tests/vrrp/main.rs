//! Virtual routers on real kernels: adverts on the wire, addresses that move, two directors, and
//! keepalived beside one. Needs root; makes its own network namespaces.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/control.rs"]
mod control;

mod cable;
mod failover;
mod hostile;
mod interop;
mod moving;
mod notify_example;
mod pair;
mod peer;
mod survival;
mod virtual_mac;
mod wire;
