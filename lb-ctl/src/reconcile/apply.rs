//! Runs a plan on a data plane.

use super::actual::Actual;
use super::op::MapOp;
use crate::dataplane::{Dataplane, DataplaneError};
use crate::sched::ring::Ring;

/// Rings that are put at once. Each needs a file descriptor until it is in its place.
const TOGETHER: usize = 256;

/// Carries out the operations in order, noting each in `actual`.
///
/// # Errors
///
/// The first operation's that fails. What was done before it stays, and stands in `actual`, so
/// that a new plan can go on or back from there.
pub fn run<D: Dataplane + ?Sized>(
    dataplane: &mut D,
    actual: &mut Actual,
    ops: &[MapOp],
) -> Result<(), DataplaneError> {
    let mut rest = ops;
    while let Some((op, after)) = rest.split_first() {
        let rings = leading_rings(rest);
        let done = if rings.len() > 1 {
            dataplane.put_rings(&rings)?;
            rings.len()
        } else {
            dataplane.run(op)?;
            rest.len() - after.len()
        };
        rest[..done].iter().for_each(|op| actual.record(op));
        rest = &rest[done..];
    }
    Ok(())
}

/// The rings that are put by the first operations: each costs a wait for the packets that see the
/// old one, unless they are put together.
fn leading_rings(ops: &[MapOp]) -> Vec<(u32, &Ring)> {
    let ring = |op| match op {
        &MapOp::PutRing { service, ref ring } => Some((service, ring)),
        _ => None,
    };
    ops.iter().map_while(ring).take(TOGETHER).collect()
}
