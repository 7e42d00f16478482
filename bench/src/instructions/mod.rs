//! `bench instructions`: how many instructions the packet program takes for a packet, and whether
//! they have become more than a file in the repository says.
//!
//! The figures are those of the program bench, in a guest whose clock counts instructions: one
//! nanosecond is one. They depend on the program, its compiler and the guest's kernel, and on
//! nothing that the machine does besides.

mod count;
mod error;
mod reference;
pub mod table;

pub use count::{Count, Effort, count, counts_instructions, rows};
pub use error::InstructionsError;
pub use reference::{Comparison, Reference, Tolerance};
