//! `bench program`: what the packet program costs, by `BPF_PROG_TEST_RUN`.
//!
//! A generator in the kernel makes each repetition the packet of the next flow and tail-calls the
//! program that lb-ctl loads, unchanged. The yardstick is the same generator before a program that
//! only exchanges the two MACs. Each run of the program is paired with one of the yardstick.

mod definition;
mod driver;
mod error;
pub mod measure;
pub mod plot;
pub mod report;
pub mod row;
pub mod rows;
pub mod schedulers;
pub mod table;
pub mod world;

pub use driver::{Driver, Entry};
pub use error::ProgramError;
