//! From what is wanted to what the maps hold: a pure plan, then its operations one by one.

pub mod actual;
pub mod apply;
pub mod audit;
pub mod op;
mod place;
pub mod plan;
pub mod settle;
pub mod target;
