//! Schedulers: how the reals of a service share its ring, and how the ring changes.

pub mod maglev;
pub mod order;
pub mod ring;
