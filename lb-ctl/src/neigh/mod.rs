//! From a real's address to the frame that reaches it: interface, its MAC and the director's.

mod asking;
pub mod driver;
mod lowering;
mod news;
pub mod table;
mod watcher;
mod why;
mod worker;

pub use driver::{LinkChange, NeighbourDriver, NeighbourError, NeighbourHandle, NetEvent};
pub use table::{Hop, Resolution, Table, Why};
