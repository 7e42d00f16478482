//! One command each.

pub(crate) mod bench;
pub(crate) mod build;
pub(crate) mod lab;
pub(crate) mod test;
