//! How long a probe may take, all its stages together.

use std::future::Future;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::failure::Failure;
use super::socket::Dial;

/// The end of a probe's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    limit: Duration,
}

impl Deadline {
    /// From now on.
    pub(super) fn after(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, limit }
    }

    /// How long it is still to go.
    pub(super) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Waits for what is to come, named as in `no greeting within 3 s`.
    ///
    /// # Errors
    /// [`Failure::Silence`], once the time is over.
    pub(super) async fn within<F: Future>(
        &self,
        awaited: &'static str,
        future: F,
    ) -> Result<F::Output, Failure> {
        timeout_at(self.at, future).await.map_err(|_| self.silence(awaited))
    }

    /// That the time is over.
    pub(super) const fn silence(&self, awaited: &'static str) -> Failure {
        Failure::Silence { awaited, limit: self.limit }
    }

    /// Connects by TCP.
    ///
    /// # Errors
    /// The time is over, or the kernel says why not.
    pub(super) async fn connect(&self, dial: &Dial) -> Result<TcpStream, Failure> {
        match timeout_at(self.at, dial.tcp()).await {
            Ok(connected) => connected.map_err(|error| Failure::of_io(&error)),
            Err(_) => Err(Failure::ConnectTimeout { limit: self.limit }),
        }
    }
}
