//! Runs a plan on a data plane.

use std::mem::discriminant;

use super::actual::Actual;
use super::op::MapOp;
use crate::dataplane::{Dataplane, DataplaneError};

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
    let alike = |a: &MapOp, b: &MapOp| discriminant(a) == discriminant(b);
    for alike in ops.chunk_by(alike) {
        for ops in alike.chunks(together(&alike[0])) {
            match ops {
                [op] => dataplane.run(op)?,
                ops => dataplane.run_alike(ops)?,
            }
            for op in ops {
                actual.record(op);
            }
        }
    }
    Ok(())
}

/// How many operations of this kind are carried out at once. Only those that may be done again,
/// since it is not known how many of them a failure leaves done.
const fn together(op: &MapOp) -> usize {
    match op {
        // Enough that the call itself, and the wait for packets after it, cost nothing.
        MapOp::PutReal { .. }
        | MapOp::ZeroReal { .. }
        | MapOp::ZeroService { .. }
        | MapOp::PutDetails { .. }
        | MapOp::PutOrder { .. }
        | MapOp::PutRing { .. }
        | MapOp::RemoveOrder { .. }
        | MapOp::RemoveRing { .. } => 4096,
        _ => 1,
    }
}
