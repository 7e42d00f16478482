//! Definitions: the file, and the validated state it asks for.
//!
//! A definition comes in as text ([`parse()`]), as single edits ([`edit`]) or from the command line
//! ([`endpoint`]); all three obey the one copy of the rules in [`rules`]. Only [`store`] does IO.

pub mod check;
pub mod diff;
pub mod duration;
pub mod edit;
pub mod endpoint;
pub mod file;
pub mod hex;
pub mod hook;
pub mod locate;
pub mod model;
pub mod notify;
pub mod parse;
pub mod policy;
pub mod ports;
pub mod printable;
pub mod rules;
pub mod scheduler;
pub mod store;
pub mod vrrp;

#[cfg(test)]
mod samples;

pub use file::{render, schema};
pub use parse::{DefinitionError, parse};
