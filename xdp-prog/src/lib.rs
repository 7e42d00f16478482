//! The packet engine.
//!
//! [`pipeline::process`] takes a frame behind the [`packet::Packet`] trait and the state behind the
//! [`tables::Tables`] trait, rewrites the frame and says what becomes of it. It allocates nothing,
//! holds no lock, and does not know whether it runs in the kernel: the XDP program, the unit tests,
//! the property tests and the benches all call the same function.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

pub mod choice;
pub mod conn;
#[cfg(feature = "std")]
pub mod fixtures;
pub mod forward;
pub mod frag;
pub mod headers;
pub mod icmp;
pub mod ip;
pub mod long;
#[cfg(feature = "std")]
pub mod memory;
pub mod packet;
pub mod parse;
pub mod persist;
pub mod pipeline;
pub mod read;
pub mod sched;
pub mod tables;
pub mod trace;
pub mod track;
pub mod via;
pub mod vlan;
