//! Schedulers: how the reals of a service share its ring.

pub mod maglev;
