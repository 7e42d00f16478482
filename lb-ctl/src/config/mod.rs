//! Definitions: the file, and the validated state it asks for.

pub mod file;
pub mod locate;
pub mod model;
pub mod parse;
pub mod rules;

#[cfg(test)]
mod samples;

pub use file::{render, schema};
pub use parse::{DefinitionError, parse};
