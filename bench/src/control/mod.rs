//! `bench control`: how long it takes until the packet path is what was asked for, and what the
//! daemon and its maps take of the machine's memory.
//!
//! A release daemon stands in the test bed; one machine answers for all reals. What is in effect is
//! read from the maps themselves.

mod asked;
pub mod checks;
pub mod error;
pub mod measure;
pub mod plot;
pub mod report;
pub mod row;
pub mod table;
mod watch;
pub mod world;

pub use error::ControlError;
