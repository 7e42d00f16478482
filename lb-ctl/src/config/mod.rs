//! Definitions: the file, and the validated state it asks for.

pub mod model;
