//! `bench churn`: how many of the live flows change their real while reals come and go, beside how
//! many must.
//!
//! A daemon in the test bed is given one command after the other. Before and after each, every flow
//! sends a packet, and the sink of [`crate::stream`] notes which real it was for.

pub mod measure;
pub mod plot;
pub mod report;
pub mod script;
pub mod table;
