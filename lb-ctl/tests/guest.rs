//! Beds that need drivers which not every kernel has: `8021q` and `bonding`. `cargo xtask test` runs
//! them here where the kernel has both, else in the VM. Needs root.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod common;

#[path = "via/bed.rs"]
#[allow(dead_code, reason = "it takes its part")]
mod bed;
#[path = "guest/bonds.rs"]
mod bonds;
#[path = "guest/probes.rs"]
mod probes;
#[path = "guest/trunks.rs"]
mod trunks;
#[path = "guest/ways.rs"]
mod ways;

/// Bytes of a file: many packets, few enough for an emulated machine.
const FILE: u64 = 300_000;

/// A daemon with small tables, which are made quickly.
const SMALL: [&str; 4] = ["--max-connections", "1024", "--ring-slots", "251"];
