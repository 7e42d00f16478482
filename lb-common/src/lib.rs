//! The contract between the XDP program and the controller.
//!
//! Everything here is laid out identically on both sides: map keys and values are `repr(C)`
//! without implicit padding (their sizes are asserted at compile time), numbers that stand on the
//! wire keep network order in a type of their own, and the flow hash is one function. A change to
//! any layout must raise [`limits::LAYOUT_VERSION`].
#![no_std]

pub mod be;
pub mod budget;
pub mod details;
pub mod directory;
pub mod hash;
pub mod key;
pub mod limits;
#[cfg(feature = "user")]
mod pod;
pub mod ring;
pub mod timeout;
pub mod trace;
pub mod traffic;
pub mod value;
pub mod verdict;
pub mod via;
pub mod vlan;
pub mod wide;
