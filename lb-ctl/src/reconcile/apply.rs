//! Runs a plan on a data plane.

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
    for op in ops {
        dataplane.run(op)?;
        actual.record(op);
    }
    Ok(())
}
