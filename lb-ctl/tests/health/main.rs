//! Health checks against real servers: what fails them, and what follows. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

#[path = "../common/mod.rs"]
mod common;

mod by_hand;
mod restarts;
mod rings;
mod support;
mod telling;
mod through_vip;
