//! Connections survive a failover: directors with the same definitions tell each other of the
//! entries of their connection tables that their rings do not tell.
//!
//! Who has seen a packet of a connection tells of it, master or not: there are no roles here. An
//! entry that was taken from another director is told of only once a packet of it has come this
//! way, or to a director that has started anew and lost it. Where two directors both have an entry,
//! the one whose last packet is the later stands.

pub mod carry;
pub mod driver;
pub mod entry;
pub mod packet;
pub mod select;
pub mod session;
mod shared;
mod speaker;
pub mod take;
