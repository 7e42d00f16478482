//! Waiting for a condition that nobody announces.

use std::time::{Duration, Instant};

use super::LabError;

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Returns as soon as `ready` says so.
///
/// # Errors
///
/// The condition is still false after `limit`, or looking at it fails.
pub fn wait_until(
    what: &str,
    limit: Duration,
    mut ready: impl FnMut() -> Result<bool, LabError>,
) -> Result<(), LabError> {
    let deadline = Instant::now() + limit;
    while !ready()? {
        if Instant::now() >= deadline {
            return Err(LabError::Timeout { what: what.to_owned(), limit });
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
