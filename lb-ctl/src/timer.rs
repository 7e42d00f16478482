//! Waiting for a moment.

use tokio::time::{Instant, sleep_until};

/// Waits for a moment that may not be set; for ever where it is not.
pub(crate) async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
